"""Long tests: agents and engines that are killed, stopped and cut off again and again, with the counts printed.

`make soak MINUTES=30` says how long they may take together. What they found, and on which commit, stands in
`docs/reliability.md`.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, Through

from agents.fleet import AgentStatus
from engine.attempt import Outcome, Work
from engine.executors.contract import Workplace
from engine.machine.state import WorkflowState
from engine.plan import LaneSpec, Plan
from engine.runner.run import Run
from engine.store.journal import Journal

pytestmark = pytest.mark.soak

MINUTES = float(os.environ.get("FLOWLOOM_SOAK_MINUTES", "1"))
MODULUS = (1 << 61) - 1
STEP = """
import time

def step(*values, node, seconds):
    time.sleep(seconds)
    return (sum(values) * 31 + node) % ((1 << 61) - 1)
"""


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


# ---------------------------------------------------------------- agents die


class Booked(Through):
    """Counts the outcomes of each attempt on their way to the run."""

    def open(self, workplace: Workplace, report: Any) -> None:
        self.ended: Counter[tuple[int, int]] = Counter()
        super().open(workplace, self._booked(report))

    def lend(self, leave: Any, turn: Any) -> None:
        super().lend(self._booked(leave), self._booked(turn))

    def _booked(self, tell: Any) -> Any:
        def book(news: Any) -> Any:
            self.ended.update((one.node, one.number) for one in news if type(one) is Outcome)
            return tell(news)

        return book


class Given:
    """What a node is told beyond the values of others."""

    def __init__(self, node: int, seconds: float) -> None:
        self.kwargs = {"node": node, "seconds": seconds}

    def fill(self, attempt: Any, state: Any) -> None:
        attempt.kwargs = self.kwargs


def graph(layers: int, width: int) -> list[tuple[int, ...]]:
    deps: list[tuple[int, ...]] = [()] * width
    for layer in range(1, layers):
        above = (layer - 1) * width
        deps += [tuple(above + (i + step) % width for step in (0, 1, 7)) for i in range(width)]
    return deps


def right_values(deps: list[tuple[int, ...]]) -> list[int]:
    values: list[int] = []
    for node, row in enumerate(deps):
        values.append((sum(values[above] for above in row) * 31 + node) % MODULUS)
    return values


def run_once(folder: Path, deps: list[tuple[int, ...]], longest: float, faults: Any = None) -> tuple[list[Any], Booked]:
    """A run of that graph with its journal, each node sleeping up to `longest` seconds; its values, and the executor."""
    folder.mkdir(parents=True)
    (folder / "steps.py").write_text(STEP)
    work = Work(reference="steps:step", executor="agents", wants_context=False)
    plan = Plan([f"n{i}" for i in range(len(deps))], [work] * len(deps), list(deps))
    plan.lanes.append(LaneSpec("agents"))
    chance = random.Random(3)
    plan.bindings.update({node: Given(node, chance.uniform(0.0, longest)) for node in range(len(deps))})
    plan.check_order()
    executor = Booked(reassign=1_000_000, heartbeat_timeout=1.6)
    journal = Journal.create(folder / "run", "soak", header=b"", wall=time.time())
    workplace = Workplace(folder=folder, state=folder / "run", slots=4, run="soak")
    run = Run(plan, {"agents": executor}, workplace=workplace, journal=journal)
    over = threading.Event()
    trouble = threading.Thread(target=faults, args=(executor, over)) if faults is not None else None
    if trouble is not None:
        trouble.start()
    try:
        state = run.drive()
    finally:
        over.set()
        if trouble is not None:
            trouble.join()
        journal.close()
        executor.proxy.close()
    assert state.state is WorkflowState.COMPLETED
    return list(state.values), executor


class Faults:
    """Does something bad every now and then, and counts it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.done: Counter[str] = Counter()

    def __call__(self, executor: Booked, over: threading.Event) -> None:
        stopped: list[int] = []
        while not over.wait(self.chance.uniform(0.1, 0.6)):
            act = self.chance.choice(["killed", "killed", "stopped", "reset", "reset", "stalled"])
            pids = list(executor.pids().values())
            if not pids or executor.proxy is None:
                continue
            self.done[act] += 1
            pid = self.chance.choice(pids)
            with contextlib.suppress(ProcessLookupError):
                if act == "killed":
                    os.kill(pid, signal.SIGKILL)
                elif act == "stopped":
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
                    over.wait(self.chance.uniform(0.1, 2.5))
                    os.kill(pid, signal.SIGCONT)
                elif act == "reset":
                    executor.proxy.reset()
                else:
                    executor.proxy.stalled.set()
                    over.wait(self.chance.uniform(0.1, 2.5))
            executor.proxy.stalled.clear()
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.mark.seed("S145", "S255")
def test_runs_of_ten_thousand_nodes_end_right_whatever_happens_to_agents(tmp_path):
    deps = graph(100, 100)
    undisturbed, _ = run_once(tmp_path / "calm", deps, 0.0)
    assert undisturbed == right_values(deps)
    until = time.monotonic() + MINUTES * 30
    faults: Counter[str] = Counter()
    runs = lost = twice = wrong = late = 0
    while not runs or time.monotonic() < until:
        runs += 1
        here = Faults(runs)
        values, executor = run_once(tmp_path / f"run{runs}", deps, 0.006, here)
        faults += here.done
        lost += sum(not executor.ended[node, 1] for node in range(len(deps)))
        twice += sum(count > 1 for count in executor.ended.values())
        wrong += sum(mine != right for mine, right in zip(values, undisturbed, strict=True))
        late += executor.coordinator.refused
        say(f"{runs} runs of {len(deps):,} nodes; agents {dict(faults)}; {lost} lost, {twice} counted twice, ...")
    say(
        f"{runs} runs of {len(deps):,} nodes: agents killed {faults['killed']}, stopped {faults['stopped']}, links reset "
        f"{faults['reset']}, stalled {faults['stalled']}: {lost} lost, {twice} counted twice, {wrong} values other than "
        f"undisturbed, {late} late results refused"
    )
    assert (lost, twice, wrong) == (0, 0, 0)


