"""Ending, holding and limiting attempts that run in threads of this process.

Python code is interrupted by an exception raised inside its thread (`TaskCanceled`), which it notices at its next
bytecode; code that waits inside C notices late or never. Programs are stopped and ended through their process group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence

from engine.attempt import Attempt
from engine.context import TaskCanceled

Key = tuple[int, int]


class Watch:
    """One running attempt: its thread, and what has been asked of it."""

    __slots__ = ("canceled", "go_on", "group", "over", "thread", "timed_out", "timer")

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.canceled = False
        self.timed_out = False
        self.over = False
        self.group = 0
        self.go_on: threading.Event | None = None
        self.timer: threading.Timer | None = None


class Interrupts:
    """All running attempts of an executor. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Key, Watch] = {}
        self._held: set[Key] = set()

    @contextlib.contextmanager
    def running(
        self, attempt: Attempt, thread: int, limit: float | None, late: Callable[[Attempt], None] | None = None
    ) -> Iterator[Watch]:
        """While the attempt runs in `thread`; after `limit` seconds it is interrupted, `timed_out` is set, `late` told."""
        key = (attempt.node, attempt.number)
        watch = Watch(thread)
        with self._lock:
            self._running[key] = watch
            if key in self._held:
                watch.go_on = threading.Event()
        if limit is not None:
            watch.timer = threading.Timer(limit, self._limit_passed, (watch, attempt, late))
            watch.timer.daemon = True
            watch.timer.start()
        try:
            yield watch
        finally:
            with self._lock:
                watch.over = True
                self._running.pop(key, None)
                self._held.discard(key)
            if watch.timer is not None:
                watch.timer.cancel()
            _take_back(watch)

    def cancel(self, attempts: Sequence[Key]) -> None:
        """Interrupt those of them that run."""
        with self._lock:
            for key in attempts:
                watch = self._running.get(key)
                if watch is not None and not watch.canceled:
                    watch.canceled = True
                    _interrupt(watch)

    def suspend(self, attempts: Sequence[Key]) -> None:
        """Hold them at their next checkpoint; stop their programs."""
        with self._lock:
            for key in attempts:
                self._held.add(key)
                watch = self._running.get(key)
                if watch is not None:
                    watch.go_on = watch.go_on or threading.Event()
                    _signal(watch, signal.SIGSTOP)

    def resume(self, attempts: Sequence[Key]) -> None:
        """Let them go on."""
        with self._lock:
            for key in attempts:
                self._held.discard(key)
                watch = self._running.get(key)
                if watch is not None and watch.go_on is not None:
                    watch.go_on.set()
                    watch.go_on = None
                    _signal(watch, signal.SIGCONT)

    def pause_point(self, attempt: Attempt) -> None:
        """`ctx.checkpoint()`: waits while the attempt is held, raises TaskCanceled if it is canceled."""
        watch = self._running.get((attempt.node, attempt.number))
        while watch is not None:
            if watch.canceled:
                raise TaskCanceled
            waits_for = watch.go_on
            if waits_for is None:
                return
            waits_for.wait()

    def program_started(self, attempt: Attempt, group: int) -> None:
        """A program of the attempt runs in this process group."""
        with self._lock:
            watch = self._running.get((attempt.node, attempt.number))
            if watch is not None:
                watch.group = group
                if watch.go_on is not None:
                    _signal(watch, signal.SIGSTOP)

    def program_ended(self, attempt: Attempt, _: int) -> None:
        """The program is gone."""
        with self._lock:
            watch = self._running.get((attempt.node, attempt.number))
            if watch is not None:
                watch.group = 0

    def is_canceled(self, attempt: Attempt) -> bool:
        """Whether somebody asked for its end."""
        watch = self._running.get((attempt.node, attempt.number))
        return watch is not None and watch.canceled

    def close(self) -> None:
        """Interrupt everything."""
        self.cancel(list(self._running))

    def _limit_passed(self, watch: Watch, attempt: Attempt, late: Callable[[Attempt], None] | None) -> None:
        with self._lock:
            if watch.over:
                return
            watch.timed_out = watch.canceled = True
            _interrupt(watch)
        if late is not None:
            late(attempt)


def raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in a thread at its next bytecode; None takes back what has not been raised yet."""
    import ctypes  # late: most runs interrupt nothing

    what = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def _interrupt(watch: Watch) -> None:
    _signal(watch, signal.SIGCONT)
    if watch.go_on is not None:
        watch.go_on.set()
        watch.go_on = None
    raise_in(watch.thread, TaskCanceled)


def _take_back(watch: Watch) -> None:
    """An interrupt that came too late must not hit whatever the thread does next."""
    if watch.canceled:
        with contextlib.suppress(TaskCanceled):
            raise_in(watch.thread, None)


def _signal(watch: Watch, number: signal.Signals) -> None:
    if watch.group:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(watch.group, number)
