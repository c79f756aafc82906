"""What differs between two plans of the same numbers: which nodes do something else now, and in which respect.

A node has *changed* if what it does, or what it does it with, may be another thing: its task, its inputs, its condition,
what it waits for. How it is run (timeout, retries, executor, pool, priority, what a failure means) is no such thing: a
result stays what it is. A frame is *reshaped* if only the form of its result is another. What lies in a template is told
of the map or loop around it, and a hidden node's of the node that it is run for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.attempt import Work
from engine.binding import Condition, Filling, InnerParams, Names
from engine.frames import Again, Bypass, Choice, Each, Frame, Group, Pause, Question
from engine.graph import reachable
from engine.machine.events import OTHER_BRANCHES
from engine.plan import Plan
from engine.project.comparisons import references_of
from engine.project.references import Ref, references_in

NEW_BODY = "what it repeats changed"
DOES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("its task changed", ("kind", "function", "reference")),
    ("its command changed", ("words", "script", "output", "ok_codes")),
    ("its environment changed", ("env", "cwd")),
)
"""What of a Work decides about the result, and how a difference is told."""


class Differences:
    """`changed` and `reshaped`: node -> why. Nodes that only one of the plans has are in neither."""

    __slots__ = ("changed", "reshaped")

    def __init__(self) -> None:
        self.changed: dict[int, str] = {}
        self.reshaped: dict[int, str] = {}


def differences(old: Plan, new: Plan) -> Differences:
    """What the nodes that both plans have do differently in the new one, which was planned onto the old."""
    found = Differences()
    both = [node for node in range(len(old.names)) if node not in old.gone and node not in new.gone]
    for node in both:
        why = _difference(old, new, node)
        if why:
            _note(found, old, new, node, why)
        elif node in new.frames and node not in new.templates:
            why = _reshaped(old.frames.get(node), new.frames[node])
            if why:
                found.reshaped[node] = why
    known = set(both)
    for node in new.templates - new.gone - known:
        _note(found, old, new, node, NEW_BODY)
    for node in old.templates & new.gone - old.gone:
        owner = _owner(old, node)
        if owner in known and owner not in new.templates:
            found.changed.setdefault(owner, NEW_BODY)
    return found


def _note(found: Differences, old: Plan, new: Plan, node: int, why: str) -> None:
    owner = _owner(new, node)
    if owner not in new.aside or owner not in new.hidden:
        found.changed.setdefault(owner, why)


def _owner(plan: Plan, node: int) -> int:
    """The node that people know: for a part of a template the map or loop, for a hidden node the one it is run for."""
    while node in plan.parents and (node in plan.templates or (node in plan.hidden and node not in plan.aside)):
        node = plan.parents[node]
    return node


def _difference(old: Plan, new: Plan, node: int) -> str:
    """In which respect a node does something else; empty if in none."""
    if why := _frame_difference(old.frames.get(node), new.frames.get(node)):
        return why
    for why, said in _ASPECTS:
        if said(old, node) != said(new, node):
            return why
    before, after = old.works[node], new.works[node]
    if (before is None) != (after is None):
        return "it is of another kind"
    if before is not None and after is not None and (why := _work_difference(before, after)):
        return why
    return _new_upstream(old, new, node)


def _work_difference(before: Work, after: Work) -> str:
    if before is after:
        return ""
    for why, fields in DOES:
        if any(getattr(before, field) != getattr(after, field) for field in fields):
            return why
    return ""


def _new_upstream(old: Plan, new: Plan, node: int) -> str:
    """What it has to wait for now, and did not, not even by way of others."""
    fresh = set(new.deps[node]).difference(old.deps[node])
    if not fresh:
        return ""
    before = reachable((node,), old.precedence(closing=True))
    for source in new.deps[node]:
        if source in fresh and source not in before:
            return f"it waits for {new.names[source]} now"
    return ""


# -- what is said about a node, in a form that can be compared -------------------------------------------------------


def _inputs(plan: Plan, node: int) -> Any:
    filling = plan.bindings.get(node)
    named = dict(zip(plan.keywords[node] or plan.sources[node], plan.sources[node], strict=True))
    taken = {name: (source, ()) for name, source in named.items()}
    if isinstance(filling, Filling):
        taken.update({name: _source(source) for name, source in filling.inputs.items()})
    return taken


def _source(source: Any) -> Any:
    if isinstance(source[0], int):
        return source[0], source[1].steps
    return [(node, ref.steps) for node, ref in source]


def _arguments(plan: Plan, node: int) -> Any:
    filling = plan.bindings.get(node)
    if not isinstance(filling, Filling):
        return None if filling is None else _slots(filling)
    return _meaning((filling.args, filling.words), filling.names) if filling.args or filling.words else None


def _surroundings(plan: Plan, node: int) -> Any:
    filling = plan.bindings.get(node)
    if not isinstance(filling, Filling) or not (filling.env or filling.cwd):
        return None
    return _meaning((filling.env, filling.cwd), filling.names)


_ASPECTS: tuple[tuple[str, Callable[[Plan, int], Any]], ...] = (
    ("its inputs changed", _inputs),
    ("its arguments changed", _arguments),
    ("its environment changed", _surroundings),
    ("its `when` changed", lambda plan, node: _recipe(plan.guards.get(node))),
    ("how many it waits for changed", lambda plan, node: plan.joins.get(node)),
    ("when it is called changed", lambda plan, node: node in plan.aside),
)


def _frame_difference(before: Frame | None, after: Frame | None) -> str:
    if before is None and after is None:
        return ""
    if type(before) is not type(after):
        if isinstance(after, Bypass):
            return "it is bypassed now"
        return "it is no longer bypassed" if isinstance(before, Bypass) else "it is of another kind"
    return next((why for why, said in _FRAME_ASPECTS.get(type(after), ()) if said(before) != said(after)), "")


_FRAME_ASPECTS: Mapping[type | None, tuple[tuple[str, Callable[[Any], Any]], ...]] = {
    Choice: (
        ("its condition changed", lambda frame: (_recipe(frame.decide), frame.asked, frame.switch)),
        (OTHER_BRANCHES, lambda frame: (frame.branches, frame.otherwise)),
    ),
    Each: (("what it runs over changed", lambda frame: _recipe(frame.items)),),
    Again: (
        ("its condition changed", lambda frame: (_recipe(frame.stop), frame.asked, frame.negate)),
        ("its first value changed", lambda frame: _recipe(frame.initial)),
    ),
    Pause: (("what it waits for changed", lambda frame: (frame.seconds, frame.until, _recipe(frame.path))),),
    Bypass: (("its inputs changed", lambda frame: _passed(frame.passed)),),
    Question: (("what it asks changed", lambda frame: (_recipe(frame.text), frame.choices, frame.default)),),
}


def _reshaped(before: Frame | None, after: Frame) -> str:
    if not isinstance(before, Group) or not isinstance(after, Group):
        return ""
    shapes = [(frame.sequential, frame.result, frame.steps) for frame in (before, after)]
    return "what its result is made of changed" if shapes[0] != shapes[1] else ""


def _recipe(recipe: Any) -> Any:
    """A condition, an expression, the items of a map: what it says, and what its references mean where it stands."""
    if recipe is None:
        return None
    if isinstance(recipe, Condition):
        return recipe.comparison, [_reference(ref, recipe.names) for ref in references_of(recipe.comparison)]
    if hasattr(recipe, "parsed"):
        return _meaning(recipe.parsed, recipe.names), getattr(recipe, "product", None)
    return _slots(recipe)


def _passed(passing: Any) -> Any:
    inputs = {name: _source(source) for name, source in passing.inputs.items()}
    return inputs, _meaning(passing.lists, passing.names)


def _meaning(parsed: Any, names: Names) -> Any:
    return parsed, [_reference(ref, names) for ref in references_in(parsed)]


def _reference(ref: Ref, names: Names) -> Any:
    if ref.kind == "node":
        return names.nodes[ref.name]
    if ref.kind == "env":
        return names.environment.get(ref.name)
    if ref.kind != "params":
        return None
    params = names.params
    if not isinstance(params, InnerParams):
        return params.get(ref.name)
    if ref.name in params.given:
        return _meaning(params.given[ref.name], params.outer)
    return params.defaults.get(ref.name)


def _slots(thing: Any) -> Any:
    return type(thing), list(_values(thing))


def _values(thing: Any) -> Iterator[Any]:
    for kind in type(thing).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            yield getattr(thing, slot)
