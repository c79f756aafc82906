"""However it ends, nothing is left: agents, children and what tasks started, looked for in the table of processes.

A word in the environment of the first process is inherited by all that it starts, whatever they do to hide; so every
process that carries it and still lives is one that was left behind.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import is_alive

PROJECT = """
format = 1

[project]
name = "sleepers"

[nodes.sleep]
task = "tasks:sleep"
map = { number = [1, 2] }
executor = "agents"
"""
TASKS = """
import subprocess, sys, time

def sleep(number):
    subprocess.Popen(["sleep", "600"])
    subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(600)"])
    open(f"began{number}", "w").close()
    time.sleep(600)
"""
FLOWLOOM = str(Path(sys.executable).with_name("flowloom"))


class Town:
    """Processes that carry a word of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.word = secrets.token_hex(8)
        runtime = folder / "r"
        runtime.mkdir(mode=0o700)
        self.environ = {
            **os.environ,
            "FLOWLOOM_TEST_TOWN": self.word,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_RUNTIME_DIR": str(runtime),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self.project = folder / "sleepers"
        self.project.mkdir()
        (self.project / "project.toml").write_text(PROJECT)
        (self.project / "tasks.py").write_text(TASKS)

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [FLOWLOOM, *words], env=self.environ, cwd=self.project, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def begin(self) -> subprocess.Popen[bytes]:
        """A run in a session of its own, both of whose tasks have begun."""
        run = subprocess.Popen(
            [FLOWLOOM, "run", "-q", "-j", "2", str(self.project)],
            env=self.environ,
            cwd=self.project,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 30
        while not all((self.project / f"began{number}").exists() for number in (1, 2)):
            assert run.poll() is None, "the run ended before its tasks began"
            assert time.monotonic() < until, "the tasks did not begin"
            time.sleep(0.02)
        return run

    def people(self) -> dict[int, str]:
        """Who lives, and what it is."""
        found = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and is_alive(int(entry)):
                try:
                    environ = Path(f"/proc/{entry}/environ").read_bytes()
                    words = Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ")
                except OSError:
                    continue
                if self.word.encode() in environ:
                    found[int(entry)] = words.decode(errors="replace")[:120]
        return found

    def agents(self) -> list[int]:
        return [pid for pid, words in self.people().items() if "agents.service" in words]

    def is_empty_soon(self, seconds: float = 15.0) -> dict[int, str]:
        """Who is left after a while; nobody, as a rule."""
        until = time.monotonic() + seconds
        while (left := self.people()) and time.monotonic() < until:
            time.sleep(0.05)
        return left


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    one = Town(tmp_path)
    yield one
    for pid in one.people():
        os.kill(pid, signal.SIGKILL)


def test_an_engine_that_is_killed_leaves_nobody_behind(town):
    run = town.begin()
    assert len(town.people()) >= 8, "the engine, two agents, their children, and what the tasks started"
    run.kill()
    run.wait()
    assert town.is_empty_soon() == {}


def test_an_engine_that_is_interrupted_leaves_nobody_behind(town):
    run = town.begin()
    os.killpg(run.pid, signal.SIGINT)
    run.wait(30)
    assert town.is_empty_soon() == {}


def test_an_agent_that_is_killed_takes_all_that_it_started_with_it(town):
    run = town.begin()
    before = town.people()
    engine_and_wardens = {pid for pid, words in before.items() if "sleep 600" not in words}
    sleepers = set(before) - engine_and_wardens
    for pid in town.agents():
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 15
    while any(map(is_alive, sleepers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert [before[pid] for pid in sleepers if is_alive(pid)] == []
    run.terminate()
    run.wait(30)
    assert town.is_empty_soon() == {}


def test_an_agent_that_is_drained_and_stopped_leaves_nobody_behind(town):
    town.call("agent", "start", "box", "-j", "2")
    run = town.begin()
    town.call("agent", "drain", "box")
    assert town.agents(), "it goes on with what it has"
    town.call("agent", "stop", "box")
    run.terminate()
    run.wait(30)
    assert town.is_empty_soon() == {}
