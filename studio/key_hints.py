"""What is printed from the table of keys: the footer, the help, and the page of the docs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from studio.key_names import cap
from studio.keys import ACTIONS, PLACE_NAMES, UNANSWERED, KeyAction, here


class Hint(NamedTuple):
    """One entry of the footer."""

    key: str
    word: str
    id: str


def footer(where: str, width: int, *, ascii: bool = False, actions: Mapping[str, KeyAction] = ACTIONS) -> list[Hint]:
    """What fits in `width` cells as `key word`, two cells between, most used first. How to get help and how to get out
    always have their room."""
    ranked = sorted((a for a in here(where, actions) if a.rank and a.keys), key=lambda action: action.rank)
    hints = [Hint(cap(action.key, ascii=ascii), action.word, action.id) for action in ranked]
    kept = [hint for hint in hints if hint.id in {"help", "field.help", "text.help", "close"}]
    room = width - sum(len(hint.key) + len(hint.word) + 3 for hint in kept)
    for hint in hints:
        needed = len(hint.key) + len(hint.word) + 3
        if hint in kept:
            continue
        if needed > room:
            break
        room -= needed
        kept.append(hint)
    return [hint for hint in hints if hint in kept]


def help_sections(
    where: str, *, ascii: bool = False, actions: Mapping[str, KeyAction] = ACTIONS
) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Sections for `?`, the narrow place first: title, and for each action its keys, its text and its mouse act."""
    sections: dict[str, list[tuple[str, str, str]]] = {}
    for action in here(where, actions):
        if action.keys:
            keys = "  ".join(cap(key, ascii=ascii) for key in action.keys)
            sections.setdefault(PLACE_NAMES[action.where], []).append((keys, action.text, action.mouse))
    return list(sections.items())


def markdown(actions: Mapping[str, KeyAction] = ACTIONS) -> str:
    """The table for the docs."""
    lines = []
    for where, title in PLACE_NAMES.items():
        rows = [action for action in actions.values() if action.where == where and action.id not in UNANSWERED]
        if rows:
            lines += [f"## {title}", "", "| keys | does | mouse | id for keymap.toml |", "| --- | --- | --- | --- |"]
            for row in rows:
                keys = " ".join(f"`{cap(key)}`".replace("|", "\\|") for key in row.keys) or "palette"
                lines.append(f"| {keys} | {row.text} | {row.mouse or '-'} | `{row.id}` |")
            lines.append("")
    return "\n".join(lines)
