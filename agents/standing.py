"""The agents of this machine that live without a run: how they do, and what a person may do with them.

The command line and the studio both look here. Nothing of it talks to an agent: its home tells how it does, and
signals tell it what to do.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Sequence

from agents.errors import AgentUnavailable
from agents.homes import Description, Home, homes
from engine.errors import SystemFailure
from engine.executors.contract import AgentLoad

STARTED = 10.0
"""Seconds that a new agent has to come to life."""
ENDED = 15.0
"""Seconds after which one that was asked to end is killed."""
FIRST = "here"


class StandingFleet:
    """All of them."""

    def loads(self) -> Sequence[AgentLoad]:
        """How each does, by name; also those that do not live at the moment."""
        return [load_of(home) for home in homes()]

    def drain(self, agent: str) -> None:
        """Let one finish what it has. Raises AgentUnavailable if it does not live, SystemFailure if there is none."""
        living_home(agent).signal(signal.SIGUSR1)

    def stop(self, agent: str, timeout: float = ENDED) -> bool:
        """End one, and see it gone; whether it ended by itself and had not to be killed."""
        home = living_home(agent)
        home.signal(signal.SIGTERM)
        until = time.monotonic() + timeout
        while home.pid() and time.monotonic() < until:
            time.sleep(0.05)
        if not home.pid():
            return True
        home.signal(signal.SIGKILL)
        return False

    def launch(self) -> str:
        """Start one more, with two slots, under the next free name: `here`, `here-2`, ..."""
        number, name = 1, FIRST
        while Home(name).pid():
            number += 1
            name = f"{FIRST}-{number}"
        begin(Description(name))
        return name


def begin(described: Description) -> int:
    """Start an agent that outlives this process; its process. Raises SystemFailure if it does not come to life."""
    from agents.gate import new_keys
    from agents.local import start_standing

    home = Home(described.name)
    home.make(described, new_keys)
    process = start_standing(home, described)
    until = time.monotonic() + STARTED
    while not home.pid():
        if process.poll() is not None or time.monotonic() > until:
            words = home.log.read_text(errors="replace").strip().splitlines()[-1:] if home.log.exists() else []
            raise SystemFailure(f"the agent did not start: {' '.join(words) or 'see ' + str(home.log)}")
        time.sleep(0.02)
    return home.pid()


def load_of(home: Home) -> AgentLoad:
    """How the agent of this home does."""
    described, status, pid = home.description(), home.status(), home.pid()
    state = "offline"
    if home.is_revoked:
        state = "revoked"
    elif pid:
        state = "draining" if status.draining else "busy" if len(status.running) >= described.slots else "available"
    age = home.age()
    heard = 0.0 if math.isinf(age) else round(age, 1)  # one that has just come to life has said nothing yet
    return AgentLoad(
        name=home.name,
        state=state,
        slots=described.slots,
        running=len(status.running) if pid else 0,
        load=round(status.load, 2) if pid else 0.0,
        heard=heard if pid else None,
        labels=tuple(described.labels),
        engine=home.holder() if pid else "",
    )


def living_home(agent: str) -> Home:
    """The home of an agent that lives. Raises AgentUnavailable if it does not, SystemFailure if there is none."""
    home = Home(agent)
    home.description()
    if not home.pid():
        raise AgentUnavailable(agent, "it does not run")
    return home
