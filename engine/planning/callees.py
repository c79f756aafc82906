"""What never starts by itself and is only called: alternatives, undos, retry delays, the hooks at the end of a run."""

from __future__ import annotations

from engine.binding import Filling, Names, RetryNumber, Source
from engine.errors import ValidationFailed
from engine.planning.draft import Draft, Scope, Spot
from engine.planning.names import names_for, resolve_name
from engine.project.model import Compensate, RunAlternative
from engine.project.references import Ref, read_value, references_in


def find_alternatives(draft: Draft) -> None:
    """Which nodes stand in for which, and which are run to compensate: these never start by themselves."""
    for spot in draft.spots:
        action = spot.standing.node.settings.on_error
        if isinstance(action, RunAlternative):
            other = _spot_of(draft, action.alternative, spot)
            draft.alternatives[other] = spot
            draft.aside.add(other.outer)
        elif isinstance(action, Compensate):
            others = [_spot_of(draft, name, spot) for name in action.nodes]
            called = {other.outer for other in others if other.undo < 0}
            draft.aside |= called
            draft.detached |= called
            draft.named_undos[spot.outer] = tuple(o.undo if o.undo >= 0 else o.outer for o in others)


def set_aside(draft: Draft, spot: Spot) -> None:
    """Bind the hidden nodes that are called for this one: its undo, its retry delay."""
    node = spot.standing.node
    undo = node.settings.undo
    if undo is not None and spot.undo >= 0:
        draft.works[spot.undo] = draft.work_of(undo)
        args = {name: read_value(value) for name, value in undo.args.items()}
        inputs: dict[str, Source | tuple[Source, ...]] = {"result": (spot.outer, Ref("node", "result"))}
        draft.bindings[spot.undo] = Filling(names_for(draft, spot, args), inputs, args)
        _call(draft, draft.undos, spot.outer, spot.undo)
    if spot.delay >= 0:
        draft.works[spot.delay] = draft.question(node, draft.delay_function(node))
        draft.bindings[spot.delay] = RetryNumber(spot.body)
        _call(draft, draft.delays, spot.body, spot.delay)


def add_hooks(draft: Draft, scope: Scope) -> dict[str, int]:
    """The nodes that are run once at the end of the run: how it ends -> node."""
    found = {}
    run = draft.project.run
    for key, ending, hook in (
        ("on_success", "completed", run.on_success),
        ("on_failure", "failed", run.on_failure),
    ):
        if hook is not None and hook.settings.enabled:
            number = draft.add(key, None, hidden=True)
            found[ending] = number
            draft.hidden.add(number)
            draft.aside.add(number)
            draft.detached.add(number)
            draft.works[number] = draft.work_of(hook)
            args = {name: read_value(value) for name, value in hook.args.items()}
            if any(ref.kind == "node" for ref in references_in(args)):
                raise ValidationFailed(f"[run.{key}] can use params and vars, not results of nodes")
            draft.bindings[number] = Filling(Names({}, scope.params, draft.environment), {}, args)
    return found


def _spot_of(draft: Draft, name: str, spot: Spot) -> Spot:
    number = resolve_name(draft, name, spot)
    return next(other for other in spot.scope.spots.values() if other.outer == number)


def _call(draft: Draft, table: dict[int, int], node: int, called: int) -> None:
    table[node] = called
    draft.hidden.add(called)
    draft.aside.add(called)
    draft.detached.add(called)
