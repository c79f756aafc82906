"""What leads to a node and what follows from it, at any depth of groups: the lit path, and neighbourhoods.

A group stands for all it holds: what leads to one of its children leads to it, and an edge of the group is an edge of
each child. Boxes and edges are indexes of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.draw.scene import Graph


class Path(NamedTuple):
    """Boxes on the way to or from a node, itself included, and the edges between them."""

    boxes: frozenset[int]
    edges: frozenset[int]


class Web:
    """The edges of a graph by their ends."""

    __slots__ = ("_children", "_coming", "_going", "_graph")

    def __init__(self, graph: Graph) -> None:
        size = len(graph.boxes)
        self._graph = graph
        self._coming: list[list[tuple[int, int]]] = [[] for _ in range(size)]
        self._going: list[list[tuple[int, int]]] = [[] for _ in range(size)]
        self._children: dict[int, list[int]] = {}
        for number, edge in enumerate(graph.edges):
            self._coming[edge.target].append((edge.source, number))
            self._going[edge.source].append((edge.target, number))
        for index, box in enumerate(graph.boxes):
            if box.parent >= 0:
                self._children.setdefault(box.parent, []).append(index)

    def children(self, box: int) -> list[int]:
        """What a group holds."""
        return self._children.get(box, [])

    def inside(self, box: int) -> list[int]:
        """The box and all it holds at any depth."""
        found = [box]
        for at in found:
            found += self._children.get(at, ())
        return found

    def around(self, box: int) -> list[int]:
        """The groups around a box, the inner one first."""
        boxes, found = self._graph.boxes, []
        while (box := boxes[box].parent) >= 0:
            found.append(box)
        return found

    def beside(self, box: int) -> tuple[list[int], list[int]]:
        """The boxes that lead right to a box, and those that it leads to, without what its group leads to."""
        return (
            list(dict.fromkeys(other for other, _ in self._coming[box])),
            list(dict.fromkeys(other for other, _ in self._going[box])),
        )

    def path(self, box: int) -> Path:
        """Everything upstream and downstream of a box."""
        up, before = self._reach(box, self._coming)
        down, after = self._reach(box, self._going)
        return Path(frozenset(up | down), frozenset(before | after))

    def takers(self, box: int) -> list[int]:
        """The boxes that take the value of this one."""
        edges = self._graph.edges
        return [other for other, number in self._going[box] if edges[number].kind == "data"]

    def upstream(self, box: int) -> set[int]:
        """What has to end before this box, without the box."""
        return self._reach(box, self._coming)[0] - set(self.inside(box))

    def downstream(self, box: int) -> set[int]:
        """What waits for this box, without the box."""
        return self._reach(box, self._going)[0] - set(self.inside(box))

    def near(self, box: int, steps: int) -> frozenset[int]:
        """Boxes at most so many edges away in either direction, with the groups around them."""
        found = set(self.inside(box))
        edge = found
        for _ in range(steps):
            further: set[int] = set()
            for at in edge:
                for held in (at, *self.around(at)):
                    further.update(other for other, _ in self._coming[held])
                    further.update(other for other, _ in self._going[held])
            edge = {held for other in further - found for held in self.inside(other)}
            found |= edge
        found.update(group for at in tuple(found) for group in self.around(at))
        return frozenset(found)

    def neighbours(self, box: int) -> tuple[list[int], list[int]]:
        """The boxes right before and right after a box, those of its groups and children included."""
        held = [*self.inside(box), *self.around(box)]
        return _ends(self._coming, held), _ends(self._going, held)

    def _reach(self, box: int, next_to: list[list[tuple[int, int]]]) -> tuple[set[int], set[int]]:
        boxes = self._graph.boxes
        children = self._children
        if not children:
            return _reach_flat(box, next_to)
        seen = set(self.inside(box))
        edges: set[int] = set()
        asked: set[int] = set()
        todo = list(seen)
        while todo:
            at = todo.pop()
            while at >= 0 and at not in asked:
                asked.add(at)
                for other, number in next_to[at]:
                    edges.add(number)
                    if other not in seen:
                        seen.add(other)
                        todo.append(other)
                        if other in children:
                            inner = [held for held in self.inside(other) if held not in seen]
                            seen.update(inner)
                            todo += inner
                at = boxes[at].parent
        return seen, edges


def _reach_flat(box: int, next_to: list[list[tuple[int, int]]]) -> tuple[set[int], set[int]]:
    """The same where there are no groups; the cursor asks for it at every step."""
    seen, edges, found = {box}, list[int](), [box]
    for at in found:
        for other, number in next_to[at]:
            edges.append(number)
            if other not in seen:
                seen.add(other)
                found.append(other)
    return seen, set(edges)


def _ends(next_to: list[list[tuple[int, int]]], held: Iterable[int]) -> list[int]:
    inner = set(held)
    return list(dict.fromkeys(other for at in held for other, _ in next_to[at] if other not in inner))
