"""What a node asks of where it runs: labels that have to be there, and amounts that it takes while it runs.

`requires = ["gpu"]` are labels. `requires = { labels = ["big"], gpu = 1, memory = "16GiB" }` has amounts as well: numbers,
or sizes such as "500MB" and "16GiB", which are numbers of bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

EXAMPLE = 'for example ["gpu"], or { labels = ["big"], gpu = 1, memory = "16GiB" }'

_SIZE = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([kKMGTP]i?)?B?\s*", re.ASCII)
_POWERS: Mapping[str, int] = {"k": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_LABEL = re.compile(r"[^\W_][\w.+-]{0,63}")


class Requirements(Struct, frozen=True):
    """Labels that must be there, and how much of what is taken: name -> amount, more than zero."""

    labels: tuple[str, ...] = ()
    amounts: Mapping[str, float] = {}

    def plain(self) -> dict[str, Any]:
        """As executors on other machines are told."""
        return {**self.amounts, "labels": list(self.labels)}


NOTHING = Requirements()


class BadRequirements(ValueError):
    """A value of `requires` that means nothing. `key` says where in it, if it is a table."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.key = key


def read_requirements(value: Any) -> Requirements:
    """What a value of `requires` asks for. Raises BadRequirements."""
    if value is None:
        return NOTHING
    if isinstance(value, list | tuple):
        return Requirements(_labels(value, None))
    if not isinstance(value, Mapping):
        raise BadRequirements("`requires` is neither a list of labels nor a table")
    amounts: dict[str, float] = {}
    for name, amount in value.items():
        if name == "labels":
            continue
        if _LABEL.fullmatch(name) is None:
            raise BadRequirements(f'"{name[:60]}" cannot be the name of something countable', name)
        amounts[name] = _amount(name, amount)
    return Requirements(_labels(value.get("labels", ()), "labels"), amounts)


def parse_amount(text: str) -> float | None:
    """The number that "16GiB", "500MB" or "2" stands for; None if it is no amount."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    number, unit = found.groups()
    if unit is None:
        return float(number)
    step = 1024.0 if unit.endswith("i") else 1000.0
    return float(number) * step ** _POWERS[unit[0].replace("K", "k")]


def amount_text(amount: float) -> str:
    """An amount as people write it: sizes in whole units of 1024 bytes."""
    for unit, power in (("TiB", 4), ("GiB", 3), ("MiB", 2)):
        size = amount / 1024**power
        if size >= 1:
            return f"{size:.4g}{unit}"
    return f"{amount:g}"


def _labels(value: Any, key: str | None) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise BadRequirements("`labels` is no list", key)
    for label in value:
        if not isinstance(label, str) or _LABEL.fullmatch(label) is None:
            raise BadRequirements(f"{str(label)[:60]!r} is no label: letters, digits and . + - _, at most 64", key)
    return tuple(dict.fromkeys(value))


def _amount(name: str, amount: Any) -> float:
    number = parse_amount(amount) if isinstance(amount, str) else amount
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number) or number <= 0:
        raise BadRequirements(f"{str(amount)[:60]!r} is no amount of {name}: write a number, or a size", name)
    return float(number)
