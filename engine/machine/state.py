"""The state of a run as columns by node number, and the readable records made from it on demand.

Only `transitions.apply` writes here. Columns instead of an object a node: 41 bytes a node instead of 169, checkpoints are
copies of bytes, and what changed between two frames is one comparison. What few nodes have (errors, retries, custom
metrics) sits in dicts that stay empty in most runs, so that its absence costs one truth test.

Lanes: a lane holds the ready nodes that wait for the same thing (an executor, a pool). Starting always takes the head of
a lane. Lane 0 is not for starting: it holds nodes about which something has to be *decided* first (a guard, a join
that other nodes' skipping has touched, a structural node); `decisions.settle` looks at them one by one.
"""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.attempt import Trouble
from engine.frames import Shift

if TYPE_CHECKING:
    from engine.plan import Plan


class NodeState(Enum):
    """Where a node of a run stands. A node that still waits for others is READY too."""

    READY = "ready"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SUSPENDED = "suspended"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    COMPENSATED = "compensated"
    UNKNOWN = "unknown"


class WorkflowState(Enum):
    """Where a run stands."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


READY, RUNNING, COMPLETED, FAILED, SUSPENDED, CANCELED, SKIPPED, COMPENSATED, UNKNOWN = range(9)
"""What the `states` column holds: the place of each NodeState in its enum."""
TEMPLATE = 9
"""A number that takes no part: it is only ever copied, or a change of the graph took it out."""
LEAVING = 10
"""A node whose attempt nobody wants any more, as the graph changed or it was set back, and which is being ended."""

NODE_STATES: tuple[NodeState, ...] = (*NodeState, NodeState.READY, NodeState.RUNNING)
DECIDING = 0
"""The lane of nodes whose fate has to be decided before they can start."""

SETTLED = frozenset({COMPLETED, FAILED, CANCELED, SKIPPED, COMPENSATED})
ENDED = frozenset({WorkflowState.COMPLETED, WorkflowState.FAILED, WorkflowState.CANCELED})

GOING, FAILING, CANCELING = range(3)
"""Whether a run still starts what comes, only ends what a failure left, or is being canceled."""


class PriorityQueue:
    """A lane's queue where the plan has priorities: highest first, then as freed. Quacks like the deque it replaces."""

    __slots__ = ("_count", "_heap", "_priorities")

    def __init__(self, priorities: Mapping[int, int]) -> None:
        self._heap: list[tuple[int, int, int]] = []
        self._count = 0
        self._priorities = priorities

    def follow(self, priorities: Mapping[int, int]) -> None:
        """Go by another table from now on, which has what this one had."""
        self._priorities = priorities

    def append(self, node: int) -> None:
        heapq.heappush(self._heap, (-self._priorities.get(node, 0), self._count, node))
        self._count += 1

    def popleft(self) -> int:
        return heapq.heappop(self._heap)[2]

    def remove(self, node: int) -> None:
        self._heap = [entry for entry in self._heap if entry[2] != node]
        heapq.heapify(self._heap)

    def __getitem__(self, index: int) -> int:
        if index:
            raise IndexError("only the head of a lane can be seen")
        return self._heap[0][2]

    def __iter__(self) -> Iterator[int]:
        return (entry[2] for entry in sorted(self._heap))

    def __len__(self) -> int:
        return len(self._heap)


class Lane:
    """Ready nodes that wait for the same thing, and how many of its nodes run now."""

    __slots__ = ("limit", "ready", "running", "takes")

    def __init__(
        self, ready: deque[int] | PriorityQueue, limit: int, takes: tuple[tuple[int, float], ...] = ()
    ) -> None:
        self.ready = ready
        self.limit = limit
        self.running = 0
        self.takes = takes


def lanes_of(plan: Plan, deciding: deque[int]) -> list[Lane]:
    """The lanes of a plan, empty but for the deciding one."""
    urgency = plan.ranks or plan.priorities
    lanes = [
        Lane(PriorityQueue(urgency) if urgency and number else deque(), spec.limit, spec.takes)
        for number, spec in enumerate(plan.lanes)
    ]
    lanes[DECIDING].ready = deciding
    return lanes


