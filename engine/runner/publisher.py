"""From what happened to what is on record: the list of events, their commits, and who is told.

Turns. Events are appended to `log`; every 8 ms they are committed to the journal and handed to the watchers as they are.
A commit per node would cost more than the node. A watch thread commits when the oldest event is overdue, which happens
only while one long node keeps the loop busy in its very thread: it takes a copy of the first n events, writes them, and
then deletes that many, so that appending needs no lock. Only publishing is locked.

When the store refuses (disk full), the batch is kept, `trouble` says why, and the commit is tried again every second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from engine.errors import SystemFailure
from engine.machine import events
from engine.machine.state import RunState
from engine.monitor.feed import Feed

TURN = 0.008
"""Seconds between two commits while there is something to commit."""
OVERDUE = 0.020
"""Age in seconds at which the watch thread commits what the busy loop has not."""
STORE_RETRY = 1.0
"""Seconds until a refused commit is tried again."""


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
    """Told of every event in order, by whoever has the machine: `engine.monitor.observers.Observers` has this shape."""

    def tell(self, state: RunState, batch: Sequence[events.Event]) -> None:
        """Look at what just happened."""


class Publisher:
    """The events of one run on their way out. The loop appends to `log`; the loop and the watch thread publish."""

    def __init__(
        self,
        state: RunState,
        *,
        journal: Recorder | None,
        logs: LogKeeper | None,
        witness: Witness | None,
    ) -> None:
        self.log: list[events.Event] = []
        self.feed = Feed()
        self.trouble: str | None = None
        self.published = 0.0
        self.journal = journal
        self.logs = logs
        self.witness = witness
        self._state = state
        self._seen = 0
        self._untold: list[events.Event] = []  # on record already, and not told yet
        self._lock = threading.Lock()

    def publish(self, now: float) -> bool:
        """Commit what happened and hand it on. False if the store refused: the events are kept for another try."""
        self.published = now
        log = self.log
        with self._lock:
            count = len(log)
            if count:
                batch = log[:count]
                try:
                    if self.journal is not None:
                        self.journal.append(batch, counters(self._state))
                except SystemFailure as problem:
                    self.trouble = str(problem)
                    return False
                del log[:count]
                if self.witness is not None:
                    self._untold += batch[self._seen :]
                self._seen = max(0, self._seen - count)
                self.feed.publish(batch)
            if self.trouble is not None:
                self.trouble = None
            if self.logs is not None:
                self.logs.flush()
        return True

    def tell(self) -> None:
        """Tell the witness what it has not heard of yet."""
        assert self.witness is not None
        with self._lock:
            batch, self._untold = [*self._untold, *self.log[self._seen :]], []
            self._seen = len(self.log)
        if batch:
            self.witness.tell(self._state, batch)

    def due(self) -> float:
        """The moment of the next commit, if there is something to commit."""
        return self.published + (TURN if self.trouble is None else STORE_RETRY)

    def watch(self, clock: Callable[[], float], glance: Callable[[float], None]) -> threading.Event:
        """Publish what is overdue, from a thread of its own, until the returned event is set; `glance` is called too."""
        stop = threading.Event()

        def look() -> None:
            while not stop.wait(OVERDUE / 2):
                now = clock()
                glance(now)
                log = self.log
                if log and self.trouble is None and now - log[0].at > OVERDUE:
                    self.publish(self.published)

        threading.Thread(target=look, name="flowloom-watch", daemon=True).start()
        return stop


def counters(state: RunState) -> dict[str, Any]:
    """What the list of runs tells about a run without reading its events."""
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
