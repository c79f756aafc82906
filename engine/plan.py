"""A workflow made ready to run: names became integers, defaults were filled in, the order of things is fixed.

A Plan is columns by node number and is never changed while runs of it are going. It holds no reference to the model it
was made from, so that the model (most of the memory of a large project) can be dropped. `engine.compile` makes one.

What most nodes do not have sits in dicts: retries, guards, joins, bindings, priorities. An absent feature costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from engine.attempt import Attempt, Work
from engine.errors import CycleDetected
from engine.graph import cycle_of, dependents_of, levels_of, topological_order
from engine.project.model import OnError, RetryPolicy

if TYPE_CHECKING:
    from engine.machine.state import RunState

NO_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """What the nodes of one lane wait for: an executor, and perhaps a named pool of which `limit` may run at once."""

    executor: str
    pool: str | None = None
    limit: int = NO_LIMIT


class Binding(Protocol):
    """Fills in what a node's attempt gets beyond whole results: constants, fields, `${...}`, environment."""

    def fill(self, attempt: Attempt, state: RunState) -> None:
        """Complete the attempt. Raises BindingFailed where a value is missing or has no such field."""


Guard = Callable[["RunState"], bool]
"""Whether a node may start: its `when`, over the results and params of the run."""


class Plan:
    """A workflow as integers. Column i belongs to node i; numbers follow the order in the file.

    `deps[i]`: all nodes that i waits for. `sources[i]`: whose results it takes, in order, `keywords[i]` under which names
    (None: as positional arguments). `waiting[i]`: how many completions free it (fewer than len(deps[i]) where its join is
    "any" or "at least n"). `lane_of[i]`: the lane it joins when freed; lane 0 where a decision has to be taken first, and
    then `admitted_to[i]` is the lane it goes on to.
    """

    ALL_DONE: ClassVar[int] = -1
    """What `joins` holds for join = "all_done"; otherwise the number of upstream nodes that must complete."""

    def __init__(self, names: list[str], works: list[Work | None], deps: list[tuple[int, ...]]) -> None:
        self.names = names
        self.works = works
        self.deps = deps
        self.dependents = dependents_of(deps)
        self.sources: list[tuple[int, ...]] = deps
        self.keywords: list[tuple[str, ...] | None] = [None] * len(names)
        self.waiting = [len(upstream) for upstream in deps]
        self.lanes: list[LaneSpec] = [LaneSpec("")]
        self.lane_of: list[int] | bytearray = [1] * len(names)
        self.admitted_to: dict[int, int] = {}
        # what few nodes have
        self.bindings: dict[int, Binding] = {}
        self.guards: dict[int, Guard] = {}
        self.joins: dict[int, int] = {}
        self.priorities: dict[int, int] = {}
        self.retry: RetryPolicy | None = None
        self.retries: dict[int, RetryPolicy] = {}
        self.on_error: OnError | None = None
        self.on_errors: dict[int, OnError] = {}
        # the whole run
        self.name = ""
        self.params: Mapping[str, Any] = {}
        self.variables: Mapping[str, Any] = {}
        self.results: list[int] = []
        self.result_is_one = False
        self.timeout: float | None = None
        self.fail_fast = False
        self.keep_going = False
        self.max_parallel: int | None = None
        self._levels: list[int] | None = None
        self._numbers: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def levels(self) -> list[int]:
        """Level of each node: 0 for sources, else 1 + the highest upstream."""
        if self._levels is None:
            self._levels = levels_of(self.deps)
        return self._levels

    @property
    def numbers(self) -> dict[str, int]:
        """Path of a node -> its number."""
        if self._numbers is None:
            self._numbers = {name: number for number, name in enumerate(self.names)}
        return self._numbers

    @property
    def executors(self) -> tuple[str, ...]:
        """Names of the executors that the plan uses, each once, in order of first use."""
        return tuple(dict.fromkeys(lane.executor for lane in self.lanes[1:]))

    def check_order(self) -> None:
        """Raise CycleDetected, naming one cycle, if nodes wait for each other."""
        if topological_order(self.deps, self.dependents) is None:
            raise CycleDetected([self.names[node] for node in cycle_of(self.deps) or ()])


def simple_plan(functions: Sequence[Callable[..., Any]], deps: Sequence[Iterable[int]], executor: str) -> Plan:
    """A plan of bare functions that get their upstream results as positional arguments: for benchmarks and tests."""
    works: dict[Callable[..., Any], Work] = {}
    for function in functions:
        if function not in works:
            works[function] = Work(function=function, executor=executor, wants_context=False)
    plan = Plan(
        [f"n{number}" for number in range(len(functions))],
        [works[function] for function in functions],
        [tuple(upstream) for upstream in deps],
    )
    plan.lanes.append(LaneSpec(executor))
    plan.results = [node for node, followers in enumerate(plan.dependents) if not followers]
    return plan
