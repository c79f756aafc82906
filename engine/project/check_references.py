"""References: does every name that a node uses lead somewhere, and to something that can be there?

Gathers the edges of the graph on the way: who waits for whom, by number of `Standing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.project.comparisons import is_function, read_comparison, references_of
from engine.project.findings import Fix, Notes, Path, harmless, shown
from engine.project.model import (
    DEFAULT_SETTINGS,
    Approval,
    Command,
    Compensate,
    Conditional,
    Node,
    Plugin,
    Project,
    RunAlternative,
    SubWorkflow,
    Switch,
    Wait,
    Workflow,
)
from engine.project.references import Ref, ReferenceSyntax, read_reference, read_value, references_in
from engine.project.runnable import REFERENCES, note_not_yet
from engine.project.scope import Level, Missing, Standing, resolve
from engine.project.shapes import path_text

_OTHER_KINDS = {
    "params": "params.NAME",
    "parameters": "params.NAME",
    "vars": "vars.NAME",
    "variables": "vars.NAME",
    "item": "item",
    "value": "value",
    "index": "index",
    "environ": "env:NAME",
    "secrets": "secret:NAME",
}


class Use(Struct, frozen=True):
    """One reference of a node, and where in the file it stands; `edge` if the node waits for what it names."""

    ref: Ref
    place: Path
    edge: bool = True


def check_references(
    standings: list[Standing], workflow: Workflow, project: Project, place: Path, notes: Notes
) -> list[set[int]]:
    """Note every reference that leads nowhere. Returns the edges: [i] are the numbers of those that i waits for."""
    known = _Known(workflow, project)
    edges = [set() if standing.place in notes.broken else _check_uses(standing, known, notes) for standing in standings]
    _check_result(standings, workflow, place, notes)
    return edges


def check_uses(standing: Standing, workflow: Workflow, project: Project, notes: Notes) -> None:
    """Note every reference of one node that leads nowhere."""
    _check_uses(standing, _Known(workflow, project), notes)


def _check_uses(standing: Standing, known: _Known, notes: Notes) -> set[int]:
    """The numbers of those that this node waits for."""
    edges: set[int] = set()
    for use in uses_of(standing, notes):
        if use.ref.kind != "node":
            known.check(use, standing, notes)
            continue
        target = _target(use, standing.level, notes)
        if target is not None and use.edge:
            edges.add(target.index)
    return edges


def uses_of(standing: Standing, notes: Notes) -> Iterator[Use]:
    """Every reference that the node makes, with its place. What cannot be read is noted."""
    node, place = standing.node, standing.place
    for key, sources in node.inputs.items():
        for source in (sources,) if isinstance(sources, str) else sources:
            spot = (*place, "inputs", key)
            ref = _edge(source, spot, notes)
            if ref is not None:
                yield Use(ref, spot)
    for index, name in enumerate(node.needs):
        spot = (*place, "needs", index)
        ref = _edge(name, spot, notes)
        if ref is not None and ref.steps:
            message = f"{shown(name)} in `needs` names a part of a result"
            remedy = f'an order edge carries no data: write "{ref.name}"'
            notes.error("bad-need", spot, message, remedy, fix=Fix("value", ref.name))
            ref = None
        if ref is not None:
            yield Use(ref, spot)
    for suffix, value in _values(node):
        if not isinstance(value, str) or "${" in value:
            yield from _uses_in(value, (*place, *suffix), notes)
    for suffix, condition in _conditions(node):
        if isinstance(condition, str) and not is_function(condition):
            spot = (*place, *suffix)
            comparison = _read(read_comparison, condition, spot, notes)
            if comparison is not None:
                yield from (Use(ref, spot) for ref in references_of(comparison))
    yield from _error_uses(node, place, notes)


def _values(node: Node) -> Iterator[tuple[Path, Any]]:
    """The values in which `${...}` is read, and their keys."""
    body = node.body
    for key, value in node.args.items():
        yield ("args", key), value
    if isinstance(body, Command):
        yield ("command",), body.command
    elif isinstance(body, SubWorkflow):
        yield ("params",), body.params
    elif isinstance(body, Wait):
        yield ("wait", "file"), body.file or ""
    elif isinstance(body, Plugin):
        yield from (((key,), value) for key, value in body.options.items())
    elif isinstance(body, Approval):
        yield ("approval",), body.approval
    elif isinstance(body, Switch) and isinstance(body.switch, str) and not is_function(body.switch):
        yield ("switch",), body.switch
    if node.settings is not DEFAULT_SETTINGS:
        for key in ("env", "cwd", "reads", "writes"):
            value = getattr(node.settings, key)
            if value:
                yield (key,), value
    if node.each is not None:
        yield ("map",), _map_value(node.each.map)
    if node.again is not None and node.again.initial is not None:
        yield ("initial",), node.again.initial


def _map_value(source: Any) -> Any:
    """A map's source with bare node names made references: `"clean"` and `{ row = "clean" }` mean `${clean}`."""
    if isinstance(source, str):
        return source if "${" in source else f"${{{source}}}"
    if isinstance(source, dict):
        return {key: _map_value(item) if isinstance(item, str) else item for key, item in source.items()}
    return source


def _conditions(node: Node) -> Iterator[tuple[Path, Any]]:
    if node.settings.when is not None:
        yield ("when",), node.settings.when
    if isinstance(node.body, Conditional):
        yield ("condition",), node.body.condition
    if node.again is not None:
        yield ("while" if node.again.negate else "until",), node.again.condition


