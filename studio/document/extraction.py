"""A sub-workflow made of nodes that stand side by side: what they get from outside becomes its params.

The nodes move with their comments into [workflows.NAME]; one node that runs it stands where the first of them stood. A
sub-workflow sees its own params only, so `load` becomes `${params.load}` inside, and the node outside hands it over.
Outside, the one result that is used becomes the sub-workflow's; where several are, each is a field of its table of results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.project.editing import Set
from engine.project.findings import shown
from engine.project.ids import why_bad
from engine.project.model import Workflow
from engine.project.references import Ref, ReferenceSyntax, read_reference
from studio.document import edits
from studio.document.draft import Draft, placed, written
from studio.document.edits import EditRefused, Place
from studio.document.grouping import beside, spot
from studio.document.links import Renaming, before, carry, circle, links_of, users
from studio.document.names import (
    base_of,
    found,
    free_name,
    joined,
    keys_of,
    name_for,
    name_of,
    owner_of,
    resolve,
    siblings,
    within,
)
from studio.document.node_rules import with_inside
from studio.document.splicing import Add, Move, Operation
from studio.document.tables import changes, listed, name_in, own_table, place_key, put_or_drop


def extract(draft: Draft, edit: edits.ExtractWorkflow) -> Draft:
    """Nodes as a workflow of their own."""
    name = edit.name
    _check_name(draft, name)
    own, base = draft.workflow(edit.workflow), base_of(edit.workflow)
    members = beside(draft, edit.workflow, edit.paths)
    owner = owner_of(members[0])
    others = [one for one in siblings(own, owner) if joined(owner, one) not in members]
    call = joined(owner, free_name(others, name))
    every = [path for member in members for path, _ in with_inside(own, member)]
    inside_ = set(every)
    leaving = _leaving(draft, edit.workflow, inside_, own)
    taken = _Taken(own, members, inside_, owner)
    operations: list[Operation] = []
    for path in every:
        keys = keys_of(own, path, base)
        table = own_table(draft, keys)
        operations += changes(keys, table, _Inner(taken, path).table(table))
    result = _result(draft, edit.workflow, members, leaving)
    inner: dict[str, Any] = {"result": _below(result, owner)} if result is not None else {}
    inner["params"] = {param: {"required": True} for param in taken.params}
    operations.append(Add(("workflows", name), inner))
    for member in members:
        at = ("workflows", name, "nodes", name_of(member))
        operations.append(Move(keys_of(own, member, base), at, away=True))
    caller: dict[str, Any] = {"workflow": name}
    put_or_drop(caller, "params", dict(taken.params))
    needs = [one for target in taken.needs if (one := name_for(own, target, members[0])) is not None]
    put_or_drop(caller, "needs", needs)
    names = [name_of(path) for path in members]
    after, first = spot([one for one in siblings(own, owner) if one not in names[1:]], names[0])
    operations.append(Add((*base, *_level(own, owner), name_of(call)), caller, after, first=first))
    for user in users(links_of(draft, edit.workflow), inside_):
        if user not in inside_:
            keys = keys_of(own, user, base)
            table = own_table(draft, keys)
            outer = _Outer(own, user, inside_, owner, name_of(call), result)
            operations += changes(keys, table, outer.whole(table))
    if own.result is not None and resolve(own, name_in(own.result), "x") in inside_:
        text = _Outer(own, "x", inside_, owner, name_of(call), result).reference(own.result)
        operations.append(Set((*base, "result") if base else ("project", "result"), text))
    made = written(draft, _ordered(operations))
    _check_no_circle(draft, made, edit.workflow, call)
    pins: dict[str, Place | None] = {}
    for path in every:
        place = draft.places.get(place_key(edit.workflow, path))
        if place is not None:
            pins[place_key(edit.workflow, path)] = None
            pins[place_key(name, _below(path, owner))] = place
            pins.setdefault(place_key(edit.workflow, call), place)
    return placed(made, pins) if pins else made


def _ordered(operations: list[Operation]) -> list[Operation]:
    """Values first, while the tables are still where they were; then the workflow, what moves into it, what runs it."""
    tables = [one for one in operations if isinstance(one, Add | Move)]
    return [one for one in operations if not isinstance(one, Add | Move)] + _caller_first(tables)


def _caller_first(tables: list[Add | Move]) -> list[Operation]:
    # The node that runs it goes where the first of the others still stands.
    made = [one for one in tables if isinstance(one, Add)]
    return [made[0], *[one for one in tables if isinstance(one, Move)], made[1]]


def _level(workflow: Workflow, owner: str) -> tuple[str, ...]:
    return (*keys_of(workflow, owner), "nodes") if owner else ("nodes",)


def _check_name(draft: Draft, name: str) -> None:
    bad = why_bad(name)
    if bad is not None:
        raise EditRefused(f"the name {shown(name)} {bad[0]}", bad[1])
    if name in draft.project.workflows:
        free = free_name(draft.project.workflows, name)
        raise EditRefused(f"there is a [workflows.{name}] already", f"{free} is free")


def _below(path: str, owner: str) -> str:
    return path[len(owner) + 1 :] if owner else path


def _leaving(draft: Draft, workflow: str, inside_: set[str], own: Workflow) -> list[str]:
    """The nodes whose results are used outside, in the order in which they are named."""
    used: dict[str, None] = {}
    for user, links in users(links_of(draft, workflow), inside_).items():
        if user not in inside_:
            used.update((link.source, None) for link in links if link.keys[0] != "needs")
    if own.result is not None:
        target = resolve(own, name_in(own.result), "x")
        if target in inside_ and target is not None:
            used[target] = None
    return list(used)


def _result(draft: Draft, workflow: str, members: list[str], leaving: list[str]) -> str | None:
    """The node whose result is the sub-workflow's; None where it is the table of all."""
    if len(leaving) == 1:
        return leaving[0]
    if leaving:
        deep = next((path for path in leaving if path not in members), None)
        if deep is not None:
            what = f"the results of {shown(leaving[0])} and {len(leaving) - 1} more leave the selection"
            raise EditRefused(what, f"{shown(deep)} is inside of a group: ungroup it first")
        return None
    links = links_of(draft, workflow)
    waited = {link.source for member in members for link in links.of(member)}
    last = [member for member in members if member not in waited]
    return last[0] if len(last) == 1 else None


