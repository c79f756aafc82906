"""Real processes that are killed, stopped, cut off and starved: every attempt ends exactly once.

`FLOWLOOM_SOAK_MINUTES` makes the soak tests at the end as long as wanted; they print what they did.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from proxy import Proxy

from agents.executor import AgentsExecutor
from agents.fleet import AgentStatus
from engine.attempt import COMPLETED, Attempt, Outcome, Work
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

    def __init__(self, folder: Path, executor: AgentsExecutor | None = None, slots: int = 2) -> None:
        (folder / "chores.py").write_text(TASKS)
        self.folder = folder
        self.executor = executor or AgentsExecutor(reassign=1000)
        self.outcomes: dict[int, list[Outcome]] = {}
        self.lock = threading.Lock()
        self.ended = threading.Condition(self.lock)
        self.count = 0
        self.works: dict[tuple[str, float | None], Work] = {}
        self.executor.open(Workplace(folder=folder, state=folder / "state", slots=slots, run="run"), self._report)

    def _report(self, news) -> None:
        with self.lock:
            for piece in news:
                if type(piece) is Outcome:
                    self.outcomes.setdefault(piece.node, []).append(piece)
            self.ended.notify_all()

    def start(self, function: str, *rows: dict, timeout: float | None = None) -> list[int]:
        work = self.works.setdefault(
            (function, timeout), Work(reference=f"chores:{function}", executor="agents", timeout=timeout)
        )
        numbers = []
        attempts = []
        for row in rows:
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


@pytest.fixture
def bench(tmp_path):
    one = Bench(tmp_path)
    one.registered(2)
    yield one
    one.executor.close(0.0)


@pytest.fixture
def cut(tmp_path):
    one = Bench(tmp_path, Through(reassign=1000, heartbeat_timeout=1.6))
    one.registered(2)
    yield one
    one.executor.close(0.0)
    one.executor.proxy.close()


def rows(count: int, seconds: float = 0.0) -> list[dict]:
    return [{"x": x, "seconds": seconds} for x in range(count)]


@pytest.mark.seed("S145", "S255", "S269")
def test_two_hundred_tasks_on_two_agents_survive_the_death_of_one(bench):
    numbers = bench.start("double", *rows(200, 0.01))
    bench.wait(numbers[:20])
    name, pid = next(iter(bench.executor.pids().items()))
    os.kill(pid, signal.SIGKILL)
    outcomes = bench.wait(numbers)
    assert [one.value for one in outcomes] == [x * 2 for x in range(200)]
    bench.none_twice()
    bench.registered(2)
    assert bench.executor.pids()[name] != pid, "another one took its place"


@pytest.mark.seed("S145")
def test_a_stopped_agent_is_noticed_and_its_late_results_do_not_count(bench):
    numbers = bench.start("double", *rows(8, 0.3))
    name, pid = next(iter(bench.executor.pids().items()))
    time.sleep(0.1)
    os.kill(pid, signal.SIGSTOP)
    try:
        bench.status(name, {AgentStatus.SUSPECTED, AgentStatus.OFFLINE})
        outcomes = bench.wait(numbers)
    finally:
        os.kill(pid, signal.SIGCONT)
    bench.status(name, {AgentStatus.AVAILABLE})
    bench.wait(bench.start("double", *rows(4)))
    assert [one.value for one in outcomes] == [x * 2 for x in range(8)]
    bench.none_twice()


def test_a_link_that_is_reset_again_and_again_loses_and_doubles_nothing(cut):
    numbers = cut.start("double", *rows(300, 0.002))
    chance = random.Random(7)
    while len(cut.outcomes) < 290 and cut.executor.proxy.resets < 12:
        time.sleep(chance.uniform(0.02, 0.12))
        cut.executor.proxy.reset()
    outcomes = cut.wait(numbers)
    assert [one.value for one in outcomes] == [x * 2 for x in range(300)]
    cut.none_twice()
    assert cut.executor.proxy.resets >= 3


def test_a_link_that_stalls_is_a_silent_agent_and_comes_back(cut):
    numbers = cut.start("double", *rows(30, 0.02))
    cut.wait(numbers[:5])
    cut.executor.proxy.stalled.set()
    name = next(iter(cut.executor.pids()))
    cut.status(name, {AgentStatus.OFFLINE})
    cut.executor.proxy.stalled.clear()
    assert [one.value for one in cut.wait(numbers)] == [x * 2 for x in range(30)]
    cut.none_twice()


def test_large_values_survive_resets(cut):
    numbers = []
    for x in range(6):
        numbers += cut.start("double", {"x": bytes([65 + x]) * 3_000_000})
        time.sleep(0.05)
        cut.executor.proxy.reset()
    for x, outcome in enumerate(cut.wait(numbers)):
        assert outcome.kind == COMPLETED, outcome.error
        assert msgspec.msgpack.decode(outcome.value.data) == bytes([65 + x]) * 6_000_000


def test_a_task_that_holds_the_interpreter_lock_silences_nobody(bench):
    numbers = bench.start("hold_the_lock", {"seconds": 4.0}, {"seconds": 4.0})
    bench.wait(numbers)
    dead = [one for one in bench.executor.changes if one.status in (AgentStatus.OFFLINE, AgentStatus.FAILED)]
    assert [str(one.reason) for one in dead] == []


@pytest.mark.seed("S165")
def test_a_limit_kills_the_task_and_what_it_started(bench, tmp_path):
    path = tmp_path / "pids"
    (outcome,) = bench.wait(bench.start("start_a_child", {"path": str(path)}, timeout=1.0))
    assert outcome.kind == "timed out"
    (pid,) = map(int, path.read_text().split())
    assert not is_alive(pid), "the outcome says that it is gone"


def test_closing_in_the_middle_leaves_no_process(tmp_path):
    bench = Bench(tmp_path)
    bench.registered(2)
    path = tmp_path / "pids"
    numbers = bench.start("start_a_child", {"path": str(path)}, {"path": str(path)})
    until = time.monotonic() + 20
    while (not path.exists() or len(path.read_text().split()) < 2) and time.monotonic() < until:
        time.sleep(0.02)
    agents = list(bench.executor.pids().values())
    bench.executor.close(0.2)
    family = [*agents, *map(int, path.read_text().split())]
    assert [pid for pid in family if is_alive(pid)] == []
    assert {one.kind for one in bench.wait(numbers)} == {"canceled"}
    assert not list(Path(bench.executor._folder).glob("*")) if Path(bench.executor._folder).exists() else True


def test_an_agent_that_cannot_start_is_said_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("agents.local._BOOT", "raise SystemExit('no such luck')  # {root!r}")
    bench = Bench(tmp_path)
    (outcome,) = bench.wait(bench.start("double", {"x": 1}))
    assert outcome.kind == "failed"
    assert outcome.error.type == "AgentUnavailable"
    assert "no such luck" in outcome.error.message
    bench.executor.close()


def test_secrets_are_found_nowhere(bench, tmp_path):
    bench.wait(bench.start("double", *rows(4)))
    secret = bench.executor._keys.secret.encode()
    places = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in places if secret in path.read_bytes()] == []
    for pid in [os.getpid(), *bench.executor.pids().values(), *all_children(bench)]:
        for name in ("cmdline", "environ"):
            text = Path(f"/proc/{pid}/{name}").read_bytes()
            assert secret not in text
            assert b'"secret"' not in text


def all_children(bench: Bench) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) in bench.executor.pids().values():
                found.append(int(entry))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


# ---------------------------------------------------------------- soak

MINUTES = float(os.environ.get("FLOWLOOM_SOAK_MINUTES", "1"))


@pytest.mark.soak
def test_soak_of_killed_stopped_and_cut_agents(tmp_path):
    """Kills, stops and resets at random for a third of the time asked for; every result right, none twice."""
    bench = Bench(tmp_path, Through(reassign=1_000_000), slots=4)
    bench.registered(2)
    chance = random.Random(11)
    done: Counter[str] = Counter()
    until = time.monotonic() + MINUTES * 20
    numbers: list[int] = []
    stopped: list[int] = []
    values = iter(range(1 << 40))
    expected: list[int] = []
    while time.monotonic() < until:
        if len(numbers) - len(bench.outcomes) < 200:
            batch = [next(values) for _ in range(100)]
            expected += batch
            numbers += bench.start("double", *({"x": x, "seconds": chance.choice([0.0, 0.001, 0.05])} for x in batch))
        time.sleep(chance.uniform(0.05, 0.4))
        act = chance.choice(["kill", "stop", "reset", "nothing"])
        done[act] += 1
        pids = list(bench.executor.pids().values())
        try:
            if act == "kill" and pids:
                os.kill(chance.choice(pids), signal.SIGKILL)
            elif act == "stop" and pids:
                stopped.append(chance.choice(pids))
                os.kill(stopped[-1], signal.SIGSTOP)
                threading.Timer(chance.uniform(0.1, 3.0), resume, [stopped[-1]]).start()
            elif act == "reset":
                bench.executor.proxy.reset()
        except ProcessLookupError:
            continue
    for pid in stopped:
        resume(pid)
    outcomes = bench.wait(numbers, 120)
    wrong = [(x, one) for x, one in zip(expected, outcomes, strict=True) if one.value != x * 2]
    twice = [number for number, every in bench.outcomes.items() if len(every) > 1]
    late = bench.executor.coordinator.refused
    print(
        f"\n{dict(done)}: {len(numbers)} attempts, {len(wrong)} wrong, {len(twice)} counted twice, {late} late refused"
    )
    bench.executor.close(0.0)
    bench.executor.proxy.close()
    assert wrong == []
    assert twice == []


def resume(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


@pytest.mark.soak
def test_soak_of_ten_tasks_that_hold_the_lock_for_a_minute(tmp_path):
    """Ten 60 s holds (shorter where less time was asked for) on two slots: no false death."""
    seconds = min(60.0, MINUTES * 4)
    bench = Bench(tmp_path)
    bench.registered(2)
    bench.wait(bench.start("hold_the_lock", *({"seconds": seconds} for _ in range(10))), seconds * 6 + 60)
    dead = [one.reason for one in bench.executor.changes if one.status in (AgentStatus.OFFLINE, AgentStatus.FAILED)]
    print(f"\n10 holds of {seconds:g} s: {len(dead)} false deaths")
    bench.executor.close(0.0)
    assert dead == []


@pytest.mark.soak
def test_soak_of_dead_agents_noticed_in_time(tmp_path):
    """An agent whose process is stopped is noticed within two seconds."""
    bench = Bench(tmp_path)
    bench.registered(2)
    times = []
    for _ in range(max(3, int(MINUTES * 2))):
        name, pid = next(iter(bench.executor.pids().items()))
        os.kill(pid, signal.SIGSTOP)
        times.append(bench.status(name, {AgentStatus.OFFLINE}))
        os.kill(pid, signal.SIGCONT)
        bench.status(name, {AgentStatus.AVAILABLE})
    print(
        f"\nnoticed after {max(times):.2f} s at most, {sum(times) / len(times):.2f} s on average ({len(times)} times)"
    )
    bench.executor.close(0.0)
