"""Arguments of an attempt: constants, fields of results, `${...}`, filled in when the attempt is made.

Most nodes take whole results and need nothing from here. For the others the plan holds a `Filling`: a recipe made once,
when the plan was made, and followed for each attempt. Fields are read here from plain data only. Where a result is
opaque (a `Payload` that this process must not open), the steps travel with the attempt and are taken where it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.attempt import Attempt
from engine.frames import Shift, placed
from engine.payload import NotOpenable, Payload, open_plain
from engine.project.comparisons import Comparison, decide
from engine.project.references import Ref, ReferenceFailed, Template, fill, take

if TYPE_CHECKING:
    from engine.machine.state import RunState

Source = tuple[int, Ref]
"""The node whose result is taken, and the reference that says which part of it."""


class BindingFailed(Exception):
    """An argument cannot be filled in: the message says which, from what, and why."""


class Names:
    """What references mean at one place of a project: which nodes their names are, and what stands outside the run.

    `params` is a mapping, or for the inside of a sub-workflow `InnerParams`, which look outward when asked.
    """

    __slots__ = ("environment", "nodes", "params")

    def __init__(
        self, nodes: Mapping[str, int], params: Mapping[str, Any] | InnerParams, environment: Mapping[str, str]
    ) -> None:
        self.nodes = nodes
        self.params = params
        self.environment = environment

    def lookup(self, state: RunState, node: int, local: Mapping[str, Any] | None = None) -> Callable[[Ref], Any]:
        """Gives the whole value of a reference, as `node` sees it. The function raises ReferenceFailed without one.

        `local` has what only this asker knows: `value` and `index` of a loop's condition.
        """
        shifts = state.shifts.get(node, ())

        def value(ref: Ref) -> Any:
            if ref.kind == "node":
                return readable(state.values[placed(self.nodes[ref.name], shifts)], ref)
            if local is not None and ref.kind in local:
                return readable(local[ref.kind], ref)
            if ref.kind == "params":
                if isinstance(self.params, InnerParams):
                    return self.params.value(ref, state, node)
                return _of(self.params, ref, "param")
            if ref.kind == "vars":
                return readable(_of(state.variables, ref, "variable"), ref)
            if ref.kind == "env":
                return _of(self.environment, ref, "environment variable")
            return readable(_of_round(state, shifts, ref), ref)

        return value


class InnerParams:
    """The params of a sub-workflow: what its node gives, filled in where that node stands, else their defaults."""

    __slots__ = ("defaults", "given", "outer")

    def __init__(self, given: Mapping[str, Any], defaults: Mapping[str, Any], outer: Names) -> None:
        self.given = given
        self.defaults = defaults
        self.outer = outer

    def value(self, ref: Ref, state: RunState, node: int) -> Any:
        """The value of one param. Raises ReferenceFailed where there is none."""
        if ref.name in self.given:
            return fill(self.given[ref.name], self.outer.lookup(state, node))
        return _of(self.defaults, ref, "param")


def _of_round(state: RunState, shifts: Sequence[Shift], ref: Ref) -> Any:
    """`item`, `index` or `value`: what the innermost map or loop around the asker says."""
    for shift in reversed(shifts):
        items = state.items.get(shift.frame)
        if ref.kind == "index":
            return shift.index
        if ref.kind == "item" and items is not None:
            return items[shift.index]
        if ref.kind == "value" and shift.frame in state.carried:
            return state.carried[shift.frame]
    raise ReferenceFailed(f"${{{ref}}} means nothing here: it stands outside of a map or loop")


def readable(value: Any, ref: Ref) -> Any:
    """A result as the engine may read it. Raises ReferenceFailed for one that only a task can open."""
    if type(value) is not Payload:
        return value
    try:
        return open_plain(value)
    except NotOpenable:
        what = f"a {value.type}" if value.type else "an object"
        raise ReferenceFailed(
            f"${{{ref}}} is {what}, which only a task can open; take what you need in a task"
        ) from None


def _of(table: Mapping[str, Any], ref: Ref, what: str) -> Any:
    try:
        return table[ref.name]
    except KeyError:
        raise ReferenceFailed(f"${{{ref}}} has no value: there is no {what} {ref.name!r}") from None


class Condition:
    """A comparison at its place: whether it holds in a run."""

    __slots__ = ("comparison", "names")

    def __init__(self, comparison: Comparison, names: Names) -> None:
        self.comparison = comparison
        self.names = names

    def __call__(self, state: RunState, node: int, local: Mapping[str, Any] | None = None) -> bool:
        return decide(self.comparison, self.names.lookup(state, node, local))


class Expression:
    """A value with references in it, at its place: what it is in a run."""

    __slots__ = ("names", "parsed")

    def __init__(self, parsed: Any, names: Names) -> None:
        self.parsed = parsed
        self.names = names

    def __call__(self, state: RunState, node: int) -> Any:
        return fill(self.parsed, self.names.lookup(state, node))


class Filling:
    """The recipe for one node's attempts: what its arguments, words, environment and working directory come from.

    `inputs`: argument -> a source, or several for a list. `args`, `words`, `env`, `cwd`: as `references.read_value` gave
    them, or None where the Work's own hold.
    """

    __slots__ = ("args", "cwd", "env", "inputs", "names", "words")

    def __init__(
        self,
        names: Names,
        inputs: Mapping[str, Source | tuple[Source, ...]],
        args: Mapping[str, Any],
        words: Sequence[Any] | None = None,
        env: Mapping[str, Any] | None = None,
        cwd: Any = None,
    ) -> None:
        self.names = names
        self.inputs = inputs
        self.args = args
        self.words = words
        self.env = env
        self.cwd = cwd

    def fill(self, attempt: Attempt, state: RunState) -> None:
        """Complete the attempt. Raises BindingFailed where a value is missing or has no such field."""
        lookup = self.names.lookup(state, attempt.node)
        shifts = state.shifts.get(attempt.node, ())
        kwargs: dict[str, Any] = {}
        where = ""
        try:
            for where, source in self.inputs.items():
                if isinstance(source[0], int):
                    kwargs[where] = self._taken(attempt, state, where, (placed(source[0], shifts), source[1]))
                else:
                    kwargs[where] = [_part(state, (placed(one[0], shifts), one[1])) for one in source]
            for where, value in self.args.items():
                kwargs[where] = self._argument(value, state, shifts, lookup)
            attempt.kwargs = kwargs
            if self.words is not None:
                where = "command"
                attempt.words = [_as_word(fill(word, lookup)) for word in self.words]
            if self.env is not None:
                where = "env"
                attempt.env = {name: _as_word(fill(value, lookup)) for name, value in self.env.items()}
            if self.cwd is not None:
                where = "cwd"
                attempt.cwd = str(fill(self.cwd, lookup))
        except ReferenceFailed as problem:
            raise BindingFailed(f"{where}: {problem.message}") from problem

    def _taken(self, attempt: Attempt, state: RunState, argument: str, source: Source) -> Any:
        node, ref = source
        value = state.values[node]
        if ref.steps and type(value) is Payload:
            try:
                return take(open_plain(value), ref.steps, ref)
            except NotOpenable:  # opaque: the steps are taken where the attempt runs
                attempt.parts = {**(attempt.parts or {}), argument: ref.steps}
                return value
        return _step(value, ref)

    def _argument(self, value: Any, state: RunState, shifts: Sequence[Shift], lookup: Callable[[Ref], Any]) -> Any:
        if isinstance(value, Ref) and not value.steps:  # whole: it may be opaque
            if value.kind == "node":
                return state.values[placed(self.names.nodes[value.name], shifts)]
            if value.kind in ("item", "value"):
                return _of_round(state, shifts, value)
        return fill(value, lookup)


class Passing:
    """What comes into a node that is bypassed: its `inputs`, and the lists that a map would have run over."""

    __slots__ = ("inputs", "lists", "names")

    def __init__(
        self, names: Names, inputs: Mapping[str, Source | tuple[Source, ...]], lists: Mapping[str, Any]
    ) -> None:
        self.names = names
        self.inputs = inputs
        self.lists = lists

    def __call__(self, state: RunState, node: int) -> dict[str, Any]:
        """Argument -> value. Raises ReferenceFailed where a result has no such part."""
        shifts = state.shifts.get(node, ())
        lookup = self.names.lookup(state, node)
        found: dict[str, Any] = {}
        for name, source in self.inputs.items():
            if isinstance(source[0], int):
                found[name] = _part(state, (placed(source[0], shifts), source[1]))
            else:
                found[name] = [_part(state, (placed(one[0], shifts), one[1])) for one in source]
        found.update({name: fill(parsed, lookup) for name, parsed in self.lists.items()})
        return found


class RetryNumber:
    """The argument of a custom retry strategy: how many attempts of its node have failed."""

    __slots__ = ("node",)

    def __init__(self, node: int) -> None:
        self.node = node

    def fill(self, attempt: Attempt, state: RunState) -> None:
        """Complete the attempt."""
        node = placed(self.node, state.shifts.get(attempt.node, ()))
        attempt.args = [max(1, state.tries(node))]


def _part(state: RunState, source: Source) -> Any:
    node, ref = source
    value = state.values[node]
    return _step(readable(value, ref), ref) if ref.steps else value


def _step(value: Any, ref: Ref) -> Any:
    """A part of a result of this process: a key, else an attribute, else an item, as where code runs."""
    if not ref.steps or value is None or isinstance(value, dict | list | tuple):
        return take(value, ref.steps, ref)
    for step in ref.steps:
        try:
            value = _part_of(value, step)
        except Exception as problem:  # the value is an object of the user's, which may do anything
            raise ReferenceFailed(f"${{{ref}}} has no value: {step!r} cannot be taken: {problem}") from problem
    return value


def _part_of(value: Any, step: str | int) -> Any:
    """A key, else an attribute, else an item."""
    if isinstance(value, Mapping):
        return value[step]
    if isinstance(step, str) and hasattr(value, step):
        return getattr(value, step)
    return value[step]


def _as_word(value: Any) -> str:
    """A word of a command, or an environment variable: text as it is, other plain data as JSON."""
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False, default=str)


def is_template(value: Any) -> bool:
    """Whether a value, read by `read_value`, has anything to fill in."""
    if isinstance(value, Ref | Template):
        return True
    if isinstance(value, dict):
        return any(is_template(item) for item in value.values())
    return isinstance(value, list | tuple) and any(is_template(item) for item in value)
