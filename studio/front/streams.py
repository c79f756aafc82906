"""Standard streams as they really are: closed, broken in the middle, or of an encoding that cannot say everything.

Three promises. A stream that was closed when we were started is /dev/null, so that no file we open takes its number and
gets our output. A character that the encoding lacks becomes an escape, never an exception. A pipe that breaks (`|
head`) ends the output and not the command: what it was doing keeps its exit code.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO


def settle() -> None:
    """Make the standard streams safe to use. To be called once, before anything is opened."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def say(text: str, stream: IO[str] | None = None) -> None:
    """Print a line for people, on stderr unless told otherwise. A broken pipe is not our trouble."""
    stream = sys.stderr if stream is None else stream
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except (OSError, ValueError):
        silence(stream)


def tell(text: str) -> None:
    """Print data on stdout, as it is. A broken pipe ends the output."""
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        silence(sys.stdout)


def silence(stream: IO[str]) -> None:
    """Send whatever still comes on a broken stream to /dev/null, also what the interpreter flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
