"""The view for pipes, files and dumb terminals: a line for what happened, nothing that is drawn twice."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import IO

from studio.front.paint import Paint, seconds
from studio.front.streams import say
from studio.live.board import Picture
from studio.live.keyboard import letters_of

SILENCE = 30.0
"""Seconds after which a quiet run says that it is still there."""


class PlainView:
    """Prints lines on stderr, and a sign of life from time to time."""

    def __init__(self, paint: Paint, stream: IO[str] | None = None, *, answers: bool = False) -> None:
        self.paint = paint
        self._answers = answers  # whether somebody can type one
        self._stream = sys.stderr if stream is None else stream
        self._spoke = 0.0
        self._trouble = ""
        self._asked = -1

    def open(self) -> None:
        """Nothing has to be prepared."""

    def say(self, lines: Sequence[str]) -> None:
        """Print lines."""
        if lines:
            say("\n".join(lines), self._stream)

    def show(self, picture: Picture, *, spoke: bool) -> None:
        """Look at the run; say something if there is trouble, or if nothing was said for long."""
        paint = self.paint
        if picture.trouble != self._trouble:
            self._trouble = picture.trouble
            text = paint.safe(picture.trouble) if picture.trouble else "recording works again; the run goes on"
            self.say([f"{paint.style(paint.sign('warning'), 'yellow')} {text}"])
        if self._answers and picture.ask is not None and picture.ask.number != self._asked:
            self._asked = picture.ask.number
            keys = "  ".join(
                f"{paint.accent(key)} {paint.safe(word)}" for key, word in letters_of(picture.ask.choices).items()
            )
            self.say([f"{'':8}  {paint.style(paint.safe(picture.ask.text), 'yellow')}  {keys}"])
        if spoke:
            self._spoke = picture.elapsed
        elif picture.elapsed - self._spoke >= SILENCE:
            self._spoke = picture.elapsed
            names = ", ".join(self.paint.safe(row.node) for row in picture.rows[:4])
            more = f" and {len(picture.rows) - 4} more" if len(picture.rows) > 4 else ""
            told = f"{picture.settled} of {picture.total} done after {seconds(picture.elapsed)}; running: {names}{more}"
            self.say([f"{'':8}  {self.paint.muted(told)}"])

    def close(self) -> None:
        """Nothing has to be put away."""
