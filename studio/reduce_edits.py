"""What edits mean for the studio: the draft in hand, its history, the cursor, and what is on the way to the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_
from typing import Any

from msgspec.structs import replace

from engine.project.model import SubWorkflow, Workflow
from studio import actions, effects
from studio.actions import Action
from studio.document import edits
from studio.document.draft import Draft, draft_of
from studio.document.edits import Edit, EditRefused
from studio.document.history import History, done, redone, undone
from studio.document.names import joined, owner_of, within
from studio.document.reader import Broken, Document, node_at, walk
from studio.effects import Effect
from studio.state import Inner, StudioState

Step = tuple[StudioState, tuple[Effect, ...]]


# -- edits -----------------------------------------------------------------------------------------------------------


def edited(state: StudioState, action: actions.Edited) -> Step:
    """Make an edit, or say why not."""
    if state.draft is None:
        return state, (effects.Tell("Open a project first"),)
    try:
        draft, history = done(state.history, state.draft, action.edit, action.key)
    except EditRefused as refusal:
        return state, (_refused(refusal),)
    if draft is state.draft:
        return state, ()
    cursor = _cursor_after(state, action.edit, draft)
    return _in_hand(replace(state, cursor=cursor), draft, history)


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
        return state, (_refused(refusal),)
    state, found = _in_hand(state, draft, history)
    return state, (*found, effects.Tell(f"{word}: {title}"))


def _refused(refusal: EditRefused) -> Effect:
    text = f"{refusal.what[:1].upper()}{refusal.what[1:]}"
    return effects.Tell(f"{text}: {refusal.remedy}" if refusal.remedy else text, "warning")


def _in_hand(state: StudioState, draft: Draft, history: History) -> Step:
    """The state with this draft in hand; it is checked in a moment."""
    state = shown(replace(state, history=history), draft)
    return state, (effects.CheckDraft(draft.saved.path, draft.text, draft.number),)


def shown(state: StudioState, draft: Draft) -> StudioState:
    """The state that shows this draft."""
    document = draft.document
    return replace(state, draft=draft, document=document, broken=draft.typed, stack=same_stack(state, document))


def same_stack(state: StudioState, document: Document) -> tuple[Inner, ...]:
    """The sub-workflows one is in, as the document has them; as far as they are still there."""
    kept: list[Inner] = []
    workflow = document.project.workflow
    for inner in state.stack:
        node = node_at(workflow, inner.node)
        if node is None or not isinstance(node.body, SubWorkflow):
            break
        workflow = document.project.workflows.get(node.body.workflow, inner.workflow)
        kept.append(inner if workflow is inner.workflow else Inner(inner.node, workflow))
    return tuple(kept)


# -- the cursor ------------------------------------------------------------------------------------------------------


def _cursor_after(state: StudioState, edit: Edit, draft: Draft) -> str | None:
    """Where the cursor stands after an edit: on what came, on what it stood on, else to the left of what went."""
    cursor, old = state.cursor, state.workflow
    if edit.workflow != (state.editing or "") or old is None:
        return cursor
    new = draft.workflow(edit.workflow)
    if isinstance(edit, edits.RenameNode) and cursor is not None and within(cursor, edit.path):
        return joined(owner_of(edit.path), edit.name) + cursor[len(edit.path) :]
    if isinstance(
        edit, edits.AddNode | edits.AddNodes | edits.InsertOnEdge | edits.Paste | edits.Duplicate | edits.Group
    ):
        came = next((path for path, _ in walk(new.nodes) if node_at(old, path) is None), None)
        return came or cursor
    if cursor is not None and node_at(new, cursor) is None:
        return _beside(old, new, cursor)
    return cursor


def _beside(old: Workflow, new: Workflow, cursor: str) -> str | None:
    """The nearest node that is left: one that it waited for, what held it, the one written before it."""
    from engine.project.references import ReferenceSyntax, read_reference
    from studio.document.names import resolve

    node = node_at(old, cursor)
    names = [] if node is None else [*node.inputs.values(), *node.needs]
    for name in names:
        try:
            target = resolve(old, read_reference(name if isinstance(name, str) else name[0]).name, cursor)
        except (ReferenceSyntax, IndexError):
            continue
        if target is not None and node_at(new, target) is not None:
            return target
    every = [path for path, _ in walk(old.nodes)]
    for path in reversed(every[: every.index(cursor)] if cursor in every else []):
        if node_at(new, path) is not None:
            return path
    return next(iter(new.nodes), None)


# -- the file --------------------------------------------------------------------------------------------------------


def opened(state: StudioState, document: Document) -> StudioState:
    """A project was read for the first time."""
    return replace(state, document=document, draft=draft_of(document), history=History(), broken=None)


def read_again(state: StudioState, document: Document) -> Step:
    """The files of the project in hand changed."""
    draft = state.draft
    if draft is None or draft.saved.path != document.path:
        return opened(state, document), ()
    if document.text == draft.saved.text:
        fresh = with_(draft, saved=document)
        if not draft.dirty:
            fresh = with_(fresh, findings=document.findings, checked=True)
            return shown(state, fresh), ()
        return shown(state, fresh), (effects.CheckDraft(document.path, fresh.text, fresh.number),)
    if draft.dirty:
        text = f"{document.path.name} was changed by another program, too; yours is kept here"
        return state, (effects.Tell(text, "warning"),)
    taken, history = done(state.history, draft, edits.SetText(document.text, "changes from outside"))
    taken = with_(taken, saved=document, findings=document.findings, checked=True)
    return shown(replace(state, history=history), taken), ()


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


def saved(state: StudioState, action: actions.Saved) -> Step:
    """The file has what the draft said when it was saved."""
    draft = state.draft
    if draft is None or draft.saved.path != action.path:
        return state, ()
    document = with_(draft.saved, text=action.text, stamp=action.stamp, project=draft.project, findings=draft.findings)
    if draft.text == action.text:
        document = with_(document, text=draft.text)
    return shown(state, with_(draft, saved=document)), (effects.Tell(f"Saved {action.path.name}"),)


def checked(state: StudioState, action: actions.DraftChecked) -> Step:
    """The draft was looked at as a whole."""
    draft = state.draft
    if draft is None or draft.number != action.number:
        return state, ()
    project = draft.project if draft.project == action.project else action.project
    return shown(state, with_(draft, project=project, findings=action.findings, checked=True)), ()


def broken(state: StudioState, found: Broken) -> StudioState:
    """The file cannot be read as it is now; the last good picture stays."""
    return replace(state, broken=found)


BY_ACTION: dict[type[Action], Callable[[StudioState, Any], Step]] = {
    actions.DraftChecked: checked,
    actions.Edited: edited,
    actions.Redone: lambda state, _: redo(state),
    actions.Saved: saved,
    actions.Undone: lambda state, _: undo(state),
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {"redo": redo, "save": save, "undo": undo}
