"""Whose value holds: asked where another program and the person both changed the same thing in the project file.

A list of places, each with mine and theirs, mine chosen until a person says otherwise. Nothing is decided before Enter;
Esc leaves everything as it is, and saving asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET
from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from engine.project.layout import value_text
from engine.project.shapes import path_text
from studio.actions import Action, Asked, MergeAnswered
from studio.document.merge import Clash, Side
from studio.notices import Notice
from studio.widgets.dialogs import framed
from studio.widgets.page import Line, Page, Piece, cut, spread, width_of, words

WIDEST = 100
_SIDES: tuple[Side, Side] = ("mine", "theirs")


class Places(Page):
    """The places where both changed something, as rows of a dialog."""

    DEFAULT_CSS = "Places { width: auto; height: auto; }"
    can_focus = True

    def __init__(self, clashes: Sequence[Clash], file: str) -> None:
        super().__init__(id="places")
        self.clashes = clashes
        self.file = file
        self.chosen: list[Side] = ["mine"] * len(clashes)
        self.cursor = 0
        self._first = 0

    def get_content_width(self, container: object, viewport: object) -> int:
        return min(WIDEST, self.app.size.width - 2)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return min(len(self.lines(width, 0)), self.app.size.height)

    def lines(self, width: int, height: int) -> list[Line]:
        room = width - 6
        many = "1 value was" if len(self.clashes) == 1 else f"{len(self.clashes)} values were"
        said = f"{many} changed here and in {self.file}, by another program. All other changes of both are kept."
        body: list[Line] = [[], *([Piece(f" {row}")] for row in words(said, room - 2)), []]
        most = max(1, (self.app.size.height - len(body) - 8) // 3)
        self._first = max(min(self._first, self.cursor), self.cursor - most + 1)
        shown = range(self._first, min(self._first + most, len(self.clashes)))
        for number in shown:
            body += self._rows(number, room)
        if len(self.clashes) > most:
            body.append([Piece(f" {shown.start + 1}-{shown.stop} of {len(self.clashes)}", "muted")])
        body += [[], _keys(), []]
        return framed("Both changed the same", body, width, "suspended", ascii=self.ascii)

    def _rows(self, number: int, room: int) -> list[Line]:
        clash = self.clashes[number]
        here = number == self.cursor
        mark = ("|" if self.ascii else "▌") if here else " "
        name = path_text(clash.keys).strip("`")
        found: list[Line] = [[Piece(mark, "accent"), Piece(f" {cut(name, room - 3, ascii=self.ascii)}", bold=True)]]
        for side in _SIDES:
            taken = self.chosen[number] == side
            dot = ("(*)" if taken else "( )") if self.ascii else ("●" if taken else "○")
            left = [Piece(f"   {dot} ", "accent" if taken else "muted"), Piece(f"{side:<7}", bold=taken)]
            value = cut(shown_value(getattr(clash, side)), room - width_of(left) - 2, ascii=self.ascii)
            line = spread([*left, Piece(value, "text" if taken else "muted")], [], room)
            ground = "accentbg" if here and taken else "surface"
            act = Asked(f"answer:{number}:{side}")
            found.append([piece._replace(ground=ground, act=act) for piece in line])
        return found


def _keys() -> Line:
    pairs = (("m", "mine"), ("t", "theirs"), ("M T", "all of them"), ("⏎", "take these"), ("Esc", "later"))
    return [
        piece for key, word in pairs for piece in (Piece(f" {key}", "accent", bold=True), Piece(f" {word}  ", "muted"))
    ]


def shown_value(value: Any) -> str:
    """A value of the file on one line; `deleted` where there is none."""
    return "(deleted)" if value is UNSET else value_text(value)


class Merging(ModalScreen[Action | None]):
    """Asks whose values hold, and gives the answer as an action."""

    DEFAULT_CSS = "Merging { align: center middle; background: $background 60%; }"

    def __init__(self, clashes: Sequence[Clash], file: str) -> None:
        super().__init__()
        self._page = Places(clashes, file)

    def compose(self) -> ComposeResult:
        yield self._page

    def on_mount(self) -> None:
        """The keys are the dialog's."""
        self._page.focus()

    def on_notice(self, notice: Notice) -> None:
        """A click chooses."""
        if isinstance(notice.action, Asked) and notice.action.command.startswith("answer:"):
            notice.stop()
            _, number, side = notice.action.command.split(":")
            self._page.cursor = int(number)
            self._choose("theirs" if side == "theirs" else "mine")

    def on_key(self, event: events.Key) -> None:
        """Arrows move and choose, letters choose, Enter takes it, Esc leaves it for later."""
        page = self._page
        event.stop()
        event.prevent_default()
        step = {"down": 1, "j": 1, "tab": 1, "up": -1, "k": -1, "shift+tab": -1}.get(event.key)
        if step is not None:
            page.cursor = (page.cursor + step) % len(page.clashes)
            page.repaint()
        elif event.key in {"m", "left", "h"}:
            self._choose("mine")
        elif event.key in {"t", "right", "l"}:
            self._choose("theirs")
        elif event.key == "space":
            self._choose("theirs" if page.chosen[page.cursor] == "mine" else "mine")
        elif event.character in {"M", "T"}:
            page.chosen = ["mine" if event.character == "M" else "theirs"] * len(page.clashes)
            page.repaint()
        elif event.key == "enter":
            keys = [clash.keys for clash in page.clashes]
            self.dismiss(MergeAnswered(dict(zip(keys, page.chosen, strict=True))))
        elif event.key in {"escape", "q"}:
            self.dismiss(MergeAnswered(None))

    def _choose(self, side: Side) -> None:
        self._page.chosen[self._page.cursor] = side
        self._page.repaint()
