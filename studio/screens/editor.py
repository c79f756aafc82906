"""The canvas and what stands around it: rail, inspector, drawer, and the line of the node where there is little
room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from textual import events
from textual.app import ComposeResult

from engine.draw.scene import Zoom
from engine.project.model import Workflow
from studio.actions import Action, Asked, CursorMoved, FixChosen, FocusMoved, ModeChanged, Zoomed
from studio.document.draft import Draft
from studio.document.drawing import Drawing, drawing_of, plain_drawing
from studio.document.reader import Document, path_of_keys
from studio.keys import ACTIONS, KeyAction
from studio.log_book import LogBook
from studio.notices import Notice
from studio.screens.room import canvas_size, covered, drawer_height, inspector_width
from studio.state import Inner, NodeNow, StudioState
from studio.theme import sign
from studio.widgets.bars import Bar, node_line
from studio.widgets.hand import take_kind
from studio.widgets.holder import Holder
from studio.widgets.inspector import Inspector
from studio.widgets.page import Line, Piece
from studio.widgets.rail import Rail

if TYPE_CHECKING:
    from pathlib import Path

    from studio.widgets.changes_list import ChangesList
    from studio.widgets.drawers import Problems
    from studio.widgets.graph_canvas import GraphCanvas
    from studio.widgets.log_view import LogView
    from studio.widgets.project_file import ProjectFile

    Drawn = Problems | ProjectFile | ChangesList | LogView

PANES = {
    "graph": "canvas",
    "inspector": "inspector",
    "problems": "problems",
    "toml": "toml",
    "changes": "changes",
    "log": "log",
}


NO_NODES = ("No nodes yet", "a adds one, T opens the TOML")
NO_FILE = ("Nothing to draw yet", "! says what is wrong, e opens the file there")


class Shown(NamedTuple):
    """What the canvas was told last."""

    workflow: Workflow | None = None
    drawing: Drawing = Drawing()
    document: Document | None = None
    stack: tuple[Inner, ...] = ()
    nodes: Mapping[str, NodeNow] = {}
    run: str = ""
    draft: Draft | None = None


class Editor(Holder):
    """The place where one draws and watches. What is seldom open is made when it is first opened."""

    DEFAULT_CSS = """
    Editor { height: 1fr; }
    Editor #middle { height: 1fr; layout: horizontal; }
    Editor #center { width: 1fr; height: 1fr; }
    Editor #drawer { height: 9; display: none; }
    Editor #drawer-page { height: 1fr; }
    Editor .off { display: none; }
    """

    def __init__(
        self, book: LogBook, *, actions: Mapping[str, KeyAction] = ACTIONS, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__()
        self.book = book
        self._actions, self._colour, self._ascii = actions, colour, ascii
        self.state: StudioState | None = None
        self._banner = Bar(banner, ground="failbg", id="banner")
        self._node_line = Bar(node_line, ground="surface", id="node-line")
        self._rail = Rail(id="rail")
        self._inspector = Inspector(id="inspector")
        self._center = Holder(id="center")
        self._drawer = Holder(id="drawer")
        self._tabs = Bar(self._tab_line, id="tabs")
        self._pages: dict[str, Drawn] = {}
        self._changes: ChangesList | None = None
        self._drawer_shown: str | None = None
        self._shown = Shown()
        self._told_by_canvas: str | None = None
        self._aside = False
        self.canvas = self._made()

    def _made(self) -> GraphCanvas:
        from studio.widgets.graph_canvas import GraphCanvas

        return GraphCanvas(id="graph", colour=self._colour, ascii=self._ascii, actions=self._actions)

    def compose(self) -> ComposeResult:
        with Holder(id="middle"):
            yield self._rail
            with self._center:
                yield self._banner
                yield self.canvas
                with self._drawer:
                    yield self._tabs
            yield self._inspector
        yield self._node_line

    def on_mount(self) -> None:
        """Now it can be shown."""
        if hasattr(self.screen, "hear"):
            self.canvas.listener = self._hear
        show_place = getattr(self.screen, "show_place", None)
        if show_place is not None:
            show_place()

    # -- showing -----------------------------------------------------------------------------------------------------

    def show(self, state: StudioState) -> None:
        """Show this state."""
        self.state = state
        self._rail.display = state.width >= 100
        self._banner.display = state.broken is not None
        if state.broken is not None:
            self._banner.show(state)
        self._inspector.display = state.inspector_open
        self._center.display = not covered(state)
        if state.inspector_open:
            self._inspector.styles.width = inspector_width(state)
            self._inspector.show(state)
        self._node_line.display = not state.inspector_open and state.node is not None
        if self._node_line.display:
            self._node_line.show(state)
        self._show_drawer(state)
        self._show_graph(state)
        self._put_focus(state)

    def _show_graph(self, state: StudioState) -> None:
        """Tell the canvas what is new to it, and nothing else."""
        canvas = self.canvas
        if not all(canvas.size):
            # The first zoom depends on the size, which Textual does not know before the first layout; we do.
            canvas.stage.resize(*canvas_size(state))
        with canvas.at_once():
            self._tell_canvas(state, self._shown)

    def _tell_canvas(self, state: StudioState, shown: Shown) -> None:
        canvas = self.canvas
        canvas.where = "monitor" if state.place == "monitor" else "editor"
        if state.ascii != self._ascii:
            self._ascii = state.ascii
            canvas.draw_with(ascii=state.ascii)
        workflow, nodes = state.workflow, state.shown_nodes
        if workflow is None or not workflow.nodes:
            canvas.say_when_empty(*(NO_FILE if state.document is None else NO_NODES))
        drawing = self._drawn(state, shown)
        if drawing is not shown.drawing:
            self._show_picture(state, shown, drawing)
        if state.document is not shown.document or state.stack != shown.stack or state.drawer != self._drawer_shown:
            self._mark(state)
        canvas.dim(on=state.broken is not None)
        if drawing is not shown.drawing or state.run_id != shown.run:
            if nodes or shown.nodes:
                canvas.tell(nodes)
        elif nodes is not shown.nodes and nodes != shown.nodes:
            canvas.advance(nodes, {path for path, now in nodes.items() if shown.nodes.get(path) is not now})
        # While the canvas is ahead of its own news (keys come fast), an older place must not pull it back.
        if not self._aside and state.cursor not in (canvas.path, self._told_by_canvas):
            self._told_by_canvas = None
            canvas.go(state.cursor)
        self._shown = Shown(workflow, drawing, state.document, state.stack, nodes, state.run_id, state.draft)

    def _mark(self, state: StudioState) -> None:
        """Findings at their nodes; what differs from the file instead, while that is looked at."""
        self._drawer_shown = state.drawer
        compared = self._changes if state.drawer == "changes" else None
        self.canvas.mark(_marks(state) if compared is None else _changed(compared.changes.nodes, state.editing))

    def on_compared(self) -> None:
        """The drawer of changes made its comparison: the canvas shows it."""
        if self.state is not None:
            self._mark(self.state)

    def _show_picture(self, state: StudioState, shown: Shown, drawing: Drawing) -> None:
        """Another workflow, or other places of its nodes."""
        stage = self.canvas.stage
        if drawing.graph == stage.whole:
            return
        stage.show(drawing.graph)
        if state.zoom is not None and (shown.document is None or _path(shown.document) != _path(state.document)):
            stage.zoom_to(Zoom(state.zoom))
        stage.go(state.cursor)
        self.canvas.repaint()

    def _drawn(self, state: StudioState, shown: Shown) -> Drawing:
        """The drawing of what is shown; the one of before, where that is the same. The canvas's desk goes with it."""
        from studio.modes.desk import Desk, desk_of

        draft, workflow, editing = state.draft, state.workflow, state.editing
        if draft is None or editing is None:
            self.canvas.desk = Desk(workflow, editing=None) if workflow is not None else Desk(editing=None)
            return shown.drawing if workflow is shown.workflow else plain_drawing(workflow)
        drawing, before = shown.drawing, shown.draft
        same = workflow is shown.workflow and before is not None and before.places is draft.places
        if not same:
            drawing = drawing_of(draft, editing, shown.drawing)
        if before is not draft or not same or self.canvas.desk.catalog is not state.catalog:
            self.canvas.desk = desk_of(draft, editing, state.catalog, drawing.gaps)
        return drawing

    def _show_drawer(self, state: StudioState) -> None:
        self._drawer.display = state.drawer is not None
        for name, page in self._pages.items():
            page.display = name == state.drawer
        if state.drawer is None:
            return
        self._drawer.styles.height = drawer_height(state)
        page = self._pages.get(state.drawer) or self._make_page(state.drawer)
        page.show(state)
        self._tabs.show(state)

    def _make_page(self, name: str) -> Drawn:
        page: Drawn
        if name == "changes":
            from studio.widgets.changes_list import ChangesList

            page = self._changes = ChangesList(id="changes", compared=self.on_compared)
        else:
            page = _made(name, self.book)
        self._pages[name] = page
        self._drawer.mount(page)
        return page

    def _tab_line(self, state: StudioState, width: int, ascii: bool) -> Line:
        from studio.widgets.drawers import tabs

        log = self.log_view
        if log is None:
            return tabs(state, width, ascii)
        return tabs(state, width, ascii, missed=log.missed, following=log.following)

    @property
    def log_view(self) -> LogView | None:
        """The log, if it was opened."""
        from studio.widgets.log_view import LogView

        found = self._pages.get("log")
        return found if isinstance(found, LogView) else None

    def refresh_tabs(self) -> None:
        """The log moved: its header tells whether it follows."""
        if self.state is not None and self.state.drawer is not None:
            self._tabs.show(self.state)

    # -- keys --------------------------------------------------------------------------------------------------------

    def _put_focus(self, state: StudioState) -> None:
        panes = {"canvas": self.canvas, "inspector": self._inspector, "field": self._inspector, **self._pages}
        if "toml" in panes:
            panes["text"] = panes["toml"]
        wanted = panes.get(state.focus, self.canvas)
        if not wanted.has_focus and self.screen.is_current:
            wanted.focus(scroll_visible=False)

    def take_focus(self) -> None:
        """The keys are the pane's that the state names."""
        if self.state is not None:
            self._put_focus(self.state)

    def _hear(self, action: Action) -> None:
        """What the canvas says is for the screen; where its cursor is we note on the way."""
        if isinstance(action, CursorMoved) and action.by == "canvas":
            self._told_by_canvas = action.path
        self._aside = isinstance(action, ModeChanged | Zoomed)
        try:
            self.screen.hear(action)  # type: ignore[attr-defined]
        finally:
            self._aside = False

    def on_rail_taken(self, taken: Rail.Taken) -> None:
        """A kind was taken from the rail: where it is put down is the canvas's to see."""
        taken.stop()
        take_kind(self.canvas, taken.kind)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click put the focus somewhere: the state follows."""
        name = PANES.get(event.widget.id or "")
        typing = {"field": "inspector", "text": "toml"}
        if self.state is None or name == typing.get(self.state.focus):
            return
        if name is not None and name != self.state.focus:
            self.post_message(Notice(FocusMoved(name)))

    def command(self, name: str) -> Action | bool:
        """An action to dispatch, or whether the command was ours."""
        if name == "problem.fix":
            page = self._pages.get("problems")
            return FixChosen(getattr(page, "chosen", 0))
        if name in ("field.help", "text.help"):
            return Asked("help")
        file = self._pages.get("toml")
        if name in ("text.write", "text.leave") and file is not None:
            getattr(file, name.partition(".")[2])()
            return True
        if name in _OF_INSPECTOR and self._inspector.has_focus:
            _OF_INSPECTOR[name](self._inspector)
            return True
        if name == "log.follow":
            if self.log_view is not None:
                self.log_view.follow(not self.log_view.following)
                self.refresh_tabs()
            return True
        if name == "cancel" and self.state is not None and self.state.focus != "canvas":
            return False
        return self.canvas.ask(name)


_OF_INSPECTOR: Mapping[str, Callable[[Inspector], object]] = {
    "field.edit": Inspector.edit,
    "field.clear": Inspector.clear,
    "field.toggle": Inspector.toggle,
    "field.rename": Inspector.rename,
    "field.copy": Inspector.copy,
    "inspector.narrower": lambda inspector: inspector.resize_by(-2),
    "inspector.wider": lambda inspector: inspector.resize_by(2),
    "field.accept": lambda inspector: inspector.press("enter"),
    "field.next": lambda inspector: inspector.press("tab"),
    "field.previous": lambda inspector: inspector.press("shift+tab"),
    "field.leave": lambda inspector: inspector.press("escape"),
}


def _path(document: Document | None) -> Path | None:
    return document.path if document is not None else None


def _made(name: str, book: LogBook) -> Drawn:
    """The page of a drawer."""
    if name == "toml":
        from studio.widgets.project_file import ProjectFile

        return ProjectFile(id="toml")
    if name == "log":
        from studio.widgets.log_view import LogView

        return LogView(book, id="log")
    from studio.widgets.drawers import Problems

    return Problems(id="problems")


def _changed(nodes: Mapping[str, str], workflow: str | None) -> dict[str, str]:
    """The marks of one workflow: `NAME:path` are those of a [workflows.NAME]."""
    if workflow is None:
        return {}
    start = f"{workflow}:" if workflow else ""
    return {path[len(start) :]: mark for path, mark in nodes.items() if path.startswith(start) and mark != "removed"}


def _marks(state: StudioState) -> dict[str, str]:
    """Paths with a finding, and how bad it is."""
    found: dict[str, str] = {}
    if state.document is None or state.stack:
        return found
    for finding in state.document.findings:
        path = path_of_keys(tuple(finding.path))
        if path is not None and found.get(path) != "error":
            found[path] = finding.severity
    return found


def banner(state: StudioState, width: int, ascii: bool) -> Line:
    """Why the picture is an old one."""
    broken = state.broken
    if broken is None:
        return []
    place = f"{broken.path.name}:{broken.line}" if broken.line else broken.path.name
    mark = Piece(f" {sign('error', ascii=ascii)} ", "failed", bold=True)
    return [mark, Piece(f"{place} cannot be read: {broken.message}.  ", "text"), *_open_it()]


def _open_it() -> list[Piece]:
    act = Asked("code")
    return [Piece("e", "accent", bold=True, act=act), Piece(" opens it there", "text", act=act)]
