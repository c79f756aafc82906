"""A graph as a Mermaid flowchart. Nodes and groups have ids of our own making, so no path can be taken for a keyword.

Labels are quoted; what means something inside of quotes is written as an entity code (`#quot;`, `#35;`). Mermaid takes
edges of subgraphs, but none between a subgraph and what is in it: those are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.draw.colours import LIGHT
from engine.draw.glyphs import state_glyph
from engine.draw.scene import Graph
from engine.draw.text import safe
from engine.draw.tree import Tree

_CODES = {
    "#": "#35;",
    '"': "#quot;",
    "&": "#amp;",
    "<": "#lt;",
    ">": "#gt;",
    "`": "#96;",
    "\\": "#92;",
    "*": "#42;",
    "_": "#95;",
}
_SHAPES = {
    "task": ("(", ")"),
    "command": ("[", "]"),
    "sub_workflow": ("[[", "]]"),
    "wait": ("([", "])"),
    "approval": ("{{", "}}"),
}


def to_mermaid(graph: Graph, states: Mapping[str, str] | None = None) -> str:
    """Flowchart text; states are classes."""
    tree = Tree(graph)
    states = states or {}
    lines = ["flowchart LR", *_nodes(tree, states), *_edges(tree), *_classes(tree, states)]
    return "\n".join([*lines, ""])


def label(text: str) -> str:
    """A quoted label."""
    return '"' + "".join([_CODES.get(char, char) for char in safe(text)]) + '"'


def _nodes(tree: Tree, states: Mapping[str, str]) -> Iterator[str]:
    todo: list[int | str] = list(reversed(tree.roots))
    depth = 1
    while todo:
        at = todo.pop()
        if isinstance(at, str):
            depth -= at == "end"
            yield "  " * depth + at
            depth += at != "end"
            continue
        box = tree.graph.boxes[at]
        if not tree.children[at]:
            left, right = _SHAPES.get(box.kind, ("(", ")"))
            state = states.get(box.path)
            yield "  " * depth + f"n{at}{left}{label(box.name + (f' {state_glyph(state)}' if state else ''))}{right}"
            continue
        yield "  " * depth + f"subgraph n{at}[{label(box.name + (f' ({box.note})' if box.note else ''))}]"
        depth += 1
        todo.append("end")
        for lane, children in reversed(tree.lanes(at)):
            todo += ["end"] * (lane is not None) + list(reversed(children))
            if lane is not None:
                todo.append(f"subgraph n{at}_{lane}[{label(box.lanes[lane])}]")


def _edges(tree: Tree) -> Iterator[str]:
    for edge in tree.graph.edges:
        if not tree.holds(edge.source, edge.target) and not tree.holds(edge.target, edge.source):
            yield f"  n{edge.source} {'-.->' if edge.kind == 'order' else '-->'} n{edge.target}"


def _classes(tree: Tree, states: Mapping[str, str]) -> Iterator[str]:
    members: dict[str, list[str]] = {}
    for index in range(len(tree.graph.boxes)):
        state = tree.state(index, states)
        if state is not None:
            members.setdefault(state if state in LIGHT.states else "unknown", []).append(f"n{index}")
    for state, nodes in members.items():
        yield f"  classDef {state} stroke:{LIGHT.state(state)},fill:{LIGHT.tint(state)},color:{LIGHT.text}"
        yield f"  class {','.join(nodes)} {state}"
