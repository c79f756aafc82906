"""The drawer of changes: what the draft has that the file has not, by node and by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.timer import Timer

from studio.actions import CursorMoved
from studio.document.changes import Changed, Changes, changes, lines
from studio.document.changes import Line as Compared
from studio.document.draft import Draft
from studio.document.fields import in_short
from studio.notices import Notice
from studio.state import StudioState
from studio.widgets.page import Line, Page, Piece, cut

REST = 0.12
"""Seconds after the last edit after which the comparison is made again."""
MARKS = {"added": ("+", "completed"), "changed": ("~", "dirty"), "removed": ("-", "failed")}
LINES = {"+": ("completed", "okbg"), "-": ("failed", "failbg"), " ": ("muted", "")}
NO_CHANGES = "Nothing has changed since it was saved."


class ChangesList(Page):
    """Nodes with their marks and values, then the lines of the file."""

    can_focus = True

    def __init__(self, *, id: str | None = None, compared: Callable[[], None] | None = None) -> None:
        super().__init__(id=id)
        self._compared = compared
        self.state: StudioState | None = None
        self.changes = Changes()
        self.compared: tuple[Compared, ...] = ()
        self.chosen = 0
        self.paths: list[str] = []
        self.rows: list[int] = []
        self._of: Draft | None = None
        self._rest: Timer | None = None

    def show(self, state: StudioState) -> None:
        """Show what this state's draft changed; a moment after the last edit."""
        old, self.state = self.state, state
        if self._of is None or old is None:
            self._compare()
        elif state.draft is not self._of and self._rest is None:
            self._rest = self.set_timer(REST, self._compare)
        if old is not None and old.cursor != state.cursor and not self.has_focus and state.cursor in self.paths:
            self.chosen = self.paths.index(state.cursor)
        self.repaint()

    def _compare(self) -> None:
        self._rest = None
        draft = self.state.draft if self.state is not None else None
        if draft is None or draft is self._of:
            return
        self._of = draft
        self.changes = changes(draft)
        self.compared = lines(draft.saved.text, draft.text) if draft.dirty else ()
        self.paths = list(self.changes.nodes)
        self.chosen = max(0, min(self.chosen, len(self.paths) - 1))
        self.repaint()
        if self._compared is not None:
            self._compared()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if not self.compared:
            return [[Piece(f"  {NO_CHANGES}", "muted")]]
        by_path: dict[str, list[Changed]] = {}
        for value in self.changes.values:
            by_path.setdefault(f"{value.workflow}:{value.path}" if value.workflow else value.path, []).append(value)
        found: list[Line] = []
        self.rows = []
        for number, (path, mark) in enumerate(self.changes.nodes.items()):
            self.rows.append(len(found))
            found.append(self._node(number, path, mark))
            found += [self._value(value, width) for value in by_path.get(path, ())]
        found += [self._value(value, width) for value in by_path.get("", ())]
        if found:
            found.append([])
        digits = len(str(max((max(line.before, line.after) for line in self.compared), default=1)))
        return [*found, *(self._line(line, digits, width) for line in self.compared)]

    def _node(self, number: int, path: str, mark: str) -> Line:
        here = number == self.chosen and self.has_focus
        ground = "raised" if here else ""
        char, ink = MARKS[mark]
        act = CursorMoved(path, by="changes") if mark != "removed" and ":" not in path else None
        edge = ("|" if self.ascii else "▌") if here else " "
        return [
            Piece(edge, "accent", ground, act=act),
            Piece(f" {char} ", ink, ground, bold=True, act=act),
            Piece(path, "text", ground, bold=True, act=act),
            Piece(f"  {mark}", "muted", ground, act=act),
            Piece("", ground=ground),
        ]

    def _value(self, value: Changed, width: int) -> Line:
        arrow = "->" if self.ascii else "→"
        key = ".".join(value.keys)
        room = max((width - 34) // 2, 8)
        before = cut(in_short(value.before), room, ascii=self.ascii) if value.before is not None else "-"
        after = cut(in_short(value.after), room, ascii=self.ascii) if value.after is not None else "-"
        name = cut(key, 24, ascii=self.ascii)
        return [
            Piece(f"     {name:<24} ", "muted"),
            Piece(before, "failed"),
            Piece(f" {arrow} ", "muted"),
            Piece(after, "completed"),
        ]

    def _line(self, line: Compared, digits: int, width: int) -> Line:
        if not line.sign:
            return [Piece("  " + ("..." if self.ascii else "⋯"), "muted")]
        ink, ground = LINES[line.sign]
        number = line.after or line.before
        text = cut(line.text, width - digits - 6, ascii=self.ascii)
        return [
            Piece(f"  {number:>{digits}} {line.sign} ", ink, ground),
            Piece(text, ink, ground),
            Piece("", ground=ground),
        ]

    def choose(self, by: int) -> None:
        """Go to another node; the canvas goes along."""
        if not self.paths:
            self.scroll_lines(by)
            return
        self.chosen = max(0, min(self.chosen + by, len(self.paths) - 1))
        self.repaint()
        _ = self.shown
        row = self.rows[self.chosen] if self.chosen < len(self.rows) else 0
        if not self.top <= row < self.top + self.size.height - 1:
            self.top = max(row - 1, 0)
        path = self.paths[self.chosen]
        if self.changes.nodes.get(path) != "removed" and ":" not in path:
            self.post_message(Notice(CursorMoved(path, by="changes")))

    def watch_has_focus(self, has_focus: bool) -> None:
        """The line in hand is marked for whoever is here."""
        super().watch_has_focus(has_focus)
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Arrows go through the nodes, pages through the lines."""
        step = {"down": 1, "j": 1, "up": -1, "k": -1}.get(event.key)
        page = {"pagedown": 1, "J": 1, "pageup": -1, "K": -1}.get(event.key)
        if step is None and page is None:
            return
        event.stop()
        event.prevent_default()
        if step is not None:
            self.choose(step)
        elif page is not None:
            self.scroll_lines(page * max(self.size.height - 1, 1))
