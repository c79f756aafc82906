"""What each edit does: (draft, edit) -> the operations on its text that make it, or the reason why not.

`apply` gives the new draft and the edit that takes it back, byte for byte. A rule never writes text: it says which
tables get which values, and which tables come, go or move (`sheet`). Every rule begins with what it refuses, so that
nothing is half done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import UNSET

from engine.project.editing import Change, Delete, Set, differences
from engine.project.findings import shown
from engine.project.model import Composite, Conditional, Node, Project, Switch, Workflow
from engine.project.reading import BODIES
from engine.project.writing import to_tables
from studio.document import edits
from studio.document.draft import Draft, placed, written
from studio.document.edits import Content, Edit, EditRefused, Place
from studio.document.links import Link, before, carry, circle, links_of, users
from studio.document.names import (
    base_of,
    check_new,
    found,
    free_name,
    joined,
    keys_of,
    name_for,
    name_of,
    owner_of,
    resolve,
    siblings,
    why_unseen,
    within,
)
from studio.document.reader import inside, walk
from studio.document.relocation import moved
from studio.document.revert import Revert, difference, reverted
from studio.document.sheet import Add, Keys, Operation
from studio.document.sheet import Move as MoveTable


def apply(draft: Draft, edit: Edit) -> tuple[Draft, Edit]:
    """The draft after an edit, and the edit that takes it back. Raises EditRefused, and then nothing has happened."""
    if draft.typed is not None and not isinstance(edit, edits.SetText | Revert):
        line = f"line {draft.typed.line} of the TOML" if draft.typed.line else "the TOML"
        raise EditRefused("what you typed into the TOML cannot be read yet", f"mend {line}, or undo")
    new = _RULES[type(edit)](draft, edit)
    carry(draft, new)
    return new, difference(draft, new, edit.title)


def allowed(draft: Draft, edit: Edit) -> str | None:
    """Why an edit would be refused; None if it would not."""
    try:
        if isinstance(edit, edits.Connect):
            _check_edge(draft, edit)
        else:
            apply(draft, edit)
    except EditRefused as refusal:
        return refusal.what
    return None


def targets_of(draft: Draft, source: str, workflow: str = "") -> dict[str, str | None]:
    """For every node, whether a wire from `source` may land there: None, or why not."""
    own = draft.workflow(workflow)
    links = links_of(draft, workflow)
    came = before(own, links, source)
    told: dict[str, str | None] = {}
    for path, _ in walk(own.nodes):
        if path == source:
            told[path] = "a node cannot wait for itself"
        elif within(path, source):
            told[path] = f"{shown(path)} is inside of {shown(source)}"
        elif (path, False) in came:
            told[path] = _circle_text(circle(came, path))
        elif name_for(own, source, path) is None:
            told[path] = why_unseen(own, source, path)
        else:
            told[path] = None
    return told


# -- pieces of rules -------------------------------------------------------------------------------------------------


def table_of(content: Content) -> Mapping[str, Any]:
    """The table that a file holds for a node."""
    if not isinstance(content, Node):
        return content
    project = Project(workflow=Workflow("x", nodes={"x": content}))
    try:
        table: Mapping[str, Any] = to_tables(project)["nodes"]["x"]
    except ValueError as error:
        raise EditRefused(str(error), "change the node") from error
    return table


def _own(draft: Draft, keys: Keys) -> dict[str, Any]:
    table = draft.sheet.table(keys)
    if table is None:
        raise EditRefused(f"{shown('.'.join(keys))} is no table in the file", "change it in the TOML")
    return table


def _changes(keys: Keys, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Operation]:
    """What leads from one table to another."""
    found: list[Change] = differences(old, new)
    return [
        Set((*keys, *change.path), change.value) if isinstance(change, Set) else Delete((*keys, *change.path))
        for change in found
    ]


def _key(workflow: str, path: str) -> str:
    """The key of a place."""
    return f"{workflow}:{path}" if workflow else path


def _places(workflow: str, places: Mapping[str, Place | None]) -> dict[str, Place | None]:
    return {_key(workflow, path): place for path, place in places.items()}


def _circle_text(way: list[str]) -> str:
    """`load` waits for `clean` already: `load` > `fit` > `clean`."""
    names = " -> ".join([*way, way[0]])
    return f"that would make a circle: {names}"


def _outermost(paths: Iterable[str]) -> list[str]:
    every = list(dict.fromkeys(paths))
    return [path for path in every if not any(path != other and within(path, other) for other in every)]


# -- nodes -----------------------------------------------------------------------------------------------------------


def _add_node(draft: Draft, edit: edits.AddNode) -> Draft:
    places = {} if edit.place is None else {edit.path: edit.place}
    many = edits.AddNodes({edit.path: edit.node}, edit.after, places, workflow=edit.workflow)
    return _add_nodes(draft, many)


def _add_nodes(draft: Draft, edit: edits.AddNodes) -> Draft:
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
    return placed(draft, _places(edit.workflow, edit.places)) if edit.places else draft


def _delete_nodes(draft: Draft, edit: edits.DeleteNodes) -> Draft:
    own = draft.workflow(edit.workflow)
    base = base_of(edit.workflow)
    roots = _outermost(edit.paths)
    for path in roots:
        _check_can_go(own, path)
    gone = {path for root in roots for path, _ in _inner(own, root)}
    links = links_of(draft, edit.workflow)
    operations: list[Operation] = []
    for path in users(links, gone):
        if path not in gone:
            keys = keys_of(own, path, base)
            old = _own(draft, keys)
            new = _Healing(draft, edit.workflow, path, gone, heal=edit.heal).table(old)
            operations += _changes(keys, old, new)
    result = own.result
    if result is not None and resolve(own, _named(result), "x") in gone:
        operations.append(Delete((*base, "result") if base else ("project", "result")))
    operations += [Delete(keys_of(own, path, base)) for path in roots]
    new_draft = written(draft, operations)
    pins = [path for path in draft.places if path in {_key(edit.workflow, one) for one in gone}]
    return placed(new_draft, dict.fromkeys(pins)) if pins else new_draft


def _named(reference: str) -> str:
    """The name in a reference: `load` of `load.rows[0]`."""
    from engine.project.references import ReferenceSyntax, read_reference

    try:
        return read_reference(reference).name
    except ReferenceSyntax:
        return reference


def _inner(workflow: Workflow, root: str) -> Iterable[tuple[str, Node]]:
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


class _Healing:
    """What becomes of a node's own table when nodes that it names go away."""

    def __init__(self, draft: Draft, workflow: str, path: str, gone: set[str], *, heal: bool) -> None:
        self.draft, self.workflow, self.path, self.gone, self.heal = draft, workflow, path, gone, heal
        self.own = draft.workflow(workflow)
        self.links = links_of(draft, workflow)

    def table(self, old: Mapping[str, Any]) -> dict[str, Any]:
        new = dict(old)
        order: list[str] = []
        if isinstance(old.get("inputs"), dict):
            inputs = {}
            for argument, value in old["inputs"].items():
                kept = [one for source in _listed(value) for one in self._source(source, order)]
                if kept:
                    inputs[argument] = kept[0] if isinstance(value, str) and len(kept) == 1 else kept
            new["inputs"] = inputs
        if isinstance(old.get("needs"), list) or order:
            needs = [name for name in _listed(old.get("needs", [])) if self._target(name) not in self.gone]
            for name in _listed(old.get("needs", [])):
                target = self._target(name)
                if target in self.gone and self.heal:
                    order += self._upstream(target, set())
            taken = {self._target(name) for value in new.get("inputs", {}).values() for name in _listed(value)}
            taken |= {self._target(name) for name in needs}
            for target in dict.fromkeys(order):
                name = name_for(self.own, target, self.path)
                if target not in taken and name is not None:
                    needs.append(name)
            new["needs"] = needs
        on_error = old.get("on_error")
        if isinstance(on_error, dict):
            if self._target(on_error.get("alternative")) in self.gone:
                del new["on_error"]
            elif isinstance(on_error.get("compensate"), list):
                left = [name for name in on_error["compensate"] if self._target(name) not in self.gone]
                new["on_error"] = {"compensate": left}
        for key in ("inputs", "needs"):
            if key in new and not new[key] and old.get(key):
                del new[key]
        return new

    def _target(self, reference: Any) -> str | None:
        return resolve(self.own, _named(reference), self.path) if isinstance(reference, str) else None

    def _source(self, reference: Any, order: list[str]) -> list[Any]:
        """What an argument gets instead: the only thing that the lost node got; else nothing, but the order stays."""
        target = self._target(reference)
        if target not in self.gone or target is None:
            return [reference]
        if not self.heal:
            return []
        through = self._only_source(target, set())
        if through is not None:
            return [through]
        order += self._upstream(target, set())
        return []

    def _only_source(self, path: str, seen: set[str]) -> str | None:
        node = found(self.own, path)
        sources = [one for value in node.inputs.values() for one in ((value,) if isinstance(value, str) else value)]
        if len(sources) != 1 or path in seen:
            return None
        target = resolve(self.own, _named(sources[0]), path)
        if target is None:
            return None
        if target in self.gone:
            return self._only_source(target, {*seen, path})
        name = name_for(self.own, target, self.path)
        return None if name is None else sources[0].replace(_named(sources[0]), name, 1)

    def _upstream(self, path: str | None, seen: set[str]) -> list[str]:
        """What lay before a lost node, through others that are lost."""
        if path is None or path in seen:
            return []
        seen.add(path)
        found_: list[str] = []
        for link in self.links.of(path):
            if link.waits and not within(self.path, link.source):
                found_ += self._upstream(link.source, seen) if link.source in self.gone else [link.source]
        return found_


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _set_field(draft: Draft, edit: edits.SetField) -> Draft:
    own = draft.workflow(edit.workflow)
    found(own, edit.path)
    keys = keys_of(own, edit.path, base_of(edit.workflow))
    old = _own(draft, keys)
    return written(draft, _changes(keys, old, with_value(old, edit.keys, edit.value)))


