"""What a run tells its watchers: batches of events, the newest progress, new log lines.

A watcher never slows a run: the engine appends a reference to a batch it made anyway and goes on. A watcher that does
not look for a while finds everything it needs in bounded room: events are the run's own list, of progress only the
newest of each node is kept, and of log lines the newest few thousand, with the number that was dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.attempt import LogLines, Progress
from engine.machine.events import Event

KEPT_LOG_PIECES = 4096


@dataclass(slots=True)
class Glance:
    """What happened since the last look."""

    events: list[Event] = field(default_factory=list)
    progress: dict[int, Progress] = field(default_factory=dict)
    logs: list[LogLines] = field(default_factory=list)
    dropped_logs: int = 0

    def __bool__(self) -> bool:
        return bool(self.events or self.progress or self.logs)


class Subscription:
    """One watcher's end of the feed. `take` may be called from any thread, at the watcher's own pace."""

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self._batches: deque[Sequence[Event]] = deque()
        self._progress: dict[int, Progress] = {}
        self._logs: deque[LogLines] = deque(maxlen=KEPT_LOG_PIECES)
        self._dropped = 0
        self._wake = wake

    def take(self) -> Glance:
        """All news since the last call. Empty, and false, if there is none."""
        glance = Glance()
        while self._batches:
            glance.events.extend(self._batches.popleft())
        glance.progress, self._progress = self._progress, {}
        while self._logs:
            glance.logs.append(self._logs.popleft())
        glance.dropped_logs, self._dropped = self._dropped, 0
        return glance

    def _events(self, batch: Sequence[Event]) -> None:
        self._batches.append(batch)
        if self._wake is not None:
            self._wake()

    def _report(self, progress: Sequence[Progress], logs: Sequence[LogLines]) -> None:
        for piece in progress:
            self._progress[piece.node] = piece
        for lines in logs:
            if len(self._logs) == KEPT_LOG_PIECES:
                self._dropped += 1
            self._logs.append(lines)
        if self._wake is not None:
            self._wake()


class Feed:
    """The engine's end: publishes to whoever subscribed."""

    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()
        self._lock = threading.Lock()

    def subscribe(self, wake: Callable[[], None] | None = None) -> Subscription:
        """Watch from now on. `wake` is called, by whoever publishes, when there is news: it must be quick."""
        subscription = Subscription(wake)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop watching. Unknown subscriptions are ignored."""
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def publish(self, batch: Sequence[Event]) -> None:
        """Hand on a batch of events. The list must not be changed afterwards."""
        for subscription in self._subscriptions:
            subscription._events(batch)

    def report(self, progress: Sequence[Progress], logs: Sequence[LogLines]) -> None:
        """Hand on what running attempts say."""
        for subscription in self._subscriptions:
            subscription._report(progress, logs)
