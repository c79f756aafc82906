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
    """Bytes in, whole frames out. `take()` gives (head, parts) for each frame that is complete.

    Parts of `apart` bytes and more are laid down in memory of their own while they come, and given as a memoryview: copying
    them in one go, at the end, would keep every other thread of the process waiting.
    """

    __slots__ = ("_apart", "_buffer", "_frame")

    def __init__(self, apart: int = 0) -> None:
        self._buffer = bytearray()
        self._apart = apart
        self._frame: _Apart | None = None

    def feed(self, data: bytes) -> None:
        """Take what a read brought."""
        if self._frame is not None:
            data = self._frame.feed(data)
        if data:
            self._buffer += data

    def is_empty(self) -> bool:
        """Whether no frame has begun."""
        return not self._buffer and self._frame is None

    def take(self) -> list[tuple[bytes, list[Any]]]:
        """The frames that are complete. Raises Nonsense where no frame can begin like this."""
        frames: list[tuple[bytes, list[Any]]] = []
        while True:
            if self._frame is not None:
                if not self._frame.is_whole():
                    return frames
                frames.append((self._frame.head, self._frame.parts))
                self._frame = None
            self._take_from_buffer(frames)
            if self._frame is None:
                return frames

    def _take_from_buffer(self, frames: list[tuple[bytes, list[Any]]]) -> None:
        """Frames that lie whole in the buffer, up to one with a part that is to lie apart."""
        buffer = self._buffer
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
            if end < start + size:
                break
            head = bytes(buffer[start : start + size])
            if self._apart and max(sizes) >= self._apart:
                self._frame = _Apart(head, sizes, self._apart)
                rest = self._frame.feed(bytes(buffer[start + size :]))
                buffer[:] = rest
                return
            if end < start + size + sum(sizes):
                break
            at = start + size
            parts = []
            for length in sizes:
                with memoryview(buffer) as view:
                    parts.append(bytes(view[at : at + length]))
                at += length
            frames.append((head, parts))
        if at:
            del buffer[:at]


class _Apart:
    """A frame on its way whose large parts have memory of their own, which the system gives page by page."""

    __slots__ = ("_apart", "_filled", "_sizes", "_to_fill", "head", "parts")

    def __init__(self, head: bytes, sizes: list[int], apart: int) -> None:
        self.head = head
        self.parts: list[Any] = []
        self._sizes = sizes
        self._apart = apart
        self._filled = 0
        self._to_fill: Any = None

    def is_whole(self) -> bool:
        return len(self.parts) == len(self._sizes)

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to this frame; the rest."""
        at = 0
        while not self.is_whole():
            size = self._sizes[len(self.parts)]
            if self._to_fill is None:
                self._to_fill = self._memory(size)
                self._filled = 0
            piece = data[at : at + size - self._filled]
            self._to_fill[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            at += len(piece)
            if self._filled < size:
                return b""
            self.parts.append(memoryview(self._to_fill) if size >= self._apart else bytes(self._to_fill))
            self._to_fill = None
        return data[at:]

    def _memory(self, size: int) -> Any:
        if size < self._apart:
            return bytearray(size)
        import mmap

        return mmap.mmap(-1, size)


def read_some(fd: int) -> bytes:
    """What is there now; empty at the end of the pipe."""
    return os.read(fd, _CHUNK)
