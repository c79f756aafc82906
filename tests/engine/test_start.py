"""From a folder to a run: what `start_run` needs, what it refuses, and how a handle is used."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.errors import NodeNotFound, NotReady, SystemFailure, ValidationFailed
from engine.history import past_run
from engine.machine.state import NodeState, WorkflowState
from engine.start import ended_well, start_run
from tests.support.runs import Stage, fail

HEAD = 'format = 1\n[project]\nname = "begun"\n'
ECHO = '[nodes.a]\nshell = "echo one"\n'


def project(folder: Path, text: str) -> Path:
    (folder / "project.toml").write_text(HEAD + text)
    return folder


def test_a_project_runs_in_its_folder_and_is_recorded(tmp_path: Path) -> None:
    handle = start_run(project(tmp_path, '[nodes.a]\nshell = "pwd"\n'))
    assert handle.wait(30)
    assert ended_well(handle.state)
    assert handle.result["a"].strip() == str(tmp_path.resolve())
    assert handle.folder is not None
    assert handle.folder.name == handle.id


def test_a_text_that_is_not_saved_runs_instead_of_the_file_and_the_journal_keeps_it(tmp_path: Path) -> None:
    edited = HEAD + '[nodes.a]\nshell = "echo edited"\n'
    handle = start_run(project(tmp_path, ECHO), text=edited)
    assert handle.wait(30)
    assert handle.result["a"].strip() == "edited"
    assert (tmp_path / "project.toml").read_text() == HEAD + ECHO
    assert handle.folder is not None
    past = past_run(handle.folder)
    assert past.header["text"] == edited
    past.close()


def test_a_run_without_a_journal_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    handle = start_run(project(tmp_path, ECHO), journal=False)
    assert handle.wait(30)
    assert handle.result.ok
    assert handle.folder is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project.toml", "scratch"]
    assert list(scratch.iterdir()) == []


def test_what_is_wrong_with_a_project_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed):
        start_run(project(tmp_path, '[nodes.a]\nshell = "touch ran"\nneeds = ["nobody"]\n'))
    assert not (tmp_path / "ran").exists()
    with pytest.raises(ValidationFailed, match="limt"):
        start_run(project(tmp_path, "[params]\nlimit = 3\n" + ECHO), params={"limt": 4})
    with pytest.raises(SystemFailure, match="inline"):
        start_run(project(tmp_path, ECHO), executor="inlin")


def test_a_workflow_in_another_file_is_read_with_the_project(tmp_path: Path) -> None:
    (tmp_path / "inner.toml").write_text('format = 1\n[project]\nname = "inner"\n[nodes.x]\nshell = "echo in"\n')
    handle = start_run(project(tmp_path, '[nodes.sub]\nworkflow = "inner.toml"\n'))
    assert handle.wait(30)
    assert handle.result.ok
    assert handle.result["sub/x"].strip() == "in"


def test_a_handle_says_what_kept_the_engine_from_running(tmp_path: Path) -> None:
    stage = Stage(tmp_path, '[nodes.a]\ntask = "t:a"\n')

    def refuse(workplace: object, report: object) -> None:
        raise SystemFailure("no more processes")

    stage.executor.open = refuse  # type: ignore[method-assign]
    stage.handle.start()
    with pytest.raises(SystemFailure, match="no more processes"):
        stage.handle.wait(20)


def test_a_handle_knows_no_other_nodes_than_those_of_its_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, '[nodes.first]\ntask = "t:a"\n', held=["first"]).start()
    with pytest.raises(NodeNotFound, match="first"):
        stage.handle.cancel_node("frist")
    stage.until(lambda: stage.executor.live)
    assert not stage.handle.wait(0.01)
    stage.executor.end("first")
    stage.finish()
    with pytest.raises(NotReady, match="has ended"):
        stage.handle.skip_node("first")


def test_nodes_are_skipped_held_and_marked_done_by_hand(tmp_path: Path) -> None:
    text = '[nodes.gate]\ntask = "t:a"\n' + "".join(
        f'[nodes.{name}]\ntask = "t:a"\nneeds = ["gate"]\n' for name in ("skipped", "marked", "held")
    )
    stage = Stage(tmp_path, text, held=["gate"]).start()
    stage.until(lambda: stage.executor.live)
    stage.handle.skip_node("skipped", "ada")
    stage.handle.mark_done("marked", 42, "ada")
    stage.handle.suspend_node("held", "ada")
    stage.executor.end("gate")
    stage.until(lambda: stage.state.done == 2)
    assert stage.where() == {"gate": "completed", "skipped": "skipped", "marked": "completed", "held": "suspended"}
    assert not stage.handle.is_over
    stage.handle.resume_node("held")
    result = stage.finish()
    assert result["marked"] == 42
    assert result.nodes["skipped"].reason == "skipped by ada"
    assert stage.executor.started == ["gate", "held"]


@pytest.mark.seed("S24")
def test_whether_a_node_can_start_is_asked_without_changing_anything(tmp_path: Path) -> None:
    text = (
        '[pools]\none = 1\n[nodes.a]\ntask = "t:a"\npool = "one"\n[nodes.b]\ntask = "t:a"\npool = "one"\n'
        '[nodes.c]\ntask = "t:a"\nneeds = ["a"]\n[nodes.d]\ntask = "t:a"\nneeds = ["a", "b"]\njoin = "any"\n'
    )
    stage = Stage(tmp_path, text, held=["a", "b", "c", "d"], slots=1)
    state = stage.state

    def able() -> str:
        first = "".join(name for node, name in enumerate("abcd") if state.can_execute(node))
        again = "".join(name for node, name in enumerate("abcd") if state.can_execute(node))
        assert first == again
        return first

    assert able() == "ab"
    stage.start()
    stage.until(lambda: "a" in stage.executor.live)
    assert able() == ""  # b: no room in its pool; c, d: wait
    stage.executor.end("a")
    stage.until(lambda: stage.executor.live and "a" not in stage.executor.live)
    busy = next(iter(stage.executor.live))
    assert set(able()) == set("bcd") - {busy}
    stage.handle.pause()
    assert able() == ""
    stage.handle.resume()
    stage.handle.cancel()
    stage.finish()
    assert able() == ""


@pytest.mark.seed("S23")
def test_figures_count_what_started_and_what_failed(tmp_path: Path) -> None:
    text = '[nodes.a]\ntask = "t:a"\nretry = { max_retries = 5 }\n[nodes.b]\ntask = "t:a"\n'
    stage = Stage(tmp_path, text, script={"a": [fail(), fail(), 1]}, held=["b"]).start()
    stage.until(lambda: stage.state.done == 1 and "b" in stage.executor.live)
    figures = stage.result.nodes["a"].metrics
    assert (figures.execution_count, figures.failure_count) == (3, 2)
    assert figures.average_execution_time == pytest.approx(0.25)
    stage.handle.cancel()
    assert stage.finish().state is WorkflowState.CANCELED
    canceled = stage.result.nodes["b"]
    assert canceled.state is NodeState.CANCELED
    assert (canceled.metrics.execution_count, canceled.metrics.failure_count) == (1, 0)


@pytest.mark.seed("S133")
def test_pausing_and_canceling_reach_what_runs_inside_a_sub_workflow(tmp_path: Path) -> None:
    text = (
        '[nodes.sub]\nworkflow = "inner"\n[workflows.inner.nodes.x]\ntask = "t:a"\n'
        '[workflows.inner.nodes.y]\ntask = "t:a"\nneeds = ["x"]\n[nodes.last]\ntask = "t:a"\nneeds = ["sub"]\n'
    )
    stage = Stage(tmp_path, text, held=["sub/x", "sub/y"]).start()
    stage.until(lambda: stage.executor.live)
    stage.handle.pause()
    stage.executor.end("sub/x")
    stage.until(lambda: stage.state.done == 1)
    assert list(stage.executor.live) == []
    stage.handle.resume()
    stage.until(lambda: stage.executor.live)
    assert list(stage.executor.live) == ["sub/y"]
    stage.handle.cancel()
    stage.finish()
    assert stage.where() == {"sub": "canceled", "sub/x": "completed", "sub/y": "canceled", "last": "canceled"}


def test_two_threads_that_wait_for_one_run_both_see_its_end(tmp_path: Path) -> None:
    stage = Stage(tmp_path, '[nodes.a]\ntask = "t:a"\n', held=["a"]).start()
    seen: list[bool] = []
    waiting = [threading.Thread(target=lambda: seen.append(stage.handle.wait(20))) for _ in range(2)]
    for thread in waiting:
        thread.start()
    stage.until(lambda: stage.executor.live)
    stage.executor.end("a")
    for thread in waiting:
        thread.join(20)
    assert seen == [True, True]
