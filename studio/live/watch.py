"""Watches a run from its first moment to its last, draws it, and takes the person's wish to end it.

The run goes on in the engine's thread, whatever happens here; this loop looks a few times a second and stops at
once when the run is over. Signals only leave a mark that the loop finds: a handler must not wait for a lock.

    Ctrl-C      the run is canceled: what runs is ended, all of it is recorded, exit 130
    again       everything is ended at once; children die with us, exit 130
    SIGTERM     as Ctrl-C, exit 143;  SIGHUP (the terminal is gone) as Ctrl-C without words, exit 129
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from engine.machine.requests import Answer, Cancel
from studio.front import exit_codes
from studio.live.board import Ask, Board, Picture, open_question
from studio.live.keyboard import Keyboard, letters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.start import RunHandle
    from studio.live.words import Story

FRAME = 0.125
"""Seconds between two looks."""
PATIENCE = 60.0
"""Seconds that a run without a person may wait for a disk that refuses, before it is given up."""

SIGNALS: dict[int, tuple[int, str]] = {
    signal.SIGINT: (exit_codes.INTERRUPTED, "Ctrl-C"),
    signal.SIGTERM: (exit_codes.TERMINATED, "SIGTERM"),
    signal.SIGHUP: (exit_codes.HUNG_UP, "its terminal was closed"),
}


class View(Protocol):
    """Where a run is shown: `plain.PlainView` and `screen.LiveView`."""

    def open(self) -> None:
        """Get ready."""

    def say(self, lines: Sequence[str]) -> None:
        """Print lines that stay."""

    def show(self, picture: Picture, *, spoke: bool) -> None:
        """Show how the run stands; `spoke` tells whether lines were printed since the last time."""

    def close(self) -> None:
        """Give the terminal back."""


class Stops:
    """Signals that ask to stop, remembered. The second one ends this process and its children at once."""

    def __init__(self, leave: Callable[[int], Any] = os._exit) -> None:
        self.code: int | None = None
        self.reason = ""
        self._leave = leave
        self._before: dict[int, Any] = {}
        self.at_once: Callable[[], None] = lambda: None
        """Called before leaving at once: to give the terminal back."""

    def __enter__(self) -> Stops:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT:  # nohup stays nohup
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        code, reason = SIGNALS[number]
        if self.code is None:
            self.code, self.reason = code, reason
            return
        self.at_once()
        self._leave(self.code if number == signal.SIGINT else code)


class Watch:
    """One run under watch. `run()` starts it, follows it, and returns when it is over and recorded."""

    def __init__(
        self,
        handle: RunHandle,
        view: View,
        board: Board,
        story: Story,
        stops: Stops,
        *,
        lines: bool = True,
        logs: bool = False,
        patience: float | None = None,
        keyboard: Keyboard | None = None,
    ) -> None:
        self.handle = handle
        self.view = view
        self.board = board
        self.story = story
        self.stops = stops
        self.gave_up = ""
        """Why the run was left before its end, if it was: the store refused for too long."""
        self.unanswered: Ask | None = None
        """The question because of which the run was left: it waits for a person, and nobody is here."""
        self._lines = lines
        self._logs = logs
        self._patience = patience
        self._keyboard = keyboard
        self._idle = 0
        self._asked = False
        self._subscription = handle.run.feed.subscribe()
        self._troubled_since: float | None = None

    def run(self) -> None:
        """Start the run and watch it to its end. Raises what kept the engine from running it."""
        handle, view = self.handle, self.view
        handle.start()
        view.open()
        self.stops.at_once = self._let_go
        try:
            self._look()
            while not handle.wait(FRAME):
                self._look()
                if self._is_hopeless() or self._waits_for_nobody():
                    return
            self._look()
        finally:
            self._let_go()
            handle.run.feed.unsubscribe(self._subscription)

    def _look(self) -> None:
        if self.stops.code is not None and not self._asked:
            self._asked = True
            self.handle.run.ask(Cancel(f"canceled by {self.stops.reason}"), wait=None)
        glance = self._subscription.take()
        said = self.story.tell(glance.events) if self._lines else []
        if self._logs:
            for piece in glance.logs:
                said += self.story.logged(piece)
        self.board.hear(glance.progress)
        self.view.say(said)
        run = self.handle.run
        picture = self.board.look(run.state, run.now(), run.trouble)
        self.view.show(picture, spoke=bool(said))
        if self._keyboard is not None:
            self._listen(self._keyboard, picture.ask)

    def _listen(self, keyboard: Keyboard, ask: Ask | None) -> None:
        """While a question is open, hand on the person's answer to it."""
        if ask is None:
            keyboard.rest()
            return
        keyboard.listen()
        keys = letters_of(ask.choices)
        for key in keyboard.keys().lower():
            if key in keys:
                self.handle.run.ask(Answer(ask.number, keys[key], _person()), wait=None)
                return

    def _let_go(self) -> None:
        """Give the terminal back, whatever it was doing."""
        self.view.close()
        if self._keyboard is not None:
            self._keyboard.rest()

    def _waits_for_nobody(self) -> bool:
        """Whether all that is left is a question, and there is nobody at this terminal to answer it."""
        state = self.handle.run.state
        if not state.asking:
            return False
        ask = open_question(state)
        waits = ask is not None and not (state.running or state.retrying or state.waits or self._keyboard)
        self._idle = self._idle + 1 if waits else 0
        if self._idle < 3:
            return False
        self.unanswered = ask
        return True

    def _is_hopeless(self) -> bool:
        """Whether the store has refused for longer than anybody waits, with nobody there to make room."""
        trouble = self.handle.run.trouble
        if trouble is None or self._patience is None:
            self._troubled_since = None
            return False
        now = self.handle.run.now()
        if self._troubled_since is None:
            self._troubled_since = now
        if now - self._troubled_since < self._patience:
            return False
        self.gave_up = trouble
        return True


def _person() -> str:
    """Who answers, for the record."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
