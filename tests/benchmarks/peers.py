"""Other people's engines on the same workloads, two workers each: `python peers.py NAME`, in an environment that has them.

`bench_agents.py --peers PYTHON` runs this with that Python, and says so where a package is missing. It prints one JSON
object: seconds a task for each workload. They are slower by far, so they get fewer tasks.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from workloads import MIB, Deps, Frontier, chain, echo, fan, layered, noop

Submit = Callable[..., Any]


@contextlib.contextmanager
def dask() -> Iterator[Submit]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            processes=True, n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as here,
        Client(here) as client,
    ):
        client.wait_for_workers(2)
        pool = client.get_executor(pure=False)
        yield pool.submit


@contextlib.contextmanager
def parsl() -> Iterator[Submit]:
    import parsl as library
    from parsl import HighThroughputExecutor, python_app
    from parsl.config import Config
    from parsl.providers import LocalProvider

    with tempfile.TemporaryDirectory() as folder:
        workers = HighThroughputExecutor(
            address="127.0.0.1",
            loopback_address="127.0.0.1",
            max_workers_per_node=2,
            encrypted=True,
            provider=LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1),
        )
        library.load(Config(executors=[workers], run_dir=folder, initialize_logging=False, strategy="none"))
        apps: dict[Any, Any] = {}
        try:
            yield lambda function, *args: apps.setdefault(function, python_app(function))(*args)
        finally:
            library.dfk().cleanup()


@contextlib.contextmanager
def executorlib() -> Iterator[Submit]:
    from executorlib import SingleNodeExecutor

    with SingleNodeExecutor(max_workers=2, block_allocation=True, hostname_localhost=True) as pool:
        yield pool.submit


PEERS = {"dask": dask, "parsl": parsl, "executorlib": executorlib}


def run(submit: Submit, deps: Deps) -> None:
    """Submit each node when its inputs are there, as somebody does who has futures and no engine."""
    frontier = Frontier(deps)
    values: dict[int, Any] = {}
    running = {}
    ready = frontier.ready
    while ready or running:
        for node in ready:
            running[submit(noop, *[values[above] for above in deps[node]])] = node
        ready = []
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            node = running.pop(future)
            values[node] = future.result()
            ready += frontier.finish(node)


def echo_all(submit: Submit, count: int) -> None:
    for future in [submit(echo, MIB[:-1] + bytes([index])) for index in range(count)]:
        future.result()


def seconds(function: Callable[[], Any], tasks: int) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        function()
        times.append((time.perf_counter() - began) / tasks)
    return statistics.median(times)


def main(name: str) -> None:
    found = {}
    with PEERS[name]() as submit:
        run(submit, fan(20))
        found["fan"] = seconds(lambda: run(submit, fan(500)), 500)
        found["chain"] = seconds(lambda: run(submit, chain(50)), 50)
        found["layered"] = seconds(lambda: run(submit, layered(5, 100)), 500)
        found["round"] = seconds(lambda: [submit(noop).result() for _ in range(30)], 30)
        found["payload"] = seconds(lambda: echo_all(submit, 10), 10)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
