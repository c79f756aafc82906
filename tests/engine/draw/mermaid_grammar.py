"""A small reader of the part of Mermaid's flowchart language that we write: strict where Mermaid is."""

from __future__ import annotations

import re
from typing import NamedTuple

ID = r"n\d+(?:_\d+)?"
LABEL = r'"(?:[^"#&<>`\\]|#\w+;)*"'
NODE = re.compile(rf"({ID})(?:\({LABEL}\)|\[{LABEL}\]|\[\[{LABEL}\]\]|\(\[{LABEL}\]\)|\{{\{{{LABEL}\}}\}})")
GROUP = re.compile(rf"subgraph ({ID})\[{LABEL}\]")
EDGE = re.compile(rf"({ID}) (-->|-\.->) ({ID})")
CLASS_DEF = re.compile(r"classDef ([a-z]+) stroke:#[0-9a-f]{6},fill:#[0-9a-f]{6},color:#[0-9a-f]{6}")
CLASS = re.compile(rf"class ((?:{ID},)*{ID}) ([a-z]+)")
CODES = {"quot": '"', "amp": "&", "lt": "<", "gt": ">"}


class Flowchart(NamedTuple):
    """What a flowchart says: labels by id, groups by id with what is in them, edges."""

    nodes: dict[str, str]
    groups: dict[str, list[str]]
    edges: list[tuple[str, str, str]]
    classes: dict[str, str]


def read(text: str) -> Flowchart:
    """Raises ValueError for a line that Mermaid would not take."""
    first, *lines = text.splitlines()
    if first != "flowchart LR":
        raise ValueError(first)
    chart = Flowchart({}, {}, [], {})
    around: list[str] = []
    defined: set[str] = set()
    for line in (line.strip() for line in lines):
        if found := GROUP.fullmatch(line):
            _enter(chart, around, found[1])
            chart.nodes[found[1]] = _label(line)
            chart.groups[found[1]] = []
            around.append(found[1])
        elif line == "end":
            around.pop()
        elif found := NODE.fullmatch(line):
            _enter(chart, around, found[1])
            chart.nodes[found[1]] = _label(line)
        elif found := EDGE.fullmatch(line):
            if found[1] not in chart.nodes or found[3] not in chart.nodes or around:
                raise ValueError(line)
            chart.edges.append((found[1], found[3], found[2]))
        elif found := CLASS_DEF.fullmatch(line):
            defined.add(found[1])
        elif (found := CLASS.fullmatch(line)) and found[2] in defined:
            chart.classes.update(dict.fromkeys(found[1].split(","), found[2]))
        else:
            raise ValueError(line)
    if around:
        raise ValueError("a subgraph is not ended")
    return chart


def _enter(chart: Flowchart, around: list[str], name: str) -> None:
    if name in chart.nodes:
        raise ValueError(f"{name} twice")
    if around:
        chart.groups[around[-1]].append(name)


def _label(line: str) -> str:
    inner = re.search(r'"(.*)"', line)
    assert inner is not None
    return re.sub(r"#(\w+);", lambda code: CODES.get(code[1]) or chr(int(code[1])), inner[1])
