"""Edges as runs of cells: the wires of a frame, once tracks and places are known.

A wire is one net in one gap: level from the port of its source (or from where it came through the layer before) to its
track, upright there, level to each port or stand-in on the right. Where tracks had to be changed there are two; a net
with a highway has one more for it. So what a picture needs is as large as the nets in it, however long the edges are.
"""

from __future__ import annotations

from engine.draw.layers import EXIT, HIGHWAY, Net
from engine.draw.scene import End, Panel, Scene, Wire, Zoom
from engine.draw.sketch import Sketch
from engine.draw.tracks import Strand


def wire(sketch: Sketch, scene: Scene, panel: Panel) -> None:
    """Fill a panel, whose boxes have their places, with the wires of all its links."""
    if sketch.zoom is Zoom.DOT:
        panel.wires = [[] for _ in range(sketch.drawn.depth + 1)]
        panel.rails = DotRails(sketch, panel)
        return
    panel.wires = []
    was = sketch.was
    if was is not None:
        panel.rails = dict(was.rails)
    for gap in range(sketch.drawn.depth + 1):
        if was is not None and gap in sketch.quiet and _stands(panel, was, gap):
            panel.wires.append(was.wires[gap])
            continue
        wires: list[Wire] = []
        for strand in sketch.strands_in(gap):
            made = _wires(sketch, scene, panel, gap, strand)
            panel.rails[strand.hop] = made
            wires += made
        panel.wires.append(wires)
    if sketch.highways:
        panel.roads = _roads(sketch, panel)
        panel.wires.append(list(panel.roads.values()))


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


def _wires(sketch: Sketch, scene: Scene, panel: Panel, gap: int, strand: Strand) -> tuple[Wire, ...]:
    drawn, level = sketch.drawn, sketch.level
    left, order = strand.hop
    dy = panel.rect.y
    source = level.group if strand.source < 0 else level.boxes[strand.source]
    net = (strand.source, order)
    first, spacing = panel.gap_x[gap] + sketch.gaps[gap].first, sketch.gaps[gap].spacing
    x = first + strand.track * spacing
    start = panel.gap_x[gap]
    if 0 <= left < drawn.boxes:
        start = scene.rects[level.boxes[left]].right
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
