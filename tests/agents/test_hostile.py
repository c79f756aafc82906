"""A compromised agent sends what it likes, with a welcome key: nothing of it is executed in the engine, and nothing breaks.

The gadgets are pickles that would create a file when loaded. They go through everything that an agent can say.
"""

from __future__ import annotations

import pickle
import sys
import threading
import time
from pathlib import Path

import dill
import msgspec
import pytest

from agents import protocol, wire
from agents.executor import AgentsExecutor
from agents.gate import new_keys
from agents.link import Link
from agents.sockets import Spoke
from engine.attempt import Attempt, Outcome, Work
from engine.executors.contract import Workplace

VALUES = 1  # the extension that sealed values have


class Gadget:
    def __init__(self, act) -> None:
        self.act = act

    def __reduce__(self):
        return self.act


def gadgets(mark: Path) -> dict[str, bytes]:
    """Twenty ways to do something while being loaded."""
    import builtins
    import importlib
    import operator
    import os
    import shutil
    import subprocess

    touch = f"open({str(mark)!r}, 'w')"
    path = str(mark)
    acts = {
        "os.system": (os.system, (f"touch {path}",)),
        "subprocess.run": (subprocess.run, (["touch", path],)),
        "subprocess.Popen": (subprocess.Popen, (["touch", path],)),
        "subprocess.check_output": (subprocess.check_output, (["touch", path],)),
        "eval": (eval, (touch,)),
        "exec": (exec, (touch,)),
        "open": (open, (path, "w")),
        "os.mkdir": (os.mkdir, (path,)),
        "os.makedirs": (os.makedirs, (path,)),
        "os.open": (os.open, (path, os.O_CREAT | os.O_WRONLY)),
        "os.mkfifo": (os.mkfifo, (path,)),
        "os.symlink": (os.symlink, ("/dev/null", path)),
        "Path.touch": (Path.touch, (mark,)),
        "Path.write_text": (Path.write_text, (mark, "x")),
        "shutil.copy": (shutil.copy, ("/etc/hostname", path)),
        "import": (importlib.import_module, ("antigravity_of_flowloom",)),
        "operator.call": (operator.methodcaller("write_text", "x"), (mark,)),
        "builtins.exec": (builtins.exec, (touch,)),
        "SystemExit": (sys.exit, (3,)),
    }
    found = {name: pickle.dumps(Gadget(act)) for name, act in acts.items()}
    found["a lambda by value"] = dill.dumps((lambda p: lambda: Path(p).open("w"))(path))  # noqa: SIM115
    return found


def sealed(data: bytes, tag: int) -> msgspec.msgpack.Ext:
    """A value as agents seal it, with whatever tag and bytes."""
    return msgspec.msgpack.Ext(VALUES, msgspec.msgpack.encode([tag, "int", "7", 0, [data]]))


class Faithless:
    """An agent with a key of its own that registers properly and then says what a test tells it to say."""

    def __init__(self, executor: AgentsExecutor, name: str = "faithless") -> None:
        keys = new_keys()
        executor._allowed.add(name, keys.public)
        self.name = name
        self.executor = executor
        self.tasks: list[protocol.TaskAssignment] = []
        self.news = threading.Event()
        self.answers: list[object] = []
        self.link: Link | None = None
        self.session = time.time_ns() // 1000
        self.spoke = Spoke(keys, executor._keys.public, executor._endpoint, self._on_frames, self._on_time)
        self.spoke.send(Link(self.session, 0).bare([protocol.NodeRegistration(name, 4)]))
        self.spoke.start("faithless")

    def _on_time(self) -> float:
        if self.link is not None:
            self.spoke.send(self.link.bare([protocol.Heartbeat(self.name, 4)]))
        return 0.2

    def _on_frames(self, frames) -> None:
        parcel = wire.decode(frames)
        if self.link is None:
            self.link = Link(self.session, parcel.envelope.sender)
        for message, _ in self.link.receive(parcel):
            if isinstance(message, protocol.TaskAssignment):
                self.tasks.append(message)
                self.news.set()
            else:
                self.answers.append(message)

    def say(self, *messages) -> None:
        for frames in self.packed(messages):
            self.spoke.send(frames)

    def packed(self, messages):
        assert self.link is not None
        for message in messages:
            self.link.send(message)
        return self.link.flush(0.0)

    def task(self) -> protocol.TaskAssignment:
        assert self.news.wait(10), "nothing was given"
        self.news.clear()
        return self.tasks[-1]


