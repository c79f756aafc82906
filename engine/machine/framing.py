"""How events about frames change the state: opening, choosing, stamping, waiting, closing.

Everything here is off the path of plain nodes. A frame is RUNNING while it is open, but takes no slot: `state.opened`
counts frames, `state.running` attempts. `left[frame]` counts the children that have not settled; at zero the frame goes
to the deciding lane. Nodes that are born by stamping are appended to every column.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from engine.forms import PLAIN
from engine.frames import Again, Bypass, Choice, Each, Frame, Group, Question, Shift
from engine.machine import events as e
from engine.machine.moves import become, forget_waits, free_followers, make_startable, settled, take_place
from engine.machine.state import (
    CANCELING,
    COMPENSATED,
    COMPLETED,
    FAILED,
    READY,
    RUNNING,
    SETTLED,
    TEMPLATE,
    PriorityQueue,
    RunState,
    WorkflowState,
)
from engine.payload import NotOpenable, Payload, open_plain
from engine.plan import GATE
from engine.project.references import Ref, ReferenceFailed, take


def _opened(state: RunState, event: e.Opened) -> None:
    node = event.node
    become(state, node, RUNNING)
    take_place(state, node)
    state.attempts[node] += 1
    state.started[node] = event.at
    state.opened += 1
    frame = state.plan.frames[node]
    unsettled = [child for child in holding(state, node) if state.states[child] not in SETTLED]
    state.left[node] = len(unsettled)
    if isinstance(frame, Choice):
        let_go = state.chosen.get(node, frame.asked)  # it has chosen already if it was reopened
        state.deciding.extend(child for child in unsettled if child != let_go)
        unsettled = [child for child in unsettled if child == let_go]
    elif isinstance(frame, Bypass):
        state.deciding.extend(unsettled)
        unsettled = []
    aside = state.plan.aside  # those in it only start when they are called
    children = [child for child in unsettled if child not in aside] if aside else unsettled
    release_all(state, node, children, frame.max_parallel if isinstance(frame, Each) else None)
    if not state.left[node] or isinstance(frame, Choice):
        state.deciding.append(node)


def _chosen(state: RunState, event: e.Chosen) -> None:
    node = event.node
    frame = state.plan.frames[node]
    state.chosen[node] = event.branch
    for child in frame.children:
        if child == event.branch:
            release(state, child)
        elif child != frame.asked:  # type: ignore[attr-defined]
            state.deciding.append(child)
    if not state.left[node]:  # the branch had its end before it was chosen
        state.deciding.append(node)


def _expanded(state: RunState, event: e.Expanded) -> None:
    node = event.node
    frame = state.plan.frames[node]
    assert isinstance(frame, Each)
    state.items[node] = frame.items(state, node)
    path = state.plan.names[node]
    roots = [stamp(state, node, frame.low, frame.high, index, f"{path}[{index}]") for index in range(event.count)]
    state.left[node] = event.count
    release_all(state, node, roots, frame.max_parallel)
    if not roots:
        state.deciding.append(node)


def _round_began(state: RunState, event: e.RoundBegan) -> None:
    node = event.node
    frame = state.plan.frames[node]
    assert isinstance(frame, Again)
    state.answers.pop(node, None)  # the pause before this round is over
    rounds = state.stamps.get(node)
    state.carried[node] = state.values[rounds[-1]] if rounds else frame.initial(state, node)
    before = len(state.plan.names)
    root = stamp(state, node, frame.low, frame.high, event.index, f"{state.plan.names[node]}[{event.index}]")
    state.left[node] = 1
    release(state, root)
    if frame.asked is not None:
        state.left[node] = 2
        release(state, before + frame.asked - frame.low)


def _released(state: RunState, event: e.Released) -> None:
    waiting = state.gated[event.frame]
    waiting.popleft()
    if not waiting:
        del state.gated[event.frame]
    release(state, event.node)


def _wait_planned(state: RunState, event: e.WaitPlanned) -> None:
    state.waits[event.node] = event.due
    heapq.heappush(state.timers, (event.due, event.node))


def _wait_over(state: RunState, event: e.WaitOver) -> None:
    node = event.node
    forget_waits(state, node)
    state.answers.setdefault(node, None)
    state.deciding.append(node)


def _question_asked(state: RunState, event: e.QuestionAsked) -> None:
    state.asking[event.node] = event.text


def _answered(state: RunState, event: e.Answered) -> None:
    forget_waits(state, event.node)
    state.answers[event.node] = event.value
    state.deciding.append(event.node)


def _closed(state: RunState, event: e.Closed) -> None:
    node = event.node
    value = frame_value(state, node, state.plan.frames[node])
    _end(state, node, event.at)
    state.states[node] = COMPLETED
    state.values[node] = value
    state.done += 1
    free_followers(state, node)
    settled(state, node)


def _frame_failed(state: RunState, event: e.FrameFailed) -> None:
    node = event.node
    _end(state, node, event.at)
    state.states[node] = FAILED
    state.errors[node] = event.error
    if event.cause >= 0:
        state.causes[node] = event.cause
    state.deciding.extend(state.plan.frames[node].children)


def _alternative_called(state: RunState, event: e.AlternativeCalled) -> None:
    state.standing_in[event.alternative] = event.node
    state.watched = True
    if event.alternative in state.plan.aside:
        release(state, event.alternative)
    state.deciding.append(event.node)  # it may have come to its end already


def _replaced(state: RunState, event: e.Replaced) -> None:
    node = event.node
    become(state, node, COMPLETED)
    state.values[node] = state.values[event.alternative]
    state.causes[node] = event.alternative
    del state.standing_in[event.alternative]
    state.done += 1
    free_followers(state, node)
    settled(state, node)


def _run_compensating(state: RunState, event: e.RunCompensating) -> None:
    state.state = WorkflowState.COMPENSATING
    state.undoing = deque(event.undos)
    release(state, state.undoing[0])


def _undo_ended(state: RunState, event: e.UndoEnded) -> None:
    if event.owner >= 0:
        become(state, event.owner, COMPENSATED)
    state.undoing.popleft()
    if state.undoing and (state.phase != CANCELING or state.timed_out):
        release(state, state.undoing[0])


def _delay_asked(state: RunState, event: e.DelayAsked) -> None:
    asked = event.asked
    state.delaying[asked] = event.node
    state.states[asked] = READY  # it may have been asked before
    state.waiting[asked] = GATE
    release(state, asked)


def _hook_called(state: RunState, event: e.HookCalled) -> None:
    state.hooked = event.state
    release(state, event.node)


# -- what they share -------------------------------------------------------------------------------------------------


def release(state: RunState, node: int) -> None:
    """Open the gate before a child."""
    state.waiting[node] -= GATE
    if state.states[node] != READY:
        return
    if state.waiting[node] <= 0:
        make_startable(state, node)
    elif node in state.missed:
        state.deciding.append(node)


def release_all(state: RunState, frame: int, children: list[int], most: int | None) -> None:
    """Open the gates of a frame's children: of all, or of the first `most`."""
    if most is not None and most < len(children):
        state.gated[frame] = deque(children[most:])
        children = children[:most]
    for child in children:
        release(state, child)


