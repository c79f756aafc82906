"""What mends a finding, as an edit: for those that have one thing to be done, which the engine tells (`Finding.fix`).

A key gets the name that was meant, a value the one that was meant, a name inside of a text another one. Everything is an
edit, so undo takes it back. A function that is missing is written by `stubs`, since it goes to another file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from engine.project.findings import Finding
from studio.document import edits
from studio.document.draft import Draft
from studio.document.edits import Edit
from studio.document.reader import path_of_keys


def mendable(finding: Finding) -> bool:
    """Whether a key press can mend it."""
    return finding.fix is not None


def missing_function(finding: Finding) -> str | None:
    """The `module:function` that is to be written; None where the finding is about something else."""
    fix = finding.fix
    return str(fix.new) if fix is not None and fix.act == "function" else None


def edit_for(draft: Draft, finding: Finding) -> Edit | None:
    """The edit that mends a finding; None where there is none, or where the file has changed under it since."""
    fix = finding.fix
    if fix is None or fix.act == "function" or not finding.path:
        return None
    keys = tuple(finding.path)
    said = f"fix {'.'.join(str(key) for key in keys if isinstance(key, str))}"
    if fix.act == "key":
        value = _at(draft, keys)
        if value is UNSET:
            return None
        moved = (_set(draft, keys, UNSET), _set(draft, (*keys[:-1], str(fix.new)), value))
        return edits.Several(edits=moved, said=said)
    new = _plain(fix.new) if fix.act == "value" else _renamed(_at(draft, keys), fix.old, str(fix.new))
    return None if new is UNSET else edits.Several(edits=(_set(draft, keys, new),), said=said)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _renamed(value: Any, old: str, new: str) -> Any:
    """A value with one name in its texts replaced by another; UNSET where it is not there."""
    if isinstance(value, str):
        if value.strip() == old:
            return new
        found = re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w-])", lambda _: new, value)
        return found if found != value else UNSET
    if isinstance(value, list):
        items = [_renamed(item, old, new) for item in value]
        return _joined(items, value) if any(item is not UNSET for item in items) else UNSET
    if isinstance(value, Mapping):
        inner = {key: _renamed(item, old, new) for key, item in value.items()}
        if all(item is UNSET for item in inner.values()):
            return UNSET
        return {key: value[key] if item is UNSET else item for key, item in inner.items()}
    return UNSET


def _joined(new: list[Any], old: list[Any]) -> list[Any]:
    return [before if after is UNSET else after for after, before in zip(new, old, strict=True)]


def _at(draft: Draft, keys: tuple[str | int, ...]) -> Any:
    """What the file says at these keys."""
    depth = 2 if keys[0] in ("nodes", "workflows") else 1
    top = tuple(str(key) for key in keys[:depth])
    found: Any = draft.sheet.table(top)
    try:
        for key in keys[depth:]:
            found = found[key]
    except (KeyError, IndexError, TypeError):
        return UNSET
    return UNSET if found is None else found


def _set(draft: Draft, keys: tuple[str | int, ...], value: Any) -> Edit:
    """The edit that writes a value at keys from the top of the file; inside of a list, the list is written anew."""
    index = next((place for place, key in enumerate(keys) if isinstance(key, int)), None)
    if index is not None:
        whole, at = _at(draft, keys[:index]), keys[index]
        new = (
            [value if place == at else item for place, item in enumerate(whole)] if isinstance(whole, list) else [value]
        )
        keys, value = keys[:index], new
    words = tuple(str(key) for key in keys)
    workflow = ""
    if words[0] == "workflows" and len(words) > 2:
        workflow, words = words[1], words[2:]
    if words[0] != "nodes":
        return _set_outside(draft, words, value, workflow)
    path = path_of_keys(words) or words[1]
    depth = node_depth(words)
    return edits.SetField(path=path, keys=words[depth:], value=value, workflow=workflow)


def _set_outside(draft: Draft, words: tuple[str, ...], value: Any, workflow: str) -> Edit:
    if words[0] == "params" and len(words) == 2:
        return edits.SetParam(name=words[1], value=value, workflow=workflow)
    return edits.SetProject(keys=words, value=value, workflow=workflow)


def node_depth(words: tuple[str, ...]) -> int:
    """How many of the keys of a finding lead to the table of its node."""
    at = 2
    while at < len(words) - 1:
        if words[at] in ("nodes", "cases"):
            at += 2
        elif words[at] in ("then", "else"):
            at += 1
        else:
            break
    return at
