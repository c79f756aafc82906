"""How the studio looks, whatever it shows: the terminal's size, the theme, the signs, the zoom, a mode's keys, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from studio import actions, effects
from studio.actions import Action
from studio.in_hand import Step
from studio.state import StudioState
from studio.theme import THEMES


def _theme_chosen(state: StudioState, action: actions.ThemeChosen) -> Step:
    return replace(state, theme=action.theme), (effects.KeepLook(action.theme, state.ascii),)


def _next_theme(state: StudioState) -> Step:
    at = THEMES.index(state.theme) if state.theme in THEMES else -1
    return _theme_chosen(state, actions.ThemeChosen(THEMES[(at + 1) % len(THEMES)]))


def _glyphs_chosen(state: StudioState, action: actions.GlyphsChosen) -> Step:
    return replace(state, ascii=action.ascii), (effects.KeepLook(state.theme, action.ascii),)


def _resized(state: StudioState, action: actions.Resized) -> Step:
    state = replace(state, width=action.width, height=action.height)
    lost = state.focus in {"inspector", "field"} and not state.inspector_open
    return (replace(state, focus="canvas") if lost else state), ()


def _told(state: StudioState, action: actions.Told) -> Step:
    return state, (effects.Tell(action.message, action.severity),)


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.GlyphsChosen: _glyphs_chosen,
    actions.ModeChanged: lambda state, action: (replace(state, mode=action.mode, mode_keys=action.keys), ()),
    actions.Resized: _resized,
    actions.ThemeChosen: _theme_chosen,
    actions.Told: _told,
    actions.Zoomed: lambda state, action: (replace(state, zoom=action.zoom), ()),
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "help": lambda state: (state, (effects.Show("help"),)),
    "palette": lambda state: (state, (effects.Show("palette"),)),
    "theme.choose": lambda state: (state, (effects.Show("themes"),)),
    "theme.next": _next_theme,
    "glyphs": lambda state: _glyphs_chosen(state, actions.GlyphsChosen(not state.ascii)),
}
