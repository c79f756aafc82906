"""Tables to the model: what a parsed project file says, with a finding for everything that it should not say.

A table of the file and a struct of the model have the same keys (`shapes`). This file has what is more than that:
a node's keys belong to its body, its edges, its wrappers or its settings (`spellings` has what can be written in more
ways than one). Reading never stops at a mistake: what cannot be read is noted, marked as broken, and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from engine.project.findings import Fix, Notes, Path, shown
from engine.project.ids import why_bad
from engine.project.model import (
    DEFAULT_SETTINGS,
    Approval,
    Body,
    Command,
    Composite,
    Conditional,
    Loop,
    Map,
    Node,
    NodeId,
    Plugin,
    Project,
    Settings,
    Shell,
    SubWorkflow,
    Switch,
    Task,
    Wait,
    Workflow,
)
from engine.project.shapes import (
    BAD,
    Field,
    converter,
    fields_of,
    note_unknown,
    path_text,
    read_fields,
    special,
    wrong,
)
from engine.project.spellings import BODIES_ELSEWHERE_CALLED, ELSEWHERE_CALLED, RENAMED, read_params

FORMAT = 1
"""The version of the file format that this program writes, and the newest that it reads."""

BODIES: Mapping[str, type[Struct]] = {
    "task": Task,
    "command": Command,
    "shell": Shell,
    "workflow": SubWorkflow,
    "nodes": Composite,
    "condition": Conditional,
    "switch": Switch,
    "wait": Wait,
    "approval": Approval,
}
"""The key that makes a node what it is, and what it makes of it."""

BROKEN = Shell("")
"""Stands in for a body that could not be read; the place is in `Notes.broken`."""

_COMPOSITE_KINDS = ("parallel", "sequential")
_EDGES = ("inputs", "args", "needs")
_LOOP_ONLY = ("carry", "initial", "delay", "max_iterations")


def read_project(data: Mapping[str, Any], name: str, notes: Notes) -> Project:
    """The project of a whole file. `name` is used where the file gives none. Everything wrong goes to `notes`."""
    note_unknown(data, _TOP, (), notes)
    version = _read_format(data, notes)
    head = _read_head(data.get("project", {}), notes)
    workflow = Workflow(
        name=head.pop("name", name),
        nodes=read_nodes(data.get("nodes", {}), ("nodes",), notes),
        params=read_params(data.get("params", {}), ("params",), notes),
        result=head.pop("result", None),
        description=head.pop("description", None),
    )
    fields = {key: field for key, field in fields_of(Project).items() if key in _TOP and key != "format"}
    rest = read_fields(fields, data, (), notes)
    return Project(workflow=workflow, format=version, **{**head, **rest})


def read_nodes(table: Any, path: Path, notes: Notes) -> dict[str, Node]:
    """The nodes of a [nodes] table, by id, in the order of the file."""
    if not isinstance(table, dict):
        wrong(path, notes, table, "a table of nodes", "write [nodes.NAME]")
        return {}
    nodes = {}
    for key, value in table.items():
        note_id(key, (*path, key), notes)
        nodes[key] = read_node(key, value, (*path, key), notes)
    return nodes


def note_id(name: str, path: Path, notes: Notes) -> None:
    """Note what is wrong with `name` as the id of a node, if anything is."""
    problem = why_bad(name)
    if problem is not None:
        what, remedy = problem
        notes.error("bad-id", path, f"the id {shown(name)} {what}", remedy)


def read_node(name: str, table: Any, path: Path, notes: Notes) -> Node:
    """One node. If its body cannot be read, the node comes back with the body `BROKEN` and the place is noted."""
    if not isinstance(table, dict):
        wrong(path, notes, table, "a table", f"write [{'.'.join(str(key) for key in path)}]")
        notes.broken.add(path)
        return Node(NodeId(name), BROKEN)
    kind = _body_kind(table, path, notes)
    if kind is None:
        notes.broken.add(path)
    keys = _keys_of(kind or Shell, "map" in table)
    parts: dict[str, dict[str, Any]] = {"body": {}, "node": {}, "settings": {}, "map": {}, "loop": {}, "options": {}}
    for key, value in table.items():
        known = keys.get(key)
        if known is not None:
            group, field = known
            converted = field.convert(value, (*path, key), notes)
            if converted is not BAD:
                parts[group][field.name] = converted
        elif kind is Plugin:
            parts["options"][key] = value
        elif key not in _SEPARATE and not (kind is None and key in _all_body_keys()):
            _note_stray(key, value, kind, path, notes)
    body = _make_body(kind, parts, table, path, notes)
    if body is BROKEN:
        notes.broken.add(path)
    return Node(
        NodeId(name),
        body,
        each=_make_map(table, parts["map"], path, notes),
        again=_make_loop(table, parts["loop"], path, notes),
        settings=Settings(**parts["settings"]) if parts["settings"] else DEFAULT_SETTINGS,
        **parts["node"],
    )


# -- a node's keys ---------------------------------------------------------------------------------------------------


def _body_kind(table: Mapping[str, Any], path: Path, notes: Notes) -> type[Struct] | None:
    """Which body a node has, or None after a finding: exactly one of `BODIES`, or the kind of a plug-in."""
    present = [key for key in BODIES if key in table]
    if not present and isinstance(table.get("kind"), str):
        if table["kind"] not in _COMPOSITE_KINDS:
            return Plugin
        message = f"{path_text(path)} is {shown(table['kind'])} but holds no nodes"
        notes.error("no-body", path, message, f"add [{_header(path)}.nodes.NAME]")
        return None
    if len(present) == 1:
        return BODIES[present[0]]
    if present:
        named = " and ".join(f"`{key}`" for key in present)
        remedy = "a node does one thing: keep one of them, and make a node of its own for the other"
        places = tuple((*path, key) for key in present)
        notes.error("two-bodies", path, f"{path_text(path)} has {len(present)} bodies, {named}", remedy, *places)
        return None
    if not _noted_dotted_id(table, path, notes):
        near = next((found for key in table if (found := _near_body(key, notes)) is not None), None)
        choice = f"did you mean `{near}`?" if near else "add one of " + ", ".join(BODIES)
        notes.error("no-body", path, f"{path_text(path)} does not say what to do", choice)
    return None


def _near_body(key: str, notes: Notes) -> str | None:
    if key in BODIES_ELSEWHERE_CALLED:
        return BODIES_ELSEWHERE_CALLED[key]
    return None if key in _keys_of(Shell, True) else notes.nearest(key, BODIES)


def _noted_dotted_id(table: Mapping[str, Any], path: Path, notes: Notes) -> bool:
    """[nodes.v1.2] makes a table 2 inside of node v1; nobody means that. Notes it and returns True if it is so."""
    known = _keys_of(Shell, True)
    inner = [key for key, value in table.items() if key not in known and isinstance(value, dict)]
    if not inner:
        return False
    for key in inner:
        dotted = f"{path[-1]}.{key}"
        message = f"[{_header((*path, key))}] is read as a table {shown(key)} inside of the node {shown(path[-1])}"
        remedy = f"an id cannot hold a dot: write {str(dotted).replace('.', '_')}, or [{_header(path)}.nodes.{key}]"
        notes.error("dotted-id", (*path, key), message, remedy)
        notes.broken.add((*path, key))
    return True


@cache
def _keys_of(kind: type[Struct], mapped: bool) -> Mapping[str, tuple[str, Field]]:
    """Every key that a node with this body may have: key -> (where it goes, how it is read)."""
    keys = {key: ("settings", field) for key, field in fields_of(Settings).items()}
    node = fields_of(Node)
    keys.update((key, ("node", node[key])) for key in _EDGES)
    keys.update((key, ("loop", field)) for key, field in fields_of(Loop).items() if key in _LOOP_ONLY)
    if kind is Plugin:
        keys["kind"] = ("body", fields_of(Plugin)["kind"])
    elif kind is Wait:
        keys["wait"] = ("body", Field("wait", "wait", converter(Wait), True, "", False))
    else:
        keys.update((key, ("body", field)) for key, field in fields_of(kind).items())
    if mapped:
        keys.update((key, ("map", field)) for key, field in fields_of(Map).items())
    return keys


@cache
def _all_body_keys() -> Mapping[str, str]:
    """Keys that only some bodies have, and which ones: `ok_codes` -> "command or shell"."""
    owners: dict[str, list[str]] = {}
    for body, kind in BODIES.items():
        if kind is not Wait:
            for key in fields_of(kind):
                owners.setdefault(key, []).append(body)
    owners["wait"] = ["wait"]
    return {key: " or ".join(f"`{body}`" for body in bodies) for key, bodies in owners.items()}


def _note_stray(key: str, value: Any, kind: type[Struct] | None, path: Path, notes: Notes) -> None:
    """Note a key that this node cannot have, and say where it would belong."""
    place = (*path, key)
    if place in notes.broken:
        return
    owner = _all_body_keys().get(key)
    if key in fields_of(Map):
        message = f"{path_text(path)} has `{key}` but no `map`"
        notes.error("stray-key", place, message, "add `map`, or delete the line")
    elif owner is not None and kind is not None:
        message = f"`{key}` belongs to a node with {owner}; {path_text(path)} has none"
        notes.error("stray-key", place, message, "delete the line, or make a node of its own")
    else:
        meant = ELSEWHERE_CALLED.get(key)
        if meant is not None:
            fix = Fix("key", RENAMED[key]) if key in RENAMED else None
            what = f"{path_text(path)} has no key {shown(key)}"
            notes.error("unknown-key", place, what, f"here it is {meant}", fix=fix)
            return
        known = {**_keys_of(kind or Shell, True), **dict.fromkeys(_SEPARATE)}
        note_unknown({key: value}, known, path, notes)


def _header(path: Path) -> str:
    return ".".join(str(key) for key in path)


# -- bodies and wrappers ---------------------------------------------------------------------------------------------


def _make_body(
    kind: type[Struct] | None, parts: Mapping[str, dict[str, Any]], table: Mapping[str, Any], path: Path, notes: Notes
) -> Body:
    values = parts["body"]
    if kind is None:
        return BROKEN
    if kind is Wait:
        wait: Body = values.get("wait", BROKEN)
        return wait
    if kind is Plugin:
        return Plugin(values["kind"], parts["options"])
    if kind is Conditional and "then" not in table:
        message = f"{path_text(path)} has a condition but no `then`"
        notes.error("missing-key", path, message, f"add [{_header(path)}.then] with the node to run when it holds")
    missing = [field.name for field in fields_of(kind).values() if field.required and field.name not in values]
    body: Body = BROKEN if missing else kind(**values)  # type: ignore[assignment]
    return body


def _make_map(table: Mapping[str, Any], values: dict[str, Any], path: Path, notes: Notes) -> Map | None:
    if "map" not in table or "map" not in values:
        return None
    source = values["map"]
    if not isinstance(source, str | list | dict) or source in ("", {}):
        wanted = "a node's id, a list, a ${...} reference or a table of them"
        wrong((*path, "map"), notes, source, wanted, 'for example map = "load" or map = { row = "load" }')
        return None
    return Map(**values)


def _make_loop(table: Mapping[str, Any], values: dict[str, Any], path: Path, notes: Notes) -> Loop | None:
    given = [key for key in ("until", "while") if key in table]
    if len(given) == 2:
        places = ((*path, "until"), (*path, "while"))
        notes.error("two-conditions", path, f"{path_text(path)} has `until` and `while`", "keep one of them", *places)
        return None
    if not given:
        for key in _LOOP_ONLY:
            if key in table:
                message = f"{path_text(path)} has `{key}`, which only a loop knows"
                notes.error("stray-key", (*path, key), message, "add `until` or `while`, or delete the line")
        return None
    key = given[0]
    condition = converter(str)(table[key], (*path, key), notes)
    return None if condition is BAD else Loop(condition, negate=key == "while", **values)


# -- nodes and workflows that stand inside of others -------------------------------------------------------------------


def _read_inner_node(value: Any, path: Path, notes: Notes) -> Any:
    """A node that stands at a key of its own: then, else, undo, on_failure, a case."""
    if isinstance(value, str):
        kind = "task" if ":" in value and " " not in value else "shell"
        wrong(path, notes, value, "a table", f"write {path[-1]} = {{ {kind} = {shown(value)} }}")
        notes.broken.add(path)
        return Node(NodeId(str(path[-1])), BROKEN)
    return read_node(str(path[-1]), value, path, notes)


def _read_inner_nodes(value: Any, path: Path, notes: Notes) -> Any:
    """The nodes of a composite, or the cases of a switch (whose keys are values, not ids)."""
    if path[-1] == "cases" and isinstance(value, dict):
        return {key: read_node(key, table, (*path, key), notes) for key, table in value.items()}
    return read_nodes(value, path, notes)


def _read_workflow(value: Any, path: Path, notes: Notes) -> Any:
    """One [workflows.NAME]."""
    if not isinstance(value, dict):
        return wrong(path, notes, value, "a table", "write [workflows.NAME]")
    note_id(str(path[-1]), path, notes)
    note_unknown(value, _WORKFLOW_KEYS, path, notes)
    texts = {key: field for key, field in fields_of(Workflow).items() if key in ("result", "description")}
    return Workflow(
        name=str(path[-1]),
        nodes=read_nodes(value.get("nodes", {}), (*path, "nodes"), notes),
        params=read_params(value.get("params", {}), (*path, "params"), notes),
        **read_fields(texts, value, path, notes),
    )


def _read_format(data: Mapping[str, Any], notes: Notes) -> int:
    value = data.get("format", FORMAT)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        wrong(("format",), notes, value, "a version number", f"write format = {FORMAT}")
    elif value > FORMAT:
        message = f"the file has format {shown(value)}; this Flowloom reads up to format {FORMAT}"
        notes.error("format", ("format",), message, "use a newer Flowloom, or write the file for format 1")
    return FORMAT


def _read_head(table: Any, notes: Notes) -> dict[str, Any]:
    """[project]: what goes to the workflow (name, result, description) and what to the project (python, files)."""
    if not isinstance(table, dict):
        wrong(("project",), notes, table, "a table", "write [project] and then name = ...")
        return {}
    known = {key: field for key, field in {**fields_of(Workflow), **fields_of(Project)}.items() if key in _HEAD}
    note_unknown(table, known, ("project",), notes)
    return read_fields(known, table, ("project",), notes)


_TOP = ("format", "project", "params", "vars", "run", "defaults", "nodes", "pools", "workflows", "agents", "studio")
_HEAD = ("name", "description", "python", "result", "files")
_WORKFLOW_KEYS = ("nodes", "params", "result", "description")
_SEPARATE = ("until", "while", *_LOOP_ONLY)

special(Node, _read_inner_node)
special(Mapping[str, Node], _read_inner_nodes)
special(Body, lambda value, path, notes: BAD)
special(Workflow, _read_workflow)
