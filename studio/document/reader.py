"""A project as it lies on disk, ready to be shown: the model, what is to be said about it, and where each node stands.

Reading is the engine's (`engine.project.loading`), which imports and runs nothing. Here the result is turned to what
screens ask for: the node at a path, the line at which a node is written, and the node that a finding is about.

Paths are those of runs: `clean`, `publish/render`, `enough/then`, `pick/a`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import WorkflowError
from engine.project.findings import Finding
from engine.project.loading import look
from engine.project.model import Composite, Conditional, Node, Project, Switch, Workflow


@dataclass(frozen=True, slots=True)
class Document:
    """A project file that could be read. `stamp` tells whether it is still the same file."""

    path: Path
    folder: Path
    text: str
    stamp: str
    project: Project
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """What the project calls itself."""
        return self.project.workflow.name

    @property
    def errors(self) -> int:
        """How many findings keep it from running."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings do not."""
        return len(self.findings) - self.errors


@dataclass(frozen=True, slots=True)
class Broken:
    """A project file that cannot be read now. `text` is what is in it, as far as that could be read at all."""

    path: Path
    message: str
    remedy: str
    line: int | None = None
    column: int | None = None
    text: str = ""


def read(path: Path) -> Document | Broken:
    """The project at `path`, a file or a folder. Never raises for what a person wrote or where it lies."""
    try:
        loaded = look(path)
    except WorkflowError as error:
        finding = next(iter(getattr(error, "findings", ())), None)
        if isinstance(finding, Finding):
            return Broken(path, finding.message, finding.remedy, finding.line, finding.column)
        return Broken(path, str(error), "check the file")
    except OSError as error:
        return Broken(path, error.strerror or str(error), "check the path and your right to read it")
    if loaded.project is None:
        finding = next(iter(loaded.findings.errors), None)
        if finding is None:
            return Broken(loaded.path, "it cannot be read", "check the file", text=loaded.text)
        return Broken(loaded.path, finding.message, finding.remedy, finding.line, finding.column, loaded.text)
    return Document(loaded.path, loaded.folder, loaded.text, loaded.stamp, loaded.project, tuple(loaded.findings))


# -- nodes by path ---------------------------------------------------------------------------------------------------


def node_at(workflow: Workflow, path: str) -> Node | None:
    """The node at a path such as `publish/render` or `enough/then`; an item or a round (`each[3]`) is its node."""
    children: Mapping[str, Node] = workflow.nodes
    node: Node | None = None
    for step in path.split("/"):
        name = re.sub(r"(\[\d+\])+$", "", step)
        node = children.get(name)
        if node is None:
            return None
        children = inside(node)
    return node


def inside(node: Node) -> Mapping[str, Node]:
    """The nodes that a node owns, by the step that leads to them."""
    body = node.body
    if isinstance(body, Composite):
        return body.nodes
    if isinstance(body, Conditional):
        branches = {"then": body.then, "else": body.otherwise}
        return {name: branch for name, branch in branches.items() if branch is not None}
    if isinstance(body, Switch):
        return {**body.cases, **({"else": body.otherwise} if body.otherwise is not None else {})}
    return {}


def walk(nodes: Mapping[str, Node], before: str = "") -> Iterator[tuple[str, Node]]:
    """Every node with its path, in file order, those inside after the one that owns them."""
    stack = [iter([(before + name, node) for name, node in nodes.items()])]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        yield found
        path, node = found
        stack.append(iter([(f"{path}/{name}", child) for name, child in inside(node).items()]))


# -- places in the text ----------------------------------------------------------------------------------------------

_HEADER = re.compile(r"^\s*\[\[?\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_PART = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^.\s"']+))\s*(?:\.|$)""")
_INSIDE = frozenset({"nodes", "cases"})
_BRANCHES = frozenset({"then", "else"})


def path_of_keys(keys: tuple[str | int, ...]) -> str | None:
    """The node that keys of the file lead to: ("nodes", "load", "timeout") -> "load"; None where they lead to none."""
    if not keys or keys[0] != "nodes" or len(keys) < 2:
        return None
    steps = [str(keys[1])]
    place = 2
    while place < len(keys):
        key = keys[place]
        if key in _INSIDE and place + 1 < len(keys):
            steps.append(str(keys[place + 1]))
            place += 2
        elif key in _BRANCHES:
            steps.append(str(key))
            place += 1
        else:
            break
    return "/".join(steps)


def outline(text: str) -> tuple[tuple[int, str], ...]:
    """(line from 1, path of a node) for each table header of a node, in order of the lines."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.match(line) if line.lstrip()[:1] == "[" else None
        if header is None:
            continue
        keys = tuple(next(part for part in parts if part) for parts in _PART.findall(header[1]) if any(parts))
        path = path_of_keys(keys)
        found.append((number, path or ""))
    return tuple(found)


def line_of(places: tuple[tuple[int, str], ...], path: str) -> int | None:
    """The line at which a node is written, or the one that owns it."""
    while path:
        for number, found in places:
            if found == path:
                return number
        path = path.rpartition("/")[0]
    return None


def path_at(places: tuple[tuple[int, str], ...], line: int) -> str | None:
    """The node that is written at a line, None between nodes."""
    path = ""
    for number, found in places:
        if number > line:
            break
        path = found
    return path or None
