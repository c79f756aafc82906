"""Plain data: what may travel as msgpack because exactly the same types come back.

None, bool, int of 64 bits, float, str, bytes, list, and dict with str keys; nested at most `MAX_DEPTH` deep, no container
met twice (msgpack would copy it, and a cycle would never end). No subclass of these, no tuple, set or date: those go
other ways (`engine.payload`).

`encode` and `decode` use msgspec where it is installed. A child that runs the project's own Python may not have it, so
the same bytes can be written and read by the small codec below; a test holds the two equal. Decoding never runs code,
so this is the one form of values that the engine itself reads.
"""

from __future__ import annotations

import struct
import sys
from struct import Struct

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_DEPTH = 100
"""Deeper values are not plain: both codecs recurse, and either Python must manage."""

_SCALARS = frozenset({type(None), bool, int, float, str, bytes})
_TEXT = frozenset({str})

_U8, _U16, _U32, _U64 = Struct(">BB").pack, Struct(">BH").pack, Struct(">BI").pack, Struct(">BQ").pack
_I8, _I16, _I32, _I64 = Struct(">Bb").pack, Struct(">Bh").pack, Struct(">Bi").pack, Struct(">Bq").pack
_F64 = Struct(">Bd").pack


class NotPlain(ValueError):
    """The value is not plain data, or these bytes are not what `encode` makes."""


def is_plain(value: Any) -> bool:
    """Whether exactly the same types come back. Ints too large and text that is no Unicode are found by `encode`."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind is not list and kind is not dict:
        return False
    seen = set()
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for container in level:
            if id(container) in seen:
                return False
            seen.add(id(container))
            if type(container) is dict:
                if not _TEXT.issuperset(map(type, container)):
                    return False
                members: Any = container.values()
            else:
                members = container
            kinds = set(map(type, members))
            if not kinds <= _SCALARS:
                kinds -= _SCALARS
                kinds.discard(list)
                kinds.discard(dict)
                if kinds:
                    return False
                below.extend(member for member in members if type(member) is list or type(member) is dict)
        if not below:
            return True
        level = below
    return False


# -- msgspec, where it is ---------------------------------------------------------------------------------------------


def _codec() -> Any:
    """msgspec's codec, or None. Loading it takes a child longer than short values take without it."""
    found = sys.modules.get("msgspec.msgpack")
    return found if hasattr(found, "encode") and hasattr(found, "decode") else None


def load_fast_codec() -> bool:
    """Import msgspec if this Python has it; worth it before a large value."""
    try:
        import msgspec.msgpack  # noqa: F401
    except Exception:
        return False
    return _codec() is not None


def encode(value: Any) -> bytes:
    """Plain data to msgpack. Raises NotPlain for ints beyond 64 bits and text with lone surrogates."""
    codec = _codec()
    try:
        if codec is not None:
            done: bytes = codec.encode(value)
            return done
        return encode_here(value)
    except (OverflowError, UnicodeEncodeError, struct.error, TypeError, RecursionError, KeyError) as problem:
        raise NotPlain(str(problem)) from None


def decode(data: Any) -> Any:
    """The value in these bytes. Raises NotPlain if they are not what `encode` makes."""
    codec = _codec()
    try:
        if codec is not None:
            return codec.decode(data)
        return decode_here(bytes(data))
    except NotPlain:
        raise
    except Exception as problem:
        raise NotPlain(str(problem)) from None


# -- the same without it ----------------------------------------------------------------------------------------------


def encode_here(value: Any) -> bytes:
    """`encode` with the standard library only."""
    out: list[bytes] = []
    _WRITERS[type(value)](value, out.append)
    return b"".join(out)


def _write_none(_: None, put: Callable[[bytes], None]) -> None:
    put(b"\xc0")


def _write_bool(value: bool, put: Callable[[bytes], None]) -> None:
    put(b"\xc3" if value else b"\xc2")


def _write_int(value: int, put: Callable[[bytes], None]) -> None:
    if value >= 0:
        if value < 128:
            put(value.to_bytes(1, "big"))
        elif value < 1 << 8:
            put(_U8(0xCC, value))
        elif value < 1 << 16:
            put(_U16(0xCD, value))
        elif value < 1 << 32:
            put(_U32(0xCE, value))
        else:
            put(_U64(0xCF, value))
    elif value >= -32:
        put((value + 256).to_bytes(1, "big"))
    elif value >= -(1 << 7):
        put(_I8(0xD0, value))
    elif value >= -(1 << 15):
        put(_I16(0xD1, value))
    elif value >= -(1 << 31):
        put(_I32(0xD2, value))
    else:
        put(_I64(0xD3, value))


def _write_float(value: float, put: Callable[[bytes], None]) -> None:
    put(_F64(0xCB, value))


