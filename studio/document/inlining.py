"""The nodes of a sub-workflow, put in the place of the node that runs it.

What it was given for its params is written where they were used: a node's result becomes an input again, a value the
value. Where no other node runs the workflow its tables move, with their comments; else they are copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from engine.project.comparisons import is_function
from engine.project.editing import Delete, Set
from engine.project.findings import shown
from engine.project.model import Composite, SubWorkflow, Workflow
from engine.project.references import (
    Ref,
    ReferenceFailed,
    ReferenceSyntax,
    Template,
    as_text,
    read_reference,
    read_template,
    take,
)
from studio.document import edits
from studio.document.draft import Draft, placed, written
from studio.document.edits import EditRefused, Place
from studio.document.links import Renaming, links_of, users
from studio.document.names import base_of, found, free_name, joined, keys_of, name_of, owner_of, resolve, siblings
from studio.document.reader import walk
from studio.document.splicing import Add, Move, Operation
from studio.document.tables import changes, listed, own_table, place_key, put_or_drop

_LOST = ("map", "until", "while", "when", "on_error", "undo", "retry")


def inline(draft: Draft, edit: edits.InlineWorkflow) -> Draft:
    """A sub-workflow's nodes instead of the node that runs it."""
    own, base = draft.workflow(edit.workflow), base_of(edit.workflow)
    node = found(own, edit.path)
    if not isinstance(node.body, SubWorkflow):
        raise EditRefused(f"{shown(edit.path)} runs no sub-workflow", "choose one that does")
    name = node.body.workflow
    if name not in draft.project.workflows:
        raise EditRefused(f"{shown(name)} is a file of its own", "only a [workflows.NAME] of this file can be inlined")
    if name == edit.workflow:
        raise EditRefused(f"{shown(name)} would be put into itself", "choose another one")
    inner = draft.project.workflows[name]
    keys = keys_of(own, edit.path, base)
    table = own_table(draft, keys)
    lost = next((key for key in _LOST if key in table), None)
    if lost is not None:
        raise EditRefused(
            f"{shown(edit.path)} has `{lost}`, which its nodes cannot have each", f"delete `{lost}` first"
        )
    owner = owner_of(edit.path)
    if owner and not isinstance(found(own, owner).body, Composite):
        raise EditRefused(f"{shown(edit.path)} is a branch of {shown(owner)}, which is one node", "keep it")
    taken = {one for one in siblings(own, owner) if one != name_of(edit.path)}
    names: dict[str, str] = {}
    for one in inner.nodes:
        names[one] = free_name({*taken, *names.values(), name_of(edit.path)}, one)
    given = {one: param.default for one, param in inner.params.items() if param.default is not UNSET}
    given.update(node.body.params)
    operations = _inside(draft, name, inner, names, given, listed(table.get("needs", [])))
    operations += _outside(draft, edit.workflow, edit.path, inner, names)
    shared = any(_runs(draft, name, workflow, edit) for workflow in ("", *draft.project.workflows))
    level = (*keys[:-1],)
    after = name_of(edit.path)
    if shared:
        made = written(draft, operations)
        tables = {one: own_table(made, ("workflows", name, "nodes", one)) for one in inner.nodes}
        # The workflow itself stays what it is: the nodes were changed only to be copied.
        made = written(draft, _outside(draft, edit.workflow, edit.path, inner, names))
        tail: list[Operation] = []
        for one, content in tables.items():
            tail.append(Add((*level, names[one]), content, after))
            after = names[one]
    else:
        made, tail = written(draft, operations), []
        for one in inner.nodes:
            tail.append(Move(("workflows", name, "nodes", one), (*level, names[one]), after))
            after = names[one]
        tail.append(Delete(("workflows", name)))
    tail.append(Delete(keys))
    made = written(made, tail)
    pins: dict[str, Place | None] = {place_key(edit.workflow, edit.path): None}
    for path, place in draft.places_in(name).items():
        first, slash, rest = path.partition("/")
        if first in names:
            pins[place_key(edit.workflow, joined(owner, names[first] + slash + rest))] = place
        if not shared:
            pins[place_key(name, path)] = None
    return placed(made, pins)


