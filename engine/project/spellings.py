"""What may be written in more ways than one: retries, errors, joins, params; and what other tools call things.

Each reader here is entered in `shapes` for its type, so that it is used wherever the model mentions that type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.project.findings import Notes, Path, shown
from engine.project.model import (
    Compensate,
    CustomDelay,
    ExponentialBackoff,
    Fail,
    FixedDelay,
    Immediate,
    Join,
    NodeId,
    OnError,
    Param,
    RetryPolicy,
    RetryStrategy,
    RunAlternative,
    Skip,
    Wait,
)
from engine.project.shapes import (
    BAD,
    fields_of,
    note_unknown,
    path_text,
    read_fields,
    read_table,
    special,
    wrong,
)


def _read_wait(value: Any, path: Path, notes: Notes) -> Any:
    wait = read_table(Wait, value, path, notes)
    if wait is BAD:
        return BAD
    given = [key for key in ("for", "until", "file") if key in value]
    if len(given) != 1:
        message = f"{path_text(path)} has {' and '.join(given) or 'nothing to wait for'}"
        places = tuple((*path, key) for key in given)
        notes.error(
            "bad-wait", path, message, 'give one of { for = "5m" }, { until = "02:00" }, { file = "x" }', *places
        )
        return BAD
    return wait


STRATEGIES: Mapping[str, type[RetryStrategy]] = {
    "immediate": Immediate,
    "fixed": FixedDelay,
    "exponential": ExponentialBackoff,
}


def _read_retry(value: Any, path: Path, notes: Notes) -> Any:
    """{ max_retries = 3, strategy = "exponential", initial = "1s", ..., on = ["ValueError"] }"""
    if not isinstance(value, dict):
        return wrong(path, notes, value, "a table", "for example retry = { max_retries = 3 }")
    policy = {key: field for key, field in fields_of(RetryPolicy).items() if key != "strategy"}
    name = value.get("strategy")
    kind = _strategy(name, value, (*path, "strategy"), notes)
    own = fields_of(kind) if kind is not CustomDelay else {}
    known = {**policy, **own}
    for key in value:
        if key not in known and key != "strategy":
            _note_retry_key(key, [*known, "strategy"], path, notes)
    values = read_fields(policy, value, path, notes)
    strategy = CustomDelay(str(name)) if kind is CustomDelay else kind(**read_fields(own, value, path, notes))
    return RetryPolicy(strategy=strategy, **values)


def _strategy(name: Any, value: Mapping[str, Any], path: Path, notes: Notes) -> type[RetryStrategy]:
    """The strategy that is named; where none is, the one whose keys are there."""
    if name is None:
        return next((kind for kind in (ExponentialBackoff, FixedDelay) if set(fields_of(kind)) & set(value)), Immediate)
    if isinstance(name, str) and name in STRATEGIES:
        return STRATEGIES[name]
    if isinstance(name, str) and ":" in name:
        return CustomDelay
    near = notes.nearest(name, STRATEGIES) if isinstance(name, str) else None
    remedy = f'did you mean "{near}"?' if near else "choose one of them"
    wrong(path, notes, name, 'one of "immediate", "fixed", "exponential", or "module:function"', remedy, meant=near)
    return ExponentialBackoff


def _note_retry_key(key: str, known: list[str], path: Path, notes: Notes) -> None:
    owner = next((name for name, other in STRATEGIES.items() if key in fields_of(other)), None)
    if owner is not None:
        message = f'`{key}` belongs to strategy = "{owner}"'
        notes.error("stray-key", (*path, key), message, f'set strategy = "{owner}", or delete the line')
    else:
        note_unknown({key: None}, known, path, notes)


_ON_ERROR: Mapping[str, OnError] = {"fail": Fail(), "skip": Skip(), "compensate": Compensate()}
_ON_ERROR_WANTED = '"fail", "skip", "compensate", { alternative = "node" } or { compensate = ["node"] }'


def _read_on_error(value: Any, path: Path, notes: Notes) -> Any:
    if isinstance(value, str) and value in _ON_ERROR:
        return _ON_ERROR[value]
    if isinstance(value, dict) and len(value) == 1:
        key, target = next(iter(value.items()))
        if key == "alternative" and isinstance(target, str):
            return RunAlternative(NodeId(target))
        if key == "compensate" and isinstance(target, list) and all(isinstance(name, str) for name in target):
            return Compensate(tuple(NodeId(name) for name in target))
    near = notes.nearest(value, _ON_ERROR) if isinstance(value, str) else None
    near = "skip" if value in ("ignore", "continue", "pass") else near
    remedy = f'did you mean "{near}"?' if near else "choose one of them"
    return wrong(path, notes, value, _ON_ERROR_WANTED, remedy, meant=near)


def _read_join(value: Any, path: Path, notes: Notes) -> Any:
    if isinstance(value, str) and value in ("all", "any", "all_done"):
        return value
    if isinstance(value, dict) and list(value) == ["at_least"]:
        number = value["at_least"]
        if isinstance(number, int) and not isinstance(number, bool) and 1 <= number < 2**31:
            return number
    near = notes.nearest(value, ("all", "any", "all_done")) if isinstance(value, str) else None
    remedy = f'did you mean "{near}"?' if near else "choose one of them; the number is 1 or more"
    return wrong(path, notes, value, '"all", "any", "all_done" or { at_least = 2 }', remedy, meant=near)


def read_params(table: Any, path: Path, notes: Notes) -> dict[str, Param]:
    """[params]: `name = value`, or [params.name] with type, default, required, choices, pattern, help."""
    if not isinstance(table, dict):
        wrong(path, notes, table, "a table", "write [params] and then name = value")
        return {}
    params = {}
    for key, value in table.items():
        if not isinstance(value, dict):
            params[key] = Param(default=value, short=True)
        elif value and not set(value) & set(_PARAM_KEYS):
            message = f"the param {shown(key)} is a table that looks like a value"
            notes.error("bad-param", (*path, key), message, f"write [params.{key}] and in it default = {{ ... }}")
        else:
            param = _read_long_param(value, (*path, key), notes)
            if param is not BAD:
                params[key] = param
    return params


def _read_long_param(value: Any, path: Path, notes: Notes) -> Any:
    note_unknown(value, _PARAM_KEYS, path, notes)
    fields = {key: field for key, field in fields_of(Param).items() if key in _PARAM_KEYS}
    return Param(**read_fields(fields, value, path, notes))


ELSEWHERE_CALLED: Mapping[str, str] = {
    "retries": "`retry = { max_retries = 3 }`",
    "max_retries": "`retry = { max_retries = 3 }`",
    "retry_delay": '`retry = { max_retries = 3, delay = "5s" }`',
    "depends_on": "`needs = [...]`",
    "depends": "`needs = [...]`",
    "dependencies": "`needs = [...]`",
    "deps": "`needs = [...]`",
    "after": "`needs = [...]`",
    "if": "`when`",
    "foreach": "`map`",
    "for_each": "`map`",
    "parameters": "`args`",
    "kwargs": "`args`",
    "arguments": "`args`",
    "environment": "`env`",
    "workdir": "`cwd`",
    "working_directory": "`cwd`",
    "disabled": "`enabled = false`",
    "continue_on_error": '`on_error = "skip"`',
    "allow_failure": '`on_error = "skip"`',
    "trigger_rule": '`join = "any"`',
}
"""What other tools call what a node has here: a misspelling that no letter tells."""

RENAMED: Mapping[str, str] = {
    **dict.fromkeys(("depends_on", "depends", "dependencies", "deps", "after"), "needs"),
    **dict.fromkeys(("foreach", "for_each"), "map"),
    **dict.fromkeys(("parameters", "kwargs", "arguments"), "args"),
    **dict.fromkeys(("workdir", "working_directory"), "cwd"),
    "environment": "env",
    "if": "when",
}
"""Those of them that need nothing but another name for the same value."""

BODIES_ELSEWHERE_CALLED: Mapping[str, str] = {
    "run": "shell",
    "script": "shell",
    "bash": "shell",
    "sh": "shell",
    "cmd": "command",
    "exec": "command",
    "func": "task",
    "function": "task",
    "python": "task",
    "steps": "nodes",
    "tasks": "nodes",
    "if": "condition",
}

_PARAM_KEYS = ("default", "type", "required", "choices", "pattern", "help")

special(Wait, _read_wait)
special(RetryPolicy, _read_retry)
special(RetryStrategy, lambda value, path, notes: BAD)
special(OnError, _read_on_error)
special(Join, _read_join)
special(Param, lambda value, path, notes: BAD)
