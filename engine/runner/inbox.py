"""What came in for a run and has not been taken yet: news from executors, requests from people.

Anybody may put something in, from any thread; only the loop takes it out, and sleeps here when there is nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

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
    """A queue that wakes the loop. `pieces` may be looked at by anybody: it is true while something waits."""

    __slots__ = ("_awake", "_sleeping", "pieces")

    def __init__(self) -> None:
        self.pieces: deque[Piece] = deque()
        self._awake = threading.Event()
        self._sleeping = False

    def report(self, news: Sequence[News]) -> None:
        """Take news from an executor."""
        self.pieces.extend(news)
        if self._sleeping:
            self._awake.set()

    def ask(self, asked: Asked) -> None:
        """Take a request, and wake the loop."""
        self.pieces.append(asked)
        self._awake.set()

    def take(self) -> list[Piece]:
        """All that is there now."""
        pieces = self.pieces
        return [pieces.popleft() for _ in range(len(pieces))]

    def wait(self, seconds: float | None) -> None:
        """Sleep until something comes, or the time has passed."""
        self._sleeping = True
        if not self.pieces:
            self._awake.wait(seconds)
        self._sleeping = False
        self._awake.clear()
