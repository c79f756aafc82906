"""Name -> executor, through entry points: importing only the one asked for.

Anything that keeps the promises of `contract` can be offered by any package, under the group `flowloom.executors`:

    [project.entry-points."flowloom.executors"]
    slurm = "flowloom_slurm:SlurmExecutor"
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module

from engine.errors import SystemFailure
from engine.executors.contract import Executor

GROUP = "flowloom.executors"

# Ours are found without reading the metadata of every installed package, which takes longer than starting a run.
OWN: dict[str, str] = {
    "inline": "engine.executors.inline:InlineExecutor",
    "threads": "engine.executors.threads:ThreadsExecutor",
    "processes": "engine.executors.processes:ProcessesExecutor",
    "agents": "agents.executor:AgentsExecutor",
}


def executor_names() -> list[str]:
    """Every name that can be asked for here, our own first."""
    return [*OWN, *sorted(set(_offered()) - set(OWN))]


def make_executor(name: str) -> Executor:
    """The executor of this name, not yet open. Raises SystemFailure, with the nearest names, where it cannot be had."""
    place = OWN.get(name) or _offered().get(name)
    if place is None:
        raise SystemFailure(f"there is no executor {name!r}{_nearest(name, executor_names())}")
    module_name, _, attribute = place.partition(":")
    try:
        made = getattr(import_module(module_name), attribute)()
    except (ImportError, AttributeError) as problem:
        raise SystemFailure(
            f"the executor {name!r} cannot be loaded: {problem}; is everything that it needs installed in {sys.prefix}?"
        ) from problem
    if not isinstance(made, Executor):
        raise SystemFailure(f"{place}, offered as executor {name!r}, does not keep the contract of executors")
    return made


def _offered() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are {', '.join(known)}"
