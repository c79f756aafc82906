"""What this machine has for nodes that ask for something by `requires`.

Its memory and its cores are found out (`memory` in bytes, `cpu`), and so are its labels, which are those that an agent
has by itself: the system (`linux`, `darwin`) and the Python (`3.12`). Everything else has to be said, in the environment:

    FLOWLOOM_RESOURCES="gpu=2 licences=5 memory=64GiB big-disk"

A word with `=` is something that is counted, one without is a label. What is said replaces what was found out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from engine.errors import ValidationFailed
from engine.project.requirements import parse_amount

VARIABLE = "FLOWLOOM_RESOURCES"


class Capacity:
    """Labels, and how much there is of what: name -> amount."""

    __slots__ = ("amounts", "labels")

    def __init__(self, labels: frozenset[str], amounts: Mapping[str, float]) -> None:
        self.labels = labels
        self.amounts = dict(amounts)


def local_capacity(environment: Mapping[str, str]) -> Capacity:
    """What this machine has. Raises ValidationFailed where FLOWLOOM_RESOURCES cannot be read."""
    labels = {sys.platform, f"{sys.version_info.major}.{sys.version_info.minor}"}
    amounts = {"cpu": float(os.cpu_count() or 1)}
    memory = _memory()
    if memory is not None:
        amounts["memory"] = memory
    for word in environment.get(VARIABLE, "").replace(",", " ").split():
        name, counted, text = word.partition("=")
        amount = parse_amount(text) if counted else None
        if not name or (counted and amount is None):
            raise ValidationFailed(
                f'{VARIABLE}: {word!r} is no amount; write for example "gpu=2 memory=64GiB big-disk"'
            )
        if amount is None:
            labels.add(name)
        else:
            amounts[name] = amount
    return Capacity(frozenset(labels), amounts)


def _memory() -> float | None:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):  # not told by every system
        return None
