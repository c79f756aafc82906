"""Tracks: which upright column each net takes in the gap between two layers.

In a gap every net comes in on one row from the left and goes out on some rows to the right; between them it runs
upright on its track. Since level lines of different rows never touch, everything is about uprights:

- two nets share a track only if their uprights have no row in common (or meet end to end where both land);
- where net S comes in on a row on which others land, S must turn off before they come: its track is left of theirs.
  Such wishes can go round in a circle (two nets that change places); then one net changes its track on the way, on a
  row of its own: a jog;
- for few crossings, nets that go down are put in order of their rows from the lowest to the highest, those that go up
  the other way round (then two of a kind never cross needlessly), and neighbours are swapped while that helps.

Tracks come out as numbers 0, 1, ... from left to right.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from heapq import heapify, heappop, heappush
from typing import NamedTuple


class Strand:
    """One net in one gap. `ends` are its rows to the right, sorted; `landing` are those that end at a box."""

    __slots__ = ("bottom", "ends", "hop", "jog", "key", "landing", "row", "source", "top", "track", "upright")

    def __init__(self, key: int, source: int, row: int, ends: list[int], landing: set[int]) -> None:
        self.key = key
        self.hop = (0, False)
        self.source = source
        self.row = row
        self.ends = ends
        self.landing = landing
        self.jog: Strand | None = None
        self.track = -1
        self._span()

    def _span(self) -> None:
        self.top = min(self.row, self.ends[0])
        self.bottom = max(self.row, self.ends[-1])
        self.upright = self.top < self.bottom

    def turn(self, row: int) -> Strand:
        """Go to a second track on this row; the second half, which has all the ends, is returned."""
        second = Strand(-1 - self.key, self.source, row, self.ends, self.landing)
        self.ends, self.landing, self.jog = [row], set(), second
        self._span()
        return second


class Tracks(NamedTuple):
    """How many tracks a gap needs, and the lowest row that any jog is on (or -1)."""

    needed: int
    lowest: int


Signature = tuple[object, ...]
"""All that the tracks of a gap depend on."""


class Solution(NamedTuple):
    """The tracks of a gap, to be given again to strands of the same signature: for each the track, and the row and the
    track of its jog (-1 without one)."""

    tracks: Tracks
    turns: tuple[tuple[int, int, int], ...]


def signature(strands: list[Strand], taken: Collection[int] = ()) -> Signature:
    """What `assign` looks at, with sources named by the first strand that has them."""
    first: dict[int, int] = {}
    return (
        *taken,
        *[
            (first.setdefault(strand.source, at), strand.row, *strand.ends, *strand.landing)
            for at, strand in enumerate(strands)
        ],
    )


def solution(strands: list[Strand], tracks: Tracks) -> Solution:
    """What `assign` found."""
    return Solution(
        tracks,
        tuple(
            [
                (strand.track, strand.jog.row, strand.jog.track) if strand.jog is not None else (strand.track, -1, -1)
                for strand in strands
            ]
        ),
    )


def assign_again(strands: list[Strand], known: Solution) -> Tracks:
    """Do as `assign` did for the same signature."""
    for strand, (track, row, jog_track) in zip(strands, known.turns, strict=True):
        if jog_track >= 0:
            strand.turn(row).track = jog_track
        strand.track = track
    return known.tracks


def assign(strands: list[Strand], taken: Collection[int] = ()) -> Tracks:
    """Give every strand with an upright its track; break circles with jogs (`strand.jog` is then its second half).
    `taken` are rows on which nothing may turn."""
    uprights = [strand for strand in strands if strand.upright]
    if not uprights:
        return Tracks(0, -1)
    if len(uprights) == 1:
        uprights[0].track = 0
        return Tracks(1, -1)
    after = _wishes(strands)
    used = {*taken, *(strand.row for strand in strands)}
    for strand in strands:
        used.update(strand.ends)
    order, before = _order(uprights, after, used)
    _swap(order, before)
    lowest = max([strand.row for strand in order if strand.key < 0], default=-1)
    return Tracks(_pack(order, before), lowest)


def _wishes(strands: list[Strand]) -> dict[int, list[Strand]]:
    """By the id of a strand: those that must stand right of it, because they land on the row on which it comes in."""
    by_row: dict[int, list[Strand]] = {}
    for strand in strands:
        if strand.upright:
            by_row.setdefault(strand.row, []).append(strand)
    after: dict[int, list[Strand]] = {}
    for strand in strands:
        if strand.upright:
            for row in strand.ends:
                for other in by_row.get(row, ()):
                    if other.source != strand.source:
                        after.setdefault(id(other), []).append(strand)
    return after


def _rank(strand: Strand) -> tuple[int, int, int]:
    """Downward strands first, the lowest first; then upward ones, the highest first."""
    if strand.bottom - strand.row >= strand.row - strand.top:
        return (0, -strand.row, strand.key)
    return (1, strand.row, strand.key)


def _order(
    uprights: list[Strand], after: dict[int, list[Strand]], used: set[int]
) -> tuple[list[Strand], dict[int, list[Strand]]]:
    """Strands from left to right, with those that must stand left of each."""
    before: dict[int, list[Strand]] = {}
    waiting = {id(strand): 0 for strand in uprights}
    by_id = {id(strand): strand for strand in uprights}
    for first, others in after.items():
        for other in others:
            waiting[id(other)] += 1
            before.setdefault(id(other), []).append(by_id[first])
    heap = [(_rank(strand), strand) for strand in uprights if not waiting[id(strand)]]
    heapify(heap)
    stuck = [strand for strand in sorted(uprights, key=_rank, reverse=True) if waiting[id(strand)]]
    order: list[Strand] = []
    total = len(uprights)
    while len(order) < total:
        if not heap:
            while not waiting[id(stuck[-1])]:
                stuck.pop()
            strand = stuck.pop()
            second = _split(strand, used)
            total += 1
            earlier = before.pop(id(strand))
            before[id(second)] = [*earlier, strand]
            for one in earlier:
                found = after[id(one)]
                found[found.index(strand)] = second
            waiting[id(second)] = waiting[id(strand)] + 1
            waiting[id(strand)] = 0
            after.setdefault(id(strand), []).append(second)
            heappush(heap, (_rank(strand), strand))
        _, strand = heappop(heap)
        order.append(strand)
        for other in after.get(id(strand), ()):
            waiting[id(other)] -= 1
            if not waiting[id(other)]:
                heappush(heap, (_rank(other), other))
    return order, before


def _split(strand: Strand, used: set[int]) -> Strand:
    """Make a strand turn to a second track on a free row; the second half, which has all its ends, is returned."""
    row = _free_row(strand, used)
    used.add(row)
    return strand.turn(row)


def _free_row(strand: Strand, used: set[int]) -> int:
    goal = strand.ends[0] if abs(strand.ends[0] - strand.row) > abs(strand.ends[-1] - strand.row) else strand.ends[-1]
    step = 1 if goal > strand.row else -1
    middle = (strand.row + goal) // 2
    for distance in range(abs(goal - strand.row)):
        for row in (middle + distance * step, middle - distance * step):
            if strand.top < row < strand.bottom and row not in used:
                return row
    row = strand.bottom + 1
    while row in used:
        row += 1
    return row


def _swap(order: list[Strand], before: dict[int, list[Strand]]) -> None:
    """Swap neighbours in the order while that takes crossings away."""
    for _ in range(6 if len(order) <= 100 else 1):
        swapped = False
        for at in range(len(order) - 1):
            one, other = order[at], order[at + 1]
            if one.bottom < other.top or other.bottom < one.top or one in before.get(id(other), ()):
                continue
            if _crossed(other, one) < _crossed(one, other):
                order[at], order[at + 1] = other, one
                swapped = True
        if not swapped:
            return


def _crossed(left: Strand, right: Strand) -> int:
    """Bridges if `left` stands left of `right`: level lines of each that meet the other's upright."""
    ends = bisect_left(left.ends, right.bottom) - bisect_right(left.ends, right.top)
    return ends + (left.top < right.row < left.bottom)


def _pack(order: list[Strand], before: dict[int, list[Strand]]) -> int:
    """Every strand as far left as those before it allow. `edges[i]..edges[i+1]-1` are rows whose next free track is
    `free[i]`; a strand makes its rows one run, so each run is made and removed once."""
    edges: list[int] = [-(1 << 30)]
    free: list[int] = [0]
    count = 0
    for strand in order:
        # The row on which an upright lands from below is left to one that lands there from above.
        top = strand.top + (strand.top != strand.row and strand.top in strand.landing)
        bottom = strand.bottom
        first = bisect_right(edges, top) - 1
        last = bisect_right(edges, bottom) - 1
        track = max(free[first : last + 1])
        for other in before.get(id(strand), ()):
            track = max(track, other.track + 1)
        strand.track = track
        count = max(count, track + 1)
        tail = free[last]
        head_edge = edges[first]
        new_edges, new_free = [top, bottom + 1], [track + 1, tail]
        if last + 1 < len(edges) and edges[last + 1] == bottom + 1:
            new_edges.pop()
            new_free.pop()
        keep = first + (head_edge < top)
        edges[keep : last + 1] = new_edges
        free[keep : last + 1] = new_free
    return count
