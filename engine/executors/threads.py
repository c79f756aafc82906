"""Attempts in threads of this process, and `async def` tasks on one event loop: the default of workflows in Python.

Nothing has to be packed, and threads share the interpreter lock: good for tasks that wait, and for numeric packages that
let the lock go. What tasks print is gathered per attempt, as everywhere; `echo` lets it through to the terminal as well.

A thread cannot be killed. A canceled task, or one past its limit, gets an exception at its next bytecode. If it has not
noticed after the grace (it waits inside C), its outcome is reported all the same, says so, and another thread takes its
place; the old one ends whenever it does.
"""

from __future__ import annotations

import inspect
import queue
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from engine.attempt import CANCELED, COMPLETED, FAILED, TIMED_OUT, Attempt, News, Outcome, Trouble
from engine.call import arguments_of, opened_variables, prepare
from engine.context import Place, WorkflowContext, remove_scratch
from engine.executors import imports
from engine.executors.contract import Report, Workplace
from engine.executors.interrupt import Interrupts
from engine.executors.prints import Prints
from engine.failures import trouble_of
from engine.performer import perform

if TYPE_CHECKING:
    import asyncio

Key = tuple[int, int]
PER_SLOT = 16
"""Short attempts that may queue here for each slot."""
SHORT = 0.001
"""Seconds; attempts that take longer on average do not queue here."""


class _Loop:
    """One event loop in a thread of its own, started at the first `async def` task."""

    def __init__(self) -> None:
        import asyncio

        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="flowloom-async", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        import asyncio

        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Let it run."""
        import asyncio

        asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def stop(self) -> None:
        """End the loop; its tasks were canceled before."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5.0)


class _Late:
    """An attempt that was asked to end, and the moment at which nobody waits for it any longer."""

    __slots__ = ("attempt", "due", "limit")

    def __init__(self, attempt: Attempt, due: float, limit: float | None) -> None:
        self.attempt = attempt
        self.due = due
        self.limit = limit


