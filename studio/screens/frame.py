"""The screen of the studio: top bar, strip of the run, one place, footer.

Places are made when one first goes there. Keys come here when the focused pane did not want them: the table in `keys`
says which command they mean, the place may know it (`command`), and all else is asked of the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from studio import key_names, keys
from studio.actions import Action, Asked, Resized
from studio.notices import Notice
from studio.state import StudioState
from studio.widgets import bars
from studio.widgets.bars import Bar
from studio.widgets.holder import Holder
from studio.widgets.page import Line, Page

if TYPE_CHECKING:
    from studio.app import StudioApp

CHAIN = 0.6
"""Seconds that the second key of `g g` may take."""


class TooSmall(Page):
    """What is shown below the least size."""

    GROUND = "bg"

    def __init__(self) -> None:
        super().__init__(id="too-small")
        self.state = StudioState()

    def lines(self, width: int, height: int) -> list[Line]:
        return bars.too_small(self.state, self.app.size.width, self.app.size.height)


class Frame(Screen[None]):
    """Everything that is on the screen but what lies over it."""

    DEFAULT_CSS = """
    Frame { layout: vertical; background: $background; }
    Frame #places { height: 1fr; }
    """
    AUTO_FOCUS = None

    def __init__(self, state: StudioState) -> None:
        super().__init__()
        self.state = state
        self._top = Bar(bars.top_bar, id="top")
        self._strip = Bar(bars.run_strip, ground="surface", id="strip")
        self._footer = Bar(bars.Footer(), id="footer")
        self._places = Holder(id="places")
        self._made: dict[str, Any] = {}
        self._small: TooSmall | None = None
        self._waiting_for: str = ""

    @property
    def studio(self) -> StudioApp:
        """The app, by its own type."""
        return cast("StudioApp", self.app)

    def compose(self) -> ComposeResult:
        self.studio.session.sized(*self.app.size)
        self.state = self.studio.session.state
        yield self._top
        yield self._strip
        with self._places:
            yield self._place_for(self.state)
        yield self._footer

    def on_mount(self) -> None:
        """The footer follows the person's own keys."""
        self._footer.painter = bars.Footer(self.studio.table)
        self.show(self.state)

    # -- showing -----------------------------------------------------------------------------------------------------

    def _place_for(self, state: StudioState) -> Any:
        """The widget of the place that a state names, made if need be."""
        name = "editor" if state.place == "monitor" else state.place
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        if name == "welcome":
            from studio.screens.welcome import Welcome

            return Welcome()
        if name == "runs":
            from studio.screens.runs import Runs

            return Runs()
        if name == "agents":
            from studio.screens.agents import Agents

            return Agents()
        from studio.screens.editor import Editor

        studio = self.studio
        return Editor(
            studio.session.book, actions=studio.table, colour=not studio.plain, ascii=studio.session.state.ascii
        )

    @property
    def place(self) -> Any:
        """The place that is shown."""
        return self._place_for(self.state)

    def show(self, state: StudioState) -> None:
        """Show this state."""
        self.state = state
        if self._show_small(state):
            return
        self._top.show(state)
        live = state.run is not None and state.run.live
        self._strip.display = state.place == "monitor" or (live and state.place == "editor")
        if self._strip.display:
            self._strip.show(state)
        self._footer.show(state)
        place = self._place_for(state)
        for other in self._made.values():
            other.display = other is place
        if place.parent is None:
            self._places.mount(place)
        self.show_place()

    def show_place(self) -> None:
        """Show the state in its place; a place that was just made calls this when it is there."""
        place = self.place
        if not place.children:
            return  # it asks again when it has them
        place.show(self.state)
        if self.is_current and (
            self.focused is None or not self.focused.display or place not in self.focused.ancestors
        ):
            place.take_focus()

    def _show_small(self, state: StudioState) -> bool:
        """Below the least size nothing but a line that says so."""
        if not state.too_small and self._small is None:
            return False
        if self._small is None:
            self._small = TooSmall()
            self.mount(self._small, before=self._footer)
        self._small.state = state
        self._small.repaint()
        for widget in (self._top, self._places, self._footer):
            widget.display = not state.too_small
        self._small.display = state.too_small
        live = state.run is not None and state.run.live
        self._strip.display = state.too_small and live and state.height > 2
        if self._strip.display:
            self._strip.show(state)
        return state.too_small

    # -- what the person does ----------------------------------------------------------------------------------------

    def on_notice(self, notice: Notice) -> None:
        """Widgets say what the person did."""
        notice.stop()
        self.hear(notice.action)

    def hear(self, action: Action) -> None:
        """What the person did."""
        if isinstance(action, Asked):
            self.act(action.command)
        else:
            self.studio.session.dispatch(action)

    def on_resize(self, event: events.Resize) -> None:
        """The state knows the size."""
        if (self.state.width, self.state.height) != event.size:
            self.studio.session.dispatch(Resized(event.size.width, event.size.height))

    def on_screen_resume(self) -> None:
        """What lay over the screen is gone: the keys are the place's again."""
        if self.place.is_mounted and self.place.state is not None:
            self.show(self.state)
            self.place.take_focus()

    def on_key(self, event: events.Key) -> None:
        """A key that no pane wanted: what does the table say?"""
        name = self._command_of(event.key)
        event.stop()
        event.prevent_default()
        if name:
            self.act(name)

    def _command_of(self, key: str) -> str:
        key = key_names.spelled(key)
        chain, self._waiting_for = self._waiting_for, ""
        where = bars.where_of(self.state)
        # In a drawer the keys of the graph hold too, where the drawer has no use for them.
        around = "monitor" if self.state.place == "monitor" else "editor"
        beside = (where, around) if self.state.focus != "canvas" else (where,)
        for wanted in (f"{chain} {key}", key) if chain else (key,):
            for place in beside:
                found = keys.action_of(wanted, place, self.studio.table)
                if found is not None and (place == where or keys.reaches(found, where)):
                    return found.id
        if any(k.startswith(f"{key} ") for action in keys.here(where, self.studio.table) for k in action.keys):
            self._waiting_for = key
            self.set_timer(CHAIN, self._forget_chain)
        return ""

    def _forget_chain(self) -> None:
        self._waiting_for = ""

    def act(self, name: str) -> None:
        """Do a command: the place may know it, else it is the session's."""
        if self.state.too_small and name not in {"quit", "close"}:
            return
        found: Action | bool = self.place.command(name) if self.place.is_mounted else False
        if isinstance(found, Action):
            self.studio.session.dispatch(found)
        elif not found:
            self.studio.session.dispatch(Asked(name))
