"""Params: what is given with -p NAME=VALUE, read by the type of each param and checked before anything starts."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from msgspec import UNSET, structs

from engine.errors import ValidationFailed
from engine.project.findings import Finding, Notes, Path, shown
from engine.project.model import Param, ParamType

_BAD = object()


def type_of(param: Param) -> ParamType:
    """The type of a param: the one that is said, else that of its default, else text."""
    return param.type or (type_of_value(param.default) or "str" if param.default is not UNSET else "str")


def type_of_value(value: Any) -> ParamType | None:
    """The type that a value has as a param; None for what cannot be one."""
    if isinstance(value, bool):
        return "bool"
    for kind, name in _KINDS.items():
        if isinstance(value, kind):
            return name
    return None


def bind_params(params: Mapping[str, Param], given: Iterable[str] | Mapping[str, Any] = ()) -> dict[str, Any]:
    """A value for every param: what was given ("NAME=VALUE" texts, or a mapping of values), else the default.

    Raises ValidationFailed, with a finding for each, if a name is unknown, a value does not fit, or a required param is
    missing. A param without default that nobody gives is left out unless it is required: it is then None.
    """
    notes = Notes()
    values = _given_values(params, given, notes)
    for name, param in params.items():
        if name in values:
            _check_value(name, param, values[name], ("-p", name), notes)
        elif param.default is not UNSET:
            values[name] = param.default
        elif param.required:
            message = f"the param {shown(name)} is required" + (f": {param.help}" if param.help else "")
            notes.error("param-missing", ("-p", name), message, f"give it: -p {name}=...")
        else:
            values[name] = None
    if notes.items:
        findings = [_without_place(finding) for finding in notes.items]
        raise ValidationFailed("; ".join(finding.message for finding in findings[:3]), findings)
    return {name: values[name] for name in params}


def check_params(params: Mapping[str, Param], place: Path, notes: Notes) -> None:
    """Note what is wrong with the [params] of a file: types, choices and patterns that no value can meet."""
    for name, param in params.items():
        spot = (*place, name)
        if param.default is not UNSET and type_of_value(param.default) is None:
            message = f"the param {shown(name)} has a default of no known type"
            notes.error("bad-param", spot, message, f"use one of {', '.join(_READERS)}")
            continue
        if param.default is not UNSET:
            known = param
            if param.pattern is not None and not _is_cheap(param.pattern, param.default):
                known = structs.replace(param, pattern=None)
            _check_value(name, known, param.default, (*spot, "default"), notes)
            if param.required:
                message = f"the param {shown(name)} is required, so its default is never used"
                notes.warning("idle-default", (*spot, "default"), message, "delete `required` or `default`")
        for index, choice in enumerate(param.choices):
            if not _fits(choice, type_of(param)):
                message = f"the choice {shown(choice)} of the param {shown(name)} is no {_words(type_of(param))}"
                notes.error("bad-param", (*spot, "choices", index), message, "change it, or the type")
        _check_pattern(name, param, spot, notes)


def read_param(name: str, param: Param, text: str) -> Any:
    """The value that `text` (from -p) means for `param`. Raises ValidationFailed if it does not fit."""
    return bind_params({name: param}, [f"{name}={text}"])[name]


def _given_values(
    params: Mapping[str, Param], given: Iterable[str] | Mapping[str, Any], notes: Notes
) -> dict[str, Any]:
    if isinstance(given, Mapping):
        pairs: list[tuple[str, Any, bool]] = [(name, value, False) for name, value in given.items()]
    else:
        pairs = []
        for item in given:
            name, sign, text = item.partition("=")
            if not sign:
                message = f"-p {shown(item)} gives no value"
                notes.error("param-form", ("-p", item), message, f"write -p {name}=VALUE")
                continue
            pairs.append((name.strip(), text, True))
    values: dict[str, Any] = {}
    for name, value, is_text in pairs:
        if name not in params:
            near = notes.nearest(name, params)
            known = f"known: {', '.join(params)}" if params else "this project has no params"
            remedy = f"did you mean {near}?" if near else known
            notes.error("unknown-param", ("-p", name), f"there is no param {shown(name)}", remedy)
            continue
        read = _from_text(name, params[name], value, notes) if is_text else value
        if read is not _BAD:
            values[name] = read
        elif params[name].default is UNSET:
            values[name] = None  # noted already; not to be reported as missing, too
    return values


def _from_text(name: str, param: Param, text: str, notes: Notes) -> Any:
    kind = type_of(param)
    try:
        return _READERS[kind](text)
    except (ValueError, RecursionError):
        message = f"the param {shown(name)} is {_words(kind)}, and {shown(text)} is none"
        notes.error("param-value", ("-p", name), message, f"for example -p {name}={_EXAMPLES[kind]}")
        return _BAD


def _check_value(name: str, param: Param, value: Any, place: Path, notes: Notes) -> None:
    kind = type_of(param)
    if value is None:
        return
    if not _fits(value, kind):
        message = f"the param {shown(name)} is {_words(kind)}, not {shown(value)}"
        notes.error("param-value", place, message, f"for example {_EXAMPLES[kind]}")
    elif param.choices and value not in param.choices:
        choices = ", ".join(shown(choice) for choice in param.choices[:12])
        message = f"{shown(value)} is not among the choices of the param {shown(name)}"
        notes.error("param-value", place, message, f"choose one of {choices}")
    elif param.pattern is not None and isinstance(value, str) and not _matches(param.pattern, value):
        message = f"{shown(value)} does not match the pattern of the param {shown(name)}"
        notes.error("param-value", place, message, f"it must look like {shown(param.pattern)}")


def _check_pattern(name: str, param: Param, spot: Path, notes: Notes) -> None:
    if param.pattern is None:
        return
    if type_of(param) != "str":
        message = f"the param {shown(name)} has a pattern, but is {_words(type_of(param))}"
        notes.error("bad-param", (*spot, "pattern"), message, 'patterns are for text: set type = "str", or delete it')
    try:
        re.compile(param.pattern)
    except (re.error, RecursionError, OverflowError) as error:
        message = f"the pattern of the param {shown(name)} is no regular expression: {error}"
        notes.error("bad-param", (*spot, "pattern"), message, "correct the pattern")


def _is_cheap(pattern: str, value: object) -> bool:
    """True if matching cannot take long: a repeated group, or many repetitions, may take longer than anybody lives.

    What somebody else's file says is matched only then; what a person gives with -p is matched in any case.
    """
    repeats = len(re.findall(r"[*+{]", pattern))
    return repeats <= 2 and re.search(r"\)[*+{?]", pattern) is None and len(str(value)) <= 200


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except (re.error, RecursionError, OverflowError):
        return True  # the pattern itself is noted


def _fits(value: Any, kind: ParamType) -> bool:
    if kind == "float":
        return type_of_value(value) in ("int", "float") and math.isfinite(value)
    return type_of_value(value) == kind


def _without_place(finding: Finding) -> Finding:
    return Finding(finding.code, finding.severity, finding.message, finding.remedy)


def _words(kind: ParamType) -> str:
    return _WORDS[kind]


def _read_whole(text: str) -> int:
    if len(text) > 100:
        raise ValueError
    number = int(text, 0) if text.lower().startswith(("0x", "0o", "0b")) else int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return number


def _read_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _read_yes_or_no(text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES_OR_NO:
        raise ValueError
    return _YES_OR_NO[word]


def _read_structure(kind: type) -> Callable[[str], Any]:
    """JSON or TOML; a list may also be words with commas between them: -p names=a,b,c"""

    def read(text: str) -> Any:
        import json

        for parse in (json.loads, _from_toml):
            try:
                value = parse(text)
            except ValueError:
                continue
            if isinstance(value, kind):
                return value
        if kind is list and not text.lstrip().startswith(("[", "{")):
            return [_scalar(item.strip()) for item in text.split(",")] if text.strip() else []
        raise ValueError

    return read


def _from_toml(text: str) -> Any:
    return tomllib.loads(f"value = {text}")["value"]


def _scalar(text: str) -> Any:
    for read in (_read_whole, _read_number):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


def _read_date(text: str) -> Any:
    for kind in (date, datetime, time):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            continue
    raise ValueError


_YES_OR_NO = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)

_KINDS: Mapping[type, ParamType] = {
    str: "str",
    int: "int",
    float: "float",
    list: "list",
    tuple: "list",
    dict: "table",
    date: "date",
    time: "date",
}

_READERS: Mapping[ParamType, Callable[[str], Any]] = {
    "str": str,
    "int": _read_whole,
    "float": _read_number,
    "bool": _read_yes_or_no,
    "list": _read_structure(list),
    "table": _read_structure(dict),
    "date": _read_date,
}

_WORDS: Mapping[ParamType, str] = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "table": "a table",
    "date": "a date or time",
}

_EXAMPLES: Mapping[ParamType, str] = {
    "str": "text",
    "int": "10",
    "float": "0.5",
    "bool": "true",
    "list": "a,b,c",
    "table": '{"a":1}',
    "date": "2026-01-31",
}
