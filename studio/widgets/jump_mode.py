"""Jumping: every node in view has a letter, and the cursor goes where one is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.widgets.mode import Mode

if TYPE_CHECKING:
    from textual import events

    from studio.widgets.graph_canvas import GraphCanvas


class JumpMode(Mode):
    """Waits for the letter, or the pair of letters, of a node."""

    word = "JUMP"

    def __init__(self, canvas: GraphCanvas) -> None:
        super().__init__(canvas)
        self._typed = ""

    def keys(self) -> tuple[tuple[str, str], ...]:
        """Letters are nodes."""
        return (("a-z", "node"), ("escape", "leave"))

    def begin(self) -> bool:
        """Give out the letters; nothing to do where no node is in view."""
        self.stage.badge()
        if not self.stage.view.badges:
            return False
        self.stage.over.footnote = (("Jump ", "accent"), ("press the letter of a node", "text"))
        return True

    def end(self, *, keep: bool) -> None:
        """Take the letters away."""
        self.stage.over.footnote = ()
        self.stage.unbadge()

    def key(self, event: events.Key) -> bool:
        """A letter: the first of a pair waits for the second, any that no node has ends it."""
        self._typed += event.character or "\0"
        letters = self.stage.view.badges
        goal = next((box for box, badge in letters.items() if badge == self._typed), None)
        if goal is None and any(badge.startswith(self._typed) for badge in letters.values()):
            return True
        self.canvas.leave(keep=True)
        if goal is not None:
            self.stage.put(goal)
        return True
