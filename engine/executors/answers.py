"""What a child says to the engine: outcomes, and news of the attempt that runs.

An outcome lies in the pipe as soon as it is there, so nothing is lost when the next attempt kills the process. But waking
the engine costs ten times what writing costs; so it does not wait for this pipe, it waits for a bell, which is rung at the
end of the queue, at its half, each millisecond, and for everything that is no outcome. In between the engine looks by
itself, for the case that the next attempt takes long.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

import _thread
import os
from struct import Struct
from time import perf_counter

from engine import plain
from engine.attempt import COMPLETED, FAILED, Outcome, Trouble
from engine.executors.frames import frame, write_all
from engine.executors.orphan import leave
from engine.executors.sealing import sealed
from engine.payload import SCALARS, NotPackable, Payload, is_scalar, pack

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

# Messages from a child.
HELLO, DONE, PROGRESS, LINES, METRIC, PROGRAM, RETURNED, LEAVING = range(8)

QUICK = 0xC1
"""Begins an outcome with nothing to it but its value: this byte begins no msgpack. Then serial, seconds, value."""
QUICK_HEAD = Struct("<BQd")

RING_EVERY = 0.001
"""Seconds of short attempts after which the engine is told to look."""
_QUICK_FRAME = Struct("<IIBQd")
_NOTHING = plain.encode_here(None)
_AT_ONCE = 4096
_BEGINNING = 4
_LARGE = 16 * 1024
"""Bytes that may not fit into the pipe before somebody reads."""


class CannotSend(Exception):
    """A value of an outcome cannot leave the process; `trouble` is what is told instead."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class Answers:
    """The child's end of the pipe of messages and of the bell. `half` is the length of the queue at which it rings."""

    def __init__(self, outbox: int, bell: int, mark: str) -> None:
        self.outbox = outbox
        self.bell = bell
        self.mark = mark
        self.half = 0
        self.rung_at = 0.0
        self.lock = _thread.allocate_lock()
        os.set_blocking(bell, False)

    def outcome(self, serial: int, outcome: Outcome, printed: Tuple[int, int], left: int) -> None:
        """Send an outcome; `left` attempts are still in the queue. A value that cannot leave turns it into a failure."""
        value = outcome.value
        plainly = outcome._extra is None and outcome.error is None and not (printed[0] or printed[1])
        if plainly and outcome.kind == COMPLETED and type(value) in SCALARS and is_scalar(value):
            data = _NOTHING if value is None else plain.encode_here(value)
            self.put_short(_QUICK_FRAME.pack(QUICK_HEAD.size + len(data), 0, QUICK, serial, outcome.seconds) + data)
        else:
            self.put(_full(serial, outcome, printed))
        now = perf_counter()
        if left in (0, self.half) or now - self.rung_at > RING_EVERY:
            self.rung_at = now
            self.ring()

    def send(self, message: List[Any]) -> None:
        """Write a message that the engine should see now."""
        self.put(frame(plain.encode(message)))
        self.ring()

    def ring(self) -> None:
        """Wake the engine."""
        try:
            os.write(self.bell, b"\0")
        except BlockingIOError:
            return  # it has not even heard the last ones
        except OSError:
            leave(self.mark)

    def put_short(self, piece: bytes) -> None:
        """Write a short piece; a pipe takes up to 4096 bytes at once or not at all."""
        if len(piece) > _AT_ONCE:
            self.put([piece])
            return
        try:
            with self.lock:
                os.write(self.outbox, piece)
        except OSError:
            leave(self.mark)

    def put(self, pieces: List[Any]) -> None:
        """Write pieces; the engine reads faster than tasks write, so waiting here is back-pressure."""
        large = len(pieces) > 1 or len(pieces[0]) > _LARGE
        try:
            with self.lock:
                if large:
                    # The first ring makes room for the beginning, the second shows that there is more than a pipe holds.
                    self.ring()
                    write_all(self.outbox, [pieces[0][:_BEGINNING]])
                    self.ring()
                    pieces[0] = pieces[0][_BEGINNING:]
                write_all(self.outbox, pieces)
        except OSError:
            leave(self.mark)


def _full(serial: int, outcome: Outcome, printed: Tuple[int, int]) -> List[Any]:
    parts: List[Any] = []
    value: Any = None
    writes: Any = None
    trouble = outcome.error
    kind = outcome.kind
    if kind == COMPLETED:
        try:
            value = _packed(outcome.value, "result", parts)
            if outcome.writes:
                writes = {
                    name: _packed(written, f'variables["{name}"]', parts) for name, written in outcome.writes.items()
                }
        except CannotSend as problem:
            kind, trouble, value, writes, parts = FAILED, problem.trouble, None, None, []
    error = None
    if trouble is not None:
        t = trouble
        error = [t.type, t.message, t.traceback, list(t.lineage), t.exit_code, t.signal, t.retryable]
    metrics: Dict[str, str] | None = outcome.metrics
    return frame(plain.encode([DONE, serial, kind, outcome.seconds, value, error, writes, metrics, *printed]), parts)


def _packed(value: Any, name: str, parts: List[Any]) -> Any:
    try:
        done = pack(value, name)
    except NotPackable as problem:
        raise CannotSend(Trouble("NotPackable", str(problem), retryable=False)) from None
    except MemoryError:
        text = f"there is not enough memory to send {name}"
        raise CannotSend(Trouble("MemoryError", text, lineage=("Exception", "BaseException"))) from None
    except BaseException as problem:
        from engine.failures import trouble_of

        raise CannotSend(trouble_of(problem)) from None
    return sealed(done, parts) if type(done) is Payload else done
