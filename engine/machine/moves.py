"""The small moves that transitions are made of: each changes a few columns and keeps them in step with each other."""

from __future__ import annotations

import heapq
from collections import deque

from engine.errors import InvalidTransition
from engine.machine.state import (
    CANCELED,
    COMPENSATED,
    COMPLETED,
    DECIDING,
    FAILED,
    LEAVING,
    NODE_STATES,
    READY,
    RUNNING,
    SETTLED,
    SKIPPED,
    SUSPENDED,
    UNKNOWN,
    RunState,
    WorkflowState,
)
from engine.plan import GATE
from engine.project.model import RunAlternative, Skip

LEGAL: frozenset[tuple[int, int]] = frozenset(
    {
        (READY, RUNNING),
        (READY, COMPLETED),  # marked done by hand
        (READY, FAILED),  # its guard could not be decided
        (READY, SKIPPED),
        (READY, CANCELED),
        (READY, SUSPENDED),
        (RUNNING, COMPLETED),
        (RUNNING, FAILED),
        (RUNNING, CANCELED),
        (RUNNING, READY),  # its attempt was lost
        (RUNNING, SUSPENDED),
        (RUNNING, UNKNOWN),
        (SUSPENDED, READY),
        (SUSPENDED, RUNNING),
        (SUSPENDED, CANCELED),
        (FAILED, READY),  # another attempt
        (FAILED, SKIPPED),
        (FAILED, COMPLETED),  # an alternative stood in
        (COMPLETED, COMPENSATED),
        (UNKNOWN, COMPLETED),
        (UNKNOWN, FAILED),
        (UNKNOWN, READY),
    }
)


def is_contained(state: RunState, node: int) -> bool:
    """Whether a frame around the node forgives its failing, so that the run may go on and complete."""
    frame = state.parents.get(node)
    while frame is not None:
        if isinstance(state.plan.on_errors.get(frame), Skip | RunAlternative):
            return True
        frame = state.parents.get(frame)
    return False


def is_called(state: RunState, node: int) -> bool:
    """Whether the gate before a node is open: its frame has let it go, or somebody has called it."""
    return state.waiting[node] < GATE // 2


def has_room(state: RunState, frame: int) -> bool:
    """Whether a frame that limits how many of its children run at once would let another one start."""
    most = state.plan.frames[frame].max_parallel
    placed = state.placed.get(frame, ())
    return most is None or len(placed) < most or sum(takes_place(state, child) for child in placed) < most


def takes_place(state: RunState, child: int) -> bool:
    """Whether a child of such a frame counts among those that run at once."""
    code = state.states[child]
    return code in (RUNNING, LEAVING) or child in state.held or (code == READY and state.lane_of[child] != DECIDING)


def take_place(state: RunState, child: int) -> None:
    """A node starts, or may: it has a place in its frame, if that has only so many."""
    frame = state.parents.get(child)
    if frame in state.plan.limited and frame is not None and child not in state.plan.detached:
        state.placed.setdefault(frame, set()).add(child)


def leave_place(state: RunState, frame: int, child: int) -> None:
    """A child is over: the first in file order that could start in its place is decided again.

    What has started is passed by once; so a frame looks at each of its children once, not at all of them each time.
    """
    plan, states = state.plan, state.states
    state.placed.get(frame, set()).discard(child)
    line = state.in_line.get(frame)
    if line is None:
        line = state.in_line[frame] = deque(plan.frames[frame].children)
    stay: list[int] = []
    while line:
        node = line.popleft()
        waits = states[node] == READY and state.lane_of[node] == DECIDING
        if waits or states[node] == SUSPENDED:
            stay.append(node)
        missed = state.missed.get(node, 0) if plan.joins.get(node) == plan.ALL_DONE else 0
        if waits and state.waiting[node] <= missed:
            state.deciding.append(node)
            break
    line.extendleft(reversed(stay))


