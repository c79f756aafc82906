"""Finding nodes by a part of their name, and the letters one jumps by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.draw.scene import Box
from studio.pictures.lettering import letters

LETTERS = "asdfghjkl" + "qwertyuiop" + "zxcvbnm"


def matches(boxes: Sequence[Box], wanted: str) -> dict[int, tuple[int, int]]:
    """Box -> the cells (first, stop) of its name in which `wanted` stands. Case counts only if a capital was typed.
    With a `/` in it, `wanted` is a part of a path, which no card shows: then the cells are none."""
    if not wanted:
        return {}
    exact = wanted != wanted.lower()
    sought = wanted if exact else wanted.lower()
    found = {}
    for index, box in enumerate(boxes):
        name = box.name or box.path
        at = (name if exact else name.lower()).find(sought)
        if at < 0:
            if "/" in sought and sought in (box.path if exact else box.path.lower()):
                found[index] = (0, 0)
            continue
        first = len(letters(name[:at]))
        found[index] = (first, first + max(1, len(letters(name[at : at + len(wanted)]))))
    return found


def badges(boxes: Iterable[int]) -> dict[int, str]:
    """A letter for each box, home row first; pairs where there are more boxes than letters."""
    wanted = list(boxes)
    if len(wanted) <= len(LETTERS):
        return dict(zip(wanted, LETTERS, strict=False))
    pairs = (one + other for one in LETTERS for other in LETTERS)
    return dict(zip(wanted, pairs, strict=False))
