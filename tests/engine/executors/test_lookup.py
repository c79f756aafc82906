"""An executor is found by its name, ours or a stranger's, and only that one is imported."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from engine.errors import SystemFailure
from engine.executors import lookup
from engine.executors.contract import Executor

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["inline", "threads", "processes"])
def test_our_executors_are_found_by_name(name: str) -> None:
    assert isinstance(lookup.make_executor(name), Executor)


def test_the_names_are_those_that_pyproject_offers() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["entry-points"]["flowloom.executors"] == lookup.OWN


@pytest.mark.parametrize(("name", "near"), [("proceses", "processes"), ("thread", "threads"), ("agent", "agents")])
def test_a_misspelt_name_brings_the_nearest(name: str, near: str) -> None:
    with pytest.raises(SystemFailure, match=f"did you mean {near}"):
        lookup.make_executor(name)


def test_a_strange_name_brings_all_of_them() -> None:
    with pytest.raises(SystemFailure, match="there are inline, threads, processes"):
        lookup.make_executor("zzzz")


def test_a_strangers_executor_is_found_and_one_that_keeps_no_contract_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [
        EntryPoint("mine", "engine.executors.inline:InlineExecutor", lookup.GROUP),
        EntryPoint("wrong", "pathlib:Path", lookup.GROUP),
        EntryPoint("gone", "no_such_package:Thing", lookup.GROUP),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    assert isinstance(lookup.make_executor("mine"), Executor)
    assert "mine" in lookup.executor_names()
    with pytest.raises(SystemFailure, match="does not keep the contract"):
        lookup.make_executor("wrong")
    with pytest.raises(SystemFailure, match="no_such_package"):
        lookup.make_executor("gone")


def test_looking_for_one_imports_no_other() -> None:
    code = (
        "import sys; from engine.executors.lookup import make_executor; make_executor('processes'); "
        "print([m for m in sys.modules if m in ('engine.executors.threads', 'agents', 'zmq', 'asyncio', 'dill')])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
