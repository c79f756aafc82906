"""A child process as the engine sees it: its pipes, its queue, what it prints and whose that is.

Nothing here decides; `children` does. All of it is called with the pool's lock held.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from engine.attempt import LogLines, News, Trouble
from engine.executors import family
from engine.executors.frames import FrameReader, frame
from engine.executors.jobs import Job
from engine.executors.lines import LineGatherer
from engine.executors.packing import Told
from engine.executors.spawn import Pipes

STREAMS = ("stdout", "stderr")
LOG = "log"
LINES_EVERY = 0.1
"""Seconds between two reports of what an attempt prints."""
MOST_UNSORTED = 1 << 20
"""Bytes that wait to be told apart, between attempts that follow each other in a queue."""
APART = 16 << 20
"""Bytes of a value that is not held in one piece while it comes."""
_SHORT_READ = 65536
_READ = 1 << 17
_LARGE_READ = 1 << 20  # its memory comes from the system each time, which takes longer than the whole of a short read


class Stream:
    """One of the two streams of a child, cut into what belongs to which attempt.

    `pending` came and is nobody's yet; `given` bytes were given to the attempt that runs, before its end is known.
    """

    __slots__ = ("gatherer", "given", "pending", "sent_at")

    def __init__(self) -> None:
        self.pending = bytearray()
        self.given = 0
        self.gatherer = LineGatherer()
        self.sent_at = 0.0

    def give(self, count: int) -> None:
        """The next bytes belong to the attempt that runs."""
        self.gatherer.feed(bytes(self.pending[:count]))
        del self.pending[:count]
        self.given += count

    def give_all(self) -> None:
        """Whatever has come belongs to the attempt that runs."""
        self.give(len(self.pending))


class ChildProcess:
    """A child process as the engine sees it."""

    def __init__(self, number: int, process: subprocess.Popen[bytes], pipes: Pipes, mark: str) -> None:
        self.number = number
        self.process = process
        self.pipes = pipes
        self.mark = mark
        self.pid = process.pid
        self.pidfd = _pidfd(process.pid)
        self.printed = select.poll()
        self.printed.register(pipes.stdout, select.POLLIN)
        self.printed.register(pipes.stderr, select.POLLIN)
        self.reader = FrameReader(APART)
        self.told = Told()
        self.queue: deque[Job] = deque()
        self.outgoing: deque[Any] = deque()
        self.streams = {"stdout": Stream(), "stderr": Stream(), LOG: Stream()}
        self.outbox_watched = False
        self.ready = False
        self.version = ""
        self.last_words = bytearray()
        self.killed_for: tuple[str, Trouble] | None = None
        self.exit: int | None = None
        self.buried_until = 0.0
        self.stopping = False
        self.outdated = False
        self.heard_at = 0.0
        self.recalled = False
        self.heard_print = False
        self.last_serial: int | None = None  # once it has said that it leaves: the attempt it was at

    @property
    def is_short(self) -> bool:
        """Whether everything in its queue is expected to take little time."""
        return not self.queue or self.queue[0].pace.depth > 1

    @property
    def is_usable(self) -> bool:
        """Whether it may be given attempts."""
        return self.killed_for is None and self.exit is None and not self.stopping

    # -- writing --------------------------------------------------------------------------------------------------

    def send(self, message: tuple[int, Any]) -> bool:
        """Write a message as far as the pipe takes it now. Whether something is left."""
        return self.write(frame(marshal.dumps(message, 4)))

    def write(self, pieces: Sequence[Any]) -> bool:
        """Write what the pipe takes now. Whether something is left, for `flush` when there is room."""
        if self.exit is not None:
            return False
        self.outgoing.extend(memoryview(piece).cast("B") for piece in pieces)
        return self.flush()

    def flush(self) -> bool:
        """Write more. Whether something is left."""
        outgoing = self.outgoing
        while outgoing:
            piece = outgoing[0]
            try:
                done = os.write(self.pipes.inbox, piece)
            except BlockingIOError:
                return True
            except OSError:  # it is dying; that is seen elsewhere
                outgoing.clear()
                return False
            if done == len(piece):
                outgoing.popleft()
            else:
                outgoing[0] = piece[done:]
        return False

    def signal(self, number: int) -> None:
        """Signal the process itself, if it is still there."""
        if self.exit is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with its process group, and the program that it runs."""
        if self.queue and self.queue[0].group:
            family.signal_group(self.queue[0].group, signal.SIGKILL)
        family.signal_group(self.pid, signal.SIGKILL)
        self.signal(signal.SIGKILL)

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self) -> bool:
        """Read what messages are there, for `reader`. Whether the pipe has ended."""
        while True:
            try:
                data = os.read(self.pipes.outbox, _READ if self.reader.is_empty() else _LARGE_READ)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not data:
                return True
            self.reader.feed(data)
            if len(data) < _SHORT_READ:
                return False

    def read_stream(self, name: str, news: list[News]) -> bool:
        """Read what was printed, and tell lines if none were told lately. Whether the pipe has ended."""
        ended = self._take_printed(name)
        stream = self.streams[name]
        now = time.monotonic()
        if len(stream.pending) > MOST_UNSORTED:
            stream.give_all()
        if not stream.gatherer.is_empty() and now - stream.sent_at >= LINES_EVERY:
            self.tell_lines(name, news, now)
        return ended

    def _take_printed(self, name: str) -> bool:
        fd = self.pipes.stdout if name == "stdout" else self.pipes.stderr
        stream = self.streams[name]
        for _ in range(16):
            try:
                data = os.read(fd, 1 << 17)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not data:
                return True
            if not self.ready:
                self.last_words += data
                del self.last_words[:-4000]
            self.heard_print = True
            stream.pending += data
            if len(self.queue) <= 1:  # else whose it is will be known with the outcome
                stream.give_all()
            if len(data) < _SHORT_READ:
                return False
        return False

    def split_streams(self, out: int, err: int, news: list[News]) -> None:
        """The first attempt of the queue is over: what it printed is told before its outcome.

        Everything it wrote is in the pipes by now. If another attempt follows in the queue, it may have printed already:
        then as much belongs to the first as Python code wrote in it, less what it was given while it was alone.
        """
        alone = len(self.queue) == 1
        if not (alone or out or err or self.heard_print):
            return
        some = (alone or out or err) and self.printed.poll(0)
        for name, count in (("stdout", out), ("stderr", err)):
            stream = self.streams[name]
            if some:
                self._take_printed(name)
            if stream.pending:
                mine = len(stream.pending) if alone else min(max(0, count - stream.given), len(stream.pending))
                stream.give(mine)
            stream.given = 0
            if not stream.gatherer.is_empty() or stream.gatherer.has_partial():
                self.tell_lines(name, news, time.monotonic(), last=True)
        if not self.streams[LOG].gatherer.is_empty():
            self.tell_lines(LOG, news, time.monotonic())
        self.heard_print = any(stream.pending for stream in self.streams.values())

    def logged(self, lines: Sequence[str], news: list[News]) -> None:
        """Lines of the attempt's logger: gathered and bounded like what it prints."""
        self.heard_print = True
        stream = self.streams[LOG]
        stream.gatherer.feed("".join(f"{line}\n" for line in lines).encode())
        now = time.monotonic()
        if now - stream.sent_at >= LINES_EVERY:
            self.tell_lines(LOG, news, now)

    def tell_lines(self, name: str, news: list[News], now: float, *, last: bool = False) -> None:
        """Report the lines of the attempt that runs."""
        stream = self.streams[name]
        stream.sent_at = now
        lines = stream.gatherer.take(last=last)
        if lines and self.queue:
            node, number = self.queue[0].key
            news.append(LogLines(node, number, name, lines))

    def tell_last_lines(self, job: Job, news: list[News]) -> None:
        """Report all that is left, of an attempt whose process is gone."""
        for name, stream in self.streams.items():
            if stream.pending:
                stream.give_all()
            lines = stream.gatherer.take(last=True)
            if lines:
                news.append(LogLines(job.key[0], job.key[1], name, lines))


def _pidfd(pid: int) -> int | None:
    """A file descriptor that becomes readable when the process ends, where the system has that."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
