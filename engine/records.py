"""How long the nodes of a project took in its runs before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from engine.errors import WorkflowError
from engine.history import past_run
from engine.result import nodes_in_order
from engine.store.index import runs_of

LOOK_AT = 5
"""The newest runs that are looked at: enough for a median, few enough to be read in no time."""

_ROUND = re.compile(r"\[\d+\]")


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
