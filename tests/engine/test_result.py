"""The record of a run says what people want to know, and raises what they expect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import Canceled, ExecutionFailed, NodeNotFound, WorkflowTimeout
from engine.machine.state import NodeState, WorkflowState
from engine.payload import Payload, pack
from engine.result import opened
from tests.support.runs import Stage, fail

PROJECT = """
[nodes.load]
task = "t:load"
[nodes.clean]
task = "t:clean"
inputs = { rows = "load" }
retry = { max_retries = 1, strategy = "t:wait" }
undo = { task = "t:forget" }
"""


def test_a_completed_run_gives_its_results_by_path(tmp_path: Path) -> None:
    result = Stage(tmp_path, PROJECT, script={"load": [[1, 2]], "clean": [fail(), 3], "clean/delay": [0]}).finish()
    assert result.ok
    assert result.raise_if_failed() is result
    assert (result["load"], result["clean"]) == ([1, 2], 3)
    assert result.value == {"clean": 3}
    assert result.nodes["clean"].level == 1
    assert result.seconds > 0
    with pytest.raises(NodeNotFound, match="clean"):
        result["claen"]


def test_what_is_only_called_is_counted_and_listed_for_nobody(tmp_path: Path) -> None:
    result = Stage(tmp_path, PROJECT, script={"clean": [fail(), 3], "clean/delay": [0]}).finish()
    assert list(result.nodes) == ["load", "clean"]
    assert len(result.nodes) == 2
    assert result.nodes["clean/delay"].state is NodeState.COMPLETED


def test_children_follow_their_frame_also_those_that_were_born(tmp_path: Path) -> None:
    project = """
    [nodes.group]
    kind = "sequential"
    [nodes.group.nodes.a]
    task = "t:a"
    [nodes.each]
    task = "t:each"
    map = [1, 2]
    """
    result = Stage(tmp_path, project).finish()
    assert list(result.nodes) == ["group", "group/a", "each", "each[0]", "each[1]"]
    assert len(result.nodes) == 5
    assert result["each"] == ["each[0]", "each[1]"]


def test_a_failed_run_raises_its_first_cause(tmp_path: Path) -> None:
    trouble = fail("tasks.BadRow", "row 7", traceback="Traceback ...")
    result = Stage(tmp_path, PROJECT, script={"load": [trouble]}).finish()
    assert (result.state, result.cause) == (WorkflowState.FAILED, "load")
    with pytest.raises(ExecutionFailed, match=r"load: tasks\.BadRow: row 7") as raised:
        result.raise_if_failed()
    assert raised.value.node_id == "load"
    with pytest.raises(ExecutionFailed, match="clean has no result: it is skipped"):
        result["clean"]


def test_a_canceled_run_raises_canceled_and_one_whose_time_was_up_a_timeout(tmp_path: Path) -> None:
    for wish, error, told in (("cancel", Canceled, "enough"), ("time", WorkflowTimeout, "60")):
        stage = Stage(tmp_path, '[run]\ntimeout = "1m"\n' + PROJECT, held=["load"]).start()
        stage.until(lambda stage=stage: stage.executor.live)
        if wish == "cancel":
            stage.handle.cancel("enough")
        else:
            stage.leap(60)
        with pytest.raises(error, match=told):
            stage.finish().raise_if_failed()


@pytest.mark.seed("S43", "S44")
def test_the_document_of_a_run_is_plain_data(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PROJECT, script={"load": [{"rows": 2}], "clean": [fail(), fail()], "clean/delay": [0]})
    document = json.loads(json.dumps(stage.finish().to_dict()))
    assert (document["state"], document["cause"], document["reason"]) == ("failed", "clean", "clean failed")
    assert document["nodes"]["load"]["result"] == {"rows": 2}
    assert document["nodes"]["clean"]["error"] == "OSError: no"
    assert document["nodes"]["clean"]["attempts"] == 2
    assert stage.result.nodes["clean"].metrics.execution_count == 2
    assert stage.result.nodes["clean"].metrics.failure_count == 2


def test_what_only_a_task_can_open_stays_closed() -> None:
    assert opened(pack([1, 2])) == [1, 2]
    assert opened(5) == 5
    closed = pack(Path)
    assert opened(closed) is closed
    assert isinstance(closed, Payload)
