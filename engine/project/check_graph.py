"""The shape of the graph: circles in which nothing could ever start, and joins that could never fire.

A node that holds others begins before them and ends after them, so it has two points in time; one that holds none has
one. "A waits for B" is then an edge from A's beginning to B's end, and a circle of these points is a circle that no run
can leave: a child that waits for what holds it is found by the same rule as two nodes that wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from engine.graph import cycle_of, held_place, topological_order
from engine.project.check_references import edge_place
from engine.project.findings import Notes, Path, shown
from engine.project.model import Compensate, Composite
from engine.project.scope import Standing, resolve

_NAMED = 6  # edges of a circle that a message names one by one


def check_graph(standings: list[Standing], edges: Sequence[set[int]], notes: Notes) -> None:
    """Note one concrete circle, if there is one, and the joins that cannot work."""
    points, owners = _points(standings, edges)
    if topological_order(points) is None:
        circle = cycle_of(points)
        assert circle is not None
        _note_circle([standings[owners[point]] for point in circle], edges, notes)
    elif any(_limits(standing) for standing in standings):
        _check_places(standings, edges, notes)
    _check_called_last(standings, edges, notes)
    for standing in standings:
        if standing.place not in notes.broken:
            _check_join(standing, len(edges[standing.index]), notes)


def _points(standings: list[Standing], edges: Sequence[set[int]]) -> tuple[list[list[int]], list[int]]:
    """The points in time, each with those it comes after; and whose point each one is."""
    count = len(standings)
    ends = list(range(count))
    owners = list(range(count))
    for standing in standings:
        if standing.held:
            ends[standing.index] = len(owners)
            owners.append(standing.index)
    points: list[list[int]] = [[] for _ in owners]
    for standing in standings:
        begin = standing.index
        points[begin].extend(ends[target] for target in edges[begin])
        if standing.owner is not None:
            points[begin].append(standing.owner.index)
        if standing.held:
            children = list(standing.held.values())
            points[ends[begin]] = [begin, *(ends[child.index] for child in children)]
            if isinstance(standing.node.body, Composite) and standing.node.body.kind == "sequential":
                for before, after in pairwise(children):
                    points[after.index].append(ends[before.index])
    return points, owners


def _note_circle(circle: list[Standing], edges: Sequence[set[int]], notes: Notes) -> None:
    """`circle` runs from a node to what comes after it, the first repeated at the end."""
    waits = [(after, before) for before, after in pairwise(circle) if before is not after]
    waits.reverse()
    if not waits:
        waits = [(circle[0], circle[0])]
    said = [_said(waiting, target, edges) for waiting, target in waits[:_NAMED]]
    if len(waits) > _NAMED:
        said[-1] = f"and so on through {len(waits) - _NAMED + 1:,} more"
    places: list[Path] = [edge_place(waiting, target) for waiting, target in waits[:_NAMED]]
    what = f"{len({standing.index for standing in circle})} nodes wait for each other: " if len(waits) > 1 else ""
    remedy = "take one of these edges out; nothing of this can ever start"
    notes.error("cycle", places[0], what + ", ".join(said), remedy, *places)


def _said(waiting: Standing, target: Standing, edges: Sequence[set[int]]) -> str:
    here, there = shown(waiting.path), shown(target.path)
    if waiting is target:
        return f"{here} waits for itself"
    if target.index in edges[waiting.index]:
        return f"{here} waits for {there}"
    if waiting.owner is target:
        return f"{here} is inside of {there}"
    if target.owner is waiting:
        return f"{here} ends after {there}, which it holds"
    return f"{here} comes after {there}"


def _check_called_last(standings: list[Standing], edges: Sequence[set[int]], notes: Notes) -> None:
    """Who waits for a node that only runs to compensate would wait for ever."""
    last: set[int] = set()
    for standing in standings:
        action = standing.node.settings.on_error
        for name in action.nodes if isinstance(action, Compensate) else ():
            found = resolve(str(name), standing.level)
            if isinstance(found, Standing) and found.node.settings.undo is None:
                last.add(found.index)
    for standing in standings if last else ():
        for index in last & edges[standing.index]:
            other = shown(standings[index].path)
            message = f"{shown(standing.path)} waits for {other}, which only runs to compensate, after everything else"
            place = edge_place(standing, standings[index])
            notes.error("never", place, message, "take this edge out")


def _limits(standing: Standing) -> bool:
    return isinstance(standing.node.body, Composite) and standing.node.body.max_parallel is not None


def _check_places(standings: list[Standing], edges: Sequence[set[int]], notes: Notes) -> None:
    parents = {one.index: one.owner.index for one in standings if one.owner is not None}
    held = held_place(edges, parents, [one.index for one in standings if _limits(one)])
    if held is not None:
        child, other = (standings[index] for index in held)
        message = (
            f"{shown(child.path)} waits inside for {shown(other.path)}, and would hold the place that this one needs: "
            "the nodes beside it share `max_parallel`"
        )
        notes.error(
            "held-place", child.place, message, f'write needs = ["{other.node.id}"] at {shown(child.path)} itself'
        )


def _check_join(standing: Standing, upstream: int, notes: Notes) -> None:
    join = standing.node.settings.join
    place = (*standing.place, "join")
    if isinstance(join, int) and join > upstream:
        what = f"{shown(standing.path)} waits for {join} nodes of {upstream}: it can never start"
        notes.error(
            "dead-join", place, what, f"write at most {upstream}, or add `needs`" if upstream else "add `needs`"
        )
    elif join != "all" and not upstream:
        what = f"{shown(standing.path)} has `join` but waits for nothing"
        notes.warning("idle-join", place, what, "delete the line, or add `needs`")
