"""Tasks run in the project's own Python: another version, with none of our packages."""

from __future__ import annotations

import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.attempt import COMPLETED, FAILED, Work
from engine.executors.processes import ProcessesExecutor
from engine.payload import BY_VALUE, Payload
from tests.engine.executors.workbench import Workbench, make_project
from tests.support.pythons import HERE, python_of_version

OTHERS = ["3.9", "3.10", "3.12", "3.13"]


def bench_of(python: str, folder: Path) -> Workbench:
    return Workbench(ProcessesExecutor(), make_project(folder), python=python)


@pytest.fixture(params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workbench]:
    python = None if request.param == HERE else python_of_version(request.param)
    if python is None:
        pytest.skip(f"this machine has no other Python {request.param}")
    bench = bench_of(python, tmp_path / "project")
    yield bench
    bench.close()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Workbench]:
    """A virtual environment of this Python with nothing in it."""
    venv.create(tmp_path / "bare", with_pip=False)
    bench = bench_of(str(tmp_path / "bare" / "bin" / "python"), tmp_path / "project")
    yield bench
    bench.close()


LOADED = """
import sys
def ours():
    return sorted(n for n in sys.modules if n.split(".")[0] in ("engine", "msgspec", "cloudpickle", "dill", "agents"))
"""


def everything_works(bench: Workbench) -> None:
    assert bench.value("add", {"a": 1, "b": 2.5}) == 3.5
    value = {"rows": [1, -1, 2**40, 1.5, None, True, "\u00fc" * 300, b"\x00" * 300, [[]] * 1, {"k": {}}] + [0] * 20}
    assert bench.value("echo", {"value": value}) == value
    made = bench.run("make_row", {"n": 5})
    assert made.kind == COMPLETED, made.error
    assert bench.value("read_row", {"row": made.value}, sealed=True) == [5, "x"]
    assert bench.run("deep_fail").error is not None
    outcome = bench.run("with_context")
    assert outcome.kind == COMPLETED, outcome.error
    assert bench.value(Work("shell", script="echo hello")) == "hello"
    named = bench.run("returns_lock").error
    assert named is not None
    assert 'result["rows"][3]["guard"].lock' in named.message
    assert bench.run("segfaults").error is not None
    assert bench.value("anap") == "awake"


def test_tasks_run_in_another_version_without_our_packages(other: Workbench) -> None:
    everything_works(other)


def test_tasks_run_in_a_bare_environment(bare: Workbench) -> None:
    everything_works(bare)


def test_decorated_tasks_run_where_flowloom_is_not_installed(other: Workbench) -> None:
    code = "from engine import task\n@task\ndef a(): return 1\n@task(max_retries=2)\ndef b(): return 2\n"
    (other.folder / "decorated.py").write_text(code, encoding="utf-8")
    assert [other.value(Work(reference="decorated:a")), other.value(Work(reference="decorated:b"))] == [1, 2]


def test_a_function_sent_with_its_code_is_refused_by_another_version_with_the_reason(other: Workbench) -> None:
    outcome = other.run(lambda value: value + 1, {"value": 1})
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert f"Python {HERE}" in outcome.error.message
    assert "module of the project" in outcome.error.message
    assert not outcome.error.retryable


def test_a_value_sent_with_its_code_is_refused_by_another_version_with_the_reason(other: Workbench) -> None:
    value = Payload(next(iter(BY_VALUE)), b"never loaded", (), "Row", "", magic=3400)
    outcome = other.run("echo", {"value": value}, sealed=True)
    assert outcome.error is not None
    assert "argument 'value'" in outcome.error.message


def test_functions_of_scripts_reach_a_bare_environment_of_this_version(bare: Workbench) -> None:
    offset = 5
    assert bare.value(lambda value: value + offset, {"value": 1}) == 6


def test_a_child_loads_little_of_ours(bare: Workbench) -> None:
    (bare.folder / "loaded.py").write_text(LOADED, encoding="utf-8")
    names = bare.value(Work(reference="loaded:ours"))
    assert {name.split(".")[0] for name in names} == {"engine"}
    assert not [name for name in names if name.startswith(("engine.project", "engine.machine", "engine.store"))]
    assert "engine.pickling" not in names
