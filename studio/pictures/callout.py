"""A small box beside a node that says more about it: at the cursor among dots, and under the pointer."""

from __future__ import annotations

from collections.abc import Sequence

from engine.draw.scene import Rect
from studio.pictures.cells import Grid, tone
from studio.pictures.lettering import cut, letters
from studio.pictures.view import Style

WIDEST = 46


def draw(
    grid: Grid,
    view: Rect,
    near: Rect,
    title: tuple[str, str],
    lines: Sequence[str],
    style: Style,
    *,
    sign: str = "",
    colour: str = "line",
    avoid: Rect | None = None,
) -> None:
    """A box with `title` (name, aside) and lines, beside `near` where there is room in `view`, not over `avoid`; the grid
    may be some rows of the view. `colour` is a token for frame and sign."""
    rows = [line for line in lines if line][:3]
    aside = letters(title[1])
    longest = max([len(letters(title[0])) + len(aside) + (2 if sign else 0) + 2, *(len(letters(row)) for row in rows)])
    inner = min(WIDEST, longest, view.width - 6)
    if inner < 6 or view.height < len(rows) + 3:
        return
    width, height = inner + 4, len(rows) + 3
    x, y = _spot(view, near, width, height, avoid)
    level, upright, corners = ("-", "|", "++++") if style.ascii else ("─", "│", "╭╮╰╯")
    frame = tone(colour, "raised")
    grid.put(x, y, corners[0] + level * (width - 2) + corners[1], frame)
    for row in range(1, height - 1):
        grid.put(x, y + row, upright + " " * (width - 2) + upright, frame)
    grid.put(x, y + height - 1, corners[2] + level * (width - 2) + corners[3], frame)
    at = x + 2
    if sign:
        grid.put(at, y + 1, (sign,), tone(colour, "raised", bold=True))
        at += 2
    room = x + width - 2 - at - (len(aside) + 1 if aside else 0)
    grid.write(at, y + 1, cut(title[0], max(room, 3), ascii=style.ascii), tone("text", "raised", bold=True))
    grid.write(x + width - 2 - len(aside), y + 1, aside, tone("muted", "raised"))
    for number, line in enumerate(rows):
        ink = tone(colour, "raised") if number == 0 and colour == "failed" else tone("muted", "raised")
        grid.write(x + 2, y + 2 + number, cut(line, inner, ascii=style.ascii, end=True), ink)


def _spot(view: Rect, near: Rect, width: int, height: int, avoid: Rect | None) -> tuple[int, int]:
    """Above the node, else below it; pushed back into the view, and to the left of what is to be avoided."""
    x = min(max(view.x + 1, near.x + 2), view.right - width - 1)
    y = near.y - height - 1 if near.y - height - 1 >= view.y else near.bottom + 1
    y = min(max(view.y, y), view.bottom - height)
    if avoid is not None and avoid.meets(Rect(x, y, width, height)) and avoid.x - width - 1 > view.x:
        x = avoid.x - width - 1
    return x, y
