"""What the engine costs per node, beside the bare loop, in one process and one run.

    python tests/benchmarks/bench_engine.py            # fan, chain and layered graphs of 10,000 nodes, layered of 100,000
    python tests/benchmarks/bench_engine.py --threads  # the same on two threads

The floor is Kahn's algorithm with the functions called in place: nothing recorded, nothing checked. Ours is a whole run of
a ready plan: states, times, metrics, events, retries that could happen; with the journal, everything is on disk as well.
Making the plan is shown beside. Each figure is the median of several rounds in which all ways take turns.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.executors.contract import Workplace
from engine.executors.lookup import make_executor
from engine.plan import Plan, simple_plan
from engine.runner.run import Run
from engine.store.journal import Journal

MASK = (1 << 62) - 1
Deps = list[tuple[int, ...]]


def node(*values: int) -> int:
    """A task that does nothing but depend on every input, so that a lost edge shows."""
    return (sum(values) + 1) & MASK


def fan(count: int) -> Deps:
    return [*[()] * (count - 1), tuple(range(count - 1))]


def chain(count: int) -> Deps:
    return [(), *[(i,) for i in range(count - 1)]]


def layered(count: int, width: int = 100) -> Deps:
    chance = random.Random(11)
    deps: Deps = [()] * width
    for start in range(0, count - width, width):
        above = range(start, start + width)
        deps.extend(tuple(sorted(chance.sample(above, 3))) for _ in range(width))
    return deps


def bare_loop(deps: Deps) -> list[Any]:
    followers: list[list[int]] = [[] for _ in deps]
    for i, upstream in enumerate(deps):
        for source in upstream:
            followers[source].append(i)
    missing = [len(upstream) for upstream in deps]
    values: list[Any] = [None] * len(deps)
    ready = deque(i for i, count in enumerate(missing) if not count)
    while ready:
        i = ready.popleft()
        values[i] = node(*[values[source] for source in deps[i]])
        for follower in followers[i]:
            missing[follower] -= 1
            if not missing[follower]:
                ready.append(follower)
    return values


def engine_run(plan: Plan, executor: str, journal: bool) -> tuple[float, list[Any]]:
    """Seconds and values of one run of a ready plan. Folders and the empty journal are made before the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        book = Journal.create(place / "run", "20260101-000000-abc", header=b"\x80", wall=0.0) if journal else None
        executors = {executor: make_executor(executor)}
        workplace = Workplace(folder=place, state=place, slots=2, run="bench")
        seconds, state = timed(lambda: Run(plan, executors, workplace=workplace, journal=book).drive())
        if book is not None:
            book.close()
    assert state.done == len(plan), state.reason
    return seconds, state.values


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def compare(name: str, deps: Deps, executor: str, rounds: int) -> None:
    plan = plan_of(deps, executor)
    ways: dict[str, Callable[[], tuple[float, Any]]] = {
        "loop": lambda: timed(lambda: bare_loop(deps)),
        "plan": lambda: timed(lambda: plan_of(deps, executor) and None),
        "run": lambda: engine_run(plan, executor, False),
        "journal": lambda: engine_run(plan, executor, True),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    expected = bare_loop(deps)
    for _ in range(rounds):
        for way, call in ways.items():
            took, value = call()
            assert value is None or list(value) == expected, f"{name}, {way}: wrong values"
            seconds[way].append(took)
    floor = statistics.median(seconds["loop"])
    cells = [f"{statistics.median(seconds[way]) / floor:5.1f} x" for way in ("run", "journal", "plan")]
    micros = floor / len(deps) * 1e6
    print(f"{name:<18} {micros:6.2f} us   {cells[0]:>8}  {cells[1]:>8}  {cells[2]:>8}", flush=True)


def plan_of(deps: Deps, executor: str) -> Plan:
    return simple_plan([node] * len(deps), deps, executor)


def peak_memory(count: int) -> float:
    """MiB of a fresh process that plans and runs `count` layered nodes."""
    code = (
        f"import resource, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import bench_engine as b;"
        f"b.engine_run(b.plan_of(b.layered({count}), 'inline'), 'inline', True);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", action="store_true")
    args = parser.parse_args()
    executor = "threads" if args.threads else "inline"
    print(f"{executor:<18} {'bare loop':>9}   {'engine':>8}  {'+journal':>8}  {'planning':>8}")
    for name, make in (("fan", fan), ("chain", chain), ("layered", layered)):
        compare(f"{name} 10,000", make(10_000), executor, args.rounds)
    compare("layered 100,000", layered(100_000), executor, 3)
    if not args.threads:
        print(f"peak memory, layered 100,000 with journal: {peak_memory(100_000):.0f} MiB")


if __name__ == "__main__":
    main()
