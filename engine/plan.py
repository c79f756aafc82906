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
from engine.frames import Again, Each, Frame, Shift
from engine.graph import cycle_of, dependents_of, levels_of, topological_order
from engine.project.model import OnError, RetryPolicy

if TYPE_CHECKING:
    from engine.machine.state import RunState

NO_LIMIT = 1 << 62
GATE = 1 << 40
"""What `waiting` counts for a child whose frame has not let it go: more than there can be nodes."""


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """What the nodes of one lane wait for: an executor, at most `limit` of them at once, and what each of them takes.

    `takes` are (number in `Plan.stocks`, amount) pairs; what only one lane takes is said by its limit alone.
    """

    executor: str
    limit: int = NO_LIMIT
    takes: tuple[tuple[int, float], ...] = ()


LaneKey = tuple[str, str | None, tuple[str, ...], tuple[tuple[str, float], ...]]
"""What makes nodes share a lane: executor, pool, and the labels and amounts that they require."""


class Stock:
    """Something countable that nodes of several lanes take while they run: a pool, or a resource of this machine."""

    __slots__ = ("capacity", "lanes", "name")

    def __init__(self, name: str, capacity: float) -> None:
        self.name = name
        self.capacity = capacity
        self.lanes: list[tuple[int, float]] = []  # who takes it, and how much each time


class Binding(Protocol):
    """Fills in what a node's attempt gets beyond whole results: constants, fields, `${...}`, environment."""

    def fill(self, attempt: Attempt, state: RunState) -> None:
        """Complete the attempt. Raises BindingFailed where a value is missing or has no such field."""


Guard = Callable[["RunState", int], bool]
"""Whether a node may start: its `when`, over the results and params of the run, as that node sees them."""


