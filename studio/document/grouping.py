"""Nodes into groups and out of them. The tables move with their comments; whatever names them names them there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.project.editing import Delete, Set
from engine.project.findings import shown
from engine.project.model import Composite, Node
from engine.project.references import ReferenceSyntax, read_reference
from studio.document import edits
from studio.document.draft import Draft, placed, written
from studio.document.edits import EditRefused
from studio.document.links import Renaming, links_of, users
from studio.document.names import (
    base_of,
    check_new,
    found,
    joined,
    keys_of,
    name_for,
    name_of,
    owner_of,
    resolve,
    siblings,
    within,
)
from studio.document.relocation import moved
from studio.document.splicing import Add, Operation
from studio.document.tables import changes, listed, outermost, own_table, place_key


def _move_into(draft: Draft, edit: edits.MoveInto) -> Draft:
    own = draft.workflow(edit.workflow)
    owner = edit.owner
    if owner and not isinstance(found(own, owner).body, Composite):
        raise EditRefused(f"{shown(owner)} is no group", "drop them on a group, or beside it")
    renames = {}
    for path in outermost(edit.paths):
        found(own, path)
        if owner and within(owner, path):
            raise EditRefused(f"{shown(owner)} is inside of {shown(path)}", "choose another group")
        if owner_of(path) == owner:
            continue
        _check_leaves(draft, edit.workflow, path, edit.paths)
        new = joined(owner, name_of(path))
        check_new(own, new)
        renames[path] = new
    if not renames:
        raise EditRefused("they are there already")
    after = name_of(edit.after) if edit.after is not None else None
    return moved(draft, edit.workflow, renames, after=after)


def _check_leaves(draft: Draft, workflow: str, path: str, leaving: tuple[str, ...]) -> None:
    own = draft.workflow(workflow)
    owner = owner_of(path)
    if not owner:
        return
    if not isinstance(found(own, owner).body, Composite):
        raise EditRefused(f"{shown(path)} is a branch of {shown(owner)}", "move what owns it")
    left = [name for name in siblings(own, owner) if joined(owner, name) not in leaving]
    if not left:
        raise EditRefused(f"{shown(owner)} would be empty", f"ungroup {shown(owner)}")


def _group(draft: Draft, edit: edits.Group) -> Draft:
    own = draft.workflow(edit.workflow)
    paths = beside(draft, edit.workflow, edit.paths)
    owner = owner_of(paths[0])
    group = joined(owner, edit.name)
    check_new(own, group)
    base = base_of(edit.workflow)
    keys = keys_of(own, group, base)
    add = Add(keys, {"kind": edit.kind}, *spot(list(siblings(own, owner)), name_of(paths[0])))
    renames = {path: joined(group, name_of(path)) for path in paths}
    to = {new: (*keys, "nodes", name_of(new)) for new in renames.values()}
    return moved(draft, edit.workflow, renames, before=[add], keys=to)


def _wrap(draft: Draft, edit: edits.Wrap) -> Draft:
    own = draft.workflow(edit.workflow)
    node = found(own, edit.path)
    keys = keys_of(own, edit.path, base_of(edit.workflow))
    table = own_table(draft, keys)
    if edit.into in ("map", "loop"):
        if node.each is not None or node.again is not None:
            raise EditRefused(f"{shown(edit.path)} runs many times already", "put it into a group first")
        new = {**table, **({"map": [1, 2, 3]} if edit.into == "map" else {"until": "${index} >= 2"})}
    else:
        outer: dict[str, Any] = {key: table[key] for key in ("needs", "when", "join") if key in table}
        inner = {key: value for key, value in table.items() if key not in outer}
        if edit.into == "conditional":
            new = {**outer, "condition": _condition(node), "then": inner}
        else:
            new = {**outer, "kind": edit.into, "nodes": {edit.name or name_of(edit.path): inner}}
    return written(draft, changes(keys, table, new))


def _condition(node: Node) -> str:
    """A condition to begin with: over what the node gets, as far as it gets anything."""
    for reference in node.inputs.values():
        first = reference if isinstance(reference, str) else next(iter(reference), "")
        if first:
            return f"${{{first}}} != false"
    return "1 < 2"


def beside(draft: Draft, workflow: str, paths: tuple[str, ...]) -> list[str]:
    """These nodes in the order of the file. Raises EditRefused where they do not stand side by side."""
    own = draft.workflow(workflow)
    wanted = outermost(paths)
    if not wanted:
        raise EditRefused("nothing is selected", "select nodes with Space")
    for path in wanted:
        found(own, path)
    owner = owner_of(wanted[0])
    if any(owner_of(path) != owner for path in wanted):
        raise EditRefused("they do not stand side by side", "select nodes of one group, or none of a group")
    if owner and not isinstance(found(own, owner).body, Composite):
        raise EditRefused(f"a branch of {shown(owner)} stands alone", "group what is inside of it")
    return [path for name in siblings(own, owner) if (path := joined(owner, name)) in wanted]


def spot(names: list[str], first: str) -> tuple[str | None, bool]:
    """Where a table goes that is to be written before `first`: after which sibling, or as the first of all."""
    at = names.index(first)
    return (names[at - 1], False) if at else (None, True)


# -- out of groups ---------------------------------------------------------------------------------------------------

_LOST = ("map", "until", "while", "when")
"""What a group may say that would mean something else, said by each of its nodes."""


def _ungroup(draft: Draft, edit: edits.Ungroup) -> Draft:
    own = draft.workflow(edit.workflow)
    node = found(own, edit.path)
    if not isinstance(node.body, Composite):
        raise EditRefused(f"{shown(edit.path)} is no group", "choose a group")
    base = base_of(edit.workflow)
    keys = keys_of(own, edit.path, base)
    table = own_table(draft, keys)
    for key in _LOST:
        if key in table:
            raise EditRefused(
                f"{shown(edit.path)} has `{key}`, which its nodes cannot have each", f"delete `{key}` first"
            )
    owner = owner_of(edit.path)
    if owner and not isinstance(found(own, owner).body, Composite):
        raise EditRefused(f"{shown(edit.path)} is a branch of {shown(owner)}, which is one node", "keep the group")
    names = list(node.body.nodes)
    for name in names:
        check_new(own, joined(owner, name), but=name_of(edit.path) if name_of(edit.path) == name else "")
        if name == name_of(edit.path):
            raise EditRefused(f"a node of {shown(edit.path)} is called {shown(name)}, too", "rename one of them")
    operations = _handed_on(draft, edit.workflow, edit.path, names)
    mid = written(draft, operations) if operations else draft
    renames = {joined(edit.path, name): joined(owner, name) for name in names}
    mid = moved(mid, edit.workflow, renames, after=name_of(edit.path))
    mid = written(mid, [Delete(keys)])
    key = place_key(edit.workflow, edit.path)
    return placed(mid, {key: None}) if key in mid.places else mid


def _handed_on(draft: Draft, workflow: str, path: str, names: list[str]) -> list[Operation]:
    """What the nodes of a group say for themselves, and what others say of them, once the group is gone."""
    own = draft.workflow(workflow)
    base = base_of(workflow)
    body = found(own, path).body
    assert isinstance(body, Composite)
    links = links_of(draft, workflow)
    needs = [str(name) for name in found(own, path).needs]
    operations: list[Operation] = []
    for number, name in enumerate(names):
        inner = joined(path, name)
        waits = {link.source for link in links.of(inner)}
        wanted = [one for one in needs if resolve(own, one, path) not in waits]
        if number and body.kind == "sequential" and joined(path, names[number - 1]) not in waits:
            wanted.append(names[number - 1])
        if wanted:
            keys = keys_of(own, inner, base)
            table = own_table(draft, keys)
            operations += changes(keys, table, {**table, "needs": [*listed(table.get("needs", [])), *wanted]})
    last = joined(path, names[-1])
    every = [joined(path, name) for name in names]
    for user in users(links, {path}):
        keys = keys_of(own, user, base)
        table = own_table(draft, keys)
        needs_ = listed(table.get("needs", []))
        if any(resolve(own, str(one), user) == path for one in needs_):
            ends = [last] if body.kind == "sequential" else every
            called = [one for end in ends if (one := name_for(own, end, user)) is not None]
            kept = [one for one in needs_ if resolve(own, str(one), user) != path]
            needed = {**table, "needs": list(dict.fromkeys([*kept, *called]))}
        else:
            needed = table
        new = _Opened(draft, workflow, user, path, body.kind).table(needed)
        operations += changes(keys, table, new)
    result = own.result
    if result is not None:
        text = _Opened(draft, workflow, "x", path, body.kind).reference(result)
        if text != result:
            operations.append(Set((*base, "result") if base else ("project", "result"), text))
    return operations


class _Opened(Renaming):
    """References to a group that goes: to its last node, if that was its result, or to the node that a field named."""

    def __init__(self, draft: Draft, workflow: str, user: str, group: str, kind: str) -> None:
        self.own, self.user, self.group, self.kind = draft.workflow(workflow), user, group, kind

    def name(self, name: str) -> str:
        return name

    def reference(self, text: str) -> str:
        try:
            ref = read_reference(text)
        except ReferenceSyntax:
            return text
        if ref.kind != "node" or resolve(self.own, ref.name, self.user) != self.group:
            return text
        body = found(self.own, self.group).body
        assert isinstance(body, Composite)
        rest = text.strip()[len(ref.name) :]
        if self.kind == "sequential":
            inner = joined(self.group, list(body.nodes)[-1])
        elif ref.steps and ref.steps[0] in body.nodes:
            inner = joined(self.group, str(ref.steps[0]))
            rest = str(type(ref)("node", "x", ref.steps[1:]))[1:]
        else:
            what = f"{shown(self.user)} takes the results of {shown(self.group)} as one table"
            raise EditRefused(what, f"let it take single ones, such as {ref.name}.{next(iter(body.nodes))}")
        called = name_for(self.own, inner, self.user)
        if called is None:
            raise EditRefused(f"{shown(self.user)} cannot name {shown(inner)}", "take that edge out first")
        return called + rest


RULES: Mapping[type[edits.Edit], Callable[[Draft, Any], Draft]] = {
    edits.Group: _group,
    edits.MoveInto: _move_into,
    edits.Ungroup: _ungroup,
    edits.Wrap: _wrap,
}
