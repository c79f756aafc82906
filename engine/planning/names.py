"""What names mean where they stand: nodes as numbers, and what of the outside a reference may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.binding import Condition, Names, Source
from engine.errors import NodeNotFound
from engine.planning.draft import Draft, Scope, Spot
from engine.project.comparisons import read_comparison, references_of
from engine.project.references import Ref, read_reference, references_in
from engine.project.scope import Level, Missing, resolve


def find(draft: Draft, name: str, level: Level, scope: Scope) -> int:
    """The node that a name means at a level of a scope. Raises NodeNotFound."""
    found = resolve(name, level)
    if isinstance(found, Missing):
        raise NodeNotFound(name, found.known())
    return scope.spots[found.index].outer


def resolve_name(draft: Draft, name: str, spot: Spot) -> int:
    """The node that a name means where a node stands. Raises NodeNotFound."""
    return find(draft, name, spot.standing.level, spot.scope)


def source_of(draft: Draft, reference: str, spot: Spot) -> Source:
    """The node that `load.field` takes from, and what of its result."""
    ref = read_reference(reference)
    return resolve_name(draft, ref.name, spot), ref


def names_for(draft: Draft, spot: Spot, parsed: Any) -> Names:
    """The names that a value uses, which `read_value` has read."""
    return names_of(draft, spot, references_in(parsed))


def names_of(draft: Draft, spot: Spot, references: Iterable[Ref]) -> Names:
    """The names that these references use, resolved; the nodes among them become upstream of the spot's node."""
    nodes = {}
    for ref in references:
        if ref.kind == "node":
            nodes[ref.name] = number = resolve_name(draft, ref.name, spot)
            draft.upstream[spot.outer][number] = None
    return Names(nodes, spot.scope.params, draft.environment)


def condition(draft: Draft, text: str, spot: Spot) -> Condition:
    """A comparison with its names resolved."""
    comparison = read_comparison(text)
    return Condition(comparison, names_of(draft, spot, references_of(comparison)))
