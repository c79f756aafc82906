"""A thousand keys and reports of the mouse a second, whatever they are: the studio lives, and what it saves can be read."""

from __future__ import annotations

import os
import random
import select
import time
from pathlib import Path

import pytest

from studio.document.draft import draft_of
from studio.document.drawing import drawing_of
from studio.document.reader import Document, read, walk
from tests.studio.projects import TASKS, project_in
from tests.studio.terminals import Terminal, studio_on

SIZE = (110, 34)
PROJECT = """\
format = 1

[nodes.load]
task = "tasks:load"
args = { path = "data.csv" }

[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }

[nodes.enough]
condition = "${clean.count} >= 10"
[nodes.enough.then]
task = "tasks:report"
inputs = { rows = "clean" }

[nodes.publish]
kind = "sequential"
needs = ["enough"]
[nodes.publish.nodes.render]
shell = "true"
[nodes.publish.nodes.upload]
shell = "true"

[nodes.each]
map = "clean"
shell = "true"
"""

LETTERS = list("asdfghjklcvbnmxzyputiwoABCDFGHIJKLMNPTUVXYZ()=*.,/?+-!<>[] '\"1")
SPECIAL = [
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\r",
    "\t",
    "\x1b[Z",
    "\x7f",
    "\x1b[3~",
    "\x1b[5~",
    "\x1b[6~",
    "\x18",
    "\x12",
]
PASTED = ["\x1b[200~[nodes.pasted]\nshell = 'true'\n\x1b[201~", "\x1b[200~anything\x1b[201~"]


def anything(chance: random.Random) -> str:
    """What may come from a terminal, but for what leaves the studio or runs something."""
    kind = chance.random()
    if kind < 0.45:
        return chance.choice(LETTERS)
    if kind < 0.65:
        return chance.choice(SPECIAL)
    if kind < 0.70:
        return "\x1b"
    if kind < 0.705:
        return chance.choice(PASTED)
    button = chance.choice([0, 0, 0, 32, 32, 32, 35, 2, 4, 64, 65, 16])
    x, y = chance.randint(1, SIZE[0]), chance.randint(2, SIZE[1] - 1)
    return f"\x1b[<{button};{x};{y}{chance.choice('MMm') if button < 32 else 'M'}"


def storm(terminal: Terminal, seconds: float, chance: random.Random) -> int:
    """Send for so long, a thousand a second at most, reading what comes; how many were sent."""
    sent = 0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds and terminal.alive:
        if sent < passed * 1000:
            _, ready, _ = select.select([], [terminal.fd], [], 0)
            if ready:
                batch = "".join(anything(chance) for _ in range(10))
                os.write(terminal.fd, batch.encode())
                sent += 10
        terminal.read(quiet=0.0, most=0.01)
    return sent


@pytest.mark.parametrize(
    "seconds", [0.5, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(300)])], ids=["briefly", "long"]
)
def test_whatever_is_pressed_it_lives_and_what_it_saves_can_be_read(tmp_path: Path, seconds: float) -> None:
    file = project_in(tmp_path / "any", PROJECT, TASKS)
    home = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "CONFIG", "DATA", "CACHE")}
    terminal = studio_on(file, size=SIZE, environ={**home, "EDITOR": "true", "COLUMNS": "", "LINES": ""})
    terminal.until("clean")
    seed = int(os.environ.get("FLOWLOOM_SEED", "7"))
    sent = storm(terminal, seconds, random.Random(seed))
    assert terminal.alive, bytes(terminal.sent[-3000:]).decode(errors="replace")
    assert sent > 100
    # whatever lies open is left, what is in hand is saved
    terminal.read(quiet=0.7, most=90)
    for _ in range(6):
        terminal.press("\x1b", quiet=0.12)
    terminal.press("1", quiet=0.2)
    terminal.press("S", quiet=0.4)
    assert terminal.alive
    assert b"Traceback" not in terminal.sent
    terminal.press("\x11", quiet=0.3)
    terminal.end()
    found = read(file)
    assert isinstance(found, Document), found
    drawing = drawing_of(draft_of(found))
    assert {path for path, _ in walk(found.project.workflow.nodes)} == set(drawing.index) - drawing.gaps
