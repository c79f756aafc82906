"""Which ready nodes start first, where a run asks for more than the order in which they became ready."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.project.model import OWN_SCHEDULERS
from engine.ranks import ORDERS, rank, ways_left
from engine.records import recorded_seconds
from engine.start import start_run
from engine.store.state_folder import state_folder
from tests.support.runs import Stage, plan_of

DIAMOND = """
[nodes.a]
task = "tasks:a"
[nodes.quick]
task = "tasks:quick"
needs = ["a"]
[nodes.slow]
task = "tasks:slow"
needs = ["a"]
[nodes.last]
task = "tasks:last"
needs = ["slow"]
[nodes.group]
needs = ["a"]
[nodes.group.nodes.inner]
task = "tasks:inner"
[nodes.each]
task = "tasks:each"
map = [1, 2]
needs = ["a"]
"""


def test_every_order_has_its_name_in_the_project_file() -> None:
    assert tuple(ORDERS) == OWN_SCHEDULERS


def test_the_way_left_goes_along_the_longest_way_and_through_what_holds_nodes() -> None:
    plan = plan_of(DIAMOND)
    seconds = {"a": 1.0, "quick": 2.0, "slow": 3.0, "last": 4.0, "group/inner": 9.0, "each[*]": 5.0}
    ways = dict(zip(plan.names, ways_left(plan, seconds), strict=True))
    assert ways == {
        "a": 10.0,
        "quick": 2.0,
        "slow": 7.0,
        "last": 4.0,
        "group": 9.0,
        "group/inner": 9.0,
        "each": 5.0,
        "each[*]": 5.0,
    }


def test_a_node_without_a_record_counts_as_the_median_of_the_others() -> None:
    plan = plan_of('[nodes.a]\ntask = "t:a"\n[nodes.b]\ntask = "t:b"\n[nodes.new]\ntask = "t:n"\n')
    assert ways_left(plan, {"a": 1.0, "b": 3.0})[2] == 2.0


@pytest.mark.seed("S88")
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.integers(0, 30), max_size=4), st.integers(-2, 2)), min_size=1, max_size=12),
    st.sampled_from(OWN_SCHEDULERS),
)
def test_equal_plans_get_equal_ranks_and_nodes_rank_above_those_that_wait_for_them(
    nodes: list[tuple[list[int], int]], order: str
) -> None:
    text = ""
    for number, (upstream, priority) in enumerate(nodes):
        needs = sorted({f'"n{source % number}"' for source in upstream}) if number else []
        text += f'[nodes.n{number}]\ntask = "t:n"\npriority = {priority}\nneeds = [{", ".join(needs)}]\n'
    first, second = plan_of(text), plan_of(text)
    rank(first, order, {})
    rank(second, order, {})
    assert first.ranks == second.ranks
    if order == "topological" or not any(priority for _, priority in nodes):
        for node, upstream in enumerate(first.deps):
            assert all(first.ranks[source] > first.ranks[node] for source in upstream)


def test_nodes_start_by_their_ranks_whatever_lane_they_are_in(tmp_path: Path) -> None:
    plan = plan_of(DIAMOND.replace('task = "tasks:slow"', 'task = "tasks:slow"\npool = "desk"') + "[pools]\ndesk = 3\n")
    rank(plan, "longest-path", {"quick": 1.0, "slow": 3.0, "last": 3.0, "group/inner": 4.0, "each[*]": 2.0})
    stage = Stage(tmp_path, plan, slots=1)
    assert stage.finish().ok
    assert stage.executor.started == ["a", "slow", "group/inner", "last", "each[0]", "each[1]", "quick"]


TASKS = "import time\ndef nap(seconds=0.0): time.sleep(seconds)\n"
NAPS = """
[run]
scheduler = "longest-path"
[project]
name = "naps"
[nodes.short]
task = "tasks:nap"
[nodes.long]
task = "tasks:nap"
args = { seconds = 0.05 }
[nodes.many]
task = "tasks:nap"
map = { seconds = [0.01, 0.02, 0.03] }
"""


@pytest.mark.seed("S88")
def test_a_run_learns_from_the_runs_before_it(tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_text(NAPS, "utf-8")
    (tmp_path / "tasks.py").write_text(TASKS, "utf-8")
    orders = []
    for _ in range(2):
        handle = start_run(tmp_path, executor="inline", environment={"HOME": str(tmp_path)})
        assert handle.wait(20.0)
        state = handle.state
        orders.append(sorted(("short", "long", "many[0]"), key=lambda name: state.started[state.plan.numbers[name]]))
    assert orders == [["short", "long", "many[0]"], ["long", "many[0]", "short"]]
    seconds = recorded_seconds(state_folder(tmp_path, environ={"HOME": str(tmp_path)}).path, "naps")
    assert set(seconds) == {"short", "long", "many[*]"}
    assert seconds["long"] >= 0.05
    assert 0.02 <= seconds["many[*]"] < 0.03


def test_runs_of_another_project_teach_nothing(tmp_path: Path) -> None:
    assert recorded_seconds(tmp_path, "naps") == {}
