"""Killable child processes, one per slot, reused: the only place where user code runs out of process.

`Children` takes attempts and reports news; it knows nothing of runs or runners, so agents use it as it is. Who sets `tell`
is told there of what was heard, and may call `start` from within.

One thread serves all children: it starts them (Linux ties a child's life to the thread that made it), reads their pipes,
keeps limits, and buries the dead. Whoever calls `start` writes to an idle child's pipe directly, so that an attempt does
not wait for that thread to wake up.

Where an attempt is:

    waiting -> sent to a child (its queue) -> first in the queue: it runs -> over

A child answers each attempt of its queue at once, so the first in the queue is the one that runs. When a child dies, that
one is to blame; the others of its queue never began and go to another child. `assignments` keeps who has what.

How an attempt is ended. Asked to: a message and SIGINT, which raises inside the task. After the grace, or when its limit
has passed: the child is killed with its process group and everything that carries its mark, seen to be gone, reported,
and replaced when somebody needs it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.attempt import (
    CANCELED,
    CRASHED,
    TIMED_OUT,
    Attempt,
    MetricSet,
    News,
    Progress,
    Trouble,
)
from engine.executors import family
from engine.executors.answers import DONE, HELLO, LEAVING, LINES, METRIC, PROGRAM, PROGRESS, QUICK, QUICK_HEAD, RETURNED
from engine.executors.assignments import Assignments
from engine.executors.child import STOP
from engine.executors.child_process import APART, LINES_EVERY, STREAMS, ChildProcess
from engine.executors.frames import FrameReader, Nonsense
from engine.executors.jobs import Job, Key, canceled, crash_of, ended
from engine.executors.nursery import Nursery
from engine.executors.packing import Functions, outcome_of, quick_outcome
from engine.executors.spawn import is_this_python, path_of_this_python
from engine.payload import SCALARS

Report = Callable[[Sequence[News]], None]

LOOK_EVERY = 0.005
"""Seconds between two looks at a child that has several attempts and has not rung."""
STUCK = 0.05
"""Seconds that the first of a longer queue may take before the others are taken back."""
FALSE_STARTS = 10
"""Children in a row that may be killed before they are ready; one that ends by itself is no good at all."""
BURIAL = 5.0
"""Seconds after which a process that will not go is reported as it is."""

_NEVER = float("inf")
_decode = msgspec.msgpack.Decoder().decode


class Children:
    """A pool of `slots` children of one Python, for the attempts of one project. See the module's text."""

    def __init__(
        self,
        report: Report,
        *,
        folder: Path | str,
        scratch: Path | str,
        python: str,
        slots: int = 2,
        run: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.tell: Callable[[Sequence[News]], object] = report
        self._report = report
        folder = str(Path(folder).absolute())
        same = is_this_python(python)
        self._slots = max(1, slots)
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._nursery = Nursery(
            self._selector,
            folder=folder,
            scratch=str(Path(scratch).absolute()),
            python=python,
            path=path_of_this_python() if same else [],
            run=run,
            environ=dict(os.environ if environ is None else environ),
        )
        self._children = self._nursery.children
        functions = Functions(same_python=same, folder=folder)
        self._work = Assignments(self._children, functions, self._slots, self._wake)
        self._false_starts = 0
        self._closing: float | None = None
        self._renewing = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._loop_thread = 0
        self._looking = False  # whether its thread is about to see everything anyway; not while it reports

    # -- for everybody --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start the first child; the others come when they are needed. Raises SystemFailure for an unusable Python."""
        self._nursery.check()
        self._work.wanted = 1
        self._thread = threading.Thread(target=self._serve, name="flowloom-children", daemon=True)
        self._thread.start()

    def capacity(self) -> int:
        """How many attempts may be here at once."""
        return self._slots * self._work.depth

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Begin these attempts as slots get free."""
        with self._lock:
            if self._closing is not None or self._closed:
                failed: list[News] = [canceled(attempt) for attempt in attempts]
            else:
                failed = self._work.add(attempts)
        if failed:
            self._report(failed)

    def cancel(self, attempts: Sequence[Key], grace: float = 5.0) -> None:
        """End these: those that wait at once, those that run by asking, then, after `grace` seconds, by force."""
        with self._lock:
            news = self._work.cancel(attempts, grace)
        self._wake()
        if news:
            self._report(news)

    def suspend(self, attempts: Sequence[Key]) -> None:
        """Hold these: tasks at their next `ctx.checkpoint()`, programs where they are. Their limits stop meanwhile."""
        with self._lock:
            self._work.suspend(attempts)

    def resume(self, attempts: Sequence[Key]) -> None:
        """Let suspended attempts go on."""
        with self._lock:
            self._work.resume(attempts)
        self._wake()

    def close(self, grace: float = 5.0) -> None:
        """Cancel what still runs, wait until everything is gone, free everything."""
        with self._lock:
            if self._closed:
                return
            running = list(self._work.jobs)
        if self._thread is None:
            self._free()
            return
        self.cancel(running, grace)
        with self._lock:
            self._closing = time.monotonic() + grace + BURIAL
            for child in self._children:
                if not child.queue and child.is_usable:
                    self._stop(child)
        self._wake()
        if threading.get_ident() != self._loop_thread:
            self._thread.join()
        self._nursery.close()
        self._free()

    def renew(self) -> None:
        """Let attempts from now on run in new children, which import everything anew; what is in a child stays there."""
        with self._lock:
            for child in self._children:
                child.outdated = True
            self._renewing = True
        self._wake()

    def pids(self) -> list[int]:
        """The processes of the children that are there now."""
        with self._lock:
            return [child.pid for child in self._children if child.exit is None]

    def _look_by_itself(self, child: ChildProcess, now: float, news: list[News]) -> None:
        self._look(child, "clock", news)
        if len(child.queue) > 1 and not child.recalled and now - child.heard_at > STUCK:
            self._work.recall(child)

    def _wake(self) -> None:
        if not self._looking or threading.get_ident() != self._loop_thread:
            with contextlib.suppress(BlockingIOError, OSError):
                os.write(self._wake_write, b"\0")

    # -- the thread -----------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self._loop_thread = threading.get_ident()
        events: list[tuple[selectors.SelectorKey, int]] = []
        while True:
            news: list[News] = []
            with self._lock:
                self._looking = True
                for key, mask in events:
                    self._attend(key, mask, news)
                self._tick(news)
                self._assign(news)
            if news:
                heard, news = news, []
                self._hand_on(heard)
            with self._lock:
                self._assign(news)
                if self._work.wanted:
                    self._spawn_wanted(news)
                self._watch_writes()
                if self._closing is not None and not self._children:
                    break
                timeout = self._until_next()
                self._looking = False
            if news:
                self._report(news)
            events = self._selector.select(timeout)
        if news:
            self._report(news)

    def _hand_on(self, news: list[News]) -> None:
        """Tell what was heard; whoever is told may start the next attempts here and now, in this thread."""
        (self._report if self._closing is not None else self.tell)(news)

    def _assign(self, news: list[News]) -> None:
        """Give what waits to children that have room, and nothing more to those that have old code."""
        if self._renewing:
            self._stop_outdated()
        if self._work.waiting:
            news.extend(self._work.dispatch())

    def _attend(self, key: selectors.SelectorKey, mask: int, news: list[News]) -> None:
        """Something happened to a file descriptor."""
        if key.data is None:
            self._drain_wakes()
            return
        child, what = key.data
        if what in ("bell", "outbox"):
            self._look(child, what, news)
        elif what == "exit":
            self._saw_exit(child, news)
        elif what in STREAMS:
            if child.read_stream(what, news) and child.exit is None:
                self._selector.unregister(key.fd)
        elif mask & selectors.EVENT_WRITE and not child.flush():
            self._selector.unregister(child.pipes.inbox)

    def _drain_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._wake_read, 4096)) == 4096:
                pass

    def _watch_writes(self) -> None:
        for child in self._children:
            if child.outgoing and child.exit is None and child.pipes.inbox not in self._selector.get_map():
                self._selector.register(child.pipes.inbox, selectors.EVENT_WRITE, (child, "inbox"))

    def _until_next(self) -> float | None:
        """Seconds until something is due."""
        now = time.monotonic()
        due: list[float] = []
        for child in self._children:
            if child.pidfd is None:
                due.append(now + 0.05)
            if child.exit is not None:
                due.append(now + 0.005)
            elif child.queue:
                job = child.queue[0]
                if len(child.queue) > 1:
                    due.append(now + LOOK_EVERY)
                if job.deadline is not None and not job.held:
                    due.append(job.deadline)
                if job.kill_at is not None:
                    due.append(job.kill_at)
            due.extend(s.sent_at + LINES_EVERY for s in child.streams.values() if not s.gatherer.is_empty())
        if self._closing is not None:
            due.append(self._closing)
        self._work.sleeps_until = min(due, default=_NEVER)
        return max(0.0, self._work.sleeps_until - now) if due else None

    def _tick(self, news: list[News]) -> None:
        """Whatever is due by the clock."""
        now = time.monotonic()
        for child in list(self._children):
            if child.pidfd is None and child.exit is None:
                self._saw_exit(child, news)
            if child.exit is not None:
                self._bury(child, now, news)
                continue
            if len(child.queue) > 1:
                self._look_by_itself(child, now, news)
            if child.queue and child.killed_for is None:
                job = child.queue[0]
                if job.deadline is not None and not job.held and now >= job.deadline:
                    limit = job.attempt.work.timeout
                    text = f"it ran longer than its limit of {limit:g} s" if limit is not None else ""
                    self._kill(child, TIMED_OUT, Trouble("TimedOut", text, lineage=("TimeoutError",)))
                elif job.kill_at is not None and now >= job.kill_at:
                    self._kill(
                        child, CANCELED, Trouble("Canceled", "canceled; it did not end by itself, so it was killed")
                    )
            for name, stream in child.streams.items():
                if not stream.gatherer.is_empty() and now - stream.sent_at >= LINES_EVERY:
                    child.tell_lines(name, news, now)
        if self._closing is not None:
            for child in self._children:
                if not child.queue and child.is_usable:
                    self._stop(child)
                elif now >= self._closing - BURIAL and child.exit is None and child.killed_for is None:
                    self._kill(
                        child, CANCELED, Trouble("Canceled", "canceled; it did not end by itself, so it was killed")
                    )

    # -- birth and death ------------------------------------------------------------------------------------------

    def _spawn_wanted(self, news: list[News]) -> None:
        """Start the children that are wanted; what waits fails if none can be started."""
        while self._work.wanted and self._closing is None:
            if self._nursery.living() >= self._slots:
                self._work.wanted = 0
                break
            self._work.wanted -= 1
            try:
                self._nursery.start()
            except OSError as problem:
                self._work.wanted = 0
                news.extend(self._cannot_start(f"{self._nursery.python} cannot be started: {problem}"))
                break
        news.extend(self._work.dispatch())

    def _cannot_start(self, why: str) -> list[News]:
        """Everything that waits fails: no child can be had."""
        return self._work.fail_all(Trouble("CannotStart", why, retryable=False))

    def _stop_outdated(self) -> None:
        """Let the children end that nothing is given to any more, as soon as they are idle."""
        outdated = [child for child in self._children if child.outdated and child.is_usable]
        self._renewing = bool(outdated)
        for child in outdated:
            if not child.queue:
                self._stop(child)

    def _stop(self, child: ChildProcess) -> None:
        """Let an idle child end by itself; it is killed if it takes long."""
        self._work.tell(child, (STOP, None))
        child.stopping = True
        if self._closing is not None:
            self._closing = min(self._closing, time.monotonic() + BURIAL + 1.0)

    def _kill(self, child: ChildProcess, kind: str, trouble: Trouble) -> None:
        child.killed_for = (kind, trouble)
        if child.last_serial is None:  # its last words may be that it is done
            child.last_serial = child.queue[0].serial if child.queue else 0
        child.kill()

    def _saw_exit(self, child: ChildProcess, news: list[News]) -> None:
        """The process is gone, or we see that it is not."""
        if child.exit is not None:
            return
        if not self._nursery.has_exited(child):
            return
        child.buried_until = time.monotonic() + BURIAL
        self._read(child, news)
        for name in STREAMS:
            child.read_stream(name, news)
        self._nursery.unwatch(child)

    def _bury(self, child: ChildProcess, now: float, news: list[News]) -> None:
        """See that all of its family is gone, then say what became of its attempts."""
        if not self._nursery.is_alone(child) and now < child.buried_until:
            return
        for name in STREAMS:
            child.read_stream(name, news)
        queue, child.queue = child.queue, deque()
        self._nursery.forget(child)
        began = child.last_serial is None or (queue and queue[0].serial == child.last_serial)
        blamed = queue.popleft() if queue and began and (child.ready or child.killed_for) else None
        if blamed is not None:
            kind, trouble = child.killed_for or (CRASHED, crash_of(child.exit or 0))
            self._fell(child, blamed, kind, trouble, news)
        for job in reversed(queue):
            job.deadline = job.kill_at = None
            if job.canceled:
                self._work.jobs.pop(job.key, None)
                news.append(canceled(job.attempt))
            else:
                self._work.waiting.appendleft(job)
        if not child.ready and not child.stopping:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS or (child.exit or 0) >= 0:
                news.extend(self._cannot_start(self._nursery.why_not_started(child)))

    def _fell(self, child: ChildProcess, job: Job, kind: str, trouble: Trouble, news: list[News]) -> None:
        """The attempt that a child was at when it died."""
        self._nursery.clear_scratch(job)
        self._work.jobs.pop(job.key, None)
        child.tell_last_lines(job, news)
        if job.canceled and kind != TIMED_OUT:
            kind, trouble = CANCELED, Trouble("Canceled", "canceled")
        news.append(ended(job.attempt, kind, trouble))

    # -- reading --------------------------------------------------------------------------------------------------

    def _look(self, child: ChildProcess, what: str, news: list[News]) -> None:
        """The bell rang, or more of a large message is there."""
        if what == "bell":
            with contextlib.suppress(OSError):
                if not os.read(child.pipes.bell, 4096):
                    with contextlib.suppress(KeyError):
                        self._selector.unregister(child.pipes.bell)
        self._read(child, news)
        if child.exit is None:
            self._watch_outbox(child)

    def _watch_outbox(self, child: ChildProcess) -> None:
        """Between bells the pipe of messages is watched only while a large one is on its way."""
        partial = not child.reader.is_empty()
        if partial == child.outbox_watched:
            return
        child.outbox_watched = partial
        if partial:
            self._selector.register(child.pipes.outbox, selectors.EVENT_READ, (child, "outbox"))
        else:
            self._selector.unregister(child.pipes.outbox)

    def _read(self, child: ChildProcess, news: list[News]) -> None:
        """Take the messages of a child."""
        at_end = child.read()
        try:
            for head, parts in child.reader.take():
                if head[0] == QUICK:
                    self._heard_quick(child, head, news)
                else:
                    self._hear(child, _decode(head), parts, news)
        except (Nonsense, msgspec.DecodeError, ValueError, TypeError, IndexError, KeyError) as problem:
            if child.killed_for is None and child.exit is None:
                text = f"the task wrote to Flowloom's own pipe, so its process was ended ({problem})"
                self._kill(child, CRASHED, Trouble("PipeBroken", text))
            child.reader = FrameReader(APART)
        if at_end and child.exit is None and child.killed_for is None and not child.stopping:
            text = "the task closed Flowloom's own pipe, so its process was ended"
            if child.process.poll() is None:
                self._kill_later(child, Trouble("PipeBroken", text))

    def _kill_later(self, child: ChildProcess, trouble: Trouble) -> None:
        """The pipe ended: mostly since the process is just ending. Give it a moment to say of what."""
        try:
            child.process.wait(0.05)
        except subprocess.TimeoutExpired:
            self._kill(child, CRASHED, trouble)

    def _hear(self, child: ChildProcess, message: Sequence[Any], parts: Sequence[bytes], news: list[News]) -> None:
        kind = message[0]
        if kind == DONE:
            self._heard_outcome(child, message, parts, news)
            return
        if kind == HELLO:
            child.ready = True
            self._false_starts = 0
            self._nursery.start_warden()
            child.version = str(message[2])
            if child.queue and child.queue[0].kill_at is not None:
                child.signal(signal.SIGINT)
            return
        if kind == LEAVING:
            child.stopping = True
            child.last_serial = child.queue[0].serial if child.queue else 0
            return
        if kind == RETURNED:
            self._work.returned(child, message[1])
            return
        if not child.queue or child.queue[0].serial != message[1]:
            return  # a thread that outlived its attempt
        job = child.queue[0]
        node, number = job.key
        if kind == PROGRESS:
            fraction = None if message[2] is None else min(1.0, max(0.0, float(message[2])))
            news.append(Progress(node, number, fraction, str(message[3])))
        elif kind == LINES:
            child.logged([str(line) for line in message[3]], news)
        elif kind == METRIC:
            news.append(MetricSet(node, number, str(message[2]), str(message[3])))
        elif kind == PROGRAM:
            job.group = int(message[2])
            if job.held:
                family.signal_group(job.group, signal.SIGSTOP)

    def _heard_quick(self, child: ChildProcess, head: bytes, news: list[News]) -> None:
        _, serial, seconds = QUICK_HEAD.unpack_from(head)
        queue = child.queue
        if not queue or queue[0].serial != serial:
            raise ValueError("an outcome of an attempt that is not running")
        value = _decode(head[QUICK_HEAD.size :])
        if type(value) not in SCALARS:
            raise ValueError("an outcome that is no scalar")
        child.split_streams(0, 0, news)
        self._work.is_over(child, quick_outcome(queue[0].attempt, seconds, value), news)

    def _heard_outcome(
        self, child: ChildProcess, message: Sequence[Any], parts: Sequence[bytes], news: list[News]
    ) -> None:
        if not child.queue or child.queue[0].serial != message[1]:
            raise ValueError("an outcome of an attempt that is not running")
        job = child.queue[0]
        outcome = outcome_of(job.attempt, message, parts)
        child.split_streams(int(message[8]), int(message[9]), news)
        self._work.is_over(child, outcome, news)

    def _free(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._selector.close()
                os.close(self._wake_read)
                os.close(self._wake_write)
