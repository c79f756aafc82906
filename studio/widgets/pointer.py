"""The mouse on the canvas: press, drag, click, wheel, and resting on a node.

A mode is asked first. Without one, or where it does not take what happened, a drag pans (or moves the view on the map),
a click puts the cursor, and a pointer that rests on a node for a while is told about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from textual import events
from textual.timer import Timer

from studio.widgets.hand import add_there, grip
from studio.widgets.mode import Mode

if TYPE_CHECKING:
    from studio.widgets.graph_canvas import GraphCanvas

HOVER_SECONDS = 0.5
_WHEEL_ROWS, _WHEEL_COLUMNS = 3, 8


class Press(NamedTuple):
    """Where a button went down: a cell of the view, the box there, and with what keys held."""

    x: int
    y: int
    box: int | None
    shift: bool = False
    ctrl: bool = False
    button: int = 1


Grip = Callable[["GraphCanvas", Press], Mode | None]
"""What a drag from a place means: the mode that it begins, or None if that is for others to say."""


class Pointer:
    """What the mouse does on one canvas. `grips` are asked in turn when a press becomes a drag."""

    def __init__(self, canvas: GraphCanvas) -> None:
        self.canvas = canvas
        self.grips: list[Grip] = [grip]
        self.other: Callable[[events.Click], None] = lambda click: add_there(canvas, click)
        self.pressed: Press | None = None
        self._last = (0, 0)
        self._dragged = False
        self._on_map = False
        self._timer: Timer | None = None

    # -- buttons -----------------------------------------------------------------------------------------------------

    def press(self, event: events.MouseDown) -> None:
        """Press: a place on the map, or the start of a drag."""
        canvas, stage = self.canvas, self.canvas.stage
        canvas.focus()
        self._dragged = self._on_map = False
        if event.button not in (1, 2):
            return
        spot = stage.map_spot
        self._on_map = spot is not None and spot.holds(event.x, event.y)
        self.pressed = Press(event.x, event.y, stage.box_at(event.x, event.y), event.shift, event.ctrl, event.button)
        self._last = (event.x, event.y)
        canvas.capture_mouse()
        if self._on_map:
            if stage.look_at_map(event.x, event.y):
                canvas.repaint()
        elif canvas.mode is not None and canvas.mode.press(event):
            canvas.repaint()

    def hold(self) -> None:
        """Go on with a drag that began elsewhere."""
        self.pressed, self._dragged, self._on_map = Press(-1, 0, None), True, False
        self.canvas.focus()
        self.canvas.capture_mouse()

    def move(self, event: events.MouseMove) -> None:
        """Drag, or a look at what is under the pointer."""
        canvas, stage = self.canvas, self.canvas.stage
        if self.pressed is None:
            if canvas.mode is not None and canvas.mode.hover(event):
                canvas.repaint()
            else:
                self.hover(stage.box_at(event.x, event.y))
            return
        across, down = self._last[0] - event.x, self._last[1] - event.y
        self._last = (event.x, event.y)
        if self._on_map:
            if stage.look_at_map(event.x, event.y):
                canvas.repaint()
            return
        if not across and not down:
            return
        if not self._dragged:
            self._dragged = True
            self._grip(self.pressed)
        if (canvas.mode is not None and canvas.mode.drag(event)) or stage.pan(across, down):
            canvas.repaint()

    def _grip(self, press: Press) -> None:
        if self.canvas.mode is None:
            mode = next((found for grip in self.grips if (found := grip(self.canvas, press)) is not None), None)
            if mode is not None:
                self.canvas.enter(mode)

    def release(self, event: events.MouseUp) -> None:
        """The end of a drag, or of a click."""
        canvas = self.canvas
        if self.pressed is not None and self._dragged and canvas.mode is not None and canvas.mode.drop(event):
            canvas.repaint()
        self.pressed = None
        canvas.release_mouse()

    def click(self, event: events.Click) -> None:
        """A node: cursor, with Shift the selection, its kind folds a group, twice opens or goes in."""
        canvas, stage = self.canvas, self.canvas.stage
        if self._dragged or self._on_map or event.button == 2:
            return
        if canvas.mode is not None and canvas.mode.click(event):
            canvas.repaint()
            return
        if event.button == 3:
            self.other(event)
            return
        box = stage.box_at(event.x, event.y)
        if box is None:
            return
        if event.shift:
            stage.select(box)
        elif event.chain == 1 and stage.on_kind(box, event.x, event.y):
            stage.fold(box)
            stage.put(box)
        else:
            stage.put(box)
            if event.chain == 2 and not canvas.ask("dive"):
                canvas.ask("open")
        canvas.repaint()

    # -- wheel -------------------------------------------------------------------------------------------------------

    def wheel(self, event: events.MouseEvent, across: int, down: int) -> None:
        """One notch: down or up, with Shift to the side, with Ctrl farther away or nearer."""
        event.stop()
        event.prevent_default()
        stage = self.canvas.stage
        if event.ctrl and down:
            zoom = stage.zoom
            stage.zoom_by(down, stage.box_at(event.x, event.y))
            self.canvas.repaint()
            self.canvas.tell_zoom(zoom)
            return
        if event.shift:
            across, down = across + down, 0
        if stage.pan(across * _WHEEL_COLUMNS, down * _WHEEL_ROWS):
            self.canvas.repaint()

    # -- resting -----------------------------------------------------------------------------------------------------

    def hover(self, box: int | None) -> None:
        """The pointer is over this box, or over none."""
        canvas, stage = self.canvas, self.canvas.stage
        if box == stage.view.hover:
            return
        touched = [each for each in (box, stage.view.hover) if each is not None]
        stage.view = replace(stage.view, hover=box)
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if stage.over.callout is not None:
            stage.over.callout = None
            canvas.repaint()
        else:
            canvas.repaint(stage.rows_of(touched))
        if box is not None:
            self._timer = canvas.set_timer(HOVER_SECONDS, lambda: self.rest_on(box))

    def rest_on(self, box: int) -> None:
        """The pointer has been over this box for a while: tell more about it."""
        if self.canvas.stage.view.hover == box and self.canvas.mode is None:
            self.canvas.stage.over.callout = box
            self.canvas.repaint()
