"""Name -> executor, through entry points: importing only the one asked for.

Anything that keeps the promises of `contract` can be offered by any package, under the group `flowloom.executors`:

    [project.entry-points."flowloom.executors"]
    slurm = "flowloom_slurm:SlurmExecutor"
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from engine.errors import SystemFailure
from engine.executors.contract import Executor, Launching
from engine.plugins import EXECUTORS as GROUP
from engine.plugins import Offer, bring, nearest, offered

# Ours are found without reading the metadata of every installed package, which takes longer than starting a run.
OWN: dict[str, str] = {
    "inline": "engine.executors.inline:InlineExecutor",
    "threads": "engine.executors.threads:ThreadsExecutor",
    "processes": "engine.executors.processes:ProcessesExecutor",
    "agents": "agents.executor:AgentsExecutor",
}


STANDING = "agents.standing:StandingFleet"
"""The agents of this machine that live without a run."""


def standing_fleet() -> Launching:
    """Those of this machine. Nothing is started by looking."""
    module_name, _, attribute = STANDING.partition(":")
    fleet: Launching = getattr(import_module(module_name), attribute)()
    return fleet


def executor_names() -> list[str]:
    """Every name that can be asked for here, our own first."""
    return [*OWN, *sorted(set(offered(GROUP)) - set(OWN))]


def make_executor(name: str) -> Executor:
    """The executor of this name, not yet open. Raises SystemFailure, with the nearest names, where it cannot be had."""
    if name in OWN:
        offer = Offer(OWN[name], "", "")
    else:
        offers = offered(GROUP)
        if name not in offers:
            raise SystemFailure(f"there is no executor {name!r}{nearest(name, executor_names())}")
        offer = offers[name]
    try:
        made = _imported(name, offer)()
    except (ImportError, AttributeError) as problem:
        raise SystemFailure(
            f"the executor {name!r} cannot be loaded: {problem}; is everything that it needs installed in {sys.prefix}?"
        ) from problem
    if not isinstance(made, Executor):
        raise SystemFailure(f"{offer.value}, offered as executor {name!r}, does not keep the contract of executors")
    return made


def _imported(name: str, offer: Offer) -> Callable[[], object]:
    if name not in OWN:
        found: Callable[[], object] = bring(GROUP, name, offer)
        return found
    module_name, _, attribute = offer.value.partition(":")
    own: Callable[[], object] = getattr(import_module(module_name), attribute)
    return own
