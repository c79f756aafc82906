"""Whatever a workflow is made of, the machine brings it to what a naive reading of the model says."""

from __future__ import annotations

import inspect
import random
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.attempt import CANCELED, COMPLETED, FAILED, LOST, Attempt, Outcome, Trouble
from engine.history import past_run
from engine.machine.requests import (
    Cancel,
    CancelNode,
    MarkDone,
    Pause,
    Resume,
    ResumeNode,
    Retry,
    SkipNode,
    SuspendNode,
)
from engine.machine.state import NODE_STATES, RunState
from engine.planner import plan_project
from engine.project.checks import check_text
from engine.project.model import Project
from engine.result import RunResult, nodes_in_order
from engine.start import RunHandle, start_run
from tests.support.interpreter import Ending, Interpreter
from tests.support.machines import Driver, assert_same

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a seed says nothing when it is made smaller


# -- what the functions of these projects do -------------------------------------------------------------------------


def digest(value: Any) -> int:
    """A number that tells values apart."""
    if isinstance(value, Mapping):
        return sum((place + 2) * digest(value[key]) for place, key in enumerate(sorted(value)))
    if isinstance(value, list):
        return 3 + sum((place + 1) * digest(one) for place, one in enumerate(value))
    return {None: 7, True: 11, False: 13}.get(value, 5) if not isinstance(value, int) or value is True else value


def _fail(number: int, **words: Any) -> Any:
    raise ValueError("as asked")


def _flaky(number: int, **words: Any) -> Any:
    if number == 1:
        raise ValueError("not the first time")
    return digest(words) % 30


FUNCTIONS = {
    "tasks:work": lambda number, **words: digest(words) % 40 + 1,
    "tasks:items": lambda number, **words: list(range(digest(words) % 4)),
    "tasks:table": lambda number, **words: {"x": digest(words) % 9, "y": [1, 2]},
    "tasks:odd": lambda number, **words: digest(words) % 2 == 1,
    "tasks:fail": _fail,
    "tasks:flaky": _flaky,
}


# -- any project -----------------------------------------------------------------------------------------------------


