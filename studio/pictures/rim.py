"""What lies beyond the view: how many nodes on each side, written on the rim."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
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


def draw(grid: Grid, view: Rect, found: Beyond, style: Style) -> None:
    """Write the counts on the rim of the view: left and up at the top, right and down at the bottom."""
    ink = tone("muted")

    def mark(name: str) -> str:
        return sign(name, ascii=style.ascii)

    middle = view.x + view.width // 2
    if found.left:
        grid.put(view.x, view.y, f"{mark('left')} {found.left} ", ink)
    if found.up:
        grid.put(middle - 4, view.y, f" {mark('up')} {found.up} more ", ink)
    if found.down:
        grid.put(middle - 4, view.bottom - 1, f" {mark('down')} {found.down} more ", ink)
    if found.right:
        text = f" {found.right} more {mark('right')}"
        grid.put(view.right - len(text), view.bottom - 1, text, ink)
