"""Agents beside plain ZeroMQ and beside others, in one run: `python tests/benchmarks/bench_agents.py [--quick]`.

Two workers each, on this machine. Ours goes the whole way: machine, journal (SQLite, durable), coordinator, CURVE, agent,
child; its functions belong to no module that a worker can import, so they travel by value. Two floors, see `zmq_floor`:

    like    the same conditions: CURVE, the function by value in every task, which is what "ZeroMQ and dill" does with
            functions of a script.
    bare    no encryption, and a function that the worker can import by name: nothing can be cheaper with dill.
            The goals are ratios to this one.

Rounds are interleaved, and each figure is the median. Workloads:

    fan       10,000 independent no-ops and one node that reads them all    beside `zmq plain`
    chain     1,000 no-ops, each reading the one before                     beside `zmq child`
    layered   100 x 100, each node reading 3 of the layer above             beside `zmq plain`
    scale     1,000 x 100 (--scale)                                         beside `zmq plain`
    round     one no-op submitted and awaited, 300 times                    beside `zmq child`
    payload   60 tasks that take and return 1 MiB                           beside `zmq plain`

`--peers PYTHON` adds dask.distributed, Parsl's HTEX (encrypted) and executorlib as far as that Python has them; try

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install distributed parsl executorlib
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import workloads
from workloads import MIB, Deps, chain, fan, functions_of_a_script, layered
from zmq_floor import WORKERS, Floor

from agents.executor import AgentsExecutor
from engine.attempt import Attempt, Outcome, Work
from engine.executors.contract import Workplace
from engine.machine.state import WorkflowState
from engine.plan import LaneSpec, Plan
from engine.runner.run import Run
from engine.store.journal import Journal

HERE = Path(__file__).resolve().parent
PEERS = ("dask", "parsl", "executorlib")


# ---------------------------------------------------------------- ours


class Ours:
    """An executor that stays open over all rounds, as agents do, and a fresh run with a journal for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.executor = _Lasting()
        self.report: Callable[[Any], None] = lambda news: None
        workplace = Workplace(folder=folder, state=folder / "state", slots=WORKERS, run="bench")
        self.executor.begin(workplace)
        self.works = {
            name: Work(function=function, executor="agents", wants_context=False)
            for name, function in functions_of_a_script().items()
            if name in ("noop", "echo")
        }
        self.numbers = iter(range(1 << 20, 1 << 30))

    def run(self, deps: Deps) -> None:
        self.count += 1
        plan = Plan([f"n{i}" for i in range(len(deps))], [self.works["noop"]] * len(deps), list(deps))
        plan.lanes.append(LaneSpec("agents"))
        plan.check_order()
        folder = self.folder / f"run{self.count}"
        journal = Journal.create(folder, "bench", header=b"", wall=time.time())
        workplace = Workplace(folder=self.folder, state=folder, slots=WORKERS, run="bench")
        run = Run(plan, {"agents": self.executor}, workplace=workplace, journal=journal)
        state = run.drive()
        journal.close()
        assert state.state is WorkflowState.COMPLETED, state.state

    def calls(self, work: str, values: Sequence[Any], together: int) -> None:
        """Calls without a machine: `together` at a time."""
        news = threading.Semaphore(0)
        failed: list[Outcome] = []

        def report(pieces: Any) -> None:
            for piece in pieces:
                if type(piece) is Outcome:
                    if piece.kind != "completed":
                        failed.append(piece)
                    news.release()

        self.executor.hears(report)
        for index, value in enumerate(values):
            if index >= together:
                news.acquire()
            args = () if value is None else (value,)
            self.executor.start([Attempt(next(self.numbers), 1, self.works[work], args, {}, "call", {})])
        for _ in range(min(together, len(values))):
            news.acquire()
        assert not failed, failed[0].error

    def close(self) -> None:
        self.executor.end()


class _Lasting(AgentsExecutor):
    """Runs come and go; the agents stay."""

    def begin(self, workplace: Workplace) -> None:
        super().open(workplace, lambda news: None)

    def open(self, workplace: Workplace, report: Any) -> None:
        self.hears(report)

    def hears(self, report: Any) -> None:
        self._report = self._turn = report

    def close(self, grace: float = 5.0) -> None:
        pass

    def end(self) -> None:
        super().close()


# ---------------------------------------------------------------- measuring


