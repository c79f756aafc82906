"""Results that an agent has produced: kept until they are recorded, and remembered a while longer by their leases.

The engine counts results in the order in which they arrive, so they are kept in the order in which they were delivered.
Those of an engine that has not come back lie aside until it does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from agents.protocol import TaskId, TaskResult

REMEMBERED = 65536  # finished leases whose doubles are recognized


class Results:
    """`spooled` are results of an earlier process that nobody took."""

    def __init__(self, spooled: Sequence[TaskResult] = ()) -> None:
        self.kept: deque[TaskResult] = deque(spooled)
        self._others: list[TaskResult] = []
        self._finished: deque[TaskId] = deque((one.task_id for one in spooled), maxlen=REMEMBERED)
        self._known: set[TaskId] = set(self._finished)
        self._recorded = 0

    def knows(self, task: TaskId) -> bool:
        """Whether this lease ended here."""
        return task in self._known

    def add(self, result: TaskResult, *, to_keep: bool) -> None:
        """An attempt has ended; its result is kept if somebody will want it."""
        identity = result.task_id
        if len(self._finished) == REMEMBERED:
            self._known.discard(self._finished[0])
        self._finished.append(identity)
        self._known.add(identity)
        if to_keep:
            self.kept.append(result)

    def belong_to(self, run: str) -> None:
        """An engine holds the agent now: its own results are the ones to deliver, from the first on."""
        everything = [*self.kept, *self._others]
        self._others = [one for one in everything if one.run != run]
        self.kept = deque(one for one in everything if one.run == run)
        self._recorded = 0

    def recorded(self, count: int) -> list[TaskId]:
        """The first `count` results of this session are safe; those that this is new for."""
        gone = []
        while self._recorded < count and self.kept:
            self._recorded += 1
            gone.append(self.kept.popleft().task_id)
        return gone

    def let_go(self) -> list[TaskId]:
        """The engine wants nothing more; what was kept for it."""
        gone = [result.task_id for result in self.kept]
        self.kept.clear()
        return gone
