"""Where two long sequences differ that share nearly everything: from here to there, the rest is the same.

Slices are compared by halves, which is done at the speed of C for things that are the same objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Thing = TypeVar("Thing")


def differing(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int, int]:
    """(start, end in the old one, end in the new one) of what differs; start == both ends where nothing does."""
    most = min(len(old), len(new))
    start = _same(old, new, most)
    most -= start
    if not most:
        return start, len(old), len(new)
    low, high = 0, most
    while low < high:
        half = (low + high + 1) // 2
        one, other = len(old) - half, len(new) - half
        if old[one : len(old) - low] == new[other : len(new) - low]:
            low = half
        else:
            high = half - 1
    return start, len(old) - low, len(new) - low


def _same(old: Sequence[Any], new: Sequence[Any], most: int) -> int:
    """How many things are the same from the beginning on."""
    low, high = 0, most
    while low < high:
        half = (low + high + 1) // 2
        if old[low:half] == new[low:half]:
            low = half
        else:
            high = half - 1
    return low


def changed_keys(old: Mapping[str, Thing], new: Mapping[str, Thing]) -> tuple[set[str], set[str]]:
    """Keys whose value in the new mapping is another object, or that are new; and keys that are gone."""
    one, other = list(old.values()), list(new.values())
    start, end, new_end = differing(one, other)
    names, new_names = list(old)[start:end], list(new)[start:new_end]
    if list(old)[:start] != list(new)[:start] or list(old)[end:] != list(new)[new_end:]:
        names, new_names = list(old), list(new)
    return {name for name in new_names if old.get(name) is not new[name]}, {name for name in names if name not in new}
