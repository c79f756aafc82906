"""Ids, paths and keys: where a node is written, what a name means where it stands, what a new node may be called.

`engine.project.scope` answers the same for a whole workflow at once; an edit asks about a handful of nodes of thousands,
so here each question walks only the levels around one node. The rules are the same: a name is looked up among
siblings, then outward; `a/b` goes down from there; nothing outside sees into a map, a loop or a sub-workflow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from engine.project.findings import shown
from engine.project.ids import MAX_ID_LENGTH, folded, why_bad
from engine.project.model import Composite, Conditional, Node, SubWorkflow, Switch, Workflow
from studio.document.edits import EditRefused
from studio.document.reader import inside, node_at

Keys = tuple[str, ...]


def base_of(workflow: str) -> Keys:
    """The keys below which a workflow's `nodes` are written."""
    return ("workflows", workflow) if workflow else ()


def owner_of(path: str) -> str:
    """The path of what holds a node; empty at the top."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last step of a path."""
    return path.rpartition("/")[2]


def joined(owner: str, name: str) -> str:
    """The path of `name` inside of `owner`."""
    return f"{owner}/{name}" if owner else name


def within(path: str, owner: str) -> bool:
    """Whether `path` is `owner` or inside of it."""
    return path == owner or path.startswith(f"{owner}/")


def found(workflow: Workflow, path: str) -> Node:
    """The node at `path`. Raises EditRefused."""
    node = workflow.nodes.get(path) if "/" not in path else node_at(workflow, path)
    if node is None:
        raise EditRefused(f"there is no node {shown(path)}", "choose another one")
    return node


def keys_of(workflow: Workflow, path: str, base: Keys = ()) -> Keys:
    """The keys of the table of a node, which may be one that is not there yet. Raises EditRefused."""
    keys = [*base]
    steps = path.split("/")
    children: Mapping[str, Node] = workflow.nodes
    owner: Node | None = None
    for number, step in enumerate(steps):
        body = owner.body if owner is not None else None
        if owner is None or isinstance(body, Composite):
            keys += ["nodes", step]
        elif isinstance(body, Conditional) and step in ("then", "else"):
            keys.append(step)
        elif isinstance(body, Switch):
            keys += [step] if step == "else" and step not in body.cases else ["cases", step]
        else:
            holder = "/".join(steps[:number])
            raise EditRefused(f"{shown(holder)} cannot hold {shown(step)}", "choose a group")
        owner = children.get(step)
        if owner is None:
            if number < len(steps) - 1:
                raise EditRefused(f"there is no node {shown('/'.join(steps[: number + 1]))}", "choose another one")
            break
        children = inside(owner)
    return tuple(keys)


# -- what a name means -----------------------------------------------------------------------------------------------


def levels(workflow: Workflow, path: str) -> Iterator[tuple[str, Mapping[str, Node]]]:
    """The levels that a node at `path` sees, nearest first: the path of what holds each, and its nodes."""
    owner = owner_of(path)
    while owner:
        node = node_at(workflow, owner)
        if node is not None and isinstance(node.body, Composite):
            yield owner, node.body.nodes
        owner = owner_of(owner)
    yield "", workflow.nodes


def resolve(workflow: Workflow, name: str, path: str) -> str | None:
    """The path of the node that `name` means where the node at `path` writes it; None if it leads nowhere."""
    first, *rest = name.split("/")
    for owner, nodes in levels(workflow, path):
        node = nodes.get(first)
        if node is not None:
            target = joined(owner, first)
            for part in rest:
                if closed(node):
                    return None
                inner = inside(node).get(part)
                if inner is None:
                    return None
                node, target = inner, f"{target}/{part}"
            return target
    return None


def closed(node: Node) -> bool:
    """Whether no name from outside leads into it."""
    return node.each is not None or node.again is not None or isinstance(node.body, SubWorkflow)


def name_for(workflow: Workflow, target: str, path: str) -> str | None:
    """What the node at `path` calls the node `target`, as short as it can be; None if it cannot be named from there."""
    steps = target.split("/")
    for start in range(len(steps) - 1, -1, -1):
        name = "/".join(steps[start:])
        if resolve(workflow, name, path) == target:
            return name
    return None


def why_unseen(workflow: Workflow, target: str, path: str) -> str:
    """Why `target` cannot be named where the node at `path` stands, for people."""
    steps = target.split("/")
    for end in range(1, len(steps)):
        holder = "/".join(steps[:end])
        node = node_at(workflow, holder)
        if node is not None and closed(node) and not within(path, holder):
            kind = "sub-workflow" if isinstance(node.body, SubWorkflow) else "map" if node.each is not None else "loop"
            return f"nothing outside sees into the {kind} {shown(holder)}"
    return f"another node called {shown(steps[0])} stands nearer to {shown(path)}"


# -- what a new node may be called -----------------------------------------------------------------------------------


def siblings(workflow: Workflow, owner: str) -> Mapping[str, Node]:
    """The nodes that `owner` holds; those at the top where it is empty. Raises EditRefused."""
    return inside(found(workflow, owner)) if owner else workflow.nodes


def free_name(taken: Collection[str], wanted: str) -> str:
    """`wanted`, or with the first number that makes it free: `clean_2`."""
    known = {folded(name) for name in taken}
    if folded(wanted) not in known:
        return wanted
    stem = re.sub(r"_\d+$", "", wanted)
    for number in range(2, len(known) + 3):
        name = f"{stem[: MAX_ID_LENGTH - 6]}_{number}"
        if folded(name) not in known:
            return name
    return wanted


def free_path(workflow: Workflow, path: str) -> str:
    """`path`, or the next one beside it that is free."""
    owner = owner_of(path)
    return joined(owner, free_name(siblings(workflow, owner), name_of(path)))


def _twin(beside: Collection[str], name: str, but: str) -> str | None:
    """The sibling whose id counts as the same one."""
    every = "\n".join(beside)
    if every.isascii() and name.isascii() and f"\n{name.lower()}\n" not in f"\n{every.lower()}\n":
        return None
    return next((known for known in beside if folded(known) == folded(name) and known != but), None)


def check_new(workflow: Workflow, path: str, *, but: str = "") -> None:
    """Raise EditRefused where a node cannot be called so; `but` is a sibling that may have the name already."""
    owner, name = owner_of(path), name_of(path)
    beside = siblings(workflow, owner)
    holder = found(workflow, owner) if owner else None
    if holder is not None and not isinstance(holder.body, Composite):
        if name in beside:
            raise EditRefused(f"{shown(owner)} has its {shown(name)} already", "delete it first")
        keys_of(workflow, path)
        return
    bad = why_bad(name)
    if bad is not None:
        raise EditRefused(f"the id {shown(name)} {bad[0]}", bad[1])
    twin = _twin(beside, name, but)
    if twin is not None:
        what = f"there is a node {shown(twin)} already"
        raise EditRefused(what, f"{free_name(beside, name)} is free")
