"""The canvas: a stage on the screen, moved by keys and mouse.

Keys come from the table in `studio.keys`: what the canvas can do by itself (move, zoom, fold, find, jump) it does, all
else it leaves to those around it. What a person did that others must know goes up as a `Notice`. Two modes take all
keys, and say so in the last row: finding (`/`) and jumping (`f`).

News of a run are gathered and painted at most `FRAMES` times a second, and only the rows that look different are sent;
a spinner and the figures of running nodes go on by the same clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from textual import events
from textual.timer import Timer

from engine.draw.scene import Form, Graph, Zoom
from studio import keys
from studio.actions import Action, CameOut, CursorMoved, NodeOpened, WentIn
from studio.notices import Notice
from studio.pictures.cells import Row
from studio.pictures.stage import Stage
from studio.pictures.view import Style
from studio.state import NodeNow
from studio.widgets.picture_view import PictureView

FRAMES = 8
"""How often a second what runs is painted again; half as often where most of the screen changes."""

HOVER_SECONDS = 0.5
_CHORD_SECONDS = 0.6
_WHEEL_ROWS, _WHEEL_COLUMNS = 3, 8
_KIND = "sub_workflow"


class GraphCanvas(PictureView):
    """Shows a graph. Give it a graph (`show`), what a run says (`tell`, `advance`), findings (`mark`), a cursor (`go`)."""

    def __init__(
        self,
        graph: Graph | None = None,
        *,
        ascii: bool = False,
        colour: bool = True,
        where: str = "editor",
        actions: Mapping[str, keys.KeyAction] = keys.ACTIONS,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id, colour=colour)
        self.stage = Stage(Style(ascii, colour))
        self._where, self.actions = where, actions
        self._bound: dict[str, str] = {}
        self._bind()
        self.wanted = ""
        self.mode = ""
        self._typed = ""
        self._began: str | None = None
        self._chord: tuple[str, float] = ("", 0.0)
        self._news: set[str] = set()
        self._told: Mapping[str, NodeNow] = {}
        self._painted = 0.0
        self._beats = 0
        self._busy = False
        self._beat: Timer | None = None
        self._hover_timer: Timer | None = None
        self._pressed: tuple[int, int] | None = None
        self._dragged = False
        self._on_map = False
        if graph is not None:
            self.stage.show(graph)

    # -- what it is told ---------------------------------------------------------------------------------------------

    def show(self, graph: Graph) -> None:
        """Show this graph; the cursor stays on its path where the graph has it."""
        self._see()
        before = self.stage.path
        self.stage.show(graph)
        self.repaint()
        self._moved(before)

    def tell(self, nodes: Mapping[str, NodeNow], *, running: bool = False) -> None:
        """All that a run says of the nodes; in place of all that was known."""
        self._told, self._news = nodes, set()
        self.stage.tell(nodes, time.time(), running=running)
        self._painted = time.monotonic()
        self._set_beat()
        self.repaint()

    def advance(self, nodes: Mapping[str, NodeNow], changed: Sequence[str] | set[str] | frozenset[str]) -> None:
        """What a run says of the nodes now; only the paths in `changed` differ from before. Painted with the next frame."""
        self._told = nodes
        self._news.update(changed)
        if time.monotonic() - self._painted >= 2 / FRAMES:
            self._paint_news()
        self._set_beat()

    def mark(self, findings: Mapping[str, str]) -> None:
        """Paths with a finding: "error" or "warning"."""
        self.stage.mark(findings)
        self.repaint()

    def go(self, path: str | None) -> bool:
        """Put the cursor on a node without telling anyone; False if there is none of that path."""
        if path == self.stage.path:
            return path is not None
        self._see()
        found = self.stage.go(path)
        self.repaint()
        return found

    def draw_with(self, *, ascii: bool, colour: bool | None = None) -> None:
        """Other means of drawing."""
        self._colour = self._colour if colour is None else colour
        self.stage.restyle(Style(ascii, self._colour))
        self.forget_colours()

    def dim(self, *, on: bool) -> None:
        """Step back, as what is shown is not what the file says."""
        if self.stage.dimmed is not on:
            self.stage.dimmed = on
            self.repaint()

    def say_when_empty(self, *words: str) -> None:
        """What to show where there is no node: what belongs here, and the keys that fill it."""
        self.stage.words = words  # type: ignore[assignment]
        self.repaint()

    @property
    def path(self) -> str | None:
        """The path of the node under the cursor."""
        return self.stage.path

    @property
    def zoom(self) -> Zoom:
        """The zoom in use."""
        return self.stage.zoom

    # -- painting ----------------------------------------------------------------------------------------------------

    def paint(self, first: int, count: int) -> Sequence[Row]:
        """Rows of the stage."""
        self._see()
        return self.stage.rows(first, count)

    def _see(self) -> None:
        size = (self.size.width, self.size.height)
        if size != self.stage.size and all(size):
            self.stage.resize(*size)

    def on_mount(self) -> None:
        """Start the clock, asleep until something runs."""
        self._beat = self.set_interval(1 / FRAMES, self._tick, pause=True)
        self._set_beat()

    def _set_beat(self) -> None:
        if self._beat is None:
            return
        if self._news or self._runs():
            self._beat.resume()
        else:
            self._beat.pause()

    def _runs(self) -> bool:
        return any(known.state in ("running", "retrying") for known in self.stage.faces)

    def _tick(self) -> None:
        """One beat of the clock. Where the last one changed most of the rows, every second beat is left out."""
        self._beats += 1
        if self._busy and self._beats % 2:
            return
        stage = self.stage
        spins = self.app.animation_level != "none"
        stage.view = replace(stage.view, spinner=(stage.view.spinner + 1) % 40 if spins else -1)
        changed = stage.tick(time.time())
        spins = spins and stage.zoom is not Zoom.DOT
        moving = [box for box, known in enumerate(stage.faces) if known.state == "running"] if spins else []
        self._paint_news([*changed, *moving])
        self._set_beat()

    def _paint_news(self, more: Sequence[int] = ()) -> None:
        self._painted = time.monotonic()
        changed = self.stage.advance(self._told, self._news, time.time())
        self._news = set()
        rows = self.stage.rows_of([*changed, *more]) if self.stage.graph.boxes and (changed or more) else set()
        self._busy = len(rows) > self.size.height // 2
        if rows:
            self.repaint(rows)

    # -- keys --------------------------------------------------------------------------------------------------------

    @property
    def where(self) -> str:
        """The place whose keys hold: "editor" or "monitor"."""
        return self._where

    @where.setter
    def where(self, where: str) -> None:
        if where != self._where:
            self._where = where
            self._bind()

    def _bind(self) -> None:
        found = keys.here(self._where, self.actions)
        self._bound = {key: action.id for action in found for key in action.keys}

    async def _on_key(self, event: events.Key) -> None:
        handled = self._modal(event) if self.mode else self._act(event)
        if handled:
            event.stop()
            event.prevent_default()

    def _act(self, event: events.Key) -> bool:
        key = event.character if event.character and event.is_printable and event.key != "space" else event.key
        chord, until = self._chord
        self._chord = ("", 0.0)
        if chord and time.monotonic() < until and (both := self._bound.get(f"{chord} {key}")):
            return self.ask(both)
        command = self._bound.get(key) or self._bound.get(keys.spelled(event.key))
        if command is not None:
            return self.ask(command)
        if any(bound.startswith(f"{key} ") for bound in self._bound):
            self._chord = (key, time.monotonic() + _CHORD_SECONDS)
            return True
        return False

    def ask(self, command: str) -> bool:
        """Do what an action of the table asks for, if the canvas can; True if it did."""
        act = _COMMANDS.get(command)
        if act is None:
            return False
        self._see()
        before = self.stage.path
        done = act(self) is not False
        if done:
            self.repaint()
            self._moved(before)
        return done

    def _moved(self, before: str | None) -> None:
        if self.stage.path != before:
            self.send(CursorMoved(self.stage.path))

    def send(self, action: Action) -> None:
        """Tell those around what the person did."""
        if self.is_mounted:
            self.post_message(Notice(action))

    # -- what the canvas can do by itself ------------------------------------------------------------------------------

    def _open(self) -> bool:
        path = self.stage.path
        if path is None:
            return False
        self.send(NodeOpened(path))
        return True

    def _dive(self) -> bool:
        box = self.stage.view.cursor
        if box is None:
            return False
        node = self.stage.graph.boxes[box]
        if node.kind == _KIND:
            self.send(WentIn(node.path))
            return True
        form = self.stage.forms.get(box)
        return self.stage.fold(box, Form.LISTED if form is Form.OPEN else Form.OPEN) if form is not None else False

    def _surface(self) -> bool:
        if not self.stage.everything():
            self.send(CameOut())
        return True

    def _cancel(self) -> bool:
        stage = self.stage
        if stage.callout is not None:
            stage.callout = None
        elif stage.view.matches:
            self._end_find(keep=False)
        elif stage.view.selected:
            stage.view = replace(stage.view, selected=frozenset())
        elif not stage.everything():
            return False
        return True

    # -- finding -------------------------------------------------------------------------------------------------------

    def _start_find(self) -> None:
        self.mode, self.wanted = "find", ""
        self._began = self.stage.path
        self._tell_find(None)

    def _modal(self, event: events.Key) -> bool:
        return self._finding(event) if self.mode == "find" else self._jumping(event)

    def _finding(self, event: events.Key) -> bool:
        before = self.stage.path
        if event.key in ("enter", "escape"):
            self._end_find(keep=event.key == "enter")
        elif event.key == "backspace":
            self._find(self.wanted[:-1])
        elif event.key in ("down", "up"):
            self.stage.next_match(1 if event.key == "down" else -1)
            self._tell_find(len(self.stage.view.matches))
        elif event.character and event.is_printable:
            self._find(self.wanted + event.character)
        else:
            return event.key not in ("tab", "shift+tab", "f1")
        self.repaint()
        self._moved(before)
        return True

    def _find(self, wanted: str) -> None:
        """Look from where the search began, so that each letter narrows it and a wrong one does no harm."""
        self.wanted = wanted
        self.stage.go(self._began)
        self._tell_find(self.stage.find(wanted))

    def _tell_find(self, count: int | None) -> None:
        found = sorted(self.stage.view.matches)
        cursor = self.stage.view.cursor
        at = found.index(cursor) + 1 if cursor in found else 0
        told = (
            "" if count is None or not self.wanted else f"{at} of {count}" if count else "nothing has this in its name"
        )
        bar = "_" if self.stage.style.ascii else "▏"
        close = "Esc clears" if self.wanted else "a part of a name; Esc leaves"
        enter = keys.cap("enter", ascii=self.stage.style.ascii)
        self.stage.footnote = (
            ("/ ", "accent"),
            (self.wanted + bar, "text"),
            (f"  {told}", "muted" if count else "failed"),
            (f"   {enter} keeps  {close}", "muted"),
        )

    def _end_find(self, *, keep: bool) -> None:
        finding = self.mode == "find"
        self.mode = ""
        self.stage.footnote = ()
        if not keep:
            self.wanted = ""
            self.stage.find("")
            if finding:
                self.stage.go(self._began)

    def _next_match(self, step: int) -> bool:
        return self.stage.next_match(step)[1] > 0

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is text to find, and never runs as keys."""
        event.stop()
        if self.mode == "find" and event.text:
            before = self.stage.path
            self._find(self.wanted + event.text.splitlines()[0][:80])
            self.repaint()
            self._moved(before)

    # -- jumping -------------------------------------------------------------------------------------------------------

    def _start_jump(self) -> bool:
        self.stage.badge()
        if not self.stage.view.badges:
            return False
        self.mode, self._typed = "jump", ""
        self.stage.footnote = (("Jump ", "accent"), ("press the letter of a node", "text"), ("   Esc leaves", "muted"))
        return True

    def _jumping(self, event: events.Key) -> bool:
        before = self.stage.path
        self._typed += event.character or "\0"
        letters = self.stage.view.badges
        goal = next((box for box, badge in letters.items() if badge == self._typed), None)
        if goal is None and any(badge.startswith(self._typed) for badge in letters.values()):
            return True
        self.mode = ""
        self.stage.footnote = ()
        self.stage.unbadge()
        if goal is not None:
            self.stage.put(goal)
        self.repaint()
        self._moved(before)
        return True

    # -- mouse ---------------------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press: a place on the map, or the start of a drag."""
        self.focus()
        if event.button != 1:
            return
        spot = self.stage.map_spot
        self._on_map = spot is not None and spot.holds(event.x, event.y)
        self._pressed, self._dragged = (event.x, event.y), False
        self.capture_mouse()
        if self._on_map and self.stage.look_at_map(event.x, event.y):
            self.repaint()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag pans; else the node under the pointer is raised."""
        if self._pressed is None:
            self._hover(self.stage.box_at(event.x, event.y))
            return
        across, down = self._pressed[0] - event.x, self._pressed[1] - event.y
        if self._on_map:
            moved = self.stage.look_at_map(event.x, event.y)
        elif not across and not down:
            return
        else:
            self._dragged = True
            self._pressed = (event.x, event.y)
            moved = self.stage.pan(across, down)
        if moved:
            self.repaint()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Release: the end of a drag, or a click."""
        del event
        self._pressed = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """A node: cursor, with Shift the selection, its kind folds a group, twice opens or goes in."""
        if self._dragged or self._on_map or event.button != 1:
            return
        box = self.stage.box_at(event.x, event.y)
        if box is None:
            return
        before = self.stage.path
        if event.shift:
            self.stage.select(box)
        elif event.chain == 1 and self.stage.on_kind(box, event.x, event.y):
            self.stage.fold(box)
            self.stage.put(box)
        elif event.chain == 2:
            self.stage.put(box)
            if not self._dive():
                self._open()
        else:
            self.stage.put(box)
        self.repaint()
        self._moved(before)

    def on_leave(self) -> None:
        """The pointer left."""
        self._hover(None)

    def _hover(self, box: int | None) -> None:
        stage = self.stage
        if box == stage.view.hover:
            return
        touched = [each for each in (box, stage.view.hover) if each is not None]
        stage.view = replace(stage.view, hover=box)
        if self._hover_timer is not None:
            self._hover_timer.stop()
            self._hover_timer = None
        if stage.callout is not None:
            stage.callout = None
            self.repaint()
        else:
            self.repaint(stage.rows_of(touched))
        if box is not None:
            self._hover_timer = self.set_timer(HOVER_SECONDS, lambda: self._call_out(box))

    def _call_out(self, box: int) -> None:
        if self.stage.view.hover == box and not self.mode:
            self.stage.callout = box
            self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Wheel: down, with Shift to the right, with Ctrl farther away."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wheel: up, with Shift to the left, with Ctrl nearer."""
        self._wheel(event, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Wheel to the right."""
        self._pan(event, _WHEEL_COLUMNS, 0)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Wheel to the left."""
        self._pan(event, -_WHEEL_COLUMNS, 0)

    def _wheel(self, event: events.MouseEvent, way: int) -> None:
        if event.ctrl:
            self.stage.zoom_by(way, self.stage.box_at(event.x, event.y))
            event.stop()
            self.repaint()
        elif event.shift:
            self._pan(event, way * _WHEEL_COLUMNS, 0)
        else:
            self._pan(event, 0, way * _WHEEL_ROWS)

    def _pan(self, event: events.MouseEvent, across: int, down: int) -> None:
        event.stop()
        event.prevent_default()
        if self.stage.pan(across, down):
            self.repaint()


Act = Callable[[GraphCanvas], object]

_COMMANDS: Mapping[str, Act] = {
    "move.left": lambda canvas: canvas.stage.move("left"),
    "move.right": lambda canvas: canvas.stage.move("right"),
    "move.up": lambda canvas: canvas.stage.move("up"),
    "move.down": lambda canvas: canvas.stage.move("down"),
    "half.left": lambda canvas: canvas.stage.leap("left"),
    "half.right": lambda canvas: canvas.stage.leap("right"),
    "half.up": lambda canvas: canvas.stage.leap("up"),
    "half.down": lambda canvas: canvas.stage.leap("down"),
    "move.first": lambda canvas: canvas.stage.ends(last=False),
    "move.last": lambda canvas: canvas.stage.ends(last=True),
    "open": GraphCanvas._open,
    "zoom.in": lambda canvas: canvas.stage.zoom_by(-1),
    "zoom.out": lambda canvas: canvas.stage.zoom_by(1),
    "zoom.next": lambda canvas: canvas.stage.zoom_next(),
    "fit": lambda canvas: canvas.stage.fit(),
    "fit.selection": lambda canvas: canvas.stage.fit(canvas.stage.view.selected or canvas.stage.view.kin),
    "fold": lambda canvas: canvas.stage.fold(),
    "dive": GraphCanvas._dive,
    "surface": GraphCanvas._surface,
    "near": lambda canvas: canvas.stage.nearby() > 0,
    "minimap": lambda canvas: [canvas.stage.toggle_map()],
    "find": GraphCanvas._start_find,
    "find.next": lambda canvas: canvas._next_match(1),
    "find.previous": lambda canvas: canvas._next_match(-1),
    "jump": GraphCanvas._start_jump,
    "select": lambda canvas: canvas.stage.select(),
    "cancel": GraphCanvas._cancel,
}
"""What the canvas does for the ids of `studio.keys`; False: there was nothing to do, the key is for others."""
