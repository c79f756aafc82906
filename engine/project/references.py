"""`${...}`: references to results, params and variables, and text that holds them.

A *reference* names a value and perhaps a part of it: `load.rows[0]`, `params.island`, `env:HOME`. A *template* is text
with references in it; a string that is exactly one reference keeps the value's type. Both are read once into small
frozen structs, and filled with a `lookup` that gives the value of a reference: `lookup(reference)` gives the whole
value (of a node, a param, a variable, ...); the steps into it are taken here, on plain data only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, time
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Literal

from msgspec import Struct

Kind = Literal["node", "params", "vars", "run", "env", "secret", "item", "index", "value"]
Step = str | int


class ReferenceSyntax(ValueError):
    """A reference or comparison that cannot be read. `remedy` says what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ReferenceFailed(LookupError):
    """A reference that has no value, or a value of which this cannot be asked. Fails the node that asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Ref(Struct, frozen=True):
    """What a reference names: `name` of this `kind`, then the steps into its value.

    kind "node": name is an id or path as written (`publish/render`), to be looked up from where it stands (`scope`).
    "params", "vars", "run", "env", "secret": name within it. "item", "index", "value": name is empty.
    """

    kind: Kind
    name: str
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        if self.kind in ("env", "secret"):
            first = f"{self.kind}:{self.name}"
        elif self.kind == "node":
            first = self.name
        else:
            first = self.kind + (_step_text(self.name) if self.name else "")
        return first + "".join(_step_text(step) for step in self.steps)


class Template(Struct, frozen=True):
    """Text with references in it; its value is always text."""

    parts: tuple[str | Ref, ...]


Lookup = Callable[[Ref], Any]

# -- reading references ----------------------------------------------------------------------------------------------

# Letters and digits of any script, _ and -: everything but space, control characters and the signs of ASCII.
_LETTERS = r"[^\s\x00-,./:-@\[-^`{-\x7f]++"
_NAME = re.compile(rf"{_LETTERS}(?:/{_LETTERS})*+")
_STEP = re.compile(
    rf"\.({_LETTERS})"
    r"|\[\s*(-?\d{1,18})\s*\]"
    r"|\[\s*\"((?:[^\"\\]++|\\.)*+)\"\s*\]"
    r"|\[\s*'((?:[^'\\]++|\\.)*+)'\s*\]"
)
_OPEN = re.compile(r"\$\$\{|\$\{")
_NAMED = ("params", "vars", "run")
_ALONE = ("item", "index", "value")
_FROM_OUTSIDE = ("env", "secret")
_EXAMPLES = 'write NAME, NAME.field, NAME["any key"], NAME[0], params.NAME, vars.NAME or env:NAME'


def read_reference(text: str) -> Ref:
    """What stands inside of `${...}`, or in `inputs`. Raises ReferenceSyntax."""
    text = text.strip()
    for kind in _FROM_OUTSIDE:
        if text.startswith(f"{kind}:"):
            return _from_outside(kind, text)
    named = _NAME.match(text)
    if named is None:
        raise ReferenceSyntax(f"{quoted(text)} is not a reference" if text else "a reference is empty", _EXAMPLES)
    steps = _read_steps(text, named.end())
    name = named[0]
    if name in _NAMED:
        if not steps or not isinstance(steps[0], str):
            raise ReferenceSyntax(f"{quoted(text)} does not say which of the {name}", f"write {name}.NAME")
        return Ref(name, steps[0], steps[1:])  # type: ignore[arg-type]
    if name in _ALONE:
        return Ref(name, "", steps)  # type: ignore[arg-type]
    return Ref("node", name, steps)


def _from_outside(kind: str, text: str) -> Ref:
    name = text[len(kind) + 1 :].strip()
    if not re.fullmatch(r"[\w./-]{1,200}", name):
        raise ReferenceSyntax(f"{quoted(text)} does not name a variable or secret", f"write {kind}:NAME")
    return Ref(kind, name)  # type: ignore[arg-type]


def _read_steps(text: str, position: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise ReferenceSyntax(f"{quoted(text)} cannot be read from {quoted(text[position:])} on", _EXAMPLES)
        field, index, double, single = found.groups()
        if index is not None:
            steps.append(int(index))
        elif field is not None:
            steps.append(field)
        else:
            steps.append(re.sub(r"\\(.)", r"\1", double if double is not None else single))
        position = found.end()
    return tuple(steps)


def _step_text(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _NAME.fullmatch(step) and "/" not in step:
        return f".{step}"
    escaped = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


# -- reading templates -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def read_template(text: str) -> str | Ref | Template:
    """`text` itself without references (with `$${` made `${`), one reference alone, or a template. ReferenceSyntax."""
    if "${" not in text:
        return text
    parts: list[str | Ref] = []
    plain: list[str] = []
    position = 0
    while True:
        found = _OPEN.search(text, position)
        if found is None:
            break
        plain.append(text[position : found.start()])
        if found[0] == "$${":
            plain.append("${")
            position = found.end()
            continue
        end = end_of(text, found.end())
        if any(plain):
            parts.append("".join(plain))
        plain = []
        parts.append(read_reference(text[found.end() : end]))
        position = end + 1
    plain.append(text[position:])
    if any(plain):
        parts.append("".join(plain))
    if len(parts) == 1:
        return parts[0]
    return Template(tuple(parts)) if parts else ""


def end_of(text: str, position: int) -> int:
    """The closing brace of a reference that begins at `position`; braces inside of quotes do not count."""
    quote = ""
    for index in range(position, min(len(text), position + 1000)):
        char = text[index]
        if quote:
            quote = "" if char == quote and text[index - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char == "}":
            return index
    start = quoted(text[position - 2 : position + 30])
    raise ReferenceSyntax(f"{start} is never closed", "add the closing }, or write $${ for a plain ${")


def read_value(value: Any) -> Any:
    """A value of args, params and the like, with every string in it read by `read_template`. ReferenceSyntax."""
    if isinstance(value, str):
        return read_template(value)
    if isinstance(value, list | tuple):
        return [read_value(item) for item in value]
    if isinstance(value, dict):
        return {key: read_value(item) for key, item in value.items()}
    return value


def references_in(parsed: Any) -> Iterator[Ref]:
    """Every reference inside of what the readers here gave, left to right."""
    if isinstance(parsed, Ref):
        yield parsed
    elif isinstance(parsed, Template):
        yield from (part for part in parsed.parts if isinstance(part, Ref))
    elif isinstance(parsed, list | tuple):
        for item in parsed:
            yield from references_in(item)
    elif isinstance(parsed, dict):
        for item in parsed.values():
            yield from references_in(item)


# -- values ----------------------------------------------------------------------------------------------------------


def fill(parsed: Any, lookup: Lookup) -> Any:
    """The value of what `read_value` gave. Raises ReferenceFailed."""
    if isinstance(parsed, Ref):
        return value_of(parsed, lookup)
    if isinstance(parsed, Template):
        return "".join(
            part if isinstance(part, str) else as_text(value_of(part, lookup), part) for part in parsed.parts
        )
    if isinstance(parsed, list):
        return [fill(item, lookup) for item in parsed]
    if isinstance(parsed, dict):
        return {key: fill(item, lookup) for key, item in parsed.items()}
    return parsed


def value_of(ref: Ref, lookup: Lookup) -> Any:
    """The value that `ref` names, its steps taken. Raises ReferenceFailed."""
    return take(lookup(ref), ref.steps, ref) if ref.steps else lookup(ref)


def take(value: Any, steps: tuple[Step, ...], ref: Ref) -> Any:
    """The part of plain data that the steps lead to. Raises ReferenceFailed, which says how far it came."""
    for number, step in enumerate(steps):
        try:
            if isinstance(value, dict):
                value = value[step]
                continue
            if isinstance(value, list | tuple) and isinstance(step, int):
                value = value[step]
                continue
        except (KeyError, IndexError):
            pass
        reached = str(Ref(ref.kind, ref.name, steps[:number]))
        raise ReferenceFailed(f"${{{ref}}} has no value: {reached} is {described(value)}, without {_step_text(step)}")
    return value


def as_text(value: Any, ref: Ref) -> str:
    """`value` inside of text: str, number, bool, date and path only. Raises ReferenceFailed for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float | PurePath):
        return str(value)
    raise ReferenceFailed(f"${{{ref}}} is {described(value)}, which cannot be put into text; use it alone")


def described(value: Any) -> str:
    """What kind of value it is, in words for a message; never the value itself."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        keys = ", ".join(str(key)[:40] for key in list(value)[:8])
        return f"a table of {keys}" if keys else "an empty table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    return f"a value of type {type(value).__name__}"


def quoted(text: str) -> str:
    """`text` in quotes, cut where it is long."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'
