"""Events as bytes and back: one msgpack blob for a batch.

Events are arrays with an integer tag (see `machine.events`). Beside plain data they hold Trouble (as a list of its
fields), values that were fixed for the journal when they came (`Live.record`), and values that only the project's
own Python can open (`Payload`): those stay bytes, with what is known about them, and are never unpickled here.

A value that msgpack cannot hold (an integer of 100 digits, half a surrogate pair) must not cost the run its
journal: such a batch is written event by event, and that value as a text that says what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.msgpack import Ext

from engine.attempt import Trouble
from engine.forms import OPAQUE
from engine.machine.events import AnyEvent, Event, Live
from engine.payload import NotOpenable, Payload

PAYLOAD = 1
UNWRITABLE = 2
LARGEST_VALUE = 32 * 1024 * 1024
"""Bytes of a value that are kept in a journal; SQLite's own limit for a row is a thousand million."""
LARGEST_BATCH = 256 * 1024 * 1024
"""Bytes of a blob from which a batch is written in two."""

_TROUBLE = ("type", "message", "traceback", "lineage", "exit_code", "signal", "retryable")


class Unwritable:
    """Stands in a journal for a value that msgpack could not hold; `text` is a short form of it, for people."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<Unwritable {self.text}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unwritable) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def encode_events(events: Sequence[Event]) -> bytes:
    """A batch as one blob. Never fails because of what a task returned."""
    try:
        return _encoder.encode(events)
    except (OverflowError, ValueError, TypeError, RecursionError):
        return _encoder.encode([_writable(event) for event in events])


def decode_events(blob: bytes) -> list[Event]:
    """The events of a blob. Raises msgspec.DecodeError or ValueError if it is none."""
    try:
        return _decoder.decode(blob)  # type: ignore[return-value]
    except NotOpenable as error:
        raise ValueError(str(error)) from error


def _enc_hook(value: Any) -> Any:
    if isinstance(value, Live):
        return value.record
    if isinstance(value, Trouble):
        return [getattr(value, field) for field in _TROUBLE]
    if isinstance(value, Payload):
        return Ext(PAYLOAD, (value if value.size <= LARGEST_VALUE else _too_large(value)).to_bytes())
    if isinstance(value, Unwritable):
        return Ext(UNWRITABLE, value.text.encode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping):
        return dict(value)
    return Unwritable(_short(value))


def _too_large(value: Payload) -> Payload:
    """What is kept of a value that would make the journal unwieldy: that it was there, its type and its preview."""
    preview = f"{value.size / 2**20:.0f} MiB, too large for the journal: {value.preview}"
    return Payload(OPAQUE, b"", type=value.type, preview=preview)


def _dec_hook(kind: type, value: Any) -> Any:
    if kind is Trouble:
        type_, message, traceback, lineage, exit_code, signal, retryable = value
        return Trouble(
            type_,
            message,
            traceback=traceback,
            lineage=lineage,
            exit_code=exit_code,
            signal=signal,
            retryable=retryable,
        )
    if issubclass(kind, Mapping) and isinstance(value, dict):
        return value
    raise NotImplementedError(f"no {kind} is written into journals")


def _ext_hook(code: int, data: memoryview) -> Any:
    if code == PAYLOAD:
        return Payload.from_bytes(bytes(data))
    if code == UNWRITABLE:
        return Unwritable(bytes(data).decode("utf-8", "replace"))
    raise ValueError(f"unknown extension {code}")


def _writable(event: Event) -> Event:
    """The event as it is, or with every field that cannot be written in a form that can."""
    try:
        _encoder.encode(event)
    except (OverflowError, ValueError, TypeError, RecursionError):
        fields = {name: _tamed(getattr(event, name)) for name in event.__struct_fields__}
        return type(event)(**fields)
    return event


def _tamed(value: Any) -> Any:
    try:
        _encoder.encode(value)
    except (OverflowError, ValueError, TypeError, RecursionError):
        if isinstance(value, str):
            return value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, Trouble):
            return _dec_hook(Trouble, [_tamed(getattr(value, field)) for field in _TROUBLE])
        if isinstance(value, tuple):
            return tuple(_tamed(part) for part in value)
        if isinstance(value, Mapping):
            return {_tamed(key): _tamed(part) for key, part in value.items()}
        return Unwritable(_short(value))
    return value


def _short(value: Any) -> str:
    """A short text for a value; of an integer its size, as printing a huge one takes long or fails."""
    if isinstance(value, int):
        return f"an integer of {value.bit_length()} bits"
    return f"a value of type {type(value).__qualname__}"


_encoder = msgspec.msgpack.Encoder(enc_hook=_enc_hook)
_decoder = msgspec.msgpack.Decoder(list[AnyEvent], dec_hook=_dec_hook, ext_hook=_ext_hook)
