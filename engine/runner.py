"""The engine's only loop: inbox -> machine -> journal -> feed -> executors.

`Run` is one run of one plan. Whoever drives it (`drive`, in a thread of the caller's choice) is the only one who touches
its state; everybody else leaves news or requests in the inbox and reads.

    exchange(news, now)     take what came in, decide, apply; give what may start now: the seam for all executors

Turns. Events are appended to a list; every 8 ms they are committed to the journal and handed to the watchers as they
are. A commit per node would cost more than the node. A watch thread commits when the oldest event is overdue, which
happens only while one long node keeps the loop busy in this very thread. What is acknowledged (the end of the run, an
accepted pause or cancel) waits for the commit that covers it; starting a node does not.

When the store refuses (disk full), the batch is kept, nothing new starts, and the commit is tried again every second.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from engine.attempt import CANCELED, COMPLETED, FAILED, LOST, Attempt, LogLines, News, Outcome, Progress, Trouble
from engine.binding import BindingFailed
from engine.errors import NotReady, SystemFailure, WorkflowError
from engine.executors.contract import Executor, InPlace, Workplace
from engine.frames import Pause
from engine.machine import decisions, events
from engine.machine.commands import order, to_cancel
from engine.machine.decisions import Request, next_start, reported
from engine.machine.requests import Answer, Cancel, CancelNode
from engine.machine.state import CANCELING, GOING, RUNNING, RunState
from engine.machine.transitions import TRANSITIONS
from engine.monitor.feed import Feed
from engine.payload import Payload, record_of
from engine.plan import Plan
from engine.steering import ErrorHandler, RunView, WorkflowScheduler, answer_of

_log = logging.getLogger("flowloom")
TURN = 0.008
"""Seconds between two commits while there is something to commit."""
OVERDUE = 0.020
"""Age in seconds at which the watch thread commits what the busy loop has not."""
FILE_LOOK = 0.25
"""Seconds between looks for a file that a node waits for."""
STORE_RETRY = 1.0
"""Seconds until a refused commit is tried again."""
apply_start = TRANSITIONS[events.Started]
COMMANDING = frozenset(
    {events.RunCanceling, events.RunFailing, events.NodeCanceling, events.NodeSuspended, events.NodeResumed}
)
"""Events that oblige executors to something."""
AS_IT_IS = frozenset({type(None), bool, int, float, str, Payload})
"""Types of results that need no fixed form for the journal: nobody can change them."""


class Recorder(Protocol):
    """Where events go to survive: `engine.store.journal.Journal` has this shape."""

    def append(self, batch: Sequence[events.Event], counters: Mapping[str, Any]) -> None:
        """Commit a batch; when this returns it is durable. Raises SystemFailure if it is not."""


class LogKeeper(Protocol):
    """Where printed lines go: `engine.store.logs.RunLogs` has this shape."""

    def write(self, path: str, number: int, stream: str, lines: Sequence[str], at: float) -> None:
        """Keep lines of a node's attempt."""

    def flush(self) -> None:
        """Make what was written visible to readers."""


class Witness(Protocol):
    """Told of every event in order, in the engine's thread: `engine.monitor.observers.Observers` has this shape."""

    def tell(self, state: RunState, batch: Sequence[events.Event]) -> None:
        """Look at what just happened."""


