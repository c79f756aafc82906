"""What an agent tells of an attempt, read off the wire, and what the engine makes of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench import Bench

from agents import wire
from agents.executor import AgentsExecutor
from agents.packing import PAYLOAD
from agents.protocol import INLINE, TaskResult
from engine.attempt import COMPLETED, FAILED
from engine.payload import Payload

ROOT = Path(__file__).resolve().parents[2]
TASKS = """
import time

def nothing():
    pass

def number():
    return 42

def rows(count):
    return [{"row": index} for index in range(count)]

class Row:
    pass

def thing():
    return Row()

def bad():
    raise KeyError("no such row")

def sleeps(seconds):
    time.sleep(seconds)

class Spoilt:
    def __reduce__(self):
        raise ZeroDivisionError("nobody pickles me")

def spoilt():
    return {"rows": [Spoilt()]}
"""


class Overheard(AgentsExecutor):
    """Keeps the results that came, as they came."""

    def open(self, *args: Any) -> None:
        self.results: dict[int, TaskResult] = {}
        super().open(*args)

    def _on_frames(self, agent: str, frames: list[Any]) -> None:
        for message in wire.decode(frames).messages:
            if type(message) is TaskResult:
                self.results[message.node] = message
        super()._on_frames(agent, frames)


class Told:
    """One attempt: what travelled, and the outcome."""

    def __init__(self, bench: Bench, function: str, **inputs: Any) -> None:
        work = f"outcomes:{function}"
        (number,) = bench.start(work, inputs)
        (self.outcome,) = bench.wait([number])
        self.result: TaskResult = bench.executor.results[number]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("outcomes")
    (folder / "outcomes.py").write_text(TASKS)
    one = Bench(folder, Overheard(agents=1), slots=1)
    yield one
    one.executor.close(0.0)


def plain(data: bytes | None) -> Any:
    assert data is not None
    return msgspec.msgpack.decode(data)


@pytest.mark.seed("S166", "S167", "S168")
def test_short_scalars_travel_as_plain_data(bench: Bench) -> None:
    told = Told(bench, "number")
    assert told.result.success
    assert plain(told.result.serialized_result) == 42
    assert told.result.error_message is None
    assert told.outcome.value == 42
    assert Told(bench, "nothing").result.serialized_result is None


@pytest.mark.seed("S168")
def test_everything_else_travels_sealed_with_a_tag(bench: Bench) -> None:
    """Opaque to the wire and to the engine: it is opened where tasks run."""
    told = Told(bench, "thing")
    sealed = plain(told.result.serialized_result)
    assert isinstance(sealed, msgspec.msgpack.Ext)
    assert sealed.code == PAYLOAD
    assert told.result.values == []
    assert type(told.outcome.value) is Payload
    assert told.outcome.value.type.endswith("Row")


@pytest.mark.seed("S168")
def test_a_large_value_travels_beside_the_result_that_names_it(bench: Bench) -> None:
    told = Told(bench, "rows", count=20_000)
    data = told.result.serialized_result
    assert data is not None
    assert len(data) < 1000
    assert len(told.result.values) == 1
    assert len(told.outcome.value.data) > INLINE
    assert plain(told.outcome.value.data)[-1] == {"row": 19_999}


@pytest.mark.seed("S30", "S166", "S167", "S168", "S169")
def test_an_error_travels_as_text(bench: Bench) -> None:
    told = Told(bench, "bad")
    assert not told.result.success
    assert told.result.serialized_result is None
    said = told.result.error_message
    assert said is not None
    assert said.startswith("KeyError: ")
    assert 'raise KeyError("no such row")' in said
    assert told.outcome.kind == FAILED
    assert told.outcome.error is not None
    assert "LookupError" in told.outcome.error.lineage


@pytest.mark.seed("S170")
def test_the_time_is_that_of_the_code_and_not_of_the_waiting(bench: Bench) -> None:
    """Three attempts in one slot, each measured where it runs: together they fit into the time that passed here."""
    began = time.monotonic()
    numbers = bench.start("outcomes:sleeps", *({"seconds": 0.1} for _ in range(3)))
    outcomes = bench.wait(numbers)
    passed = time.monotonic() - began
    times = [bench.executor.results[number].execution_time for number in numbers]
    assert all(seconds >= 0.1 for seconds in times)
    assert sum(times) <= passed
    assert [one.seconds for one in outcomes] == times
    assert Told(bench, "bad").result.execution_time > 0


def test_a_result_that_cannot_leave_names_where_it_sits(bench: Bench) -> None:
    told = Told(bench, "spoilt")
    assert told.outcome.kind == FAILED
    assert told.outcome.error is not None
    assert "nobody pickles me" in str(told.outcome.error)
    assert Told(bench, "number").outcome.kind == COMPLETED


@pytest.mark.seed("S256")
def test_retries_alternatives_and_compensation_work_on_agents(tmp_path: Path) -> None:
    """The sample in which everything goes wrong, with every node on an agent."""
    folder = shutil.copytree(ROOT / "sample_projects" / "orders", tmp_path / "orders")
    command = [str(Path(sys.executable).with_name("flowloom")), "run", "--json", "--executor", "agents"]
    params = ["-p", "carrier=strike", "-p", "bank_busy=2", "-p", "printer=false"]
    done = subprocess.run([*command, *params], cwd=folder, capture_output=True, text=True, timeout=90)
    assert done.returncode == 1, done.stderr
    nodes = json.loads(done.stdout)["nodes"]
    assert [name for name, node in nodes.items() if node["state"] == "compensated"] == ["reserve", "pay", "pack"]
    assert nodes["pay"]["attempts"] == 3
    assert nodes["label"]["result"] == "by hand: A-1001"
    assert (folder / "out" / "ledger.txt").read_text().splitlines()[-4:] == [
        "unpack 3 items",
        "refund 42",
        "release A-1001",
        "tell: A-1001 was called off",
    ]
