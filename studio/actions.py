"""What can happen in the studio: everything that changes its state is one of these.

An action is a fact or a wish as plain data: a person pressed something, a file was read, a run went on. Screens and
widgets send actions, effects answer with actions, and `reduce` alone says what each one means. Names of commands that
have a key (`Asked.command`) come from the table in `keys`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from engine.project.findings import Finding
    from engine.project.model import Project, Workflow
    from studio.document.catalog import Catalog
    from studio.document.code import Code
    from studio.document.edits import Edit
    from studio.document.merge import Answers
    from studio.document.reader import Broken, Document
    from studio.state import AgentNow, Foreseen, KeptDraft, NodeNow, Place, Recent, Remembered, RunNow


class Action(Struct, frozen=True):
    """Base of all actions."""


class Together(Action, frozen=True):
    """Several actions that follow from one thing a person did: they are shown as one."""

    actions: tuple[Action, ...]


# -- from the person -------------------------------------------------------------------------------------------------


class Asked(Action, frozen=True):
    """A command of the table in `keys`, by key, mouse, footer or palette."""

    command: str


class FocusMoved(Action, frozen=True):
    """Another pane gets the keys: "canvas", "inspector", "problems", "toml" or "log"."""

    focus: str


class InspectorSized(Action, frozen=True):
    """The inspector is to be so many cells wide, as far as there is room."""

    cells: int


class Copied(Action, frozen=True):
    """Put this text on the clipboard; `what` names it."""

    text: str
    what: str


class CursorMoved(Action, frozen=True):
    """The cursor stands on another node; None where nothing can hold it. `by` says who moved it."""

    path: str | None
    by: str = "canvas"


class NodesCopied(Action, frozen=True):
    """Keep these nodes to be pasted, and put them on the clipboard as TOML. `inputs`: a paste is to keep what they get
    from others; `cut`: they go from where they are."""

    paths: tuple[str, ...]
    inputs: bool = False
    cut: bool = False


class NodesPasted(Action, frozen=True):
    """Paste nodes into the group `owner` (empty: the top): those that were copied, or those in a text from elsewhere."""

    owner: str = ""
    text: str | None = None
    inputs: bool = False


class ModeChanged(Action, frozen=True):
    """The canvas is in a mode now, or (empty) in none; `keys` are what keys do in it, as (key, word)."""

    mode: str = ""
    keys: tuple[tuple[str, str], ...] = ()


class Zoomed(Action, frozen=True):
    """The canvas is at another zoom: 1 cards, 2 lines, 3 dots."""

    zoom: int


class NodeOpened(Action, frozen=True):
    """Enter or a double click on a node."""

    path: str


class WentIn(Action, frozen=True):
    """Go into a sub-workflow: the canvas shows what is inside."""

    path: str


class CameOut(Action, frozen=True):
    """Come out to the workflow around; `levels` more than 1 by a click on the breadcrumb."""

    levels: int = 1


class PlaceChosen(Action, frozen=True):
    """One of the places in the top bar."""

    place: Place


class DrawerChosen(Action, frozen=True):
    """Open this drawer, or close it where it is open; None closes any."""

    drawer: str | None


class FindingChosen(Action, frozen=True):
    """Go to what the finding with this number is about."""

    index: int


class FixChosen(Action, frozen=True):
    """Mend the finding with this number, where there is just one thing to do."""

    index: int


class ProjectChosen(Action, frozen=True):
    """Open this project: a folder, or a workflow file."""

    path: Path


class TemplateChosen(Action, frozen=True):
    """Make a new project from a template in this folder, and open it."""

    template: str
    folder: Path


class TrustAnswered(Action, frozen=True):
    """The answer to the trust question: "no", "once" or "always"."""

    answer: str


class RunChosen(Action, frozen=True):
    """Show this run of the history on the canvas."""

    run: str


class ThemeChosen(Action, frozen=True):
    """Another theme, from the palette or the next one by key."""

    theme: str


class GlyphsChosen(Action, frozen=True):
    """ASCII glyphs or Unicode ones."""

    ascii: bool


class Resized(Action, frozen=True):
    """The terminal has this many cells."""

    width: int
    height: int


class Edited(Action, frozen=True):
    """An edit of the project. Consecutive ones with the same `key` (a word typed into a field, a drag) are one step.

    One that is made `instead` takes back the last one with its key before. One that cannot be made is told to the
    person, with the remedy.
    """

    edit: Edit
    key: str | None = None
    instead: bool = False


class Undone(Action, frozen=True):
    """Take the last step back."""


class Redone(Action, frozen=True):
    """Make the step again that was taken back last."""


class MergeAnswered(Action, frozen=True):
    """Whose value holds, by the keys at which both changed it; None: later."""

    answers: Answers | None = None


class ChangeAnswered(Action, frozen=True):
    """Whether the run in hand goes on with the edits."""

    go_on: bool


class Recovered(Action, frozen=True):
    """Take up the draft that was kept, or forget it."""

    take: bool


# -- from the world --------------------------------------------------------------------------------------------------


class RecentRead(Action, frozen=True):
    """The projects that were opened before, newest first."""

    recent: tuple[Recent, ...]


class ProjectRead(Action, frozen=True):
    """A project file was read and checked; `trusted` tells whether its code may run, `view` how it was looked at, `kept`
    what was never saved of it."""

    document: Document
    trusted: bool = False
    view: Remembered | None = None
    kept: KeptDraft | None = None


class Saved(Action, frozen=True):
    """The text of a draft is in its file now; `stamp` is that of the file."""

    path: Path
    text: str
    stamp: str


class DraftChecked(Action, frozen=True):
    """What is to be said about the draft with this number; `project` is what its text says, if that is not the draft's."""

    number: int
    project: Project | None
    findings: tuple[Finding, ...]