def with_value(table: Mapping[str, Any], keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A table with another value at some keys; without it where `value` is UNSET, and then without what it leaves empty."""
    new = dict(table)
    first, rest = keys[0], keys[1:]
    if rest:
        inner = new.get(first)
        made = with_value(inner if isinstance(inner, Mapping) else {}, rest, value)
        if made or value is not UNSET:
            new[first] = made
        else:
            new.pop(first, None)
    elif value is UNSET:
        new.pop(first, None)
    else:
        new[first] = plain(value)
    return new


def plain(value: Any) -> Any:
    """Plain data with lists and dicts only, as TOML gives it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


BODY_KEYS = frozenset((*BODIES, "then", "else", "cases", "output", "ok_codes", "choices", "default", "kind"))


def _set_body(draft: Draft, edit: edits.SetBody) -> Draft:
    own = draft.workflow(edit.workflow)
    keys = keys_of(own, edit.path, base_of(edit.workflow))
    found(own, edit.path)
    old = _own(draft, keys)
    kept = {key: value for key, value in old.items() if key not in BODY_KEYS or key in edit.body}
    if "workflow" in old and "workflow" not in edit.body:
        kept.pop("params", None)
    return written(draft, _changes(keys, old, {**kept, **plain(edit.body)}))


def _set_enabled(draft: Draft, edit: edits.SetEnabled) -> Draft:
    for path in edit.paths:
        value = UNSET if edit.on else False
        draft = _set_field(draft, edits.SetField(path, ("enabled",), value, workflow=edit.workflow))
    return draft


def _set_notes(draft: Draft, edit: edits.SetNotes) -> Draft:
    value = edit.notes if edit.notes.strip() else UNSET
    return _set_field(draft, edits.SetField(edit.path, ("notes",), value, workflow=edit.workflow))


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


# -- edges -----------------------------------------------------------------------------------------------------------


def _check_edge(draft: Draft, edit: edits.Connect) -> str:
    """What the target calls the source. Raises EditRefused where there can be no such edge."""
    own = draft.workflow(edit.workflow)
    found(own, edit.source)
    found(own, edit.target)
    if edit.source == edit.target:
        raise EditRefused("a node cannot wait for itself", "choose another one")
    if within(edit.target, edit.source):
        raise EditRefused(f"{shown(edit.target)} is inside of {shown(edit.source)}", "connect it to what is before")
    name = name_for(own, edit.source, edit.target)
    if name is None:
        raise EditRefused(why_unseen(own, edit.source, edit.target), "connect the group itself")
    came = before(own, links_of(draft, edit.workflow), edit.source)
    if (edit.target, False) in came:
        raise EditRefused(_circle_text(circle(came, edit.target)), "take one of these edges out first")
    return name


def _connect(draft: Draft, edit: edits.Connect) -> Draft:
    name = _check_edge(draft, edit)
    own = draft.workflow(edit.workflow)
    keys = keys_of(own, edit.target, base_of(edit.workflow))
    old = _own(draft, keys)
    if edit.argument is None:
        needs = _listed(old.get("needs", []))
        if any(
            link.source == edit.source and link.keys[0] == "needs"
            for link in links_of(draft, edit.workflow).of(edit.target)
        ):
            raise EditRefused(f"{shown(edit.target)} waits for {shown(edit.source)} already")
        return written(draft, _changes(keys, old, {**old, "needs": [*needs, name]}))
    reference = name + edit.part
    inputs = dict(old["inputs"]) if isinstance(old.get("inputs"), dict) else {}
    taken = inputs.get(edit.argument)
    if taken is not None and reference in _listed(taken):
        raise EditRefused(f"{shown(edit.argument)} of {shown(edit.target)} is {shown(reference)} already")
    inputs[edit.argument] = reference if taken is None else [*_listed(taken), reference]
    new = {**old, "inputs": inputs}
    args = old.get("args")
    if isinstance(args, dict) and edit.argument in args:
        # The wire takes the place of the value that was written there: an argument has one source.
        left = {key: value for key, value in args.items() if key != edit.argument}
        new = {**new, "args": left} if left else {key: value for key, value in new.items() if key != "args"}
    return written(draft, _changes(keys, old, new))


def _disconnect(draft: Draft, edit: edits.Disconnect) -> Draft:
    own = draft.workflow(edit.workflow)
    keys = keys_of(own, edit.target, base_of(edit.workflow))
    found(own, edit.target)
    links = [link for link in links_of(draft, edit.workflow).of(edit.target) if link.source == edit.source]
    if not any(_is_edge(link, edit.argument) for link in links):
        raise EditRefused(*_why_not_cut(edit, links))
    old = _own(draft, keys)
    new = dict(old)
    if edit.argument is None:
        left = [name for name in _listed(old["needs"]) if resolve(own, name, edit.target) != edit.source]
        _put_or_drop(new, "needs", left)
    else:
        inputs = dict(old["inputs"])
        value = inputs[edit.argument]
        kept = [one for one in _listed(value) if resolve(own, _named(one), edit.target) != edit.source]
        _put_or_drop(inputs, edit.argument, kept[0] if len(kept) == 1 and isinstance(value, str) else kept)
        _put_or_drop(new, "inputs", inputs)
    return written(draft, _changes(keys, old, new))


def _is_edge(link: Link, argument: str | None) -> bool:
    return link.keys[0] == "needs" if argument is None else link.keys[:2] == ("inputs", argument)


def _why_not_cut(edit: edits.Disconnect, links: list[Link]) -> tuple[str, str]:
    if not links:
        return f"{shown(edit.target)} does not wait for {shown(edit.source)}", "choose another edge"
    keys = ".".join(str(key) for key in links[0].keys)
    return f"this edge is a reference in `{keys}` of {shown(edit.target)}", f"change `{keys}` in the inspector"


def _put_or_drop(table: dict[str, Any], key: str, value: Any) -> None:
    if value:
        table[key] = value
    else:
        table.pop(key, None)


def _insert(draft: Draft, edit: edits.InsertOnEdge) -> Draft:
    source, target, argument = edit.edge
    within_ = edit.workflow
    own = draft.workflow(within_)
    part = ""
    if argument is not None:
        value = found(own, target).inputs.get(argument, ())
        sources = (value,) if isinstance(value, str) else value
        hit = next((one for one in sources if resolve(own, _named(one), target) == source), None)
        part = hit[len(_named(hit)) :] if hit is not None else ""
    new = _add_node(
        draft, edits.AddNode(edit.path, edit.node, _beside(source, edit.path), edit.place, workflow=within_)
    )
    new = _disconnect(new, edits.Disconnect(source, target, argument, workflow=within_))
    takes = (edit.takes or argument) if argument is not None else None
    new = _connect(new, edits.Connect(source, edit.path, takes, part, workflow=within_))
    return _connect(new, edits.Connect(edit.path, target, argument, workflow=within_))


def _beside(source: str, path: str) -> str | None:
    return source if owner_of(source) == owner_of(path) else None


# -- places ----------------------------------------------------------------------------------------------------------


def _move_nodes(draft: Draft, edit: edits.MoveNodes) -> Draft:
    own = draft.workflow(edit.workflow)
    for path in edit.places:
        found(own, path)
    return placed(draft, _places(edit.workflow, edit.places))


def _unpin(draft: Draft, edit: edits.Unpin) -> Draft:
    paths = edit.paths or tuple(draft.places_in(edit.workflow))
    return placed(draft, _places(edit.workflow, dict.fromkeys(paths)))


def _reorder(draft: Draft, edit: edits.Reorder) -> Draft:
    own = draft.workflow(edit.workflow)
    beside = siblings(own, owner_of(edit.path))
    found(own, edit.path)
    after = name_of(edit.after) if edit.after is not None else None
    if after is not None and (after not in beside or after == name_of(edit.path)):
        raise EditRefused(f"{shown(after)} does not stand beside {shown(edit.path)}", "choose a sibling")
    keys = keys_of(own, edit.path, base_of(edit.workflow))
    return written(draft, [MoveTable(keys, keys, after, first=after is None)])


# -- copies ----------------------------------------------------------------------------------------------------------


def _paste(draft: Draft, edit: edits.Paste) -> Draft:
    own = draft.workflow(edit.workflow)
    taken = set(siblings(own, edit.owner))
    names: dict[str, str] = {}
    for old in edit.nodes:
        names[old] = free_name(taken, name_of(old))
        taken.add(names[old])
    tables = {}
    for old, content in edit.nodes.items():
        path = joined(edit.owner, names[old])
        tables[path] = _Pasting(own, path, names, keep=edit.keep_inputs).table(dict(table_of(content)))
    places = {joined(edit.owner, names[old]): place for old, place in edit.places.items() if old in names}
    if edit.place is not None and tables:
        first = next(iter(edit.nodes))
        column, row = edit.places.get(first, edit.place)
        at = edit.place
        places = {path: (at[0] + c - column, at[1] + r - row) for path, (c, r) in places.items()}
        places[joined(edit.owner, names[first])] = at
    return _add_nodes(draft, edits.AddNodes(tables, None, places, workflow=edit.workflow))


class _Pasting:
    """What becomes of the names in a copied node: those of other copies are theirs, others stay or go."""

    def __init__(self, own: Workflow, path: str, names: Mapping[str, str], *, keep: bool) -> None:
        self.own, self.path, self.names, self.keep = own, path, names, keep

    def table(self, table: dict[str, Any]) -> dict[str, Any]:
        from studio.document.links import Renaming

        pasting = self

        class _Copied(Renaming):
            def name(self, name: str) -> str:
                first, slash, rest = name.partition("/")
                return pasting.names.get(first, first) + slash + rest

        return _walked(table, lambda one: _Copied().table(self._kept(one)))

    def _kept(self, table: dict[str, Any]) -> dict[str, Any]:
        """Without the edges that lead out of the copy, where they are not to be kept or would lead nowhere."""
        new = dict(table)
        if isinstance(table.get("inputs"), dict):
            inputs = {}
            for argument, value in table["inputs"].items():
                kept = [one for one in _listed(value) if self._stays(one)]
                if kept:
                    inputs[argument] = kept if isinstance(value, list) else kept[0]
            _put_or_drop(new, "inputs", inputs)
        if isinstance(table.get("needs"), list):
            _put_or_drop(new, "needs", [one for one in table["needs"] if self._stays(one)])
        return new

    def _stays(self, reference: Any) -> bool:
        if not isinstance(reference, str):
            return True
        name = _named(reference)
        if name.partition("/")[0] in self.names:
            return True
        return self.keep and resolve(self.own, name, self.path) is not None


def _walked(table: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A node's table and those inside it, each changed. Names inside of a group that are its own stay what they are."""
    new = change(table)
    for key in ("nodes", "cases"):
        if isinstance(new.get(key), dict):
            new[key] = {
                name: _walked(one, change) if isinstance(one, dict) and key == "cases" else one
                for name, one in new[key].items()
            }
    for key in ("then", "else"):
        if isinstance(new.get(key), dict):
            new[key] = _walked(new[key], change)
    return new


def _duplicate(draft: Draft, edit: edits.Duplicate) -> Draft:
    own = draft.workflow(edit.workflow)
    by_owner: dict[str, list[str]] = {}
    for path in _outermost(edit.paths):
        found(own, path)
        by_owner.setdefault(owner_of(path), []).append(path)
    for owner, paths in by_owner.items():
        tables = {name_of(path): _own(draft, keys_of(own, path, base_of(edit.workflow))) for path in paths}
        paste = edits.Paste(tables, keep_inputs=True, owner=owner, workflow=edit.workflow)
        draft = _paste(draft, paste)
    return draft


# -- the project -----------------------------------------------------------------------------------------------------


def _set_param(draft: Draft, edit: edits.SetParam) -> Draft:
    keys = ("params", edit.name)
    return _set_project(draft, edits.SetProject(keys, edit.value, workflow=edit.workflow))


def _set_project(draft: Draft, edit: edits.SetProject) -> Draft:
    base = base_of(edit.workflow)
    keys = edit.keys
    if not base and keys[0] in ("nodes", "workflows"):
        raise EditRefused("nodes have edits of their own", "use them")
    old = draft.sheet.rest() if not base else _own(draft, base)
    return written(draft, _changes(base, old, with_value(old, keys, edit.value)))


def _set_text(draft: Draft, edit: edits.SetText) -> Draft:
    from studio.document.typed_text import typed

    return typed(draft, edit.text)


def _several(draft: Draft, edit: edits.Several) -> Draft:
    for one in edit.edits:
        new = _RULES[type(one)](draft, one)
        carry(draft, new)
        draft = new
    return draft


_RULES: dict[type[Edit], Callable[[Draft, Any], Draft]] = {
    Revert: reverted,
    edits.AddNode: _add_node,
    edits.AddNodes: _add_nodes,
    edits.Connect: _connect,
    edits.DeleteNodes: _delete_nodes,
    edits.Disconnect: _disconnect,
    edits.Duplicate: _duplicate,
    edits.InsertOnEdge: _insert,
    edits.MoveNodes: _move_nodes,
    edits.Paste: _paste,
    edits.RenameNode: _rename,
    edits.Reorder: _reorder,
    edits.SetBody: _set_body,
    edits.SetEnabled: _set_enabled,
    edits.SetField: _set_field,
    edits.SetNotes: _set_notes,
    edits.SetParam: _set_param,
    edits.SetProject: _set_project,
    edits.SetText: _set_text,
    edits.Several: _several,
    edits.Unpin: _unpin,
}
