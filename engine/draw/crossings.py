"""The order inside layers: few crossings.

Barycentre sweeps (Sugiyama, Tagawa, Toda 1981): each layer is sorted by the mean place of its neighbours in the layer
before, then the other way round, again and again; the best order met is kept. Then neighbours change places wherever
that takes crossings away (the transpose step of Gansner, Koutsofios, North and Vo 1993), for as long as the budget
lasts. Ties keep the order that was there, so the same graph gives the same picture. Budgets are counted in edges
looked at, never in time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

_SWEEP_BUDGET = 12_000
_TRANSPOSE_BUDGET = 6_000


def untangle(layers: list[list[int]], up: list[list[int]], down: list[list[int]]) -> int:
    """Sort every layer in place; returns the number of crossings left."""
    edges = sum(len(down[item]) for layer in layers for item in layer)
    if edges == 0 or max(map(len, layers)) == 1:
        return 0
    place = _places(layers, len(up))
    best = crossings(layers, place, down)
    if best == 0:
        return 0
    kept = [list(layer) for layer in layers]
    rounds = max(2, min(12, _SWEEP_BUDGET // (2 * edges)))
    for number in range(rounds):
        _sweep(layers, place, up if number % 2 == 0 else down, number % 2 == 1, number // 2 % 2 == 1)
        found = crossings(layers, place, down)
        if found < best:
            best, kept = found, [list(layer) for layer in layers]
            if best == 0:
                break
    layers[:] = kept
    if best:
        place = _places(layers, len(up))
        best -= _transpose(layers, place, up, down, _TRANSPOSE_BUDGET)
    return best


def _places(layers: list[list[int]], count: int) -> list[int]:
    place = [0] * count
    for layer in layers:
        for at, item in enumerate(layer):
            place[item] = at
    return place


def crossings(layers: list[list[int]], place: list[int], down: list[list[int]]) -> int:
    """How many pairs of edges cross between neighbouring layers."""
    total = 0
    for layer in layers:
        total += between(layer, place, down)
    return total


def between(layer: list[int], place: list[int], down: list[list[int]]) -> int:
    """How many pairs of edges cross right of a layer: inversions, counted by sorted insertion."""
    seen: list[int] = []
    total = 0
    for item in layer:
        ends = down[item]
        if len(ends) == 1:
            end = place[ends[0]]
            if seen and end < seen[-1]:
                total += len(seen) - bisect_right(seen, end)
                insort(seen, end)
            else:
                seen.append(end)
        elif ends:
            ordered = sorted([place[end] for end in ends])
            if seen and ordered[0] < seen[-1]:
                size = len(seen)
                for end in ordered:
                    total += size - bisect_right(seen, end)
                if len(ordered) < 8:
                    for end in ordered:
                        insort(seen, end)
                else:
                    seen += ordered
                    seen.sort()
            else:
                seen += ordered
    return total


def _sweep(layers: list[list[int]], place: list[int], near: list[list[int]], backward: bool, late: bool) -> None:
    """Sort every layer by the mean place of `near` neighbours. What has none keeps its place. `late` turns ties."""
    for layer in reversed(layers) if backward else layers:
        if len(layer) < 2:
            continue
        keys: list[tuple[float, int]] = []
        for at, item in enumerate(layer):
            ends = near[item]
            if len(ends) == 1:
                mean: float = place[ends[0]]
            elif ends:
                mean = sum([place[end] for end in ends]) / len(ends)
            else:
                mean = at
            keys.append((mean, -at if late else at))
        order = sorted(range(len(layer)), key=keys.__getitem__)
        layer[:] = [layer[at] for at in order]
        for at, item in enumerate(layer):
            place[item] = at


def _transpose(
    layers: list[list[int]], place: list[int], up: list[list[int]], down: list[list[int]], budget: int
) -> int:
    """Swap neighbours as long as that takes crossings away; returns how many it took."""
    gained = 0
    awake = [True] * len(layers)
    while budget > 0 and any(awake):
        for number, layer in enumerate(layers):
            if not awake[number] or budget <= 0:
                awake[number] = False
                continue
            won, spent = _swap_once(layer, place, up, down)
            budget -= spent
            gained += won
            awake[number] = won > 0
            if won:
                if number:
                    awake[number - 1] = True
                if number + 1 < len(layers):
                    awake[number + 1] = True
    return gained


def _swap_once(layer: list[int], place: list[int], up: list[list[int]], down: list[list[int]]) -> tuple[int, int]:
    won, spent = 0, len(layer)
    lefts = [sorted([place[end] for end in up[item]]) for item in layer]
    rights = [sorted([place[end] for end in down[item]]) for item in layer]
    for at in range(len(layer) - 1):
        left, next_left, right, next_right = lefts[at], lefts[at + 1], rights[at], rights[at + 1]
        if (not left or not next_left or left[-1] <= next_left[0]) and (
            not right or not next_right or right[-1] <= next_right[0]
        ):
            continue  # nothing crosses here
        gain = _gain(left, next_left) + _gain(right, next_right)
        spent += len(left) + len(right)
        if gain > 0:
            won += gain
            layer[at], layer[at + 1] = layer[at + 1], layer[at]
            lefts[at], lefts[at + 1] = lefts[at + 1], lefts[at]
            rights[at], rights[at + 1] = rights[at + 1], rights[at]
    if won:
        for at, item in enumerate(layer):
            place[item] = at
    return won, spent


def _gain(upper: list[int], lower: list[int]) -> int:
    """Crossings that go away when two neighbours with these (sorted) ends change places."""
    if not upper or not lower or upper[-1] <= lower[0]:
        if upper and lower:
            return -_inversions(lower, upper)
        return 0
    return _inversions(upper, lower) - _inversions(lower, upper)


def _inversions(upper: list[int], lower: list[int]) -> int:
    """Pairs where an end of `upper` lies below one of `lower`."""
    if len(upper) == 1 and len(lower) == 1:
        return upper[0] > lower[0]
    return sum([bisect_left(lower, end) for end in upper])
