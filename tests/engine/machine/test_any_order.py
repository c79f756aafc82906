"""Whatever happens, in whatever order, some things always hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.attempt import CANCELED, CRASHED, FAILED, LOST, TIMED_OUT, Outcome, Trouble
from engine.machine.requests import Cancel, CancelNode, MarkDone, Pause, Resume, ResumeNode, SkipNode, SuspendNode
from engine.planner import plan_project
from engine.project.model import Project
from engine.project.toml import read
from tests.support.machines import Driver, assert_same

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking a whole run takes minutes, and the seed is printed
JOINS = ["all", "all", "all", "any", "all_done", {"at_least": 2}]


@st.composite
def bodies(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    """What a node does: a task, or something that holds others."""
    kind = draw(st.sampled_from(["task"] * 4 + (["group", "branch", "switch", "map", "loop", "wait"] if depth else [])))
    if kind == "task":
        return {"task": "tasks:work"}
    if kind == "wait":
        return {"wait": {"for": 1.0}}
    if kind == "group":
        inner = draw(graphs(depth - 1, most=3))
        return {"kind": draw(st.sampled_from(["parallel", "sequential"])), "nodes": inner}
    if kind == "branch":
        found = {"condition": draw(st.sampled_from(["true", "false", "tasks:decide"])), "then": draw(bodies(depth - 1))}
        if draw(st.booleans()):
            found["else"] = draw(bodies(depth - 1))
        return found
    if kind == "switch":
        return {"switch": "${params.color}", "cases": {"red": draw(bodies(depth - 1)), "blue": draw(bodies(depth - 1))}}
    body = draw(bodies(depth - 1))
    if "map" in body or "until" in body:
        return body
    if kind == "map":
        body["map"] = list(range(draw(st.integers(0, 3))))
        if draw(st.booleans()):
            body["max_parallel"] = 1
    else:
        body["until"] = draw(st.sampled_from(["${index} == 1", "tasks:stop"]))
        body["max_iterations"] = 3
        if draw(st.booleans()):
            body["delay"] = 1.0
    return body


@st.composite
def graphs(draw: st.DrawFn, depth: int, most: int = 5) -> dict[str, Any]:
    """Nodes that wait for earlier ones."""
    nodes: dict[str, Any] = {}
    for number in range(draw(st.integers(1, most))):
        node = draw(bodies(depth))
        earlier = draw(st.lists(st.sampled_from(sorted(nodes)), unique=True, max_size=3)) if nodes else []
        if earlier:
            node["needs"] = earlier
            join = draw(st.sampled_from(JOINS))
            node["join"] = "all" if isinstance(join, dict) and len(earlier) < 2 else join
        if draw(st.integers(0, 4)) == 0:
            node["on_error"] = "skip"
        if draw(st.integers(0, 9)) == 0:
            node["when"] = draw(st.sampled_from(["${params.color} == 'red'", "${params.color} == 'blue'"]))
        if "task" in node and draw(st.booleans()):
            node["retry"] = {"max_retries": draw(st.integers(1, 2)), "strategy": "fixed", "delay": 1.0}
        if "task" in node and draw(st.integers(0, 3)) == 0:
            node["pool"] = "narrow"
        elif "task" in node and draw(st.integers(0, 3)) == 0:
            node["requires"] = {"narrow": draw(st.integers(1, 2)), "wide": 0.5}
        nodes[f"n{number}"] = node
    return nodes


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """A whole project, through the reader of project files."""
    import tomli_w

    data: dict[str, Any] = {
        "format": 1,
        "params": {"color": draw(st.sampled_from(["red", "blue", "green"]))},
        "pools": {"narrow": 2, "wide": 1},
        "nodes": draw(graphs(draw(st.integers(0, 2)))),
    }
    if draw(st.integers(0, 3)) == 0:
        data["run"] = {"timeout": 30.0}
    found = read(tomli_w.dumps(data))
    assert found.project is not None
    assert not found.notes.items, found.notes.items
    return found.project


def answer(path: str, number: int) -> Any:
    """What the code of a node would give."""
    return number > 1 if path.endswith(("condition", "until")) else len(path)


@settings(max_examples=150, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(projects(), st.booleans(), st.data())
def test_every_run_ends_and_replays_whatever_happens(project: Project, keep_going: bool, data: st.DataObject) -> None:
    driver = Driver(plan_project(project, keep_going=keep_going), limit=data.draw(st.integers(1, 4)))
    for _ in range(data.draw(st.integers(0, 25))):
        if driver.is_over:
            break
        _disturb(driver, data)
    assert_same(driver.state, driver.replayed())
    _finish(driver)
    assert driver.is_over
    assert not driver.live
    assert_same(driver.state, driver.replayed())


@settings(max_examples=100, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(projects(), st.integers(1, 4))
@pytest.mark.seed("S4", "S76")
def test_the_state_replays_after_every_single_event(project: Project, limit: int) -> None:
    driver = Driver(plan_project(project), limit=limit)
    _finish(driver)
    from engine.machine.state import RunState
    from engine.machine.transitions import apply

    step = RunState(driver.plan)
    for event in driver.events:
        apply(step, event)
    assert_same(driver.state, step)


def _disturb(driver: Driver, data: st.DataObject) -> None:
    """One thing that may happen to a run."""
    what = data.draw(st.sampled_from(["end", "end", "end", "end", "fail", "stale", "time", "pause", "node", "cancel"]))
    live = [driver.live[key] for key in sorted(driver.live)]
    if what in ("end", "fail") and live:
        attempt = data.draw(st.sampled_from(live))
        if what == "end":
            driver.complete(attempt, answer(attempt.path, attempt.number))
            return
        kind = data.draw(st.sampled_from([FAILED, TIMED_OUT, CRASHED, LOST, CANCELED]))
        trouble = Trouble("Oops", kind, retryable=data.draw(st.booleans()))
        driver.report(Outcome(attempt.node, attempt.number, kind, error=trouble))
    elif what == "stale":
        node = data.draw(st.integers(0, len(driver.state.states) - 1))
        if not any(key[0] == node for key in driver.live):
            before = len(driver.events)
            driver.report(Outcome(node, 99, FAILED, error=Trouble("Late", "")))
            assert len(driver.events) == before
    elif what == "time":
        driver.tick(data.draw(st.sampled_from([0.1, 1.0, 5.0])))
    elif what == "pause":
        driver.ask(data.draw(st.sampled_from([Pause(), Resume()])))
    elif what == "node":
        templates = driver.state.plan.templates | driver.state.plan.hidden
        nodes = [node for node in range(len(driver.state.states)) if node not in templates]
        node = data.draw(st.sampled_from(nodes))
        kinds = [CancelNode, SkipNode, SuspendNode, ResumeNode, MarkDone]
        driver.ask(data.draw(st.sampled_from(kinds))(node))
    elif what == "cancel" and data.draw(st.integers(0, 3)) == 0:
        driver.ask(Cancel("enough"))


def _finish(driver: Driver) -> None:
    """Let everything go on, and come to its end."""
    driver.ask(Resume())
    for node in [node for node, code in enumerate(driver.state.states) if code == 4]:
        driver.ask(ResumeNode(node))
    for _ in range(2000):
        if driver.is_over:
            return
        for key in sorted(driver.to_end):
            driver.report(Outcome(*key, CANCELED))
        if driver.live:
            attempt = driver.live[min(driver.live)]
            driver.complete(attempt, answer(attempt.path, attempt.number) if attempt.number < 3 else True)
        else:
            driver.tick(1.0)
    open_ = {name: driver.where(name) for name in driver.state.plan.names if driver.where(name) in ("ready", "running")}
    raise AssertionError(f"the run does not end: {open_}, {driver.state.left}, {driver.events[-6:]}")
