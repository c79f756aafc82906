"""The live view: what runs, a bar for all of it, counts; what has ended scrolls away above.

Drawn by Rich at the bottom of the terminal, four to eight times a second, and taken away at the end: what stays in the
scrollback are the lines of ended nodes and the summary. At rest it is almost without colour: a state has its own,
and what a person can type is violet.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from engine.draw.text import elide, pad
from studio.front.paint import Paint, cells, seconds
from studio.live.board import Ask, Picture, Row
from studio.live.keyboard import letters_of
from studio.theme import ASCII_SPINNER, SPINNER, kind_glyph, look

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

BAR = 22
ROOM_FOR_BAR = 64
NARROW = 46
SPIN = 8
"""Frames of the spinner a second."""

ACCENT = "color(141)"


class LiveView:
    """Redraws the bottom of the terminal on stderr."""

    def __init__(self, paint: Paint, stream: IO[str] | None = None) -> None:
        self.paint = paint
        self._stream = sys.stderr if stream is None else stream
        self._live: Live | None = None
        self._console: Console | None = None
        self._broken = False

    def open(self) -> None:
        """Take the bottom of the terminal. Rich is imported here: the run is going already."""
        from rich.console import Console
        from rich.live import Live

        self._console = Console(
            file=self._stream,
            force_terminal=True,
            no_color=not self.paint.terminal.colour,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._guarded(self._live.start)

    def say(self, lines: Sequence[str]) -> None:
        """Print lines above what is redrawn."""
        if not lines or self._console is None:
            return
        from rich.text import Text

        text = Text.from_ansi("\n".join(lines))
        text.no_wrap = False
        console = self._console
        self._guarded(lambda: console.print(text, soft_wrap=True))

    def show(self, picture: Picture, *, spoke: bool) -> None:
        """Draw the run as it is now."""
        if self._live is None or self._console is None:
            return
        size = self._console.size
        content = draw(picture, self.paint, size.width, size.height)
        live = self._live
        self._guarded(lambda: live.update(content, refresh=True))

    def close(self) -> None:
        """Give the terminal back, without what was redrawn."""
        if self._live is not None:
            self._guarded(self._live.stop)
            self._live = None

    def _guarded(self, act: object) -> None:
        """A terminal that went away (a closed window, a cut connection) ends the view and not the run."""
        if self._broken:
            return
        try:
            act()  # type: ignore[operator]
        except (OSError, ValueError):
            from studio.front.streams import silence

            self._broken = True
            silence(self._stream)


def draw(picture: Picture, paint: Paint, width: int, height: int) -> Text:
    """The bottom of the terminal as one text of at most `height - 1` lines, none wider than `width`."""
    from rich.text import Text

    room = max(height - 1, 2)
    spare = 3 if room >= 6 else 1  # an empty line, the bar, the hint
    rows = _chosen(picture.rows, room - spare - bool(picture.trouble) - bool(picture.ask))
    name_room = _name_room(rows, paint, width)
    lines: list[Text] = [_row(row, picture, paint, width, name_room) for row in rows]
    hidden = len(picture.rows) - len(rows)
    if hidden and lines:
        lines[-1] = Text(f"  and {hidden + 1} more", style="dim")
    if lines and room >= 6:
        lines.append(Text(""))
    if picture.trouble:
        mark = Text(f"{paint.sign('warning')} {paint.safe(picture.trouble)}", style="yellow")
        mark.truncate(width, overflow="ellipsis")
        lines.append(mark)
    if picture.ask is not None:
        lines.append(_question(picture.ask, paint, width))
    lines.append(_bottom(picture, paint, width))
    if room >= 6:
        lines.append(_hint(picture, width))
    return Text("\n").join(lines)


def _chosen(rows: Sequence[Row], room: int) -> Sequence[Row]:
    return rows[: max(room, 0)]


def _name_room(rows: Sequence[Row], paint: Paint, width: int) -> int:
    widest = max((cells(paint.safe(row.node)) for row in rows), default=8)
    return max(min(widest, int(width * 0.4)), 6)


def _row(row: Row, picture: Picture, paint: Paint, width: int, name_room: int) -> Text:
    from rich.text import Text

    state = look(row.state)
    line = Text(no_wrap=True)
    sign = _spinner(picture, paint) if row.state == "running" else paint_glyph(row.state, paint)
    line.append(sign, _style(state.ansi))
    line.append(f" {_middle(paint.safe(row.node), name_room, paint)}")
    if row.attempt > 1 and row.state == "running":
        line.append(f"  attempt {row.attempt}", "dim")
    clock = f"again in {seconds(row.elapsed)}" if row.state == "retrying" else seconds(row.elapsed)
    used = name_room + 2 + (cells(f"  attempt {row.attempt}") if row.attempt > 1 and row.state == "running" else 0)
    left = width - used - cells(clock) - 2
    if row.fraction is not None and width >= ROOM_FOR_BAR and left >= BAR + 8:
        line.append("  ")
        _bar(line, row.fraction, BAR, state.ansi, paint)
        line.append(f" {row.fraction:4.0%}")
        left -= BAR + 7
    elif row.fraction is not None and left >= 6:
        line.append(f"  {row.fraction:4.0%}")
        left -= 6
    text = paint.safe(row.text)
    if text and left > 6:
        shown = paint.fit(text, left - 2)
        line.append(f"  {shown}", "dim")
        left -= cells(shown) + 2
    line.append(" " * max(left, 0) + f"  {clock}", "dim" if row.state == "retrying" else "")
    line.truncate(width)
    return line


def _bottom(picture: Picture, paint: Paint, width: int) -> Text:
    """`penguins ━━━━━━──── 12 of 24  ● 2  ✓ 12   0:21, about 0:18 left`, without what there is no room for."""
    from rich.text import Text

    share = picture.settled / picture.total if picture.total else 1.0
    count = f"{picture.settled} of {picture.total}"
    clock = seconds(picture.elapsed) if picture.elapsed < 10 else _clock(picture.elapsed)
    left = f", about {_clock(picture.left)} left" if picture.left is not None else ""
    counts = [(word, f"{paint_glyph(word, paint)} {number}") for word, number in picture.counts.items()]
    counts_room = sum(cells(text) + 2 for _, text in counts)
    line = Text(no_wrap=True)
    title = elide(paint.safe(picture.title), max(min(28, width // 4), 6), paint.sign("ellipsis"))
    if width >= NARROW:
        line.append(f"{title}  ", "bold")
    fixed = cells(count) + cells(clock) + 4 + (cells(title) + 2 if width >= NARROW else 0)
    if fixed + counts_room + 8 > width:
        counts, counts_room = [], 0
    if fixed + counts_room + len(left) + 8 > width:
        left = ""
    bar = min(40, width - fixed - counts_room - len(left) - 2)
    if bar >= 6:
        worst = "red" if picture.counts.get("failed") else "green"
        _bar(line, share, bar, worst if picture.state != "paused" else "yellow", paint)
        line.append("  ")
    line.append(count)
    for word, text in counts:
        line.append("  ")
        line.append(text, _style(look(word).ansi))
    line.append(f"  {clock}{left}")
    line.truncate(width)
    return line


def _question(ask: Ask, paint: Paint, width: int) -> Text:
    """`¿ Publish Biscoe?  y yes  n no`: the keys are violet, the question amber."""
    from rich.text import Text

    line = Text(no_wrap=True)
    keys = letters_of(ask.choices)
    room = width - 2 - sum(4 + cells(paint.safe(choice)) for choice in keys.values())
    line.append(f"{kind_glyph('approval', ascii=paint.terminal.ascii)} ", "yellow")
    line.append(paint.fit(paint.safe(ask.text), max(room, 10)), "yellow")
    for key, choice in keys.items():
        line.append("  ")
        line.append(key, ACCENT)
        line.append(f" {paint.safe(choice)}")
    line.truncate(width)
    return line


def _hint(picture: Picture, width: int) -> Text:
    from rich.text import Text

    line = Text(no_wrap=True)
    line.append("Ctrl-C", ACCENT)
    line.append(" again ends it at once" if picture.state == "canceling" else " cancels", "dim")
    line.truncate(width)
    return line


def _bar(line: Text, share: float, room: int, colour: str, paint: Paint) -> None:
    done = min(round(share * room), room)
    line.append(paint.sign("bar done") * done, _style(colour))
    line.append(paint.sign("bar left") * (room - done), "dim")


def _spinner(picture: Picture, paint: Paint) -> str:
    frames = ASCII_SPINNER if paint.terminal.ascii else SPINNER
    return frames[int(picture.elapsed * SPIN) % len(frames)]


def paint_glyph(word: str, paint: Paint) -> str:
    """The sign of a state, without any colour."""
    found = look(word)
    return found.ascii if paint.terminal.ascii else found.glyph


def _style(ansi: str) -> str:
    return "" if ansi == "default" else ansi


def _clock(length: float) -> str:
    minutes, rest = divmod(round(length), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _middle(text: str, room: int, paint: Paint) -> str:
    """A name in exactly `room` cells; one that is too long loses its middle."""
    return pad(elide(text, room, paint.sign("ellipsis")), room)
