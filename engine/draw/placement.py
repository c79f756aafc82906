"""From a graph to a scene: layers, order, rows, tracks and columns, frame by frame.

The layered layout of Sugiyama, Tagawa and Toda in four steps, each in its own file: `layers`, `crossings`, `rows`,
`tracks`. This one puts them together. Open groups are drawn first, from the inside out, so that the frame around them
knows their size; then everything gets its place, from the outside in.

The order inside layers does not depend on sizes. An `Arrangement` keeps it, so that all zooms of a graph show their
boxes in the same relation and only the first of them pays for the search.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.crossings import untangle
from engine.draw.groups import Level, levels
from engine.draw.layers import ENTRY, EXIT, HIGHWAY, Arc, Layered, Net, layered
from engine.draw.packing import Piece, chosen_columns, rows_for
from engine.draw.rows import rows
from engine.draw.scene import End, Form, Frame, Graph, Panel, Rect, Rule, Scene, Wire, Zoom
from engine.draw.sizes import Size, children, default_forms, listed_rows, sizes
from engine.draw.tracks import Strand, assign

GAP_LEAST, GAP_MOST = 5, 12
_FRAME_LEAST = 11
SIDE = 1  # empty columns inside a frame where nothing enters or leaves
_BLANK = {Zoom.CARD: 1, Zoom.LINE: 1, Zoom.DOT: 0}


class Arrangement:
    """The order of a graph's boxes inside their layers, worked out frame by frame when asked for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._layered: dict[int, tuple[tuple[int, ...], tuple[object, ...], Layered]] = {}

    def layered(self, level: Level) -> Layered:
        """A level's boxes (numbered by their place in `level.boxes`) in layers, untangled."""
        key = (tuple(level.boxes), tuple((link.source, link.target, link.kind) for link in level.links))
        kept = self._layered.get(level.group)
        if kept is None or kept[:2] != key:
            kept = (*key, self._arranged(level))
            self._layered[level.group] = kept
        return kept[2]

    def _arranged(self, level: Level) -> Layered:
        boxes = self.graph.boxes
        item_of = {box: item for item, box in enumerate(level.boxes)}
        arcs: list[Arc] = [
            (item_of.get(link.source, ENTRY), item_of.get(link.target, EXIT), link.kind == "order")
            for link in level.links
        ]
        lanes = self._lanes(level, arcs)
        drawn = layered(len(level.boxes), arcs, [boxes[box].layer for box in level.boxes], lanes)
        for part in drawn.parts:
            untangle(part.layers, drawn.up, drawn.down)
            for layer in part.layers:
                _sort_pinned(layer, {item: boxes[level.boxes[item]].pin for item in layer if item < drawn.boxes})
        if level.group < 0 and len(drawn.parts) > 1:
            _pack(drawn)
        return drawn

    def _lanes(self, level: Level, arcs: list[Arc]) -> list[int] | None:
        if level.group < 0 or not self.graph.boxes[level.group].lanes:
            return None
        lanes = [self.graph.boxes[box].lane for box in level.boxes]
        if any(source >= 0 and target >= 0 and lanes[source] != lanes[target] for source, target, _ in arcs):
            return None
        return lanes


def _pack(drawn: Layered) -> None:
    """Move whole parts to other columns, so that loose boxes fill a block."""
    pieces = [Piece(len(part.layers), max(map(len, part.layers))) for part in drawn.parts]
    for part, column in zip(drawn.parts, chosen_columns(pieces), strict=True):
        if part.first == 0 and column:
            part.first = column
            for number, layer in enumerate(part.layers):
                for item in layer:
                    drawn.layer[item] = column + number
    drawn.depth = max(part.first + len(part.layers) for part in drawn.parts)


def _sort_pinned(layer: list[int], pins: Mapping[int, int | None]) -> None:
    """Pinned items take the places that pinned items have, in the order of their rows."""
    places = [at for at, item in enumerate(layer) if pins.get(item) is not None]
    for at, item in zip(places, sorted([layer[at] for at in places], key=lambda item: pins[item] or 0), strict=True):
        layer[at] = item


def lay_out(
    graph: Graph,
    zoom: Zoom = Zoom.CARD,
    forms: Mapping[int, Form] | None = None,
    arrangement: Arrangement | None = None,
    blank: int | None = None,
) -> Scene:
    """Where everything stands. `forms` says how groups are shown (at cards; else all are closed), `blank` how many
    rows are free between boxes. Give the same `arrangement` for each zoom of a graph: it is faster, and keeps order."""
    forms = _effective(graph, default_forms(graph) if forms is None else forms, zoom)
    arrangement = arrangement or Arrangement(graph)
    found = sizes(graph, zoom, forms)
    sketches: dict[int, Sketch] = {}
    inner: dict[int, Sketch] = {}
    space = _BLANK[zoom] if blank is None else blank
    for level in reversed(levels(graph, forms)):
        sketch = Sketch(graph, zoom, level, arrangement.layered(level), found, inner, space)
        if level.group >= 0:
            found[level.group] = Size(sketch.width, sketch.height, stretches=False)
            inner[level.group] = sketch
        sketches[level.group] = sketch
    scene = Scene(graph, zoom)
    scene.forms = forms
    root = sketches[-1]
    root.place(scene, 0, 0)
    scene.width, scene.height = root.width, root.height
    for group, sketch in reversed(sketches.items()):
        if group >= 0:
            rect = scene.rects[group]
            sketch.place(scene, rect.x, rect.y)
    _place_listed(scene)
    return scene


