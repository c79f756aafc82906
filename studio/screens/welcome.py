"""Where nothing is open: projects of before, samples to try, templates to begin with."""

from __future__ import annotations

import time
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical

from studio.actions import Action, ProjectChosen, TemplateChosen
from studio.document.samples import free_folder, samples, templates
from studio.state import StudioState
from studio.theme import sign
from studio.widgets.bars import when_text
from studio.widgets.page import Line, Page, Piece, cut, spread

WIDEST = 84


class Choices(Page):
    """Sections of things to open; one cursor through all of them."""

    GROUND = "bg"
    can_focus = True

    def __init__(self) -> None:
        super().__init__(id="choices")
        self.state: StudioState | None = None
        self.chosen = 0
        self.acts: list[Action] = []
        self._rows: list[int] = []
        self._sections: list[tuple[str, list[tuple[str, str, str, Action]]]] | None = None

    def show(self, state: StudioState) -> None:
        """Show what can be opened."""
        if self.state is None or self.state.recent != state.recent:
            self._sections = None
        self.state = state
        self.repaint()

    def _found(self) -> list[tuple[str, list[tuple[str, str, str, Action]]]]:
        """Title, then (name, text, note, action) of each thing to open."""
        now = time.time()
        recent: list[tuple[str, str, str, Action]] = [
            (r.name, _home(r.path), when_text(r.opened, now), ProjectChosen(r.path))
            for r in (self.state.recent if self.state is not None else ())[:6]
        ]
        tried: list[tuple[str, str, str, Action]] = [
            (s.name, s.text, "sample", ProjectChosen(s.folder)) for s in samples()
        ]
        fresh: list[tuple[str, str, str, Action]] = [
            (f"new {t.name} project", t.text, "template", TemplateChosen(t.name, free_folder(Path.cwd())))
            for t in templates()
        ]
        found: list[tuple[str, list[tuple[str, str, str, Action]]]]
        found = [("Go on with", recent), ("Try a sample", tried), ("Begin something", fresh)]
        return [(title, rows) for title, rows in found if rows]

    def lines(self, width: int, height: int) -> list[Line]:
        if self._sections is None:
            self._sections = self._found()
        sections = self._sections
        room = min(WIDEST, width - 4)
        margin = Piece(" " * ((width - room) // 2))
        body: list[Line] = [
            [Piece(f"{sign('brand', ascii=self.ascii)} ", "accent", bold=True), Piece("Flowloom", bold=True)],
            [Piece("Draw, run and watch workflows, here and on other machines.", "muted")],
            [],
        ]
        self.acts, self._rows = [], []
        for title, rows in sections:
            body.append([Piece(title, "muted")])
            for name, text, note, act in rows:
                self._rows.append(len(body))
                body.append(self._choice(name, text, note, act, room))
                self.acts.append(act)
            body.append([])
        body.append([Piece("Opening a project runs nothing.", "muted")])
        above = max((height - len(body)) // 3, 1)
        self._rows = [row + above for row in self._rows]
        return [[], *([[]] * (above - 1)), *([margin, *line] for line in body)]

    def _choice(self, name: str, text: str, note: str, act: Action, room: int) -> Line:
        here = len(self.acts) == self.chosen
        ground = "accentbg" if here else ""
        mark = ("|" if self.ascii else "▌") if here else " "
        shown = cut(name, 26, ascii=self.ascii)
        left = [Piece(f"{mark} ", "accent"), Piece(f"{shown:<28}", bold=here)]
        left.append(Piece(cut(text, room - 46, ascii=self.ascii), "muted"))
        line = spread(left, [Piece(f"  {note} ", "muted")], room)
        return [*(piece._replace(ground=ground, act=act) for piece in line), Piece("")]

    def choose(self, by: int) -> None:
        """Go to another one."""
        _ = self.shown
        self.chosen = max(0, min(self.chosen + by, len(self.acts) - 1))
        self.repaint()
        row = self._rows[self.chosen] if self._rows else 0
        if row < self.top + 2:
            self.top = max(row - 4, 0)
        elif row >= self.top + self.size.height:
            self.top = row + 1 - self.size.height

    def command(self, name: str) -> Action | None:
        """What a command of the table means here; None if nothing."""
        _ = self.shown
        steps = {"move.down": 1, "move.up": -1, "move.first": -99, "move.last": 99, "half.down": 5, "half.up": -5}
        if name in steps:
            self.choose(steps[name])
        elif name == "open" and self.acts:
            return self.acts[self.chosen]
        return None


class Welcome(Vertical):
    """The place where one chooses what to open."""

    DEFAULT_CSS = "Welcome { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.state: StudioState | None = None

    def compose(self) -> ComposeResult:
        yield Choices()

    def on_mount(self) -> None:
        """Now it can be shown."""
        show_place = getattr(self.screen, "show_place", None)
        if show_place is not None:
            show_place()

    def show(self, state: StudioState) -> None:
        """Show what can be opened."""
        self.state = state
        self.query_one(Choices).show(state)

    def take_focus(self) -> None:
        """The keys are the list's."""
        self.query_one(Choices).focus()

    def command(self, name: str) -> Action | bool:
        """An action to dispatch, or whether the command was ours."""
        return self.query_one(Choices).command(name) or name.startswith(("move.", "half.", "open"))


def _home(path: Path) -> str:
    """A path as people write it: `~/penguins`."""
    folder = path.parent if path.suffix == ".toml" else path
    try:
        return f"~/{folder.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(folder)
