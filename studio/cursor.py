"""Where the cursor stands after an edit, or after one was taken back: never lost, and on what is new."""

from __future__ import annotations

from engine.project.model import Workflow
from engine.project.references import ReferenceSyntax, read_reference
from studio.document import edits
from studio.document.draft import Draft
from studio.document.edits import Edit
from studio.document.names import joined, owner_of, resolve, within
from studio.document.reader import node_at, walk
from studio.document.window import changed_keys
from studio.state import StudioState


def cursor_after(state: StudioState, edit: Edit, draft: Draft) -> str | None:
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


def touched(old: Workflow, new: Workflow, cursor: str | None) -> str | None:
    """The node that came or changed; what is left of the cursor's place where nodes only went."""
    changed, _ = changed_keys(old.nodes, new.nodes)
    if cursor is not None and cursor.partition("/")[0] in changed and node_at(new, cursor) is not None:
        return cursor
    came = next((name for name in new.nodes if name in changed and name not in old.nodes), None)
    found = came or next((name for name in new.nodes if name in changed), None)
    if cursor is not None and node_at(new, cursor) is None and came is None:
        return _beside(old, new, cursor)
    return found or cursor
