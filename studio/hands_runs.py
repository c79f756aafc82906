"""Hands for runs: the one of this studio, from its start to its end, and those of the past."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from engine.errors import WorkflowError
from studio import actions, effects
from studio.actions import Action
from studio.effects import Effect
from studio.jobs import Jobs, Post
from studio.log_book import LogBook
from studio.reports import first_of, report_of
from studio.state import StudioState

if TYPE_CHECKING:
    from studio.run_link import RunLink


class RunHands:
    """`link` is the run that goes on, `book` what the run in view printed; `state` tells what is on the screen, `once`
    are the folders that may run until the studio is left, and `dispatch` takes an action in the screen's thread."""

    def __init__(
        self,
        jobs: Jobs,
        post: Post,
        state: Callable[[], StudioState],
        dispatch: Callable[[Action], None],
        once: set[Path],
    ) -> None:
        self.link: RunLink | None = None
        self.book = LogBook()
        self._jobs = jobs
        self._post = post
        self._state = state
        self._dispatch = dispatch
        self._once = once
        self._told = 0.0
        self._starting = False
        self.hands: dict[type[Effect], Callable[[Any], None]] = {
            effects.CancelRun: self._cancel_run,
            effects.ChangeRun: self._change_run,
            effects.ForeseeChange: self._foresee_change,
            effects.PauseRun: self._pause_run,
            effects.ReadRun: self._read_run,
            effects.ReadRuns: self._read_runs,
            effects.ResumeRun: self._resume_run,
            effects.StartRun: self._start_run,
        }
        """Which effects are performed here, and how."""

    def frame(self) -> None:
        """Look at the run that goes on, and tell what changed since the last frame."""
        link = self.link
        if link is None:
            return
        over = link.over
        run, nodes = link.look()
        now = time.monotonic()
        if over:
            self.link = None
            link.leave()
            if run.live:  # the engine could not go on: what it says last is not how it stands
                run = structs.replace(run, state="failed", error=self._problem_of(link))
                self._dispatch(actions.Told(run.error, "error"))
            self._dispatch(actions.RunAdvanced(run, nodes))
            self._dispatch(actions.RunEnded(run))
        elif nodes or run.state != getattr(self._state().run, "state", "") or now - self._told >= 0.25:
            self._told = now
            self._dispatch(actions.RunAdvanced(run, nodes))

    def _problem_of(self, link: RunLink) -> str:
        problem = link.handle.problem
        if problem is not None and not isinstance(problem, WorkflowError | OSError):
            return f"This is ours: {report_of(problem)}"
        return first_of(link.problem or "the engine ended without ending the run")

    def close(self) -> None:
        """The run that goes on is canceled, and waited for."""
        link, self.link = self.link, None
        if link is not None:
            link.leave()
            self._jobs.attempt(link.cancel)
            link.handle.run.wait(10)

    def _start_run(self, effect: effects.StartRun) -> None:
        if self._starting or self.link is not None:
            return
        self._starting = True
        document = self._state().document
        if document is not None:
            self._once.add(document.folder)

        def job() -> None:
            try:
                from engine.start import start_run
                from studio.run_link import RunLink, run_now

                node, part = effect.node, effect.part
                parts = {"to": "to", "from": "from_", "only": "only"}
                asked = {parts[part]: node} if part in parts else {}
                handle = start_run(effect.path, text=effect.text, **asked)  # type: ignore[arg-type]
                self.book.clear()
                self.link = RunLink(handle, self.book)
                self._post(actions.RunBegan(run_now(handle.state, handle.id)))
            finally:
                self._starting = False

        self._jobs.aside(job)

    def _foresee_change(self, effect: effects.ForeseeChange) -> None:
        link = self.link
        if link is not None:
            self._jobs.aside(lambda: self._post(actions.ChangeForeseen(link.foresee(effect.path, effect.text))))

    def _change_run(self, effect: effects.ChangeRun) -> None:
        link = self.link
        if link is not None:
            self._jobs.aside(lambda: self._post(actions.Told(link.change(effect.path, effect.text))))

    def _pause_run(self, _: effects.PauseRun) -> None:
        if self.link is not None:
            self._jobs.aside(self.link.pause)

    def _resume_run(self, _: effects.ResumeRun) -> None:
        if self.link is not None:
            self._jobs.aside(self.link.resume)

    def _cancel_run(self, _: effects.CancelRun) -> None:
        if self.link is not None:
            self._jobs.aside(self.link.cancel)

    def _read_runs(self, effect: effects.ReadRuns) -> None:
        def job() -> None:
            from studio.past_runs import runs_in

            self._post(actions.RunsRead(runs_in(effect.folder)))

        self._jobs.later(job)

    def _read_run(self, effect: effects.ReadRun) -> None:
        def job() -> None:
            from studio.past_runs import read_past

            book = LogBook()
            found = read_past(effect.folder, effect.run, book)
            if found is not None and self.link is None:
                self.book.take(book)
                self._post(actions.PastRunRead(*found))

        self._jobs.later(job)
