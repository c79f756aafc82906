"""How each event changes the state of a run: the only writers of RunState.

    apply(state, event)             one event, in place
    replay(plan, events)            a whole run, from nothing: recovery, history, time travel and the live view are this

State of a node               READY ──Started──▶ RUNNING ──Completed──▶ COMPLETED
                                ▲                  │
                    RetryPlanned│                  ├─AttemptFailed, AttemptTimedOut──▶ FAILED ──Skipped──▶ SKIPPED
                    Lost        │                  ├─NodeCanceled──▶ CANCELED
                                └──────────────────┘
    READY ──Skipped──▶ SKIPPED, READY ──NodeCanceled──▶ CANCELED. `moves.LEGAL` says it in full.

Which nodes may start follows from Completed right here and needs no event of its own: `waiting` counts down, and at
zero the node joins its lane. Joins other than "all" only start from another count, so the loop knows nothing of them.
A node that ends without completing puts those that wait for it into the deciding lane; `decisions.settle` does the rest.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidTransition
from engine.machine import events as e
from engine.machine.events import Live
from engine.machine.framing import FRAMING, release
from engine.machine.grafting import GRAFTING
from engine.machine.moves import (
    become,
    drop_children,
    expect,
    explain,
    free_followers,
    illegal,
    is_contained,
    make_startable,
    miss,
    settled,
    stop_running,
    take_place,
    withdraw,
)
from engine.machine.state import (
    CANCELED,
    CANCELING,
    COMPLETED,
    FAILED,
    FAILING,
    READY,
    RUNNING,
    SKIPPED,
    SUSPENDED,
    RunState,
    WorkflowState,
)
from engine.payload import Payload
from engine.plan import GATE

if TYPE_CHECKING:
    from engine.plan import Plan


def apply(state: RunState, event: e.Event) -> None:
    """Change the state as the event says. Raises InvalidTransition, and changes nothing, if that cannot be."""
    TRANSITIONS[type(event)](state, event)


def replay(plan: Plan, events: Iterable[e.Event], state: RunState | None = None) -> RunState:
    """The state after these events: of a run from its beginning, or from `state`, which is changed."""
    state = RunState(plan) if state is None else state
    for event in events:
        TRANSITIONS[type(event)](state, event)
    return state


def _started(state: RunState, event: e.Started) -> None:
    node, states = event.node, state.states
    if states[node] != READY:
        raise illegal(state, node, RUNNING)
    lane = state.lanes[state.lane_of[node]]
    ready = lane.ready
    if ready[0] == node:
        ready.popleft()
    else:  # a scheduler preferred it to those before it
        ready.remove(node)
    lane.running += 1
    state.running += 1
    states[node] = RUNNING
    state.attempts[node] = event.attempt
    state.started[node] = event.at


def _completed(state: RunState, event: e.Completed) -> None:
    node, states = event.node, state.states
    if states[node] != RUNNING:
        raise illegal(state, node, COMPLETED)
    value = event.value
    kind = type(value)
    if kind is Live:
        value = value.content
    elif kind is Payload:
        state.sealed += 1
    state.values[node] = value
    states[node] = COMPLETED
    state.ended[node] = event.at
    state.spent[node] += event.seconds
    lane_of, lanes = state.lane_of, state.lanes
    lanes[lane_of[node]].running -= 1
    state.running -= 1
    state.done += 1
    waiting = state.waiting
    for follower in state.dependents[node]:
        waiting[follower] = count = waiting[follower] - 1
        if not count:
            lanes[lane_of[follower]].ready.append(follower)
    if state.watched:
        settled(state, node)


def _attempt_failed(state: RunState, event: e.AttemptFailed | e.AttemptTimedOut) -> None:
    node = event.node
    stop_running(state, node, FAILED, event.at, event.seconds)
    state.errors[node] = event.error
    state.failures[node] = state.failures.get(node, 0) + 1


def _start_failed(state: RunState, event: e.StartFailed) -> None:
    node = event.node
    withdraw(state, node)
    become(state, node, FAILED)
    state.ended[node] = event.at
    state.errors[node] = event.error
    drop_children(state, node)


def _node_failed(state: RunState, event: e.NodeFailed) -> None:
    node = event.node
    if state.states[node] != FAILED:
        raise illegal(state, node, FAILED)
    if node not in state.delaying:
        state.failed += 1
        state.fallen.add(node)
        if state.cause < 0 and not state.hooked and not is_contained(state, node):
            state.cause = state.causes.get(node, node)
    for alternative in [one for one, failed in state.standing_in.items() if failed == node]:
        del state.standing_in[alternative]
    miss(state, node)
    settled(state, node)


def _retry_planned(state: RunState, event: e.RetryPlanned) -> None:
    node = event.node
    become(state, node, READY)
    if node in state.moving:
        state.lane_of[node] = state.moving.pop(node)
    state.retrying[node] = event.due
    heapq.heappush(state.timers, (event.due, node))


def _retry_due(state: RunState, event: e.RetryDue) -> None:
    node = event.node
    del state.retrying[node]
    heapq.heappop(state.timers)
    make_startable(state, node)


def _skipped(state: RunState, event: e.Skipped) -> None:
    node = event.node
    withdraw(state, node)
    become(state, node, SKIPPED)
    state.skipped += 1
    explain(state, node, event.at, event.reason, event.cause)
    miss(state, node)
    drop_children(state, node)
    settled(state, node)


def _node_canceled(state: RunState, event: e.NodeCanceled) -> None:
    node = event.node
    if state.states[node] == RUNNING:
        stop_running(state, node, CANCELED, event.at, event.seconds)
    else:
        withdraw(state, node)
        become(state, node, CANCELED)
    state.canceled += 1
    explain(state, node, event.at, event.reason, event.cause)
    miss(state, node)
    drop_children(state, node)
    settled(state, node)


def _lost(state: RunState, event: e.Lost) -> None:
    node = event.node
    stop_running(state, node, READY, event.at, 0.0)
    state.lost[node] = state.lost.get(node, 0) + 1
    if node in state.moving:
        state.lane_of[node] = state.moving.pop(node)
    make_startable(state, node)


def _admitted(state: RunState, event: e.Admitted) -> None:
    node = event.node
    lane = state.plan.admitted_to.get(node)
    if lane is not None:
        if state.lane_of is state.plan.lane_of and not state.stamps:  # shared by all runs until one changes it
            state.lane_of = state.plan.lane_of.copy()
        state.lane_of[node] = lane
    state.waiting[node] = 0
    take_place(state, node)
    make_startable(state, node)


def _node_suspended(state: RunState, event: e.NodeSuspended) -> None:
    node = event.node
    if state.states[node] == RUNNING:  # its attempt is there, and keeps its slot
        state.held.add(node)
    else:
        withdraw(state, node)
        state.waiting[node] += GATE
    become(state, node, SUSPENDED)
    state.reasons[node] = event.by


def _node_resumed(state: RunState, event: e.NodeResumed) -> None:
    node = event.node
    state.reasons.pop(node, None)
    if node in state.held:
        state.held.discard(node)
        become(state, node, RUNNING)
    else:
        become(state, node, READY)
        release(state, node)
        state.deciding.append(node)  # meanwhile its frame may have chosen another
        alternatives = state.plan.alternatives
        if node in state.plan.aside:  # or whom it could stand in for may have completed
            state.deciding.extend(owner for owner, other in alternatives.items() if other == node)


def _node_canceling(state: RunState, event: e.NodeCanceling) -> None:
    node = event.node
    state.reasons[node] = event.reason
    if node in state.held:
        state.held.discard(node)
        become(state, node, RUNNING)
    if node in state.plan.frames:
        state.deciding.append(node)


def _marked_done(state: RunState, event: e.MarkedDone) -> None:
    node = event.node
    withdraw(state, node)
    become(state, node, COMPLETED)
    state.waiting[node] += GATE
    state.values[node] = event.value
    state.ended[node] = event.at
    state.reasons[node] = event.by
    state.done += 1
    free_followers(state, node)
    drop_children(state, node)
    settled(state, node)


def _variables_changed(state: RunState, event: e.VariablesChanged) -> None:
    state.variables = MappingProxyType({**state.variables, **event.values})  # attempts hold the old one


def _metrics_changed(state: RunState, event: e.MetricsChanged) -> None:
    state.custom.setdefault(event.node, {}).update(event.values)


def _attempts_placed(state: RunState, event: e.AttemptsPlaced) -> None:
    for node, number in zip(event.nodes, event.numbers, strict=True):
        if state.attempts[node] == number:  # a later attempt may have been placed meanwhile
            state.agents[node] = event.agent


def _run_started(state: RunState, event: e.RunStarted) -> None:
    if state.state is not WorkflowState.READY:
        raise InvalidTransition(state.state.value, "running")
    state.state = WorkflowState.RUNNING
    state.wall = event.wall
    state.started_at = event.at


def _run_paused(state: RunState, event: e.RunPaused) -> None:
    expect(state, WorkflowState.RUNNING, WorkflowState.PAUSED)
    state.state = WorkflowState.PAUSED
    state.paused = True
    state.reason = event.by


def _run_resumed(state: RunState, event: e.RunResumed) -> None:
    expect(state, WorkflowState.PAUSED, WorkflowState.RUNNING)
    state.state = WorkflowState.RUNNING
    state.paused = False
    state.reason = ""


def _run_failing(state: RunState, event: e.RunFailing) -> None:
    state.phase = FAILING
    state.swept = False
    _look_at_frames(state)


def _run_canceling(state: RunState, event: e.RunCanceling) -> None:
    state.phase = CANCELING
    state.swept = False
    state.reason = event.reason
    state.timed_out = event.timed_out
    _look_at_frames(state)
    if state.paused:
        state.paused = False
        state.state = WorkflowState.RUNNING


def _look_at_frames(state: RunState) -> None:
    """The run stops early: what waits for a moment, a person or a file ends now, not then."""
    state.deciding.extend([node for node in state.plan.frames if state.states[node] == RUNNING])


def _run_ended(state: RunState, event: e.RunEnded) -> None:
    if state.is_over or state.running:
        raise InvalidTransition(state.state.value, event.state)
    state.state = WorkflowState(event.state)
    state.ended_at = event.at
    state.reason = event.reason
    state.paused = False


TRANSITIONS: dict[type[e.Event], Callable[[RunState, Any], None]] = {
    **FRAMING,
    **GRAFTING,
    e.RunStarted: _run_started,
    e.Started: _started,
    e.Completed: _completed,
    e.AttemptFailed: _attempt_failed,
    e.AttemptTimedOut: _attempt_failed,
    e.NodeFailed: _node_failed,
    e.StartFailed: _start_failed,
    e.RetryPlanned: _retry_planned,
    e.RetryDue: _retry_due,
    e.Skipped: _skipped,
    e.NodeCanceled: _node_canceled,
    e.Lost: _lost,
    e.Admitted: _admitted,
    e.NodeSuspended: _node_suspended,
    e.NodeResumed: _node_resumed,
    e.NodeCanceling: _node_canceling,
    e.MarkedDone: _marked_done,
    e.VariablesChanged: _variables_changed,
    e.MetricsChanged: _metrics_changed,
    e.AttemptsPlaced: _attempts_placed,
    e.RunPaused: _run_paused,
    e.RunResumed: _run_resumed,
    e.RunFailing: _run_failing,
    e.RunCanceling: _run_canceling,
    e.RunEnded: _run_ended,
}
