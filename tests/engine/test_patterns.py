"""The patterns of docs/patterns.md do what the page says of them, run as they stand there."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ValidationFailed
from engine.machine.state import NodeState, WorkflowState
from engine.project.loading import look
from engine.start import RunHandle, start_run

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "patterns.md").read_text("utf-8")
FUNCTIONS = re.findall(r"^```python functions\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
PROJECTS = {
    int(found[1].split()[0]): (found[1], found[2])
    for found in re.finditer(r"^```toml ([\d ]+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
HEAD = 'format = 1\n[project]\nname = "pattern"\n'
DONE, SKIPPED, CANCELED = "completed", "skipped", "canceled"

# first number of the pattern -> how nodes end, what they give
ENDS: dict[int, tuple[dict[str, str], dict[str, Any]]] = {
    1: ({}, {"b": "a+b"}),
    2: ({"b": DONE, "c": DONE}, {"d": "a+a"}),
    4: ({"choice/then": DONE, "choice/else": SKIPPED}, {"after": "large"}),
    6: ({"a": DONE, "b": SKIPPED, "c": DONE}, {"merge": "a+c"}),
    9: ({"a": DONE, "b": DONE}, {"first": "first"}),
    30: ({"b": SKIPPED}, {"two": "a+c"}),
    41: ({"each[0]": DONE, "each[2]": DONE}, {"each": [1, 2, 3], "after": "[1, 2, 3]"}),
    21: ({"count[2]": DONE}, {"count": 3}),
    11: ({"a": DONE, "b": DONE}, {}),
    13: ({}, {"each": [11, 12, 13]}),
    14: ({}, {"each": [11, 12, 13]}),
    12: ({"each": DONE}, {"beside": "beside"}),
    17: ({"a": DONE, "b": DONE, "c": DONE}, {}),
    23: ({"trigger": DONE}, {"after": "no"}),
    16: ({"way/left": SKIPPED}, {"way": "went right"}),
}
STEERED = {15, 19, 20}
"""Patterns that have a test of their own below."""


def begin(folder: Path, text: str, executor: str = "inline") -> RunHandle:
    (folder / "tasks.py").write_text(FUNCTIONS, "utf-8")
    (folder / "project.toml").write_text(HEAD + text, "utf-8")
    assert [str(finding) for finding in look(folder).findings.items if finding.severity == "error"] == []
    return start_run(folder, executor=executor, jobs=3, journal=False)


def ends(handle: RunHandle) -> dict[str, str]:
    assert handle.wait(20.0), "it did not end"
    return {name: node.state.value for name, node in handle.result.nodes.items()}


def test_every_project_of_the_page_is_run() -> None:
    assert set(PROJECTS) == set(ENDS) | STEERED


def test_the_page_speaks_of_all_the_patterns_there_are() -> None:
    run = {int(number) for numbers, _ in PROJECTS.values() for number in numbers.split()}
    rows = re.findall(r"^\| (\d[\d, ]*)", PAGE, re.MULTILINE)
    refused = {int(number) for row in rows for number in re.findall(r"\d+", row)}
    assert run | refused == set(range(1, 44))
    assert not run & refused


@pytest.mark.parametrize("number", sorted(ENDS))
def test_a_pattern_ends_as_the_page_says(number: int, tmp_path: Path) -> None:
    handle = begin(tmp_path, PROJECTS[number][1])
    found = ends(handle)
    states, results = ENDS[number]
    assert handle.result.state is WorkflowState.COMPLETED
    assert {name: found.get(name) for name in states} == states
    assert {name: handle.result[name] for name in results} == results


def test_interleaved_nodes_see_what_those_before_them_left(tmp_path: Path) -> None:
    handle = begin(tmp_path, PROJECTS[17][1], executor="threads")
    ends(handle)
    seen = handle.result["end"]
    assert sorted(seen) == ["a", "b", "c"]
    assert seen.index("a") < seen.index("b")


def test_without_its_pool_the_critical_section_is_none(tmp_path: Path) -> None:
    handle = begin(tmp_path, PROJECTS[17][1].replace('pool = "desk"\n', ""), executor="threads")
    ends(handle)
    assert len(handle.result["end"]) < 3, "the page's pool makes no difference"


def test_a_discriminator_does_not_wait_for_the_last(tmp_path: Path) -> None:
    handle = begin(tmp_path, PROJECTS[9][1])
    ends(handle)
    state = handle.state
    number = state.plan.numbers
    assert state.ended[number["first"]] < state.ended[number["b"]]


def test_cancel_case_ends_all_the_rest(tmp_path: Path) -> None:
    handle = begin(tmp_path, PROJECTS[20][1])
    assert ends(handle) == {"stop": "failed", "long": CANCELED}
    assert handle.result.state is WorkflowState.FAILED


def test_cancel_task_ends_a_region_and_leaves_the_rest(tmp_path: Path) -> None:
    handle = begin(tmp_path, PROJECTS[19][1])
    deadline = time.monotonic() + 10
    while len(handle.state.waits) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    handle.cancel_node("region")
    handle.cancel_node("each")
    found = ends(handle)
    assert found["region/inner"] == found["region"] == CANCELED
    assert found["each[0]"] == found["each[1]"] == found["each"] == CANCELED
    assert found["other"] == DONE


def test_instances_are_added_while_the_run_goes(tmp_path: Path) -> None:
    text = PROJECTS[15][1]
    handle = begin(tmp_path, text)
    for number in range(2):
        needs = ", ".join(f'"more{one}"' for one in range(number + 1))
        more = "".join(f'[nodes.more{one}]\ntask = "tasks:say"\nargs = {{ n = {one} }}\n' for one in range(number + 1))
        (tmp_path / "project.toml").write_text(HEAD + text.replace('["one"]', f'["one", {needs}]') + more, "utf-8")
        handle.change(tmp_path)
    assert handle.result.nodes["all"].state is NodeState.READY
    (tmp_path / "go.flag").touch()
    assert set(ends(handle).values()) == {DONE}
    assert list(handle.result.nodes) == ["one", "all", "more0", "more1"]
    assert handle.result.nodes["more0"].attempts == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[nodes.a]\ntask = "tasks:say"\nneeds = ["b"]\n[nodes.b]\ntask = "tasks:say"\nneeds = ["a"]\n',
            "cycle|circle",
        ),
        ('[nodes.a]\nworkflow = "w"\n[workflows.w.nodes.again]\nworkflow = "w"\n', "contains itself|itself"),
    ],
    ids=["10 arbitrary cycles", "22 recursion"],
)
def test_what_would_never_end_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(FUNCTIONS, "utf-8")
    (tmp_path / "project.toml").write_text(HEAD + text, "utf-8")
    with pytest.raises(ValidationFailed):
        start_run(tmp_path, executor="inline", journal=False)
    assert re.search(says, " ".join(str(finding) for finding in look(tmp_path).findings.items))
