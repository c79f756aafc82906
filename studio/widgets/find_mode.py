"""Finding nodes by a part of their name, while one types it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.widgets.mode import Mode

if TYPE_CHECKING:
    from textual import events

    from studio.widgets.graph_canvas import GraphCanvas

_LONGEST_PASTE = 80


class FindMode(Mode):
    """Looks from where the search began, so that each letter narrows it and a wrong one does no harm."""

    word = "FIND"

    def __init__(self, canvas: GraphCanvas) -> None:
        super().__init__(canvas)
        self.wanted = ""
        self._began = self.stage.path

    def keys(self) -> tuple[tuple[str, str], ...]:
        """Letters are letters."""
        return (("enter", "keep"), ("down", "next"), ("up", "before"), ("escape", "clear" if self.wanted else "leave"))

    def begin(self) -> bool:
        """Ask for a part of a name."""
        self._tell(None)
        return True

    def end(self, *, keep: bool) -> None:
        """The matches stay marked, or all is as before."""
        self.stage.over.footnote = ()
        if not keep:
            self.stage.find("")
            self.stage.go(self._began)

    def key(self, event: events.Key) -> bool:
        """Letters narrow the search, arrows go on to other matches."""
        if event.key in ("enter", "escape"):
            self.canvas.leave(keep=event.key == "enter")
        elif event.key == "backspace":
            self._find(self.wanted[:-1])
        elif event.key in ("down", "up"):
            self.stage.next_match(1 if event.key == "down" else -1)
            self._tell(len(self.stage.view.matches))
        elif event.character and event.is_printable:
            self._find(self.wanted + event.character)
        else:
            return event.key not in ("tab", "shift+tab", "f1")
        return True

    def paste(self, text: str) -> bool:
        """Pasted text is text to find."""
        lines = text.splitlines()
        if lines:
            self._find(self.wanted + lines[0][:_LONGEST_PASTE])
        return True

    def _find(self, wanted: str) -> None:
        first, self.wanted = bool(wanted) != bool(self.wanted), wanted
        self.stage.go(self._began)
        self._tell(self.stage.find(wanted))
        if first:
            self.canvas.tell_mode()

    def _tell(self, count: int | None) -> None:
        stage = self.stage
        found, cursor = sorted(stage.view.matches), stage.view.cursor
        at = found.index(cursor) + 1 if cursor in found else 0
        told = (
            "" if count is None or not self.wanted else f"{at} of {count}" if count else "nothing has this in its name"
        )
        bar = "_" if stage.style.ascii else "▏"
        stage.over.footnote = (
            ("/ ", "accent"),
            (self.wanted + bar, "text"),
            (f"  {told}" if self.wanted else "  a part of a name", "muted" if count != 0 else "failed"),
        )
