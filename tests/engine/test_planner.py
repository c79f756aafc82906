"""A project becomes numbers: every default filled in, every name resolved, everything wrong refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import CycleDetected, ValidationFailed
from engine.frames import Again, Choice, Each, Group
from engine.plan import GATE, Plan
from engine.planner import plan_project
from engine.project.model import FixedDelay, RetryPolicy, Skip
from engine.project.toml import read
from tests.support.runs import plan_of

TASK = 'task = "t:work"\n'


def test_numbers_follow_the_file_and_edges_follow_names() -> None:
    plan = plan_of(
        f'[nodes.last]\n{TASK}inputs = {{ a = "first", b = "middle" }}\n[nodes.first]\n{TASK}'
        f'[nodes.middle]\n{TASK}needs = ["first"]\n'
    )
    assert plan.names == ["last", "first", "middle"]
    assert plan.deps == [(1, 2), (), (1,)]
    assert plan.dependents == [[], [0, 2], [0]]
    assert plan.sources == [(1, 2), (), ()]
    assert plan.keywords == [("a", "b"), (), ()]
    assert plan.waiting == [2, 0, 1]
    assert plan.levels == [2, 0, 1]
    assert plan.results == [0]


@pytest.mark.seed("S62")
def test_what_a_node_says_wins_over_the_defaults() -> None:
    plan = plan_of(
        '[defaults]\ntimeout = "1m"\nexecutor = "threads"\nretry = { max_retries = 2, strategy = "fixed", delay = 3 }\n'
        f'on_error = "skip"\nenv = {{ A = "1", B = "2" }}\n'
        f'[nodes.plain]\n{TASK}[nodes.own]\n{TASK}timeout = 5\nexecutor = "inline"\nretry = {{ max_retries = 0 }}\n'
        f'env = {{ B = "3" }}\n'
    )
    plain, own = plan.works
    assert plain is not None
    assert own is not None
    assert (plain.timeout, plain.executor, plain.env) == (60.0, "threads", {"A": "1", "B": "2"})
    assert (own.timeout, own.executor, own.env) == (5.0, "inline", {"A": "1", "B": "3"})
    assert plan.retries == {0: RetryPolicy(2, FixedDelay(3.0))}
    assert plan.on_errors == {0: Skip(), 1: Skip()}
    assert plan.executors == ("threads", "inline")


def test_the_command_line_wins_over_everybody() -> None:
    plan = plan_of(f'[run]\nmax_parallel = 9\n[nodes.a]\n{TASK}executor = "threads"\n', executor="inline", jobs=2)
    assert plan.executors == ("inline",)
    assert plan.max_parallel == 2


def test_nodes_of_one_executor_and_pool_share_a_lane() -> None:
    plan = plan_of(
        f'[pools]\ndb = 2\n[nodes.a]\n{TASK}pool = "db"\n[nodes.b]\n{TASK}[nodes.c]\n{TASK}pool = "db"\n'
        f'[nodes.d]\n{TASK}when = "1 == 1"\n'
    )
    lanes = list(plan.lane_of)
    assert lanes[0] == lanes[2] != lanes[1]
    assert plan.lanes[lanes[0]].limit == 2
    assert lanes[3] == 0
    assert plan.admitted_to == {3: lanes[1]}


def test_joins_say_how_many_completions_free_a_node() -> None:
    head = f"[nodes.a]\n{TASK}[nodes.b]\n{TASK}[nodes.c]\n{TASK}"
    for join, waiting in (('"all"', 3), ('"any"', 1), ("{ at_least = 2 }", 2), ('"all_done"', 3)):
        plan = plan_of(f'{head}[nodes.d]\n{TASK}needs = ["a", "b", "c"]\njoin = {join}\n')
        assert plan.waiting[3] == waiting, join


def test_what_holds_others_is_a_frame_and_its_children_wait_at_a_gate() -> None:
    plan = plan_of(
        f'[nodes.group]\nkind = "sequential"\n[nodes.group.nodes.x]\n{TASK}[nodes.group.nodes.y]\n{TASK}'
        f'[nodes.pick]\ncondition = "t:decide"\nthen = {{ {TASK.strip()} }}\n'
        f'[nodes.each]\n{TASK}map = [1, 2]\n[nodes.again]\n{TASK}until = "${{value}} > 3"\nmax_iterations = 5\n'
    )
    numbers = plan.numbers
    kinds = {plan.names[node]: type(frame) for node, frame in plan.frames.items()}
    assert kinds == {"group": Group, "pick": Choice, "each": Each, "again": Again}
    assert plan.deps[numbers["group/y"]] == (numbers["group/x"],)
    assert all(plan.waiting[child] >= GATE for child in plan.parents)
    assert {plan.names[node] for node in plan.hidden} == {"pick/condition"}
    assert {plan.names[node] for node in plan.templates} == {"each[*]", "again[*]"}
    assert plan.levels[numbers["group/y"]] == 1


def test_a_map_over_a_node_waits_for_all_that_its_body_looks_out_at() -> None:
    plan = plan_of(
        f'[nodes.rows]\n{TASK}[nodes.other]\n{TASK}[nodes.each]\n{TASK}map = "rows"\ninputs = {{ o = "other" }}\n'
    )
    each = plan.numbers["each"]
    assert set(plan.deps[each]) == {plan.numbers["rows"], plan.numbers["other"]}
    assert plan.waiting[each] == 2


def test_a_sub_workflow_is_numbered_once_for_each_use() -> None:
    plan = plan_of(
        f'[nodes.one]\nworkflow = "inner"\n[nodes.two]\nworkflow = "inner"\nparams = {{ n = 2 }}\n'
        f'[workflows.inner.params]\nn = 1\n[workflows.inner.nodes.x]\n{TASK}args = {{ n = "${{params.n}}" }}\n'
    )
    assert plan.names == ["one", "one/x", "two", "two/x"]
    assert plan.bindings[1] is not plan.bindings[3]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'[nodes.a]\n{TASK}inputs = {{ x = "claen" }}\n[nodes.clean]\n{TASK}', "clean"),
        (f'[nodes.a]\n{TASK}needs = ["nobody"]\n', "nobody"),
        ('[nodes.a]\nworkflow = "inner"\n', "inner"),
        (
            (
                f'[nodes.a]\nworkflow = "inner"\n[workflows.inner.params]\nn = {{ type = "int", required = true }}\n'
                f"[workflows.inner.nodes.x]\n{TASK}"
            ),
            "'n'",
        ),
        (f'[nodes.a]\n{TASK}when = "t:decide"\n', "comparison"),
        (f'[params]\nn = {{ type = "int", required = true }}\n[nodes.a]\n{TASK}', "-p n=VALUE"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_words(text: str, told: str) -> None:
    project = read("format = 1\n" + text).project
    assert project is not None
    with pytest.raises(ValidationFailed, match=told):
        plan_project(project)


def test_a_workflow_that_contains_itself_is_refused() -> None:
    project = read('format = 1\n[nodes.a]\nworkflow = "w"\n[workflows.w.nodes.x]\nworkflow = "w"\n').project
    assert project is not None
    with pytest.raises(ValidationFailed, match="contains itself"):
        plan_project(project)


def test_nodes_that_wait_for_each_other_are_named() -> None:
    project = read(f'format = 1\n[nodes.a]\n{TASK}needs = ["b"]\n[nodes.b]\n{TASK}needs = ["a"]\n').project
    assert project is not None
    with pytest.raises(CycleDetected, match=r"a.*b|b.*a"):
        plan_project(project)


@pytest.mark.parametrize("given", [{}, {"n": 5}])
def test_params_are_what_was_given_or_their_defaults(given: dict[str, Any]) -> None:
    plan: Plan = plan_of(f"[params]\nn = 3\n[nodes.a]\n{TASK}", params=given)
    assert plan.params == {"n": given.get("n", 3)}
