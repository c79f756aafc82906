"""Agents beside plain ZeroMQ, in one run: `python tests/benchmarks/bench_agents.py [--quick] [--peers]`.

Two workers each, loopback or Unix sockets, functions by value. Floors of our own making:

    zmq dill    ROUTER and two DEALERs, dill((function, args)) for every task, the function importable there
    zmq child   the same with a child process on a pipe behind each DEALER, as user code must not run where the protocol
                is spoken; one small message each way

Ours goes the whole way: machine, journal (SQLite, durable), coordinator, CURVE, agent, child. Rounds are interleaved and
each figure is the median; what counts is the ratio. Workloads:

    fan       10,000 independent no-ops and one node that reads them all
    chain     1,000 no-ops, each reading the one before
    layered   100 x 100, each node reading 3 of the layer above
    round     one no-op submitted and awaited, 300 times
    payload   60 tasks that take and return 1 MiB
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import dill
import zmq

from agents.executor import AgentsExecutor
from engine.attempt import Attempt, Outcome, Work
from engine.executors.contract import Workplace
from engine.machine.state import WorkflowState
from engine.plan import LaneSpec, Plan
from engine.runner.run import Run
from engine.store.journal import Journal

WORKERS = 2
WINDOW = 64
MIB = bytes(1 << 20)


def noop(*values: Any) -> int:
    return 1


def echo(blob: Any) -> Any:
    return blob


# ---------------------------------------------------------------- graphs


def fan(count: int) -> list[tuple[int, ...]]:
    return [()] * count + [tuple(range(count))]


def chain(count: int) -> list[tuple[int, ...]]:
    return [(i - 1,) if i else () for i in range(count)]


def layered(layers: int, width: int) -> list[tuple[int, ...]]:
    deps: list[tuple[int, ...]] = [()] * width
    for layer in range(1, layers):
        above = (layer - 1) * width
        deps += [tuple(above + (i + step) % width for step in (0, 1, 7)) for i in range(width)]
    return deps


# ---------------------------------------------------------------- floors


class Floor:
    """A Kahn loop over a ROUTER and two workers; every task one message."""

    def __init__(self, mode: str) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        command = [sys.executable, __file__, "--worker", mode, str(port)]
        self.processes = [subprocess.Popen(command) for _ in range(WORKERS)]
        self.load = {self.socket.recv_multipart()[0]: 0 for _ in self.processes}

    def run(
        self, deps: Sequence[tuple[int, ...]], function: Any = noop, value: Any = None, window: int = WINDOW
    ) -> None:
        waiting = [len(row) for row in deps]
        after: list[list[int]] = [[] for _ in deps]
        for node, row in enumerate(deps):
            for above in row:
                after[above].append(node)
        values: list[Any] = [None] * len(deps)
        ready = deque(node for node, count in enumerate(waiting) if not count)
        done = 0
        load, socket = self.load, self.socket
        while done < len(deps):
            for worker, count in load.items():
                while ready and count < window:
                    node = ready.popleft()
                    args = (value,) if value is not None else tuple([values[above] for above in deps[node]])
                    socket.send_multipart(
                        [worker, node.to_bytes(4, "big"), dill.dumps((function, args))], copy=value is None
                    )
                    count += 1
                load[worker] = count
            worker, number, body = socket.recv_multipart()
            node = int.from_bytes(number, "big")
            values[node] = dill.loads(body)
            load[worker] -= 1
            done += 1
            for below in after[node]:
                waiting[below] -= 1
                if not waiting[below]:
                    ready.append(below)

    def close(self) -> None:
        for worker in self.load:
            self.socket.send_multipart([worker, b"", b""])
        for process in self.processes:
            process.wait(10)
        self.context.destroy(linger=0)


def serve(mode: str, port: str) -> None:
    """A floor's worker: calls the function itself, or has a child on a pipe do it."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(f"tcp://127.0.0.1:{port}")
    child = None
    if mode == "child":
        child = subprocess.Popen([sys.executable, __file__, "--child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    socket.send(b"ready")
    while True:
        number, body = socket.recv_multipart()
        if not number:
            break
        if child is None:
            function, args = dill.loads(body)
            socket.send_multipart([number, dill.dumps(function(*args))])
        else:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(len(body).to_bytes(4, "big") + body)
            child.stdin.flush()
            size = int.from_bytes(child.stdout.read(4), "big")
            socket.send_multipart([number, child.stdout.read(size)])
    if child is not None:
        child.communicate()
    context.destroy(linger=0)


def serve_child() -> None:
    """The end of the floor's pipe."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        function, args = dill.loads(source.read(int.from_bytes(head, "big")))
        body = dill.dumps(function(*args))
        sink.write(len(body).to_bytes(4, "big") + body)
        sink.flush()


# ---------------------------------------------------------------- ours


class Ours:
    """An executor that stays open over all rounds, as agents do, and a fresh run with a journal for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.executor = _Lasting()
        self.report: Callable[[Any], None] = lambda news: None
        # By value: the function belongs to a module that no child can import.
        scope: dict[str, Any] = {"__name__": "nowhere"}
        exec("def noop(*values):\n    return 1\ndef echo(blob):\n    return blob\n", scope)
        self.noop, self.echo = scope["noop"], scope["echo"]
        workplace = Workplace(folder=folder, state=folder / "state", slots=WORKERS, run="bench")
        self.executor.begin(workplace)
        self.works = {
            "noop": Work(function=self.noop, executor="agents", wants_context=False),
            "echo": Work(function=self.echo, executor="agents", wants_context=False),
        }
        self.numbers = iter(range(1 << 20, 1 << 30))

    def run(self, deps: Sequence[tuple[int, ...]]) -> None:
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
        self._report = report

    def hears(self, report: Any) -> None:
        self._report = report

    def close(self, grace: float = 5.0) -> None:
        pass

    def end(self) -> None:
        super().close()


# ---------------------------------------------------------------- measuring


def seconds(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


@contextlib.contextmanager
def everybody() -> Iterator[tuple[Floor, Floor, Ours]]:
    with tempfile.TemporaryDirectory() as folder:
        plain, child, ours = Floor("plain"), Floor("child"), Ours(Path(folder))
        try:
            yield plain, child, ours
        finally:
            for one in (plain, child, ours):
                one.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", action="store_true", help="100,000 nodes as well")
    options = parser.parse_args()
    few = 10 if options.quick else 1
    rounds = 1 if options.quick else options.rounds
    graphs = {
        "fan": (fan(10_000 // few), 0.15, "dill"),
        "chain": (chain(1000 // few), 1.3, "child"),
        "layered": (layered(100 // few, 100), 0.3, "dill"),
    }
    if options.scale:
        graphs["scale"] = (layered(1000, 100), 0.3, "dill")
    trips, blobs = 300 // few, 60 // few
    with everybody() as (plain, child, ours):
        floors = {"dill": plain, "child": child}
        for floor in floors.values():
            floor.run(fan(200))
        ours.run(fan(500))
        ours.calls("echo", [MIB] * 4, 4)
        print(f"{'':<10}{'ours':>12}{'floor':>12}{'ratio':>9}{'goal':>8}   load {os.getloadavg()[0]:.1f}")
        for name, (deps, goal, floor) in graphs.items():
            mine, theirs = [], []
            for _ in range(rounds):
                theirs.append(seconds(partial(floors[floor].run, deps)) / len(deps))
                mine.append(seconds(partial(ours.run, deps)) / len(deps))
            tell(name, mine, theirs, goal, floor)
        mine, theirs = [], []
        for _ in range(rounds):
            theirs.append(seconds(lambda: [child.run([()]) for _ in range(trips)]) / trips)
            mine.append(seconds(lambda: ours.calls("noop", [None] * trips, 1)) / trips)
        tell("round", mine, theirs, 1.3, "child")
        mine, theirs = [], []
        for _ in range(rounds):
            theirs.append(seconds(lambda: plain.run([()] * blobs, echo, MIB, 4)) / blobs)
            mine.append(seconds(lambda: ours.calls("echo", [bytes(MIB) for _ in range(blobs)], 8)) / blobs)
        tell("payload", mine, theirs, 2.2, "dill")


def tell(name: str, mine: list[float], theirs: list[float], goal: float, floor: str) -> None:
    ours, other = statistics.median(mine) * 1e6, statistics.median(theirs) * 1e6
    print(f"{name:<10}{ours:>9.1f} us{other:>9.1f} us{ours / other:>8.2f}x{goal:>7.2f}x   zmq {floor}", flush=True)


if __name__ == "__main__":
    if "--worker" in sys.argv:
        serve(*sys.argv[sys.argv.index("--worker") + 1 :])
    elif "--child" in sys.argv:
        serve_child()
    else:
        main()