class Author:
    """Writes a project: each node may mention what stands before it and can be seen."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.count = 0
        self.kinds: dict[str, str] = {}  # name as it can be written -> number, list, table, any
        self.last: set[str] = set()
        self.inside = False  # of a sub-workflow: there is no other in it

    def pick(self, *choices: Any) -> Any:
        return self._chance.choice(choices)

    def number(self, low: int, high: int) -> int:
        return self._chance.randint(low, high)

    def chance(self, one_in: int) -> bool:
        return self.number(1, one_in) == 1

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def some(self, names: list[str], most: int) -> list[str]:
        return self._chance.sample(names, min(self.number(0, most), len(names)))

    def graph(self, depth: int, most: int, seen: list[str], *, ordered: bool = False) -> dict[str, Any]:
        """Nodes side by side; `seen` are the names of what stands before them."""
        nodes: dict[str, Any] = {}
        seen = list(seen)
        for _ in range(self.number(1, most)):
            name = self.name()
            nodes[name] = node = self.node(name, depth, seen)
            seen += [name, *self._held(name, node)]
            if "task" in node and node.get("on_error") == "alternative":
                other = self.name()
                nodes[other] = {"task": self.pick("tasks:work", "tasks:fail")}
                node["on_error"] = {"alternative": other}
                self.kinds[other] = "any"
                if self.chance(3):
                    seen.append(other)
            elif node.get("on_error") == "compensate" and self.chance(2):
                other = self.name()
                nodes[other] = {"task": self.pick("tasks:work", "tasks:fail")}
                node["on_error"] = {"compensate": [other]}
                self.last.add(other)  # nobody can wait for it
        if ordered or not self.chance(3):
            return nodes
        return {name: nodes[name] for name in self._chance.sample(list(nodes), len(nodes))}

    def _held(self, name: str, node: Mapping[str, Any]) -> Iterator[str]:
        """What can be named inside of a node from outside."""
        if "map" in node or "until" in node or "while" in node:
            return
        for child in [one for one in node.get("nodes", ()) if one not in self.last]:
            self.kinds[f"{name}/{child}"] = self.kinds.get(child, "any")
            yield f"{name}/{child}"

    def node(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        """One node with all that is around its body."""
        node = self.body(name, depth, seen)
        needs = self.some([one for one in seen if one not in str(node.get("inputs", ""))], 2)
        if needs:
            node["needs"] = needs
        if needs and not _mentions(node) and self.chance(2):
            node["join"] = self.pick("any", "all_done", {"at_least": len(needs)}, {"at_least": 1})
        elif (needs or _mentions(node)) and self.chance(4):
            node["join"] = "all_done"
        if self.chance(9):
            node["when"] = self.condition(seen if node.get("join", "all_done") == "all_done" else [])
        if self.chance(3):
            node["on_error"] = self.pick("skip", "skip", "alternative", "compensate", "fail")
            if node["on_error"] == "alternative" and "task" not in node:
                node["on_error"] = "skip"
        if self.chance(8):
            node["enabled"] = False
        if self.chance(6):
            node["undo"] = {"task": self.pick("tasks:work", "tasks:fail", "tasks:flaky")}
            if self.chance(2):
                node["undo"]["retry"] = {"max_retries": 1}
        return node

    def condition(self, seen: list[str], local: tuple[str, ...] = ()) -> str:
        names = [*[one for one in seen if self.kinds[one] in ("number", "any")], *local]
        if not names or self.chance(4):
            return self.pick("true", "false", "${params.size} > 3")
        return f"${{{self.pick(*names)}}} {self.pick('>', '<', '==', '!=')} {self.number(0, 20)}"

    def body(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        """What a node does, perhaps many times."""
        kinds = ["task"] * 4 + ["wait", "approval"]
        if depth:
            kinds += ["group", "group", "branch", "switch", "map", "map", "loop", "sub"]
        kind = self.pick(*kinds)
        return getattr(self, f"a_{kind}")(name, depth, seen)  # type: ignore[no-any-return]

    def a_task(self, name: str, depth: int, seen: list[str], local: tuple[str, ...] = ()) -> dict[str, Any]:
        function = self.pick("work", "work", "work", "items", "table", "fail", "flaky")
        node: dict[str, Any] = {"task": f"tasks:{function}"}
        kinds = {"work": "number", "flaky": "number", "items": "list", "table": "table"}
        self.kinds[name] = kinds.get(function, "any")
        self.arguments(node, seen, local)
        if self.chance(3):
            node["retry"] = {"max_retries": self.number(1, 2), "strategy": "fixed", "delay": 1.0}
        return node

    def arguments(self, node: dict[str, Any], seen: list[str], local: tuple[str, ...] = ()) -> None:
        inputs: dict[str, Any] = {}
        for place, source in enumerate(self.some(seen, 3)):
            step = {"table": ".x", "list": "[0]"}.get(self.kinds[source], "") if self.chance(3) else ""
            inputs[f"p{place}"] = source + step
        if self.chance(6) and len(seen) > 1:
            inputs["several"] = self.some(seen, 3) or [seen[0]]
        if inputs:
            node["inputs"] = inputs
        args: dict[str, Any] = {}
        if self.chance(3):
            args["a"] = self.number(0, 9)
        if self.chance(4) and (seen or local):
            args["b"] = [f"${{{self.pick(*seen, *local)}}}", "${params.size}"]
        if self.chance(6) and (seen or local):
            args["text"] = f"is ${{{self.pick(*seen, *local)}}}"
        for one in local:
            args[f"of_{one}"] = f"${{{one}}}"
        if args:
            node["args"] = args

    def a_wait(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        self.kinds[name] = "any"
        return {"wait": {"for": 1.0}}

    def a_approval(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        self.kinds[name] = "any"
        return {"approval": "Go on?", "timeout": 1.0, **({} if self.chance(4) else {"default": "yes"})}

    def a_group(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        kind = self.pick("parallel", "sequential")
        self.kinds[name] = "any"
        node = {"kind": kind, "nodes": self.graph(depth - 1, 3, seen, ordered=kind == "sequential")}
        holders = [one for one in node["nodes"].values() if one.keys() & {"nodes", "then", "cases"}]
        if kind == "parallel" and not holders and self.chance(2):
            node["max_parallel"] = self.number(1, 2)
        return node

    def a_branch(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        self.kinds[name] = "any"
        node: dict[str, Any] = {"condition": self.condition(seen)}
        if self.chance(3):
            node["condition"] = self.pick("tasks:odd", "tasks:odd", "tasks:work", "tasks:fail")
            self.arguments(node, seen)
        node["then"] = self.branch(depth, seen)
        if self.chance(2):
            node["else"] = self.branch(depth, seen)
        return node

    def branch(self, depth: int, seen: list[str]) -> dict[str, Any]:
        """What stands in a branch, where nobody names it."""
        name = self.name()
        body = self.node(name, depth - 1, seen)
        body.pop("undo", None)
        if body.get("on_error") == "alternative":
            body["on_error"] = "skip"
        return body

    def a_switch(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        self.kinds[name] = "any"
        names = [one for one in seen if self.kinds[one] == "number"]
        value = f"${{{self.pick(*names)}}}" if names and self.chance(2) else "${params.size}"
        node: dict[str, Any] = {"switch": value}
        node["cases"] = {key: self.branch(depth, seen) for key in ("1", "5", "12")}
        if self.chance(2):
            node["else"] = self.branch(depth, seen)
        return node

    def a_map(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        node = self.wrapped(name, depth, seen, ("item", "index"))
        lists = [one for one in seen if self.kinds[one] == "list"]
        sources: list[Any] = [*lists, [4, 2], [1], [], "${params.sizes}", *[f"${{{one}}}" for one in lists]]
        if self.chance(4):
            node["map"] = {"k": self.pick(*sources), "m": self.pick(*sources)}
            node["product"] = self.chance(2)
        else:
            node["map"] = self.pick(*sources)
        if self.chance(3) and "nodes" not in node:
            node["max_parallel"] = self.number(1, 2)
        self.kinds[name] = "list"
        return node

    def a_loop(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        node = self.wrapped(name, depth, seen, ("index", "value"))
        key = self.pick("until", "while")
        node[key] = self.pick("${index} == 1", "${value} > 9", "${value} != 3", "tasks:odd", self.condition(seen))
        node["max_iterations"] = 3
        if "task" in node and self.chance(2):
            node["carry"] = "carried"
        if self.chance(2):
            node["initial"] = self.pick(3, "${params.size}")
        else:
            node["initial"] = 0
        if self.chance(3):
            node["delay"] = 1.0
        self.kinds[name] = "any"
        return node

    def wrapped(self, name: str, depth: int, seen: list[str], local: tuple[str, ...]) -> dict[str, Any]:
        """A body to be done many times."""
        if self.chance(2):
            return self.a_task(name, depth, seen, local)
        node = self.body(name, depth - 1, seen)
        while "map" in node or "until" in node or "while" in node:
            node = self.body(name, 0, seen)
        return node

    def a_sub(self, name: str, depth: int, seen: list[str]) -> dict[str, Any]:
        self.kinds[name] = "any"
        if self.inside:
            return self.a_task(name, depth, seen)
        which = self.pick("small", "large")
        node: dict[str, Any] = {"workflow": which}
        if seen and self.chance(2):
            node["params"] = {"size": f"${{{self.pick(*seen)}}}"}
        return node


def _mentions(node: Mapping[str, Any]) -> bool:
    """Whether a node has more than `needs` to wait for, or a result that hangs on when it starts."""
    text = str({key: value for key, value in node.items() if key != "needs"})
    return "${n" in text or "inputs" in node or "map" in text or "until" in text or "while" in text


def written(seed: int) -> str:
    """The text of a project file, small or large; the same for the same seed."""
    chance = random.Random(seed)
    author = Author(chance)
    author.inside = True
    workflows = {}
    for name in ("small", "large"):
        nodes = author.graph(1 if name == "large" else 0, 2, [])
        workflows[name] = {"params": {"size": 2, "sizes": [1, 2]}, "nodes": nodes}
        tasks = [one for one, node in nodes.items() if "task" in node]
        if tasks and author.chance(2):
            step = author.pick("", "", ".x", "[0]") if nodes[tasks[0]]["task"] in ("tasks:table", "tasks:items") else ""
            workflows[name]["result"] = tasks[0] + step
    author.inside = False
    nodes = author.graph(author.number(0, 3), author.pick(2, 4, 7), [])
    data: dict[str, Any] = {
        "format": 1,
        "params": {"size": author.pick(1, 5, 12), "sizes": [3, 1]},
        "nodes": nodes,
        "workflows": {name: workflows[name] for name in workflows if f"'workflow': '{name}'" in str(nodes)},
    }
    if author.chance(5):
        data["run"] = {"on_error": "compensate"}
    if author.chance(5):
        data["defaults"] = {"retry": {"max_retries": 1}}
    return tomli_w.dumps(data)


def project_of(text: str) -> Project:
    """What the text says, against which `check` has nothing."""
    project, findings = check_text(text)
    assert project is not None
    wrong = [finding for finding in findings.items if finding.severity == "error"]
    assert not wrong, f"{wrong}\n{text}"
    return project


# -- what the machine makes of it ------------------------------------------------------------------------------------


def played(project: Project, order: random.Random, *, limit: int, keep_going: bool) -> Driver:
    """A run of the project in which attempts end in some order."""
    driver = Driver(plan_project(project, keep_going=keep_going), limit=limit)
    _play_on(driver, order)
    return driver


def _play_on(driver: Driver, order: random.Random) -> None:
    """Let attempts end, in some order, until the run does."""
    for _ in range(3000):
        if driver.is_over:
            return
        for key in sorted(driver.to_end):
            driver.report(Outcome(*key, CANCELED))
        if driver.live:
            _end(driver, driver.live[order.choice(sorted(driver.live))])
        else:
            driver.tick(1.0)
    raise AssertionError("the run does not end")


def _end(driver: Driver, attempt: Attempt) -> None:
    """What the function of an attempt makes of it."""
    try:
        value = FUNCTIONS[attempt.work.reference](attempt.number, **attempt.kwargs)
    except ValueError as problem:
        driver.report(Outcome(attempt.node, attempt.number, FAILED, error=Trouble("ValueError", str(problem))))
    else:
        driver.report(Outcome(attempt.node, attempt.number, COMPLETED, value, 0.25))


def endings(state: RunState) -> dict[str, Ending]:
    """How every node ended that people know."""
    return {
        state.plan.names[node]: Ending(NODE_STATES[state.states[node]].value, state.values[node])
        for node in nodes_in_order(state)
        if node not in state.plan.hidden
    }


@pytest.mark.seed("S77", "S91", "S93", "S94", "S118", "S121", "S126", "S127", "S251")
@settings(max_examples=300, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32 - 1))
def test_a_run_comes_to_what_the_model_says(seed: int) -> None:
    compare(written(seed), random.Random(seed))


@settings(max_examples=150, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32 - 1))
def test_a_run_that_stops_at_a_failure_fails_where_the_model_says(seed: int) -> None:
    text, order = written(seed), random.Random(seed)
    project = project_of(text)
    said = Interpreter(project, FUNCTIONS)
    expected = said.endings()
    driver = played(project, order, limit=order.randint(1, 4), keep_going=False)
    found = endings(driver.state)
    assert (driver.state.state.value == "completed") == said.completed(), text
    assert not {ending.state for ending in found.values()} & {"ready", "running", "suspended", "unknown"}, text
    if said.completed():
        wrong = [(path, found[path], ending) for path, ending in expected.items() if _differ(found[path], ending)]
        assert not wrong, f"(path, what the machine says, what the model says): {wrong}\n{text}"
    assert_same(driver.state, driver.replayed())


@settings(max_examples=120, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32 - 1))
def test_a_run_ends_and_replays_whatever_is_asked_of_it(seed: int) -> None:
    text, chance = written(seed), random.Random(seed)
    plan = plan_project(project_of(text), keep_going=chance.random() < 0.5)
    driver = Driver(plan, limit=chance.randint(1, 4))
    for _ in range(chance.randint(0, 30)):
        if not driver.is_over:
            _disturb(driver, chance)
    assert_same(driver.state, driver.replayed())
    _let_go_on(driver)
    _play_on(driver, chance)
    found = endings(driver.state)
    assert not {ending.state for ending in found.values()} & {"ready", "running", "suspended", "unknown"}, text
    assert_same(driver.state, driver.replayed())


def _disturb(driver: Driver, chance: random.Random) -> None:
    """One thing that may happen to a run."""
    what = chance.choice(["end"] * 5 + ["lost", "time", "pause", "node", "node", "cancel"])
    if what in ("end", "lost") and driver.live:
        attempt = driver.live[chance.choice(sorted(driver.live))]
        if what == "end":
            _end(driver, attempt)
        else:
            driver.report(Outcome(attempt.node, attempt.number, LOST, error=Trouble("Lost", "nobody knows")))
    elif what == "time":
        driver.tick(chance.choice([0.1, 1.0, 5.0]))
    elif what == "pause":
        driver.ask(chance.choice([Pause(), Resume()]))
    elif what == "node":
        unseen = driver.state.plan.templates | driver.state.plan.hidden
        nodes = [node for node in range(len(driver.state.states)) if node not in unseen]
        kinds = [CancelNode, SkipNode, SuspendNode, ResumeNode, MarkDone, Retry]
        driver.ask(chance.choice(kinds)(chance.choice(nodes)))
    elif what == "cancel" and chance.random() < 0.2:
        driver.ask(Cancel("enough"))


def _let_go_on(driver: Driver) -> None:
    driver.ask(Resume())
    for node in [node for node, code in enumerate(driver.state.states) if NODE_STATES[code].value == "suspended"]:
        driver.ask(ResumeNode(node))


TASKS = f"""
from collections.abc import Mapping
from typing import Any
{inspect.getsource(digest)}
def work(**words): return digest(words) % 40 + 1
def items(**words): return list(range(digest(words) % 4))
def table(**words): return {{"x": digest(words) % 9, "y": [1, 2]}}
def odd(**words): return digest(words) % 2 == 1
def fail(**words): raise ValueError("as asked")
def flaky(ctx, **words):
    if ctx.node.attempt == 1: raise ValueError("not the first time")
    return digest(words) % 30
