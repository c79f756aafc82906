"""What a person looks at and how: cursor, selection, pointer, search, lit path. A picture is a function of this."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can show."""

    ascii: bool = False
    colour: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """All by box index of the graph, edges by edge index.

    `lit` are the edges on a path to or from the cursor, `kin` the boxes on it. While `critical` shows, `lit` is not
    drawn, so that a heavy line has one meaning. `matches` are cells (first, stop) of a name; `badges` are jump letters;
    `findings` are "error" or "warning". `only` are the boxes that are not dimmed; None: all. Of `turned` the state
    has just become another, at `arrived` a value has just come in. `spinner` is the number of the frame, -1 for none.
    """

    cursor: int | None = None
    hover: int | None = None
    selected: Collection[int] = NOTHING
    lit: Collection[int] = NOTHING
    kin: Collection[int] = NOTHING
    critical: Collection[int] = NOTHING
    dead: Collection[int] = NOTHING
    matches: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    badges: Mapping[int, str] = field(default_factory=dict)
    findings: Mapping[int, str] = field(default_factory=dict)
    pinned: Collection[int] = NOTHING
    stops: Collection[int] = NOTHING
    only: Collection[int] | None = None
    turned: Collection[int] = NOTHING
    arrived: Collection[int] = NOTHING
    spinner: int = -1