class Everybody:
    """Ours and the floors, alive together, measured in turns."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.rounds = rounds
        self.script = functions_of_a_script()
        self.ours = Ours(folder)
        self.like = {mode: Floor(mode, curve=True) for mode in ("plain", "child")}
        self.bare = {mode: Floor(mode, curve=False) for mode in ("plain", "child")}

    def warm_up(self) -> None:
        for floor in (*self.like.values(), *self.bare.values()):
            floor.run(fan(200), workloads.noop)
        self.ours.run(fan(500))
        self.ours.calls("echo", [MIB] * 4, 4)

    def graph(self, name: str, deps: Deps, floor: str, goal: float) -> None:
        self.compare(
            name,
            len(deps),
            lambda: self.ours.run(deps),
            lambda: self.like[floor].run(deps, self.script["noop"]),
            lambda: self.bare[floor].run(deps, workloads.noop),
            goal,
        )

    def round_trips(self, count: int, goal: float) -> None:
        def floor(which: Floor, function: Any) -> None:
            for _ in range(count):
                which.run([()], function)

        self.compare(
            "round",
            count,
            lambda: self.ours.calls("noop", [None] * count, 1),
            lambda: floor(self.like["child"], self.script["noop"]),
            lambda: floor(self.bare["child"], workloads.noop),
            goal,
        )

    def payloads(self, count: int, goal: float) -> None:
        self.compare(
            "payload",
            count,
            lambda: self.ours.calls("echo", [bytes(MIB) for _ in range(count)], 8),
            lambda: self.like["plain"].run([()] * count, self.script["echo"], MIB, 4),
            lambda: self.bare["plain"].run([()] * count, workloads.echo, MIB, 4),
            goal,
        )

    def compare(
        self,
        name: str,
        tasks: int,
        ours: Callable[[], Any],
        like: Callable[[], Any],
        bare: Callable[[], Any],
        goal: float,
    ) -> None:
        times: list[list[float]] = [[], [], []]
        for _ in range(self.rounds):
            for row, one in zip(times, (ours, like, bare), strict=True):
                row.append(seconds(one) / tasks * 1e6)
        mine, alike, naked = (statistics.median(row) for row in times)
        print(
            f"{name:<9}{mine:>10.1f}{alike:>10.1f}{naked:>10.1f}{mine / alike:>9.2f}x{mine / naked:>9.2f}x{goal:>7.2f}x",
            flush=True,
        )

    def close(self) -> None:
        for one in (self.ours, *self.like.values(), *self.bare.values()):
            one.close()


def seconds(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


@contextlib.contextmanager
def everybody(rounds: int) -> Iterator[Everybody]:
    with tempfile.TemporaryDirectory() as folder:
        them = Everybody(Path(folder), rounds)
        try:
            yield them
        finally:
            them.close()


def others(python: str) -> None:
    """What other engines take, in microseconds a task; each in a process of its own."""
    print(
        f"\n{'':<14}" + "".join(f"{name:>10}" for name in ("fan", "chain", "layered", "round", "payload")) + "   (us)"
    )
    # Some of them start programs of their environment by name, and all import the functions in their workers.
    environ = {**os.environ, "PATH": f"{Path(python).parent}:{os.environ['PATH']}", "PYTHONPATH": str(HERE)}
    for name in PEERS:
        command = [python, "-W", "ignore", str(HERE / "peers.py"), name]
        try:
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=170)
            figures = json.loads(done.stdout.strip().splitlines()[-1])
        except subprocess.TimeoutExpired:
            print(f"{name:<14}took longer than 170 s")
        except (OSError, IndexError, ValueError):
            words = done.stderr.strip().splitlines()[-1:] if done.stderr else ["no output"]
            print(f"{name:<14}is not there: {words[0]}")
        else:
            print(f"{name:<14}" + "".join(f"{figure * 1e6:>10,.0f}" for figure in figures.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", action="store_true", help="100,000 nodes as well")
    parser.add_argument("--only", nargs="+", default=[], help="some of the workloads")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has the peers")
    options = parser.parse_args()
    few = 10 if options.quick else 1
    acts: dict[str, Callable[[Everybody], None]] = {
        "fan": lambda all_: all_.graph("fan", fan(10_000 // few), "plain", 0.15),
        "chain": lambda all_: all_.graph("chain", chain(1000 // few), "child", 1.3),
        "layered": lambda all_: all_.graph("layered", layered(100 // few, 100), "plain", 0.3),
        "round": lambda all_: all_.round_trips(300 // few, 1.3),
        "payload": lambda all_: all_.payloads(60 // few, 2.2),
        "scale": lambda all_: all_.graph("scale", layered(1000 // few, 100), "plain", 0.3),
    }
    chosen = options.only or [name for name in acts if name != "scale" or options.scale]
    with everybody(1 if options.quick else options.rounds) as them:
        them.warm_up()
        print(f"load {os.getloadavg()[0]:.1f}; microseconds a task")
        print(f"{'':<9}{'ours':>10}{'like':>10}{'bare':>10}{'/like':>10}{'/bare':>10}{'goal':>8}")
        for name in chosen:
            acts[name](them)
    if options.peers:
        others(options.peers)
    else:
        print("\npeers: none named; --peers PYTHON adds them")


if __name__ == "__main__":
    main()
