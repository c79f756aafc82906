"""What becomes of frames: when they open, which branch they take, what they give birth to, how they close.

`settle_frame` is asked whenever something happened to a frame; it looks at the frame's state and gives the events that
follow, or nothing. Values are looked at here (conditions, items), never handed to user code: what only code can tell is
told by a hidden child, whose attempt is like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.attempt import Trouble
from engine.frames import Again, Bypass, Choice, Each, Frame, Group, Pause, Question
from engine.machine import events as e
from engine.machine.framing import children_of, stepped
from engine.machine.policy import given_up
from engine.machine.state import CANCELED, CANCELING, COMPLETED, FAILED, GOING, READY, SKIPPED, RunState
from engine.payload import NotOpenable, Payload, open_plain
from engine.project.references import ReferenceFailed

NOTHING: Sequence[e.Event] = ()


def settle_frame(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    """What follows for a frame that is open. Deciding it again is harmless."""
    frame = state.plan.frames[node]
    left = state.left.get(node, 0)
    if node in state.gated and left and state.phase != CANCELING:  # after a failure, what still opens cleans up
        return (e.Released(now, state.gated[node][0], node),)
    try:
        decided = _DECIDERS[type(frame)](state, node, frame, now)
    except ReferenceFailed as problem:
        return _failed(state, node, Trouble("ReferenceFailed", problem.message, retryable=False), -1, now)
    if decided is not None:
        return decided
    if left:
        return NOTHING
    return _settled(state, node, now)


def _settled(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    """A frame whose children have all come to an end."""
    for child in children_of(state, node):
        if state.states[child] == FAILED:
            return _child_failed(state, node, child, now)
    for child in children_of(state, node):
        if state.states[child] == CANCELED:
            cause = state.causes.get(child, -1)
            return (e.NodeCanceled(now, node, 0.0, state.reasons.get(child, "canceled"), cause),)
    return (e.Closed(now, node),)


def _child_failed(state: RunState, node: int, child: int, now: float) -> Sequence[e.Event]:
    cause = state.causes.get(child, child)
    trouble = state.errors.get(child)
    error = Trouble("ChildFailed", f"{state.plan.names[cause]} failed: {trouble}", retryable=False)
    return _failed(state, node, error, cause, now)


def _failed(state: RunState, node: int, error: Trouble, cause: int, now: float) -> Sequence[e.Event]:
    return (e.FrameFailed(now, node, error, cause), *given_up(state, node, error, now))


# -- one function for each kind: what to do next, () for nothing yet, None for: it is over when its children are --------


def _group(state: RunState, node: int, frame: Frame, now: float) -> Sequence[e.Event] | None:
    aside = state.plan.aside
    left = state.left.get(node, 0)
    if not left and isinstance(frame, Group) and frame.steps and frame.result is not None:
        stepped(state.values[frame.result], frame.steps)  # raises before the frame is closed over it
    if not aside or not left:
        return None
    uncalled = [child for child in frame.children if child in aside and state.states[child] == READY]
    if len(uncalled) == left:
        return [e.Skipped(now, child, "not needed") for child in uncalled]
    return None


def _choice(state: RunState, node: int, frame: Frame, now: float) -> Sequence[e.Event] | None:
    assert isinstance(frame, Choice)
    if node in state.chosen:
        return None
    if frame.asked is None:
        assert frame.decide is not None
        case = frame.decide(state, node)
    else:
        code = state.states[frame.asked]
        if code == FAILED:
            return _child_failed(state, node, frame.asked, now)
        if code in (CANCELED, SKIPPED):
            return (e.NodeCanceled(now, node, 0.0, state.reasons.get(frame.asked, "canceled")),)
        if code != COMPLETED:
            return NOTHING
        case = _readable(state.values[frame.asked])
    return (e.Chosen(now, node, _branch(frame, case), _short(case)),)


def _branch(frame: Choice, case: Any) -> int:
    if frame.switch:
        key = ("true" if case else "false") if isinstance(case, bool) else str(case)
        found = frame.branches.get(key)
    else:
        if not isinstance(case, bool):
            raise ReferenceFailed(f"the condition gave {_short(case)!r}, neither true nor false")
        found = frame.branches["true"] if case else None
    if found is not None:
        return found
    return -1 if frame.otherwise is None else frame.otherwise


def _each(state: RunState, node: int, frame: Frame, now: float) -> Sequence[e.Event] | None:
    assert isinstance(frame, Each)
    if node in state.items:
        return None
    return (e.Expanded(now, node, len(frame.items(state, node))),)


def _again(state: RunState, node: int, frame: Frame, now: float) -> Sequence[e.Event] | None:
    assert isinstance(frame, Again)
    rounds = state.stamps.get(node, ())
    if state.phase != GOING and not state.left.get(node):
        return None if rounds and _ended_badly(state, rounds[-1]) else _stopped(state, node, now)
    if not rounds:
        return (e.RoundBegan(now, node, 0),)
    if state.left.get(node) or node in state.awaited_by.values():  # it went back, and what came after is on its way out
        return NOTHING
    if _ended_badly(state, rounds[-1]):
        return None
    asked = None if frame.asked is None else state.shifts[rounds[-1]][-1](frame.asked)
    if asked is not None and state.states[asked] != COMPLETED:
        return _child_failed(state, node, asked, now)
    if node in state.answers:  # the pause before the next round is over
        return (e.RoundBegan(now, node, len(rounds)),)
    if node in state.waits:
        return NOTHING
    if _is_last(state, node, frame, rounds[-1], asked):
        return (e.Closed(now, node),)
    if frame.most is not None and len(rounds) >= frame.most:
        error = Trouble(
            "LoopNotEnded", f"after {len(rounds)} rounds its condition still does not hold", retryable=False
        )
        return _failed(state, node, error, -1, now)
    if frame.delay:
        return (e.WaitPlanned(now, node, now + frame.delay),)
    return (e.RoundBegan(now, node, len(rounds)),)


def _ended_badly(state: RunState, root: int) -> bool:
    return state.states[root] in (FAILED, CANCELED)


def _is_last(state: RunState, node: int, frame: Again, root: int, asked: int | None) -> bool:
    if asked is not None:
        held = _readable(state.values[asked])
        if not isinstance(held, bool):
            raise ReferenceFailed(f"the loop's condition gave {_short(held)!r}, neither true nor false")
    else:
        stop: Callable[..., Any] = frame.stop  # type: ignore[assignment]
        local = {"value": state.values[root], "index": len(state.stamps[node]) - 1}
        held = stop(state, node, local)
    return bool(held) is not frame.negate


def _pause(state: RunState, node: int, frame: Frame, now: float) -> Sequence[e.Event] | None:
    assert isinstance(frame, Pause)
    if node in state.answers:
        return (e.Closed(now, node),)
    if state.phase != GOING:
        return _stopped(state, node, now)
    if node in state.waits or node in state.asking:
        return NOTHING
    if frame.path is not None:
        return (e.QuestionAsked(now, node, str(frame.path(state, node))),)
    if frame.until is not None:
        return (e.WaitPlanned(now, node, now + seconds_until(frame.until, state.wall + now)),)
    return (e.WaitPlanned(now, node, now + (frame.seconds or 0.0)),)


def _question(state: RunState, node: int, frame: Frame, now: float) -> Sequence[e.Event] | None:
    assert isinstance(frame, Question)
    if node in state.answers:
        answer = state.answers[node]
        if answer is not None:
            return (e.Closed(now, node),)
        if frame.default is not None:
            return (e.Answered(now, node, frame.default, "nobody answered in time"),)
        error = Trouble("WorkflowTimeout", f"nobody answered within {frame.timeout:g} s", retryable=False)
        return _failed(state, node, error, -1, now)
    if state.phase != GOING:
        return _stopped(state, node, now)
    if node in state.asking:
        return NOTHING
    asked = e.QuestionAsked(now, node, str(frame.text(state, node)))
    return (asked,) if frame.timeout is None else (asked, e.WaitPlanned(now, node, now + frame.timeout))


def _bypass(state: RunState, node: int, frame: Frame, now: float) -> Sequence[e.Event] | None:
    assert isinstance(frame, Bypass)
    if not state.left.get(node):
        frame.passed(state, node)  # raises where it cannot be had, before the frame is closed over it
    return None


def _stopped(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    cause = state.cause if state.phase != CANCELING else -1
    reason = f"{state.plan.names[cause]} failed" if cause >= 0 else state.reason or "the run was canceled"
    return (e.NodeCanceled(now, node, 0.0, reason, cause),)


_DECIDERS: dict[type[Frame], Callable[[RunState, int, Frame, float], Sequence[e.Event] | None]] = {
    Group: _group,
    Choice: _choice,
    Each: _each,
    Again: _again,
    Pause: _pause,
    Question: _question,
    Bypass: _bypass,
}


def seconds_until(moment: str, wall: float) -> float:
    """How long from `wall` (seconds since 1970) to a time of day ("02:00", the next one) or a date and time.

    In local time where the text names no zone; zero for a moment that has passed. Raises ReferenceFailed.
    """
    here = datetime.fromtimestamp(wall).astimezone()
    try:
        if len(moment) <= 8 and ":" in moment and "T" not in moment:
            clock = datetime.strptime(moment, "%H:%M:%S" if moment.count(":") == 2 else "%H:%M").time()  # noqa: DTZ007
            target = here.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0)
            if target <= here:
                target += timedelta(days=1)
        else:
            target = datetime.fromisoformat(moment)
            target = target if target.tzinfo else target.replace(tzinfo=here.tzinfo)
    except ValueError:
        raise ReferenceFailed(f"{moment!r} is neither a time of day (02:00) nor a date and time") from None
    return max(0.0, (target - here).total_seconds())


def open_again(state: RunState) -> Iterator[int]:
    """The frames that are open: what has to be looked at when a run stops early."""
    return (node for node in state.plan.frames if state.states[node] == 1)


def _readable(value: Any) -> Any:
    if type(value) is Payload:
        try:
            return open_plain(value)
        except NotOpenable:
            raise ReferenceFailed(f"it is decided by a {value.type}, which is no plain data") from None
    return value


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:200]
