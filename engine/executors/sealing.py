"""Values in messages: a payload becomes plain data, its large parts lie beside the message.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

from engine.payload import LARGE, Payload

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, List, Tuple


def sealed(payload: Payload, parts: List[Any]) -> List[Any]:
    """A payload as plain data: what is large goes beside the message."""
    data: Any = payload.data
    if len(data) > LARGE:
        parts.append(data)
        data = len(parts) - 1
    first = len(parts)
    parts.extend(payload.buffers)
    return [payload.tag, payload.type, payload.preview, payload.magic, data, first, len(payload.buffers)]


def unsealed(value: Any) -> Any:
    """A tuple is a payload; lists may hold some; anything else is a scalar."""
    if type(value) is tuple:
        tag, kind, preview, magic, data, buffers = value
        return Payload(tag, data, buffers, kind, preview, magic)
    if type(value) is list:
        return [unsealed(member) for member in value]
    return value


def with_parts(entry: Tuple[Any, ...], parts: List[bytes]) -> Tuple[Any, ...]:
    """Put the parts that came beside a message where their numbers stand."""
    serial, work, node, number, path, args, kwargs, variables, extra = entry
    args = [placed(value, parts) for value in args]
    kwargs = {name: placed(value, parts) for name, value in kwargs.items()}
    return (serial, work, node, number, path, args, kwargs, variables, extra)


def placed(value: Any, parts: List[bytes]) -> Any:
    if type(value) is tuple:
        tag, kind, preview, magic, data, buffers = value
        data = parts[data] if type(data) is int else data
        return (tag, kind, preview, magic, data, [parts[b] if type(b) is int else b for b in buffers])
    if type(value) is list:
        return [placed(member, parts) for member in value]
    return value


def clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
