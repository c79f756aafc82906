"""What holds others: the frames of composites, branches, sub-workflows, waits and approvals, and of maps and loops."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from engine import works
from engine.binding import Expression, Filling, Names, Source
from engine.errors import ValidationFailed
from engine.frames import Again, Choice, Each, Frame, Group, Pause, Question
from engine.planning.draft import Draft, Spot
from engine.planning.names import condition, names_for, resolve_name, source_of
from engine.project.model import Approval, Composite, Conditional, Plugin, SubWorkflow, Switch, Wait
from engine.project.references import Ref, read_reference, read_template, read_value


def hold(draft: Draft, spot: Spot) -> bool:
    """Make the frame of a node whose body is one, and let it wait for its inputs; False for a body that is an attempt."""
    node = spot.standing.node
    make = _FRAMES.get(type(node.body))
    if make is None:
        return False
    frame = make(draft, spot)
    if frame is not None:
        draft.frames[spot.body] = frame
    for reference in node.inputs.values():  # a frame takes no inputs itself, but it waits for them
        for one in (reference,) if isinstance(reference, str) else reference:
            draft.upstream[spot.outer][resolve_name(draft, read_reference(one).name, spot)] = None
    return True


def wrap(draft: Draft, spot: Spot) -> None:
    """The map and loop around a body, from the outside in."""
    node = spot.standing.node
    number = spot.outer
    if node.each is not None:
        parsed = _items_of(draft, node.each.map, spot)
        names = names_for(draft, spot, parsed)
        frame = Each(number + 1, -1, works.Items(parsed, names, node.each.product), node.each.max_parallel)
        draft.frames[number] = frame
        number += 1
    if node.again is not None:
        draft.frames[number] = _loop(draft, spot, number)


def _composite(draft: Draft, spot: Spot) -> Frame:
    """A group of nodes; in a sequential one each waits for the one before it."""
    body = spot.standing.node.body
    assert isinstance(body, Composite)
    children = _children(draft, spot)
    sequential = body.kind == "sequential"
    if sequential:
        for before, after in itertools.pairwise(children):
            draft.upstream[after.outer][before.outer] = None
    numbers = [child.outer for child in children]
    return Group(numbers, list(body.nodes), sequential=sequential, max_parallel=body.max_parallel)


def _conditional(draft: Draft, spot: Spot) -> Frame:
    """Two branches and a condition."""
    body = spot.standing.node.body
    assert isinstance(body, Conditional)
    held = spot.standing.held
    branches = {"true": spot.scope.spots[held["then"].index].outer}
    other = spot.scope.spots[held["else"].index].outer if "else" in held else None
    if not isinstance(body.condition, str) or spot.asked >= 0:
        return Choice(branches, other, asked=_ask(draft, spot, body.condition))
    return Choice(branches, other, decide=condition(draft, body.condition, spot))


def _switch(draft: Draft, spot: Spot) -> Frame:
    """A branch for each case, and a value that chooses."""
    body = spot.standing.node.body
    assert isinstance(body, Switch)
    spots = spot.scope.spots
    branches = {name: spots[inner.index].outer for name, inner in spot.standing.held.items() if name in body.cases}
    other = spot.standing.held.get("else") if body.otherwise is not None else None
    otherwise = None if other is None else spots[other.index].outer
    if not isinstance(body.switch, str) or spot.asked >= 0:
        return Choice(branches, otherwise, switch=True, asked=_ask(draft, spot, body.switch))
    parsed = read_template(body.switch)
    return Choice(branches, otherwise, switch=True, decide=Expression(parsed, names_for(draft, spot, parsed)))


def _sub_workflow(draft: Draft, spot: Spot) -> None:
    """Numbered whole when its node was."""


def _wait(draft: Draft, spot: Spot) -> Frame:
    """A wait, which has no children."""
    body = spot.standing.node.body
    assert isinstance(body, Wait)
    path = None
    if body.file is not None:
        parsed = read_template(body.file)
        path = Expression(parsed, names_for(draft, spot, parsed))
    return Pause(body.seconds, body.until, path)


def _approval(draft: Draft, spot: Spot) -> Frame:
    """A question to a person."""
    node = spot.standing.node
    body = node.body
    assert isinstance(body, Approval)
    parsed = read_template(body.approval)
    text = Expression(parsed, names_for(draft, spot, parsed))
    return Question(text, body.choices, body.default, node.settings.timeout)


def _plugin(draft: Draft, spot: Spot) -> Frame:
    """A kind that an installed package brings."""
    body = spot.standing.node.body
    assert isinstance(body, Plugin)
    raise ValidationFailed(f"{spot.standing.path}: no installed package brings the kind {body.kind!r}")


def _children(draft: Draft, spot: Spot) -> list[Spot]:
    return [spot.scope.spots[inner.index] for inner in spot.standing.held.values()]


def _ask(draft: Draft, spot: Spot, function: Any) -> int:
    """The hidden node that runs a function which decides something; it gets the inputs and args of its node."""
    node = spot.standing.node
    number = spot.asked
    draft.hidden.add(number)
    draft.works[number] = draft.question(node, function)
    upstream = draft.upstream[spot.outer]
    inputs: dict[str, Source | tuple[Source, ...]] = {}
    for argument, reference in node.inputs.items():
        if isinstance(reference, str):
            inputs[argument] = source = source_of(draft, reference, spot)
            upstream[source[0]] = None
        else:
            inputs[argument] = tuple(source_of(draft, one, spot) for one in reference)
    own = {name: read_value(value) for name, value in node.args.items()}
    draft.bindings[number] = Filling(names_for(draft, spot, own), inputs, own)
    return number


def _items_of(draft: Draft, source: Any, spot: Spot) -> Any:
    """What a map runs over, with names of nodes turned into references."""
    if isinstance(source, Mapping):
        return {name: _items_of(draft, one, spot) for name, one in source.items()}
    if isinstance(source, str) and "${" not in source:
        return read_reference(source)
    return read_value(list(source) if isinstance(source, tuple) else source)


def _loop(draft: Draft, spot: Spot, number: int) -> Again:
    again = spot.standing.node.again
    assert again is not None
    initial_parsed = read_value(again.initial)
    initial = Expression(initial_parsed, names_for(draft, spot, initial_parsed))
    stop, asked = None, None
    if not isinstance(again.condition, str) or spot.until >= 0:
        asked = spot.until
        draft.hidden.add(asked)
        node = spot.standing.node
        draft.works[asked] = draft.question(node, again.condition)
        draft.bindings[asked] = Filling(
            Names({}, spot.scope.params, draft.environment), {"value": (spot.body, Ref("node", "value"))}, {}
        )
        draft.upstream[asked][spot.body] = None
    else:
        stop = condition(draft, again.condition, spot)
    return Again(
        number + 1,
        -1,
        stop=stop,
        asked=asked,
        negate=again.negate,
        initial=initial,
        delay=again.delay,
        most=again.max_iterations,
    )


_FRAMES: dict[type, Callable[[Draft, Spot], Frame | None]] = {
    Composite: _composite,
    Conditional: _conditional,
    Switch: _switch,
    SubWorkflow: _sub_workflow,
    Wait: _wait,
    Approval: _approval,
    Plugin: _plugin,
}
