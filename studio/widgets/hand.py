"""The hand on the canvas: it shows a mode of `studio.modes`, offers it keys and pointer, and carries out its turns.

It decides nothing: what an event means is the mode's to say, from what the stage and the desk show at that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events

from studio import key_names, keys
from studio.actions import Action, CursorMoved, Edited, Together, Told
from studio.modes.turn import Mode as Decided
from studio.modes.turn import Point, Press, Sight, Turn
from studio.pictures import hand
from studio.pictures.cells import Grid
from studio.pictures.hand import IDLE, Work
from studio.widgets.mode import Mode

if TYPE_CHECKING:
    from studio.widgets.graph_canvas import GraphCanvas
    from studio.widgets.pointer import Press as Pressed


_RIM_COLUMNS, _RIM_ROWS = 4, 2
"""How far the view goes with each move of a drag at its rim."""


def sight_of(canvas: GraphCanvas) -> Sight:
    """What can be seen now."""
    stage = canvas.stage
    return Sight(
        desk=canvas.desk,
        graph=stage.graph,
        scene=stage.scene,
        web=stage.web,
        index=stage.index,
        view=stage.view,
        rect=stage.rect,
        ascii=stage.style.ascii,
        pin=lambda box, x, y: stage.pin_at(box, x - stage.corner.x, y - stage.corner.y),
    )


class Hand(Mode):
    """One mode after the other, for as long as there is a next one."""

    def __init__(self, canvas: GraphCanvas, decided: Decided) -> None:
        super().__init__(canvas)
        self.decided = decided
        self._view = (self.stage.view.lit, self.stage.view.only)
        self._work: tuple[object, tuple[int, int], Work] | None = None

    @property
    def word(self) -> str:  # type: ignore[override]
        """What the footer calls it."""
        return self.decided.word

    def keys(self) -> tuple[tuple[str, str], ...]:
        """What keys do in it, from the table."""
        return keys.mode_keys(self.decided.where, self.canvas.actions)

    def begin(self) -> bool:
        """Show it."""
        self._show()
        return True

    def end(self, *, keep: bool) -> None:
        """Let the picture be as it was."""
        view = self.stage.view
        self.stage.view = replace(view, only=None)
        if view.lit is not self._view[0] and self._lights():
            self.stage.relight()

    # -- events ------------------------------------------------------------------------------------------------------

    def key(self, event: events.Key) -> bool:
        """A key, by what it is bound to in this mode."""
        bound = keys.in_mode(self.decided.where, self.canvas.actions)
        typed = event.character if event.character and event.is_printable else ""
        act = bound.get(typed) or bound.get(key_names.spelled(event.key)) or ""
        return self.carry_out(self.decided.press(Press(act, event.key, typed), self.sight))

    def paste(self, text: str) -> bool:
        """Pasted text, as text."""
        return self.carry_out(self.decided.paste(text, self.sight))

    def press(self, event: events.MouseDown) -> bool:
        """A button goes down: what comes of it is told when it moves, or comes up again."""
        return False

    def drag(self, event: events.MouseMove) -> bool:
        """The pointer moves with a button down; at the rim the view goes with it."""
        wide, high = self.stage.size
        across = _RIM_COLUMNS * ((event.x >= wide - 2) - (event.x <= 1))
        down = _RIM_ROWS * ((event.y >= high - 1) - (event.y <= 0))
        if (across or down) and 0 <= event.x < wide and 0 <= event.y < high:
            self.stage.pan(across, down)
        return self._point("drag", event)

    def drop(self, event: events.MouseUp) -> bool:
        """The button comes up after a drag."""
        return self._point("drop", event)

    def hover(self, event: events.MouseMove) -> bool:
        """The pointer moves."""
        return self._point("move", event)

    def click(self, event: events.Click) -> bool:
        """A click that was no drag."""
        return self._point("click", event)

    def _point(self, act: str, event: events.MouseEvent) -> bool:
        return self.carry_out(self.decided.point(point_of(self.canvas, act, event), self.sight))

    @property
    def sight(self) -> Sight:
        """What can be seen now."""
        return sight_of(self.canvas)

    # -- turns -------------------------------------------------------------------------------------------------------

    def carry_out(self, turn: Turn) -> bool:
        """Do what a turn says; whether the event was taken."""
        same, before = turn.mode == self.decided, self.decided.where
        if turn.mode is None:
            self.canvas.leave(keep=True)
        elif not same:
            self.decided = turn.mode
        perform(self.canvas, turn)
        if turn.mode is not None and not (same and turn.edit is None and not turn.step):
            self._show()
        if turn.mode is not None and turn.mode.where != before:
            self.canvas.tell_mode()
        return turn.taken

    def _show(self) -> None:
        self._work = None
        work = self._look()
        if work.seen is not None and self.stage.bring(work.seen):
            self._work = None
            work = self._look()
        view = self.stage.view
        self.stage.view = replace(view, only=work.only, hover=None, lit=view.lit if work.lit is None else work.lit)

    def _lights(self) -> bool:
        return self.stage.view.cursor is not None

    def _look(self) -> Work:
        scene, corner = self.stage.scene, self.stage.corner
        if self._work is None or self._work[0] is not scene or self._work[1] != corner:
            self._work = (scene, corner, self.decided.look(self.sight))
        return self._work[2]

    def draw(self, grid: Grid) -> None:
        """Put it over the picture."""
        work = self._look()
        if work is not IDLE:
            hand.draw(grid, self.stage.rect, self.stage.scene, work, self.stage.style)


def point_of(canvas: GraphCanvas, act: str, event: events.MouseEvent) -> Point:
    """Where the pointer is, in cells of the scene."""
    corner = canvas.stage.corner
    box = canvas.stage.box_at(event.x, event.y)
    return Point(act, event.x + corner.x, event.y + corner.y, box, event.shift, event.ctrl)


def perform(canvas: GraphCanvas, turn: Turn) -> None:
    """What a turn wants of the document and of the stage."""
    stage = canvas.stage
    if turn.step:
        stage.move(turn.step)
    if turn.select is not None:
        found = frozenset(stage.index[path] for path in turn.select if path in stage.index)
        stage.view = replace(stage.view, selected=found)
    wanted: list[Action] = []
    if turn.edit is not None:
        wanted.append(Edited(canvas.desk.about(turn.edit), turn.key, turn.instead))
    if turn.cursor is not None:
        wanted.append(CursorMoved(turn.cursor, by="edit"))
    if turn.tell:
        wanted.append(Told(turn.tell))
    if wanted:
        canvas.send(wanted[0] if len(wanted) == 1 else Together(tuple(wanted)))
    canvas.repaint()


def add_there(canvas: GraphCanvas, event: events.MouseEvent) -> None:
    """The other button: add after the node under the pointer, or freely where there is none."""
    from studio.modes import opening
    from studio.modes.addition import AddMode, add_after

    found = point_of(canvas, "other", event)
    if found.box is not None:
        canvas.stage.put(found.box)
        start(canvas, add_after)
    else:
        start(canvas, lambda sight: AddMode(opening.at(sight, found.x, found.y)))


def take_kind(canvas: GraphCanvas, kind: str) -> None:
    """A kind from the rail: the button is still down, and where it comes up it is put down."""
    from studio.modes.kind import KindMode

    corner = canvas.stage.corner
    if start(canvas, lambda _: KindMode(kind, corner.x - 4, corner.y)):
        canvas.pointer.hold()


def may_edit(canvas: GraphCanvas) -> bool:
    """Whether what is shown can be edited here; where it only looks as if it could, the person is told."""
    if canvas.where != "editor":
        return False
    if canvas.desk.editing is None and canvas.stage.graph.boxes:
        canvas.send(Told("This workflow has a file of its own: open that file to edit it"))
    return canvas.desk.editing is not None


Start = Callable[[Sight], Decided | None]


def start(canvas: GraphCanvas, begin: Start) -> bool:
    """Enter the mode that `begin` finds, if there is something for it to do."""
    if not may_edit(canvas):
        return False
    found = begin(sight_of(canvas))
    return found is not None and canvas.enter(Hand(canvas, found))


# -- drags -----------------------------------------------------------------------------------------------------------


def grip(canvas: GraphCanvas, press: Pressed) -> Mode | None:
    """What a drag means where one draws: out of a port a wire, of a node the node, of bare canvas a rubber band."""
    from studio.modes.connection import WireMode
    from studio.modes.move import MoveMode
    from studio.modes.selection import BandMode

    stage = canvas.stage
    if canvas.where != "editor" or canvas.desk.editing is None or press.ctrl or press.button != 1:
        return None
    sight = sight_of(canvas)
    x, y = press.x + stage.corner.x, press.y + stage.corner.y
    port = sight.port_at(x, y)
    if port is not None:
        return Hand(canvas, WireMode(port, x, y))
    if press.box is None:
        kept = sight.chosen if press.shift and stage.view.selected else ()
        return Hand(canvas, BandMode((x, y), (x, y), kept=frozenset(kept)))
    path = stage.graph.boxes[press.box].path
    if path in sight.gaps:
        return None
    stage.put(press.box)
    paths = sight.chosen if press.box in stage.view.selected else ()
    others = tuple(each for each in paths if each != path and each.rpartition("/")[0] == path.rpartition("/")[0])
    return Hand(canvas, MoveMode((path, *others), x, y, by_mouse=True))
