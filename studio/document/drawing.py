"""The graph of a draft, as the canvas shows it: what `engine.draw.outline` makes of a workflow, and what editing adds.

That is: nodes that a person placed are pinned, and where something can be put in (an `else` that nobody wrote, a group
with nothing in it, one more case) there is a *gap*, a box that the cursor can stand on and that no node is behind.

Outlining a thousand nodes takes longer than a frame, and an edit touches few of them. So a drawing keeps the boxes of
every node at the top with the node that they are of; the next one takes over those whose node is still the same object.
Edges come from the draft's links, which are carried from draft to draft in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise

from msgspec import structs

from engine.draw.outline import box_of, outline
from engine.draw.scene import Box, Edge, EdgeKind, Graph, Pin, pinned
from engine.project.model import Composite, Conditional, Node, Switch, Workflow
from engine.project.scope import standings
from studio.document.draft import Draft
from studio.document.links import links_of

GAP = "gap"
"""The kind of a box that stands for a place where something can be put in."""
MORE = "+"
"""The last step of a gap's path where what is put in has yet to get its name."""


@dataclass(frozen=True)
class Part:
    """One node at the top with all it holds: its boxes, numbered from its own, and the order of sequential groups."""

    node: Node
    boxes: tuple[Box, ...]
    order: tuple[tuple[str, str], ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """`index` has the number of every box by its path, `gaps` the paths of those that no node is behind."""

    graph: Graph = field(default_factory=Graph)
    index: Mapping[str, int] = field(default_factory=dict)
    gaps: frozenset[str] = frozenset()
    parts: Mapping[str, Part] = field(default_factory=dict)


def drawing_of(draft: Draft, workflow: str = "", before: Drawing | None = None) -> Drawing:
    """The drawing of one workflow of a draft; what did not change is taken over from the one before."""
    own = draft.workflow(workflow)
    known = before.parts if before is not None else {}
    parts = {
        name: part if (part := known.get(name)) is not None and part.node is node else part_of(name, node)
        for name, node in own.nodes.items()
    }
    boxes = list(_boxes(parts.values()))
    index = {box.path: number for number, box in enumerate(boxes)}
    edges = list(_edges(draft, workflow, parts, index))
    gaps = frozenset(chain.from_iterable(part.gaps for part in parts.values()))
    pins = {path: Pin(*place) for path, place in draft.places_in(workflow).items()}
    return Drawing(pinned(Graph(boxes=boxes, edges=edges), pins), index, gaps, parts)


def plain_drawing(workflow: Workflow | None) -> Drawing:
    """The drawing of a workflow that is only looked at."""
    graph = outline(workflow) if workflow is not None else Graph()
    return Drawing(graph, {box.path: number for number, box in enumerate(graph.boxes)})


def part_of(name: str, node: Node) -> Part:
    """The boxes of one node at the top."""
    found = standings(Workflow("", {name: node}))
    boxes: list[Box] = []
    place: list[int] = []
    order: list[tuple[str, str]] = []
    gaps: list[str] = []
    waiting: list[tuple[int, Box]] = []  # gaps come after all that their owner holds
    for standing in found:
        while waiting and not standing.path.startswith(f"{found[waiting[-1][0]].path}/"):
            boxes.append(waiting.pop()[1])
        place.append(len(boxes))
        box = box_of(standing)
        if box.parent >= 0:
            box = structs.replace(box, parent=place[box.parent])
        gap = _gap(standing.node, standing.path, len(boxes))
        if gap is not None:
            lanes, hole = gap
            box = structs.replace(box, group=True, lanes=lanes or box.lanes)
            waiting.append((standing.index, hole))
            gaps.append(hole.path)
        boxes.append(box)
        body = standing.node.body
        if isinstance(body, Composite) and body.kind == "sequential":
            order += [(one.path, other.path) for one, other in pairwise(standing.held.values())]
    boxes += [hole for _, hole in reversed(waiting)]
    return Part(node, tuple(boxes), tuple(order), tuple(gaps))


def _gap(node: Node, path: str, owner: int) -> tuple[tuple[str, ...], Box] | None:
    """The gap of a node that has one, and the lanes that its owner then has."""
    body = node.body
    if isinstance(body, Conditional) and body.otherwise is None:
        return ("then", "else"), _hole(f"{path}/else", owner, 1)
    if isinstance(body, Switch):
        if body.otherwise is None:
            lanes = (*body.cases, "else")
            return lanes, _hole(f"{path}/else", owner, len(lanes) - 1)
        lanes = (*body.cases, "else", "another case")
        return lanes, _hole(f"{path}/{MORE}", owner, len(lanes) - 1)
    if isinstance(body, Composite) and not body.nodes:
        return (), _hole(f"{path}/{MORE}", owner, 0)
    return None


def _hole(path: str, owner: int, lane: int) -> Box:
    return Box(path=path, label=6, name="a adds", kind=GAP, parent=owner, lane=lane)


def _boxes(parts: Iterable[Part]) -> Iterator[Box]:
    count = 0
    for part in parts:
        if count and len(part.boxes) > 1:
            for box in part.boxes:
                yield structs.replace(box, parent=box.parent + count) if box.parent >= 0 else box
        else:
            yield from part.boxes
        count += len(part.boxes)


def _edges(draft: Draft, workflow: str, parts: Mapping[str, Part], index: Mapping[str, int]) -> Iterator[Edge]:
    links = links_of(draft, workflow)
    led: set[tuple[int, int]] = set()
    for path, own in links.by_path.items():
        target = index.get(path)
        if target is None or not own:
            continue
        kinds: dict[int, EdgeKind] = {}
        for link in own:
            source = index.get(link.source)
            if source is not None and source != target and link.waits:
                if link.keys[0] != "needs":
                    kinds[source] = "data"
                else:
                    kinds.setdefault(source, "order")
        for source, kind in kinds.items():
            led.add((source, target))
            yield Edge(source, target, kind)
    for part in parts.values():
        for one, other in part.order:
            ends = (index[one], index[other])
            if ends not in led:
                yield Edge(*ends, "order")
