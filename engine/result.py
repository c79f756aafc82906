"""How a run went, as plain records: what `flow.run()` returns and `flowloom run --json` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from engine.attempt import Trouble
from engine.errors import Canceled, ExecutionFailed, NodeNotFound, WorkflowError, WorkflowTimeout
from engine.machine.state import NodeMetrics, NodeState, RunState, WorkflowState
from engine.payload import NotOpenable, Payload, open_plain


@dataclass(frozen=True, slots=True)
class NodeResult:
    """One node after (or during) a run. Times in seconds; `started` since the run began. `cause`: the node to blame.

    `agent`: who got its last attempt, empty where nobody but this machine did.
    """

    id: str
    state: NodeState
    level: int
    attempts: int
    started: float | None
    seconds: float
    result: Any
    error: Trouble | None
    reason: str
    cause: str | None
    metrics: NodeMetrics
    agent: str = ""

    def to_dict(self, wall: float = 0.0) -> dict[str, Any]:
        """Plain data for `--json`: the result where it is plain data, else null."""
        from datetime import UTC, datetime

        started = None if self.started is None else datetime.fromtimestamp(wall + self.started, UTC).isoformat()
        document: dict[str, Any] = {
            "state": self.state.value,
            "level": self.level,
            "attempts": self.attempts,
            "started": started,
            "seconds": round(self.seconds, 6),
            "result": None if isinstance(self.result, Payload) else self.result,
            "error": None if self.error is None else str(self.error),
            "cause": self.cause,
        }
        if self.reason:
            document["reason"] = self.reason
        if self.agent:
            document["agent"] = self.agent
        if self.metrics.custom_metrics:
            document["metrics"] = dict(self.metrics.custom_metrics)
        return document


class Nodes(Mapping[str, NodeResult]):
    """The nodes of a run by path, made into records when asked for: a run may have a million."""

    def __init__(self, state: RunState) -> None:
        self._state = state

    def __getitem__(self, path: str) -> NodeResult:
        number = self._state.plan.numbers.get(path)
        if number is None:
            raise NodeNotFound(path, self._state.plan.numbers)
        return node_result(self._state, number)

    def __iter__(self) -> Iterator[str]:
        names = self._state.plan.names
        return (names[number] for number in nodes_in_order(self._state))

    def __len__(self) -> int:
        plan = self._state.plan
        return len(plan.names) - len(plan.templates | plan.hidden) + len(called_at_the_end(self._state))

    def __contains__(self, path: object) -> bool:
        return path in self._state.plan.numbers


def called_at_the_end(state: RunState) -> list[int]:
    """The undos and hooks that were run: they are part of what happened, as they may fail themselves."""
    plan = state.plan
    called = (*plan.undos.values(), *plan.hooks.values())
    return [node for node in called if state.attempts[node] > state.earlier.get(node, 0)]


def nodes_in_order(state: RunState) -> Iterator[int]:
    """The nodes that people know, in file order, children (also those that were born) right after their frame.

    Undos and hooks come last, those of them that were run.
    """
    plan = state.plan
    unseen = plan.templates | plan.hidden
    yield from _known_from_the_start(state, unseen)
    if plan.aside:
        yield from called_at_the_end(state)


def _known_from_the_start(state: RunState, unseen: Set[int]) -> Iterator[int]:
    plan = state.plan
    if not plan.frames:
        yield from (node for node in plan.order or range(len(plan.names)) if node not in unseen)
        return
    own = plan.detached  # they stand in a frame that does not hold them
    inner = plan.parents.keys() - own
    todo = [node for node in reversed(plan.order or range(len(plan.names))) if node not in inner]
    while todo:
        node = todo.pop()
        if node in unseen:
            continue
        yield node
        if node in plan.frames:
            todo.extend(reversed(state.stamps.get(node) or plan.frames[node].children))


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `result[path]` is a node's result; `.nodes[path]` everything about it; `.value` the run's own."""

    run: str
    state: WorkflowState
    seconds: float
    reason: str
    cause: str | None
    params: Mapping[str, Any]
    python: str
    nodes: Nodes
    value: Any
    wall: float

    def __getitem__(self, path: str) -> Any:
        node = self.nodes[path]
        if node.state is not NodeState.COMPLETED:
            raise ExecutionFailed(f"{path} has no result: it is {node.state.value}", node_id=path)
        return node.result

    @property
    def ok(self) -> bool:
        """Whether the run completed."""
        return self.state is WorkflowState.COMPLETED

    def raise_if_failed(self) -> RunResult:
        """This result, if the run completed; else raises what the first failure was, or Canceled."""
        if self.ok:
            return self
        raise self.error()

    def error(self) -> WorkflowError:
        """The exception that says how a run that did not complete ended."""
        if self.state is WorkflowState.CANCELED:
            return Canceled(self.reason or "the run was canceled")
        node = self.nodes[self.cause] if self.cause else None
        if node is None or node.error is None:
            if "timed out" in self.reason:
                return WorkflowTimeout(float(self.reason.split()[-2]), self.seconds)
            return ExecutionFailed(self.reason or f"the run is {self.state.value}")
        trouble = node.error
        if trouble.type == "WorkflowTimeout":
            return ExecutionFailed(f"{node.id}: {trouble.message}", node_id=node.id, error_type=trouble.type)
        return ExecutionFailed(
            f"{node.id}: {trouble}", node_id=node.id, error_type=trouble.type, traceback=trouble.traceback
        )

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "format": 1,
            "run": self.run,
            "state": self.state.value,
            "seconds": round(self.seconds, 6),
            "reason": self.reason,
            "cause": self.cause,
            "params": dict(self.params),
            "python": self.python,
            "result": None if isinstance(self.value, Payload) else self.value,
            "nodes": {path: self.nodes[path].to_dict(self.wall) for path in self.nodes},
        }


def node_result(state: RunState, number: int) -> NodeResult:
    """The record of node `number`."""
    record = state.node(number)
    return NodeResult(
        id=record.id,
        state=record.state,
        level=state.plan.levels[number],
        attempts=record.attempts,
        started=record.started,
        seconds=record.seconds,
        result=opened(record.value),
        error=record.error,
        reason=record.reason,
        cause=record.cause,
        metrics=state.metrics(number),
        agent=record.agent,
    )


def opened(value: Any) -> Any:
    """A result as far as this process may open it: plain data as itself, everything else as its Payload."""
    if type(value) is Payload:
        try:
            return open_plain(value)
        except NotOpenable:
            return value
    return value


def run_result(state: RunState, *, run: str, python: str) -> RunResult:
    """The record of a whole run."""
    plan = state.plan
    if plan.result_is_one:
        value = opened(state.values[plan.results[0]])
    else:
        value = {plan.names[node]: opened(state.values[node]) for node in plan.results}
    ended = state.ended_at if state.ended_at is not None else 0.0
    return RunResult(
        run=run,
        state=state.state,
        seconds=ended - (state.started_at or 0.0),
        reason=state.reason,
        cause=plan.names[state.cause] if state.cause >= 0 else None,
        params=plan.params,
        python=python,
        nodes=Nodes(state),
        value=value,
        wall=state.wall,
    )
