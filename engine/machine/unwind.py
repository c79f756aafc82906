"""What is only called: alternatives, retry delays that code decides, compensation, hooks at the end.

These nodes have a gate before them that nothing but an event opens. Compensation comes when a failed run has come to rest:
what completed and has an `undo` is taken back one by one, last completed first, or in the order that was named. An undo
that fails is visible and does not keep the others from being run. Hooks come last, and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.attempt import Trouble
from engine.machine import events as e
from engine.machine.policy import checked_delay, given_up
from engine.machine.state import COMPENSATED, COMPLETED, FAILED, READY, RUNNING, RunState
from engine.payload import NotOpenable, Payload, open_plain
from engine.plan import GATE
from engine.project.model import Compensate

NOTHING: Sequence[e.Event] = ()


def after_alternative(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    """A failed node whose alternative was called: has it stood in?"""
    for alternative, failed in state.standing_in.items():
        if failed == node and state.states[alternative] == COMPLETED:
            return (e.Replaced(now, node, alternative),)
    return NOTHING


def after_delay(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    """A failed node whose own code was asked how long to wait: what did it say?"""
    asked = state.plan.delays[node]
    if state.delaying.get(asked) != node:
        return NOTHING
    code = state.states[asked]
    trouble = state.errors[node]
    if code == COMPLETED:
        value = state.values[asked]
        try:
            wait = checked_delay(open_plain(value) if type(value) is Payload else value)
        except (ValueError, NotOpenable) as problem:
            return tuple(given_up(state, node, _blamed(trouble, str(problem)), now))
        return (e.RetryPlanned(now, node, now + wait),)
    if code in (READY, RUNNING):
        return NOTHING
    return tuple(given_up(state, node, _blamed(trouble, f"its retry strategy failed: {state.errors.get(asked)}"), now))


def _blamed(trouble: Trouble, problem: str) -> Trouble:
    trouble.message = f"{trouble.message} ({problem})"
    return trouble


def unneeded(state: RunState, now: float) -> Sequence[e.Event]:
    """When a run has come to rest: the alternatives that nobody called."""
    plan = state.plan
    return [
        e.Skipped(now, node, "not needed")
        for node in sorted(plan.aside - plan.hidden - plan.templates)
        if state.states[node] == READY and state.waiting[node] >= GATE // 2
    ]


def to_compensate(state: RunState) -> list[int]:
    """The undo nodes that a failed run has to run, in order; empty if it compensates nothing."""
    plan = state.plan
    named: list[int] = []
    wanted = plan.compensates
    for node, action in plan.on_errors.items():
        if state.states[node] == FAILED and isinstance(action, Compensate):
            wanted = True
            named = named or list(plan.named_undos.get(node, ()))
    if not wanted:
        return []
    if named:
        return [node for node in named if _can_be_undone(state, node)]
    done = [node for node in plan.undos if state.states[node] == COMPLETED and node not in plan.templates]
    done.sort(key=lambda node: state.ended[node], reverse=True)
    return [plan.undos[node] for node in done]


def _can_be_undone(state: RunState, undo: int) -> bool:
    owner = next((node for node, own in state.plan.undos.items() if own == undo), None)
    return owner is None or state.states[owner] == COMPLETED


def after_undo(state: RunState, undo: int, now: float) -> Iterator[e.Event]:
    """An undo has come to its end: what it took back is compensated, and the next one is called."""
    if state.states[undo] in (READY, RUNNING):
        return
    owner = next((node for node, own in state.plan.undos.items() if own == undo), -1)
    took_back = state.states[undo] == COMPLETED and owner >= 0 and state.states[owner] != COMPENSATED
    yield e.UndoEnded(now, undo, owner if took_back else -1)
