"""What can be typed next in a field: ids of nodes, functions, params, the words of a choice, `${...}`.

`complete` looks at the text before the cursor and gives the candidates together with the characters that they would
replace. It offers what the checks would accept at that place and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from engine.project.check_settings import EXECUTORS
from studio.document.catalog import Catalog
from studio.document.fields import Field
from studio.document.matching import match

MOST = 50


class Around(Struct, frozen=True):
    """What is known where a field stands: the names that can be said there."""

    nodes: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    vars: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    catalog: Catalog = Catalog()
    mapped: bool = False
    looped: bool = False


class Candidate(NamedTuple):
    """One thing to choose: what is shown and put in, a note at its right, the places of matched letters."""

    text: str
    note: str = ""
    places: tuple[int, ...] = ()


class Completion(NamedTuple):
    """Candidates for the characters from `start` to `end`, best first; `tail` is put behind what is chosen."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]
    tail: str = ""


NOTHING = Completion(0, 0, ())


def complete(field: Field, text: str, at: int, around: Around) -> Completion:
    """What could be meant at this place of the text of a field."""
    if field.options and not field.completes:
        return _whole(text, [Candidate(word) for word in field.options], text)
    rule = _RULES.get(field.completes)
    return rule(field, text, at, around) if rule is not None else NOTHING


def _whole(text: str, offered: Iterable[Candidate], query: str) -> Completion:
    return Completion(0, len(text), _matching(offered, query))


def _matching(offered: Iterable[Candidate], query: str) -> tuple[Candidate, ...]:
    """Those that match, best first; what is there already is not offered alone."""
    found = [(each, match(query, each.text)) for each in offered]
    ranked = sorted(((each, hit) for each, hit in found if hit is not None), key=lambda pair: -pair[1].score)
    chosen = tuple(each._replace(places=hit.places) for each, hit in ranked[:MOST])
    return () if len(chosen) == 1 and chosen[0].text == query else chosen


# -- by what a field takes -------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[^,\[\]\s]*\Z")


def _nodes(field: Field, text: str, at: int, around: Around) -> Completion:
    """One of several names between commas."""
    found = _TOKEN.search(text, 0, at)
    start = found.start() if found is not None else at
    end = at
    while end < len(text) and text[end] not in ", ]":
        end += 1
    query = text[start:at]
    if "." in query:
        return NOTHING  # a part of a result: only the run knows those
    return Completion(start, end, _matching(map(Candidate, around.nodes), query))


_OPEN = re.compile(r"\$\{([^{}]*)\Z")


def _template(field: Field, text: str, at: int, around: Around) -> Completion:
    """A reference inside of `${...}`; elsewhere a text is just text."""
    found = _OPEN.search(text, 0, at)
    if found is None:
        return NOTHING
    query, end = found[1], at
    while end < len(text) and (text[end].isalnum() or text[end] in "_-./:"):
        end += 1
    tail = "" if text[end : end + 1] == "}" else "}"
    return Completion(found.start(1), end, _matching(_references(around), query), tail)


def _references(around: Around) -> list[Candidate]:
    own = [Candidate(name, "in a map") for name in ("item",) if around.mapped]
    own += [Candidate(name, "in a loop") for name in ("value",) if around.looped]
    own += [Candidate("index", "the number of the round")] if around.mapped or around.looped else []
    params = [Candidate(f"params.{name}", "param") for name in around.params]
    kept = [Candidate(f"vars.{name}", "variable") for name in around.vars]
    return [*own, *params, *(Candidate(name, "node") for name in around.nodes), *kept]


def _condition(field: Field, text: str, at: int, around: Around) -> Completion:
    """A comparison over references, or a function."""
    inside = _template(field, text, at, around)
    if inside is not NOTHING or "$" in text or not re.fullmatch(r"[\w.:]+", text):
        return inside
    return _function(field, text, at, around)


def _items(field: Field, text: str, at: int, around: Around) -> Completion:
    """What a map goes through: a node by its name, or a value with references in it."""
    if re.fullmatch(r"[^\s${}\[\]\"',]*", text):
        return _whole(text, map(Candidate, around.nodes), text)
    return _template(field, text, at, around)


def _function(field: Field, text: str, at: int, around: Around) -> Completion:
    """A function of the project, by its name or by `module:function`."""
    words = [Candidate(word) for word in field.options]
    found = around.catalog.find(text, MOST)
    offered = [
        Candidate(
            one.entry.function.reference,
            one.entry.function.signature,
            _in_reference(text, one.entry.function.reference),
        )
        for one in found
        if one.entry.function is not None
    ]
    chosen = (*_matching(words, text), *offered)
    if len(chosen) == 1 and chosen[0].text == text:
        chosen = ()
    return Completion(0, len(text), chosen)


def _in_reference(query: str, reference: str) -> tuple[int, ...]:
    name = reference.partition(":")[2]
    found = match(query, reference if ":" in query else name)
    skip = 0 if ":" in query else len(reference) - len(name)
    return tuple(place + skip for place in found.places) if found is not None else ()


def _names(names: Callable[[Around], Iterable[str]]) -> Callable[[Field, str, int, Around], Completion]:
    return lambda field, text, at, around: _whole(text, map(Candidate, names(around)), text)


_RULES: Mapping[str, Callable[[Field, str, int, Around], Completion]] = {
    "argument": _names(lambda around: around.arguments),
    "condition": _condition,
    "executor": _names(lambda around: EXECUTORS),
    "function": _function,
    "items": _items,
    "node": _nodes,
    "pool": _names(lambda around: around.pools),
    "template": _template,
    "workflow": _names(lambda around: around.workflows),
}
