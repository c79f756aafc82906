"""What a person, or another program, can ask of a run, and what follows.

A request is a wish; `asked` (in `decisions`) turns it into events, or raises NotReady where the state does not allow it.
Requests about a node name it by its plan number; those about a frame hold for all that it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from engine.errors import NotReady
from engine.frames import Question
from engine.machine import events as e
from engine.machine.fates import MISSED, begun, failed_in, goes_on, seeds
from engine.machine.framing import children_of
from engine.machine.state import (
    CANCELED,
    CANCELING,
    COMPLETED,
    FAILED,
    LEAVING,
    NODE_STATES,
    READY,
    RUNNING,
    SKIPPED,
    SUSPENDED,
    RunState,
    WorkflowState,
)


class Pause(Struct, frozen=True):
    """Start nothing new; what runs goes on."""

    by: str = ""


class Resume(Struct, frozen=True):
    """Start nodes again."""


class Cancel(Struct, frozen=True):
    """End the run: what runs is ended, what waits never starts."""

    reason: str = "canceled"


class CancelNode(Struct, frozen=True):
    """End a node, and all it holds."""

    node: int
    reason: str = "canceled"


class SkipNode(Struct, frozen=True):
    """Do not run a node that has not started, or has failed: what waited for it goes on without."""

    node: int
    by: str = ""


class SuspendNode(Struct, frozen=True):
    """Hold a node, and all it holds: before it starts, or where its attempt can be held."""

    node: int
    by: str = ""


class ResumeNode(Struct, frozen=True):
    """Let a held node, and all it holds, go on."""

    node: int


class MarkDone(Struct, frozen=True):
    """Give a node that has not started, or has failed, its result by hand; it is not run."""

    node: int
    value: Any = None
    by: str = ""


class Answer(Struct, frozen=True):
    """Answer what an approval asks, or say that what a wait waits for is there."""

    node: int
    value: Any
    by: str = ""


class Retry(Struct, frozen=True):
    """Try a node again, or with None everything that failed; what did not run because of it goes on. The run may have
    ended."""

    node: int | None = None
    by: str = ""


class ChangeGraph(Struct, frozen=True):
    """Go on with another version of the graph."""

    revision: e.Revision
    by: str = ""


NodeRequest = CancelNode | SkipNode | SuspendNode | ResumeNode | MarkDone | Answer


def asked_of_graph(
    state: RunState, request: Retry | ChangeGraph, now: float, *, whole: bool = False
) -> Sequence[e.Event]:
    """What follows from a retry, or from another version of the graph. Raises NotReady, ValidationFailed.

    `whole`: a frame begins anew with all that it holds, whatever of it had failed.
    """
    if not state.is_over:
        if state.phase == CANCELING:
            raise NotReady("the run is being canceled; wait until it has ended")
        if state.state is WorkflowState.COMPENSATING or state.hooked:
            raise NotReady("the run is coming to its end; wait until it has ended")
    return _retry(state, request, now, whole) if isinstance(request, Retry) else _change(state, request, now)


def _retry(state: RunState, request: Retry, now: float, whole: bool) -> Sequence[e.Event]:
    node = request.node
    if node is None:
        found = failed_in(state, None)
        if not found:
            raise NotReady("there is nothing to retry: nothing failed")
        return (e.Retried(now, tuple(found), request.by),)
    name = state.plan.names[node]
    if node in state.plan.hidden or node in state.plan.templates:
        raise NotReady(f"{name} is no node of its own", node_id=name)
    if not begun(state, node) or state.states[node] in (RUNNING, SUSPENDED, LEAVING):
        there = NODE_STATES[state.states[node]].value
        raise NotReady(f"{name} cannot be tried again: it is {there}", node_id=name)
    partly = node in state.plan.frames and state.states[node] != COMPLETED and not whole
    inside = failed_in(state, node) if partly else []
    return (e.Retried(now, tuple(inside) or (node,), request.by),)


def _change(state: RunState, request: ChangeGraph, now: float) -> Sequence[e.Event]:
    revision = request.revision
    plan = revision.sketched(state.plan)
    changed, reshaped = seeds(state, plan, revision)
    if state.is_over and not goes_on(state, plan, changed, reshaped):
        raise NotReady(f"the run has ended ({state.state.value}), and nothing in it would run because of this change")
    return (e.GraphChanged(now, e.Live(revision, revision.record), tuple(changed), tuple(reshaped), request.by),)


def asked_of_node(state: RunState, request: NodeRequest, now: float) -> Sequence[e.Event]:
    """What follows from a request about one node. Raises NotReady."""
    if state.is_over and not (isinstance(request, SkipNode | MarkDone) and state.states[request.node] in MISSED):
        raise NotReady(f"the run has ended ({state.state.value})")
    return _ANSWERS[type(request)](state, request, now)


def subtree(state: RunState, node: int) -> Iterator[int]:
    """A node and all that it holds now, outermost first."""
    todo = [node]
    while todo:
        node = todo.pop()
        yield node
        if node in state.plan.frames:
            todo.extend(reversed(children_of(state, node)))


def _cancel(state: RunState, request: CancelNode, now: float) -> Sequence[e.Event]:
    found: list[e.Event] = []
    for node in subtree(state, request.node):
        code = state.states[node]
        if code in (READY, SUSPENDED) and node not in state.held:
            found.append(e.NodeCanceled(now, node, 0.0, request.reason))
        elif code == RUNNING and node in state.plan.frames and not state.left.get(node):
            found.append(e.NodeCanceled(now, node, 0.0, request.reason))  # it only waits: nothing has to end first
        elif code in (RUNNING, SUSPENDED):
            found.append(e.NodeCanceling(now, node, request.reason))
    return found


def _skip(state: RunState, request: SkipNode, now: float) -> Sequence[e.Event]:
    node = request.node
    if state.states[node] == SKIPPED:
        return ()
    _expect(state, node, "skipped", READY, FAILED, CANCELED)
    skipped = e.Skipped(now, node, f"skipped by {request.by or 'hand'}")
    return (skipped,) if state.states[node] == READY else (*_back(state, node, request.by, now), skipped)


def _suspend(state: RunState, request: SuspendNode, now: float) -> Sequence[e.Event]:
    return [
        e.NodeSuspended(now, node, request.by)
        for node in subtree(state, request.node)
        if state.states[node] == READY or (state.states[node] == RUNNING and node not in state.plan.frames)
    ]


def _resume(state: RunState, request: ResumeNode, now: float) -> Sequence[e.Event]:
    found = [e.NodeResumed(now, node) for node in subtree(state, request.node) if state.states[node] == SUSPENDED]
    if not found:
        raise NotReady(f"{state.plan.names[request.node]} is not suspended", node_id=state.plan.names[request.node])
    return found


def _mark_done(state: RunState, request: MarkDone, now: float) -> Sequence[e.Event]:
    node = request.node
    _expect(state, node, "marked done", READY, *MISSED)
    done = e.MarkedDone(now, node, request.value, request.by)
    return (done,) if state.states[node] == READY else (*_back(state, node, request.by, now), done)


def _back(state: RunState, node: int, by: str, now: float) -> Sequence[e.Event]:
    """Set a node back, so that what hangs on it is decided anew."""
    return asked_of_graph(state, Retry(node, by), now, whole=True)


def _answer(state: RunState, request: Answer, now: float) -> Sequence[e.Event]:
    node = request.node
    name = state.plan.names[node]
    if node not in state.asking:
        raise NotReady(f"{name} asks nothing now", node_id=name)
    frame = state.plan.frames[node]
    if isinstance(frame, Question) and request.value not in frame.choices:
        raise NotReady(f"{name} can be answered with {', '.join(frame.choices)}, not {request.value!r}", node_id=name)
    return (e.Answered(now, node, request.value, request.by),)


def _expect(state: RunState, node: int, wish: str, *codes: int) -> None:
    if state.states[node] not in codes:
        name = state.plan.names[node]
        there = NODE_STATES[state.states[node]].value
        raise NotReady(f"{name} cannot be {wish}: it is {there}", node_id=name)


_ANSWERS: dict[type, Callable[[RunState, Any, float], Sequence[e.Event]]] = {
    CancelNode: _cancel,
    SkipNode: _skip,
    SuspendNode: _suspend,
    ResumeNode: _resume,
    MarkDone: _mark_done,
    Answer: _answer,
}
