"""What an engine shows of its run beside the nodes: its shared variables, its logger, its figures."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.context import Variables
from engine.machine.state import NodeMetrics, RunState

if TYPE_CHECKING:
    from engine.workflow_engine import WorkflowEngine


class Metrics:
    """The figures of a run, read from its state when asked for. Times of day are in UTC."""

    def __init__(self, state: RunState | None) -> None:
        self._state = state

    @property
    def nodes(self) -> Mapping[str, NodeMetrics]:
        """Path -> figures, nested nodes included."""
        state = self._state
        if state is None:
            return {}
        from engine.result import nodes_in_order

        return {state.plan.names[node]: state.metrics(node) for node in nodes_in_order(state)}

    @property
    def workflow_started_at(self) -> datetime | None:
        """When the run began; None before."""
        state = self._state
        if state is None or state.started_at is None:
            return None
        return datetime.fromtimestamp(state.wall, UTC)

    @property
    def workflow_completed_at(self) -> datetime | None:
        """When the run came to its end, whatever that was; None before."""
        state = self._state
        if state is None or state.ended_at is None:
            return None
        return datetime.fromtimestamp(state.wall + state.ended_at - (state.started_at or 0.0), UTC)

    @property
    def custom_metrics(self) -> Mapping[str, str]:
        """The texts that nodes set with `ctx.set_metric`, as `node.name`."""
        state = self._state
        if state is None:
            return {}
        names = state.plan.names
        return {f"{names[node]}.{key}": text for node, texts in state.custom.items() for key, text in texts.items()}


class EngineContext:
    """The context that an engine shares with its nodes: `variables` before and after a run, `logger`, `metrics`."""

    def __init__(self, engine: WorkflowEngine) -> None:
        self._engine = engine
        self.variables = Variables()
        self.logger: logging.Logger | logging.LoggerAdapter[logging.Logger] = logging.getLogger(
            f"flowloom.{engine.name}"
        )

    @property
    def metrics(self) -> Metrics:
        """The figures of the present or last run."""
        return Metrics(self._engine.run_state)