class RunState:
    """One run, whole: `states[i]`, `values[i]`, ... for node i of `plan`; counts and flags for the run itself."""

    __slots__ = (
        "agents",
        "answers",
        "asking",
        "attempts",
        "awaited_by",
        "canceled",
        "carried",
        "cause",
        "causes",
        "chosen",
        "custom",
        "deciding",
        "delaying",
        "dependents",
        "done",
        "earlier",
        "ended",
        "ended_at",
        "errors",
        "failed",
        "failures",
        "fallen",
        "forgiven",
        "gated",
        "held",
        "hooked",
        "in_line",
        "items",
        "lane_of",
        "lanes",
        "leaving",
        "left",
        "lost",
        "missed",
        "moving",
        "opened",
        "parents",
        "paused",
        "phase",
        "placed",
        "plan",
        "reason",
        "reasons",
        "reopened_at",
        "retrying",
        "running",
        "sealed",
        "shifts",
        "skipped",
        "spent",
        "stamps",
        "standing_in",
        "started",
        "started_at",
        "state",
        "states",
        "swept",
        "timed_out",
        "timers",
        "tried_before",
        "undoing",
        "values",
        "variables",
        "waiting",
        "waits",
        "wall",
        "watched",
    )

    def __init__(self, plan: Plan) -> None:
        size = len(plan.names)
        self.plan = plan
        self.dependents = plan.dependents
        self.lane_of = plan.lane_of
        # columns
        self.states = bytearray(size)
        self.attempts = array("I", bytes(4 * size))
        self.started = array("d", bytes(8 * size))
        self.ended = array("d", bytes(8 * size))
        self.spent = array("d", bytes(8 * size))
        self.waiting = plan.waiting.copy()
        self.values: list[Any] = [None] * size
        # what few nodes have
        self.failures: dict[int, int] = {}
        self.errors: dict[int, Trouble] = {}
        self.causes: dict[int, int] = {}
        self.reasons: dict[int, str] = {}
        self.retrying: dict[int, float] = {}
        self.missed: dict[int, int] = {}
        self.lost: dict[int, int] = {}
        self.custom: dict[int, dict[str, str]] = {}
        self.agents: dict[int, str] = {}
        self.timers: list[tuple[float, int]] = []
        # what a change of the graph, or a retry, leaves behind: attempts and failures that no longer count, lanes of
        # attempts on their way out, lanes that running nodes go to after their attempt; for what was born in a map or
        # loop that begins anew: the frame that waits until it is gone, and the attempts that there were of its path
        self.fallen: set[int] = set()
        self.earlier: dict[int, int] = {}
        self.forgiven: dict[int, int] = {}
        self.leaving: dict[int, int] = {}
        self.moving: dict[int, int] = {}
        self.awaited_by: dict[int, int] = {}
        self.tried_before: dict[str, int] = {}
        self.reopened_at = 0.0
        # frames: what they hold, what they wait for
        self.parents = plan.parents
        self.watched = bool(plan.frames or plan.aside)
        self.left: dict[int, int] = {}
        self.gated: dict[int, deque[int]] = {}
        self.placed: dict[int, set[int]] = {}  # of frames with few places: the children that have one, and the others
        self.in_line: dict[int, deque[int]] = {}
        self.chosen: dict[int, int] = {}
        self.stamps: dict[int, list[int]] = {}
        self.shifts: dict[int, tuple[Shift, ...]] = {}
        self.items: dict[int, list[Any]] = {}
        self.carried: dict[int, Any] = {}
        self.waits: dict[int, float] = {}
        self.asking: dict[int, str] = {}
        self.answers: dict[int, Any] = {}
        self.held: set[int] = set()
        self.standing_in: dict[int, int] = {}
        self.delaying: dict[int, int] = {}
        self.hooked = ""
        self.undoing: deque[int] = deque()
        self.opened = 0
        # the run
        self.state = WorkflowState.READY
        self.phase = GOING
        self.paused = False
        self.swept = False
        self.timed_out = False
        self.running = 0
        self.done = 0
        self.failed = 0
        self.skipped = 0
        self.canceled = 0
        self.sealed = 0
        self.cause = -1
        self.reason = ""
        self.wall = 0.0
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.variables: Mapping[str, Any] = MappingProxyType(dict(plan.variables))
        self.deciding: deque[int] = deque()
        self.lanes = lanes_of(plan, self.deciding)
        for node in plan.templates:
            self.states[node] = TEMPLATE
        for node, count in enumerate(self.waiting):
            if not count:
                self.lanes[self.lane_of[node]].ready.append(node)

    @property
    def is_over(self) -> bool:
        """True once the run has ended."""
        return self.state in ENDED

    def node(self, node: int) -> NodeRecord:
        """All that is known of one node, as a record that stays as it is."""
        ended = self.ended[node] if self.ended[node] and self.states[node] not in (RUNNING, LEAVING) else None
        cause = self.causes.get(node, -1)
        return NodeRecord(
            id=self.plan.names[node],
            state=NODE_STATES[self.states[node]],
            attempts=self.attempts[node],
            started=self.started[node] if self.attempts[node] else None,
            ended=ended,
            seconds=self.spent[node],
            value=self.values[node],
            error=self.errors.get(node),
            reason=self.reasons.get(node, ""),
            cause=self.plan.names[cause] if cause >= 0 else None,
            retry_due=self.retrying.get(node),
            agent=self.agents.get(node, ""),
        )

    def can_execute(self, node: int) -> bool:
        """Whether the node might start now. Asking changes nothing."""
        if self.states[node] != READY or self.paused or self.phase != GOING or node in self.retrying:
            return False
        missed = self.missed.get(node, 0)
        if missed and node not in self.plan.joins:
            return False
        if self.waiting[node] > (missed if self.plan.joins.get(node) == self.plan.ALL_DONE else 0):
            return False
        return self.has_place(self.lanes[self.lane_of[node]])

    def has_place(self, lane: Lane) -> bool:
        """Whether one more node of a lane may run: its limit is not reached, and what it takes is there."""
        return lane.running < lane.limit and (not lane.takes or self._has_stock(lane))

    def _has_stock(self, lane: Lane) -> bool:
        for number, amount in lane.takes:
            stock = self.plan.stocks[number]
            taken = sum(self.lanes[other].running * much for other, much in stock.lanes)
            if taken + amount > stock.capacity * (1 + 1e-9):  # amounts such as 0.1 do not add up exactly
                return False
        return True

    def tries(self, node: int) -> int:
        """How many attempts of a node failed since it was last set back."""
        return self.failures.get(node, 0) - self.forgiven.get(node, 0)

    def metrics(self, node: int) -> NodeMetrics:
        """The node's figures so far; a copy."""
        attempts, running = self.attempts[node], self.states[node] in (RUNNING, LEAVING)
        finished = attempts - running
        return NodeMetrics(
            execution_count=attempts,
            failure_count=self.failures.get(node, 0),
            last_execution_time=self.ended[node] - self.started[node] if finished and not running else None,
            average_execution_time=self.spent[node] / finished if finished else None,
            started_at=self.started[node] if attempts else None,
            completed_at=self.ended[node] if finished and not running else None,
            custom_metrics=dict(self.custom.get(node, {})),
        )


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node of a run at one moment. `started` and `ended` in seconds since the run began, `seconds` of running.

    `agent` is who got its last attempt, empty where that was not given to an agent.
    """

    id: str
    state: NodeState
    attempts: int
    started: float | None
    ended: float | None
    seconds: float
    value: Any
    error: Trouble | None
    reason: str
    cause: str | None
    retry_due: float | None
    agent: str = ""


@dataclass(frozen=True, slots=True)
class NodeMetrics:
    """A node's figures in a run. Times in seconds; `started_at` and `completed_at` since the run began."""

    execution_count: int = 0
    failure_count: int = 0
    last_execution_time: float | None = None
    average_execution_time: float | None = None
    started_at: float | None = None
    completed_at: float | None = None
    custom_metrics: Mapping[str, str] = field(default_factory=dict)
