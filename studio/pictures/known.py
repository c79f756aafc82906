"""What is known of the nodes of a graph: the face of every box, kept up with what a run says.

A node's face follows from its own news and the clock, a group's from its own and from its children, so news of one node
touch that node and the groups around it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.draw.scene import Form, Graph
from studio.pictures.cards import GAP
from studio.pictures.faces import REST, Face, face, group_state
from studio.pictures.web import Web
from studio.state import NodeNow

_MOVING = ("running", "retrying")


class Known:
    """The faces of a graph's boxes. `version` is a number that changes with any of them."""

    def __init__(self) -> None:
        self.nodes: Mapping[str, NodeNow] = {}
        self.faces: list[Face] = []
        self.version = 0
        self._clock = 0.0
        self._graph = Graph()
        self._web = Web(self._graph)
        self._index: Mapping[str, int] = {}
        self._forms: Mapping[int, Form] = {}

    def about(self, graph: Graph, web: Web, index: Mapping[str, int], forms: Mapping[int, Form]) -> None:
        """Another graph; what was said holds for the paths that it has, too. `forms` may change later."""
        self._graph, self._web, self._index, self._forms = graph, web, index, forms
        self._make()

    def tell(self, nodes: Mapping[str, NodeNow], clock: float) -> None:
        """All that a run says of the nodes, in place of what was known; `clock` is seconds since 1970."""
        self.nodes, self._clock = nodes, clock
        self._make()

    def advance(self, nodes: Mapping[str, NodeNow], changed: Iterable[str], clock: float) -> list[int]:
        """What a run says now, of which only some paths differ from before; the boxes whose look changed."""
        self.nodes, self._clock = nodes, clock
        return self._refresh(self._index[path] for path in changed if path in self._index)

    def tick(self, clock: float) -> list[int]:
        """Time went on: the boxes whose figures changed by that alone."""
        self._clock = clock
        return self._refresh(box for box, known in enumerate(self.faces) if known.state in _MOVING)

    def refold(self, group: int) -> None:
        """A group has another form."""
        self.faces[group] = self._group_face(group)

    def _refresh(self, boxes: Iterable[int]) -> list[int]:
        found: list[int] = []
        groups: set[int] = set()
        for box in boxes:
            groups.update(self._web.around(box))
            if self._web.children(box):
                groups.add(box)
            elif (new := self._face(box)) != self.faces[box]:
                self.faces[box] = new
                found.append(box)
        for group in sorted(groups, reverse=True):
            if (new := self._group_face(group)) != self.faces[group]:
                self.faces[group] = new
                found.append(group)
        self.version += bool(found)
        return found

    def _make(self) -> None:
        size = len(self._graph.boxes)
        self.faces = [REST] * size
        self.version += 1
        for box in range(size - 1, -1, -1):
            self.faces[box] = self._group_face(box) if self._web.children(box) else self._face(box)

    def _face(self, box: int) -> Face:
        node = self._graph.boxes[box]
        return face(node.note, self.nodes.get(node.path), self._clock)

    def _group_face(self, box: int) -> Face:
        node = self._graph.boxes[box]
        now = self.nodes.get(node.path)
        children = self._web.children(box)
        own = face(node.note, now, self._clock)
        boxes = self._graph.boxes
        states = (self.faces[child].state for child in children if boxes[child].kind != GAP)
        state = group_state(own.state if now is not None else None, states)
        second = own.second if now is not None and own.second != node.note else ""
        if not second and self._forms.get(box) is Form.CLOSED:
            second = f"{sum(boxes[child].kind != GAP for child in children)} inside"
        return replace(own, state=state, second=second)
