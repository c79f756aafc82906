"""The engine has one Python, the tasks on agents another: what is named works, what travels with its code is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench import Bench

from agents.executor import AgentsExecutor
from engine.attempt import COMPLETED, FAILED, Attempt, Outcome, Work
from engine.payload import Payload, pack_function
from tests.support.pythons import HERE, python_of_version

OTHER_MAGIC = 3531  # of Python 3.12


def call(bench: Bench, function: Any, **inputs: Any) -> Outcome:
    """Have a function done that travels with its code."""
    work = Work(function=function, executor="agents", wants_context=False)
    bench.count += 1
    bench.executor.start([Attempt(bench.count, 1, work, (), inputs, "call", {})])
    (outcome,) = bench.wait([bench.count])
    return outcome


@pytest.fixture(scope="module", params=["3.12", "3.13"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    python = python_of_version(request.param) if request.param != HERE else None
    if python is None:
        pytest.skip(f"this machine has no other Python {request.param}")
    bench = Bench(tmp_path_factory.mktemp("other"), AgentsExecutor(agents=1), python=python)
    bench.registered(1)
    yield bench
    bench.executor.close(0.0)


def test_tasks_of_the_project_run_in_another_python(other: Bench) -> None:
    """Also with values that a child of the one Python made and a child of the same one reads."""
    (told,) = other.wait(other.start("version"))
    assert told.value != HERE
    (doubled,) = other.wait(other.start("double", {"x": "a"}))
    assert doubled.value == "aa"
    (made,) = other.wait(other.start("a_row", {"x": 7}))
    assert made.kind == COMPLETED, made.error
    (read,) = other.wait(other.start("x_of", {"row": made.value}))
    assert read.value == 7


def test_a_function_with_its_code_is_refused_by_another_python_with_the_reason(other: Bench) -> None:
    outcome = call(other, lambda x: x + 1, x=1)
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert f"Python {HERE}" in outcome.error.message
    assert "module of the project" in outcome.error.message
    assert not outcome.error.retryable


@pytest.mark.seed("S112")
def test_functions_without_a_name_to_import_run_on_agents_of_the_same_python(tmp_path: Path) -> None:
    """A lambda, a closure, a function of `__main__`: each with its code. Made by another Python, it is refused."""
    bench = Bench(tmp_path, AgentsExecutor(agents=1))
    scope: dict[str, Any] = {"__name__": "__main__", "offset": 3}
    exec("def of_main(x):\n    return x + offset\n", scope)
    factor = 5
    assert call(bench, lambda x: x + 1, x=1).value == 2
    assert call(bench, lambda x: x * factor, x=2).value == 10
    assert call(bench, scope["of_main"], x=4).value == 7
    here = pack_function(lambda x: x, "call")
    elsewhere = Payload(here.tag, here.data, here.buffers, here.type, here.preview, magic=OTHER_MAGIC)
    refused = call(bench, elsewhere, x=1)
    bench.executor.close(0.0)
    assert refused.kind == FAILED
    assert refused.error is not None
    assert "Python 3.12" in refused.error.message
    assert f"this is Python {HERE}" in refused.error.message
