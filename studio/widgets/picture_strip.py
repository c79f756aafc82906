"""A strip that knows its row: written for the terminal in one step, cut without being taken apart.

Textual's strips are lists of segments, each of which is made, measured, cut and written by itself. A row of a picture has
one tone a cell, so cutting it is slicing, and writing it is one pass over its runs. Segments are still made where
something else of Textual asks for them (screenshots, filters), and only then.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from studio.pictures.cells import Row


class Paints:
    """The styles of all tones under one theme, and how each begins on a terminal."""

    def __init__(self) -> None:
        self.styles: list[Style] = []
        self._starts: dict[tuple[int, ColorSystem], str] = {}

    def start(self, number: int, system: ColorSystem) -> str:
        """The sequence after which text has a tone, whatever it had before."""
        key = (number, system)
        found = self._starts.get(key)
        if found is None:
            ansi = Strip.render_ansi(self.styles[number], system)
            found = self._starts[key] = f"\x1b[0;{ansi}m" if ansi else "\x1b[0m"
        return found


class PictureStrip(Strip):
    """A row of a picture as Textual wants it."""

    __slots__ = ("_made", "_paints", "_row")

    def __init__(self, row: Row, paints: Paints) -> None:
        self._row = row
        self._paints = paints
        self._made: list[Segment] | None = None
        super().__init__((), len(row.tones))

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            styles = self._paints.styles
            self._made = [Segment(text, styles[number]) for text, number in self._row.runs()]
        return self._made

    @_segments.setter
    def _segments(self, segments: Iterable[Segment]) -> None:
        """They follow from the row, whatever the base class starts with."""

    def crop(self, start: int, end: int | None = None) -> Strip:
        """The cells from `start` up to `end`."""
        width = len(self._row.tones)
        start, end = max(0, start), width if end is None else min(width, end)
        if (start, end) == (0, width):
            return self
        if self._row.cells is not None or end <= start:
            return super().crop(start, end)
        return PictureStrip(Row(self._row.text[start:end], self._row.tones[start:end]), self._paints)

    def render(self, console: Console) -> str:
        """The sequences and the text that draw it."""
        if self._render_cache is None:
            system = console._color_system or ColorSystem.TRUECOLOR
            start = self._paints.start
            parts = [start(number, system) + text for text, number in self._row.runs()]
            self._render_cache = "".join(parts) + "\x1b[0m"
        return self._render_cache