def _effective(graph: Graph, forms: Mapping[int, Form], zoom: Zoom) -> dict[int, Form]:
    """Every group's form: closed unless cards are shown and all around it are open."""
    found: dict[int, Form] = {}
    for index, box in enumerate(graph.boxes):
        if box.group:
            bare = box.parent < 0 or found.get(box.parent) is Form.OPEN
            found[index] = forms.get(index, Form.CLOSED) if bare and zoom is Zoom.CARD else Form.CLOSED
    return found


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
        self.shift = 0
        self.row: list[int] = [0] * len(drawn.layer)
        self.port: int = 0
        self.rules: list[Rule] = []
        self.height = self._set_rows()
        self.highways = self._set_highways()
        if self.framed:
            self.port = self._port_row()
        self.strands = self._strands()
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
        for item, box in enumerate(self.level.boxes):
            pin = self.graph.boxes[box].pin
            if pin is not None:
                pins[item] = pin
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
        return rows(layers, self.drawn.up, self.drawn.down, self._apart, self.drawn.boxes, mine, least)

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
        return height + (1 + self.graph.boxes[self.level.group].behind if self.framed else 0)

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
            shift = len(free) + 1
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

    def _row_of(self, item: int, net: Net) -> int:
        if item >= 0:
            return self.row[item]
        return self.highways[net] if item == HIGHWAY or item in self.drawn.ramps else self.port

    def _strands(self) -> list[list[Strand]]:
        drawn = self.drawn
        found: list[list[Strand]] = [[] for _ in range(drawn.depth + 1)]
        if self.zoom is Zoom.DOT:
            return found
        for key, ((left, order), rights) in enumerate(drawn.hops.items()):
            net = (drawn.net[left] if left >= 0 else drawn.ramps.get(left)) or (left, order)
            ends = sorted({self._row_of(right, net) for right in rights})
            landing = {self.row[right] for right in rights if 0 <= right < drawn.boxes}
            gap = drawn.gap_of(left, rights)
            strand = Strand(key + 1, net[0], self._row_of(left, net), ends, landing)
            strand.hop = (left, order)
            found[gap].append(strand)
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
        self.gap_x: list[int] = []
        self.first_track: list[int] = []
        self.spacing: list[int] = []
        x = 1 if self.framed else 0
        for gap in range(depth + 1):
            self.gap_x.append(x)
            x += self._gap_width(gap)
            if gap < depth:
                self.column_x.append(x)
                self.column_width.append(max([self.size[item].width for item in self.members[gap]], default=0))
                x += self.column_width[-1]
        behind = self.framed and self.graph.boxes[self.level.group].behind
        self.width = max(x, _FRAME_LEAST) + 1 + behind if self.framed else x

    def _gap_width(self, gap: int) -> int:
        strands = self.strands[gap]
        outer = gap in (0, self.drawn.depth)
        if self.zoom is Zoom.DOT:
            self.first_track.append(self.gap_x[gap])
            self.spacing.append(1)
            return 0 if outer else 2
        tracks = assign(strands, set(self.highways.values()))
        self.height = max(self.height, tracks.lowest + 1 + self.framed)
        spacing = 2 if 2 * tracks.needed + 2 <= GAP_MOST else 1
        span = max(0, (tracks.needed - 1) * spacing + 1)
        if outer:
            wide = span + 3 if strands else SIDE if self.framed else 0
        else:
            wide = max(GAP_LEAST, span + 3)
        self.first_track.append(self.gap_x[gap] + (wide - span) // 2)
        self.spacing.append(spacing)
        return wide

    # -- places ------------------------------------------------------------------------------------------------------

    def place(self, scene: Scene, x: int, y: int) -> None:
        """Put it into a scene with its corner at (x, y)."""
        level, drawn = self.level, self.drawn
        panel = Panel(level.group, drawn, level.links)
        panel.rect = Rect(x, y, self.width, self.height)
        panel.port = y + self.port
        panel.column_x = [x + at for at in self.column_x]
        panel.column_width = self.column_width
        panel.gap_x = [x + at for at in self.gap_x]
        panel.rows = [y + at for at in self.row]
        panel.items = {box: item for item, box in enumerate(level.boxes)}
        for layer, members in enumerate(self.members):
            panel.members.append([level.boxes[item] for item in members])
            common = max([self.size[item].width for item in members if self.size[item].stretches], default=0)
            for item in members:
                size = self.size[item]
                scene.rects[level.boxes[item]] = Rect(
                    panel.column_x[layer],
                    panel.rows[item] - self.above[item],
                    common if size.stretches else size.width,
                    size.height,
                )
        scene.panels.append(panel)
        for link in level.links:
            (scene.enters if link.source == level.group else scene.leaves).add(link.source)
        if self.framed:
            indent = x + (self.column_x[0] - 1 if level.group in scene.enters and self.column_x else 2)
            rules = tuple(Rule(y + rule.row, rule.title, indent) for rule in self.rules)
            scene.frames.append(Frame(level.group, panel.rect, rules))
            scene.ports[level.group] = panel.port
        self._wire(scene, panel)

    def _wire(self, scene: Scene, panel: Panel) -> None:
        if self.zoom is Zoom.DOT:
            self._wire_dots(panel)
            return
        panel.wires = []
        for gap, strands in enumerate(self.strands):
            wires: list[Wire] = []
            for strand in strands:
                made = self._wires(scene, panel, gap, strand)
                panel.rails[strand.hop] = made
                wires += made
            panel.wires.append(wires)
        if self.highways:
            panel.roads = self._roads(panel)
            panel.wires.append(list(panel.roads.values()))

    def _roads(self, panel: Panel) -> dict[Net, Wire]:
        """The level wires of highways, from the track that goes up to the last that comes down."""
        first: dict[Net, Wire] = {net: panel.rails[net][-1] for net in self.highways}
        last: dict[Net, int] = {}
        for ramp, net in self.drawn.ramps.items():
            last[net] = max(last.get(net, 0), panel.rails[ramp, net[1]][0].x)
        return {
            net: Wire(
                up.source, net[1], panel.rect.y + row, up.x + 1, up.x + 1, [End(panel.rect.y + row, last[net] - 1, -1)]
            )
            for (net, row), up in zip(self.highways.items(), first.values(), strict=True)
        }

    def _wires(self, scene: Scene, panel: Panel, gap: int, strand: Strand) -> tuple[Wire, ...]:
        drawn, level = self.drawn, self.level
        left, order = strand.hop
        dy = panel.rect.y
        source = level.group if strand.source < 0 else level.boxes[strand.source]
        net = (strand.source, order)
        x = panel.rect.x + self.first_track[gap] + strand.track * self.spacing[gap]
        start = panel.gap_x[gap]
        if 0 <= left < drawn.boxes:
            start = scene.rects[level.boxes[left]].right
        elif left < HIGHWAY:
            start = x - 1
        second = strand.jog
        turn = panel.rect.x + self.first_track[gap] + second.track * self.spacing[gap] if second else x
        ends = []
        for right in drawn.hops[strand.hop]:
            row = dy + self._row_of(right, net)
            if right == HIGHWAY:
                ends.append(End(row, turn + 1, -1))
            elif right == EXIT:
                ends.append(End(row, panel.rect.right - 2 - self._behind(), -1))
            elif right < drawn.boxes:
                ends.append(End(row, panel.column_x[gap] - 1, level.boxes[right]))
            else:
                ends.append(End(row, panel.column_x[gap] + panel.column_width[gap] - 1, -1))
        ends.sort()
        if second is None:
            return (Wire(source, order, dy + strand.row, start, x if strand.upright else start, ends),)
        jog = dy + second.row
        return (
            Wire(source, order, dy + strand.row, start, x, [End(jog, turn - 1, -1)]),
            Wire(source, order, jog, turn - 1, turn, ends),
        )

    def _behind(self) -> int:
        return int(self.framed and self.graph.boxes[self.level.group].behind)

    def _wire_dots(self, panel: Panel) -> None:
        """Between dots there is one column for all tracks: only lit edges are shown there."""
        for _ in range(self.drawn.depth + 1):
            panel.wires.append([])
        for (left, order), rights in self.drawn.hops.items():
            near = [right for right in rights if right >= 0]
            if left < 0 or not near:
                continue
            gap = self.drawn.layer[left] + 1
            start = panel.gap_x[gap]
            ends = sorted(
                {End(panel.rows[right], panel.column_x[gap] - (right < self.drawn.boxes), -1) for right in near}
            )
            source = self.drawn.net[left][0] if self.drawn.net[left] else left  # type: ignore[index]
            wire = Wire(self.level.boxes[source], order, panel.rows[left], start, start, ends)
            panel.rails[left, order] = (wire,)


def _place_listed(scene: Scene) -> None:
    listed = [box for box, form in scene.forms.items() if form is Form.LISTED and scene.rects[box].width]
    if not listed:
        return
    inside = children(scene.graph)
    for group in listed:
        rect = scene.rects[group]
        wide = rect.width - 2 - scene.graph.boxes[group].behind
        for number, row in enumerate(listed_rows(scene.graph.boxes, group, inside[group])):
            if row.what == "child":
                scene.rects[row.box] = Rect(rect.x + 1, rect.y + 1 + number, wide, 1)
