"""Results that an agent has produced: kept until they are recorded, and remembered a while longer by their leases.

The engine counts results in the order in which they arrive, so they are kept in the order in which they were delivered.
Those of an engine that has not come back lie aside until it does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from agents.protocol import TaskResult

REMEMBERED = 65536  # finished leases whose doubles are recognized


class Results:
    """`spooled` are results of an earlier process that nobody took."""

    def __init__(self, spooled: Sequence[TaskResult] = ()) -> None:
        self.kept: deque[TaskResult] = deque(spooled)
        self._others: list[TaskResult] = []
        self._finished: deque[tuple[str, int]] = deque(((one.run, one.epoch) for one in spooled), maxlen=REMEMBERED)
        self._known: set[tuple[str, int]] = set(self._finished)  # an epoch stands for one lease of a run
        self._recorded = 0

    def knows(self, run: str, epoch: int) -> bool:
        """Whether this lease ended here."""
        return (run, epoch) in self._known

    def add(self, result: TaskResult, *, to_keep: bool) -> None:
        """An attempt has ended; its result is kept if somebody will want it."""
        identity = (result.run, result.epoch)
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

    def recorded(self, count: int) -> list[TaskResult]:
        """The first `count` results of this session are safe; those that this is new for."""
        many = min(max(0, count - self._recorded), len(self.kept))
        self._recorded += many
        return [self.kept.popleft() for _ in range(many)]

    def let_go(self) -> list[TaskResult]:
        """The engine wants nothing more; what was kept for it."""
        gone = list(self.kept)
        self.kept.clear()
        return gone
