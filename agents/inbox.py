"""What the coordinator's news mean to the engine: outcomes and lines of attempts, with values still sealed.

What an agent says is not believed: large parts lie on a shelf of that agent's own, and what cannot be read is counted
against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents import protocol
from agents.packing import Unpacker, outcome_of
from agents.shelf import Shelf
from agents.turns import Ended, Said
from engine.attempt import LogLines, MetricSet, News, Outcome, Progress, Trouble

UNREADABLE = 100  # parcels after which an agent is not listened to any more


class Inbox:
    """For one coordinator. Results and their parts are taken in one thread, the socket's; big ones lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shelves: dict[str, Shelf] = {}
        self._unpackers: dict[str, Unpacker] = {}
        self._unreadable: dict[str, int] = {}
        self.usual: float | None = None  # smoothed seconds of an attempt

    def put(self, agent: str, chunk: protocol.Chunk, frame: Any) -> None:
        """A piece of a large value came. Raises Malformed for one that does not fit."""
        self._shelf_of(agent).put(chunk, frame)

    def is_hopeless(self, agent: str) -> bool:
        """Something unreadable came from an agent: whether that was once too often."""
        count = self._unreadable[agent] = self._unreadable.get(agent, 0) + 1
        return count >= UNREADABLE

    def outcome_of(self, one: Ended) -> Outcome:
        """How an attempt ended."""
        job, result = one.job, one.result
        if result is None:
            what = "Lost" if one.kind == "lost" else "Canceled"
            return Outcome(job.node, job.number, one.kind, error=Trouble(what, one.reason))
        seconds = result.execution_time
        self.usual = seconds if self.usual is None else self.usual + 0.1 * (seconds - self.usual)
        return outcome_of(result, self._unpacker(one.agent))

    def said_of(self, one: Said) -> News:
        """What an attempt said."""
        news: News = _SAID[type(one.message)](one.message)
        return news

    def _shelf_of(self, agent: str) -> Shelf:
        shelf = self._shelves.get(agent)
        if shelf is None:
            shelf = self._shelves[agent] = Shelf(self._folder, room=protocol.VALUE_LIMIT)
        return shelf

    def _unpacker(self, agent: str) -> Unpacker:
        known = self._unpackers.get(agent)
        if known is None:
            known = self._unpackers[agent] = Unpacker(self._shelf_of(agent).take)
        return known


_SAID: Mapping[type, Any] = {
    protocol.TaskProgress: lambda one: Progress(one.node, one.number, one.fraction, one.text),
    protocol.TaskLines: lambda one: LogLines(one.node, one.number, one.stream, one.lines),
    protocol.TaskMetric: lambda one: MetricSet(one.node, one.number, one.name, one.text),
}
