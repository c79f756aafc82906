"""How fast the canvas answers, measured on a pty to the last byte, beside an empty Textual app in the same run.

    python -m tests.benchmarks.bench_canvas [NODES ...]

A child runs the app in a pseudo-terminal of 160x50; the parent writes keys and mouse reports and takes the time until
the last byte of the answer has come (it is the last when nothing follows for 40 ms). Medians of some twenty samples.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from typing import NamedTuple

WIDTH, HEIGHT = 160, 50
QUIET = 0.04
SAMPLES = 20
CHANGES = 2000  # state changes a second
LIVE_SECONDS = 4.0

AIMS = {"select": 6.0, "zoom": None, "pan": {1000: 16.0, 5000: 20.0}}


# -- the child ---------------------------------------------------------------------------------------------------------


def run_empty() -> None:
    """An app whose one widget changes one row when a key is pressed: the floor of Textual itself."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Empty(App[None]):
        CSS = "Static { height: 1; }"
        count = 0

        def compose(self) -> ComposeResult:
            yield Static("0")

        def on_key(self) -> None:
            self.count += 1
            self.query_one(Static).update(str(self.count))

    Empty().run()


def run_canvas(nodes: int, zoom: int, live: bool) -> None:
    """The canvas with a layered graph; with `live`, states change all the time."""
    import random

    from engine.draw.scene import Zoom
    from studio.pictures import camera
    from studio.state import NodeNow
    from studio.widgets.graph_canvas import GraphCanvas
    from tests.studio.graphs import layered, spread
    from tests.studio.look import CanvasApp

    graph = layered(nodes, max(4, round((nodes * 1.6) ** 0.5)))
    canvas = GraphCanvas(graph)

    class Live(CanvasApp):
        def on_mount(self) -> None:
            super().on_mount()
            self.call_after_refresh(self.begin)

        def begin(self) -> None:
            self.known = spread(graph)
            if not live:  # no spinner, so that every byte answers a key
                self.known = {path: now for path, now in self.known.items() if now.state not in ("running", "retrying")}
            stage = canvas.stage
            stage.tell(self.known, 0.0)
            stage.zoom_to(Zoom(zoom))
            stage.go(graph.boxes[nodes // 2].path)
            stage.corner = camera.centred(stage.scene.rects[stage.view.cursor or 0], stage.size)
            canvas.repaint()
            if live:
                self.chance = random.Random(1)
                self.spent = time.process_time()
                self.set_interval(1 / 30, self.change)

        def change(self) -> None:
            states = ("running", "completed", "failed", "ready")
            changed = set()
            for _ in range(CHANGES // 30):
                path = graph.boxes[self.chance.randrange(nodes)].path
                self.known[path] = NodeNow(self.chance.choice(states), seconds=1.5, error="out of memory")
                changed.add(path)
            canvas.advance(self.known, changed)

    gc.set_threshold(100_000, 50, 1000)  # as the studio does
    Live(canvas).run()


# -- the parent --------------------------------------------------------------------------------------------------------


class Session:
    """A child in a pseudo-terminal."""

    def __init__(self, *arguments: str) -> None:
        self.parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        environ = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": os.getcwd()}
        environ.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bench_canvas", "--child", *arguments],
            stdin=child,
            stdout=child,
            stderr=child,
            env=environ,
            start_new_session=True,
        )
        os.close(child)
        select.select([self.parent], [], [], 30.0)
        self.drain(1.5, limit=30.0 if arguments[0] != "live" else 3.0)

    def drain(self, quiet: float, limit: float = 3.0) -> tuple[float, int]:
        """Read until nothing came for `quiet` seconds; when the last byte came, and how many there were."""
        last, count, start = time.perf_counter(), 0, time.perf_counter()
        while time.perf_counter() - start < limit:
            ready, _, _ = select.select([self.parent], [], [], quiet)
            if not ready:
                break
            count += len(os.read(self.parent, 1 << 20))
            last = time.perf_counter()
        return last, count

    def answer(self, keys: bytes) -> tuple[float, int]:
        """Milliseconds from keys to the last byte of what they changed, and the bytes."""
        start = time.perf_counter()
        os.write(self.parent, keys)
        last, count = self.drain(QUIET)
        return (last - start) * 1000 if count else float("nan"), count

    def first_byte(self, keys: bytes) -> float:
        start = time.perf_counter()
        os.write(self.parent, keys)
        select.select([self.parent], [], [], 1.0)
        return (time.perf_counter() - start) * 1000

    def cpu(self) -> float:
        """Seconds of processor the child used so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """The most memory the child held, in MB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    def close(self) -> None:
        os.write(self.parent, b"\x11")
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.parent)


class Figures(NamedTuple):
    """Of the answers to some keys: median and p95 in ms, median bytes, and ms of processor for each."""

    median: float
    high: float
    size: int
    cpu: float


def medians(session: Session, presses: Callable[[int], bytes]) -> Figures:
    """The figures of the answers to `presses(sample)`. The processor's time tells the cost on a machine that others use."""
    found = []
    before = session.cpu()
    for sample in range(SAMPLES):
        time.sleep(0.03)
        found.append(session.answer(presses(sample)))
    times = sorted(took for took, count in found if count)
    if not times:
        return Figures(float("nan"), float("nan"), 0, float("nan"))
    size = int(statistics.median(count for _, count in found))
    cpu = (session.cpu() - before) * 1000 / len(found)
    return Figures(statistics.median(times), times[int(len(times) * 0.95)], size, cpu)


def report(name: str, figures: Figures, aim: float | None = None) -> None:
    median, high, count, cpu = figures
    told = "" if aim is None else f"   aim {aim:g} ms: {'kept' if median <= aim else 'MISSED'}"
    sys.stdout.write(f"{name:<38}{median:7.1f} ms   p95 {high:6.1f}   processor {cpu:5.1f}   {count:6} bytes{told}\n")
    sys.stdout.flush()


def back_and_forth(one: bytes, other: bytes, run: int = 4) -> Callable[[int], bytes]:
    return lambda sample: one if sample // run % 2 == 0 else other


WHEEL_DOWN, WHEEL_UP = b"\x1b[<65;80;25M", b"\x1b[<64;80;25M"


def measure(nodes: int) -> None:
    for zoom, name in ((1, "cards"), (2, "lines"), (3, "dots")):
        session = Session("canvas", str(nodes), str(zoom))
        at = f"{nodes} nodes, {name}"
        report(f"{at}: select (down, up)", medians(session, back_and_forth(b"j", b"k", 3)), 6.0)
        report(f"{at}: focus (left, right)", medians(session, back_and_forth(b"h", b"l", 3)))
        report(
            f"{at}: pan by wheel",
            medians(session, back_and_forth(WHEEL_DOWN, WHEEL_UP)),
            16.0 if nodes <= 1000 else 20.0,
        )
        report(f"{at}: half a screen", medians(session, back_and_forth(b"L", b"H")))
        if zoom == 1:
            report(f"{at}: zoom", medians(session, lambda _: b"z"))
            sys.stdout.write(f"{nodes} nodes: {session.memory():.0f} MB of memory\n")
        session.close()


def measure_live(nodes: int, zoom: int) -> None:
    session = Session("live", str(nodes), str(zoom))
    session.drain(0.5, limit=0.5)
    before, start = session.cpu(), time.perf_counter()
    bytes_sent, latencies = 0, []
    while time.perf_counter() - start < LIVE_SECONDS:
        bytes_sent += session.drain(1.0, limit=0.3)[1]
        latencies.append(session.first_byte(b"j" if len(latencies) % 6 < 3 else b"k"))
    share = (session.cpu() - before) / (time.perf_counter() - start)
    latencies.sort()
    told = "kept" if share <= 0.15 else "MISSED"
    sys.stdout.write(
        f"{nodes} nodes, zoom {zoom}: {CHANGES} changes a second  {share:6.1%} of a core, "
        f"{bytes_sent / LIVE_SECONDS / 1024:.0f} kB/s, key to first byte p95 {latencies[int(len(latencies) * 0.95)]:.1f} ms"
        f"   aim 15 %: {told}\n"
    )
    session.close()


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        kind, *rest = sys.argv[2:]
        if kind == "empty":
            run_empty()
        else:
            run_canvas(int(rest[0]), int(rest[1]), kind == "live")
        return
    empty = Session("empty")
    report("empty Textual app: one row", medians(empty, lambda _: b"x"))
    empty.close()
    for nodes in [int(argument) for argument in sys.argv[1:]] or [1000, 5000]:
        measure(nodes)
        measure_live(nodes, 1)
        measure_live(nodes, 3)


if __name__ == "__main__":
    main()
