"""What the studio wants done in the world: files, runs, the clipboard, other programs.

`reduce` returns them as plain data; the session hands them to the shell, which performs each in its own way (most of
them in a thread) and answers with an action. An effect names what is to be done and never how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from engine.project.model import Project
    from studio.state import Part, Remembered


class Effect(Struct, frozen=True):
    """Base of all effects."""


class LoadRecent(Effect, frozen=True):
    """Read which projects were opened before."""


class ReadAgents(Effect, frozen=True):
    """Look how the agents do; answers AgentsRead."""


class LaunchAgent(Effect, frozen=True):
    """Start one more agent on this machine."""


class DrainAgent(Effect, frozen=True):
    """Let this agent finish what it has, and take nothing new."""

    name: str


class StopAgent(Effect, frozen=True):
    """End this agent, and see it gone."""

    name: str


class LoadProject(Effect, frozen=True):
    """Read and check the project at this path; answers ProjectRead or ProjectBroken."""

    path: Path


class SaveProject(Effect, frozen=True):
    """Put a text into the project file, if that is still the one with this stamp (None: whatever is in it now); answers
    Saved, or ProjectRead with what somebody else wrote into it."""

    path: Path
    text: str
    stamp: str | None


class CheckDraft(Effect, frozen=True):
    """Look for what is to be said about a draft, once no newer one comes; answers DraftChecked.

    `project` is what the draft says: whether its text says just that is checked, too.
    """

    path: Path
    text: str
    number: int
    project: Project


class KeepRecovery(Effect, frozen=True):
    """Keep a draft in the user's state folder, so that no crash loses it; once no newer one comes, or `at_once`."""

    path: Path
    text: str
    base: str
    at_once: bool = False


class DropRecovery(Effect, frozen=True):
    """The draft of this file is saved, or given up: forget what was kept of it; `before`: by studios that ended, too."""

    path: Path
    before: bool = True


class LeaveDraft(Effect, frozen=True):
    """Keep a draft, then leave; answers the command quit.kept, or quit.unkept where it cannot be kept."""

    path: Path
    text: str
    base: str


class WatchProject(Effect, frozen=True):
    """Look for changes of this project's files from now on, instead of those watched before."""

    path: Path


class NoteOpened(Effect, frozen=True):
    """Remember that this project was opened now."""

    path: Path
    name: str


class MakeProject(Effect, frozen=True):
    """Make a project from a template and open it."""

    template: str
    folder: Path


class ReadCode(Effect, frozen=True):
    """Find the source of a task by reading; answers CodeRead."""

    folder: Path
    reference: str


class ReadCatalog(Effect, frozen=True):
    """Find what can be added to the project in this folder, by reading; answers CatalogRead."""

    folder: Path


class WriteFunction(Effect, frozen=True):
    """Write a new function behind all that its module holds; answers FunctionWritten."""

    folder: Path
    reference: str
    source: str
    then_open: bool = False


class ReadInner(Effect, frozen=True):
    """Read the workflow file that a node runs; answers InnerRead, or Told where it cannot be read."""

    path: Path
    scope: tuple[str, ...]
    node: str


class ReadRuns(Effect, frozen=True):
    """Read the history of the project in this folder; answers RunsRead."""

    folder: Path


class ReadRun(Effect, frozen=True):
    """Fold one run of the history, the last one where `run` is None; answers PastRunRead."""

    folder: Path
    run: str | None = None


class AskTrust(Effect, frozen=True):
    """Ask whether code of this project may run; answers TrustAnswered."""


class KeepTrust(Effect, frozen=True):
    """Remember that the person trusts this folder."""

    folder: Path


class StartRun(Effect, frozen=True):
    """Start a run of the project, in the engine's own thread; answers RunBegan, then RunAdvanced, then RunEnded.

    `text` is run instead of what the file says, where there are edits that are not saved. `part` and the path `node`
    say how much of it.
    """

    path: Path
    text: str | None = None
    part: Part = "all"
    node: str = ""


class ForeseeChange(Effect, frozen=True):
    """Ask the engine what the run in hand would become with this text; answers ChangeForeseen."""

    path: Path
    text: str


class ChangeRun(Effect, frozen=True):
    """Let the run in hand go on with this text."""

    path: Path
    text: str


class PauseRun(Effect, frozen=True):
    """Start no further nodes."""


class ResumeRun(Effect, frozen=True):
    """Go on after a pause."""


class CancelRun(Effect, frozen=True):
    """End the run and what it started."""


class OpenEditor(Effect, frozen=True):
    """Open a file in $VISUAL or $EDITOR at a line (from 1), with the terminal handed over."""

    path: Path
    line: int = 1


class Copy(Effect, frozen=True):
    """Put text on the clipboard (OSC 52); `what` names it in the message that says so."""

    text: str
    what: str


class Remember(Effect, frozen=True):
    """Keep how this project was looked at."""

    folder: Path
    view: Remembered


class KeepLook(Effect, frozen=True):
    """Keep the theme and the glyphs in the user's state."""

    theme: str
    ascii: bool


class Tell(Effect, frozen=True):
    """Show a short message for some seconds."""

    message: str
    severity: str = "information"


class Show(Effect, frozen=True):
    """Show something over the screen: "help", "palette", "run menu", "cancel", "quit", "themes",
    "merge", "recover", "unsaved", "change"."""

    what: str


class Quit(Effect, frozen=True):
    """Leave the studio."""
