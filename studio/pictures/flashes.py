"""What has just changed stands out for a moment: a card whose state turned, an arrow by which a value arrived.

One step, no fade, and only while few things change: where much changes at once nobody could follow it, and the states
themselves tell enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SECONDS = 0.4
MOST = 24
"""Where more than this turn at once, none flashes."""


class Flashes:
    """Boxes that stand out, and boxes at which a value arrives, until a moment."""

    def __init__(self) -> None:
        self._turned: dict[int, float] = {}
        self._arrived: dict[int, float] = {}
        self.turned: frozenset[int] = frozenset()
        self.arrived: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._turned or self._arrived)

    def note(self, turned: Sequence[int], arrived: Iterable[int], clock: float) -> None:
        """The state of these boxes is another now, and a value is there for those."""
        if len(turned) > MOST:
            return
        self._turned |= dict.fromkeys(turned, clock + SECONDS)
        self._arrived |= dict.fromkeys(arrived, clock + SECONDS)
        self._settle()

    def expire(self, clock: float) -> list[int]:
        """Time went on: the boxes that stand out no more."""
        over = [box for flashing in (self._turned, self._arrived) for box, until in flashing.items() if until <= clock]
        if over:
            self._turned = {box: until for box, until in self._turned.items() if until > clock}
            self._arrived = {box: until for box, until in self._arrived.items() if until > clock}
            self._settle()
        return over

    def clear(self) -> None:
        """Nothing stands out."""
        self._turned, self._arrived = {}, {}
        self._settle()

    def _settle(self) -> None:
        self.turned, self.arrived = frozenset(self._turned), frozenset(self._arrived)
