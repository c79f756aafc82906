"""The graph of a draft, as the canvas shows it: what `engine.draw.outline` makes of a workflow, and what editing adds.

That is: nodes that a person placed are pinned, and where something can be put in (an `else` that nobody wrote, a group
with nothing in it, one more case) there is a *gap*, a box that the cursor can stand on and that no node is behind.

Outlining a thousand nodes takes longer than a frame, and an edit touches few of them. So a drawing keeps the boxes of
every node at the top with the node that they are of; the next one takes over those whose node is still the same object.
Edges come from the draft's links, which are carried from draft to draft in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise

from msgspec import structs

from engine.draw.outline import box_of, outline
from engine.draw.scene import Box, Edge, EdgeKind, Graph, Pin, pinned
from engine.project.model import Composite, Conditional, Node, Switch, Workflow
from engine.project.scope import standings
from studio.document.draft import Draft
from studio.document.links import Link, Links, links_of

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

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of the boxes."""
        return tuple(box.path for box in self.boxes)


@dataclass(frozen=True)
class Drawing:
    """`index` has the number of every box by its path, `gaps` the paths of those that no node is behind.

    `parts`, `loose` (the boxes without pins) and `coming` (what leads to each node, with the links that say so) are for
    the next drawing.
    """

    graph: Graph = field(default_factory=Graph)
    index: Mapping[str, int] = field(default_factory=dict)
    gaps: frozenset[str] = frozenset()
    parts: Mapping[str, Part] = field(default_factory=dict)
    loose: Sequence[Box] = ()
    coming: Mapping[str, tuple[tuple[Link, ...], tuple[Edge, ...]]] = field(default_factory=dict)


def drawing_of(draft: Draft, workflow: str = "", before: Drawing | None = None) -> Drawing:
    """The drawing of one workflow of a draft; what did not change is taken over from the one before."""
    own = draft.workflow(workflow)
    before = before or Drawing()
    known = before.parts
    parts = {
        name: part if (part := known.get(name)) is not None and part.node is node else part_of(name, node)
        for name, node in own.nodes.items()
    }
    changed = [name for name, part in parts.items() if known.get(name) is not part]
    if _same_places(parts, known, changed):
        boxes, index, gaps, coming = list(before.loose), before.index, before.gaps, before.coming
        for name in changed:
            start = index[name]
            boxes[start : start + len(parts[name].boxes)] = _shifted(parts[name].boxes, start)
    else:
        boxes = _boxes(parts.values())
        index = {box.path: number for number, box in enumerate(boxes)}
        gaps = frozenset(chain.from_iterable(part.gaps for part in parts.values()))
        coming = _renumbered(before, index)
    coming = _coming(links_of(draft, workflow), index, coming)
    edges = [edge for _, led in coming.values() for edge in led]
    edges += _in_order(parts.values(), index, coming)
    pins = {path: Pin(*place) for path, place in draft.places_in(workflow).items()}
    return Drawing(pinned(Graph(boxes=boxes, edges=edges), pins), index, gaps, parts, boxes, coming)


def _same_places(parts: Mapping[str, Part], known: Mapping[str, Part], changed: list[str]) -> bool:
    """Whether every box has the number that it had."""
    if len(parts) != len(known) or any(name not in known for name in changed) or list(parts) != list(known):
        return False
    return all(parts[name].paths == known[name].paths for name in changed)


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


def _boxes(parts: Iterable[Part]) -> list[Box]:
    found: list[Box] = []
    for part in parts:
        found += _shifted(part.boxes, len(found)) if len(part.boxes) > 1 else part.boxes
    return found


def _shifted(boxes: tuple[Box, ...], start: int) -> Iterable[Box]:
    """The boxes of a part, its first one numbered `start`."""
    if not start:
        return boxes
    return [structs.replace(box, parent=box.parent + start) if box.parent >= 0 else box for box in boxes]


def _coming(
    links: Links, index: Mapping[str, int], before: Mapping[str, tuple[tuple[Link, ...], tuple[Edge, ...]]]
) -> dict[str, tuple[tuple[Link, ...], tuple[Edge, ...]]]:
    """What leads to every node; taken over where the links are the same, and with them the numbers of the boxes."""
    return {
        path: had if (had := before.get(path)) is not None and had[0] is own else (own, _edges(path, own, index))
        for path, own in links.by_path.items()
        if own
    }


def _renumbered(before: Drawing, index: Mapping[str, int]) -> Mapping[str, tuple[tuple[Link, ...], tuple[Edge, ...]]]:
    """What led to every node, with the numbers that boxes have now; without the nodes that lost an end."""
    now = [index.get(box.path, -1) for box in before.loose]
    found = {}
    for path, (own, edges) in before.coming.items():
        moved = []
        for edge in edges:
            source, target = now[edge.source], now[edge.target]
            if source < 0 or target < 0:
                break
            moved.append(Edge(source, target, edge.kind))
        else:
            found[path] = (own, tuple(moved))
    return found


def _edges(path: str, own: tuple[Link, ...], index: Mapping[str, int]) -> tuple[Edge, ...]:
    target = index.get(path)
    if target is None:
        return ()
    kinds: dict[int, EdgeKind] = {}
    for link in own:
        source = index.get(link.source)
        if source is not None and source != target and link.waits:
            if link.keys[0] != "needs":
                kinds[source] = "data"
            else:
                kinds.setdefault(source, "order")
    return tuple(Edge(source, target, kind) for source, kind in kinds.items())


def _in_order(
    parts: Iterable[Part], index: Mapping[str, int], coming: Mapping[str, tuple[tuple[Link, ...], tuple[Edge, ...]]]
) -> Iterator[Edge]:
    """The order inside of sequential groups, where no edge says it already."""
    for part in parts:
        for one, other in part.order:
            led = coming[other][1] if other in coming else ()
            if all(edge.source != index[one] for edge in led):
                yield Edge(index[one], index[other], "order")
