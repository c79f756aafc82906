"""What an edit costs: the draft and its text alone, then in a real studio on a pty, from the key to the last byte.

    python tests/benchmarks/bench_edits.py

The first table is CPU time in this process, the best of several rounds: model and text together, as a key waits for them.
The floor beside it is what it costs to write the whole file anew by tomlkit-free means: every block joined. The second
table is wall time on a pty, medians, beside a key that only moves the cursor in the same process.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from studio.document import edits  # noqa: E402
from studio.document.draft import Draft, draft_of  # noqa: E402
from studio.document.history import History, done, undone  # noqa: E402
from studio.document.reader import Document, read  # noqa: E402
from studio.document.rules import targets_of  # noqa: E402
from tests.benchmarks.bench_studio import SIZE, key_seconds, layered, seconds_until, stop  # noqa: E402
from tests.studio.terminals import studio_on  # noqa: E402

ROUNDS = 7
AIM = 5.0
"""Milliseconds for model and text together, at 1,000 and 5,000 nodes."""


def cost(what: Callable[[int], object]) -> float:
    """The least CPU time of some rounds, in milliseconds; the number of the round makes each another edit."""
    found = []
    for number in range(ROUNDS):
        began = time.process_time()
        what(number)
        found.append(time.process_time() - began)
    return min(found) * 1e3


def measure(nodes: int, folder: Path) -> None:
    file = folder / f"layered-{nodes}.toml"
    file.write_text(layered(nodes))
    document = read(file)
    assert isinstance(document, Document)
    made = draft_of(document)
    targets_of(made, "n0001")  # the links are read once, when somebody first asks

    def edit(wanted: Callable[[int], edits.Edit]) -> Callable[[int], object]:
        def one(number: int) -> Draft:
            draft, _ = done(History(), made, wanted(number))
            assert draft.text
            return draft

        return one

    middle = nodes // 2

    def name(number: int) -> str:
        return f"n{middle + number * 3:04}"

    rows: dict[str, Callable[[int], object]] = {
        "add a node": edit(lambda n: edits.AddNode(f"x{n}", {"task": "tasks:one"}, name(n))),
        "connect": edit(lambda n: edits.Connect("n0001", name(n), f"b{n}")),
        "set a field": edit(lambda n: edits.SetField(name(n), ("timeout",), "5m")),
        "move": edit(lambda n: edits.MoveNodes({name(n): (n, 3)})),
        "delete and heal": edit(lambda n: edits.DeleteNodes((name(n),))),
        "rename": edit(lambda n: edits.RenameNode(name(n), f"y{n}")),
        "where a wire may land": lambda n: targets_of(made, name(n)),
    }
    draft, history = done(History(), made, edits.DeleteNodes((name(0),)))
    rows["undo a delete"] = lambda n: undone(history, draft)[0].text
    blocks = made.sheet.blocks
    floor = cost(lambda n: "".join([part for block in blocks for part in (block.gap, block.text)]))
    print(f"{nodes:,} nodes{'':<24}{'ms':>8}   (joining the blocks alone: {floor:.2f} ms)")
    for title, what in rows.items():
        print(f"  {title:<32}{cost(what):>8.2f}")


def measure_screen(nodes: int, folder: Path) -> None:
    home = folder / f"screen-{nodes}"
    home.mkdir()
    (home / "project.toml").write_text(layered(nodes))
    (home / "tasks.py").write_text("def one(**values):\n    return 1\n")
    terminal = studio_on(home / "project.toml", size=SIZE)
    seconds_until(terminal, time.perf_counter(), b"n0000", 0.6)
    rows = {"cursor": ("\x1b[C", "\x1b[D"), "delete": ("x",), "undo": ("u",), "bypass": ("B",)}
    found: dict[str, list[float]] = {row: [] for row in rows}
    for _ in range(ROUNDS + 1):
        for row, keys in rows.items():
            for key in keys:
                found[row].append(key_seconds(terminal, key))
            time.sleep(0.4)
    stop(terminal)
    print(f"{nodes:,} nodes on a pty, {SIZE[0]}x{SIZE[1]}{'':<8}{'ms':>6}")
    for row, values in found.items():
        print(f"  {row:<32}{statistics.median(values[1:]) * 1e3:>8.1f}   (least {min(values[1:]) * 1e3:.1f})")


def main() -> None:
    gc.set_threshold(100_000, 50, 1000)  # as the studio does
    with tempfile.TemporaryDirectory(prefix="flowloom-bench-") as name:
        os.environ |= {"XDG_STATE_HOME": name, "XDG_CONFIG_HOME": name}
        for nodes in (1000, 5000):
            measure(nodes, Path(name))
        measure_screen(1000, Path(name))


if __name__ == "__main__":
    main()
