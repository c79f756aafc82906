"""A JSON Schema of project files, made from the model: editors complete keys, show their help and mark mistakes.

One function per kind of type, as in `shapes`, and one definition for each thing that can be written in more ways than
one. `check` knows far more than a schema can say; this is for the moment of writing.
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, Meta, Struct, UnsetType, structs

from engine.project.ids import MAX_ID_LENGTH
from engine.project.model import (
    AgentHost,
    AgentSettings,
    Defaults,
    Join,
    Loop,
    Map,
    Node,
    OnError,
    Param,
    Project,
    RetryPolicy,
    RunSettings,
    Settings,
    Wait,
    Workflow,
)
from engine.project.reading import BODIES, FORMAT
from engine.project.shapes import help_of
from engine.project.spellings import STRATEGIES

Schema = dict[str, Any]

_WRAPPERS = (Map, Loop)
_HIDDEN = {(Loop, "condition"), (Loop, "negate"), (Param, "short"), (Node, "id"), (Node, "body"), (Node, "settings")}
_HIDDEN |= {(Node, "each"), (Node, "again"), (AgentSettings, "hosts")}


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a project file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:flowloom:project:{FORMAT}",
        "title": "Flowloom project",
        "description": "A workflow: its nodes, params and settings.",
        **_closed(
            {
                "format": {"const": FORMAT, "description": "version of the file format"},
                "project": _closed(_head()),
                "params": {"type": "object", "additionalProperties": _ref("param"), "description": _doc(Param)},
                "vars": {"type": "object", "description": help_of_field(Project, "vars")},
                "run": _ref("run"),
                "defaults": _ref("defaults"),
                "nodes": _ref("nodes"),
                "pools": {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "minimum": 1},
                    "description": help_of_field(Project, "pools"),
                },
                "workflows": {"type": "object", "additionalProperties": _ref("workflow")},
                "agents": _agents(),
                "studio": {"type": "object", "description": help_of_field(Project, "studio")},
            }
        ),
        "$defs": _definitions(),
    }


def help_of_field(kind: type[Struct], name: str) -> str:
    """What the model says that a field is for."""
    return next(help_of(field.type) for field in structs.fields(kind) if field.name == name)


def _definitions() -> dict[str, Schema]:
    return {
        "duration": {
            "description": 'a length of time: seconds, or "90s", "5m", "1h30m", "250ms"',
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?\s*(d|h|ms|us|m|s)\s*)+$"},
            ],
        },
        "nodes": {
            "type": "object",
            "description": "the nodes, by id",
            "propertyNames": {"maxLength": MAX_ID_LENGTH, "minLength": 1},
            "additionalProperties": _ref("node"),
        },
        "node": {
            "description": _doc(Node),
            "if": {
                "required": ["kind"],
                "properties": {"kind": {"not": {"enum": ["parallel", "sequential"]}}},
            },
            "then": {"type": "object", "description": "a kind of node that an installed package brings"},
            "else": _ref("own_node"),
        },
        "own_node": {**_closed(_node()), "oneOf": [{"required": [body]} for body in BODIES]},
        "wait": {**_closed(_properties(Wait)), "minProperties": 1, "maxProperties": 1, "description": _doc(Wait)},
        "retry": {**_closed(_retry()), "description": _doc(RetryPolicy)},
        "on_error": _on_error(),
        "join": {
            "description": help_of_field(Settings, "join"),
            "anyOf": [
                {"enum": ["all", "any", "all_done"]},
                {**_closed({"at_least": {"type": "integer", "minimum": 1}}), "required": ["at_least"]},
            ],
        },
        "param": {
            "description": _doc(Param),
            "anyOf": [
                {"type": ["string", "number", "boolean", "array"]},
                _closed(_properties(Param)),
            ],
        },
        "run": {**_closed(_properties(RunSettings)), "description": _doc(RunSettings)},
        "defaults": {**_closed(_properties(Defaults)), "description": _doc(Defaults)},
        "workflow": {
            **_closed(
                {
                    "description": {"type": "string"},
                    "result": {"type": "string", "description": "whose result it is"},
                    "params": {"type": "object", "additionalProperties": _ref("param")},
                    "nodes": _ref("nodes"),
                }
            ),
            "description": _doc(Workflow),
        },
    }


def _head() -> dict[str, Schema]:
    known = {**_properties(Workflow), **_properties(Project)}
    head = {key: known[key] for key in ("name", "description", "python", "result", "files")}
    head["result"] = {"type": "string", "description": "whose result is the run's; by default those of the last nodes"}
    return head


def _agents() -> Schema:
    hosts = {"type": "array", "items": {**_closed(_properties(AgentHost)), "required": ["host"]}}
    return {**_closed({**_properties(AgentSettings), "hosts": hosts}), "description": _doc(AgentSettings)}


def _node() -> dict[str, Schema]:
    """Every key that a node may have, whatever its body."""
    keys = _properties(Node)
    for body, kind in BODIES.items():
        keys.update({"wait": _ref("wait")} if kind is Wait else _properties(kind))
        keys[body] = {**keys[body], "description": keys[body].get("description") or _doc(kind)}
    for kind in (*_WRAPPERS, Settings):
        keys.update(_properties(kind))
    for key, words in (("until", "stop when it holds"), ("while", "stop when it no longer holds")):
        keys[key] = {"type": "string", "description": f"{words}: {help_of_field(Loop, 'condition')}"}
    return keys


def _retry() -> dict[str, Schema]:
    keys = _properties(RetryPolicy)
    for kind in STRATEGIES.values():
        keys.update(_properties(kind))
    named = {"enum": list(STRATEGIES)}
    keys["strategy"] = {
        "description": "how long to wait before the next try",
        "anyOf": [named, {"type": "string", "pattern": ":", "description": "module:function"}],
    }
    return keys


def _on_error() -> Schema:
    names = {"type": "array", "items": {"type": "string"}}
    return {
        "description": "what to do when the node has failed for good",
        "anyOf": [
            {"enum": ["fail", "skip", "compensate"]},
            {**_closed({"alternative": {"type": "string"}}), "required": ["alternative"]},
            {**_closed({"compensate": names}), "required": ["compensate"]},
        ],
    }


# -- types -------------------------------------------------------------------------------------------------------------


def _properties(kind: type[Struct]) -> dict[str, Schema]:
    """One schema per key of the table that `kind` is written as."""
    found = {}
    for field in structs.fields(kind):
        if (kind, field.name) in _HIDDEN:
            continue
        schema = _of(field.type)
        about = help_of(field.type)
        if about:
            schema = {**schema, "description": about}
        if field.default is not NODEFAULT and isinstance(field.default, str | int | float):
            schema = {**schema, "default": field.default}
        found[field.encode_name] = schema
    return found


def _of(hint: Any) -> Schema:
    if hint in _NAMED:
        return _ref(_NAMED[hint])
    origin = get_origin(hint)
    make = _BY_ORIGIN.get(origin)
    if make is not None:
        return make(hint)
    if hasattr(hint, "__supertype__"):
        return _of(hint.__supertype__)
    return dict(_PLAIN.get(hint, {}))


def _annotated(hint: Any) -> Schema:
    metas = [meta for meta in hint.__metadata__ if isinstance(meta, Meta)]
    if any(meta.extra and meta.extra.get("unit") == "s" for meta in metas):
        return _ref("duration")
    schema = _of(hint.__origin__)
    for meta in metas:
        if meta.ge is not None:
            schema = {**schema, "minimum": meta.ge}
        if meta.le is not None:
            schema = {**schema, "maximum": meta.le}
    return schema


def _union(hint: Any) -> Schema:
    dropped = (type(None), UnsetType)
    kinds = [
        kind for kind in get_args(hint) if kind not in dropped and get_origin(kind) is not collections.abc.Callable
    ]
    if Any in kinds:
        return {}
    return _of(kinds[0]) if len(kinds) == 1 else {"anyOf": [_of(kind) for kind in kinds]}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _doc(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


_NAMED: Mapping[Any, str] = {
    Node: "node",
    Mapping[str, Node]: "nodes",
    RetryPolicy: "retry",
    OnError: "on_error",
    Join: "join",
    Wait: "wait",
}

_BY_ORIGIN: Mapping[Any, Callable[[Any], Schema]] = {
    Annotated: _annotated,
    Union: _union,
    types.UnionType: _union,
    Literal: lambda hint: {"enum": list(get_args(hint))},
    tuple: lambda hint: {"type": "array", "items": _of(get_args(hint)[0])},
    collections.abc.Mapping: lambda hint: {"type": "object", "additionalProperties": _of(get_args(hint)[1])},
}

_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
