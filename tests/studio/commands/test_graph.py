"""`flowloom graph`: the picture on stdout or in a file, in each format, with and without a run."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.studio.commands.conftest import BAD, GOOD, Call, Make


def test_without_options_it_draws_the_project_here(make: Make, call: Call) -> None:
    make()
    told = call("graph")
    assert told.code == 0
    assert told.err == ""
    assert "│ ƒ one" in told.out
    assert "├────▸│ ƒ sum" in told.out


@pytest.mark.parametrize("how", ["--ascii", "environment"])
def test_ascii_has_nothing_else(make: Make, call: Call, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    make()
    if how == "environment":
        monkeypatch.setenv("FLOWLOOM_ASCII", "1")
    told = call("graph", *(["--ascii"] if how == "--ascii" else []))
    assert told.out.isascii()
    assert "|---->| f sum" in told.out


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("g.svg", "<svg "),
        ("g.dot", "digraph "),
        ("g.gv", "digraph "),
        ("g.mmd", "flowchart LR"),
        ("g.json", "{"),
        ("g", "╭"),
    ],
)
def test_the_name_of_the_file_says_the_format(make: Make, call: Call, name: str, begins: str) -> None:
    folder = make()
    told = call("graph", "-o", name)
    assert (told.code, told.out) == (0, "")
    assert (folder / name).read_text("utf-8").startswith(begins)


def test_the_format_that_is_asked_for_wins(make: Make, call: Call) -> None:
    folder = make()
    assert call("graph", "--format", "json", "--output", "g.svg").code == 0
    assert [node["path"] for node in json.loads((folder / "g.svg").read_text("utf-8"))["nodes"]] == ["one", "sum"]


def test_a_run_shows_the_states_of_its_nodes_and_the_project_as_it_was(make: Make, call: Call) -> None:
    folder = make(BAD)
    assert call("run", "--plain").code == 1
    (folder / "project.toml").write_text(GOOD, "utf-8")
    nodes = {
        node["path"]: node.get("state")
        for node in json.loads(call("graph", "--run", "last", "--format", "json").out)["nodes"]
    }
    assert nodes["one"] == "completed"
    assert nodes["bad"] == "failed"
    assert nodes["after"] == "skipped"
    told = call("graph", "--run", "last")
    assert "┃ ƒ bad   ✗ ┣" in told.out


def test_a_project_that_cannot_run_is_drawn_all_the_same(make: Make, call: Call) -> None:
    make(GOOD + '[nodes.lost]\ntask = "nowhere:to_be_found"\nneeds = ["nobody", "one"]\n')
    told = call("graph", "--format", "svg")
    assert told.code == 0
    assert "2 errors" in told.err
    assert "lost" in "".join(ElementTree.fromstring(told.out).itertext())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["graph", "elsewhere"], "elsewhere"),
        (["graph", "--run", "20260101"], "20260101"),
        (["graph", "--format", "png"], "png"),
    ],
)
def test_mistakes_are_told_in_words(make: Make, call: Call, words: list[str], says: str) -> None:
    make()
    told = call(*words)
    assert told.code == 2
    assert says in told.err
    assert "Traceback" not in told.err


def test_a_file_that_cannot_be_written_is_told_in_words(make: Make, call: Call) -> None:
    make()
    told = call("graph", "-o", str(Path("no") / "such" / "folder.svg"))
    assert told.code == 5
    assert "cannot write no/such/folder.svg" in told.err


def test_broken_toml_has_no_picture(make: Make, call: Call) -> None:
    make("format = 1\n[nodes.a\n")
    told = call("graph")
    assert told.code == 2
    assert "project.toml" in told.err
