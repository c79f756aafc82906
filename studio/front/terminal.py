"""What the terminal at the other end can show, found out once from the stream and the environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from studio.theme import wants_ascii, wants_no_colour


@dataclass(frozen=True, slots=True)
class Terminal:
    """`live`: a terminal that can redraw lines. Sizes in cells; of a pipe they are those of a wide page."""

    live: bool
    colour: bool
    ascii: bool
    width: int
    height: int


def terminal_of(stream: IO[str], environ: Mapping[str, str] | None = None) -> Terminal:
    """The terminal behind `stream`, or what stands in for one where it is a pipe or a file."""
    environ = os.environ if environ is None else environ
    try:
        tty = stream.isatty()
    except ValueError:  # closed
        tty = False
    dumb = environ.get("TERM", "") in ("", "dumb", "unknown")
    size = _size(stream) if tty else (100, 50)
    return Terminal(
        live=tty and not dumb,
        colour=tty and not dumb and not wants_no_colour(environ),
        ascii=_wants_ascii(environ, getattr(stream, "encoding", None), tty),
        width=max(size[0], 20),
        height=max(size[1], 5),
    )


def _wants_ascii(environ: Mapping[str, str], encoding: str | None, tty: bool) -> bool:
    if environ.get("FLOWLOOM_ASCII"):
        return wants_ascii(environ, encoding)
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if tty and locale.split(".")[0] in ("C", "POSIX") and "utf" not in locale.lower():
        return True  # Python writes UTF-8 there all the same; the terminal would not read it
    return wants_ascii(environ, encoding)


def _size(stream: IO[str]) -> tuple[int, int]:
    try:
        found = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        found = shutil.get_terminal_size()
    return (found.columns or 80, found.lines or 24)
