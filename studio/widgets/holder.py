"""A container that costs nothing to paint: what it holds covers all of it."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Holder(Widget):
    """Lays out others, one below the other unless its style says otherwise, and has no look of its own.

    Textual paints every container under what it holds, row by row, each time anything in it changes.
    """

    DEFAULT_CSS = "Holder { width: 1fr; height: 1fr; layout: vertical; overflow: hidden hidden; }"

    _blank: tuple[tuple[int, str], Strip] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Blanks."""
        key = (crop.width, self.app.theme)
        if self._blank is None or self._blank[0] != key:
            self._blank = (key, Strip.blank(crop.width, self.rich_style))
        return [self._blank[1]] * crop.height
