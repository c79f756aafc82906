"""Text of strangers, made safe for a terminal: what would be obeyed is shown instead.

Ids, values, code and above all what tasks print may hold escape sequences (a title, a clipboard, a moved cursor),
single C1 characters that mean the same, marks that turn the direction of text, and characters without a shape. Textual
and rich let nearly all of these through. So no text reaches a widget but through `runs` or `line`, which keep one
promise: what they return holds only printable characters. What was not printable becomes a mark: a control picture
(`␛`), or its number (`<9b>`).

    runs("ok \\x1b[2J") -> [("ok ", False), ("␛", True), ("[2J", False)]     True: a mark, to be drawn inverse
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

TAB = 4
MAX_COMBINING = 3
"""So many marks may sit on one letter; a tower of them would run over the rows above."""

_DROPPED = frozenset("\u200d\ufe0e\ufe0f")
# Joiners and variation selectors change the width of what is around them, and terminals disagree how; the picture
# stays.


def line(text: str, *, ascii: bool = False) -> str:
    """One line of harmless text; marks look like the rest."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(part for part, _ in runs(text, ascii=ascii))


def runs(text: str, *, ascii: bool = False) -> list[tuple[str, bool]]:
    """One line as pieces of harmless text; True marks a piece that stands for something that was not."""
    if text.isascii() and text.isprintable():
        return [(text, False)] if text else []
    found: list[tuple[str, bool]] = []
    plain: list[str] = []
    column = combining = 0
    for char in text:
        if char == "\t":
            width = TAB - column % TAB
            plain.append(" " * width)
            column += width
            continue
        if char in _DROPPED:
            continue
        column += 1
        if char.isprintable() or char == "\u3000":
            combining = combining + 1 if unicodedata.combining(char) else 0
            if combining <= MAX_COMBINING:
                plain.append("?" if ascii and not char.isascii() else char)
            continue
        if unicodedata.category(char) == "Zs":
            plain.append(" ")
            continue
        if plain:
            found.append(("".join(plain), False))
            plain = []
        found.append((_mark(char, ascii), True))
    if plain:
        found.append(("".join(plain), False))
    return found


def lines(text: str, most: int = 100_000) -> list[str]:
    """A text cut at its line ends, as they are: each still has to go through `runs`. At most `most` lines."""
    return text.replace("\r\n", "\n").split("\n", most)[:most]


@lru_cache(maxsize=512)
def _mark(char: str, ascii: bool) -> str:
    number = ord(char)
    if ascii and number < 0x20:
        return "^" + chr(number + 0x40)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "^?" if ascii else "\u2421"
    return f"<{number:02x}>"
