"""Undo and redo: the edits that take back what was done, newest last.

`done` notes an edit that was made, by the one that takes it back. Consecutive edits with the same key (a word typed into
one field, a drag) are one step: only the way back to before the first of them is kept.
"""

from __future__ import annotations

from msgspec import Struct

from studio.document.draft import Draft
from studio.document.edits import Edit, EditRefused
from studio.document.revert import difference
from studio.document.rules import apply

MOST = 500
"""Steps that are kept."""


class Step(Struct, frozen=True):
    """One step back, or forward. `after` is the number of the draft that it leads from."""

    edit: Edit
    title: str
    key: str | None = None


class History(Struct, frozen=True):
    """What can be undone, and what can be done again."""

    back: tuple[Step, ...] = ()
    forth: tuple[Step, ...] = ()

    @property
    def undo_title(self) -> str:
        """What undo would take back; empty if nothing."""
        return self.back[-1].title if self.back else ""

    @property
    def redo_title(self) -> str:
        """What redo would do again; empty if nothing."""
        return self.forth[-1].title if self.forth else ""


def done(history: History, draft: Draft, edit: Edit, key: str | None = None) -> tuple[Draft, History]:
    """The draft after an edit, and the history that can take it back. Raises EditRefused."""
    new, inverse = apply(draft, edit)
    if new is draft:
        return draft, history
    last = history.back[-1] if history.back else None
    if key is not None and last is not None and last.key == key and not history.forth:
        # The way back leads to before the first edit with this key.
        first, _ = apply(draft, last.edit)
        step = Step(difference(first, new, last.title), last.title, key)
        return new, History((*history.back[:-1], step))
    return new, History((*history.back[-MOST + 1 :], Step(inverse, edit.title, key)))


def undone(history: History, draft: Draft) -> tuple[Draft, History]:
    """One step back. Raises EditRefused where there is none."""
    if not history.back:
        raise EditRefused("there is nothing to undo")
    step = history.back[-1]
    new, inverse = apply(draft, step.edit)
    return new, History(history.back[:-1], (*history.forth, Step(inverse, step.title)))


def redone(history: History, draft: Draft) -> tuple[Draft, History]:
    """One step forward again. Raises EditRefused where there is none."""
    if not history.forth:
        raise EditRefused("there is nothing to do again")
    step = history.forth[-1]
    new, inverse = apply(draft, step.edit)
    return new, History((*history.back, Step(inverse, step.title)), history.forth[:-1])
