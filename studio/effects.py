"""What the studio wants done in the world: files, runs, the clipboard, other programs.

`reduce` returns them as plain data; the session hands them to the shell, which performs each in its own way (most of
them in a thread) and answers with an action. An effect names what is to be done and never how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from studio.state import Remembered


@dataclass(frozen=True, slots=True)
class Effect:
    """Base of all effects."""


@dataclass(frozen=True, slots=True)
class LoadRecent(Effect):
    """Read which projects were opened before."""


@dataclass(frozen=True, slots=True)
class LoadProject(Effect):
    """Read and check the project at this path; answers ProjectRead or ProjectBroken."""

    path: Path


@dataclass(frozen=True, slots=True)
class WatchProject(Effect):
    """Look for changes of this project's files from now on, instead of those watched before."""

    path: Path


@dataclass(frozen=True, slots=True)
class MakeProject(Effect):
    """Make a project from a template and open it."""

    template: str
    folder: Path


@dataclass(frozen=True, slots=True)
class ReadCode(Effect):
    """Find the source of a task by reading; answers CodeRead."""

    folder: Path
    reference: str


@dataclass(frozen=True, slots=True)
class ReadRuns(Effect):
    """Read the history of the project in this folder; answers RunsRead."""

    folder: Path


@dataclass(frozen=True, slots=True)
class ReadRun(Effect):
    """Fold one run of the history, the last one where `run` is None; answers PastRunRead."""

    folder: Path
    run: str | None = None


@dataclass(frozen=True, slots=True)
class AskTrust(Effect):
    """Ask whether code of this project may run; answers TrustAnswered."""


@dataclass(frozen=True, slots=True)
class KeepTrust(Effect):
    """Remember that the person trusts this folder."""

    folder: Path


@dataclass(frozen=True, slots=True)
class StartRun(Effect):
    """Start a run of the project, in the engine's own thread; answers RunBegan, then RunAdvanced, then RunEnded."""

    path: Path
    only: tuple[str, ...] = ()
    upto: tuple[str, ...] = ()
    since: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PauseRun(Effect):
    """Start no further nodes."""


@dataclass(frozen=True, slots=True)
class ResumeRun(Effect):
    """Go on after a pause."""


@dataclass(frozen=True, slots=True)
class CancelRun(Effect):
    """End the run and what it started."""


@dataclass(frozen=True, slots=True)
class OpenEditor(Effect):
    """Open a file in $VISUAL or $EDITOR at a line (from 1), with the terminal handed over."""

    path: Path
    line: int = 1


@dataclass(frozen=True, slots=True)
class Copy(Effect):
    """Put text on the clipboard (OSC 52); `what` names it in the message that says so."""

    text: str
    what: str


@dataclass(frozen=True, slots=True)
class Remember(Effect):
    """Keep how this project was looked at."""

    folder: Path
    view: Remembered


@dataclass(frozen=True, slots=True)
class KeepLook(Effect):
    """Keep the theme and the glyphs in the user's state."""

    theme: str
    ascii: bool


@dataclass(frozen=True, slots=True)
class Tell(Effect):
    """Show a short message for some seconds."""

    message: str
    severity: str = "information"


@dataclass(frozen=True, slots=True)
class Show(Effect):
    """Show something over the screen: "help", "palette", "run menu", "cancel", "quit", "themes"."""

    what: str


@dataclass(frozen=True, slots=True)
class Quit(Effect):
    """Leave the studio."""
