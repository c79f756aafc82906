"""A graph in the language of Graphviz. Nodes are named by their quoted paths; groups and lanes are clusters.

Graphviz joins nodes only, so an edge of a group is tied to one of the nodes inside and cut off at the cluster's border
(`compound`, `lhead`, `ltail`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.draw.colours import LIGHT
from engine.draw.glyphs import state_glyph
from engine.draw.scene import Box, Graph
from engine.draw.text import safe
from engine.draw.tree import Tree


def to_dot(graph: Graph, name: str = "", states: Mapping[str, str] | None = None) -> str:
    """DOT text that `dot -Tsvg` takes; states colour the nodes."""
    tree = Tree(graph)
    lines = [
        f"digraph {quoted(name or 'workflow')} {{",
        "  rankdir=LR; compound=true; nodesep=0.3; ranksep=0.6;",
        '  graph [fontname="Helvetica", fontsize=11, style=rounded];',
        f'  graph [color="{LIGHT.frame}", fontcolor="{LIGHT.muted}"];',
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];',
        f'  node [fillcolor="{LIGHT.card}", color="{LIGHT.frame}", fontcolor="{LIGHT.text}"];',
        f'  edge [color="{LIGHT.edge}", arrowsize=0.7];',
    ]
    lines += _nodes(tree, states or {})
    lines += _edges(tree)
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    """A quoted string of DOT: only quotes and backslashes mean something in it."""
    return '"' + safe(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _nodes(tree: Tree, states: Mapping[str, str]) -> Iterator[str]:
    """Depth first, without recursion: what opens a cluster is followed, in time, by what closes it."""
    todo: list[int | str] = list(reversed(tree.roots))
    depth = 1
    while todo:
        at = todo.pop()
        if isinstance(at, str):
            opens = not at.startswith("}")
            depth -= not opens
            yield "  " * depth + at
            depth += opens
            continue
        box = tree.graph.boxes[at]
        if not tree.children[at]:
            yield "  " * depth + _node(box, states.get(box.path))
            continue
        yield "  " * depth + f'subgraph "cluster_{at}" {{'
        depth += 1
        yield "  " * depth + f"label={_label(box.name, box.note)}; tooltip={_label(box.path, '')};"
        colour = LIGHT.state(tree.state(at, states))
        if colour:
            yield "  " * depth + f'color="{colour}";'
        todo.append("}")
        for lane, children in reversed(tree.lanes(at)):
            todo += ["}"] * (lane is not None) + list(reversed(children))
            if lane is not None:
                todo.append(f'subgraph "cluster_{at}_{lane}" {{ label={_label(box.lanes[lane], "")}; style=dashed;')


def _node(box: Box, state: str | None) -> str:
    parts = [f"label={_label(box.name + (f'  {state_glyph(state)}' if state else ''), box.note)}"]
    colour = LIGHT.state(state)
    if colour:
        parts.append(f'color="{colour}", fillcolor="{LIGHT.tint(state)}"')
    if box.kind == "sub_workflow":
        parts.append("peripheries=2")
    return f"{quoted(box.path)} [{', '.join(parts)}];"


def _label(name: str, note: str) -> str:
    """Two lines; `\\n` is Graphviz's line end, and the only escape that is not ours. HTML entities mean something in
    labels, unlike in ids."""
    name, note = quoted(name.replace("&", "&amp;")), quoted(note.replace("&", "&amp;"))
    return name if note == '""' else name[:-1] + "\\n" + note[1:]


def _edges(tree: Tree) -> Iterator[str]:
    boxes = tree.graph.boxes
    for edge in tree.graph.edges:
        tail, head = tree.last(edge.source), tree.first(edge.target)
        options = ["style=dashed", "arrowhead=empty"] if edge.kind == "order" else []
        if tail != edge.source and not tree.holds(edge.source, edge.target):
            options.append(f'ltail="cluster_{edge.source}"')
        if head != edge.target and not tree.holds(edge.target, edge.source):
            options.append(f'lhead="cluster_{edge.target}"')
        shown = f" [{', '.join(options)}]" if options else ""
        yield f"  {quoted(boxes[tail].path)} -> {quoted(boxes[head].path)}{shown};"
