"""What each action means: (state, action) -> (state, effects). Pure, and the only place where the state changes.

Each `reduce_*` holds the rules about one thing in two tables, actions by their type and commands (`Asked`) by the ids
of `keys`; here they are one. A command that only the canvas knows (moving, zooming, folding, finding) never comes
here. Nothing here looks at a clock, a file or a screen; what has to be done in the world is returned as effects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio import (
    actions,
    reduce_agents,
    reduce_cursor,
    reduce_edits,
    reduce_file,
    reduce_fixes,
    reduce_look,
    reduce_places,
    reduce_project,
    reduce_runs,
)
from studio.actions import Action
from studio.effects import Effect
from studio.in_hand import Step
from studio.state import StudioState


def reduce(state: StudioState, action: Action) -> Step:
    """The state after an action, and what is to be done in the world because of it."""
    rule = _BY_ACTION.get(type(action))
    return rule(state, action) if rule is not None else (state, ())


def _together(state: StudioState, action: actions.Together) -> Step:
    done: list[Effect] = []
    for one in action.actions:
        state, found = reduce(state, one)
        done += found
    return state, tuple(done)


def _asked(state: StudioState, action: actions.Asked) -> Step:
    rule = _BY_COMMAND.get(action.command)
    return rule(state) if rule is not None else (state, ())


def _editing(rule: Callable[[StudioState, Any], Step]) -> Callable[[StudioState, Any], Step]:
    """A rule for an edit, after which the cursor stands on something, and its code is known."""

    def ruled(state: StudioState, action: Any) -> Step:
        after, found = rule(state, action)
        return reduce_cursor.at(after, after.cursor, found) if after.document is not state.document else (after, found)

    return ruled


def _commanding(rule: Callable[[StudioState], Step]) -> Callable[[StudioState], Step]:
    ruled = _editing(lambda state, _: rule(state))
    return lambda state: ruled(state, None)


_EDITING_ACTIONS = reduce_edits.BY_ACTION | reduce_file.BY_ACTION | reduce_fixes.BY_ACTION
_EDITING_COMMANDS = reduce_edits.BY_COMMAND | reduce_file.BY_COMMAND | reduce_fixes.BY_COMMAND

_BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.Asked: _asked,
    actions.Together: _together,
    **reduce_agents.BY_ACTION,
    **reduce_cursor.BY_ACTION,
    **reduce_look.BY_ACTION,
    **reduce_places.BY_ACTION,
    **reduce_project.BY_ACTION,
    **reduce_runs.BY_ACTION,
    **{action: _editing(rule) for action, rule in _EDITING_ACTIONS.items()},
}

_BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    **reduce_agents.BY_COMMAND,
    **reduce_cursor.BY_COMMAND,
    **reduce_look.BY_COMMAND,
    **reduce_places.BY_COMMAND,
    **reduce_project.BY_COMMAND,
    **reduce_runs.BY_COMMAND,
    **{command: _commanding(rule) for command, rule in _EDITING_COMMANDS.items()},
}
