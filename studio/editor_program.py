"""How the person's own editor opens a file at a line."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

_PLUS = frozenset(
    {"vi", "vim", "nvim", "view", "nano", "pico", "emacs", "emacsclient", "micro", "joe", "jed", "mg", "kak", "ne"}
)
_COLON = frozenset({"hx", "helix", "subl", "zed"})
_GOTO = frozenset({"code", "codium", "code-insiders", "cursor"})
_FALLBACKS = ("nano", "vim", "vi")


def command_of(environ: Mapping[str, str], path: Path, line: int) -> list[str] | None:
    """The words that start $VISUAL or $EDITOR (else one that is there) on this file at this line. No shell is
    involved."""
    said = environ.get("VISUAL") or environ.get("EDITOR") or next((f for f in _FALLBACKS if shutil.which(f)), "")
    try:
        words = shlex.split(said)
    except ValueError:
        words = []
    if not words:
        return None
    file = str(path.absolute())
    program = Path(words[0]).name
    if program in _PLUS:
        return [*words, f"+{line}", file]
    if program in _COLON:
        return [*words, f"{file}:{line}"]
    if program in _GOTO:
        wait = [] if "--wait" in words or "-w" in words else ["--wait"]
        return [*words, *wait, "--goto", f"{file}:{line}"]
    return [*words, file]
