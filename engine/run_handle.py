"""A run that was started, for whoever started it: wait for it, steer it, look at it, change it.

    handle.pause(); handle.resume(); handle.retry("load")
    for path, node in handle.preview(project).items(): print(path, node.fate.value, node.reason)
    handle.change(project)

The process that holds the handle holds the run, also when it has ended: what failed can be tried again then, in the same
run and the same journal, as long as the process lives.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from engine.errors import NodeNotFound
from engine.machine import decisions
from engine.machine.decisions import Request
from engine.machine.requests import (
    Answer,
    Cancel,
    CancelNode,
    ChangeGraph,
    MarkDone,
    Pause,
    Resume,
    ResumeNode,
    Retry,
    SkipNode,
    SuspendNode,
)
from engine.machine.state import RunState
from engine.plan import Plan
from engine.project.model import Project
from engine.result import RunResult, run_result
from engine.run_record import Record
from engine.runner.run import Run

if TYPE_CHECKING:
    from engine.executors.contract import AgentLoad
    from engine.forecast import Forecast
    from engine.revision import Revision


LOOKS = 20
"""How often a run that moves is looked at until it stood still for as long as that takes."""


class Built(Protocol):
    """A workflow that was built in Python: `Workflow`, `WorkflowEngine`."""

    def project(self) -> Project:
        """The model of it."""


Version = Project | Built | Path | str
"""Another version of what runs: a model, what was built in Python, or the path of a project."""


class RunHandle:
    """A run that was started: wait for it, steer it, look at it. Every method may be called from any thread."""

    def __init__(
        self,
        run: Run,
        *,
        run_id: str,
        folder: Path | None,
        python: str,
        record: Record,
        revise: Callable[[Version], Revision],
    ) -> None:
        self.run = run
        self.id = run_id
        self.folder = folder
        self.python = python
        self.problem: BaseException | None = None
        self._record = record
        self._revise = revise
        self._driving = threading.Lock()
        self._thread = self._new_thread()

    @property
    def state(self) -> RunState:
        """The state of the run, as it is now."""
        return self.run.state

    @property
    def plan(self) -> Plan:
        """What runs, as it is now."""
        return self.run.state.plan

    @property
    def is_over(self) -> bool:
        """Whether the run has ended and its end is recorded."""
        return self.run.wait(0)

    @property
    def result(self) -> RunResult:
        """How the run went so far; final once `wait` returned."""
        return run_result(self.run.state, run=self.id, python=self.python)

    def start(self) -> RunHandle:
        """Let it run in a thread of its own."""
        self._thread.start()
        return self

    def drive(self) -> RunHandle:
        """Run it to its end in this thread."""
        self._drive()
        return self

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False if `timeout` seconds passed first. Raises what kept the engine from running it."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
        elif self.problem is None and not self.run.wait(timeout):  # somebody drives it in a thread of theirs
            return False
        if self.problem is not None:
            raise self.problem
        return True

    def agents(self) -> list[AgentLoad]:
        """How the agents of this run do, by name; none where it uses none, or is over."""
        return [] if self.is_over else [load for fleet in self.run.fleets for load in fleet.loads()]

    def pause(self, by: str = "") -> None:
        """Start nothing new. Returns when that is recorded. Raises NotReady if the run is not running."""
        self.run.ask(Pause(by))

    def resume(self) -> None:
        """Start nodes again. Raises NotReady if the run is not paused."""
        self.run.ask(Resume())

    def cancel(self, reason: str = "canceled") -> None:
        """End the run: what runs is ended, what waits never starts. Returns when that is recorded; asking twice is fine."""
        if not self.is_over:
            self.run.ask(Cancel(reason))

    def answer(self, node: str, value: Any, by: str = "") -> None:
        """Answer an approval. Raises NotReady if it asks nothing, or takes no such answer."""
        self.run.ask(Answer(self._number(node), value, by))

    def cancel_node(self, node: str, reason: str = "canceled") -> None:
        """End one node, and all it holds."""
        self.run.ask(CancelNode(self._number(node), reason))

    def skip_node(self, node: str, by: str = "") -> None:
        """Do not run a node that has not started, or let go on without it what its failure kept from running."""
        self._steer(SkipNode(self._number(node), by))

    def suspend_node(self, node: str, by: str = "") -> None:
        """Hold one node, and all it holds."""
        self.run.ask(SuspendNode(self._number(node), by))

    def resume_node(self, node: str) -> None:
        """Let a held node go on. Raises NotReady if it is not held."""
        self.run.ask(ResumeNode(self._number(node)))

    def mark_done(self, node: str, value: Any = None, by: str = "") -> None:
        """Give a node its result by hand that has not started, or has failed; what waited for it goes on."""
        self._steer(MarkDone(self._number(node), value, by))

    def retry(self, node: str | None = None, by: str = "") -> RunHandle:
        """Try a node again, or everything that failed; what did not run because of it goes on, what built on it runs again.

        Of a frame that failed, what failed inside is tried again. A run that has ended goes on, in a thread of its own:
        `wait` for it anew. Raises NotReady where there is nothing to try again.
        """
        self._steer(Retry(None if node is None else self._number(node), by))
        return self

    def preview(self, version: Version) -> Forecast:
        """What `change` would do to each node, if the run stood still until then. Nothing happens to the run.

        `version` as for `change`.
        """
        from engine.forecast import forecast

        revision = self._revise(version)
        for _ in range(LOOKS):
            with contextlib.suppress(RuntimeError, IndexError, KeyError):  # the run went on under our eyes
                return forecast(self.run.state, revision)
        return forecast(self.run.state, revision)

    def change(self, version: Version, by: str = "") -> Forecast:
        """Go on with another version of the project (or workflow, engine, path of a project); what that meant.

        What changed and has begun runs again, with what hangs on it; attempts that are no longer wanted are ended first;
        everything else keeps its result. All of it happens, or nothing. Variables keep their values. A run that has
        ended goes on if there is something to run. Raises ValidationFailed, CycleDetected, NotReady.
        """
        revision = self._revise(version)
        self._steer(ChangeGraph(revision, by))
        return cast("Forecast", revision.said)

    def _number(self, node: str) -> int:
        numbers = self.run.state.plan.numbers
        if node not in numbers:
            raise NodeNotFound(node, numbers)
        return numbers[node]

    def _steer(self, request: Request) -> None:
        """Ask for what may also be asked of a run that has ended, and then makes it go on."""
        while not self._goes_on(request):
            if self.run.ask(request):
                return
            if self._driving.acquire(timeout=0.05):  # its end came first: once its record is closed, it can be opened
                self._driving.release()

    def _goes_on(self, request: Request) -> bool:
        """Let a run that has ended go on as this request wants it; False, and nothing happens, if it has not."""
        if not self._driving.acquire(blocking=False):
            return False
        try:
            if self._thread.is_alive() or not self.is_over:
                return False
            decisions.asked(self.run.state, request, self.run.now())  # refuse before anything is opened
            journal, logs = self._record.open()
            try:
                self.run.go_on(request, journal, logs)
            except BaseException:
                self._record.close()
                raise
            self.problem = None
            self._thread = self._new_thread()
            self._thread.start()  # it waits for us, and whoever steers meanwhile finds it alive
            return True
        finally:
            self._driving.release()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._drive, name=f"flowloom-run-{self.id}", daemon=True)

    def _drive(self) -> None:
        with self._driving:
            try:
                self.run.drive()
            except BaseException as problem:
                self.problem = problem
            finally:
                self._record.close()
