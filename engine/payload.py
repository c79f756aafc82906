"""Values and functions to bytes and back: what travels between processes and what lies on disk.

A value takes the first way that brings it back as it was; a tag says which:

    PLAIN           plain data, as msgpack (`engine.plain`): the only one that the engine itself opens
    PICKLE          pickle 5, large buffers apart; refused where the other side could not find a class or function by its
                    name (those of `__main__`, of other functions, of modules made by hand), which pickle does not notice
    DILL            dill: what pickle cannot, classes of scripts by value
    DILL_RECURSE    dill with only those globals that a function really uses
    CLOUDPICKLE     cloudpickle, where both sides have it

The last three carry code. Code of one Python crashes another, so such a payload holds the magic number of the Python
that made it, and a process with another number refuses it before anything is loaded.

Whatever cannot be packed raises `NotPackable`, which names the object and the way to it: `result["rows"][3].lock`. What
would arrive as something else (a lock guards nothing elsewhere, an open file loses its place) counts as not packable.

This file is imported by children that run the project's own Python: standard library of 3.9, and dill.
"""

from __future__ import annotations

import struct
from struct import Struct

from engine import plain
from engine.forms import BY_VALUE, DILL, OPAQUE, PICKLE, PLAIN, TAG_NAMES, magic_number, python_of
from engine.preview import preview_of, type_name

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

    Packed = Union[None, bool, int, float, str, "Payload"]

SCALARS = frozenset({type(None), bool, int, float, str})
SHORT_TEXT = 4096
"""Longer text becomes a payload, so that events and messages stay small."""
LARGE = 64 * 1024
"""Bytes from which msgspec is worth its import in a child."""

_HEAD = Struct(">4sII")
_SIGN = b"FLP1"


class NotPackable(Exception):
    """A value that cannot leave its process. `where` is the way to the object, `kind` its type, `reason` why."""

    def __init__(self, where: str, kind: str, reason: str) -> None:
        super().__init__(f"{where}: {kind} cannot be sent or stored: {reason}")
        self.where = where
        self.kind = kind
        self.reason = reason


class NotOpenable(Exception):
    """A payload that this process cannot open: made by another Python, needs a missing module, or is damaged."""


