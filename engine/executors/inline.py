"""Attempts in the thread that hands them out: for debugging, tests and tiny graphs.

Nothing is faster and nothing is less isolated: a task that hangs hangs the run, one that ends the process ends everything.
What a task prints goes where the process prints. A limit of time interrupts Python code, as a canceled task is, but no
call into C.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from engine.attempt import Attempt, News, Outcome
from engine.context import Place, TaskCanceled
from engine.executors import imports
from engine.executors.contract import Report, Workplace
from engine.executors.endings import canceled, timed_out
from engine.executors.interrupt import Interrupts
from engine.executors.sources import Sources
from engine.performer import perform, perform_prepared


class InlineExecutor:
    """Performs each attempt inside `start` (or `perform`), in the caller's thread."""

    def __init__(self) -> None:
        self._workplace: Workplace | None = None
        self._sources: Sources | None = None
        self._report: Report | None = None
        self._place = Place()
        self._interrupts = Interrupts()

    def open(self, workplace: Workplace, report: Report) -> None:
        """Get ready: the project's folder becomes importable."""
        self._workplace, self._report = workplace, report
        self._place = Place(
            folder=str(workplace.folder),
            run=workplace.run,
            scratch=str(workplace.state / "scratch"),
            tell=self._tell,
            pause_point=self._interrupts.pause_point,
            settles=True,
        )
        self._place.started = self._interrupts.program_started
        self._place.ended = self._interrupts.program_ended
        imports.enter(workplace.folder)
        self._sources = Sources(str(workplace.folder))

    def capacity(self) -> int:
        """One: the caller's own thread."""
        return 1

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Perform these, one after the other, and report each; unlike other executors this returns when they are over."""
        for attempt in attempts:
            self._tell((self.perform(attempt),))

    def perform(self, attempt: Attempt) -> Outcome:
        """Run the attempt to its end, here and now."""
        return perform(attempt, self._place) if attempt.work.plain else self._perform_watched(attempt)

    def cancel(self, attempts: Sequence[tuple[int, int]], grace: float = 5.0) -> None:
        """Interrupt the attempt that runs, if it is one of these: asked for from another thread."""
        self._place.grace = grace
        self._interrupts.cancel(attempts)

    def suspend(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Hold these at their next `ctx.checkpoint()`; programs are stopped."""
        self._interrupts.suspend(attempts)

    def resume(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Let suspended attempts go on."""
        self._interrupts.resume(attempts)

    def renew(self) -> None:
        """Import the project's modules anew from now on, if a Python file of it was changed."""
        if self._workplace is not None and self._sources is not None and self._sources.have_changed():
            imports.renew(self._workplace.folder)

    def close(self, grace: float = 5.0) -> None:
        """Interrupt what still runs; the project's folder is no longer importable."""
        self._interrupts.close()
        if self._workplace is not None:
            imports.leave(self._workplace.folder)
            self._workplace = None

    def _perform_watched(self, attempt: Attempt) -> Outcome:
        limit = attempt.work.timeout
        outcome: Outcome | None = None
        try:
            with self._interrupts.running(attempt, threading.get_ident(), limit) as watch:
                outcome = perform_prepared(attempt, self._place)
        except TaskCanceled:  # it came a moment after the end
            if outcome is None:
                outcome = canceled(attempt)
        if watch.timed_out and limit is not None:
            seconds, outcome = outcome.seconds, timed_out(attempt, limit)
            outcome.seconds = seconds
        return outcome

    def _tell(self, news: Sequence[News]) -> None:
        if self._report is not None:
            self._report(news)
