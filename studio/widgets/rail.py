"""The rail at the left of the canvas: the kinds of nodes there are, to click, or to drag out onto the canvas."""

from __future__ import annotations

from textual import events
from textual.message import Message

from studio.theme import KINDS
from studio.widgets.page import Line, Page, Piece


def rail_kinds(height: int) -> dict[int, str]:
    """The row of each kind, one below the other, as far apart as there is room."""
    step = 2 if height >= 2 * len(KINDS) else 1
    return {1 + number * step: kind for number, kind in enumerate(KINDS) if 1 + number * step < height}


class Rail(Page):
    """The kinds of nodes there are. One that the button goes down on is taken; where it is put down, the canvas sees."""

    DEFAULT_CSS = "Rail { width: 4; height: 1fr; }"

    class Taken(Message):
        """A kind is in the hand."""

        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind = kind

    def lines(self, width: int, height: int) -> list[Line]:
        kinds = rail_kinds(height)
        return [self._line(kinds.get(row)) for row in range(height)]

    def _line(self, kind: str | None) -> Line:
        if kind is None:
            return []
        look = KINDS[kind]
        return [Piece(f" {look.ascii if self.ascii else look.glyph}", "accent")]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take the kind of this row."""
        kind = rail_kinds(self.size.height).get(event.y)
        if event.button == 1 and kind is not None:
            event.stop()
            self.post_message(self.Taken(kind))

    def on_click(self, event: events.Click) -> None:
        """It was taken when the button went down."""
        event.stop()
