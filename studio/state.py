"""Everything the studio knows at a moment, as frozen records: what screens show and nothing else.

The canvas keeps its own camera and layout (they follow from the document and the size), the engine keeps the run. Here
is what a person would miss if it were forgotten: which project, which place, where the cursor is, what is open, what
the run looked like in the last frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.project.model import Node, SubWorkflow, Workflow
from studio.document.catalog import KINDS, Catalog
from studio.document.code import Code
from studio.document.draft import Draft
from studio.document.history import History
from studio.document.merge import Clash
from studio.document.reader import Broken, Document, node_at

Place = Literal["welcome", "editor", "monitor", "runs", "agents"]
Part = Literal["all", "to", "from", "only"]
"""How much of a workflow is to run: all, what leads to the node at the cursor, what follows it, or it alone."""

Drawer = Literal["problems", "toml", "changes", "log"]

MIN_WIDTH, MIN_HEIGHT = 60, 16
LIVE_STATES = frozenset({"ready", "running", "paused", "compensating"})


class Recent(Struct, frozen=True):
    """A project that was opened before; `opened` is a moment in seconds since 1970."""

    path: Path
    name: str
    opened: float


class NodeNow(Struct, frozen=True):
    """What one node of a run looks like now.

    `state` is a word of the table in `theme`. `seconds` is how long it took or has been running; `started` the moment
    it began (since 1970) while it runs. `fraction` is 0 to 1 or None. `error` is one line, `trouble` the whole
    traceback. `agent` is who got its last attempt, empty for this machine.
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
    agent: str = ""


class RunNow(Struct, frozen=True):
    """What a run looks like now. `state` is a word: ready, running, paused, compensating, completed, failed, canceled.

    `counts` counts nodes by their state. `started` is a moment since 1970, `seconds` the time that has passed.
    """

    id: str
    state: str
    started: float = 0.0
    seconds: float = 0.0
    total: int = 0
    counts: Mapping[str, int] = {}
    error: str = ""

    @property
    def live(self) -> bool:
        """Whether the run still goes on."""
        return self.state in LIVE_STATES

    @property
    def done(self) -> int:
        """How many nodes need nothing more."""
        return sum(self.counts.get(state, 0) for state in ("completed", "failed", "skipped", "canceled", "cached"))


class AgentNow(Struct, frozen=True):
    """An agent as the screen shows it. `state` is a word such as available, busy, offline; `heard` seconds since it last
    said something, None where it does not live; `own` tells that the run of this studio uses it; `running` names what of
    that run is there, `busy` counts all that is. `engine` is who holds it, `reason` why it is not available."""

    name: str
    state: str
    slots: int
    busy: int = 0
    load: float = 0.0
    heard: float | None = None
    labels: tuple[str, ...] = ()
    engine: str = ""
    reason: str = ""
    own: bool = False
    running: tuple[str, ...] = ()


class Remembered(Struct, frozen=True):
    """How a project was looked at when it was left."""

    cursor: str | None = None
    drawer: Drawer | None = None
    inspector: bool | None = None
    zoom: int | None = None


class Foreseen(Struct, frozen=True):
    """What a change of the run in hand would mean for a node; `fate` is a word for people, `cancels`: it is ended first."""

    path: str
    fate: str
    reason: str = ""
    cancels: bool = False


class KeptDraft(Struct, frozen=True):
    """A draft that was kept when a studio ended: its text, that of the file it was made from, when (since 1970)."""

    text: str
    base: str
    kept: float


class Merge(Struct, frozen=True):
    """The file was changed by another program, too: as it is now, and where both changed the same value."""

    theirs: Document
    clashes: tuple[Clash, ...]


class Inner(Struct, frozen=True):
    """A sub-workflow that the canvas shows the inside of; `node` is the path that leads into it from the one around."""

    node: str
    workflow: Workflow


