"""The rules of a run: what follows from news, from requests and from time. Pure: they read the state, return events.

Theory. A run is a fold: `state = apply(state, event)` for events in order. Who wants something to happen asks a decision
here and gets events; nothing changes until they are applied; so each decision is taken on the state that the one before
it left ("decide one, apply it, decide the next"), and a join fed by two results of the same batch sees both.

    reported(state, outcome, now)   an attempt ended; `completed` is the same for those that only brought a value
    asked(state, request, now)      a person, or another program, wants something
    ticked(state, now)              time passed: retries that are due, the limit of the whole run
    settle(state, node, now)        a node of the deciding lane: does it start, wait, or never run?
    swept(state, now)               the run stops early: what becomes of all that has not started
    next_start(state, lane, now)    the head of a lane, if it may start now
    concluded(state, now)           nothing runs and nothing can: how did it end?

`now` is seconds since the run began. A report about an attempt that is not the node's present one is stale (a late
answer from a machine given up, say) and decides nothing.

What the invariants promise: a node never has two live attempts; limits of lanes are never exceeded; every run whose
attempts all end, ends; replaying the events gives the same state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.attempt import COMPLETED as ATTEMPT_COMPLETED
from engine.attempt import Outcome, Trouble
from engine.errors import NotReady
from engine.frames import Bypass
from engine.machine import events as e
from engine.machine.events import Completed, NodeResumed, Started, Withdrawn
from engine.machine.expansion import settle_frame
from engine.machine.moves import has_room, is_called
from engine.machine.policy import given_up, not_needed, unsuccessful
from engine.machine.requests import (
    Cancel,
    ChangeGraph,
    NodeRequest,
    Pause,
    Resume,
    Retry,
    asked_of_graph,
    asked_of_node,
)
from engine.machine.state import (
    CANCELED,
    CANCELING,
    COMPLETED,
    DECIDING,
    FAILED,
    FAILING,
    GOING,
    READY,
    RUNNING,
    SKIPPED,
    SUSPENDED,
    RunState,
    WorkflowState,
)
from engine.machine.unwind import after_alternative, after_delay, after_undo, to_compensate, unneeded
from engine.project.references import ReferenceFailed

NOTHING: Sequence[e.Event] = ()


Request = Pause | Resume | Cancel | Retry | ChangeGraph | NodeRequest


def completed(state: RunState, outcome: Outcome, now: float) -> Completed | None:
    """What follows from the end of most attempts: a value and nothing else. None where `reported` has to be asked."""
    node = outcome.node
    if (
        state.states[node] == RUNNING
        and outcome.kind == ATTEMPT_COMPLETED
        and outcome._extra is None
        and state.attempts[node] == outcome.number
    ):
        return Completed(now, node, outcome.seconds, outcome.value)
    return None


def reported(
    state: RunState, outcome: Outcome, now: float, chance: float = 0.5, action: object = None
) -> Sequence[e.Event]:
    """What follows from the end of an attempt. Stale reports decide nothing.

    `chance`, 0 to 1, places a retry in its jitter; `action` is what an error handler said, None for the node's policy.
    """
    node = outcome.node
    if state.states[node] != RUNNING or state.attempts[node] != outcome.number:
        if node in state.held and state.attempts[node] == outcome.number:  # it could not be held, and ended
            return (NodeResumed(now, node), *_ended(state, outcome, now, chance, action))
        if node in state.leaving and state.attempts[node] == outcome.number:
            return (Withdrawn(now, node, outcome.seconds),)
        return NOTHING
    return _ended(state, outcome, now, chance, action)


def _ended(state: RunState, outcome: Outcome, now: float, chance: float, action: object) -> Sequence[e.Event]:
    if outcome.kind != ATTEMPT_COMPLETED:
        return unsuccessful(state, outcome, now, chance, action)
    return (*_side_effects(outcome, now), Completed(now, outcome.node, outcome.seconds, outcome.value))


def _side_effects(outcome: Outcome, now: float) -> Iterator[e.Event]:
    if outcome.metrics:
        yield e.MetricsChanged(now, outcome.node, outcome.metrics)
    if outcome.writes:
        yield e.VariablesChanged(now, outcome.node, outcome.writes)


def asked(state: RunState, request: Request, now: float) -> Sequence[e.Event]:
    """What follows from a request. Raises NotReady where the state of the run does not allow it.

    Canceling twice is no error: the second request changes nothing.
    """
    if isinstance(request, Retry | ChangeGraph):
        return asked_of_graph(state, request, now)
    if not isinstance(request, Pause | Resume | Cancel):
        return asked_of_node(state, request, now)
    if isinstance(request, Cancel):
        if state.is_over or state.phase == CANCELING:
            return NOTHING
        return (e.RunCanceling(now, request.reason),)
    if state.is_over:
        raise NotReady(f"the run has ended ({state.state.value}); there is nothing left to pause or resume")
    if isinstance(request, Pause):
        if state.paused:
            return NOTHING
        if state.state is not WorkflowState.RUNNING:
            raise NotReady(f"only a running run can be paused; this one is {state.state.value}")
        return (e.RunPaused(now, request.by),)
    if not state.paused:
        raise NotReady(f"only a paused run can be resumed; this one is {state.state.value}")
    return (e.RunResumed(now),)


def ticked(state: RunState, now: float) -> Sequence[e.Event]:
    """What follows from the time alone: waits that are over, and the limit of the whole run."""
    found: list[e.Event] = []
    timeout = state.plan.timeout
    stoppable = state.phase != CANCELING and state.state is not WorkflowState.COMPENSATING and not state.is_over
    if timeout is not None and now >= timeout + state.reopened_at and stoppable:
        return (e.RunCanceling(now, f"the run timed out after {timeout:g} s", timed_out=True),)
    if state.timers and state.timers[0][0] <= now:
        for due, node in sorted(state.timers):
            if due <= now:
                found.append(e.RetryDue(now, node) if node in state.retrying else e.WaitOver(now, node))
    return found


def next_due(state: RunState) -> float | None:
    """When `ticked` has something to say next, if nothing else happens; None if never."""
    moments = [state.timers[0][0]] if state.timers else []
    if state.plan.timeout is not None and state.phase != CANCELING and state.state is not WorkflowState.COMPENSATING:
        moments.append(state.plan.timeout + state.reopened_at)
    return min(moments, default=None)


def settle(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    """The fate of a node in the deciding lane. Deciding the same node twice is harmless."""
    plan = state.plan
    if state.states[node] != READY:
        return _settle_later(state, node, now)
    frame = plan.parents.get(node) if node not in plan.detached else None
    if frame is not None and (dropped := _dropped(state, node, frame, now)) is not None:
        return (dropped,)
    if not is_called(state, node):
        return NOTHING  # what it waits for matters when its frame opens, or when it is called
    missed = state.missed.get(node, 0) if node not in plan.aside else 0  # who is called waits for nobody
    needed = plan.joins.get(node)
    if missed and (needed is None or (needed >= 0 and len(plan.deps[node]) - missed < needed)):
        return (_out_of_reach(state, node, now),)
    open_ = state.waiting[node] - (missed if needed == plan.ALL_DONE else 0)
    if open_ > 0 or state.attempts[node] > state.earlier.get(node, 0) or node in state.retrying:
        return NOTHING
    if frame in plan.limited and frame is not None and not has_room(state, frame):
        return NOTHING  # it is looked at again when another child of the frame has ended
    guard = plan.guards.get(node)
    if guard is not None:
        try:
            holds = guard(state, node)
        except ReferenceFailed as problem:
            return tuple(_guard_failed(state, node, problem, now))
        if not holds:
            return (e.Skipped(now, node, "its `when` does not hold"),)
    if node in plan.frames:
        return (e.Opened(now, node),)
    if state.lane_of[node] != DECIDING and (guard is not None or not missed or state.waiting[node] <= 0):
        return NOTHING  # it went to its lane by itself, or was admitted before
    return (e.Admitted(now, node),)


def _settle_later(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    """The same for a node that is past its start: an open frame, an undo that ended, a failure that somebody answers."""
    code = state.states[node]
    if code == RUNNING and node in state.plan.frames:
        return settle_frame(state, node, now)
    over = code in (COMPLETED, SKIPPED, CANCELED) or node in state.fallen
    if over and node in state.plan.alternatives:
        return tuple(not_needed(state, node, now))
    if state.undoing and node == state.undoing[0]:
        return tuple(after_undo(state, node, now))
    if code == FAILED and state.plan.delays.get(node) in state.delaying:
        return after_delay(state, node, now)
    if code == FAILED and state.standing_in:
        return after_alternative(state, node, now)
    return NOTHING


def _dropped(state: RunState, node: int, frame: int, now: float) -> e.Event | None:
    """The end of a child whose frame will not let it go any more, or never did."""
    code = state.states[frame]
    name = state.plan.names[frame]
    if code == RUNNING:
        if isinstance(state.plan.frames[frame], Bypass):
            return e.Skipped(now, node, f"{name} is bypassed")
        if frame in state.chosen and node != state.chosen[frame] and node not in state.plan.hidden:
            return e.Skipped(now, node, "branch not taken")
        return None
    if code == SKIPPED:
        return e.Skipped(now, node, f"{name} was skipped", state.causes.get(frame, -1))
    if code == COMPLETED:
        taken = frame in state.chosen
        return e.Skipped(now, node, "branch not taken" if taken else f"{name} was marked done")
    if code in (FAILED, CANCELED):
        ending = "failed" if code == FAILED else "was canceled"
        return e.NodeCanceled(now, node, 0.0, f"{name} {ending}", state.causes.get(frame, frame))
    return None


def _guard_failed(state: RunState, node: int, problem: ReferenceFailed, now: float) -> Iterator[e.Event]:
    error = Trouble("ReferenceFailed", f"its `when` cannot be decided: {problem.message}", retryable=False)
    yield e.StartFailed(now, node, error)
    yield from given_up(state, node, error, now)


def _out_of_reach(state: RunState, node: int, now: float) -> e.Event:
    """A node that can never start, because of the first upstream node that brought nothing."""
    for source in state.plan.deps[node]:
        kind = state.states[source]
        if kind in _ENDINGS:
            cause = state.causes.get(source, source)
            return e.Skipped(now, node, f"{state.plan.names[source]} {_ENDINGS[kind]}", cause)
    return e.Skipped(now, node, "it can never start")


def _taken_back(state: RunState) -> str:
    """What is said of a run that was compensated: whether all undos did what they should."""
    plan = state.plan
    undos = {*plan.undos.values(), *(undo for named in plan.named_undos.values() for undo in named)}
    stuck = [plan.names[undo] for undo in sorted(undos) if state.states[undo] in (FAILED, CANCELED)]
    return f" (compensated, but {', '.join(stuck)} did not complete)" if stuck else " (compensated)"


_ENDINGS = {FAILED: "failed", CANCELED: "was canceled", SKIPPED: "was skipped"}


def swept(state: RunState, now: float) -> Sequence[e.Event]:
    """When a run stops early: everything that has not started is canceled; what must run anyway stays.

    What waits for a failed node was skipped before, by `settle`. After a failure, nodes with join "all_done" still run
    (they clean up); after a cancel nothing does.
    """
    if state.phase == GOING or state.swept:
        return NOTHING
    cause = state.cause if state.phase == FAILING else -1
    reason = f"{state.plan.names[cause]} failed" if cause >= 0 else state.reason or "the run was canceled"
    joins, keeps = state.plan.joins, state.plan.ALL_DONE
    first = [node for lane in state.lanes[1:] for node in lane.ready]
    queued = set(first) | state.held
    first += [node for node, code in enumerate(state.states) if code in (READY, SUSPENDED) and node not in queued]
    return [
        e.NodeCanceled(now, node, 0.0, reason, cause)
        for node in first
        if (state.phase == CANCELING or joins.get(node) != keeps)
        and (node not in state.plan.aside or node in state.standing_in)
    ]


def next_start(state: RunState, lane: int, now: float) -> Started | None:
    """The start of the lane's head, if it may start now."""
    queue = state.lanes[lane]
    ready = queue.ready
    if not ready or queue.running >= queue.limit or state.paused:
        return None
    if queue.takes and not state.has_place(queue):
        return None
    node = ready[0]
    return Started(now, node, state.attempts[node] + 1)


