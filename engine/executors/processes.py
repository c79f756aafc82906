"""Attempts in child processes of the project's own Python: the default of project files."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from engine.attempt import Attempt, News
from engine.errors import NotReady
from engine.executors.children import Children
from engine.executors.contract import Report, Turn, Workplace
from engine.executors.sources import Sources


class ProcessesExecutor:
    """One child process per slot on this machine; they live as long as the run."""

    def __init__(self) -> None:
        self._children: Children | None = None
        self._sources: Sources | None = None

    def open(self, workplace: Workplace, report: Report) -> None:
        """Start the first child. Raises SystemFailure if the interpreter or the project's folder is not there."""
        children = Children(
            report,
            folder=workplace.folder,
            scratch=workplace.state / "scratch",
            python=workplace.python or sys.executable,
            slots=workplace.slots,
            run=workplace.run,
        )
        children.open()
        self._sources = Sources(str(workplace.folder))
        self._children = children

    def lend(self, leave: Report, turn: Turn) -> None:
        """Let the thread that hears of an outcome send the next attempt, without waking the one that drives the run."""
        children = self._open()

        def tell(news: Sequence[News]) -> None:
            attempt = turn(news)
            if attempt is not None:
                children.start((attempt,))

        children.tell = tell

    def capacity(self) -> int:
        """The slots, more where very short attempts queue in the children."""
        return self._open().capacity()

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Begin these attempts, or queue them until a child is free."""
        self._open().start(attempts)

    def cancel(self, attempts: Sequence[tuple[int, int]], grace: float = 5.0) -> None:
        """End these attempts: ask, wait `grace` seconds, kill."""
        self._open().cancel(attempts, grace)

    def suspend(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Hold these: tasks at their next checkpoint, programs where they are."""
        self._open().suspend(attempts)

    def resume(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Let suspended attempts go on."""
        self._open().resume(attempts)

    def renew(self) -> None:
        """Use new children from now on, if a Python file of the project was changed."""
        if self._sources is not None and self._sources.have_changed():
            self._open().renew()

    def close(self, grace: float = 5.0) -> None:
        """End everything; nothing is left behind."""
        if self._children is not None:
            self._children.close(grace)

    def pids(self) -> list[int]:
        """The child processes that are there now."""
        return self._open().pids()

    def _open(self) -> Children:
        if self._children is None:
            raise NotReady("the executor was not opened")
        return self._children