def _check_no_circle(draft: Draft, made: Draft, workflow: str, call: str) -> None:
    carry(draft, made)
    own = made.workflow(workflow)
    links = links_of(made, workflow)
    for link in links.of(call):
        came = before(own, links, link.source)
        if (call, False) in came:
            way = circle(came, call)
            between = next((path for path in way if not within(path, call)), link.source)
            raise EditRefused(f"{shown(between)} lies between them", f"select {shown(between)}, too")


class _Taken:
    """What the nodes inside get from outside: params by name, with what is handed over, and what is only waited for."""

    def __init__(self, own: Workflow, members: list[str], inside_: set[str], owner: str) -> None:
        self.own, self.members, self.inside, self.owner = own, members, inside_, owner
        self.params: dict[str, str] = {}
        self.needs: dict[str, None] = {}
        self._names: dict[str, str] = {}

    def param(self, key: str, wanted: str, reference: str) -> str:
        """The param for something from outside."""
        if key not in self._names:
            stem = re.sub(r"^(?=[\d_-])", "in", re.sub(r"[^\w-]", "_", wanted))
            name = self._names[key] = free_name(self.params, stem)
            self.params[name] = f"${{{reference}}}"
        return self._names[key]

    def of_node(self, target: str, path: str) -> str:
        """The param for the result of a node outside."""
        name = name_for(self.own, target, self.members[0])
        if name is None:
            raise EditRefused(f"{shown(path)} takes {shown(target)}, which cannot be named beside it", "move it first")
        return self.param(f"node {target}", name_of(target), name)