class StudioState(Struct, frozen=True):
    """The whole.

    `document` is the draft as screens show it (`draft.document`): what the file says, with the edits made since.
    `merge` waits for a person's choice, and `kept` is a draft from before that was not taken up yet. `foreseen` is
    what the edits would mean for the run in hand, while that is asked. `inspector` is None where the size of the
    terminal decides, `inspector_cells` how wide a person made it (0: nobody did), `about` whether it tells of the
    node under the cursor or of the project, `field` the one that a finding led to. `line` of the project file is
    where a finding led. `focus` is the pane that gets the keys: "canvas", "inspector", "field" while somebody types
    in it, or the open drawer. `wanted`: a run of this part waits for the answer to the trust question. `nodes` holds
    the states of the run in hand by path. `code` is the source of the task `code_of`; `catalog` is what can be added:
    functions of the project, and kinds of nodes. `mode` is the canvas's, in capitals, and `mode_keys` what keys do in
    it, as (key, word); `zoom` is the one it is at, None if it never said.
    """

    place: Place = "welcome"
    document: Document | None = None
    draft: Draft | None = None
    history: History = History()
    merge: Merge | None = None
    kept: KeptDraft | None = None
    foreseen: tuple[Foreseen, ...] = ()
    broken: Broken | None = None
    trusted: bool = False
    wanted: Part | None = None
    stack: tuple[Inner, ...] = ()
    cursor: str | None = None
    drawer: Drawer | None = None
    line: int = 0
    inspector: bool | None = None
    inspector_cells: int = 0
    about: Literal["node", "project"] = "node"
    field: tuple[str, ...] = ()
    focus: str = "canvas"
    code: Code | None = None
    code_of: str = ""
    catalog: Catalog = Catalog(KINDS)
    copied: str = ""
    copied_inputs: bool = False
    run: RunNow | None = None
    nodes: Mapping[str, NodeNow] = {}
    runs: tuple[RunNow, ...] | None = None
    agents: tuple[AgentNow, ...] | None = None
    recent: tuple[Recent, ...] = ()
    theme: str = "loom-dark"
    ascii: bool = False
    width: int = 80
    height: int = 24
    mode: str = ""
    mode_keys: tuple[tuple[str, str], ...] = ()
    zoom: int | None = None

    @property
    def scope(self) -> tuple[str, ...]:
        """The sub-workflows that one went into, outermost first."""
        return tuple(inner.node for inner in self.stack)

    @property
    def workflow(self) -> Workflow | None:
        """What the canvas shows: the project's own workflow, or the one that one went into."""
        if self.stack:
            return self.stack[-1].workflow
        return self.document.project.workflow if self.document is not None else None

    @property
    def dirty(self) -> bool:
        """Whether there are edits that are not in the file."""
        return self.draft is not None and self.draft.dirty

    @property
    def editing(self) -> str | None:
        """The `workflow` of edits of what the canvas shows: empty for the project's own nodes, the NAME of a
        [workflows.NAME]; None for a workflow file of its own, which is edited by opening it."""
        if not self.stack or self.document is None:
            return ""
        around = self.stack[-2].workflow if len(self.stack) > 1 else self.document.project.workflow
        node = node_at(around, self.stack[-1].node)
        name = node.body.workflow if node is not None and isinstance(node.body, SubWorkflow) else None
        return name if name in self.document.project.workflows else None

    @property
    def places(self) -> Mapping[str, tuple[int, int]]:
        """Where a person put nodes of what the canvas shows, by their path there: column and row."""
        editing = self.editing
        return self.draft.places_in(editing) if self.draft is not None and editing is not None else {}

    @property
    def shown_nodes(self) -> Mapping[str, NodeNow]:
        """The states of the nodes on the canvas, by their path there."""
        if not self.stack:
            return self.nodes
        prefix = "/".join(self.scope) + "/"
        return {path[len(prefix) :]: now for path, now in self.nodes.items() if path.startswith(prefix)}

    @property
    def run_id(self) -> str:
        """The id of the run in hand, empty where there is none."""
        return self.run.id if self.run is not None else ""

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        return node_at(self.workflow, self.cursor) if self.workflow is not None and self.cursor else None

    def near(self, text: str) -> str:
        """A text with paths of this project told from its folder: `File "tasks.py"`."""
        return text.replace(f"{self.document.folder}/", "") if self.document is not None else text

    @property
    def node_now(self) -> NodeNow | None:
        """What the node under the cursor looks like in the run in hand."""
        return self.nodes.get("/".join((*self.scope, self.cursor))) if self.cursor else None

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
