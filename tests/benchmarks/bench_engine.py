"""What the engine costs per node, beside the bare loop, in one process and one run.

    python tests/benchmarks/bench_engine.py            # fan, chain and layered of 10,000 nodes, all three of 100,000
    python tests/benchmarks/bench_engine.py --threads  # the same on two threads
    python tests/benchmarks/bench_engine.py --million  # memory of 1,000,000 layered nodes, for a minute or two

The floor is Kahn's algorithm with the functions called in place: nothing recorded, nothing checked. Ours is a whole run of
a ready plan: states, times, metrics, events, retries that could happen; with the journal, everything is on disk as well.
Making the plan is shown beside. All ways take turns in several rounds; each figure is the least of its rounds over the
least of the floor's, which a busy machine disturbs less than means: once by the clock, once by the processor time of all
threads, which others on the same machine disturb least. Targets: 5 x without the journal, 7 x with it, 200 MiB
for 100,000 nodes, 2 KB for each of a million.
"""

from __future__ import annotations

import argparse
import gc
import random
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
Took = tuple[float, float]
"""Seconds by the clock, and of processor time."""
TARGETS = {"run": 5.0, "journal": 7.0}


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


def engine_run(plan: Plan, executor: str, journal: bool) -> tuple[Took, list[Any]]:
    """Time and values of one run of a ready plan. Folders and the empty journal are made before the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        book = Journal.create(place / "run", "20260101-000000-abc", header=b"\x80", wall=0.0) if journal else None
        executors = {executor: make_executor(executor)}
        workplace = Workplace(folder=place, state=place, slots=2, run="bench")
        took, state = timed(lambda: Run(plan, executors, workplace=workplace, journal=book).drive())
        if book is not None:
            book.close()
    assert state.done == len(plan), state.reason
    return took, state.values


def timed(call: Callable[[], Any]) -> tuple[Took, Any]:
    gc.collect()
    clock, processor = time.perf_counter(), time.process_time()
    value = call()
    return (time.perf_counter() - clock, time.process_time() - processor), value


def compare(name: str, deps: Deps, executor: str, rounds: int) -> None:
    plan = plan_of(deps, executor)
    ways: dict[str, Callable[[], tuple[Took, Any]]] = {
        "loop": lambda: timed(lambda: bare_loop(deps)),
        "plan": lambda: timed(lambda: plan_of(deps, executor) and None),
        "run": lambda: engine_run(plan, executor, False),
        "journal": lambda: engine_run(plan, executor, True),
    }
    found: dict[str, list[Took]] = {way: [] for way in ways}
    expected = bare_loop(deps)
    for _ in range(rounds):
        for way, call in ways.items():
            took, value = call()
            assert value is None or list(value) == expected, f"{name}, {way}: wrong values"
            found[way].append(took)
    clock = {way: min(took[0] for took in rounds_) for way, rounds_ in found.items()}
    processor = {way: min(took[1] for took in rounds_) for way, rounds_ in found.items()}
    cells = [f"{name:<16} {clock['loop'] / len(deps) * 1e6:5.2f} us"]
    for way, target in TARGETS.items():
        ratio, lean = clock[way] / clock["loop"], processor[way] / processor["loop"]
        cells.append(f"{ratio:5.1f} x  {lean:4.1f} x {verdict(lean, target)}")
    print("   ".join([*cells, f"{clock['plan'] / clock['loop']:4.1f} x"]), flush=True)


def verdict(figure: float, target: float) -> str:
    return f"(target {target:g}, {'met' if figure <= target else 'MISSED'})"


def plan_of(deps: Deps, executor: str) -> Plan:
    return simple_plan([node] * len(deps), deps, executor)


def peak_memory(count: int, journal: bool = True) -> float:
    """MiB that a fresh process needs at most to plan and run `count` layered nodes."""
    code = (
        f"import resource, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import bench_engine as b;"
        f"b.engine_run(b.plan_of(b.layered({count}), 'inline'), 'inline', {journal}) if {count} else None;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--million", action="store_true")
    args = parser.parse_args()
    if args.million:
        bare, whole = peak_memory(0), peak_memory(1_000_000)
        each = (whole - bare) * 1024 / 1_000_000
        print(f"layered 1,000,000 with journal: peak {whole:.0f} MiB, {bare:.0f} of them without a node", end="; ")
        print(f"{each:.2f} KB each {verdict(each, 2.0)}")
        return
    executor = "threads" if args.threads else "inline"
    print(f"{executor:<16} {'bare loop':>8}   {'engine: clock, processor':<36}{'with journal':<36}planning")
    for name, make in (("fan", fan), ("chain", chain), ("layered", layered)):
        compare(f"{name} 10,000", make(10_000), executor, args.rounds)
    for name, make in (("fan", fan), ("chain", chain), ("layered", layered)):
        compare(f"{name} 100,000", make(100_000), executor, 3)
    if not args.threads:
        peak = peak_memory(100_000)
        print(f"peak memory, layered 100,000 with journal: {peak:.0f} MiB {verdict(peak, 200.0)}")


if __name__ == "__main__":
    main()
