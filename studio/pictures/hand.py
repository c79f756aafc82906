"""What a hand at work puts over the picture: a wire that follows it, ghosts of what it carries, a band, badges, a field.

A mode says what there is to see as plain data (`Work`), in cells of the scene; `draw` puts it on a grid that shows any
part of the scene. Nothing here knows a mode, a key or a pointer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from engine.draw.scene import Form, Rect, Scene, Zoom
from engine.draw.strokes import ARROW, ASCII, DOWN, HEAVY, LEFT, RIGHT, UNICODE, UP, joined
from studio.pictures.cards import ASCII_FRAMES, FRAMES
from studio.pictures.cells import Grid, tone
from studio.pictures.lettering import cut, letters
from studio.pictures.popup import Popup, Span, draw_popup, write
from studio.pictures.view import NOTHING, Style
from studio.theme import kind_glyph, sign

Cell = tuple[int, int]


class Badge(NamedTuple):
    """A mark where the edges come in to a box: letters to type, or a sign that says no."""

    text: str
    good: bool = True
    picked: bool = False


class Wire(NamedTuple):
    """A wire in hand: from a cell to the cell of its arrowhead. `good` is False where it may not land."""

    start: Cell
    end: Cell
    good: bool = True


class Ghost(NamedTuple):
    """A node that is being carried, where it would come to stand."""

    rect: Rect
    kind: str
    name: str


class Band(NamedTuple):
    """The rubber band, and how many nodes are inside."""

    rect: Rect
    inside: int


class Field(NamedTuple):
    """A line of text that is being written at a node; `at` is the place of the text cursor, `told` a line below it."""

    near: Rect
    label: str
    text: str
    at: int
    told: str = ""
    good: bool = True


Foot = Sequence[Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Work:
    """All that is shown of the work in hand. `only` are the boxes that are not dimmed (None: all), `framed` the box that
    something would be dropped into, `lit` the edges that it would go on, `gone` the boxes that are carried away, `seen` one
    that is to be in view; `foot` are lines at the bottom of the view."""

    badges: Mapping[int, Badge] = field(default_factory=dict)
    wires: tuple[Wire, ...] = ()
    ghosts: tuple[Ghost, ...] = ()
    band: Band | None = None
    framed: int | None = None
    lit: Collection[int] | None = None
    only: Collection[int] | None = None
    gone: Collection[int] = NOTHING
    seen: int | None = None
    dots: bool = False
    field: Field | None = None
    popup: Popup | None = None
    foot: Foot = ()


IDLE = Work()


def draw(grid: Grid, view: Rect, scene: Scene, work: Work, style: Style) -> None:
    """Put it on a grid, which shows some rows of `view`, the part of the scene on the screen."""
    if work.dots:
        _dots(grid, style)
    for box in work.gone:
        rect = scene.rects[box]
        for y in range(rect.y, rect.bottom):
            grid.tint(rect.x, y, rect.width, tone("line"))
    if work.framed is not None:
        _lit_frame(grid, scene.rects[work.framed], style)
    for wire in work.wires:
        _wire(grid, scene, wire, style)
    for ghost in work.ghosts:
        _ghost(grid, ghost, style)
    if work.band is not None:
        _band(grid, work.band, style)
    for box, badge in work.badges.items():
        _badge(grid, scene, box, badge, style)
    if work.field is not None:
        _field(grid, view, work.field, style)
    if work.popup is not None:
        draw_popup(grid, view, work.popup, style)
    _foot(grid, view, work.foot, style)


# -- wires -----------------------------------------------------------------------------------------------------------


def corners(start: Cell, end: Cell) -> list[Cell]:
    """The corners of a wire from a port to an arrowhead: level, upright near its end, level; around where it goes back."""
    (x, y), (goal_x, goal_y) = start, end
    if y == goal_y and goal_x >= x:
        return [start, end]
    if goal_x - x >= 2:
        turn = max(x + 1, goal_x - 2)
        return [start, (turn, y), (turn, goal_y), end]
    between = (y + goal_y) // 2 if abs(goal_y - y) >= 4 else max(y, goal_y) + 3
    return [start, (x + 1, y), (x + 1, between), (goal_x - 2, between), (goal_x - 2, goal_y), end]


def strokes(start: Cell, end: Cell) -> Iterator[tuple[Cell, int]]:
    """Every cell of a wire and what stands in it, the arrowhead last."""
    found: dict[Cell, int] = {}
    for (x, y), (to_x, to_y) in pairwise(corners(start, end)):
        ahead, back = (
            (RIGHT, LEFT) if to_x > x else (LEFT, RIGHT) if to_x < x else (DOWN, UP) if to_y > y else (UP, DOWN)
        )
        count = max(abs(to_x - x), abs(to_y - y))
        step_x, step_y = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
        for at in range(count + 1):
            cell = (x + step_x * at, y + step_y * at)
            arms = (ahead if at < count else 0) | (back if at else 0)
            found[cell] = joined(found.get(cell, 0), arms * HEAVY)
    found[end] = ARROW | LEFT * HEAVY
    yield from found.items()


def _wire(grid: Grid, scene: Scene, wire: Wire, style: Style) -> None:
    """A wire in hand goes over lines, and behind cards."""
    chars = ASCII if style.ascii else UNICODE
    ink = tone("accent" if wire.good else "failed", bold=not style.colour)
    for (x, y), stroke in strokes(wire.start, wire.end):
        over = scene.box_at(x, y) if grid.rect.holds(x, y) else None
        if over is None or scene.forms.get(over) is Form.OPEN or (x, y) == wire.end:
            grid.put(x, y, (chars[stroke],), ink)
    if not wire.good:
        grid.put(*wire.end, (sign("forbidden", ascii=style.ascii),), tone("failed", "failbg", bold=True))


# -- nodes -----------------------------------------------------------------------------------------------------------


def _ghost(grid: Grid, ghost: Ghost, style: Style) -> None:
    rect = ghost.rect
    frame = (ASCII_FRAMES if style.ascii else FRAMES)["dashed"]
    ink = tone("accent")
    inner = rect.width - 2
    if rect.height < 3:
        grid.put(rect.x, rect.y, " " * rect.width, tone("text", "accentbg", reverse=not style.colour))
    else:
        grid.put(rect.x, rect.y, (frame.top_left, *(frame.level * inner), frame.top_right), ink)
        for y in range(rect.y + 1, rect.bottom - 1):
            grid.put(rect.x, y, (frame.upright, *(" " * inner), frame.upright), ink)
        grid.put(rect.x, rect.bottom - 1, (frame.bottom_left, *(frame.level * inner), frame.bottom_right), ink)
    ground = "accentbg" if rect.height < 3 else "bg"
    y = rect.y + (rect.height > 1)
    if rect.width > 4:
        grid.put(rect.x + 2, y, (kind_glyph(ghost.kind, ascii=style.ascii),), tone("accent", ground))
        words = cut(ghost.name, rect.width - 6, ascii=style.ascii)
        grid.write(rect.x + 4, y, words, tone("text", ground, bold=True))


_HEAVIER = str.maketrans("╭─╮│╰╯├┤╓╖║╙╜╌╎", "┏━┓┃┗┛┣┫┏┓┃┗┛╍╏")
_ASCII_HEAVIER = str.maketrans("-", "=")


def _lit_frame(grid: Grid, rect: Rect, style: Style) -> None:
    """The frame of a box in heavy accent; what is written into it stays."""
    ink = tone("accent", bold=True)
    heavier = _ASCII_HEAVIER if style.ascii else _HEAVIER
    for y in range(max(rect.y, grid.y), min(rect.bottom, grid.y + grid.height)):
        line, tones = grid.line(y)
        edge = y in (rect.y, rect.bottom - 1)
        for x in range(rect.x, rect.right) if edge else (rect.x, rect.right - 1):
            at = x - grid.x
            if 0 <= at < grid.width and (heavy := line[at].translate(heavier)) != line[at]:
                line[at] = heavy
                tones[at] = ink


def _badge(grid: Grid, scene: Scene, box: int, badge: Badge, style: Style) -> None:
    rect = scene.rects[box]
    if not rect.width:
        return
    if badge.good:
        ink = tone("bg", "accent", bold=True) if style.colour else tone(bold=True, reverse=True)
    else:
        ink = tone("failed", "failbg", bold=True)
    if badge.picked and style.colour:
        ink = tone("bg", "critical", bold=True)
    cells = badge.text if scene.zoom is Zoom.DOT else f" {badge.text} "
    x = rect.x if rect.width == 1 else rect.x - len(cells) + 2 if rect.height == 1 else rect.x - len(cells)
    y = rect.y + 1 if scene.forms.get(box) in (Form.LISTED, Form.OPEN) and rect.height > 2 else scene.port_row(box)
    grid.put(max(x, grid.x), y, cells, ink)


# -- areas -----------------------------------------------------------------------------------------------------------


def _dots(grid: Grid, style: Style) -> None:
    """A dot every few cells where nothing else stands: while something is carried."""
    char = "." if style.ascii else "·"
    ink = tone("line")
    for y in range(grid.y + -grid.y % 2, grid.y + grid.height, 2):
        line, tones = grid.line(y)
        for at in range(-grid.x % 6, grid.width, 6):
            if not tones[at] and "".join(line[max(at - 1, 0) : at + 2]).isspace():
                line[at] = char
                tones[at] = ink


def _band(grid: Grid, band: Band, style: Style) -> None:
    rect = band.rect
    frame = (ASCII_FRAMES if style.ascii else FRAMES)["dashed"]
    level = "-" if style.ascii else frame.level
    ink = tone("accent")
    inner = max(rect.width - 2, 0)
    grid.put(rect.x, rect.y, (frame.top_left, *(level * inner), frame.top_right), ink)
    if rect.height > 1:
        grid.column(rect.x, rect.y + 1, rect.height - 2, frame.upright, ink)
        grid.column(rect.right - 1, rect.y + 1, rect.height - 2, frame.upright, ink)
        grid.put(rect.x, rect.bottom - 1, (frame.bottom_left, *(level * inner), frame.bottom_right), ink)
    count = f" {band.inside} "
    ink = tone("bg", "accent", bold=True) if style.colour else tone(bold=True, reverse=True)
    grid.put(max(rect.x, rect.right - len(count) - 1), rect.bottom - 1, count, ink)


# -- text ------------------------------------------------------------------------------------------------------------


def _field(grid: Grid, view: Rect, wanted: Field, style: Style) -> None:
    """A field over the node's name, as wide as what is in it, and a line below that says what it is or what is wrong."""
    typed = letters(wanted.text)
    before = len(letters(wanted.text[: wanted.at]))
    least = max(wanted.near.width - 2, 18, len(letters(wanted.told)) + 2)
    width = min(max(least, len(typed) + 3), max(view.width - 2, 8))
    x = min(max(wanted.near.x + 1, view.x + 1), view.right - width - 1)
    y = min(max(wanted.near.y + (wanted.near.height > 1), view.y), view.bottom - 2)
    room = width - 2
    first = max(0, before - room + 1)
    grid.put(x, y, " " * width, tone("text", "raised", underline=not style.colour))
    shown = typed[first : first + room]
    if shown and shown[0] == "":
        shown = (" ", *shown[1:])
    grid.write(x + 1, y, shown, tone("text", "raised", bold=True))
    at = typed[before] if before < len(typed) and typed[before] else " "
    grid.write(x + 1 + before - first, y, (at,), tone("bg", "accent", reverse=not style.colour))
    told = wanted.told if not wanted.good else wanted.told or wanted.label
    ink = tone("muted", "panel") if wanted.good else tone("failed", "panel")
    words = cut(told, width - 2, ascii=style.ascii, end=True)
    grid.write(x, y + 1, (" ", *words, *(" " * (width - 1 - len(words)))), ink)


def _foot(grid: Grid, view: Rect, rows: Foot, style: Style) -> None:
    for number, row in enumerate(rows, view.bottom - len(rows)):
        grid.put(view.x, number, " " * view.width, tone("text", "panel", reverse=not style.colour))
        write(grid, view.x + 2, number, row, view.width - 3, "panel", style)


__all__ = ["IDLE", "NOTHING", "Badge", "Band", "Field", "Ghost", "Wire", "Work", "draw"]
