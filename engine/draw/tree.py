"""The groups of a graph as a tree: what is in what, and which child stands for a group where only nodes may stand."""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.glyphs import worst
from engine.draw.scene import Graph


class Tree:
    """`children[i]` are those of box i, in order; `roots` are the boxes at the top."""

    __slots__ = ("children", "graph", "roots")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.roots: list[int] = []
        self.children: list[list[int]] = [[] for _ in graph.boxes]
        for index, box in enumerate(graph.boxes):
            (self.children[box.parent] if box.parent >= 0 else self.roots).append(index)

    def lanes(self, group: int) -> list[tuple[int | None, list[int]]]:
        """The children by lane; None for a group without lanes."""
        boxes = self.graph.boxes
        if not boxes[group].lanes:
            return [(None, self.children[group])]
        found: dict[int | None, list[int]] = {}
        for child in self.children[group]:
            lane = boxes[child].lane
            found.setdefault(lane if 0 <= lane < len(boxes[group].lanes) else None, []).append(child)
        return list(found.items())

    def first(self, box: int) -> int:
        """The box itself, or its first descendant that is no group."""
        while self.children[box]:
            box = self.children[box][0]
        return box

    def last(self, box: int) -> int:
        """The box itself, or its last descendant that is no group."""
        while self.children[box]:
            box = self.children[box][-1]
        return box

    def holds(self, group: int, box: int) -> bool:
        """True if the box is the group, or in it at any depth."""
        while box >= 0 and box != group:
            box = self.graph.boxes[box].parent
        return box == group

    def state(self, box: int, states: Mapping[str, str]) -> str | None:
        """What is said of a box, else the worst of what is said of those in it."""
        own = states.get(self.graph.boxes[box].path)
        if own is not None or not self.children[box]:
            return own
        todo, found = list(self.children[box]), []
        while todo:
            child = todo.pop()
            said = states.get(self.graph.boxes[child].path)
            if said is not None:
                found.append(said)
            else:
                todo += self.children[child]
        return worst(found)
