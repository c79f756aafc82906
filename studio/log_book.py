"""What the nodes of the run in hand printed, as far as a screen can show it: the newest lines of each.

The whole of it is in the run's log files. A book is filled by the run link (live) or by reading those files (a past
run), and read by the log view; `stamp` changes whenever a line came.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

KEPT = 5000
LONGEST = 4000
"""Characters of a line that are kept; the file has the rest."""


class LogLine(NamedTuple):
    """One printed line. `at` in seconds since the run began; `stream` is stdout, stderr or log."""

    node: str
    attempt: int
    stream: str
    at: float
    text: str


class LogBook:
    """Newest lines by node, and of all nodes together."""

    def __init__(self, kept: int = KEPT) -> None:
        self.stamp = 0
        self.counts: dict[str, int] = {}
        self._kept = kept
        self._all: deque[LogLine] = deque(maxlen=kept)
        self._of: dict[str, deque[LogLine]] = {}

    def add(self, lines: Iterable[LogLine]) -> None:
        """Take new lines, in the order in which they were printed."""
        for line in lines:
            if len(line.text) > LONGEST:
                left = len(line.text) - LONGEST
                line = line._replace(text=f"{line.text[:LONGEST]} ... and {left} more characters, in the log file")
            own = self._of.get(line.node)
            if own is None:
                own = self._of[line.node] = deque(maxlen=self._kept)
            own.append(line)
            self._all.append(line)
            self.counts[line.node] = self.counts.get(line.node, 0) + 1
            self.stamp += 1

    def lines(self, node: str | None) -> Sequence[LogLine]:
        """What a node printed (and what is inside it); everything where `node` is None."""
        if node is None:
            return list(self._all)
        own = self._of.get(node)
        inside = [found for found in self._of if found.startswith((node + "/", node + "["))]
        if not inside:
            return list(own or ())
        several = [line for found in [node, *inside] for line in self._of.get(found, ())]
        return sorted(several, key=lambda line: line.at)[-self._kept :]

    def take(self, other: LogBook) -> None:
        """Hold what another book holds, and nothing else."""
        self._all, self._of, self.counts = other._all, other._of, other.counts
        self.stamp += 1 + other.stamp

    def clear(self) -> None:
        """Another run is in hand."""
        self._all.clear()
        self._of.clear()
        self.counts.clear()
        self.stamp += 1
