"""What a task prints, as lines: gathered, bounded in length and in number, whatever arrives.

Bytes come in as the pipe gives them; lines go out a few times a second. A line that is too long is cut, and a task that
prints faster than anybody could read gets the middle left out, with a line that says how much. So a gigabyte without a
newline costs a few kilobytes here. Control characters stay as they are: whoever shows lines makes them harmless.
"""

from __future__ import annotations

LONGEST = 8_000
"""Bytes of a line that are kept."""
MOST_LINES = 2_000
MOST_BYTES = 256 * 1024
"""Kept of what arrives between two `take`s."""


class LineGatherer:
    """One stream of one attempt."""

    __slots__ = ("_cut", "_kept", "_left_out", "_left_out_bytes", "_lines", "_partial")

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._partial = bytearray()
        self._cut = 0
        self._kept = 0
        self._left_out = 0
        self._left_out_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        if not data:
            return
        if self._is_full():
            self._skip(data)
            return
        pieces = data.split(b"\n")
        self._extend(pieces[0])
        for index in range(1, len(pieces)):
            self._end_line()
            if self._is_full():
                self._skip(b"\n".join(pieces[index:]))
                return
            self._extend(pieces[index])

    def take(self, *, last: bool = False) -> list[str]:
        """The lines since the last time; with `last`, also the one that has no newline yet."""
        if last and (self._partial or self._cut):
            self._end_line()
        lines, self._lines = self._lines, []
        if self._left_out_bytes:
            lines.append(f"[{self._left_out} lines, {self._left_out_bytes} bytes left out here]")
        self._kept = self._left_out = self._left_out_bytes = 0
        return lines

    def is_empty(self) -> bool:
        """Whether `take` would give nothing."""
        return not self._lines and not self._left_out_bytes

    def has_partial(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._partial)

    def _is_full(self) -> bool:
        return len(self._lines) >= MOST_LINES or self._kept >= MOST_BYTES

    def _extend(self, piece: bytes) -> None:
        room = LONGEST - len(self._partial)
        if len(piece) <= room:
            self._partial += piece
        else:
            self._partial += piece[:room]
            self._cut += len(piece) - room

    def _end_line(self) -> None:
        text = bytes(self._partial).decode("utf-8", "replace")
        text = text.removesuffix("\r")
        if self._cut:
            text += f" [{self._cut} bytes more]"
        self._lines.append(text)
        self._kept += len(self._partial) + 1
        self._partial.clear()
        self._cut = 0

    def _skip(self, data: bytes) -> None:
        """Count what is left out; what follows the last newline begins the next line."""
        self._left_out += data.count(b"\n")
        newline = data.rfind(b"\n")
        if newline >= 0:
            self._left_out_bytes += newline + 1
            self._partial.clear()
            self._cut = 0
            self._extend(data[newline + 1 :])
        else:
            self._extend(data)
