"""A list that opens over the canvas, beside a node: a field to write in, sections of rows, words about the row in hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.draw.scene import Rect
from studio.pictures.cells import Grid, tone
from studio.pictures.lettering import cut, letters
from studio.pictures.view import Style
from studio.theme import sign

WIDEST, NARROWEST = 58, 40
MOST_ROWS = 14
"""Rows of the list at most: it scrolls before it hides the graph."""


class Span(NamedTuple):
    """Some text in one ink."""

    text: str
    ink: str = "text"
    bold: bool = False
    underline: bool = False


class Entry(NamedTuple):
    """A row that can be chosen. `places` are the letters of `name` that were asked for."""

    glyph: str
    name: str
    text: str = ""
    places: tuple[int, ...] = ()


class Section(NamedTuple):
    """Rows under a title."""

    title: str
    entries: tuple[Entry, ...]


class Popup(NamedTuple):
    """What the list shows. `picked` counts through the entries of all sections; `hints` are (key, word) for its frame."""

    near: Rect
    title: str
    query: str
    found: str
    sections: tuple[Section, ...]
    picked: int = 0
    about: tuple[tuple[Span, ...], ...] = ()
    hints: tuple[tuple[str, str], ...] = ()


class Row(NamedTuple):
    """A row of the list as it is drawn; `entry` is the number of what can be chosen there, -1 for none."""

    entry: int
    spans: tuple[Span, ...]
    text: str = ""


def place(popup: Popup, view: Rect) -> Rect:
    """Where the list lies in the view: right of its node or below it if there is room, else wherever it fits."""
    near = popup.near
    beside = view.right - 1 - (near.right + 3)
    width = min(WIDEST, max(NARROWEST, view.width - 4))
    if NARROWEST <= beside < width:
        width = beside
    rows = sum(len(section.entries) + 1 for section in popup.sections)
    about = len(popup.about) + 1 if popup.about else 0
    most = max(6, min(MOST_ROWS, view.height - 13))
    height = min(max(view.height - 1, 6), min(max(rows, 1), most) + 5 + about)
    x = min(max(near.right + 3, view.x + 1), view.right - width - 1)
    y = near.y + 2
    if x < near.right:
        below = near.bottom + height <= view.bottom or near.y - height < view.y
        y = near.bottom if below else near.y - height
    return Rect(x, min(max(y, view.y), view.bottom - height), width, height)


def rows_of(popup: Popup, room: int) -> list[Row]:
    """The rows that fit, the picked one among them."""
    rows: list[Row] = []
    number = 0
    at = 0
    for section in popup.sections:
        rows.append(Row(-1, (Span(section.title, "muted"),)))
        for entry in section.entries:
            if number == popup.picked:
                at = len(rows)
            rows.append(Row(number, (Span(entry.glyph + " ", "accent"), *_matched(entry)), entry.text))
            number += 1
    first = 0 if at < room else at - room + 1
    return rows[first : first + room]


def _matched(entry: Entry) -> list[Span]:
    found: list[Span] = []
    places = set(entry.places)
    for at, char in enumerate(entry.name):
        hit = at in places
        if found and found[-1].underline is hit:
            found[-1] = found[-1]._replace(text=found[-1].text + char)
        else:
            found.append(Span(char, "accent" if hit else "text", bold=hit, underline=hit))
    return found


def entry_at(popup: Popup, view: Rect, x: int, y: int) -> int | None:
    """The entry that is drawn at a cell; None where there is none, -1 inside of the list but on no entry."""
    rect = place(popup, view)
    if not rect.holds(x, y):
        return None
    shown = rows_of(popup, _list_room(popup, rect))
    number = y - rect.y - 3
    return shown[number].entry if 0 <= number < len(shown) else -1


def _list_room(popup: Popup, rect: Rect) -> int:
    about = len(popup.about) + 1 if popup.about and rect.height >= len(popup.about) + 9 else 0
    return max(rect.height - 5 - about, 1)


def draw_popup(grid: Grid, view: Rect, popup: Popup, style: Style) -> None:
    """Put it on a grid."""
    rect = place(popup, view)
    level, upright, corners = ("-", "|", "++++") if style.ascii else ("─", "│", "╭╮╰╯")
    ink = tone("accent", "panel")
    inner = rect.width - 2
    grid.put(rect.x, rect.y, corners[0] + level * inner + corners[1], ink)
    for y in range(rect.y + 1, rect.bottom - 1):
        grid.put(rect.x, y, upright + " " * inner + upright, ink)
    grid.put(rect.x, rect.bottom - 1, corners[2] + level * inner + corners[3], ink)
    title = cut(popup.title, inner - 6, ascii=style.ascii, end=True)
    grid.write(rect.x + 2, rect.y, (" ", *title, " "), tone("accent", "panel", bold=True))
    _draw_query(grid, rect, popup, style)
    room = _list_room(popup, rect)
    for y, row in enumerate(rows_of(popup, room), rect.y + 3):
        _draw_row(grid, rect, y, row, style, picked=row.entry == popup.picked and row.entry >= 0)
    if not popup.sections:
        write(grid, rect.x + 3, rect.y + 3, (Span("nothing has these letters", "muted"),), inner - 4, "panel", style)
    if popup.about and rect.height - 5 - room:
        y = rect.y + 3 + room
        grid.put(rect.x + 1, y, level * inner, tone("line", "panel"))
        for number, spans in enumerate(popup.about, y + 1):
            write(grid, rect.x + 3, number, spans, inner - 4, "panel", style)
    _draw_hints(grid, rect, popup, style)


def _draw_query(grid: Grid, rect: Rect, popup: Popup, style: Style) -> None:
    x, y, width = rect.x + 2, rect.y + 1, rect.width - 4
    grid.put(x, y, " " * width, tone("text", "raised", reverse=not style.colour))
    count = letters(popup.found)
    bar = "_" if style.ascii else "▏"
    query = letters(popup.query)[-(width - len(count) - 4) :]
    grid.write(x + 1, y, query, tone("text", "raised", bold=True, reverse=not style.colour))
    grid.put(x + 1 + len(query), y, (bar,), tone("accent", "raised", reverse=not style.colour))
    grid.write(x + width - len(count) - 1, y, count, tone("muted", "raised", reverse=not style.colour))


def _draw_row(grid: Grid, rect: Rect, y: int, row: Row, style: Style, *, picked: bool) -> None:
    ground = "accentbg" if picked else "panel"
    inner = rect.width - 2
    loud = picked and not style.colour
    if picked:
        grid.put(rect.x + 1, y, " " * inner, tone("text", ground, reverse=loud))
        grid.put(rect.x + 1, y, (sign("selected", ascii=style.ascii),), tone("accent", ground))
    indent = 3 if row.entry >= 0 else 2
    used = write(grid, rect.x + indent, y, row.spans, inner - indent - 1, ground, style, loud=loud)
    room = inner - indent - 2 - used
    if row.text and room > 6:
        words = cut(row.text, room, ascii=style.ascii, end=True)
        grid.write(rect.right - 2 - len(words), y, words, tone("muted", ground, reverse=loud))


def _draw_hints(grid: Grid, rect: Rect, popup: Popup, style: Style) -> None:
    x = rect.x + 3
    for key, word in popup.hints:
        width = len(key) + len(word) + 3
        if x + width > rect.right - 2:
            break
        spans = (Span(f" {key}", "accent", bold=True), Span(f" {word} ", "muted"))
        x += write(grid, x, rect.bottom - 1, spans, width, "panel", style)


def write(
    grid: Grid, x: int, y: int, spans: Sequence[Span], room: int, ground: str, style: Style, *, loud: bool = False
) -> int:
    """Write spans one after the other in at most `room` cells; the cells they took."""
    used = 0
    for span in spans:
        words = cut(span.text, room - used, ascii=style.ascii, end=True) if room > used else ()
        ink = tone(span.ink, ground, bold=span.bold, underline=span.underline, reverse=loud)
        grid.write(x + used, y, words, ink)
        used += len(words)
    return used
