"""The history of the project: its runs, newest first, and the cause where one failed. Enter shows one on the canvas."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Vertical

from studio.actions import Action, RunChosen
from studio.pictures.faces import seconds
from studio.state import RunNow, StudioState
from studio.theme import look, sign
from studio.widgets.bars import COUNTED, short_id, when_text
from studio.widgets.page import Line, Page, Piece
from studio.widgets.tables import Column, Row, Table

COLUMNS = (
    Column("run", 4),
    Column("state", 13),
    Column("started", 16, rank=2),
    Column("seconds", 8, right=True),
    Column("nodes", 18, rank=3),
    Column("first failure", 0, rank=4),
)
ITEMS = 16


class Summary(Page):
    """How many runs there are, by how they ended, and how long the newest ones took."""

    GROUND = "bg"
    DEFAULT_CSS = "Summary { height: 3; }"

    def __init__(self) -> None:
        super().__init__(id="summary")
        self.runs: tuple[RunNow, ...] = ()

    def fill(self, runs: tuple[RunNow, ...]) -> None:
        """Count these runs."""
        self.runs = runs
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        runs = self.runs
        if not runs:
            return []
        line = [Piece(f"  {len(runs)}", bold=True), Piece(" run" if len(runs) == 1 else " runs", "muted")]
        states: dict[str, int] = {}
        for run in runs:
            states[run.state] = states.get(run.state, 0) + 1
        for word, count in states.items():
            how = look(word)
            line += [Piece(f"   {how.ascii if self.ascii else how.glyph} ", how.token), Piece(str(count))]
        done = sorted(run.seconds for run in runs if run.state == "completed")
        if done and width >= 90:
            line += [Piece("     half of them within ", "muted"), Piece(seconds(done[len(done) // 2]))]
        return [[], line]


class Runs(Vertical):
    """The place where the history is."""

    DEFAULT_CSS = "Runs { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.state: StudioState | None = None

    def compose(self) -> ComposeResult:
        yield Summary()
        yield Table(COLUMNS, "Reading the history", id="runs")

    def on_mount(self) -> None:
        """Now it can be shown."""
        show_place = getattr(self.screen, "show_place", None)
        if show_place is not None:
            show_place()

    def show(self, state: StudioState) -> None:
        """Show this state's history."""
        self.state = state
        runs = state.runs
        table = self.query_one("#runs", Table)
        table.empty = "Reading the history" if runs is None else "Nothing has run. R in the editor runs it."
        now = time.time()
        table.fill([_row(run, now, state, table.ascii) for run in runs or ()])
        self.query_one(Summary).fill(runs or ())

    def take_focus(self) -> None:
        """The keys are the table's."""
        self.query_one("#runs", Table).focus()

    def command(self, name: str) -> Action | bool:
        """An action to dispatch, or whether the command was ours."""
        table = self.query_one("#runs", Table)
        page = max(table.size.height - 2, 1)
        steps = {"move.down": 1, "move.up": -1, "half.down": page, "half.up": -page}
        steps |= {"move.first": -len(table.rows), "move.last": len(table.rows)}
        if name in steps:
            table.choose(steps[name])
            return True
        if name == "open" and table.rows:
            return table.rows[table.cursor].act or True
        return False


def _row(run: RunNow, now: float, state: StudioState, ascii: bool) -> Row:
    how = look(run.state)
    here = state.run is not None and state.run.id == run.id
    mark = Piece(f"{how.ascii if ascii else how.glyph} ", how.token)
    return Row(
        (
            Piece(short_id(run.id), "accent" if here else "text", bold=here),
            (mark, Piece(run.state, how.token)),
            Piece(when_text(run.started, now) if run.started else "", "muted"),
            Piece(seconds(run.seconds) if run.seconds else ""),
            tuple(items(run, ascii)),
            Piece(run.error, "failed" if run.state == "failed" else "muted"),
        ),
        RunChosen(run.id),
    )


def items(run: RunNow, ascii: bool) -> list[Piece]:
    """The nodes of a run as a row of squares in the colours of their states, as many as there is room for."""
    if not run.total:
        return [Piece("")]
    room = min(ITEMS, run.total)
    found: list[Piece] = []
    used = 0
    seen = 0
    for word in COUNTED:
        seen += run.counts.get(word, 0)
        upto = min(room, round(seen * room / run.total))
        if run.counts.get(word, 0) and upto == used and word in {"failed", "running"} and used < room:
            upto += 1
        if upto > used:
            square = "item ready" if word == "ready" else "item"
            found.append(Piece(sign(square, ascii=ascii) * (upto - used), look(word).token))
            used = upto
    return found or [Piece("")]
