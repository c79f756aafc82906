"""From a project to the graph that is drawn: what each node is called, what stands under it, which edges it has.

Box i is node i of the workflow in file order (nested nodes right after what holds them), so whoever walks the model
the same way (`engine.project.scope.standings`) has the same numbers. An edge carries data where a value flows: an
input, or a reference in args, params, a condition. `needs` and the order inside a sequential group are order edges.
References that lead nowhere are left out; the project's findings name them. Every text is harmless afterwards; paths
are kept as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from engine.draw.scene import Box, Edge, EdgeKind, Graph
from engine.draw.text import safe, width
from engine.project.check_references import uses_of
from engine.project.durations import format_duration
from engine.project.findings import Notes
from engine.project.model import (
    Approval,
    Command,
    Composite,
    Conditional,
    Loop,
    Map,
    Node,
    Plugin,
    Project,
    Shell,
    SubWorkflow,
    Switch,
    Task,
    Wait,
    Workflow,
)
from engine.project.scope import Standing, resolve, standings

_LONGEST = 400  # characters of a note: no card shows more, and a script may have a million


def outline(source: Project | Workflow) -> Graph:
    """The graph of a project's own workflow, or of one workflow of it."""
    workflow = source.workflow if isinstance(source, Project) else source
    found = standings(workflow)
    return Graph(boxes=[box_of(standing) for standing in found], edges=list(_edges(found)))


def kind_of(node: Node) -> str:
    """The word for a node's kind: that of its type, with commands told from tasks."""
    word = node.node_type.value
    return "command" if word == "task" and isinstance(node.body, Command | Shell) else word


def note_of(node: Node) -> str:
    """One line on what a node does: the task that it runs, its condition, what it goes through; or that it does nothing."""
    if not node.settings.enabled:
        return "bypassed"
    if node.each is not None:
        return _map_note(node.each)
    if node.again is not None:
        return _loop_note(node.again)
    return _line(_NOTES[type(node.body)](node.body))


def _line(text: str) -> str:
    """The first line of a text with something in it."""
    text = text[:_LONGEST].strip()
    return text.splitlines()[0].rstrip() if text else ""


# -- boxes -----------------------------------------------------------------------------------------------------------


def box_of(standing: Standing) -> Box:
    """What is drawn of one node; the number of its owner is that of the standings."""
    node = standing.node
    name = safe(_name(standing))
    owner = standing.owner
    wrapped = node.each is not None or node.again is not None
    return Box(
        path=standing.path,
        label=width(name),
        name=name,
        kind=kind_of(node),
        parent=-1 if owner is None else owner.index,
        lane=0 if owner is None else _lane(standing, owner),
        group=bool(standing.held),
        lanes=tuple(safe(title) for title in _lanes(node)),
        note="" if isinstance(node.body, Composite) and not wrapped and node.settings.enabled else safe(note_of(node)),
        behind=node.each is not None,
        most=node.again.max_iterations or 0 if node.again is not None else 0,
        off=not node.settings.enabled,
        remark=safe(_line(node.settings.notes)) if node.settings.notes else "",
    )


def _name(standing: Standing) -> str:
    """A node's id; a branch, whose id is only its place, is called by what it does."""
    own = standing.path.rsplit("/", 1)[-1]
    if standing.owner is None or isinstance(standing.owner.node.body, Composite):
        return own
    body = standing.node.body
    if isinstance(body, Task):
        return _function(body.task).rsplit(":", 1)[-1].rsplit(".", 1)[-1] or own
    if isinstance(body, Command):
        return _program(body) or own
    return own


def _lanes(node: Node) -> tuple[str, ...]:
    body = node.body
    if isinstance(body, Conditional):
        return ("then",) if body.otherwise is None else ("then", "else")
    if isinstance(body, Switch):
        return (*body.cases, *(("else",) if body.otherwise is not None else ()))
    return ()


def _lane(standing: Standing, owner: Standing) -> int:
    if isinstance(owner.node.body, Composite):
        return 0
    return _lanes(owner.node).index(standing.path.rsplit("/", 1)[-1])


def _function(function: Any) -> str:
    if isinstance(function, str):
        return function
    return f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', type(function).__name__)}"


def _program(body: Command) -> str:
    return body.command[0].rsplit("/", 1)[-1] if body.command else ""


def _wait_note(body: Wait) -> str:
    if body.seconds is not None:
        return f"for {format_duration(body.seconds)}"
    return f"until {body.until}" if body.until is not None else f"for {body.file}" if body.file is not None else ""


_NOTES: Mapping[type, Callable[[Any], str]] = {
    Task: lambda body: _function(body.task),
    Command: lambda body: " ".join([_program(body), *body.command[1:3]]),
    Shell: lambda body: body.shell,
    SubWorkflow: lambda body: body.workflow,
    Composite: lambda body: f"{len(body.nodes)} inside",
    Conditional: lambda body: _function(body.condition),
    Switch: lambda body: _function(body.switch),
    Wait: _wait_note,
    Approval: lambda body: body.approval,
    Plugin: lambda body: body.kind,
}


def _map_note(each: Map) -> str:
    source = each.map
    if isinstance(source, str):
        over = source
    elif isinstance(source, Mapping):
        over = ", ".join(value if isinstance(value, str) else str(key) for key, value in source.items())
    else:
        over = f"{len(source)} items" if isinstance(source, list | tuple) else "a list"
    return _line(f"of {over}" + (f", {each.max_parallel} at once" if each.max_parallel else ""))


def _loop_note(again: Loop) -> str:
    return _line(f"{'while' if again.negate else 'until'} {_function(again.condition)}")


# -- edges -----------------------------------------------------------------------------------------------------------


def _edges(found: list[Standing]) -> Iterator[Edge]:
    notes = Notes()
    led: set[tuple[int, int]] = set()
    for standing in found:
        kinds: dict[int, EdgeKind] = {}
        at = len(standing.place)
        for use in uses_of(standing, notes):
            if use.ref.kind == "node" and use.edge:
                target = resolve(use.ref.name, standing.level)
                if isinstance(target, Standing) and target is not standing:
                    kind: EdgeKind = "order" if use.place[at : at + 1] == ("needs",) else "data"
                    if kind == "data" or target.index not in kinds:
                        kinds[target.index] = kind
        for source, kind in kinds.items():
            led.add((source, standing.index))
            yield Edge(source, standing.index, kind)
    for standing in found:
        body = standing.node.body
        if isinstance(body, Composite) and body.kind == "sequential":
            for before, after in pairwise(standing.held.values()):
                if (before.index, after.index) not in led:
                    yield Edge(before.index, after.index, "order")
