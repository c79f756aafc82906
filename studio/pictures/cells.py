"""A grid of cells with tones, and its rows as runs: what every picture is made of.

A *tone* is how a cell looks (colour, ground, weight), by tokens of `studio.theme`; it travels as a small number so that a
row of tones is a row of bytes and equal neighbours are found by one regular expression. A *row* is a tuple of runs
(text, tone): it can be compared with what was on the screen before, and becomes one segment a run.

A wide character holds two cells: itself and an empty string after it. Painting over one half leaves a blank for the
other, so no row is ever wider or narrower than the grid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.draw.scene import Rect
from engine.draw.text import cell_width

Run = tuple[str, int]
Row = tuple[Run, ...]

MAX_TONES = 256


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
        if "" in text:
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

    def rows(self) -> list[Row]:
        """All rows from top to bottom."""
        for row in self._mixed:
            if 0 <= row < self.height:
                _mend(self._chars[row])
        return [runs(chars, tones) for chars, tones in zip(self._chars, self._tones, strict=True)]


def runs(chars: list[str], tones: bytearray) -> Row:
    """A row as runs of one tone."""
    if tones.count(tones[0]) == len(tones) if tones else True:
        return (("".join(chars), tones[0]),) if tones else ()
    found = []
    for match in _SAME.finditer(tones):
        first, stop = match.span()
        found.append(("".join(chars[first:stop]), tones[first]))
    return tuple(found)


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


def text_of(row: Row) -> str:
    """What a row says, without its tones."""
    return "".join(text for text, _ in row)
