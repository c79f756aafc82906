"""What lies over the picture: counts at the rim, a callout, the map, what a mode paints, and the last row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.draw.scene import Rect, Zoom
from studio.pictures import callout, rim, spans
from studio.pictures.canvas import Canvas
from studio.pictures.cells import Grid, Row, tone
from studio.pictures.lettering import cut
from studio.pictures.minimap import HEIGHT, SMALL_HEIGHT, SMALL_WIDTH, WIDTH, Minimap
from studio.pictures.view import Style
from studio.theme import STATES, kind_look

if TYPE_CHECKING:
    from studio.pictures.stage import Stage

EMPTY = ("No nodes yet", "T opens the project file")
_SMALL_VIEW = 100


class Overlays:
    """Over one stage. `callout` is the box that is told about, `footnote` the last row as (text, colour), `words` what
    is said where there is no node, `painter` what a mode draws, in cells of the scene."""

    def __init__(self) -> None:
        self.map_wanted: bool | None = None
        self.callout: int | None = None
        self.footnote: tuple[tuple[str, str], ...] = ()
        self.words: tuple[str, ...] = EMPTY
        self.painter: Callable[[Grid], None] | None = None
        self._rim: tuple[rim.Note, ...] = ()

    def draw(self, grid: Grid, stage: Stage) -> None:
        """Put all of it on the picture, which may be some of the rows in view."""
        rect = stage.rect
        if stage.zoom is Zoom.DOT:
            spans.draw(grid, rect, stage.canvas.spans, stage.style)
        if grid.rect == rect:
            self._rim = rim.notes(grid, rect, rim.beyond(stage.scene, rect), stage.style)
        rim.draw(grid, self._rim)
        if self.painter is not None:
            self.painter(grid)
        told = self.callout if self.callout is not None else stage.view.cursor if stage.zoom is Zoom.DOT else None
        if told is not None:
            _call_out(grid, told, stage)
        spot = stage.map_spot
        if spot is not None:
            place = (rect.x + spot.x, rect.y + spot.y)
            known = stage.known
            minimap_of(stage.canvas, spot).draw(grid, *place, known.faces, known.version, rect, stage.style)
        if self.footnote:
            self._write_footnote(grid, rect, stage.style)

    def _write_footnote(self, grid: Grid, rect: Rect, style: Style) -> None:
        x, y = rect.x, rect.bottom - 1
        grid.put(x, y, " " * rect.width, tone("text", "panel", reverse=not style.colour))
        x += 1
        for text, colour in self.footnote:
            words = cut(text, max(0, rect.right - x - 1), ascii=style.ascii, end=True)
            ink = tone(colour, "panel", bold=colour == "accent", reverse=not style.colour)
            grid.write(x, y, words, ink)
            x += len(words)

    def map_spot(self, size: tuple[int, int], *, by_itself: bool) -> Rect | None:
        """Where the map lies in a view of this size, if it shows; `by_itself`: even if nobody asked for it."""
        wide, high = size
        small = wide < _SMALL_VIEW
        width, height = (SMALL_WIDTH, SMALL_HEIGHT) if small else (WIDTH, HEIGHT)
        wanted = by_itself and not small if self.map_wanted is None else self.map_wanted
        if not wanted or wide < width + 4 or high < height + 3:
            return None
        return Rect(wide - width - 1, high - height - 1, width, height)

    def empty(self, first: int, count: int, size: tuple[int, int], style: Style) -> list[Row]:
        """The rows where there is no node: what belongs here, and the keys that fill it."""
        grid = Grid(Rect(0, first, size[0], count))
        for number, words in enumerate(self.words):
            cells = cut(words, size[0], ascii=style.ascii, end=True)
            y = size[1] // 2 - 1 + 2 * number
            grid.write((size[0] - len(cells)) // 2, y, cells, tone("muted" if number else "text"))
        if self.painter is not None:
            self.painter(grid)
        return grid.rows()


def minimap_of(canvas: Canvas, spot: Rect) -> Minimap:
    """The map of a canvas, for a place of this size."""
    if canvas.minimap is None or canvas.minimap.width != spot.width:
        canvas.minimap = Minimap(canvas.scene, spot.width, spot.height)
    return canvas.minimap


def _call_out(grid: Grid, box: int, stage: Stage) -> None:
    rect = stage.scene.rects[box]
    node, known, style = stage.graph.boxes[box], stage.faces[box], stage.style
    if not rect.meets(stage.rect):
        return
    look = STATES[known.state]
    kind = kind_look(node.kind).word.replace("_", "-")
    before, after = stage.web.neighbours(box)
    joined = f"after {len(before)}, before {len(after)}"
    inside = stage.web.children(box)
    second = known.second if known.second != node.note else f"{len(inside)} inside" if inside else ""
    lines = [second or node.note, node.remark or (node.note if second else ""), joined]
    view, spot = stage.rect, stage.map_spot
    callout.draw(
        grid,
        view,
        rect,
        (node.name or node.path, kind),
        lines,
        style,
        sign=look.ascii if style.ascii else look.glyph,
        colour=look.token,
        avoid=None if spot is None else Rect(view.x + spot.x, view.y + spot.y, spot.width, spot.height),
    )
