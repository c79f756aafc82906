"""Which attempt is where among the children: waiting, in a child's queue, over.

Very short attempts are sent several at a time, as many as take a few milliseconds together, judged by how long the same
function took before; all others one at a time. Nothing is read here and no process is started or ended: `children` does
that, and holds the pool's lock around every call.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.attempt import FAILED, Attempt, News, Outcome, Trouble
from engine.executors import family
from engine.executors.child import CANCEL, HOLD, RECALL, RESUME
from engine.executors.child_process import ChildProcess
from engine.executors.jobs import Job, Key, Pace, canceled, ended
from engine.executors.packing import Batch, Functions
from engine.payload import NotPackable


class Assignments:
    """Attempts that wait, and those in the queues of `children`.

    `wanted` is how many more children there should be, `depth` how many of the latest kind of attempt a child may have,
    `sleeps_until` until when the pool's thread means to sleep: `wake` is called where it has to look earlier.
    """

    def __init__(
        self, children: list[ChildProcess], functions: Functions, slots: int, wake: Callable[[], None]
    ) -> None:
        self.children = children
        self.slots = slots
        self.waiting: deque[Job] = deque()
        self.jobs: dict[Key, Job] = {}
        self.wanted = 0
        self.depth = 1
        self.sleeps_until = 0.0
        self._functions = functions
        self._wake = wake
        self._paces: dict[Any, Pace] = {}
        self._serial = 0

    def add(self, attempts: Sequence[Attempt]) -> list[News]:
        """Take these, and send what can be sent. Returns the outcomes of what cannot be sent at all."""
        for attempt in attempts:
            self._serial += 1
            job = Job(self._serial, attempt, self._pace_of(attempt))
            self.jobs[job.key] = job
            self.waiting.append(job)
        return self.dispatch()

    def cancel(self, keys: Sequence[Key], grace: float) -> list[News]:
        """End these: those that wait at once, those that run by asking. Returns the outcomes of those that waited."""
        news: list[News] = []
        now = time.monotonic()
        for key in keys:
            job = self.jobs.get(key)
            if job is None or job.canceled:
                continue
            job.canceled = True
            job.grace = grace
            child = self._child_of(job)
            if child is None:
                self.waiting.remove(job)
                del self.jobs[key]
                news.append(canceled(job.attempt))
                continue
            self.tell(child, (CANCEL, [job.serial]))
            if child.queue[0] is job:
                self.ask_to_end(child, job, now)
        return news

    def suspend(self, keys: Sequence[Key]) -> None:
        """Hold these; their limits stop meanwhile."""
        for job, child in self._those(keys):
            if not job.held:
                job.held, job.held_at = True, time.monotonic()
                if child is not None:
                    self.tell(child, (HOLD, [job.serial]))
                    if job.group:
                        family.signal_group(job.group, signal.SIGSTOP)

    def resume(self, keys: Sequence[Key]) -> None:
        """Let these go on."""
        for job, child in self._those(keys):
            self.release(job)
            if child is not None:
                self.tell(child, (RESUME, [job.serial]))

    def dispatch(self) -> list[News]:
        """Send what waits to children that have room. Returns the outcomes of what cannot be sent."""
        failed: list[News] = []
        while self.waiting:
            depth = self.waiting[0].pace.depth
            child = self._freest(depth)
            if child is None:
                break
            share = -(-len(self.waiting) // max(1, len(self.children)))
            room = min(depth - len(child.queue), max(1, share))
            self._fill(child, room, failed)
        busy = sum(1 for child in self.children if not child.stopping and child.exit is None)
        missing = min(len(self.waiting), self.slots - busy)
        if missing > self.wanted:
            self.wanted = missing
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
        for child in self.children:
            fit = child.is_usable and not child.recalled and not child.outdated
            if fit and (best is None or len(child.queue) < len(best.queue)):
                best = child
        if best is None or len(best.queue) > (depth // 2 if depth > 1 and best.is_short else 0):
            return None
        return best

    def _fill(self, child: ChildProcess, room: int, failed: list[News]) -> None:
        batch = Batch(child.told, self._functions)
        now = time.monotonic()
        while room > 0 and self.waiting:
            job = self.waiting[0]
            if child.queue and job.pace.depth <= 1:
                break
            self.waiting.popleft()
            try:
                batch.add(job.serial, job.attempt)
            except NotPackable as problem:
                del self.jobs[job.key]
                trouble = Trouble("NotPackable", str(problem), retryable=False)
                failed.append(ended(job.attempt, FAILED, trouble))
                continue
            except BaseException as problem:
                del self.jobs[job.key]
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
                self.tell(child, (HOLD, held))

    def _begins(self, child: ChildProcess, job: Job, now: float) -> None:
        """The attempt is the first of its child's queue: its limit counts from here."""
        if job.attempt.work.timeout is not None:
            job.deadline = now + job.attempt.work.timeout
            if job.held:
                job.held_at = now
            if job.deadline < self.sleeps_until:
                self._wake()
        if job.canceled:
            self.ask_to_end(child, job, now)

    def ask_to_end(self, child: ChildProcess, job: Job, now: float) -> None:
        """Interrupt the attempt that runs; `kill_at` says until when that is waited for."""
        job.kill_at = now + job.grace
        if job.held:
            self.release(job)
        if child.ready:
            child.signal(signal.SIGINT)

    def recall(self, child: ChildProcess) -> None:
        """Something takes longer than expected: take back what queues behind it."""
        child.recalled = True
        self.tell(child, (RECALL, [job.serial for job in child.queue][1:]))
        if child.ready:
            child.signal(signal.SIGINT)

    def returned(self, child: ChildProcess, serials: Sequence[int]) -> None:
        """What a child has given back waits again."""
        back = {int(serial) for serial in serials}
        jobs = [job for job in child.queue if job.serial in back]
        child.queue = deque(job for job in child.queue if job.serial not in back)
        self.waiting.extendleft(job for job in reversed(jobs))

    def release(self, job: Job) -> None:
        """Hold an attempt no longer; its limit goes on from where it stopped."""
        if job.held:
            job.held = False
            if job.deadline is not None and job.held_at is not None:
                job.deadline += time.monotonic() - job.held_at
            if job.group:
                family.signal_group(job.group, signal.SIGCONT)

    def _those(self, keys: Sequence[Key]) -> Iterator[tuple[Job, ChildProcess | None]]:
        for key in keys:
            job = self.jobs.get(key)
            if job is not None:
                yield job, self._child_of(job)

    def _child_of(self, job: Job) -> ChildProcess | None:
        return next((child for child in self.children if job in child.queue), None)

    def tell(self, child: ChildProcess, message: tuple[int, Any]) -> None:
        """Send a message, now or when there is room in its pipe."""
        if child.send(message):
            self._wake()

    def is_over(self, child: ChildProcess, outcome: Outcome, news: list[News]) -> None:
        """The first of a child's queue has ended, and the next one begins."""
        job = child.queue.popleft()
        child.heard_at = time.monotonic()
        child.recalled = False
        del self.jobs[job.key]
        job.pace.saw(outcome.seconds)
        self.depth = job.pace.depth
        news.append(outcome)
        if child.queue:
            following = child.queue[0]
            if following.canceled or following.attempt.work.timeout is not None:
                self._begins(child, following, time.monotonic())

    def fail_all(self, trouble: Trouble) -> list[News]:
        """Everything that waits fails."""
        failed: list[News] = []
        while self.waiting:
            job = self.waiting.popleft()
            self.jobs.pop(job.key, None)
            failed.append(ended(job.attempt, FAILED, trouble))
        return failed
