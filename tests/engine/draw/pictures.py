"""Graphs for the tests of drawing, by a short notation, and generators of them."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.draw.scene import Box, Edge, Form, Graph
from engine.draw.text import width


def graph(*lines: str, **marks: dict[str, object]) -> Graph:
    """`a -> b c` is an edge of data to each, `a ~> b` one of order, `a` alone a box. `marks` are fields of boxes."""
    names: list[str] = []
    edges: list[Edge] = []
    for line in lines:
        words = line.replace("->", " -> ").replace("~>", " ~> ").split()
        sign = words[1] if len(words) > 1 else ""
        for word in words:
            if word not in ("->", "~>") and word not in names:
                names.append(word)
        for word in words[2:]:
            edges.append(Edge(names.index(words[0]), names.index(word), "order" if sign == "~>" else "data"))
    return Graph(
        boxes=[Box(name, label=width(name), name=name, **marks.get(name, {})) for name in names],  # type: ignore[arg-type]
        edges=edges,
    )


@st.composite
def graphs(draw: st.DrawFn, most: int = 24, grouped: bool = False) -> Graph:
    """Random graphs without cycles, flat or with groups and lanes in them."""
    count = draw(st.integers(1, most))
    boxes: list[Box] = []
    parents: list[int] = []
    for index in range(count):
        groups = [at for at, box in enumerate(boxes) if box.group and _depth(boxes, at) < 3]
        parent = -1
        if grouped and groups and draw(st.booleans()):
            parent = draw(st.sampled_from(groups))
        name = f"n{index}" + "x" * draw(st.integers(0, 24))
        is_group = grouped and draw(st.integers(0, 3)) == 0
        lanes = draw(st.sampled_from([(), ("then", "else"), ("one", "two", "three")])) if is_group else ()
        boxes.append(
            Box(
                name,
                label=width(name),
                name=name,
                kind="conditional" if lanes else "parallel" if is_group else "task",
                parent=parent,
                lane=draw(st.integers(0, max(0, len(boxes[parent].lanes) - 1))) if parent >= 0 else 0,
                group=is_group,
                lanes=lanes,
                note="it depends" if draw(st.booleans()) else "",
                behind=is_group and draw(st.booleans()),
            )
        )
        parents.append(parent)
    graph = Graph(_in_file_order(boxes), [])
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=2 * count))
    edges: dict[tuple[int, int], Edge] = {}
    for one, other in pairs:
        source, target = min(one, other), max(one, other)
        if source != target and not _around(graph, source, target) and not _across_lanes(graph, source, target):
            edges[source, target] = Edge(source, target, draw(st.sampled_from(["data", "order"])))
    return Graph(graph.boxes, list(edges.values()))


def forms_of(graph: Graph) -> st.SearchStrategy[dict[int, Form]]:
    """A form for every group."""
    groups = [index for index, box in enumerate(graph.boxes) if box.group]
    return st.fixed_dictionaries({group: st.sampled_from(list(Form)) for group in groups})


def _depth(boxes: list[Box], at: int) -> int:
    depth = 0
    while at >= 0:
        at = boxes[at].parent
        depth += 1
    return depth


def _in_file_order(boxes: list[Box]) -> list[Box]:
    """Depth first, as a file lists them: what a group holds comes right after it."""
    inside: dict[int, list[int]] = {}
    for index, box in enumerate(boxes):
        inside.setdefault(box.parent, []).append(index)
    order: list[int] = []
    todo = list(reversed(inside.get(-1, [])))
    while todo:
        index = todo.pop()
        order.append(index)
        todo += reversed(inside.get(index, []))
    place = {index: at for at, index in enumerate(order)}
    place[-1] = -1
    return [
        Box(
            path=box.path,
            label=box.label,
            name=box.name,
            kind=box.kind,
            parent=place[box.parent],
            lane=box.lane,
            group=box.group,
            lanes=box.lanes,
            note=box.note,
            behind=box.behind,
        )
        for box in (boxes[index] for index in order)
    ]


def _above(graph: Graph, box: int) -> list[int]:
    found = [box]
    while graph.boxes[found[-1]].parent >= 0:
        found.append(graph.boxes[found[-1]].parent)
    return found[::-1]


def _around(graph: Graph, source: int, target: int) -> bool:
    return source in _above(graph, target) or target in _above(graph, source)


def _across_lanes(graph: Graph, source: int, target: int) -> bool:
    for one, other in zip(_above(graph, source), _above(graph, target), strict=False):
        if one != other:
            return graph.boxes[one].lane != graph.boxes[other].lane
    return False
