"""Questions about a graph of integers: levels, order, one cycle, what lies up- and downstream.

A graph is `deps`: a sequence in which `deps[i]` holds the numbers of the nodes that node i waits for. Everything here is
pure, iterative (a chain of 100,000 nodes is an ordinary input) and linear in nodes and edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

Deps = Sequence[Sequence[int]]


def dependents_of(deps: Deps) -> list[list[int]]:
    """For each node the nodes that wait for it, in ascending order."""
    dependents: list[list[int]] = [[] for _ in deps]
    for node, upstream in enumerate(deps):
        for source in upstream:
            dependents[source].append(node)
    return dependents


def topological_order(deps: Deps, dependents: Sequence[Sequence[int]] | None = None) -> list[int] | None:
    """All nodes, each after those it waits for, level by level; None if there is a cycle."""
    dependents = dependents_of(deps) if dependents is None else dependents
    waiting = [len(upstream) for upstream in deps]
    order = [node for node, count in enumerate(waiting) if not count]
    for node in order:  # grows while we walk it
        for follower in dependents[node]:
            waiting[follower] -= 1
            if not waiting[follower]:
                order.append(follower)
    return order if len(order) == len(waiting) else None


def levels_of(deps: Deps, order: Iterable[int] | None = None) -> list[int]:
    """Level of each node: 0 for sources, else 1 + the highest level upstream. The graph must have no cycle."""
    order = topological_order(deps) if order is None else order
    if order is None:
        raise ValueError("a graph with a cycle has no levels")
    levels = [0] * len(deps)
    for node in order:
        upstream = deps[node]
        if upstream:
            levels[node] = 1 + max([levels[source] for source in upstream])
    return levels


def cycle_of(deps: Deps) -> list[int] | None:
    """One concrete cycle, each node waiting for the one before it, the first repeated at the end; None without one."""
    unseen, open_, done = 0, 1, 2
    color = bytearray(len(deps))
    for root in range(len(deps)):
        if color[root] != unseen:
            continue
        path = [root]
        walks = [iter(deps[root])]
        color[root] = open_
        while path:
            for source in walks[-1]:
                if color[source] == open_:
                    start = path.index(source)
                    return [source, *reversed(path[start:])]
                if color[source] == unseen:
                    color[source] = open_
                    path.append(source)
                    walks.append(iter(deps[source]))
                    break
            else:
                color[path.pop()] = done
                walks.pop()
    return None


def reachable(starts: Iterable[int], neighbours: Sequence[Sequence[int]]) -> set[int]:
    """Every node that can be reached from the starts, themselves included, along `neighbours`."""
    seen = set(starts)
    todo = list(seen)
    while todo:
        for other in neighbours[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def held_place(
    deps: Sequence[Iterable[int]], parents: Mapping[int, int], limited: Iterable[int]
) -> tuple[int, int] | None:
    """A child of a limited frame that would wait, inside of it, for another child that may never get a place; and that one.

    A frame in `limited` lets only some of its children go on at once, and a child that holds nodes itself keeps its place
    until these have ended. None where no child leans on another without waiting for it as a whole.
    """
    children: dict[int, list[int]] = {}
    for child, frame in parents.items():
        children.setdefault(frame, []).append(child)
    for frame in limited:
        siblings = children.get(frame, [])
        for child in siblings:
            inside = set(_below(child, children)) if child in children else set()
            leans = {source for node in inside if node != child for source in deps[node]} - inside
            if not leans:
                continue
            before = _all_before(deps[child], deps, parents, children)
            after = _all_before(leans, deps, parents, children)
            for sibling in siblings:
                if sibling != child and sibling not in before and not after.isdisjoint(_below(sibling, children)):
                    return child, sibling
    return None


def _below(node: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    todo = [node]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(children.get(node, ()))


def _all_before(
    nodes: Iterable[int],
    deps: Sequence[Iterable[int]],
    parents: Mapping[int, int],
    children: Mapping[int, list[int]],
) -> set[int]:
    """Everything that has to end before these have ended, with themselves."""
    seen: set[int] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        todo.extend(deps[node])
        todo.extend(children.get(node, ()))
        around = parents.get(node)
        while around is not None:
            todo.extend(deps[around])
            around = parents.get(around)
    return seen