def _error_uses(node: Node, place: Path, notes: Notes) -> Iterator[Use]:
    action = node.settings.on_error
    if action is None:
        return
    if isinstance(action, RunAlternative):
        spot = (*place, "on_error", "alternative")
        ref = _edge(action.alternative, spot, notes)
        if ref is not None:
            yield Use(ref, spot, edge=False)
    elif isinstance(action, Compensate):
        for index, name in enumerate(action.nodes):
            spot = (*place, "on_error", "compensate", index)
            ref = _edge(name, spot, notes)
            if ref is not None:
                yield Use(ref, spot, edge=False)


def _edge(text: str, place: Path, notes: Notes) -> Ref | None:
    """The node (and part) that `inputs` or `needs` name."""
    if "${" in text:
        inner = text.strip().removeprefix("${").removesuffix("}")
        message = f"{path_text(place)} takes the name of a node, not ${{...}}"
        remedy = f'write "{inner[:60]}" without ${{ }}, or move it to `args`'
        notes.error("bad-reference", place, message, remedy, fix=Fix("name", inner, text))
        return None
    ref: Ref | None = _read(read_reference, text, place, notes)
    if isinstance(ref, Ref) and ref.kind != "node":
        message = f"{shown(text)} is no node"
        notes.error("bad-reference", place, message, f'use it as a value: args = {{ NAME = "${{{ref}}}" }}')
        return None
    return ref


def _uses_in(value: Any, place: Path, notes: Notes) -> Iterator[Use]:
    parsed = _read(read_value, value, place, notes)
    if parsed is not None and not isinstance(parsed, str):
        yield from (Use(ref, place) for ref in references_in(parsed))


def _read(reader: Callable[[Any], Any], value: Any, place: Path, notes: Notes) -> Any:
    try:
        return reader(value)
    except ReferenceSyntax as error:
        notes.error("bad-reference", place, harmless(error.message), harmless(error.remedy))
        return None


def _target(use: Use, level: Level, notes: Notes) -> Standing | None:
    found = resolve(use.ref.name, level)
    if isinstance(found, Standing):
        return found
    note_missing(found, use.place, notes)
    return None


def note_missing(missing: Missing, place: Path, notes: Notes) -> None:
    """Note a name that leads nowhere, with the one that was probably meant."""
    near = missing.same or (notes.nearest(missing.name, missing.known()) if missing.name else None)
    other = notes.nearest(missing.name, _OTHER_KINDS) if missing.name and near is None else None
    if near is not None:
        remedy = f'did you mean "{near}"?'
    elif other is not None:
        remedy = f"did you mean ${{{_OTHER_KINDS[other]}}}?"
    elif not missing.name:
        remedy = "name another node"
    else:
        names = missing.known()
        listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        remedy = f"known here: {listed}" if names else "there are no other nodes"
    fix = Fix("name", near, missing.name) if near is not None else None
    notes.error("unknown-node", place, missing.message, remedy, fix=fix)


def _check_result(standings: list[Standing], workflow: Workflow, place: Path, notes: Notes) -> None:
    """[project] result, or the `result` of one [workflows.NAME]."""
    if workflow.result is None:
        return
    spot = (*place, "result") if place else ("project", "result")
    ref = _edge(workflow.result, spot, notes)
    level = standings[0].level if standings else Level(None)
    if ref is not None:
        _target(Use(ref, spot), level, notes)


class _Known:
    """What the other kinds of reference may name, and where each kind is allowed."""

    __slots__ = ("names",)

    def __init__(self, workflow: Workflow, project: Project) -> None:
        self.names: Mapping[str, tuple[str, list[str]]] = {
            "params": ("param", list(workflow.params)),
            "vars": ("variable", list(project.vars)),
        }

    def check(self, use: Use, standing: Standing, notes: Notes) -> None:
        """Note a reference that names nothing, or that means nothing where it stands."""
        ref = use.ref
        if ref.kind in REFERENCES:
            note_not_yet(use.place, REFERENCES[ref.kind], notes)
        elif ref.kind in self.names:
            what, names = self.names[ref.kind]
            if ref.name not in names:
                near = notes.nearest(ref.name, names)
                notes.error(
                    f"unknown-{ref.kind.removesuffix('s')}",
                    use.place,
                    f"there is no {what} {shown(ref.name)}",
                    f"did you mean ${{{ref.kind}.{near}}}?" if near else f"add {ref.name} = ... to [{ref.kind}]",
                    fix=Fix("name", f"{ref.kind}.{near}", f"{ref.kind}.{ref.name}") if near else None,
                )
        elif ref.kind == "item" and not standing.mapped:
            notes.error("no-item", use.place, "${item} means something inside of a map only", "add `map` to the node")
        elif ref.kind == "value" and not standing.looped:
            message = "${value} means something inside of a loop only"
            notes.error("no-value", use.place, message, "add `until` or `while` to the node")
        elif ref.kind == "index" and not (standing.looped or standing.mapped):
            message = "${index} means something inside of a map or loop only"
            notes.error("no-index", use.place, message, "add `map`, `until` or `while` to the node")


def edge_place(standing: Standing, target: Standing) -> Path:
    """Where in the file `standing` says that it waits for `target`; its own place if it is not said in one line."""
    for use in uses_of(standing, Notes()):
        if use.edge and use.ref.kind == "node" and resolve(use.ref.name, standing.level) is target:
            return use.place
    return standing.place