"""
"""The same functions, as a module of a project."""


@settings(max_examples=25, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32 - 1))
def test_a_real_run_and_its_journal_come_to_what_the_model_says(seed: int) -> None:
    text = written(seed).replace("for = 1.0", "for = 0.001").replace("timeout = 1.0", "timeout = 0.001")
    text = text.replace("delay = 1.0", "delay = 0.001")
    said = Interpreter(project_of(text), FUNCTIONS)
    expected = said.after_all()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "project.toml").write_text(text, "utf-8")
        (folder / "tasks.py").write_text(TASKS, "utf-8")
        environment = {"PATH": "/usr/bin:/bin", "HOME": name}
        handle = start_run(folder, executor="inline", keep_going=True, environment=environment)
        assert handle.wait(30.0), text
        past = recorded(handle)
    for result in (handle.result, past):
        found = {path: Ending(node.state.value, node.result) for path, node in result.nodes.items()}
        found = {path: ending for path, ending in found.items() if not path.endswith("/undo")}
        wrong = [(path, found[path], ending) for path, ending in expected.items() if _differ(found[path], ending)]
        assert found.keys() == expected.keys(), text
        assert not wrong, f"(path, what the run says, what the model says): {wrong}\n{text}"
        assert result.ok == said.completed(), text


def recorded(handle: RunHandle) -> RunResult:
    """What the journal of a run says of it."""
    assert handle.folder is not None
    past = past_run(handle.folder)
    past.close()
    return past.result


def compare(text: str, order: random.Random) -> None:
    """Run the project, and ask the interpreter; they agree in every node."""
    project = project_of(text)
    said = Interpreter(project, FUNCTIONS)
    expected = said.after_all()
    driver = played(project, order, limit=order.randint(1, 4), keep_going=True)
    found = endings(driver.state)
    assert found.keys() == expected.keys(), f"{found.keys() ^ expected.keys()}\n{text}"
    wrong = [(path, found[path], ending) for path, ending in expected.items() if _differ(found[path], ending)]
    assert not wrong, f"(path, what the machine says, what the model says): {wrong}\n{text}"
    assert (driver.state.state.value == "completed") == said.completed(), text
    assert_same(driver.state, driver.replayed())


def _differ(found: Ending, said: Ending) -> bool:
    return found.state != said.state or (found.state == "completed" and found.value != said.value)
