"""Large values on their way in: pieces come, wholes go out. Small ones in memory, big ones in unnamed files.

The pieces of one value come in order. What is whole can be taken, or kept for the next attempt that needs it, as far as
`room` bytes go; then the oldest that nobody has pinned are dropped. A sender that begins values and never finishes them,
or sends pieces that do not fit, gets `Malformed`.
"""

from __future__ import annotations

import mmap
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from agents.errors import Malformed
from agents.protocol import Chunk

IN_MEMORY = 16 << 20  # bytes of a value above which it lies in a file
MOST_BEGUN = 64  # values that may be on their way at once


class _Value:
    __slots__ = ("data", "file", "got", "total")

    def __init__(self, total: int, folder: Path | None) -> None:
        self.total = total
        self.got = 0
        self.file: Any = None
        self.data: Any = None
        if total > IN_MEMORY:
            # A file without a name goes away by itself, whatever becomes of this process.
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        else:
            self.data = bytearray()

    def add(self, frame: Any) -> None:
        if self.file is not None:
            self.file.write(frame)
        elif self.got == 0 and len(frame) == self.total:
            self.data = bytes(frame)
        else:
            self.data += frame
        self.got += len(frame)
        if self.got == self.total:
            self._finish()

    def _finish(self) -> None:
        if self.file is not None:
            self.file.flush()
            self.data = memoryview(mmap.mmap(self.file.fileno(), self.total, access=mmap.ACCESS_READ))
            self.file.close()
        elif isinstance(self.data, bytearray):
            self.data = bytes(self.data)


class Shelf:
    """The values of one conversation. Not for several threads at once."""

    def __init__(self, folder: Path | None = None, room: int = 256 << 20) -> None:
        self._folder = folder
        self._room = room
        self._begun: dict[bytes, _Value] = {}
        self._whole: OrderedDict[bytes, _Value] = OrderedDict()
        self._bytes = 0
        self._pinned: dict[bytes, int] = {}

    def put(self, chunk: Chunk, frame: Any) -> None:
        """Take a piece. Raises Malformed for one that does not fit."""
        value = self._begun.get(chunk.name)
        if chunk.offset == 0:
            if value is None and len(self._begun) >= MOST_BEGUN:
                raise Malformed(f"{MOST_BEGUN} values were begun and not finished")
            value = self._begun[chunk.name] = _Value(chunk.total, self._folder)
        elif value is None:
            return  # the rest of a value that was given up
        if value.got != chunk.offset or value.total != chunk.total or value.got + len(frame) > value.total:
            del self._begun[chunk.name]
            raise Malformed("a piece of a value that does not follow the one before")
        value.add(frame)
        if value.got == value.total:
            del self._begun[chunk.name]
            self._drop(chunk.name)
            self._whole[chunk.name] = value
            self._bytes += value.total
            self._make_room(chunk.name)

    def has(self, name: bytes) -> bool:
        return name in self._whole

    def get(self, name: bytes) -> Any:
        """A whole value. Raises KeyError if it is not here."""
        value = self._whole[name]
        self._whole.move_to_end(name)
        return value.data

    def take(self, name: bytes) -> Any:
        """A whole value, which is then forgotten here. Raises KeyError if it is not here."""
        value = self._whole.pop(name)
        self._bytes -= value.total
        return value.data

    def pin(self, name: bytes, by: int = 1) -> None:
        """Keep a value (`by` 1) or let it go again (-1)."""
        count = self._pinned.get(name, 0) + by
        if count > 0:
            self._pinned[name] = count
        else:
            self._pinned.pop(name, None)

    def clear(self) -> None:
        self._begun.clear()
        self._whole.clear()
        self._pinned.clear()
        self._bytes = 0

    def _drop(self, name: bytes) -> None:
        if (old := self._whole.pop(name, None)) is not None:
            self._bytes -= old.total

    def _make_room(self, newest: bytes) -> None:
        for name in list(self._whole):
            if self._bytes <= self._room:
                return
            if name != newest and name not in self._pinned:
                self._drop(name)
