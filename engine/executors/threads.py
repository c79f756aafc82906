"""Attempts in threads of this process, and `async def` tasks on one event loop: the default of workflows in Python.

Nothing has to be packed, and threads share the interpreter lock: good for tasks that wait, and for numeric packages that
let the lock go. What tasks print is gathered per attempt, as everywhere; `echo` lets it through to the terminal as well.

The thread that ends an attempt asks the run for what may start now, and goes on with that (`lend`): handing each node
from one thread to another would cost many times what the node costs.

A thread cannot be killed. A canceled task, or one past its limit, gets an exception at its next bytecode. If it has not
noticed after the grace (it waits inside C), its outcome is reported all the same, says so, and another thread takes its
place; the old one ends whenever it does.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.attempt import FAILED, Attempt, News, Outcome
from engine.call import prepare
from engine.context import Place, TaskCanceled
from engine.executors import imports
from engine.executors.contract import Report, Turn, Workplace
from engine.executors.endings import canceled, ended, timed_out
from engine.executors.interrupt import Interrupts
from engine.executors.prints import Prints
from engine.executors.sources import Sources
from engine.executors.workers import Key, Worker, Workers
from engine.failures import trouble_of
from engine.performer import perform, perform_call

if TYPE_CHECKING:
    from engine.executors.coroutines import Coroutines

PER_SLOT = 16
"""Short attempts that may queue here for each slot."""
SHORT = 0.001
"""Seconds; attempts that take longer on average do not queue here. Nobody's outcome waits longer for a turn either."""
ADVICE = '; its thread cannot be stopped and still runs: use executor = "processes" for tasks that must be killable'


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
        self._sources: Sources | None = None
        self._report: Report = _tell_nobody
        self._leave: Report = _tell_nobody
        self._turn: Turn = _tell_nobody
        self._place = Place()
        self._interrupts = Interrupts()
        self._prints = Prints()
        self._workers = Workers(self._work)
        self._unwanted: set[Key] = set()
        self._coroutines: Coroutines | None = None
        self._slots = self._few = self._room = 1
        self._mean = 1.0
        self._short = False
        self._late: list[_Late] = []
        self._watch: threading.Thread | None = None
        self._changed = threading.Condition(self._workers.lock)

    # -- the contract ---------------------------------------------------------------------------------------------

    def open(self, workplace: Workplace, report: Report) -> None:
        """Get ready: the project's folder becomes importable. Threads start when they are needed."""
        self._workplace, self._report, self._leave, self._turn = workplace, report, report, report
        self._slots = self._few = self._room = max(1, workplace.slots)
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
        self._sources = Sources(str(workplace.folder))
        self._prints.open(report, echo=self.echo)

    def lend(self, leave: Report, turn: Turn) -> None:
        """Let the threads turn the run's loop."""
        self._leave, self._turn = leave, turn

    def capacity(self) -> int:
        """The slots; more while attempts are very short."""
        return self._room

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Queue these; a thread takes each when it is free."""
        workers, unwanted = self._workers, self._unwanted
        if workers.closed:
            self._report([canceled(attempt) for attempt in attempts])
            return
        self._prints.route()
        if unwanted:
            unwanted.difference_update((attempt.node, attempt.number) for attempt in attempts)
        workers.add(attempts, self._slots)

    def cancel(self, attempts: Sequence[Key], grace: float = 5.0) -> None:
        """End these: those that wait at once, those that run by an exception inside them."""
        self._place.grace = grace
        news: list[News] = []
        for key in attempts:
            waiting = self._workers.withdraw(key)
            if waiting is not None:
                news.append(canceled(waiting))
            else:
                self._cancel_running(key, grace)
        if news:
            self._report(news)

    def suspend(self, attempts: Sequence[Key]) -> None:
        """Hold these at their next `ctx.checkpoint()`; programs are stopped."""
        self._interrupts.suspend(attempts)

    def resume(self, attempts: Sequence[Key]) -> None:
        """Let suspended attempts go on."""
        self._interrupts.resume(attempts)

    def renew(self) -> None:
        """Import the project's modules anew from now on, if a Python file of it was changed."""
        if self._workplace is not None and self._sources is not None and self._sources.have_changed():
            imports.renew(self._workplace.folder)

    def close(self, grace: float = 5.0) -> None:
        """Cancel what still runs and wait for it, at most the grace; threads end, the loop too."""
        workers = self._workers
        with workers.lock:
            if workers.closed:
                return
            workers.closed = True
        waiting = [(attempt.node, attempt.number) for attempt in list(workers.orders)]
        running = self._coroutines.keys() if self._coroutines is not None else []
        self.cancel([*waiting, *workers.keys(), *running], grace)
        until = time.monotonic() + grace + 2.0
        workers.close(lambda: until - time.monotonic())
        if self._coroutines is not None:
            while len(self._coroutines) and time.monotonic() < until:
                time.sleep(0.005)
            self._coroutines.stop()
        with self._changed:
            self._changed.notify_all()
        if self._watch is not None:
            self._watch.join(1.0)
        self._prints.close()
        if self._workplace is not None:
            imports.leave(self._workplace.folder)

    # -- a thread -------------------------------------------------------------------------------------------------

    def _work(self, worker: Worker) -> None:
        """The life of a thread. Whatever is not needed by a call that prints nothing and ends well happens elsewhere."""
        workers, orders, unwanted = self._workers, self._workers.orders, self._unwanted
        printer = self._prints.printer()
        given: Attempt | None = None
        while True:
            if given is not None:
                attempt = given
            else:
                try:
                    attempt = orders.popleft()
                except IndexError:
                    if workers.rest(worker):
                        continue
                    return
            worker.attempt = printer.attempt = attempt
            outcome: Outcome | None = None
            try:
                work = attempt.work
                if unwanted and (attempt.node, attempt.number) in unwanted:
                    outcome = canceled(attempt)
                elif work.plain and work.is_async is False and attempt._extra is None:
                    outcome = perform_call(attempt)
                else:
                    outcome = self._attend(attempt)
                    if outcome is None:  # it goes on in the event loop
                        worker.attempt = printer.attempt = given = None
                        continue
                worker.attempt = None
            except TaskCanceled:  # it came a moment before the beginning or after the end
                worker.attempt = None
                outcome = outcome or canceled(attempt)
            if worker.wanted is not None:
                workers.settle(worker)
                if worker.lost:  # nobody waited any longer; another thread took our place
                    return
            printer.attempt = None
            news = (outcome,) if not printer.used else (*printer.take(attempt), outcome)
            if outcome.seconds > SHORT or not self._short:
                self._weigh(outcome.seconds)
                given = self._turn(news)
            elif len(orders) < self._few:
                given = self._turn(news)
            else:
                self._leave(news)
                given = None

    def _weigh(self, seconds: float) -> None:
        """Let attempts queue here while they are short, and only then."""
        self._mean += (seconds - self._mean) * 0.1
        self._short = self._mean < SHORT
        self._room = self._slots * PER_SLOT if self._short else self._slots
        self._few = max(self._slots, self._room // 2)

    def _attend(self, attempt: Attempt) -> Outcome | None:
        """An attempt that is more than a call. None: it goes on elsewhere."""
        work = attempt.work
        if work.is_async is None:
            try:
                work.is_async = work.kind == "task" and inspect.iscoroutinefunction(prepare(work)[0])
            except TaskCanceled:
                raise
            except BaseException as problem:
                return ended(attempt, FAILED, trouble_of(problem))
        if work.is_async:
            self._begin_coroutine(attempt)
            return None
        return perform_call(attempt) if work.plain and attempt._extra is None else self._perform_watched(attempt)

    def _perform_watched(self, attempt: Attempt) -> Outcome:
        limit = attempt.work.timeout
        outcome: Outcome | None = None
        try:
            with self._interrupts.running(attempt, threading.get_ident(), limit, self._limit_passed) as watch:
                # A cancel that came before `running` knew of the attempt has left word here.
                unwanted = (attempt.node, attempt.number) in self._unwanted
                outcome = canceled(attempt) if unwanted else perform(attempt, self._place)
        except BaseException:
            if outcome is None:
                outcome = canceled(attempt)
        if watch.timed_out and limit is not None:
            seconds, outcome = outcome.seconds, timed_out(attempt, limit)
            outcome.seconds = seconds
        return outcome

    def _begin_coroutine(self, attempt: Attempt) -> None:
        with self._workers.lock:
            if self._coroutines is None:
                from engine.executors.coroutines import Coroutines

                self._coroutines = Coroutines(self._place, self._prints, self._coroutine_ended)
            self._coroutines.begin(attempt)

    def _coroutine_ended(self, outcome: Outcome) -> None:
        attempt = self._turn((outcome,))
        if attempt is not None:
            self._workers.add((attempt,), self._slots)

    # -- attempts that do not end ---------------------------------------------------------------------------------

    def _cancel_running(self, key: Key, grace: float) -> None:
        """Interrupt an attempt that was taken; what a thread has taken and not begun is not begun."""
        self._unwanted.add(key)
        with self._workers.lock:
            attempt = self._coroutines.find(key) if self._coroutines is not None else None
            if attempt is not None and self._coroutines is not None:
                self._coroutines.cancel(key)
            elif (worker := self._workers.find(key)) is not None and worker.attempt is not None:
                attempt = worker.attempt
                call = attempt.work.plain and attempt._extra is None
                if not self._workers.interrupt(worker, attempt, raising=call):
                    return
                self._interrupts.cancel([key])
            if attempt is not None:
                self._expect_end(attempt, grace + 1.0, None)

    def _limit_passed(self, attempt: Attempt) -> None:
        with self._workers.lock:
            worker = self._workers.find((attempt.node, attempt.number))
            if worker is not None and self._workers.interrupt(worker, attempt, raising=False):
                self._expect_end(attempt, 5.0, attempt.work.timeout)

    def _expect_end(self, attempt: Attempt, within: float, limit: float | None) -> None:
        self._late.append(_Late(attempt, time.monotonic() + within, limit))
        if self._watch is None:
            self._watch = threading.Thread(target=self._watch_late, name="flowloom-late", daemon=True)
            self._watch.start()
        self._changed.notify_all()

    def _watch_late(self) -> None:
        while True:
            given_up: list[Outcome] = []
            with self._workers.lock:
                now = time.monotonic()
                self._late = [late for late in self._late if self._still_runs(late.attempt)]
                for late in [late for late in self._late if late.due <= now]:
                    self._late.remove(late)
                    if self._give_up(late.attempt):
                        given_up.append(_abandoned(late))
                if not given_up:
                    if self._workers.closed and not self._late:
                        return
                    self._changed.wait(min((late.due - now for late in self._late), default=None))
                    continue
            self._report(given_up)

    def _still_runs(self, attempt: Attempt) -> bool:
        key = attempt.node, attempt.number
        worker = self._workers.find(key)
        if worker is not None and worker.attempt is attempt:
            return True
        return self._coroutines is not None and self._coroutines.find(key) is attempt

    def _give_up(self, attempt: Attempt) -> bool:
        worker = self._workers.find((attempt.node, attempt.number))
        if worker is not None:
            return self._workers.give_up(worker, attempt)
        return self._coroutines is not None and self._coroutines.give_up(attempt)


def _abandoned(late: _Late) -> Outcome:
    return canceled(late.attempt, ADVICE) if late.limit is None else timed_out(late.attempt, late.limit, ADVICE)


def _tell_nobody(_: Sequence[News]) -> None:
    pass
