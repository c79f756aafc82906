"""Rows: where items stand in their layers, so that edges are straight and short.

The row of an item is that of its ports. Two steps:

1. *Pull*: every item wants to be at the median of its neighbours' rows. Layer by layer, wishes that would overlap or
   change the order are pooled (the pool-adjacent-violators algorithm for isotonic regression), which gives the rows
   nearest to the wishes in linear time.
2. *Align*: neighbours that ended up nearly level, and all stand-ins of one net, are tied into blocks; ties of two
   neighbouring layers never cross. Between blocks "stands above" is then a partial order (two blocks that were turned
   round between two layers would have to cross there), so one pass down and one pass up each give a legal set of rows,
   and so does the rounded mean of both.

Rows are integers in the end. Nothing depends on chance or on the order of a set.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import floor

_NEAR = 1.6  # rows: neighbours at most so far from level are made level
_FAR = 1 << 30
_POLISHED = 800  # items: larger parts are not settled and aligned once more; nobody sees them whole at a readable size

Separation = Callable[[int, int], int]
"""Rows from one item's ports to those of the item below it, at least."""


def rows(
    layers: Sequence[Sequence[int]],
    up: Sequence[Sequence[int]],
    down: Sequence[Sequence[int]],
    apart: Separation,
    stand_ins: int,
    pins: dict[int, int],
    least: int = 0,
    *,
    coarse: bool = False,
) -> dict[int, int]:
    """The row of every item of one part. Items from `stand_ins` on are stand-ins; `pins` are rows that are fixed, and
    with any of them no other row is less than `least`. `coarse` leaves out the second step where there are many: for dots,
    between which nobody sees whether a line is straight."""
    offsets = [_offsets(layer, apart) for layer in layers]
    wanted = _pulled(layers, up, down, offsets, stand_ins, pins)
    if coarse and len(wanted) > _POLISHED:
        return {item: floor(row) for item, row in wanted.items()}
    found = _aligned(layers, down, offsets, wanted, stand_ins, pins, least)
    if len(found) > _POLISHED or len(found) < 3:
        return found
    return _aligned(layers, down, offsets, {item: float(row) for item, row in found.items()}, stand_ins, pins, least)


def _offsets(layer: Sequence[int], apart: Separation) -> list[int]:
    """How far every item of a packed layer is below the first."""
    total = 0
    found = [0]
    for at in range(1, len(layer)):
        total += apart(layer[at - 1], layer[at])
        found.append(total)
    return found


def _pulled(
    layers: Sequence[Sequence[int]],
    up: Sequence[Sequence[int]],
    down: Sequence[Sequence[int]],
    offsets: list[list[int]],
    stand_ins: int,
    pins: dict[int, int],
) -> dict[int, float]:
    at: dict[int, float] = {}
    for layer, offset in zip(layers, offsets, strict=True):
        middle = offset[-1] / 2
        for item, below in zip(layer, offset, strict=True):
            at[item] = below - middle
    items = sum(map(len, layers))
    if items > len(layers):
        both = range(len(layers))
        for _ in range(2 if items < _POLISHED else 1):
            for number in both[1:]:
                _pull(layers[number], offsets[number], up, at, stand_ins, pins)
            for number in both[-2::-1]:
                _pull(layers[number], offsets[number], down, at, stand_ins, pins)
        for number in both[1:]:
            _pull(layers[number], offsets[number], up, at, stand_ins, pins)
    return at


def _pull(
    layer: Sequence[int],
    offsets: list[int],
    near: Sequence[Sequence[int]],
    at: dict[int, float],
    stand_ins: int,
    pins: dict[int, int],
) -> None:
    """Move a layer's items to the rows nearest to their wishes that keep order and separation. Boxes look at boxes
    first, so that chains are straight and what passes them goes round; long lines pull most, to have no kinks."""
    pools: list[tuple[float, float, int]] = []  # mean of wishes less offset, weight, items
    for item, offset in zip(layer, offsets, strict=True):
        ends = near[item]
        if pins and item in pins:
            wish, weight = float(pins[item] - offset), 1e9
        elif len(ends) == 1:
            passing = item >= stand_ins
            wish, weight = at[ends[0]] - offset, (8.0 if ends[0] >= stand_ins else 0.5) if passing else 1.0
        elif ends:
            seen = [at[end] for end in ends if end < stand_ins] or [at[end] for end in ends]
            wish, weight = _median(seen) - offset, 1.0 + len(ends) / 4
        else:
            wish, weight = at[item] - offset, 0.05
        count = 1
        while pools and pools[-1][0] > wish:
            mean, heft, more = pools.pop()
            wish = (wish * weight + mean * heft) / (weight + heft)
            weight += heft
            count += more
        pools.append((wish, weight, count))
    index = 0
    for mean, _, count in pools:
        for place in range(index, index + count):
            at[layer[place]] = mean + offsets[place]
        index += count


def _median(rows: list[float]) -> float:
    rows.sort()
    middle = len(rows) // 2
    return rows[middle] if len(rows) % 2 else (rows[middle - 1] + rows[middle]) / 2


