"""A finding is a remark on a project: what is wrong, where, and what to do about it.

A wrong project is data, never an exception on the way: the rooms that look at a project add findings to `Notes` and go
on, so that one look shows everything. A finding knows its place as a *path* of keys ("nodes", "load", "timeout"); line
and column are looked up afterwards (`places`), and only where there is a finding at all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct, structs

Path = tuple[str | int, ...]
"""Keys from the top of the file: ("nodes", "load", "needs", 0)."""

Severity = Literal["error", "warning"]

MAX_FINDINGS = 1_000

_SHOWN = 60  # characters of a person's text that a message repeats at most


class Fix(Struct, frozen=True):
    """What mends a finding by itself, where there is just one thing to do. The remedy says the same in words.

    act "value": put `new` at the finding's path. "key": call the key at the end of the path `new`. "name": inside of the
    text at the path, write `new` for `old`. "function": write the function `new` (`module:function`), which is missing. A
    list is a tuple here, so that findings can be told apart by their hash.
    """

    act: Literal["value", "key", "name", "function"]
    new: Any
    old: str = ""


class Finding(Struct, frozen=True):
    """One remark. `line` and `column` count from 1 and are None where the file cannot be pointed into."""

    code: str
    severity: Severity
    message: str
    remedy: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: Path = ()
    related: tuple[Path, ...] = ()
    """Other places that belong to it; `places` adds their lines to the message."""
    fix: Fix | None = None

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        """The finding as a block of text: place and message, then the remedy."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.severity}: {self.message}\n    {self.remedy}  [{self.code}]"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        known = structs.asdict(self)
        del known["related"], known["fix"]
        return {**known, "path": list(self.path)}


class Findings(Struct, frozen=True):
    """What a look at a project found: errors, which keep it from running, and warnings. Iterates over both."""

    items: tuple[Finding, ...] = ()
    more: int = 0
    """How many further ones were counted and not kept."""

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Those that keep the project from running."""
        return tuple(finding for finding in self.items if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Those that a person should look at, though the project runs."""
        return tuple(finding for finding in self.items if finding.severity == "warning")

    def counts(self) -> str:
        """`2 errors, 1 warning`."""
        parts = [_counted(len(self.errors), "error"), _counted(len(self.warnings), "warning")]
        parts.append(f"and {self.more:,} more" if self.more else "")
        return ", ".join(part for part in parts if part) or "no findings"

    def render(self) -> str:
        """One block per finding, in the order of the file, and the counts below them."""
        return "\n\n".join([*(str(finding) for finding in self.items), self.counts()])


class Notes:
    """Where the rooms that look at a project put down what they find. Mutable, one per look.

    A file can be wrong in more ways than anybody reads: after `MAX_FINDINGS` the rest is only counted.
    """

    __slots__ = ("_comparisons", "broken", "items", "more")

    def __init__(self) -> None:
        self.items: list[Finding] = []
        self.more = 0
        self.broken: set[Path] = set()
        """Places whose content could not be read: later rooms pass over them instead of complaining again."""
        self._comparisons = 200_000

    def nearest(self, name: str, known: Iterable[str]) -> str | None:
        """The known name that was probably meant; None, too, once enough time went into such guesses."""
        candidates = list(known)
        self._comparisons -= len(candidates)
        return nearest(name, candidates) if self._comparisons > 0 else None

    def error(self, code: str, path: Path, message: str, remedy: str, *related: Path, fix: Fix | None = None) -> None:
        """Note what keeps the project from running; `related` are further places, whose lines the message will name."""
        self._note(Finding(code, "error", message, remedy, path=path, related=related, fix=fix))

    def warning(self, code: str, path: Path, message: str, remedy: str) -> None:
        """Note what a person should look at."""
        self._note(Finding(code, "warning", message, remedy, path=path))

    def extend(self, findings: Iterable[Finding]) -> None:
        """Take over findings made elsewhere, with their places."""
        for finding in findings:
            self._note(finding)

    def _note(self, finding: Finding) -> None:
        if len(self.items) < MAX_FINDINGS:
            message, remedy = harmless(finding.message), harmless(finding.remedy)
            self.items.append(structs.replace(finding, message=message, remedy=remedy))
        else:
            self.more += 1


def shown(value: object) -> str:
    """A person's value inside a message: quoted, short, on one line, and with nothing a terminal would obey."""
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN else value[: _SHOWN - 3] + "..."
        return f'"{harmless(text)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 128 else "a very large number"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return "a table"
    return harmless(str(value)[:_SHOWN])


def harmless(text: str) -> str:
    """`text` with control characters, bidi marks and lone surrogates written as \\uXXXX."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char == "\u3000"
        else f"\\u{ord(char):04x}"
        if unicodedata.category(char) != "Zs"
        else char
        for char in text
    )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, or None."""
    from difflib import get_close_matches

    candidates = [candidate for candidate in known if isinstance(candidate, str)]
    folded = {candidate.casefold().replace("-", "_"): candidate for candidate in reversed(candidates)}
    same = folded.get(name.casefold().replace("-", "_"))
    if same is not None:
        return same
    near = get_close_matches(name[:200], candidates, n=1, cutoff=0.6)
    return near[0] if near else None


def _counted(number: int, noun: str) -> str:
    if number == 0:
        return ""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
