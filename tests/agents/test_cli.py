"""`flowloom-agent`: start, list, drain, stop, logs, keys, on real processes; and runs that use such an agent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.cli import agent as command
from agents.executor import AgentsExecutor
from agents.homes import Home, homes, living
from engine.attempt import Attempt, Outcome, Work
from engine.executors.contract import Workplace


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield
    for home in homes():
        home.signal(signal.SIGKILL)


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(command, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def listed(name: str = "box") -> dict:
    (line,) = [one for one in json.loads(run("list", "--json"))["agents"] if one["name"] == name]
    return line


class Engine:
    """An executor that uses whatever agents stand on this machine."""

    def __init__(self, folder: Path, run_: str = "run") -> None:
        folder.mkdir(exist_ok=True)
        (folder / "chores.py").write_text(
            "import time\ndef double(x, seconds=0.0):\n    time.sleep(seconds)\n    return x * 2\n"
        )
        self.executor = AgentsExecutor()
        self.outcomes: dict[int, Outcome] = {}
        self.executor.open(Workplace(folder=folder, state=folder / "state", slots=2, run=run_), self._report)
        self.work = Work(reference="chores:double", executor="agents")

    def _report(self, news) -> None:
        for piece in news:
            if isinstance(piece, Outcome):
                self.outcomes[piece.node] = piece

    def start(self, count: int, seconds: float = 0.0, first: int = 1) -> None:
        attempts = [
            Attempt(number, 1, self.work, (), {"x": number, "seconds": seconds}, f"n{number}", {})
            for number in range(first, first + count)
        ]
        self.executor.start(attempts)

    def wait(self, count: int, seconds: float = 30.0) -> None:
        until = time.monotonic() + seconds
        while len(self.outcomes) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.outcomes) >= count


def eventually(true, seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_an_agent_is_started_listed_and_stopped():
    assert "box runs as process" in run("start", "box", "-j", "3", "--label", "gpu", "--resource", "gpu=1")
    line = listed()
    assert (line["state"], line["slots"], line["labels"]) == ("available", 3, ["gpu"])
    assert "box" in run("list")
    assert "runs already" in run("start", "box", code=1)
    assert "has ended" in run("stop", "box")
    assert listed()["state"] == "offline"
    assert "does not run" in run("stop", "box", code=1)
    assert "asked to end" in run("logs", "box")


def test_a_run_uses_an_agent_that_stands_and_leaves_it_standing(tmp_path):
    run("start", "box", "-j", "2")
    engine = Engine(tmp_path / "project")
    engine.start(20)
    engine.wait(20)
    assert {one.value for one in engine.outcomes.values()} == {2 * x for x in range(1, 21)}
    assert list(engine.executor.agents()) == ["box"]
    assert listed()["engine"].startswith("run (process")
    engine.executor.close()
    assert listed()["engine"] == ""
    again = Engine(tmp_path / "project", "another")
    again.start(5)
    again.wait(5)
    again.executor.close()
    assert listed()["state"] == "available"


@pytest.mark.seed("S30", "S49")
def test_who_ran_a_node_is_told_while_it_runs_and_afterwards(tmp_path):
    from engine.history import past_run
    from engine.start import start_run
    from studio.commands.show import command as show

    run("start", "box", "-j", "1")
    project = tmp_path / "project"
    project.mkdir()
    (project / "project.toml").write_text(
        'format = 1\n[project]\nname = "who"\n[defaults]\nexecutor = "agents"\n'
        '[nodes.there]\nshell = "while ! test -e go; do sleep 0.05; done"\n'
        '[nodes.here]\nshell = "true"\nexecutor = "processes"\n'
    )
    handle = start_run(project)
    there = handle.plan.numbers["there"]
    eventually(lambda: handle.state.node(there).agent == "box")
    assert handle.state.node(there).state.value == "running"
    (project / "go").touch()
    assert handle.wait(30)
    assert handle.result.to_dict()["nodes"]["there"]["agent"] == "box"
    assert "agent" not in handle.result.to_dict()["nodes"]["here"]
    past = past_run(handle.folder)
    assert past.state.agents == {there: "box"}
    past.close()
    told = CliRunner().invoke(show, [handle.id], env={"NO_COLOR": "1"}, obj=None)
    assert "on box" in told.output


def test_a_second_engine_does_not_get_an_agent_that_is_held(tmp_path):
    run("start", "box")
    first = Engine(tmp_path / "one", "first")
    second = Engine(tmp_path / "two", "second")
    try:
        eventually(lambda: "box" in first.executor.agents())
        second.start(2)
        second.wait(2)
        assert "box" not in second.executor.agents(), "it started agents of its own"
        assert listed()["engine"].startswith("first")
    finally:
        second.executor.close()
        first.executor.close()


ENGINE = """
import sys, time
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from test_cli import Engine
engine = Engine(Path({folder!r}))
engine.start(4, seconds=1.5)
while not engine.executor.agents() or not any(job.agent for job in engine.executor.coordinator.jobs.values()):
    time.sleep(0.02)
