"""Objects that a person may bring to decide what a run does: schedulers, and handlers of errors.

They run in the engine's process (installed packages, or objects handed over in Python), look at the run through a
`RunView` that nothing can be changed by, and only say what they want: the machine does what its rules allow. A scheduler
that names nodes which may not start, or names nonsense, is not obeyed; a handler that fails is answered for by the
node's own policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from engine.attempt import Trouble
from engine.machine.state import NodeRecord, NodeState, RunState, WorkflowState
from engine.project.model import Compensate, Fail, OnError, RetryStrategy, RunAlternative, Skip

Answer = TypeVar("Answer")


class Retry(Struct, frozen=True):
    """Try again after the wait that this strategy says; None: the node's own policy decides how long."""

    strategy: RetryStrategy | None = None


ErrorAction = Retry | Skip | Fail | RunAlternative | Compensate | OnError
"""What an error handler may answer."""


class RunView:
    """A run to look at: states, edges, levels, figures. Nothing here changes anything."""

    __slots__ = ("_state",)

    def __init__(self, state: RunState) -> None:
        self._state = state

    @property
    def state(self) -> WorkflowState:
        """Where the run stands."""
        return self._state.state

    @property
    def nodes(self) -> Sequence[str]:
        """Paths of all nodes."""
        return tuple(self._state.plan.names)

    def ready(self) -> list[str]:
        """Paths of the nodes that may start now, in the order in which they became so."""
        state = self._state
        return [state.plan.names[node] for lane in state.lanes[1:] for node in lane.ready]

    def node(self, path: str) -> NodeRecord:
        """All that is known of one node."""
        return self._state.node(self._state.plan.numbers[path])

    def node_state(self, path: str) -> NodeState:
        """Where one node stands."""
        return self.node(path).state

    def level(self, path: str) -> int:
        """Its level."""
        return self._state.plan.levels[self._state.plan.numbers[path]]

    def priority(self, path: str) -> int:
        """Its priority, 0 unless it says otherwise."""
        return self._state.plan.priorities.get(self._state.plan.numbers[path], 0)

    def upstream(self, path: str) -> list[str]:
        """The nodes that it waits for."""
        plan = self._state.plan
        return [plan.names[node] for node in plan.deps[plan.numbers[path]]]

    def downstream(self, path: str) -> list[str]:
        """The nodes that wait for it."""
        plan = self._state.plan
        return [plan.names[node] for node in plan.dependents[plan.numbers[path]]]


class WorkflowScheduler(Protocol):
    """Says which nodes start next."""

    def schedule(self, workflow: RunView) -> Sequence[str]:
        """Paths of nodes to start, most urgent first. Those that may not start now are passed over."""

    def reschedule(self, workflow: RunView, failed_node: str) -> None:
        """Told of each failed attempt, after it was decided what follows."""


class TopologicalScheduler:
    """Lower levels first, then in the order of the file."""

    def schedule(self, workflow: RunView) -> Sequence[str]:
        """What is ready, by level."""
        return sorted(workflow.ready(), key=workflow.level)

    def reschedule(self, workflow: RunView, failed_node: str) -> None:
        """Nothing to note."""


class PriorityScheduler:
    """Higher priority first, then lower levels."""

    def schedule(self, workflow: RunView) -> Sequence[str]:
        """What is ready, by priority."""
        return sorted(workflow.ready(), key=lambda path: (-workflow.priority(path), workflow.level(path)))

    def reschedule(self, workflow: RunView, failed_node: str) -> None:
        """Nothing to note."""


class LongestPathScheduler:
    """Higher priority first, then what has the longest way to the end of the run before it.

    `seconds` says how long nodes took before (by path); those without a record count as the mean of the others. The same
    run and the same records give the same order.
    """

    def __init__(self, seconds: Mapping[str, float] | None = None) -> None:
        self._seconds = dict(seconds or {})
        known = list(self._seconds.values())
        self._mean = sum(known) / len(known) if known else 1.0
        self._left: dict[str, float] = {}

    def schedule(self, workflow: RunView) -> Sequence[str]:
        """What is ready, by the way that is left."""
        if len(self._left) != len(workflow.nodes):
            self._left = self._measured(workflow)
        return sorted(workflow.ready(), key=lambda path: (-workflow.priority(path), -self._left[path]))

    def reschedule(self, workflow: RunView, failed_node: str) -> None:
        """Nothing to note: a retry does not make the way longer for others."""

    def _measured(self, workflow: RunView) -> dict[str, float]:
        left: dict[str, float] = {}
        for path in sorted(workflow.nodes, key=workflow.level, reverse=True):
            after = max((left.get(follower, 0.0) for follower in workflow.downstream(path)), default=0.0)
            left[path] = self._seconds.get(path, self._mean) + after
        return left


class ErrorHandler(Protocol):
    """Says what follows when an attempt has failed. May be a coroutine function."""

    def handle_error(self, workflow: RunView, node: str, error: Trouble) -> Any:
        """An ErrorAction; None for what the node's own policy says."""


HANDLER_LIMIT = 5.0
"""Seconds after which a handler or scheduler that does not answer is passed over."""


def answer_of(handler: ErrorHandler, view: RunView, node: str, error: Trouble) -> Any:
    """What the handler says, awaited where it has to be. Raises whatever it raises, TimeoutError when it takes too long."""
    return within_limit(lambda: _asked(handler, view, node, error))


def order_of(scheduler: WorkflowScheduler, view: RunView) -> list[str]:
    """What the scheduler wants to start. Raises whatever it raises, TimeoutError when it takes too long."""
    return within_limit(lambda: [str(path) for path in scheduler.schedule(view)])


def within_limit(ask: Callable[[], Answer]) -> Answer:
    """The answer of somebody's code, which may not keep the run waiting for longer than `HANDLER_LIMIT`."""
    from threading import Thread

    answers: list[Answer] = []
    troubles: list[BaseException] = []

    def asking() -> None:
        try:
            answers.append(ask())
        except BaseException as problem:  # it is raised where the answer was wanted
            troubles.append(problem)

    thread = Thread(target=asking, name="flowloom-steering", daemon=True)  # nobody waits for it when the process ends
    thread.start()
    thread.join(HANDLER_LIMIT)
    if troubles:
        raise troubles[0]
    if not answers:
        raise TimeoutError(f"no answer within {HANDLER_LIMIT:g} s")
    return answers[0]


def _asked(handler: ErrorHandler, view: RunView, node: str, error: Trouble) -> Any:
    answer = handler.handle_error(view, node, error)
    if hasattr(answer, "__await__"):
        import asyncio

        async def awaited() -> Any:
            return await answer

        return asyncio.run(awaited())
    return answer
