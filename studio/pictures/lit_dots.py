"""The lit path among dots: hundreds of edges, one column for all the tracks of a gap.

A gap between dots has room for one track, so all that is lit there shares a column. What arms its cells have is worked
out for all rows at once: a set of rows is an integer, one bit a row, and the seven sets that an edge adds to lie side by
side in one integer, so that adding an edge to its column is one `|`. What an edge adds, and which cells a column is made
of, is kept for as long as the rows in view are in the same window: a step of the cursor lights mostly what was lit before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

from engine.draw.ink import trail
from engine.draw.scene import Link, Panel, Rect, Scene
from engine.draw.strokes import DASHED, DOWN, HEAVY, LEFT, LEVEL, RIGHT, UP
from studio.pictures.cells import Grid

_UP, _DOWN, _LEFT, _RIGHT, _STRAIGHT, _BESIDE, _THROUGH = range(7)
_MARGIN = 64
"""Rows of the window above and below those in view, at most."""
_MOST_COLUMNS = 4096

Piece = tuple[int, int]
"""Twice the column of the track, and one more where the line is dashed; the sets of rows that it adds to."""
Spot = tuple[int, int, str]
"""Column beside that of the track, row of the scene, character."""


class LitDots:
    """Puts the lit edges of one scene of dots on a grid."""

    def __init__(self, scene: Scene, chars: Sequence[str] | Mapping[int, str]) -> None:
        self._panel: Panel | None = scene.panels[0] if scene.panels else None
        self._chars = chars
        self._links: dict[int, Link] = {}
        self._window = (0, 0)
        self._pieces: dict[int, list[Piece]] = {}
        self._columns: dict[tuple[int, int], list[Spot]] = {}
        if self._panel is not None:
            self._links = {edge: link for link in self._panel.links for edge in link.edges}

    def put(self, grid: Grid, rect: Rect, edges: Set[int], ink: int) -> None:
        """Draw the edges in the rectangle."""
        first, height = self._window
        if not (first <= rect.y and rect.bottom <= first + height):
            first, height = (rect.y // _MARGIN - 1) * _MARGIN, rect.height // _MARGIN * _MARGIN + 4 * _MARGIN
            self._window, self._pieces, self._columns = (first, height), {}, {}
        known = self._pieces
        for edge in edges - known.keys():
            known[edge] = self._pieces_of(edge)
        columns: defaultdict[int, int] = defaultdict(int)
        for edge in edges:
            for column, sets in known[edge]:
                columns[column] |= sets
        lane = _span(rect.y - first, rect.bottom - first)
        seen = sum(lane << which * height for which in range(7))
        for x in {column >> 1 for column in columns}:
            if rect.x - 2 <= x < rect.right:
                self._put_column(grid, x, (columns[2 * x] & seen, columns[2 * x + 1] & seen), ink)

    def _pieces_of(self, edge: int) -> list[Piece]:
        """What an edge adds to the columns that it goes through, in the rows of the window."""
        found: list[Piece] = []
        link = self._links.get(edge)
        if link is not None and self._panel is not None:
            top, height = self._window
            for wire, end in trail(self._panel, link):
                through = end.stop > wire.x + 1
                sets = _sets(wire.row - top, end.row - top, height, through=through)
                if sets:
                    found.append((2 * wire.x + wire.dashed, sets))
        return found

    def _put_column(self, grid: Grid, x: int, column: tuple[int, int], ink: int) -> None:
        spots = self._columns.get(column)
        if spots is None:
            if len(self._columns) >= _MOST_COLUMNS:
                self._columns = {}
            spots = self._columns[column] = self._spots(*column)
        grid.beside(x, spots, ink)

    def _spots(self, solid: int, dashed: int) -> list[Spot]:
        """The cells of a column, for the sets of its solid and of its dashed edges."""
        (top, height), chars = self._window, self._chars
        lanes = [_lane(solid | dashed, which, height) for which in range(7)]
        up, down, left, right, straight, beside, through = lanes
        straight &= ~(up & down)  # a level line stops for a cell where an upright goes on
        left |= straight
        right |= straight
        firm = _lane(solid, _UP, height) | _lane(solid, _DOWN, height) | _lane(solid, _STRAIGHT, height)
        found: list[Spot] = []
        for row in _numbers(up | down | left | right):
            bit = 1 << row
            stroke = RIGHT * (right & bit > 0) | DOWN * (down & bit > 0) | LEFT * (left & bit > 0)
            stroke |= UP * (up & bit > 0)
            found.append((0, top + row, chars[HEAVY * stroke | (0 if firm & bit else DASHED)]))
        for at, rows, firm in (
            (1, beside, _lane(solid, _BESIDE, height)),
            (2, through, _lane(solid, _THROUGH, height)),
        ):
            level = (chars[HEAVY * LEVEL | DASHED], chars[HEAVY * LEVEL])
            found += [(at, top + row, level[firm >> row & 1]) for row in _numbers(rows)]
        return found


def _lane(sets: int, which: int, height: int) -> int:
    """One of the seven sets."""
    return sets >> which * height & (1 << height) - 1


def _sets(start: int, end: int, height: int, *, through: bool) -> int:
    """What one edge, from the row of one dot to that of another, adds to the sets of its column."""
    shown = 1 << end if 0 <= end < height else 0
    sets = shown << _BESIDE * height | (shown << _THROUGH * height if through else 0)
    if start == end:
        return sets | shown << _STRAIGHT * height
    top, bottom = (start, end) if start < end else (end, start)
    sets |= _span(max(top, 0), min(bottom, height)) << _DOWN * height
    sets |= _span(max(top + 1, 0), min(bottom + 1, height)) << _UP * height
    sets |= shown << _RIGHT * height
    if 0 <= start < height:
        sets |= 1 << start + _LEFT * height
    return sets


def _span(first: int, stop: int) -> int:
    return (1 << stop) - (1 << first) if stop > first else 0


def _numbers(rows: int) -> Iterable[int]:
    """The rows of a set."""
    while rows:
        low = rows & -rows
        rows ^= low
        yield low.bit_length() - 1
