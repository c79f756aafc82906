"""What the inspector is about: the node under the cursor or the project, as a form; and what a field's value means as an edit.

A `Subject` is made from a state. It holds the table that the file has, the form of it, and what was found about it. Its
fields are changed by edits like everything else (`edit_of`), under a key that makes a word typed in one field one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, structs

from engine.project.findings import Finding
from engine.project.model import NodeId, Project, Workflow
from engine.project.writing import to_tables
from studio.document import edits
from studio.document.catalog import KINDS
from studio.document.completion import Around
from studio.document.draft import Draft
from studio.document.edits import Edit, EditRefused
from studio.document.fields import Field, Keys, Section, Table
from studio.document.form import node_form, project_form, workflow_form
from studio.document.names import base_of, keys_of
from studio.document.remarks import Surroundings, node_remarks, project_remarks, surroundings
from studio.document.variants import changes
from studio.state import StudioState


class Subject(Struct, frozen=True):
    """The node at `path` of the `workflow` that edits name, or the project (`path` is None).

    `keys` lead to the table in the file. `findings` have paths inside of the table. `locked` is why it cannot be edited
    here, empty where it can.
    """

    path: str | None
    workflow: str
    keys: Keys
    table: Table
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...] = ()
    locked: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.rpartition("/")[2] if self.path is not None else self.workflow or "project"

    @property
    def same(self) -> tuple[str | None, str]:
        """Tells one subject from another."""
        return self.path, self.workflow


def subject_of(state: StudioState) -> Subject | None:
    """What the inspector is about; None where there is no project."""
    draft = state.draft
    if draft is None:
        return None
    if state.node is None or state.cursor is None or state.about == "project":
        return _outer_subject(state, draft, state.editing or "")
    return _node_subject(state, draft, state.cursor)


def _outer_subject(state: StudioState, draft: Draft, workflow: str) -> Subject:
    """The project, or the [workflows.NAME] that one went into."""
    locked = _LOOKED_AT if state.place != "editor" else ""
    if workflow:
        keys = base_of(workflow)
        table = {key: value for key, value in (draft.sheet.table(keys) or {}).items() if key != "nodes"}
        return Subject(None, workflow, keys, table, workflow_form(table), _findings(state, keys), locked)
    tables = _tables(draft)
    return Subject(None, "", (), tables, project_form(tables), _findings(state, ()), locked)


def _node_subject(state: StudioState, draft: Draft, path: str) -> Subject | None:
    workflow = state.editing
    if workflow is None:
        table = _table_of_another_file(state)
        locked = "it is in a workflow file of its own: open that file to edit it"
        return Subject(path, "", ("?",), table, node_form(_last(path), table), locked=locked)
    try:
        keys = keys_of(draft.workflow(workflow), path, base_of(workflow))
    except EditRefused:
        return None
    table = draft.sheet.table(keys) or {}
    defaults = _tables(draft).get("defaults")
    sections = node_form(
        _last(path), table, defaults=defaults if isinstance(defaults, Mapping) else {}, said=_said_by_task(state, table)
    )
    locked = _LOOKED_AT if state.place != "editor" else ""
    return Subject(path, workflow, keys, table, sections, _findings(state, keys), locked)


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _said_by_task(state: StudioState, table: Table) -> Mapping[str, Any]:
    """The options of the function's own `@task(...)`."""
    task = table.get("task")
    function = state.catalog.function(task) if isinstance(task, str) else None
    return function.options if function is not None else {}


def _tables(draft: Draft) -> Table:
    """What the file says outside of its nodes; read once for each draft that shares these blocks."""
    known = draft.memo.get("rest")
    if known is None:
        known = draft.memo["rest"] = draft.sheet.rest()
    found: Table = known
    return found


def _table_of_another_file(state: StudioState) -> Table:
    """A node of a file that is only looked at: what the model says of it."""
    node = state.node
    if node is None:
        return {}
    try:
        nodes = to_tables(Project(workflow=Workflow("w", {str(node.id): node})))["nodes"]
    except (ValueError, KeyError):
        return {}
    table: Table = nodes[str(node.id)]
    return table


def _findings(state: StudioState, keys: Keys) -> tuple[Finding, ...]:
    """What the last check found below these keys, with the rest of the path; the project's are those of no node."""
    found = state.document.findings if state.document is not None else ()
    if not keys:
        return tuple(finding for finding in found if finding.path[:1] not in (("nodes",), ("workflows",)))
    deep = len(keys)
    return tuple(structs.replace(f, path=f.path[deep:]) for f in found if f.path[:deep] == keys)


# -- while somebody types --------------------------------------------------------------------------------------------


def place_of(state: StudioState, subject: Subject) -> Surroundings | None:
    """Where the node in hand stands."""
    draft = state.draft
    if draft is None or subject.path is None or subject.locked:
        return None
    return surroundings(draft.project, draft.workflow(subject.workflow), subject.path, draft.saved.folder)


