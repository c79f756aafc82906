"""The graph as cells: a scene, what each node says, and what a person looks at, as rows for any rectangle of it.

Only what is in the rectangle is worked out, by the scene's spatial queries. Order of drawing: frames of open groups,
lines, boxes, ports and marks, badges. What lies over the picture (rim, callout, map) is put on the
same grid afterwards, by `overlays`.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.draw.scene import Box, Form, Rect, Scene, Zoom
from engine.draw.sizes import listed_rows
from studio.pictures.cards import Pen, Stance
from studio.pictures.cells import TONES, Grid, tone
from studio.pictures.faces import Face
from studio.pictures.lines import Lines
from studio.pictures.minimap import Minimap
from studio.pictures.spans import Span, spans
from studio.pictures.view import Style, View
from studio.theme import ASCII_SPINNER, SPINNER, sign


class Canvas:
    """Draws one scene. Holds nothing but what follows from the scene, so it can be thrown away at any time."""

    def __init__(self, scene: Scene, style: Style, before: Canvas | None = None) -> None:
        self.scene = scene
        self.style = style
        self.pen = Pen(style)
        self.lines: Lines = Lines(scene, style, before.lines if before is not None else None)
        self.minimap: Minimap | None = None
        self._spans: list[Span] | None = None
        self._seen: tuple[Rect, list[int]] | None = None
        self._stamps: dict[int, tuple[Face, Stance, Grid]] = {}
        self._dot_looks: dict[str, tuple[str, int]] = {}
        self._listed: dict[int, tuple[tuple[str, str], ...]] = {}
        self._rules = {frame.box: frame.rules for frame in scene.frames}

    @property
    def spans(self) -> list[Span]:
        """What dots are called together; worked out when first asked for."""
        if self._spans is None:
            self._spans = spans(self.scene)
        return self._spans

    def draw(self, rect: Rect, faces: Sequence[Face], view: View) -> Grid:
        """The cells of a rectangle of the scene."""
        boxes = self._boxes_in(rect)
        graph, forms = self.scene.graph.boxes, self.scene.forms
        shapes = [box for box in boxes if forms.get(box) is not Form.OPEN] if self.scene.frames else boxes
        grid, lit_ports = self.lines.grid(rect, view)
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

    # -- boxes -------------------------------------------------------------------------------------------------------

    def stance(self, box: int, view: View, lit_port: str = "") -> Stance:
        """How a box stands out."""
        return Stance(
            cursor=box == view.cursor,
            hover=box == view.hover,
            selected=box in view.selected,
            kin=self.scene.zoom is Zoom.LINE and box in view.kin,
            dim=view.only is not None and box not in view.only,
            leaves=box in self.scene.leaves,
            lit_port=lit_port,
            finding=view.findings.get(box, ""),
            pinned=box in view.pinned,
            stop=box in view.stops,
            match=view.matches.get(box),
            spin=self._spin(view),
            turned=box in view.turned,
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
        elif box in view.arrived:
            self._arrow(grid, stamp.x - 1, self.scene.port_row(box))

    def _dead_end(self, grid: Grid, x: int, y: int) -> None:
        """What would have come to a box that was not taken ends in a cross."""
        if grid.rect.holds(x, y):
            line, _ = grid.line(y)
            if line[x - grid.x] in ("▸", "▹", ">"):
                grid.cell(x, y, sign("times", ascii=self.style.ascii), tone("muted"))

    def _arrow(self, grid: Grid, x: int, y: int) -> None:
        """A value has just come in: the arrowhead is bold."""
        if grid.rect.holds(x, y):
            _, tones = grid.line(y)
            ink = TONES[tones[x - grid.x]]
            tones[x - grid.x] = tone(ink.colour, ink.ground, bold=True)

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
