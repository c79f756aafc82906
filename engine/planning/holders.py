"""What holds others: the frames of composites, branches, sub-workflows, waits and approvals, and of maps and loops."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from engine import works
from engine.binding import Expression, Filling, Names, Passing, Source
from engine.frames import Again, Bypass, Choice, Each, Frame, Group, Pause, Question
from engine.planning.arguments import from_wrappers
from engine.planning.draft import Draft, Spot
from engine.planning.names import condition, names_for, resolve_name, source_of
from engine.project.check_references import uses_of
from engine.project.findings import Notes
from engine.project.model import Approval, Composite, Conditional, SubWorkflow, Switch, Wait
from engine.project.references import Ref, read_reference, read_template, read_value


def hold(draft: Draft, spot: Spot) -> bool:
    """Make the frame of a node whose body is one, and let it wait for its inputs; False for a body that is an attempt."""
    node = spot.standing.node
    make = _FRAMES.get(type(node.body)) if node.settings.enabled else _bypass
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
    if not node.settings.enabled:
        return
    wrappers = list(itertools.pairwise(spot.layers))
    if node.each is not None:
        number, root = wrappers.pop(0)
        parsed = _items_of(draft, node.each.map, spot)
        names = names_for(draft, spot, parsed)
        draft.frames[number] = Each(root, -1, works.Items(parsed, names, node.each.product), node.each.max_parallel)
    if node.again is not None:
        number, root = wrappers.pop(0)
        draft.frames[number] = _loop(draft, spot, root)


def _composite(draft: Draft, spot: Spot) -> Frame:
    """A group of nodes; in a sequential one each waits for the one before it."""
    body = spot.standing.node.body
    assert isinstance(body, Composite)
    children = _children(draft, spot)
    sequential = body.kind == "sequential"
    in_turn = [child for child in children if child.outer not in draft.aside] if sequential else []
    for before, after in itertools.pairwise(in_turn):
        draft.upstream[after.outer][before.outer] = None
    children = [child for child in children if child.outer not in draft.detached]
    numbers, ids = [child.outer for child in children], [child.standing.node.id for child in children]
    last = in_turn[-1].outer if in_turn else None
    return Group(numbers, ids, result=last, sequential=sequential, max_parallel=body.max_parallel)


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
    """Numbered whole when its node was; what its node gives it can be named only now."""
    assert spot.inner is not None
    spot.inner.outer = names_for(draft, spot, spot.inner.given)
    group = draft.frames[spot.body]
    assert isinstance(group, Group)
    kept = [at for at, child in enumerate(group.children) if child not in draft.detached]
    group.children, group.ids = [group.children[at] for at in kept], [group.ids[at] for at in kept]


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


def _bypass(draft: Draft, spot: Spot) -> Frame:
    """A node that is not enabled: it waits as ever, and gives what comes in."""
    node = spot.standing.node
    if spot.inner is not None:
        _sub_workflow(draft, spot)
    children = draft.frames[spot.body].children if spot.inner is not None else []
    children = [*children, *(child.outer for child in _children(draft, spot) if child.outer not in draft.detached)]
    failed = draft.alternatives.get(spot)
    named = {**(failed.standing.node.inputs if failed is not None else {}), **node.inputs}
    for use in uses_of(spot.standing, Notes()):
        if use.edge and use.ref.kind == "node":
            draft.upstream[spot.outer][resolve_name(draft, use.ref.name, spot)] = None
    lists: dict[str, Any] = {}
    if node.each is not None:
        parsed = _items_of(draft, node.each.map, spot)
        lists = parsed if isinstance(parsed, dict) else {"item": parsed}
    return Bypass(children, Passing(names_for(draft, spot, lists), _sources(draft, spot, named), lists))


def _children(draft: Draft, spot: Spot) -> list[Spot]:
    return [spot.scope.spots[inner.index] for inner in spot.standing.held.values()]


def _ask(draft: Draft, spot: Spot, function: Any) -> int:
    """The hidden node that runs a function which decides something; it gets the inputs and args of its node."""
    node = spot.standing.node
    number = spot.asked
    draft.hidden.add(number)
    draft.works[number] = draft.question(node, function)
    own = {name: read_value(value) for name, value in node.args.items()}
    own.update(from_wrappers(node))
    draft.bindings[number] = Filling(names_for(draft, spot, own), _sources(draft, spot, node.inputs), own)
    return number


def _sources(draft: Draft, spot: Spot, inputs: Mapping[str, Any]) -> dict[str, Source | tuple[Source, ...]]:
    """Where the inputs of a node that is no attempt come from; it waits for them."""
    upstream = draft.upstream[spot.outer]
    found: dict[str, Source | tuple[Source, ...]] = {}
    for argument, reference in inputs.items():
        if isinstance(reference, str):
            found[argument] = source = source_of(draft, reference, spot)
            upstream[source[0]] = None
        else:
            found[argument] = several = tuple(source_of(draft, one, spot) for one in reference)
            upstream.update(dict.fromkeys([number for number, _ in several]))
    return found


def _items_of(draft: Draft, source: Any, spot: Spot) -> Any:
    """What a map runs over, with names of nodes turned into references."""
    if isinstance(source, Mapping):
        return {name: _items_of(draft, one, spot) for name, one in source.items()}
    if isinstance(source, str) and "${" not in source:
        return read_reference(source)
    return read_value(list(source) if isinstance(source, tuple) else source)


def _loop(draft: Draft, spot: Spot, root: int) -> Again:
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
        root,
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
}