def concluded(state: RunState, now: float) -> Sequence[e.Event]:
    """What follows when nothing runs and nothing can start any more: what is only called now, then the run's end."""
    if state.running or state.opened or state.timers or state.paused or state.is_over:
        return NOTHING
    if any(lane.ready for lane in state.lanes) or state.states.find(SUSPENDED) >= 0:
        return NOTHING
    plan = state.plan
    if state.phase == CANCELING and not state.timed_out:
        return unneeded(state, now) or (e.RunEnded(now, WorkflowState.CANCELED.value, state.reason, state.cause),)
    if state.cause < 0 and not state.timed_out:  # what failed, if anything did, was made good for
        ending, reason, cause = WorkflowState.COMPLETED, "", -1
    else:
        ending, cause = WorkflowState.FAILED, state.cause
        reason = state.reason if state.timed_out else f"{plan.names[cause]} failed"
        if state.state is not WorkflowState.COMPENSATING and not state.hooked and (undos := to_compensate(state)):
            return (e.RunCompensating(now, tuple(undos)),)
        if state.state is WorkflowState.COMPENSATING:
            reason += _taken_back(state)
    if plan.aside and not state.hooked and (left_over := unneeded(state, now)):
        return left_over
    hook = plan.hooks.get(ending.value)
    if hook is not None and not state.hooked:
        return (e.HookCalled(now, hook, ending.value),)
    ending = WorkflowState(state.hooked) if state.hooked else ending
    if ending is WorkflowState.COMPLETED:
        reason, cause = "", -1
    return (e.RunEnded(now, ending.value, reason, cause),)
