"""One frame, drawn as if its corner were at (0, 0): the row of every item, the column of every layer, every track."""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.groups import Level
from engine.draw.layers import ENTRY, HIGHWAY, Layered, Net
from engine.draw.packing import Piece, rows_for
from engine.draw.rows import rows
from engine.draw.scene import Gap, Graph, Panel, Rule, Zoom
from engine.draw.sizes import Size
from engine.draw.steady import Footing, held, keys_of, wish_of
from engine.draw.tracks import Signature, Solution, Strand, Tracks, assign, assign_again, signature, solution

GAP_LEAST, GAP_MOST = 5, 12
_FRAME_LEAST = 11
_SOLVED = 3  # tracks of gaps are remembered for so many pictures
_SIDE = 1  # empty columns inside a frame where nothing enters or leaves


class Sketch:
    """One frame, drawn as if its corner were at (0, 0)."""

    def __init__(
        self,
        graph: Graph,
        zoom: Zoom,
        level: Level,
        drawn: Layered,
        found: list[Size],
        inner: Mapping[int, Sketch],
        space: int,
        stood: Footing | None = None,
        was: Panel | None = None,
    ) -> None:
        self.graph = graph
        self.zoom = zoom
        self.level = level
        self.drawn = drawn
        self.inner = inner
        self.size = [found[box] for box in level.boxes]
        self.above = [inner[box].port if box in inner else int(found[box].height > 1) for box in level.boxes]
        self.space = space
        self.framed = level.group >= 0
        self.behind = int(self.framed and graph.boxes[level.group].behind)
        self.row: list[int] = [0] * len(drawn.layer)
        self.port: int = 0
        self.rules: list[Rule] = []
        self.stood = stood if drawn.held else None
        self.lift = 0
        self.solved: dict[Signature, Solution] = {}
        self.height = self._set_rows() if self.stood is None else self._hold_rows(self.stood)
        self.highways = self._set_highways()
        if self.framed:
            self.port = self._port_row() if self.stood is None else self.stood.port + self.lift
        self.was = (
            was if was is not None and was.layered is drawn.origin and not inner and zoom is not Zoom.DOT else None
        )
        self.quiet = self._quiet()
        self._strands: dict[int, list[Strand]] = {}
        if self.was is not None:
            self.solved = dict(list(self.was.solved.items())[-_SOLVED * (drawn.depth + 1) :])
        self.members: list[list[int]] = [[] for _ in range(drawn.depth)]
        self._set_members()
        self._set_columns()

    # -- rows --------------------------------------------------------------------------------------------------------

    def _apart(self, upper: int, lower: int) -> int:
        boxes = self.drawn.boxes
        below = self.size[upper].height - self.above[upper] if upper < boxes else 1
        above = self.above[lower] if lower < boxes else 0
        return below + above + (self.space if upper < boxes or lower < boxes else 0)

    def _extent(self, item: int) -> tuple[int, int]:
        if item >= self.drawn.boxes:
            return 0, 1
        return self.above[item], self.size[item].height - self.above[item]

    def _set_rows(self) -> int:
        parts = self.drawn.parts
        pins: dict[int, int] = {}
        if self.zoom is Zoom.CARD:  # a pin is a row among cards; other zooms keep its order
            wanted = ((item, self.graph.boxes[box].pin) for item, box in enumerate(self.level.boxes))
            pins = {item: pin for item, pin in wanted if pin is not None}
        tops: list[int] = []
        pieces: list[Piece] = []
        for part in parts:
            found = self._part_rows(part.layers, pins)
            top = bottom = None
            for item, at in found.items():
                self.row[item] = at
                above, below = self._extent(item)
                top = at - above if top is None else min(top, at - above)
                bottom = at + below if bottom is None else max(bottom, at + below)
            tops.append(top or 0)
            pieces.append(Piece(len(part.layers), (bottom or 0) - (top or 0)))
        if pins and not self.framed:
            return self._as_pinned()
        return self._stack(tops, pieces)

    def _part_rows(self, layers: list[list[int]], pins: dict[int, int]) -> dict[int, int]:
        if len(layers) == 1 and len(layers[0]) == 1:
            return {layers[0][0]: pins.get(layers[0][0], 0)}
        mine = {item: pins[item] for layer in layers for item in layer if item in pins} if pins else {}
        least = max(self.above, default=0)
        return rows(
            [layer for layer in layers if layer],
            self.drawn.up,
            self.drawn.down,
            self._apart,
            self.drawn.boxes,
            mine,
            least,
            coarse=self.zoom is Zoom.DOT,
        )

    def _hold_rows(self, stood: Footing) -> int:
        """What stood stays; the height."""
        drawn = self.drawn
        zoom, kept = drawn.rows
        gone: Mapping[int, int] = {}
        if zoom != self.zoom:
            keys = keys_of(drawn, [self.graph.boxes[box].path for box in self.level.boxes])
            kept = {
                item: stood.rows[key]
                for item, key in enumerate(keys)
                if key in stood.rows and stood.columns[key] == drawn.layer[item]
            }
            gone = {item: stood.gone[key][1] for item, key in enumerate(keys) if key in stood.gone}
        pins: dict[int, int] = {}
        if self.zoom is Zoom.CARD:
            found = ((item, self.graph.boxes[box].pin) for item, box in enumerate(self.level.boxes))
            pins = {item: pin for item, pin in found if pin is not None}
        row = kept | pins

        def wish(item: int) -> int | None:
            return gone[item] if item in gone else wish_of(item, drawn, row)

        for part in drawn.parts:
            for column in part.layers:
                row.update(zip(column, held(column, kept, wish, self._apart, pins, self._least), strict=True))
        self.row = [row[item] for item in range(len(drawn.layer))]
        bottom = max([row[item] + self._extent(item)[1] for item in row], default=3 - self.framed)
        return bottom + self.framed + self.behind

    def _least(self, item: int) -> int:
        return self._extent(item)[0] + self.framed

    def _as_pinned(self) -> int:
        """Pinned rows hold; parts without a pin go below the rest."""
        top = min(self.row[item] - self._extent(item)[0] for item in range(len(self.row)))
        if top < 0:
            self.row = [at - top for at in self.row]
        return max(self.row[item] + self._extent(item)[1] for item in range(len(self.row)))

    def _stack(self, tops: list[int], pieces: list[Piece]) -> int:
        """Put the parts below each other, or where packing wants them; the height."""
        parts = self.drawn.parts
        if not parts:
            return 3 if self.framed else 0
        if not self.framed:
            starts = rows_for(pieces, [part.first for part in parts], self.space)
        elif self.graph.boxes[self.level.group].lanes and len(parts) > 1:
            starts = self._lanes(pieces)
        else:
            starts = [
                row + 1 for row in rows_for([Piece(1, piece.rows) for piece in pieces], [0] * len(parts), self.space)
            ]
        for part, start, top in zip(parts, starts, tops, strict=True):
            for layer in part.layers:
                for item in layer:
                    self.row[item] += start - top
        height = max(start + piece.rows for start, piece in zip(starts, pieces, strict=True))
        return height + (1 + self.behind if self.framed else 0)

    def _lanes(self, pieces: list[Piece]) -> list[int]:
        titles = self.graph.boxes[self.level.group].lanes
        boxes = self.graph.boxes
        row = 1
        starts = []
        for part, piece in zip(self.drawn.parts, pieces, strict=True):
            lane = next(boxes[self.level.boxes[item]].lane for layer in part.layers for item in layer)
            self.rules.append(Rule(row, titles[lane]))
            starts.append(row + 1)
            row += 1 + piece.rows
        return starts

    def _set_highways(self) -> dict[Net, int]:
        """A row above everything for each net that has a highway; nets that do not meet share one."""
        drawn = self.drawn
        spans: dict[Net, int] = {}
        for ramp, net in drawn.ramps.items():
            spans[net] = max(spans.get(net, 0), drawn.gap_of(ramp, drawn.hops[ramp, net[1]]))
        free: list[int] = []
        taken: dict[Net, int] = {}
        for net in sorted(spans, key=lambda net: (drawn.layer[net[0]], net)):
            start = drawn.layer[net[0]]
            lane = next((at for at, until in enumerate(free) if until < start), len(free))
            free[lane : lane + 1] = [spans[net]]
            taken[net] = lane + self.framed
        if free:
            shift = self.lift = len(free) + 1
            self.row = [row + shift for row in self.row]
            self.rules = [Rule(rule.row + shift, rule.title) for rule in self.rules]
            self.height += shift
        return taken

    def _port_row(self) -> int:
        entered = [right for order in (False, True) for right in self.drawn.hops.get((ENTRY, order), ())]
        if not self.drawn.parts:
            return 1
        first = [item for item in self.drawn.parts[0].layers[0] if not entered or item in entered]
        first = first or self.drawn.parts[0].layers[0]
        return self.row[first[len(first) // 2]]

    # -- columns -----------------------------------------------------------------------------------------------------

    def row_of(self, item: int, net: Net) -> int:
        """The row of an item, of the frame's port, or of the net's highway."""
        if item >= 0:
            return self.row[item]
        return self.highways[net] if item == HIGHWAY or item in self.drawn.ramps else self.port

    def _quiet(self) -> frozenset[int]:
        """The gaps in which nothing is another than before: no row on either side has changed."""
        was, layer = self.was, self.drawn.layer
        if was is None or self.port + was.rect.y != was.port:
            return frozenset()
        top = was.rect.y
        rows = zip(self.row, was.rows, strict=True)
        stirred = {layer[item] for item, (row, before) in enumerate(rows) if row + top != before}
        return frozenset(at for at in range(self.drawn.depth + 1) if at not in stirred and at - 1 not in stirred)

    def strands_in(self, gap: int) -> list[Strand]:
        """The strands of a gap, with their tracks. They are for one who asks once."""
        found = self._strands.pop(gap, None)
        if found is None:  # it was quiet, but its columns went aside
            found = self._strands_of(gap)
            self._tracks(found)
        return found

    def _strands_of(self, gap: int) -> list[Strand]:
        drawn, row, boxes = self.drawn, self.row, self.drawn.boxes
        found: list[Strand] = []
        for key, left, order, rights in drawn.hops_in(gap):
            net = (drawn.net[left] if left >= 0 else drawn.ramps.get(left)) or (left, order)
            if len(rights) == 1 and rights[0] >= 0:
                ends = [row[rights[0]]]
                landing = set(ends) if rights[0] < boxes else set()
            else:
                ends = sorted({self.row_of(right, net) for right in rights})
                landing = {row[right] for right in rights if 0 <= right < boxes}
            strand = Strand(key, net[0], row[left] if left >= 0 else self.row_of(left, net), ends, landing)
            strand.hop = (left, order)
            found.append(strand)
        return found

    def _set_members(self) -> None:
        for item in range(self.drawn.boxes):
            self.members[self.drawn.layer[item]].append(item)
        for layer in self.members:
            layer.sort(key=self.row.__getitem__)

    def _set_columns(self) -> None:
        depth = self.drawn.depth
        self.column_x: list[int] = []
        self.column_width: list[int] = []
        self.cards: list[int] = []
        self.gap_x: list[int] = []
        self.gaps: list[Gap] = []
        x = 1 if self.framed else 0
        for gap in range(depth + 1):
            self.gap_x.append(x)
            x += self._gap_width(gap)
            if gap < depth:
                self.column_x.append(x)
                sizes = [self.size[item] for item in self.members[gap]]
                stretched = max([size.width for size in sizes if size.stretches], default=0)
                stood = self.stood.cards[gap] if self.stood is not None and gap < len(self.stood.cards) else 0
                self.cards.append(max(stretched, stood))
                self.column_width.append(max([self.cards[-1], *(size.width for size in sizes)]))
                x += self.column_width[-1]
        self.width = max(x, _FRAME_LEAST) + 1 + self.behind if self.framed else x

    def _tracks(self, strands: list[Strand]) -> Tracks:
        """The tracks of a gap; those of before where nothing in it is new."""
        if len(strands) < 2:
            return assign(strands)
        taken = sorted(set(self.highways.values()))
        key = signature(strands, taken)
        known = self.stood.solved.get(key) if self.stood is not None else None
        tracks = assign(strands, taken) if known is None else assign_again(strands, known)
        self.solved[key] = solution(strands, tracks) if known is None else known
        return tracks

    def _gap_width(self, number: int) -> int:
        gap = self.was.gaps[number] if self.was is not None and number in self.quiet else self._gap(number)
        self.gaps.append(gap)
        self.height = max(self.height, gap.lowest + 1 + self.framed)
        return gap.width

    def _gap(self, number: int) -> Gap:
        outer = number in (0, self.drawn.depth)
        if self.zoom is Zoom.DOT:
            return Gap(0 if outer else 2, 0, 1, -1)
        strands = self._strands[number] = self._strands_of(number)
        needed, lowest = self._tracks(strands)
        stood = self.stood.gaps[number] if self.stood is not None and number < len(self.stood.gaps) else 0
        spacing = 2 if 2 * needed + 2 <= GAP_MOST and not needed + 3 <= stood < 2 * needed + 2 else 1
        span = max(0, (needed - 1) * spacing + 1)
        if outer:
            wide = span + 3 if strands else _SIDE if self.framed else 0
        else:
            wide = max(GAP_LEAST, span + 3)
        wide = max(wide, stood)
        return Gap(wide, (wide - span) // 2, spacing, lowest)
