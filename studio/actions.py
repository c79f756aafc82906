"""What can happen in the studio: everything that changes its state is one of these.

An action is a fact or a wish as plain data: a person pressed something, a file was read, a run went on. Screens and
widgets send actions, effects answer with actions, and `reduce` alone says what each one means. Names of commands that
have a key (`Asked.command`) come from the table in `keys`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from studio.document.code import Code
    from studio.document.reader import Broken, Document
    from studio.state import NodeNow, Place, Recent, RunNow


@dataclass(frozen=True, slots=True)
class Action:
    """Base of all actions."""


# -- from the person -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked(Action):
    """A command of the table in `keys`, by key, mouse, footer or palette."""

    command: str


@dataclass(frozen=True, slots=True)
class CursorMoved(Action):
    """The cursor stands on another node; None where nothing can hold it. `by` says who moved it."""

    path: str | None
    by: str = "canvas"


@dataclass(frozen=True, slots=True)
class NodeOpened(Action):
    """Enter or a double click on a node."""

    path: str


@dataclass(frozen=True, slots=True)
class WentIn(Action):
    """Go into a sub-workflow: the canvas shows what is inside."""

    path: str


@dataclass(frozen=True, slots=True)
class CameOut(Action):
    """Come out to the workflow around; `levels` more than 1 by a click on the breadcrumb."""

    levels: int = 1


@dataclass(frozen=True, slots=True)
class PlaceChosen(Action):
    """One of the places in the top bar."""

    place: Place


@dataclass(frozen=True, slots=True)
class DrawerChosen(Action):
    """Open this drawer, or close it where it is open; None closes any."""

    drawer: str | None


@dataclass(frozen=True, slots=True)
class FindingChosen(Action):
    """Go to what the finding with this number is about."""

    index: int


@dataclass(frozen=True, slots=True)
class ProjectChosen(Action):
    """Open this project: a folder, or a workflow file."""

    path: Path


@dataclass(frozen=True, slots=True)
class TemplateChosen(Action):
    """Make a new project from a template in this folder, and open it."""

    template: str
    folder: Path


@dataclass(frozen=True, slots=True)
class TrustAnswered(Action):
    """The answer to the trust question: "no", "once" or "always"."""

    answer: str


@dataclass(frozen=True, slots=True)
class RunChosen(Action):
    """Show this run of the history on the canvas."""

    run: str


@dataclass(frozen=True, slots=True)
class ThemeChosen(Action):
    """Another theme, from the palette or the next one by key."""

    theme: str


@dataclass(frozen=True, slots=True)
class GlyphsChosen(Action):
    """ASCII glyphs or Unicode ones."""

    ascii: bool


@dataclass(frozen=True, slots=True)
class Resized(Action):
    """The terminal has this many cells."""

    width: int
    height: int


# -- from the world --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecentRead(Action):
    """The projects that were opened before, newest first."""

    recent: tuple[Recent, ...]


@dataclass(frozen=True, slots=True)
class ProjectRead(Action):
    """A project file was read and checked; `trusted` tells whether its code may run."""

    document: Document
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class ProjectBroken(Action):
    """A project file cannot be read as it is now."""

    broken: Broken


@dataclass(frozen=True, slots=True)
class CodeRead(Action):
    """The source of a task, found by reading; `code` is None where it was not found."""

    reference: str
    code: Code | None


@dataclass(frozen=True, slots=True)
class RunBegan(Action):
    """The engine took a run of this project."""

    run: RunNow


@dataclass(frozen=True, slots=True)
class RunAdvanced(Action):
    """What changed since the last frame; `nodes` holds only the nodes that changed."""

    run: RunNow
    nodes: Mapping[str, NodeNow]


@dataclass(frozen=True, slots=True)
class RunEnded(Action):
    """The run in hand is over; its last states stay on the canvas."""

    run: RunNow


@dataclass(frozen=True, slots=True)
class PastRunRead(Action):
    """A run of the history was folded from its journal."""

    run: RunNow
    nodes: Mapping[str, NodeNow]


@dataclass(frozen=True, slots=True)
class RunsRead(Action):
    """The history of this project, newest first."""

    runs: tuple[RunNow, ...]


@dataclass(frozen=True, slots=True)
class Told(Action):
    """Something to tell the person in one line; `severity` is "information", "warning" or "error"."""

    message: str
    severity: str = "information"
