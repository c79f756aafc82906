"""The colours of exported pictures, light and dark: two colours of meaning, the kind's and the state's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Colours(NamedTuple):
    """One palette; values are `#rrggbb`."""

    ground: str
    card: str
    frame: str
    edge: str
    text: str
    muted: str
    accent: str
    states: Mapping[str, str]
    tints: Mapping[str, str]

    def state(self, state: str | None) -> str | None:
        """A state's colour; None where there is no state."""
        return None if state is None else self.states.get(state, self.states["unknown"])

    def tint(self, state: str | None) -> str:
        """The fill of a card in that state: tinted only where a state needs an eye."""
        return self.tints.get(state or "", self.card)


LIGHT = Colours(
    ground="#ffffff",
    card="#ffffff",
    frame="#b3bac8",
    edge="#7b869a",
    text="#1b2130",
    muted="#566073",
    accent="#5a3fd0",
    states={
        "ready": "#4c586c",
        "running": "#095eb3",
        "completed": "#166a2f",
        "failed": "#b81d28",
        "suspended": "#855700",
        "canceled": "#74507c",
        "skipped": "#566073",
        "retrying": "#a84300",
        "unknown": "#a0127c",
        "compensated": "#166a2f",
        "cached": "#096f66",
        "dirty": "#855700",
    },
    tints={"running": "#dcecfb", "failed": "#fde4e4", "suspended": "#fbf0d6", "retrying": "#fbf0d6"},
)
DARK = Colours(
    ground="#10131a",
    card="#161b25",
    frame="#445069",
    edge="#66738f",
    text="#dde3ee",
    muted="#95a1b8",
    accent="#b9a3ff",
    states={
        "ready": "#a7b3c9",
        "running": "#5cc0ff",
        "completed": "#7ed491",
        "failed": "#ff7d7d",
        "suspended": "#e9bd5b",
        "canceled": "#c3a8c9",
        "skipped": "#95a1b8",
        "retrying": "#ffa45e",
        "unknown": "#ff8fd4",
        "compensated": "#7ed491",
        "cached": "#63d3c3",
        "dirty": "#e9bd5b",
    },
    tints={"running": "#17324a", "failed": "#3a1e26", "suspended": "#3a3018", "retrying": "#3a3018"},
)
