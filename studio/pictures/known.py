"""What is known of the nodes of a graph: the face of every box, kept up with what a run says.

A node's face follows from its own news and the clock, a group's from its own and from its children, so news of one node
touch that node and the groups around it, and nothing else. What a map or a loop runs again and again (`each[3]`,
`each[3]/score`) has no box of its own: it is counted by state at the box that stands for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.draw.scene import Box, Form, Graph
from studio.pictures.cards import GAP
from studio.pictures.faces import REST, Face, face, group_state
from studio.pictures.tallies import Tally, counted
from studio.pictures.web import Web
from studio.state import NodeNow

_ROUND = re.compile(r"\[\d+\]")
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
        self._tallies: dict[int, Tally] = {}
        self.turned: list[int] = []
        """Boxes whose state is another since the last news; not those of which all was told anew."""

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
        boxes = dict.fromkeys(box for path in changed if (box := self._heard(path)) is not None)
        before = {box: self.faces[box].state for box in boxes}
        found = self._refresh(boxes)
        self.turned = [box for box in found if before.get(box, self.faces[box].state) != self.faces[box].state]
        return found

    def _heard(self, path: str) -> int | None:
        """The box that news of a path are about; what has none of its own is counted at the box for all of its kind."""
        if "[" in path and path not in self._index:
            box = self._index.get(_ROUND.sub("", path))
            now = self.nodes.get(path)
            many = box is not None and self._graph.boxes[box].kind in ("map", "loop")
            if box is not None and now is not None and (not many or path.endswith("]")):
                self._tallies.setdefault(box, Tally()).count(path, now.state)
            return box
        return self._index.get(path)

    def tick(self, clock: float) -> list[int]:
        """Time went on: the boxes whose figures changed by that alone."""
        self._clock, self.turned = clock, []
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
        self._tallies, self.turned = {}, []
        for path in self.nodes:
            if "[" in path:
                self._heard(path)
        self.version += 1
        for box in range(size - 1, -1, -1):
            self.faces[box] = self._group_face(box) if self._web.children(box) else self._face(box)

    def _face(self, box: int) -> Face:
        node = self._graph.boxes[box]
        tally = self._tallies.get(box)
        own = face(node.note, now := self.nodes.get(node.path), self._clock)
        return own if tally is None else counted(own, tally, node, now, self._clock, again=self._goes_round(node))

    def _goes_round(self, node: Box) -> int | None:
        """The most rounds of the loop whose body a node is; 0: nobody said, None: it is no body of a loop."""
        around = self._graph.boxes[node.parent] if node.parent >= 0 else node
        return around.most if around.kind == "loop" else None

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
        own = replace(own, state=state, second=second)
        tally = self._tallies.get(box)
        return own if tally is None else counted(own, tally, node, now, self._clock, again=self._goes_round(node))
