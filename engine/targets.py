"""Parts of a workflow that a run is asked for: up to a node, from a node on, or only a node.

    to      the node, and all that it needs
    from_   the node, and all that builds on it; what lies before is not run
    only    the node, and what it holds

What is not run but has to be there is *given*: its result is taken from an earlier run. `to` and `from_` together are
what lies between. Pure: numbers of a plan go in, numbers come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import NodeNotFound, ValidationFailed
from engine.frames import Bypass, Choice
from engine.machine.events import Event, MarkedDone, Skipped
from engine.plan import Plan

NOT_ASKED_FOR = "not asked for"


@dataclass(frozen=True, slots=True)
class Targets:
    """Paths of nodes that a run is asked for."""

    to: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.to or self.from_ or self.only)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is run (with the frames around it, which open for it), what has to be given, and what is left out."""

    runs: frozenset[int]
    given: tuple[int, ...]
    left_out: tuple[int, ...]

    def events(self, results: Mapping[int, tuple[Any, str]], now: float) -> Iterator[Event]:
        """What happens at the beginning of such a run. `results`: node -> its result, and the run that it is from."""
        for node in self.left_out:
            yield Skipped(now, node, NOT_ASKED_FOR)
        for node in self.given:
            value, run = results[node]
            yield MarkedDone(now, node, value, f"from run {run}")


def select(plan: Plan, targets: Targets) -> Selection:
    """Which nodes of a plan a run needs for its targets. Raises NodeNotFound, ValidationFailed."""
    if targets.only and (targets.to or targets.from_):
        raise ValidationFailed("`only` says all that is run: leave `to` and `from` out, or leave it out")
    graph = _Graph(plan)
    if targets.only:
        runs = {node for path in targets.only for node in graph.held(graph.number(path, "only"))}
    else:
        found = [graph.before(targets.to)] if targets.to else []
        if targets.from_:
            found.append(graph.after(targets.from_))
        runs = set.intersection(*found)
        if not runs:
            raise ValidationFailed(f"nothing lies between {', '.join(targets.from_)} and {', '.join(targets.to)}")
    opened = {frame for node in runs for frame in graph.around(node)} - runs
    given = graph.given(runs, opened)
    unseen = plan.templates | plan.hidden | plan.aside
    taken = runs | opened | given
    left_out = tuple(node for node in range(len(plan.names)) if node not in taken and node not in unseen)
    return Selection(frozenset(runs | opened), tuple(sorted(given)), left_out)


class _Graph:
    """A plan, looked at from its nodes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.inside: dict[int, list[int]] = {}
        for child, frame in plan.parents.items():
            self.inside.setdefault(frame, []).append(child)

    def number(self, path: str, option: str) -> int:
        """The node of a path. A branch cannot be where a run begins: whether it is taken is not yet known then."""
        plan = self.plan
        node = plan.numbers.get(path)
        if node is None or node in plan.hidden or node in plan.templates:
            unseen = plan.hidden | plan.templates
            raise NodeNotFound(path, [name for name, number in plan.numbers.items() if number not in unseen])
        for frame in self.around(node) if option != "to" else ():
            if isinstance(plan.frames[frame], Choice | Bypass):
                name = plan.names[frame]
                raise ValidationFailed(f"{path} is a part of {name}, which chooses: ask for {name}", node_id=path)
        return node

    def around(self, node: int) -> Iterator[int]:
        """The frames that hold a node, from the inside out."""
        while node in self.plan.parents:
            node = self.plan.parents[node]
            yield node

    def held(self, node: int) -> Iterator[int]:
        """A node, and all that it holds."""
        todo = [node]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(self.inside.get(node, ()))

    def before(self, paths: Iterable[str]) -> set[int]:
        """What these nodes need, with what may have to stand in for it, and themselves."""
        plan = self.plan
        choosing = [node for node, frame in plan.frames.items() if isinstance(frame, Choice | Bypass)]

        def needs(node: int) -> Iterator[int]:
            for part in self.held(node):
                yield part
                yield from plan.deps[part]
                if part in plan.alternatives:
                    yield plan.alternatives[part]
            for frame in self.around(node):
                yield from plan.deps[frame]
                if frame in choosing:
                    yield frame

        return _closure([self.number(path, "to") for path in paths], needs)

    def after(self, paths: Iterable[str]) -> set[int]:
        """What builds on these nodes, and themselves."""

        def built(node: int) -> Iterator[int]:
            for part in self.held(node):
                yield part
                yield from self.plan.dependents[part]
            for frame in self.around(node):
                yield from self.plan.dependents[frame]

        return _closure([self.number(path, "from") for path in paths], built)

    def given(self, runs: set[int], opened: set[int]) -> set[int]:
        """The nodes whose results are needed and which are not run."""
        plan = self.plan
        found = {source for node in runs | opened for source in plan.deps[node]}
        for frame in opened:  # whoever takes the result of a frame takes that of everything in it
            if runs.intersection(plan.dependents[frame]):
                found.update(self.inside[frame])
        return found - runs - opened - plan.templates - plan.hidden - plan.aside


def _closure(starts: Iterable[int], neighbours: Callable[[int], Iterable[int]]) -> set[int]:
    found: set[int] = set()
    todo = list(starts)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo.extend(neighbours(node))
    return found
