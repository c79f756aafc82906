"""What a node's body asks of an executor: bodies of the model as `Work`, and the items of a map."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.attempt import Work
from engine.binding import Names
from engine.call import wants_context
from engine.errors import ValidationFailed
from engine.payload import Payload
from engine.project.model import Command, Defaults, Node, Plugin, Shell, Task
from engine.project.references import Ref, ReferenceFailed, fill

if TYPE_CHECKING:
    from engine.machine.state import RunState


def work_of(node: Node, defaults: Defaults, *, executor: str | None, fallback: str) -> Work:
    """The Work of a task, command or shell node. `executor` overrules, `fallback` stands in where nobody says."""
    make = MAKERS.get(type(node.body))
    if make is None:
        raise ValidationFailed(f"{node.id}: a {node.node_type.value} cannot run yet", node_id=node.id)
    settings = node.settings
    return make(
        node.body,
        timeout=settings.timeout if settings.timeout is not None else defaults.timeout,
        executor=executor or settings.executor or defaults.executor or fallback,
        env={name: str(value) for name, value in {**defaults.env, **settings.env}.items()},
        cwd=settings.cwd or defaults.cwd,
    )


def question_work(node: Node, defaults: Defaults, function: Any, *, executor: str | None, fallback: str) -> Work:
    """The Work of a function that decides something for a node: its condition, its `until`."""
    chosen = executor or node.settings.executor or defaults.executor or fallback
    if callable(function):
        wants = wants_context(function)
        return Work("task", function=function, executor=chosen, timeout=defaults.timeout, wants_context=wants)
    return Work("task", reference=function, executor=chosen, timeout=defaults.timeout)


def _task(body: Task, **rest: Any) -> Work:
    if isinstance(body.task, str):
        return Work("task", reference=body.task, **rest)
    return Work("task", function=body.task, wants_context=wants_context(body.task), **rest)


def _command(body: Command, **rest: Any) -> Work:
    return Work("command", words=body.command, output=body.output, ok_codes=body.ok_codes, **rest)


def _shell(body: Shell, **rest: Any) -> Work:
    return Work("shell", script=body.shell, output=body.output, ok_codes=body.ok_codes, **rest)


def _plugin(body: Plugin, **rest: Any) -> Work:
    """The function behind the kind is filled in by who knows it (`planning`); for people it is called as its kind is."""
    work = Work("task", reference=body.kind, **rest)
    work.name = body.kind
    return work


MAKERS: dict[type, Callable[..., Work]] = {Task: _task, Command: _command, Shell: _shell, Plugin: _plugin}


class Items:
    """What a map runs over: one list, or several side by side or in every combination."""

    __slots__ = ("names", "parsed", "product")

    def __init__(self, parsed: Any, names: Names, product: bool) -> None:
        self.parsed = parsed
        self.names = names
        self.product = product

    def __call__(self, state: RunState, node: int) -> list[Any]:
        """The items, one for each time the body runs. Raises ReferenceFailed where there is no list."""
        lookup = self.names.lookup(state, node)
        if not isinstance(self.parsed, Mapping):
            return _listed(fill(self.parsed, lookup), self.parsed)
        lists = {name: _listed(fill(one, lookup), one) for name, one in self.parsed.items()}
        if self.product:
            return [dict(zip(lists, together, strict=True)) for together in itertools.product(*lists.values())]
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise ReferenceFailed(
                f"the lists of a map differ in length: {told}; make them equal, or set product = true"
            )
        return [dict(zip(lists, together, strict=True)) for together in zip(*lists.values(), strict=True)]


def _listed(value: Any, parsed: Any) -> list[Any]:
    if isinstance(value, list | tuple | range):
        return list(value)
    shown = f"${{{parsed}}}" if isinstance(parsed, Ref) else "what it runs over"
    kind = value.type if isinstance(value, Payload) else type(value).__name__
    raise ReferenceFailed(f"a map needs a list, and {shown} is a {kind}")
