"""Modes of the canvas: what takes keys and pointer for a while, says so in the footer, and paints over the picture.

The canvas has at most one mode. While there is one, every key, paste and move of the pointer is offered to it first;
what it does not take (its method returns False) goes its usual way. A mode begins by an act of the table in
`studio.keys` (a `canvas.enter(SomeMode(canvas))` in `canvas_acts`), or by a drag: see `Pointer.grips`. It ends by
`canvas.leave()`, which calls `end`.

    class Mark(Mode):
        word = "MARK"

        def key(self, event):
            if event.key == "enter":
                self.canvas.leave(keep=True)
            return event.key in ("enter", "up", "down")

        def draw(self, grid):
            grid.put(3, 4, "here", tone("accent"))     # cells of the scene; what is out of view is cut off
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.pictures.cells import Grid

if TYPE_CHECKING:
    from textual import events

    from studio.widgets.graph_canvas import GraphCanvas


class Mode:
    """One mode. Subclasses take what they need of it; the canvas paints again after each thing that was taken."""

    word = ""
    """What the footer calls it, in capitals."""

    def __init__(self, canvas: GraphCanvas) -> None:
        self.canvas = canvas
        self.stage = canvas.stage

    def keys(self) -> tuple[tuple[str, str], ...]:
        """What keys do in it now, as (key, word), most used first; `canvas.tell_mode()` when that changes."""
        return ()

    def begin(self) -> bool:
        """Start; False if there is nothing to be done here, so that it is not entered."""
        return True

    def end(self, *, keep: bool) -> None:
        """Over: what was done so far stays (`keep`), or is as it was before."""

    def key(self, event: events.Key) -> bool:
        """A key; True if it was taken."""
        return False

    def paste(self, text: str) -> bool:
        """Text that was pasted; it never runs as keys."""
        return False

    def press(self, event: events.MouseDown) -> bool:
        """A button went down."""
        return False

    def drag(self, event: events.MouseMove) -> bool:
        """The pointer moved while a button is down."""
        return False

    def drop(self, event: events.MouseUp) -> bool:
        """The button went up."""
        return False

    def hover(self, event: events.MouseMove) -> bool:
        """The pointer moved, with no button down."""
        return False

    def click(self, event: events.Click) -> bool:
        """A click that was no drag."""
        return False

    def draw(self, grid: Grid) -> None:
        """Paint over the picture, in cells of the scene; `grid` may be some of the rows in view."""
