"""A scripted person in tmux: opens the penguins, looks around, runs them, breaks them, finds the cause, mends them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.studio.terminals import ROOT, STUDIO

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Tmux:
    """One tmux of our own with one pane, in which the studio runs."""

    def __init__(self, size: tuple[int, int], environ: dict[str, str]) -> None:
        self.name = f"flowloom-{uuid.uuid4().hex[:8]}"
        self.environ = environ
        self.size = size

    def do(self, *words: str) -> str:
        """A command of tmux."""
        # Tests have a fixed size in their environment; in tmux it is the pane that has one.
        environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        command = ["tmux", "-L", self.name, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        return done.stdout

    def start(self, path: Path) -> None:
        """Open the studio on a project."""
        pairs = [f"-e{key}={value}" for key, value in self.environ.items()]
        words = [sys.executable, "-P", "-c", STUDIO.format(path=f"Path({str(path)!r})")]
        width, height = map(str, self.size)
        self.do("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, *pairs, *words)
        self.do("set-option", "-g", "remain-on-exit", "on")

    def press(self, *keys: str) -> None:
        """Type keys, by tmux's names, as fast as a person does."""
        for key in keys:
            self.do("send-keys", key)
            time.sleep(0.05)

    def screen(self) -> str:
        """What the pane shows."""
        return self.do("capture-pane", "-p")

    def until(self, *texts: str, most: float = 30.0) -> str:
        """Wait until all of these are on the screen."""
        began = time.monotonic()
        while True:
            shown = self.screen()
            if all(text in shown for text in texts):
                return shown
            assert time.monotonic() - began < most, f"{texts} never came; the screen:\n{shown}"
            time.sleep(0.05)


@pytest.fixture(params=[(80, 24), (160, 50)], ids=["80x24", "160x50"])
def tmux(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tmux]:
    state = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "CONFIG", "DATA", "CACHE")}
    found = Tmux(request.param, {**state, "PYTHONPATH": str(ROOT), "EDITOR": "true", "LANG": "C.UTF-8"})
    yield found
    found.do("kill-server")


def test_a_person_finds_the_cause_of_a_failure(tmux: Tmux, tmp_path: Path) -> None:
    folder = tmp_path / "penguins"
    ignored = shutil.ignore_patterns("out", ".flowloom", "__pycache__")
    shutil.copytree(ROOT / "sample_projects" / "penguins", folder, ignore=ignored)
    tmux.start(folder)
    tmux.until("penguins", "load", "not trusted")

    # looks around
    tmux.press("Right", "Right", "?")
    tmux.until("Keys and what they do")
    tmux.press("Escape")
    time.sleep(0.3)
    tmux.press("/", "c", "h", "i", "n", "Enter", "T")
    tmux.until("[nodes.chinstrap]")
    tmux.press("T", "z", "z", "z")

    # runs it: the first time it is asked
    tmux.press("R")
    tmux.until("Run code from this project?", "table.py")
    tmux.press("t")
    tmux.until("100 %", "took")

    # breaks it
    code = folder / "table.py"
    good = code.read_text(encoding="utf-8")
    broken = good.replace(
        "def clean(", "def clean(*args, **kwargs):\n    raise KeyError('no such column')\n\n\ndef old_clean(", 1
    )
    assert broken != good
    code.write_text(broken, encoding="utf-8")
    time.sleep(0.8)
    tmux.press("R")
    tmux.until("✗ failed", "took")

    # finds the cause
    tmux.press("]")
    tmux.press("8")
    tmux.until("KeyError", "no such column", "clean")
    tmux.press("8")

    # mends it
    code.write_text(good, encoding="utf-8")
    time.sleep(0.8)
    tmux.press("R")
    tmux.until("✓ completed", "100 %", "took")
    tmux.press("3")
    tmux.until("3 runs", "✗ 1", "✓ 2")
    tmux.press("q", "q")
    tmux.until("Pane is dead", most=15)
    assert os.path.exists(folder / "out" / "summary.txt")