# ---------------------------------------------------------------- engines die

ENGINE = """
import os, sys, time
sys.path[:0] = [{root!r}]
from pathlib import Path
from agents.executor import AgentsExecutor
from engine.attempt import Attempt, Outcome, Work
from engine.executors.contract import Workplace

folder, total, generation = Path({folder!r}), {total}, {generation}
book = os.open(folder / "book", os.O_RDWR | os.O_CREAT | os.O_APPEND)
lines = (folder / "book").read_text().splitlines()
ended = {{int(line.split()[1]) for line in lines if line.startswith("ended")}}
given = {{int(line.split()[1]) for line in lines if line.startswith("given")}}
executor = AgentsExecutor(generation=generation, holds_acks=True, reassign=1_000_000)

def report(news):
    ends = [one for one in news if type(one) is Outcome]
    if ends:
        os.write(book, "".join(f"ended {{one.node}} {{one.kind}} {{one.value}}\\n" for one in ends).encode())
        os.fsync(book)
        ended.update(one.node for one in ends)
        executor.settle()

work = Work(reference="chores:noted", executor="agents")
attempt = lambda n: Attempt(n, 1, work, (), {{"x": n}}, f"n{{n}}", {{}})
executor.open(Workplace(folder=folder, state=folder / "state", slots=4, run="soak"), report)
executor.expect([attempt(n) for n in sorted(given - ended)], wait=1.0)
waiting = [n for n in range(1, total + 1) if n not in given]
while len(ended) < total:
    if waiting and len(executor.coordinator.jobs) < 40:
        few, waiting = waiting[:20], waiting[20:]
        os.write(book, "".join(f"given {{n}}\\n" for n in few).encode())
        os.fsync(book)
        executor.start([attempt(n) for n in few])
    time.sleep(0.01)
executor.close()
"""
NOTED = """
import os, time

def noted(x):
    time.sleep(0.05 * (x % 7))
    note = os.open(os.path.join(os.path.dirname(__file__), "ran"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(note, f"{x}\\n".encode())
    os.close(note)
    return x * 3
"""


