"""What other packages bring: kinds of nodes, schedulers, error handlers and executors, found by their entry points."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import plugins, steering
from engine.draw.export import render
from engine.errors import SystemFailure, ValidationFailed
from engine.machine.state import WorkflowState
from engine.project.loading import load, look
from engine.start import start_run
from tests.support.packages import PLUGINS, metadata_of, write_metadata
from tests.support.runs import Stage

HEAD = 'format = 1\n[project]\nname = "plugged"\n'
TASKS = """
def word(): return "hi"
def away(): raise ConnectionError("nobody there")
def wrong(): raise ValueError("no")
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs one of the sample packages for the length of a test."""

    def install(name: str) -> None:
        monkeypatch.syspath_prepend(str(PLUGINS / name))
        monkeypatch.syspath_prepend(str(metadata_of(name, tmp_path / f"site-{name}")))

    return install


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a package of one module, with this text and these entry points."""

    def install(text: str, group: str, **points: str) -> None:
        site = tmp_path / "site"
        write_metadata(site, "flowloom-odd", "1.0", {group: points})
        (site / "flowloom_odd.py").write_text(text, "utf-8")
        sys.modules.pop("flowloom_odd", None)
        monkeypatch.syspath_prepend(str(site))

    return install


def project(folder: Path, text: str) -> Path:
    folder = folder / "project"
    folder.mkdir()
    (folder / "project.toml").write_text(HEAD + text, "utf-8")
    (folder / "tasks.py").write_text(TASKS, "utf-8")
    return folder


def run(folder: Path, executor: str | None = "inline") -> Any:
    handle = start_run(folder, executor=executor, journal=False)
    assert handle.wait(20.0)
    return handle.result


# -- kinds of nodes --------------------------------------------------------------------------------------------------

LOUD = """
[params]
often = 2
[nodes.word]
task = "tasks:word"
[nodes.loud]
kind = "shout"
times = "${params.often}"
inputs = { text = "word" }
[nodes.many]
kind = "shout"
map = { text = ["a", "b"] }
"""


