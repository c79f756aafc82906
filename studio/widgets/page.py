"""Page: a widget that paints lines of pieces, the base of everything around the canvas.

A `Piece` is some text with an ink, a ground and, if a click on it means something, an action. Inks and grounds are the
tokens of `theme`, so a page looks right under every theme, without colour and in ASCII. Pieces are the widget edge of
the promise that nothing a project says is obeyed by the terminal: whatever text they carry goes through `visible` here,
and no markup is ever read from it.

A page is a function of what it was given: a subclass says which lines there are, the page cuts, pads and keeps them
until `repaint`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import TRANSPARENT as _NO_PAPER
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from studio.actions import Action
from studio.document.visible import runs
from studio.notices import Notice
from studio.theme import TOKENS, sign


class Piece(NamedTuple):
    """Some text of a line, and how it is set. `ground` is empty for the one of the page."""

    text: str
    ink: str = "text"
    ground: str = ""
    bold: bool = False
    italic: bool = False
    underline: bool = False
    act: Action | None = None


Line = Sequence[Piece]

BLANK: Line = ()
_MOST_KEPT = 512
"""Strips that a page keeps besides those it shows."""


class Inks:
    """Tokens to styles, under one theme. Without colour, what lies on a cursor or a fill is shown in reverse."""

    def __init__(self, variables: dict[str, str], *, plain: bool = False, ascii: bool = False) -> None:
        self.colours = {
            name: next((variables[v] for v in token.variables if v in variables), token.dark)
            for name, token in TOKENS.items()
        }
        self.plain = plain
        self.ascii = ascii
        self._styles: dict[tuple[object, ...], Style] = {}

    def style(self, piece: Piece, ground: str) -> Style:
        """The style of a piece on a page of this ground."""
        on = piece.ground or ground
        key = (piece.ink, on, piece.bold, piece.italic, piece.underline)
        style = self._styles.get(key)
        if style is None:
            filled = _FILLED.get(piece.ink)
            reverse = self.plain and (on in ("accentbg", "accent") or filled is not None)
            ink = self.colours["bg" if filled is not None else piece.ink]
            paper = self.colours[filled or on]
            style = self._styles[key] = Style(
                color=None if self.plain else _plain_colour(ink),
                bgcolor=None if self.plain else _plain_colour(paper),
                bold=piece.bold or None,
                italic=piece.italic or None,
                underline=piece.underline or None,
                reverse=reverse or None,
            )
        return style


_FILLED = {"mark": "critical", "badge": "accent"}
"""Inks that are the ground's colour on a fill."""


def _plain_colour(colour: str) -> str:
    # Themes of other people may say "ansi_blue" or "auto 80%", which are Textual's words and not rich's.
    if colour.startswith("#"):
        return colour[:7]
    from textual.color import Color, ColorParseError

    try:
        return Color.parse(colour).hex6 if not colour.startswith("auto") else "default"
    except ColorParseError:
        return "default"


def width_of(line: Line) -> int:
    """Cells that a line takes."""
    return sum(cell_len(piece.text) for piece in line)


def cut(text: str, width: int, *, ascii: bool = False) -> str:
    """`text` in at most `width` cells; where it is longer it ends in an ellipsis."""
    if len(text) <= width and text.isascii():
        return text
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    room = width - 1
    taken: list[str] = []
    for char in text:
        room -= cell_len(char)
        if room < 0:
            break
        taken.append(char)
    return "".join(taken) + sign("ellipsis", ascii=ascii)


def spread(left: Line, right: Line, width: int) -> list[Piece]:
    """`left` at the left and `right` at the right end of `width` cells; the left gives way where both do not fit."""
    room = width - width_of(right)
    used = width_of(left)
    if used <= room:
        return [*left, Piece(" " * (room - used)), *right]
    shorter = shortened(left, max(room - 1, 0))
    gap = max(room - width_of(shorter), 0)
    return [*shorter, Piece(" " * gap), *right]


def shortened(line: Line, width: int) -> list[Piece]:
    """The beginning of a line in at most `width` cells."""
    found: list[Piece] = []
    for piece in line:
        need = cell_len(piece.text)
        if need > width:
            if width > 0:
                found.append(piece._replace(text=cut(piece.text, width)))
            break
        found.append(piece)
        width -= need
    return found


def on(ground: str, line: Iterable[Piece]) -> list[Piece]:
    """A line on another ground."""
    return [piece._replace(ground=piece.ground or ground) for piece in line]


