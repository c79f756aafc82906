"""The one cell that stands for a kind of node or a state, in Unicode and in ASCII.

All take one cell and none has an emoji form. The studio's theme has the same signs, with colours; a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

KINDS: Mapping[str, tuple[str, str]] = {
    "task": ("ƒ", "f"),
    "command": ("$", "$"),
    "conditional": ("◇", "?"),
    "switch": ("◆", "%"),
    "sequential": ("→", ">"),
    "parallel": ("⇉", "="),
    "sub_workflow": ("▣", "&"),
    "map": ("∀", "*"),
    "loop": ("∞", "@"),
    "wait": ("◔", "t"),
    "approval": ("¿", "!"),
}
STATES: Mapping[str, tuple[str, str]] = {
    "ready": ("○", "o"),
    "running": ("●", "@"),
    "completed": ("✓", "+"),
    "failed": ("✗", "x"),
    "suspended": ("‖", '"'),
    "canceled": ("⊘", "-"),
    "skipped": ("»", ">"),
    "retrying": ("↻", "r"),
    "unknown": ("?", "?"),
    "compensated": ("↶", "<"),
    "cached": ("≡", "#"),
    "dirty": ("~", "~"),
}
WORST_FIRST = (
    "failed",
    "unknown",
    "retrying",
    "suspended",
    "running",
    "ready",
    "dirty",
    "canceled",
    "skipped",
    "compensated",
    "completed",
    "cached",
)
"""What a group shows of its children: the first of these that one of them has."""

_RANK = {state: rank for rank, state in enumerate(WORST_FIRST)}


def kind_glyph(kind: str, ascii_only: bool = False) -> str:
    """The sign of a kind; what a plug-in brings looks like a task."""
    return KINDS.get(kind, KINDS["task"])[ascii_only]


def state_glyph(state: str | None, ascii_only: bool = False) -> str:
    """The sign of a state; a space for none."""
    return " " if state is None else STATES.get(state, STATES["unknown"])[ascii_only]


def worst(states: Iterable[str]) -> str | None:
    """The state that a group of nodes shows; None without any."""
    return min(states, key=lambda state: _RANK.get(state, 1), default=None)
