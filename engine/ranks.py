"""In which order ready nodes start, where a run asks for more than the order in which they became ready.

A rank is a number for each node, the highest first; lanes keep their ready nodes by it, so that starting one costs no
look at the others. Equal plans and equal records give equal ranks.

    topological     lower levels first, then the order of the file
    priority        higher priority first, then lower levels
    longest-path    higher priority first, then whatever has the longest way to the end of the run before it

The way that is left is counted in seconds that nodes took in runs before (`seconds`, by path). A node without a record
counts as the median of the others. A node that holds others counts for nothing itself: what it holds does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from engine.graph import topological_order
from engine.plan import Plan


def topological(plan: Plan, seconds: Mapping[str, float]) -> Sequence[Any]:
    """Lower levels first."""
    return [(-level,) for level in plan.levels]


def by_priority(plan: Plan, seconds: Mapping[str, float]) -> Sequence[Any]:
    """Higher priority first, then lower levels."""
    return [(plan.priorities.get(node, 0), -level) for node, level in enumerate(plan.levels)]


def by_longest_path(plan: Plan, seconds: Mapping[str, float]) -> Sequence[Any]:
    """Higher priority first, then the longest way to the end."""
    return [(plan.priorities.get(node, 0), way) for node, way in enumerate(ways_left(plan, seconds))]


def ways_left(plan: Plan, seconds: Mapping[str, float]) -> list[float]:
    """For each node, the seconds from its start to the end of the run, along the longest way.

    A node has two points in time, its beginning `n` and its end `n + size`: what it holds lies between them.
    """
    size = len(plan)
    usual = median(seconds.values()) if seconds else 1.0
    earlier: list[list[int]] = [[source + size for source in upstream] for upstream in plan.deps]
    earlier += [[node] for node in range(size)]
    for child, frame in plan.parents.items():
        if child not in plan.aside:
            earlier[child].append(frame)
            earlier[frame + size].append(child + size)
    ways = [0.0] * (2 * size)
    for point in reversed(topological_order(earlier) or ()):
        for before in earlier[point]:
            own = 0.0
            if before == point - size and before not in plan.frames:
                own = seconds.get(plan.names[before], usual)
            ways[before] = max(ways[before], ways[point] + own)
    return ways[:size]


ORDERS: Mapping[str, Callable[[Plan, Mapping[str, float]], Sequence[Any]]] = {
    "topological": topological,
    "priority": by_priority,
    "longest-path": by_longest_path,
}
"""What `[run] scheduler` may say without any package."""


def rank(plan: Plan, order: str, seconds: Mapping[str, float]) -> None:
    """Give the plan's nodes their ranks by one of `ORDERS`."""
    keys = ORDERS[order](plan, seconds)
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    plan.ranks = {node: places[key] for node, key in enumerate(keys)}
