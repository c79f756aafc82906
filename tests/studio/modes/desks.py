"""A desk to work at: a project as text, laid out, with a cursor; and a hand that presses keys and moves a pointer."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.draw.outline import outline
from engine.draw.scene import Form, Zoom
from engine.project.findings import Notes
from engine.project.model import Project
from engine.project.reading import read_project
from studio import keys
from studio.document.catalog import KINDS, Catalog, Entry
from studio.document.edits import Edit
from studio.document.functions import Argument, TaskFunction
from studio.modes.desk import Desk
from studio.modes.turn import Mode, Point, Press, Sight, Turn
from studio.pictures import hand
from studio.pictures.cells import Grid
from studio.pictures.stage import Stage
from studio.pictures.view import Style

PENGUINS = """
format = 1
[project]
name = "penguins"
[nodes.fetch]
command = ["curl", "-O", "penguins.csv"]
[nodes.load]
task = "tasks:load"
inputs = { path = "fetch" }
[nodes.schema]
task = "tasks:check"
inputs = { path = "fetch" }
[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }
needs = ["schema"]
[nodes.enough]
condition = "${clean.count} >= 10"
[nodes.enough.then]
task = "tasks:fit"
inputs = { rows = "clean" }
[nodes.enough.else]
task = "tasks:explain"
[nodes.report]
kind = "sequential"
inputs = { model = "enough" }
[nodes.report.nodes.render]
task = "tasks:render"
[nodes.report.nodes.upload]
command = ["scp", "report.html", "host:"]
"""


def function(name: str, *arguments: str, line: int = 1, about: str = "") -> Entry:
    given = tuple(Argument(*each.split("=")) for each in arguments)
    found = TaskFunction("tasks", name, "tasks.py", line, given, about)
    return Entry("task", name, found.signature, about, found)


CATALOG = Catalog(
    (
        function("clean", "rows", "limit=3"),
        function("drop_outliers", "rows", "z=3.0", line=52, about="Drop rows further than z deviations out."),
        function("outlier_plot", "rows", "path"),
        function("render", "model", "title=''"),
        *KINDS,
    )
)


def project(text: str = PENGUINS) -> Project:
    return read_project(tomllib.loads(text), "test", Notes())


@dataclass
class Hand:
    """Someone at the canvas: `stage` is what is shown, `mode` the one in hand, `turns` all that came of what was done."""

    stage: Stage
    desk: Desk
    mode: Mode | None = None

    def __post_init__(self) -> None:
        self.turns: list[Turn] = []

    @property
    def sight(self) -> Sight:
        stage = self.stage
        return Sight(
            self.desk,
            stage.graph,
            stage.scene,
            stage.web,
            stage.index,
            stage.view,
            stage.rect,
            stage.style.ascii,
            lambda box, x, y: stage.pin_at(box, x - stage.corner.x, y - stage.corner.y),
        )

    def _take(self, turn: Turn) -> Turn:
        self.mode = turn.mode
        self.turns.append(turn)
        if turn.step:
            self.stage.move(turn.step)
        return turn

    def press(self, *names: str) -> Turn:
        """Press keys as `studio.keys` writes them."""
        turn = Turn()
        for name in names:
            assert self.mode is not None, f"{name} is pressed, but the mode is over"
            act = keys.in_mode(self.mode.where).get(name, "")
            typed = " " if name == "space" else name if len(name) == 1 else ""
            turn = self._take(self.mode.press(Press(act, name, typed), self.sight))
        return turn

    def type(self, text: str) -> None:
        self.press(*("space" if char == " " else char for char in text))

    def point(self, act: str, x: int, y: int, **held: bool) -> Turn:
        """Move the pointer to a cell of the scene."""
        assert self.mode is not None
        return self._take(self.mode.point(Point(act, x, y, self.stage.scene.box_at(x, y), **held), self.sight))

    def cell(self, path: str, right: int = 2, down: int = 0) -> tuple[int, int]:
        box = self.stage.index[path]
        return self.stage.scene.rects[box].x + right, self.stage.scene.port_row(box) + down

    @property
    def edits(self) -> list[Edit]:
        return [turn.edit for turn in self.turns if turn.edit is not None]

    def seen(self) -> str:
        """What is on the screen, as text."""
        assert self.mode is not None
        stage, work = self.stage, self.mode.look(self.sight)
        view = replace(stage.view, only=work.only, lit=stage.view.lit if work.lit is None else work.lit)
        grid = stage.canvas.draw(stage.rect, stage.faces, view)
        hand.draw(grid, stage.rect, stage.scene, work, stage.style)
        return "\n".join(row.text.rstrip() for row in grid.rows())


def at_desk(
    cursor: str | None = "load",
    text: str = PENGUINS,
    *,
    size: tuple[int, int] = (100, 28),
    ascii: bool = False,
    bad: Mapping[str, str] | None = None,
    open: tuple[str, ...] = (),
) -> Hand:
    """Someone with the cursor on a node. `bad` are the nodes that no edge may lead to, with the reason."""
    found = project(text)
    stage = Stage(Style(ascii))
    stage.resize(*size)
    stage.show(outline(found))
    stage.zoom_to(Zoom.CARD)
    for path in open:
        stage.fold(stage.index[path], Form.OPEN)
    stage.fit()
    stage.zoom_to(Zoom.CARD)
    stage.go(cursor)

    def targets(source: str) -> Mapping[str, str | None]:
        reasons = {source: "it would wait for itself", **(bad or {})}
        return {box.path: reasons.get(box.path) for box in stage.graph.boxes}

    return Hand(stage, Desk(found.workflow, CATALOG, targets, "", frozenset(found.workflows)))


__all__ = ["CATALOG", "PENGUINS", "Grid", "Hand", "at_desk", "function", "project"]
