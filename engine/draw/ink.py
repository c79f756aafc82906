"""Edges as cells: what stands where in a part of a scene.

Every wire is put down by itself; then what meets in a cell is settled:

- a net that goes on upright keeps the cell, and a level line of another net stops there: a bridge;
- all else that meets lands on the port row of one box: a joint;
- lit pieces are put on top, and join what is of their own net or lands with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.draw.layers import ENTRY, EXIT, Layered, Net
from engine.draw.scene import End, Link, Panel, Rect, Scene, Wire
from engine.draw.strokes import ARROW, DASHED, DEAD, DOWN, HEAD, LEFT, LEVEL, RIGHT, UP, UPRIGHT, heavy, joined

Ink = dict[int, dict[int, int]]
"""Row -> column -> stroke."""


def ink(scene: Scene, rect: Rect, lit: Collection[int] = (), dead: Collection[int] = ()) -> Ink:
    """The strokes of all edges in `rect`. `lit` edges (by index) are heavy and on top; what arrives at a box of
    `dead` ends in a cross."""
    sheet = Sheet(rect)
    for panel in scene.panels:
        if panel.rect.meets(rect):
            for gap in panel.gaps_in(rect.x, rect.right):
                sheet.put(panel.wires[gap], dead)
    if lit:
        top = Sheet(rect)
        top.put(lit_wires(scene, lit), dead)
        sheet.lay_over(top)
    return sheet.cells


def trail(panel: Panel, link: Link) -> list[tuple[Wire, End]]:
    """The wires that a link runs along, last first, each with the end at which it leaves the wire."""
    layered = panel.layered
    order = link.kind == "order"
    net = (ENTRY if link.source == panel.group else panel.items[link.source], order)
    right = EXIT if link.target == panel.group else panel.items[link.target]
    pieces: list[tuple[Wire, End]] = []
    ramp = layered.ramp_of.get((net, right))
    if ramp is not None:
        road = panel.roads.get(net)
        if road is None or not _follow(panel, (ramp, order), panel.row_of(right), pieces):
            return []
        pieces.append((road, road.ends[0]))
        return pieces if _follow(panel, net, road.row, pieces) else []
    while right != net[0]:
        left = _left_of(layered, net, right)
        if not _follow(panel, (left, order), panel.row_of(right), pieces):
            return []  # it would have to go backwards, so it is not drawn
        right = left
    return pieces


def _follow(panel: Panel, hop: tuple[int, bool], row: int, pieces: list[tuple[Wire, End]]) -> bool:
    """Add the wire of a hop, and the one before it where it had to change its track; False if there is none."""
    rails = panel.rails.get(hop)
    if rails is None:
        return False
    pieces.append((rails[-1], next(end for end in rails[-1].ends if end.row == row)))
    if len(rails) > 1:
        pieces.append((rails[0], rails[0].ends[0]))
    return True


def _left_of(layered: Layered, net: Net, right: int) -> int:
    """The item of a net from which a line comes to `right`."""
    source = net[0]
    if right == EXIT:
        return layered.exits[net]
    if right >= layered.boxes:
        return layered.up[right][0] if layered.up[right] else ENTRY
    if source >= 0 and layered.layer[source] + 1 >= layered.layer[right]:
        return source
    return next((item for item in layered.up[right] if layered.net[item] == net), ENTRY)


def lit_wires(scene: Scene, lit: Collection[int]) -> Iterable[Wire]:
    """The parts of wires that the given edges run along."""
    chosen = set(lit)
    parts: dict[int, tuple[Wire, set[End]]] = {}
    for panel in scene.panels:
        for link in panel.links:
            if not chosen.isdisjoint(link.edges):
                for wire, end in trail(panel, link):
                    parts.setdefault(id(wire), (wire, set()))[1].add(end)
    for wire, ends in parts.values():
        yield Wire(wire.source, wire.dashed, wire.row, wire.start, wire.x, sorted(ends))


class Sheet:
    """The cells of a rectangle, with the net that goes on upright in each."""

    def __init__(self, rect: Rect) -> None:
        self.rect = rect
        self.cells: Ink = {}
        self.through: dict[tuple[int, int], int] = {}
        self.level: dict[tuple[int, int], int] = {}

    def put(self, wires: Iterable[Wire], dead: Collection[int] = ()) -> None:
        """Put down wires: their tracks first, then what is level."""
        top, bottom = self.rect.y, self.rect.bottom
        seen = [wire for wire in wires if wire.top < bottom and wire.bottom >= top]
        for wire in seen:
            if wire.top < wire.bottom and self.rect.x <= wire.x < self.rect.right:
                self._track(wire)
        for wire in seen:
            self._level(wire, dead)

    def _track(self, wire: Wire) -> None:
        x, style = wire.x, DASHED if wire.dashed else 0
        sides = {wire.row: LEFT if wire.start < x else 0}
        for at, stop, _ in wire.ends:
            sides[at] = sides.get(at, 0) | (RIGHT if stop > x else 0)
        for y in range(max(wire.top, self.rect.y), min(wire.bottom + 1, self.rect.bottom)):
            arms = (UP if y > wire.top else 0) | (DOWN if y < wire.bottom else 0)
            row = self.cells.setdefault(y, {})
            stroke = arms | sides.get(y, 0) | style
            if arms == UPRIGHT:
                own = row[x] if x in row and self.through.get((x, y)) == wire.source else 0
                row[x] = joined(own, stroke)
                self.through[x, y] = wire.source
            elif (x, y) not in self.through:
                row[x] = joined(row.get(x, 0), stroke)

    def _level(self, wire: Wire, dead: Collection[int]) -> None:
        style = LEVEL | (DASHED if wire.dashed else 0)
        upright = wire.top < wire.bottom
        if wire.start < wire.x:
            self._run(wire, wire.row, wire.start, wire.x, style)
        first = wire.x + 1 if upright else wire.x
        for row, stop, target in wire.ends:
            if self.rect.y <= row < self.rect.bottom:
                self._run(wire, row, first, stop + (target < 0), style)
                if target >= 0 and self.rect.x <= stop < self.rect.right:
                    cells = self.cells.setdefault(row, {})
                    head = DEAD if target in dead else ARROW
                    cells[stop] = joined(cells.get(stop, 0) & ~HEAD, style) | head

    def _run(self, wire: Wire, y: int, first: int, stop: int, stroke: int) -> None:
        if not self.rect.y <= y < self.rect.bottom:
            return
        cells = self.cells.setdefault(y, {})
        for x in range(max(first, self.rect.x), min(stop, self.rect.right)):
            if x not in cells:
                cells[x] = stroke
                self.level[x, y] = wire.source
            elif self.through.get((x, y), wire.source) == wire.source:
                cells[x] = joined(cells[x], stroke)

    def lay_over(self, top: Sheet) -> None:
        """Put another sheet's lines, made heavy, over this one's."""
        for y, row in top.cells.items():
            cells = self.cells.setdefault(y, {})
            for x, stroke in row.items():
                owner = self.through.get((x, y))
                crosses = owner is not None and not stroke & (UPRIGHT * 3) and top.level.get((x, y)) != owner
                cells[x] = heavy(stroke) if crosses else joined(cells.get(x, 0), heavy(stroke))