def _write_str(value: str, put: Callable[[bytes], None]) -> None:
    data = value.encode("utf-8")
    size = len(data)
    if size < 32:
        put((0xA0 | size).to_bytes(1, "big"))
    elif size < 1 << 8:
        put(_U8(0xD9, size))
    elif size < 1 << 16:
        put(_U16(0xDA, size))
    else:
        put(_U32(0xDB, size))
    put(data)


def _write_bytes(value: bytes, put: Callable[[bytes], None]) -> None:
    size = len(value)
    put(_U8(0xC4, size) if size < 1 << 8 else _U16(0xC5, size) if size < 1 << 16 else _U32(0xC6, size))
    put(value)


def _write_list(value: list[Any], put: Callable[[bytes], None]) -> None:
    size = len(value)
    put((0x90 | size).to_bytes(1, "big") if size < 16 else _U16(0xDC, size) if size < 1 << 16 else _U32(0xDD, size))
    for member in value:
        _WRITERS[type(member)](member, put)


def _write_dict(value: dict[str, Any], put: Callable[[bytes], None]) -> None:
    size = len(value)
    put((0x80 | size).to_bytes(1, "big") if size < 16 else _U16(0xDE, size) if size < 1 << 16 else _U32(0xDF, size))
    for key, member in value.items():
        _write_str(key, put)
        _WRITERS[type(member)](member, put)


_WRITERS: dict[type, Callable[[Any, Callable[[bytes], None]], None]] = {
    type(None): _write_none,
    bool: _write_bool,
    int: _write_int,
    float: _write_float,
    str: _write_str,
    bytes: _write_bytes,
    list: _write_list,
    dict: _write_dict,
}


def decode_here(data: bytes) -> Any:
    """`decode` with the standard library only."""
    try:
        value, end = _read(data, 0, 0)
    except (IndexError, struct.error, UnicodeDecodeError, TypeError) as problem:
        raise NotPlain(f"these bytes are cut off or damaged: {problem}") from None
    if end != len(data):
        raise NotPlain(f"{len(data) - end} bytes too many")
    return value


_NUMBERS: dict[int, Struct] = {
    0xCA: Struct(">f"),
    0xCB: Struct(">d"),
    0xCC: Struct(">B"),
    0xCD: Struct(">H"),
    0xCE: Struct(">I"),
    0xCF: Struct(">Q"),
    0xD0: Struct(">b"),
    0xD1: Struct(">h"),
    0xD2: Struct(">i"),
    0xD3: Struct(">q"),
}
_CONSTANTS: dict[int, Any] = {0xC0: None, 0xC2: False, 0xC3: True}
# First byte -> (kind, bytes of the length that follows).
_SIZED: dict[int, tuple[str, int]] = {
    0xC4: ("bytes", 1),
    0xC5: ("bytes", 2),
    0xC6: ("bytes", 4),
    0xD9: ("str", 1),
    0xDA: ("str", 2),
    0xDB: ("str", 4),
    0xDC: ("list", 2),
    0xDD: ("list", 4),
    0xDE: ("dict", 2),
    0xDF: ("dict", 4),
}


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    if first >= 0xE0:
        return first - 256, at
    if first < 0xC0:
        if first < 0x90:
            return _read_dict(data, at, first & 0x0F, depth)
        if first < 0xA0:
            return _read_list(data, at, first & 0x0F, depth)
        return _cut(data, at, first & 0x1F).decode("utf-8"), at + (first & 0x1F)
    if first in _CONSTANTS:
        return _CONSTANTS[first], at
    if first in _NUMBERS:
        number = _NUMBERS[first]
        return number.unpack_from(data, at)[0], at + number.size
    if first not in _SIZED:
        raise NotPlain(f"no plain value begins with the byte 0x{first:02x}")
    kind, width = _SIZED[first]
    size = int.from_bytes(_cut(data, at, width), "big")
    at += width
    if kind == "str":
        return _cut(data, at, size).decode("utf-8"), at + size
    if kind == "bytes":
        return _cut(data, at, size), at + size
    if kind == "list":
        return _read_list(data, at, size, depth)
    return _read_dict(data, at, size, depth)


def _cut(data: bytes, at: int, size: int) -> bytes:
    found = data[at : at + size]
    if len(found) != size:
        raise NotPlain("these bytes end too early")
    return found


def _deeper(depth: int) -> int:
    if depth > MAX_DEPTH + 1:
        raise NotPlain(f"nested more than {MAX_DEPTH} deep")
    return depth + 1


def _read_list(data: bytes, at: int, size: int, depth: int) -> tuple[list[Any], int]:
    depth = _deeper(depth)
    members: list[Any] = []
    for _ in range(size):
        member, at = _read(data, at, depth)
        members.append(member)
    return members, at


def _read_dict(data: bytes, at: int, size: int, depth: int) -> tuple[dict[str, Any], int]:
    depth = _deeper(depth)
    members: dict[str, Any] = {}
    for _ in range(size):
        key, at = _read(data, at, depth)
        members[key], at = _read(data, at, depth)
    return members, at
