"""Real processes that are killed, stopped, cut off and starved: every attempt ends exactly once. See also `test_soak`."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import msgspec
import pytest
from bench import Bench, Through, is_alive

from agents.executor import AgentsExecutor
from agents.fleet import AgentStatus
from engine.attempt import COMPLETED, Work
from engine.executors.contract import Workplace
from engine.machine.state import WorkflowState
from engine.plan import LaneSpec, Plan
from engine.project.model import RetryPolicy
from engine.runner.run import Run


@pytest.fixture
def bench(tmp_path):
    one = Bench(tmp_path)
    one.registered(2)
    yield one
    one.executor.close(0.0)


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory):
    """For tests that do nothing to it."""
    one = Bench(tmp_path_factory.mktemp("shared"))
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


PAY = """
import time

def pay():
    with open("paid", "a") as file:
        file.write("paid\\n")
    time.sleep(600)
"""


def eventually(true, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


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


def test_ten_tasks_that_hold_the_interpreter_lock_silence_nobody(tmp_path):
    bench = Bench(tmp_path, slots=10)
    bench.registered(2)
    numbers = bench.start("hold_the_lock", *({"seconds": 2.5} for _ in range(10)))
    bench.wait(numbers)
    dead = [one for one in bench.executor.changes if one.status in (AgentStatus.OFFLINE, AgentStatus.FAILED)]
    bench.executor.close(0.0)
    assert [str(one.reason) for one in dead] == []


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1 << 20, (16 << 20) + 1, 40 << 20])
def test_values_of_every_size_arrive_whole_both_ways(shared_bench, size):
    (made,) = shared_bench.wait(shared_bench.start("many_bytes", {"size": size}))
    assert made.kind == COMPLETED, made.error
    (told,) = shared_bench.wait(shared_bench.start("digest_of", {"blob": made.value}))
    assert told.value == shared_bench.digest(size)


@pytest.mark.seed("S145")
def test_what_must_run_once_is_not_given_to_another_agent(tmp_path):
    """Its agent dies: nobody knows whether it had done its work, so the node fails and says so, whatever its policy."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pay.py").write_text(PAY)
    work = Work(reference="pay:pay", executor="agents", wants_context=False)
    work.once = True
    plan = Plan(["pay"], [work], [()])
    plan.lanes.append(LaneSpec("agents"))
    plan.once.add(0)
    plan.retry = RetryPolicy(max_retries=5)
    executor = AgentsExecutor(agents=1)
    place = Workplace(folder=tmp_path / "project", state=tmp_path / "state", slots=1, run="once")
    run = Run(plan, {"agents": executor}, workplace=place)
    driver = threading.Thread(target=run.drive)
    driver.start()
    paid = tmp_path / "project" / "paid"
    eventually(paid.exists)
    os.kill(executor.pids()["local-1"], signal.SIGKILL)
    driver.join(30)
    assert run.state.state is WorkflowState.FAILED
    assert "its fate is unknown" in run.state.errors[0].message
    assert paid.read_text() == "paid\n"


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
