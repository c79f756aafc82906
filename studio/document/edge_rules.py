"""Wires: where one may land, what it writes, what it takes away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.project.findings import shown
from studio.document import edits
from studio.document.draft import Draft, written
from studio.document.edits import EditRefused
from studio.document.links import Link, before, circle, links_of
from studio.document.names import base_of, found, keys_of, name_for, owner_of, resolve, why_unseen, within
from studio.document.node_rules import add_node
from studio.document.reader import walk
from studio.document.tables import changes, listed, name_in, own_table, put_or_drop


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


def _circle_text(way: list[str]) -> str:
    """A circle in words, its first node repeated at the end."""
    names = " -> ".join([*way, way[0]])
    return f"that would make a circle: {names}"


def check_edge(draft: Draft, edit: edits.Connect) -> str:
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


def connect(draft: Draft, edit: edits.Connect) -> Draft:
    """An edge that was not there."""
    name = check_edge(draft, edit)
    own = draft.workflow(edit.workflow)
    keys = keys_of(own, edit.target, base_of(edit.workflow))
    old = own_table(draft, keys)
    if edit.argument is None:
        needs = listed(old.get("needs", []))
        if any(
            link.source == edit.source and link.keys[0] == "needs"
            for link in links_of(draft, edit.workflow).of(edit.target)
        ):
            raise EditRefused(f"{shown(edit.target)} waits for {shown(edit.source)} already")
        return written(draft, changes(keys, old, {**old, "needs": [*needs, name]}))
    reference = name + edit.part
    inputs = dict(old["inputs"]) if isinstance(old.get("inputs"), dict) else {}
    taken = inputs.get(edit.argument)
    if taken is not None and reference in listed(taken):
        raise EditRefused(f"{shown(edit.argument)} of {shown(edit.target)} is {shown(reference)} already")
    inputs[edit.argument] = reference if taken is None else [*listed(taken), reference]
    new = {**old, "inputs": inputs}
    args = old.get("args")
    if isinstance(args, dict) and edit.argument in args:
        # The wire takes the place of the value that was written there: an argument has one source.
        left = {key: value for key, value in args.items() if key != edit.argument}
        new = {**new, "args": left} if left else {key: value for key, value in new.items() if key != "args"}
    return written(draft, changes(keys, old, new))


def disconnect(draft: Draft, edit: edits.Disconnect) -> Draft:
    """Without an edge."""
    own = draft.workflow(edit.workflow)
    keys = keys_of(own, edit.target, base_of(edit.workflow))
    found(own, edit.target)
    links = [link for link in links_of(draft, edit.workflow).of(edit.target) if link.source == edit.source]
    if not any(_is_edge(link, edit.argument) for link in links):
        raise EditRefused(*_why_not_cut(edit, links))
    old = own_table(draft, keys)
    new = dict(old)
    if edit.argument is None:
        left = [name for name in listed(old["needs"]) if resolve(own, name, edit.target) != edit.source]
        put_or_drop(new, "needs", left)
    else:
        inputs = dict(old["inputs"])
        value = inputs[edit.argument]
        kept = [one for one in listed(value) if resolve(own, name_in(one), edit.target) != edit.source]
        put_or_drop(inputs, edit.argument, kept[0] if len(kept) == 1 and isinstance(value, str) else kept)
        put_or_drop(new, "inputs", inputs)
    return written(draft, changes(keys, old, new))


def _is_edge(link: Link, argument: str | None) -> bool:
    return link.keys[0] == "needs" if argument is None else link.keys[:2] == ("inputs", argument)


def _why_not_cut(edit: edits.Disconnect, links: list[Link]) -> tuple[str, str]:
    if not links:
        return f"{shown(edit.target)} does not wait for {shown(edit.source)}", "choose another edge"
    keys = ".".join(str(key) for key in links[0].keys)
    return f"this edge is a reference in `{keys}` of {shown(edit.target)}", f"change `{keys}` in the inspector"


def _insert(draft: Draft, edit: edits.InsertOnEdge) -> Draft:
    source, target, argument = edit.edge
    within_ = edit.workflow
    own = draft.workflow(within_)
    part = ""
    if argument is not None:
        value = found(own, target).inputs.get(argument, ())
        sources = (value,) if isinstance(value, str) else value
        hit = next((one for one in sources if resolve(own, name_in(one), target) == source), None)
        part = hit[len(name_in(hit)) :] if hit is not None else ""
    new = add_node(draft, edits.AddNode(edit.path, edit.node, _beside(source, edit.path), edit.place, workflow=within_))
    new = disconnect(new, edits.Disconnect(source, target, argument, workflow=within_))
    takes = (edit.takes or argument) if argument is not None else None
    new = connect(new, edits.Connect(source, edit.path, takes, part, workflow=within_))
    return connect(new, edits.Connect(edit.path, target, argument, workflow=within_))


def _beside(source: str, path: str) -> str | None:
    return source if owner_of(source) == owner_of(path) else None


RULES: Mapping[type[edits.Edit], Callable[[Draft, Any], Draft]] = {
    edits.Connect: connect,
    edits.Disconnect: disconnect,
    edits.InsertOnEdge: _insert,
}
