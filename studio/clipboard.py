"""Copied nodes as plain TOML: what a project file says, so that it can be pasted into another project, or an editor.

[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }

[studio.places]
clean = [12, 4]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.project.layout import table_text
from engine.project.toml import parse
from studio.document.draft import Draft
from studio.document.edits import EditRefused, Place
from studio.document.names import base_of, found, keys_of, name_of
from studio.document.tables import outermost, own_table

MOST = 2_000_000
"""Characters of a clipboard that are looked at."""


def text_of(draft: Draft, paths: Iterable[str], workflow: str = "", places: Mapping[str, Place] | None = None) -> str:
    """The TOML of some nodes; those at the top with the comments that they have in the file.

    `places` are where they are shown now, so that a paste keeps their distances. Raises EditRefused.
    """
    own = draft.workflow(workflow)
    parts: list[str] = []
    for path in outermost(paths):
        found(own, path)
        keys = keys_of(own, path, base_of(workflow))
        table = own_table(draft, keys)
        numbers = draft.sheet.under(keys)
        if keys == ("nodes", path) and numbers and draft.sheet.plain:
            parts.append("\n\n".join(draft.sheet.blocks[number].text.strip() for number in numbers))
        else:
            parts.append(table_text(("nodes", name_of(path)), table).strip())
    shown = {name_of(path): list(place) for path, place in (places or {}).items()}
    if shown:
        parts.append(table_text(("studio", "places"), shown).strip())
    return "\n\n".join(parts).replace("\r\n", "\n") + "\n"


def nodes_in(text: str) -> tuple[dict[str, dict[str, Any]], dict[str, Place]]:
    """The nodes of a copied text, and their places. Raises EditRefused where there are none in it."""
    if len(text) > MOST:
        raise EditRefused("the clipboard holds too much", "copy fewer nodes")
    finding, data = parse(text)
    nodes = data.get("nodes") if finding is None else None
    if not isinstance(nodes, dict) or not all(isinstance(table, dict) for table in nodes.values()) or not nodes:
        raise EditRefused("there are no nodes in the clipboard", "copy nodes with y, or TOML with [nodes.NAME]")
    kept = data.get("studio")
    raw = kept.get("places") if isinstance(kept, dict) else None
    places = {}
    for path, place in raw.items() if isinstance(raw, dict) else ():
        if isinstance(place, list) and len(place) == 2 and all(isinstance(cell, int) for cell in place):
            places[path] = (place[0], place[1])
    return nodes, places
