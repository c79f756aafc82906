"""What the canvas does for the ids of `studio.keys`. An act that returns False had nothing to do: the key is for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.draw.scene import Form
from studio.actions import CameOut, NodeOpened, WentIn
from studio.widgets.edit_acts import EDIT_ACTS
from studio.widgets.find_mode import FindMode
from studio.widgets.jump_mode import JumpMode

if TYPE_CHECKING:
    from studio.widgets.graph_canvas import GraphCanvas

Act = Callable[["GraphCanvas"], object]

_KIND = "sub_workflow"


def _open(canvas: GraphCanvas) -> bool:
    path = canvas.stage.path
    if path is None:
        return False
    if path in canvas.desk.gaps:  # what could be there is not there yet
        return canvas.ask("add")
    canvas.send(NodeOpened(path))
    return True


def _dive(canvas: GraphCanvas) -> bool:
    stage = canvas.stage
    box = stage.view.cursor
    if box is None:
        return False
    node = stage.graph.boxes[box]
    if node.kind == _KIND:
        canvas.send(WentIn(node.path))
        return True
    form = stage.forms.get(box)
    return stage.fold(box, Form.LISTED if form is Form.OPEN else Form.OPEN) if form is not None else False


def _surface(canvas: GraphCanvas) -> bool:
    if not canvas.stage.everything():
        canvas.send(CameOut())
    return True


def _cancel(canvas: GraphCanvas) -> bool:
    """One step back: what lies over the picture, then the marks of a search, the selection, the neighbourhood."""
    stage = canvas.stage
    if stage.over.callout is not None:
        stage.over.callout = None
    elif stage.view.matches:
        stage.find("")
    elif stage.view.selected:
        stage.view = replace(stage.view, selected=frozenset())
    elif not stage.everything():
        return False
    return True


ACTS: Mapping[str, Act] = {
    "move.left": lambda canvas: canvas.stage.move("left"),
    "move.right": lambda canvas: canvas.stage.move("right"),
    "move.up": lambda canvas: canvas.stage.move("up"),
    "move.down": lambda canvas: canvas.stage.move("down"),
    "half.left": lambda canvas: canvas.stage.leap("left"),
    "half.right": lambda canvas: canvas.stage.leap("right"),
    "half.up": lambda canvas: canvas.stage.leap("up"),
    "half.down": lambda canvas: canvas.stage.leap("down"),
    "move.first": lambda canvas: canvas.stage.ends(last=False),
    "move.last": lambda canvas: canvas.stage.ends(last=True),
    "open": _open,
    "zoom.in": lambda canvas: canvas.stage.zoom_by(-1),
    "zoom.out": lambda canvas: canvas.stage.zoom_by(1),
    "zoom.next": lambda canvas: canvas.stage.zoom_next(),
    "fit": lambda canvas: canvas.stage.fit(),
    "fit.selection": lambda canvas: canvas.stage.fit(canvas.stage.view.selected or canvas.stage.view.kin),
    "fold": lambda canvas: canvas.stage.fold(),
    "dive": _dive,
    "surface": _surface,
    "near": lambda canvas: canvas.stage.nearby() > 0,
    "minimap": lambda canvas: [canvas.stage.toggle_map()],
    "find": lambda canvas: canvas.enter(FindMode(canvas)),
    "find.next": lambda canvas: canvas.stage.next_match(1)[1] > 0,
    "find.previous": lambda canvas: canvas.stage.next_match(-1)[1] > 0,
    "jump": lambda canvas: canvas.enter(JumpMode(canvas)),
    "select": lambda canvas: canvas.stage.select(),
    "cancel": _cancel,
    **EDIT_ACTS,
}