def _runs(draft: Draft, name: str, workflow: str, edit: edits.InlineWorkflow) -> bool:
    """Whether another node runs the workflow, too."""
    return any(
        isinstance(node.body, SubWorkflow) and node.body.workflow == name
        for path, node in walk(draft.workflow(workflow).nodes)
        if (workflow, path) != (edit.workflow, edit.path)
    )


def _inside(
    draft: Draft, name: str, inner: Workflow, names: Mapping[str, str], given: Mapping[str, Any], needs: list[Any]
) -> list[Operation]:
    operations: list[Operation] = []
    base = base_of(name)
    links = links_of(draft, name)
    for path, _ in walk(inner.nodes):
        keys = keys_of(inner, path, base)
        table = own_table(draft, keys)
        new = _Given(inner, path, names, given).table(table)
        if needs and "/" not in path and not any(link.waits for link in links.of(path)):
            new["needs"] = [*needs, *listed(new.get("needs", []))]
        operations += changes(keys, table, new)
    return operations


def _outside(draft: Draft, workflow: str, path: str, inner: Workflow, names: Mapping[str, str]) -> list[Operation]:
    own, base = draft.workflow(workflow), base_of(workflow)
    operations: list[Operation] = []
    for user in users(links_of(draft, workflow), {path}):
        keys = keys_of(own, user, base)
        table = own_table(draft, keys)
        operations += changes(keys, table, _Opened(draft, own, user, path, inner, names).whole(table))
    if own.result is not None:
        text = _Opened(draft, own, "x", path, inner, names).reference(own.result)
        if text != own.result:
            operations.append(Set((*base, "result") if base else ("project", "result"), text))
    return operations


class _Given(Renaming):
    """The names in a node of the sub-workflow, with what was given for the params."""

    def __init__(self, inner: Workflow, path: str, names: Mapping[str, str], given: Mapping[str, Any]) -> None:
        self.inner, self.path, self.names, self.given = inner, path, names, given
        self._quoted = False

    def name(self, name: str) -> str:
        if resolve(self.inner, name, self.path) != name:  # it is found beside the node, inside of a group
            return name
        first, slash, rest = name.partition("/")
        return self.names[first] + slash + rest

    def _value(self, ref: Ref) -> Any:
        if ref.name not in self.given:
            raise EditRefused(f"the param {shown(ref.name)} is given no value", f"set `params.{ref.name}` first")
        return self.given[ref.name]

    def filled(self, value: Any) -> Any:
        if isinstance(value, str) and "${" in value:
            try:
                parsed = read_template(value)
            except ReferenceSyntax:
                return value
            if isinstance(parsed, Ref) and parsed.kind == "params":
                return self._whole(parsed)
            if isinstance(parsed, Template) and not self._quoted:
                return self._text(parsed)
        return super().filled(value)

    def _whole(self, ref: Ref) -> Any:
        """A param that stands alone: the value itself, or the reference that was given for it."""
        value = self._value(ref)
        outer = self._reference(value)
        if outer is not None:
            return f"${{{Ref(outer.kind, outer.name, (*outer.steps, *ref.steps))}}}"
        try:
            return take(value, ref.steps, ref)
        except ReferenceFailed as error:
            raise EditRefused(error.message, "give the param a value that has it") from error

    def _reference(self, value: Any) -> Ref | None:
        try:
            parsed = read_template(value) if isinstance(value, str) else None
        except ReferenceSyntax:
            return None
        return parsed if isinstance(parsed, Ref) else None

    def _text(self, template: Template) -> str:
        parts = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(part.replace("${", "$${"))
            elif part.kind == "params":
                value = self._whole(part)
                try:
                    parts.append(value if isinstance(value, str) else as_text(value, part))
                except ReferenceFailed as error:
                    raise EditRefused(error.message, "use the param alone") from error
            else:
                parts.append(f"${{{self.reference(str(part))}}}")
        return "".join(parts)

    def reference(self, text: str) -> str:
        try:
            ref = read_reference(text)
        except ReferenceSyntax:
            return text
        if ref.kind != "params":
            return super().reference(text)
        outer = self._reference(self._value(ref))
        if outer is None:
            raise EditRefused(
                f"{shown(self.path)} compares the param {shown(ref.name)}, whose value is written out",
                f"write the value into the condition, or make it a param of the project: ${{params.{ref.name}}}",
            )
        return str(Ref(outer.kind, outer.name, (*outer.steps, *ref.steps)))

    def table(self, table: Mapping[str, Any]) -> dict[str, Any]:
        conditions = {key: table[key] for key in ("condition", "when", "until", "while") if key in table}
        new = super().table({key: value for key, value in table.items() if key not in conditions})
        self._quoted = True
        for key, text in conditions.items():
            new[key] = super().filled(text) if isinstance(text, str) and not is_function(text) else text
        self._quoted = False
        new = {key: new[key] for key in table if key in new}
        return self._wired(new)

    def _wired(self, table: dict[str, Any]) -> dict[str, Any]:
        """Arguments that are results of nodes stand in `inputs`, as people write them."""
        args = table.get("args")
        if not isinstance(args, dict):
            return table
        inputs = dict(table.get("inputs", {}))
        kept = {}
        for argument, value in args.items():
            ref = self._reference(value)
            if ref is not None and ref.kind == "node":
                inputs[argument] = str(ref)
            else:
                kept[argument] = value
        new = dict(table)
        put_or_drop(new, "inputs", inputs)
        put_or_drop(new, "args", kept)
        return new


