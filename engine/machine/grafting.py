"""How a run takes up another version of its graph, or goes back to nodes that are tried again.

Both are one act: `fates` says which nodes are set back and which leave; here the columns follow. Numbers only grow. What
has not begun is counted anew against what has ended, so that edges may come and go. An attempt that is no longer wanted
stays in its slot, as LEAVING, until it is really gone (`Withdrawn`): so no node ever has two.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any

from engine.frames import Again, Bypass, Choice, Each
from engine.machine import events as e
from engine.machine.events import Live
from engine.machine.fates import Fates, begun, carry_over, fates, has_attempt
from engine.machine.framing import holding
from engine.machine.moves import forget_waits, is_contained, leave_place, make_startable, take_place, takes_place
from engine.machine.state import (
    CANCELED,
    COMPENSATED,
    COMPLETED,
    DECIDING,
    FAILING,
    GOING,
    LEAVING,
    READY,
    RUNNING,
    SETTLED,
    SKIPPED,
    SUSPENDED,
    TEMPLATE,
    RunState,
    WorkflowState,
    lanes_of,
)
from engine.plan import GATE, Plan

TALLIES = {COMPLETED: "done", COMPENSATED: "done", SKIPPED: "skipped", CANCELED: "canceled"}
"""Which count of the run a node in this state is part of; of the failed, those that have fallen are."""


def _graph_changed(state: RunState, event: e.GraphChanged) -> None:
    revision = event.revision.content if isinstance(event.revision, Live) else event.revision
    plan = revision.onto(state.plan)
    carry_over(state, plan)
    found = fates(state, plan, dict.fromkeys(event.changed, ""), dict.fromkeys(event.reshaped, ""))
    _graft(state, plan, found, event.at)


def _retried(state: RunState, event: e.Retried) -> None:
    plan = state.plan if state.stamps else state.plan.private()
    found = fates(state, plan, dict.fromkeys(event.nodes, ""), {})
    _graft(state, plan, found, event.at)
    if state.phase == FAILING:  # who asks for a retry wants it run, whatever else has failed
        _go_on(state)


def _withdrawn(state: RunState, event: e.Withdrawn) -> None:
    node = event.node
    state.lanes[state.leaving.pop(node)].running -= 1
    state.running -= 1
    state.spent[node] += event.seconds
    if state.parents.get(node) in state.plan.limited:  # a sibling may have its place
        leave_place(state, state.parents[node], node)
    frame = state.awaited_by.pop(node, -1)
    if node in state.plan.gone:
        state.states[node] = TEMPLATE
        if frame >= 0 and state.states[frame] != TEMPLATE and frame not in state.awaited_by.values():
            if state.states[frame] == RUNNING:
                state.deciding.append(frame)  # a loop that went back: its next round may begin
            else:
                _come_free(state, frame)
        return
    state.states[node] = READY
    if state.phase != GOING:
        state.swept = False
    _come_free(state, node)


def _come_free(state: RunState, node: int) -> None:
    """What kept a node from running, beside its upstream, is over."""
    state.waiting[node] -= GATE
    if state.states[node] != READY:
        return
    if state.waiting[node] <= 0:
        make_startable(state, node)
    else:
        state.deciding.append(node)  # its frame may have chosen another meanwhile, or what it waits for be out of reach


# -- the act ---------------------------------------------------------------------------------------------------------


def _graft(state: RunState, plan: Plan, found: Fates, at: float) -> None:
    plan.take_out(found.gone)
    states = state.states
    fresh = {node for node in range(len(plan.names)) if node >= len(states) or states[node] == TEMPLATE}
    queued = [node for lane in state.lanes[1:] for node in lane.ready]
    placed = {node: state.lane_of[node] for node, code in enumerate(state.states) if code in (RUNNING, SUSPENDED)}
    for node in (*found.gone, *found.again):
        _set_back(state, node, whole=node not in found.again or node in found.whole)
    bearing = found.again.keys() | (found.rounds.keys() - found.gone)
    for node in found.gone:
        _let_leave(state, node, bearing)
    state.plan = plan
    for loop, kept in found.rounds.items():
        if loop not in found.gone and loop not in found.whole:
            _go_back(state, loop, kept)
    state.dependents, state.parents = plan.dependents, plan.parents
    _grow(state)
    _place(state, placed)
    _share_places(state)
    anew = _count_anew(state)
    for frame in plan.frames:
        if states[frame] == RUNNING:
            _open_gates(state, frame, anew, fresh.union(found.again))
    _fill_lanes(state, queued, anew)
    _look_again(state, anew)
    _settle_the_run(state, at)


def _set_back(state: RunState, node: int, *, whole: bool) -> None:
    """Forget what became of a node. What it holds is the affair of others."""
    code = state.states[node]
    count = TALLIES.get(code)
    if count is not None:
        setattr(state, count, getattr(state, count) - 1)
    if node in state.fallen:
        state.fallen.discard(node)
        state.failed -= 1
    if node in state.retrying:
        state.timers.remove((state.retrying.pop(node), node))
        heapq.heapify(state.timers)
    for table in (state.agents, state.errors, state.causes, state.reasons, state.lost, state.missed, state.moving):
        table.pop(node, None)
    for calls in (state.standing_in, state.delaying):
        for called in [called for called, caller in calls.items() if node in (called, caller)]:
            del calls[called]
    state.earlier[node] = state.attempts[node]
    state.forgiven[node] = state.failures.get(node, 0)
    state.values[node] = None
    state.ended[node] = 0.0
    if node in state.plan.frames:
        _set_frame_back(state, node, code, whole)
    if has_attempt(state, node):
        state.held.discard(node)
        state.leaving[node] = state.lane_of[node]
        state.states[node] = LEAVING
    elif code != LEAVING:
        state.states[node] = READY


def _let_leave(state: RunState, node: int, bearing: Collection[int]) -> None:
    """What was born in a map or loop has its like again when that begins anew, or goes back: not before it is gone, and
    not as the first of its name."""
    if state.states[node] == READY:
        state.states[node] = TEMPLATE
    if node in state.shifts:
        state.tried_before[state.plan.names[node]] = state.attempts[node]
        frame = node
        while frame in state.parents and frame not in bearing:
            frame = state.parents[frame]
        if state.states[node] == LEAVING and frame in bearing:
            state.awaited_by[node] = frame


def _set_frame_back(state: RunState, node: int, code: int, whole: bool) -> None:
    if code == RUNNING:
        state.opened -= 1
    forget_waits(state, node)
    state.answers.pop(node, None)
    state.gated.pop(node, None)
    state.left.pop(node, None)
    if whole:
        for table in (state.chosen, state.items, state.stamps, state.carried):
            table.pop(node, None)


def _go_back(state: RunState, loop: int, kept: int) -> None:
    """A loop goes on from the last of the rounds that it keeps, and decides after it what comes next."""
    what = state.plan.frames[loop]
    assert isinstance(what, Again)
    rounds = state.stamps[loop]
    del rounds[kept:]
    state.carried[loop] = state.values[rounds[-2]] if kept > 1 else what.initial(state, loop)
    state.answers.pop(loop, None)
    forget_waits(state, loop)


def _grow(state: RunState) -> None:
    """Columns for the new numbers, and a state for those that take part anew."""
    plan, states = state.plan, state.states
    more = len(plan.names) - len(states)
    states.extend(bytes(more))
    for column in (state.attempts, state.started, state.ended, state.spent):
        column.extend([0] * more)
    state.values.extend([None] * more)
    state.waiting.extend(plan.waiting[len(state.waiting) :])
    for node, code in enumerate(states):
        if node in plan.templates:
            if code != LEAVING:
                states[node] = TEMPLATE
        elif code == TEMPLATE:
            states[node] = READY


def _place(state: RunState, placed: dict[int, int]) -> None:
    """The lane of each node; what runs keeps its own until its attempt has ended."""
    plan = state.plan
    lane_of = list(plan.lane_of)
    for node in plan.admitted_to:
        lane_of[node] = DECIDING  # a plan that a run has made its own says where they were admitted to
    for node, lane in placed.items():
        if state.states[node] == RUNNING or node in state.held:
            goes_to = plan.admitted_to.get(node, lane_of[node])
            if goes_to != lane and node not in plan.frames:
                state.moving[node] = goes_to
            lane_of[node] = lane
    for node, lane in plan.admitted_to.items():
        waits = node < len(state.states) and state.states[node] in (READY, SUSPENDED) and node not in state.held
        if waits and begun(state, node):  # for another attempt
            lane_of[node] = lane
    state.lane_of = plan.lane_of = lane_of


def _share_places(state: RunState) -> None:
    """Who has a place in the frames that have only so many; the others stand in line again."""
    state.placed.clear()
    state.in_line.clear()
    for child, frame in state.parents.items():
        if frame in state.plan.limited and takes_place(state, child):
            take_place(state, child)


def _count_anew(state: RunState) -> set[int]:
    """`waiting` and `missed` of all that has not begun, from what has ended; who that is."""
    plan, states = state.plan, state.states
    anew = {
        node
        for node, code in enumerate(states)
        if node not in plan.templates and (code == LEAVING or (code in (READY, SUSPENDED) and not begun(state, node)))
    }
    for node in anew:
        state.waiting[node] = plan.waiting[node] + (GATE if states[node] in (SUSPENDED, LEAVING) else 0)
        state.missed.pop(node, None)
        if node in state.standing_in or node in state.delaying:  # it has been called
            state.waiting[node] -= GATE
    for frame in set(state.awaited_by.values()) & anew:
        state.waiting[frame] += GATE
    for node, code in enumerate(states):
        if code in (COMPLETED, COMPENSATED):
            for follower in plan.dependents[node]:
                if follower in anew:
                    state.waiting[follower] -= 1
        elif code in (SKIPPED, CANCELED) or node in state.fallen:
            for follower in plan.dependents[node]:
                if follower in anew:
                    state.missed[follower] = state.missed.get(follower, 0) + 1
    return anew


def _open_gates(state: RunState, frame: int, anew: set[int], late: set[int]) -> None:
    """Which children of an open frame may start: what was let go before; of those that are `late`, as there is room."""
    what = state.plan.frames[frame]
    children = [child for child in holding(state, frame) if state.states[child] not in SETTLED]
    state.left[frame] = len(children)
    children = [child for child in children if child not in state.plan.aside]
    if isinstance(what, Choice | Bypass):
        let_go = state.chosen.get(frame, what.asked) if isinstance(what, Choice) else None
        children = [child for child in children if child == let_go]
    waited = late.union(state.gated.pop(frame, ()))
    if isinstance(what, Each) and what.max_parallel is not None:
        pending = [child for child in children if child in waited and state.states[child] != LEAVING]
        going = [child for child in children if child not in pending]
        room = max(0, what.max_parallel - len(going))
        if pending[room:]:
            state.gated[frame] = deque(pending[room:])
        children = [*going, *pending[:room]]
    for child in children:
        if child in anew:
            state.waiting[child] -= GATE


def _fill_lanes(state: RunState, queued: Iterable[int], anew: set[int]) -> None:
    """The queues again, in their order, then what may start now; with the limits and priorities of the new plan."""
    running = [lane.running for lane in state.lanes]
    state.lanes = lanes_of(state.plan, state.deciding)
    for lane, count in zip(state.lanes, running, strict=False):
        lane.running = count
    for node in dict.fromkeys([*queued, *sorted(anew)]):
        if state.states[node] != READY or node in state.retrying or state.lane_of[node] == DECIDING:
            continue
        if node not in anew or state.waiting[node] <= 0:
            make_startable(state, node)


def _look_again(state: RunState, anew: set[int]) -> None:
    """Whatever may have to be decided otherwise now."""
    plan, states = state.plan, state.states
    state.watched = True
    state.deciding.extend(
        node
        for node in sorted(anew)
        if states[node] == READY and (state.lane_of[node] == DECIDING or node in state.missed)
    )
    for frame, what in plan.frames.items():
        if states[frame] == RUNNING:
            state.deciding.append(frame)
        if states[frame] in SETTLED or (states[frame] == RUNNING and isinstance(what, Choice | Bypass)):
            state.deciding.extend(child for child in what.children if states[child] == READY)
    state.deciding.extend(failed for failed in state.standing_in.values())
    state.deciding.extend(node for node, other in plan.alternatives.items() if states[other] == READY)


def _settle_the_run(state: RunState, at: float) -> None:
    """What the change means for the run as a whole: whether it goes on, and what it still blames."""
    to_blame = [
        node for node in state.fallen if not is_contained(state, node) and node not in state.plan.hooks.values()
    ]
    if state.cause not in state.fallen or not to_blame:
        first = min(to_blame, key=lambda node: (state.ended[node], node), default=-1)
        state.cause = state.causes.get(first, first)
    if state.is_over:
        state.state = WorkflowState.RUNNING
        state.ended_at, state.reopened_at = None, at
        state.hooked, state.timed_out = "", False
        state.undoing.clear()
        _go_on(state)
    elif state.phase == FAILING:
        state.swept = False
        if not to_blame:
            _go_on(state)


def _go_on(state: RunState) -> None:
    state.phase = GOING
    state.swept = False
    state.reason = ""


GRAFTING: dict[type[e.Event], Callable[[RunState, Any], None]] = {
    e.GraphChanged: _graph_changed,
    e.Retried: _retried,
    e.Withdrawn: _withdrawn,
}
