"""Items of a map and rounds of a loop, counted by state, and what the box that stands for all of them says."""

from __future__ import annotations

from dataclasses import replace

from engine.draw.scene import Box
from studio.pictures.faces import Face, minutes
from studio.state import NodeNow
from studio.theme import STATES, worst

PROGRESS = ("completed", "cached", "compensated", "skipped", "canceled", "dirty", "running", "retrying", "suspended")
"""The order of items where each has a cell: what is done, what goes on, trouble, what is still to do."""

_ENDED = frozenset({"completed", "cached", "failed", "skipped", "canceled", "compensated"})
_RANK = {state: rank for rank, state in enumerate((*PROGRESS, "unknown", "failed", "ready"))}
_UNDER_WAY = frozenset({"running", "retrying", "suspended", "unknown", "failed"})


class Tally:
    """States by path, and how many there are of each."""

    __slots__ = ("_states", "counts")

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    def count(self, path: str, state: str) -> None:
        """One of them is in this state now."""
        state = state if state in STATES else "unknown"
        before = self._states.get(path)
        if before == state:
            return
        if before is not None:
            self.counts[before] -= 1
        self._states[path] = state
        self.counts[state] = self.counts.get(state, 0) + 1

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self._states)

    @property
    def ended(self) -> int:
        """How many need nothing more."""
        return sum(count for state, count in self.counts.items() if state in _ENDED)

    @property
    def items(self) -> tuple[tuple[str, int], ...]:
        """How many are in each state that one is in, in the order in which they are drawn."""
        found = [(state, count) for state, count in self.counts.items() if count]
        return tuple(sorted(found, key=lambda item: _RANK[item[0]]))


def counted(own: Face, tally: Tally, node: Box, now: NodeNow | None, clock: float, *, again: int | None = None) -> Face:
    """The face of a box that stands for many. `own` is what it says for itself, `again` the most rounds of the loop
    that it is in (0: nobody said how many), None if it is in none."""
    if node.kind == "loop":
        told = f"round {_of(tally.total, node.most, ' of ')}"
        return replace(own, second=told, aside=_of(tally.total, node.most)) if own.state == "running" else own
    if again is not None and node.kind != "map":
        own = replace(own, state=worst([state for state, count in tally.counts.items() if count]))
        return replace(own, aside=_of(tally.total, again)) if own.state in _UNDER_WAY else own
    if now is None:  # one of the nodes that are run for each item
        state = worst([state for state, count in tally.counts.items() if count])
        aside = f"{tally.ended}/{tally.total}" if state in _UNDER_WAY else ""
        return replace(own, state=state, aside=aside, items=tally.items if node.kind == "map" else ())
    if own.state not in _UNDER_WAY:
        return own
    told = f"{tally.ended} of {tally.total}"
    if now.state == "running" and now.started is not None and clock > now.started and 0 < tally.ended < tally.total:
        told += f" · {minutes((clock - now.started) / tally.ended * (tally.total - tally.ended))}"
    return replace(own, second=told, aside=f"{tally.ended}/{tally.total}", fraction=None, items=tally.items)


def _of(count: int, most: int, between: str = "/") -> str:
    return f"{count}{between}{most}" if most else str(count)
