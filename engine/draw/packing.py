"""Parts of a picture put together: one below the other, or beside each other where there is room.

All parts share one grid of columns. A part takes the place highest up where its columns are free, leftmost among
equals; lanes of a group are not packed but stacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import NamedTuple


class Piece(NamedTuple):
    """A part's size: columns and rows."""

    columns: int
    rows: int


class Spot(NamedTuple):
    """Where a part goes: its first column, and its first row."""

    column: int
    row: int


def packed(pieces: Sequence[Piece], columns: int, space: int) -> list[Spot]:
    """A spot for each piece, `space` empty rows between them, in no more than `columns` columns."""
    level = [0] * columns
    spots = []
    for piece in pieces:
        column = _lowest(level, piece.columns) if piece.columns > 1 or columns == 1 else level.index(min(level))
        row = max(level[column : column + piece.columns])
        spots.append(Spot(column, row))
        for at in range(column, column + piece.columns):
            level[at] = row + piece.rows + space
    return spots


def _lowest(level: list[int], width: int) -> int:
    best, best_row = 0, max(level[:width])
    for column in range(1, len(level) - width + 1):
        row = max(level[column : column + width])
        if row < best_row:
            best, best_row = column, row
    return best


def columns_for(pieces: Sequence[Piece], share: float) -> int:
    """How many columns look balanced: those of the widest piece, or `share` of a square of all cells, if more."""
    cells = sum(piece.columns * max(1, piece.rows) for piece in pieces)
    widest = max(piece.columns for piece in pieces)
    return max(widest, min(len(pieces), ceil(sqrt(cells * share))))