class _Inner(Renaming):
    """The names in a node that comes to stand inside of the new workflow."""

    def __init__(self, taken: _Taken, path: str) -> None:
        self.taken, self.path = taken, path
        self.own = taken.own

    def name(self, name: str) -> str:
        return name

    def _outside(self, name: str) -> str | None:
        target = resolve(self.own, name, self.path)
        return target if target is not None and target not in self.taken.inside else None

    def reference(self, text: str) -> str:
        """What stands in `${...}` or as a name in `map`."""
        try:
            ref = read_reference(text)
        except ReferenceSyntax:
            return text
        if ref.kind == "node":
            target = self._outside(ref.name)
            if target is None:
                return text
            return str(Ref("params", self.taken.of_node(target, self.path), ref.steps))
        if ref.kind == "params":
            given = self.taken.param(f"param {ref.name}", ref.name, str(Ref("params", ref.name)))
            return str(Ref("params", given, ref.steps))
        if ref.kind in ("item", "value", "index") and self._around(ref.kind):
            given = self.taken.param(ref.kind, f"the_{ref.kind}", ref.kind)
            return str(Ref("params", given, ref.steps))
        return text

    def _around(self, kind: str) -> bool:
        """Whether `${item}` and the like are those of a map or loop that holds all of the nodes."""
        path = self.path
        while path != self.taken.owner:
            node = found(self.own, path)
            if (
                node.each if kind == "item" else node.again if kind == "value" else node.each or node.again
            ) is not None:
                return False
            path = owner_of(path)
        return True

    def _map(self, value: Any) -> Any:
        if isinstance(value, str) and "${" not in value:
            text = self.reference(value)
            return text if text == value else f"${{{text}}}"
        if isinstance(value, dict):
            return {key: self._map(item) if isinstance(item, str) else self.filled(item) for key, item in value.items()}
        return self.filled(value)

    def table(self, table: Mapping[str, Any]) -> dict[str, Any]:
        new = super().table({key: value for key, value in table.items() if key not in ("inputs", "needs", "on_error")})
        args = dict(new.get("args", {})) if isinstance(new.get("args", {}), dict) else {}
        inputs: dict[str, Any] = {}
        for argument, value in dict(table.get("inputs", {})).items():
            if any(self._outside(name_in(one)) for one in listed(value)):
                filled = [f"${{{self.reference(one)}}}" for one in listed(value)]
                args[argument] = filled if isinstance(value, list) else filled[0]
            else:
                inputs[argument] = value
        needs = []
        for one in listed(table.get("needs", [])):
            target = self._outside(one)
            if target is None:
                needs.append(one)
            else:
                self.taken.needs[target] = None
        on_error = table.get("on_error")
        if isinstance(on_error, dict):
            for one in (value for values in on_error.values() for value in listed(values)):
                if isinstance(one, str) and self._outside(one) is not None:
                    raise EditRefused(f"{shown(self.path)} turns to {shown(one)} on errors", "select that, too")
        if on_error is not None:
            new["on_error"] = on_error
        for key, value in (("inputs", inputs), ("args", args), ("needs", needs)):
            put_or_drop(new, key, value)
        return {key: new[key] for key in (*table, *new) if key in new}


class _Outer(Renaming):
    """The names in a node outside: those of nodes that went in become that of the node that runs them."""

    def __init__(self, own: Workflow, path: str, inside_: set[str], owner: str, call: str, result: str | None) -> None:
        self.own, self.path, self.inside, self.owner, self.result = own, path, inside_, owner, result
        # What sees the nodes by a longer name sees the one that runs them by the same way.
        self.call = call

    def name(self, name: str) -> str:
        return name

    def reference(self, text: str) -> str:
        try:
            ref = read_reference(text)
        except ReferenceSyntax:
            return text
        target = resolve(self.own, ref.name, self.path) if ref.kind == "node" else None
        if target is None or target not in self.inside:
            return text
        steps = ref.steps if target == self.result else (name_of(target), *ref.steps)
        return str(Ref("node", self._called(ref.name, target), steps))

    def _called(self, name: str, target: str) -> str:
        inner = _below(target, self.owner).count("/") + 1
        way = name.split("/")[:-inner] if name.count("/") + 1 > inner else []
        return "/".join([*way, self.call])

    def whole(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """The table, in which an order edge leads to the node that runs them, once."""
        rest = {key: value for key, value in table.items() if key not in ("needs", "on_error")}
        new = self.table(rest)
        needs = []
        for one in listed(table.get("needs", [])):
            target = resolve(self.own, one, self.path)
            needs.append(self._called(one, target) if target in self.inside and target is not None else one)
        put_or_drop(new, "needs", list(dict.fromkeys(needs)))
        on_error = table.get("on_error")
        if isinstance(on_error, dict):
            for one in (value for values in on_error.values() for value in listed(values)):
                if isinstance(one, str) and resolve(self.own, one, self.path) in self.inside:
                    raise EditRefused(f"{shown(self.path)} turns to {shown(one)} on errors", "select it, too")
        if on_error is not None:
            new["on_error"] = on_error
        return {key: new[key] for key in (*table, *new) if key in new}
