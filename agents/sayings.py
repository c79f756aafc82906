"""What attempts say while they run, thinned for the wire: of progress the newest, lines gathered.

`EVERY` seconds something leaves at most, and always before the end of the attempt that said it.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.protocol import TaskAssignment, TaskLines, TaskProgress

EVERY = 0.1
MOST_LINES = 1024  # of one message
Key = tuple[str, int, int]  # run, node, attempt


class Sayings:
    """What waits to leave. `due` is when, None if nothing waits."""

    def __init__(self, now: float) -> None:
        self._progress: dict[Key, TaskProgress] = {}
        self._lines: dict[tuple[Key, str], list[str]] = {}
        self._left_at = now

    def __bool__(self) -> bool:
        return bool(self._progress or self._lines)

    @property
    def due(self) -> float | None:
        return self._left_at + EVERY if self else None

    def add(self, key: Key, message: TaskProgress | TaskLines) -> None:
        """An attempt says something."""
        if isinstance(message, TaskProgress):
            self._progress[key] = message
        else:
            self._lines.setdefault((key, message.stream), []).extend(message.lines)

    def take(self, leases: Mapping[Key, TaskAssignment], now: float) -> list[TaskLines | TaskProgress]:
        """Everything that waits, of attempts that are still leased."""
        self._left_at = now
        said: list[TaskLines | TaskProgress] = []
        for (key, stream), lines in self._lines.items():
            if (lease := leases.get(key)) is not None:
                said += [
                    TaskLines(*key, lease.epoch, stream, lines[start : start + MOST_LINES])
                    for start in range(0, len(lines), MOST_LINES)
                ]
        said += self._progress.values()
        self._lines.clear()
        self._progress.clear()
        return said
