"""An executor of agents with a book of what ended how, and tasks that behave badly, for tests of faults."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

from proxy import Proxy

from agents.executor import AgentsExecutor
from agents.fleet import AgentStatus
from engine.attempt import Attempt, Outcome, Work
from engine.executors.contract import Workplace

TASKS = """
import os, time

def double(x, seconds=0.0):
    time.sleep(seconds)
    return x * 2

def hold_the_lock(seconds):
    import re
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        re.match(r"(a+)+$", "a" * 22 + "b")  # one long call in C that never lets go
    return "held"

def start_a_child(path):
    import subprocess
    child = subprocess.Popen(["sleep", "600"])
    with open(path, "a") as file:
        file.write(f"{child.pid}\\n")
    time.sleep(600)

def version():
    import sys
    return "%d.%d" % sys.version_info[:2]

class Row:
    def __init__(self, x):
        self.x = x

def a_row(x):
    return Row(x)

def x_of(row):
    return row.x

def many_bytes(size):
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]

def digest_of(blob):
    import hashlib
    return f"{len(blob)} {hashlib.sha256(blob).hexdigest()}"
"""


class Through(AgentsExecutor):
    """Its agents reach it through a proxy."""

    proxy: Proxy | None = None

    def _start_local(self) -> None:
        self.proxy = Proxy(self._endpoint)
        self._endpoint = self.proxy.endpoint
        super()._start_local()


class Bench:
    """An executor, and a book of what ended how."""

    def __init__(
        self, folder: Path, executor: AgentsExecutor | None = None, slots: int = 2, python: str | None = None
    ) -> None:
        (folder / "chores.py").write_text(TASKS)
        self.folder = folder
        self.executor = executor or AgentsExecutor(reassign=1000)
        self.outcomes: dict[int, list[Outcome]] = {}
        self.lock = threading.Lock()
        self.ended = threading.Condition(self.lock)
        self.count = 0
        self.works: dict[tuple[str, float | None], Work] = {}
        self.executor.open(
            Workplace(folder=folder, state=folder / "state", slots=slots, run="run", python=python), self._report
        )

    def _report(self, news) -> None:
        with self.lock:
            for piece in news:
                if type(piece) is Outcome:
                    self.outcomes.setdefault(piece.node, []).append(piece)
            self.ended.notify_all()

    def start(self, function: str, *rows: dict, timeout: float | None = None) -> list[int]:
        where = function if ":" in function else f"chores:{function}"
        work = self.works.setdefault((where, timeout), Work(reference=where, executor="agents", timeout=timeout))
        numbers = []
        attempts = []
        for row in rows or ({},):
            self.count += 1
            numbers.append(self.count)
            attempts.append(Attempt(self.count, 1, work, (), row, f"n{self.count}", {}))
        self.executor.start(attempts)
        return numbers

    def wait(self, numbers: list[int], seconds: float = 60.0) -> list[Outcome]:
        until = time.monotonic() + seconds
        with self.lock:
            while any(number not in self.outcomes for number in numbers):
                left = until - time.monotonic()
                assert left > 0, f"{sum(number not in self.outcomes for number in numbers)} did not end"
                self.ended.wait(left)
            return [self.outcomes[number][0] for number in numbers]

    def none_twice(self) -> None:
        assert [number for number, every in self.outcomes.items() if len(every) > 1] == []

    @staticmethod
    def digest(size: int) -> str:
        """What `digest_of` tells of `many_bytes`."""
        found = hashlib.sha256()
        piece = b"0123456789abcdef" * 65536
        for _ in range(size // len(piece)):
            found.update(piece)
        found.update(piece[: size % len(piece)])
        return f"{size} {found.hexdigest()}"

    def registered(self, count: int, seconds: float = 20.0) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            alive = [one for one in self.executor.agents().values() if one.state is AgentStatus.AVAILABLE]
            if len(alive) >= count:
                return
            time.sleep(0.02)
        raise AssertionError("the agents did not come")

    def status(self, name: str, wanted: set[AgentStatus], seconds: float = 20.0) -> float:
        """Wait until an agent is seen in one of these states; the seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if self.executor.agents()[name].state in wanted:
                return time.monotonic() - began
            time.sleep(0.01)
        raise AssertionError(f"{name} is {self.executor.agents()[name].state}")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