def stamp(state: RunState, frame: int, low: int, high: int, index: int, path: str) -> int:
    """Give birth to one copy of a template; its root. The run gets a plan of its own with the first one."""
    if state.plan.dependents is state.dependents and not state.stamps:
        plan = state.plan = state.plan.private()
        state.dependents, state.parents = plan.dependents, plan.parents
        state.lane_of = list(state.lane_of)
        plan.lane_of = state.lane_of
        for lane in state.lanes:
            if isinstance(lane.ready, PriorityQueue):
                lane.ready.follow(plan.ranks or plan.priorities)
    plan = state.plan
    first = len(plan.names)
    shift = Shift(low, high, first - low, frame, index)
    root = plan.stamp(shift, path, frame)
    count = high - low
    templates = plan.templates
    state.states.extend(TEMPLATE if number in templates else READY for number in range(first, first + count))
    for column in (state.attempts, state.started, state.ended, state.spent):
        column.extend([0] * count)
    state.waiting.extend(plan.waiting[first:])
    state.values.extend([None] * count)
    if state.tried_before:  # the map or loop begins anew: attempts of a path are counted on, as their logs are
        for number in range(first, first + count):
            state.attempts[number] = state.earlier[number] = state.tried_before.get(plan.names[number], 0)
    shifts = (*state.shifts.get(frame, ()), shift)
    state.shifts.update(dict.fromkeys(range(first, first + count), shifts))
    state.stamps.setdefault(frame, []).append(root)
    return root


