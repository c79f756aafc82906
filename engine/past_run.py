"""A run that was recorded, as it stands in its journal: of the past, or of another process that writes it right now.

The header holds the text of the project as it was, with the params that were chosen: the plan is made again from these
and the events are replayed over it. Nothing of the project is imported and nothing runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import WorkflowError
from engine.machine.state import RunState
from engine.machine.transitions import replay
from engine.plan import Plan
from engine.planner import plan_project
from engine.result import RunResult, run_result
from engine.store.index import RunSummary, summary_of
from engine.store.journal import Journal
from engine.store.trouble import JournalDamaged, StoreTrouble


class PastRun:
    """A run read from its journal. `state` is where it stands; `advance` folds in what was recorded since."""

    def __init__(self, folder: Path, summary: RunSummary, facts: Mapping[str, Any], state: RunState, seen: int) -> None:
        self.folder = folder
        self.summary = summary
        self.facts = facts
        self.state = state
        self._seen = seen

    @property
    def plan(self) -> Plan:
        """What ran."""
        return self.state.plan

    @property
    def result(self) -> RunResult:
        """How the run went, or goes."""
        return run_result(self.state, run=self.summary.run, python=str(self.facts.get("python") or ""))

    def advance(self) -> bool:
        """Replay what was committed since the last look; false if that was nothing. Raises StoreTrouble."""
        with Journal.read(self.folder) as reader:
            before = self._seen
            for batch in reader.batches(after=before):
                replay(self.plan, batch.events, self.state)
                self._seen = batch.next
        if self._seen != before:
            self.summary = summary_of(self.folder)
        return self._seen != before


def read_run(folder: Path) -> PastRun:
    """Read the run in this folder. Raises StoreTrouble where its journal is missing or damaged, or was made by a
    Flowloom whose projects this one reads differently.
    """
    summary = summary_of(folder)
    with Journal.read(folder) as reader:
        facts = _facts(reader.header, reader.path)
        state = RunState(_plan(facts, reader.path))
        seen = 0
        for batch in reader.batches():
            try:
                replay(state.plan, batch.events, state)
            except (WorkflowError, LookupError) as error:
                raise StoreTrouble(
                    f"the events in {reader.path} do not fit the project in its header ({error}); "
                    "it was written by another version of Flowloom: read it with that one"
                ) from error
            seen = batch.next
    return PastRun(folder, summary, facts, state, seen)


def _facts(header: bytes, path: Path) -> dict[str, Any]:
    try:
        told = msgspec.msgpack.decode(header)
    except msgspec.DecodeError as error:
        raise JournalDamaged(
            f"the header of {path} cannot be read; restore it from a copy, or delete its run"
        ) from error
    if not isinstance(told, dict) or not isinstance(told.get("text"), str):
        raise StoreTrouble(f"{path} does not hold the project that ran; only its summary can be shown: flowloom runs")
    return told


def _plan(facts: Mapping[str, Any], path: Path) -> Plan:
    from engine.project.checks import check_text

    file = facts.get("file")
    project, _ = check_text(facts["text"], file=Path(file) if isinstance(file, str) else None)
    params = facts.get("params")
    try:
        if project is None:
            raise StoreTrouble("its project file cannot be read")
        return plan_project(
            project,
            params=params if isinstance(params, dict) else {},
            executor=facts.get("executor"),
            keep_going=bool(facts.get("keep_going")),
            environment=_Anything(),
        )
    except WorkflowError as error:
        raise StoreTrouble(
            f"the project recorded in {path} cannot be planned ({error}); "
            "it was written by another version of Flowloom: read it with that one"
        ) from error


class _Anything(dict[str, str]):
    """Stands in for the environment of the time, which is not recorded: every variable is there, and empty."""

    def __missing__(self, name: str) -> str:
        return ""

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]
