"""How long the command takes to start: `flowloom --version` and `flowloom check`, beside `python -c pass`.

    python tests/benchmarks/bench_start.py [--nodes 1000] [--rounds 15]

Each figure is process time (user and system) of a fresh process, interleaved with the others; the least of all rounds is
what the work costs, the median what a busy machine makes of it. The floor is subtracted in the last column. It also
says which heavy packages a check imports (there should be none).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("textual", "rich", "networkx", "zmq", "dask", "tomlkit", "dill", "asyncio", "sqlite3")
LIMITS = {"flowloom --version": 0.15, "flowloom check": 0.3}
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
    before = os.times()
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


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
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "flowloom --version": [sys.executable, "-c", FLOWLOOM, "--version"],
            "flowloom check": [sys.executable, "-c", FLOWLOOM, "check", str(project)],
        }
        for words in commands.values():
            process_time(words)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(asked.rounds):
            for name, words in commands.items():
                times[name].append(process_time(words))
        heavy = heavy_imports(project)
    floor = min(times["python -c pass"])
    print(f"{asked.nodes:,} nodes, {asked.rounds} rounds, Python {sys.version.split()[0]}; process seconds")
    print(f"{'':<20} {'least':>7} {'median':>7} {'beside':>7} {'limit':>7}")
    for name, found in times.items():
        limit = LIMITS.get(name)
        beside = min(found) - floor
        mark = "" if limit is None else f"{limit:7.2f}  {'ok' if beside <= limit else 'OVER'}"
        print(f"{name:<20} {min(found):7.3f} {statistics.median(found):7.3f} {beside:7.3f} {mark}")
    print(f"heavy packages imported by check: {', '.join(heavy) or 'none'}")


if __name__ == "__main__":
    main()
