"""What a node printed, newest at the bottom, and why it failed.

It follows the newest line until somebody scrolls up; then it stands still and says how many came meanwhile. Lines are
set when they are shown, so a long log costs what is on the screen. Control characters are shown as marks, never
obeyed; lines from stderr are amber.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from textual import events

from studio.actions import Asked
from studio.document.visible import lines as text_lines
from studio.log_book import LogBook, LogLine
from studio.state import NodeNow, StudioState
from studio.widgets.bars import clock_text
from studio.widgets.page import Line, Page, Piece

STREAMS = {
    "stdout": ("out", "muted", "text"),
    "stderr": ("err", "suspended", "suspended"),
    "log": ("log", "muted", "text"),
}


class LogView(Page):
    """The log of the node under the cursor."""

    GROUND = "trackbg"
    can_focus = True

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.book = book
        self.state: StudioState | None = None
        self.following = True
        self._stamp = -1
        self._seen = 0
        self._of: str | None = None

    def show(self, state: StudioState) -> None:
        """Show the log of this state's node, and what has been printed meanwhile."""
        node = "/".join((*state.scope, state.cursor)) if state.cursor else None
        old = self.state
        same = old is not None and node == self._of and old.node_now == state.node_now and old.run == state.run
        self.state = state
        if same and self._stamp == self.book.stamp:
            return
        if node != self._of:
            self.following = True
        self._of, self._stamp = node, self.book.stamp
        self.repaint()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        state = self.state
        if state is None or self._of is None:
            return [[Piece("  Nothing is under the cursor.", "muted")]]
        printed = self.book.lines(self._of)
        rows = Rows(printed, _ending(state, state.node_now, bool(printed)), several=_several(printed))
        if self.following:
            self.top = max(len(rows) - height, 0)
            self._seen = self.book.stamp
        return rows

    @property
    def missed(self) -> int:
        """Lines that came since it stopped following."""
        return 0 if self.following else self.book.stamp - self._seen

    def follow(self, on: bool) -> None:
        """Go to the newest line and stay there, or stand still."""
        self.following = on
        self.repaint()

    def scroll_lines(self, by: int) -> None:
        super().scroll_lines(by)
        at_end = self.top + self.size.height >= len(self.shown)
        if by < 0 and not at_end and self.following:
            self.following = False
            self._seen = self.book.stamp
        elif by > 0 and at_end:
            self.following = True

    def on_key(self, event: events.Key) -> None:
        """Arrows and hjkl scroll; F follows."""
        page = max(self.size.height - 1, 1)
        steps = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": page, "J": page, "pageup": -page, "K": -page}
        far = len(self.shown)
        steps |= {"end": far, "G": far, "home": -far}
        if event.key in steps:
            event.stop()
            event.prevent_default()
            self.scroll_lines(steps[event.key])


class Rows(Sequence[Line]):
    """The lines of a log, each set when it is asked for; what ended the node stands below them."""

    def __init__(self, printed: Sequence[LogLine], ending: Sequence[Line], *, several: bool) -> None:
        self.printed = printed
        self.ending = ending
        self.several = several

    def __len__(self) -> int:
        return len(self.printed) + len(self.ending)

    @overload
    def __getitem__(self, place: int) -> Line: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Line]: ...
    def __getitem__(self, place: int | slice) -> Line | Sequence[Line]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        if place >= len(self.printed):
            return self.ending[place - len(self.printed)]
        return list(self._set(self.printed[place]))

    def _set(self, line: LogLine) -> Iterator[Piece]:
        word, ink, of_text = STREAMS.get(line.stream, ("out", "muted", "text"))
        yield Piece(f"  {line.at:>8.3f}  ", "muted")
        yield Piece(f"{word}  ", ink)
        if self.several:
            yield Piece(f"{line.node.rpartition('/')[2]:<14} ", "muted")
        yield Piece(line.text, of_text)


def _several(printed: Sequence[LogLine]) -> bool:
    return any(line.node != printed[0].node for line in printed) if printed else False


def _ending(state: StudioState, now: NodeNow | None, printed: bool) -> list[Line]:
    """What stands below the last line: the cause of a failure, or why there is nothing."""
    if now is None:
        act = Asked("run.all")
        key = Piece("R", "accent", bold=True, act=act)
        return [[Piece("  It has not run yet.  ", "muted"), key, Piece(" runs all.", "muted", act=act)]]
    if now.error:
        found: list[Line] = [[]] if printed else []
        trace = text_lines(state.near(now.trouble), 1000) if now.trouble.strip() else []
        found += [[Piece("  " + row, "muted")] for row in trace if row.strip() and row.strip() != now.error.strip()]
        return [*found, *([Piece("  " + row, "failed", bold=True)] for row in text_lines(now.error, 20))]
    if now.state == "running":
        waited = f", {clock_text(now.seconds)}" if now.seconds is not None and now.seconds >= 1 else ""
        return [[Piece(f"  running{waited}", "running")]]
    if not printed:
        return [[Piece(f"  {_SILENT.get(now.state, 'It printed nothing.')}", "muted")]]
    return []


_SILENT = {
    "ready": "It has not started yet.",
    "skipped": "It was skipped.",
    "canceled": "It was canceled before it printed anything.",
    "completed": "It printed nothing.",
}
