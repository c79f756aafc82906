"""Killable child processes, one per slot, reused: the only place where user code runs out of process.

`Children` takes attempts and reports news; it knows nothing of runs or runners, so agents use it as it is.

One thread serves all children: it starts them (Linux ties a child's life to the thread that made it), reads their pipes,
keeps limits, and buries the dead. Whoever calls `start` writes to an idle child's pipe directly, so that an attempt does
not wait for that thread to wake up.

Where an attempt is:

    waiting -> sent to a child (its queue) -> first in the queue: it runs -> over

Very short attempts are sent several at a time, as many as take a few milliseconds together, judged by how long the same
function took before; all others one at a time. A child answers each at once, so the first in the queue is the one that
runs. When a child dies, that one is to blame; the others of its queue never began and go to another child.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.attempt import (
    CANCELED,
    CRASHED,
    FAILED,
    TIMED_OUT,
    Attempt,
    MetricSet,
    News,
    Outcome,
    Progress,
    Trouble,
)
from engine.executors import family
from engine.executors.answers import DONE, HELLO, LEAVING, LINES, METRIC, PROGRAM, PROGRESS, QUICK, QUICK_HEAD, RETURNED
from engine.executors.child import CANCEL, HOLD, RECALL, RESUME, STOP
from engine.executors.child_process import APART, LINES_EVERY, STREAMS, ChildProcess
from engine.executors.frames import FrameReader, Nonsense
from engine.executors.jobs import Job, Key, Pace, canceled, crash_of, ended
from engine.executors.nursery import Nursery
from engine.executors.packing import Batch, Functions, outcome_of, quick_outcome
from engine.executors.spawn import is_this_python, path_of_this_python
from engine.payload import SCALARS, NotPackable

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
        self._report = report
        folder = str(Path(folder).absolute())
        same = is_this_python(python)
        self._slots = max(1, slots)
        self._functions = Functions(same_python=same, folder=folder)
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
        self._waiting: deque[Job] = deque()
        self._jobs: dict[Key, Job] = {}
        self._paces: dict[Any, Pace] = {}
        self._serial = 0
        self._wanted = 0
        self._depth = 1
        self._false_starts = 0
        self._closing: float | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._loop_thread = 0
        self._sleeps_until = 0.0

    # -- for everybody --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start the first child; the others come when they are needed. Raises SystemFailure for an unusable Python."""
        self._nursery.check()
        self._wanted = 1
        self._thread = threading.Thread(target=self._serve, name="flowloom-children", daemon=True)
        self._thread.start()

    def capacity(self) -> int:
        """How many attempts may be here at once."""
        return self._slots * self._depth

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Begin these attempts as slots get free."""
        with self._lock:
            if self._closing is not None or self._closed:
                failed: list[News] = [canceled(attempt) for attempt in attempts]
            else:
                for attempt in attempts:
                    self._serial += 1
                    job = Job(self._serial, attempt, self._pace_of(attempt))
                    self._jobs[job.key] = job
                    self._waiting.append(job)
                failed = self._dispatch()
        if failed:
            self._report(failed)

    def cancel(self, attempts: Sequence[Key], grace: float = 5.0) -> None:
        """End these: those that wait at once, those that run by asking, then, after `grace` seconds, by force."""
        news: list[News] = []
        with self._lock:
            now = time.monotonic()
            for key in attempts:
                job = self._jobs.get(key)
                if job is None or job.canceled:
                    continue
                job.canceled = True
                job.grace = grace
                child = self._child_of(job)
                if child is None:
                    self._waiting.remove(job)
                    del self._jobs[key]
                    news.append(canceled(job.attempt))
                    continue
                self._tell(child, (CANCEL, [job.serial]))
                if child.queue[0] is job:
                    self._ask_to_end(child, job, now)
        self._wake()
        if news:
            self._report(news)

    def suspend(self, attempts: Sequence[Key]) -> None:
        """Hold these: tasks at their next `ctx.checkpoint()`, programs where they are. Their limits stop meanwhile."""
        with self._lock:
            for job, child in self._those(attempts):
                if not job.held:
                    job.held, job.held_at = True, time.monotonic()
                    if child is not None:
                        self._tell(child, (HOLD, [job.serial]))
                        if job.group:
                            family.signal_group(job.group, signal.SIGSTOP)

    def resume(self, attempts: Sequence[Key]) -> None:
        """Let suspended attempts go on."""
        with self._lock:
            for job, child in self._those(attempts):
                self._release(job)
                if child is not None:
                    self._tell(child, (RESUME, [job.serial]))
        self._wake()

    def close(self, grace: float = 5.0) -> None:
        """Cancel what still runs, wait until everything is gone, free everything."""
        with self._lock:
            if self._closed:
                return
            running = list(self._jobs)
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

    def pids(self) -> list[int]:
        """The processes of the children that are there now."""
        with self._lock:
            return [child.pid for child in self._children if child.exit is None]

    # -- handing out ----------------------------------------------------------------------------------------------

    def _dispatch(self) -> list[News]:
        """Send what waits to children that have room. Returns the outcomes of what cannot be sent."""
        failed: list[News] = []
        while self._waiting:
            depth = self._waiting[0].pace.depth
            child = self._freest(depth)
            if child is None:
                break
            share = -(-len(self._waiting) // max(1, len(self._children)))
            room = min(depth - len(child.queue), max(1, share))
            self._fill(child, room, failed)
        busy = sum(1 for child in self._children if not child.stopping and child.exit is None)
        missing = min(len(self._waiting), self._slots - busy)
        if missing > self._wanted:
            self._wanted = missing
            self._wake()
        return failed

    def _pace_of(self, attempt: Attempt) -> Pace:
        work = attempt.work
        key = work.reference or id(work.function or work)
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace()
        return pace

    def _freest(self, depth: int) -> ChildProcess | None:
        """The usable child with the shortest queue, if it is at most half full: full ones are filled in batches."""
        best: ChildProcess | None = None
        for child in self._children:
            if child.is_usable and not child.recalled and (best is None or len(child.queue) < len(best.queue)):
                best = child
        if best is None or len(best.queue) > (depth // 2 if depth > 1 and best.is_short else 0):
            return None
        return best

    def _fill(self, child: ChildProcess, room: int, failed: list[News]) -> None:
        batch = Batch(child.told, self._functions)
        now = time.monotonic()
        while room > 0 and self._waiting:
            job = self._waiting[0]
            if child.queue and job.pace.depth <= 1:
                break
            self._waiting.popleft()
            try:
                batch.add(job.serial, job.attempt)
            except NotPackable as problem:
                del self._jobs[job.key]
                trouble = Trouble("NotPackable", str(problem), retryable=False)
                failed.append(ended(job.attempt, FAILED, trouble))
                continue
            except BaseException as problem:
                del self._jobs[job.key]
                from engine.failures import trouble_of

                failed.append(ended(job.attempt, FAILED, trouble_of(problem)))
                continue
            if not child.queue:
                child.heard_at = now
            child.queue.append(job)
            room -= 1
            if child.queue[0] is job:
                self._begins(child, job, now)
        if len(batch):
            if child.write(batch.pieces()):
                self._wake()
            held = [job.serial for job in child.queue if job.held]
            if held:
                self._tell(child, (HOLD, held))

    def _begins(self, child: ChildProcess, job: Job, now: float) -> None:
        """The attempt is the first of its child's queue: its limit counts from here."""
        if job.attempt.work.timeout is not None:
            job.deadline = now + job.attempt.work.timeout
            if job.held:
                job.held_at = now
            if job.deadline < self._sleeps_until:
                self._wake()
        if job.canceled:
            self._ask_to_end(child, job, now)

    def _ask_to_end(self, child: ChildProcess, job: Job, now: float) -> None:
        job.kill_at = now + job.grace
        if job.held:
            self._release(job)
        if child.ready:
            child.signal(signal.SIGINT)

    def _look_by_itself(self, child: ChildProcess, now: float, news: list[News]) -> None:
        self._look(child, "clock", news)
        if len(child.queue) > 1 and not child.recalled and now - child.heard_at > STUCK:
            self._recall(child)

    def _recall(self, child: ChildProcess) -> None:
        """Something takes longer than expected: take back what queues behind it."""
        child.recalled = True
        self._tell(child, (RECALL, [job.serial for job in child.queue][1:]))
        if child.ready:
            child.signal(signal.SIGINT)

    def _returned(self, child: ChildProcess, serials: Sequence[int]) -> None:
        back = {int(serial) for serial in serials}
        jobs = [job for job in child.queue if job.serial in back]
        child.queue = deque(job for job in child.queue if job.serial not in back)
        self._waiting.extendleft(job for job in reversed(jobs))

    def _release(self, job: Job) -> None:
        if job.held:
            job.held = False
            if job.deadline is not None and job.held_at is not None:
                job.deadline += time.monotonic() - job.held_at
            if job.group:
                family.signal_group(job.group, signal.SIGCONT)

    def _those(self, keys: Sequence[Key]) -> Iterator[tuple[Job, ChildProcess | None]]:
        for key in keys:
            job = self._jobs.get(key)
            if job is not None:
                yield job, self._child_of(job)

    def _child_of(self, job: Job) -> ChildProcess | None:
        return next((child for child in self._children if job in child.queue), None)

    def _tell(self, child: ChildProcess, message: tuple[int, Any]) -> None:
        if child.send(message):
            self._wake()

    def _wake(self) -> None:
        if threading.get_ident() != self._loop_thread:
            with contextlib.suppress(BlockingIOError, OSError):
                os.write(self._wake_write, b"\0")

    # -- the thread -----------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self._loop_thread = threading.get_ident()
        events: list[tuple[selectors.SelectorKey, int]] = []
        while True:
            news: list[News] = []
            with self._lock:
                for key, mask in events:
                    self._attend(key, mask, news)
                self._tick(news)
                if self._waiting:
                    news.extend(self._dispatch())
                if self._wanted:
                    self._spawn_wanted(news)
                self._watch_writes()
                if self._closing is not None and not self._children:
                    break
                timeout = self._until_next()
            if news:
                self._report(news)
            events = self._selector.select(timeout)
        if news:
            self._report(news)

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
        self._sleeps_until = min(due, default=_NEVER)
        return max(0.0, self._sleeps_until - now) if due else None

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
        while self._wanted and self._closing is None:
            if self._nursery.living() >= self._slots:
                self._wanted = 0
                break
            self._wanted -= 1
            try:
                self._nursery.start()
            except OSError as problem:
                self._wanted = 0
                news.extend(self._cannot_start(f"{self._nursery.python} cannot be started: {problem}"))
                break
        news.extend(self._dispatch())

    def _cannot_start(self, why: str) -> list[News]:
        """Everything that waits fails: no child can be had."""
        failed: list[News] = []
        while self._waiting:
            job = self._waiting.popleft()
            self._jobs.pop(job.key, None)
            failed.append(ended(job.attempt, FAILED, Trouble("CannotStart", why, retryable=False)))
        return failed

    def _stop(self, child: ChildProcess) -> None:
        """Let an idle child end by itself; it is killed if it takes long."""
        self._tell(child, (STOP, None))
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
                self._jobs.pop(job.key, None)
                news.append(canceled(job.attempt))
            else:
                self._waiting.appendleft(job)
        if not child.ready and not child.stopping:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS or (child.exit or 0) >= 0:
                news.extend(self._cannot_start(self._nursery.why_not_started(child)))

    def _fell(self, child: ChildProcess, job: Job, kind: str, trouble: Trouble, news: list[News]) -> None:
        """The attempt that a child was at when it died."""
        self._nursery.clear_scratch(job)
        self._jobs.pop(job.key, None)
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
            self._returned(child, message[1])
            return
        if not child.queue or child.queue[0].serial != message[1]:
            return  # a thread that outlived its attempt
        job = child.queue[0]
        node, number = job.key
        if kind == PROGRESS:
            fraction = message[2]
            news.append(Progress(node, number, None if fraction is None else float(fraction), str(message[3])))
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
        self._is_over(child, quick_outcome(queue[0].attempt, seconds, value), news)

    def _heard_outcome(
        self, child: ChildProcess, message: Sequence[Any], parts: Sequence[bytes], news: list[News]
    ) -> None:
        if not child.queue or child.queue[0].serial != message[1]:
            raise ValueError("an outcome of an attempt that is not running")
        job = child.queue[0]
        outcome = outcome_of(job.attempt, message, parts)
        child.split_streams(int(message[8]), int(message[9]), news)
        self._is_over(child, outcome, news)

    def _is_over(self, child: ChildProcess, outcome: Outcome, news: list[News]) -> None:
        job = child.queue.popleft()
        child.heard_at = time.monotonic()
        child.recalled = False
        del self._jobs[job.key]
        pace = job.pace
        pace.saw(outcome.seconds)
        self._depth = pace.depth
        news.append(outcome)
        if child.queue:
            following = child.queue[0]
            if following.canceled or following.attempt.work.timeout is not None:
                self._begins(child, following, time.monotonic())

    def _free(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._selector.close()
                os.close(self._wake_read)
                os.close(self._wake_write)
