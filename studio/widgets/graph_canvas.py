"""The canvas: a stage on the screen, moved by keys and mouse.

Keys come from the table in `studio.keys`: what the canvas can do by itself (`canvas_acts`) it does, all else it leaves
to those around it. What a person did that others must know goes up as a `Notice`. A `Mode` may take keys and pointer
for a while, and paint over the picture; `Pointer` is the mouse without one.

News of a run are gathered and painted at most `FRAMES` times a second, and only the rows that look different are sent;
a spinner and the figures of running nodes go on by the same clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from textual import events
from textual.timer import Timer

from engine.draw.scene import Graph, Zoom
from studio import key_names, keys
from studio.actions import Action, CursorMoved, ModeChanged, Zoomed
from studio.modes.desk import Desk
from studio.notices import Notice
from studio.pictures.cells import Row
from studio.pictures.stage import Stage
from studio.pictures.view import Style
from studio.state import NodeNow
from studio.widgets.canvas_acts import ACTS
from studio.widgets.edit_acts import paste_text
from studio.widgets.mode import Mode
from studio.widgets.picture_view import PictureView
from studio.widgets.pointer import Pointer

FRAMES = 8
"""How often a second what runs is painted again; half as often where most of the screen changes."""

_CHORD_SECONDS = 0.6


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
        self.stage: Stage = Stage(Style(ascii, colour))
        self._where, self.actions = where, actions
        self._bound: dict[str, str] = {}
        self._bind()
        self.mode: Mode | None = None
        self.listener: Callable[[Action], None] | None = None
        self.desk = Desk()
        self.pointer = Pointer(self)
        self._chord: tuple[str, float] = ("", 0.0)
        self._news: set[str] = set()
        self._told: Mapping[str, NodeNow] = {}
        self._painted = 0.0
        self._beats = 0
        self._busy = False
        self._beat: Timer | None = None
        if graph is not None:
            self.stage.show(graph)

    # -- what it is told ---------------------------------------------------------------------------------------------

    def show(self, graph: Graph) -> None:
        """Show this graph; the cursor stays on its path where the graph has it."""
        self._see()
        before = self.stage.path
        self.stage.show(graph)
        self.repaint()
        self.tell_moved(before)

    def tell(self, nodes: Mapping[str, NodeNow]) -> None:
        """All that a run says of the nodes; in place of all that was known."""
        self._told, self._news = nodes, set()
        self.stage.tell(nodes, time.time())
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
        self.stage.over.words = words
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
        if self._news or self.stage.flashes or self._runs():
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
        flash = self.app.animation_level == "full"
        changed = self.stage.advance(self._told, self._news, time.time(), flash=flash)
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
        if self._modal(event) if self.mode is not None else self._act(event):
            event.stop()
            event.prevent_default()

    def _modal(self, event: events.Key) -> bool:
        before = self.stage.path
        if self.mode is None or not self.mode.key(event):
            return False
        self.repaint()
        self.tell_moved(before)
        return True

    def _act(self, event: events.Key) -> bool:
        key = event.character if event.character and event.is_printable and event.key != "space" else event.key
        chord, until = self._chord
        self._chord = ("", 0.0)
        if chord and time.monotonic() < until and (both := self._bound.get(f"{chord} {key}")):
            return self.ask(both)
        command = self._bound.get(key) or self._bound.get(key_names.spelled(event.key))
        if command is not None:
            return self.ask(command)
        if any(bound.startswith(f"{key} ") for bound in self._bound):
            self._chord = (key, time.monotonic() + _CHORD_SECONDS)
            return True
        return False

    def ask(self, command: str) -> bool:
        """Do what an action of the table asks for, if the canvas can; True if it did."""
        act = ACTS.get(command)
        if act is None:
            return False
        self._see()
        before, zoom = self.stage.path, self.stage.zoom
        done = act(self) is not False
        if done:
            self.repaint()
            self.tell_moved(before)
            self.tell_zoom(zoom)
        return done

    def tell_moved(self, before: str | None) -> None:
        """Tell those around where the cursor is, if that was `before` somewhere else."""
        if self.stage.path != before:
            self.send(CursorMoved(self.stage.path))

    def tell_zoom(self, before: Zoom) -> None:
        """Tell those around that a person chose another zoom, if it was another `before`."""
        if self.stage.zoom is not before:
            self.send(Zoomed(int(self.stage.zoom)))

    def send(self, action: Action) -> None:
        """Tell those around what the person did: at once where somebody listens, so that all that follows from a key is
        painted with it; else as a message."""
        if not self.is_mounted:
            return
        if self.listener is not None:
            self.listener(action)
        else:
            self.post_message(Notice(action))

    # -- modes -------------------------------------------------------------------------------------------------------

    def enter(self, mode: Mode) -> bool:
        """Begin a mode, in place of the one there is; False if it has nothing to do."""
        self.leave(keep=True)
        if not mode.begin():
            return False
        self.mode = mode
        self.stage.over.painter = mode.draw
        self.tell_mode()
        self.repaint()
        return True

    def leave(self, *, keep: bool = False) -> None:
        """End the mode there is; what it did so far stays (`keep`), or is as it was before."""
        mode, self.mode = self.mode, None
        self.stage.over.painter = None
        if mode is not None:
            mode.end(keep=keep)
            self.tell_mode()
            self.repaint()

    def tell_mode(self) -> None:
        """Tell those around which mode there is, and what keys do in it now."""
        self.send(ModeChanged(self.mode.word, self.mode.keys()) if self.mode is not None else ModeChanged())

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is the mode's, or nodes of another project; it never runs as keys."""
        event.stop()
        before = self.stage.path
        if self.mode is None:
            paste_text(self, event.text)
        elif event.text and self.mode.paste(event.text):
            self.repaint()
            self.tell_moved(before)

    def on_blur(self) -> None:
        """Another pane has the keys now: what a mode was about is over. A window that is left keeps it."""
        if self.mode is not None and self.app.app_focus and self.screen.is_current:
            self.leave()

    # -- mouse -------------------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A button went down."""
        self._pointed(self.pointer.press, event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The pointer moved."""
        self._pointed(self.pointer.move, event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A button went up."""
        self._pointed(self.pointer.release, event)

    def on_click(self, event: events.Click) -> None:
        """A button went down and up."""
        self._pointed(self.pointer.click, event)

    def on_leave(self) -> None:
        """The pointer left."""
        self.pointer.hover(None)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Wheel: down, with Shift to the right, with Ctrl farther away."""
        self.pointer.wheel(event, 0, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wheel: up, with Shift to the left, with Ctrl nearer."""
        self.pointer.wheel(event, 0, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Wheel to the right."""
        self.pointer.wheel(event, 1, 0)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Wheel to the left."""
        self.pointer.wheel(event, -1, 0)

    def _pointed(self, act: Callable[[Any], None], event: events.MouseEvent) -> None:
        before = self.stage.path
        act(event)
        self.tell_moved(before)
