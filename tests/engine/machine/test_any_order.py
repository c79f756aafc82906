"""Whatever happens, in whatever order, some things always hold."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.attempt import CANCELED, CRASHED, FAILED, LOST, TIMED_OUT, Outcome, Trouble
from engine.forecast import Fate, forecast
from engine.machine.requests import (
    Cancel,
    CancelNode,
    ChangeGraph,
    MarkDone,
    Pause,
    Resume,
    ResumeNode,
    Retry,
    SkipNode,
    SuspendNode,
)
from engine.machine.state import LEAVING, NodeState
from engine.planner import plan_project
from engine.project.model import Project
from engine.project.toml import read
from engine.revision import Revision
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
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """What stands in a whole project file."""
    data: dict[str, Any] = {
        "format": 1,
        "params": {"color": draw(st.sampled_from(["red", "blue", "green"]))},
        "pools": {"narrow": 2, "wide": 1},
        "nodes": draw(graphs(draw(st.integers(0, 2)))),
    }
    if draw(st.integers(0, 3)) == 0:
        data["run"] = {"timeout": 30.0}
    return data


def project_of(data: Mapping[str, Any]) -> Project:
    """A project, through the reader of project files."""
    import tomli_w

    found = read(tomli_w.dumps(data))
    assert found.project is not None
    assert not found.notes.items, found.notes.items
    return found.project


def projects() -> st.SearchStrategy[Project]:
    """Whole projects."""
    return tables().map(project_of)


@st.composite
def edited(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """Another version of a project: nodes come, go, do something else, wait for others."""
    data = copy.deepcopy(data)
    nodes = data["nodes"]
    for _ in range(draw(st.integers(1, 3))):
        names = list(nodes)
        what = draw(st.sampled_from(["add", "remove", "task", "body", "needs", "how", "order", "color"]))
        if what == "color":
            data["params"]["color"] = draw(st.sampled_from(["red", "blue"]))
        elif what == "add":
            fresh = next(f"m{number}" for number in itertools.count() if f"m{number}" not in nodes)
            before = draw(st.lists(st.sampled_from(names), unique=True, max_size=2)) if names else []
            nodes[fresh] = {**draw(bodies(1)), **({"needs": before} if before else {})}
            after = names.index(max(before, key=names.index)) + 1 if before else 0
            if names[after:] and draw(st.booleans()):
                follower = nodes[draw(st.sampled_from(names[after:]))]
                if not follower.get("join"):
                    follower["needs"] = [*follower.get("needs", ()), fresh]
            data["nodes"] = nodes = _in_order(nodes)
        elif names:
            name = draw(st.sampled_from(names))
            if what == "remove" and len(names) > 1:
                del nodes[name]
                for node in nodes.values():
                    node["needs"] = [need for need in node.get("needs", ()) if need != name]
                    if not node["needs"] or (isinstance(node.get("join"), dict) and len(node["needs"]) < 2):
                        node.pop("join", None)
                    if not node["needs"]:
                        del node["needs"]
            elif what == "task":
                todo = [nodes[name]]
                while todo:  # somewhere inside
                    node = todo.pop()
                    if "task" in node:
                        node["task"] = draw(st.sampled_from(["tasks:work", "tasks:other", "tasks:third"]))
                    todo += [*node.get("nodes", {}).values(), *node.get("cases", {}).values()]
                    todo += [node[key] for key in ("then", "else") if key in node]
            elif what == "body":
                kept = {key: nodes[name][key] for key in ("needs", "join", "on_error") if key in nodes[name]}
                nodes[name] = {**draw(bodies(2)), **kept}
            elif what == "how":
                nodes[name]["on_error"] = draw(st.sampled_from(["skip", "fail"]))
                if "task" in nodes[name]:
                    nodes[name]["pool"] = draw(st.sampled_from(["narrow", "other"]))
                    data["pools"] = {**data["pools"], "narrow": draw(st.integers(2, 3)), "other": 2}
            elif what == "needs":
                earlier = names[: names.index(name)]
                nodes[name].pop("needs", None)
                nodes[name].pop("join", None)
                if earlier:
                    nodes[name]["needs"] = draw(st.lists(st.sampled_from(earlier), min_size=1, unique=True, max_size=2))
    return data


def _in_order(nodes: dict[str, Any]) -> dict[str, Any]:
    """The same nodes, each after those it waits for."""
    found: dict[str, Any] = {}
    while len(found) < len(nodes):
        for name, node in nodes.items():
            if name not in found and all(need in found for need in node.get("needs", ())):
                found[name] = node
    return found


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
@given(tables(), st.booleans(), st.data())
@pytest.mark.seed("S268")
def test_a_run_whose_graph_changes_keeps_its_promises(
    table: dict[str, Any], keep_going: bool, data: st.DataObject
) -> None:
    driver = Driver(plan_project(project_of(table), keep_going=keep_going), limit=data.draw(st.integers(1, 4)))
    for _ in range(data.draw(st.integers(1, 25))):
        what = data.draw(st.sampled_from(["disturb", "disturb", "disturb", "change", "retry"]))
        if what == "disturb" and not driver.is_over:
            _disturb(driver, data)
        elif what == "retry":
            _retry(driver, data)
        elif what == "change":
            table = data.draw(edited(table))
            _change(driver, Revision(project_of(table), keep_going=keep_going))
    assert_same(driver.state, driver.replayed())
    _finish(driver)
    assert driver.is_over
    assert not driver.live
    assert_same(driver.state, driver.replayed())


@settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(tables(), st.data())
@pytest.mark.seed("S268")
def test_what_a_forecast_says_is_what_happens(table: dict[str, Any], data: st.DataObject) -> None:
    driver = Driver(plan_project(project_of(table), keep_going=True), limit=data.draw(st.integers(1, 4)))
    for _ in range(data.draw(st.integers(0, 15))):
        if not driver.is_over:
            _disturb(driver, data)
    revision = Revision(project_of(data.draw(edited(table))), keep_going=True)
    said = forecast(driver.state, revision)
    before = {path: driver.state.node(number) for path, number in driver.state.plan.numbers.items()}
    live = {attempt.path for attempt in driver.live.values()}
    if not driver.ask(ChangeGraph(revision)):
        return
    assert {driver.live[key].path for key in driver.to_end} >= {path for path in said.cancels if path in live}
    _finish(driver)
    plan, seen = driver.state.plan, set()
    for path, told in said.items():
        if told.fate is Fate.LEAVES:
            continue
        seen.add(path)
        now = driver.state.node(plan.numbers[path])
        if told.fate in (Fate.KEEPS, Fate.STAYS):
            assert now == before[path], (path, told, now)
        elif told.fate is Fate.GOES_ON:
            assert plan.numbers[path] in plan.frames or now.attempts >= before[path].attempts
        else:
            assert now.state.value not in ("ready", "running"), (path, told, now)
            tried = before[path].attempts if path in before else 0
            went = now.attempts > tried or now.state.value in ("skipped", "canceled") or now.reason
            assert went or told.fate is Fate.STAYS_OUT or told.state is NodeState.SUSPENDED, (path, told, now)
    born = {path for path, number in plan.numbers.items() if number in driver.state.shifts}
    unseen = {plan.names[node] for node in plan.templates | plan.hidden}
    assert set(plan.numbers) - unseen - born <= seen | unseen


@settings(max_examples=50, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(tables(), st.data())
@pytest.mark.seed("S268")
def test_a_changed_run_comes_to_what_a_run_of_the_last_version_comes_to(
    table: dict[str, Any], data: st.DataObject
) -> None:
    table.pop("run", None)
    driver = Driver(plan_project(project_of(table)), limit=data.draw(st.integers(1, 4)))
    for _ in range(data.draw(st.integers(1, 4))):
        for _ in range(data.draw(st.integers(0, 8))):
            _go_on(driver)
        other = data.draw(edited(table))
        if driver.ask(ChangeGraph(Revision(project_of(other)))):  # after the end it is refused if nothing would run
            table = other
    fresh = Driver(plan_project(project_of(table)))
    for run in (driver, fresh):
        for _ in range(1000):
            _go_on(run)
    assert _came_to(driver) == _came_to(fresh)


def _go_on(driver: Driver) -> None:
    """The next thing that happens where nothing goes wrong: what should end ends, what runs completes, time passes."""
    if driver.is_over:
        return
    if driver.to_end:
        driver.report(Outcome(*min(driver.to_end), CANCELED))
    elif driver.live:
        attempt = driver.live[min(driver.live)]
        asked = attempt.path.endswith(("condition", "until"))
        driver.complete(attempt, asked or f"{attempt.work.reference} at {attempt.path}")
    else:
        driver.tick(1.0)


def _came_to(driver: Driver) -> dict[str, tuple[str, Any]]:
    plan = driver.state.plan
    assert driver.is_over
    seen = {path: node for path, node in plan.numbers.items() if node not in plan.templates | plan.hidden}
    return {path: (driver.where(path), driver.state.values[node]) for path, node in seen.items()}


def _retry(driver: Driver, data: st.DataObject) -> None:
    state = driver.state
    nodes = [n for n in range(len(state.states)) if n not in state.plan.templates | state.plan.hidden]
    node = data.draw(st.sampled_from([None, *nodes]))
    if driver.ask(Retry(node)) and node is not None:
        assert driver.where(state.plan.names[node]) not in ("failed", "completed") or node in state.plan.frames


def _change(driver: Driver, revision: Revision) -> None:
    """Change the graph, and compare what was said beforehand with what happened."""
    before = {path: driver.state.node(number) for path, number in driver.state.plan.numbers.items()}
    said = forecast(driver.state, revision)
    driver.acting = False
    if not driver.ask(ChangeGraph(revision)):
        driver.acting = True
        return
    plan = driver.state.plan
    for path, told in said.items():
        if told.fate is Fate.LEAVES:
            assert path not in plan.numbers or path in before
            continue
        now, then = driver.state.node(plan.numbers[path]), before.get(path)
        if told.fate in (Fate.KEEPS, Fate.STAYS, Fate.GOES_ON):
            assert now == then, (path, told)
        elif told.cancels:
            assert driver.state.states[plan.numbers[path]] == LEAVING, (path, told)
        else:
            assert now.state.value in ("ready", "suspended") or driver.state.states[plan.numbers[path]] == LEAVING, (
                path,
                told,
                now,
            )
    unseen = plan.templates | plan.hidden
    leaving = set(said.of(Fate.LEAVES))
    assert {path for path, number in plan.numbers.items() if number not in unseen} - leaving == set(said) - leaving
    driver.acting = True
    driver.turn()


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
