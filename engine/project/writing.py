"""The model to plain tables: the inverse of `reading`. What is as it is by default is not written.

`to_tables` gives what TOML has (text, numbers, dates, lists, tables); `layout` makes text of it. What a file cannot hold
(None inside of a value, sets, bytes, functions without a name, half characters) raises ValueError, which names the place,
before anything is written anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

from msgspec import UNSET, Struct

from engine.project.durations import format_duration
from engine.project.findings import Path
from engine.project.model import (
    AgentHost,
    Approval,
    Body,
    Command,
    Compensate,
    Composite,
    Conditional,
    CustomDelay,
    Fail,
    Loop,
    Map,
    Node,
    OnError,
    Param,
    Plugin,
    Project,
    RetryPolicy,
    RunAlternative,
    Settings,
    Shell,
    Skip,
    SubWorkflow,
    Switch,
    Task,
    Wait,
    Workflow,
)
from engine.project.reading import FORMAT
from engine.project.shapes import fields_of, path_text
from engine.project.spellings import STRATEGIES

Table = dict[str, Any]

_FIRST = ("task", "command", "shell", "workflow", "condition", "switch", "wait", "approval", "kind")
_HELD = ("nodes", "then", "else", "cases", "undo")


def to_tables(project: Project) -> Table:
    """The tables of a whole project file, in the order in which a person would write them. Raises ValueError."""
    workflow = project.workflow
    head = _without_nothing(
        {
            "name": workflow.name,
            "description": workflow.description,
            "python": project.python,
            "result": workflow.result,
            "files": list(project.files) or None,
        }
    )
    tables: Table = {"format": FORMAT, "project": head}
    tables["params"] = {name: _param(param, ("params", name)) for name, param in workflow.params.items()}
    tables["vars"] = _value(project.vars, ("vars",))
    tables["run"] = _fields(project.run, ("run",))
    tables["defaults"] = _fields(project.defaults, ("defaults",))
    tables["pools"] = dict(project.pools)
    tables["nodes"] = _nodes(workflow.nodes, ("nodes",))
    tables["workflows"] = {name: _workflow(one, ("workflows", name)) for name, one in project.workflows.items()}
    tables["agents"] = _fields(project.agents, ("agents",))
    tables["studio"] = _value(project.studio, ("studio",))
    _check_text(tables)
    return {key: table for key, table in tables.items() if table != {}}


def _workflow(workflow: Workflow, path: Path) -> Table:
    return _without_nothing(
        {
            "description": workflow.description,
            "result": workflow.result,
            "params": {name: _param(param, (*path, "params", name)) for name, param in workflow.params.items()} or None,
            "nodes": _nodes(workflow.nodes, (*path, "nodes")) or None,
        }
    )


def _nodes(nodes: Mapping[str, Node], path: Path) -> Table:
    return {name: _node(node, (*path, name)) for name, node in nodes.items()}


def _node(node: Node, path: Path) -> Table:
    settings = _fields(node.settings, path)
    body = _body(node.body, path)
    table: Table = {}
    if "description" in settings:
        table["description"] = settings.pop("description")
    table.update({key: body[key] for key in _FIRST if key in body})
    table.update({key: value for key, value in body.items() if key not in _FIRST and key not in _HELD})
    for key, sources in node.inputs.items():
        table.setdefault("inputs", {})[key] = sources if isinstance(sources, str) else list(sources)
    if node.args:
        table["args"] = _value(node.args, (*path, "args"))
    if node.needs:
        table["needs"] = [str(name) for name in node.needs]
    if node.each is not None:
        table.update(_map(node.each, "max_parallel" in body, path))
    if node.again is not None:
        table.update(_loop(node.again, path))
    undo = settings.pop("undo", None)
    table.update(settings)
    table.update({key: body[key] for key in _HELD if key in body})
    return table if undo is None else {**table, "undo": undo}


# -- bodies and wrappers ---------------------------------------------------------------------------------------------


def _body(body: Body, path: Path) -> Table:
    if isinstance(body, Wait):
        return {"wait": _fields(body, (*path, "wait"))}
    if isinstance(body, Plugin):
        return {"kind": body.kind, **_value(body.options, path)}
    key, write = _BODIES[type(body)]
    table = _fields(body, path)
    table[key] = write(getattr(body, key), (*path, key))
    return table


def _map(each: Map, taken: bool, path: Path) -> Table:
    if taken:
        raise ValueError(
            f"{path_text(path)} limits its map and its nodes by `max_parallel`; a file can say it once: "
            "put the nodes into a composite inside of it"
        )
    return {"map": _value(each.map, (*path, "map")), **_fields(each, path)}


def _loop(again: Loop, path: Path) -> Table:
    key = "while" if again.negate else "until"
    return {key: _function(again.condition, (*path, key)), **_fields(again, path)}


# -- fields ----------------------------------------------------------------------------------------------------------


def _fields(struct: Struct, path: Path) -> Table:
    """What a struct says beyond its defaults, by the keys of the file."""
    table: Table = {}
    for field in fields_of(type(struct)).values():
        value = getattr(struct, field.name)
        if value is None or (type(value) is type(field.default) and value == field.default):
            continue
        if (type(struct), field.name) in _ELSEWHERE:
            continue
        spot = (*path, field.key)
        table[field.key] = _seconds(value, spot) if field.seconds else _any(value, spot)
    return table


_ELSEWHERE = {(Loop, "condition"), (Loop, "negate"), (Map, "map")}


def _any(value: Any, path: Path) -> Any:
    if path[-1] == "join" and isinstance(value, int):
        return {"at_least": value}
    if isinstance(value, tuple):
        return [_any(item, (*path, index)) for index, item in enumerate(value)]
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value, path)
    if isinstance(value, Mapping) and any(isinstance(item, Node) for item in value.values()):
        return _nodes(value, path)
    return _function(value, path) if callable(value) else _value(value, path)


def _retry(retry: RetryPolicy, path: Path) -> Table:
    table: Table = {"max_retries": retry.max_retries}
    strategy = retry.strategy
    if isinstance(strategy, CustomDelay):
        table["strategy"] = _function(strategy.function, (*path, "strategy"))
    else:
        name = next(name for name, kind in STRATEGIES.items() if isinstance(strategy, kind))
        if name != "immediate":
            table["strategy"] = name
        table.update(_fields(strategy, path))
    if retry.on:
        table["on"] = list(retry.on)
    return table


def _on_error(action: OnError, path: Path) -> Any:
    if isinstance(action, RunAlternative):
        return {"alternative": str(action.alternative)}
    if isinstance(action, Compensate) and action.nodes:
        return {"compensate": [str(name) for name in action.nodes]}
    return {Fail: "fail", Skip: "skip", Compensate: "compensate"}[type(action)]


def _param(param: Param, path: Path) -> Any:
    if param.short and param.default is not UNSET and not isinstance(param.default, dict):
        return _value(param.default, path)
    table: Table = {}
    for key in ("type", "default", "required", "choices", "pattern", "help"):
        value = getattr(param, key)
        if value is not UNSET and value is not None and value != () and value is not False:
            table[key] = _value(value, (*path, key))
        elif key == "default" and value is False:
            table[key] = False
    return table


def _seconds(seconds: float, path: Path) -> Any:
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{path_text(path)} is {seconds}, which is no length of time")
    return format_duration(seconds)


def _function(function: str | Callable[..., Any], path: Path) -> str:
    """`module:function`. A function that has no name in a module cannot be found again from a file."""
    if isinstance(function, str):
        return function
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if not isinstance(module, str) or module == "__main__" or not name or "<" in name:
        raise ValueError(
            f"{path_text(path)} is {name or function!r}, which a file cannot name: define it at the top of a module"
        )
    return f"{module}:{name}"


def _value(value: Any, path: Path) -> Any:
    """Plain data, checked: everything that TOML has, nothing else."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{path_text(path)} is a number of more than 64 bits, which TOML does not have")
        return value
    if isinstance(value, float | date | time):
        return value
    if isinstance(value, list | tuple):
        return [_value(item, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{path_text(path)} has a key that is no text, of type {type(key).__name__}")
        return {key: _value(item, (*path, key)) for key, item in value.items()}
    if value is None:
        raise ValueError(f"{path_text(path)} is None, which TOML does not have: leave it out")
    raise ValueError(f"{path_text(path)} is of type {type(value).__name__}, which TOML does not have")


def _without_nothing(table: Table) -> Table:
    return {key: value for key, value in table.items() if value is not None}


def _check_text(tables: Table) -> None:
    """No text may hold half of a character. Iterative."""
    todo: list[tuple[Path, Any]] = [((), tables)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, str):
            _check_characters(value, path)
        elif isinstance(value, dict):
            for key in value:
                _check_characters(key, path)
            todo.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            todo.extend(((*path, index), item) for index, item in enumerate(value))


def _check_characters(text: str, path: Path) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"{path_text(path)} holds half of a character (a lone surrogate), which no file can hold"
            raise ValueError(message) from None


_BODIES: Mapping[type, tuple[str, Callable[[Any, Path], Any]]] = {
    Task: ("task", _function),
    Command: ("command", _value),
    Shell: ("shell", _value),
    SubWorkflow: ("workflow", _value),
    Composite: ("nodes", _nodes),
    Conditional: ("condition", _function),
    Switch: ("switch", _function),
    Approval: ("approval", _value),
}

_WRITERS: Mapping[type, Callable[[Any, Path], Any]] = {
    Node: _node,
    RetryPolicy: _retry,
    OnError: _on_error,
    AgentHost: _fields,
    Settings: _fields,
}