class _Asked:
    """A request on its way to the loop, and the answer on its way back."""

    __slots__ = ("answered", "error", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answered = threading.Event()
        self.error: WorkflowError | None = None


class _Place:
    """One executor of the run and the lanes whose nodes go there."""

    __slots__ = ("executor", "in_place", "lanes", "name")

    def __init__(self, name: str, executor: Executor, lanes: list[int]) -> None:
        self.name = name
        self.executor = executor
        self.in_place = executor if isinstance(executor, InPlace) else None
        self.lanes = lanes


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
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.plan = plan
        self.state = RunState(plan)
        self.feed = Feed()
        self.trouble: str | None = None
        self._journal = journal
        self._logs = logs
        self._witness = witness
        self._scheduler = scheduler
        self._error_handler = error_handler
        self._clock = clock
        self._chance = chance
        self._workplace = workplace
        self._zero = clock()
        self._log: list[events.Event] = []
        self._seen = 0
        self._published = 0.0
        self._publishing = threading.Lock()
        self._inbox: deque[News | _Asked] = deque()
        self._awake = threading.Event()
        self._sleeping = False
        self._unanswered: list[_Asked] = []
        self._driver: int | None = None
        self._ending: list[tuple[int, int]] = []
        self._alone = False
        self._over = threading.Event()
        self._places = [
            _Place(name, executors[name], [i for i, lane in enumerate(plan.lanes) if i and lane.executor == name])
            for name in plan.executors
        ]
        self._all_lanes = range(1, len(plan.lanes))
        self._place_of = {lane: place for place in self._places for lane in place.lanes}

    # -- for everybody: any thread ---------------------------------------------------------------------------------

    def report(self, news: Sequence[News]) -> None:
        """Take news from an executor."""
        self._inbox.extend(news)
        if self._sleeping:
            self._awake.set()

    def ask(self, request: Request, wait: float | None = 30.0) -> None:
        """Pause, resume or cancel; returns when the answer is recorded. Raises NotReady where the state forbids it."""
        asked = _Asked(request)
        if threading.get_ident() == self._driver:  # an observer asks: answer at once, or we would wait for ourselves
            self._answer(asked, self.now())
        else:
            self._inbox.append(asked)
            self._awake.set()
            if isinstance(request, Cancel | CancelNode):
                self._interrupt(getattr(request, "node", None))
            if wait is None:
                return
            self._await(asked, wait)
        if asked.error is not None:
            raise asked.error

    def _interrupt(self, only: int | None = None) -> None:
        """End what keeps the loop in this very thread, so that it can hear why; from any other thread.

        A plain function without `ctx` and without a limit is not watched, and goes on to its end.
        """
        state = self.state
        for place in self._places:
            if place.in_place is not None and self._driver is not None:
                running = [node for node, code in enumerate(state.states) if code == RUNNING and only in (None, node)]
                theirs = [node for node in running if self._place_of.get(state.lane_of[node]) is place]
                place.executor.cancel([(node, state.attempts[node]) for node in theirs])

    def _await(self, asked: _Asked, wait: float) -> None:
        until = time.monotonic() + wait
        while not asked.answered.wait(0.05):
            if self._over.is_set():  # the loop has gone, and may have missed it
                if not asked.answered.is_set():
                    decisions.asked(self.state, asked.request, self.now())
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

    def drive(self) -> RunState:
        """Run to the end, in this thread. Raises SystemFailure or NetworkError where an executor cannot open."""
        self._driver = threading.get_ident()
        self._zero = self._clock()
        opened: list[_Place] = []
        watch = self._start_watch()
        try:
            for place in self._places:
                place.executor.open(self._workplace, self.report)
                opened.append(place)
            self._apply(events.RunStarted(self.now(), time.time()))
            self._alone = len(self._places) == 1 and self._places[0].in_place is not None
            if self._alone:
                assert self._places[0].in_place is not None
                self._drive_in_place(self._places[0].in_place.perform)
            else:
                self._drive()
        finally:
            for place in opened:
                place.executor.close()
            self._collect_last_words()
            if watch is not None:
                watch.set()
            while not self._publish(self.now()) and self.state.is_over:
                time.sleep(STORE_RETRY)
            self._over.set()
            self._answer_all()
            self._driver = None
        return self.state

    def _drive_in_place(self, perform: Callable[[Attempt], Outcome]) -> None:
        clock, zero, state, inbox = self._clock, self._zero, self.state, self._inbox
        news: Sequence[News | _Asked] = ()
        while True:
            now = clock() - zero
            if inbox:
                news = [*self._emptied(), *news]
            orders = self.exchange(news, now, 1)
            if now - self._published > TURN:
                self._publish(now)
            if orders:
                stopped = state.phase == CANCELING  # asked for by an observer who heard of this very start
                news = (_canceled(orders[0]) if stopped else perform(orders[0]),)
            elif state.is_over:
                return
            else:
                news = ()
                self._sleep(now)

    def _drive(self) -> None:
        state = self.state
        while True:
            now = self.now()
            orders = self.exchange(self._emptied(), now)
            local = self._dispatch(orders) if orders else ()
            if self._ending:
                self._end()
            if now - self._published > TURN:
                self._publish(now)
            for attempt in local:
                place = self._place_of[state.lane_of[attempt.node]]
                assert place.in_place is not None
                self._inbox.append(place.in_place.perform(attempt))
            if state.is_over:
                return
            if not self._inbox:
                self._sleep(self.now())

    def _dispatch(self, orders: list[Attempt]) -> list[Attempt]:
        """Hand attempts to their executors; those of an executor that works in this thread are returned."""
        if len(self._places) == 1:
            self._places[0].executor.start(orders)
            return []
        sorted_: dict[str, list[Attempt]] = {}
        local: list[Attempt] = []
        for attempt in orders:
            place = self._place_of[self.state.lane_of[attempt.node]]
            if place.in_place is None:
                sorted_.setdefault(place.name, []).append(attempt)
            else:
                local.append(attempt)
        for place in self._places:
            if place.name in sorted_:
                place.executor.start(sorted_[place.name])
        return local

    def exchange(self, news: Sequence[News | _Asked], now: float, limit: int | None = None) -> list[Attempt]:
        """Take what came in; give what may start, until as many attempts run as the executors can take.

        `limit`, where given, holds for the whole run instead. Counting what *runs*, after the reports were applied,
        matters: room computed before would leave the last wave unstarted.
        """
        state, log = self.state, self._log
        for piece in news:
            if type(piece) is Outcome:
                if self._journal is not None and type(piece.value) not in AS_IT_IS:
                    piece.value = events.Live(piece.value, record_of(piece.value))
                if piece.kind == COMPLETED:
                    for event in reported(state, piece, now):
                        TRANSITIONS[type(event)](state, event)
                        log.append(event)
                else:
                    self._take_failure(piece, now)
            else:
                self._hear(piece, now)
        if state.timers or self.plan.timeout is not None:
            self._apply_all(decisions.ticked(state, now))
        if state.phase != GOING or state.deciding:
            self._settle(now)
        orders = self._start_alone(now, limit) if limit is not None else self._start(now)
        if not orders and not state.running:
            orders = self._conclude(now, limit)
        if self._witness is not None:
            self._tell()
        return orders

    def _take_failure(self, outcome: Outcome, now: float) -> None:
        """An attempt that did not complete: the error handler is asked first, the scheduler is told last."""
        state = self.state
        view = RunView(state)
        action = None
        if self._error_handler is not None and outcome.error is not None and outcome.kind not in (CANCELED, LOST):
            try:
                action = answer_of(self._error_handler, view, state.plan.names[outcome.node], outcome.error)
            except Exception:
                _log.exception("the error handler failed; what the node says of itself holds")
        self._apply_all(decisions.reported(state, outcome, now, self._chance(), action))
        if self._scheduler is not None:
            self._scheduler.reschedule(view, state.plan.names[outcome.node])

    def _start_scheduled(self, now: float, limit: int | None) -> list[Attempt]:
        """`_start` in the order that a scheduler wants, as far as the rules allow it."""
        state = self.state
        orders: list[Attempt] = []
        assert self._scheduler is not None
        if self.trouble is not None or state.paused or not any(lane.ready for lane in state.lanes[1:]):
            return orders
        try:
            wanted = [str(path) for path in self._scheduler.schedule(RunView(state))]
        except Exception:
            _log.exception("the scheduler failed; nodes start in the order in which they became ready")
            wanted = []
        ready = RunView(state).ready()
        numbers = state.plan.numbers
        free = {place.name: self._room(place) if limit is None else limit - state.running for place in self._places}
        for path in dict.fromkeys([*[path for path in wanted if path in set(ready)], *(() if wanted else ready)]):
            node = numbers[path]
            place = self._place_of[state.lane_of[node]]
            lane = state.lanes[state.lane_of[node]]
            if free[place.name] <= 0 or lane.running >= lane.limit:
                continue
            if self._begin(events.Started(now, node, state.attempts[node] + 1), orders, now):
                free[place.name] -= 1
        if not orders and not state.running and ready:  # it would never go on: start what is first
            self._scheduler, kept = None, self._scheduler
            orders = self._start(now) if limit is None else self._start_alone(now, limit)
            self._scheduler = kept
        return orders

    def _begin(self, started: events.Started, orders: list[Attempt], now: float) -> bool:
        apply_start(self.state, started)
        self._log.append(started)
        try:
            orders.append(order(self.state, started))
        except BindingFailed as problem:
            self._refuse(started, problem, now)
            return False
        return True

    def _room(self, place: _Place) -> int:
        """How many more attempts a place may be given."""
        state, most = self.state, self.plan.max_parallel
        room = place.executor.capacity() - sum(state.lanes[lane].running for lane in place.lanes)
        return room if most is None else min(room, most - state.running)

    def _conclude(self, now: float, limit: int | None) -> list[Attempt]:
        """Nothing runs: end the run, or start what is called only now (an undo, a hook)."""
        while found := decisions.concluded(self.state, now):
            self._apply_all(found)
            self._settle(now)
            orders = self._start_alone(now, limit) if limit is not None else self._start(now)
            if orders:
                return orders
        return []

    def _start_alone(self, now: float, limit: int) -> list[Attempt]:
        """`_start` where one executor takes everything: no looking around."""
        state, log = self.state, self._log
        orders: list[Attempt] = []
        if self.trouble is not None:
            return orders
        if self._scheduler is not None:
            return self._start_scheduled(now, limit)
        for lane in self._all_lanes:
            while state.running < limit and (started := next_start(state, lane, now)) is not None:
                apply_start(state, started)
                log.append(started)
                try:
                    orders.append(order(state, started))
                except BindingFailed as problem:
                    self._refuse(started, problem, now)
        return orders

    def _start(self, now: float) -> list[Attempt]:
        state = self.state
        orders: list[Attempt] = []
        if self.trouble is not None:
            return orders
        if self._scheduler is not None:
            return self._start_scheduled(now, None)
        for place in self._places:
            lanes = [lane for lane in place.lanes if state.lanes[lane].ready]
            room = self._room(place) if lanes else 0
            while room > 0 and lanes:
                for lane in lanes:  # one each in turn, so that no pool starves another
                    started = next_start(state, lane, now) if room > 0 else None
                    if started is None:
                        lanes = [other for other in lanes if other != lane]
                    elif self._begin(started, orders, now):
                        room -= 1
        return orders

    def _refuse(self, started: events.Started, problem: BindingFailed, now: float) -> None:
        """An attempt whose arguments cannot be filled in fails before it begins."""
        trouble = Trouble("BindingFailed", str(problem), retryable=False)
        outcome = Outcome(started.node, started.attempt, FAILED, error=trouble)
        self._apply_all(reported(self.state, outcome, now))
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Decide about nodes that something happened to, one by one, until nothing more follows."""
        state = self.state
        ready = state.deciding
        while True:
            while ready:
                self._apply_all(decisions.settle(state, ready.popleft(), now))
            if state.phase == GOING or state.swept:
                return
            self._apply_all(decisions.swept(state, now))
            state.swept = True

    def _hear(self, piece: News | _Asked, now: float) -> None:
        if type(piece) is Progress:
            self.feed.report((piece,), ())
        elif type(piece) is LogLines:
            self.feed.report((), (piece,))
            if self._logs is not None:
                self._logs.write(self.state.plan.names[piece.node], piece.number, piece.stream, piece.lines, now)
        elif type(piece) is _Asked:
            self._answer(piece, now)
        else:
            self._apply(events.MetricsChanged(now, piece.node, {piece.name: piece.text}))  # type: ignore[union-attr]

    def _answer(self, asked: _Asked, now: float) -> None:
        try:
            self._apply_all(decisions.asked(self.state, asked.request, now))
        except WorkflowError as problem:
            asked.error = problem
        self._unanswered.append(asked)
        self._published = 0.0  # the answer waits for its record: do not let it wait for the turn as well

    # -- events ------------------------------------------------------------------------------------------------------

    def _apply(self, event: events.Event) -> None:
        TRANSITIONS[type(event)](self.state, event)
        self._log.append(event)
        if type(event) in COMMANDING:
            self._command(event)

    def _apply_all(self, found: Iterable[events.Event]) -> None:
        for event in found:
            self._apply(event)

    def _command(self, event: events.Event) -> None:
        """Do what an applied event obliges us to."""
        if isinstance(event, events.NodeCanceling):
            self._cancel([(event.node, self.state.attempts[event.node])])
        elif isinstance(event, events.NodeSuspended | events.NodeResumed):
            if event.node in self.state.held or self.state.states[event.node] == RUNNING:
                executor = self._place_of[self.state.lane_of[event.node]].executor
                act = executor.suspend if isinstance(event, events.NodeSuspended) else executor.resume
                act([(event.node, self.state.attempts[event.node])])
        else:
            self._cancel(to_cancel(self.state, event))

    def _cancel(self, attempts: list[tuple[int, int]]) -> None:
        """Note attempts that have to be ended: it is done after what was started in the same turn was handed out."""
        self._ending.extend(attempts)
        if self._alone:
            self._end()

    def _end(self) -> None:
        attempts, self._ending = self._ending, []
        for place in self._places:
            theirs = [pair for pair in attempts if self._place_of.get(self.state.lane_of[pair[0]]) is place]
            if theirs:
                place.executor.cancel(theirs)

    def _tell(self) -> None:
        assert self._witness is not None
        with self._publishing:
            batch = self._log[self._seen :]
            self._seen = len(self._log)
        if batch:
            self._witness.tell(self.state, batch)

    def _publish(self, now: float) -> bool:
        """Commit what happened and hand it on. False if the store refused: the events are kept for another try."""
        self._published = now
        with self._publishing:
            count = len(self._log)
            if count:
                batch = self._log[:count]
                try:
                    if self._journal is not None:
                        self._journal.append(batch, self._counters())
                except SystemFailure as problem:
                    self.trouble = str(problem)
                    return False
                del self._log[:count]
                self._seen = max(0, self._seen - count)
                self.feed.publish(batch)
            if self.trouble is not None:
                self.trouble = None
            if self._logs is not None:
                self._logs.flush()
        if self._unanswered and threading.get_ident() == self._driver:
            self._answer_all()
        return True

    def _answer_all(self) -> None:
        answered, self._unanswered = self._unanswered, []
        for asked in answered:
            asked.answered.set()
        while self._inbox and self._over.is_set():
            piece = self._inbox.popleft()
            if type(piece) is _Asked:
                try:
                    decisions.asked(self.state, piece.request, self.now())
                except WorkflowError as problem:
                    piece.error = problem
                piece.answered.set()

    def _counters(self) -> dict[str, Any]:
        state = self.state
        return {
            "state": state.state.value,
            "nodes": len(state.plan.names) - len(state.plan.templates),
            "done": state.done,
            "failed": state.failed,
            "skipped": state.skipped,
            "canceled": state.canceled,
            "running": state.running,
            "wall": state.wall,
            "ended": state.ended_at,
            "cause": state.plan.names[state.cause] if state.cause >= 0 else None,
            "reason": state.reason,
        }

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _emptied(self) -> list[News | _Asked]:
        inbox = self._inbox
        return [inbox.popleft() for _ in range(len(inbox))]

    def _collect_last_words(self) -> None:
        """Log lines that arrived with the last outcomes; the run itself is over."""
        for piece in self._emptied():
            if isinstance(piece, (LogLines, Progress)):
                self._hear(piece, self.now())
            elif isinstance(piece, _Asked):
                self._inbox.append(piece)
                break

    def _sleep(self, now: float) -> None:
        """Wait for news, for the next timer, or for the moment to commit."""
        due = decisions.next_due(self.state)
        moments = [] if due is None else [due]
        if self.state.asking and self._look_for_files(now):
            return
        if self.state.asking:
            moments.append(now + FILE_LOOK)
        if self._log or self._unanswered:
            moments.append(self._published + (TURN if self.trouble is None else STORE_RETRY))
        self._sleeping = True
        if not self._inbox:
            self._awake.wait(max(0.0, min(moments) - now) if moments else None)
        self._sleeping = False
        self._awake.clear()
        now = self.now()
        if (self._log or self._unanswered) and now - self._published > TURN and not self._inbox:
            self._publish(now)

    def _look_for_files(self, now: float) -> bool:
        """Answer for waits whose file is there; whether there was one."""
        found = [
            node
            for node, name in self.state.asking.items()
            if isinstance(self.state.plan.frames[node], Pause) and (self._workplace.folder / name).exists()
        ]
        for node in found:
            self._apply_all(decisions.asked(self.state, Answer(node, None, "the file"), now))
        return bool(found)

    def _start_watch(self) -> threading.Event | None:
        """Commit for a loop that a long node keeps busy; needed only where nodes run in this thread."""
        if not any(place.in_place for place in self._places):
            return None
        stop = threading.Event()
        limit = self.plan.timeout

        def watch() -> None:
            nonlocal limit
            while not stop.wait(OVERDUE / 2):
                if limit is not None and self.now() >= limit:
                    limit = None
                    self._interrupt()
                log = self._log
                if log and self.trouble is None and self.now() - log[0].at > OVERDUE:
                    self._publish(self._published)

        threading.Thread(target=watch, name="flowloom-watch", daemon=True).start()
        return stop


def _canceled(attempt: Attempt) -> Outcome:
    return Outcome(attempt.node, attempt.number, CANCELED, error=Trouble("Canceled", "canceled"))
