"""A run goes on with another version of its graph, and goes back to what failed."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CycleDetected, NodeNotFound, NotReady, SystemFailure, ValidationFailed
from engine.forecast import Fate
from engine.history import past_run
from engine.machine.events import GraphChanged, Retried
from engine.machine.requests import ChangeGraph
from engine.machine.state import COMPLETED, FAILED, NodeState, WorkflowState
from engine.machine.transitions import replay
from engine.start import start_run
from tests.support.machines import assert_same
from tests.support.runs import SameLedger, Stage, fail, plan_of, revision_of_text

CHAIN = """
[nodes.load]
task = "tasks:load"
[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }
[nodes.fit]
task = "tasks:fit"
inputs = { rows = "clean" }
"""


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def attempts(stage: Stage) -> dict[str, int]:
    return {path: node.attempts for path, node in stage.result.nodes.items()}


def test_what_has_not_begun_follows_the_new_version(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["load"]).start()
    stage.until(lambda: "load" in stage.executor.live)
    said = stage.handle.change(changed(CHAIN, ('"tasks:clean"', '"tasks:tidy"')))
    assert said["clean"].fate is Fate.RUNS
    assert said["clean"].reason == "its task changed"
    assert said["load"].fate is Fate.GOES_ON
    stage.executor.end("load", 1)
    stage.finish()
    assert [attempt.work.reference for attempt in stage.executor.attempts] == ["tasks:load", "tasks:tidy", "tasks:fit"]


def test_finished_nodes_keep_their_results_and_what_changed_runs_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, script={"load": [7]}, held=["fit"]).start()
    stage.until(lambda: "fit" in stage.executor.live)
    stage.executor.held.clear()
    said = stage.handle.change(changed(CHAIN, ('"tasks:clean"', '"tasks:tidy"')))
    assert (said["load"].fate, said["clean"].fate, said["fit"].fate) == (Fate.KEEPS, Fate.RERUNS, Fate.RERUNS)
    assert said["fit"].reason == "clean runs again"
    assert said.cancels == ["fit"]
    assert stage.finish().ok
    assert stage.executor.canceled == ["fit"]
    assert stage.executor.started == ["load", "clean", "fit", "clean", "fit"]
    assert stage.result["load"] == 7
    assert len(stage.happened(GraphChanged)) == 1
    assert_same(stage.state, replay(plan_of(CHAIN), stage.ledger.events))


def test_a_canceled_attempt_is_gone_before_the_node_starts_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["load"]).start()
    stage.until(lambda: "load" in stage.executor.live)
    stage.executor.cancel = lambda attempts, grace=5.0: None  # type: ignore[method-assign]  # it takes its time
    stage.handle.change(changed(CHAIN, ('"tasks:load"', '"tasks:read"')))
    assert stage.executor.started == ["load"]
    assert stage.where()["load"] == "running"
    stage.executor.held.clear()
    stage.executor.end("load", "of the old code")
    stage.finish()
    assert stage.executor.started == ["load", "load", "clean", "fit"]
    assert stage.result["load"] == "load"


def test_a_removed_node_leaves_and_its_result_is_no_longer_asked_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["clean"]).start()
    stage.until(lambda: "clean" in stage.executor.live)
    shorter = changed(
        CHAIN, ('[nodes.clean]\ntask = "tasks:clean"\ninputs = { rows = "load" }\n', ""), ('"clean"', '"load"')
    )
    said = stage.handle.change(shorter)
    assert said["clean"].fate is Fate.LEAVES
    assert said["clean"].cancels
    assert list(said) == ["load", "fit", "clean"]
    result = stage.finish()
    assert result.ok
    assert list(result.nodes) == ["load", "fit"]
    assert stage.executor.canceled == ["clean"]
    with pytest.raises(NodeNotFound):
        stage.handle.skip_node("clean")


def test_new_nodes_and_edges_are_waited_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["clean"]).start()
    stage.until(lambda: "clean" in stage.executor.live)
    more = changed(
        CHAIN, ("[nodes.fit]", '[nodes.check]\ntask = "tasks:check"\nneeds = ["load"]\n[nodes.fit]\nneeds = ["check"]')
    )
    said = stage.handle.change(more)
    assert (said["check"].fate, said["check"].reason) == (Fate.RUNS, "it is new")
    assert said["clean"].fate is Fate.GOES_ON
    stage.until(lambda: "check" in stage.executor.started)
    stage.executor.end("clean", 1)
    assert list(stage.finish().nodes) == ["load", "clean", "check", "fit"]
    assert stage.executor.started == ["load", "clean", "check", "fit"]


def test_an_edge_that_comes_too_late_runs_its_node_again(tmp_path: Path) -> None:
    text = '[nodes.a]\ntask = "t:a"\n[nodes.b]\ntask = "t:b"\n[nodes.end]\ntask = "t:end"\nneeds = ["a", "b"]\n'
    stage = Stage(tmp_path, text, held=["b", "end"]).start()
    stage.until(lambda: "b" in stage.executor.live and stage.where()["a"] == "completed")
    said = stage.handle.change(changed(text, ('"t:a"\n', '"t:a"\nneeds = ["b"]\n')))
    assert (said["a"].fate, said["a"].reason) == (Fate.RERUNS, "it waits for b now")
    stage.executor.end("b", 1)
    stage.until(lambda: stage.executor.started == ["a", "b", "a", "end"])
    said = stage.handle.change(text)
    assert said["a"].fate is Fate.KEEPS  # an edge that goes takes nothing back
    stage.executor.end("end")
    assert stage.finish().ok


def test_how_a_node_is_run_changes_no_result(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["clean"]).start()
    stage.until(lambda: "clean" in stage.executor.live)
    how = changed(CHAIN, ("[nodes.", 'timeout = 60\npriority = 3\npool = "one"\n[nodes.')).replace(
        'timeout = 60\npriority = 3\npool = "one"\n', "[pools]\none = 1\n", 1
    )
    said = stage.handle.change(how + "timeout = 60\nretry = { max_retries = 2 }\n")
    assert said.is_quiet
    stage.executor.end("clean", 1)
    assert stage.finish().ok
    assert attempts(stage) == {"load": 1, "clean": 1, "fit": 1}


def test_nothing_changes_for_a_version_that_cannot_be(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["load"]).start()
    stage.until(lambda: "load" in stage.executor.live)
    circle = changed(CHAIN, ('"tasks:load"\n', '"tasks:load"\nneeds = ["fit"]\n'))
    with pytest.raises(CycleDetected):
        stage.handle.preview(circle)
    with pytest.raises(CycleDetected):
        stage.handle.change(circle)
    with pytest.raises(ValidationFailed, match="nowhere"):
        stage.handle.change(changed(CHAIN, ('"clean"', '"nowhere"')))
    with pytest.raises(SystemFailure, match="elsewhere"):
        stage.handle.change(changed(CHAIN, ('"tasks:fit"', '"tasks:fit"\nexecutor = "elsewhere"')))
    assert not stage.happened(GraphChanged)
    stage.executor.end("load", 1)
    assert stage.finish().ok
    assert stage.executor.started == ["load", "clean", "fit"]


def test_a_map_begins_anew_with_other_items_and_keeps_them_otherwise(tmp_path: Path) -> None:
    text = '[nodes.each]\nmap = [1, 2]\ntask = "t:one"\n[nodes.end]\ntask = "t:end"\nneeds = ["each"]\n'
    stage = Stage(tmp_path, text, held=["each[1]", "end"]).start()
    stage.until(lambda: "each[1]" in stage.executor.live and stage.where()["each[0]"] == "completed")
    said = stage.handle.preview(changed(text, ('"t:end"', '"t:fin"')))
    assert said["each[0]"].fate is Fate.KEEPS
    assert said["each[1]"].fate is Fate.GOES_ON
    stage.executor.held.clear()
    said = stage.handle.change(changed(text, ("[1, 2]", "[1, 2, 3]")))
    assert said["each"].reason == "what it runs over changed"
    assert said["each[0]"].fate is said["each[1]"].fate is Fate.LEAVES
    result = stage.finish()
    assert list(result.nodes) == ["each", "each[0]", "each[1]", "each[2]", "end"]
    assert stage.executor.started.count("each[0]") == 2
    assert_same(stage.state, replay(plan_of(text), stage.ledger.events))


def test_a_branch_that_was_not_taken_may_come_and_go(tmp_path: Path) -> None:
    text = (
        '[nodes.pick]\ncondition = "true"\nthen = { task = "t:yes" }\n[nodes.end]\ntask = "t:end"\nneeds = ["pick"]\n'
    )
    other = changed(text, ("[nodes.end]", '[nodes.pick.else]\ntask = "t:no"\n[nodes.end]'))
    stage = Stage(tmp_path, text, held=["end"]).start()
    stage.until(lambda: "end" in stage.executor.live)
    said = stage.handle.change(other)
    assert said["pick"].fate is Fate.KEEPS
    assert said["end"].fate is Fate.GOES_ON
    stage.until(lambda: stage.where()["pick/else"] == "skipped")
    assert stage.result.nodes["pick/else"].reason == "branch not taken"
    assert stage.handle.change(text)["pick"].fate is Fate.KEEPS
    stage.executor.end("end")
    assert stage.finish().ok


def test_a_version_may_bring_another_executor(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("def fit(rows):\n    return rows * 10\n")
    stage = Stage(tmp_path, CHAIN, script={"load": [1]}, held=["clean"], options={"default_executor": "scripted"})
    from engine.executors.inline import InlineExecutor

    stage.run._stations._make = lambda name: InlineExecutor()
    stage.start()
    stage.until(lambda: "clean" in stage.executor.live)
    stage.handle.change(changed(CHAIN, ('"tasks:fit"', '"tasks:fit"\nexecutor = "inline"')))
    stage.executor.end("clean", 4)
    result = stage.finish()
    assert result.nodes["fit"].error is None
    assert result["fit"] == 40


# -- retries by hand -------------------------------------------------------------------------------------------------


def test_a_failed_node_is_tried_again_while_the_run_goes_on(tmp_path: Path) -> None:
    text = CHAIN + '[nodes.slow]\ntask = "t:slow"\n'
    stage = Stage(tmp_path, text, script={"clean": [fail(), 5]}, held=["slow"], options={"keep_going": True}).start()
    stage.until(lambda: stage.where()["fit"] == "skipped")
    stage.handle.retry("clean")
    stage.until(lambda: stage.where()["fit"] == "completed")
    stage.executor.end("slow")
    assert stage.finish().ok
    assert stage.executor.started == ["load", "slow", "clean", "clean", "fit"]
    assert_same(stage.state, replay(plan_of(text, keep_going=True), stage.ledger.events))


def test_a_run_that_is_failing_goes_on_when_its_failure_is_tried_again(tmp_path: Path) -> None:
    text = CHAIN + '[nodes.slow]\ntask = "t:slow"\n[nodes.last]\ntask = "t:last"\nneeds = ["slow"]\n'
    stage = Stage(tmp_path, text, script={"clean": [fail(), 5]}, held=["slow"]).start()
    stage.until(lambda: stage.where()["last"] == "canceled")
    stage.handle.retry()
    stage.until(lambda: stage.where()["fit"] == "completed")
    assert stage.where()["last"] == "ready"
    stage.executor.end("slow")
    assert stage.finish().ok
    assert stage.result["last"] == "last"


def test_a_run_that_ended_failed_goes_on_in_the_same_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, script={"clean": [fail(), 5]})
    assert not stage.finish().ok
    assert stage.where() == {"load": "completed", "clean": "failed", "fit": "skipped"}
    stage.handle.retry()
    assert stage.finish().ok
    assert stage.executor.started == ["load", "clean", "clean", "fit"]
    assert stage.state.attempts[1] == 2
    assert len(stage.happened(Retried)) == 1
    assert_same(stage.state, replay(plan_of(CHAIN), stage.ledger.events))
    with pytest.raises(NotReady, match="nothing failed"):
        stage.handle.retry()


def test_a_correction_runs_what_failed_and_nothing_else(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, script={"clean": [fail()]})
    assert not stage.finish().ok
    fixed = changed(CHAIN, ('"tasks:clean"', '"tasks:tidy"'))
    assert stage.handle.preview(fixed).of(Fate.RERUNS) == ["clean", "fit"]
    stage.handle.change(fixed)
    assert stage.finish().ok
    assert stage.executor.started == ["load", "clean", "clean", "fit"]
    with pytest.raises(NotReady, match="nothing in it would run"):
        stage.handle.change(fixed)


def test_a_node_is_run_again_from_here(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN)
    stage.finish()
    stage.handle.retry("clean")
    assert stage.finish().ok
    assert attempts(stage) == {"load": 1, "clean": 2, "fit": 2}


def test_of_a_map_only_what_failed_is_tried_again(tmp_path: Path) -> None:
    text = '[nodes.each]\nmap = [1, 2, 3]\ntask = "t:one"\n[nodes.end]\ntask = "t:end"\nneeds = ["each"]\n'
    stage = Stage(tmp_path, text, script={"each[1]": [fail(), 9]})
    assert not stage.finish().ok
    stage.handle.retry("each")
    assert stage.finish().ok
    assert stage.result["each"] == ["each[0]", 9, "each[2]"]
    assert stage.executor.started.count("each[0]") == 1
    assert stage.executor.started[-2:] == ["each[1]", "end"]


def test_a_loop_goes_on_with_the_round_that_failed(tmp_path: Path) -> None:
    text = '[nodes.poll]\ntask = "t:poll"\nuntil = "${index} == 2"\n'
    stage = Stage(tmp_path, text, script={"poll[1]": [fail(), 9]})
    assert not stage.finish().ok
    stage.handle.retry()
    assert stage.finish().ok
    assert stage.executor.started == ["poll[0]", "poll[1]", "poll[1]", "poll[2]"]


def test_an_earlier_round_that_is_tried_again_takes_the_later_ones_with_it(tmp_path: Path) -> None:
    text = '[nodes.poll]\ntask = "t:poll"\nargs = { before = "${value}" }\ninitial = 5\nuntil = "${index} == 2"\n'
    stage = Stage(tmp_path, text, held=["poll[2]"], script={"poll[0]": [1, 2]}).start()
    stage.until(lambda: "poll[2]" in stage.executor.live)
    stage.handle.retry("poll[0]")
    stage.executor.held.clear()
    stage.executor.end("poll[2]", 1)
    assert stage.finish().ok
    assert attempts(stage) == {"poll": 1, "poll[0]": 2, "poll[1]": 2, "poll[2]": 2}
    given = [attempt.kwargs["before"] for attempt in stage.executor.attempts]
    assert given == [5, 1, "poll[1]", 5, 2, "poll[1]"]


def test_a_loop_goes_back_to_an_earlier_round_after_its_end(tmp_path: Path) -> None:
    text = '[nodes.poll]\ntask = "t:poll"\nuntil = "${value} > 1"\n'
    stage = Stage(tmp_path, text, script={"poll[0]": [1, 2], "poll[1]": [3]})
    assert stage.finish()["poll"] == 3
    stage.handle.retry("poll[0]")
    assert stage.finish()["poll"] == 2
    assert attempts(stage) == {"poll": 2, "poll[0]": 2}


def test_retries_by_policy_begin_anew_after_one_by_hand(tmp_path: Path) -> None:
    text = '[nodes.load]\ntask = "t:load"\nretry = { max_retries = 1, strategy = "immediate" }\n'
    stage = Stage(tmp_path, text, script={"load": [fail(), fail(), fail(), 3]})
    assert not stage.finish().ok
    stage.handle.retry("load")
    assert stage.finish()["load"] == 3
    assert attempts(stage) == {"load": 4}


def test_what_was_taken_back_is_done_again(tmp_path: Path) -> None:
    text = """
