"""The header of the drawers below the canvas, of which one is open at a time, and the drawer of problems."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from studio.actions import Asked, DrawerChosen, FindingChosen, FixChosen
from studio.document.mending import mendable
from studio.document.reader import path_of_keys
from studio.key_names import cap
from studio.notices import Notice
from studio.state import Drawer, StudioState
from studio.theme import sign
from studio.widgets.page import Line, Page, Piece, cut, spread, words

TABS: tuple[tuple[Drawer, str, str], ...] = (
    ("problems", "Problems", "!"),
    ("toml", "TOML", "T"),
    ("changes", "Changes", "V"),
    ("log", "Log", "8"),
)


def tabs(state: StudioState, width: int, ascii: bool, *, missed: int = 0, following: bool = True) -> Line:
    """The header of the drawer: which one is open, which others there are, how it closes."""
    left: list[Piece] = [Piece("  ")]
    for drawer, name, _ in TABS:
        count = len(state.document.findings) if drawer == "problems" and state.document is not None else 0
        text = f" {name} {count} " if count else f" {name} "
        here = drawer == state.drawer
        ink, ground = ("text", "accentbg") if here else ("muted", "")
        left += [Piece(text, ink, ground, bold=here, act=None if here else DrawerChosen(drawer)), Piece(" ")]
    if state.drawer == "log" and state.cursor:
        left += [Piece(f" {state.cursor}", "text"), *_follow(missed, following)]
    key = next((key for drawer, _, key in TABS if drawer == state.drawer), "")
    act = DrawerChosen(None)
    right = [Piece(cap(key, ascii=ascii) if key else "", "accent", bold=True, act=act)]
    return spread(left, [*right, Piece(" close  ", "muted", act=act)], width)


def _follow(missed: int, following: bool) -> list[Piece]:
    act = Asked("log.follow")
    if following:
        return [Piece("   following", "muted", act=act)]
    if not missed:
        return [Piece("   F follows", "muted", act=act)]
    lines = "1 new line" if missed == 1 else f"{missed} new lines"
    return [Piece(f"   {lines}, F follows ", "mark", act=act)]


class Problems(Page):
    """What `check` found: one row each, the remedy of the one in hand below it. Enter goes to the node."""

    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state: StudioState | None = None
        self.chosen = 0
        self.rows: list[int] = []

    def show(self, state: StudioState) -> None:
        """Show the findings of this state's document."""
        old, self.state = self.state, state
        findings = state.document.findings if state.document is not None else ()
        if old is None or old.broken is not state.broken or _file(old) != _file(state):
            self.chosen = self.top = 0
        elif old.cursor != state.cursor and not self.has_focus:
            about = (path_of_keys(tuple(finding.path)) == state.cursor for finding in findings)
            self.chosen = next((number for number, here in enumerate(about) if here), self.chosen)
        self.chosen = max(0, min(self.chosen, len(findings) - 1))
        self.repaint()
        self._reveal()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        state = self.state
        if state is None:
            return []
        if state.broken is not None:
            return _broken_lines(state, width, self.ascii)
        findings = state.document.findings if state.document is not None else ()
        if not findings:
            return [[Piece(f"  {sign('dot', ascii=self.ascii)} ", "completed"), Piece("No problems found.", "muted")]]
        found: list[Line] = []
        self.rows = []
        for number, finding in enumerate(findings):
            self.rows.append(len(found))
            error = finding.severity == "error"
            chosen = number == self.chosen
            ground = "raised" if chosen else ""
            act = FindingChosen(number)
            about = path_of_keys(tuple(finding.path)) or ".".join(map(str, finding.path[:2])) or "project"
            where = f"{_base(finding.file)}:{finding.line}" if finding.line else _base(finding.file)
            mark = sign("error" if error else "warning", ascii=self.ascii)
            left = [
                Piece(("|" if self.ascii else "▌") if chosen else " ", "accent", ground, act=act),
                Piece(f" {mark} ", "failed" if error else "dirty", ground, bold=True, act=act),
                Piece(f"{cut(about, 24, ascii=self.ascii):<16}  ", "text", ground, act=act),
                Piece(finding.message, "text" if chosen else "muted", ground, act=act),
            ]
            right = [Piece(f" {where}  ", "muted", ground, act=act)]
            if mendable(finding):
                fix = FixChosen(number)
                right += [Piece("f", "accent", ground, bold=True, act=fix), Piece(" fix  ", "muted", ground, act=fix)]
            found.append([piece._replace(ground=ground) for piece in spread(left, right, width)])
            if chosen:
                found += [
                    [Piece("    "), Piece(row, "accent", act=act)] for row in words(finding.remedy, width - 8)[:3]
                ]
        return found

    def choose(self, by: int) -> None:
        """Go to another finding."""
        state = self.state
        count = len(state.document.findings) if state is not None and state.document is not None else 0
        self.chosen = max(0, min(self.chosen + by, count - 1))
        self.repaint()
        self._reveal()

    def _reveal(self) -> None:
        """The finding in hand in view, with its remedy."""
        _ = self.shown
        row = self.rows[self.chosen] if self.chosen < len(self.rows) else 0
        if row < self.top:
            self.top = row
        elif row + 2 >= self.top + self.size.height:
            self.top = max(row + 3 - self.size.height, 0)

    def on_key(self, event: events.Key) -> None:
        """Arrows choose, Enter goes there."""
        step = {"down": 1, "j": 1, "up": -1, "k": -1}.get(event.key)
        if step is not None:
            event.stop()
            event.prevent_default()
            self.choose(step)
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(Notice(FindingChosen(self.chosen)))


def _file(state: StudioState) -> object:
    return state.document.path if state.document is not None else None


def _base(file: str | None) -> str:
    return (file or "").replace("\\", "/").rpartition("/")[2]


def _broken_lines(state: StudioState, width: int, ascii: bool) -> list[Line]:
    broken = state.broken
    assert broken is not None
    place = f"{broken.path.name}:{broken.line}" if broken.line else broken.path.name
    mark = Piece(f"  {sign('error', ascii=ascii)} ", "failed", bold=True)
    remedy = [[Piece("    "), Piece(row, "accent", act=Asked("code"))] for row in words(broken.remedy, width - 8)[:3]]
    return [[mark, Piece(f"{place} cannot be read: {broken.message}", "failed")], *remedy]
