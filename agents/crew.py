"""The agents that an engine starts for itself on this machine: tied to it, started again when they die, ended with it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agents.keys import Allowed
from agents.local import LocalAgent
from agents.service import Settings
from engine.executors.contract import Workplace

DEATHS = 5  # of an agent that never registered, after which it is not started again


class Crew:
    """Starts agents for one engine. `endpoint` and `server` are where and who it is, `allowed` gets their keys.

    `on_death(name, how)` is called in a thread of its own when a process has ended, and says whether it had registered;
    `on_despair(reason)` when an agent cannot be started at all.
    """

    def __init__(
        self,
        workplace: Workplace,
        endpoint: str,
        server: str,
        allowed: Allowed,
        on_death: Callable[[str, str], bool],
        on_despair: Callable[[str], None],
        *,
        labels: Sequence[str] = (),
        resources: Mapping[str, float] | None = None,
    ) -> None:
        self._workplace = workplace
        self._endpoint = endpoint
        self._server = server
        self._allowed = allowed
        self._on_death = on_death
        self._on_despair = on_despair
        self._labels = list(labels)
        self._resources = dict(resources or {})
        self._agents: dict[str, LocalAgent] = {}
        self._slots: dict[str, int] = {}
        self._deaths: dict[str, int] = {}
        self._starting = threading.Lock()  # an agent that is started again is not missed by `close`
        self._closing = False

    def start(self, count: int, slots: int) -> None:
        """Start so many agents, which share the slots."""
        count = max(0, min(count, slots))
        for index in range(count):
            self._start(f"local-{index + 1}", slots // count + (index < slots % count))

    def names(self) -> list[str]:
        return list(self._agents)

    def pids(self) -> dict[str, int]:
        """The process of each."""
        return {name: agent.pid for name, agent in list(self._agents.items())}

    def lives(self) -> bool:
        """Whether one of them is there."""
        return any(agent.process.poll() is None for agent in self._agents.values())

    def stop_hiring(self) -> None:
        """From now on nobody who dies is replaced."""
        with self._starting:
            self._closing = True

    def close(self) -> None:
        """End them all."""
        self.stop_hiring()
        for agent in list(self._agents.values()):
            agent.close(0.0 if not agent.process.stdin else 2.0)
        self._agents.clear()

    def _start(self, name: str, slots: int) -> None:
        from agents.gate import new_keys

        keys = new_keys()
        self._allowed.revoke(name)
        self._allowed.add(name, keys.public)
        state = Path(self._workplace.state)
        settings = Settings(
            name=name,
            slots=slots,
            endpoint=self._endpoint,
            server=self._server,
            public=keys.public,
            secret=keys.secret,
            folder=str(Path(self._workplace.folder).absolute()),
            python=self._workplace.python or sys.executable,
            scratch=str((state / "scratch").absolute()),
            path=[place for place in sys.path if place and os.path.isabs(place)],  # noqa: PTH117
            labels=self._labels,
            resources=self._resources,
        )
        self._slots[name] = slots
        self._agents[name] = LocalAgent(settings, state / "agents" / f"{name}.log", self._gone)

    def _gone(self, agent: LocalAgent, code: int) -> None:
        """A process has ended: another one takes its place."""
        if self._closing or self._agents.get(agent.name) is not agent:
            return
        ended = f"its process was ended by signal {-code}" if code < 0 else f"its process ended with exit code {code}"
        registered = self._on_death(agent.name, ended)
        self._deaths[agent.name] = 0 if registered else self._deaths.get(agent.name, 0) + 1
        if self._deaths[agent.name] >= DEATHS:
            self._on_despair(f"no agent can be started: {ended}\n{agent.last_words()}")
            return
        with self._starting:
            if not self._closing:
                self._start(agent.name, self._slots[agent.name])
