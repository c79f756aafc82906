"""Real runs over an executor that does what a script says, in memory, and over a clock that can leap.

    stage = Stage(tmp_path, PROJECT, script={"load": [fail("OSError"), 7]}, held=["clean"])
    stage.start(); stage.until(lambda: "clean" in stage.executor.live); stage.executor.complete("clean", 3)
    stage.finish()

Only the executor is a fake: loop, machine, feed and history are those of every run. What a script does not name completes
with its own path as its value.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.attempt import CANCELED, COMPLETED, FAILED, Attempt, News, Outcome, Trouble
from engine.errors import SystemFailure
from engine.executors.contract import Executor, Report, Workplace
from engine.machine.events import Event
from engine.machine.state import RunState
from engine.plan import Plan
from engine.planner import plan_project
from engine.project.toml import read
from engine.result import RunResult, run_result
from engine.revision import Revision
from engine.run_handle import RunHandle
from engine.runner.run import Run

PATIENCE = 15.0
"""Seconds after which a test that waits for something gives up."""


def fail(type_: str = "OSError", message: str = "no", *, kind: str = FAILED, **facts: Any) -> Outcome:
    """What a script says for an attempt that ends badly; node and number are filled in."""
    return Outcome(-1, 0, kind, error=Trouble(type_, message, **facts))


def plan_of(text: str, **options: Any) -> Plan:
    """The plan of a project file's text, for the scripted executor unless it names others."""
    reading = read('format = 1\n[project]\nname = "staged"\n' + text)
    assert reading.project is not None
    assert not reading.notes.items, reading.notes.items
    return plan_project(reading.project, **{"default_executor": "scripted", **options})


def revision_of_text(text: str, **options: Any) -> Revision:
    """Another version of a staged run: a project file's text."""
    reading = read('format = 1\n[project]\nname = "staged"\n' + text)
    assert reading.project is not None
    return Revision(reading.project, **{"default_executor": "scripted", **options})


