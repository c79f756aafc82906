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
        _wire_dots(sketch, panel)
        return
    panel.wires = []
    for gap, strands in enumerate(sketch.strands):
        wires: list[Wire] = []
        for strand in strands:
            made = _wires(sketch, scene, panel, gap, strand)
            panel.rails[strand.hop] = made
            wires += made
        panel.wires.append(wires)
    if sketch.highways:
        panel.roads = _roads(sketch, panel)
        panel.wires.append(list(panel.roads.values()))


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
    x = panel.rect.x + sketch.first_track[gap] + strand.track * sketch.spacing[gap]
    start = panel.gap_x[gap]
    if 0 <= left < drawn.boxes:
        start = scene.rects[level.boxes[left]].right
    elif left < HIGHWAY:
        start = x - 1
    second = strand.jog
    turn = panel.rect.x + sketch.first_track[gap] + second.track * sketch.spacing[gap] if second else x
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


def _wire_dots(sketch: Sketch, panel: Panel) -> None:
    """Between dots there is one column for all tracks: only lit edges are shown there."""
    for _ in range(sketch.drawn.depth + 1):
        panel.wires.append([])
    for (left, order), rights in sketch.drawn.hops.items():
        near = [right for right in rights if right >= 0]
        if left < 0 or not near:
            continue
        gap = sketch.drawn.layer[left] + 1
        start = panel.gap_x[gap]
        ends = sorted(
            {End(panel.rows[right], panel.column_x[gap] - (right < sketch.drawn.boxes), -1) for right in near}
        )
        source = sketch.drawn.net[left][0] if sketch.drawn.net[left] else left  # type: ignore[index]
        wire = Wire(sketch.level.boxes[source], order, panel.rows[left], start, start, ends)
        panel.rails[left, order] = (wire,)
