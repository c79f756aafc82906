"""The fields of a node as a form shows them: label, value, what the value means, whether it is a default.

Labels are the words of the project file and helps the descriptions of the model, so a field that is added to
`engine.project.model` shows up here by itself. A value that nobody wrote is shown as the default that will hold (the
node's own, else what `[defaults]` says) and marked so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import NODEFAULT, UNSET, Struct, structs

from engine.project.durations import format_duration
from engine.project.model import (
    Composite,
    Defaults,
    Immediate,
    Node,
    OnError,
    RetryPolicy,
    RetryStrategy,
    Settings,
)
from engine.project.shapes import help_of

TIMES = frozenset({"timeout", "delay", "for", "initial", "max", "heartbeat", "linger"})
_ABOUT = ("description", "notes", "tags", "enabled")
_MEANINGS = {
    "id": "the node's name, unique beside its siblings",
    "retry": "how often a failed attempt is tried again, and after which wait",
    "on_error": "what to do when all tries failed",
    "then": "the branch that is taken when the condition holds",
    "else": "the branch that is taken otherwise",
    "nodes": "the nodes inside",
    "cases": "one branch for each value",
}
_HIDDEN_BODY = frozenset({"nodes", "then", "else", "cases", "options"})


@dataclass(frozen=True, slots=True)
class Field:
    """One row. `value` is one line of the person's own text or of ours; `tag` stands at its right end."""

    label: str
    value: str
    help: str = ""
    tag: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Rows under one title; the first block of a node has none."""

    title: str
    fields: tuple[Field, ...]


def blocks_of(node: Node, defaults: Defaults | None = None) -> tuple[Block, ...]:
    """Everything a person can say about this node, in the order in which people look for it."""
    defaults = defaults or Defaults()
    found = [
        Block("", (_id_field(node), *_body_fields(node))),
        Block("Each item of", tuple(_struct_fields(node.each)) if node.each is not None else ()),
        Block("Again", tuple(_struct_fields(node.again)) if node.again is not None else ()),
        Block("Inputs", tuple(_input_fields(node))),
        Block("Running", tuple(_setting_fields(node.settings, defaults, skip=_ABOUT))),
        Block("About", tuple(_setting_fields(node.settings, defaults, only=_ABOUT))),
    ]
    return tuple(block for block in found if block.fields)


def _id_field(node: Node) -> Field:
    return Field("id", str(node.id), _MEANINGS["id"])


def _body_fields(node: Node) -> Iterator[Field]:
    body = node.body
    kind = type(body)
    for info in structs.fields(kind):
        key, value = info.encode_name, getattr(body, info.name)
        if key in _HIDDEN_BODY:
            yield from _branch_fields(key, value)
            continue
        default = value == default_of(info) and not isinstance(body, Composite)
        yield _field(info, value, default=default)


def _branch_fields(key: str, value: Any) -> Iterator[Field]:
    if isinstance(value, Node):
        yield Field(key, str(value.id), _MEANINGS[key], "branch")
    elif isinstance(value, Mapping) and value:
        tag = "cases" if key == "cases" else "inside"
        yield Field(key, ", ".join(str(name) for name in value), _MEANINGS.get(key, ""), f"{len(value)} {tag}")


def _struct_fields(part: Struct) -> Iterator[Field]:
    for info in structs.fields(type(part)):
        value = getattr(part, info.name)
        yield _field(info, value, default=value == default_of(info))


def _field(info: structs.FieldInfo, value: Any, *, default: bool) -> Field:
    text = _shown(info.encode_name, value)
    return Field(info.encode_name, text, help_of(info.type), "default" if default else "", default)


def _input_fields(node: Node) -> Iterator[Field]:
    for argument, reference in node.inputs.items():
        many = isinstance(reference, tuple)
        text = ", ".join(reference) if isinstance(reference, tuple) else str(reference)
        yield Field(str(argument), text, "the result of a node arrives as this argument", "list" if many else "from")
    for argument, value in node.args.items():
        yield Field(str(argument), _shown("args", value), "a value that comes from no node", "value")
    if node.needs:
        yield Field("needs", ", ".join(node.needs), _help(Node, "needs"), "order")


def _setting_fields(
    settings: Settings, defaults: Defaults, *, skip: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> Iterator[Field]:
    for field in structs.fields(Settings):
        key = field.encode_name
        if key in skip or (only and key not in only):
            continue
        value = getattr(settings, field.name)
        unsaid = value is None or value == default_of(field)
        inherited = getattr(defaults, field.name, None) if unsaid else None
        text = _shown(key, inherited if inherited not in (None, {}) else value)
        meaning = help_of(field.type) or _MEANINGS.get(key, "")
        tag = ("[defaults]" if inherited not in (None, {}) else "default") if unsaid else ""
        yield Field(key, text, meaning, tag, unsaid)


def default_of(field: structs.FieldInfo) -> Any:
    """What a field is when nobody wrote it; NODEFAULT where it must be written."""
    return field.default if field.default_factory is NODEFAULT else field.default_factory()


def _help(kind: type[Struct], name: str) -> str:
    return next((help_of(field.type) for field in structs.fields(kind) if field.name == name), "")


def _shown(key: str, value: Any) -> str:
    """A value on one line, in the words of the file."""
    if value is None or value is UNSET:
        return "-"
    if isinstance(value, RetryPolicy):
        return _retry(value)
    if isinstance(value, OnError | RetryStrategy):
        return _tagged(value)
    if key in TIMES and isinstance(value, int | float) and not isinstance(value, bool):
        return str(format_duration(float(value)))
    if isinstance(value, Node):
        return str(value.id)
    return plain(value)


def _retry(policy: RetryPolicy) -> str:
    if policy.max_retries == 0:
        return "none"
    wait = "" if isinstance(policy.strategy, Immediate) else f", {_tagged(policy.strategy)}"
    after = f" after {', '.join(map(str, policy.on))}" if policy.on else ""
    return f"{policy.max_retries}{wait}{after}"


def _tagged(value: Struct) -> str:
    """`exponential 1s` or `alternative plan_b`: the word of the kind, then what differs from its defaults."""
    word = str(type(value).__struct_config__.tag or type(value).__name__)
    said = [
        _shown(field.encode_name, getattr(value, field.name))
        for field in structs.fields(value)
        if getattr(value, field.name) != default_of(field)
    ]
    return " ".join([word, *said])


def plain(value: Any, room: int = 400) -> str:
    """Plain data as TOML has it, on one line and not much longer than `room` characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value[:room]
    if callable(value):
        return f"{getattr(value, '__module__', '?')}:{getattr(value, '__qualname__', '?')}"
    if isinstance(value, Mapping):
        if not value:
            return "-"
        return "{ " + _joined((f"{key} = {_quoted(item, room)}" for key, item in value.items()), room) + " }"
    if isinstance(value, list | tuple):
        return _joined((_quoted(item, room) for item in value), room) if value else "-"
    return str(value)[:room]


def _quoted(value: Any, room: int) -> str:
    return f'"{value[:room]}"' if isinstance(value, str) else plain(value, room)


def _joined(parts: Iterator[str], room: int) -> str:
    taken: list[str] = []
    length = 0
    for part in parts:
        taken.append(part)
        length += len(part) + 2
        if length > room:
            return ", ".join(taken) + ", ..."
    return ", ".join(taken)
