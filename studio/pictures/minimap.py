"""The whole graph in a corner: braille dots, each cell in the colour of its worst state, the view as a frame.

A cell of the map stands for a rectangle of the scene; a braille character has 2 x 4 dots, so a node lights the dot it
falls on. In ASCII a cell is one letter, that of its worst state.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.draw.scene import Rect, Scene
from studio.pictures.cells import Grid, tone
from studio.pictures.faces import Face
from studio.pictures.view import Style
from studio.theme import STATES, worst

WIDTH, HEIGHT = 34, 10
SMALL_WIDTH, SMALL_HEIGHT = 20, 6

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


class Minimap:
    """The map of one scene. `cells` are worked out once; states are looked up when it is drawn."""

    def __init__(self, scene: Scene, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.width, self.height = width, height
        self._inner = (width - 2, height - 2)
        self._scene = (max(1, scene.width), max(1, scene.height))
        self._cells = self._gathered(scene)
        self._states: tuple[int, list[str]] | None = None
        self._kept: tuple[tuple[object, ...], Grid] | None = None

    def _gathered(self, scene: Scene) -> dict[tuple[int, int], tuple[int, list[int]]]:
        """(column, row) -> dots, and the boxes that fall into the cell."""
        columns, rows = self._inner
        across, down = columns * 2, rows * 4
        cells: dict[tuple[int, int], tuple[int, list[int]]] = {}
        for box, rect in enumerate(scene.rects):
            if not rect.width or (scene.graph.boxes[box].group and rect.height > 3):
                continue
            x = min(across - 1, (rect.x + rect.width // 2) * across // self._scene[0])
            y = min(down - 1, (rect.y + rect.height // 2) * down // self._scene[1])
            dots, boxes = cells.get((x // 2, y // 4), (0, []))
            boxes.append(box)
            cells[x // 2, y // 4] = (dots | _DOTS[x % 2][y % 4], boxes)
        return cells

    def place(self, x: int, y: int) -> tuple[int, int]:
        """The cell of the scene that a cell of the map (from its frame's corner) stands for."""
        columns, rows = self._inner
        return (
            round((x - 0.5) * self._scene[0] / columns),
            round((y - 0.5) * self._scene[1] / rows),
        )

    def window(self, rect: Rect) -> Rect:
        """Where the view lies on the map, from the corner of its frame."""
        columns, rows = self._inner
        left = min(columns - 1, max(0, rect.x * columns // self._scene[0]))
        top = min(rows - 1, max(0, rect.y * rows // self._scene[1]))
        right = min(columns, max(left + 1, -(-rect.right * columns // self._scene[0])))
        bottom = min(rows, max(top + 1, -(-rect.bottom * rows // self._scene[1])))
        return Rect(1 + left, 1 + top, right - left, bottom - top)

    def draw(self, grid: Grid, x: int, y: int, faces: Sequence[Face], version: int, view: Rect, style: Style) -> None:
        """Put the map with its corner at (x, y) of the grid; `view` is what the canvas shows of the scene.

        It is kept until `version` (a number that changes with any of the faces) or the view is another.
        """
        key = (x, y, version, self.window(view), style)
        if self._kept is None or self._kept[0] != key:
            if self._states is None or self._states[0] != version:
                worst_of = [worst(faces[box].state for box in boxes) for _, boxes in self._cells.values()]
                self._states = (version, worst_of)
            self._kept = (key, self._drawn(x, y, self._states[1], self.window(view), style))
        self._kept[1].stamp(grid)

    def _drawn(self, x: int, y: int, states: Sequence[str], window: Rect, style: Style) -> Grid:
        grid = Grid(Rect(x, y, self.width, self.height))
        level, upright, corners = ("-", "|", "++++") if style.ascii else ("─", "│", "╭╮╰╯")
        title = " map "
        line = tone("line")
        top = corners[0] + level + title + level * (self.width - 3 - len(title)) + corners[1]
        grid.put(x, y, top, line)
        grid.put(x + 2, y, title, tone("muted"))
        for row in range(1, self.height - 1):
            grid.put(x, y + row, upright + " " * (self.width - 2) + upright, line)
        grid.put(x, y + self.height - 1, corners[2] + level * (self.width - 2) + corners[3], line)
        whole = window.width >= self.width - 2 and window.height >= self.height - 2
        framed = not whole and window.width > 3 and window.height > 2
        shaded = not whole and not framed
        if shaded:
            for row in range(window.y, window.bottom):
                grid.put(x + window.x, y + row, " " * window.width, tone("text", "accentbg", reverse=not style.colour))
        for ((column, row), (dots, _)), state in zip(self._cells.items(), states, strict=True):
            look = STATES[state]
            char = look.ascii if style.ascii else chr(0x2800 | dots)
            inside = shaded and window.holds(1 + column, 1 + row)
            ink = tone(
                "line" if state == "ready" and not inside else look.token,
                "accentbg" if inside else "bg",
                reverse=inside and not style.colour,
            )
            grid.put(x + 1 + column, y + 1 + row, (char,), ink)
        if framed:
            _frame(grid, x + window.x, y + window.y, window, style)
        return grid


def _frame(grid: Grid, x: int, y: int, window: Rect, style: Style) -> None:
    """The view, as a frame on the map."""
    level, upright, corners = ("=", "#", "####") if style.ascii else ("─", "│", "╭╮╰╯")
    line = tone("accent")
    inner = level * (window.width - 2)
    grid.put(x, y, corners[0] + inner + corners[1], line)
    for row in range(1, window.height - 1):
        grid.put(x, y + row, (upright,), line)
        grid.put(x + window.width - 1, y + row, (upright,), line)
    grid.put(x, y + window.height - 1, corners[2] + inner + corners[3], line)
