"""A run without threads, clocks or processes: the machine alone, driven by whoever asks.

`Driver` does what the runner does, in its order: apply, settle, start. What comes next (which attempt ends how, when time
passes, what somebody asks) is the test's to say. It keeps every event, and checks after each turn what must always hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from engine.attempt import COMPLETED, FAILED, Attempt, Outcome, Trouble
from engine.binding import BindingFailed
from engine.errors import NotReady, ValidationFailed
from engine.machine import decisions
from engine.machine.commands import order, to_cancel
from engine.machine.events import Event, GraphChanged, NodeCanceling, Retried, RunCanceling, RunFailing, RunStarted
from engine.machine.state import GOING, LEAVING, NODE_STATES, RUNNING, SUSPENDED, TEMPLATE, RunState
from engine.machine.transitions import apply, replay
from engine.plan import Plan

COLUMNS = ("states", "attempts", "started", "ended", "spent", "waiting", "values")
TABLES = (
    "failures",
    "errors",
    "causes",
    "reasons",
    "retrying",
    "missed",
    "lost",
    "custom",
    "agents",
    "left",
    "chosen",
    "stamps",
)
TABLES += (
    "earlier",
    "forgiven",
    "fallen",
    "awaited_by",
    "tried_before",
    "leaving",
    "moving",
    "gated",
    "lane_of",
    "items",
    "carried",
    "waits",
    "asking",
    "answers",
    "standing_in",
    "held",
    "delaying",
)
FACTS = ("state", "phase", "paused", "running", "opened", "done", "failed", "skipped", "canceled", "cause", "reason")


class Driver:
    """One run of a plan, turn by turn."""

    def __init__(self, plan: Plan, limit: int = 3) -> None:
        self.plan = plan
        self.limit = limit
        self.now = 0.0
        self.state = RunState(plan)
        self.events: list[Event] = []
        self.live: dict[tuple[int, int], Attempt] = {}
        self.to_end: set[tuple[int, int]] = set()
        self.acting = True
        self._record([RunStarted(0.0, 1_000_000.0)])
        self.turn()

    # -- what a test says ----------------------------------------------------------------------------------------------

    def report(self, outcome: Outcome) -> None:
        """An attempt ended, or somebody says so."""
        self.live.pop((outcome.node, outcome.number), None)
        self.to_end.discard((outcome.node, outcome.number))
        self._record(decisions.reported(self.state, outcome, self.now))
        self.turn()

    def complete(self, attempt: Attempt, value: Any = None) -> None:
        """An attempt gave a value."""
        self.report(Outcome(attempt.node, attempt.number, COMPLETED, value, 0.25))

    def ask(self, request: decisions.Request) -> bool:
        """Somebody wants something; whether the state allowed it."""
        try:
            found = decisions.asked(self.state, request, self.now)
        except (NotReady, ValidationFailed):
            return False
        self._record(found)
        self.turn()
        return True

    def tick(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self._record(decisions.ticked(self.state, self.now))
        self.turn()

    def attempt(self, path: str) -> Attempt:
        """The live attempt of a node."""
        number = self.state.plan.numbers[path]
        return next(attempt for attempt in self.live.values() if attempt.node == number)

    def running(self) -> list[str]:
        """Paths of the nodes that have a live attempt."""
        return [attempt.path for attempt in self.live.values()]

    def where(self, path: str) -> str:
        """The state of a node, as text."""
        return self.state.node(self.state.plan.numbers[path]).state.value

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.state.is_over

    # -- what the runner does -------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Decide what has to be decided, start what may start, end the run if nothing can go on."""
        while self.acting:
            self._settle()
            started = self._start()
            if self.state.running or started:
                break
            found = decisions.concluded(self.state, self.now)
            if not found:
                break
            self._record(found)
        self.check()

    def _settle(self) -> None:
        state = self.state
        while True:
            while state.deciding:
                self._record(decisions.settle(state, state.deciding.popleft(), self.now))
            if state.phase == GOING or state.swept:
                return
            self._record(decisions.swept(state, self.now))
            state.swept = True

    def _start(self) -> bool:
        state, any_started = self.state, False
        for lane in range(1, len(state.lanes)):
            while state.running < self.limit:
                started = decisions.next_start(state, lane, self.now)
                if started is None:
                    break
                self._record([started])
                self._check_limits(lane)
                any_started = True
                try:
                    attempt = order(state, started)
                except BindingFailed as problem:
                    trouble = Trouble("BindingFailed", str(problem), retryable=False)
                    refused = Outcome(started.node, started.attempt, FAILED, error=trouble)
                    self._record(decisions.reported(state, refused, self.now))
                    self._settle()
                    continue
                assert attempt.path not in self.running(), "two live attempts of one node"
                self.live[started.node, started.attempt] = attempt
        return any_started

    def _record(self, found: Iterable[Event]) -> None:
        for event in found:
            apply(self.state, event)
            self.events.append(event)
            if isinstance(event, RunCanceling | RunFailing | GraphChanged | Retried):
                self.to_end.update(to_cancel(self.state, event))
            elif isinstance(event, NodeCanceling) and self.state.states[event.node] == RUNNING:
                self.to_end.update(key for key in self.live if key[0] == event.node)

    # -- what must always hold -------------------------------------------------------------------------------------------

    def check(self) -> None:
        """The invariants of every state between two turns."""
        state = self.state
        frames = state.plan.frames
        busy = {n for n, code in enumerate(state.states) if code == LEAVING or (code == RUNNING and n not in frames)}
        assert busy | state.held == {node for node, _ in self.live}
        assert state.running == len(self.live) <= self.limit
        assert state.opened == sum(1 for node in frames if state.states[node] == RUNNING)
        for lane in state.lanes[1:]:
            assert lane.running >= 0
            queued = list(lane.ready)
            assert len(queued) == len(set(queued)), "a node waits twice in a lane"
        counts = Counter(NODE_STATES[code].value for code in state.states if code not in (TEMPLATE, SUSPENDED))
        assert state.skipped == counts["skipped"]
        assert state.canceled == counts["canceled"]
        assert state.done == counts["completed"] + counts["compensated"]

    def _check_limits(self, lane: int) -> None:
        """What a start has just kept to. A change of the graph may leave less room than what runs already takes."""
        lanes = self.state.lanes
        assert lanes[lane].running <= lanes[lane].limit
        for number, _ in lanes[lane].takes:
            stock = self.state.plan.stocks[number]
            assert sum(lanes[other].running * amount for other, amount in stock.lanes) <= stock.capacity

    def replayed(self) -> RunState:
        """The state that replaying the events gives."""
        return replay(self.plan, self.events)


def assert_same(live: RunState, replayed: RunState) -> None:
    """Two states agree in everything but their to-do list."""
    for name in (*COLUMNS, *TABLES, *FACTS):
        assert getattr(live, name) == getattr(replayed, name), name
    assert [list(lane.ready) for lane in live.lanes[1:]] == [list(lane.ready) for lane in replayed.lanes[1:]]
    assert [lane.running for lane in live.lanes] == [lane.running for lane in replayed.lanes]
    assert live.plan.names == replayed.plan.names


def names_of(attempts: Sequence[Attempt]) -> list[str]:
    """Paths of attempts."""
    return [attempt.path for attempt in attempts]
