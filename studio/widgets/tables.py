"""Tables: rows under a header, a cursor, columns that give way from the right where the screen is narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events

from studio.actions import Action
from studio.notices import Notice
from studio.widgets.page import Line, Page, Piece, cut


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, its width in cells (0: what is left), numbers at the right. Lower `rank` stays longer."""

    title: str
    width: int
    right: bool = False
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a piece (or several) a column, and what choosing it means."""

    cells: tuple[Piece | tuple[Piece, ...], ...]
    act: Action | None = None


class Table(Page):
    """Rows with a cursor; Enter or a click chooses one."""

    GROUND = "bg"
    can_focus = True

    def __init__(self, columns: Sequence[Column], empty: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.empty = empty
        self.rows: Sequence[Row] = ()
        self.cursor = 0
        self.moved: Callable[[int], None] | None = None

    def fill(self, rows: Sequence[Row]) -> None:
        """Show these rows."""
        self.rows = rows
        self.cursor = max(0, min(self.cursor, len(rows) - 1))
        self.repaint()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if not self.rows:
            gap = " " * max((width - cell_len(self.empty)) // 2, 2)
            return [*([[]] * max(height // 3, 1)), [Piece(gap), Piece(self.empty, "muted")]]
        kept = self._columns_in(width)
        widths = self._widths(kept, width)
        head = [Piece("  ", ground="panel")]
        for at, room in zip(kept, widths, strict=True):
            title = self.columns[at].title
            text = f"{title:>{room}}" if self.columns[at].right else f"{title:<{room}}"
            head.append(Piece(text + "  ", "muted", "panel"))
        found: list[Line] = [[*head, Piece("", ground="panel")]]
        return found + [self._row(number, kept, widths) for number in range(len(self.rows))]

    def _row(self, number: int, kept: Sequence[int], widths: Sequence[int]) -> Line:
        here = number == self.cursor
        ground = "accentbg" if here else ""
        row = self.rows[number]
        found = [Piece(("| " if self.ascii else "▌ ") if here else "  ", "accent", ground, act=row.act)]
        for at, room in zip(kept, widths, strict=True):
            cell = row.cells[at]
            pieces = (cell,) if isinstance(cell, Piece) else cell
            found += self._cell(pieces, room, ground, row.act, right=self.columns[at].right)
        return [*found, Piece("", ground=ground)]

    def _cell(self, pieces: Sequence[Piece], room: int, ground: str, act: Action | None, *, right: bool) -> list[Piece]:
        shown: list[Piece] = []
        left = room
        for piece in pieces:
            text = cut(piece.text, left, ascii=self.ascii)
            left -= cell_len(text)
            shown.append(piece._replace(text=text, ground=ground, act=act))
        gap = Piece(" " * max(left, 0), "text", ground, act=act)
        body = [gap, *shown] if right else [*shown, gap]
        return [*body, Piece("  ", "text", ground, act=act)]

    def _columns_in(self, width: int) -> list[int]:
        """The columns that fit, the least important dropped first."""
        kept = list(range(len(self.columns)))
        while len(kept) > 1 and sum((self.columns[at].width or 14) + 2 for at in kept) + 2 > width:
            kept.remove(max(kept, key=lambda at: (self.columns[at].rank, at)))
        return kept

    def _widths(self, kept: Sequence[int], width: int) -> list[int]:
        fixed = sum(self.columns[at].width + 2 for at in kept) + 2
        loose = [at for at in kept if not self.columns[at].width]
        share = max((width - fixed) // len(loose), 4) if loose else 0
        return [self.columns[at].width or share for at in kept]

    def choose(self, by: int) -> None:
        """Go to another row."""
        if not self.rows:
            return
        self.cursor = max(0, min(self.cursor + by, len(self.rows) - 1))
        self.repaint()
        _ = self.shown
        row = self.cursor + 1
        if row - 1 < self.top:
            self.top = row - 1
        elif row >= self.top + self.size.height:
            self.top = row + 1 - self.size.height
        if self.moved is not None:
            self.moved(self.cursor)

    def on_key(self, event: events.Key) -> None:
        """Arrows and hjkl move, Enter chooses."""
        page = max(self.size.height - 2, 1)
        far = len(self.rows)
        steps = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": page, "J": page, "pageup": -page, "K": -page}
        steps |= {"home": -far, "end": far, "G": far}
        if event.key in steps:
            event.stop()
            event.prevent_default()
            self.choose(steps[event.key])
        elif event.key == "enter" and self.rows:
            event.stop()
            event.prevent_default()
            act = self.rows[self.cursor].act
            if act is not None:
                self.post_message(Notice(act))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one chooses."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        row = self.top + offset.y - 1
        if 0 <= row < len(self.rows):
            again = row == self.cursor
            self.choose(row - self.cursor)
            act = self.rows[row].act
            if (again or event.chain > 1) and act is not None:
                self.post_message(Notice(act))
