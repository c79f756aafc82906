"""What edits mean for the studio: the draft in hand, its history, the cursor, and what is on the way to the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_
from typing import Any

from msgspec.structs import replace

from engine.project.model import SubWorkflow, Workflow
from studio import actions, effects
from studio.actions import Action
from studio.clipboard import nodes_in, text_of
from studio.document import edits
from studio.document.draft import Draft, draft_of
from studio.document.edits import Edit, EditRefused, named
from studio.document.history import History, done, redone, undone
from studio.document.links import carry
from studio.document.merge import Answers, merge
from studio.document.names import joined, owner_of, within
from studio.document.reader import Document, node_at, walk
from studio.document.window import changed_keys
from studio.effects import Effect
from studio.state import Inner, KeptDraft, Merge, StudioState

Step = tuple[StudioState, tuple[Effect, ...]]


# -- edits -----------------------------------------------------------------------------------------------------------


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
    old = state.workflow
    after, found = _in_hand(state, draft, history)
    new = after.workflow
    if old is None or new is None or old.nodes is new.nodes:
        return after, (*found, effects.Tell(f"{word}: {title}"))
    # The cursor shows what came back or changed: a message would only say so again, and later.
    return replace(after, cursor=_touched(old, new, state.cursor)), found


def _touched(old: Workflow, new: Workflow, cursor: str | None) -> str | None:
    """The node that came or changed; what is left of the cursor's place where nodes only went."""
    changed, _ = changed_keys(old.nodes, new.nodes)
    if cursor is not None and cursor.partition("/")[0] in changed and node_at(new, cursor) is not None:
        return cursor
    came = next((name for name in new.nodes if name in changed and name not in old.nodes), None)
    found = came or next((name for name in new.nodes if name in changed), None)
    if cursor is not None and node_at(new, cursor) is None and came is None:
        return _beside(old, new, cursor)
    return found or cursor


def _refused(refusal: EditRefused) -> Effect:
    text = f"{refusal.what[:1].upper()}{refusal.what[1:]}"
    return effects.Tell(f"{text}: {refusal.remedy}" if refusal.remedy else text, "warning")


def _in_hand(state: StudioState, draft: Draft, history: History) -> Step:
    """The state with this draft in hand; it is checked and kept in a moment."""
    state = shown(replace(state, history=history), draft)
    check = (
        ()
        if draft.typed is not None
        else (effects.CheckDraft(draft.saved.path, draft.text, draft.number, draft.project),)
    )
    return state, (*check, *keeping(state))


def keeping(state: StudioState, *, at_once: bool = False) -> tuple[Effect, ...]:
    """What keeps the draft from being lost."""
    draft = state.draft
    if draft is None:
        return ()
    path = draft.saved.path
    if not draft.dirty:
        return (effects.DropRecovery(path, before=state.kept is None),)
    return (effects.KeepRecovery(path, text_in_hand(draft), draft.saved.text, at_once),)


def text_in_hand(draft: Draft) -> str:
    """All that a person wrote, whether it can be read yet or not."""
    return draft.typed.text if draft.typed is not None else draft.text


def shown(state: StudioState, draft: Draft) -> StudioState:
    """The state that shows this draft, which knows all that is still so of what was known of the one before."""
    if state.draft is not None:
        carry(state.draft, draft)
    document = draft.document
    old = state.draft.typed if state.draft is not None else None
    broken = draft.typed or (state.broken if state.broken is not old else None)
    return replace(state, draft=draft, document=document, broken=broken, stack=same_stack(state, document))


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


# -- copies ----------------------------------------------------------------------------------------------------------


def copied(state: StudioState, action: actions.NodesCopied) -> Step:
    """Nodes go to the clipboard; those that are cut go from the project, too."""
    if state.draft is None or state.editing is None:
        return state, ()
    try:
        text = text_of(state.draft, action.paths, state.editing, state.places)
    except EditRefused as refusal:
        return state, (_refused(refusal),)
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
        return state, (_refused(refusal),)
    keep = action.inputs or (action.text is None and state.copied_inputs)
    return edited(state, actions.Edited(edits.Paste(nodes, keep, owner=action.owner, workflow=state.editing)))


# -- the file --------------------------------------------------------------------------------------------------------


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
    after, wanted = _in_hand(replace(state, merge=None), draft, history)
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
    after, found = _in_hand(state, draft, history)
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
    actions.Edited: edited,
    actions.MergeAnswered: merge_answered,
    actions.Recovered: recovered,
    actions.NodesCopied: copied,
    actions.NodesPasted: pasted,
    actions.Redone: lambda state, _: redo(state),
    actions.Saved: saved,
    actions.Undone: lambda state, _: undo(state),
}

BY_COMMAND: dict[str, Callable[[StudioState], Step]] = {
    "recover": recover,
    "redo": redo,
    "save": save,
    "save.over": save_over,
    "undo": undo,
}
