"""What the canvas does for the editing commands of `studio.keys`: it enters a mode, or makes the edit at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import structs

from engine.draw.scene import Graph
from engine.project.model import Composite, SubWorkflow
from studio.actions import NodesCopied, NodesPasted
from studio.document.edits import (
    DeleteNodes,
    Duplicate,
    Edit,
    InlineWorkflow,
    SetEnabled,
    Ungroup,
    Unpin,
    Wrap,
)
from studio.modes import addition, name, selection
from studio.modes.connection import ConnectMode
from studio.modes.cut import CutMode, edges_of
from studio.modes.move import carry
from studio.modes.turn import Mode, Sight, Turn
from studio.modes.wiring import Lead
from studio.pictures import steps
from studio.widgets.hand import may_edit, perform, sight_of, start

if TYPE_CHECKING:
    from studio.widgets.graph_canvas import GraphCanvas

Act = Callable[["GraphCanvas"], object]


def _entering(begin: Callable[[Sight], Mode | None]) -> Act:
    return lambda canvas: start(canvas, begin)


def _at_once(decide: Callable[[Sight], Turn | None]) -> Act:
    def act(canvas: GraphCanvas) -> bool:
        turn = decide(sight_of(canvas)) if may_edit(canvas) else None
        if turn is not None:
            perform(canvas, turn)
        return turn is not None

    return act


# -- modes -----------------------------------------------------------------------------------------------------------


def _connect(sight: Sight) -> Mode | None:
    path = sight.cursor
    return ConnectMode(path) if path is not None and path not in sight.gaps else None


def _cut_wire(sight: Sight) -> Mode | None:
    path = sight.cursor
    return CutMode(path) if path is not None and edges_of(path, sight) else None


def _insert(sight: Sight) -> Mode | None:
    """On the edges that leave the cursor's node."""
    path = sight.cursor
    found = [lead for lead in edges_of(path, sight) if lead.source == path] if path is not None else []
    leads: list[Lead] = [lead for lead in found if lead.target.rpartition("/")[0] == (path or "").rpartition("/")[0]]
    return addition.insert(sight, tuple(leads))


def _band(sight: Sight) -> Mode | None:
    path = sight.cursor
    return selection.BandMode(anchor=path, kept=frozenset()) if path is not None else None


# -- edits at once ---------------------------------------------------------------------------------------------------


def _chosen(sight: Sight) -> tuple[str, ...]:
    return tuple(path for path in sight.chosen if path not in sight.gaps)


def delete(sight: Sight) -> Turn | None:
    """Delete what is chosen; the cursor goes to the node left of it."""
    paths = _chosen(sight)
    if not paths:
        return None
    return Turn(edit=DeleteNodes(paths), cursor=_neighbour(sight, paths), select=frozenset())


def _neighbour(sight: Sight, paths: tuple[str, ...]) -> str | None:
    """Where the cursor goes when these are gone: left, else up, down or right, else to the group around."""
    start_at = sight.index.get(sight.cursor if sight.cursor in paths else paths[0])
    if start_at is None or sight.cursor not in paths:
        return sight.cursor
    gone = {sight.index[path] for path in paths if path in sight.index}
    for direction in ("left", "up", "down", "right"):
        box = sight.scene.visible(start_at)
        for _ in range(len(paths) + 1):
            found = steps.step(sight.scene, box, direction)
            if found == box:
                break
            box = found
            if box not in gone and gone.isdisjoint(sight.web.around(box)):
                return sight.path(box)
    return None


def _bypass(sight: Sight) -> Turn | None:
    paths = _chosen(sight)
    found = [sight.node_at(path) for path in paths]
    on = not all(node is None or node.settings.enabled for node in found)
    return Turn(edit=SetEnabled(paths, on)) if paths else None