class ChangeForeseen(Action, frozen=True):
    """What the edits would mean for each node of the run in hand."""

    nodes: tuple[Foreseen, ...]


class InnerRead(Action, frozen=True):
    """The workflow file that a node runs was read; `scope` says from where one went in."""

    scope: tuple[str, ...]
    node: str
    workflow: Workflow


class ProjectBroken(Action, frozen=True):
    """A project file cannot be read as it is now."""

    broken: Broken


class CodeRead(Action, frozen=True):
    """The source of a task, found by reading; `code` is None where it was not found."""

    reference: str
    code: Code | None


class CatalogRead(Action, frozen=True):
    """What can be added to the project in this folder: its functions, found by reading, and the kinds of nodes."""

    folder: Path
    catalog: Catalog


class FunctionWritten(Action, frozen=True):
    """A new function stands at this line of a file; `then_open` if the person's editor is to show it."""

    folder: Path
    reference: str
    file: Path
    line: int
    then_open: bool = False


class RunBegan(Action, frozen=True):
    """The engine took a run of this project."""

    run: RunNow


class RunAdvanced(Action, frozen=True):
    """What changed since the last frame; `nodes` holds only the nodes that changed."""

    run: RunNow
    nodes: Mapping[str, NodeNow]


class RunEnded(Action, frozen=True):
    """The run in hand is over; its last states stay on the canvas."""

    run: RunNow


class PastRunRead(Action, frozen=True):
    """A run of the history was folded from its journal."""

    run: RunNow
    nodes: Mapping[str, NodeNow]


class AgentsRead(Action, frozen=True):
    """How the agents do: those of the run in hand, and those of this machine."""

    agents: tuple[AgentNow, ...]


class AgentsWanted(Action, frozen=True):
    """The list of agents is on the screen: a moment has passed since it was last read."""


class AgentEnded(Action, frozen=True):
    """A person said yes to ending this agent."""

    name: str


class AgentDrained(Action, frozen=True):
    """A person wants this agent to finish what it has, and take nothing new."""

    name: str


class RunsRead(Action, frozen=True):
    """The history of this project, newest first."""

    runs: tuple[RunNow, ...]


class Told(Action, frozen=True):
    """Something to tell the person in one line; `severity` is "information", "warning" or "error"."""

    message: str
    severity: str = "information"
