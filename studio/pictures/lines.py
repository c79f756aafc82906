"""The lines of a scene on a grid: all edges at rest, and on top of them those that are lit.

Lines at rest do not change while a person moves about, so they are kept by tiles of the scene. What is lit is worked out
for the part in view, from the edges that are lit and not from all there are.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator

from engine.draw.ink import Sheet, trail
from engine.draw.scene import End, Link, Panel, Rect, Scene, Wire, Zoom
from engine.draw.strokes import ASCII, UNICODE, UPRIGHT, heavy, joined
from studio.pictures.cells import Grid, tone
from studio.pictures.lit_dots import LitDots
from studio.pictures.view import Style, View

TILE_WIDTH, TILE_HEIGHT = 64, 16
_MAX_TILES = 256
_VERSIONS = 3
"""How many versions of a tile are kept: what an edit made, and what undoing it shows again."""

Shelf = dict[tuple[int, int], list[tuple[Sheet, list[list[Wire]]]]]
"""Tiles by their place, each with the wires in it, the newest last; handed on from scene to scene."""


class Lines:
    """Draws the lines of one scene. Holds nothing but what follows from the scene. Tiles of the lines `before` an edit are
    taken over where the wires in them are the same."""

    def __init__(self, scene: Scene, style: Style, before: Lines | None = None) -> None:
        self.scene = scene
        self._rest: tuple[bool, Grid] | None = None
        self._lit: tuple[Collection[int], tuple[str, bool], Grid, dict[int, str]] | None = None
        self._top: tuple[Collection[int], Sheet, set[int]] | None = None
        self._chars = ASCII if style.ascii else UNICODE
        self._tiles: dict[tuple[int, int], Sheet] = {}
        self._shelf: Shelf = before._shelf if before is not None else {}
        self._trails: dict[Link, list[tuple[Wire, End]]] = {}
        self._spans: list[dict[int, list[tuple[int, int, Link]]]] | None = None
        self._dots: LitDots | None = None

    def grid(self, rect: Rect, view: View) -> tuple[Grid, dict[int, str]]:
        """All edges, on a grid to go on with; the boxes with a lit line at their right port (~box: inside of their
        left one). Kept for as long as nobody moves, since what runs changes no line."""
        edges, token = (view.critical, "critical") if view.critical else (view.lit, "accent")
        dim = view.only is not None
        kept = self._lit
        if kept is None or kept[0] is not edges or kept[1] != (token, dim) or not kept[2].covers(rect):
            grid = self._at_rest(rect, dim)
            ports = self._light(grid, rect, edges, token) if edges else {}
            kept = self._lit = (edges, (token, dim), grid, ports)
        return kept[2].copy(rect), kept[3]

    def _at_rest(self, rect: Rect, dim: bool) -> Grid:
        """All edges as they are when nothing is lit; a grid to go on with."""
        if self.scene.zoom is Zoom.DOT:
            return Grid(rect)
        if self._rest is None or self._rest[0] != dim or not self._rest[1].covers(rect):
            grid = Grid(rect)
            chars, ink = self._chars, tone("line" if dim else "edge")
            left, width = grid.x, grid.width
            for sheet in self._tiles_in(rect):
                for y in range(max(rect.y, sheet.rect.y), min(rect.bottom, sheet.rect.bottom)):
                    cells = sheet.cells.get(y)
                    if cells:
                        line, tones = grid.line(y)
                        for x, stroke in cells.items():
                            if 0 <= (at := x - left) < width:
                                line[at] = chars[stroke]
                                tones[at] = ink
            self._rest = (dim, grid)
        return self._rest[1].copy(rect)

    def _light(self, grid: Grid, rect: Rect, edges: Collection[int], token: str) -> dict[int, str]:
        """Put what is lit on top; the ports it has."""
        chars, ink = self._chars, tone(token)
        if self.scene.zoom is Zoom.DOT:
            if self._dots is None:
                self._dots = LitDots(self.scene, chars)
            self._dots.put(grid, rect, frozenset(edges), ink)
            return {}
        top, ports = self._lit_sheet(rect, edges)
        left, right = rect.x, rect.right
        for y in range(rect.y, rect.bottom):
            row = top.cells.get(y)
            if not row:
                continue
            line, tones = grid.line(y)
            down = y // TILE_HEIGHT
            for x, stroke in row.items():
                if left <= x < right:
                    line[x - left] = chars[_over(self._tile(x // TILE_WIDTH, down), top, x, y, stroke)]
                    tones[x - left] = ink
        return dict.fromkeys(ports, token)

    def _lit_sheet(self, rect: Rect, edges: Collection[int]) -> tuple[Sheet, set[int]]:
        """The strokes of what is lit, and its ports. Who asks for the same again somewhere else is panning, and gets
        a sheet with half a view more on each side, which holds for some steps."""
        kept = self._top
        if kept is not None and kept[0] is edges:
            if _within(rect, kept[1].rect):
                return kept[1], kept[2]
            wide, high = rect.width // 2, rect.height // 2
            rect = Rect(rect.x - wide, rect.y - high, rect.width + 2 * wide, rect.height + 2 * high)
        top, ports = Sheet(rect), set[int]()
        top.put(list(self._lit_wires(rect, edges, ports)))
        self._top = (edges, top, ports)
        return top, ports

    def _tiles_in(self, rect: Rect) -> list[Sheet]:
        return [self._tile(column, row) for column, row in _tiles(rect)]

    def _lit_wires(self, rect: Rect, edges: Collection[int], ports: set[int]) -> Iterator[Wire]:
        """The parts in view of wires that these edges run along."""
        parts: dict[int, tuple[Wire, set[End]]] = {}
        for panel, spans in zip(self.scene.panels, self._by_edge(), strict=True):
            if not panel.rect.meets(rect):
                continue
            gaps = panel.gaps_in(rect.x, rect.right)
            first, last = (gaps[0], gaps[-1]) if gaps else (0, 0)
            found = [span for edge in edges for span in spans.get(edge, ())]
            for link in dict.fromkeys(link for start, stop, link in found if start <= last and stop >= first):
                ports.add(~link.source if link.source == panel.group else link.source)
                for wire, end in self._trail(panel, link):
                    if wire.top < rect.bottom and wire.bottom >= rect.y:
                        parts.setdefault(id(wire), (wire, set()))[1].add(end)
        for wire, ends in parts.values():
            yield Wire(wire.source, wire.dashed, wire.row, wire.start, wire.x, sorted(ends))

    def _by_edge(self) -> list[dict[int, list[tuple[int, int, Link]]]]:
        """For each panel: the links of an edge, with the first gap that they go through and the last one."""
        if self._spans is None:
            self._spans = [_spans_of(panel) for panel in self.scene.panels]
        return self._spans

    def _trail(self, panel: Panel, link: Link) -> list[tuple[Wire, End]]:
        found = self._trails.get(link)
        if found is None:
            found = self._trails[link] = trail(panel, link)
        return found

    def _tile(self, column: int, row: int) -> Sheet:
        sheet = self._tiles.get((column, row))
        if sheet is None:
            rect = Rect(column * TILE_WIDTH, row * TILE_HEIGHT, TILE_WIDTH, TILE_HEIGHT)
            panels = (panel for panel in self.scene.panels if panel.rect.meets(rect))
            wires = [panel.wires[gap] for panel in panels for gap in panel.gaps_in(rect.x, rect.right)]
            sheet = self._tiles[column, row] = _from(self._shelf, (column, row), rect, wires)
        return sheet


def _from(shelf: Shelf, place: tuple[int, int], rect: Rect, wires: list[list[Wire]]) -> Sheet:
    """The tile of these wires: one that is kept, or a new one, which is kept."""
    kept = shelf.pop(place, [])
    found = next((tile for tile in kept if len(tile[1]) == len(wires) and all(map(operator.is_, tile[1], wires))), None)
    if found is None:
        found = (Sheet(rect), wires)
        for some in wires:
            found[0].put(some)
    shelf[place] = [*(tile for tile in kept[1 - _VERSIONS :] if tile is not found), found]
    while len(shelf) > _MAX_TILES:
        del shelf[next(iter(shelf))]
    return found[0]


def _tiles(rect: Rect) -> Iterator[tuple[int, int]]:
    for row in range(rect.y // TILE_HEIGHT, (rect.bottom - 1) // TILE_HEIGHT + 1):
        for column in range(rect.x // TILE_WIDTH, (rect.right - 1) // TILE_WIDTH + 1):
            yield column, row


def _spans_of(panel: Panel) -> dict[int, list[tuple[int, int, Link]]]:
    found: dict[int, list[tuple[int, int, Link]]] = {}
    layer_of = panel.layered.layer
    for link in panel.links:
        first = 0 if link.source == panel.group else layer_of[panel.items[link.source]] + 1
        last = len(panel.column_x) if link.target == panel.group else layer_of[panel.items[link.target]]
        for edge in link.edges:
            found.setdefault(edge, []).append((first, last, link))
    return found


def _within(rect: Rect, other: Rect) -> bool:
    return other.x <= rect.x and rect.right <= other.right and other.y <= rect.y and rect.bottom <= other.bottom


def _over(below: Sheet, top: Sheet, x: int, y: int, stroke: int) -> int:
    """A lit stroke on what is there: a bridge over another net's upright, a joint with all else."""
    owner = below.through.get((x, y))
    crosses = owner is not None and not stroke & (UPRIGHT * 3) and top.level.get((x, y)) != owner
    return heavy(stroke) if crosses else joined(below.cells.get(y, {}).get(x, 0), heavy(stroke))
