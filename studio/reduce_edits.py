"""What edits mean for the studio: another draft in hand, its history, the cursor, copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from studio import actions, effects
from studio.actions import Action
from studio.clipboard import nodes_in, text_of
from studio.cursor import cursor_after, touched
from studio.document import edits
from studio.document.draft import Draft
from studio.document.edits import EditRefused, named
from studio.document.history import History, done, redone, undone
from studio.in_hand import Step, in_hand, refused
from studio.state import StudioState


def edited(state: StudioState, action: actions.Edited) -> Step:
    """Make an edit, or say why not."""
    if state.draft is None:
        return state, (effects.Tell("Open a project first"),)
    draft, history = state.draft, state.history
    try:
        if action.instead and history.back and history.back[-1].key == action.key:
            draft, history = undone(history, draft)
        draft, history = done(history, draft, action.edit, action.key)
    except EditRefused as refusal:
        return state, (refused(refusal),)
    if draft is state.draft:
        return state, ()
    cursor = cursor_after(state, action.edit, draft)
    return in_hand(replace(state, cursor=cursor), draft, history)


def undo(state: StudioState) -> Step:
    """Take the last step back."""
    return _stepped(state, undone, "Undone", state.history.undo_title)


def redo(state: StudioState) -> Step:
    """Make it again."""
    return _stepped(state, redone, "Done again", state.history.redo_title)


def _stepped(
    state: StudioState, step: Callable[[History, Draft], tuple[Draft, History]], word: str, title: str
) -> Step:
    if state.draft is None:
        return state, (effects.Tell("Open a project first"),)
    try:
        draft, history = step(state.history, state.draft)
    except EditRefused as refusal:
        return state, (refused(refusal),)
    old = state.workflow
    after, found = in_hand(state, draft, history)
    new = after.workflow
    if old is None or new is None or old.nodes is new.nodes:
        return after, (*found, effects.Tell(f"{word}: {title}"))
    # The cursor shows what came back or changed: a message would only say so again, and later.
    return replace(after, cursor=touched(old, new, state.cursor)), found


# -- copies -------------------------------------------------------------------------------------------------------------


def copied(state: StudioState, action: actions.NodesCopied) -> Step:
    """Nodes go to the clipboard; those that are cut go from the project, too."""
    if state.draft is None or state.editing is None:
        return state, ()
    try:
        text = text_of(state.draft, action.paths, state.editing, state.places)
    except EditRefused as refusal:
        return state, (refused(refusal),)
    state = replace(state, copied=text, copied_inputs=action.inputs)
    told = effects.Copy(text, named(action.paths))
    if not action.cut:
        return state, (told,)
    state, done_ = edited(state, actions.Edited(edits.DeleteNodes(action.paths, workflow=state.editing or "")))
    return state, (told, *done_)


def pasted(state: StudioState, action: actions.NodesPasted) -> Step:
    """Copies of what was copied come, the first of them under the cursor."""
    text = state.copied if action.text is None else action.text
    if state.editing is None or not text:
        return state, (effects.Tell("Nothing was copied yet: y copies the selection"),)
    try:
        nodes, _ = nodes_in(text)
    except EditRefused as refusal:
        return state, (refused(refusal),)
    keep = action.inputs or (action.text is None and state.copied_inputs)
    return edited(state, actions.Edited(edits.Paste(nodes, keep, owner=action.owner, workflow=state.editing)))


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.Edited: edited,
    actions.NodesCopied: copied,
    actions.NodesPasted: pasted,
    actions.Redone: lambda state, _: redo(state),
    actions.Undone: lambda state, _: undo(state),
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {"redo": redo, "undo": undo}
