"""Fuzzy search: which letters of a text a query matches, and how well.

The letters of the query must come in their order, in any case. Of all the ways to place them the best one counts: letters
that begin a word or follow each other are worth more, letters far apart less. So `do` finds `drop_outliers` by its two
initials, and `out` the word rather than three letters that happen to be there.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_QUERY = 64
MAX_TEXT = 200

_START, _WORD, _NEXT, _GAP = 12, 9, 8, 1
_NONE = -10_000


class Match(NamedTuple):
    """How well a text matches, and the places of its matched letters."""

    score: int
    places: tuple[int, ...]


def match(query: str, text: str) -> Match | None:
    """The best match of `query` in `text`, None where there is none. An empty query matches everything."""
    wanted = query.casefold().replace(" ", "")[:MAX_QUERY]
    if not wanted:
        return Match(0, ())
    text = text[:MAX_TEXT]
    letters = [char.casefold() for char in text]
    at = 0
    for char in wanted:
        try:
            at = letters.index(char, at) + 1
        except ValueError:
            return None
    return _best(wanted, text, letters)


def _best(wanted: str, text: str, letters: list[str]) -> Match:
    """Dynamic programming over (letter of the query, letter of the text)."""
    count = len(letters)
    before = [0] * count
    came: list[list[int]] = []
    for number, char in enumerate(wanted):
        scores, origin = [_NONE] * count, [-1] * count
        best, best_at = _NONE, -1  # the best end of the letters before, further left than the neighbour
        for place in range(count):
            if letters[place] == char:
                worth = _worth(text, place)
                if number == 0:
                    scores[place] = worth - _GAP * min(place, 5)
                else:
                    far = best - _GAP * 2 if best_at >= 0 else _NONE
                    near = before[place - 1] + _NEXT if place else _NONE
                    scores[place] = worth + max(far, near)
                    origin[place] = place - 1 if near >= far else best_at
            if number and place and before[place - 1] > best:
                best, best_at = before[place - 1], place - 1
        came.append(origin)
        before = scores
    end = max(range(count), key=lambda place: before[place])
    places = [end]
    for origin in reversed(came[1:]):
        places.append(origin[places[-1]])
    whole = 6 if len(wanted) == count else 0
    return Match(before[end] + whole - count // 8, tuple(reversed(places)))


def _worth(text: str, place: int) -> int:
    if place == 0:
        return _START
    here, last = text[place], text[place - 1]
    if not last.isalnum() or (here.isupper() and last.islower()):
        return _WORD
    return 1
