"""Edits of a project file's text that leave comments, order and formatting alone.

`update_text(text, old, new)` brings a text from one model to another: it compares what the two models say, table by
table, and touches only what differs. `edit(text, changes)` makes single changes. Both read their result again and give
it back only if it says exactly what was wanted, so that no edit can damage a file. tomlkit does the work on the text; it
is slow on large files (seconds for thousands of nodes) and therefore imported at the first edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.project.findings import Path
from engine.project.layout import ONE_LINE, line_text, table_text, value_text
from engine.project.model import Project
from engine.project.toml import parse, read
from engine.project.writing import to_tables

_ROUNDS = 3  # some changes show their effect only when the text is read again: a strategy that its keys implied


class Set(Struct, frozen=True):
    """Put `value` (plain data) at `path`; tables on the way are made where they are missing."""

    path: Path
    value: Any


class Delete(Struct, frozen=True):
    """Take away what is at `path`, if anything is."""

    path: Path


Change = Set | Delete


def edit(text: str, changes: Iterable[Change]) -> str:
    """`text` with the changes made, in their order. Raises ValueError if the text or the result is no TOML."""
    changes = list(changes)
    if not changes:
        return text
    finding, _ = parse(text)
    if finding is not None:
        raise ValueError(f"this text cannot be edited before it is corrected: {finding.message}")
    import tomlkit

    ending = "\r\n" if "\r\n" in text else "\n"
    document = tomlkit.parse(text)
    later: list[str] = []
    for change in changes:
        if isinstance(change, Delete):
            _delete(document, change.path)
        elif not _is_new_node(document, change):
            _set(document, change.path, change.value)
        else:
            later.append(table_text(change.path, change.value))
    edited = tomlkit.dumps(document)
    for block in later:
        edited = f"{edited.rstrip()}\n\n{block.strip()}\n"
    edited = edited.replace("\r\n", "\n").replace("\n", ending)
    finding, _ = parse(edited)
    if finding is not None:
        raise ValueError(f"the edit would leave a text that is no TOML ({finding.message}); nothing was changed")
    return edited


def update_text(text: str, old: Project, new: Project) -> str:
    """`text`, which says `old`, changed to say `new`. Raises ValueError if `new` cannot be written to this text."""
    name = new.workflow.name
    before = to_tables(old)
    after = to_tables(new)
    for _ in range(_ROUNDS):
        text = edit(text, differences(before, after))
        found = read(text, name).project
        if found == new:
            return text
        if found is None:
            break
        before = to_tables(found)
    raise ValueError("the change cannot be written into this text; nothing was changed")


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changes that lead from one table to another; tables that both have are compared inside."""
    return list(_differences((), before, after))


def _differences(path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in before:
        if key not in after:
            yield Delete((*path, key))
    for key, value in after.items():
        if key not in before:
            yield Set((*path, key), value)
        elif isinstance(value, dict) and isinstance(before[key], dict):
            yield from _differences((*path, key), before[key], value)
        elif not _same(before[key], value):
            yield Set((*path, key), value)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _is_new_node(document: Any, change: Set) -> bool:
    """A whole new table with a header: it is written by us at the end of the file, in our own layout."""
    if not isinstance(change.value, dict) or len(change.path) != 2 or change.path[0] not in ("nodes", "workflows"):
        return False
    table = document.get(change.path[0])
    # Where all nodes stand in one inline table, a header would be a second one.
    return not _is_inline(table) and (table is None or change.path[1] not in table)


def _is_inline(table: Any) -> bool:
    from tomlkit.items import InlineTable

    return isinstance(table, InlineTable)


def _set(document: Any, path: Path, value: Any) -> None:
    import tomlkit

    table = document
    for depth, key in enumerate(path[:-1]):
        if isinstance(key, str) and key not in table:
            table[key] = tomlkit.table(is_super_table=True)
        if _is_inline(table[key]):
            # A table on one line is written anew as a whole: there is nothing in it that could get lost.
            _set(document, path[: depth + 1], _with(table[key].unwrap(), path[depth + 1 :], value))
            return
        table = table[key]
    last = path[-1]
    old = table.get(last) if isinstance(last, str) else None
    if isinstance(value, list) and _fitted(old, value):
        return
    item = _item(path, value, one_line=_is_inline(old) or last in ONE_LINE)
    if old is not None and hasattr(old, "trivia") and hasattr(item, "trivia"):
        item.trivia.comment_ws = old.trivia.comment_ws
        item.trivia.comment = old.trivia.comment
    if old is None and isinstance(last, str) and _inserted(table, last, item):
        return
    table[last] = item


def _fitted(old: Any, value: list[Any]) -> bool:
    """Whether a list could be made this one item by item, so that its lines and the comments in it stay."""
    from tomlkit.items import Array

    if not isinstance(old, Array) or "#" not in old.as_string():
        return False
    was = old.unwrap()
    if len(value) == len(was):
        for index, (one, other) in enumerate(zip(was, value, strict=True)):
            if not _same(one, other):
                old[index] = other
    else:
        same = 0
        while same < min(len(was), len(value)) and _same(was[same], value[same]):
            same += 1
        tail = 0
        while tail < min(len(was), len(value)) - same and _same(was[-1 - tail], value[-1 - tail]):
            tail += 1
        for _ in range(len(was) - tail - same):
            del old[same]
        for index, other in enumerate(value[same : len(value) - tail], same):
            old.insert(index, other)
    return bool(old.unwrap() == value)


def _with(table: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    inner: Any = table
    for key in path[:-1]:
        inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner[key]
    inner[path[-1]] = value
    return table


def _inserted(table: Any, key: str, item: Any) -> bool:
    """Put a new line right below the last one of its table, above the comments that lead to the next; True if it was.

    tomlkit itself would put it below those comments. What this does is read again afterwards, like every edit.
    """
    from tomlkit.items import AoT, Table

    if isinstance(item, Table | AoT):
        return False
    container = table.value if isinstance(table, Table) else table
    lines = [known for known, found in getattr(container, "body", ()) if known and not isinstance(found, Table | AoT)]
    insert = getattr(container, "_insert_after", None)
    if not lines or insert is None:
        return False
    insert(lines[-1], key, item)
    return True


def _item(path: Path, value: Any, *, one_line: bool) -> Any:
    """A tomlkit item for `value`, in our own layout: it is written by us and read by tomlkit."""
    import tomlkit

    if isinstance(value, dict) and not one_line:
        found: Any = tomlkit.parse(table_text(path, value) + "\n")
        for key in path:
            found = found[key]
        return found
    line = f"x = {value_text(value)}" if one_line else line_text("x", value)
    return tomlkit.parse(f"{line}\n")["x"]


def _delete(document: Any, path: Path) -> None:
    table = document
    for key in path[:-1]:
        try:
            table = table[key]
        except (KeyError, IndexError):
            return
    if path[-1] in table:
        del table[path[-1]]