def remarks_on(subject: Subject, place: Surroundings | None) -> tuple[Finding, ...]:
    """What is wrong with it now: its own table, looked at this moment, and what only the whole file could tell."""
    if subject.path is None and subject.workflow:
        return subject.findings
    elif subject.path is None:
        own = project_remarks(subject.table)
    elif place is not None:
        own = node_remarks(subject.table, place)
    else:
        return subject.findings
    codes = {finding.code for finding in own} | _TOLD_AT_ONCE
    return (*own, *(finding for finding in subject.findings if finding.code not in codes))


_LOOKED_AT = "this is a run; 1 goes to the editor"
_TOLD_AT_ONCE = frozenset(
    {
        *(
            "wrong-value",
            "unknown-key",
            "missing-key",
            "stray-key",
            "no-body",
            "two-bodies",
            "bad-wait",
            "two-conditions",
        ),
        *(
            "bad-reference",
            "unknown-node",
            "unknown-param",
            "unknown-var",
            "bad-need",
            "no-item",
            "no-value",
            "no-index",
        ),
        *("bad-function", "missing-function", "missing-module", "bad-argument", "missing-argument", "two-sources"),
        *("empty", "bad-code", "shell-reference", "nul"),
    }
)
"""Findings that the look at one node makes itself: an older one of that kind is out of date."""


def around(state: StudioState, subject: Subject, place: Surroundings | None) -> Around:
    """The names that can be said in the fields of a subject."""
    draft = state.draft
    if draft is None:
        return Around()
    workflow = draft.workflow(subject.workflow)
    task = subject.table.get("task")
    function = state.catalog.function(task) if isinstance(task, str) else None
    given = {*_keys(subject.table.get("inputs")), *_keys(subject.table.get("args"))}
    return Around(
        nodes=place.nodes if place is not None else tuple(workflow.nodes),
        params=tuple(workflow.params),
        vars=tuple(draft.project.vars),
        arguments=tuple(a.name for a in function.arguments if a.name not in given) if function is not None else (),
        workflows=tuple(draft.project.workflows),
        pools=tuple(draft.project.pools),
        catalog=state.catalog,
        mapped="map" in subject.table or (place is not None and place.owner is not None and place.owner.mapped),
        looped=bool({"until", "while"} & subject.table.keys())
        or (place is not None and place.owner is not None and place.owner.looped),
    )


def _keys(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, Mapping) else ()


# -- edits -----------------------------------------------------------------------------------------------------------


def edit_of(subject: Subject, field: Field, value: Any) -> Edit:
    """The edit that lets a field say `value` (UNSET: nothing)."""
    if field.role == "name" and subject.path is not None:
        return edits.RenameNode(path=subject.path, name=str(value), workflow=subject.workflow)
    if field.role == "kind" and subject.path is not None:
        return edits.SetBody(path=subject.path, body=_start(str(value)), workflow=subject.workflow)
    if field.role == "add":
        return _set(subject, (*field.keys, str(value)), {"shell": "true"})
    made = tuple(_set(subject, keys, item) for keys, item in changes(field, value, subject.table))
    return made[0] if len(made) == 1 else edits.Several(edits=made, said=f"set {field.label} of {subject.name}")


def rename_of(subject: Subject, field: Field, name: str) -> Edit:
    """The edit that gives a line of a table another key, in the place of the old one."""
    holder = _at(subject.table, field.keys[:-1])
    renamed = {name if key == field.keys[-1] else key: item for key, item in holder.items()}
    if field.keys[:-1]:
        return _set(subject, field.keys[:-1], renamed)
    gone, come = _set(subject, field.keys, UNSET), _set(subject, (name,), field.value)
    return edits.Several(edits=(gone, come), said=f"rename {field.keys[-1]} to {name}")


def key_of(subject: Subject, field: Field) -> str:
    """What makes edits of one field one step."""
    return f"field:{subject.workflow}:{subject.path}:{'.'.join(field.keys)}"


def _set(subject: Subject, keys: Keys, value: Any) -> Edit:
    if subject.path is not None:
        return edits.SetField(path=subject.path, keys=keys, value=value, workflow=subject.workflow)
    if keys[0] == "params" and len(keys) > 1:
        param = _with(_at(subject.table, keys[:2]), keys[2:], value)
        return edits.SetParam(name=keys[1], value=param, workflow=subject.workflow)
    return edits.SetProject(keys=keys, value=value, workflow=subject.workflow)


def _with(table: Any, keys: Keys, value: Any) -> Any:
    """A param with one of its keys set, or taken away."""
    if not keys:
        return value
    inner = dict(table) if isinstance(table, Mapping) else {"default": table}
    if value is UNSET:
        inner.pop(keys[0], None)
    else:
        inner[keys[0]] = value
    return inner or UNSET


def _at(table: Any, keys: Keys) -> Any:
    for key in keys:
        table = table.get(key) if isinstance(table, Mapping) else None
    return table if table is not None else {}


def _start(word: str) -> Table:
    """What a body of this kind says before anybody said more."""
    wanted = {"nodes": "parallel", "condition": "conditional"}.get(word, word)
    entry = next(entry for entry in KINDS if entry.name == wanted)
    node = structs.replace(entry.node(), id=NodeId("new"))
    table: Table = to_tables(Project(workflow=Workflow("w", {"new": node})))["nodes"]["new"]
    return table