class Plan:
    """A workflow as integers. Column i belongs to node i; numbers follow the order in the file.

    `deps[i]`: all nodes that i waits for. `sources[i]`: whose results it takes, in order, `keywords[i]` under which names
    (None: as positional arguments). `waiting[i]`: how many completions free it (fewer than len(deps[i]) where its join is
    "any" or "at least n"). `lane_of[i]`: the lane it joins when freed; lane 0 where a decision has to be taken first, and
    then `admitted_to[i]` is the lane it goes on to.

    `frames[i]` says what a node that holds others is (those in `limited` let only some of these run at once), `parents[i]`
    which one holds i; `templates` are the numbers that are only ever copied, `hidden` those of nodes that no person wrote (a
    condition that has to be run). See `engine.frames`.

    A run may go on with another version of its project. Numbers are columns, so a number is a node's for ever: new nodes
    come last, and what a change took out is `gone` (and among the `templates`, as it takes no part any more). `order`
    then has the top level in file order.

    `aside` are nodes that never start by themselves: alternatives, undos, retry delays that code decides, hooks. They are
    called: `alternatives[i]` when i has failed, `undos[i]` to take i back, `delays[i]` before i is tried again, `hooks` at
    the end of the run. Those of them that the frame they stand in does not wait for are `detached`.
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
        self.stocks: list[Stock] = []
        self.lane_keys: tuple[LaneKey, ...] = ()
        self.lane_of: list[int] | bytearray = [1] * len(names)
        self.admitted_to: dict[int, int] = {}
        # what few nodes have
        self.bindings: dict[int, Binding] = {}
        self.guards: dict[int, Guard] = {}
        self.joins: dict[int, int] = {}
        self.priorities: dict[int, int] = {}
        self.ranks: dict[int, int] = {}
        self.frames: dict[int, Frame] = {}
        self.parents: dict[int, int] = {}
        self.templates: set[int] = set()
        self.gone: set[int] = set()
        self.order: list[int] | None = None
        self.hidden: set[int] = set()
        self.once: set[int] = set()
        self.alternatives: dict[int, int] = {}
        self.delays: dict[int, int] = {}
        self.undos: dict[int, int] = {}
        self.aside: set[int] = set()
        self.detached: set[int] = set()
        self.limited: set[int] = set()
        self.hooks: dict[str, int] = {}
        self.compensates = False
        self.named_undos: dict[int, tuple[int, ...]] = {}
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
        self.result_steps: tuple[str | int, ...] = ()
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
        """Level of each node: 0 for sources, else 1 + the highest upstream; inside a frame, upstream of the frame counts."""
        if self._levels is None:
            self._levels = levels_of(self.precedence(closing=False))
        return self._levels

    @property
    def numbers(self) -> dict[str, int]:
        """Path of a node -> its number."""
        if self._numbers is None:
            gone = self.gone
            self._numbers = {name: number for number, name in enumerate(self.names) if number not in gone}
        return self._numbers

    @property
    def executors(self) -> tuple[str, ...]:
        """Names of the executors that the plan uses, each once, in order of first use."""
        return tuple(dict.fromkeys(lane.executor for lane in self.lanes[1:]))

    def precedence(self, *, closing: bool) -> Sequence[Sequence[int]]:
        """What each node comes after: also what its frame waits for and, with `closing`, a frame after its children."""
        if not self.frames:
            return self.deps
        after: list[Sequence[int]] = list(self.deps)
        for child, parent in self.parents.items():  # parents come before their children
            after[child] = (*after[child], *after[parent]) if after[parent] else after[child]
        if closing:
            for frame, what in self.frames.items():
                after[frame] = (*after[frame], *what.children)
        return after

    def check_order(self) -> None:
        """Raise CycleDetected, naming one cycle, if nodes wait for each other."""
        after = self.precedence(closing=True)
        if topological_order(after) is None:
            raise CycleDetected([self.names[node] for node in cycle_of(after) or ()])

    def join(self, node: int, join: str | int) -> None:
        """Give a node another join than "all"."""
        if join == "all_done":
            self.joins[node] = Plan.ALL_DONE
            return
        needed = 1 if join == "any" else int(join)
        self.joins[node] = needed
        self.waiting[node] = needed

    def close_frames(self) -> None:
        """Put a gate before every child, and make each map and loop wait for all that its template looks out at.

        A template's nodes are nobody's dependents: they never run. When a stamp of them is made, everything outside
        that they wait for has ended, so only what lies inside counts.
        """
        self._end_templates()
        for frame in sorted(self.frames):
            what = self.frames[frame]
            if isinstance(what, Each | Again):
                inside = range(what.low, what.high)
                self.templates.update(inside)
                outside = {s for node in inside for s in self.deps[node] if s not in inside and s != frame}
                self.deps[frame] = tuple(dict.fromkeys((*self.deps[frame], *sorted(outside))))
        for frame in self.frames:
            if self.joins.get(frame, Plan.ALL_DONE) == Plan.ALL_DONE:
                self.waiting[frame] = len(self.deps[frame])
        for frame, what in self.frames.items():
            if isinstance(what, Each | Again) and frame not in self.templates:
                for node in range(what.low, what.high):
                    self._close_template_node(node, range(what.low, what.high))
        for child in self.parents:
            self.waiting[child] += GATE
        for node in self.aside:
            self.waiting[node] = GATE
        self.dependents = [[] for _ in self.names]
        for node, upstream in enumerate(self.deps):
            for source in upstream:
                if node not in self.templates or source in self.templates:
                    self.dependents[source].append(node)

    def _end_templates(self) -> None:
        """A template ends where the numbers of what its frame holds end."""
        last: dict[int, int] = {}
        for child in sorted(self.parents, reverse=True):
            parent = self.parents[child]
            last[parent] = max(last.get(parent, parent), last.get(child, child))
        for frame, what in self.frames.items():
            if isinstance(what, Each | Again):
                what.high = last[frame] + 1

    def _close_template_node(self, node: int, inside: range) -> None:
        outside = sum(1 for source in self.deps[node] if source not in inside)
        self.waiting[node] -= outside

    def private(self) -> Plan:
        """A copy that one run may grow by stamping; everything that does not grow is shared."""
        copy = Plan.__new__(Plan)
        copy.__dict__.update(self.__dict__)
        copy.names, copy.works, copy.deps = self.names.copy(), self.works.copy(), list(self.deps)
        copy.dependents = [followers.copy() for followers in self.dependents]
        copy.sources, copy.keywords = list(self.sources), self.keywords.copy()
        copy.waiting, copy.lane_of = self.waiting.copy(), self.lane_of.copy()
        for name in _SPARSE:
            setattr(copy, name, getattr(self, name).copy())
        copy.parents, copy.templates, copy.hidden = self.parents.copy(), self.templates.copy(), self.hidden.copy()
        copy.aside, copy.alternatives = self.aside.copy(), self.alternatives.copy()
        copy.detached, copy.named_undos = self.detached.copy(), self.named_undos.copy()
        copy.limited = self.limited.copy()
        copy.delays, copy.undos = self.delays.copy(), self.undos.copy()
        copy.frames, copy.gone = self.frames.copy(), self.gone.copy()
        copy._levels = copy._numbers = None
        return copy

    def adopt(self, other: Plan, numbers: Sequence[int]) -> None:
        """Take what was born in a run of `other`, onto whose numbers this plan was made. Only for a plan of one run.

        They stay as they were born, also in how they are run (limits, retries, priorities).
        """
        for number in numbers:
            for name in _COLUMNS:
                getattr(self, name)[number] = getattr(other, name)[number]
            self.parents[number] = other.parents[number]
        for name in (*_SPARSE, "frames", "alternatives", "delays", "undos", "named_undos"):
            table, theirs = getattr(self, name), getattr(other, name)
            table.update({number: theirs[number] for number in numbers if number in theirs})
        kept = set(numbers)
        self.gone -= kept
        self.templates -= kept - other.templates
        for name in _MARKS:
            getattr(self, name).update(kept & getattr(other, name))
        self._levels = self._numbers = None

    def take_out(self, numbers: Iterable[int]) -> None:
        """These nodes take no part any more. Only for a plan of one run."""
        self.gone.update(numbers)
        self.templates.update(numbers)
        self._numbers = None

    def stamp(self, shift: Shift, name: str, parent: int) -> int:
        """Copy the template `shift.low` up to `shift.high` to the end; its root, which becomes a child of `parent`.

        `name` is the root's path. Only for a `private` plan.
        """
        root = len(self.names)
        old = len(self.names[shift.low])
        for number in range(shift.low, shift.high):
            self.names.append(name + self.names[number][old:])
            self.works.append(self.works[number])
            self.deps.append(tuple([shift(source) for source in self.deps[number]]))
            sources = self.sources[number]
            self.sources.append(tuple([shift(source) for source in sources]) if sources else sources)
            self.keywords.append(self.keywords[number])
            self.waiting.append(self.waiting[number])
            self.lane_of.append(self.lane_of[number])
            self.dependents.append([shift(f) for f in self.dependents[number] if shift.low <= f < shift.high])
            self.parents[number + shift.delta] = shift(self.parents[number]) if number > shift.low else parent
            if number in self.frames:
                self.frames[number + shift.delta] = self.frames[number].shifted(shift)
            for mark in _MARKS:
                if number in getattr(self, mark):
                    getattr(self, mark).add(number + shift.delta)
            if number in self.named_undos:
                self.named_undos[number + shift.delta] = tuple([shift(undo) for undo in self.named_undos[number]])
        self._mark_inner_templates(root)
        for name_ in _SPARSE:
            table: dict[int, Any] = getattr(self, name_)
            if table:
                for number in range(shift.low, shift.high):
                    if number in table:
                        table[number + shift.delta] = table[number]
        for called in (self.alternatives, self.delays, self.undos):
            for number in range(shift.low, shift.high):
                if number in called:
                    called[number + shift.delta] = shift(called[number])
        self._levels = self._numbers = None
        return root

    def _mark_inner_templates(self, root: int) -> None:
        for number in range(root, len(self.names)):
            frame = self.frames.get(number)
            if isinstance(frame, Each | Again):
                self.templates.update(range(frame.low, frame.high))


_MARKS = ("hidden", "aside", "detached", "limited")
"""Sets of numbers that say what a node is."""
_COLUMNS = ("works", "deps", "dependents", "sources", "keywords", "waiting", "lane_of")
"""Columns, beside the names, that hold what a node is."""
_SPARSE = ("admitted_to", "bindings", "guards", "joins", "priorities", "ranks", "retries", "on_errors")
"""Tables by node number that a stamp carries over as they are."""


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