[run]
on_error = "compensate"
on_failure = { task = "t:tell" }
[nodes.book]
task = "t:book"
undo = { task = "t:unbook" }
[nodes.pay]
task = "t:pay"
needs = ["book"]
"""
    stage = Stage(tmp_path, text, script={"pay": [fail(), 1]})
    assert not stage.finish().ok
    assert stage.where()["book"] == "compensated"
    stage.handle.retry()
    assert stage.finish().ok
    assert stage.executor.started == ["book", "pay", "book/undo", "on_failure", "book", "pay"]
    assert stage.where() == {"book": "completed", "pay": "completed"}


def test_a_canceled_run_can_be_taken_up_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["clean"]).start()
    stage.until(lambda: "clean" in stage.executor.live)
    stage.handle.cancel()
    stage.finish()
    stage.executor.held.clear()
    stage.handle.retry()
    assert stage.finish().ok
    assert attempts(stage) == {"load": 1, "clean": 2, "fit": 1}


def test_an_alternative_may_be_called_again(tmp_path: Path) -> None:
    text = '[nodes.a]\ntask = "t:a"\non_error = { alternative = "b" }\n[nodes.b]\ntask = "t:b"\n'
    stage = Stage(tmp_path, text, script={"a": [fail(), fail(), 1], "b": [fail(), 2]})
    assert not stage.finish().ok
    stage.handle.retry()
    assert stage.finish().ok
    assert stage.result["a"] == 2
    stage.handle.retry("a")
    assert stage.finish()["a"] == 1
    assert stage.where() == {"a": "completed", "b": "skipped"}


def test_an_alternative_in_a_group_waits_until_it_is_called(tmp_path: Path) -> None:
    text = '[nodes.g.nodes.a]\ntask = "t:a"\non_error = { alternative = "b" }\n[nodes.g.nodes.b]\ntask = "t:b"\n'
    stage = Stage(tmp_path, text)
    stage.finish()
    assert stage.executor.started == ["g/a"]
    stage = Stage(tmp_path, text, script={"g/a": [fail()]})
    assert stage.finish().ok
    assert stage.executor.started == ["g/a", "g/b"]


def test_a_person_may_stand_in_for_what_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, script={"clean": [fail()]})
    assert not stage.finish().ok
    stage.handle.mark_done("clean", [1], by="me")
    assert stage.finish().ok
    assert stage.executor.started == ["load", "clean", "fit"]
    assert stage.executor.attempts[-1].kwargs == {"rows": [1]}
    assert stage.result.nodes["clean"].reason == "me"
    assert_same(stage.state, replay(plan_of(CHAIN), stage.ledger.events))


def test_what_failed_may_be_skipped(tmp_path: Path) -> None:
    text = CHAIN + '[nodes.tidy]\ntask = "t:tidy"\nneeds = ["clean"]\njoin = "all_done"\n'
    stage = Stage(tmp_path, text, script={"clean": [fail()], "load": [1]})
    assert not stage.finish().ok
    stage.handle.skip_node("clean", by="me")
    assert stage.finish().ok
    assert stage.where() == {"load": "completed", "clean": "skipped", "fit": "skipped", "tidy": "completed"}
    with pytest.raises(NotReady, match="has ended"):
        stage.handle.skip_node("load")


def test_what_runs_is_not_tried_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["load"]).start()
    stage.until(lambda: "load" in stage.executor.live)
    for node in ("load", "clean"):
        with pytest.raises(NotReady, match=f"{node} cannot be tried again"):
            stage.handle.retry(node)
    stage.executor.end("load")
    stage.finish()


def test_observers_hear_that_nodes_begin_anew(tmp_path: Path) -> None:
    from engine.monitor.observers import Observer, Observers

    heard: list[str] = []

    class Listener(Observer):
        def on_node_state_change(self, node_id: str, old: NodeState, new: NodeState) -> None:
            heard.append(f"{node_id} {old.value} {new.value}")

        def on_workflow_state_change(self, old: WorkflowState, new: WorkflowState) -> None:
            heard.append(f"{old.value} {new.value}")

    stage = Stage(tmp_path, CHAIN, script={"fit": [fail()]}, witness=Observers([Listener()]))
    stage.finish()
    del heard[:]
    stage.handle.retry()
    stage.finish()
    assert heard == [
        "fit failed ready",
        "failed running",
        "fit ready running",
        "fit running completed",
        "running completed",
    ]


# -- with everything real --------------------------------------------------------------------------------------------

PROJECT = """
format = 1
[project]
name = "p"
[nodes.load]
task = "tasks:load"
[nodes.fit]
task = "tasks:fit"
inputs = { rows = "load" }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "project.toml").write_text(PROJECT)
    (folder / "tasks.py").write_text(
        "import pathlib\n\n\ndef load():\n    pathlib.Path(__file__).with_name('loaded').open('x').close()\n    return 4\n\n\n"
        "def fit(rows):\n    raise ValueError(rows)\n"
    )
    return folder


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_a_corrected_project_goes_on_in_the_same_journal(folder: Path, executor: str) -> None:
    handle = start_run(folder, executor=executor)
    handle.wait()
    assert not handle.result.ok
    tasks = folder / "tasks.py"
    tasks.write_text(tasks.read_text().replace("raise ValueError(rows)", "return rows + 1"))
    handle.retry()
    handle.wait()
    assert handle.result["fit"] == 5
    (folder / "project.toml").write_text(PROJECT + '[nodes.more]\ntask = "tasks:fit"\nargs = { rows = 10 }\n')
    said = handle.change(folder)
    assert said.of(Fate.RUNS) == ["more"]
    handle.wait()
    assert handle.result["more"] == 11
    assert handle.folder is not None
    past = past_run(handle.folder)
    try:
        assert_same(handle.state, past.state)
        assert past.result.to_dict()["nodes"] == handle.result.to_dict()["nodes"]
    finally:
        past.close()


