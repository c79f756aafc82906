"""What is only called: alternatives, retry delays that code decides, compensation, hooks at the end.

These nodes have a gate before them that nothing but an event opens. Compensation comes when a failed run has come to rest:
what completed and has an `undo` is taken back one by one, last completed first, or in the order that was named. An undo
that fails is visible and does not keep the others from being run. Hooks come last, and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.attempt import Trouble
from engine.machine import events as e
from engine.machine.moves import is_called, is_contained
from engine.machine.policy import checked_delay, failed_for_good, given_up
from engine.machine.state import CANCELED, COMPENSATED, COMPLETED, FAILED, READY, RUNNING, SKIPPED, RunState
from engine.payload import NotOpenable, Payload, open_plain
from engine.project.model import Compensate

NOTHING: Sequence[e.Event] = ()


def after_alternative(state: RunState, node: int, now: float) -> Sequence[e.Event]:
    """A failed node whose alternative was called: has it stood in, or will it never?"""
    for alternative, failed in state.standing_in.items():
        if failed != node:
            continue
        if state.states[alternative] == COMPLETED:
            return (e.Replaced(now, node, alternative),)
        if state.states[alternative] in (SKIPPED, CANCELED):
            return tuple(failed_for_good(state, node, now))
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
        if state.states[node] == READY and not is_called(state, node)
    ]


def to_compensate(state: RunState) -> list[int]:
    """The undo nodes that a failed run has to run, in order; empty if it compensates nothing."""
    plan = state.plan
    named: list[int] = []
    everything = False
    for node in sorted(_to_blame(state), key=state.ended.__getitem__):
        action = plan.on_errors.get(node)
        if isinstance(action, Compensate):
            named += plan.named_undos.get(node, ())
            everything = everything or not action.nodes
        else:
            everything = everything or plan.compensates
    if not named and not everything and not (plan.compensates and state.timed_out):
        return []
    owners = {undo: node for node, undo in plan.undos.items()}
    found = [undo for undo in named if undo not in owners or _did_something(state, owners[undo])]
    if everything or not named:
        done = [node for node in plan.undos if node not in plan.templates and _did_something(state, node)]
        done.sort(key=lambda node: state.ended[node], reverse=True)
        found += [plan.undos[node] for node in done]
    return [undo for undo in dict.fromkeys(found) if state.states[undo] == READY]


def _to_blame(state: RunState) -> Iterator[int]:
    """The nodes that a person wrote whose failing nothing around them made good for."""
    hidden = state.plan.hidden
    return (
        node
        for node, code in enumerate(state.states)
        if code == FAILED and node not in hidden and not is_contained(state, node)
    )


def _did_something(state: RunState, node: int) -> bool:
    """Whether a node completed by itself: one whose alternative stood in left nothing behind that it could take back."""
    return state.states[node] == COMPLETED and state.causes.get(node, -1) != state.plan.alternatives.get(node, -2)


def after_undo(state: RunState, undo: int, now: float) -> Iterator[e.Event]:
    """An undo has come to its end: what it took back is compensated, and the next one is called."""
    if state.states[undo] in (READY, RUNNING):
        return
    owner = next((node for node, own in state.plan.undos.items() if own == undo), -1)
    took_back = state.states[undo] == COMPLETED and owner >= 0 and state.states[owner] != COMPENSATED
    yield e.UndoEnded(now, undo, owner if took_back else -1)
