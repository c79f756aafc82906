"""The one mutable thing of the studio: the state, `dispatch`, and the hands that perform effects.

`dispatch` runs in the thread of the screen, and nowhere else. What takes time (reading, starting, waiting for the
engine) is done by `jobs`, which answer by `post`: an action handed over to the screen's thread. Each `hands_*` performs
the effects on one thing. What needs a screen (dialogs, the clipboard, the editor) is handed to the shell that was
given. A run goes on in the engine's own thread; `frame` looks at it, as often as the shell likes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from studio import actions, effects
from studio.actions import Action
from studio.effects import Effect
from studio.hands_agents import AgentHands
from studio.hands_drafts import DraftHands
from studio.hands_files import FileHands
from studio.hands_runs import RunHands
from studio.jobs import Jobs, Post
from studio.log_book import LogBook
from studio.project_files import opened_at
from studio.reduce import reduce
from studio.state import StudioState

LARGE = 400_000
"""Bytes of a project file up to which it is read before the first paint."""


class Session:
    """`shell` performs the effects that need a screen; `changed` is told of every new state."""

    def __init__(
        self,
        state: StudioState,
        *,
        post: Post,
        shell: Callable[[Effect], None],
        changed: Callable[[StudioState], None],
    ) -> None:
        self.state = state
        self._shell = shell
        self._changed = changed
        self._once: set[Path] = set()
        self._waiting: tuple[Effect, ...] = ()
        self._closed = threading.Event()
        self._jobs = Jobs(post)
        self._files = FileHands(self._jobs, post, lambda: self.state, self._once)
        self._drafts = DraftHands(self._jobs, post, self.dispatch)
        self.runs = RunHands(self._jobs, post, lambda: self.state, self.dispatch, self._once)
        self._agents = AgentHands(self._jobs, post, lambda: self.runs.link)
        self.hands = self._files.hands | self._drafts.hands | self.runs.hands | self._agents.hands

    @property
    def book(self) -> LogBook:
        """What the run in view printed."""
        return self.runs.book

    def dispatch(self, action: Action) -> None:
        """Take an action: the new state is shown, then its effects are performed."""
        before = self.state
        self.state, found = reduce(before, action)
        if self.state is not before:
            self._changed(self.state)
        for effect in found:
            self.perform(effect)

    def begin(self, path: Path) -> None:
        """Read a project before anything is on the screen, so that the first paint shows it; a large one comes later."""
        try:
            large = (path / "project.toml" if path.is_dir() else path).stat().st_size > LARGE
        except OSError:
            large = False
        if large:
            self._waiting = (effects.LoadProject(path),)
            return
        self.state, self._waiting = reduce(self.state, opened_at(path, self._once))

    def sized(self, width: int, height: int) -> None:
        """Know the size of the terminal before anything is painted."""
        self.state, _ = reduce(self.state, actions.Resized(width, height))

    def begun(self) -> None:
        """The screen is there: do what had to wait for it."""
        waiting, self._waiting = self._waiting, ()
        for effect in waiting:
            self.perform(effect)
        self._jobs.aside(self._warm_up)

    def _warm_up(self) -> None:
        """Import what the first edit needs, once the first paint and the first keys have had their time."""
        if self._closed.wait(1.0):
            return
        import tomlkit  # noqa: F401

        from studio.document.links import links_of

        if self.state.draft is not None:
            links_of(self.state.draft)

    def perform(self, effect: Effect) -> None:
        """Do what an effect names, or hand it to the shell."""
        hand = self.hands.get(type(effect))
        if hand is not None:
            hand(effect)
        else:
            self._shell(effect)

    def frame(self) -> None:
        """Look at the run that goes on, and tell what changed since the last frame."""
        self.runs.frame()

    def close(self) -> None:
        """Let everything go: the run of this studio is canceled, threads end."""
        self._closed.set()
        self._drafts.close()
        self._files.close()
        self._jobs.stop()
        self.runs.close()
