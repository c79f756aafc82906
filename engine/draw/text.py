"""Text in cells: how wide it is, how to shorten it, and how to make it harmless.

Widths follow Unicode's East Asian Width (wide and full-width are two cells, all else one, also the ambiguous), with
what terminals do on top: marks, format characters and Hangul vowels and finals take no cell, an emoji that is joined
to the one before it by a zero width joiner takes none, a variation selector 16 makes its base two cells wide, a pair
of regional indicators is one flag of two cells, a skin tone takes none after an emoji.

No text of others reaches a screen or a file unless it went through `safe`: control, C1, bidi and line-breaking
characters become visible marks of one cell.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, combining, east_asian_width

ELLIPSIS = "…"
_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_CONTROL_MARKS = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "␡", "\u2028": "␤", "\u2029": "␤"}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset("\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\ufff9\ufffa\ufffb")


@lru_cache(maxsize=4096)
def cell_width(char: str) -> int:
    """The cells of one character by itself: 0, 1 or 2."""
    code = ord(char)
    if code < 0x300:
        return 0 if code < 0x20 or 0x7F <= code < 0xA0 or code == 0xAD else 1
    if combining(char) or category(char) in ("Mn", "Me", "Cf") or 0x1160 <= code <= 0x11FF:
        return 0
    return 2 if east_asian_width(char) in ("W", "F") else 1


def clusters(text: str) -> list[tuple[str, int]]:
    """What cannot be taken apart: (characters, cells), in order."""
    found: list[tuple[str, int]] = []
    joined = flag = False
    for char in text:
        code = ord(char)
        cells = cell_width(char)
        if not found:
            found.append((char, cells))
            flag = 0x1F1E6 <= code <= 0x1F1FF
            continue
        before, before_cells = found[-1]
        if char == _EMOJI_STYLE:
            found[-1] = (before + char, 2 if _may_be_emoji(before[-1]) else before_cells)
        elif cells == 0 or (joined and before_cells == 2) or (0x1F3FB <= code <= 0x1F3FF and before_cells == 2):
            found[-1] = (before + char, before_cells)
        elif flag and 0x1F1E6 <= code <= 0x1F1FF:
            found[-1] = (before + char, 2)
            flag = False
            continue
        else:
            found.append((char, cells))
        flag = 0x1F1E6 <= code <= 0x1F1FF
        joined = char == _JOINER
    return found


def _may_be_emoji(char: str) -> bool:
    return ord(char) >= 0x2190 or char in "#*©®‼⁉™ℹ" or char.isdigit()


def width(text: str) -> int:
    """The cells that a line of text takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(cells for _, cells in clusters(text))


def clip(text: str, cells: int) -> str:
    """The start of a text, no wider than `cells`."""
    if width(text) <= cells:
        return text
    kept, used = [], 0
    for cluster, wide in clusters(text):
        if used + wide > cells:
            break
        kept.append(cluster)
        used += wide
    return "".join(kept)


def elide(text: str, cells: int, ellipsis: str = ELLIPSIS) -> str:
    """A text that fits into `cells` by losing its middle: `load_cust…_2024`. The start keeps a little more."""
    if width(text) <= cells:
        return text
    room = cells - width(ellipsis)
    if room <= 0:
        return clip(ellipsis, cells)
    tail_room = room * 5 // 14
    parts = clusters(text)
    tail: list[str] = []
    used = 0
    for cluster, wide in reversed(parts):
        if used + wide > tail_room:
            break
        tail.append(cluster)
        used += wide
    return clip(text, room - used) + ellipsis + "".join(reversed(tail))


def cut(text: str, cells: int, ellipsis: str = ELLIPSIS) -> str:
    """A text that fits into `cells` by losing its end."""
    if width(text) <= cells:
        return text
    return clip(text, max(0, cells - width(ellipsis))) + clip(ellipsis, cells)


def pad(text: str, cells: int) -> str:
    """A text of exactly `cells`, filled up with spaces, or cut."""
    text = clip(text, cells)
    return text + " " * (cells - width(text))


def safe(text: str, ascii_only: bool = False) -> str:
    """The same text with a visible mark for each character that could do more than be seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join([_mark(char, ascii_only) for char in text])


def _mark(char: str, ascii_only: bool) -> str:
    if ascii_only:
        return char if " " <= char <= "~" else "?"
    if char in _CONTROL_MARKS:
        return _CONTROL_MARKS[char]
    kind = category(char)
    if kind in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or char in _BIDI or char in _UNSEEN:
        return "�"
    if kind == "Zs":
        return " "
    return "�" if 0xE0000 <= ord(char) <= 0xE0FFF and ord(char) < 0xE0100 else char
