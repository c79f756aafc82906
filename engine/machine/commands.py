"""What applied events oblige the shell to do: attempts to hand out, attempts to end.

Commands are made from the state after the event was applied, so none can be issued that was not recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.attempt import Attempt
from engine.machine import events as e
from engine.machine.state import CANCELING, FAILING, RUNNING, RunState

NO_ARGUMENTS: dict[str, Any] = {}


def order(state: RunState, started: e.Started) -> Attempt:
    """The attempt that an applied `Started` calls for, with its inputs bound."""
    plan = state.plan
    node = started.node
    work = plan.works[node]
    if work is None:
        raise TypeError(f"{plan.names[node]} is expanded by the machine and has no attempt of its own")
    values = state.values
    sources = plan.sources[node]
    names = plan.keywords[node]
    args: Sequence[Any] = ()
    kwargs = NO_ARGUMENTS
    if names is not None:
        kwargs = {name: values[i] for name, i in zip(names, sources, strict=True)}
    elif len(sources) == 1:
        args = (values[sources[0]],)
    elif sources:
        args = [values[i] for i in sources]
    attempt = Attempt(node, started.attempt, work, args, kwargs, plan.names[node], state.variables)
    if not work.plain and work.wants_context is not False and work.kind == "task":
        attempt.about = about(state, node)
    if state.sealed:
        attempt.sealed = True
    if node in plan.bindings:
        plan.bindings[node].fill(attempt, state)
    return attempt


def about(state: RunState, node: int) -> dict[str, Any]:
    """What a task can know of its own node: `ctx.node`."""
    plan = state.plan
    figures = state.metrics(node)
    return {
        "level": plan.levels[node],
        "upstream": [plan.names[source] for source in plan.deps[node]],
        "downstream": [plan.names[follower] for follower in plan.dependents[node]],
        "metrics": {
            "execution_count": figures.execution_count,
            "failure_count": figures.failure_count,
            "average_execution_time": figures.average_execution_time,
            "custom_metrics": dict(figures.custom_metrics),
        },
    }


def to_cancel(state: RunState, event: e.Event) -> list[tuple[int, int]]:
    """The (node, attempt) pairs that have to be ended because of an applied event."""
    if isinstance(event, e.GraphChanged | e.Retried):
        return [(node, state.attempts[node]) for node in state.leaving]
    if state.phase == CANCELING or (state.phase == FAILING and state.plan.fail_fast):
        frames = state.plan.frames
        busy = [node for node, code in enumerate(state.states) if code == RUNNING and node not in frames]
        return [(node, state.attempts[node]) for node in (*busy, *sorted(state.held))]
    return []
