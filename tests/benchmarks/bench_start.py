"""How long the command takes to start: `--version`, `check`, and `run` until its first task, beside `python -c pass`.

    python tests/benchmarks/bench_start.py [--nodes 1000] [--rounds 15]

Figures of `--version` and `check` are process time (user and system) of a fresh process; those of `run` are the time on
the clock from the start of the process to the moment at which its first task is done (`inline`, and in two children).
All are interleaved; the least of all rounds is what the work costs, the median what a busy machine makes of it. `beside`
is the least less that of the floor, and what the target is about; `ratio` is the least over the floor. It also says which
heavy packages a check imports (there should be none).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("textual", "rich", "networkx", "zmq", "dask", "tomlkit", "dill", "asyncio", "sqlite3")
LIMITS = {"flowloom --version": 0.15, "flowloom check": 0.3, "run, inline": 0.2, "run, two children": 0.4}
FIRST = """format = 1
[project]
name = "first"
[nodes.first]
task = "tasks:work"
"""
TASK = """import time
def work():
    with open(__file__ + ".done", "w") as file:
        file.write(repr(time.monotonic()))
"""
# An installed package has its bytecode; where writing it is forbidden, nothing here would be measured but the compiler.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
FLOWLOOM = "import sys; from studio.cli import main; sys.exit(main(sys.argv[1:]))"


def project_of(nodes: int, folder: Path) -> Path:
    """A project as people write them: tasks with inputs, args with references, some retries and timeouts."""
    lines = ["format = 1", "[project]", 'name = "wide"', "[params]", "scale = 3", ""]
    for i in range(nodes):
        lines += [f"[nodes.n{i}]", 'task = "tasks:work"']
        if i:
            lines.append(f'inputs = {{ x = "n{i - 1 if i % 7 else i // 2}" }}')
        lines.append(f'args = {{ scale = "${{params.scale}}", label = "node {i}" }}')
        if i % 10 == 0:
            lines += ["retry = { max_retries = 2 }", 'timeout = "5m"']
        lines.append("")
    (folder / "project.toml").write_text("\n".join(lines))
    (folder / "tasks.py").write_text("def work(x=None, scale=1, label=''):\n    return x\n")
    return folder


def process_time(words: list[str]) -> float:
    """Seconds of user and system time of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_task(words: list[str], folder: Path) -> float:
    """Seconds on the clock until the first task of a run is done."""
    began = time.monotonic()
    subprocess.run([*words, str(folder)], check=True, capture_output=True, cwd=ROOT, env=ENVIRONMENT)
    return float((folder / "tasks.py.done").read_text()) - began


def heavy_imports(project: Path) -> list[str]:
    """Heavy packages that a check has loaded when it ends."""
    check = f"import sys; from studio.cli import main; main(['check', {str(project)!r}])"
    code = f"{check}; print(*[name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    return told.stdout.split()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        project = project_of(asked.nodes, Path(place))
        first = Path(place) / "first"
        first.mkdir()
        (first / "project.toml").write_text(FIRST)
        (first / "tasks.py").write_text(TASK)
        run = [sys.executable, "-c", FLOWLOOM, "run", "-q", "--executor"]
        ways: dict[str, Callable[[], float]] = {
            "python -c pass": lambda: process_time([sys.executable, "-c", "pass"]),
            "flowloom --version": lambda: process_time([sys.executable, "-c", FLOWLOOM, "--version"]),
            "flowloom check": lambda: process_time([sys.executable, "-c", FLOWLOOM, "check", str(project)]),
            "run, inline": lambda: first_task([*run, "inline"], first),
            "run, two children": lambda: first_task([*run, "processes", "-j", "2"], first),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(asked.rounds + 1):
            for name, measure in ways.items():
                took = measure()
                if number:  # the first round fills the caches
                    times[name].append(took)
        heavy = heavy_imports(project)
    floor = min(times["python -c pass"])
    print(f"{asked.nodes:,} nodes, {asked.rounds} rounds, Python {sys.version.split()[0]}; seconds")
    print(f"{'':<20} {'least':>7} {'median':>7} {'ratio':>7} {'beside':>7} {'target':>7}")
    for name, found in times.items():
        limit = LIMITS.get(name)
        beside = min(found) - floor
        mark = "" if limit is None else f"{limit:7.2f}  {'met' if beside <= limit else 'MISSED'}"
        least = min(found)
        print(f"{name:<20} {least:7.3f} {statistics.median(found):7.3f} {least / floor:6.1f}x {beside:7.3f} {mark}")
    print(f"heavy packages imported by check: {', '.join(heavy) or 'none'}")


if __name__ == "__main__":
    main()
