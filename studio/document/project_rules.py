"""What a file says outside of its nodes: head, params, run, defaults; and the file as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.document import edits
from studio.document.draft import Draft, written
from studio.document.edits import EditRefused
from studio.document.names import base_of
from studio.document.tables import changes, own_table, with_value
from studio.document.typed_text import typed


def _set_param(draft: Draft, edit: edits.SetParam) -> Draft:
    keys = ("params", edit.name)
    return _set_project(draft, edits.SetProject(keys, edit.value, workflow=edit.workflow))


def _set_project(draft: Draft, edit: edits.SetProject) -> Draft:
    base = base_of(edit.workflow)
    keys = edit.keys
    if not base and keys[0] in ("nodes", "workflows"):
        raise EditRefused("nodes have edits of their own", "use them")
    old = draft.sheet.rest() if not base else own_table(draft, base)
    return written(draft, changes(base, old, with_value(old, keys, edit.value)))


RULES: Mapping[type[edits.Edit], Callable[[Draft, Any], Draft]] = {
    edits.SetParam: _set_param,
    edits.SetProject: _set_project,
    edits.SetText: lambda draft, edit: typed(draft, edit.text),
}
