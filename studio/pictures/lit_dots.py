"""The lit path among dots: hundreds of edges, one column for all the tracks of a gap.

A gap between dots has room for one track, so all that is lit there shares a column. What arms its cells have is worked
out for all rows at once: a set of rows is an integer, one bit a row, and each edge adds to four such sets. Only cells in
view are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from engine.draw.ink import trail
from engine.draw.scene import Link, Panel, Rect, Scene
from engine.draw.strokes import DASHED, DOWN, HEAVY, LEFT, LEVEL, RIGHT, UP
from studio.pictures.cells import Grid

_UP, _DOWN, _LEFT, _RIGHT, _STRAIGHT, _BESIDE, _THROUGH = range(7)

Piece = tuple[int, int, int, bool, bool]
"""Column of the track, row from, row to, whether the line goes on through the column of dots, whether it is dashed."""


class LitDots:
    """Puts the lit edges of one scene of dots on a grid."""

    def __init__(self, scene: Scene, chars: Sequence[str] | Mapping[int, str]) -> None:
        self._panel: Panel | None = scene.panels[0] if scene.panels else None
        self._chars = chars
        self._links: dict[int, Link] = {}
        self._pieces: dict[Link, list[Piece]] = {}
        if self._panel is not None:
            self._links = {edge: link for link in self._panel.links for edge in link.edges}

    def put(self, grid: Grid, rect: Rect, edges: Collection[int], ink: int) -> None:
        """Draw the edges in the rectangle."""
        links = dict.fromkeys(link for edge in edges if (link := self._links.get(edge)) is not None)
        solid: dict[int, list[int]] = {}
        dashed: dict[int, list[int]] = {}
        left, right, top, height = rect.x - 2, rect.right, rect.y, rect.height
        for link in links:
            for x, start, end, through, is_dashed in self._pieces.get(link) or self._pieces_of(link):
                if left <= x < right:
                    sets = dashed if is_dashed else solid
                    rows = sets.get(x)
                    if rows is None:
                        rows = sets[x] = [0] * 7
                    _add(rows, start - top, end - top, height, through=through)
        for x in solid.keys() | dashed.keys():
            self._column(grid, x, solid.get(x, _NONE), dashed.get(x, _NONE), ink)

    def _pieces_of(self, link: Link) -> list[Piece]:
        assert self._panel is not None
        found = self._pieces[link] = [
            (wire.x, wire.row, end.row, end.stop > wire.x + 1, wire.dashed) for wire, end in trail(self._panel, link)
        ]
        return found

    def _column(self, grid: Grid, x: int, solid: Sequence[int], dashed: Sequence[int], ink: int) -> None:
        up, down, left, right, straight, beside, through = (
            one | other for one, other in zip(solid, dashed, strict=True)
        )
        straight &= ~(up & down)  # a level line stops for a cell where an upright goes on
        left |= straight
        right |= straight
        if grid.x <= x < grid.x + grid.width:
            firm = solid[_UP] | solid[_DOWN] | solid[_STRAIGHT]
            for row in _rows(up | down | left | right):
                bit = 1 << row
                stroke = RIGHT * (right & bit > 0) | DOWN * (down & bit > 0) | LEFT * (left & bit > 0)
                stroke |= UP * (up & bit > 0)
                self._cell(grid, x, row, HEAVY * stroke | (0 if firm & bit else DASHED), ink)
        for at, rows, firm in ((x + 1, beside, solid[_BESIDE]), (x + 2, through, solid[_THROUGH])):
            if grid.x <= at < grid.x + grid.width:
                for row in _rows(rows):
                    self._cell(grid, at, row, HEAVY * LEVEL | (0 if firm >> row & 1 else DASHED), ink)

    def _cell(self, grid: Grid, x: int, row: int, stroke: int, ink: int) -> None:
        grid.cell(x, grid.y + row, self._chars[stroke], ink)


_NONE = (0,) * 7


def _add(rows: list[int], start: int, end: int, height: int, *, through: bool) -> None:
    """One edge, from the row of one dot to that of another, to the sets of rows of its column."""
    shown = 1 << end if 0 <= end < height else 0
    if start == end:
        rows[_STRAIGHT] |= shown
    else:
        top, bottom = (start, end) if start < end else (end, start)
        rows[_DOWN] |= _span(max(top, 0), min(bottom, height))
        rows[_UP] |= _span(max(top + 1, 0), min(bottom + 1, height))
        rows[_RIGHT] |= shown
        if 0 <= start < height:
            rows[_LEFT] |= 1 << start
    rows[_BESIDE] |= shown
    if through:
        rows[_THROUGH] |= shown


def _span(first: int, stop: int) -> int:
    return (1 << stop) - (1 << first) if stop > first else 0


def _rows(rows: int) -> Iterable[int]:
    """The rows of a set."""
    while rows:
        low = rows & -rows
        rows ^= low
        yield low.bit_length() - 1
