"""The fields of a form, made from the structs of the model and from what the file says.

A struct of `engine.project.model` and a table of the file have the same keys, so one function per struct is enough: the
type of a field tells how it is typed (`spelling.Way`), its `Meta` what it is for, its default what holds where the file is
silent. Tables whose keys a person chose (inputs, args, env, ...) have a field for each line, and a place for one more.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, UNSET, Meta, Struct, structs

from engine.project.durations import format_duration
from engine.project.model import Composite, Plugin
from engine.project.reading import BODIES
from engine.project.shapes import help_of
from studio.document.spelling import Way, shown

Table = Mapping[str, Any]
Keys = tuple[str, ...]

Role = Literal[
    "field", "name", "entry", "add", "link", "kind", "again", "wait", "retry", "strategy", "error", "join", "inner"
]
"""What a field is besides a value at a key.

"name" the node's own id; "entry" a line of a table whose key a person chose, "add" the place for one more; "link" leads to
a node inside; the others are choices that stand for several keys: see `changes`.
"""


class Field(Struct, frozen=True, kw_only=True):
    """One field. `keys` lead to its value from the table that the form is of; `value` is UNSET where the file is silent.

    `standing` is what holds then, and `tag` who says so. `options` are the words of a choice, `completes` says what may be
    offered while one types. `depth` 1 is a part of the field above. `target` is the step to the node that a link leads to.
    """

    keys: Keys
    label: str
    way: Way = "value"
    value: Any = UNSET
    standing: str = ""
    help: str = ""
    tag: str = ""
    options: tuple[str, ...] = ()
    completes: str = ""
    depth: int = 0
    role: Role = "field"
    target: str = ""
    required: bool = False

    @property
    def said(self) -> bool:
        """Whether the file says it."""
        return self.value is not UNSET

    @property
    def text(self) -> str:
        """What stands in the field: the value as it is typed, or what holds because nobody wrote one."""
        return shown(self.way, self.value) if self.said else self.standing

    @property
    def editable(self) -> bool:
        """Whether one can type in it or choose."""
        return self.role != "link"


class Section(Struct, frozen=True):
    """Fields under a title; the first section of a form has none."""

    title: str
    fields: tuple[Field, ...]


@cache
def blanks(kind: type[Struct]) -> Mapping[str, Field]:
    """The fields of a struct as they are where the file is silent, by the keys of the file."""
    return {info.encode_name: _blank(info) for info in structs.fields(kind)}


def struct_fields(kind: type[Struct], table: Table) -> Iterator[Field]:
    """The fields of a struct as the table says them, in the order of the struct."""
    for key, blank in blanks(kind).items():
        yield filled(blank, table[key]) if key in table else blank


def field_of(kind: type[Struct], key: str, table: Table) -> Field:
    """One field of a struct as the table says it."""
    blank = blanks(kind)[key]
    return filled(blank, table[key]) if key in table else blank


def filled(blank: Field, value: Any) -> Field:
    """A field with the value that the file has."""
    return structs.replace(blank, value=value, tag="list" if blank.way in ("list", "codes", "nodes") else "")


def _blank(info: structs.FieldInfo) -> Field:
    key = info.encode_name
    way, options = way_of(key, info.type)
    required = info.default is NODEFAULT and info.default_factory is NODEFAULT
    return Field(
        keys=(key,),
        label=key,
        way=way,
        standing="" if required else _default_shown(info),
        help=help_of(info.type) or _MEANINGS.get(key, ""),
        tag="" if required else "default",
        options=options,
        completes=_COMPLETES.get(key, ""),
        required=required,
    )


@cache
def way_of(key: str, hint: Any) -> tuple[Way, tuple[str, ...]]:
    """How values of this type are typed, and the words they are chosen from."""
    if key in _WAYS:
        return _WAYS[key], ()
    if get_origin(hint) is Annotated:
        if any(isinstance(m, Meta) and m.extra and m.extra.get("unit") == "s" for m in hint.__metadata__):
            return "time", ()
        return way_of(key, hint.__origin__)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return way_of(key, next(kind for kind in get_args(hint) if kind is not type(None)))
    if origin is Literal:
        return "choice", tuple(str(word) for word in get_args(hint))
    if origin is tuple:
        return "codes" if int in get_args(get_args(hint)[0]) or get_args(hint)[0] is int else "list", ()
    if hint is bool:
        return "switch", ("true", "false")
    if hint in (int, float):
        return "number", ()
    return ("text" if hint is str or hasattr(hint, "__supertype__") else "value"), ()


def _default_shown(info: structs.FieldInfo) -> str:
    """What a field is by itself, as it would be typed."""
    default = info.default if info.default_factory is NODEFAULT else info.default_factory()
    if default is NODEFAULT or default is None or default is UNSET or default in ((), {}):
        return _NOTHING.get(info.encode_name, "-")
    if isinstance(default, float) and way_of(info.encode_name, info.type)[0] == "time":
        return str(format_duration(default))
    return in_short(list(default) if isinstance(default, tuple) else default)


def in_short(value: Any, room: int = 200) -> str:
    """A value of the file in few words: `2, fixed 200ms`, `alternative plan_b`."""
    if isinstance(value, Mapping):
        if "max_retries" in value:
            words = [str(item) for key, item in value.items() if key not in ("max_retries", "on")]
            return f"{value['max_retries']}{', ' if words else ''}{' '.join(words)}"[:room]
        parts = [f"{key} {in_short(item, room)}" for key, item in list(value.items())[:20]]
        return ", ".join(parts)[:room]
    if isinstance(value, list | tuple):
        return ", ".join(in_short(item, room) for item in list(value)[:20])[:room]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:room]


def said_in_short(table: Any) -> str:
    """What a node does, by its table."""
    kind = kind_of(table_of(table))
    if kind is None:
        return "says nothing yet"
    word = word_of(kind)
    said = table.get("kind") if kind is Plugin else table.get(word)
    if kind is Composite:
        return f"{len(table_of(said))} nodes"
    return f"{word} {in_short(said, 60)}".replace("\n", " ")


def word_of(kind: type[Struct]) -> str:
    """The word of the file that makes a node what it is."""
    return next((word for word, known in BODIES.items() if known is kind), "kind")


def within(key: str, field: Field) -> Field:
    """A field of a table at a key of its own, told from the table around it."""
    return structs.replace(field, keys=(key, *field.keys))


def table_of(value: Any) -> Table:
    """`value` if it is a table; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def doc_of(kind: type) -> str:
    """The first line of what the model says about a kind."""
    return (kind.__doc__ or "").strip().partition("\n")[0]


