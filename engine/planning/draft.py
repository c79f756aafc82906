"""A plan on its way: the columns as far as they are, and where each node of the project stands in them.

A `Draft` is filled by the rooms beside it, in two passes: `numbering` gives every node its number, the others then resolve
every name from where it stands. `planner` makes the Plan out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import works
from engine.attempt import Work
from engine.binding import Condition, InnerParams
from engine.frames import Frame
from engine.plan import NO_LIMIT, Binding, LaneSpec
from engine.project.comparisons import is_function
from engine.project.model import CustomDelay, Node, Project
from engine.project.scope import Standing


class Spot:
    """A node on its way into the plan: where it stands, its numbers, and whose names it uses."""

    __slots__ = ("asked", "body", "delay", "inner", "outer", "scope", "standing", "undo", "until")

    def __init__(self, standing: Standing, scope: Scope, outer: int, body: int) -> None:
        self.standing = standing
        self.scope = scope
        self.outer = outer  # what other nodes mean by its name
        self.body = body  # what does its work, inside of its wrappers
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
    ) -> None:
        self.project = project
        self.executor = executor
        self.default_executor = default_executor
        self.environment = environment
        self.files = files
        self.lanes: dict[tuple[str, str | None], int] = {}
        self.specs: list[LaneSpec] = [LaneSpec("")]
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

    def add(self, path: str, holder: int | None) -> int:
        """A number for a node; `holder` is the frame that it lies in."""
        number = len(self.names)
        self.names.append(path)
        self.works.append(None)
        self.upstream.append({})
        if holder is not None:
            self.parents[number] = holder
        return number

    def lane(self, executor: str, pool: str | None) -> int:
        """The lane of the nodes that this executor runs and that share this pool."""
        key = (executor, pool)
        if key not in self.lanes:
            limit = self.project.pools.get(pool, NO_LIMIT) if pool else NO_LIMIT
            self.lanes[key] = len(self.specs)
            self.specs.append(LaneSpec(executor, pool, limit))
        return self.lanes[key]

    def work_of(self, node: Node) -> Work:
        """What a task, command or shell node asks of its executor."""
        return works.work_of(node, self.project.defaults, executor=self.executor, fallback=self.default_executor)

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
