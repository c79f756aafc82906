"""Hands for agents: who is up, one more of this machine, and the end of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from studio import actions, effects
from studio.effects import Effect
from studio.jobs import Jobs, Post

if TYPE_CHECKING:
    from studio.run_link import RunLink


class AgentHands:
    """`link` tells of the run that goes on: its fleet is looked after as the standing one is."""

    def __init__(self, jobs: Jobs, post: Post, link: Callable[[], RunLink | None]) -> None:
        self._jobs = jobs
        self._post = post
        self._link = link
        self.hands: dict[type[Effect], Callable[[Any], None]] = {
            effects.DrainAgent: self._drain_agent,
            effects.LaunchAgent: self._launch_agent,
            effects.ReadAgents: self._read_agents,
            effects.StopAgent: self._stop_agent,
        }
        """Which effects are performed here, and how."""

    def _read_agents(self, _: effects.ReadAgents) -> None:
        def job() -> None:
            from studio.fleet_link import agents_now

            self._post(actions.AgentsRead(agents_now(self._link())))

        self._jobs.later(job)

    def _launch_agent(self, _: effects.LaunchAgent) -> None:
        def job() -> None:
            from engine.executors.lookup import standing_fleet

            name = standing_fleet().launch()
            self._post(actions.Told(f"{name} is up; nodes whose executor is agents run there"))
            self._post(actions.AgentsWanted())

        self._jobs.aside(job)

    def _drain_agent(self, effect: effects.DrainAgent) -> None:
        def job() -> None:
            from studio.fleet_link import fleet_of

            fleet_of(self._link(), effect.name).drain(effect.name)
            self._post(actions.Told(f"{effect.name} finishes what it has and takes nothing new"))
            self._post(actions.AgentsWanted())

        self._jobs.aside(job)

    def _stop_agent(self, effect: effects.StopAgent) -> None:
        def job() -> None:
            from studio.fleet_link import fleet_of

            fleet_of(self._link(), effect.name).stop(effect.name)
            self._post(actions.Told(f"{effect.name} has ended"))
            self._post(actions.AgentsWanted())

        self._jobs.aside(job)