def settled(state: RunState, node: int) -> None:
    """A node has come to its end: tell the frame that holds it, and the one it stands in for."""
    deciding = state.deciding
    if state.missed:
        # Who waits for all to be done counts only completions: with a miss among them, counting never comes to zero.
        missed, waiting = state.missed, state.waiting
        deciding.extend(f for f in state.dependents[node] if f in missed and waiting[f] > 0)
    frame = state.parents.get(node)
    if frame is not None and node not in state.plan.detached:
        state.left[frame] = left = state.left.get(frame, 0) - 1
        if frame in state.plan.limited:
            leave_place(state, frame, node)
        if not left or frame in state.gated or node in state.plan.hidden or state.plan.alternatives:
            deciding.append(frame)
    if node in state.plan.alternatives:
        deciding.append(node)  # whether its alternative is still needed
    if node in state.standing_in:
        deciding.append(state.standing_in[node])
    if node in state.delaying:
        deciding.append(state.delaying[node])
    if state.undoing and node == state.undoing[0]:
        deciding.append(node)


def free_followers(state: RunState, node: int) -> None:
    """Count a completion off for everybody who waits for the node."""
    for follower in state.dependents[node]:
        state.waiting[follower] -= 1
        if not state.waiting[follower]:
            make_startable(state, follower)


def become(state: RunState, node: int, new: int) -> None:
    if (state.states[node], new) not in LEGAL:
        raise illegal(state, node, new)
    state.states[node] = new


def stop_running(state: RunState, node: int, new: int, at: float, seconds: float) -> None:
    become(state, node, new)
    state.ended[node] = at
    if node in state.plan.frames:
        state.spent[node] = at - state.started[node]
        state.opened -= 1
        forget_waits(state, node)
        return
    state.spent[node] += seconds
    state.lanes[state.lane_of[node]].running -= 1
    state.running -= 1


def forget_waits(state: RunState, frame: int) -> None:
    """A frame waits for nothing any more."""
    state.asking.pop(frame, None)
    due = state.waits.pop(frame, None)
    if due is not None:
        state.timers.remove((due, frame))
        heapq.heapify(state.timers)


def drop_children(state: RunState, node: int) -> None:
    """The children of a frame that will not open, or not go on: what becomes of them is decided one by one."""
    frame = state.plan.frames.get(node)
    if frame is not None:
        state.deciding.extend(frame.children)
        state.gated.pop(node, None)


def make_startable(state: RunState, node: int) -> None:
    state.lanes[state.lane_of[node]].ready.append(node)


def withdraw(state: RunState, node: int) -> None:
    """Take a node that will not start out of whatever queue it is in."""
    if node in state.retrying:
        state.timers.remove((state.retrying.pop(node), node))
        heapq.heapify(state.timers)
    elif state.states[node] == READY:
        lane = state.lanes[state.lane_of[node]].ready
        if lane and lane[0] == node:  # sweeping a wide graph meets its nodes in this order
            lane.popleft()
        elif state.waiting[node] <= state.missed.get(node, 0) and node in lane:
            lane.remove(node)


def explain(state: RunState, node: int, at: float, reason: str, cause: int) -> None:
    state.waiting[node] += GATE  # what it waited for may still come, and must not start it
    state.ended[node] = at
    state.reasons[node] = reason
    if cause >= 0:
        state.causes[node] = cause


def miss(state: RunState, node: int) -> None:
    """Tell those who wait for this node that it will bring nothing; what that means for them is decided later."""
    deciding, missed = state.deciding, state.missed
    state.watched = True
    for follower in state.dependents[node]:
        missed[follower] = missed.get(follower, 0) + 1
        if state.states[follower] not in SETTLED:
            deciding.append(follower)


def expect(state: RunState, old: WorkflowState, new: WorkflowState) -> None:
    if state.state is not old:
        raise InvalidTransition(state.state.value, new.value)


def illegal(state: RunState, node: int, new: int) -> InvalidTransition:
    old = NODE_STATES[state.states[node]]
    return InvalidTransition(old.value, NODE_STATES[new].value, node_id=state.plan.names[node])
