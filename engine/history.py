"""Runs of the past, and of other processes: their plan and state, folded from their journals.

The same `apply` that a live run uses makes the state of a recorded one; so what is shown of the past cannot differ from
what was shown then. A run's journal holds the text of its project: it can be read long after the file has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import InvalidTransition, SystemFailure
from engine.machine.events import Event, GraphChanged
from engine.machine.state import RunState
from engine.machine.transitions import apply
from engine.plan import Plan
from engine.result import RunResult, run_result
from engine.revision import recorded, recorded_plan
from engine.store.journal import Journal, Reader


class PastRun:
    """A recorded run. `catch_up()` folds what was committed since the last call: for a run that still goes on."""

    def __init__(self, folder: Path, reader: Reader) -> None:
        self.folder = folder
        self.id = folder.name
        self._reader = reader
        self.header: Mapping[str, Any] = msgspec.msgpack.decode(reader.header)
        self.plan = plan_of_header(self.header)
        self.state = RunState(self.plan)
        self.seen = 0

    def catch_up(self, until: int | None = None) -> int:
        """Fold events up to number `until` (default: all there are); how many were new."""
        before = self.seen
        for batch in self._reader.batches(self.seen):
            for number, event in enumerate(batch.events, batch.first):
                if number < self.seen:
                    continue
                if until is not None and number >= until:
                    return self.seen - before
                apply(self.state, revived(event))
                self.seen = number + 1
        return self.seen - before

    @property
    def result(self) -> RunResult:
        """The record of the run as far as it was folded."""
        return run_result(self.state, run=self.id, python=str(self.header.get("python") or ""))

    def close(self) -> None:
        """Let the journal go."""
        self._reader.close()


def past_run(folder: Path) -> PastRun:
    """The run recorded in `folder`, folded to its last event. Raises StoreTrouble, SystemFailure."""
    reader = Journal.read(folder)
    try:
        past = PastRun(folder, reader)
        past.catch_up()
    except (InvalidTransition, LookupError, msgspec.DecodeError) as problem:
        reader.close()
        raise SystemFailure(
            f"the events in {reader.path} do not fit the project recorded with them ({problem}): "
            "another version of Flowloom wrote it, so read it with that one"
        ) from problem
    except BaseException:
        reader.close()
        raise
    return past


def plan_of_header(header: Mapping[str, Any]) -> Plan:
    """The plan that a recorded run had, made again from the project's text in its header."""
    return recorded_plan(header)


def revived(event: Event) -> Event:
    """An event as it came from a journal, able to be applied: a change of the graph needs its plan made again."""
    if isinstance(event, GraphChanged) and isinstance(event.revision, Mapping):
        return msgspec.structs.replace(event, revision=recorded(event.revision))
    return event
