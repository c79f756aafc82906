"""A text in lines, with its colours, that changes a few lines at a time: what the drawer of the project file shows.

A project may have ten thousand lines, and a letter changes one of them. So `show` finds the lines that differ, and colours
anew only these and what a quote that was opened there reaches. Places are (row, column), both from 0, columns in
characters.
"""

from __future__ import annotations

from studio.document.highlight import Span, toml_line
from studio.document.reader import outline

Spot = tuple[int, int]


class Script:
    """Rows of TOML, the spans of each, and where nodes are written. Mutable: it belongs to one drawer."""

    __slots__ = ("_ending", "_fences", "_places", "_text", "rows", "spans")

    def __init__(self) -> None:
        self.rows: list[str] = [""]
        self.spans: list[list[Span]] = [[]]
        self._fences: list[str | None] = [None]
        self._places: tuple[tuple[int, str], ...] | None = None
        self._text: str | None = ""
        self._ending = "\n"

    @property
    def text(self) -> str:
        """The whole, with the line ends that it came with."""
        if self._text is None:
            self._text = self._ending.join(self.rows)
        return self._text

    @property
    def places(self) -> tuple[tuple[int, str], ...]:
        """(line from 1, path of a node) for each header, as `reader.outline` has them."""
        if self._places is None:
            self._places = outline("\n".join(self.rows))
        return self._places

    def show(self, text: str) -> tuple[int, int]:
        """Take another text; the rows that differ, from and up to. Rows outside of these keep their colours."""
        if text == self._text:
            return (0, 0)
        self._ending = "\r\n" if "\r\n" in text else "\n"
        rows = text.replace("\r\n", "\n").split("\n")
        old = self.rows
        most = min(len(old), len(rows))
        first = next((at for at in range(most) if old[at] != rows[at]), most)
        last = next((at for at in range(most - first) if old[-1 - at] != rows[-1 - at]), most - first)
        self._splice(first, len(old) - last, rows[first : len(rows) - last])
        self._text = text
        return first, len(rows) - last

    # -- by hand -----------------------------------------------------------------------------------------------------

    def put(self, at: Spot, text: str) -> Spot:
        """Write a text at a place; the place behind it."""
        row, column = self.within(at)
        line = self.rows[row]
        new = (line[:column] + text.replace("\r\n", "\n").replace("\r", "\n") + line[column:]).split("\n")
        self._splice(row, row + 1, new)
        end = row + len(new) - 1
        return end, len(new[-1]) - len(line) + column

    def cut(self, start: Spot, end: Spot) -> Spot:
        """Take out what is between two places; the place where it was."""
        (row, column), (last, behind) = sorted((self.within(start), self.within(end)))
        self._splice(row, last + 1, [self.rows[row][:column] + self.rows[last][behind:]])
        return row, column

    def within(self, at: Spot) -> Spot:
        """The nearest place that there is."""
        row = max(0, min(at[0], len(self.rows) - 1))
        return row, max(0, min(at[1], len(self.rows[row])))

    def before(self, at: Spot) -> Spot:
        """One character back."""
        row, column = self.within(at)
        if column:
            return row, column - 1
        return (row - 1, len(self.rows[row - 1])) if row else (0, 0)

    def after(self, at: Spot) -> Spot:
        """One character on."""
        row, column = self.within(at)
        if column < len(self.rows[row]):
            return row, column + 1
        return (row + 1, 0) if row + 1 < len(self.rows) else (row, column)

    # -- colours -----------------------------------------------------------------------------------------------------

    def _splice(self, first: int, last: int, new: list[str]) -> None:
        """Rows `first` up to `last` become `new`; colours follow as far as they must."""
        behind = self._fences[last] if last < len(self._fences) else None
        fence = self._fences[first] if first < len(self._fences) else self._end_fence()
        self.rows[first:last] = new
        spans: list[list[Span]] = []
        fences: list[str | None] = []
        for row in new:
            fences.append(fence)
            found, fence = toml_line(row, fence)
            spans.append(found)
        self.spans[first:last] = spans
        self._fences[first:last] = fences
        self._text = self._places = None
        at = first + len(new)
        while at < len(self.rows) and fence != behind:
            self._fences[at] = fence
            behind = self._fences[at + 1] if at + 1 < len(self.rows) else None
            self.spans[at], fence = toml_line(self.rows[at], fence)
            at += 1

    def _end_fence(self) -> str | None:
        return toml_line(self.rows[-1], self._fences[-1])[1] if self.rows else None
