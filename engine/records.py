"""What runs of a project left on record for later ones: how long its nodes took, and what they gave."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from engine.errors import ValidationFailed, WorkflowError
from engine.history import past_run
from engine.machine.state import COMPLETED, RunState
from engine.payload import Payload
from engine.result import nodes_in_order, opened
from engine.store.encoding import Unwritable
from engine.store.index import runs_of

LOOK_AT = 5
"""The newest runs that are looked at: enough for a median, few enough to be read in no time."""

_ROUND = re.compile(r"\[\d+\]")


LOOK_BACK = 20
"""How many runs are looked through for a result."""


def recorded_results(state: Path, project: str, paths: Sequence[str]) -> Mapping[str, tuple[Any, str]]:
    """Path -> the result that the node gave in the newest run in which it completed, and the id of that run.

    Raises ValidationFailed for a node without one, or with one that is no plain data, which only tasks can open.
    """
    found: dict[str, tuple[Any, str]] = {}
    for summary in [run for run in runs_of(state) if run.facts.get("project") == project][:LOOK_BACK]:
        missing = [path for path in paths if path not in found]
        if not missing:
            break
        try:
            past = past_run(summary.folder)
        except WorkflowError:
            continue
        past.close()
        numbers = past.state.plan.numbers
        for path in missing:
            node = numbers.get(path)
            if node is not None and past.state.states[node] == COMPLETED:
                found[path] = (_plain_result(past.state, node, summary.run), summary.run)
    for path in paths:
        if path not in found:
            raise ValidationFailed(
                f"{path} has not completed in any of the last runs, so there is no result of it to begin with: "
                "run it too",
                node_id=path,
            )
    return found


def _plain_result(state: RunState, node: int, run: str) -> Any:
    value = opened(state.values[node])
    if isinstance(value, Payload | Unwritable):
        path, what = state.plan.names[node], getattr(value, "type", "") or "an object"
        raise ValidationFailed(
            f"the result of {path} in run {run} is no plain data ({what}), and cannot be taken over: run it too",
            node_id=path,
        )
    return value


def recorded_seconds(state: Path, project: str) -> Mapping[str, float]:
    """Path of a node -> the median of the seconds that it took where it completed, in the newest runs of a project.

    Items and rounds count together, under the path that their plan has for them (`each[*]`). Runs that cannot be read are
    passed over: they are no reason not to run.
    """
    found: dict[str, list[float]] = {}
    looked = 0
    for summary in runs_of(state):
        if summary.state != "completed" or summary.facts.get("project") != project:
            continue
        if looked >= LOOK_AT:
            break
        try:
            past = past_run(summary.folder)
        except WorkflowError:
            continue
        looked += 1
        past.close()
        run = past.state
        for node in nodes_in_order(run):
            if run.attempts[node] and node not in run.plan.frames:
                found.setdefault(_ROUND.sub("[*]", run.plan.names[node]), []).append(run.spent[node])
    return {path: median(seconds) for path, seconds in found.items()}
