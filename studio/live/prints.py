"""What tasks print when they run in this very process: shown line by line, harmless, and never on stdout.

The inline executor is for debugging: what a task prints comes at once, also where it is not recorded. But stdout
belongs to the document that `--json` promises, and the terminal obeys nothing that a task wrote.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence

from studio.front.paint import Paint

LONGEST = 4000


class Harmless(io.TextIOBase):
    """A text stream that hands on whole lines, made harmless."""

    def __init__(self, paint: Paint, show: Callable[[Sequence[str]], None]) -> None:
        self._paint = paint
        self._show = show
        self._rest = ""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Take text; lines that are complete are shown."""
        *lines, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > LONGEST:
            lines.append(self._rest)
            self._rest = ""
        if lines:
            self._show([self._paint.printed(line[:LONGEST]) for line in lines])
        return len(text)

    def finish(self) -> None:
        """Show what came without a newline."""
        if self._rest:
            self.write("\n")


@contextlib.contextmanager
def caught(paint: Paint, show: Callable[[Sequence[str]], None]) -> Iterator[None]:
    """While this lasts, what Python code of this process prints goes through `show`."""
    stream = Harmless(paint, show)
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        try:
            yield
        finally:
            stream.finish()
