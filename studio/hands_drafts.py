"""Hands for the draft: checked once a person pauses, kept against a crash, dropped when it is saved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from studio import actions, effects, recovery
from studio.actions import Action
from studio.effects import Effect
from studio.jobs import Jobs, Post
from studio.lull import Lull

PAUSE = 0.15
"""Seconds without an edit after which the draft is checked."""
KEEP_AFTER = 0.7
"""Seconds without an edit after which the draft is kept against a crash."""


class DraftHands:
    """`dispatch` answers at once, in the thread of the screen, where one waits to leave."""

    def __init__(self, jobs: Jobs, post: Post, dispatch: Callable[[Action], None]) -> None:
        self._jobs = jobs
        self._post = post
        self._dispatch = dispatch
        self._checks = Lull(PAUSE, self._check, "checks")
        self._keeps = Lull(KEEP_AFTER, self._keep, "drafts")
        self._keeping = threading.Lock()
        self._dropped = 0
        self._warned = False
        self.hands: dict[type[Effect], Callable[[Any], None]] = {
            effects.CheckDraft: self._check_draft,
            effects.DropRecovery: self._drop_recovery,
            effects.KeepRecovery: self._keep_recovery,
            effects.LeaveDraft: self._leave_draft,
        }
        """Which effects are performed here, and how."""

    def close(self) -> None:
        """Check nothing more, and keep now what was going to be kept."""
        self._checks.forget()
        self._checks.stop()
        self._keeps.stop()

    def _check_draft(self, effect: effects.CheckDraft) -> None:
        self._checks.put(effect)

    def _check(self, effect: effects.CheckDraft) -> None:
        def job() -> None:
            from engine.project.checks import check_text

            project, found = check_text(effect.text, file=effect.path)
            if project is not None:
                other = None if project == effect.project else project
                self._post(actions.DraftChecked(effect.number, other, tuple(found)))

        self._jobs.attempt(job)

    def _keep_recovery(self, effect: effects.KeepRecovery) -> None:
        if effect.at_once:
            self._keeps.forget()
            self._keep((effect, self._dropped))
        else:
            self._keeps.put((effect, self._dropped))

    def _keep(self, wanted: tuple[effects.KeepRecovery, int]) -> None:
        effect, dropped = wanted
        with self._keeping:
            if dropped != self._dropped:
                return  # it was saved meanwhile
            try:
                recovery.keep(effect.path, effect.text, effect.base, time.time())
            except (OSError, ValueError) as problem:
                if not self._warned:
                    self._warned = True
                    what = f"The draft cannot be kept against a crash ({problem}): save often"
                    self._post(actions.Told(what, "warning"))

    def _drop_recovery(self, effect: effects.DropRecovery) -> None:
        self._keeps.forget()
        self._dropped += 1

        def job() -> None:
            with self._keeping:
                recovery.drop(effect.path, before=effect.before)

        self._jobs.later(job)

    def _leave_draft(self, effect: effects.LeaveDraft) -> None:
        self._keeps.forget()
        try:
            with self._keeping:
                recovery.keep(effect.path, effect.text, effect.base, time.time())
        except (OSError, ValueError):
            self._dispatch(actions.Asked("quit.unkept"))
        else:
            self._dispatch(actions.Asked("quit.kept"))