class Payload:
    """A value as bytes. `size` counts them all; `type` and `preview` are texts for people; `magic` 0 or a Python's.

    `buffers` are large parts that pickle left outside of `data`. Two payloads with the same `digest` (SHA-256 over tag,
    data and buffers) hold the same value.
    """

    __slots__ = ("_digest", "buffers", "data", "magic", "preview", "size", "tag", "type")

    def __init__(
        self,
        tag: int,
        data: bytes,
        buffers: Sequence[Any] = (),
        type: str = "",
        preview: str = "",
        magic: int = 0,
    ) -> None:
        self.tag = tag
        self.data = data
        self.buffers = tuple(buffers)
        self.type = type
        self.preview = preview
        self.magic = magic
        self.size = len(data) + sum(_length(buffer) for buffer in self.buffers)
        self._digest: Optional[str] = None

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal digits, computed when first asked for."""
        if self._digest is None:
            from hashlib import sha256

            mark = sha256(bytes((self.tag,)))
            for part in (self.data, *self.buffers):
                mark.update(_length(part).to_bytes(8, "big"))
                mark.update(part)
            self._digest = mark.hexdigest()
        return self._digest

    def to_bytes(self) -> bytes:
        """Everything in one piece, for a file or a frame; `from_bytes` reads it without opening the value."""
        head = plain.encode_here(
            [self.tag, self.type, self.preview, self.magic, *map(_length, (self.data, *self.buffers))]
        )
        return b"".join((_HEAD.pack(_SIGN, 1, len(head)), head, self.data, *self.buffers))

    @classmethod
    def from_bytes(cls, blob: Any) -> Payload:
        """Read what `to_bytes` wrote. Raises NotOpenable if it is cut off or something else."""
        try:
            sign, version, size = _HEAD.unpack_from(blob)
            if sign != _SIGN or version != 1:
                raise NotOpenable("these bytes are no stored value, or one of a newer version")
            at = _HEAD.size + size
            tag, kind, preview, magic, *sizes = plain.decode_here(bytes(blob[_HEAD.size : at]))
            if not (tag == OPAQUE or tag in TAG_NAMES) or type(kind) is not str or type(preview) is not str:
                raise NotOpenable("these bytes are no stored value")
            if type(magic) is not int or any(type(length) is not int or length < 0 for length in sizes):
                raise NotOpenable("these bytes are no stored value")
            parts = []
            for length in sizes:
                parts.append(bytes(blob[at : at + length]))
                at += length
            if at != len(blob) or not parts:
                raise NotOpenable("the stored value is cut off")
        except (plain.NotPlain, ValueError, TypeError, ArithmeticError, struct.error) as problem:
            raise NotOpenable(f"the stored value is damaged: {problem}") from None
        return cls(tag, parts[0], parts[1:], kind, preview, magic)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Payload) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<Payload {TAG_NAMES.get(self.tag, 'opaque')}, {self.size} bytes: {self.preview or self.type}>"


def _length(part: Any) -> int:
    return part.nbytes if type(part) is memoryview else len(part)


# -- packing ----------------------------------------------------------------------------------------------------------


def pack(value: Any, name: str = "result") -> Packed:
    """The value as it is if it is a short scalar, else a Payload. `name` begins the way that an error names.

    Raises NotPackable. Whatever the value's own `__reduce__` does or raises, that is all that comes out of here.
    """
    kind = type(value)
    if kind in SCALARS and is_scalar(value):
        done: Packed = value
        return done
    if kind is Payload:
        ready: Payload = value
        return ready
    if plain.is_plain(value):
        if kind is bytes and len(value) > LARGE:
            plain.load_fast_codec()
        try:
            return Payload(PLAIN, plain.encode(value), (), type_name(value), preview_of(value))
        except plain.NotPlain:
            pass  # an int beyond 64 bits, text with half a character: the next way takes them
    return _climb(value, name, strict=True)


def is_scalar(value: Any) -> bool:
    """Whether a value of a scalar type travels as it is: 64 bits, short text, real Unicode."""
    kind = type(value)
    if kind is int:
        return bool(-(1 << 63) <= value < 1 << 63)
    if kind is str:
        return len(value) <= SHORT_TEXT and _is_unicode(value)
    return kind in SCALARS


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def pack_function(function: Any, name: str = "the task") -> Payload:
    """A function by value. Globals of its script that would not matter elsewhere, such as a lock, are made anew there."""
    return _climb(function, name, strict=False, first=DILL)


def _climb(value: Any, name: str, *, strict: bool, first: int = PICKLE) -> Payload:
    from engine import pickling

    reasons: List[Tuple[int, pickling.Refusal]] = []
    for tag, way in pickling.WAYS:
        if tag < first:
            continue
        try:
            data, buffers = way(value, strict)
        except pickling.Refusal as refusal:
            reasons.append((tag, refusal))
            if refusal.final:
                break
        else:
            magic = magic_number() if tag in BY_VALUE else 0
            return Payload(tag, data, buffers, type_name(value), preview_of(value), magic)
    best = max((refusal for _, refusal in reasons), key=lambda refusal: len(refusal.trail))
    raise NotPackable(*pickling.blame(name, value, best))


def record_of(value: Any) -> Packed:
    """The form of a live value that is written down: as `pack` where it is plain data, else its preview alone."""
    kind = type(value)
    if kind is Payload or (kind in SCALARS and is_scalar(value)):
        done: Packed = value
        return done
    if plain.is_plain(value):
        try:
            return Payload(PLAIN, plain.encode(value), (), type_name(value), preview_of(value))
        except plain.NotPlain:
            pass
    return Payload(OPAQUE, b"", (), type_name(value), preview_of(value))


# -- opening ----------------------------------------------------------------------------------------------------------


def open_plain(payload: Payload) -> Any:
    """The value of a PLAIN payload: runs no code of anybody. Raises NotOpenable for every other."""
    if payload.tag != PLAIN:
        raise NotOpenable(f"a value of type {payload.type} is opened only where tasks run")
    try:
        return plain.decode(payload.data)
    except plain.NotPlain as problem:
        raise NotOpenable(f"the value is damaged: {problem}") from None


def open_payload(payload: Payload) -> Any:
    """The value, wherever tasks run: this may run code of the project, so the engine must not call it.

    Raises NotOpenable if another Python made it or a module is missing here; anything else comes from the value's code.
    """
    if payload.tag == PLAIN:
        if len(payload.data) > LARGE:
            plain.load_fast_codec()
        return open_plain(payload)
    if payload.tag not in TAG_NAMES:
        raise NotOpenable(f"a value of type {payload.type} stayed in the process that made it")
    if payload.tag in BY_VALUE and payload.magic != magic_number():
        raise NotOpenable(
            f"the {payload.type} was sent with its code by {python_of(payload.magic)}, and this is {python_of(magic_number())}: "
            "put its class or function into a module of the project, or use one Python for both"
        )
    return _opener(payload.tag)(payload.data, payload.buffers)


def _opener(tag: int) -> Callable[[bytes, Sequence[Any]], Any]:
    from engine import pickling

    return pickling.OPENERS[tag]


def open_sealed(value: Any) -> Any:
    """Open a Payload, or those inside a list, at any depth of lists; anything else comes back as it is."""
    if type(value) is Payload:
        return open_payload(value)
    if type(value) is list:
        return [open_sealed(member) for member in value]
    return value