class _Opened(Renaming):
    """The names in a node outside: what was the sub-workflow's result is that of the node that made it."""

    def __init__(
        self, draft: Draft, own: Workflow, user: str, call: str, inner: Workflow, names: Mapping[str, str]
    ) -> None:
        self.own, self.user, self.call, self.inner, self.names = own, user, call, inner, names
        self.links = links_of(draft, next(n for n, one in draft.project.workflows.items() if one is inner))

    def name(self, name: str) -> str:
        return name

    def _beside(self, name: str, inner: str) -> str:
        """A node of the sub-workflow, as the user will call it: by the way by which it called the node that ran it."""
        way = name.rpartition("/")[0]
        first, slash, rest = inner.partition("/")
        return joined(way, self.names[first] + slash + rest)

    def reference(self, text: str) -> str:
        try:
            ref = read_reference(text)
        except ReferenceSyntax:
            return text
        if ref.kind != "node" or resolve(self.own, ref.name, self.user) != self.call:
            return text
        if self.inner.result is not None:
            result = read_reference(self.inner.result)
            return str(Ref("node", self._beside(ref.name, result.name), (*result.steps, *ref.steps)))
        if ref.steps and ref.steps[0] in self.inner.nodes:
            return str(Ref("node", self._beside(ref.name, str(ref.steps[0])), ref.steps[1:]))
        what = f"{shown(self.user)} takes the results of {shown(self.call)} as one table"
        raise EditRefused(what, f"let it take single ones, such as {ref.name}.{next(iter(self.inner.nodes), 'NAME')}")

    def whole(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """The table, in which who waited for the sub-workflow waits for its last nodes."""
        new = self.table({key: value for key, value in table.items() if key not in ("needs", "on_error")})
        needs: list[Any] = []
        for one in listed(table.get("needs", [])):
            if resolve(self.own, one, self.user) == self.call:
                needs += [self._beside(one, last) for last in self._last()]
            else:
                needs.append(one)
        put_or_drop(new, "needs", list(dict.fromkeys(needs)))
        on_error = table.get("on_error")
        if isinstance(on_error, dict):
            for one in (value for values in on_error.values() for value in listed(values)):
                if isinstance(one, str) and resolve(self.own, one, self.user) == self.call:
                    raise EditRefused(f"{shown(self.user)} turns to {shown(self.call)} on errors", "change that first")
        if on_error is not None:
            new["on_error"] = on_error
        return {key: new[key] for key in (*table, *new) if key in new}

    def _last(self) -> list[str]:
        waited = {link.source for path in self.inner.nodes for link in self.links.of(path)}
        return [path for path in self.inner.nodes if path not in waited]
