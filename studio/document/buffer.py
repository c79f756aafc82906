"""The text of a field while it is edited: what each key does to it, and how it stands in rows of a given width.

A `Buffer` is frozen: a key gives the next one. It knows text and a place in it, nothing of a screen; `rows` cuts the text
to rows at line ends and where the width is used up, and `row_of` tells in which of them a place stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import Struct

from studio.document.visible import runs

MAX_TEXT = 200_000
"""So many characters a field takes; a paste beyond that is cut."""


class Buffer(Struct, frozen=True):
    """A text and the place of the cursor in it, between characters. `lines` tells whether Enter makes a new line."""

    text: str = ""
    at: int = 0
    lines: bool = False

    def insert(self, text: str) -> Buffer:
        """Type or paste a text. Line ends of other systems become ours."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")[: max(MAX_TEXT - len(self.text), 0)]
        return Buffer(self.text[: self.at] + text + self.text[self.at :], self.at + len(text), self.lines)

    def key(self, name: str, width: int) -> Buffer | None:
        """What a key does, under Textual's name for it; None where it does nothing in a text. `width` is that of the rows."""
        if name in ("up", "down"):
            return self._upright(-1 if name == "up" else 1, width)
        rule = _KEYS.get(name)
        return rule(self) if rule is not None else None

    def to(self, at: int) -> Buffer:
        """The cursor at another place."""
        return Buffer(self.text, max(0, min(at, len(self.text))), self.lines)

    def cut(self, start: int, end: int) -> Buffer:
        """Without the characters from `start` to `end`."""
        start, end = max(start, 0), min(end, len(self.text))
        return Buffer(self.text[:start] + self.text[end:], start, self.lines)

    def put(self, start: int, end: int, text: str) -> Buffer:
        """With other characters there; the cursor behind them."""
        return Buffer(self.text[:start] + text + self.text[end:], start + len(text), self.lines)

    def _upright(self, step: int, width: int) -> Buffer | None:
        """A row up or down, in about the same column; None at the first and the last row."""
        found = rows(self.text, width)
        here = row_of(found, self.at)
        if not 0 <= here + step < len(found):
            return None
        column = cells(self.text[found[here].start : self.at])
        return self.to(place_in(self.text, found[here + step], column))


class TextRow(NamedTuple):
    """The characters `start` to `end` of a text, on one row of the screen."""

    start: int
    end: int


def rows(text: str, width: int) -> list[TextRow]:
    """The rows of a text: at least one. A row ends at a line end, or where the next character has no room."""
    found: list[TextRow] = []
    width = max(width, 2)
    start = 0
    for line in text.split("\n"):
        if line.isascii() and line.isprintable():
            places = [*range(0, len(line), width)] or [0]
            found += [TextRow(start + at, start + min(at + width, len(line))) for at in places]
        else:
            found += _measured(line, start, width)
        if len(line) and found[-1].end - found[-1].start == width and found[-1].end == start + len(line):
            found.append(TextRow(found[-1].end, found[-1].end))  # the cursor needs a cell behind the last character
        start += len(line) + 1
    return found


def _measured(line: str, start: int, width: int) -> list[TextRow]:
    found: list[TextRow] = []
    begin, used = 0, 0
    for at, char in enumerate(line):
        wide = cells(char)
        if used + wide > width:
            found.append(TextRow(start + begin, start + at))
            begin, used = at, 0
        used += wide
    return [*found, TextRow(start + begin, start + len(line))]


def row_of(found: list[TextRow], at: int) -> int:
    """The number of the row in which a place stands; at the seam of two rows it is the later one."""
    for number in range(len(found) - 1, -1, -1):
        if found[number].start <= at:
            return number
    return 0


def place_in(text: str, row: TextRow, column: int) -> int:
    """The place in a row that is nearest to a column of cells."""
    used = 0
    for at in range(row.start, row.end):
        wide = cells(text[at])
        if used + wide > column:
            return at
        used += wide
    return row.end


def cells(text: str) -> int:
    """Cells that a text takes in a field, where what cannot be seen is shown by a mark."""
    if text.isascii() and text.isprintable():
        return len(text)
    from engine.draw.text import cell_width

    return sum(cell_width(char) for part, _ in runs(text) for char in part)


# -- keys ------------------------------------------------------------------------------------------------------------

_WORD_BEFORE = re.compile(r"(?:\w+|[^\w\s]+)\s*\Z|\s+\Z")
_WORD_AFTER = re.compile(r"\s*(?:\w+|[^\w\s]+|\Z)")


def _before(buffer: Buffer) -> int:
    found = _WORD_BEFORE.search(buffer.text, 0, buffer.at)
    return found.start() if found is not None else 0


def _after(buffer: Buffer) -> int:
    found = _WORD_AFTER.match(buffer.text, buffer.at)
    return found.end() if found is not None else len(buffer.text)


def _line_start(buffer: Buffer) -> int:
    return buffer.text.rfind("\n", 0, buffer.at) + 1


def _line_end(buffer: Buffer) -> int:
    end = buffer.text.find("\n", buffer.at)
    return len(buffer.text) if end < 0 else end


_KEYS: Mapping[str, Callable[[Buffer], Buffer]] = {
    "left": lambda buffer: buffer.to(buffer.at - 1),
    "right": lambda buffer: buffer.to(buffer.at + 1),
    "ctrl+left": lambda buffer: buffer.to(_before(buffer)),
    "ctrl+right": lambda buffer: buffer.to(_after(buffer)),
    "home": lambda buffer: buffer.to(_line_start(buffer)),
    "end": lambda buffer: buffer.to(_line_end(buffer)),
    "ctrl+a": lambda buffer: buffer.to(_line_start(buffer)),
    "ctrl+e": lambda buffer: buffer.to(_line_end(buffer)),
    "backspace": lambda buffer: buffer.cut(buffer.at - 1, buffer.at) if buffer.at else buffer,
    "delete": lambda buffer: buffer.cut(buffer.at, buffer.at + 1).to(buffer.at),
    "ctrl+w": lambda buffer: buffer.cut(_before(buffer), buffer.at),
    "ctrl+u": lambda buffer: buffer.cut(_line_start(buffer), buffer.at),
    "ctrl+k": lambda buffer: buffer.cut(buffer.at, _line_end(buffer)),
}