print("given", flush=True)
time.sleep(60)
"""


@pytest.mark.seed("S144")
def test_an_engine_that_is_killed_and_comes_back_gets_what_the_agent_did_meanwhile(tmp_path):
    run("start", "box", "-j", "2")
    here = Path(__file__)
    text = ENGINE.format(root=str(here.parents[2]), tests=str(here.parent), folder=str(tmp_path / "project"))
    (tmp_path / "project").mkdir()
    first = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "given\n"
    first.kill()
    first.wait()
    first.stdout.close()
    eventually(lambda: not listed()["engine"])
    assert living(), "an agent that stands outlives its engine"
    again = AgentsExecutor(generation=2)
    engine = Engine.__new__(Engine)
    engine.executor, engine.outcomes = again, {}
    engine.work = Work(reference="chores:double", executor="agents")
    folder = tmp_path / "project"
    again.open(Workplace(folder=folder, state=folder / "state", slots=2, run="run"), engine._report)
    again.expect([Attempt(n, 1, engine.work, (), {"x": n, "seconds": 1.5}, f"n{n}", {}) for n in range(1, 5)], wait=3.0)
    engine.wait(4)
    assert {one.value for one in engine.outcomes.values()} == {2, 4, 6, 8}
    again.close()


def test_a_drained_agent_takes_nothing_new(tmp_path):
    run("start", "box")
    engine = Engine(tmp_path / "project")
    eventually(lambda: "box" in engine.executor.agents())
    assert "takes nothing new" in run("drain", "box")
    eventually(lambda: engine.executor.agents()["box"].state.value == "draining")
    engine.start(1)
    eventually(lambda: engine.executor.coordinator.waiting())
    assert engine.executor.coordinator.waiting()[0][1] == "box has nothing, but is draining"
    eventually(lambda: listed()["state"] == "draining")
    engine.executor.close()


def test_a_revoked_key_is_shut_out_while_it_works(tmp_path):
    run("start", "box")
    engine = Engine(tmp_path / "project")
    eventually(lambda: "box" in engine.executor.agents())
    assert "not welcome any more" in run("keys", "--revoke", "box")
    eventually(lambda: "box" not in engine.executor.agents())
    assert listed()["state"] == "revoked"
    assert "revoked" in run("keys")
    engine.executor.close()
    assert living() == []


def test_keys_show_public_halves_only():
    run("start", "box")
    shown = run("keys")
    secret = Home("box").key.read_text().split()[1]
    assert secret not in shown
    assert Home("box").key.read_text().split()[0] in shown
    assert secret not in Home("box").log.read_text()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["stop", "nobody"], 5, "there is no agent 'nobody' here"),
        (["start", "../x"], 5, "is no name for an agent"),
        (["start", "-rf"], 2, "No such option"),
        (["start", "a\x1b[31m"], 5, "is no name"),
        (["start", "x", "-j", "0"], 2, "0 is not in the range"),
        (["start", "x", "--resource", "gpu"], 2, "is no NAME=AMOUNT"),
        (["logs", "nobody"], 5, "there is no agent"),
        (["list"], 0, "no agents here"),
        ([], 2, "Usage"),
    ],
)
def test_mistakes_are_said_in_one_line(words, code, says):
    done = CliRunner().invoke(command, words)
    assert done.exit_code == code
    assert says in done.output
    assert "Traceback" not in done.output
    assert "\x1b" not in done.output


def test_the_command_for_hosts_imports_neither_studio_nor_textual():
    text = """
        import sys
        import agents.cli, agents.service, agents.executor, agents.pool
        print([name for name in sys.modules if name.partition(".")[0] in ("studio", "textual", "rich", "networkx")])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout == "[]\n"


def test_importing_the_command_line_loads_no_socket_library():
    text = "import sys, agents.cli; print('zmq' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout == "False\n"
