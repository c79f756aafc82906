"""What is known of each agent, and who gets the next attempt.

`AgentInfo` is the coordinator's picture of one agent. `load_factor` is 0 with nothing to do, 1 with every slot busy,
and more with a queue; it is smoothed (half of each new reading), so that one quick task does not make a free machine.
`last_heartbeat` is when this side heard the agent last, on this side's monotonic clock: two clocks are never compared.

A strategy picks among the agents that are eligible: available, with the wanted labels, the wanted counted resources
unspent, and room. It looks only at what is here, so it can be changed while a run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

SMOOTHING = 0.5


class AgentStatus(Enum):
    """How an agent is doing, as the coordinator sees it."""

    AVAILABLE = "available"
    BUSY = "busy"
    OFFLINE = "offline"
    FAILED = "failed"
    DRAINING = "draining"
    SUSPECTED = "suspected"


NodeStatus = AgentStatus
ALIVE = frozenset({AgentStatus.AVAILABLE, AgentStatus.BUSY, AgentStatus.DRAINING, AgentStatus.SUSPECTED})


class Requirements:
    """What an attempt needs of an agent: labels it must have, and counted resources that it takes while it runs.

    `of(value)` reads what a project file may say: `["gpu"]`, or `{"labels": ["x"], "gpu": 1, "memory": 16e9}`.
    """

    __slots__ = ("labels", "resources")

    def __init__(self, labels: Iterable[str] = (), resources: Mapping[str, float] | None = None) -> None:
        self.labels = frozenset(labels)
        self.resources: tuple[tuple[str, float], ...] = tuple(sorted((resources or {}).items()))

    @classmethod
    def of(cls, value: Any) -> Requirements:
        if not value:
            return NOTHING
        if isinstance(value, Requirements):
            return value
        if isinstance(value, Mapping):
            amounts = {str(name): float(amount) for name, amount in value.items() if name != "labels"}
            return cls(value.get("labels", ()), amounts)
        return cls([value] if isinstance(value, str) else value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Requirements) and (self.labels, self.resources) == (other.labels, other.resources)

    def __hash__(self) -> int:
        return hash((self.labels, self.resources))

    def __str__(self) -> str:
        return (
            ", ".join([*sorted(self.labels), *(f"{name} = {amount:g}" for name, amount in self.resources)]) or "nothing"
        )


NOTHING = Requirements()


class AgentInfo:
    """One agent, as its coordinator knows it. Shared by reference; only the coordinator writes."""

    __slots__ = (
        "address",
        "capabilities",
        "given",
        "id",
        "last_heartbeat",
        "load_factor",
        "pid",
        "reason",
        "resources",
        "running",
        "slots",
        "spent",
        "state",
        "versions",
    )

    def __init__(
        self,
        id: str,
        *,
        slots: int = 1,
        address: str = "",
        capabilities: Collection[str] = (),
        resources: Mapping[str, float] | None = None,
        versions: Mapping[str, str] | None = None,
        pid: int = 0,
        now: float = 0.0,
    ) -> None:
        self.id = id
        self.address = address
        self.state = AgentStatus.AVAILABLE
        self.capabilities = frozenset(capabilities)
        self.load_factor = 0.0
        self.last_heartbeat = now
        self.slots = slots
        self.resources = dict(resources or {})
        self.spent: dict[str, float] = {}
        self.versions = dict(versions or {})
        self.pid = pid
        self.running = 0  # attempts leased to it
        self.given = 0  # attempts ever leased to it
        self.reason = ""  # why it is not available, for people

    def has(self, wanted: Requirements) -> bool:
        """Whether it could ever do this: labels there, resources large enough."""
        own = self.resources
        return wanted.labels <= self.capabilities and all(
            own.get(name, 0.0) >= amount for name, amount in wanted.resources
        )

    def can_now(self, wanted: Requirements) -> bool:
        """Whether the resources are unspent. Labels were looked at by `has`."""
        return all(
            self.resources.get(name, 0.0) - self.spent.get(name, 0.0) >= amount for name, amount in wanted.resources
        )

    def spend(self, wanted: Requirements, sign: int = 1) -> None:
        for name, amount in wanted.resources:
            self.spent[name] = max(0.0, self.spent.get(name, 0.0) + sign * amount)

    def loaded(self, reading: float) -> None:
        """Take a reading of the load, smoothed."""
        self.load_factor += SMOOTHING * (reading - self.load_factor)

    @property
    def status(self) -> AgentStatus:
        """`state`, told apart into available and busy by whether a slot is free."""
        if self.state is AgentStatus.AVAILABLE and self.running >= self.slots:
            return AgentStatus.BUSY
        return self.state

    @property
    def free(self) -> int:
        """Slots that nothing is leased to."""
        return max(0, self.slots - self.running)

    def __repr__(self) -> str:
        return f"<AgentInfo {self.id} {self.status.value} {self.running}/{self.slots}>"


NodeInfo = AgentInfo


class LoadBalancingStrategy(Enum):
    """Who gets the next attempt, among those who may have it."""

    ROUND_ROBIN = "round-robin"
    LEAST_LOADED = "least-loaded"
    CAPACITY = "capacity"
    RANDOM = "random"


def _round_robin(eligible: Sequence[AgentInfo], turn: int, _draw: Callable[[], float]) -> AgentInfo:
    return eligible[turn % len(eligible)]


def _least_loaded(eligible: Sequence[AgentInfo], _turn: int, _draw: Callable[[], float]) -> AgentInfo:
    return min(eligible, key=lambda agent: (agent.load_factor, agent.running / agent.slots, agent.id))


def _capacity(eligible: Sequence[AgentInfo], _turn: int, _draw: Callable[[], float]) -> AgentInfo:
    return max(eligible, key=lambda agent: ((agent.slots - agent.running) / agent.slots, agent.slots, agent.id))


def _random(eligible: Sequence[AgentInfo], _turn: int, draw: Callable[[], float]) -> AgentInfo:
    return eligible[min(int(draw() * len(eligible)), len(eligible) - 1)]


PICKS: dict[LoadBalancingStrategy, Callable[[Sequence[AgentInfo], int, Callable[[], float]], AgentInfo]] = {
    LoadBalancingStrategy.ROUND_ROBIN: _round_robin,
    LoadBalancingStrategy.LEAST_LOADED: _least_loaded,
    LoadBalancingStrategy.CAPACITY: _capacity,
    LoadBalancingStrategy.RANDOM: _random,
}


class Balance:
    """A strategy at work: remembers whose turn it is. `draw` gives numbers from 0 to below 1 for the random one."""

    def __init__(
        self, strategy: LoadBalancingStrategy = LoadBalancingStrategy.CAPACITY, draw: Callable[[], float] | None = None
    ) -> None:
        self.strategy = strategy
        self._draw = draw or (lambda: 0.0)
        self._last = ""

    def pick(self, eligible: Sequence[AgentInfo]) -> AgentInfo:
        """One of `eligible` (not empty), by the present strategy."""
        if len(eligible) == 1:
            chosen = eligible[0]
        else:
            in_order = sorted(eligible, key=lambda agent: agent.id)
            turn = sum([agent.id <= self._last for agent in in_order])  # the first one after whoever was last
            chosen = PICKS[self.strategy](in_order, turn, self._draw)
        self._last = chosen.id
        return chosen


def why_nobody(agents: Iterable[AgentInfo], wanted: Requirements) -> str:
    """Why no agent takes an attempt with these requirements, in one sentence for people."""
    alive = [agent for agent in agents if agent.state in ALIVE]
    if not alive:
        return "no agent is connected"
    able = [agent for agent in alive if agent.has(wanted)]
    if not able:
        return f"no connected agent has {wanted}"
    taking = [agent for agent in able if agent.state is AgentStatus.AVAILABLE]
    if not taking:
        return f"{able[0].id} has {wanted}, but is {able[0].status.value}"
    if not any(agent.can_now(wanted) for agent in taking):
        return f"{wanted}: in use on {', '.join(sorted(agent.id for agent in taking))}"
    return "every slot is busy"
