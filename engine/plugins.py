"""What other installed packages bring, found by the names of their entry points.

    [project.entry-points."flowloom.nodes"]            a kind of node: a function; its parameters are the node's keys
    weather = "flowloom_weather:forecast"
    [project.entry-points."flowloom.schedulers"]       a class or function that makes a WorkflowScheduler
    [project.entry-points."flowloom.error_handlers"]   a class or function that makes an ErrorHandler
    [project.entry-points."flowloom.executors"]        a class or function that makes an Executor

Nothing is imported but what a project asks for by name. A package that is not there, does not import, or takes too long
to, is told with its name and the remedy; it never takes the engine with it.
"""

from __future__ import annotations

import difflib
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from engine.errors import SystemFailure, ValidationFailed

NODES: Final = "flowloom.nodes"
SCHEDULERS: Final = "flowloom.schedulers"
ERROR_HANDLERS: Final = "flowloom.error_handlers"
EXECUTORS: Final = "flowloom.executors"

LIMIT = 5.0
"""Seconds that a plug-in may take to be imported, and then for each answer."""

_WORDS = {NODES: "kind of node", SCHEDULERS: "scheduler", ERROR_HANDLERS: "error handler", EXECUTORS: "executor"}


class Offer(NamedTuple):
    """What a package offers: `value` is `module:name`, `package` and `version` where it says so."""

    value: str
    package: str
    version: str

    @property
    def by(self) -> str:
        """Who brings it, in words."""
        return f"the package {self.package} {self.version}".rstrip() if self.package else self.value


def offered(group: str) -> dict[str, Offer]:
    """Everything that installed packages offer in a group, by name. Slow: it looks through every package."""
    from importlib.metadata import entry_points

    found: dict[str, Offer] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        about = point.dist
        found[point.name] = Offer(point.value, about.name if about else "", about.version if about else "")
    return found


def offer_of(group: str, name: str, own: Sequence[str] = ()) -> Offer:
    """What is offered under a name. Raises ValidationFailed, with the nearest of the names there are and our `own`."""
    offers = offered(group)
    if name not in offers:
        raise ValidationFailed(f"there is no {_WORDS[group]} {name!r}{nearest(name, [*own, *offers])}")
    return offers[name]


def bring(group: str, name: str, offer: Offer) -> Any:
    """The object of an offer, imported. Raises SystemFailure where that fails or takes longer than `LIMIT`."""
    found: list[Any] = []
    trouble: list[BaseException] = []

    def fetch() -> None:
        from importlib import import_module

        module, _, attribute = offer.value.partition(":")
        try:
            thing = import_module(module)
            for part in attribute.split("."):
                thing = getattr(thing, part)
            found.append(thing)
        except BaseException as problem:  # whatever a stranger's module does when it is imported
            trouble.append(problem)

    thread = threading.Thread(target=fetch, name=f"flowloom-plugin-{name}", daemon=True)
    thread.start()
    thread.join(LIMIT)
    what = f"the {_WORDS[group]} {name!r} of {offer.by}"
    if trouble:
        kind = type(trouble[0]).__name__
        raise SystemFailure(
            f"{what} cannot be loaded: {kind}: {trouble[0]}; is everything that it needs installed in {sys.prefix}?"
        ) from trouble[0]
    if not found:
        raise SystemFailure(f"{what} took longer than {LIMIT:g} s to be imported, and was given up")
    return found[0]


def made(group: str, name: str, own: Sequence[str] = (), *, methods: Sequence[str]) -> Any:
    """What a scheduler's or handler's factory makes; it must have these methods. Raises as `offer_of` and `bring` do."""
    offer = offer_of(group, name, own)
    factory = bring(group, name, offer)
    what = f"the {_WORDS[group]} {name!r} of {offer.by}"
    try:
        thing = factory()
    except Exception as problem:
        raise SystemFailure(f"{what} cannot be made: {type(problem).__name__}: {problem}") from problem
    missing = [method for method in methods if not callable(getattr(thing, method, None))]
    if missing:
        raise SystemFailure(f"{what} has no method {missing[0]}(), which every {_WORDS[group]} has")
    return thing


def signature_of(function: Any, kind: str) -> Any:
    """The parameters of the function behind a kind of node. Raises SystemFailure for what cannot be one."""
    import inspect

    if not callable(function):
        raise SystemFailure(f"the kind of node {kind!r} is {type(function).__name__}, and a function is needed")
    return inspect.signature(function)


def why_not(signature: Any, given: Mapping[str, Any], *, exact: bool) -> str:
    """Why a function cannot be called with these arguments, or an empty text. With `exact`, none may be missing."""
    parameters = signature.parameters
    takes = [name for name, one in parameters.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        for name in given:
            if name not in takes:
                own = [one for one in takes if one != "ctx"]
                return f"has no option {name!r}{nearest(name, own) if own else '; it has none'}"
    missing = [name for name in takes if parameters[name].default is parameters[name].empty and name not in given]
    missing = [name for name in missing if name != "ctx"]
    return f"needs {', '.join(missing)}" if missing and exact else ""


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of a sentence about a name that nobody knows."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are {', '.join(known)}" if known else "; no installed package brings any"
