"""Where attempts of a run are sent: each executor with the lanes whose nodes go there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from engine.attempt import Attempt, Outcome
from engine.errors import SystemFailure
from engine.executors.contract import Executor, InPlace, Lending, Renewing, Report, Turn, Workplace
from engine.machine.state import RunState
from engine.plan import Plan

Key = tuple[int, int]


class Station:
    """One executor of the run and its lanes. `in_place` is the same executor if it works in the caller's thread."""

    __slots__ = ("executor", "in_place", "lanes", "name")

    def __init__(self, name: str, executor: Executor, lanes: list[int]) -> None:
        self.name = name
        self.lanes = lanes
        self.renew(executor)

    def renew(self, executor: Executor) -> None:
        """Another executor of the same kind."""
        self.executor = executor
        self.in_place = executor if isinstance(executor, InPlace) else None


class Stations:
    """All of them. They are told what to do here and decide nothing.

    `are_one` says whether one executor takes everything; where it does so from one lane, `limit` says how many attempts
    may run at once, else None.
    """

    def __init__(
        self,
        plan: Plan,
        executors: Mapping[str, Executor],
        state: RunState,
        make: Callable[[str], Executor] | None = None,
    ) -> None:
        self.all = [Station(name, executors[name], []) for name in plan.executors]
        self._make = make
        self._state = state
        self._is_open = False
        self._opened: list[Station] = []
        self._workplace: Workplace | None = None
        self._report: Report | None = None
        self._lent: tuple[Report, Turn] | None = None
        self.follow(plan)

    def follow(self, plan: Plan) -> None:
        """Which lanes there are, and how much may run at once, as this plan says."""
        for station in self.all:
            station.lanes = [i for i, lane in enumerate(plan.lanes) if i and lane.executor == station.name]
        self._most = plan.max_parallel
        self._of_lane = {lane: station for station in self.all for lane in station.lanes}
        self._summarize()

    def add(self, names: Sequence[str]) -> None:
        """Get the executors of these names ready, where they are not. Raises SystemFailure, NetworkError."""
        known = {station.name for station in self.all}
        for name in names:
            if name not in known:
                if self._make is None:
                    raise SystemFailure(f"this run has no executor {name!r}")
                station = Station(name, self._make(name), [])
                if self._is_open:
                    self._open(station)
                self.all.append(station)
        self._summarize()

    def _summarize(self) -> None:
        self.are_one = len(self.all) == 1
        self.limit = self._limit_of_one() if self.are_one and len(self.all[0].lanes) <= 1 else _no_limit

    def _limit_of_one(self) -> Callable[[], int | None]:
        capacity, most = self.all[0].executor.capacity, self._most
        return capacity if most is None else lambda: min(capacity(), most)

    def of(self, node: int) -> Station:
        """Where a node's attempts go."""
        return self._of_lane[self._state.lane_of[node]]

    def works_alone_in_place(self) -> Callable[[Attempt], Outcome] | None:
        """How to perform an attempt, if everything happens in the caller's thread."""
        only = self.all[0].in_place if len(self.all) == 1 else None
        return None if only is None else only.perform

    def lend(self, leave: Report, turn: Turn) -> None:
        """Let executors whose threads can do so turn the loop, also those that are added later."""
        self._lent = leave, turn
        for station in self._opened:
            self._lend(station)

    def _lend(self, station: Station) -> None:
        if self._lent is not None and isinstance(station.executor, Lending):
            station.executor.lend(*self._lent)

    def work_in_place(self) -> bool:
        """Whether any attempt keeps the caller's thread busy."""
        return any(station.in_place is not None for station in self.all)

    def room(self, station: Station) -> int:
        """How many more attempts it may be given."""
        state = self._state
        room = station.executor.capacity() - sum(state.lanes[lane].running for lane in station.lanes)
        return room if self._most is None else min(room, self._most - state.running)

    def open(self, workplace: Workplace, report: Report) -> None:
        """Get all executors ready. Raises what one raises that cannot be; `close` closes those that were opened."""
        again = self._workplace is not None
        self._workplace, self._report, self._is_open = workplace, report, True
        for station in self.all:
            if again and self._make is not None:  # an executor that was closed is used up
                station.renew(self._make(station.name))
            self._open(station)
        self._summarize()

    def _open(self, station: Station) -> None:
        assert self._workplace is not None
        assert self._report is not None
        station.executor.open(self._workplace, self._report)
        self._opened.append(station)
        self._lend(station)

    def close(self) -> None:
        """End what still runs. One that cannot be closed keeps no other open; what it raised is raised afterwards."""
        self._is_open = False
        opened, self._opened = self._opened, []
        with ExitStack() as closing:
            for station in reversed(opened):
                closing.callback(station.executor.close)

    def dispatch(self, orders: list[Attempt]) -> list[Attempt]:
        """Hand attempts to their executors; those of an executor that works in this thread are returned."""
        if len(self.all) == 1:
            self.all[0].executor.start(orders)
            return []
        sorted_: dict[str, list[Attempt]] = {}
        local: list[Attempt] = []
        for attempt in orders:
            station = self.of(attempt.node)
            if station.in_place is None:
                sorted_.setdefault(station.name, []).append(attempt)
            else:
                local.append(attempt)
        for station in self.all:
            if station.name in sorted_:
                station.executor.start(sorted_[station.name])
        return local

    def perform(self, attempt: Attempt) -> Outcome:
        """Do an attempt that `dispatch` returned."""
        in_place = self.of(attempt.node).in_place
        assert in_place is not None
        return in_place.perform(attempt)

    def cancel(self, attempts: Sequence[Key], *, in_place: bool = False) -> None:
        """End these; with `in_place`, only those that keep the caller's thread busy."""
        for station in self.all:
            if in_place and station.in_place is None:
                continue
            theirs = [pair for pair in attempts if self._of_lane.get(self._lane(pair[0])) is station]
            if theirs:
                station.executor.cancel(theirs)

    def _lane(self, node: int) -> int:
        """The lane of a node's present attempt, which may no longer be the node's own."""
        return self._state.leaving.get(node, self._state.lane_of[node])

    def renew(self) -> None:
        """Use the project's code as its files are now, for what begins from now on."""
        for work in self._state.plan.works:
            if work is not None and work.reference is not None:
                work.wants_context = None
        for station in self._opened:
            if isinstance(station.executor, Renewing):
                station.executor.renew()

    def suspend(self, attempt: Key) -> None:
        """Hold an attempt, as far as its executor can."""
        self.of(attempt[0]).executor.suspend([attempt])

    def resume(self, attempt: Key) -> None:
        """Let it go on."""
        self.of(attempt[0]).executor.resume([attempt])


def _no_limit() -> int | None:
    return None
