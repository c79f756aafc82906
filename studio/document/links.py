"""Who names whom: every reference of a workflow's nodes, by the path of the node that makes it.

Built once for a workflow and carried from draft to draft: only what an edit touched is read again. References are
found by the engine's own reader of them (`check_references.uses_of`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.project.check_references import uses_of
from engine.project.comparisons import is_function
from engine.project.findings import Notes
from engine.project.model import Composite, Node, Workflow
from engine.project.references import ReferenceSyntax, end_of, read_reference
from engine.project.scope import Level, Standing
from studio.document.draft import Draft
from studio.document.names import owner_of, resolve
from studio.document.reader import inside, node_at, walk
from studio.document.window import changed_keys


class Link(Struct, frozen=True):
    """One reference: to the node at `source`, from keys of the node's own table (`("inputs", "rows")`)."""

    source: str
    keys: tuple[str | int, ...]
    waits: bool = True

    @property
    def argument(self) -> str | None:
        """The argument that gets it, if it stands in `inputs`."""
        return str(self.keys[1]) if self.keys[0] == "inputs" else None


class Links(Struct, frozen=True):
    """What each node names, by its path; `lost` are the nodes that name something which is not there."""

    by_path: Mapping[str, tuple[Link, ...]]
    lost: frozenset[str] = frozenset()

    def of(self, path: str) -> tuple[Link, ...]:
        """What the node at `path` names."""
        return self.by_path.get(path, ())


def links_of(draft: Draft, workflow: str = "") -> Links:
    """The links of all nodes of one workflow."""
    key = ("links", workflow)
    if key not in draft.memo:
        own = draft.workflow(workflow)
        draft.memo[key] = Links(*_read(own, own.nodes))
    found: Links = draft.memo[key]
    return found


def carry(before: Draft, after: Draft) -> None:
    """Let `after` know the links of `before`, with those of the nodes that differ read again.

    Where nodes inside of a group came or went, all are read again when somebody asks: names may mean something else.
    """
    for key, known in before.memo.items():
        if not isinstance(key, tuple) or key[0] != "links" or key in after.memo:
            continue
        name = key[1]
        if name and not (name in before.project.workflows and name in after.project.workflows):
            continue
        old, new = before.workflow(name).nodes, after.workflow(name).nodes
        links = known if old is new else _carried(known, old, new, after.workflow(name))
        if links is not None:
            after.memo[key] = links


def _carried(known: Links, old: Mapping[str, Node], new: Mapping[str, Node], workflow: Workflow) -> Links | None:
    again, gone = changed_keys(old, new)
    if len(again) > MOST_CARRIED:
        return None
    if any(_ids(old[one]) != _ids(new[one]) for one in again if one in old):
        return None
    links = dict(known.by_path)
    for one in {*gone, *again} & old.keys():
        for path, _ in walk({one: old[one]}):
            links.pop(path, None)
    if gone:
        again.update(_tops_naming(links, gone))
    if any(one not in old for one in again):
        again.update(top for path in known.lost if (top := path.partition("/")[0]) in new)
    fresh, lost = _read(workflow, {one: new[one] for one in again})
    links.update(fresh)
    kept = {path for path in known.lost if path in links and path.partition("/")[0] not in again}
    return Links(links, frozenset(kept | lost))


def _tops_naming(links: Mapping[str, tuple[Link, ...]], gone: set[str]) -> set[str]:
    """The nodes at the top that name one of these, or what was inside of it. Plain loops: there are many links."""
    found = set()
    for path, own in links.items():
        for link in own:
            source = link.source
            if source in gone or ("/" in source and source.partition("/")[0] in gone):
                found.add(path.partition("/")[0])
                break
    return found


MOST_CARRIED = 50
"""Nodes that differ, up to which reading only these again is worth it."""


def _ids(node: Node) -> list[str]:
    return [path for path, _ in walk(inside(node))]


def _read(workflow: Workflow, nodes: Mapping[str, Node]) -> tuple[dict[str, tuple[Link, ...]], frozenset[str]]:
    found: dict[str, tuple[Link, ...]] = {}
    lost = set()
    notes = Notes()
    for path, node in walk(nodes):
        links = []
        for use in uses_of(Standing(0, node, path, (), _NOWHERE, None), notes):
            if use.ref.kind == "node":
                source = resolve(workflow, use.ref.name, path)
                if source is None:
                    lost.add(path)
                else:
                    links.append(Link(source, use.place, use.edge))
        found[path] = tuple(links)
    return found, frozenset(lost)


_NOWHERE = Level(None)