class Engine:
    def __init__(self, folder: Path) -> None:
        self.executor = AgentsExecutor(agents=0)
        self.news: list[object] = []
        self.heard = threading.Event()
        self.executor.open(Workplace(folder=folder, state=folder / "state", slots=1, run="run"), self._report)
        self.count = 0
        self.work = Work(reference="operator:not_", executor="agents", wants_context=False)

    def _report(self, news) -> None:
        self.news += news
        self.heard.set()

    def start(self) -> None:
        self.count += 1
        self.executor.start([Attempt(self.count, 1, self.work, (1,), {}, f"n{self.count}", {})])

    def outcome(self) -> Outcome:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for piece in self.news:
                if isinstance(piece, Outcome) and piece.node == self.count:
                    return piece
            self.heard.wait(0.05)
            self.heard.clear()
        raise AssertionError("no outcome")


@pytest.fixture
def engine(tmp_path):
    one = Engine(tmp_path)
    yield one
    one.executor.close(0.0)


@pytest.fixture
def agent(engine):
    one = Faithless(engine.executor)
    until = time.monotonic() + 10
    while one.name not in engine.executor.agents() and time.monotonic() < until:
        time.sleep(0.01)
    yield one
    one.spoke.close()


def test_twenty_gadgets_over_every_channel_run_nothing(engine, agent, tmp_path, monkeypatch):
    mark = tmp_path / "executed"
    loaded: list[object] = []
    for module in (pickle, dill):
        monkeypatch.setattr(module, "loads", lambda *a, **k: loaded.append(a))
    every = gadgets(mark)
    assert len(every) == 20
    channels = 0
    for name, data in every.items():
        text = data.decode("latin-1")
        for tag in (1, 2, 3, 5):
            engine.start()
            task = agent.task()
            said = protocol.TaskResult(*task.task_id, "completed", msgspec.msgpack.encode(sealed(data, tag)))
            agent.say(
                protocol.TaskProgress(*task.task_id, 0.5, text[:4000]),
                protocol.TaskLines(*task.task_id, "stdout", [text]),
                protocol.TaskMetric(*task.task_id, "name", text),
                said,
            )
            outcome = engine.outcome()
            assert repr(outcome), name
            assert outcome.value.preview == "7"
        engine.start()
        task = agent.task()
        trouble = protocol.Trouble(text[:500], text, text, [text[:500]])
        agent.say(protocol.TaskResult(*task.task_id, "failed", data, 0.0, trouble, extras=data))
        assert engine.outcome().kind == "failed"
        agent.say(
            protocol.StatusUpdate(agent.name, "available"),
            protocol.Goodbye(text) if name == "none" else protocol.Want(data[:32]),
        )
        agent.spoke.send(agent.link.bare([protocol.NodeRegistration(agent.name, 4, versions={"python": "3"})]))
        channels += 1
    assert channels == 20
    assert loaded == []
    assert not mark.exists()


MALFORMED_RESULTS = {
    "a pickle where a value should be": pickle.dumps([1]),
    "a list in the clear": msgspec.msgpack.encode([1, 2]),
    "a dictionary in the clear": msgspec.msgpack.encode({"a": 1}),
    "another extension": msgspec.msgpack.encode(msgspec.msgpack.Ext(77, b"x")),
    "half an extension": msgspec.msgpack.encode(sealed(b"x", 1))[:-3],
    "an extension that is no value": msgspec.msgpack.encode(msgspec.msgpack.Ext(VALUES, b"\xc1")),
    "a value without bytes": msgspec.msgpack.encode(
        msgspec.msgpack.Ext(VALUES, msgspec.msgpack.encode([1, "", "", 0, []]))
    ),
    "a part that never came": msgspec.msgpack.encode(
        msgspec.msgpack.Ext(VALUES, msgspec.msgpack.encode([1, "", "", 0, [[b"nowhere", 5]]]))
    ),
    "a hundred thousand levels": b"\x91" * 100_000,
    "four billion items": b"\xdd\xff\xff\xff\xff",
    "an integer of the wrong size": msgspec.msgpack.encode(2**64 - 1),
}


