"""Lines that commands print: state glyphs, a few colours, columns that line up, and nothing of anybody's that acts.

Printed lines stand among those of other programs, so they use the terminal's own sixteen colours; only the accent,
which means *you*, is a violet of its own where the terminal can show it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.draw.text import cut, safe, width
from studio.front.terminal import Terminal
from studio.theme import look, sign

_ANSI = {
    "default": "",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bright_black": "90",
    "bold": "1",
    "muted": "2",
    "accent": "38;5;141",
}


_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


class Paint:
    """Makes pieces of text for one terminal. Texts that come from a project go through `safe` first."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def safe(self, text: object) -> str:
        """Anybody's text as one line that a terminal only shows."""
        return safe(str(text).replace("\n", " "), self.terminal.ascii)

    def printed(self, text: str) -> str:
        """A line that a program printed, as it would look at rest: without colours, and only the last state of a bar."""
        if "\x1b" in text:
            text = _COLOURS.sub("", text)
        if "\r" in text:
            text = text.rstrip("\r").rsplit("\r", 1)[-1]
        return self.safe(text.expandtabs(4))

    def style(self, text: str, *styles: str) -> str:
        """`text` in a colour of the table above, bold or muted, where the terminal has colours."""
        codes = [code for code in (_ANSI[style] for style in styles) if code]
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self.terminal.colour and codes and text else text

    def glyph(self, state: str) -> str:
        """The sign of a state, in its colour."""
        found = look(state)
        return self.style(found.ascii if self.terminal.ascii else found.glyph, found.ansi)

    def state(self, state: str) -> str:
        """The sign of a state and its word."""
        return f"{self.glyph(state)} {self.style(state, look(state).ansi)}"

    def sign(self, name: str) -> str:
        """A sign of the theme's table."""
        return sign(name, ascii=self.terminal.ascii)

    def accent(self, text: str) -> str:
        """What a person can type or press."""
        return self.style(text, "accent")

    def muted(self, text: str) -> str:
        """What may be overlooked."""
        return self.style(text, "muted")

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> str:
        """Columns that line up, numbers to the right, heads muted. The last column takes what room is left."""
        widths = [max([cells(head), *(cells(row[place]) for row in rows)]) for place, head in enumerate(heads)]
        shown = [self._row([self.muted(head) for head in heads], widths, right)]
        return "\n".join([*shown, *(self._row(row, widths, right) for row in rows)])

    def _row(self, row: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
        last = len(row) - 1
        parts = []
        for place, text in enumerate(row):
            if place == last:
                room = self.terminal.width - sum(widths[:-1]) - 2 * last
                parts.append(self.fit(text, max(room, 12)) if self.terminal.live else text)
            else:
                gap = " " * (widths[place] - cells(text))
                parts.append(gap + text if place in right else text + gap)
        return "  ".join(parts).rstrip()

    def fit(self, text: str, room: int) -> str:
        """`text`, cut at its end where it does not fit into `room` cells. Only text without styles is cut."""
        return text if "\x1b" in text else cut(text, room, self.sign("ellipsis"))


def cells(text: str) -> int:
    """How many cells a text of ours takes; styles take none."""
    return width(_COLOURS.sub("", text) if "\x1b" in text else text)


def seconds(length: float | None) -> str:
    """A length of time as people read it: 4 ms, 0.31 s, 12.3 s, 4:05, 1:02:03."""
    if length is None:
        return ""
    if length < 0.0995:
        return f"{max(length, 0) * 1000:.0f} ms"
    if length < 0.995:
        return f"{length:.2f} s"
    if length < 60:
        return f"{length:.1f} s"
    whole = round(length)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(wall: float) -> str:
    """A time of day as people read it, in local time: 2026-11-23 10:15:00."""
    import time

    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
    except (OverflowError, ValueError, OSError):
        return "unknown"
