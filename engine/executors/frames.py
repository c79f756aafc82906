"""How messages lie on the pipes between the engine and its children, in both directions.

    head length (4 bytes), number of parts (4 bytes), length of each part (8 bytes each), head, parts

The head is small: marshal on the way to a child (read by C code without any import; the engine is the only writer),
msgpack on the way back (the engine reads it, so it must not be able to run anything). Large values are parts of their own,
so that nobody copies them while reading heads. All numbers are little-endian.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

import os
from struct import Struct

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

MOST_HEAD = 256 * 1024 * 1024
MOST_PARTS = 100_000
MOST_PART = 1 << 40
_START = Struct("<II")
_CHUNK = 1 << 18


class Nonsense(ValueError):
    """What arrived is no frame: somebody else wrote to the pipe."""


def frame(head: bytes, parts: Sequence[Any] = ()) -> list[Any]:
    """The pieces of a frame, to be written one after the other."""
    if not parts:
        return [_START.pack(len(head), 0) + head]
    sizes = b"".join(_length(part).to_bytes(8, "little") for part in parts)
    return [_START.pack(len(head), len(parts)) + sizes + head, *parts]


def _length(part: Any) -> int:
    return part.nbytes if type(part) is memoryview else len(part)


def write_all(fd: int, pieces: Sequence[Any]) -> None:
    """Write everything to a blocking pipe, whatever its capacity."""
    for piece in pieces:
        size = _length(piece)
        done = os.write(fd, piece)
        if done < size:
            rest = memoryview(piece).cast("B")
            while done < size:
                done += os.write(fd, rest[done:])


class FrameReader:
    """Bytes in, whole frames out. `take()` gives (head, parts) for each frame that is complete."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what a read brought."""
        self._buffer += data

    def is_empty(self) -> bool:
        """Whether no frame has begun."""
        return not self._buffer

    def take(self) -> list[tuple[bytes, list[bytes]]]:
        """The frames that are complete. Raises Nonsense where no frame can begin like this."""
        buffer = self._buffer
        frames: list[tuple[bytes, list[bytes]]] = []
        at = 0
        end = len(buffer)
        while end - at >= 8:
            size, count = _START.unpack_from(buffer, at)
            if size > MOST_HEAD or count > MOST_PARTS:
                raise Nonsense("these bytes begin no message")
            start = at + 8 + 8 * count
            if end < start:
                break
            if not count:
                if end < start + size:
                    break
                frames.append((bytes(buffer[start : start + size]), []))
                at = start + size
                continue
            sizes = [int.from_bytes(buffer[at + 8 + 8 * i : at + 16 + 8 * i], "little") for i in range(count)]
            if max(sizes) > MOST_PART:
                raise Nonsense("these bytes begin no message")
            if end < start + size + sum(sizes):
                break
            head = bytes(buffer[start : start + size])
            at = start + size
            parts = []
            for length in sizes:
                with memoryview(buffer) as view:
                    parts.append(bytes(view[at : at + length]))
                at += length
            frames.append((head, parts))
        if at:
            del buffer[:at]
        return frames


def read_some(fd: int) -> bytes:
    """What is there now; empty at the end of the pipe."""
    return os.read(fd, _CHUNK)