@pytest.mark.seed("S144")
def test_engines_that_are_killed_and_come_back_count_everything_once(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from agents.cli import agent as command
    from agents.homes import homes

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "chores.py").write_text(NOTED)
    for name in ("one", "two"):
        assert CliRunner().invoke(command, ["start", name, "-j", "2"]).exit_code == 0
    chance = random.Random(5)
    total = max(200, int(MINUTES * 400))
    generation = kills = 0
    try:
        while True:
            generation += 1
            text = ENGINE.format(
                root=str(Path(__file__).parents[2]), folder=str(folder), total=total, generation=generation
            )
            engine = subprocess.Popen([sys.executable, "-c", text])
            try:
                assert engine.wait(chance.uniform(0.8, 5.0)) == 0
                break
            except subprocess.TimeoutExpired:
                engine.kill()
                engine.wait()
                kills += 1
    finally:
        for home in homes():
            home.signal(signal.SIGKILL)
    ends = [line.split() for line in (folder / "book").read_text().splitlines() if line.startswith("ended")]
    counted = Counter(int(line[1]) for line in ends)
    ran = Counter(int(line) for line in (folder / "ran").read_text().split())
    lost = sum(node not in counted for node in range(1, total + 1))
    twice = sum(count > 1 for count in counted.values())
    wrong = sum(line[2:] != ["completed", str(int(line[1]) * 3)] for line in ends)
    again = sum(count - 1 for count in ran.values())
    say(
        f"{kills} engines killed during {total} attempts on two agents that stayed: {lost} lost, {twice} counted twice, "
        f"{wrong} wrong, {again} run again"
    )
    assert (lost, twice, wrong) == (0, 0, 0)


# ---------------------------------------------------------------- who is dead, and who only busy


def test_ten_tasks_that_hold_the_interpreter_lock_for_a_minute_are_no_deaths(tmp_path):
    seconds = min(60.0, MINUTES * 6)
    bench = Bench(tmp_path, slots=10)
    bench.registered(2)
    bench.wait(bench.start("hold_the_lock", *({"seconds": seconds} for _ in range(10))), seconds * 2 + 60)
    dead = [one.reason for one in bench.executor.changes if one.status in (AgentStatus.OFFLINE, AgentStatus.FAILED)]
    say(
        f"10 tasks held the interpreter lock for {seconds:g} s at a time on {os.cpu_count()} cores: {len(dead)} false deaths"
    )
    bench.executor.close(0.0)
    assert dead == []


def test_dead_agents_are_noticed_in_time(tmp_path):
    bench = Bench(tmp_path)
    bench.registered(2)
    times = []
    for _ in range(max(3, int(MINUTES * 2))):
        name, pid = next(iter(bench.executor.pids().items()))
        os.kill(pid, signal.SIGSTOP)
        times.append(bench.status(name, {AgentStatus.OFFLINE}))
        os.kill(pid, signal.SIGCONT)
        bench.status(name, {AgentStatus.AVAILABLE})
    say(
        f"{len(times)} silent agents: noticed after {max(times):.2f} s at most, {sum(times) / len(times):.2f} s on average"
    )
    bench.executor.close(0.0)


# ---------------------------------------------------------------- large values


def test_values_up_to_two_gibibytes_arrive_whole_and_do_not_fill_the_engine(tmp_path):
    bench = Bench(tmp_path)
    bench.registered(2)
    sizes = [1, 1 << 10, (1 << 16) + 1, 1 << 20, (16 << 20) + 1, 100 << 20, 1 << 30, (2 << 30) - 64]
    bench.wait(bench.start("double", {"x": 1}))
    before = resident()
    for size in sizes:
        began = time.monotonic()
        (made,) = bench.wait(bench.start("many_bytes", {"size": size}), 300)
        assert made.kind == "completed", made.error
        (told,) = bench.wait(bench.start("digest_of", {"blob": made.value}), 300)
        assert told.kind == "completed", told.error
        assert told.value == bench.digest(size)
        grown = (resident() - before) >> 20
        say(
            f"{size:>13,} bytes there and back in {time.monotonic() - began:6.2f} s; the engine has grown by {grown} MiB"
        )
        bench.outcomes.clear()
        del made
        assert grown <= 64
    bench.executor.close(0.0)


def resident() -> int:
    """Bytes of this process's own memory, files that it has mapped left out."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
