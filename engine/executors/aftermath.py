"""What a task may have changed in its process, remembered before it and put back after it.

The working directory, the umask, the locale, `sys.path`, the recursion limit, the handler of SIGINT, and the standard
streams, both the objects and what lies at file descriptors 1 and 2. What importing the task's module changed stays.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the same as signal, without making an enum of every number
import io
import os
import sys

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, List, Tuple

_RESTORED_SIGNALS = (int(_signal.SIGINT),)


class _Counted(io.FileIO):
    """A standard stream that knows how much was written through it."""

    count = 0

    def write(self, data: Any) -> Any:
        done = super().write(data)
        self.count += done or 0
        return done


class Aftermath:
    """What a task may have changed in this process, remembered before it and put back after it."""

    def __init__(self, folder: str) -> None:
        os.chdir(folder)
        home = os.open(folder, os.O_RDONLY)
        self.home = duplicated_high(home)
        os.close(home)
        self.path: List[str] = []
        self.limit = 1000
        self.umask = os.umask(0o022)
        os.umask(self.umask)
        self.locale: Any = None
        self.kept = [duplicated_high(1), duplicated_high(2)]
        self.raw = [_Counted(fd, "w", closefd=False) for fd in (1, 2)]
        self.streams = [self._wrapped(raw) for raw in self.raw]
        self.counts = [0, 0]
        self.c_flush: Any = None
        sys.stdout, sys.stderr = self.streams
        sys.__stdout__, sys.__stderr__ = self.streams  # type: ignore[misc]

    @staticmethod
    def _wrapped(raw: _Counted) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)

    def remember(self) -> None:
        """Before an attempt, after its module was imported: what imports changed stays."""
        self.path = list(sys.path)
        self.limit = sys.getrecursionlimit()
        self.locale = _locale()

    def restore(self, handler: Any) -> None:
        """After an attempt."""
        if sys.path != self.path:
            sys.path[:] = self.path
        if sys.getrecursionlimit() != self.limit:
            sys.setrecursionlimit(self.limit)
        os.umask(self.umask)
        os.fchdir(self.home)
        for number in _RESTORED_SIGNALS:
            if _signal.getsignal(number) != handler:
                _signal.signal(number, handler)
        if _locale() != self.locale:
            _set_locale(self.locale)
        self._restore_streams()

    def _flush_c(self) -> None:
        """Write out what C code printed and its library holds back; ctypes is there once the child is a while old."""
        if self.c_flush is None:
            library = getattr(sys.modules.get("ctypes"), "CDLL", None)  # None also while it is being imported
            if library is not None:
                self.c_flush = getattr(library(None), "fflush", _nothing)
        if self.c_flush is not None:
            self.c_flush(None)

    def _restore_streams(self) -> None:
        if sys.stdout is not self.streams[0] or sys.stdout.closed:
            sys.stdout = self.streams[0]
        if sys.stderr is not self.streams[1] or sys.stderr.closed:
            sys.stderr = self.streams[1]
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            self.streams = [self._wrapped(raw) for raw in self.raw]
            sys.stdout, sys.stderr = self.streams
        self._flush_c()
        os.dup2(self.kept[0], 1)  # doing it takes less than looking whether it is needed
        os.dup2(self.kept[1], 2)

    def printed(self) -> Tuple[int, int]:
        """Bytes that Python code wrote to each stream since the last time."""
        out, err = self.raw[0].count - self.counts[0], self.raw[1].count - self.counts[1]
        if out or err:
            self.counts = [self.raw[0].count, self.raw[1].count]
        return out, err


def _nothing(_: None) -> None:
    pass


def _locale() -> Any:
    module = sys.modules.get("_locale")
    return module.setlocale(module.LC_ALL, None) if module is not None else None


def _set_locale(text: Any) -> None:
    module = sys.modules.get("_locale")
    if module is not None:
        try:
            module.setlocale(module.LC_ALL, text if text is not None else "C.UTF-8")
        except module.Error:
            module.setlocale(module.LC_ALL, "C")


def moved_high(fd: int) -> int:
    """The same file at a high descriptor, out of the way of tasks that close all the low ones."""
    high = duplicated_high(fd)
    os.close(fd)
    return high


def duplicated_high(fd: int) -> int:
    import fcntl

    for lowest in (1000, 900, 500, 240, 100, 20):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
    return os.dup(fd)
