"""The seam between the rules and whoever does the work: news goes in, attempts that may start come out.

`Exchange.step` decides about each piece of news, applies what follows, and starts what can be started. It waits for
nothing and must be called by one thread at a time; when, and what is done with the attempts, is the loop's affair.

Decide one, apply it, decide the next: two results in one call must see each other's effect on a join. Commands follow
from applied events only, so that nothing is done that was not recorded.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.attempt import CANCELED, COMPLETED, FAILED, LOST, Attempt, LogLines, Outcome, Placed, Progress, Trouble
from engine.binding import BindingFailed
from engine.errors import WorkflowError
from engine.machine import decisions, events
from engine.machine.commands import order, to_cancel
from engine.machine.decisions import completed, next_start, reported
from engine.machine.requests import ChangeGraph
from engine.machine.state import GOING, RUNNING, RunState
from engine.machine.transitions import TRANSITIONS
from engine.payload import Payload, record_of
from engine.runner.inbox import Asked, Piece
from engine.runner.publisher import Publisher
from engine.runner.stations import Key, Stations
from engine.steering import ErrorHandler, RunView, WorkflowScheduler, answer_of, order_of, within_limit

_log = logging.getLogger("flowloom")
apply_start = TRANSITIONS[events.Started]
apply_completion = TRANSITIONS[events.Completed]
COMMANDING = frozenset(
    {
        events.RunCanceling,
        events.RunFailing,
        events.NodeCanceling,
        events.NodeSuspended,
        events.NodeResumed,
        events.GraphChanged,
        events.Retried,
    }
)
"""Events that oblige executors to something."""
AS_IT_IS = frozenset({type(None), bool, int, float, str, Payload})
"""Types of results that need no fixed form for the journal: nobody can change them."""


class Exchange:
    """The rules of one run at work. `ending` are attempts to be ended, `unanswered` requests that were decided."""

    def __init__(
        self,
        state: RunState,
        stations: Stations,
        publisher: Publisher,
        *,
        scheduler: WorkflowScheduler | None = None,
        error_handler: ErrorHandler | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.state = state
        self.ending: list[Key] = []
        self.unanswered: list[Asked] = []
        self._stations = stations
        self._publisher = publisher
        self._log = publisher.log
        self._scheduler = scheduler
        self._error_handler = error_handler
        self._chance = chance
        self._witnessed = publisher.witness is not None
        self._lanes = len(state.plan.lanes) - 1

    def step(self, news: Sequence[Piece], now: float, limit: int | None = None) -> list[Attempt]:
        """Take what came in; give what may start, until as many attempts run as the executors can take.

        `limit`, where given, holds for the whole run instead. Counting what *runs*, after the reports were applied,
        matters: room computed before would leave the last wave unstarted.
        """
        state, log = self.state, self._log
        for piece in news:
            if type(piece) is Outcome:
                if self._publisher.journal is not None and type(piece.value) not in AS_IT_IS:
                    piece.value = events.Live(piece.value, record_of(piece.value))
                event = completed(state, piece, now)
                if event is None:
                    self._take_end(piece, now)
                else:
                    apply_completion(state, event)
                    log.append(event)
            else:
                self.hear(piece, now)
        if state.timers or state.plan.timeout is not None:
            self.apply_all(decisions.ticked(state, now))
        if state.phase != GOING or state.deciding:
            self._settle(now)
        orders = self._start(now, limit)
        if not orders and not state.running:
            orders = self._conclude(now, limit)
        if self._witnessed:
            self._publisher.tell()
        return orders

    # -- news ------------------------------------------------------------------------------------------------------

    def _take_end(self, outcome: Outcome, now: float) -> None:
        """An attempt that did more than bring a value. Of a failure, the handler is asked first, the scheduler told last."""
        state = self.state
        if outcome.kind == COMPLETED:
            self.apply_all(reported(state, outcome, now))
            return
        view = RunView(state)
        action = None
        if self._error_handler is not None and outcome.error is not None and outcome.kind not in (CANCELED, LOST):
            try:
                action = answer_of(self._error_handler, view, state.plan.names[outcome.node], outcome.error)
            except Exception as problem:
                name, what = type(self._error_handler).__name__, f"{type(problem).__name__}: {problem}"
                _log.warning("the error handler %s failed (%s); what the node says of itself holds", name, what)
        self.apply_all(reported(state, outcome, now, self._chance(), action))
        if self._scheduler is not None:
            self._tell_scheduler(self._scheduler, view, state.plan.names[outcome.node])

    def _tell_scheduler(self, scheduler: WorkflowScheduler, view: RunView, node: str) -> None:
        try:
            within_limit(lambda: scheduler.reschedule(view, node))
        except Exception as problem:
            self._dismiss(problem)

    def _dismiss(self, problem: Exception) -> None:
        """Go on without a scheduler that fails or does not answer."""
        name = type(self._scheduler).__name__
        self._scheduler = None
        what = f"{type(problem).__name__}: {problem}"
        _log.warning("the scheduler %s failed (%s); nodes start in the order in which they became ready", name, what)

    def hear(self, piece: Piece, now: float) -> None:
        """Take news that is no end of an attempt."""
        publisher = self._publisher
        if type(piece) is Progress:
            publisher.feed.report((piece,), ())
        elif type(piece) is LogLines:
            publisher.feed.report((), (piece,))
            if publisher.logs is not None:
                publisher.logs.write(self.state.plan.names[piece.node], piece.number, piece.stream, piece.lines, now)
        elif type(piece) is Asked:
            self.answer(piece, now)
        elif type(piece) is Placed:
            nodes, numbers = zip(*piece.attempts, strict=True)
            self.apply(events.AttemptsPlaced(now, piece.agent, nodes, numbers))
        else:
            self.apply(events.MetricsChanged(now, piece.node, {piece.name: piece.text}))  # type: ignore[union-attr]

    def answer(self, asked: Asked, now: float) -> None:
        """Decide a request. Whoever asked is told when the decision is on record."""
        try:
            found = decisions.asked(self.state, asked.request, now)
            if isinstance(asked.request, ChangeGraph):
                from engine.forecast import forecast

                self._stations.add(asked.request.revision.executors)
                asked.request.revision.said = forecast(self.state, asked.request.revision)
            self.apply_all(found)
        except WorkflowError as problem:
            asked.error = problem
        self.unanswered.append(asked)
        self._publisher.published = 0.0  # the answer waits for its record: do not let it wait for the turn as well

    def _settle(self, now: float) -> None:
        """Decide about nodes that something happened to, one by one, until nothing more follows."""
        state = self.state
        ready = state.deciding
        while True:
            while ready:
                self.apply_all(decisions.settle(state, ready.popleft(), now))
            if state.phase == GOING or state.swept:
                return
            self.apply_all(decisions.swept(state, now))
            state.swept = True

    # -- starts ------------------------------------------------------------------------------------------------------

    def _start(self, now: float, limit: int | None) -> list[Attempt]:
        orders: list[Attempt] = []
        if self._publisher.trouble is not None:
            return orders
        if limit is None or self._scheduler is not None or self._lanes != 1:
            return self._start_chosen(now, limit)
        state, log = self.state, self._log  # one executor takes everything from one lane: no looking around
        ready = state.lanes[1].ready
        while ready and state.running < limit and (started := next_start(state, 1, now)) is not None:
            apply_start(state, started)
            log.append(started)
            try:
                orders.append(order(state, started))
            except BindingFailed as problem:
                self._refuse(started, problem, now)
        return orders

    def _start_chosen(self, now: float, limit: int | None) -> list[Attempt]:
        """Where it takes more than the head of one lane to say what starts."""
        if limit is not None and not self._stations.are_one:
            return []  # the graph was changed, and the loop in place cannot do what it needs now
        if self._scheduler is not None:
            return self._start_scheduled(self._scheduler, now, limit)
        if (self.state.plan.priorities or self.state.plan.ranks) and self._lanes > 1:
            return self._start_most_urgent(now, limit)
        return self._start_everywhere(now)

    def _start_everywhere(self, now: float) -> list[Attempt]:
        state = self.state
        orders: list[Attempt] = []
        for station in self._stations.all:
            lanes = [lane for lane in station.lanes if state.lanes[lane].ready]
            room = self._stations.room(station) if lanes else 0
            while room > 0 and lanes:
                for lane in lanes:  # one each in turn, so that no pool starves another
                    started = next_start(state, lane, now) if room > 0 else None
                    if started is None:
                        lanes = [other for other in lanes if other != lane]
                    elif self._begin(started, orders, now):
                        room -= 1
        return orders

    def _start_most_urgent(self, now: float, limit: int | None) -> list[Attempt]:
        """Where nodes have priorities or ranks: the highest first, whatever lane it is in; it is the head of its own."""
        state, stations = self.state, self._stations
        priorities = state.plan.ranks or state.plan.priorities
        orders: list[Attempt] = []
        free = {at.name: stations.room(at) if limit is None else limit - state.running for at in stations.all}
        while True:
            heads = [
                (-priorities.get(lane.ready[0], 0), number)
                for number, lane in enumerate(state.lanes[1:], 1)
                if lane.ready and state.has_place(lane) and free[stations.of(lane.ready[0]).name] > 0
            ]
            if not heads or state.paused:
                return orders
            started = next_start(state, min(heads)[1], now)
            assert started is not None
            if self._begin(started, orders, now):
                for name in free if limit is not None else (stations.of(started.node).name,):
                    free[name] -= 1
                if state.plan.max_parallel is not None and state.running >= state.plan.max_parallel:
                    return orders

    def _start_scheduled(self, scheduler: WorkflowScheduler, now: float, limit: int | None) -> list[Attempt]:
        """In the order that a scheduler wants, as far as the rules allow it."""
        state = self.state
        orders: list[Attempt] = []
        if state.paused or not any(lane.ready for lane in state.lanes[1:]):
            return orders
        try:
            wanted = order_of(scheduler, RunView(state))
        except Exception as problem:
            self._dismiss(problem)
            return self._start(now, limit)
        ready = RunView(state).ready()
        numbers = state.plan.numbers
        stations = self._stations
        free = {at.name: stations.room(at) if limit is None else limit - state.running for at in stations.all}
        startable = set(ready)
        for path in dict.fromkeys([*[path for path in wanted if path in startable], *(() if wanted else ready)]):
            node = numbers[path]
            station = stations.of(node)
            lane = state.lanes[state.lane_of[node]]
            if free[station.name] <= 0 or not state.has_place(lane):
                continue
            if self._begin(events.Started(now, node, state.attempts[node] + 1), orders, now):
                free[station.name] -= 1
        if not orders and not state.running and ready:  # it would never go on: start what is first
            self._scheduler = None
            orders = self._start(now, limit)
            self._scheduler = scheduler
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

    def _refuse(self, started: events.Started, problem: BindingFailed, now: float) -> None:
        """An attempt whose arguments cannot be filled in fails before it begins."""
        trouble = Trouble("BindingFailed", str(problem), retryable=False)
        outcome = Outcome(started.node, started.attempt, FAILED, error=trouble)
        self.apply_all(reported(self.state, outcome, now))
        self._settle(now)

    def _conclude(self, now: float, limit: int | None) -> list[Attempt]:
        """Nothing runs: end the run, or start what is called only now (an undo, a hook)."""
        while found := decisions.concluded(self.state, now):
            self.apply_all(found)
            self._settle(now)
            if orders := self._start(now, limit):
                return orders
        return []

    # -- events ------------------------------------------------------------------------------------------------------

    def apply(self, event: events.Event) -> None:
        """Let an event happen, with all that it obliges us to."""
        TRANSITIONS[type(event)](self.state, event)
        self._log.append(event)
        if type(event) in COMMANDING:
            self._command(event)

    def apply_all(self, found: Iterable[events.Event]) -> None:
        """`apply` each, in order; what decides the next may look at what the one before it did."""
        for event in found:
            self.apply(event)

    def _command(self, event: Any) -> None:
        """Do what an applied event obliges us to.

        Attempts that have to be ended are only noted: it is done after what was started in the same turn was handed out.
        """
        state = self.state
        if isinstance(event, events.NodeCanceling):
            self.ending.append((event.node, state.attempts[event.node]))
        elif isinstance(event, events.NodeSuspended | events.NodeResumed):
            if event.node in state.held or state.states[event.node] == RUNNING:
                act = self._stations.suspend if isinstance(event, events.NodeSuspended) else self._stations.resume
                act((event.node, state.attempts[event.node]))
        else:
            if isinstance(event, events.GraphChanged):
                self.follow()
            if isinstance(event, events.GraphChanged | events.Retried):
                self._stations.renew()
            self.ending.extend(to_cancel(state, event))

    def follow(self) -> None:
        """Go on by another plan. Who can do nothing but perform in place is given nothing more if that is not enough."""
        self._stations.follow(self.state.plan)
        self._lanes = len(self.state.plan.lanes) - 1
