"""The engine's only loop: inbox -> exchange -> journal -> feed -> executors.

`Run` is one run of one plan. It is driven (`drive`) in a thread of the caller's choice; everybody else leaves news or
requests in the inbox and reads. Only who holds the machine touches the state: the driver, or a thread of an executor that
has just ended an attempt (`turn`). The machine is never waited for. Who does not get it goes on with other work, and who
has it looks at the inbox again after letting go: so nothing that was left before is overlooked, and no thread has to be
woken to hand a node on. The driver looks by itself at timers, requests and what is to be published.

What is acknowledged (the end of the run, an accepted pause or cancel) waits for the commit that covers it; starting a
node does not. While nothing can be recorded, nothing new starts.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import get_ident
from typing import Any

from engine.attempt import CANCELED, Attempt, LogLines, News, Outcome, Progress, Trouble
from engine.errors import NotReady, WorkflowError
from engine.executors.contract import Executor, Fleet, Workplace
from engine.frames import Pause
from engine.machine import decisions, events
from engine.machine.decisions import Request
from engine.machine.requests import Answer, Cancel, CancelNode
from engine.machine.state import CANCELING, RUNNING, RunState
from engine.performer import perform_call
from engine.plan import Plan
from engine.runner import publisher as publishing
from engine.runner.exchange import Exchange
from engine.runner.inbox import Asked, Inbox, Piece
from engine.runner.publisher import TURN, LogKeeper, Publisher, Recorder, Witness
from engine.runner.stations import Stations
from engine.steering import ErrorHandler, WorkflowScheduler

LOOK = 0.010
"""Seconds between two looks of the driver while others turn the loop."""
FILE_LOOK = 0.25
"""Seconds between looks for a file that a node waits for."""


class Run:
    """One run of a plan. Build it, `drive()` it in some thread; watch it by `feed` and `state`; steer it by `ask`."""

    def __init__(
        self,
        plan: Plan,
        executors: Mapping[str, Executor],
        *,
        workplace: Workplace,
        journal: Recorder | None = None,
        logs: LogKeeper | None = None,
        witness: Witness | None = None,
        scheduler: WorkflowScheduler | None = None,
        error_handler: ErrorHandler | None = None,
        make_executor: Callable[[str], Executor] | None = None,
        opening: Callable[[float], Iterable[events.Event]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.plan = plan
        self.state = RunState(plan)
        self._clock = clock
        self._zero = clock()
        self._workplace = workplace
        self._opening = opening
        self._inbox = Inbox()
        self._stations = Stations(plan, executors, self.state, make_executor)
        self._publisher = Publisher(self.state, journal=journal, logs=logs, witness=witness)
        self._exchange = Exchange(
            self.state,
            self._stations,
            self._publisher,
            scheduler=scheduler,
            error_handler=error_handler,
            chance=chance,
        )
        self.feed = self._publisher.feed
        self._driver: int | None = None
        self._machine = threading.Lock()
        self._holder: int | None = None
        self._turned = -LOOK
        self._needed = False
        self._left = False  # the driver is ending the executors: nothing more is decided
        self._problem: BaseException | None = None
        self._local: deque[Attempt] = deque()
        self._over = threading.Event()

    # -- for everybody: any thread ---------------------------------------------------------------------------------

    @property
    def fleets(self) -> list[Fleet]:
        """The executors of this run that have agents."""
        return [station.executor for station in self._stations.all if isinstance(station.executor, Fleet)]

    @property
    def trouble(self) -> str | None:
        """Why nothing can be recorded just now; None while all is well."""
        return self._publisher.trouble

    def report(self, news: Sequence[News]) -> None:
        """Take news from an executor."""
        self._inbox.report(news)

    def ask(self, request: Request, wait: float | None = 30.0) -> bool:
        """Ask for something; returns when the answer is recorded: False if the run had ended before it was heard.

        Raises NotReady where the state forbids it.
        """
        if self._over.is_set():
            decisions.asked(self.state, request, self.now())
            return False
        asked = Asked(request)
        me = get_ident()
        if me == self._holder:  # an observer asks: answer at once, or we would wait for ourselves
            self._exchange.answer(asked, self.now())
        elif me == self._driver:  # so does a task that runs in the driver's thread
            with self._machine:
                self._exchange.answer(asked, self.now())
        else:
            self._inbox.ask(asked)
            if isinstance(request, Cancel | CancelNode):
                self._interrupt(getattr(request, "node", None))
            if wait is None:
                return True
            self._await(asked, wait)
        if asked.error is not None:
            raise asked.error
        return not asked.missed

    def _interrupt(self, only: int | None = None) -> None:
        """End what keeps the loop in its own thread, so that it can hear why; from any other thread.

        A plain function without `ctx` and without a limit is not watched, and goes on to its end.
        """
        state = self.state
        if self._driver is not None and self._stations.work_in_place():
            running = [node for node, code in enumerate(state.states) if code == RUNNING and only in (None, node)]
            self._stations.cancel([(node, state.attempts[node]) for node in running], in_place=True)

    def _await(self, asked: Asked, wait: float) -> None:
        until = time.monotonic() + wait
        while not asked.answered.wait(0.05):
            if self._over.is_set():  # the loop has gone, and may have missed it
                if not asked.answered.is_set():
                    with contextlib.suppress(ValueError):
                        self._inbox.pieces.remove(asked)
                    decisions.asked(self.state, asked.request, self.now())
                    asked.missed = True
                return
            if time.monotonic() > until:
                raise NotReady("the engine is busy and did not answer; the request stands")

    def now(self) -> float:
        """Seconds since the run was built."""
        return self._clock() - self._zero

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over and recorded; False if the time passed first."""
        return self._over.wait(timeout)

    # -- the loop ------------------------------------------------------------------------------------------------------

    def go_on(self, request: Request, journal: Recorder | None, logs: LogKeeper | None) -> None:
        """Get ready to `drive` again after the end, as this request wants it. Raises NotReady where nothing would run.

        What happens from here on is recorded in `journal` and `logs`.
        """
        asked = Asked(request)
        self._publisher.journal, self._publisher.logs = journal, logs
        self._over.clear()
        try:
            self._exchange.answer(asked, self.now())
            if asked.error is not None:
                raise asked.error
        except BaseException:
            self._over.set()
            raise

    def drive(self) -> RunState:
        """Run to the end, in this thread. Raises SystemFailure or NetworkError where an executor cannot open."""
        self._driver = get_ident()
        self._left = False
        began = self.state.started_at is not None
        if not began:
            self._zero = self._clock()
        watch = self._publisher.watch(self.now, self._limit_watch()) if self._stations.work_in_place() else None
        try:
            self._stations.open(self._workplace, self._inbox.report)
            if not began:
                self._exchange.apply(events.RunStarted(self.now(), time.time()))
                if self._opening is not None:
                    self._exchange.apply_all(self._opening(self.now()))
            perform = self._stations.works_alone_in_place()
            if perform is not None:
                self._drive_in_place(perform)
            if not self.state.is_over:
                self._drive()
        finally:
            self._left = True
            try:
                self._stations.close()
            finally:
                self._wind_up(watch)
        return self.state

    def _wind_up(self, watch: threading.Event | None) -> None:
        """Record what is left to be recorded, and let everybody know that this is the end."""
        try:
            self._collect_last_words()
            if watch is not None:
                watch.set()
            while not self._publish(self.now()) and self.state.is_over:
                time.sleep(publishing.STORE_RETRY)
        finally:
            self._over.set()
            self._answer_all()
            self._driver = self._holder = None

    def _drive_in_place(self, perform: Callable[[Attempt], Outcome]) -> None:
        clock, zero, state, waiting = self._clock, self._zero, self.state, self._inbox.pieces
        exchange, publisher = self._exchange, self._publisher
        step, stations = exchange.step, self._stations
        self._holder = self._driver
        news: Sequence[Piece] = ()
        while True:
            now = clock() - zero
            if waiting:
                news = [*self._inbox.take(), *news]
            orders = step(news, now, 1)
            if exchange.ending:
                self._end()
            if now - publisher.published > TURN:
                self._publish(now)
            if orders:
                attempt = orders[0]
                if state.phase == CANCELING:  # asked for by an observer who heard of this very start
                    news = (_canceled(attempt),)
                else:
                    call = attempt.work.plain and attempt._extra is None
                    news = (perform_call(attempt) if call else perform(attempt),)
            elif state.is_over or stations.works_alone_in_place() is None:  # its graph changed: more is needed now
                return
            else:
                news = ()
                self._sleep(now)

    def _drive(self) -> None:
        inbox, stations, local = self._inbox, self._stations, self._local
        stations.lend(inbox.leave, self._turn)
        self._turned, self._holder = -LOOK, None
        while True:
            pause: float | None = LOOK
            since = self.now() - self._turned
            if since < LOOK and not self._needed:  # others are at it
                inbox.rest(LOOK - since)
                continue
            if self._machine.acquire(blocking=False):
                try:
                    self._holder = self._driver
                    self._needed = False
                    self._exchange_all((), False)
                    self._turned = -LOOK  # nobody else has looked since
                    if self.state.is_over:
                        return
                    pause = self._pause()
                    if self.state.running > self._workplace.slots and (pause is None or pause > LOOK):
                        pause = LOOK  # with more handed out than can run, outcomes are left for whoever turns next
                finally:
                    self._holder = None
                    self._machine.release()
            if self._problem is not None:
                raise self._problem
            while local:
                inbox.pieces.append(stations.perform(local.popleft()))
            if not inbox.pieces:
                inbox.wait(self.now(), pause)

    def _turn(self, news: Sequence[News]) -> Attempt | None:
        """Do the driver's work in the thread of an executor, unless somebody is at it; what that thread shall do next."""
        inbox, machine = self._inbox, self._machine
        pieces = inbox.pieces
        if self._left:
            pieces.extend(news)
            return None
        if not machine.acquire(False):
            pieces.extend(news)
            news = ()
            if not machine.acquire(False):  # whoever holds it looks at the inbox again after letting go
                return None
        own: Attempt | None = None
        while True:
            needed = False
            try:
                self._holder = get_ident()
                own = self._exchange_all(news, own is None) or own
                if own is None or inbox.wakes_at is not None:
                    needed = self._needs_driver()
            except BaseException as problem:
                self._problem, needed = problem, True
            finally:
                self._holder = None
                machine.release()
            if needed:  # not before letting go: it would find the machine taken, and sleep again
                self._needed = True
                inbox.wake()
            if not pieces or self._left or self._problem is not None or not machine.acquire(False):
                return own
            news = ()

    def _exchange_all(self, news: Sequence[Piece], take: bool) -> Attempt | None:
        """One look at everything, by whoever holds the machine. Who wants to `take` an attempt gets one, if there is."""
        self._turned = now = self._clock() - self._zero
        exchange, stations = self._exchange, self._stations
        if self._inbox.pieces:
            news = [*self._inbox.take(), *news]
        orders = exchange.step(news, now, stations.limit())
        own = orders.pop(0) if take and orders and stations.are_one else None
        if orders and (local := stations.dispatch(orders)):
            self._local.extend(local)
        if exchange.ending:
            self._end()
        if now - self._publisher.published > TURN:
            self._publish(now)
        return own

    def _end(self) -> None:
        """End the attempts that applied events want ended, after what was started beside them was handed out."""
        attempts, self._exchange.ending = self._exchange.ending, []
        self._stations.cancel(attempts)

    def _publish(self, now: float) -> bool:
        """Commit and hand on; whoever asked for what is now on record is told. False if the store refused."""
        done = self._publisher.publish(now)
        if done and self._exchange.unanswered:
            self._answer_all()
        return done

    def _answer_all(self) -> None:
        answered, self._exchange.unanswered = self._exchange.unanswered, []
        for asked in answered:
            asked.answered.set()
        while self._inbox.pieces and self._over.is_set():
            piece = self._inbox.pieces.popleft()
            if type(piece) is Asked:
                try:
                    decisions.asked(self.state, piece.request, self.now())
                except WorkflowError as problem:
                    piece.error = problem
                piece.missed = True
                piece.answered.set()

    def _collect_last_words(self) -> None:
        """Log lines that arrived with the last outcomes; the run itself is over. Requests stay for `_answer_all`."""
        for piece in self._inbox.take():
            if isinstance(piece, (LogLines, Progress)):
                self._exchange.hear(piece, self.now())
            elif isinstance(piece, Asked):
                self._inbox.pieces.append(piece)

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _sleep(self, now: float) -> None:
        """Wait for news, for the next timer, or for the moment to commit."""
        self._inbox.wait(now, self._pause())
        now = self.now()
        if self._has_to_publish() and now - self._publisher.published > TURN and not self._inbox.pieces:
            self._publish(now)

    def _pause(self) -> float | None:
        """Seconds until the loop has to look by itself: at a timer, a file, or what is to be published."""
        now = self.now()
        if self.state.asking and self._look_for_files(now):
            return 0.0
        due = decisions.next_due(self.state)
        moments = [] if due is None else [due]
        if self.state.asking:
            moments.append(now + FILE_LOOK)
        if self._has_to_publish():
            moments.append(self._publisher.due())
        return max(0.0, min(moments) - now) if moments else None

    def _needs_driver(self) -> bool:
        """Whether the driver has to look at once, or earlier than it meant to when it went to sleep."""
        state = self.state
        if self._local or not (state.running or state.timers or state.asking):
            return True  # the run is over, or waits for what only the driver hears of
        moment = self._inbox.wakes_at
        if moment is None or moment <= self._publisher.published + LOOK:
            return False
        return self._has_to_publish() or bool(state.timers or state.asking)

    def _has_to_publish(self) -> bool:
        return bool(self._publisher.log or self._exchange.unanswered)

    def _look_for_files(self, now: float) -> bool:
        """Answer for waits whose file is there; whether there was one."""
        found = [
            node
            for node, name in self.state.asking.items()
            if isinstance(self.state.plan.frames[node], Pause) and (self._workplace.folder / name).exists()
        ]
        for node in found:
            self._exchange.apply_all(decisions.asked(self.state, Answer(node, None, "the file"), now))
        return bool(found)

    def _limit_watch(self) -> Callable[[float], Any]:
        """What the watch thread looks at beside the record: whether the time of the run is up."""
        state = self.state
        passed: float | None = None

        def glance(now: float) -> None:
            nonlocal passed
            limit = state.plan.timeout
            if limit is not None and now >= limit + state.reopened_at and limit != passed:
                passed = limit
                self._interrupt()

        return glance


def _canceled(attempt: Attempt) -> Outcome:
    return Outcome(attempt.node, attempt.number, CANCELED, error=Trouble("Canceled", "canceled"))
