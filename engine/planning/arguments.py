"""Where an attempt's arguments come from: whole results of other nodes, or a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from engine.binding import Filling, Source, is_template
from engine.planning.draft import Draft, Spot
from engine.planning.names import names_for, source_of
from engine.project.model import Command, Node, Plugin
from engine.project.references import Ref, read_value


def arguments(draft: Draft, spot: Spot) -> tuple[Filling | None, dict[str, int]]:
    """Where the arguments come from: whole results alone (the plain case), or a recipe."""
    node = spot.standing.node
    failed = draft.alternatives.get(spot)
    if failed is not None:  # it takes the inputs of the node that it stands in for
        theirs = failed.standing.node
        node = structs.replace(node, inputs={**theirs.inputs, **node.inputs}, args={**theirs.args, **node.args})
    upstream = draft.upstream[spot.outer]
    direct: dict[str, int] = {}
    inputs: dict[str, Source | tuple[Source, ...]] = {}
    for argument, reference in node.inputs.items():
        if isinstance(reference, str):
            number, ref = source_of(draft, reference, spot)
            upstream[number] = None
            if ref.steps:
                inputs[argument] = (number, ref)
            else:
                direct[argument] = number
        else:
            several = tuple(source_of(draft, one, spot) for one in reference)
            upstream.update(dict.fromkeys([number for number, _ in several]))
            inputs[argument] = several
    own = {**node.body.options, **node.args} if isinstance(node.body, Plugin) else node.args
    args = {name: read_value(value) for name, value in own.items()}
    args.update(from_wrappers(node))
    body = node.body
    words = [read_value(word) for word in body.command] if isinstance(body, Command) else None
    defaults, settings = draft.project.defaults, node.settings
    env = {name: read_value(value) for name, value in {**defaults.env, **settings.env}.items()}
    cwd = read_value(settings.cwd or defaults.cwd)
    plain = not inputs and not args and spot.outer == spot.body
    if plain and not any(is_template(part) for part in (words, env, cwd)):
        return None, direct
    for argument, number in direct.items():
        inputs[argument] = (number, Ref("node", argument))
    names = names_for(draft, spot, (args, words or (), env, cwd))
    filling = Filling(
        names,
        {argument: inputs[argument] for argument in node.inputs},
        args,
        words if is_template(words) else None,
        env if is_template(env) else None,
        cwd if is_template(cwd) else None,
    )
    return filling, {}


def from_wrappers(node: Node) -> dict[str, Any]:
    """The arguments that a map or loop around the body gives it."""
    found: dict[str, Any] = {}
    if node.each is not None:
        if isinstance(node.each.map, Mapping):
            found.update({name: Ref("item", "", (name,)) for name in node.each.map})
        else:
            found["item"] = Ref("item", "")
    if node.again is not None and node.again.carry is not None:
        found[node.again.carry] = Ref("value", "")
    return found
