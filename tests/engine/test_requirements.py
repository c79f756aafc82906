"""What nodes take while they run, and what happens when it is not there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.capacity import local_capacity
from engine.errors import ValidationFailed
from engine.project.checks import check_text
from engine.project.requirements import BadRequirements, amount_text, parse_amount, read_requirements
from engine.workflow import Workflow
from tests.support.runs import ScriptedExecutor, Stage, plan_of

GIB = 1024**3


@pytest.mark.parametrize(
    ("text", "amount"),
    [("16GiB", 16 * GIB), ("1.5 kB", 1500), ("2", 2), ("0.5", 0.5), ("512M", 512e6), ("3 TiB", 3 * 1024**4)],
)
def test_sizes_are_numbers_of_bytes(text: str, amount: float) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "GiB", "16 GiBs", "1e9", "-2", "1 2", "0x10"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert parse_amount(text) is None


def test_amounts_are_shown_as_people_write_them() -> None:
    assert amount_text(16 * GIB) == "16GiB"
    assert amount_text(2.0) == "2"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("gpu", None),
        (["a b"], None),
        ({"labels": "gpu"}, "labels"),
        ({"gpu": 0}, "gpu"),
        ({"gpu": True}, "gpu"),
        ({"gpu": float("inf")}, "gpu"),
        ({"memory": "much"}, "memory"),
        ({"": 1}, ""),
    ],
)
def test_requirements_that_mean_nothing_are_refused_with_their_place(value: Any, key: str | None) -> None:
    with pytest.raises(BadRequirements) as refused:
        read_requirements(value)
    assert refused.value.key == key


def test_check_tells_where_a_requirement_means_nothing() -> None:
    _, findings = check_text('[nodes.a]\nshell = "true"\nrequires = { gpu = 1, memory = "much" }\n')
    assert [(one.code, one.line) for one in findings.items] == [("bad-requires", 3)]


def test_check_tells_of_a_node_that_takes_more_than_its_pool_has() -> None:
    text = '[pools]\ngpu = 2\n[nodes.a]\nshell = "true"\nrequires = { gpu = 3 }\n'
    _, findings = check_text(text)
    assert [one.code for one in findings.items] == ["never"]


# -- running ---------------------------------------------------------------------------------------------------------

TWO_SIZES = """
[pools]
gpu = 3
[nodes.a]
task = "tasks:a"
requires = { gpu = 2 }
[nodes.b]
task = "tasks:b"
requires = { gpu = 1 }
[nodes.c]
task = "tasks:c"
pool = "gpu"
[nodes.d]
task = "tasks:d"
"""


def test_nodes_start_while_what_they_take_is_there(tmp_path: Path) -> None:
    stage = Stage(tmp_path, TWO_SIZES, held=["a", "b", "c", "d"], slots=9).start()
    stage.until(lambda: len(stage.executor.live) == 3)
    assert set(stage.executor.live) == {"a", "b", "d"}
    stage.executor.end("b")
    stage.until(lambda: "c" in stage.executor.live)
    for name in ("a", "c", "d"):
        stage.executor.end(name)
    assert stage.finish().ok


def test_a_pool_is_one_for_all_executors(tmp_path: Path) -> None:
    text = '[pools]\ndesk = 1\n[nodes.a]\ntask = "tasks:a"\npool = "desk"\n'
    text += '[nodes.b]\ntask = "tasks:b"\npool = "desk"\nexecutor = "other"\n'
    other = ScriptedExecutor(held=["b"])
    stage = Stage(tmp_path, text, held=["a"], executors={"other": other}).start()
    stage.until(lambda: stage.executor.live or other.live)
    assert not (stage.executor.live and other.live)
    stage.executor.end("a")
    stage.until(lambda: other.live)
    other.end("b")
    assert stage.finish().ok


def test_the_highest_priority_starts_first_whatever_it_takes(tmp_path: Path) -> None:
    text = "[pools]\ndesk = 1\n"
    for name, more in (("a", ""), ("b", 'pool = "desk"\npriority = 2\n'), ("c", "priority = 1\n"), ("d", "")):
        text += f'[nodes.{name}]\ntask = "tasks:{name}"\n{more}'
    stage = Stage(tmp_path, text, slots=1)
    assert stage.finish().ok
    assert stage.executor.started == ["b", "c", "a", "d"]


def test_what_only_one_kind_of_node_takes_costs_a_lane_no_counting() -> None:
    plan = plan_of('[pools]\ngpu = 5\n[nodes.a]\ntask = "t:a"\nrequires = { gpu = 2 }\n')
    assert [(lane.limit, lane.takes) for lane in plan.lanes[1:]] == [(2, ())]


def test_executors_elsewhere_are_told_what_a_node_requires() -> None:
    plan = plan_of('[nodes.a]\ntask = "t:a"\nrequires = { labels = ["big"], memory = "1GiB" }\n')
    assert plan.works[0] is not None
    assert plan.works[0].requires == {"labels": ["big"], "memory": float(GIB)}


# -- this machine ----------------------------------------------------------------------------------------------------


def test_this_machine_has_what_is_found_out_and_what_is_said() -> None:
    here = local_capacity({"FLOWLOOM_RESOURCES": "gpu=2, memory=64GiB big-disk"})
    assert here.amounts["gpu"] == 2
    assert here.amounts["memory"] == 64 * GIB
    assert here.amounts["cpu"] == os.cpu_count()
    assert {"big-disk", sys.platform} <= here.labels


def test_what_is_said_wrong_of_this_machine_is_told() -> None:
    with pytest.raises(ValidationFailed, match="'gpu=many' is no amount"):
        local_capacity({"FLOWLOOM_RESOURCES": "gpu=many"})


def _needs(requires: Any) -> Workflow:
    from engine.workflow import TaskFunction

    flow = Workflow("needy")
    flow.add(TaskFunction(lambda: "done", {"id": "a", "requires": requires}))
    return flow


@pytest.mark.parametrize(
    ("requires", "says"),
    [
        ({"tape": 1}, "a: it requires tape = 1, and this machine is not known to have any"),
        ({"memory": "900TiB"}, "a: it requires memory = 900TiB, and there is "),
        (["moon"], "a: it requires moon, and this machine has only "),
    ],
)
def test_a_requirement_that_nothing_can_satisfy_keeps_the_run_from_starting(
    requires: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOWLOOM_RESOURCES", raising=False)
    with pytest.raises(ValidationFailed, match=says):
        _needs(requires).run()


def test_what_the_environment_declares_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWLOOM_RESOURCES", "tape=1 moon")
    assert _needs({"tape": 1, "labels": ["moon"]}).run()["a"] == "done"
