"""The first pass: a number for every node, in file order, frames before what they hold.

A wrapped node (map, loop) becomes a frame, and its body the root of a template, so that a template is one range of numbers.
"""

from __future__ import annotations

from msgspec import UNSET

from engine import works
from engine.binding import InnerParams, Names
from engine.errors import ValidationFailed
from engine.frames import Frame, Group
from engine.planning.draft import Draft, Scope, Spot, is_code
from engine.planning.names import find
from engine.project.model import SubWorkflow, Workflow
from engine.project.references import read_reference, read_value
from engine.project.scope import Standing, standings


def number_nodes(
    draft: Draft, workflow: Workflow, scope: Scope, *, prefix: str, frame: int | None, seen: tuple[str, ...]
) -> list[Spot]:
    """Give numbers to a workflow's nodes and to all they hold; the spots of its own level."""
    level: list[Spot] = []
    for standing in standings(workflow):
        owner = standing.owner
        holder = frame if owner is None else scope.spots[owner.index].body
        within = prefix if owner is None else draft.names[holder or 0] + "/"
        spot = _place(draft, standing, scope, within + standing.path.rsplit("/", 1)[-1], holder)
        scope.spots[standing.index] = spot
        draft.spots.append(spot)
        if owner is None:
            level.append(spot)
        if isinstance(standing.node.body, SubWorkflow):
            _enter(draft, spot, standing.node.body, seen)
    return level


def _place(draft: Draft, standing: Standing, scope: Scope, path: str, holder: int | None) -> Spot:
    node = standing.node
    enabled = node.settings.enabled
    undone = node.settings.undo is not None and enabled
    # Before the node: it is no part of the node's template.
    undo = draft.add(f"{path}/undo", holder, hidden=True) if undone else -1
    layers = [draft.add(path, holder)]
    if not enabled:
        return Spot(standing, scope, layers)
    for wrapper in (node.each, node.again):
        if wrapper is not None:
            draft.frames[layers[-1]] = Frame()  # made whole in the second pass
            layers.append(draft.add(f"{draft.names[layers[-1]]}[*]", layers[-1]))
    spot = Spot(standing, scope, layers)
    spot.undo = undo
    number, around = layers[-1], layers[-2] if len(layers) > 1 else holder
    # Hidden nodes get their numbers here, so that a template is one range of numbers.
    if node.again is not None and is_code(node.again.condition):
        spot.until = draft.add(f"{draft.names[number]}/until", around, hidden=True)
    if type(node.body) in works.MAKERS and isinstance(draft.delay_function(node), str):
        spot.delay = draft.add(f"{draft.names[number]}/delay", around, hidden=True)
    chooser = getattr(node.body, "condition", None) or getattr(node.body, "switch", None)
    if chooser is not None and is_code(chooser):
        spot.asked = draft.add(f"{draft.names[number]}/condition", number, hidden=True)
    return spot


def torn_templates(draft: Draft) -> list[str]:
    """Where the paths of templates begin that are no longer one range of numbers, as nodes in them came, went or moved."""
    inside: dict[int, list[int]] = {}
    for child in draft.parents:
        frame = child
        while frame in draft.parents:
            frame = draft.parents[frame]
            if frame in draft.frames and type(draft.frames[frame]) is Frame:  # a wrapper, not made whole yet
                inside.setdefault(frame, []).append(child)
    torn = [frame for frame, held in inside.items() if held != list(range(held[0], held[0] + len(held)))]
    return [f"{draft.names[frame]}[*]" for frame in torn]


def _enter(draft: Draft, spot: Spot, body: SubWorkflow, seen: tuple[str, ...]) -> None:
    """Number the nodes of a sub-workflow, which see only its own params."""
    if body.workflow in seen:
        raise ValidationFailed(f"{draft.names[spot.outer]}: {body.workflow} contains itself")
    inner = draft.project.workflows.get(body.workflow)
    if inner is None and body.workflow in draft.files:
        inner = draft.files[body.workflow].workflow
    if inner is None:
        raise ValidationFailed(f"{draft.names[spot.outer]}: there is no workflow {body.workflow!r}")
    defaults = {name: param.default for name, param in inner.params.items() if param.default is not UNSET}
    missing = [name for name in inner.params if name not in defaults and name not in body.params]
    if missing:
        raise ValidationFailed(f"{draft.names[spot.outer]}: the param {missing[0]!r} of {body.workflow} is not set")
    given = read_value(dict(body.params))
    unnamed = Names({}, spot.scope.params, draft.environment)  # until the second pass
    spot.inner = InnerParams(given, defaults, unnamed)
    scope = Scope(spot.inner)
    path = draft.names[spot.body] + "/"
    level = number_nodes(draft, inner, scope, prefix=path, frame=spot.body, seen=(*seen, body.workflow))
    group = Group([child.outer for child in level], [child.standing.node.id for child in level])
    if inner.result is not None and level:
        ref = read_reference(inner.result)
        group.result, group.steps = find(draft, ref.name, level[0].standing.level, scope), ref.steps
    draft.frames[spot.body] = group
