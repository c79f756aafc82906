"""From fleets to the studio: the agents that are up, and who looks after each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.run_link import RunLink
from studio.state import AgentNow

if TYPE_CHECKING:
    from engine.executors.contract import AgentLoad, Fleet


def agents_now(link: RunLink | None) -> tuple[AgentNow, ...]:
    """The agents of the run that goes on here, then those of this machine that it does not use."""
    from engine.executors.lookup import standing_fleet
    from engine.machine.state import RUNNING

    found: dict[str, AgentNow] = {}
    if link is not None:
        state = link.handle.state
        there: dict[str, list[str]] = {}
        for node, agent in list(state.agents.items()):
            if state.states[node] == RUNNING:
                there.setdefault(agent, []).append(state.plan.names[node])
        for load in link.handle.agents():
            found[load.name] = _agent(load, own=True, running=tuple(there.get(load.name, ())))
    for load in standing_fleet().loads():
        found.setdefault(load.name, _agent(load))
    return tuple(found.values())


def _agent(load: AgentLoad, *, own: bool = False, running: tuple[str, ...] = ()) -> AgentNow:
    heard = None if load.heard is None else round(load.heard, 1)
    return AgentNow(
        *(load.name, load.state, load.slots, load.running, load.load, heard, load.labels, load.engine, load.reason),
        own=own,
        running=running,
    )


def fleet_of(link: RunLink | None, agent: str) -> Fleet:
    """Who looks after an agent: the run that goes on here where it uses it, else this machine."""
    from engine.executors.lookup import standing_fleet

    fleets = link.handle.run.fleets if link is not None and not link.over else []
    return next((one for one in fleets if any(load.name == agent for load in one.loads())), standing_fleet())
