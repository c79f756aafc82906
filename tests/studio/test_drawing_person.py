"""A scripted person in tmux draws a project from nothing, saves it, runs it and sees it complete: by keys, by mouse."""

from __future__ import annotations

import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.document.reader import Document, read, walk
from tests.studio.terminals import ROOT
from tests.studio.test_person import Tmux

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

TASKS = '''\
def load():
    """Some rows."""
    return [1, 2, 3]


def clean(rows):
    """Rows that are worth it."""
    return [row for row in rows if row]


def fit(rows):
    """A model of the rows."""
    return {"mean": sum(rows) / len(rows)}


def report(model):
    """A page about the model."""
    return f"mean {model}"
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    made.mkdir()
    (made / "tasks.py").write_text(TASKS, encoding="utf-8")
    (made / "project.toml").write_text('format = 1\n\n[project]\nname = "made"\n', encoding="utf-8")
    return made


def tmux_of(tmp_path: Path, size: tuple[int, int]) -> Iterator[Artist]:
    state = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "CONFIG", "DATA", "CACHE")}
    found = Artist(size, {**state, "PYTHONPATH": str(ROOT), "EDITOR": "true", "LANG": "C.UTF-8"})
    yield found
    found.do("kill-server")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Artist]:
    yield from tmux_of(tmp_path, (80, 24))


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Artist]:
    yield from tmux_of(tmp_path, (160, 50))


class Artist(Tmux):
    """Someone who types words as well, and points."""

    def write(self, text: str) -> None:
        """Type a text, letter by letter."""
        self.do("send-keys", "-l", text)
        time.sleep(0.05)

    def add(self, what: str) -> None:
        """Search for something and add it."""
        self.press("a")
        self.until("   ADD\n")
        self.write(what)
        self.press("Enter")
        time.sleep(0.25)

    def find(self, text: str, *, last: bool = False) -> tuple[int, int]:
        """The cell at which a text stands on the screen."""
        found = [(row.find(text), y) for y, row in enumerate(self.screen().split("\n")) if text in row]
        assert found, f"{text!r} is not there:\n{self.screen()}"
        return found[-1 if last else 0]

    def report(self, kind: int, place: tuple[int, int], *, up: bool = False) -> None:
        """One report of the mouse, as terminals send it."""
        self.write(f"\x1b[<{kind};{place[0] + 1};{place[1] + 1}{'m' if up else 'M'}")

    def click(self, place: tuple[int, int], button: int = 0) -> None:
        self.report(button, place)
        self.report(button, place, up=True)
        time.sleep(0.25)

    def drag(self, start: tuple[int, int], *ways: tuple[int, int]) -> None:
        self.report(0, start)
        for way in ways:
            self.report(32, way)
        self.report(0, ways[-1], up=True)
        time.sleep(0.3)

    def card(self, name: str) -> tuple[int, int, int]:
        """The columns at which a card has its kind and its port, and the row of its name."""
        for y, row in enumerate(self.screen().split("\n")):
            found = re.search(rf"[│┃║▌╭┏] (\S) {name} .*?([│┃├┠┝┣╟╠╮┓])", row)
            if found is not None:
                return found.start(1), found.start(2), y
        raise AssertionError(f"{name} is not there:\n{self.screen()}")

    def place(self, name: str) -> tuple[int, int]:
        """A cell of a card, on its name."""
        x, _, y = self.card(name)
        return x + 3, y

    def port(self, name: str) -> tuple[int, int]:
        """The port of a card."""
        _, x, y = self.card(name)
        return x, y


def nodes_of(folder: Path) -> dict[str, Any]:
    found = read(folder)
    assert isinstance(found, Document)
    assert found.errors == 0, found.findings
    return dict(walk(found.project.workflow.nodes))


def run_and_leave(one: Artist) -> None:
    one.press("S")
    one.until("Saved project.toml")
    one.press("R")
    one.until("Run code from this project?")
    one.press("t")
    one.until("✓ completed", "100 %", "took")
    one.press("q", "q", "q")
    one.until("Pane is dead", most=15)


def test_by_keys_alone_in_a_small_terminal(small: Artist, folder: Path) -> None:
    one = small
    one.start(folder)
    one.until("No nodes yet", "a adds one")
    for name in ("load", "clean", "fit", "report"):
        one.add(name)
        one.until(f"ƒ {name}")
    one.press("g", "g", "Right")
    one.add("conditional")
    one.until("◇ decide")
    one.press("g", "g", "Right")
    one.add("map")
    one.until("∀ map")
    # two commands that follow the conditional, grouped
    one.press("/")
    one.write("decide")
    one.press("Enter")
    one.add("shell")
    one.press("D")
    one.write("tell")
    one.press("Enter")
    one.add("shell")
    one.press("Space", "Left", "Space", "(")
    one.until("   GROUP\n")
    one.write("after")
    one.press("Tab", "Enter")
    one.until("→ after")
    # a node that follows nothing, and a wire to it that counts for the order alone
    one.press("A")
    one.until("   ADD\n")
    one.write("shell")
    one.press("Enter", "D")
    one.write("finish")
    one.press("Enter")
    one.press("/")
    one.write("after")
    one.press("Enter", ".", "c", "Tab")
    shown = one.until("   CONNECT\n", "order only")
    found = re.search(r"(\w+) +(?:\$ )?finish", shown)
    assert found is not None, shown
    one.press(*found[1])
    time.sleep(0.3)
    run_and_leave(one)
    nodes = nodes_of(folder)
    assert len(nodes) >= 12, list(nodes)
    text = tomllib.loads((folder / "project.toml").read_text(encoding="utf-8"))["nodes"]
    assert text["report"]["inputs"] == {"model": "fit"}
    assert text["decide"]["condition"].startswith("${clean}")
    assert text["map"]["map"] == "${clean}"
    assert text["after"]["kind"] == "sequential"
    assert text["finish"]["needs"] == ["after"]


def test_by_mouse_in_a_large_terminal(large: Artist, folder: Path) -> None:
    one = large
    one.start(folder)
    one.until("No nodes yet")
    # the other button opens the search; a row of it is clicked
    one.click((40, 20), button=2)
    one.until("   ADD\n", "your functions")
    one.click(one.find("ƒ load"))
    one.until("tasks:load")
    # wires dropped on nothing
    for source, name in (("load", "clean"), ("clean", "fit"), ("fit", "report")):
        x, y = one.port(source)
        one.drag((x, y), (x + 6, y), (x + 6, y))
        one.until("   ADD\n", "your functions")
        one.click(one.find(f"ƒ {name}", last=True))
        one.until(f"tasks:{name}")
    # kinds from the rail: dropped on the canvas, then wired
    x, y = one.find("ƒ load")
    for glyph, name, down in (("◇", "decide", 8), ("∀", "map", 18)):
        one.drag(one.find(glyph), (30, y + down), (30, y + down))
        one.until(f"{glyph} {name}")
    one.drag(one.port("clean"), one.place("decide"), one.place("decide"))
    # one more after the map
    one.click(one.place("map"), button=2)
    one.until("   ADD\n", "Add after map")
    one.click(one.find("$ shell"))
    one.until("$ shell ")
    # a group out of the rail, one of its nodes dragged out and another into it
    one.drag(one.find("→"), (70, y + 12), (70, y + 12))
    one.until("→ steps")
    one.drag(one.place("first"), (90, y + 20), (90, y + 20))
    one.until("┃ $ first")
    one.drag(one.place("first"), one.place("second"), one.place("second"))
    time.sleep(0.3)
    run_and_leave(one)
    nodes = nodes_of(folder)
    assert len(nodes) >= 12, list(nodes)
    text = tomllib.loads((folder / "project.toml").read_text(encoding="utf-8"))["nodes"]
    assert text["fit"]["inputs"] == {"rows": "clean"}
    assert list(text["steps"]["nodes"]) == ["second", "first"]
