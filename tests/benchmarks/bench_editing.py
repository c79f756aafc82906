"""How fast the canvas answers a hand that edits: a real studio on a pty, from the key that ends a gesture to the last byte.

    python tests/benchmarks/bench_editing.py [NODES ...]

Beside it, in the same rounds, an empty Textual app that writes one line for each key: nothing made of Textual can answer
sooner. Figures are milliseconds: median, 95th percentile, and the least. Cards are shown, so edges are routed and drawn.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.bench_studio import SIZE, layered, seconds_until, stop  # noqa: E402
from tests.studio.terminals import Terminal, studio_on  # noqa: E402

ROUNDS = 10
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("hello")
    def on_key(self, event):
        self.query_one(Static).update(event.key * 40)
Bare().run()
"""
AIMS = {1000: {"move": 16, "select": 6, "add": 16, "connect": 16, "delete": 16, "undo": 16}}
AIMS[5000] = {"move": 20, "select": 8, "add": 20, "connect": 20, "delete": 20, "undo": 20}
DOWN = "\x1b[B"


def answered(terminal: Terminal, key: str) -> float:
    """Seconds from a key to the last byte of its answer, which is over when nothing came for a while."""
    began = time.perf_counter()
    os.write(terminal.fd, key.encode())
    last = 0.0
    while (now := time.perf_counter()) - began < 5 and not (last and now - last > 0.06):
        if terminal.read(quiet=0.001, most=0.005):
            last = time.perf_counter()
    return last - began


def pressed(terminal: Terminal, *keys: str) -> None:
    """Keys that lead to the one that is measured."""
    for key in keys:
        os.write(terminal.fd, key.encode())
        terminal.read(quiet=0.3, most=5)


def gestures(terminal: Terminal, key: Callable[[str], float], settle: float) -> dict[str, float]:
    """One round of each gesture, every one undone. Before each the check of the edit before it has `settle` seconds to
    end, as it has with a person at the keys."""
    time.sleep(settle)
    found = {"select": key(" ")}
    pressed(terminal, " ")
    pressed(terminal, "m", DOWN)
    found["move"] = key("\r")
    time.sleep(settle)
    found["undo"] = key("u")
    time.sleep(settle)
    pressed(terminal, "a", "o", "n")
    found["add"] = key("\r")
    time.sleep(settle)
    found["delete"] = key("x")
    pressed(terminal, "u", "u")
    time.sleep(settle)
    pressed(terminal, "c")
    found["connect"] = key("s")
    pressed(terminal, "\x1b", "u")
    return found


def measure(nodes: int, home: Path) -> None:
    folder = home / str(nodes)
    folder.mkdir()
    (folder / "project.toml").write_text(layered(nodes))
    (folder / "tasks.py").write_text("def one(a0, a1=1, a2=2):\n    return 1\n")
    bare = Terminal([sys.executable, "-c", BARE], size=SIZE)
    bare.until("hello")
    terminal = studio_on(folder / "project.toml", size=SIZE)
    seconds_until(terminal, time.perf_counter(), b"n0000", 1.0)
    pressed(terminal, "\x1b[C", "\x1b[C", "+", "+")
    rows: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        floor = answered(bare, "abcdefghijklmnop"[number])
        found = gestures(terminal, lambda key: answered(terminal, key), 0.5 + nodes / 4000)
        if number:
            for name, value in {"empty Textual app": floor, **found}.items():
                rows.setdefault(name, []).append(value * 1e3)
    stop(bare)
    stop(terminal)
    print(f"{nodes:,} nodes, {SIZE[0]}x{SIZE[1]}{'':<8}{'median':>8}{'p95':>8}{'least':>8}{'aim':>8}")
    for name, values in rows.items():
        values.sort()
        late = values[min(len(values) - 1, round(0.95 * len(values)))]
        aim = AIMS.get(nodes, {}).get(name, "")
        print(f"  {name:<24}{statistics.median(values):>8.1f}{late:>8.1f}{values[0]:>8.1f}{aim:>8}")


def main() -> None:
    wanted = [int(word) for word in sys.argv[1:]] or [1000, 5000]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="flowloom-bench-") as name:
        os.environ |= {"PYTHONPYCACHEPREFIX": f"{name}/code", "XDG_STATE_HOME": name, "XDG_CONFIG_HOME": name}
        for nodes in wanted:
            measure(nodes, Path(name))


if __name__ == "__main__":
    main()
