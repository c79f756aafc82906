"""The draft in hand: how the state shows another one, and what has to be done in the world because of it."""

from __future__ import annotations

from msgspec.structs import replace

from engine.project.model import SubWorkflow
from studio import effects
from studio.document.draft import Draft
from studio.document.edits import EditRefused
from studio.document.history import History
from studio.document.links import carry
from studio.document.reader import Document, node_at
from studio.effects import Effect
from studio.state import Inner, StudioState

Step = tuple[StudioState, tuple[Effect, ...]]


def in_hand(state: StudioState, draft: Draft, history: History) -> Step:
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


def refused(refusal: EditRefused) -> Effect:
    """Why an edit was not made, for the person."""
    text = f"{refusal.what[:1].upper()}{refusal.what[1:]}"
    return effects.Tell(f"{text}: {refusal.remedy}" if refusal.remedy else text, "warning")
