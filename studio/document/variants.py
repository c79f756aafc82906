"""What can be written in several ways, as fields: a choice, and below it the fields of what was chosen.

Retries and their strategies, what happens on an error, when a node joins, what it waits for, until when a loop goes on, the
small nodes that stand at a key of their own. `changes` is the way back: from a value for such a field to what has to be set
in the file, so that one choice never leaves a key of another behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import UNSET, Struct, structs

from engine.project.model import Loop, RetryPolicy, Settings, Wait
from engine.project.reading import BODIES
from engine.project.spellings import STRATEGIES
from studio.document.fields import (
    Field,
    Keys,
    Table,
    blanks,
    entries,
    filled,
    in_short,
    struct_fields,
    table_of,
    within,
)


class Behind(Struct, frozen=True):
    """What holds where a node is silent."""

    defaults: Table
    said: Table
    runs: bool

    def of(self, key: str) -> tuple[Any, str]:
        """The value that stands behind a key, and who says it."""
        if key in self.said:
            return self.said[key], "@task"
        if self.runs and key in self.defaults:
            return self.defaults[key], "[defaults]"
        return UNSET, "default"


def setting(key: str, table: Table, behind: Behind) -> Iterator[Field]:
    """The fields of one setting; where the node is silent, what stands behind it."""
    blank = blanks(Settings)[key]
    value = table.get(key, UNSET)
    other, tag = behind.of(key)
    standing = in_short(other) if other is not UNSET else blank.standing
    if key in _VARIANTS:
        yield from _VARIANTS[key](value, standing, "" if value is not UNSET else tag)
    elif key == "env":
        yield from entries("env", table, Settings)
    elif value is not UNSET:
        yield filled(blank, value)
    else:
        yield structs.replace(blank, standing=standing, tag=tag)


def retry(value: Any, standing: str, tag: str) -> Iterator[Field]:
    about = "how often a failed attempt is tried again"
    if value is UNSET or not isinstance(value, Mapping):
        most = Field(
            keys=("retry", "max_retries"),
            label="retry",
            way="number",
            standing=standing,
            help=about,
            tag=tag,
            role="retry",
        )
        yield most if value is UNSET else structs.replace(most, keys=("retry",), value=value, role="field")
        return
    most = value.get("max_retries", UNSET)
    yield Field(
        keys=("retry", "max_retries"), label="retry", way="number", value=most, standing="0", help=about, role="retry"
    )
    named = value.get("strategy", UNSET)
    kind = _strategy_of(named, value)
    words = tuple(STRATEGIES)
    standing = next((word for word, known in STRATEGIES.items() if known is kind), "immediate")
    how = "how long to wait before each new try; or module:function, which gets the number of the failed attempt"
    yield Field(
        keys=("retry", "strategy"),
        label="strategy",
        way="choice",
        value=named,
        standing=standing,
        help=how,
        tag="" if named is not UNSET else "default",
        options=words,
        completes="function",
        depth=1,
        role="strategy",
    )
    own = struct_fields(kind, value) if kind is not None else ()
    rest = [field for field in struct_fields(RetryPolicy, value) if field.label == "on"]
    for field in (*own, *rest):
        yield structs.replace(within("retry", field), depth=1)


def _strategy_of(named: Any, value: Table) -> type[Struct] | None:
    """The strategy that is named; where none is, the one whose keys are there."""
    if named is UNSET:
        others = (STRATEGIES["exponential"], STRATEGIES["fixed"])
        return next((kind for kind in others if blanks(kind).keys() & value.keys()), STRATEGIES["immediate"])
    return STRATEGIES.get(named) if isinstance(named, str) else None


def on_error(value: Any, standing: str, tag: str) -> Iterator[Field]:
    words = ("fail", "skip", "compensate", "alternative", "compensate these")
    about = "what to do when all tries failed: fail or skip, undo what was done, or let another node stand in"
    key = next(iter(value), "") if isinstance(value, Mapping) and len(value) == 1 else ""
    said = {"alternative": "alternative", "compensate": "compensate these"}.get(key, value)
    yield Field(
        keys=("on_error",),
        label="on_error",
        way="choice",
        value=said,
        standing=standing,
        help=about,
        tag=tag,
        options=words,
        role="error",
    )
    if key == "alternative":
        what = "the node that runs instead, with the same inputs; its result stands in"
        yield Field(
            keys=("on_error", key),
            label=key,
            way="text",
            value=value[key],
            help=what,
            completes="node",
            depth=1,
            required=True,
        )
    elif key == "compensate":
        what = "the nodes that undo what was done, in their order"
        yield Field(
            keys=("on_error", key),
            label="nodes",
            way="nodes",
            value=value[key],
            help=what,
            completes="node",
            depth=1,
            required=True,
        )


def join(value: Any, standing: str, tag: str) -> Iterator[Field]:
    words = ("all", "any", "all_done", "at_least")
    counted = isinstance(value, Mapping) and list(value) == ["at_least"]
    said = "at_least" if counted else value
    yield Field(
        keys=("join",),
        label="join",
        way="choice",
        value=said,
        standing=standing,
        help=blanks(Settings)["join"].help,
        tag=tag,
        options=words,
        role="join",
    )
    if counted:
        what = "so many of the nodes before must have completed"
        yield Field(
            keys=("join", "at_least"),
            label="at_least",
            way="number",
            value=value["at_least"],
            help=what,
            depth=1,
            required=True,
        )


def undo(value: Any, standing: str, tag: str) -> Iterator[Field]:
    yield from small_node("undo", value, blanks(Settings)["undo"].help)


def small_node(key: str, value: Any, about: str) -> Iterator[Field]:
    """A node at a key of its own: which word its body has, and what that says."""
    word = next((word for word in BODIES if word in value), "") if isinstance(value, Mapping) else ""
    said = word or value
    yield Field(
        keys=(key,),
        label=key,
        way="choice",
        value=said,
        standing="-",
        help=about,
        tag="" if value is not UNSET else "default",
        options=tuple(INNER),
        role="inner",
    )
    if word in INNER:
        field = next(f for f in struct_fields(BODIES[word], value) if f.label == word)
        yield structs.replace(within(key, field), depth=1, required=True)


_VARIANTS: Mapping[str, Callable[[Any, str, str], Iterator[Field]]] = {
    "retry": retry,
    "on_error": on_error,
    "join": join,
    "undo": undo,
}


def wait(table: Table) -> Iterator[Field]:
    said = table_of(table.get("wait"))
    word = next((key for key in WAITS if key in said), UNSET)
    about = "what it waits for: a length of time, a time of day, or a file"
    yield Field(
        keys=("wait",),
        label="wait",
        way="choice",
        value=word,
        options=tuple(WAITS),
        help=about,
        role="wait",
        required=True,
    )
    for field in struct_fields(Wait, said):
        if field.said:
            yield structs.replace(within("wait", field), depth=1, required=True)


def loop(table: Table) -> Iterator[Field]:
    word = "while" if "while" in table else "until"
    about = "until: stops when the condition holds; while: stops when it no longer does"
    yield Field(
        keys=(word,), label="loop", way="choice", value=word, options=("until", "while"), help=about, role="again"
    )
    yield Field(
        keys=(word,),
        label=word,
        way="text",
        value=table.get(word, UNSET),
        help=blanks(Loop)["condition"].help,
        completes="condition",
        required=True,
    )
    yield from (field for field in struct_fields(Loop, table) if field.label not in ("condition", "negate"))


# -- changes -----------------------------------------------------------------------------------------------------------

Changes = tuple[tuple[Keys, Any], ...]
"""Keys and what to set there; UNSET takes the key away."""


def changes(field: Field, value: Any, table: Table) -> Changes:
    """What has to be set in the file so that the field says `value`; `table` is what it says now."""
    rule = _CHANGES.get(field.role)
    return rule(field, value, table) if rule is not None else ((field.keys, value),)


def _change_again(field: Field, value: Any, table: Table) -> Changes:
    """`until` or `while`: the condition moves from one word to the other."""
    other = "until" if value == "while" else "while"
    if value not in ("until", "while"):
        return tuple(
            ((key,), UNSET) for key in ("until", "while", "carry", "initial", "delay", "max_iterations") if key in table
        )
    return (((other,), UNSET), ((value,), table.get(other, table.get(value, ""))))


def _change_wait(field: Field, value: Any, table: Table) -> Changes:
    """What is waited for; exactly one."""
    if value not in WAITS:
        return ((field.keys, value),)
    return ((field.keys, {value: WAITS[value]}),)


def _change_retry(field: Field, value: Any, table: Table) -> Changes:
    """The number of retries; without one there is no retry at all."""
    return ((field.keys[:-1], UNSET),) if value is UNSET else ((field.keys, value),)


def _change_strategy(field: Field, value: Any, table: Table) -> Changes:
    """Another strategy: the keys that belong to the old one go."""
    before = field.keys[:-1]
    retry = table_of(_at(table, before))
    kind = STRATEGIES.get(value) if isinstance(value, str) else None
    kept = blanks(kind).keys() if kind is not None else frozenset()
    stray = [key for other in STRATEGIES.values() for key in blanks(other) if key in retry and key not in kept]
    gone = tuple(((*before, key), UNSET) for key in dict.fromkeys(stray))
    return (*gone, (field.keys, UNSET if value == "immediate" else value))


def _change_error(field: Field, value: Any, table: Table) -> Changes:
    """What to do on an error; two of the words take names of nodes."""
    made = {"alternative": {"alternative": ""}, "compensate these": {"compensate": []}}
    return ((field.keys, made.get(value, value) if isinstance(value, str) else value),)


def _change_join(field: Field, value: Any, table: Table) -> Changes:
    return ((field.keys, {"at_least": 1} if value == "at_least" else value),)


def _change_inner(field: Field, value: Any, table: Table) -> Changes:
    """A small node at a key of its own, by the word of its body."""
    if value is UNSET or value not in INNER:
        return ((field.keys, value),)
    return ((field.keys, {value: INNER[value]}),)


_CHANGES: Mapping[str, Callable[[Field, Any, Table], Changes]] = {
    "again": _change_again,
    "error": _change_error,
    "inner": _change_inner,
    "join": _change_join,
    "retry": _change_retry,
    "strategy": _change_strategy,
    "wait": _change_wait,
}
WAITS: Mapping[str, str] = {"for": "5s", "until": "02:00", "file": "ready"}
INNER: Mapping[str, Any] = {"task": "tasks:undo", "shell": "true", "command": ["true"]}


def _at(table: Table, keys: Keys) -> Any:
    found: Any = table
    for key in keys:
        found = table_of(found).get(key)
    return found


LOOPS = frozenset(("until", "while"))