def users(links: Links, paths: set[str]) -> dict[str, list[Link]]:
    """The nodes that name one of `paths`, with the links by which they do."""
    found: dict[str, list[Link]] = {}
    for path, own in links.by_path.items():
        for link in own:
            if link.source in paths:
                found.setdefault(path, []).append(link)
    return found


# -- circles ---------------------------------------------------------------------------------------------------------


def before(workflow: Workflow, links: Links, source: str) -> dict[tuple[str, bool], tuple[str, bool] | None]:
    """Every point in time that lies before the end of `source`: (path, whether it is the end) -> the point after it.

    A node that holds others begins before them and ends after them (`engine.project.check_graph`).
    """
    start = (source, True)
    came: dict[tuple[str, bool], tuple[str, bool] | None] = {start: None}
    todo = [start]
    while todo:
        point = todo.pop()
        for earlier in _before(workflow, links, *point):
            if earlier not in came:
                came[earlier] = point
                todo.append(earlier)
    return came


def _before(workflow: Workflow, links: Links, path: str, end: bool) -> Iterator[tuple[str, bool]]:
    if end:
        yield path, False
        node = workflow.nodes.get(path) if "/" not in path else node_at(workflow, path)
        if node is not None:
            for name in inside(node):
                yield f"{path}/{name}", True
        return
    for link in links.of(path):
        if link.waits:
            yield link.source, True
    owner = owner_of(path)
    if owner:
        yield owner, False
        holder = node_at(workflow, owner)
        if holder is not None and isinstance(holder.body, Composite) and holder.body.kind == "sequential":
            names = list(holder.body.nodes)
            at = names.index(path.rpartition("/")[2])
            if at:
                yield f"{owner}/{names[at - 1]}", True


def circle(came: Mapping[tuple[str, bool], tuple[str, bool] | None], target: str) -> list[str]:
    """The way from `target` to the node that it should wait for, as paths."""
    point: tuple[str, bool] | None = (target, False)
    way: list[str] = []
    while point is not None:
        if not way or way[-1] != point[0]:
            way.append(point[0])
        point = came[point]
    return way


# -- names in tables -------------------------------------------------------------------------------------------------


class Renaming:
    """Puts other names into a node's own table; `name` says what each name becomes, and whether it is only waited for."""

    def name(self, name: str) -> str:
        """What a name becomes."""
        raise NotImplementedError

    def reference(self, text: str) -> str:
        """A reference as in `inputs`: `load.rows`."""
        try:
            ref = read_reference(text)
        except ReferenceSyntax:
            return text
        if ref.kind != "node":
            return text
        new = self.name(ref.name)
        return text if new == ref.name else text.replace(ref.name, new, 1)

    def filled(self, value: Any) -> Any:
        """A value in which `${...}` is read."""
        if isinstance(value, str):
            return self._template(value) if "${" in value else value
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        return value

    def _template(self, text: str) -> str:
        found, at = "", 0
        while (start := text.find("${", at)) >= 0:
            if start and text[start - 1] == "$":
                found, at = found + text[at : start + 2], start + 2
                continue
            try:
                end = end_of(text, start + 2)
            except ReferenceSyntax:
                break
            found, at = f"{found}{text[at:start]}${{{self.reference(text[start + 2 : end])}}}", end + 1
        return found + text[at:]

    def table(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """A node's own table; what stands in the nodes inside of it is theirs."""
        found = dict(table)
        inputs = table.get("inputs")
        if isinstance(inputs, dict):
            found["inputs"] = {key: self._sources(value) for key, value in inputs.items()}
        if isinstance(table.get("needs"), list):
            found["needs"] = self._sources(table["needs"])
        on_error = table.get("on_error")
        if isinstance(on_error, dict):
            found["on_error"] = {key: self._sources(value) for key, value in on_error.items()}
        for key in _FILLED:
            if key in table:
                found[key] = self.filled(table[key])
        for key in ("condition", "switch", "when", "until", "while"):
            if isinstance(table.get(key), str) and not is_function(table[key]):
                found[key] = self.filled(table[key])
        if "map" in table:
            found["map"] = self._map(table["map"])
        if isinstance(table.get("undo"), dict):
            found["undo"] = self.table(table["undo"])
        return found

    def _sources(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.reference(value)
        return [self._sources(item) for item in value] if isinstance(value, list) else value

    def _map(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.filled(value) if "${" in value else self.reference(value)
        if isinstance(value, dict):
            return {key: self._map(item) if isinstance(item, str) else self.filled(item) for key, item in value.items()}
        return self.filled(value)


_FILLED = ("args", "command", "params", "approval", "env", "cwd", "reads", "writes", "initial")
