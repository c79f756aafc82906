"""What came in for a run and has not been taken yet: news from executors, requests from people.

Anybody may put something in, from any thread; only the loop takes it out, and sleeps here when there is nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from math import inf

from engine.attempt import News
from engine.errors import WorkflowError
from engine.machine.decisions import Request


class Asked:
    """A request on its way to the loop, and the answer on its way back. `missed`: the loop had gone before it came."""

    __slots__ = ("answered", "error", "missed", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answered = threading.Event()
        self.error: WorkflowError | None = None
        self.missed = False


Piece = News | Asked


class Inbox:
    """A queue that wakes the loop. `pieces` may be looked at by anybody: it is true while something waits.

    `wakes_at` is the moment at which the loop's thread will look by itself, None while it is awake.
    """

    __slots__ = ("_awake", "leave", "pieces", "wakes_at")

    def __init__(self) -> None:
        self.pieces: deque[Piece] = deque()
        self.leave = self.pieces.extend  # takes news and wakes nobody: for whoever turns the loop afterwards
        self.wakes_at: float | None = None
        self._awake = threading.Event()

    def report(self, news: Sequence[News]) -> None:
        """Take news from an executor."""
        self.pieces.extend(news)
        if self.wakes_at is not None:
            self._awake.set()

    def ask(self, asked: Asked) -> None:
        """Take a request, and wake the loop."""
        self.pieces.append(asked)
        self._awake.set()

    def wake(self) -> None:
        """Wake the loop's thread, for another reason."""
        self._awake.set()

    def take(self) -> list[Piece]:
        """All that is there now."""
        pieces = self.pieces
        if len(pieces) == 1:
            return [pieces.popleft()]
        return [pieces.popleft() for _ in range(len(pieces))]

    def wait(self, now: float, seconds: float | None) -> None:
        """Sleep until something comes, or the time has passed."""
        self.wakes_at = inf if seconds is None else now + seconds
        if not self.pieces:
            self._awake.wait(seconds)
        self.wakes_at = None
        self._awake.clear()

    def rest(self, seconds: float) -> None:
        """Sleep though there may be something, because others look after it; a wish wakes all the same."""
        self._awake.wait(seconds)
        self._awake.clear()
