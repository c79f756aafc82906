"""Nodes that come to stand elsewhere, and everything that names them, which then names them there.

First the tables move, with their comments. Then every reference that led to one of them, or that one of them makes, is
looked at again from where it stands now: if it no longer leads to the same node, it gets the name that does. So renaming,
grouping and moving are one thing. What cannot be named from there (nothing sees into a map) refuses the whole edit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from engine.project.editing import Set
from engine.project.findings import shown
from studio.document.blocks import Keys
from studio.document.draft import Draft, placed, written
from studio.document.edits import EditRefused, Place
from studio.document.links import Renaming
from studio.document.names import base_of, keys_of, name_for, name_of, owner_of, resolve, why_unseen, within
from studio.document.reader import node_at, walk
from studio.document.splicing import Move, Operation
from studio.document.tables import changes

Renames = Mapping[str, str]
"""Old path of a node that moves -> its new one."""


def moved(
    draft: Draft,
    workflow: str,
    renames: Renames,
    *,
    before: Iterable[Operation] = (),
    keys: Mapping[str, Keys] | None = None,
    after: str | None = None,
) -> Draft:
    """The draft with nodes at other paths of the same workflow. `before` makes the tables that they move into.

    `keys` are those of the new tables, where the workflow cannot tell them yet. What changes its owner is written one
    after the other after the sibling `after`, or at the end.
    """
    own = draft.workflow(workflow)
    base = base_of(workflow)
    operations = list(before)
    mid = written(draft, operations) if operations else draft
    moves: list[Operation] = []
    for old, new in renames.items():
        elsewhere = owner_of(old) != owner_of(new)
        to = keys[new] if keys is not None else keys_of(mid.workflow(workflow), new, base)
        moves.append(Move(keys_of(own, old, base), to, after if elsewhere else None, away=elsewhere))
        if elsewhere and after is not None:
            after = name_of(new)
    mid = written(mid, moves)
    new_draft = _renamed(draft, mid, workflow, renames)
    pins: dict[str, Place | None] = {}
    for key, place in draft.places.items():
        name, _, path = key.rpartition(":")
        if name == workflow and _mapped(path, renames) != path:
            pins[key] = None
            pins[f"{name}:{_mapped(path, renames)}" if name else _mapped(path, renames)] = place
    return placed(new_draft, pins) if pins else new_draft


def _mapped(path: str, renames: Renames) -> str:
    for old, new in renames.items():
        if within(path, old):
            return new + path[len(old) :]
    return path


def _renamed(before: Draft, mid: Draft, workflow: str, renames: Renames) -> Draft:
    """`mid` with every reference of the workflow leading to where it led in `before`."""
    old, new = before.workflow(workflow), mid.workflow(workflow)
    base = base_of(workflow)

    def now(path: str) -> str:
        return _mapped(path, renames)

    tops = _naming(before, base, renames)
    operations: list[Operation] = []
    for path, _ in walk({name: node for name, node in old.nodes.items() if tops is None or name in tops}):
        here = now(path)
        if node_at(new, here) is None:
            continue
        keys = keys_of(new, here, base)
        table = mid.sheet.table(keys)
        if table is None:
            continue
        operations += changes(keys, table, _Relocated(before, mid, workflow, path, here, now).table(table))
    result = old.result
    if result is not None:
        text = _Relocated(before, mid, workflow, "x", "x", now).reference(result)
        if text != result:
            operations.append(Set((*base, "result") if base else ("project", "result"), text))
    return written(mid, operations) if operations else mid


def _naming(draft: Draft, base: tuple[str, ...], renames: Renames) -> set[str] | None:
    """The nodes at the top whose text mentions the ids that change, or that move; None where all have to be looked at."""
    ids = {name_of(path) for pair in renames.items() for path in pair}
    if base or not all(name.isascii() for name in ids) or not draft.sheet.plain:
        return None
    found = {path.partition("/")[0] for path in renames}
    mention = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, ids))})(?![\w-])|\\[uU]").search
    signs = (*ids, "\\u", "\\U")
    for block in draft.sheet.blocks:
        keys = block.keys
        if len(keys) < 2 or keys[0] != "nodes" or keys[1] in found:
            continue
        text = block.text
        # Looking for the letters first: a pattern takes ten times as long, and nearly all blocks have none of them.
        if any(sign in text for sign in signs) and mention(text):
            found.add(keys[1])
    return found


class _Relocated(Renaming):
    """The names in the table of one node, after others moved, or it itself."""

    def __init__(
        self, before: Draft, mid: Draft, workflow: str, path: str, here: str, now: Callable[[str], str]
    ) -> None:
        self.old, self.new = before.workflow(workflow), mid.workflow(workflow)
        self.path, self.here, self.now = path, here, now

    def name(self, name: str) -> str:
        target = resolve(self.old, name, self.path)
        if target is None:
            return name
        target = self.now(target)
        if resolve(self.new, name, self.here) == target:
            return name
        found = name_for(self.new, target, self.here)
        if found is None:
            what = (
                f"{shown(self.here)} could not name {shown(target)} any more: {why_unseen(self.new, target, self.here)}"
            )
            raise EditRefused(what, "take that edge out first")
        return found
