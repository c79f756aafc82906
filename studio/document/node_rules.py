"""What happens to single nodes: they come, go, change, and get other names and places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import UNSET

from engine.project.editing import Delete
from engine.project.findings import shown
from engine.project.model import Composite, Conditional, Node, Switch, Workflow
from engine.project.reading import BODIES
from studio.document import edits
from studio.document.draft import Draft, placed, written
from studio.document.edits import EditRefused
from studio.document.healing import Healing
from studio.document.links import links_of, users
from studio.document.names import base_of, check_new, found, joined, keys_of, name_of, owner_of, resolve, siblings
from studio.document.reader import inside, walk
from studio.document.relocation import moved
from studio.document.splicing import Add, Move, Operation
from studio.document.tables import (
    changes,
    name_in,
    outermost,
    own_table,
    place_key,
    place_keys,
    plain,
    table_of,
    with_value,
)


def add_node(draft: Draft, edit: edits.AddNode) -> Draft:
    """A node that was not there."""
    places = {} if edit.place is None else {edit.path: edit.place}
    many = edits.AddNodes({edit.path: edit.node}, edit.after, places, workflow=edit.workflow)
    return add_nodes(draft, many)


def add_nodes(draft: Draft, edit: edits.AddNodes) -> Draft:
    """Several of them."""
    after: dict[str, str] = {}
    if edit.after is not None:
        after[owner_of(edit.after)] = name_of(edit.after)
    for path, content in edit.nodes.items():
        own = draft.workflow(edit.workflow)
        check_new(own, path)
        keys = keys_of(own, path, base_of(edit.workflow))
        owner = owner_of(path)
        draft = written(draft, [Add(keys, table_of(content), after.get(owner))])
        after[owner] = name_of(path)
    return placed(draft, place_keys(edit.workflow, edit.places)) if edit.places else draft


def _delete_nodes(draft: Draft, edit: edits.DeleteNodes) -> Draft:
    own = draft.workflow(edit.workflow)
    base = base_of(edit.workflow)
    roots = outermost(edit.paths)
    for path in roots:
        _check_can_go(own, path)
    gone = {path for root in roots for path, _ in with_inside(own, root)}
    links = links_of(draft, edit.workflow)
    operations: list[Operation] = []
    for path in users(links, gone):
        if path not in gone:
            keys = keys_of(own, path, base)
            old = own_table(draft, keys)
            new = Healing(draft, edit.workflow, path, gone, heal=edit.heal).table(old)
            operations += changes(keys, old, new)
    result = own.result
    if result is not None and resolve(own, name_in(result), "x") in gone:
        operations.append(Delete((*base, "result") if base else ("project", "result")))
    operations += [Delete(keys_of(own, path, base)) for path in roots]
    new_draft = written(draft, operations)
    pins = [path for path in draft.places if path in {place_key(edit.workflow, one) for one in gone}]
    return placed(new_draft, dict.fromkeys(pins)) if pins else new_draft


def with_inside(workflow: Workflow, root: str) -> Iterator[tuple[str, Node]]:
    """A node and all that it holds, by path."""
    node = found(workflow, root)
    yield root, node
    yield from walk(inside(node), f"{root}/")


def _check_can_go(workflow: Workflow, path: str) -> None:
    found(workflow, path)
    owner = owner_of(path)
    if not owner:
        return
    body = found(workflow, owner).body
    if isinstance(body, Conditional) and name_of(path) == "then":
        raise EditRefused(f"{shown(owner)} needs its then", f"delete {shown(owner)}, or change what then does")
    if isinstance(body, Composite) and len(body.nodes) == 1:
        raise EditRefused(f"{shown(owner)} would be empty", f"delete {shown(owner)} itself")


def set_field(draft: Draft, edit: edits.SetField) -> Draft:
    """A value at some keys of a node's own table."""
    own = draft.workflow(edit.workflow)
    found(own, edit.path)
    keys = keys_of(own, edit.path, base_of(edit.workflow))
    old = own_table(draft, keys)
    return written(draft, changes(keys, old, with_value(old, edit.keys, edit.value)))


_BODY_KEYS = frozenset((*BODIES, "then", "else", "cases", "output", "ok_codes", "choices", "default", "kind"))


def _set_body(draft: Draft, edit: edits.SetBody) -> Draft:
    own = draft.workflow(edit.workflow)
    keys = keys_of(own, edit.path, base_of(edit.workflow))
    found(own, edit.path)
    old = own_table(draft, keys)
    kept = {key: value for key, value in old.items() if key not in _BODY_KEYS or key in edit.body}
    if "workflow" in old and "workflow" not in edit.body:
        kept.pop("params", None)
    return written(draft, changes(keys, old, {**kept, **plain(edit.body)}))


def _set_enabled(draft: Draft, edit: edits.SetEnabled) -> Draft:
    for path in edit.paths:
        value = UNSET if edit.on else False
        draft = set_field(draft, edits.SetField(path, ("enabled",), value, workflow=edit.workflow))
    return draft


def _set_notes(draft: Draft, edit: edits.SetNotes) -> Draft:
    value = edit.notes if edit.notes.strip() else UNSET
    return set_field(draft, edits.SetField(edit.path, ("notes",), value, workflow=edit.workflow))


def _rename(draft: Draft, edit: edits.RenameNode) -> Draft:
    own = draft.workflow(edit.workflow)
    old = name_of(edit.path)
    found(own, edit.path)
    if edit.name == old:
        return draft
    owner = owner_of(edit.path)
    if owner and not isinstance(found(own, owner).body, Composite):
        if not isinstance(found(own, owner).body, Switch) or old == "else":
            raise EditRefused("a branch is called by its place", "rename what owns it")
        if edit.name in siblings(own, owner):
            raise EditRefused(f"there is a case {shown(edit.name)} already", "choose another value")
    else:
        check_new(own, joined(owner, edit.name), but=old)
    return moved(draft, edit.workflow, {edit.path: joined(owner, edit.name)})


def _move_nodes(draft: Draft, edit: edits.MoveNodes) -> Draft:
    own = draft.workflow(edit.workflow)
    for path in edit.places:
        found(own, path)
    return placed(draft, place_keys(edit.workflow, edit.places))


def _unpin(draft: Draft, edit: edits.Unpin) -> Draft:
    paths = edit.paths or tuple(draft.places_in(edit.workflow))
    return placed(draft, place_keys(edit.workflow, dict.fromkeys(paths)))


def _reorder(draft: Draft, edit: edits.Reorder) -> Draft:
    own = draft.workflow(edit.workflow)
    beside = siblings(own, owner_of(edit.path))
    found(own, edit.path)
    after = name_of(edit.after) if edit.after is not None else None
    if after is not None and (after not in beside or after == name_of(edit.path)):
        raise EditRefused(f"{shown(after)} does not stand beside {shown(edit.path)}", "choose a sibling")
    keys = keys_of(own, edit.path, base_of(edit.workflow))
    return written(draft, [Move(keys, keys, after, first=after is None)])


RULES: Mapping[type[edits.Edit], Callable[[Draft, Any], Draft]] = {
    edits.AddNode: add_node,
    edits.AddNodes: add_nodes,
    edits.DeleteNodes: _delete_nodes,
    edits.MoveNodes: _move_nodes,
    edits.RenameNode: _rename,
    edits.Reorder: _reorder,
    edits.SetBody: _set_body,
    edits.SetEnabled: _set_enabled,
    edits.SetField: set_field,
    edits.SetNotes: _set_notes,
    edits.Unpin: _unpin,
}
