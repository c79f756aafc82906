"""What a draft has that its file has not: nodes that came, went or differ, by their keys, and the lines of the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from engine.project.editing import Delete, differences
from engine.project.model import Composite, Conditional, Node, Project, Switch, Workflow
from studio.document.draft import Draft
from studio.document.names import base_of, keys_of
from studio.document.reader import walk
from studio.document.sheet import Sheet, split

Keys = tuple[str, ...]
Mark = Literal["added", "removed", "changed"]


class Changed(Struct, frozen=True):
    """One value that differs: at these keys of the node, or of the file where `path` is empty. None: not there."""

    path: str
    keys: Keys
    before: Any = None
    after: Any = None
    workflow: str = ""


class Line(Struct, frozen=True):
    """A line of the comparison: `sign` is "+", "-" or " "; the numbers are those of the lines, from 1, 0 for none."""

    sign: str
    text: str
    before: int = 0
    after: int = 0


class Changes(Struct, frozen=True):
    """Everything that differs. `nodes` are paths with their mark; those of [workflows.NAME] as `NAME:path`."""

    nodes: Mapping[str, Mark] = {}
    values: tuple[Changed, ...] = ()

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many nodes came, differ, and went."""
        marks = list(self.nodes.values())
        return marks.count("added"), marks.count("changed"), marks.count("removed")


def changes(draft: Draft) -> Changes:
    """What differs between a draft and its file."""
    if not draft.dirty:
        return Changes()
    return between(draft.saved.project, draft.saved.text, draft.project, draft.sheet)


def between(old: Project, old_text: str, new: Project, sheet: Sheet) -> Changes:
    """What differs between two projects and their texts. Nodes that both share are passed over at once."""
    nodes: dict[str, Mark] = {}
    values: list[Changed] = []
    before = _sheet_of(old_text)
    written = _written_anew(before, sheet)
    for name in ("", *dict.fromkeys((*old.workflows, *new.workflows))):
        one, other = _workflow(old, name), _workflow(new, name)
        start = f"{name}:" if name else ""
        base = (*base_of(name), "nodes")
        touched = {keys[len(base)] for keys in written if len(keys) > len(base) and keys[: len(base)] == base}
        was, now = dict(walk(_differing(one, other, touched))), dict(walk(_differing(other, one, touched)))
        for path in {**was, **now}:
            if path not in now:
                nodes[start + path] = "removed"
            elif path not in was:
                nodes[start + path] = "added"
            else:
                found = list(_values(before, sheet, one, other, name, path))
                if found:
                    nodes[start + path] = "changed"
                    values += found
    values += _outside(before, sheet)
    return Changes(nodes, tuple(values))


def _workflow(project: Project, name: str) -> Workflow:
    return project.workflows.get(name, Workflow(name)) if name else project.workflow


@lru_cache(maxsize=4)
def _sheet_of(text: str) -> Sheet:
    """The sheet of the saved file, which stays the same from edit to edit."""
    return split(text)


def _written_anew(before: Sheet, after: Sheet) -> set[Keys]:
    """The headers of the blocks that one of the two has and the other has not, or not like this."""
    old = {block.keys: block for block in before.blocks}
    found = {block.keys for block in after.blocks if old.pop(block.keys, None) != block}
    return found | old.keys()


def _differing(one: Workflow, other: Workflow, written: set[str]) -> dict[str, Node]:
    """The nodes at the top that are not the same: to the model, or in what the file says and nothing can read."""
    return {
        name: node
        for name, node in one.nodes.items()
        if (same := other.nodes.get(name)) is not node and (name in written or same != node)
    } | {name: one.nodes[name] for name in written if name in one.nodes}


def _values(before: Sheet, after: Sheet, one: Workflow, other: Workflow, workflow: str, path: str) -> Iterator[Changed]:
    base = base_of(workflow)
    old = own_part(before.table(keys_of(one, path, base)) or {}, one, path)
    new = own_part(after.table(keys_of(other, path, base)) or {}, other, path)
    for keys, was, now in value_changes(old, new):
        yield Changed(path, keys, was, now, workflow)


_HELD: Mapping[type, tuple[str, ...]] = {
    Composite: ("nodes",),
    Conditional: ("then", "else"),
    Switch: ("cases", "else"),
}


def own_part(table: Mapping[str, Any], workflow: Workflow, path: str) -> dict[str, Any]:
    """A node's table without the nodes inside of it."""
    from studio.document.reader import node_at

    node = node_at(workflow, path)
    held = _HELD.get(type(node.body), ()) if node is not None else ()
    return {key: value for key, value in table.items() if key not in held}


def value_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Keys, Any, Any]]:
    """The keys at which two tables differ, with the value of each."""
    for change in differences(old, new):
        keys = tuple(str(key) for key in change.path)
        yield keys, _at(old, keys), None if isinstance(change, Delete) else _at(new, keys)


def _at(table: Any, keys: Keys) -> Any:
    for key in keys:
        table = table.get(key) if isinstance(table, Mapping) else None
    return table


def _outside(before: Sheet, sheet: Sheet) -> Iterator[Changed]:
    left_out = ("nodes", "workflows", "studio")
    old = {key: value for key, value in before.rest().items() if key not in left_out}
    new = {key: value for key, value in sheet.rest().items() if key not in left_out}
    for keys, was, now in value_changes(old, new):
        yield Changed("", keys, was, now)


# -- lines -----------------------------------------------------------------------------------------------------------


def lines(before: str, after: str, around: int = 2) -> tuple[Line, ...]:
    """The lines that differ, each stretch with so many lines around it; an empty line of its own between stretches."""
    old, new = before.splitlines(), after.splitlines()
    start, end = _same(old, new)
    # difflib is slow on long texts: it gets what lies between the first line that differs and the last.
    start, end = max(start - around, 0), max(end - around, 0)
    matcher = SequenceMatcher(None, old[start : len(old) - end], new[start : len(new) - end], autojunk=False)
    found: list[Line] = []
    for stretch in matcher.get_grouped_opcodes(around):
        if found:
            found.append(Line("", ""))
        for tag, a, b, c, d in stretch:
            a, b, c, d = a + start, b + start, c + start, d + start
            if tag == "equal":
                found += [Line(" ", new[n], a + n - c + 1, n + 1) for n in range(c, d)]
            else:
                found += [Line("-", old[n], n + 1, 0) for n in range(a, b)]
                found += [Line("+", new[n], 0, n + 1) for n in range(c, d)]
    return tuple(found)


def _same(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning, and at the end."""
    most = min(len(old), len(new))
    start = 0
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end
