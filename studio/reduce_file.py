"""What the file means for the draft in hand: opening, reading again, joining, saving, and what was never saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_
from typing import Any

from msgspec.structs import replace

from studio import actions, effects
from studio.actions import Action
from studio.document import edits
from studio.document.draft import draft_of
from studio.document.edits import EditRefused
from studio.document.history import History, done
from studio.document.merge import Answers, merge
from studio.document.reader import Document
from studio.effects import Effect
from studio.in_hand import Step, in_hand, keeping, shown, text_in_hand
from studio.state import KeptDraft, Merge, StudioState


def opened(state: StudioState, document: Document, kept: KeptDraft | None = None) -> Step:
    """A project was read for the first time; what was kept of it is offered."""
    left = keeping(state, at_once=True) if state.dirty else ()
    state = replace(
        state, document=document, draft=draft_of(document), history=History(), broken=None, merge=None, kept=kept
    )
    return state, (*left, *((effects.Show("recover"),) if kept is not None else ()))


def read_again(state: StudioState, document: Document) -> Step:
    """The files of the project in hand were read again: the draft takes over what is new in them."""
    draft = state.draft
    if draft is None or draft.saved.path != document.path:
        return opened(state, document)
    if state.broken is not draft.typed:
        state = replace(state, broken=draft.typed)
    if document.text == draft.saved.text:
        fresh = with_(draft, saved=document)
        if not draft.dirty:
            return shown(state, with_(fresh, findings=document.findings, checked=True)), ()
        return shown(state, fresh), (effects.CheckDraft(document.path, fresh.text, fresh.number, fresh.project),)
    if draft.typed is not None:
        text = f"{document.path.name} was changed by another program, too; mend the TOML here, then save to join both"
        return state, (effects.Tell(text, "warning"),)
    return merged(state, document)


def merged(state: StudioState, document: Document, answers: Answers | None = None) -> Step:
    """The draft with what another program wrote into the file; where both changed the same value, it is asked."""
    draft = state.draft
    if draft is None:
        return state, ()
    was_dirty = draft.dirty
    try:
        found = merge(draft.saved.text, draft.text, document.text, answers)
        if found.clashes:
            return replace(state, merge=Merge(document, found.clashes)), (effects.Show("merge"),)
        draft, history = done(state.history, draft, edits.SetText(found.text, "changes from outside"))
    except (ValueError, EditRefused) as problem:
        text = f"{document.path.name} was changed by another program, too, and cannot be joined: {problem}"
        return state, (effects.Tell(text, "error"),)
    draft = with_(draft, saved=document)
    if draft.text == document.text:
        draft = with_(draft, findings=document.findings, checked=True)
    after, wanted = in_hand(replace(state, merge=None), draft, history)
    told = f"{document.path.name} was changed by another program: " + ("both changes are kept" if was_dirty else "read")
    return after, (*wanted, *((effects.Tell(told),) if was_dirty else ()))


def merge_answered(state: StudioState, action: actions.MergeAnswered) -> Step:
    """A person chose whose value holds where, or will do so later."""
    merging = state.merge
    if merging is None:
        return state, ()
    if action.answers is None:
        return replace(state, merge=None), (effects.Tell("Your changes are kept here; saving asks again"),)
    return merged(state, merging.theirs, action.answers)


def recovered(state: StudioState, action: actions.Recovered) -> Step:
    """What was kept is taken up, or forgotten."""
    kept, draft = state.kept, state.draft
    state = replace(state, kept=None)
    if kept is None or draft is None:
        return state, ()
    if not action.take:
        return state, (effects.DropRecovery(draft.saved.path),)
    text = kept.text
    if kept.base != draft.saved.text:
        try:
            text = merge(kept.base, kept.text, draft.text).text
        except ValueError:
            text = kept.text
    draft, history = done(state.history, draft, edits.SetText(text, "the draft that was kept"))
    after, found = in_hand(state, draft, history)
    joined_ = " and joined with the file as it is now" if kept.base != draft.saved.text else ""
    return after, (*found, effects.Tell(f"The draft is back{joined_}; u takes it away again"))


def recover(state: StudioState) -> Step:
    """Ask about the draft that was kept."""
    if state.kept is None:
        return state, (effects.Tell("Nothing was kept of this project"),)
    return state, (effects.Show("recover"),)


def leave(state: StudioState) -> tuple[Effect, ...]:
    """What has to be done before the studio may end; nothing where all is saved."""
    draft = state.draft
    if draft is None or not draft.dirty:
        return ()
    return (effects.LeaveDraft(draft.saved.path, text_in_hand(draft), draft.saved.text),)


def save(state: StudioState) -> Step:
    """Put the draft into the file."""
    draft = state.draft
    if draft is None:
        return state, (effects.Tell("Open a project first"),)
    if draft.typed is not None:
        line = f" (line {draft.typed.line})" if draft.typed.line else ""
        return state, (effects.Tell(f"The TOML cannot be read yet{line}: mend it, then save", "warning"),)
    if not draft.dirty:
        return state, (effects.Tell("Nothing has changed since it was saved"),)
    return state, (effects.SaveProject(draft.saved.path, draft.text, draft.saved.stamp),)


def save_over(state: StudioState) -> Step:
    """Put the draft into the file, whatever is in it now: it may be one that cannot be read, and so not be joined."""
    draft = state.draft
    if draft is None or draft.typed is not None:
        return save(state)
    return state, (effects.SaveProject(draft.saved.path, draft.text, None),)


def saved(state: StudioState, action: actions.Saved) -> Step:
    """The file has what the draft said when it was saved."""
    draft = state.draft
    if draft is None or draft.saved.path != action.path:
        return state, ()
    document = with_(draft.saved, text=action.text, stamp=action.stamp, project=draft.project, findings=draft.findings)
    state = shown(replace(state, broken=draft.typed), with_(draft, saved=document))
    return state, (*keeping(state), effects.Tell(f"Saved {action.path.name}"))


def checked(state: StudioState, action: actions.DraftChecked) -> Step:
    """The draft was looked at as a whole."""
    draft = state.draft
    if draft is None or draft.number != action.number:
        return state, ()
    project = draft.project if action.project is None else action.project
    return shown(state, with_(draft, project=project, findings=action.findings, checked=True)), ()


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.DraftChecked: checked,
    actions.MergeAnswered: merge_answered,
    actions.Recovered: recovered,
    actions.Saved: saved,
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {"recover": recover, "save": save, "save.over": save_over}