@pytest.mark.seed("S264")
def test_a_node_of_a_packages_kind_runs_like_a_task(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("shout")
    folder = project(tmp_path, LOUD)
    assert look(folder).findings.items == ()
    result = run(folder)
    assert result["loud"] == "HI! HI!"
    assert result["many"] == ["A!", "B!"]


@pytest.mark.seed("S264")
def test_a_node_of_a_packages_kind_is_drawn_with_its_name(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("shout")
    drawn = render(load(project(tmp_path, LOUD)), "json")
    nodes = {node["path"]: node for node in json.loads(drawn)["nodes"]}
    assert (nodes["loud"]["kind"], nodes["loud"]["note"]) == ("task", "shout")


def test_a_kind_that_nobody_brings_is_told_with_the_nearest(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("shout")
    folder = project(tmp_path, '[nodes.loud]\nkind = "shuot"\ntext = "hi"\n')
    (finding,) = look(folder).findings.items
    assert (finding.code, finding.line, finding.remedy) == ("unknown-kind-of-node", 5, 'did you mean "shout"?')
    with pytest.raises(ValidationFailed, match="cannot run: 1 error"):
        start_run(folder, executor="inline", journal=False)


def test_an_option_that_a_kind_does_not_have_is_told_with_the_nearest(
    tmp_path: Path, installed: Callable[[str], None]
) -> None:
    installed("shout")
    folder = project(tmp_path, '[nodes.loud]\nkind = "shout"\ntext = "hi"\ntime = 2\n')
    with pytest.raises(ValidationFailed, match="loud: the kind 'shout' has no option 'time'; did you mean times"):
        start_run(folder, executor="inline", journal=False)


def test_an_option_that_a_kind_needs_is_asked_for(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("shout")
    with pytest.raises(ValidationFailed, match="the kind 'shout' needs text"):
        start_run(project(tmp_path, '[nodes.loud]\nkind = "shout"\n'), executor="inline", journal=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import no_such_module\n", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit('bye')\n", "cannot be loaded: SystemExit: bye"),
        ("odd = 3\n", "is int, and a function is needed"),
        ("", "cannot be loaded: AttributeError"),
    ],
)
def test_a_kind_whose_package_is_broken_is_told(
    tmp_path: Path, offer: Callable[..., None], text: str, says: str
) -> None:
    offer(text, "flowloom.nodes", odd="flowloom_odd:odd")
    folder = project(tmp_path, '[nodes.a]\nkind = "odd"\n')
    with pytest.raises(SystemFailure) as refused:
        start_run(folder, executor="inline", journal=False)
    assert says in str(refused.value)
    assert "odd" in str(refused.value)


def test_a_package_that_takes_too_long_to_import_is_given_up(
    tmp_path: Path, offer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "LIMIT", 0.05)
    offer("import time\ntime.sleep(0.5)\ndef odd(): pass\n", "flowloom.nodes", odd="flowloom_odd:odd")
    with pytest.raises(SystemFailure, match=r"of the package flowloom-odd 1\.0 took longer than 0\.05 s"):
        start_run(project(tmp_path, '[nodes.a]\nkind = "odd"\n'), executor="inline", journal=False)


# -- schedulers ------------------------------------------------------------------------------------------------------

THREE = "".join(f'[nodes.{name}]\ntask = "tasks:word"\n' for name in ("ccc", "bb", "a"))


def started(folder: Path) -> list[str]:
    handle = start_run(folder, executor="inline", journal=False)
    assert handle.wait(20.0)
    state = handle.state
    return sorted(state.plan.names, key=lambda name: state.started[state.plan.numbers[name]])


@pytest.mark.seed("S265")
def test_a_packages_scheduler_decides_what_starts_first(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("shortest")
    folder = project(tmp_path, '[run]\nscheduler = "shortest"\n' + THREE)
    assert look(folder).findings.items == ()
    assert started(folder) == ["a", "bb", "ccc"]


def test_a_scheduler_that_nobody_brings_is_told(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("shortest")
    folder = project(tmp_path, '[run]\nscheduler = "shortes"\n' + THREE)
    (finding,) = look(folder).findings.items
    assert (finding.code, finding.remedy) == ("unknown-scheduler", 'did you mean "shortest"?')
    with pytest.raises(ValidationFailed, match="cannot run: 1 error"):
        start_run(folder, executor="inline", journal=False)


def test_something_that_is_no_scheduler_is_refused(tmp_path: Path, offer: Callable[..., None]) -> None:
    offer("class Odd:\n    def schedule(self, w): return []\n", "flowloom.schedulers", odd="flowloom_odd:Odd")
    with pytest.raises(SystemFailure, match=r"has no method reschedule\(\), which every scheduler has"):
        start_run(project(tmp_path, '[run]\nscheduler = "odd"\n' + THREE), executor="inline", journal=False)


class Stuck:
    """A scheduler that does not answer."""

    def schedule(self, workflow: Any) -> list[str]:
        time.sleep(0.5)
        return []

    def reschedule(self, workflow: Any, failed_node: str) -> None:
        """Never asked."""


def test_a_scheduler_that_does_not_answer_is_dismissed_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(steering, "HANDLER_LIMIT", 0.05)
    stage = Stage(tmp_path, THREE, slots=1, scheduler=Stuck())
    with caplog.at_level(logging.WARNING, "flowloom"):
        assert stage.finish().ok
    assert stage.executor.started == ["ccc", "bb", "a"]
    (record,) = caplog.records
    assert record.getMessage().startswith("the scheduler Stuck failed (TimeoutError: no answer within 0.05 s); nodes")


# -- error handlers --------------------------------------------------------------------------------------------------


@pytest.mark.seed("S266")
def test_a_packages_error_handler_says_what_follows(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("gentle")
    text = '[run]\nerror_handler = "gentle"\n[nodes.a]\ntask = "tasks:away"\n'
    folder = project(tmp_path, text)
    assert look(folder).findings.items == ()
    result = run(folder)
    assert result.state is WorkflowState.COMPLETED
    assert (result.nodes["a"].state.value, result.nodes["a"].attempts) == ("skipped", 3)


def test_what_the_handler_leaves_alone_ends_as_the_node_says(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("gentle")
    result = run(project(tmp_path, '[run]\nerror_handler = "gentle"\n[nodes.a]\ntask = "tasks:wrong"\n'))
    assert result.nodes["a"].state.value == "failed"


def test_an_error_handler_that_nobody_brings_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path, '[run]\nerror_handler = "gentle"\n' + THREE)
    (finding,) = look(folder).findings.items
    assert finding.code == "unknown-error-handler"
    with pytest.raises(ValidationFailed, match="cannot run: 1 error"):
        start_run(folder, executor="inline", journal=False)


# -- executors -------------------------------------------------------------------------------------------------------


def test_a_packages_executor_does_the_attempts(tmp_path: Path, installed: Callable[[str], None]) -> None:
    installed("diary")
    folder = project(tmp_path, '[nodes.a]\ntask = "tasks:word"\nexecutor = "diary"\n')
    assert look(folder).findings.items == ()
    assert run(folder, executor=None)["a"] == "hi"
    assert (folder / "diary.txt").read_text("utf-8") == "a #1\n"


# -- really installed ------------------------------------------------------------------------------------------------


@pytest.mark.seed("S264")
def test_an_installed_package_is_found_by_the_command_and_by_children(tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index", "--no-deps"]
    words = [*pip, "--no-build-isolation", "--target", str(site), str(PLUGINS / "shout")]
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=90)
    folder = project(tmp_path, LOUD)
    command = Path(sys.executable).with_name("flowloom")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    told = subprocess.run(
        [command, "run", "--json", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["nodes"]["loud"]["result"] == "HI! HI!"