@pytest.mark.parametrize("data", MALFORMED_RESULTS.values(), ids=MALFORMED_RESULTS)
def test_a_result_that_cannot_be_read_fails_its_attempt_and_nothing_else(engine, agent, data):
    engine.start()
    task = agent.task()
    agent.say(protocol.TaskResult(*task.task_id, "completed", data))
    outcome = engine.outcome()
    assert (outcome.kind, outcome.error.type) == ("failed", "MalformedResult")
    engine.start()
    task = agent.task()
    agent.say(protocol.TaskResult(*task.task_id, "completed", msgspec.msgpack.encode(5)))
    assert engine.outcome().value == 5


@pytest.mark.parametrize("extras", [[[1], None], [None, [1]], [5, 0], [1], {}, 7], ids=str)
def test_variables_and_figures_in_another_shape_fail_their_attempt_and_nothing_else(engine, agent, extras):
    engine.start()
    agent.say(protocol.TaskResult(*agent.task().task_id, "completed", extras=msgspec.msgpack.encode(extras)))
    outcome = engine.outcome()
    assert (outcome.kind, outcome.error.type) == ("failed", "MalformedResult")
    engine.start()
    agent.say(protocol.TaskResult(*agent.task().task_id, "completed", msgspec.msgpack.encode(5)))
    assert engine.outcome().value == 5


def test_pieces_of_values_that_do_not_fit_are_refused(engine, agent):
    link = agent.link
    assert link is not None

    def piece(offset: int, total: int, data: bytes, name: bytes = b"v") -> None:
        agent.spoke.send(wire.encode(link.me, link.peer, 0, 0, [protocol.Chunk(name, offset, total)], [data]))

    piece(0, 10, b"x" * 11)
    piece(0, 10, b"x" * 5)
    piece(7, 10, b"x" * 3)
    for number in range(100):
        piece(0, 1000, b"x", b"begun-%d" % number)
    engine.start()
    task = agent.task()
    agent.say(protocol.TaskResult(*task.task_id, "completed", msgspec.msgpack.encode(5)))
    assert engine.outcome().value == 5


def test_an_agent_that_sends_nonsense_for_long_is_shut_out(engine, agent):
    for _ in range(150):
        agent.spoke.send([b"\xc1 nonsense"])
    until = time.monotonic() + 10
    while agent.name in engine.executor.agents() and time.monotonic() < until:
        time.sleep(0.02)
    assert agent.name not in engine.executor.agents()
    engine.start()
    assert not agent.news.wait(0.3), "and gets nothing any more"


def test_control_characters_of_an_agent_stay_text(engine, agent):
    engine.start()
    task = agent.task()
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m"
    agent.say(protocol.TaskResult(*task.task_id, "failed", error=protocol.Trouble("E", evil, evil)))
    assert engine.outcome().error.message == evil, "whoever shows it makes it harmless"


@pytest.mark.seed("S144", "S145")
def test_an_agent_cannot_end_what_another_one_has(engine, agent):
    thief = Faithless(engine.executor, "thief")
    until = time.monotonic() + 10
    while "thief" not in engine.executor.agents() and time.monotonic() < until:
        time.sleep(0.01)
    try:
        engine.start()
        owner, other = (agent, thief) if agent.news.wait(1.0) else (thief, agent)
        task = owner.task() if owner is thief else owner.tasks[-1]
        other.say(protocol.TaskResult(*task.task_id, "completed", msgspec.msgpack.encode(666)))
        until = time.monotonic() + 10
        while not engine.executor.coordinator.refused and time.monotonic() < until:
            time.sleep(0.01)
        assert engine.executor.coordinator.refused == 1
        owner.say(protocol.TaskResult(*task.task_id, "completed", msgspec.msgpack.encode(5)))
        assert engine.outcome().value == 5
    finally:
        thief.spoke.close()
