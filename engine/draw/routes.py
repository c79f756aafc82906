"""Edges as runs of cells: the wires of a frame, once tracks and places are known.

A wire is one net in one gap: level from the port of its source (or from where it came through the layer before) to its
track, upright there, level to each port or stand-in on the right. Where tracks had to be changed there are two; a net
with a highway has one more for it. So what a picture needs is as large as the nets in it, however long the edges are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

from engine.draw.layers import EXIT, HIGHWAY, Layered, Net
from engine.draw.scene import End, Panel, Rect, Scene, Wire, Zoom
from engine.draw.sketch import Sketch
from engine.draw.tracks import Strand


def wire(sketch: Sketch, scene: Scene, panel: Panel) -> None:
    """Fill a panel, whose boxes have their places, with the wires of all its links."""
    if sketch.zoom is Zoom.DOT:
        panel.wires = [[] for _ in range(sketch.drawn.depth + 1)]
        panel.rails = DotRails(sketch, panel)
        return
    wires = Wires(sketch, scene.rects, panel)
    was, sketch.was = sketch.was, None
    if was is not None and isinstance(was.wires, Wires):
        wires.take(was.wires, [gap for gap in sketch.quiet if _stands(panel, was, gap)])
    panel.wires, panel.rails = wires, Rails(wires, sketch.drawn)
    if sketch.highways:
        panel.roads = _roads(sketch, panel)
        wires.roads = list(panel.roads.values())


class Wires(Sequence[list[Wire]]):
    """The wires of a panel by gap, made when somebody looks there: an edit may push all columns aside, and few are seen."""

    __slots__ = ("_made", "_panel", "_rects", "_sketch", "roads")

    def __init__(self, sketch: Sketch, rects: list[Rect], panel: Panel) -> None:
        self._sketch = sketch
        self._rects = rects
        self._panel = panel
        self._made: dict[int, tuple[list[Wire], dict[Net, tuple[Wire, ...]]]] = {}
        self.roads: list[Wire] = []

    def take(self, others: Wires, gaps: Iterable[int]) -> None:
        """Share those of some gaps, as far as they were made."""
        self._made.update((gap, others._made[gap]) for gap in gaps if gap in others._made)

    def rails_in(self, gap: int) -> dict[Net, tuple[Wire, ...]]:
        """The wires of a gap by hop."""
        return self._of(gap)[1]

    def __len__(self) -> int:
        return self._sketch.drawn.depth + 1 + bool(self.roads)

    @overload
    def __getitem__(self, gap: int) -> list[Wire]: ...
    @overload
    def __getitem__(self, gap: slice) -> list[list[Wire]]: ...
    def __getitem__(self, gap: int | slice) -> list[Wire] | list[list[Wire]]:
        if isinstance(gap, slice):
            return [self[at] for at in range(*gap.indices(len(self)))]
        at = range(len(self))[gap]
        return self.roads if at > self._sketch.drawn.depth else self._of(at)[0]

    def __repr__(self) -> str:
        return repr(list(self))

    def _of(self, gap: int) -> tuple[list[Wire], dict[Net, tuple[Wire, ...]]]:
        found = self._made.get(gap)
        if found is None:
            rails = {
                strand.hop: _wires(self._sketch, self._rects, self._panel, gap, strand)
                for strand in self._sketch.strands_in(gap)
            }
            found = self._made[gap] = [wire for made in rails.values() for wire in made], rails
        return found


class Rails(Mapping[tuple[int, bool], tuple[Wire, ...]]):
    """The wires of a panel by hop."""

    __slots__ = ("_drawn", "_wires")

    def __init__(self, wires: Wires, drawn: Layered) -> None:
        self._wires = wires
        self._drawn = drawn

    def __getitem__(self, hop: tuple[int, bool]) -> tuple[Wire, ...]:
        return self._wires.rails_in(self._drawn.gap_of(hop[0], self._drawn.hops[hop]))[hop]

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        return iter(self._drawn.hops)

    def __len__(self) -> int:
        return len(self._drawn.hops)


def _stands(panel: Panel, was: Panel, gap: int) -> bool:
    """Whether a gap and the columns beside it are where they were."""
    if panel.rect[:2] != was.rect[:2] or panel.gap_x[gap] != was.gap_x[gap]:
        return False
    if gap == len(panel.column_x):
        return panel.rect == was.rect
    beside = gap == 0 or panel.cards[gap - 1] == was.cards[gap - 1]
    return beside and panel.column_x[gap] == was.column_x[gap] and panel.column_width[gap] == was.column_width[gap]


def _roads(sketch: Sketch, panel: Panel) -> dict[Net, Wire]:
    """The level wires of highways, from the track that goes up to the last that comes down."""
    first: dict[Net, Wire] = {net: panel.rails[net][-1] for net in sketch.highways}
    last: dict[Net, int] = {}
    for ramp, net in sketch.drawn.ramps.items():
        last[net] = max(last.get(net, 0), panel.rails[ramp, net[1]][0].x)
    return {
        net: Wire(
            up.source, net[1], panel.rect.y + row, up.x + 1, up.x + 1, [End(panel.rect.y + row, last[net] - 1, -1)]
        )
        for (net, row), up in zip(sketch.highways.items(), first.values(), strict=True)
    }


def _wires(sketch: Sketch, rects: list[Rect], panel: Panel, gap: int, strand: Strand) -> tuple[Wire, ...]:
    drawn, level = sketch.drawn, sketch.level
    left, order = strand.hop
    dy = panel.rect.y
    source = level.group if strand.source < 0 else level.boxes[strand.source]
    net = (strand.source, order)
    first, spacing = panel.gap_x[gap] + sketch.gaps[gap].first, sketch.gaps[gap].spacing
    x = first + strand.track * spacing
    start = panel.gap_x[gap]
    if 0 <= left < drawn.boxes:
        start = rects[level.boxes[left]].right
    elif left < HIGHWAY:
        start = x - 1
    second = strand.jog
    turn = first + second.track * spacing if second else x
    ends = []
    for right in drawn.hops[strand.hop]:
        row = dy + sketch.row_of(right, net)
        if right == HIGHWAY:
            ends.append(End(row, turn + 1, -1))
        elif right == EXIT:
            ends.append(End(row, panel.rect.right - 2 - sketch.behind, -1))
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


class DotRails(dict[tuple[int, bool], tuple[Wire, ...]]):
    """The wires between dots, made when asked for: only lit edges are shown there, on one column for all tracks."""

    __slots__ = ("_panel", "_sketch")

    def __init__(self, sketch: Sketch, panel: Panel) -> None:
        super().__init__()
        self._sketch = sketch
        self._panel = panel

    def get(self, hop: tuple[int, bool], default: object = None) -> tuple[Wire, ...] | None:  # type: ignore[override]
        if hop not in self:
            made = self._wire(*hop)
            if made is None:
                return None
            self[hop] = (made,)
        return self[hop]

    def _wire(self, left: int, order: bool) -> Wire | None:
        sketch, panel, drawn = self._sketch, self._panel, self._sketch.drawn
        near = [right for right in drawn.hops.get((left, order), ()) if right >= 0]
        if left < 0 or not near:
            return None
        gap = drawn.layer[left] + 1
        start = panel.gap_x[gap]
        ends = {End(panel.rows[right], panel.column_x[gap] - (right < drawn.boxes), -1) for right in near}
        net = drawn.net[left]
        source = sketch.level.boxes[net[0] if net else left]
        return Wire(source, order, panel.rows[left], start, start, sorted(ends))