def _aligned(
    layers: Sequence[Sequence[int]],
    down: Sequence[Sequence[int]],
    offsets: list[list[int]],
    wanted: dict[int, float],
    stand_ins: int,
    pins: dict[int, int],
    least: int,
) -> dict[int, int]:
    head = _blocks(layers, down, wanted, stand_ins, pins)
    wishes: dict[int, list[float]] = {}
    fixed: dict[int, int] = {}
    for item, first in head.items():
        wishes.setdefault(first, []).append(wanted[item])
        if item in pins:
            fixed[first] = pins[item]
    above: dict[int, list[tuple[int, int]]] = {first: [] for first in wishes}
    below: dict[int, list[tuple[int, int]]] = {first: [] for first in wishes}
    for layer, offset in zip(layers, offsets, strict=True):
        for place in range(1, len(layer)):
            upper, lower, rows_apart = head[layer[place - 1]], head[layer[place]], offset[place] - offset[place - 1]
            below[upper].append((lower, rows_apart))
            above[lower].append((upper, rows_apart))
    wish = {first: round(_median(found)) for first, found in wishes.items()}
    order = _downwards(above, below)
    if fixed:
        _make_room(order, above, below, wish, fixed, least)
    pushed_down = _pushed(order, above, wish, 1)
    pushed_up = _pushed(order[::-1], below, wish, -1)
    row = {first: (pushed_down[first] + pushed_up[first]) // 2 for first in order}
    if not fixed and len(head) <= _POLISHED:
        _settle(order, above, below, row, _neighbours(layers, down, head))
    return {item: row[first] for item, first in head.items()}


def _blocks(
    layers: Sequence[Sequence[int]],
    down: Sequence[Sequence[int]],
    wanted: dict[int, float],
    stand_ins: int,
    pins: dict[int, int],
) -> dict[int, int]:
    """The first item of the block that each item is tied into."""
    head = {item: item for layer in layers for item in layer}
    for number in range(len(layers) - 1):
        place = {item: at for at, item in enumerate(layers[number + 1])}
        candidates = []
        for at, item in enumerate(layers[number]):
            for end in down[item]:
                rows_off = abs(wanted[item] - wanted[end])
                through = item >= stand_ins and end >= stand_ins
                if through or rows_off <= _NEAR:
                    rank = 0 if through else 2 if item >= stand_ins or end >= stand_ins else 1
                    candidates.append((rank, rows_off, at, place[end]))
        candidates.sort()
        ties: list[tuple[int, int]] = []
        taken: set[int] = set()
        for _, _, left, right in candidates:
            slot = bisect_left(ties, (left, -1))
            if right in taken or (slot < len(ties) and (ties[slot][0] == left or ties[slot][1] < right)):
                continue
            if slot and ties[slot - 1][1] > right:
                continue
            one, other = layers[number][left], layers[number + 1][right]
            if head[one] in pins and other in pins:
                continue
            ties.insert(slot, (left, right))
            taken.add(right)
            head[other] = head[one]
            if other in pins:
                pins.setdefault(head[one], pins[other])
    return head


def _downwards(above: dict[int, list[tuple[int, int]]], below: dict[int, list[tuple[int, int]]]) -> list[int]:
    waiting = {first: len(found) for first, found in above.items()}
    ready = [first for first, count in waiting.items() if not count]
    for first in ready:
        for lower, _ in below[first]:
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    return ready


def _pushed(
    order: list[int], before: dict[int, list[tuple[int, int]]], wish: dict[int, int], sign: int
) -> dict[int, int]:
    row: dict[int, int] = {}
    for first in order:
        found = wish[first] * sign
        for other, apart in before[first]:
            found = max(found, row[other] * sign + apart)
        row[first] = found * sign
    return row


def _make_room(
    order: list[int],
    above: dict[int, list[tuple[int, int]]],
    below: dict[int, list[tuple[int, int]]],
    wish: dict[int, int],
    fixed: dict[int, int],
    least: int,
) -> None:
    """Keep every wish between what the pinned blocks above and below it leave free."""
    low: dict[int, int] = {}
    high: dict[int, int] = {}
    for first in order:
        low[first] = max([low[other] + apart for other, apart in above[first]], default=least)
        low[first] = max(least, low[first], fixed.get(first, -_FAR))
    for first in reversed(order):
        high[first] = min([high[other] - apart for other, apart in below[first]], default=_FAR)
        high[first] = min(high[first], fixed.get(first, _FAR))
    for first in order:
        wish[first] = max(low[first], min(high[first], fixed.get(first, wish[first])))


def _neighbours(
    layers: Sequence[Sequence[int]], down: Sequence[Sequence[int]], head: dict[int, int]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for layer in layers:
        for item in layer:
            one = head[item]
            for end in down[item]:
                if head[end] != one:
                    found.setdefault(one, []).append(head[end])
                    found.setdefault(head[end], []).append(one)
    return found


def _settle(
    order: list[int],
    above: dict[int, list[tuple[int, int]]],
    below: dict[int, list[tuple[int, int]]],
    row: dict[int, int],
    neighbours: dict[int, list[int]],
) -> None:
    """Let every block, once, go to the median of its neighbours as far as there is room."""
    for first in order:
        ends = neighbours.get(first)
        if ends:
            goal = sorted([row[end] for end in ends])
            wish = goal[len(goal) // 2] if len(goal) % 2 else (goal[len(goal) // 2 - 1] + goal[len(goal) // 2]) // 2
            low = max([row[other] + apart for other, apart in above[first]], default=-_FAR)
            high = min([row[other] - apart for other, apart in below[first]], default=_FAR)
            row[first] = max(low, min(high, wish))
