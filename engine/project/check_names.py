"""Names: twins that look or count as one, letters that hide, keys that no person typed on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.project.findings import Notes, Path, harmless, shown
from engine.project.ids import folded, mixed_scripts, skeleton
from engine.project.scope import Standing
from engine.project.shapes import path_text

_PARAM = re.compile(r"[^\W\d][\w-]{0,63}")
# Text may have lines and tabs. Nothing else that cannot be seen: it would obey a terminal, or turn letters around.
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def check_node_names(standings: Iterable[Standing], notes: Notes) -> None:
    """Note siblings whose ids count as one or look alike, and ids that mix scripts."""
    seen: dict[tuple[int, int, str], Standing] = {}
    looks: dict[tuple[int, int, str], Standing] = {}
    for standing in standings:
        name = str(standing.node.id)
        among = (id(standing.level), id(standing.owner))
        first = seen.setdefault((*among, folded(name)), standing)
        if first is not standing:
            what = (
                f"{shown(str(first.node.id))} and {shown(name)} count as one name: they differ in case or in form only"
            )
            notes.error("twin-ids", standing.place, what, "rename one of them", first.place, standing.place)
            continue
        alike = looks.setdefault((*among, folded(skeleton(name))), standing)
        if alike is not standing:
            what = f"{_spelled(alike)} looks like {_spelled(standing)}"
            notes.error("lookalike-ids", standing.place, what, "rename one of them", alike.place, standing.place)
        mixed = mixed_scripts(name)
        if mixed is not None:
            what = f"the id {shown(name)} mixes {mixed[0]} and {mixed[1]} letters"
            notes.warning("mixed-scripts", standing.place, what, "type it again in one script")


def check_param_names(names: Iterable[str], place: Path, notes: Notes) -> None:
    """Note names that could not be written in `${params.NAME}` or after -p."""
    for name in names:
        if _PARAM.fullmatch(name) is None:
            remedy = "use letters, digits, _ and -, and begin with a letter"
            notes.error("bad-name", (*place, name), f"{shown(name)} cannot be the name of a param or variable", remedy)


def check_hidden(data: Mapping[str, Any], notes: Notes) -> None:
    """Note keys and texts with characters that cannot be seen. Walks everything, iteratively."""
    todo: list[tuple[Path, Any]] = [((), data)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if not key.isprintable() or not key:
                    _note_key(key, (*path, key), notes)
                if isinstance(item, str):
                    if not item.isprintable():
                        _note_text(item, (*path, key), notes)
                elif isinstance(item, dict | list):
                    todo.append(((*path, key), item))
        else:
            for index, item in enumerate(value):
                if isinstance(item, str):
                    if not item.isprintable():
                        _note_text(item, (*path, index), notes)
                elif isinstance(item, dict | list):
                    todo.append(((*path, index), item))


def _note_key(key: str, path: Path, notes: Notes) -> None:
    if len(path) > 1 and path[-2] == "nodes":
        return  # an id: `ids` has said it already
    if not key:
        notes.error("empty-key", path, f'there is an empty key, "", in {path_text(path[:-1])}', "give it a name")
    else:
        what = f"the key {shown(key)} holds a character that cannot be seen"
        notes.error("hidden-character", path, what, "delete the line and type it again")


def _note_text(text: str, path: Path, notes: Notes) -> None:
    found = _HIDDEN.search(text)
    if found is not None:
        what = f"{path_text(path)} holds a character that cannot be seen, {harmless(found[0])}"
        notes.warning("hidden-character", path, what, "if it is meant, fine; else type the text again")


def _spelled(standing: Standing) -> str:
    name = str(standing.node.id)
    odd = [f"U+{ord(char):04X}" for char in name if not char.isascii()][:3]
    return shown(name) + (f" (with {', '.join(odd)})" if odd else "")
