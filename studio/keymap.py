"""Keys of a person's own, from `keymap.toml`, in place of those of the table; and where two of them clash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from studio.key_names import spelled
from studio.keys import ACTIONS, PLACE_NAMES, KeyAction


class Clash(NamedTuple):
    """A key that a keymap gives to two actions of one place."""

    key: str
    first: str
    second: str
    where: str


def keymap(own: Mapping[str, Sequence[str]]) -> Mapping[str, KeyAction]:
    """The table with a person's keys: id -> the keys that replace its own. Ids that no action has are left out."""
    return {
        name: replace(action, keys=tuple(spelled(key) for key in own[name])) if name in own else action
        for name, action in ACTIONS.items()
    }


def clashes(actions: Mapping[str, KeyAction] = ACTIONS) -> list[Clash]:
    """Keys that two actions of one place share. A narrow place may hide a key of a wider one: that is no clash."""
    found = []
    for where in PLACE_NAMES:
        taken: dict[str, str] = {}
        for action in actions.values():
            for key in action.keys if action.where == where else ():
                if key in taken:
                    found.append(Clash(key, taken[key], action.id, where))
                taken.setdefault(key, action.id)
    return found
