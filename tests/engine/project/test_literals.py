"""What `@task(...)` says in the source, in the settings of a project's nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.project.loading import load, look
from engine.project.model import ExponentialBackoff, FixedDelay, RetryPolicy, Skip, Task
from tests.engine.project.texts import looked_at, only, project_in

TASKS = """
from engine import task
LIMIT = 3

@task(max_retries=2, timeout=30, on_error="skip", executor="threads", tags=("slow", "big"))
def load(): ...

@task(max_retries=1, delay="1s", backoff=3)
def fit(): ...

@task(max_retries=1, delay=2, timeout=LIMIT * 2)
def plot(result=None): ...

def plain(): ...

raise SystemExit("this file was run")
"""

TEXT = """
[defaults]
timeout = 99
[nodes.load]
task = "tasks:load"
[nodes.again]
task = "tasks:load"
timeout = "1m"
retry = { max_retries = 0 }
[nodes.plain]
task = "tasks:plain"
[nodes.group.nodes.fit]
task = "tasks:fit"
undo = { task = "tasks:plot" }
[nodes.choice]
condition = "true"
then = { task = "tasks:plot" }
"""


@pytest.fixture
def nodes(tmp_path: Path):
    project_in(tmp_path, TEXT, tasks=TASKS)
    return load(tmp_path).workflow.nodes


def test_literals_of_the_function_fill_in_what_the_node_does_not_say(nodes) -> None:
    settings = nodes["load"].settings
    assert settings.timeout == 30.0
    assert settings.retry == RetryPolicy(2)
    assert settings.on_error == Skip()
    assert settings.executor == "threads"
    assert settings.tags == ("slow", "big")


def test_what_the_node_says_comes_first(nodes) -> None:
    settings = nodes["again"].settings
    assert settings.timeout == 60.0
    assert settings.retry == RetryPolicy(0)
    assert settings.executor == "threads"


def test_short_forms_of_retries_are_taken_together(nodes) -> None:
    inner = nodes["group"].body.nodes["fit"]
    assert inner.settings.retry == RetryPolicy(1, ExponentialBackoff(1.0, 3.0))
    assert inner.settings.undo.settings.retry == RetryPolicy(1, FixedDelay(2.0))


def test_what_has_to_be_computed_is_not_known(nodes) -> None:
    assert nodes["choice"].body.then.settings.timeout is None
    assert nodes["plain"].settings == type(nodes["plain"].settings)()


def test_a_look_shows_the_file_as_it_was_written(tmp_path: Path) -> None:
    project_in(tmp_path, TEXT, tasks=TASKS)
    project = look(tmp_path).project
    assert project.workflow.nodes["load"].settings.timeout is None
    assert project.workflow.nodes["load"].body == Task("tasks:load")


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ('timeout="soon"', "wrong-value", "@task.timeout"),
        ("max_retries=-1", "wrong-value", "@task.retry.max_retries"),
        ("timeot=3", "bad-literal", "no setting `timeot`"),
    ],
)
def test_literals_that_cannot_be_meant_are_found_at_the_node(said: str, code: str, words: str, tmp_path: Path) -> None:
    source = f"@task({said})\ndef load(): ...\n"
    found = only(looked_at(tmp_path, '[nodes.a]\ntask = "tasks:load"\n', tasks=source).findings, code)
    assert words in found.message
    assert found.line == 2
