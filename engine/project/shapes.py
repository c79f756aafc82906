"""How plain data becomes the model: one converter per type, made from the model's own annotations.

`fields_of(Struct)` lists what a table may hold; `converter(type)` turns a value into that type or notes a finding and
returns `BAD`. So a field that is added to the model is read, checked, nearest-named and documented at once. What people
may write in more than one way (retry, on_error, join, a node) has a converter of its own in `reading`, entered here by
`special`.
"""

from __future__ import annotations

import collections.abc
import math
import re
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, Meta, Struct, UnsetType, structs

from engine.project.durations import EXAMPLES, meant_duration, parse_duration
from engine.project.findings import Fix, Notes, Path, shown

BAD: Final = object()
"""What a converter returns after it has noted why the value is wrong."""

Converter = Callable[[Any, Path, Notes], Any]

_SPECIAL: dict[Any, Converter] = {}


class Field(Struct, frozen=True):
    """One key of a table: its name in the file and in the struct, how it is read, and what it is for."""

    key: str
    name: str
    convert: Converter
    required: bool
    help: str
    seconds: bool
    default: Any = None


def special(kind: Any, convert: Converter) -> None:
    """Read values of type `kind` by `convert`, wherever the model mentions it."""
    _SPECIAL[kind] = convert
    fields_of.cache_clear()  # whoever asked before this was known got another answer
    converter.cache_clear()


@cache
def fields_of(kind: type[Struct]) -> Mapping[str, Field]:
    """The keys of the table that `kind` is written as, in the order of the struct."""
    found = {}
    for field in structs.fields(kind):
        required = field.default is NODEFAULT and field.default_factory is NODEFAULT
        key = field.encode_name
        default = None if field.default is NODEFAULT else field.default
        if field.default_factory is not NODEFAULT:
            default = field.default_factory()
        convert, about = converter(field.type), help_of(field.type)
        found[key] = Field(key, field.name, convert, required, about, convert is read_seconds, default)
    return found


def help_of(hint: Any) -> str:
    """The description that the model gives to a field of this type, or an empty text."""
    texts = [meta.description for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, Meta)]
    return next((text for text in reversed(texts) if text), "")


def read_table(kind: type[Struct], table: Any, path: Path, notes: Notes) -> Any:
    """A `kind` from a table: every key is converted, every unknown key noted; BAD if a required key is missing."""
    if not isinstance(table, dict):
        return wrong(path, notes, table, "a table", "write it as [table] or { key = value }")
    known = fields_of(kind)
    note_unknown(table, known, path, notes)
    values = read_fields(known, table, path, notes)
    missing = [field.key for field in known.values() if field.required and field.name not in values]
    for key in missing:
        if key not in table:
            notes.error("missing-key", path, f"{path_text(path)} needs `{key}`", f"add {key} = ...")
    return BAD if missing else kind(**values)


def read_fields(known: Mapping[str, Field], table: Mapping[str, Any], path: Path, notes: Notes) -> dict[str, Any]:
    """Struct arguments from those keys of `table` that are known and well formed."""
    values = {}
    for key, value in table.items():
        field = known.get(key)
        if field is not None:
            converted = field.convert(value, (*path, key), notes)
            if converted is not BAD:
                values[field.name] = converted
    return values


def note_unknown(table: Mapping[str, Any], known: collections.abc.Collection[str], path: Path, notes: Notes) -> None:
    """Note every key of `table` that is not known, with the one that was probably meant."""
    for key in table:
        if key not in known:
            near = notes.nearest(key, known)
            remedy = f"did you mean `{near}`?" if near else f"known here: {', '.join(known)}"
            fix = Fix("key", near) if near and near not in table else None
            notes.error("unknown-key", (*path, key), f"{path_text(path)} has no key {shown(key)}", remedy, fix=fix)


def wrong(path: Path, notes: Notes, value: Any, wanted: str, remedy: str, *, meant: Any = None) -> Any:
    """Note that the value at `path` is not what it should be, and what was surely `meant`; returns BAD."""
    found = f"{shown(value)} ({_NAMES.get(type(value), 'another kind of value')})"
    fix = None if meant is None else Fix("value", meant)
    notes.error("wrong-value", path, f"{path_text(path)} must be {wanted}, not {found}", remedy, fix=fix)
    return BAD


def path_text(path: Path) -> str:
    """A path of keys as a person would name it: `nodes.load.needs[0]`."""
    if not path:
        return "the file"
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.lstrip("@").replace("-", "").replace("_", "").isalnum()
            text += ("." if text else "") + (part if plain and len(part) <= 64 else shown(part))
    return f"`{text}`"


@cache
def converter(hint: Any) -> Converter:
    """How values of this type are read."""
    if hint in _SPECIAL:
        return _SPECIAL[hint]
    origin = get_origin(hint)
    if origin is Annotated:
        return _annotated(hint)
    if origin in (Union, types.UnionType):
        return _union(hint)
    if origin is Literal:
        return _literal(get_args(hint))
    if origin is tuple:
        return _sequence(converter(get_args(hint)[0]))
    if origin in (dict, collections.abc.Mapping):
        return _mapping(converter(get_args(hint)[1]))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return lambda value, path, notes: read_table(hint, value, path, notes)
    if hasattr(hint, "__supertype__"):
        return converter(hint.__supertype__)
    return _PLAIN[hint]


