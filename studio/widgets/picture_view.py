"""A widget that shows a picture by rows: it keeps strips, and repaints only rows that changed.

Whoever knows the picture says when it may have changed (`repaint`, for some rows or all); rows are asked for, compared
with what is on the screen, and only those that differ are sent. Tones become terminal styles here, by the variables of
the theme in use. Panning, zooming and the like are the picture's own: the widget has no virtual size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.app import RenderResult
from textual.color import Color, ColorParseError
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from studio import theme
from studio.pictures.cells import TONES, Row, Tone
from studio.widgets.picture_strip import Paints, PictureStrip

_MOST = 0.6
"""Where more than this share of the cells of a row, or of all, changed, all are sent: cutting would cost more."""


class PictureView(Widget, can_focus=True):
    """Shows rows that `paint` returns. Subclasses say what the picture is and when it changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PictureView {
        width: 1fr;
        height: 1fr;
        background: $background;
        overflow: hidden;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None, colour: bool = True) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []
        self._strips: list[Strip | None] = []
        self._paints = Paints()
        self._colour = colour
        self._stale = True
        self._held = self._asked = False

    # -- for subclasses ----------------------------------------------------------------------------------------------

    def paint(self, first: int, count: int) -> Sequence[Row]:
        """The rows `first` to `first + count - 1` of the widget as they should look now, all of its width."""
        raise NotImplementedError

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Several changes, one painting: what asks for a repaint meanwhile gets one at the end."""
        self._held, self._asked = True, False
        try:
            yield
        finally:
            self._held = False
            if self._asked:
                self.repaint()

    def repaint(self, rows: Iterable[int] | None = None) -> None:
        """Ask for the picture again, all of it or some rows, and send the rows that look different."""
        if self._held:
            self._asked = True
            return
        height = self.size.height
        if not self.is_mounted or not height or not self.size.width:
            self._stale = True
            return
        if rows is None or self._stale or len(self._rows) != height:
            self._all()
            return
        changed: list[Region] = []
        for first, count in _bands(rows, height):
            for y, row in enumerate(self.paint(first, count), first):
                self._compare(y, row, changed)
        if changed:
            self.refresh(*changed)

    def _all(self) -> None:
        height, width = self.size.height, self.size.width
        rows = list(self.paint(0, height))
        if len(self._rows) != height or self._stale:
            self._rows, self._strips = rows, [None] * height
            self._stale = False
            self.refresh()
            return
        changed: list[Region] = []
        for y, row in enumerate(rows):
            self._compare(y, row, changed)
        if sum(region.width for region in changed) > _MOST * width * height:
            self.refresh(Region(0, 0, width, height))
        elif changed:
            self.refresh(*changed)

    def _compare(self, y: int, row: Row, changed: list[Region]) -> None:
        """Take a row; where it looks different, add the part that does to `changed`."""
        found = row.difference(self._rows[y])
        if found is not None:
            self._rows[y] = row
            self._strips[y] = None
            first, stop = found
            changed.append(Region(first, y, stop - first, 1))

    # -- line API ----------------------------------------------------------------------------------------------------

    def render(self) -> RenderResult:
        """Nothing: rows are drawn by `render_line`."""
        return ""

    def render_line(self, y: int) -> Strip:
        """A row of the picture as a strip."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows in `crop`. The picture has neither border nor padding, so nothing is left to do to its strips."""
        width, height = self.size
        if self._stale or len(self._rows) != height:
            self._rows = list(self.paint(0, height))
            self._strips = [None] * len(self._rows)
            self._stale = False
        styles, paints = self.styles_of_tones(), self._paints
        found: list[Strip] = []
        for y in crop.line_range:
            if not 0 <= y < height:
                found.append(Strip.blank(width, styles[0]))
                continue
            strip = self._strips[y]
            if strip is None:
                strip = self._strips[y] = PictureStrip(self._rows[y], paints)
            found.append(strip)
        if crop.column_span != (0, width):
            found = [strip.crop(*crop.column_span) for strip in found]
        return found

    # -- colours -----------------------------------------------------------------------------------------------------

    def styles_of_tones(self) -> list[RichStyle]:
        """Tone number -> style, with the colours of the theme in use."""
        styles = self._paints.styles
        if len(styles) < len(TONES):
            known = self.app.theme_variables
            fallback = theme.variables()
            for number in range(len(styles), len(TONES)):
                style = style_of(TONES[number], known, fallback, colour=self._colour)
                styles.append(self._filtered(style))
        return styles

    def _filtered(self, style: RichStyle) -> RichStyle:
        """What the app's filters (NO_COLOR, terminals of 16 colours) make of a style: once here, not for every strip."""
        segments = [Segment(" ", style)]
        for line_filter in self.get_line_filters():
            segments = line_filter.apply(segments, self.background_colors[1])
        return segments[0].style or style

    def forget_colours(self) -> None:
        """The theme changed: work out all styles again."""
        self._paints = Paints()
        self._stale = True
        self.refresh()

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.forget_colours())

    def on_resize(self) -> None:
        """Another size: all rows are to be asked for again."""
        self._stale = True


def style_of(tone: Tone, known: dict[str, str], fallback: dict[str, str], *, colour: bool = True) -> RichStyle:
    """A tone as a terminal's style. Without colour only weight, reverse video and underline are left."""
    plain = {"bold": tone.bold or None, "reverse": tone.reverse or None, "underline": tone.underline or None}
    if not colour:
        return RichStyle(**plain)  # type: ignore[arg-type]
    return RichStyle(
        color=_colour(tone.colour, known, fallback),  # type: ignore[arg-type]
        bgcolor=_colour(tone.ground, known, fallback),  # type: ignore[arg-type]
        **plain,  # type: ignore[arg-type]
    )


def _colour(token: str, known: dict[str, str], fallback: dict[str, str]) -> object:
    name = theme.TOKENS[token].variables[0]
    for value in (known.get(name), fallback.get(name), theme.colour(theme.DARK, token)):
        if value:
            try:
                return Color.parse(value).rich_color
            except ColorParseError:
                continue
    return None


def _bands(rows: Iterable[int], height: int) -> list[tuple[int, int]]:
    """Rows inside of 0..height as (first, count) of stretches; small holes between them are filled."""
    found: list[tuple[int, int]] = []
    for row in sorted({row for row in rows if 0 <= row < height}):
        if found and row - (found[-1][0] + found[-1][1]) <= 2:
            first = found[-1][0]
            found[-1] = (first, row - first + 1)
        else:
            found.append((row, 1))
    return found
