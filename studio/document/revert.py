"""The edit that takes another one back: what differed between two drafts, and nothing else.

Two drafts share nearly all blocks and nodes, so the difference is a *window*: from here, so many, replaced by these.
Taking back puts the very same blocks in their old places, so the text is what it was, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import Struct, structs

from engine.project.findings import Finding
from engine.project.model import Project
from studio.document.draft import Draft
from studio.document.edits import Edit, EditRefused, Place
from studio.document.reader import Broken
from studio.document.window import differing


class Window(Struct, frozen=True):
    """From `at`, `count` things are to be replaced by `things`; `size` is how many there are altogether before."""

    at: int
    count: int
    things: tuple[Any, ...]
    size: int

    def put(self, whole: Sequence[Any]) -> tuple[Any, ...]:
        """The whole with the window replaced. Raises EditRefused where it is another whole."""
        if len(whole) != self.size:
            raise EditRefused("the project is no longer what this edit was made in", "undo what came after it first")
        return (*whole[: self.at], *self.things, *whole[self.at + self.count :])


def window(old: Sequence[Any], new: Sequence[Any]) -> Window:
    """The window that makes `old` of `new`."""
    start, end, new_end = differing(old, new)
    return Window(start, new_end - start, tuple(old[start:end]), len(new))


class Revert(Edit, frozen=True):
    """Take an edit back. `rest` is the project without its nodes."""

    said: str
    blocks: Window
    tail: str
    names: Window
    nodes: Window
    rest: Project
    places: Mapping[str, Place]
    findings: tuple[Finding, ...]
    typed: Broken | None = None

    @property
    def title(self) -> str:
        return self.said


def difference(old: Draft, new: Draft, said: str) -> Revert:
    """The edit that makes `old` of `new`."""
    before, after = old.project.workflow.nodes, new.project.workflow.nodes
    workflow = structs.replace(old.project.workflow, nodes={})
    if before is after:
        nodes = names = Window(0, 0, (), len(after))
    else:
        nodes = window(list(before.values()), list(after.values()))
        names = window(list(before), list(after))
    return Revert(
        said,
        window(old.sheet.blocks, new.sheet.blocks),
        old.sheet.tail,
        names,
        nodes,
        structs.replace(old.project, workflow=workflow),
        old.places,
        old.findings,
        old.typed,
    )


def reverted(draft: Draft, edit: Revert) -> Draft:
    """The draft with an edit taken back."""
    sheet = draft.sheet
    blocks = edit.blocks.put(sheet.blocks)
    if blocks != sheet.blocks or edit.tail != sheet.tail:
        sheet = sheet.with_blocks(blocks, edit.tail)
    own = draft.project.workflow.nodes
    nodes: Mapping[str, Any] = own
    if edit.nodes.count or edit.nodes.things or edit.names.things or edit.names.count:
        names = edit.names.put(list(own))
        nodes = dict(zip(names, edit.nodes.put(list(own.values())), strict=True))
    workflow = structs.replace(edit.rest.workflow, nodes=nodes)
    return replace(
        draft,
        project=structs.replace(edit.rest, workflow=workflow),
        sheet=sheet,
        places=edit.places,
        findings=edit.findings,
        checked=False,
        typed=edit.typed,
        number=draft.number + 1,
    )