def holding(state: RunState, node: int) -> list[int]:
    """`children_of` as far as the frame's end waits for them: of a loop the last round, and what tells whether it is."""
    frame = state.plan.frames[node]
    if not isinstance(frame, Again):
        return children_of(state, node) if not isinstance(frame, Each) else state.stamps.get(node, [])
    rounds = state.stamps.get(node, [])[-1:]
    if rounds and frame.asked is not None:
        rounds.append(state.shifts[rounds[0]][-1](frame.asked))
    return rounds


def children_of(state: RunState, node: int) -> list[int]:
    """The children of a frame as they are in this run: stamps where its body was stamped."""
    return state.stamps.get(node) or state.plan.frames[node].children


def frame_value(state: RunState, node: int, frame: Frame) -> Any:
    """The result of a frame whose children have all settled."""
    values = state.values
    if isinstance(frame, Group):
        if frame.result is not None:
            return stepped(values[frame.result], frame.steps)
        if frame.sequential:
            return None
        return {name: _plain(values[child]) for name, child in zip(frame.ids, frame.children, strict=True)}
    if isinstance(frame, Choice):
        branch = state.chosen.get(node, -1)
        return values[branch] if branch >= 0 else None
    if isinstance(frame, Each):
        return [_plain(values[root]) for root in state.stamps.get(node, ())]
    if isinstance(frame, Again):
        rounds = state.stamps.get(node)
        return values[rounds[-1]] if rounds else None
    if isinstance(frame, Bypass):
        return passed_value(frame.passed(state, node))
    return state.answers.get(node) if isinstance(frame, Question) else None


def passed_value(found: Mapping[str, Any]) -> Any:
    """The result of a bypassed node: the one value that came in, a table of several, nothing where none did."""
    if len(found) > 1:
        return {name: _plain(value) for name, value in found.items()}
    return next(iter(found.values()), None)


def _plain(value: Any) -> Any:
    """A part of a composed result: plain data is opened, so that the whole can be read and stored as one."""
    if type(value) is Payload and value.tag == PLAIN:
        return open_plain(value)
    return value


def stepped(value: Any, steps: tuple[str | int, ...]) -> Any:
    """A part of a result, which the engine can only take of plain data. Raises ReferenceFailed."""
    if not steps:
        return value
    ref = Ref("node", "result", steps)
    try:
        return take(open_plain(value) if type(value) is Payload else value, steps, ref)
    except NotOpenable:
        raise ReferenceFailed(f"its result is a {value.type}, of which only a task can take a part") from None


def _end(state: RunState, node: int, at: float) -> None:
    if state.states[node] != RUNNING:
        become(state, node, COMPLETED)  # raises
    state.ended[node] = at
    state.spent[node] = at - state.started[node]
    state.opened -= 1
    forget_waits(state, node)
    state.gated.pop(node, None)


FRAMING: dict[type[e.Event], Callable[[RunState, Any], None]] = {
    e.Opened: _opened,
    e.Chosen: _chosen,
    e.Expanded: _expanded,
    e.RoundBegan: _round_began,
    e.Released: _released,
    e.WaitPlanned: _wait_planned,
    e.WaitOver: _wait_over,
    e.QuestionAsked: _question_asked,
    e.Answered: _answered,
    e.Closed: _closed,
    e.FrameFailed: _frame_failed,
    e.AlternativeCalled: _alternative_called,
    e.Replaced: _replaced,
    e.RunCompensating: _run_compensating,
    e.UndoEnded: _undo_ended,
    e.DelayAsked: _delay_asked,
    e.HookCalled: _hook_called,
}
