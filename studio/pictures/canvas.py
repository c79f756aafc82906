"""The graph as cells: a scene, what each node says, and what a person looks at, as rows for any rectangle of it.

Only what is in the rectangle is worked out, by the scene's spatial queries. Lines at rest do not change while a person
moves about, so they are kept by tiles of the scene; what is lit is put on top for the part in view. Order of drawing:
frames of open groups, lines, boxes, ports and marks, badges. What lies over the picture (rim, callout, map) is put on the
same grid afterwards, by `overlays`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from engine.draw.ink import Sheet, trail
from engine.draw.scene import Box, End, Form, Link, Panel, Rect, Scene, Wire, Zoom
from engine.draw.sizes import listed_rows
from engine.draw.strokes import ASCII, UNICODE, UPRIGHT, heavy, joined
from studio.pictures.cards import Pen, Stance
from studio.pictures.cells import Grid, tone
from studio.pictures.faces import Face
from studio.pictures.minimap import Minimap
from studio.pictures.view import Style, View
from studio.theme import ASCII_SPINNER, SPINNER, sign

TILE_WIDTH, TILE_HEIGHT = 96, 32
_MAX_TILES = 64


class Canvas:
    """Draws one scene. Holds nothing but what follows from the scene, so it can be thrown away at any time."""

    def __init__(self, scene: Scene, style: Style) -> None:
        self.scene = scene
        self.style = style
        self.pen = Pen(style)
        self.minimap: Minimap | None = None
        self._seen: tuple[Rect, list[int]] | None = None
        self._rest: tuple[bool, Grid] | None = None
        self._lit: tuple[Collection[int], tuple[str, bool], Grid, dict[int, str]] | None = None
        self._top: tuple[Collection[int], Sheet, set[int]] | None = None
        self._chars = ASCII if style.ascii else UNICODE
        self._tiles: dict[tuple[int, int], Sheet] = {}
        self._trails: dict[Link, list[tuple[Wire, End]]] = {}
        self._crossing: dict[tuple[int, int], list[Link]] = {}
        self._stamps: dict[int, tuple[Face, Stance, Grid]] = {}
        self._dot_looks: dict[str, tuple[str, int]] = {}
        self._listed: dict[int, tuple[tuple[str, str], ...]] = {}
        self._rules = {frame.box: frame.rules for frame in scene.frames}

    def draw(self, rect: Rect, faces: Sequence[Face], view: View) -> Grid:
        """The cells of a rectangle of the scene."""
        boxes = self._boxes_in(rect)
        graph, forms = self.scene.graph.boxes, self.scene.forms
        shapes = [box for box in boxes if forms.get(box) is not Form.OPEN] if self.scene.frames else boxes
        grid, lit_ports = self._lines(rect, view)
        if len(shapes) < len(boxes):
            frames = Grid(rect)
            for box in boxes:
                if forms.get(box) is Form.OPEN:
                    self._group(frames, box, graph[box], faces[box], view)
            grid.lay_on(frames)
            grid = frames
        for box in boxes if self.scene.frames else ():
            if forms.get(box) is Form.OPEN:
                self._inside(grid, box, graph[box], faces[box], view, lit_ports)
        if self.scene.zoom is Zoom.DOT:
            self._dots(grid, shapes, faces, view)
        else:
            for box in shapes:
                self._shape(grid, box, graph[box], faces[box], view, lit_ports.get(box, ""))
        if view.badges:
            self._badges(grid, boxes, view)
        return grid

    def _boxes_in(self, rect: Rect) -> list[int]:
        if self._seen is None or self._seen[0] != rect:
            self._seen = (rect, self.scene.boxes_in(rect))
        return self._seen[1]

    # -- lines -------------------------------------------------------------------------------------------------------

    def _lines(self, rect: Rect, view: View) -> tuple[Grid, dict[int, str]]:
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
        chars = self._chars
        ink = tone(token)
        top, ports = self._lit_sheet(rect, edges)
        sheets = [] if self.scene.zoom is Zoom.DOT else self._tiles_in(rect)
        left, right = rect.x, rect.right
        for y in range(rect.y, rect.bottom):
            row = top.cells.get(y)
            if not row:
                continue
            line, tones = grid.line(y)
            under = [sheet for sheet in sheets if sheet.rect.y <= y < sheet.rect.bottom]
            for x, stroke in row.items():
                if left <= x < right:
                    below = next((sheet for sheet in under if sheet.rect.x <= x < sheet.rect.right), None)
                    merged = heavy(stroke) if below is None else _over(below, top, x, y, stroke)
                    line[x - left] = chars[merged]
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
        chosen = edges if isinstance(edges, set | frozenset) else frozenset(edges)
        parts: dict[int, tuple[Wire, set[End]]] = {}
        for panel in self.scene.panels:
            if not panel.rect.meets(rect):
                continue
            links: dict[Link, None] = {}
            for gap in panel.gaps_in(rect.x, rect.right):
                links.update(dict.fromkeys(self._links_at(panel, gap)))
            for link in links:
                if not chosen.isdisjoint(link.edges):
                    ports.add(~link.source if link.source == panel.group else link.source)
                    for wire, end in self._trail(panel, link):
                        if wire.top < rect.bottom and wire.bottom >= rect.y:
                            parts.setdefault(id(wire), (wire, set()))[1].add(end)
        for wire, ends in parts.values():
            yield Wire(wire.source, wire.dashed, wire.row, wire.start, wire.x, sorted(ends))

    def _links_at(self, panel: Panel, gap: int) -> list[Link]:
        """The links that go through or end in a gap."""
        key = (panel.group, gap)
        if key not in self._crossing:
            for each in range(len(panel.gap_x)):
                self._crossing[panel.group, each] = []
            layer_of = panel.layered.layer
            for link in panel.links:
                first = 0 if link.source == panel.group else layer_of[panel.items[link.source]] + 1
                last = len(panel.column_x) if link.target == panel.group else layer_of[panel.items[link.target]]
                for each in range(first, last + 1):
                    self._crossing.setdefault((panel.group, each), []).append(link)
        return self._crossing.get(key, [])

    def _trail(self, panel: Panel, link: Link) -> list[tuple[Wire, End]]:
        found = self._trails.get(link)
        if found is None:
            found = self._trails[link] = trail(panel, link)
        return found

    def _tile(self, column: int, row: int) -> Sheet:
        sheet = self._tiles.get((column, row))
        if sheet is None:
            rect = Rect(column * TILE_WIDTH, row * TILE_HEIGHT, TILE_WIDTH, TILE_HEIGHT)
            sheet = Sheet(rect)
            for panel in self.scene.panels:
                if panel.rect.meets(rect):
                    for gap in panel.gaps_in(rect.x, rect.right):
                        sheet.put(panel.wires[gap])
            while len(self._tiles) >= _MAX_TILES:
                del self._tiles[next(iter(self._tiles))]
            self._tiles[column, row] = sheet
        return sheet

    # -- boxes -------------------------------------------------------------------------------------------------------

    def stance(self, box: int, view: View, lit_port: str = "") -> Stance:
        """How a box stands out."""
        return Stance(
            cursor=box == view.cursor,
            hover=box == view.hover,
            selected=box in view.selected,
            kin=box in view.kin,
            dim=view.only is not None and box not in view.only,
            leaves=box in self.scene.leaves,
            lit_port=lit_port,
            finding=view.findings.get(box, ""),
            pinned=box in view.pinned,
            stop=box in view.stops,
            match=view.matches.get(box),
            spin=self._spin(view),
        )

    def _spin(self, view: View) -> str:
        if view.spinner < 0:
            return ""
        frames = ASCII_SPINNER if self.style.ascii else SPINNER
        return frames[view.spinner % len(frames)]

    def _dots(self, grid: Grid, boxes: Sequence[int], faces: Sequence[Face], view: View) -> None:
        """Boxes of one cell. There may be thousands in view, so those that stand out are drawn once more after the rest."""
        rects = self.scene.rects
        looks = self._dot_looks
        dim = view.only is not None
        grid.cells(
            (rects[box].x, rects[box].y, looks.get(faces[box].state) or self._dot_look(faces[box])) for box in boxes
        )
        special: set[int | None] = set(boxes) if dim else {view.cursor, view.hover, *view.selected, *view.matches}
        for which in special:
            if which is not None and rects[which].width and grid.rect.holds(rects[which].x, rects[which].y):
                grid.cell(rects[which].x, rects[which].y, *self.pen.dot_look(faces[which], self.stance(which, view)))

    def _dot_look(self, face: Face) -> tuple[str, int]:
        found = self._dot_looks[face.state] = self.pen.dot_look(face, Stance())
        return found

    def _shape(self, grid: Grid, box: int, node: Box, face: Face, view: View, lit_port: str) -> None:
        """A box of some rows: drawn by itself and kept, until it looks different."""
        stance = self.stance(box, view, lit_port)
        kept = self._stamps.get(box)
        if kept is None or kept[0] != face or kept[1] != stance:
            scene = self.scene
            rect = scene.rects[box]
            stamp = Grid(rect)
            inside = node.parent >= 0 and scene.forms.get(node.parent) is Form.LISTED
            if inside or rect.height == 1:
                self.pen.row(stamp, rect, node, face, stance, inside=inside, kin=stance.kin)
            elif scene.forms.get(box) is Form.LISTED:
                self.pen.frame(stamp, rect, node, face, stance, rect.y + 1, self._rows_of(box))
            else:
                self.pen.card(stamp, rect, node, face, stance)
            kept = self._stamps[box] = (face, stance, stamp)
        stamp = kept[2]
        stamp.stamp(grid)
        if stamp.height > 1:
            self.pen.beside(grid, stamp.rect, stance)
            if node.remark:
                self.pen.remark(grid, stamp.rect, node, stance)
        if face.state == "skipped" and not (node.parent >= 0 and self.scene.forms.get(node.parent) is Form.LISTED):
            self._dead_end(grid, stamp.x - 1, self.scene.port_row(box))

    def _dead_end(self, grid: Grid, x: int, y: int) -> None:
        """What would have come to a box that was not taken ends in a cross."""
        if grid.rect.holds(x, y):
            line, _ = grid.line(y)
            if line[x - grid.x] in ("▸", "▹", ">"):
                grid.cell(x, y, sign("times", ascii=self.style.ascii), tone("muted"))

    def _group(self, grid: Grid, box: int, node: Box, face: Face, view: View) -> None:
        """The frame of an open group."""
        rect, stance = self.scene.rects[box], self.stance(box, view)
        self.pen.frame(grid, rect, node, face, stance, self.scene.port_row(box), ())
        self.pen.beside(grid, rect, stance)

    def _inside(self, grid: Grid, box: int, node: Box, face: Face, view: View, lit_ports: dict[int, str]) -> None:
        """What an open group has on top of its lines: lanes and ports."""
        scene = self.scene
        rect, stance = scene.rects[box], self.stance(box, view, lit_ports.get(box, ""))
        self.pen.open_rules(grid, rect, node, face, stance, self._rules.get(box, ()))
        if box in scene.enters:
            self.pen.entry(grid, rect, scene.port_row(box), node, face, stance, lit_ports.get(~box, ""))
        self.pen.port(grid, rect, scene.port_row(box), node, face, stance)

    def _rows_of(self, box: int) -> tuple[tuple[str, str], ...]:
        """What the frame of a listed group writes on each of its rows."""
        found = self._listed.get(box)
        if found is None:
            boxes = self.scene.graph.boxes
            rows = listed_rows(boxes, box, self.scene.listed(box))
            found = self._listed[box] = tuple((row.what, "" if row.what == "child" else row.text) for row in rows)
        return found

    def _badges(self, grid: Grid, boxes: Sequence[int], view: View) -> None:
        """Jump letters, where the edges come in."""
        ink = tone("bg", "accent", bold=True) if self.style.colour else tone(bold=True, reverse=True)
        for box in boxes:
            badge = view.badges.get(box)
            if badge:
                rect = self.scene.rects[box]
                cells = badge if self.scene.zoom is Zoom.DOT else f" {badge} "
                x = rect.x if rect.width == 1 else rect.x - 1 - (rect.height == 1)
                titled = self.scene.forms.get(box) in (Form.LISTED, Form.OPEN)
                grid.put(max(x, grid.x), rect.y if titled else self.scene.port_row(box), cells, ink)


def _tiles(rect: Rect) -> Iterator[tuple[int, int]]:
    for row in range(rect.y // TILE_HEIGHT, (rect.bottom - 1) // TILE_HEIGHT + 1):
        for column in range(rect.x // TILE_WIDTH, (rect.right - 1) // TILE_WIDTH + 1):
            yield column, row


def _within(rect: Rect, other: Rect) -> bool:
    return other.x <= rect.x and rect.right <= other.right and other.y <= rect.y and rect.bottom <= other.bottom


def _over(below: Sheet, top: Sheet, x: int, y: int, stroke: int) -> int:
    """A lit stroke on what is there: a bridge over another net's upright, a joint with all else."""
    owner = below.through.get((x, y))
    crosses = owner is not None and not stroke & (UPRIGHT * 3) and top.level.get((x, y)) != owner
    return heavy(stroke) if crosses else joined(below.cells.get(y, {}).get(x, 0), heavy(stroke))
