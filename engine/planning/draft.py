"""A plan on its way: the columns as far as they are, and where each node of the project stands in them.

A `Draft` is filled by the rooms beside it, in two passes: `numbering` gives every node its number, the others then resolve
every name from where it stands. `planner` makes the Plan out of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine import works
from engine.attempt import Work
from engine.binding import Condition, InnerParams
from engine.capacity import VARIABLE, Capacity
from engine.errors import ValidationFailed
from engine.frames import Frame
from engine.plan import NO_LIMIT, Binding, LaneKey, LaneSpec, Plan, Stock
from engine.project.comparisons import is_function
from engine.project.model import CustomDelay, Node, Plugin, Project
from engine.project.requirements import NOTHING, Requirements, amount_text
from engine.project.scope import Standing

LOCAL = ("inline", "threads", "processes")
"""Executors that work on this machine: what nodes require must be here. Others look after it themselves."""


class Spot:
    """A node on its way into the plan: where it stands, its numbers, and whose names it uses."""

    __slots__ = ("asked", "body", "delay", "inner", "layers", "outer", "scope", "standing", "undo", "until")

    def __init__(self, standing: Standing, scope: Scope, layers: Sequence[int]) -> None:
        self.standing = standing
        self.scope = scope
        self.layers = layers  # its wrappers from the outside in, and what they wrap
        self.outer = layers[0]  # what other nodes mean by its name
        self.body = layers[-1]  # what does its work, inside of its wrappers
        self.inner: InnerParams | None = None  # the params of the sub-workflow that it runs
        self.asked = -1  # the hidden node that runs its condition, where that is a function
        self.until = -1  # the hidden node that runs its loop's condition, where that is a function
        self.undo = -1  # the hidden node that takes back what it did
        self.delay = -1  # the hidden node that says how long to wait before a retry, where that is the project's code


class Scope:
    """One workflow text: its nodes see each other and its params, and nothing outside."""

    def __init__(self, params: Mapping[str, Any] | InnerParams) -> None:
        self.params = params
        self.spots: dict[int, Spot] = {}


class Draft:
    """The making of one plan. Columns grow in the first pass, edges are added in the second."""

    def __init__(
        self,
        project: Project,
        executor: str | None,
        default_executor: str,
        environment: Mapping[str, str],
        files: Mapping[str, Project],
        capacity: Capacity | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self.executor = executor
        self.default_executor = default_executor
        self.environment = environment
        self.files = files
        self.capacity = capacity
        self.kinds = kinds
        self.lanes: dict[LaneKey, int] = {}
        self.specs: list[LaneSpec] = [LaneSpec("")]
        self.stocks: list[Stock] = []
        self.known: dict[tuple[str, bool], int] = {}
        self.used: list[int] = []
        self.names: list[str] = []
        self.works: list[Work | None] = []
        self.upstream: list[dict[int, None]] = []
        self.direct: dict[int, dict[str, int]] = {}
        self.bindings: dict[int, Binding] = {}
        self.guards: dict[int, Condition | Constant] = {}
        self.frames: dict[int, Frame] = {}
        self.parents: dict[int, int] = {}
        self.hidden: set[int] = set()
        self.spots: list[Spot] = []
        self.aside: set[int] = set()
        self.detached: set[int] = set()
        self.undos: dict[int, int] = {}
        self.delays: dict[int, int] = {}
        self.alternatives: dict[Spot, Spot] = {}
        self.named_undos: dict[int, tuple[int, ...]] = {}

    def go_on_from(self, plan: Plan, *, without: Collection[str] = ()) -> None:
        """Let nodes keep the numbers that they have in `plan`, and begin new ones after them.

        Nodes that were born in a run are not of the project: they are passed over. So are templates that begin with one
        of the paths `without`: they get new numbers as a whole.
        """
        for number, path in enumerate(plan.names):
            shape = path.replace("[*]", "")
            if "[" not in shape and not any(path.startswith(one) for one in without):
                self.known[path, number in plan.hidden] = number
        self.names = plan.names.copy()
        self.works = [None] * len(self.names)
        self.upstream = [{} for _ in self.names]
        for key in plan.lane_keys:  # a lane's number stays; what there is of what it takes is the new project's affair
            self._new_lane(key)

    def blank(self) -> Draft:
        """A draft of the same project that nothing was done to."""
        return Draft(
            self.project, self.executor, self.default_executor, self.environment, self.files, self.capacity, self.kinds
        )

    def add(self, path: str, holder: int | None, *, hidden: bool = False) -> int:
        """A number for a node; `holder` is the frame that it lies in. `hidden`: it stands in no project file."""
        number = self.known.get((path, hidden)) if self.known else None
        if number is None:
            number = len(self.names)
            self.names.append(path)
            self.works.append(None)
            self.upstream.append({})
        self.used.append(number)
        if holder is not None:
            self.parents[number] = holder
        return number

    def lane(self, executor: str, pool: str | None = None, requires: Requirements = NOTHING) -> int:
        """The lane of the nodes that this executor runs and that take the same. Raises ValidationFailed where nothing
        will ever have what they require."""
        key = (executor, pool, requires.labels, tuple(sorted(requires.amounts.items())))
        if key not in self.lanes:
            self._must_have(executor, requires)
            self._new_lane(key)
        return self.lanes[key]

    def _new_lane(self, key: LaneKey) -> None:
        executor, pool, _, amounts = key
        takes = [(name, amount) for name, amount in amounts if self._amount_of(executor, name)]
        if pool is not None and pool not in dict(amounts):
            takes.append((pool, 1.0))
        self.lanes[key] = len(self.specs)
        numbered = tuple([(self._stock(executor, name), amount) for name, amount in takes])
        for stock, amount in numbered:
            self.stocks[stock].lanes.append((len(self.specs), amount))
        self.specs.append(LaneSpec(executor, NO_LIMIT, numbered))

    def limit_lanes(self, plan: Plan) -> None:
        """Give the plan its lanes. What only one of them takes needs no counting: it limits how many run at once."""
        for number, spec in enumerate(self.specs):
            alone = [one for one in spec.takes if len(self.stocks[one[0]].lanes) == 1]
            limit = min(
                [int(self.stocks[stock].capacity / amount + 1e-9) for stock, amount in alone], default=spec.limit
            )
            shared = tuple([one for one in spec.takes if one not in alone])
            self.specs[number] = LaneSpec(spec.executor, limit, shared)
        plan.lanes, plan.stocks, plan.lane_keys = self.specs, self.stocks, tuple(self.lanes)

    def _amount_of(self, executor: str, name: str) -> float | None:
        """How much there is of something countable: [pools] say it for all executors, this machine for local ones."""
        pool: float | None = self.project.pools.get(name)
        here = self.capacity.amounts.get(name) if self.capacity is not None and executor in LOCAL else None
        return min((amount for amount in (pool, here) if amount is not None), default=None)

    def _stock(self, executor: str, name: str) -> int:
        """The number of a stock: a pool is one for all executors, what this machine has one for those of this machine."""
        capacity = self._amount_of(executor, name) or NO_LIMIT
        for number, stock in enumerate(self.stocks):
            if stock.name == name:
                stock.capacity = min(stock.capacity, capacity)
                return number
        self.stocks.append(Stock(name, capacity))
        return len(self.stocks) - 1

    def _must_have(self, executor: str, requires: Requirements) -> None:
        here = self.capacity if executor in LOCAL else None
        missing = [label for label in requires.labels if here is not None and label not in here.labels]
        if missing and here is not None:
            has = ", ".join(sorted(here.labels))
            raise ValidationFailed(
                f"it requires {missing[0]}, and this machine has only {has}: if it has that too, say so with "
                f"{VARIABLE}={missing[0]}; or run it on agents"
            )
        for name, amount in requires.amounts.items():
            have = self._amount_of(executor, name)
            if have is None and here is None:
                continue  # whoever runs it knows
            if amount > (have or 0.0):
                there = f"there is {amount_text(have)}" if have else "this machine is not known to have any"
                raise ValidationFailed(
                    f"it requires {name} = {amount_text(amount)}, and {there}: say what this machine has with "
                    f"{VARIABLE}={name}={amount_text(amount)}, make [pools] {name} larger, or run it on agents"
                )

    def work_of(self, node: Node) -> Work:
        """What a task, command or shell node asks of its executor, or one of a kind that a package brings."""
        work = works.work_of(node, self.project.defaults, executor=self.executor, fallback=self.default_executor)
        if isinstance(node.body, Plugin) and self.kinds is not None:
            work.reference = self.kinds[node.body.kind]
        return work

    def question(self, node: Node, function: Any) -> Work:
        """What a function that decides something for a node asks of its executor."""
        return works.question_work(
            node, self.project.defaults, function, executor=self.executor, fallback=self.default_executor
        )

    def delay_function(self, node: Node) -> Any:
        """The function that a custom retry strategy names, if the node has one."""
        retry = node.settings.retry or self.project.defaults.retry
        return retry.strategy.function if retry is not None and isinstance(retry.strategy, CustomDelay) else None


class Constant:
    """A guard that is written as true or false."""

    __slots__ = ("held",)

    def __init__(self, held: bool) -> None:
        self.held = held

    def __call__(self, state: Any, node: int) -> bool:
        return self.held


def is_code(condition: Any) -> bool:
    """Whether a condition is a function, which has to be run, rather than an expression."""
    return callable(condition) or (isinstance(condition, str) and is_function(condition))