class ThreadsExecutor:
    """A pool of threads, one per slot, and one event loop. See the module's text."""

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self._workplace: Workplace | None = None
        self._report: Report = lambda _: None
        self._place = Place()
        self._interrupts = Interrupts()
        self._prints = Prints()
        self._orders: queue.SimpleQueue[Attempt | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: dict[Key, Attempt] = {}
        self._waiting: set[Key] = set()
        self._unwanted: set[Key] = set()
        self._async: dict[Key, asyncio.Task[None]] = {}
        self._loop: _Loop | None = None
        self._threads: set[threading.Thread] = set()
        self._busy: dict[Key, threading.Thread] = {}
        self._idle = 0
        self._slots = 1
        self._mean = 1.0
        self._late: list[_Late] = []
        self._watch: threading.Thread | None = None
        self._watched = threading.Condition(self._lock)
        self._closed = False

    # -- the contract ---------------------------------------------------------------------------------------------

    def open(self, workplace: Workplace, report: Report) -> None:
        """Get ready: the project's folder becomes importable. Threads start when they are needed."""
        self._workplace, self._report = workplace, report
        self._slots = max(1, workplace.slots)
        self._place = Place(
            folder=str(workplace.folder),
            run=workplace.run,
            scratch=str(workplace.state / "scratch"),
            tell=report,
            pause_point=self._interrupts.pause_point,
        )
        self._place.started = self._interrupts.program_started
        self._place.ended = self._interrupts.program_ended
        imports.enter(workplace.folder)
        self._prints.open(report, echo=self.echo)

    def capacity(self) -> int:
        """The slots; more while attempts are very short."""
        return self._slots * (PER_SLOT if self._mean < SHORT else 1)

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Queue these; a thread takes each when it is free."""
        with self._lock:
            if self._closed:
                refused: list[News] = [_canceled(attempt) for attempt in attempts]
            else:
                refused = []
                for attempt in attempts:
                    key = (attempt.node, attempt.number)
                    self._open[key] = attempt
                    self._waiting.add(key)
                    self._orders.put(attempt)
                missing = min(len(self._waiting) - self._idle, self._slots - len(self._threads))
                for _ in range(missing):
                    self._add_thread()
        if refused:
            self._report(refused)

    def cancel(self, attempts: Sequence[Key], grace: float = 5.0) -> None:
        """End these: those that wait at once, those that run by an exception inside them."""
        news: list[News] = []
        with self._lock:
            self._place.grace = grace
            for key in attempts:
                attempt = self._open.get(key)
                if attempt is None:
                    continue
                if key in self._waiting:
                    self._waiting.discard(key)
                    self._unwanted.add(key)
                    del self._open[key]
                    news.append(_canceled(attempt))
                else:
                    self._expect_end(attempt, grace + 1.0, None)
            tasks = [self._async[key] for key in attempts if key in self._async]
        self._interrupts.cancel([key for key in attempts if key not in self._async])
        if self._loop is not None:
            for task in tasks:
                self._loop.loop.call_soon_threadsafe(task.cancel)
        if news:
            self._report(news)

    def suspend(self, attempts: Sequence[Key]) -> None:
        """Hold these at their next `ctx.checkpoint()`; programs are stopped."""
        self._interrupts.suspend(attempts)

    def resume(self, attempts: Sequence[Key]) -> None:
        """Let suspended attempts go on."""
        self._interrupts.resume(attempts)

    def close(self, grace: float = 5.0) -> None:
        """Cancel what still runs and wait for it, at most the grace; threads end, the loop too."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            running = list(self._open)
        self.cancel(running, grace)
        until = time.monotonic() + grace + 2.0
        with self._lock:
            threads = list(self._threads)
            while self._open and time.monotonic() < until:
                self._watched.wait(0.05)
        for _ in threads:
            self._orders.put(None)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        if self._loop is not None:
            self._loop.stop()
        with self._lock:
            self._watched.notify_all()
        if self._watch is not None:
            self._watch.join(1.0)
        self._prints.close()
        if self._workplace is not None:
            imports.leave(self._workplace.folder)

    # -- threads --------------------------------------------------------------------------------------------------

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._work, name="flowloom-task", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            attempt = self._orders.get()
            with self._lock:
                self._idle -= 1
                if attempt is None or threading.current_thread() not in self._threads:
                    self._threads.discard(threading.current_thread())
                    return
                key = (attempt.node, attempt.number)
                self._waiting.discard(key)
                if key in self._unwanted:
                    self._unwanted.discard(key)
                    continue
                self._busy[key] = threading.current_thread()
            self._attend(attempt, key)

    def _attend(self, attempt: Attempt, key: Key) -> None:
        function = attempt.work.function
        if attempt.work.kind == "task":
            try:
                function, _ = prepare(attempt.work)
            except BaseException as problem:
                self._over(key, _outcome(attempt, FAILED, trouble_of(problem)))
                return
            if inspect.iscoroutinefunction(function):
                self._begin_async(attempt, key)
                return
        with self._prints.of(attempt):
            outcome = self._perform(attempt)
        self._over(key, outcome)

    def _perform(self, attempt: Attempt) -> Outcome:
        limit = attempt.work.timeout
        outcome: Outcome | None = None
        try:
            with self._interrupts.running(attempt, threading.get_ident(), limit, self._limit_passed) as watch:
                outcome = perform(attempt, self._place)
        except BaseException:
            if outcome is None:
                outcome = _canceled(attempt)
        if watch.timed_out and limit is not None:
            return _timed_out(attempt, outcome.seconds, limit)
        return outcome

    def _limit_passed(self, attempt: Attempt) -> None:
        with self._lock:
            if (attempt.node, attempt.number) in self._open:
                self._expect_end(attempt, 5.0, attempt.work.timeout)

    def _over(self, key: Key, outcome: Outcome) -> None:
        with self._lock:
            self._busy.pop(key, None)
            if self._open.pop(key, None) is None:
                return  # nobody waited any longer; another thread took our place
            self._mean += (outcome.seconds - self._mean) * 0.1
            self._watched.notify_all()
        self._report((outcome,))

    # -- attempts that do not end ---------------------------------------------------------------------------------

    def _expect_end(self, attempt: Attempt, within: float, limit: float | None) -> None:
        self._late.append(_Late(attempt, time.monotonic() + within, limit))
        if self._watch is None:
            self._watch = threading.Thread(target=self._watch_late, name="flowloom-late", daemon=True)
            self._watch.start()
        self._watched.notify_all()

    def _watch_late(self) -> None:
        while True:
            given_up: list[Outcome] = []
            with self._lock:
                now = time.monotonic()
                self._late = [late for late in self._late if self._open.get(_key(late.attempt)) is late.attempt]
                for late in [late for late in self._late if late.due <= now]:
                    self._late.remove(late)
                    del self._open[_key(late.attempt)]
                    given_up.append(_abandoned(late))
                    self._give_up(_key(late.attempt))
                if not given_up:
                    if self._closed and not self._late:
                        return
                    self._watched.wait(min((late.due - now for late in self._late), default=None))
                    continue
                self._watched.notify_all()
            self._report(given_up)

    def _give_up(self, key: Key) -> None:
        """A thread is lost to a task that does not end: it is not waited for, and another takes its slot."""
        lost = self._busy.pop(key, None)
        if lost is not None:
            self._threads.discard(lost)
            if not self._closed:
                self._add_thread()

    # -- async def ------------------------------------------------------------------------------------------------

    def _begin_async(self, attempt: Attempt, key: Key) -> None:
        with self._lock:
            if self._loop is None:
                self._loop = _Loop()
        self._loop.begin(self._perform_async(attempt, key))

    async def _perform_async(self, attempt: Attempt, key: Key) -> None:
        import asyncio

        task = asyncio.current_task()
        assert task is not None
        with self._lock:
            self._async[key] = task
        context: WorkflowContext | None = None
        limit = attempt.work.timeout
        began = time.perf_counter()
        try:
            function, wants = prepare(attempt.work)
            args, kwargs = arguments_of(attempt)
            if wants:
                context = kwargs["ctx"] = WorkflowContext(attempt, self._place, opened_variables(attempt))
            with self._prints.of(attempt):
                value = await asyncio.wait_for(function(*args, **kwargs), limit)
            outcome = Outcome(*key, COMPLETED, value, time.perf_counter() - began)
            if context is not None and context.variables.writes:
                outcome.writes = context.variables.writes
        except asyncio.CancelledError:
            outcome = _canceled(attempt)
        except TimeoutError as problem:
            spent = time.perf_counter() - began
            if limit is not None and spent >= limit:
                outcome = _timed_out(attempt, spent, limit)
            else:
                outcome = _outcome(attempt, FAILED, trouble_of(problem))
        except BaseException as problem:
            outcome = _outcome(attempt, FAILED, trouble_of(problem))
            outcome.seconds = time.perf_counter() - began
        if context is not None:
            context.tell_rest()
            if context.texts:
                outcome.metrics = dict(context.texts)
            if context.made_scratch is not None:
                remove_scratch(context.made_scratch)
        if attempt.epoch:
            outcome.epoch = attempt.epoch
        with self._lock:
            self._async.pop(key, None)
        self._over(key, outcome)


def _key(attempt: Attempt) -> Key:
    return attempt.node, attempt.number


def _outcome(attempt: Attempt, kind: str, trouble: Trouble) -> Outcome:
    outcome = Outcome(attempt.node, attempt.number, kind, error=trouble)
    if attempt.epoch:
        outcome.epoch = attempt.epoch
    return outcome


def _canceled(attempt: Attempt) -> Outcome:
    return _outcome(attempt, CANCELED, Trouble("Canceled", "canceled"))


def _timed_out(attempt: Attempt, seconds: float, limit: float) -> Outcome:
    trouble = Trouble("TimedOut", f"it ran longer than its limit of {limit:g} s", lineage=("TimeoutError",))
    outcome = _outcome(attempt, TIMED_OUT, trouble)
    outcome.seconds = seconds
    return outcome


def _abandoned(late: _Late) -> Outcome:
    advice = 'its thread cannot be stopped and still runs: use executor = "processes" for tasks that must be killable'
    if late.limit is None:
        return _outcome(late.attempt, CANCELED, Trouble("Canceled", f"canceled; {advice}"))
    text = f"it ran longer than its limit of {late.limit:g} s; {advice}"
    return _outcome(late.attempt, TIMED_OUT, Trouble("TimedOut", text, lineage=("TimeoutError",)))
