"""A place to try executors: a project folder, an open executor, and everything that it reports, in order."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.attempt import Attempt, LogLines, MetricSet, News, Outcome, Progress, Work
from engine.executors.contract import Executor, Workplace
from engine.payload import Payload, open_payload

HERE = Path(__file__).parent


def make_project(folder: Path) -> Path:
    """A folder with the tasks of these tests."""
    folder.mkdir(exist_ok=True)
    shutil.copy(HERE / "tasks.py", folder / "tasks.py")
    (folder / "helpers_of_tasks.py").write_text('WORD = "found"\n', encoding="utf-8")
    return folder


class Workbench:
    """An executor at work. Attempts are numbered as nodes 0, 1, 2, ..."""

    def __init__(self, executor: Executor, folder: Path, *, slots: int = 2, python: str | None = None) -> None:
        self.executor = executor
        self.folder = folder
        self.state = folder.parent / "state"
        self.news: list[News] = []
        self._more = threading.Condition()
        self._count = 0
        self._callers: list[threading.Thread] = []
        workplace = Workplace(
            folder=folder, state=self.state, python=python or sys.executable, slots=slots, run="RUN-1"
        )
        executor.open(workplace, self.report)

    def report(self, news: Sequence[News]) -> None:
        with self._more:
            self.news.extend(news)
            self._more.notify_all()

    def attempt(
        self, work: Work | str | Callable[..., Any], args: Mapping[str, Any] | None = None, **how: Any
    ) -> Attempt:
        """An attempt at a task of the project ("add"), a function, or a Work."""
        if isinstance(work, str):
            work = Work(reference=f"tasks:{work}", timeout=how.pop("timeout", None))
        elif not isinstance(work, Work):
            work = Work(function=work, timeout=how.pop("timeout", None))
        number = self._count
        self._count += 1
        attempt = Attempt(
            number, 1, work, (), dict(args or {}), how.pop("path", f"node{number}"), how.pop("variables", {})
        )
        for name, value in how.items():
            setattr(attempt, name, value)
        return attempt

    def start(self, *attempts: Attempt) -> None:
        """Hand attempts out; an executor that works in the caller's thread gets one of its own."""
        if getattr(self.executor, "perform", None) is None:
            self.executor.start(attempts)
        else:
            caller = threading.Thread(target=self.executor.start, args=(attempts,), daemon=True)
            self._callers.append(caller)
            caller.start()

    def run(self, work: Any, args: Mapping[str, Any] | None = None, *, within: float = 30.0, **how: Any) -> Outcome:
        """Start one attempt and wait for its outcome."""
        attempt = self.attempt(work, args, **how)
        self.start(attempt)
        return self.outcome(attempt, within=within)

    def outcome(self, attempt: Attempt, *, within: float = 30.0) -> Outcome:
        """The outcome of an attempt, once it is there."""
        found: list[Outcome] = self.wait_for(
            lambda: self.outcomes_of(attempt), within=within, what=f"outcome of {attempt!r}"
        )
        return found[0]

    def value(self, work: Any, args: Mapping[str, Any] | None = None, **how: Any) -> Any:
        """The opened result of an attempt that has to complete."""
        outcome = self.run(work, args, **how)
        assert outcome.kind == "completed", (outcome, outcome.error and outcome.error.traceback)
        return opened(outcome.value)

    def wait_for(self, look: Callable[[], Any], *, within: float = 30.0, what: str = "something") -> Any:
        """Wait until `look` finds something in the news."""
        until = time.monotonic() + within
        with self._more:
            while not (found := look()):
                left = until - time.monotonic()
                assert left > 0, f"no {what} within {within:g} s; there was {self.news[-10:]}"
                self._more.wait(min(left, 0.1))
        return found

    def wait_ready(self, attempt: Attempt) -> None:
        """Wait until the attempt has reported progress: it runs."""
        self.wait_for(lambda: self.of(attempt, Progress), what=f"progress of {attempt!r}")

    def outcomes_of(self, attempt: Attempt) -> list[Outcome]:
        return self.of(attempt, Outcome)

    def of(self, attempt: Attempt, kind: type) -> list[Any]:
        """News of a kind about an attempt, in order."""
        return [piece for piece in self.news if type(piece) is kind and piece.node == attempt.node]

    def lines(self, attempt: Attempt, stream: str = "stdout") -> list[str]:
        """What it printed."""
        return [line for piece in self.of(attempt, LogLines) if piece.stream == stream for line in piece.lines]

    def metrics(self, attempt: Attempt) -> dict[str, str]:
        """What it set while it ran."""
        return {piece.name: piece.text for piece in self.of(attempt, MetricSet)}

    def close(self) -> None:
        self.executor.close(grace=1.0)
        for caller in self._callers:
            caller.join(10)


def opened(value: Any) -> Any:
    """A result as the next task would see it."""
    return open_payload(value) if isinstance(value, Payload) else value


def is_alive(pid: int) -> bool:
    """Whether a process runs: zombies that nobody has waited for do not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone(pids: Sequence[int], within: float = 5.0) -> list[int]:
    """Those that are still there after a while."""
    until = time.monotonic() + within
    while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.01)
    return left
