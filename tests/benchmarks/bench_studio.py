"""How fast the studio is there, and answers: a real process on a pty, to the last byte, beside an empty Textual app.

    python tests/benchmarks/bench_studio.py

Every figure is the median of a few rounds, in seconds from the start of the process (or from the key), with the empty app
measured in the same round. Byte code is compiled before the first round, as it is on any machine the second time.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.studio.terminals import Terminal, studio_on  # noqa: E402

ROUNDS = 4
SIZE = (160, 50)
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("hello")
Bare().run()
"""


def layered(nodes: int, width: int = 25) -> str:
    """A project of so many nodes in layers, each taking from one to three of the layer before."""
    chance = random.Random(7)
    rows = ["format = 1", "[project]", 'name = "layered"']
    for number in range(nodes):
        rows += [f"[nodes.n{number:04}]", 'task = "tasks:one"']
        before = range(number // width * width - width, number // width * width)
        if before.start >= 0:
            taken = chance.sample(before, chance.randint(1, 3))
            rows.append("inputs = { " + ", ".join(f'a{at} = "n{node:04}"' for at, node in enumerate(taken)) + " }")
    return "\n".join(rows) + "\n"


def seconds_until(terminal: Terminal, began: float, mark: bytes, quiet: float) -> tuple[float, float]:
    """When `mark` was on the screen, and when the last byte came."""
    seen = last = 0.0
    while time.perf_counter() - began < 20:
        data = terminal.read(quiet=0.001, most=0.05)
        now = time.perf_counter()
        if data:
            last = now
        if not seen and mark in terminal.sent:
            seen = now
        if seen and now - last > quiet:
            break
    return seen - began, last - began


def start(make: Callable[[], Terminal], mark: bytes, quiet: float = 0.4) -> tuple[float, float, Terminal]:
    """Start a program; seconds to its mark and to its last byte."""
    began = time.perf_counter()
    terminal = make()
    seen, last = seconds_until(terminal, began, mark, quiet)
    return seen, last, terminal


def key_seconds(terminal: Terminal, key: str) -> float:
    """From a key to the last byte of what it changed."""
    began = time.perf_counter()
    os.write(terminal.fd, key.encode())
    last = began
    while time.perf_counter() - last < 0.08:
        if terminal.read(quiet=0.001, most=0.01):
            last = time.perf_counter()
    return last - began


def resident(pid: int) -> float:
    """MB that a process holds."""
    for row in Path(f"/proc/{pid}/status").read_text().splitlines():
        if row.startswith("VmRSS"):
            return int(row.split()[1]) / 1000
    return 0.0


def stop(terminal: Terminal) -> None:
    """End a program without its knowing, so that it remembers nothing for the next round."""
    terminal.end(0)


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="flowloom-bench-"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ |= {"PYTHONPYCACHEPREFIX": str(home / "code"), "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    folder = home / "layered"
    folder.mkdir()
    (folder / "project.toml").write_text(layered(1000))
    (folder / "tasks.py").write_text("def one(**values):\n    return 1\n")
    rows: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        found: dict[str, float] = {}
        _, found["empty Textual app, last byte"], bare = start(
            lambda: Terminal([sys.executable, "-c", BARE], size=SIZE), b"hello"
        )
        stop(bare)
        seen, last, welcome = start(lambda: studio_on(None, size=SIZE), b"Opening a project")
        found["empty studio, first paint"], found["empty studio, last byte"] = seen, last
        stop(welcome)
        seen, last, large = start(lambda: studio_on(folder / "project.toml", size=SIZE), b"n0000")
        found["1,000 nodes, graph on the screen"], found["1,000 nodes, last byte"] = seen, last
        keys = [key_seconds(large, key) for key in ("\x1b[C", "\x1b[B", "\x1b[C", "\x1b[A", "\x1b[D") for _ in range(2)]
        found["1,000 nodes, arrow to last byte"] = statistics.median(keys)
        for key in ("\r", "G", *"kkkkk", "\r"):  # the inspector, its description, into it
            key_seconds(large, key)
        found["1,000 nodes, letter in a field"] = statistics.median(key_seconds(large, key) for key in "abcdefghij")
        for key in ("\x1b", "\x1b", "T", "\r", "G", *"kkkkk", "\r"):
            key_seconds(large, key)
        letters = [key_seconds(large, key) for key in "klmnopqrst"]
        found["the same with the TOML drawer open"] = statistics.median(letters)
        found["1,000 nodes, MB resident"] = resident(large.pid)
        stop(large)
        shutil.rmtree(home / "flowloom", ignore_errors=True)  # the draft that it kept would be offered
        if number:
            for name, value in found.items():
                rows.setdefault(name, []).append(value)
    for name, values in rows.items():
        unit = "" if "MB" in name else " s"
        print(f"{name:<36}{statistics.median(values):>9.3f}{unit}   ({min(values):.3f} to {max(values):.3f})")


if __name__ == "__main__":
    main()