def _annotated(hint: Any) -> Converter:
    metas = [meta for meta in hint.__metadata__ if isinstance(meta, Meta)]
    if any(meta.extra and meta.extra.get("unit") == "s" for meta in metas):
        return read_seconds
    inner = converter(hint.__origin__)
    low = next((meta.ge for meta in metas if meta.ge is not None), None)
    high = next((meta.le for meta in metas if meta.le is not None), None)
    if low is None and high is None:
        return inner

    def bounded(value: Any, path: Path, notes: Notes) -> Any:
        converted = inner(value, path, notes)
        if converted is BAD or converted is None:
            return converted
        if (low is not None and converted < low) or (high is not None and converted > high):
            between = f"between {low} and {high}" if high is not None else f"{low} or more"
            return wrong(path, notes, value, between, "change the number")
        return converted

    return bounded


def _union(hint: Any) -> Converter:
    dropped = (type(None), UnsetType)
    kinds = [
        kind for kind in get_args(hint) if kind not in dropped and get_origin(kind) is not collections.abc.Callable
    ]
    if Any in kinds:
        return _anything
    if len(kinds) == 1:
        return converter(kinds[0])
    plain = tuple(kind for kind in kinds if isinstance(kind, type))
    others = [converter(kind) for kind in kinds if not isinstance(kind, type)]
    names = " or ".join(_WANTED[kind] for kind in plain)

    def either(value: Any, path: Path, notes: Notes) -> Any:
        if isinstance(value, list) and others:
            return others[0](value, path, notes)
        if isinstance(value, plain) and not isinstance(value, bool):
            return value
        return wrong(path, notes, value, names + (" or a list of them" if others else ""), "change the value")

    return either


def _literal(choices: tuple[str, ...]) -> Converter:
    known = frozenset(choices)

    def chosen(value: Any, path: Path, notes: Notes) -> Any:
        if isinstance(value, str) and value in known:
            return value
        near = notes.nearest(value, choices) if isinstance(value, str) else None
        wanted = ", ".join(f'"{choice}"' for choice in choices)
        remedy = f'did you mean "{near}"?' if near else "choose one of them"
        return wrong(path, notes, value, f"one of {wanted}", remedy, meant=near)

    return chosen


def _sequence(inner: Converter) -> Converter:
    def sequence(value: Any, path: Path, notes: Notes) -> Any:
        if not isinstance(value, list):
            inside = shown(value) if isinstance(value, str) and len(value) < 60 else "..."
            meant = (value,) if isinstance(value, str) else None
            return wrong(path, notes, value, "a list", f"put it in brackets: [{inside}]", meant=meant)
        items = [inner(item, (*path, index), notes) for index, item in enumerate(value)]
        return BAD if any(item is BAD for item in items) else tuple(items)

    return sequence


def _mapping(inner: Converter) -> Converter:
    def mapping(value: Any, path: Path, notes: Notes) -> Any:
        if not isinstance(value, dict):
            return wrong(path, notes, value, "a table", "write it as [table] or { key = value }")
        if inner is _anything:
            return value
        items = {key: inner(item, (*path, key), notes) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not BAD}

    return mapping


def _anything(value: Any, path: Path, notes: Notes) -> Any:
    return value


def _text(value: Any, path: Path, notes: Notes) -> Any:
    if isinstance(value, str):
        return value
    meant = str(value) if isinstance(value, int) and not isinstance(value, bool) else None
    return wrong(path, notes, value, "text", "put it in quotes", meant=meant)


def _whole(value: Any, path: Path, notes: Notes) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if -(2**63) <= value < 2**63:
            return value
        return wrong(path, notes, value, "a whole number of at most 64 bits", "use a smaller number")
    meant = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None
    return wrong(path, notes, value, "a whole number", "write it without quotes and without a point", meant=meant)


def _number(value: Any, path: Path, notes: Notes) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value):
        return float(value)
    meant = float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None
    return wrong(path, notes, value, "a number", "write it without quotes, for example 2.0", meant=meant)


def _yes_or_no(value: Any, path: Path, notes: Notes) -> Any:
    if isinstance(value, bool):
        return value
    meant = _SPOKEN.get(value.strip().lower()) if isinstance(value, str) else None
    return wrong(path, notes, value, "true or false", "write true or false", meant=meant)


def read_seconds(value: Any, path: Path, notes: Notes) -> Any:
    """Seconds from a number or from a text such as "1h30m"; finite and not negative."""
    if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value) and value >= 0:
        return float(value)
    if isinstance(value, str):
        seconds = parse_duration(value)
        if seconds is not None:
            return seconds
        meant = meant_duration(value)
        if meant is not None:
            return wrong(path, notes, value, "a length of time", f'did you mean "{meant}"?', meant=meant)
    return wrong(path, notes, value, "a length of time", f"write seconds or a text: {EXAMPLES}")


def _finite(value: int | float) -> bool:
    return math.isfinite(value) if isinstance(value, float) else abs(value) < 2**63


_WHOLE = re.compile(r"\s*-?(?:0|[1-9]\d{0,17})\s*", re.ASCII)
_NUMBER = re.compile(r"\s*-?\d{1,17}(?:\.\d{1,17})?\s*", re.ASCII)
_SPOKEN = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

_PLAIN: dict[Any, Converter] = {
    Any: _anything,
    str: _text,
    int: _whole,
    float: _number,
    bool: _yes_or_no,
}

_WANTED: dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}

_NAMES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}
