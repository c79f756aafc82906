"""What went wrong, as a person should hear it: what, where, what to do; and the exit code that says the same to scripts.

A wrong project is told by its findings, a broken world by one line. What nobody foresaw is a bug of ours: its traceback
goes into a report file and not over the person's screen.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from studio.front import exit_codes
from studio.front.paint import Paint
from studio.front.streams import say
from studio.front.terminal import terminal_of


def tell_trouble(error: BaseException) -> int:
    """Say on stderr what happened; the exit code."""
    from engine.errors import (
        Canceled,
        InvalidTransition,
        NetworkError,
        NotReady,
        SystemFailure,
        ValidationFailed,
        WorkflowError,
    )

    if isinstance(error, ValidationFailed):
        tell_findings(error)
        return exit_codes.WRONG
    if isinstance(error, InvalidTransition):
        return tell_bug(error)
    if isinstance(error, SystemFailure | NetworkError):
        say(problem(str(error)))
        return exit_codes.BROKEN
    if isinstance(error, Canceled):
        say(problem(str(error)))
        return exit_codes.CANCELED
    if isinstance(error, NotReady):
        say(problem(str(error)))
        return exit_codes.WRONG
    if isinstance(error, WorkflowError):
        say(problem(str(error)))
        return exit_codes.WRONG
    if isinstance(error, OSError) and error.errno is not None and _is_the_worlds(error):
        say(problem(_told(error)))
        return exit_codes.BROKEN
    return tell_bug(error)


def problem(text: str) -> str:
    """One line that says what is wrong, marked as such."""
    paint = Paint(terminal_of(sys.stderr))
    lines = [paint.safe(part) for part in text.splitlines()] or [""]
    return "\n".join([f"{paint.style(paint.sign('error'), 'red')} {lines[0]}", *(f"  {rest}" for rest in lines[1:])])


def tell_findings(error: Exception) -> None:
    """Print a wrong project's findings, each with its place and remedy."""
    findings = getattr(error, "findings", ())
    if not findings:
        say(problem(str(error)))
        return
    paint = Paint(terminal_of(sys.stderr))
    for finding in findings:
        if isinstance(finding, str):
            say(problem(finding))
            continue
        wrong = finding.severity == "error"
        mark = paint.style(paint.sign("error" if wrong else "warning"), "red" if wrong else "yellow")
        place = f"{finding.place}: " if finding.place else ""
        say(f"{mark} {paint.style(paint.safe(place), 'bold')}{paint.safe(finding.message)}")
        say(f"  {paint.muted(paint.safe(finding.remedy))}")
    if any(finding.message not in str(error) for finding in findings if not isinstance(finding, str)):
        say(f"\n{paint.safe(error)}")  # not what was just said, once more


def tell_bug(error: BaseException) -> int:
    """Write a report about a bug of ours and say where it is."""
    if isinstance(error, MemoryError):
        say(problem("there is not enough memory for this; end other programs, or try a smaller project"))
        return exit_codes.BROKEN
    text = _report(error)
    name = f"{type(error).__name__}: {str(error)[:200]}"
    place = _keep(text)
    where = f"a report is in {place}" if place else "no report could be written"
    say(problem(f"this is a bug in Flowloom, not in your project ({name}); {where}"))
    if os.environ.get("FLOWLOOM_DEBUG"):
        say(text)
    return exit_codes.BUG


def _report(error: BaseException) -> str:
    import platform
    import traceback

    from engine import __version__

    told = "".join(traceback.format_exception(error))
    words = [_masked(word) for word in sys.argv[1:]]
    return (
        f"Flowloom {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{time.strftime('%Y-%m-%d %H:%M:%S')}\nflowloom {' '.join(words)}\n\n{told}"
    )


def _masked(word: str) -> str:
    """A word of the command line without a param's value, which may be a secret."""
    name, equals, _ = word.partition("=")
    return f"{name}=..." if equals else word


def _keep(text: str) -> Path | None:
    import tempfile

    from engine.store.state_folder import local_state

    stamp = time.strftime("%Y%m%d-%H%M%S")
    for folder in (local_state() / "reports", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, prefix=f"flowloom-{stamp}-", suffix=".txt", text=True)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as out:
                out.write(text)
        except OSError:
            continue
        return Path(name)
    return None


_WORLD = frozenset(
    {
        "EACCES",
        "ENOTDIR",
        "EISDIR",
        "ENAMETOOLONG",
        "EPERM",
        "EROFS",
        "ENOSPC",
        "EDQUOT",
        "EIO",
        "EMFILE",
        "ENFILE",
        "ENOMEM",
        "ELOOP",
    }
)


def _is_the_worlds(error: OSError) -> bool:
    import errno

    return errno.errorcode.get(error.errno or 0, "") in _WORLD


def _told(error: OSError) -> str:
    from engine.store.trouble import DEFAULT_REMEDY, REMEDIES

    place = f": {os.fsdecode(error.filename)}" if error.filename else ""
    return f"{error.strerror}{place}; {REMEDIES.get(error.errno or 0, DEFAULT_REMEDY)}"


def near(word: str, known: Sequence[str]) -> str | None:
    """The known word that was probably meant."""
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1, cutoff=0.5)
    return found[0] if found else None
