"""The text of the project file in the drawer, as it will be saved: to read, and to write in.

Reading, its cursor and the canvas's are one: the table of the node in hand is marked, and going through the lines goes
through the nodes. Enter begins to write there, Esc ends it. What is written becomes the draft when the hand rests; a text
that cannot be read yet keeps the last good picture, and its finding stands at the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.timer import Timer

from studio.actions import Asked, CursorMoved, Edited, FocusMoved
from studio.document import edits
from studio.document.buffer import TextRow, cells, place_in
from studio.document.reader import line_of, path_at
from studio.document.script import Script, Spot
from studio.notices import Notice
from studio.state import StudioState
from studio.theme import sign
from studio.widgets.node_lines import coloured
from studio.widgets.page import Line, Page, Piece, shortened

REST = 0.4
"""Seconds without a key after which what was written is read."""


class ProjectFile(Page):
    """Some lines of the file; only those in view are ever painted."""

    GROUND = "trackbg"
    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state: StudioState | None = None
        self.script = Script()
        self.at: Spot = (0, 0)
        self.writing = False
        self.scroll = 0
        self._left = 0
        self._known: str | None = None
        self._ahead = False
        self._rest: Timer | None = None
        self._sitting = 0

    @property
    def line(self) -> int:
        """The line in hand, from 1."""
        return self.at[0] + 1

    def show(self, state: StudioState) -> None:
        """Show this state's text, the node under the cursor in view."""
        old, self.state = self.state, state
        text = _text_of(state)
        if text != self._known:
            self._known = text
            if not self._ahead or text == self.script.text:
                self.script.show(text)
                self.at = self.script.within(self.at)
                self._ahead = False
        if self.writing and state.focus not in ("text", "toml"):
            self.flush()
            self.writing = False
        if not self.writing:
            self._follow(state, old)
        self.repaint()

    def _follow(self, state: StudioState, old: StudioState | None) -> None:
        """Go where a finding led, or to the node under the cursor."""
        wanted = None
        if state.broken is not None and state.broken.line and (old is None or old.broken is not state.broken):
            wanted = state.broken.line
        elif state.line and (old is None or old.line != state.line):
            wanted = state.line
        elif state.cursor and not state.stack and path_at(self.script.places, self.line) != state.cursor:
            wanted = line_of(self.script.places, state.cursor)
        if wanted is not None:
            self.at = self.script.within((wanted - 1, 0))
            self._reveal(3)

    def _reveal(self, margin: int = 0) -> None:
        room = max(self.size.height, 1)
        margin = min(margin, max((room - 1) // 2, 0))
        row = self.at[0]
        if row - margin < self.scroll:
            self.scroll = max(row - margin, 0)
        elif row + margin >= self.scroll + room:
            self.scroll = row + margin + 1 - room

    # -- painting ----------------------------------------------------------------------------------------------------

    @property
    def _gutter(self) -> int:
        return len(str(len(self.script.rows))) + 3

    def lines(self, width: int, height: int) -> Sequence[Line]:
        rows = self.script.rows
        self.scroll = max(0, min(self.scroll, len(rows) - height))
        first, last = self._table_at(self.line)
        broken = self.state.broken if self.state is not None else None
        bad = broken.line if broken is not None else None
        found: list[Line] = []
        for number in range(self.scroll + 1, min(self.scroll + height, len(rows)) + 1):
            ground = "failbg" if number == bad else "raised" if number == self.line and self.has_focus else ""
            mark = ("|" if self.ascii else "▌") if first <= number < last else " "
            head = [Piece(mark, "accent", ground), Piece(f"{number:>{self._gutter - 3}}  ", "muted", ground)]
            body = self._row(number - 1, ground, width - self._gutter)
            if number == bad and broken is not None:
                words = f"  {sign('error', ascii=self.ascii)} {broken.message}: {broken.remedy}"
                body = [*body, Piece(words, "failed", ground)]
            found.append([*head, *shortened(body, width - self._gutter), Piece("", ground=ground)])
        return found

    def _row(self, row: int, ground: str, room: int) -> list[Piece]:
        """One row from the column in view on, with the cursor where somebody writes in it."""
        text = self.script.rows[row]
        here = self.writing and row == self.at[0] and self.has_focus
        pieces = list(coloured(text, self.script.spans[row])) if len(text) < 4000 else [Piece(text[:4000])]
        if here:
            pieces = _with_cursor(pieces, self.at[1])
            self._left = max(0, min(self._left, cells(text[: self.at[1]])))
            self._left = max(self._left, cells(text[: self.at[1] + 1]) - room + 2)
        cut = _without(pieces, self._left) if self.writing and self._left else pieces
        return [piece._replace(ground=piece.ground or ground) for piece in cut]

    def _table_at(self, line: int) -> tuple[int, int]:
        """First line of the table that `line` is in, and the first line after it."""
        first, last = 0, len(self.script.rows) + 1
        for number, path in self.script.places:
            if number <= line:
                first = number if path else 0
            else:
                last = number
                break
        return (first, last) if first else (0, 0)

    # -- reading -----------------------------------------------------------------------------------------------------

    def move(self, by: int) -> None:
        """Go to another line; the canvas goes to the node it belongs to."""
        self.at = self.script.within((self.at[0] + by, 0))
        self._reveal()
        self.repaint()
        self._tell_place()

    def _tell_place(self) -> None:
        path = path_at(self.script.places, self.line)
        if path and self.state is not None and path != self.state.cursor and not self.state.stack:
            self.post_message(Notice(CursorMoved(path, by="toml")))

    def write(self, at: Spot | None = None) -> None:
        """Begin to write, at the end of the line in hand or at a place."""
        self.writing = True
        self._sitting += 1
        self.at = self.script.within(at if at is not None else (self.at[0], 1_000_000))
        self.post_message(Notice(FocusMoved("text")))
        self.repaint()

    def leave(self) -> None:
        """End writing: what was written is read now."""
        self.flush()
        self.writing = False
        self._left = 0
        self.post_message(Notice(FocusMoved("toml")))
        self._tell_place()
        self.repaint()

    # -- writing -----------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Give what was written to the draft."""
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        if self._ahead:
            self._ahead = False
            self._known = self.script.text
            self.post_message(Notice(Edited(edits.SetText(self.script.text), f"text:{self._sitting}")))

    def _changed(self) -> None:
        self._ahead = True
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST, self.flush)

    def insert(self, text: str) -> None:
        """Type or paste at the cursor."""
        self.at = self.script.put(self.at, text)
        self._changed()
        self._moved()

    def _moved(self) -> None:
        self._reveal()
        self.repaint()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The line in hand is marked for whoever is here."""
        super().watch_has_focus(has_focus)
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Reading, arrows and hjkl go through the lines; writing, keys are letters."""
        known = self._written(event) if self.writing else self._read(event)
        if known:
            event.stop()
            event.prevent_default()

    def _read(self, event: events.Key) -> bool:
        page, far = max(self.size.height - 1, 1), len(self.script.rows)
        steps = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": page, "J": page, "pageup": -page, "K": -page}
        steps |= {"home": -far, "end": far, "G": far}
        if event.key not in steps:
            return False
        self.move(steps[event.key])
        return True

    def _written(self, event: events.Key) -> bool:
        """A key while somebody writes; whether it meant something."""
        act = _KEYS.get(event.key)
        if act is not None:
            act(self)
            self._moved()
        elif event.key == "ctrl+s":
            self.flush()
            self.post_message(Notice(Asked("save")))
        elif event.key == "tab":
            self.insert("    ")
        elif event.character is not None and event.character.isprintable():
            self.insert(event.character)
        else:
            if event.key in ("ctrl+z", "ctrl+y", "ctrl+r"):
                self.flush()
            return False
        return True

    def go(self, at: Spot) -> None:
        """The cursor at another place."""
        self.at = self.script.within(at)

    def go_rows(self, by: int) -> None:
        """The cursor some rows further, in about the same column of cells."""
        row, column = self.at
        wide = cells(self.script.rows[row][:column])
        row = max(0, min(row + by, len(self.script.rows) - 1))
        text = self.script.rows[row]
        self.at = (row, place_in(text, TextRow(0, len(text)), wide))

    def cut(self, to: Spot) -> None:
        """Take out what is between the cursor and a place."""
        if to != self.at:
            self.at = self.script.cut(self.at, to)
            self._changed()

    def new_line(self) -> None:
        """A line of its own, indented as the one above."""
        text = self.script.rows[self.at[0]]
        self.insert("\n" + text[: len(text) - len(text.lstrip())][: self.at[1]])

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is text, never keys."""
        if self.writing:
            event.stop()
            self.insert(event.text)

    def on_click(self, event: events.Click) -> None:
        """A click goes to that line; a second one writes there."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        row = min(self.scroll + offset.y, len(self.script.rows) - 1)
        text = self.script.rows[row]
        column = place_in(text, TextRow(0, len(text)), max(offset.x - self._gutter + self._left, 0))
        if self.writing or event.chain > 1:
            self.write((row, column))
        else:
            self.move(row - self.at[0])

    def scroll_lines(self, by: int) -> None:
        """Show lines further down (or up, where `by` is negative)."""
        self.scroll = max(self.scroll + by, 0)
        self.repaint()

    def on_unmount(self) -> None:
        """Nothing that was written is lost."""
        self.flush()


def _far(page: ProjectFile) -> int:
    return max(page.size.height - 1, 1)


_KEYS: Mapping[str, Callable[[ProjectFile], None]] = {
    "left": lambda page: page.go(page.script.before(page.at)),
    "right": lambda page: page.go(page.script.after(page.at)),
    "up": lambda page: page.go_rows(-1),
    "down": lambda page: page.go_rows(1),
    "pageup": lambda page: page.go_rows(-_far(page)),
    "pagedown": lambda page: page.go_rows(_far(page)),
    "home": lambda page: page.go((page.at[0], 0)),
    "end": lambda page: page.go((page.at[0], 1_000_000)),
    "ctrl+home": lambda page: page.go((0, 0)),
    "ctrl+end": lambda page: page.go((1_000_000, 1_000_000)),
    "enter": ProjectFile.new_line,
    "backspace": lambda page: page.cut(page.script.before(page.at)),
    "delete": lambda page: page.cut(page.script.after(page.at)),
    "ctrl+u": lambda page: page.cut((page.at[0], 0)),
    "ctrl+k": lambda page: page.cut((page.at[0], 1_000_000)),
    "escape": ProjectFile.leave,
}


def _with_cursor(pieces: Sequence[Piece], column: int) -> list[Piece]:
    """The pieces of a row with the character at `column` under the cursor."""
    found: list[Piece] = []
    for piece in pieces:
        length = len(piece.text)
        if 0 <= column < length:
            found.append(piece._replace(text=piece.text[:column]))
            found.append(Piece(piece.text[column], "bg", "accent"))
            found.append(piece._replace(text=piece.text[column + 1 :]))
        else:
            found.append(piece)
        column -= length
    return found if column < 0 else [*found, Piece(" ", "bg", "accent")]


def _without(pieces: Sequence[Piece], left: int) -> list[Piece]:
    """The pieces without their first cells."""
    found: list[Piece] = []
    for piece in pieces:
        at = 0
        while left > 0 and at < len(piece.text):
            left -= cells(piece.text[at])
            at += 1
        if at < len(piece.text):
            found.append(piece._replace(text=piece.text[at:]))
    return found


def _text_of(state: StudioState) -> str:
    if state.broken is not None:
        return state.broken.text
    return state.document.text if state.document is not None else ""
