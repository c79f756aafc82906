"""A grid of cells with tones, and its rows: what every picture is made of.

A *tone* is how a cell looks (colour, ground, weight), by tokens of `studio.theme`; it travels as a small number, so that
the tones of a row are bytes. A `Row` is a text and its tones: it is compared with what was on the screen before in one
step, and only where it differs it is cut into runs of one tone, by one regular expression, for the terminal.

A wide character holds two cells: itself and an empty string after it. Painting over one half leaves a blank for the
other, so no row is ever wider or narrower than the grid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.draw.scene import Rect
from engine.draw.text import cell_width

MAX_TONES = 256


class Row(NamedTuple):
    """One row of a picture: its text, a tone for each cell, and its cells one by one where a character is not one cell."""

    text: str
    tones: bytes
    cells: tuple[str, ...] | None = None

    def runs(self) -> list[tuple[str, int]]:
        """The row as (text, tone), cut where the tone changes. Blanks on the canvas go on in the tone before them."""
        tones, text, cells = self.tones, self.text, self.cells
        found: list[tuple[str, int]] = []
        first = 0
        for stop in [at.end() for at in _SAME.finditer(tones)]:
            part = text[first:stop] if cells is None else "".join(cells[first:stop])
            number = tones[first]
            last = found[-1][1] if found else -1
            if last == number or (number == 0 and last in _ON_CANVAS and part.isspace()):
                found[-1] = (found[-1][0] + part, last)
            elif len(found) == 1 and found[0][1] == 0 and number in _ON_CANVAS and found[0][0].isspace():
                found[0] = (found[0][0] + part, number)
            else:
                found.append((part, number))
            first = stop
        return found

    def difference(self, other: Row) -> tuple[int, int] | None:
        """The cells (first, stop) outside of which two rows of one width are the same; None if they are the same."""
        if self == other:
            return None
        width = len(self.tones)
        if self.cells is not None or other.cells is not None or len(other.tones) != width:
            return 0, width
        first, stop = 0, width
        while stop - first > 1:  # the longest common start, by halving
            middle = (first + stop) // 2
            if self.text[:middle] == other.text[:middle] and self.tones[:middle] == other.tones[:middle]:
                first = middle
            else:
                stop = middle
        start, first, stop = first, 0, width - first
        while stop - first > 1:
            middle = (first + stop) // 2
            if self.text[-middle:] == other.text[-middle:] and self.tones[-middle:] == other.tones[-middle:]:
                first = middle
            else:
                stop = middle
        return start, width - first


class Tone(NamedTuple):
    """How a cell looks: two colour tokens and what a terminal can add to them."""

    colour: str = "text"
    ground: str = "bg"
    bold: bool = False
    reverse: bool = False
    underline: bool = False


TONES: list[Tone] = [Tone()]
"""All tones met so far, by number; number 0 is plain text."""

_NUMBERS: dict[Tone, int] = {Tone(): 0}
_ON_CANVAS: set[int] = {0}
"""The tones in which a blank looks as it does in plain text."""


@lru_cache(maxsize=4 * MAX_TONES)
def tone(
    colour: str = "text", ground: str = "bg", *, bold: bool = False, reverse: bool = False, underline: bool = False
) -> int:
    """The number of a tone. There are a few hundred at most, since all are named by the code and none by data."""
    wanted = Tone(colour, ground, bold, reverse, underline)
    number = _NUMBERS.get(wanted)
    if number is None:
        if len(TONES) >= MAX_TONES:
            return tone(colour) if ground != "bg" or bold or reverse or underline else 0
        number = _NUMBERS[wanted] = len(TONES)
        TONES.append(wanted)
        if ground == "bg" and not reverse and not underline:
            _ON_CANVAS.add(number)
    return number


_BYTES = [bytes((number,)) for number in range(MAX_TONES)]
_SAME = re.compile(rb"(?s)(.)\1*")


class Grid:
    """A rectangle of a picture, in the picture's own coordinates; what is put outside of it is cut off."""

    __slots__ = ("_chars", "_mixed", "_tones", "height", "width", "x", "y")

    def __init__(self, rect: Rect, blank: int = 0) -> None:
        self.x, self.y, self.width, self.height = rect
        self._chars = [[" "] * self.width for _ in range(self.height)]
        self._tones = [bytearray(_BYTES[blank] * self.width) for _ in range(self.height)]
        self._mixed: set[int] = set()

    def copy(self, rect: Rect | None = None) -> Grid:
        """Another grid with the same in it, or with those of its rows that `rect` (as wide as this one) has."""
        other = Grid.__new__(Grid)
        other.x, other.y, other.width, other.height = rect or self.rect
        first = other.y - self.y
        rows = slice(first, first + other.height)
        other._chars = [chars.copy() for chars in self._chars[rows]]
        other._tones = [tones.copy() for tones in self._tones[rows]]
        other._mixed = {row - first for row in self._mixed}
        return other

    def covers(self, rect: Rect) -> bool:
        """Whether `rect` is some of its rows."""
        return (self.x, self.width) == (rect.x, rect.width) and (
            self.y <= rect.y and rect.y + rect.height <= self.y + self.height
        )

    @property
    def rect(self) -> Rect:
        """Where it lies."""
        return Rect(self.x, self.y, self.width, self.height)

    def put(self, x: int, y: int, cells: Sequence[str], tone: int) -> None:
        """Put one string a cell, to the right from (x, y)."""
        y -= self.y
        if not 0 <= y < self.height:
            return
        x -= self.x
        count = len(cells)
        if x < 0:
            cells = cells[-x:]
            count, x = len(cells), 0
        if x + count > self.width:
            count = self.width - x
            cells = cells[: max(count, 0)]
        if count <= 0:
            return
        self._chars[y][x : x + count] = cells
        self._tones[y][x : x + count] = _BYTES[tone] * count

    def write(self, x: int, y: int, text: tuple[str, ...], tone: int) -> None:
        """Put text that may hold wide characters (an empty string follows each)."""
        if len("".join(text)) != len(text) or "" in text:
            self._mixed.add(y - self.y)
        self.put(x, y, text, tone)

    def column(self, x: int, y: int, count: int, char: str, tone: int) -> None:
        """Put one character below the other."""
        x -= self.x
        if 0 <= x < self.width:
            for row in range(max(0, y - self.y), min(self.height, y - self.y + count)):
                self._chars[row][x] = char
                self._tones[row][x] = tone

    def tint(self, x: int, y: int, count: int, tone: int) -> None:
        """Change the tone of cells and leave what stands in them."""
        y -= self.y
        if 0 <= y < self.height:
            first, stop = max(0, x - self.x), min(self.width, x - self.x + count)
            if first < stop:
                self._tones[y][first:stop] = _BYTES[tone] * (stop - first)

    def is_blank(self, x: int, y: int, count: int) -> bool:
        """Whether cells lie inside and nothing stands in them."""
        first, y = x - self.x, y - self.y
        if not 0 <= y < self.height or first < 0 or first + count > self.width:
            return False
        return self._chars[y][first : first + count] == [" "] * count

    def cell(self, x: int, y: int, char: str, tone: int) -> None:
        """Put one cell that is known to lie inside."""
        self._chars[y - self.y][x - self.x] = char
        self._tones[y - self.y][x - self.x] = tone

    def line(self, y: int) -> tuple[list[str], bytearray]:
        """The cells and tones of a row that lies inside, for those who put many at once; column 0 is `self.x`."""
        return self._chars[y - self.y], self._tones[y - self.y]

    def lay_on(self, other: Grid) -> None:
        """Put what was drawn here (all that is not blank in the plain tone) on another grid."""
        for y in range(max(self.y, other.y), min(self.y + self.height, other.y + other.height)):
            chars, tones = self.line(y)
            if not any(tones):
                continue
            under, under_tones = other.line(y)
            if y - self.y in self._mixed:
                other._mixed.add(y - other.y)
            shift = self.x - other.x
            for at, number in enumerate(tones):
                if number and 0 <= at + shift < other.width:
                    under[at + shift] = chars[at]
                    under_tones[at + shift] = number

    def stamp(self, other: Grid) -> None:
        """Put all of this grid on another one, as it is."""
        first, stop = max(self.x, other.x), min(self.x + self.width, other.x + other.width)
        if first >= stop:
            return
        ours, theirs = slice(first - self.x, stop - self.x), slice(first - other.x, stop - other.x)
        whole = stop - first == self.width
        for y in range(max(self.y, other.y), min(self.y + self.height, other.y + other.height)):
            row, under = y - self.y, y - other.y
            other._chars[under][theirs] = self._chars[row] if whole else self._chars[row][ours]
            other._tones[under][theirs] = self._tones[row] if whole else self._tones[row][ours]
            if row in self._mixed:
                other._mixed.add(under)

    def cells(self, wanted: Iterable[tuple[int, int, tuple[str, int]]]) -> None:
        """Put many cells (x, y, (character, tone)) that are known to lie inside."""
        left, top, chars, tones = self.x, self.y, self._chars, self._tones
        for x, y, (char, number) in wanted:
            chars[y - top][x - left] = char
            tones[y - top][x - left] = number

    def beside(self, x: int, wanted: Iterable[tuple[int, int, str]], tone: int) -> None:
        """Put many cells (columns to the right of `x`, row, character) of one tone, on rows that are known to lie inside."""
        top, chars, tones, width = self.y, self._chars, self._tones, self.width
        x -= self.x
        for right, y, char in wanted:
            if 0 <= (at := x + right) < width:
                chars[y - top][at] = char
                tones[y - top][at] = tone

    def rows(self) -> list[Row]:
        """All rows from top to bottom."""
        found = []
        for number, (chars, tones) in enumerate(zip(self._chars, self._tones, strict=True)):
            if number in self._mixed:
                _mend(chars)
                found.append(Row("".join(chars), bytes(tones), tuple(chars)))
            else:
                found.append(Row("".join(chars), bytes(tones)))
        return found


def _mend(chars: list[str]) -> None:
    """Blank every half of a wide character whose other half was painted over or cut off."""
    last = len(chars) - 1
    for at, char in enumerate(chars):
        if char == "":
            if at == 0 or not _is_wide(chars[at - 1]):
                chars[at] = " "
        elif _is_wide(char) and (at == last or chars[at + 1] != ""):
            chars[at] = " "


@lru_cache(maxsize=4096)
def _is_wide(char: str) -> bool:
    return bool(char) and cell_width(char[0]) == 2
