"""Tables as a file has them, and what leads from one to another: the common ground of all rules of edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET

from engine.project.editing import Change, Delete, Set, differences
from engine.project.findings import shown
from engine.project.model import Node, Project, Workflow
from engine.project.references import ReferenceSyntax, read_reference
from engine.project.writing import to_tables
from studio.document.blocks import Keys
from studio.document.draft import Draft
from studio.document.edits import Content, EditRefused, Place
from studio.document.names import within
from studio.document.splicing import Operation


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


def own_table(draft: Draft, keys: Keys) -> dict[str, Any]:
    """The table at some keys of the draft's text. Raises EditRefused where there is none."""
    table = draft.sheet.table(keys)
    if table is None:
        raise EditRefused(f"{shown('.'.join(keys))} is no table in the file", "change it in the TOML")
    return table


def changes(keys: Keys, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Operation]:
    """What leads from one table to another."""
    found: list[Change] = differences(old, new)
    return [
        Set((*keys, *change.path), change.value) if isinstance(change, Set) else Delete((*keys, *change.path))
        for change in found
    ]


def place_key(workflow: str, path: str) -> str:
    """The key that `Draft.places` has for a node."""
    return f"{workflow}:{path}" if workflow else path


def place_keys(workflow: str, places: Mapping[str, Place | None]) -> dict[str, Place | None]:
    """Places of nodes of one workflow, by the keys that `Draft.places` has for them."""
    return {place_key(workflow, path): place for path, place in places.items()}


def outermost(paths: Iterable[str]) -> list[str]:
    """The paths without those that lie inside of another one."""
    every = list(dict.fromkeys(paths))
    return [path for path in every if not any(path != other and within(path, other) for other in every)]


def name_in(reference: str) -> str:
    """The name in a reference: `load` of `load.rows[0]`."""
    try:
        return read_reference(reference).name
    except ReferenceSyntax:
        return reference


def listed(value: Any) -> list[Any]:
    """What may be one thing or a list of them, as a list."""
    return list(value) if isinstance(value, list) else [value]


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


def put_or_drop(table: dict[str, Any], key: str, value: Any) -> None:
    """Write a value that says something; take the key away for one that says nothing."""
    if value:
        table[key] = value
    else:
        table.pop(key, None)
