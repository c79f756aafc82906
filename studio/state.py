"""Everything the studio knows at a moment, as frozen records: what screens show and nothing else.

The canvas keeps its own camera and layout (they follow from the document and the size), the engine keeps the run. Here
is what a person would miss if it were forgotten: which project, which place, where the cursor is, what is open, what
the run looked like in the last frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from studio.document.code import Code
from studio.document.reader import Broken, Document

Place = Literal["welcome", "editor", "monitor", "runs", "agents"]
Drawer = Literal["problems", "toml", "log"]

MIN_WIDTH, MIN_HEIGHT = 60, 16
RUNNING_STATES = frozenset({"pending", "running", "paused"})


@dataclass(frozen=True, slots=True)
class Recent:
    """A project that was opened before; `opened` is a moment in seconds since 1970."""

    path: Path
    name: str
    opened: float


@dataclass(frozen=True, slots=True)
class NodeNow:
    """What one node of a run looks like now.

    `state` is a word of the table in `theme`. `seconds` is how long it took or has been running; `started` the moment
    it began (since 1970) while it runs. `fraction` is 0 to 1 or None. `error` is one line, `trouble` the whole
    traceback.
    """

    state: str
    seconds: float | None = None
    started: float | None = None
    attempt: int = 0
    attempts: int = 1
    fraction: float | None = None
    text: str = ""
    error: str = ""
    trouble: str = ""
    preview: str = ""
    due: float | None = None


@dataclass(frozen=True, slots=True)
class RunNow:
    """What a run looks like now. `state` is a word: pending, running, paused, completed, failed, canceled.

    `counts` counts nodes by their state. `started` is a moment since 1970, `seconds` the time that has passed.
    """

    id: str
    state: str
    started: float = 0.0
    seconds: float = 0.0
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""

    @property
    def live(self) -> bool:
        """Whether the run still goes on."""
        return self.state in RUNNING_STATES

    @property
    def done(self) -> int:
        """How many nodes need nothing more."""
        return sum(self.counts.get(state, 0) for state in ("completed", "failed", "skipped", "canceled", "cached"))


@dataclass(frozen=True, slots=True)
class Remembered:
    """How a project was looked at when it was left."""

    cursor: str | None = None
    drawer: Drawer | None = None
    inspector: bool | None = None
    zoom: int | None = None


@dataclass(frozen=True, slots=True)
class StudioState:
    """The whole. `inspector` is None where the size of the terminal decides."""

    place: Place = "welcome"
    document: Document | None = None
    broken: Broken | None = None
    trusted: bool = False
    asking: tuple[str, tuple[str, ...]] | None = None
    scope: tuple[str, ...] = ()
    cursor: str | None = None
    drawer: Drawer | None = None
    inspector: bool | None = None
    code: Code | None = None
    code_of: str = ""
    run: RunNow | None = None
    nodes: Mapping[str, NodeNow] = field(default_factory=dict)
    runs: tuple[RunNow, ...] | None = None
    recent: tuple[Recent, ...] = ()
    theme: str = "loom-dark"
    ascii: bool = False
    width: int = 80
    height: int = 24

    @property
    def project(self) -> Document | None:
        """The document that is shown: the last one that could be read."""
        return self.document

    @property
    def too_small(self) -> bool:
        """Whether the terminal is below what the studio can be used in."""
        return self.width < MIN_WIDTH or self.height < MIN_HEIGHT

    @property
    def docked(self) -> bool:
        """Whether the inspector has a place of its own beside the canvas."""
        return self.width >= 150

    @property
    def inspector_open(self) -> bool:
        """Whether the inspector is shown: where nobody said, if there is room for it."""
        return self.docked if self.inspector is None else self.inspector
