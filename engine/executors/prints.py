"""What tasks print, where several of them share one process: each print goes to the log of the attempt that made it.

`sys.stdout` and `sys.stderr` are replaced while an executor is open. What is written inside an attempt (also in the tasks
of an event loop, by a context variable) becomes its log lines; everything else goes where it always went.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, TextIO

from engine.attempt import Attempt, LogLines, News
from engine.executors.lines import LineGatherer

_printing: ContextVar[Printer | None] = ContextVar("_printing", default=None)
EVERY = 0.1
"""Seconds between two reports of what an attempt prints."""


class Printer:
    """What one thread, or one task of an event loop, prints, on behalf of one attempt after the other.

    `attempt` is whose turn it is, None between two; `used` is true once something was written that nobody `took`.
    Setting the one and asking the other is all that an attempt pays which prints nothing.
    """

    __slots__ = ("_echo", "_lock", "_report", "_sent_at", "_streams", "attempt", "used")

    def __init__(self, report: Callable[[Sequence[News]], None], echo: bool) -> None:
        self.attempt: Attempt | None = None
        self.used = False
        self._report = report
        self._echo = echo
        self._lock = threading.Lock()
        self._streams: dict[str, LineGatherer] = {}
        self._sent_at = 0.0

    def write(self, stream: str, text: str, original: Any) -> None:
        """Take text; it is told at once if nothing was told lately."""
        attempt = self.attempt
        if attempt is None or self._echo:
            original.write(text)
        if attempt is None:
            return
        with self._lock:
            self.used = True
            gatherer = self._streams.setdefault(stream, LineGatherer())
            gatherer.feed(text.encode("utf-8", "backslashreplace"))
        now = time.monotonic()
        if now - self._sent_at >= EVERY and not gatherer.is_empty():
            self._sent_at = now
            if news := self._gathered(attempt, last=False):
                self._report(news)

    def take(self, attempt: Attempt) -> list[News]:
        """The lines of an attempt that is over, as far as they were not told yet."""
        news = self._gathered(attempt, last=True)
        self._streams = {}
        self._sent_at = 0.0
        self.used = False
        return news

    def tell(self, attempt: Attempt) -> None:
        """Report what `take` gives."""
        if news := self.take(attempt):
            self._report(news)

    def _gathered(self, attempt: Attempt, *, last: bool) -> list[News]:
        news: list[News] = []
        with self._lock:
            for stream, gatherer in self._streams.items():
                lines = gatherer.take(last=last)
                if lines:
                    news.append(LogLines(attempt.node, attempt.number, stream, lines))
        return news


class _Router:
    """Stands in for a standard stream."""

    def __init__(self, stream: str, original: TextIO) -> None:
        self._stream = stream
        self.original = original

    def write(self, text: str) -> int:
        printer = _printing.get()
        if printer is None:
            return self.original.write(text)
        printer.write(self._stream, text, self.original)
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


_lock = threading.Lock()
_open = 0


def _route() -> None:
    with _lock:
        if _open and type(sys.stdout) is not _Router:
            sys.stdout = _Router("stdout", sys.stdout)
        if _open and type(sys.stderr) is not _Router:
            sys.stderr = _Router("stderr", sys.stderr)


class Prints:
    """The printing of one executor's attempts."""

    def __init__(self) -> None:
        self._report: Callable[[Sequence[News]], None] = lambda _: None
        self._echo = False
        self._is_open = False

    def open(self, report: Callable[[Sequence[News]], None], *, echo: bool) -> None:
        """Begin: the first executor of the process replaces the streams."""
        global _open
        self._report, self._echo = report, echo
        with _lock:
            self._is_open = True
            _open += 1
        _route()

    def route(self) -> None:
        """Replace the streams again, where somebody put others there since."""
        if type(sys.stdout) is not _Router or type(sys.stderr) is not _Router:
            _route()

    def printer(self) -> Printer:
        """From here on, what this thread (or this task of an event loop) prints goes to the printer that is returned."""
        printer = Printer(self._report, self._echo)
        _printing.set(printer)
        return printer

    def close(self) -> None:
        """End: the last one puts the streams back, unless somebody else replaced them meanwhile."""
        global _open
        with _lock:
            if not self._is_open:
                return
            self._is_open = False
            _open -= 1
            if not _open:
                if isinstance(sys.stdout, _Router):
                    sys.stdout = sys.stdout.original
                if isinstance(sys.stderr, _Router):
                    sys.stderr = sys.stderr.original
