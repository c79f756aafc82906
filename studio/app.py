"""The studio as a Textual app: it mounts the frame, shows every new state, and performs the effects that need a screen.

All decisions are in `reduce`. This file only carries: actions from any thread to the session, states from the session
to the frame, and what is asked over the screen (dialogs, palette, messages, clipboard, editor) to Textual. No text of
a project reaches Textual's own widgets but through `visible` and without markup.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App
from textual.command import CommandPalette
from textual.screen import Screen

from studio import actions, config, effects, keys, theme
from studio.actions import Action
from studio.document.visible import line
from studio.effects import Effect
from studio.keymap import clashes, keymap
from studio.screens.frame import Frame
from studio.session import Session
from studio.state import StudioState
from studio.widgets.page import Inks

FRAMES = 20
"""Looks at a run that goes on, a second."""
MOTIONS = ("none", "basic", "full")


class StudioApp(App[int]):
    """The studio. `path` is the project to open; None shows the welcome."""

    TITLE = "Flowloom"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "f24"
    """The palette's key comes from the table; Textual's own binding would take one past it."""
    AUTO_FOCUS = None
    CSS = """
    Toast { background: $surface; color: $foreground; padding: 0 1; width: auto; max-width: 72; }
    ToastRack { align: right bottom; margin-bottom: 2; scrollbar-size-vertical: 0; }
    """

    def __init__(self, path: Path | None = None, *, environ: dict[str, str] | None = None) -> None:
        environ = dict(os.environ) if environ is None else environ
        self.plain = theme.wants_no_colour(environ)
        super().__init__(ansi_color=True if self.plain else None)
        self.path = path
        self.config = config.read_config(commands=frozenset(keys.ACTIONS))
        kept = config.read_kept()
        self.table = dict(keymap(self.config.keys))
        for known in theme.textual_themes():
            self.register_theme(known)
        wanted = self.config.theme or kept.theme or _terminal_theme(environ)
        signs = theme.wants_ascii(environ, getattr(sys.__stdout__, "encoding", None))
        asked = self.config.ascii if self.config.ascii is not None else kept.ascii
        state = StudioState(
            place="welcome" if path is None else "editor",
            theme=wanted if wanted in self.available_themes else theme.DARK,
            ascii=signs or bool(asked),
            recent=kept.recent,
        )
        self._inks: tuple[tuple[str, str, bool], Inks] | None = None
        self.session = Session(state, post=self._post, shell=self._perform, changed=self._changed)
        if path is not None:
            self.session.begin(path)
        self.set_reactive(App.theme, state.theme)  # Textual looks at it once it runs; here a change would paint twice
        self.stylesheet.set_variables(self.get_css_variables())
        if self.config.animations in MOTIONS:
            self.animation_level = self.config.animations  # type: ignore[assignment]

    # -- life --------------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """The frame is the one screen; what lies over it is modal."""
        return Frame(self.session.state)

    def on_mount(self) -> None:
        """Open what was asked for, and tell what is wrong with the person's own files."""
        self.set_interval(1 / FRAMES, self.session.frame)
        self.session.begun()
        for mistake in self._mistakes():
            self._tell(effects.Tell(mistake, "warning"))

    def _mistakes(self) -> list[str]:
        found = [str(mistake) for mistake in self.config.mistakes]
        if self.config.theme and self.config.theme not in self.available_themes:
            names = ", ".join(sorted(self.available_themes))
            found.append(f'config.toml: there is no theme "{self.config.theme}". There are {names}')
        found += [
            f"keymap.toml: {clash.key} is the key of {clash.first} and of {clash.second}; the first one gets it"
            for clash in clashes(self.table)
        ]
        return found

    def on_unmount(self) -> None:
        """Let the run and the threads go."""
        self.session.close()

    # -- the session's ends ------------------------------------------------------------------------------------------

    def _post(self, action: Action) -> None:
        """From any thread to the screen's."""
        if self._loop is not None and self.is_running:
            self._loop.call_soon_threadsafe(self._arrive, action)

    def _arrive(self, action: Action) -> None:
        if self.is_running:
            with self._context():
                self.session.dispatch(action)

    def _changed(self, state: StudioState) -> None:
        """Show a new state."""
        if state.theme != self.theme:
            self.theme = state.theme
        frame = self.frame
        if frame is not None:
            frame.show(state)

    @property
    def frame(self) -> Frame | None:
        """The screen that everything else lies over."""
        stack = self.screen_stack if self.is_running else []
        return next((screen for screen in stack if isinstance(screen, Frame)), None)

    def inks(self) -> Inks:
        """Colours and glyphs for what we paint, for the theme in use."""
        state = self.session.state
        # Textual works out the variables of a theme some time after it took its name.
        key = (self.theme, self.theme_variables.get("background", ""), state.ascii)
        if self._inks is None or self._inks[0] != key:
            made = Inks(self.theme_variables, plain=self.plain, ascii=state.ascii)
            self._inks = (key, made)
        return self._inks[1]

    async def on_event(self, event: events.Event) -> None:
        """Every event. Terminals paste a return for each end of line, as if typed; nobody below should need to know."""
        if isinstance(event, events.Paste):
            event.text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        await super().on_event(event)

    # -- effects that need a screen ----------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:
        hand = _HANDS.get(type(effect))
        if hand is not None:
            hand(self, effect)

    def _tell(self, effect: effects.Tell) -> None:
        severity = effect.severity if effect.severity in {"information", "warning", "error"} else "information"
        text = line(effect.message, ascii=self.session.state.ascii)
        self.notify(text, severity=severity, timeout=5.0, markup=False)  # type: ignore[arg-type]

    def _show(self, effect: effects.Show) -> None:
        _OVER[effect.what](self)

    def _ask_trust(self, _: effects.AskTrust) -> None:
        from studio.document.uses import origin_of, uses_of
        from studio.widgets.dialogs import Dialog
        from studio.widgets.questions import trust_question

        state = self.session.state
        if state.document is None:
            return
        document = state.document
        question = trust_question(
            uses_of(document.project, document.folder, document.path),
            origin_of(document.folder),
            str(document.folder),
            _me(),
            ascii=state.ascii,
            size=(self.size.width, self.size.height),
        )
        self.push_screen(Dialog(question), self._answered)

    def _answered(self, action: Action | None) -> None:
        if action is not None:
            self.session.dispatch(action)

    def _ask(self, question: Any) -> None:
        from studio.widgets.dialogs import Dialog

        self.push_screen(Dialog(question), self._answered)

    def _show_help(self) -> None:
        from studio.widgets.bars import where_of
        from studio.widgets.key_help import Help

        self.push_screen(Help(where_of(self.session.state), self.table))

    def _show_palette(self) -> None:
        from studio.screens.palette import Commands

        self.push_screen(CommandPalette(providers=[Commands], placeholder="Search all commands"))

    def _show_themes(self) -> None:
        from studio.screens.palette import Themes

        self.push_screen(CommandPalette(providers=[Themes], placeholder="Search themes"))

    def _show_run_menu(self) -> None:
        from studio.widgets.page import cut
        from studio.widgets.questions import run_menu

        run = self.session.state.run
        live = run is not None and run.live
        node = cut(self.session.state.cursor or "", 24, ascii=self.session.state.ascii)
        self._ask(run_menu(live, run is not None and run.state == "paused", node))

    def _show_cancel(self) -> None:
        from studio.widgets.questions import cancel_question

        run = self.session.state.run
        if run is not None:
            self._ask(cancel_question(run.done, run.total))

    def _show_quit(self) -> None:
        from studio.widgets.questions import quit_question

        self._ask(quit_question())

    def _show_recover(self) -> None:
        import time

        from studio.widgets.bars import when_text
        from studio.widgets.questions import recover_question

        state = self.session.state
        if state.kept is not None and state.draft is not None:
            changed = state.kept.base != state.draft.saved.text
            name = line(state.draft.saved.path.name, ascii=state.ascii)
            self._ask(recover_question(name, when_text(state.kept.kept, time.time()), changed))

    def _show_change(self) -> None:
        from studio.run_link import summary_of
        from studio.widgets.questions import change_question

        state = self.session.state
        size = (self.size.width, self.size.height)
        self._ask(change_question(state.foreseen, summary_of(state.foreseen), ascii=state.ascii, size=size))

    def _show_unsaved(self) -> None:
        from studio.widgets.questions import unsaved_question

        self._ask(unsaved_question())

    def _show_merge(self) -> None:
        from studio.widgets.merging import Merging

        merge = self.session.state.merge
        if merge is None:
            return
        if isinstance(self.screen, Merging):
            self.screen.dismiss(None)  # the file changed again: the newer question takes its place
        self.push_screen(Merging(merge.clashes, merge.theirs.path.name), self._answered)

    def _copy(self, effect: effects.Copy) -> None:
        self.copy_to_clipboard(effect.text)
        self._tell(effects.Tell(f"Copied {effect.what}"))

    def _open_editor(self, effect: effects.OpenEditor) -> None:
        from textual.app import SuspendNotSupported

        from studio.editor_program import command_of

        words = command_of(os.environ, effect.path, effect.line)
        if words is None:
            self._tell(effects.Tell("Set $EDITOR to the program that you edit with, then press e again", "warning"))
            return
        import subprocess

        try:
            with self.suspend():
                code = subprocess.run(words, check=False).returncode
        except SuspendNotSupported:
            self._tell(effects.Tell("This terminal cannot be handed over to an editor", "warning"))
            return
        except OSError as error:
            self._tell(effects.Tell(f"{words[0]} cannot be started: {error.strerror or error}", "error"))
            return
        self.refresh(layout=True)
        if code:
            self._tell(effects.Tell(f"{words[0]} ended with {code}", "warning"))

    def _quit(self, _: effects.Quit) -> None:
        self.exit(0)

    # -- Textual's own ways in ---------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Ctrl+Q, from wherever one is."""
        self.session.dispatch(actions.Asked("quit"))

    def action_help_quit(self) -> None:
        """Ctrl+C copies here; it does not explain how to quit."""
        self.session.dispatch(actions.Asked("copy"))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours under themes that do not know them."""
        return theme.variables()


_HANDS: dict[type[Effect], Callable[[StudioApp, Any], None]] = {
    effects.AskTrust: StudioApp._ask_trust,
    effects.Copy: StudioApp._copy,
    effects.OpenEditor: StudioApp._open_editor,
    effects.Quit: StudioApp._quit,
    effects.Show: StudioApp._show,
    effects.Tell: StudioApp._tell,
}

_OVER: dict[str, Callable[[StudioApp], None]] = {
    "cancel": StudioApp._show_cancel,
    "change": StudioApp._show_change,
    "help": StudioApp._show_help,
    "merge": StudioApp._show_merge,
    "palette": StudioApp._show_palette,
    "quit": StudioApp._show_quit,
    "recover": StudioApp._show_recover,
    "run menu": StudioApp._show_run_menu,
    "themes": StudioApp._show_themes,
    "unsaved": StudioApp._show_unsaved,
}


def _me() -> str:
    """Who would run the code: `me@laptop`."""
    import getpass
    import socket

    try:
        return f"{getpass.getuser()}@{socket.gethostname().partition('.')[0]}"
    except (OSError, KeyError):
        return "yourself"


def _terminal_theme(environ: dict[str, str]) -> str:
    """Light where the terminal says that its ground is, else dark."""
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return theme.LIGHT if ground in {"7", "15"} else theme.DARK


def open_studio(path: Path | None = None) -> int:
    """Open the studio on a project, or on the welcome; the exit code."""
    if os.environ.get("TERM") in {"dumb", "unknown"}:
        message = (
            "the studio needs a terminal that can move its cursor, and TERM is dumb; try: TERM=xterm-256color flowloom"
        )
        print(message, file=sys.stderr)
        return 2
    # A drawn graph of a thousand nodes is so many objects that full collections would stop the screen for 30 ms.
    gc.set_threshold(100_000, 50, 1000)
    return StudioApp(path.absolute() if path is not None else None).run() or 0
