"""Observers: told of every transition, in order, one at a time.

They hear of what happened before the next attempts begin, so that `on_node_start` comes before the node's code. An
observer that raises is named in the log and the run goes on. Who has none pays one truth test per turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from engine.machine import events as e
from engine.machine.state import (
    CANCELED,
    COMPENSATED,
    COMPLETED,
    ENDED,
    FAILED,
    NODE_STATES,
    READY,
    RUNNING,
    SKIPPED,
    SUSPENDED,
    NodeState,
    RunState,
    WorkflowState,
)

_log = logging.getLogger("flowloom")


class WorkflowObserver(Protocol):
    """Who wants to know. Methods may be sync or async; derive from `Observer` to write only those you need."""

    def on_node_state_change(self, node_id: str, old: NodeState, new: NodeState) -> Any:
        """Called once per transition of a node."""

    def on_workflow_state_change(self, old: WorkflowState, new: WorkflowState) -> Any:
        """Called once per transition of the run."""

    def on_node_start(self, node_id: str) -> Any:
        """Called once per attempt, before its code runs."""

    def on_node_complete(self, node_id: str, result: Any) -> Any:
        """Called once per attempt that ended, with the value or the Trouble."""

    def on_workflow_complete(self, result: Any) -> Any:
        """Called once, last, with the run's WorkflowState."""


class Observer:
    """A WorkflowObserver that does nothing: derive from it and write the methods you need."""

    def on_node_state_change(self, node_id: str, old: NodeState, new: NodeState) -> Any:
        """Called once per transition of a node."""

    def on_workflow_state_change(self, old: WorkflowState, new: WorkflowState) -> Any:
        """Called once per transition of the run."""

    def on_node_start(self, node_id: str) -> Any:
        """Called once per attempt, before its code runs."""

    def on_node_complete(self, node_id: str, result: Any) -> Any:
        """Called once per attempt that ended, with the value or the Trouble."""

    def on_workflow_complete(self, result: Any) -> Any:
        """Called once, last, with the run's WorkflowState."""


class LoggingObserver(Observer):
    """Writes every callback to a logger."""

    def __init__(self, logger: logging.Logger | None = None, level: int = logging.INFO) -> None:
        self._logger = logger or logging.getLogger("flowloom.run")
        self._level = level

    def on_node_state_change(self, node_id: str, old: NodeState, new: NodeState) -> None:
        """Logs the transition."""
        self._logger.log(self._level, "node %s: %s -> %s", node_id, old.value, new.value)

    def on_workflow_state_change(self, old: WorkflowState, new: WorkflowState) -> None:
        """Logs the transition of the run."""
        self._logger.log(self._level, "run: %s -> %s", old.value, new.value)

    def on_node_start(self, node_id: str) -> None:
        """Logs that an attempt begins."""
        self._logger.log(self._level, "node %s starts", node_id)

    def on_node_complete(self, node_id: str, result: Any) -> None:
        """Logs how an attempt ended."""
        self._logger.log(self._level, "node %s ended: %.200r", node_id, result)

    def on_workflow_complete(self, result: Any) -> None:
        """Logs how the run ended."""
        self._logger.log(self._level, "run ended: %s", getattr(result, "value", result))


_BECOMES: dict[type[e.Event], int] = {
    e.Started: RUNNING,
    e.Completed: COMPLETED,
    e.AttemptFailed: FAILED,
    e.AttemptTimedOut: FAILED,
    e.StartFailed: FAILED,
    e.RetryPlanned: READY,
    e.Lost: READY,
    e.Skipped: SKIPPED,
    e.NodeCanceled: CANCELED,
    e.Opened: RUNNING,
    e.Closed: COMPLETED,
    e.FrameFailed: FAILED,
    e.Replaced: COMPLETED,
    e.MarkedDone: COMPLETED,
    e.NodeSuspended: SUSPENDED,
}
"""What state a node is in after an event about it."""

_RUN_BECOMES: dict[type[e.Event], Callable[[Any], WorkflowState]] = {
    e.RunStarted: lambda _: WorkflowState.RUNNING,
    e.RunPaused: lambda _: WorkflowState.PAUSED,
    e.RunResumed: lambda _: WorkflowState.RUNNING,
    e.RunEnded: lambda event: WorkflowState(event.state),
}


class Observers:
    """All observers of one run, in order of registration. Keeps the states they last heard of."""

    def __init__(self, observers: Sequence[WorkflowObserver] = ()) -> None:
        self._observers = list(observers)
        self._states = bytearray()
        self._earlier: dict[int, int] = {}
        self._run = WorkflowState.READY

    def register(self, observer: WorkflowObserver) -> None:
        """Add one; it hears what happens from now on."""
        self._observers.append(observer)

    def __bool__(self) -> bool:
        return bool(self._observers)

    def tell(self, state: RunState, batch: Sequence[e.Event]) -> None:
        """Call the observers for each event of the batch, in order."""
        if len(self._states) < len(state.states):
            self._states.extend(bytes(len(state.states) - len(self._states)))
        for event in batch:
            kind = type(event)
            if kind in _BECOMES:
                self._node(state, event, _BECOMES[kind])
            elif kind is e.UndoEnded:
                if event.owner >= 0:  # type: ignore[attr-defined]
                    self._change(state, event.owner, COMPENSATED)  # type: ignore[attr-defined]
            elif kind is e.NodeResumed:
                self._change(state, event.node, state.states[event.node])  # type: ignore[attr-defined]
            elif kind in _RUN_BECOMES:
                self._workflow(event)
            elif kind is e.GraphChanged or kind is e.Retried:
                self._set_back(state)

    def _set_back(self, state: RunState) -> None:
        """Tell of nodes that begin anew, and of a run that had ended and goes on."""
        for node, attempts in state.earlier.items():
            if self._earlier.get(node) != attempts:
                self._earlier[node] = attempts
                if node not in state.plan.gone and self._states[node] != READY:
                    self._change(state, node, READY)
        if self._run in ENDED:
            old, self._run = self._run, WorkflowState.RUNNING
            self._call("on_workflow_state_change", old, self._run)

    def _node(self, state: RunState, event: Any, new: int) -> None:
        node = event.node
        path = self._change(state, node, new)
        if new == RUNNING:
            self._call("on_node_start", path)
        elif new == COMPLETED:
            value = event.value if type(event) is e.Completed else state.values[node]
            self._call("on_node_complete", path, value.content if type(value) is e.Live else value)
        elif new == FAILED:
            self._call("on_node_complete", path, event.error)

    def _change(self, state: RunState, node: int, new: int) -> str:
        path = state.plan.names[node]
        old, self._states[node] = self._states[node], new
        self._call("on_node_state_change", path, NODE_STATES[old], NODE_STATES[new])
        return path

    def _workflow(self, event: e.Event) -> None:
        old, self._run = self._run, _RUN_BECOMES[type(event)](event)
        self._call("on_workflow_state_change", old, self._run)
        if type(event) is e.RunEnded:
            self._call("on_workflow_complete", self._run)

    def _call(self, method: str, *arguments: Any) -> None:
        for observer in self._observers:
            call = getattr(observer, method, None)
            if call is None:
                continue
            try:
                answer = call(*arguments)
                if answer is not None and hasattr(answer, "__await__"):
                    _wait_for(answer)
            except Exception:
                _log.exception("observer %r failed in %s; the run goes on", observer, method)


def _wait_for(answer: Any) -> None:
    import asyncio  # late: a run without async observers never pays for it

    async def awaited() -> None:
        await answer

    asyncio.run(awaited())