def test_a_busy_loop_takes_a_change_up_when_its_node_has_ended(tmp_path: Path) -> None:
    from engine import TaskNode, WorkflowEngine

    go, there = threading.Event(), threading.Event()

    def slow(ctx: object) -> int:
        there.set()
        assert go.wait(20)
        return 1

    engine = WorkflowEngine(executor="inline", folder=tmp_path)
    engine.add_node(TaskNode("slow", slow))
    handle = engine.start()
    assert there.wait(20)
    adding = threading.Thread(target=lambda: engine.add_node(TaskNode("more", lambda ctx: 2, dependencies=["slow"])))
    adding.start()
    go.set()
    adding.join(20)
    handle.wait()
    assert handle.result["more"] == 2
    assert handle.result.nodes["slow"].attempts == 1


def test_a_request_that_came_too_late_is_no_harm(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN)
    stage.finish()
    assert stage.run.ask(ChangeGraph(revision_of_text(changed(CHAIN, ('"tasks:fit"', '"tasks:fat"'))))) is False
    assert not stage.happened(GraphChanged)


def test_a_run_that_cannot_go_on_lets_go_of_its_record_and_can_be_tried_again(tmp_path: Path) -> None:
    class Book(SameLedger):
        held = 0

        def open(self) -> tuple[Any, None]:
            assert not self.held
            self.held += 1
            return super().open()

        def close(self) -> None:
            self.held = 0

    stage = Stage(tmp_path, CHAIN, script={"fit": [fail(), 3]})
    book = stage.handle._record = Book(stage.ledger)
    stage.finish()
    with pytest.raises(SystemFailure, match="no executor 'elsewhere'"):
        stage.handle.change(changed(CHAIN, ('"tasks:fit"', '"tasks:fat"\nexecutor = "elsewhere"')))
    assert not book.held
    assert stage.handle.is_over
    stage.handle.retry()
    assert stage.finish()["fit"] == 3


