"""Copies: what is pasted keeps the wires among itself, and those from outside if that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from engine.project.model import Workflow
from studio.document import edits
from studio.document.draft import Draft
from studio.document.links import Renaming
from studio.document.names import base_of, found, free_name, joined, keys_of, name_of, owner_of, resolve, siblings
from studio.document.node_rules import add_nodes
from studio.document.tables import listed, name_in, outermost, own_table, plain, put_or_drop, table_of


def paste(draft: Draft, edit: edits.Paste) -> Draft:
    """Copies under names that are free."""
    own = draft.workflow(edit.workflow)
    taken = set(siblings(own, edit.owner))
    names: dict[str, str] = {}
    for old in edit.nodes:
        names[old] = free_name(taken, name_of(old))
        taken.add(names[old])
    tables = {}
    for old, content in edit.nodes.items():
        path = joined(edit.owner, names[old])
        tables[path] = _Pasted(own, path, names, keep=edit.keep_inputs).whole(plain(table_of(content)))
    places = {joined(edit.owner, names[old]): place for old, place in edit.places.items() if old in names}
    if edit.place is not None and tables:
        first = next(iter(edit.nodes))
        column, row = edit.places.get(first, edit.place)
        at = edit.place
        places = {path: (at[0] + c - column, at[1] + r - row) for path, (c, r) in places.items()}
        places[joined(edit.owner, names[first])] = at
    return add_nodes(draft, edits.AddNodes(tables, None, places, workflow=edit.workflow))


class _Pasted(Renaming):
    """The names in a copied node: those of other copies become theirs; others stay, or their wires go."""

    def __init__(self, own: Workflow, path: str, names: Mapping[str, str], *, keep: bool) -> None:
        self.own, self.path, self.names, self.keep = own, path, names, keep

    def name(self, name: str) -> str:
        first, slash, rest = name.partition("/")
        return self.names.get(first, first) + slash + rest

    def whole(self, table: dict[str, Any], hidden: Collection[str] = ()) -> dict[str, Any]:
        """A node's table and those inside of it. An id inside of a group hides the copy that is called so."""
        names = {old: new for old, new in self.names.items() if old not in hidden}
        one = _Pasted(self.own, self.path, names, keep=self.keep)
        new = one.table(one._kept(table, hidden))
        for key in ("nodes", "cases"):
            if isinstance(new.get(key), dict):
                below = {*hidden, *new[key]} if key == "nodes" else hidden
                new[key] = {
                    name: self.whole(inner, below) for name, inner in new[key].items() if isinstance(inner, dict)
                }
        for key in ("then", "else"):
            if isinstance(new.get(key), dict):
                new[key] = self.whole(new[key], hidden)
        return new

    def _kept(self, table: dict[str, Any], hidden: Collection[str]) -> dict[str, Any]:
        """Without the edges that lead out of the copy, where they are not to be kept or would lead nowhere."""
        new = dict(table)
        if isinstance(table.get("inputs"), dict):
            inputs = {}
            for argument, value in table["inputs"].items():
                kept = [one for one in listed(value) if self._stays(one, hidden)]
                if kept:
                    inputs[argument] = kept if isinstance(value, list) else kept[0]
            put_or_drop(new, "inputs", inputs)
        if isinstance(table.get("needs"), list):
            put_or_drop(new, "needs", [one for one in table["needs"] if self._stays(one, hidden)])
        return new

    def _stays(self, reference: Any, hidden: Collection[str]) -> bool:
        if not isinstance(reference, str):
            return True
        name = name_in(reference)
        first = name.partition("/")[0]
        if first in hidden or first in self.names:
            return True
        return self.keep and resolve(self.own, name, self.path) is not None


def _duplicate(draft: Draft, edit: edits.Duplicate) -> Draft:
    own = draft.workflow(edit.workflow)
    by_owner: dict[str, list[str]] = {}
    for path in outermost(edit.paths):
        found(own, path)
        by_owner.setdefault(owner_of(path), []).append(path)
    for owner, paths in by_owner.items():
        tables = {name_of(path): own_table(draft, keys_of(own, path, base_of(edit.workflow))) for path in paths}
        copies = edits.Paste(tables, keep_inputs=True, owner=owner, workflow=edit.workflow)
        draft = paste(draft, copies)
    return draft


RULES: Mapping[type[edits.Edit], Callable[[Draft, Any], Draft]] = {
    edits.Duplicate: _duplicate,
    edits.Paste: paste,
}
