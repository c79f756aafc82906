"""Where a person is: the place, the drawer, the inspector, the pane that has the keys, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from studio import actions, effects, reduce_cursor, reduce_project
from studio.actions import Action
from studio.effects import Effect
from studio.in_hand import Step
from studio.state import Drawer, StudioState

MIN_INSPECTOR, MAX_INSPECTOR = 28, 60


def _place_chosen(state: StudioState, action: actions.PlaceChosen) -> Step:
    if state.document is None and action.place != "welcome":
        return state, (effects.Tell("Open a project first"),)
    if action.place == "welcome":
        return replace(state, place="welcome", focus="canvas"), (effects.LoadRecent(),)
    done: tuple[Effect, ...] = ()
    if action.place == "runs" and state.document is not None:
        done = (effects.ReadRuns(state.document.folder),)
    if action.place == "agents":
        done = (effects.ReadAgents(),)
    return replace(state, place=action.place, focus="canvas"), done


def _drawer_chosen(state: StudioState, action: actions.DrawerChosen) -> Step:
    drawer = _DRAWERS.get(action.drawer or "")
    if drawer is None or drawer == state.drawer:
        return replace(state, drawer=None, focus="canvas"), ()
    if state.width < 100:
        state = replace(state, inspector=None)  # both lie over the canvas, and one of them is enough
    return replace(state, drawer=drawer, focus=drawer if drawer == "problems" else "canvas"), ()


_DRAWERS: dict[str, Drawer] = {"problems": "problems", "toml": "toml", "changes": "changes", "log": "log"}


def _focus_moved(state: StudioState, action: actions.FocusMoved) -> Step:
    return (state, ()) if action.focus == state.focus else (replace(state, focus=action.focus), ())


def panes(state: StudioState) -> list[str]:
    """The panes that can have the keys now, in the order of Tab."""
    inspector = ["inspector"] if state.inspector_open else []
    return ["canvas", *inspector, *([state.drawer] if state.drawer else [])]


def _pane(state: StudioState, step: int) -> Step:
    here = panes(state)
    focus = {"field": "inspector", "text": "toml"}.get(state.focus, state.focus)
    at = here.index(focus) if focus in here else 0
    return replace(state, focus=here[(at + step) % len(here)]), ()


def _inspector(state: StudioState) -> Step:
    shown = not state.inspector_open
    over = shown and state.width < 100
    return replace(state, inspector=shown, focus="inspector" if over else "canvas"), ()


def _inspector_sized(state: StudioState, action: actions.InspectorSized) -> Step:
    most = max(MIN_INSPECTOR, min(MAX_INSPECTOR, state.width - 20))
    return replace(state, inspector_cells=max(MIN_INSPECTOR, min(action.cells, most))), ()


def _about_project(state: StudioState) -> Step:
    """The inspector tells of the project; asked again, of the node under the cursor."""
    if state.document is None:
        return state, (effects.Tell("Open a project first"),)
    if state.about == "project" and state.inspector_open:
        return replace(state, about="node", focus="canvas", inspector=None if state.docked else False), ()
    return replace(state, about="project", inspector=True, focus="inspector"), ()


def _back(state: StudioState) -> Step:
    """Esc: out of the pane in hand, then out of what lies over or beside the canvas."""
    if state.focus == "inspector" and state.about == "project":
        state = replace(state, about="node")
    if state.focus in {"inspector", "field"} and not state.docked:
        return replace(state, focus="canvas", inspector=False), ()
    if state.focus != "canvas":
        return replace(state, focus="canvas"), ()
    if state.inspector_open and not state.docked:
        return replace(state, inspector=False), ()
    return replace(state, drawer=None), ()


def _close(state: StudioState) -> Step:
    """q: close the nearest thing, and leave where nothing is left to close."""
    if state.place in {"runs", "agents"}:
        return replace(state, place="editor", focus="canvas"), ()
    if state.place == "welcome":
        return (state, (effects.Quit(),)) if state.document is None else (replace(state, place="editor"), ())
    if state.focus != "canvas" or state.drawer is not None or (state.inspector_open and not state.docked):
        return _back(state)
    if state.stack:
        return reduce_cursor.came_out(state, actions.CameOut())
    return reduce_project.quit_asked(state)


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.DrawerChosen: _drawer_chosen,
    actions.FocusMoved: _focus_moved,
    actions.InspectorSized: _inspector_sized,
    actions.PlaceChosen: _place_chosen,
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "place.editor": lambda state: _place_chosen(state, actions.PlaceChosen("editor")),
    "place.monitor": lambda state: _place_chosen(state, actions.PlaceChosen("monitor")),
    "place.runs": lambda state: _place_chosen(state, actions.PlaceChosen("runs")),
    "place.agents": lambda state: _place_chosen(state, actions.PlaceChosen("agents")),
    "welcome": lambda state: _place_chosen(state, actions.PlaceChosen("welcome")),
    "pane.next": lambda state: _pane(state, 1),
    "pane.previous": lambda state: _pane(state, -1),
    "problems": lambda state: _drawer_chosen(state, actions.DrawerChosen("problems")),
    "toml": lambda state: _drawer_chosen(state, actions.DrawerChosen("toml")),
    "changes": lambda state: _drawer_chosen(state, actions.DrawerChosen("changes")),
    "log": lambda state: _drawer_chosen(state, actions.DrawerChosen("log")),
    "inspector": _inspector,
    "inspector.leave": _back,
    "project": _about_project,
    "cancel": _back,
    "close": _close,
}
