"""The form of a node, and that of a project: which fields there are, in which order, and what they say.

A form is made from the *table* that the file holds, not from the model, so a value that is wrong stands in its field as it
was written, and a key that nobody knows has a field too. Fields come from the structs of the model (`fields`); what can be
written in several ways is in `variants`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import UNSET, Struct, structs

from engine.project.model import (
    AgentSettings,
    Command,
    Composite,
    Defaults,
    Loop,
    Map,
    Node,
    Param,
    Plugin,
    Project,
    RunSettings,
    Settings,
    Shell,
    SubWorkflow,
    Task,
    Wait,
    Workflow,
)
from engine.project.reading import BODIES
from studio.document.fields import (
    Field,
    Section,
    Table,
    blanks,
    doc_of,
    entries,
    entry,
    field_of,
    kind_of,
    place_for,
    said_in_short,
    struct_fields,
    table_of,
    within,
    word_of,
)
from studio.document.variants import INNER, LOOPS, Behind, loop, setting, small_node, wait


def node_form(
    name: str, table: Table, *, defaults: Table | None = None, said: Table | None = None
) -> tuple[Section, ...]:
    """The form of the node that a file holds as `table`.

    `defaults` is the [defaults] of the file, `said` what the function's own `@task(...)` says: where the node is silent,
    they hold, in this order from behind.
    """
    kind = kind_of(table)
    behind = Behind(defaults or {}, said or {}, kind in (Task, Command, Shell))
    sections = [
        Section("", (_name_field(name), *_body(kind, table))),
        Section("Each item of", tuple(_map(table)) if "map" in table else ()),
        Section("Again", tuple(loop(table)) if LOOPS & table.keys() else ()),
        Section(
            "Inputs", (*entries("inputs", table, Node), *entries("args", table, Node), field_of(Node, "needs", table))
        ),
        Section("Running", tuple(_settings(table, behind))),
        Section("About", tuple(field_of(Settings, key, table) for key in _ABOUT)),
        Section("Wrap", tuple(_wrappers(table))),
        Section("Unknown", tuple(_unknown(table, kind))),
    ]
    return tuple(section for section in sections if section.fields)


def project_form(tables: Table) -> tuple[Section, ...]:
    """The form of everything that a file says outside of its nodes; `tables` is the whole file."""
    head, run, defaults = (table_of(tables.get(key)) for key in ("project", "run", "defaults"))
    sections = [
        Section("", tuple(within("project", field_of(_HEAD[key], key, head)) for key in _HEAD)),
        Section("Params", tuple(_params(table_of(tables.get("params"))))),
        Section("Run", tuple(within("run", field) for field in _run(run))),
        Section("Defaults", tuple(within("defaults", field) for field in _defaults(defaults))),
        Section("Vars", tuple(entries("vars", tables, Project))),
        Section("Pools", tuple(entries("pools", tables, Project))),
        Section(
            "Agents",
            tuple(
                within("agents", f)
                for f in struct_fields(AgentSettings, table_of(tables.get("agents")))
                if f.label != "hosts"
            ),
        ),
    ]
    return tuple(section for section in sections if section.fields)


def workflow_form(table: Table) -> tuple[Section, ...]:
    """The form of what a [workflows.NAME] says outside of its nodes."""
    return (
        Section("", tuple(field_of(Workflow, key, table) for key in ("description", "result"))),
        Section("Params", tuple(_params(table_of(table.get("params"))))),
    )


# -- bodies ----------------------------------------------------------------------------------------------------------


def _name_field(name: str) -> Field:
    about = "the node's name, unique beside its siblings; it changes wherever the node is named"
    return Field(keys=(), label="id", way="text", value=name, help=about, role="name", required=True)


def _body(kind: type[Struct] | None, table: Table) -> Iterator[Field]:
    if kind is None:
        yield Field(
            keys=(),
            label="does",
            way="choice",
            options=tuple(_KINDS),
            help="what the node does",
            role="kind",
            required=True,
        )
        return
    word = word_of(kind)
    yield Field(keys=(), label="does", way="choice", value=word, options=tuple(_KINDS), help=doc_of(kind), role="kind")
    if kind is Wait:
        yield from wait(table)
    elif kind is Plugin:
        yield Field(
            keys=("kind",),
            label="kind of",
            way="text",
            value=table.get("kind", UNSET),
            help="the name that its package gave it",
        )
        known = _known_keys(None)
        yield from (entry((key,), table[key]) for key in table if key not in known and key != "kind")
        yield place_for((), "option")
    elif kind is Composite:
        yield from _links("nodes", table)
        yield from (
            field for field in struct_fields(Composite, table) if field.keys not in (("nodes",), ("max_parallel",))
        )
        if "map" not in table:
            yield from (field for field in struct_fields(Composite, table) if field.keys == ("max_parallel",))
    else:
        for field in struct_fields(kind, table):
            key = field.keys[0]
            if key in ("then", "else", "cases"):
                yield from _links(key, table)
            elif key == "params":
                yield from entries("params", table, SubWorkflow)
            else:
                yield field


def _links(key: str, table: Table) -> Iterator[Field]:
    """What leads to a node inside, and the place where one more can be added."""
    held = table.get(key)
    about = _INSIDE[key]
    if key in ("then", "else"):
        if isinstance(held, Mapping):
            yield Field(
                keys=(key,), label=key, value=UNSET, standing=said_in_short(held), help=about, role="link", target=key
            )
        else:
            options = tuple(INNER)
            yield Field(keys=(key,), label=key, way="choice", standing="-", help=about, options=options, role="inner")
        return
    for name, inner in table_of(held).items():
        yield Field(
            keys=(key, str(name)),
            label=str(name),
            standing=said_in_short(inner),
            help=about,
            role="link",
            target=str(name),
        )
    if key == "cases":
        yield Field(
            keys=(key,), label="case", way="text", standing="+", help="one more branch, for another value", role="add"
        )


def _map(table: Table) -> Iterator[Field]:
    for field in struct_fields(Map, table):
        yield structs.replace(field, completes="items") if field.label == "map" else field


def _wrappers(table: Table) -> Iterator[Field]:
    """What a node that is not repeated could be repeated by."""
    if "map" not in table:
        yield structs.replace(
            field_of(Map, "map", table), standing="-", tag="default", completes="items", required=False
        )
    if not LOOPS & table.keys():
        about = "again and again: " + blanks(Loop)["condition"].help
        yield Field(
            keys=("until",), label="until", way="text", standing="-", help=about, tag="default", completes="condition"
        )


def _settings(table: Table, behind: Behind) -> Iterator[Field]:
    for key in blanks(Settings):
        if key not in _ABOUT:
            yield from setting(key, table, behind)


def _params(table: Table) -> Iterator[Field]:
    for name, value in table.items():
        keys = ("params", str(name))
        if not isinstance(value, Mapping):
            yield Field(
                keys=keys,
                label=str(name),
                value=value,
                help=blanks(Param)["default"].help,
                tag=_type_word(value),
                role="entry",
            )
            continue
        yield Field(
            keys=(*keys, "default"),
            label=str(name),
            value=value.get("default", UNSET),
            standing="-",
            help=blanks(Param)["default"].help,
            role="entry",
        )
        for field in struct_fields(Param, value):
            if field.label not in ("default", "short"):
                yield structs.replace(field, keys=(*keys, *field.keys), depth=1)
    yield place_for(("params",), "param", "a value that whoever starts the run may choose: -p name=value")


def _type_word(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {int: "int", float: "float", list: "list", str: "str"}.get(type(value), "date")


def _run(table: Table) -> Iterator[Field]:
    for field in struct_fields(RunSettings, table):
        if field.label in ("on_success", "on_failure"):
            yield from small_node(field.label, field.value, field.help)
        else:
            yield field


def _defaults(table: Table) -> Iterator[Field]:
    """[defaults] has settings, with the same ways to write them."""
    behind = Behind({}, {}, runs=False)
    for key in blanks(Defaults):
        yield from setting(key, table, behind)


def _unknown(table: Table, kind: type[Struct] | None) -> Iterator[Field]:
    """Keys that this node cannot have: they are in the file, so they are shown."""
    if kind is Plugin:
        return
    known = _known_keys(kind)
    for key, value in table.items():
        if key not in known:
            yield Field(
                keys=(key,),
                label=str(key),
                value=value,
                tag="unknown",
                help="no node of this kind has this key",
                role="entry",
            )


@cache
def _known_keys(kind: type[Struct] | None) -> frozenset[str]:
    keys = {*blanks(Settings), *blanks(Map), *blanks(Loop)} - {"condition", "negate"}
    keys |= {"inputs", "args", "needs", *LOOPS}
    own = ("wait",) if kind is Wait else blanks(kind) if kind is not None else ()
    return frozenset((*keys, *own))


_ABOUT = ("description", "notes", "tags", "enabled")
_KINDS = tuple(BODIES)
_HEAD: Mapping[str, type[Struct]] = {
    "name": Workflow,
    "description": Workflow,
    "python": Project,
    "result": Workflow,
    "files": Project,
}
_INSIDE = {
    "then": "the branch that is taken when the condition holds; Enter goes there",
    "else": "the branch that is taken otherwise; Enter goes there",
    "nodes": "a node inside; Enter goes there",
    "cases": "the branch for this value; Enter goes there",
}