class LeapingClock:
    """The clock of the machine, ahead of it by as much as a test has leapt."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class ScriptedExecutor:
    """Does each attempt as its script says, at once; those that are `held` end when the test says how."""

    def __init__(
        self, script: Mapping[str, Sequence[Any]] | None = None, held: Collection[str] = (), slots: int = 4
    ) -> None:
        self.script = {path: list(answers) for path, answers in (script or {}).items()}
        self.held = set(held)
        self.slots = slots
        self.live: dict[str, Attempt] = {}
        self.started: list[str] = []
        self.attempts: list[Attempt] = []
        self.canceled: list[str] = []
        self.suspended: list[tuple[int, int]] = []
        self.most = 0
        self.closed = False
        self._report: Report = lambda news: None
        self._changing = threading.RLock()

    def open(self, workplace: Workplace, report: Report) -> None:
        """Remember whom to tell."""
        self._report = report

    def capacity(self) -> int:
        """The slots."""
        return self.slots

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Take attempts; those with an answer end before this returns."""
        with self._changing:
            for attempt in attempts:
                assert attempt.path not in self.live, f"two live attempts of {attempt.path}"
                self.live[attempt.path] = attempt
                self.started.append(attempt.path)
                self.attempts.append(attempt)
                self.most = max(self.most, len(self.live))
            for attempt in attempts:
                if attempt.path not in self.held:
                    answers = self.script.get(attempt.path)
                    self.end(attempt.path, answers.pop(0) if answers else attempt.path)

    def end(self, path: str, answer: Any = None) -> None:
        """End a live attempt: with an Outcome of `fail`, or with a value."""
        with self._changing:
            attempt = self.live.pop(path)
        if isinstance(answer, Outcome):
            outcome = Outcome(attempt.node, attempt.number, answer.kind, None, 0.25, answer.error)
        else:
            outcome = Outcome(attempt.node, attempt.number, COMPLETED, answer, 0.25)
        self._report((outcome,))

    def say(self, news: News) -> None:
        """Report something that is no outcome."""
        self._report((news,))

    def cancel(self, attempts: Sequence[tuple[int, int]], grace: float = 5.0) -> None:
        """End these, as a good executor does."""
        for node, number in attempts:
            path = next((p for p, a in self.live.items() if (a.node, a.number) == (node, number)), None)
            if path is not None:
                self.canceled.append(path)
                self.end(path, fail("Canceled", "canceled", kind=CANCELED))

    def suspend(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Note what should be held."""
        self.suspended.extend(attempts)

    def resume(self, attempts: Sequence[tuple[int, int]]) -> None:
        """Note what may go on."""
        self.suspended = [pair for pair in self.suspended if pair not in attempts]

    def close(self, grace: float = 5.0) -> None:
        """Nothing is left behind."""
        self.closed = True


class Ledger:
    """A recorder in memory that can be made slow or made to refuse."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.counters: Mapping[str, Any] = {}
        self.open = threading.Event()
        self.open.set()
        self.refusals = 0
        self.refused = 0

    @property
    def events(self) -> list[Event]:
        """All that was recorded, in order."""
        return [event for batch in self.batches for event in batch]

    def append(self, batch: Sequence[Event], counters: Mapping[str, Any]) -> None:
        """Record a batch, when the ledger is open; refuse it as often as was asked for."""
        assert self.open.wait(PATIENCE)
        if self.refusals:
            self.refusals -= 1
            self.refused += 1
            raise SystemFailure("no space left on device")
        self.batches.append(list(batch))
        self.counters = counters


def _made(executors: Mapping[str, Executor], name: str) -> Executor:
    if name not in executors:
        raise SystemFailure(f"there is no executor {name!r}")
    return executors[name]


class SameLedger:
    """A record that is never closed."""

    def __init__(self, ledger: Any) -> None:
        self.ledger = ledger

    def open(self) -> tuple[Any, None]:
        """The ledger."""
        return self.ledger, None

    def close(self) -> None:
        """Nothing to do."""


class Stage:
    """One run of a project's text, and everything a test wants to touch."""

    def __init__(
        self,
        folder: Path,
        project: str | Plan,
        *,
        script: Mapping[str, Sequence[Any]] | None = None,
        held: Collection[str] = (),
        slots: int = 4,
        executors: Mapping[str, Executor] | None = None,
        options: Mapping[str, Any] | None = None,
        **run: Any,
    ) -> None:
        self.plan = project if isinstance(project, Plan) else plan_of(project, **(options or {}))
        self.executor = ScriptedExecutor(script, held, slots)
        self.clock = LeapingClock()
        self.ledger = Ledger()
        made = {"scripted": self.executor, **(executors or {})}
        self.run = Run(
            self.plan,
            {name: made[name] for name in self.plan.executors},
            workplace=Workplace(folder=folder, state=folder, slots=slots, run="staged"),
            **{"journal": self.ledger, "clock": self.clock, "make_executor": lambda name: _made(made, name), **run},
        )
        self.handle = RunHandle(
            self.run,
            run_id="staged",
            folder=None,
            python="",
            record=SameLedger(run.get("journal", self.ledger)),
            revise=lambda version: revision_of_text(str(version), **(options or {})),
        )

    @property
    def state(self) -> RunState:
        """The state of the run."""
        return self.run.state

    @property
    def result(self) -> RunResult:
        """The record of the run."""
        return run_result(self.run.state, run="staged", python="")

    def start(self) -> Stage:
        """Begin, in a thread."""
        self.handle.start()
        return self

    def leap(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.ahead += seconds

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something that the run does, looking at its clock all the while."""
        give_up = time.monotonic() + PATIENCE
        while not condition():
            self.run.report(())  # a sleeping loop looks at the clock again
            if self.handle.problem is not None:
                raise self.handle.problem
            assert time.monotonic() < give_up, f"it never came; {self.where()}"
            time.sleep(0.002)

    def finish(self) -> RunResult:
        """Wait for the end; the record of it."""
        if self.handle._thread.ident is None:
            self.start()
        self.until(lambda: self.handle.is_over)
        assert self.handle.wait(PATIENCE)
        return self.result

    def where(self) -> dict[str, str]:
        """State of each node, by path."""
        return {path: node.state.value for path, node in self.result.nodes.items()}

    def happened(self, kind: type[Event]) -> list[Any]:
        """Recorded events of a kind."""
        return [event for event in self.ledger.events if type(event) is kind]


def after(events: Iterable[Event], kind: type[Event]) -> list[Event]:
    """The events after the first of a kind."""
    found = list(events)
    return found[next(i for i, event in enumerate(found) if type(event) is kind) + 1 :]
