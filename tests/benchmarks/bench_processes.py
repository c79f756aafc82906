"""Child processes beside `concurrent.futures.ProcessPoolExecutor`, in one run: `python tests/benchmarks/bench_processes.py`.

Both have two workers and call a function that does nothing. Ours goes the whole way: machine, journal (SQLite, durable),
children over pipes. Each figure is the median of several rounds, interleaved; the ratio is what counts, and what the
targets are about. Workloads:

    fan      many independent no-ops
    chain    each waits for the one before it: what a hop to a child and back costs
    first    from the start of a fresh Python to the first finished task (ours: `Run` over two children)
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.attempt import Work
from engine.executors.contract import Workplace
from engine.executors.processes import ProcessesExecutor
from engine.machine.state import WorkflowState
from engine.plan import LaneSpec, Plan
from engine.runner.run import Run
from engine.store.journal import Journal

SLOTS = 2
TASKS = "def noop(x=None):\n    return x\n"
FIRST = """
import sys; sys.path.insert(0, {root!r})
from pathlib import Path
from tests.benchmarks.bench_processes import plan_of, run_ours
run_ours(plan_of([()]), Path({folder!r}))
"""
FLOOR_FIRST = """
import sys; sys.path.insert(0, {root!r})
from concurrent.futures import ProcessPoolExecutor
import operator
with ProcessPoolExecutor(2) as pool: pool.submit(operator.not_, None).result()
"""


def noop(x: object = None) -> object:
    """What the floor calls."""
    return x


def plan_of(deps: list[tuple[int, ...]]) -> Plan:
    """A plan of no-ops with these edges."""
    work = Work(reference="bench_tasks:noop", executor="processes", wants_context=False)
    plan = Plan([f"n{i}" for i in range(len(deps))], [work] * len(deps), deps)
    plan.lanes.append(LaneSpec("processes"))
    plan.check_order()
    return plan


def run_ours(plan: Plan, folder: Path) -> float:
    """Seconds from the first finished task to the recorded end: the start of the children has a line of its own."""
    executor = ProcessesExecutor()
    with tempfile.TemporaryDirectory() as kept:
        place = Path(kept) / "run"
        journal = Journal.create(place, "bench", header=b"", wall=time.time())
        workplace = Workplace(folder=folder, state=place, python=sys.executable, slots=SLOTS, run="bench")
        run = Run(plan, {"processes": executor}, workplace=workplace, journal=journal)
        state = run.drive()
        seconds = run.now() - min(state.ended)
        journal.close()
    assert state.state is WorkflowState.COMPLETED, state.state
    return seconds


def floor_fan(count: int) -> float:
    """Seconds for `count` submits and their results, with warm workers."""
    with ProcessPoolExecutor(SLOTS) as pool:
        pool.submit(noop, None).result()
        began = time.perf_counter()
        for future in as_completed([pool.submit(noop, None) for _ in range(count)]):
            future.result()
        return time.perf_counter() - began


def floor_chain(count: int) -> float:
    """Seconds for `count` submits, each after the result of the last, with warm workers."""
    with ProcessPoolExecutor(SLOTS) as pool:
        value = pool.submit(noop, None).result()
        began = time.perf_counter()
        for _ in range(count):
            value = pool.submit(noop, value).result()
        return time.perf_counter() - began


def started(code: str) -> float:
    """Seconds that a fresh Python takes for this code."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


TARGETS = {"fan": 0.3, "chain": 1.3, "first": 4.0}
"""Ratios. The first task may take 0.4 s where a pool of two takes 0.1: `bench_start` measures the whole command."""


def compare(name: str, rounds: int, per: int, ours: Callable[[], float], floor: Callable[[], float]) -> None:
    """Print one line: medians of interleaved rounds, per task, their ratio, and its target."""
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(ours())
        theirs.append(floor())
    a, b = statistics.median(mine) / per, statistics.median(theirs) / per
    unit, scale = ("us", 1e6) if per > 1 else ("ms", 1e3)
    target = TARGETS[name.split()[0]]
    verdict = "met" if a / b <= target else "MISSED"
    ratio = f"{a / b:6.2f} x (target {target:g}, {verdict})"
    print(f"{name:<22}{a * scale:9.1f} {unit}   pool {b * scale:9.1f} {unit}   {ratio}", flush=True)


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--fan", type=int, default=10_000)
    parser.add_argument("--chain", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "bench_tasks.py").write_text(TASKS, encoding="utf-8")
        fan = plan_of([()] * chosen.fan)
        chain = plan_of([(), *((i,) for i in range(chosen.chain - 1))])
        root = str(Path(__file__).resolve().parents[2])
        compare(
            f"fan {chosen.fan}", chosen.rounds, chosen.fan, lambda: run_ours(fan, place), lambda: floor_fan(chosen.fan)
        )
        compare(
            f"chain {chosen.chain}",
            chosen.rounds,
            chosen.chain,
            lambda: run_ours(chain, place),
            lambda: floor_chain(chosen.chain),
        )
        compare(
            "first task, start",
            chosen.rounds,
            1,
            lambda: started(FIRST.format(root=root, folder=folder)),
            lambda: started(FLOOR_FIRST.format(root=root)),
        )


if __name__ == "__main__":
    main()
