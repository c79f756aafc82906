"""What lies beyond the view: how many nodes on each side, written on the rim."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from engine.draw.scene import Rect, Scene
from studio.pictures.cells import Grid, tone
from studio.pictures.view import Style
from studio.theme import sign


class Beyond(NamedTuple):
    """Nodes wholly outside of the view, by side; those in a corner count for left or right."""

    left: int
    right: int
    up: int
    down: int


def beyond(scene: Scene, rect: Rect) -> Beyond:
    """Count the boxes of the outermost frame that cannot be seen."""
    left = right = up = down = 0
    if not scene.panels:
        return Beyond(0, 0, 0, 0)
    panel, rects = scene.panels[0], scene.rects
    for x, width, members in zip(panel.column_x, panel.column_width, panel.members, strict=True):
        if x + width <= rect.x:
            left += len(members)
        elif x >= rect.right:
            right += len(members)
        else:
            up += bisect_right(members, rect.y, key=lambda box: rects[box].bottom)
            down += len(members) - bisect_left(members, rect.bottom, key=lambda box: rects[box].y)
    return Beyond(left, right, up, down)


class Note(NamedTuple):
    """A count, where it is written."""

    x: int
    y: int
    text: str


def notes(grid: Grid, view: Rect, found: Beyond, style: Style) -> tuple[Note, ...]:
    """The counts, each on its side of the view, where it covers nothing if there is such a place.

    `grid` is the picture of the whole view. Left looks for its place from the top, right from the bottom, up and down
    from the middle of their row.
    """

    def mark(name: str) -> str:
        return sign(name, ascii=style.ascii)

    rows = range(view.y, view.bottom)
    placed: list[Note] = []
    if found.left:
        text = f"{mark('left')} {found.left} "
        placed.append(_first_free(grid, [(view.x, y) for y in rows], text))
    if found.right:
        text = f" {found.right} more {mark('right')}"
        placed.append(_first_free(grid, [(view.right - len(text), y) for y in reversed(rows)], text))
    for count, name, y in ((found.up, "up", view.y), (found.down, "down", view.bottom - 1)):
        if count:
            text = f" {mark(name)} {count} more "
            middle = view.x + (view.width - len(text)) // 2
            steps = range(0, max(1, view.width // 3), 2)
            placed.append(_first_free(grid, [(middle + way * step, y) for step in steps for way in (1, -1)], text))
    return tuple(placed)


def _first_free(grid: Grid, places: Sequence[tuple[int, int]], text: str) -> Note:
    for x, y in places:
        if grid.is_blank(x, y, len(text)):
            return Note(x, y, text)
    return Note(*places[0], text)


def draw(grid: Grid, placed: Sequence[Note]) -> None:
    """Write the counts."""
    for x, y, text in placed:
        grid.put(x, y, text, tone("muted"))
