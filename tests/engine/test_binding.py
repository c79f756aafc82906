"""What an attempt is given: constants, whole results, parts of them, and everything written `${...}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.attempt import Attempt
from engine.machine.state import WorkflowState
from engine.payload import Payload, pack
from tests.support.runs import Stage

ROW = {"name": "x", "list": [1, {"deep": 5}], "two words": 7}


def given(folder: Path, text: str, script: Mapping[str, Any] | None = None, **options: Any) -> Attempt:
    """The attempt of the node `use`, after the node `data` gave what the script says."""
    project = '[params]\nlimit = 3\n[vars]\ncolor = "red"\n[nodes.data]\ntask = "t:data"\n' + text
    answers = {name: [value] for name, value in {"data": ROW, **(script or {})}.items()}
    stage = Stage(folder, project, script=answers, options=options)
    result = stage.finish()
    assert result.ok, result.error()
    return next(attempt for attempt in stage.executor.attempts if attempt.path == "use")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('inputs = { x = "data" }', ROW),
        ('inputs = { x = "data.name" }', "x"),
        ('inputs = { x = "data.list[1].deep" }', 5),
        ("inputs = { x = 'data[\"two words\"]' }", 7),
        ('inputs = { x = ["data.name", "data.list[0]"] }', ["x", 1]),
        ("args = { x = 4 }", 4),
        ('args = { x = "${params.limit}" }', 3),
        ('args = { x = "${vars.color}" }', "red"),
        ('args = { x = "${env:HOME_OF}" }', "/home/me"),
        ('args = { x = "${data.name} of ${params.limit}" }', "x of 3"),
        ('args = { x = { deep = ["${data.list[0]}", "plain"] } }', {"deep": [1, "plain"]}),
    ],
)
def test_an_argument_is_what_its_line_says(tmp_path: Path, line: str, value: Any) -> None:
    attempt = given(tmp_path, f'[nodes.use]\ntask = "t:use"\n{line}\n', environment={"HOME_OF": "/home/me"})
    assert dict(attempt.kwargs) == {"x": value}


def test_words_environment_and_folder_of_a_program_are_filled_in(tmp_path: Path) -> None:
    attempt = given(
        tmp_path,
        '[nodes.use]\ncommand = ["echo", "${data.name}", "${data.list}"]\n'
        'env = { LIMIT = "${params.limit}" }\ncwd = "in/${data.name}"\n',
    )
    assert list(attempt.words or ()) == ["echo", "x", '[1, {"deep": 5}]']
    assert attempt.env == {"LIMIT": "3"}
    assert attempt.cwd == "in/x"


def test_parts_of_what_only_a_task_can_open_are_taken_where_it_runs(tmp_path: Path) -> None:
    closed = pack(Path)
    assert isinstance(closed, Payload)
    attempt = given(tmp_path, '[nodes.use]\ntask = "t:use"\ninputs = { x = "data.name.first" }\n', {"data": closed})
    assert attempt.kwargs["x"] is closed
    assert attempt.parts == {"x": ("name", "first")}
    assert attempt.sealed


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('inputs = { x = "data.nmae" }', "nmae"),
        ('inputs = { x = "data.list[7]" }', "7"),
        ('args = { x = "${env:NOT_SET}" }', "NOT_SET"),
        ('args = { x = "${data.nmae}" }', "nmae"),
    ],
)
def test_what_cannot_be_filled_in_fails_its_node_and_no_code_runs(tmp_path: Path, line: str, told: str) -> None:
    project = f'[nodes.data]\ntask = "t:data"\n[nodes.use]\ntask = "t:use"\nretry = {{ max_retries = 3 }}\n{line}\n'
    stage = Stage(tmp_path, project, script={"data": [ROW]})
    result = stage.finish()
    assert result.state is WorkflowState.FAILED
    assert result.cause == "use"
    assert told in str(result.nodes["use"].error)
    assert "use" not in stage.executor.started
    assert result.nodes["use"].attempts == 1


def test_each_copy_of_a_map_gets_its_own_item(tmp_path: Path) -> None:
    project = """
    [nodes.rows]
    task = "t:rows"
    [nodes.use]
    task = "t:use"
    map = { a = "rows", b = [10, 20] }
    args = { where = "${index}", whole = "${rows}" }
    """
    stage = Stage(tmp_path, project, script={"rows": [["x", "y"]]})
    assert stage.finish().ok
    found = {attempt.path: dict(attempt.kwargs) for attempt in stage.executor.attempts if attempt.path != "rows"}
    assert found == {
        "use[0]": {"a": "x", "b": 10, "where": 0, "whole": ["x", "y"]},
        "use[1]": {"a": "y", "b": 20, "where": 1, "whole": ["x", "y"]},
    }


def test_lists_of_different_length_do_not_go_side_by_side(tmp_path: Path) -> None:
    project = '[nodes.use]\ntask = "t:use"\nmap = { a = [1, 2], b = [1] }\n'
    result = Stage(tmp_path, project).finish()
    assert result.state is WorkflowState.FAILED
    assert "differ in length: a has 2, b has 1" in str(result.nodes["use"].error)


def test_each_round_of_a_loop_gets_the_value_of_the_last(tmp_path: Path) -> None:
    project = (
        '[nodes.use]\ntask = "t:use"\nuntil = "${value} == 3"\ncarry = "before"\ninitial = 0\nmax_iterations = 9\n'
    )
    script = {f"use[{index}]": [index + 1] for index in range(3)}
    stage = Stage(tmp_path, project, script=script)
    assert stage.finish()["use"] == 3
    assert [dict(attempt.kwargs) for attempt in stage.executor.attempts] == [{"before": n} for n in (0, 1, 2)]
