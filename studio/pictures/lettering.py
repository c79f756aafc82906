"""Text of a project as cells: sanitised, measured, shortened to the room there is."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, combining

from engine.draw.text import cell_width, clusters, safe

_MARKS = 4
_DISPUTED = str.maketrans(
    dict.fromkeys(
        map(
            chr,
            (
                *range(0x2630, 0x2638),
                *range(0x268A, 0x2690),
                *range(0x4DC0, 0x4E00),
                *range(0x1D300, 0x1D380),
                *range(0x1F3FB, 0x1F400),
                0x115F,
                0x3164,
                0xFFA0,
            ),
        ),
        "\ufffd",
    )
)
"""Characters of which one standard says one cell and another two, or none."""


@lru_cache(maxsize=16_384)
def letters(text: str) -> tuple[str, ...]:
    """One string a cell: a wide character is followed by an empty one, marks that combine stay with their letter.

    Joiners, variation selectors and skin tones are dropped, for terminals do not agree on the width of what would come
    out: of a family one face is shown. More than a few marks on one letter are dropped too.
    """
    if text.isascii() and text.isprintable():
        return tuple(text)
    cells: list[str] = []
    for cluster, wide in clusters(safe(text).translate(_DISPUTED)):
        first = cluster[0]
        own = 0 if _rides(first) else cell_width(first)
        if own == 0 and cells and _rides(first):  # a vowel sign that has a cell in some terminals and none in others
            at = len(cells) - (2 if cells[-1] == "" else 1)
            cells[at] += first if len(cells[at]) <= _MARKS else ""
            continue
        if own == 0:
            first, own, wide = "◌" + first if combining(first) or _rides(first) else "�", 1, 1
        marks = [char for char in cluster[1:] if cell_width(char) == 0 and combining(char)][:_MARKS]
        cells.append("".join((first, *marks)))
        cells += [""] * (own - 1)
        cells += [" "] * (wide - own)
    return tuple(cells)


@lru_cache(maxsize=16_384)
def cut(text: str, room: int, *, ascii: bool = False, end: bool = False) -> tuple[str, ...]:
    """The letters of a text in at most `room` cells. What is too long loses its middle, or with `end` its end."""
    cells = letters(text)
    if len(cells) <= room:
        return cells
    if room <= 0:
        return ()
    dots = "~" if ascii else "…"
    if end or room < 5:
        return (*_whole(cells[: room - 1]), dots)
    back = (room - 1) // 3
    return (*_whole(cells[: room - 1 - back]), dots, *_tail(cells, back))


def _rides(char: str) -> bool:
    """Whether a mark that is no combining one shares the cell of the letter before it."""
    return not char.isascii() and (category(char) == "Mc" or 0xD7B0 <= ord(char) <= 0xD7FF)


def _whole(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Cells from the start of a text; half a wide character becomes a blank."""
    return (*cells[:-1], " ") if cells and cells[-1] != "" and _is_wide(cells[-1]) else cells


def _tail(cells: tuple[str, ...], count: int) -> tuple[str, ...]:
    tail = cells[len(cells) - count :]
    return (" ", *tail[1:]) if tail and tail[0] == "" else tail


def _is_wide(cell: str) -> bool:
    return cell_width(cell[0]) == 2
