"""Nodes, and all that a node holds, stand still when they are asked to, and go on; canceled means gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.start import RunHandle, start_run

PROJECT = """
format = 1
[project]
name = "held"
[nodes.g.nodes.program]
shell = "echo $$ > pid; exec sleep 300"
[nodes.g.nodes.code]
task = "tasks:code"
[nodes.g.nodes.later]
task = "tasks:later"
needs = ["code"]
"""
TASKS = """
import time
from pathlib import Path

HERE = Path(__file__).parent


def code(ctx):
    while not (HERE / "go").exists():
        ctx.checkpoint()
        (HERE / "tick").write_text(str(time.monotonic()))
        time.sleep(0.005)
    return "went"


def later():
    return "later"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project.toml").write_text(PROJECT)
    (tmp_path / "tasks.py").write_text(TASKS)
    return tmp_path


def until(condition: Callable[[], Any]) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def state_of(pid: int) -> str:
    """The letter that Linux has for the state of a process; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def where(handle: RunHandle) -> dict[str, str]:
    return {path: node.state.value for path, node in handle.result.nodes.items() if path != "g"}


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_subtree_is_held_where_it_is_and_goes_on(folder: Path, executor: str) -> None:
    handle = start_run(folder, executor=executor, jobs=3)
    until(lambda: (folder / "tick").exists() and (folder / "pid").exists() and (folder / "pid").read_text())
    pid = int((folder / "pid").read_text())
    handle.suspend_node("g")
    assert set(where(handle).values()) == {"suspended"}
    until(lambda: state_of(pid) == "T")
    time.sleep(0.05)  # it may have been between two checkpoints
    before = (folder / "tick").read_text()
    (folder / "go").touch()
    time.sleep(0.1)
    assert (folder / "tick").read_text() == before
    assert where(handle)["g/code"] == "suspended"

    handle.cancel_node("g/program")  # held though it is
    until(lambda: where(handle)["g/program"] == "canceled")
    assert state_of(pid) in ("", "Z")
    handle.resume_node("g")
    assert handle.wait(20)
    assert where(handle) == {"g/program": "canceled", "g/code": "completed", "g/later": "completed"}