def _ungroup(sight: Sight) -> Turn | None:
    path = sight.cursor
    node = sight.node_at(path) if path is not None else None
    if path is None or node is None:
        return None
    edit: Edit
    if isinstance(node.body, Composite):
        edit = Ungroup(path)
        owner = path.rpartition("/")[0]
        first = next(iter(node.body.nodes), None)
        goal = None if first is None else f"{owner}/{first}" if owner else first
        return Turn(edit=edit, cursor=goal)
    if isinstance(node.body, SubWorkflow):
        return Turn(edit=InlineWorkflow(path))
    return Turn(tell=f"{path.rpartition('/')[2]} is no group: there is nothing to take apart")


def _tidy(canvas: GraphCanvas) -> bool:
    """Let the layout place what is selected, or all: then all is laid out anew, too."""
    stage, sight = canvas.stage, sight_of(canvas)
    if not stage.graph.boxes or not may_edit(canvas):
        return False
    paths = tuple(sight.path(box) or "" for box in sorted(stage.view.selected))
    held = stage.view.pinned
    if not paths:
        stage.tidy(unpinned(stage.whole))
    if held:
        stage.loosen(paths)
        perform(canvas, Turn(edit=Unpin(paths)))
    return True


def unpinned(graph: Graph) -> Graph:
    """The same graph, every box where the layout wants it."""
    boxes = [box if box.pin is None else structs.replace(box, pin=None, layer=0) for box in graph.boxes]
    return Graph(boxes, graph.edges)


def _duplicate(sight: Sight) -> Turn | None:
    paths = _chosen(sight)
    return Turn(edit=Duplicate(paths)) if paths else None


def _wrap(sight: Sight, into: Literal["map", "loop", "conditional"]) -> Turn | None:
    path = sight.cursor
    return Turn(edit=Wrap(path, into)) if path is not None and path not in sight.gaps else None


def _copied(canvas: GraphCanvas, *, inputs: bool = False, cut: bool = False) -> bool:
    paths = _chosen(sight_of(canvas))
    if canvas.where != "editor" or canvas.desk.editing is None or not paths:
        return False
    canvas.send(NodesCopied(paths, inputs, cut))
    return True


def _pasted(canvas: GraphCanvas, *, inputs: bool = False, text: str | None = None) -> bool:
    """Into the group that the cursor is in."""
    if not may_edit(canvas):
        return False
    sight = sight_of(canvas)
    owner = (sight.cursor or "").rpartition("/")[0]
    canvas.send(NodesPasted(owner if sight.holds_nodes(owner) else "", text, inputs))
    return True


def paste_text(canvas: GraphCanvas, text: str) -> bool:
    """Text that was pasted by the terminal: nodes of another project, or nothing."""
    return _pasted(canvas, text=text)


EDIT_ACTS: Mapping[str, Act] = {
    "add": _entering(addition.add_after),
    "add.free": _entering(addition.add_free),
    "insert": _entering(_insert),
    "connect": _entering(_connect),
    "disconnect": _entering(_cut_wire),
    "move": _entering(carry),
    "band": _entering(_band),
    "select.menu": _entering(lambda _: selection.SelectMenu()),
    "select.all": _at_once(lambda sight: selection.selected("all", sight)),
    "select.up": _at_once(lambda sight: selection.selected("up", sight)),
    "select.down": _at_once(lambda sight: selection.selected("down", sight)),
    "select.kind": _at_once(lambda sight: selection.selected("kind", sight)),
    "rename": _entering(name.rename),
    "note": _entering(name.note),
    "group": _entering(name.group),
    "extract": _entering(name.extract),
    "delete": _at_once(delete),
    "duplicate": _at_once(_duplicate),
    "bypass": _at_once(_bypass),
    "ungroup": _at_once(_ungroup),
    "tidy": _tidy,
    "copy": _copied,
    "copy.inputs": lambda canvas: _copied(canvas, inputs=True),
    "cut": lambda canvas: _copied(canvas, cut=True),
    "paste": _pasted,
    "paste.inputs": lambda canvas: _pasted(canvas, inputs=True),
    "wrap.map": _at_once(lambda sight: _wrap(sight, "map")),
    "wrap.loop": _at_once(lambda sight: _wrap(sight, "loop")),
    "wrap.conditional": _at_once(lambda sight: _wrap(sight, "conditional")),
}
"""What the canvas does where one draws. False: there was nothing to do."""
