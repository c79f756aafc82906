"""Parts of a picture put together: one below the other, or beside each other where there is room.

All parts share one grid of columns. Columns are chosen once, by the number of boxes, so that they are the same at every
zoom: a part takes the place highest up where its columns are free, leftmost among equals. Rows follow from sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heapreplace
from math import ceil, sqrt
from typing import NamedTuple

_SHARE = 0.12
"""Columns to rows of a block of loose boxes: a card is about five times as wide as high, and a screen twice."""


class Piece(NamedTuple):
    """A part's size: columns and rows."""

    columns: int
    rows: int


def chosen_columns(pieces: Sequence[Piece]) -> list[int]:
    """The first column of each piece."""
    if not pieces:
        return []
    count = _columns_for(pieces)
    if all(piece.columns == 1 for piece in pieces):
        return _single_columns(pieces, count)
    level = [0] * count
    found = []
    for piece in pieces:
        column = _lowest(level, piece.columns)
        _raise(level, column, piece, max(level[column : column + piece.columns]))
        found.append(column)
    return found


def rows_for(pieces: Sequence[Piece], columns: Sequence[int], space: int) -> list[int]:
    """The first row of each piece in its columns, with `space` empty rows between pieces."""
    level = [0] * max(column + piece.columns for column, piece in zip(columns, pieces, strict=True))
    found = []
    for piece, column in zip(pieces, columns, strict=True):
        row = max(level[column : column + piece.columns])
        _raise(level, column, piece, row + space)
        found.append(row)
    return found


def _raise(level: list[int], column: int, piece: Piece, row: int) -> None:
    for at in range(column, column + piece.columns):
        level[at] = row + piece.rows


def _single_columns(pieces: Sequence[Piece], count: int) -> list[int]:
    level = [(0, column) for column in range(count)]
    heapify(level)
    found = []
    for piece in pieces:
        row, column = level[0]
        heapreplace(level, (row + piece.rows, column))
        found.append(column)
    return found


def _lowest(level: list[int], width: int) -> int:
    if width == 1:
        return level.index(min(level))
    best, best_row = 0, max(level[:width])
    for column in range(1, len(level) - width + 1):
        row = max(level[column : column + width])
        if row < best_row:
            best, best_row = column, row
    return best


def _columns_for(pieces: Sequence[Piece]) -> int:
    """How many columns look balanced: those of the widest piece, or a share of a square of all boxes, if more."""
    cells = sum(piece.columns * max(1, piece.rows) for piece in pieces)
    widest = max(piece.columns for piece in pieces)
    return max(widest, min(len(pieces), ceil(sqrt(cells * _SHARE))))