def kind_of(table: Table) -> type[Struct] | None:
    """The body that a node's table has; None where it has none."""
    for key, kind in BODIES.items():
        if key in table:
            return kind
    return Plugin if isinstance(table.get("kind"), str) else None


# -- tables whose keys a person chose ----------------------------------------------------------------------------------


def entries(key: str, table: Table, owner: type[Struct]) -> Iterator[Field]:
    """A line for each key of a table, and the place for one more."""
    about = blanks(owner)[key].help if key in blanks(owner) else ""
    value = table.get(key, UNSET)
    if value is not UNSET and not isinstance(value, Mapping):
        yield Field(keys=(key,), label=key, value=value, help=about)
        return
    for name, item in table_of(value).items():
        yield entry((key, str(name)), item, about)
    yield place_for((key,), _ONE_OF.get(key, key), about)


def entry(keys: Keys, value: Any, about: str = "") -> Field:
    way: Way = "node" if keys[0] == "inputs" else "value"
    completes = {"inputs": "node", "pools": ""}.get(keys[0], "template")
    tag = {"inputs": "list" if isinstance(value, list) else "from", "args": "value"}.get(keys[0], "")
    return Field(
        keys=keys, label=keys[-1], way=way, value=value, help=about, tag=tag, completes=completes, role="entry"
    )


def place_for(keys: Keys, word: str, about: str = "") -> Field:
    completes = "argument" if keys and keys[0] in ("inputs", "args") else ""
    return Field(keys=keys, label=f"+ {word}", way="text", help=about, role="add", completes=completes)


_ONE_OF = {"inputs": "input", "args": "arg", "params": "param", "vars": "var", "pools": "pool", "env": "env"}
_NOTHING = {"executor": "processes", "timeout": "none", "retry": "none", "on_error": "fail", "cache": "false"}
_MEANINGS = {
    "name": "what the project is called",
    "result": "whose result is the run's; by default those of the last nodes",
    "retry": "how often a failed attempt is tried again, and after which wait",
    "executor": "inline, threads, processes, agents, dask, or a plug-in's",
    "heartbeat": "how often an agent says that it is there",
    "linger": "how long an agent waits for a coordinator that is gone",
    "bind": "the address at which agents find this machine",
    "strategy": "which agent gets the next attempt",
}
_WAYS: Mapping[str, Way] = {
    "command": "words",
    "shell": "lines",
    "notes": "lines",
    "needs": "nodes",
    "on": "codes",
    "ok_codes": "codes",
    "choices": "list",
    "until": "text",
    "result": "text",
    "default": "value",
}
_COMPLETES: Mapping[str, str] = {
    "task": "function",
    "condition": "condition",
    "when": "condition",
    "switch": "template",
    "workflow": "workflow",
    "needs": "node",
    "result": "node",
    "pool": "pool",
    "executor": "executor",
    "command": "template",
    "approval": "template",
    "cwd": "template",
    "reads": "template",
    "writes": "template",
    "initial": "template",
    "carry": "argument",
    "python": "",
}
