"""A graph as JSON, and back: for other programs, and to keep a picture's graph beside it.

    {
      "format": 1,
      "name": "penguins",
      "nodes": [{
        "path": "enough/then",      unique; the nodes' order is that of the file
        "name": "fit",              what is shown
        "kind": "task",             task command conditional switch sequential parallel sub_workflow map loop wait approval
        "parent": "enough",         the group it is in; absent at the top
        "lane": "then",             which of its parent's lanes it is in; absent where there are none
        "lanes": ["then", "else"],  a group's own lanes, top to bottom
        "group": true,              whether it holds nodes
        "note": "tasks:fit",        one line on what it does
        "level": 3,                 longest way to it from a node that needs nothing, among its siblings
        "state": "completed"        only where a run is shown
      }, ...],
      "edges": [{"source": "load", "target": "enough/then", "kind": "data"}, ...]     kind: data, order
    }

What is false, empty or null is left out. `layer`, `pin`, `label` and `behind` carry what only the
layout needs.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, ValidationError
from msgspec.json import Decoder, encode
from msgspec.json import format as pretty

from engine.draw.layers import longest_path
from engine.draw.scene import Box, Edge, EdgeKind, Graph
from engine.draw.text import width

FORMAT = 1


class BadGraph(ValueError):
    """JSON that is no graph; the message says where and why."""


class NodeEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One node, as it stands in the file."""

    path: str
    name: str
    kind: str
    level: int | None = None
    parent: str | None = None
    lane: str | None = None
    lanes: tuple[str, ...] = ()
    group: bool = False
    note: str = ""
    state: str | None = None
    behind: bool = False
    layer: int = 0
    pin: int | None = None
    label: int | None = None


class EdgeEntry(Struct, frozen=True):
    """One edge: paths of nodes."""

    source: str
    target: str
    kind: EdgeKind = "data"


class Document(Struct, frozen=True):
    """The file."""

    format: int
    nodes: tuple[NodeEntry, ...]
    edges: tuple[EdgeEntry, ...] = ()
    name: str = ""


def to_json(graph: Graph, name: str = "", states: Mapping[str, str] | None = None) -> str:
    """The graph as one document, indented, with a line feed at the end. Paths must be unique."""
    boxes = graph.boxes
    level = levels_of(graph)
    entries = [_entry(graph, index, level[index], (states or {}).get(box.path)) for index, box in enumerate(boxes)]
    edges = [EdgeEntry(boxes[edge.source].path, boxes[edge.target].path, edge.kind) for edge in graph.edges]
    document = {"format": FORMAT, "name": name, "nodes": entries, "edges": edges}
    return pretty(encode(document), indent=2).decode() + "\n"


def _entry(graph: Graph, index: int, level: int, state: str | None) -> NodeEntry:
    box = graph.boxes[index]
    parent = graph.boxes[box.parent] if box.parent >= 0 else None
    return NodeEntry(
        path=box.path,
        name=box.name,
        kind=box.kind,
        level=level,
        parent=parent.path if parent else None,
        lane=parent.lanes[box.lane] if parent and parent.lanes else None,
        lanes=box.lanes,
        group=box.group,
        note=box.note,
        state=state,
        behind=box.behind,
        layer=box.layer,
        pin=box.pin,
        label=box.label if box.label != width(box.name) else None,
    )


def levels_of(graph: Graph) -> list[int]:
    """The level of every box among its siblings: the longest way to it, edges of what siblings hold included."""
    boxes = graph.boxes
    above: list[list[int]] = []
    for index, box in enumerate(boxes):
        above.append([*(above[box.parent] if box.parent >= 0 else ()), index])
    arcs = []
    for edge in graph.edges:
        one, other = above[edge.source], above[edge.target]
        for left, right in zip(one, other, strict=False):
            if left != right:
                arcs.append((left, right, False))
                break
    return longest_path(len(boxes), arcs, [0] * len(boxes))


def load_json(text: str | bytes) -> Graph:
    """The graph that `to_json` wrote. Raises BadGraph."""
    try:
        document = Decoder(Document).decode(text)
    except ValidationError as error:
        raise BadGraph(f"this is no graph: {error}") from None
    except (ValueError, RecursionError) as error:
        raise BadGraph(f"this is not JSON: {error}") from None
    if document.format != FORMAT:
        raise BadGraph(f"format {document.format} is not known; this version reads format {FORMAT}")
    index: dict[str, int] = {}
    boxes: list[Box] = []
    for number, node in enumerate(document.nodes):
        if node.path in index:
            raise BadGraph(f"two nodes have the path {node.path!r}")
        boxes.append(_box(node, index, boxes))
        index[node.path] = number
    return Graph(boxes=boxes, edges=[_edge(edge, index) for edge in document.edges])


def _box(node: NodeEntry, index: Mapping[str, int], boxes: list[Box]) -> Box:
    parent = -1 if node.parent is None else index.get(node.parent, -2)
    if parent == -2:
        raise BadGraph(f"{node.path!r} names the parent {node.parent!r}, which does not come before it")
    lane = 0
    if node.lane is not None:
        lanes = boxes[parent].lanes if parent >= 0 else ()
        if node.lane not in lanes:
            raise BadGraph(f"{node.path!r} is in the lane {node.lane!r}, which its parent does not have")
        lane = lanes.index(node.lane)
    return Box(
        path=node.path,
        label=width(node.name) if node.label is None else node.label,
        name=node.name,
        kind=node.kind,
        parent=parent,
        lane=lane,
        group=node.group,
        lanes=node.lanes,
        note=node.note,
        behind=node.behind,
        layer=node.layer,
        pin=node.pin,
    )


def _edge(edge: EdgeEntry, index: Mapping[str, int]) -> Edge:
    for path in (edge.source, edge.target):
        if path not in index:
            raise BadGraph(f"an edge names {path!r}, which is no node")
    return Edge(index[edge.source], index[edge.target], edge.kind)
