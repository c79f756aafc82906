"""The command line as people and scripts meet it: in this process where words matter, as a process where signals do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]

TASKS = """
import sys, time

def one():
    print("one speaks")
    return 1

def add(a, b=10):
    return a + b

def bad():
    print("about to fail")
    print("a warning", file=sys.stderr)
    rows = {}
    return rows["island"]

def wait(seconds, ctx=None):
    if ctx is not None:
        ctx.report(0.5, "half way")
    print("waiting", flush=True)
    time.sleep(seconds)
"""

GOOD = """
format = 1
[project]
name = "small"
result = "sum"
[params]
b = 10
[nodes.one]
task = "tasks:one"
[nodes.sum]
task = "tasks:add"
inputs = { a = "one" }
args = { b = "${params.b}" }
"""

BAD = """
format = 1
[project]
name = "broken"
[nodes.one]
task = "tasks:one"
[nodes.bad]
task = "tasks:bad"
needs = ["one"]
[nodes.after]
task = "tasks:one"
needs = ["bad"]
[nodes.other]
task = "tasks:one"
"""

SLOW = """
format = 1
[project]
name = "slow"
[nodes.first]
task = "tasks:one"
[nodes.long]
task = "tasks:wait"
needs = ["first"]
args = { seconds = 60 }
[nodes.last]
task = "tasks:one"
needs = ["long"]
"""


class Told(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Make = Callable[..., Path]
Call = Callable[..., Told]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a home of its own, so that no test finds another's runs."""
    place = tmp_path_factory.mktemp("home")
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(place / name.lower()))
    for name in ("NO_COLOR", "FLOWLOOM_STATE", "FLOWLOOM_ASCII", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a project and goes there."""

    def make(text: str = GOOD, tasks: str = TASKS, name: str = "project") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "project.toml").write_text(text, "utf-8")
        (folder / "tasks.py").write_text(tasks, "utf-8")
        monkeypatch.chdir(folder)
        return folder

    return make


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls the command in this process."""

    def call(*words: str) -> Told:
        from studio.cli import main

        before = Path.cwd()
        capfd.readouterr()
        code = main(words)
        os.chdir(before)
        return Told(code, *capfd.readouterr())

    return call


def command_line(*words: str | Path) -> list[str]:
    return [sys.executable, "-c", "import sys; from studio.cli import main; sys.exit(main())", *map(str, words)]


def environment(**more: str) -> dict[str, str]:
    """For processes of our own: they may keep compiled files, or each would compile all of Flowloom anew."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command as a process of its own; what is left at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def spawn(*words: str | Path, **more: object) -> subprocess.Popen[str]:
        settings: dict[str, object] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "env": environment(),
            **more,
        }
        process: subprocess.Popen[str] = subprocess.Popen(command_line(*words), **settings)  # type: ignore[call-overload]
        started.append(process)
        return process

    yield spawn
    for process in started:
        process.kill()
        process.communicate()