def test_a_run_that_another_thread_drives_is_waited_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, held=["fit"])
    driving = threading.Thread(target=stage.handle.drive)
    driving.start()
    stage.until(lambda: "fit" in stage.executor.live)
    assert not stage.handle.wait(0.01)
    stage.executor.end("fit", 3)
    assert stage.handle.wait(10)
    driving.join(10)
    assert stage.result["fit"] == 3


def test_a_run_that_was_driven_by_its_caller_can_be_steered_from_another_thread(tmp_path: Path) -> None:
    stage = Stage(tmp_path, CHAIN, script={"fit": [fail(), 3]})
    stage.handle.drive()
    ended = threading.Event()
    stage.run.ask = lambda request, wait=30.0: ended.set()  # type: ignore[method-assign,assignment,return-value]
    with stage.handle._driving:  # the thread that drove is still closing what it opened
        steering = threading.Thread(target=stage.handle.retry)
        steering.start()
        assert ended.wait(10)
    steering.join(10)
    assert stage.finish()["fit"] == 3


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_a_node_is_tried_again_with_the_code_as_it_is_now(folder: Path, executor: str) -> None:
    (folder / "project.toml").write_text(
        PROJECT
        + '[nodes.wait]\ntask = "tasks:wait"\nneeds = ["load"]\n[nodes.last]\ntask = "tasks:load"\nneeds = ["fit"]\n'
    )
    tasks = folder / "tasks.py"
    tasks.write_text(
        "import pathlib\nimport time\n\n\ndef load():\n    return 4\n\n\ndef fit(rows):\n    raise ValueError(rows)\n\n\n"
        "def wait(ctx):\n    while not pathlib.Path(__file__).with_name('go').exists():\n"
        "        ctx.checkpoint()\n        time.sleep(0.01)\n    return 'waited'\n"
    )
    handle = start_run(folder, executor=executor, jobs=2, keep_going=True)
    numbers = handle.plan.numbers
    give_up = time.monotonic() + 10
    while handle.state.states[numbers["fit"]] != FAILED:
        assert time.monotonic() < give_up, handle.result.to_dict()["nodes"]
        time.sleep(0.01)
    tasks.write_text(
        tasks.read_text().replace("fit(rows):\n    raise ValueError(rows)", "fit(ctx, rows):\n    return rows + 1")
    )
    if executor == "inline":  # its thread is busy, and hears the request when `wait` has ended
        (folder / "go").touch()
    handle.retry("fit")
    while handle.state.states[numbers["last"]] != COMPLETED:
        assert time.monotonic() < give_up, handle.result.to_dict()["nodes"]
        time.sleep(0.01)
    (folder / "go").touch()
    handle.wait()
    assert handle.result["fit"] == 5
    assert handle.result.nodes["wait"].attempts == 1


def test_items_of_a_map_are_gone_before_it_has_their_like(tmp_path: Path) -> None:
    text = """
[nodes.a]
task = "t:a"
[nodes.b]
task = "t:b"
[nodes.each]
map = [1, 2]
task = "t:one"
needs = ["a", "b"]
join = "any"
"""
    stage = Stage(tmp_path, text, held=["each[0]", "each[1]"]).start()
    stage.until(lambda: "each[1]" in stage.executor.live and stage.where()["b"] == "completed")
    stage.executor.cancel = lambda attempts, grace=5.0: None  # type: ignore[method-assign]  # it takes its time
    stage.handle.change(changed(text, ("[1, 2]", "[1, 2, 3]")))
    stage.executor.held.clear()
    stage.executor.end("each[0]")
    stage.until(lambda: not stage.run._inbox.pieces)
    assert "each[2]" not in stage.executor.started
    stage.executor.end("each[1]")
    assert stage.finish()["each"] == ["each[0]", "each[1]", "each[2]"]
    assert attempts(stage)["each[0]"] == 2