def words(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` cells, broken at spaces where that is possible."""
    found: list[str] = []
    for paragraph in text.split("\n"):
        row = ""
        for word in paragraph.split(" "):
            while cell_len(word) > width > 0:
                head = word[: max(width - (cell_len(row) + 1 if row else 0), 0)]
                if not head or cell_len(head) > width:
                    head = "" if row else word[: max(width // 2, 1)]
                found.append(f"{row} {head}".strip() if row else head)
                row, word = "", word[len(head) :]
            if row and cell_len(row) + 1 + cell_len(word) > width:
                found.append(row)
                row = word
            else:
                row = f"{row} {word}" if row else word
        found.append(row)
    return found


def _row(lines: Sequence[Line], place: int) -> Line:
    return lines[place] if 0 <= place < len(lines) else BLANK


class Page(Widget):
    """Lines of pieces on one ground. A subclass gives `lines`, and calls `repaint` when they have changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Page { width: 1fr; height: 1fr; }"
    GROUND = "panel"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._top = 0
        self._lines: Sequence[Line] | None = None
        self._size_of_lines = (0, 0)
        self._strips: dict[int, tuple[Line, Strip]] = {}
        self._kept: dict[int, tuple[Line, Strip]] = {}
        self._inked: Inks | None = None
        self._filters: Sequence[LineFilter] = ()
        self._paper = _NO_PAPER

    @property
    def top(self) -> int:
        """The line that stands in the first row."""
        return self._top

    @top.setter
    def top(self, line: int) -> None:
        if line != self._top:
            self._top = line
            if self.is_attached:
                self.refresh()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Everything there is to show at this size; more lines than rows are scrolled."""
        raise NotImplementedError

    # -- painting ----------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._forget())

    def _forget(self) -> None:
        self._lines = None
        self.refresh()

    @property
    def inks(self) -> Inks:
        """The inks of the app, made anew when its theme changes."""
        return inks_of(self)

    @property
    def ascii(self) -> bool:
        """Whether only ASCII may be drawn."""
        return self.inks.ascii

    def repaint(self) -> None:
        """What `lines` gives may have changed: rows that look different are painted."""
        old, size = self._lines, (self.size.width, self.size.height) if self.is_attached else (0, 0)
        if old is None or self._size_of_lines != size or self._inked is not self.inks:
            self._lines = None
            if self.is_attached:  # it may be painted before it is told that it is mounted
                self.refresh()
            return
        self._lines = None
        new, top, (width, height) = self.shown, self._top, size
        rows = range(top, top + height)
        changed = [row - top for row in rows if _row(old, row) != _row(new, row)]
        if len(changed) > height // 2:
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, row, width, 1) for row in changed))

    @property
    def shown(self) -> Sequence[Line]:
        """The lines at the present size."""
        return self._shown_at(*self.size)

    def _shown_at(self, width: int, height: int) -> Sequence[Line]:
        if self._lines is None or self._size_of_lines != (width, height):
            self._lines = self.lines(width, height)
            self._size_of_lines = (width, height)
            self.top = max(0, min(self.top, len(self._lines) - height))
        return self._lines

    def render_line(self, y: int) -> Strip:
        """A row as cells."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows in `crop`. A page has neither border nor padding, so nothing is left to do to its strips; one that was
        shown before is not set again."""
        width, height = self.size  # looked up once: Textual works it out anew each time
        lines, inks, filters = self._shown_at(width, height), self.inks, self.get_line_filters()
        if self._inked is not inks or self._filters != filters:
            self._inked, self._filters, self._strips, self._kept = inks, filters, {}, {}
            self._paper = self.background_colors[1] if filters else _NO_PAPER
        shown, top = self._strips, self._top
        strips = []
        for y in crop.line_range:
            line = _row(lines, top + y)
            known = shown.get(y)
            if known is None or known[1].cell_length != width or (known[0] is not line and known[0] != line):
                known = shown[y] = (line, self._strip_for(line, width))
            strips.append(known[1])
        if crop.column_span != (0, width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _strip_for(self, line: Line, width: int) -> Strip:
        """The strip of a line, through the app's filters. That of a tuple, which cannot change, is kept: many are the same
        ones again on other rows."""
        known = self._kept.get(id(line))
        if known is not None and known[1].cell_length == width:
            return known[1]
        strip = self.strip_of(line, width)
        for line_filter in self._filters:
            strip = strip.apply_filter(line_filter, self._paper)
        if isinstance(line, tuple):
            if len(self._kept) >= _MOST_KEPT:
                self._kept = {}
            self._kept[id(line)] = (line, strip)  # the line, too: nothing else may get its id
        return strip

    def strip_of(self, line: Line, width: int) -> Strip:
        """A line as cells: made harmless, cut and padded to `width`."""
        inks = self.inks
        segments: list[Segment] = []
        for piece in line:
            for text, mark in runs(piece.text, ascii=inks.ascii):
                shown = piece._replace(ink="mark", bold=False) if mark else piece
                segments.append(Segment(text, inks.style(shown, self.GROUND)))
        blank = inks.style(Piece("", ground=line[-1].ground if line else ""), self.GROUND)
        return Strip(segments).adjust_cell_length(width, blank)

    # -- mouse and scrolling -----------------------------------------------------------------------------------------

    def act_at(self, x: int, y: int) -> Action | None:
        """What a click on this cell means."""
        lines = self.shown
        place = self.top + y
        if not 0 <= place < len(lines):
            return None
        for piece in lines[place]:
            x -= cell_len("".join(text for text, _ in runs(piece.text, ascii=self.ascii)))
            if x < 0:
                return piece.act
        return None

    def on_click(self, event: events.Click) -> None:
        """Send the action of the piece under the pointer."""
        offset = event.get_content_offset(self)
        action = self.act_at(offset.x, offset.y) if offset is not None else None
        if action is not None:
            event.stop()
            self.post_message(Notice(action))

    def scroll_lines(self, by: int) -> None:
        """Show lines further down (or up, where `by` is negative)."""
        self.top = max(0, min(self.top + by, len(self.shown) - self.size.height))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines a notch, as terminals do."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines a notch, as terminals do."""
        event.stop()
        self.scroll_lines(-3)


def inks_of(widget: Widget) -> Inks:
    """The app's inks; an app that has none of its own gets those of its theme."""
    made: Callable[[], Inks] | None = getattr(widget.app, "inks", None)
    if made is not None:
        return made()
    return Inks(widget.app.theme_variables, plain=widget.app.no_color)
