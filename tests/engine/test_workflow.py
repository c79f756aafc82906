"""Workflows written in Python: what `add` and its kin make of functions, and what is told about mistakes."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CycleDetected, ExecutionFailed, ValidationFailed
from engine.machine import events as e
from engine.machine.state import NodeState, WorkflowState
from engine.project.model import ExponentialBackoff, FixedDelay, Immediate, NodeType, RetryPolicy, Skip
from engine.workflow import Result, TaskFunction, Workflow, task


def one() -> int:
    return 1


def numbers(count: int = 3) -> list[int]:
    return list(range(count))


def add(a: int, b: int = 10) -> int:
    return a + b


def total(values: list[int]) -> int:
    return sum(values)


def double(item: int) -> int:
    return item * 2


def table() -> dict[str, Any]:
    return {"name": "x", "rows": [5, 6], "two words": 7}


def fails() -> int:
    raise ValueError("no")


def grow(value: int) -> int:
    return value + 1


def tell(word: str = "nothing") -> str:
    return word


# -- edges -----------------------------------------------------------------------------------------------------------------


@pytest.mark.seed("S261")
def test_what_add_returns_is_an_edge_wherever_it_is_passed() -> None:
    flow = Workflow("edges")
    first = flow.add(one)
    second = flow.add(add, first)
    third = flow.add(add, b=second, a=5)
    result = flow.run()
    assert result.raise_if_failed() is result
    assert (result["one"], result["add"], result["add_2"]) == (1, 11, 16)
    nodes = flow.model().nodes
    assert nodes["add"].inputs == {"a": "one"}
    assert nodes["add_2"].inputs == {"b": "add"}
    assert nodes["add_2"].args == {"a": 5}
    assert "result of add_2" in repr(third)


def test_a_list_of_results_arrives_as_a_list_of_values() -> None:
    flow = Workflow()
    parts = [flow.add(task(add).options(id=f"part{i}"), a=i) for i in range(3)]
    flow.add(total, values=parts)
    assert flow.run()["total"] == 10 + 11 + 12


def test_parts_of_a_result_are_edges_as_well() -> None:
    flow = Workflow()
    there: Any = flow.add(table)
    flow.add(task(tell).options(id="field"), word=there.name)
    flow.add(task(tell).options(id="item"), word=there["rows"][1])
    flow.add(task(tell).options(id="key"), word=there["two words"])
    flow.add(task(tell).options(id="inside"), word={"deep": [there.name, 3]})
    result = flow.run().raise_if_failed()
    assert (result["field"], result["item"], result["key"]) == ("x", 6, 7)
    assert result["inside"] == {"deep": ["x", 3]}


def test_an_odd_key_is_quoted_in_its_reference() -> None:
    result = Result("a")['say "hi" \\ now']
    assert repr(result) == '<result of a["say \\"hi\\" \\\\ now"]>'


def test_needs_orders_without_data() -> None:
    order: list[str] = []
    flow = Workflow()
    late = task(lambda: order.append("late"))
    first: Any = flow.add(task(lambda: order.append("first")).options(id="first"))
    flow.add(late.options(id="late", needs=[first]))
    flow.add(late.options(id="later", needs="late"))
    assert flow.run().ok
    assert order == ["first", "late", "late"]


# -- settings --------------------------------------------------------------------------------------------------------------


def test_settings_of_a_task_hold_until_options_say_otherwise() -> None:
    marked = task(max_retries=2, delay=0.5, backoff=3, timeout=timedelta(minutes=2))(one)
    assert marked() == 1
    assert marked.__name__ == "one"
    flow = Workflow()
    flow.add(marked)
    flow.add(marked.options(id="other", max_retries=1, delay=None, on_error="skip", tags=("slow",)))
    nodes = flow.model().nodes
    assert nodes["one"].settings.timeout == 120.0
    assert nodes["one"].settings.retry == RetryPolicy(2, ExponentialBackoff(0.5, 3.0))
    assert nodes["other"].settings.retry == RetryPolicy(1, Immediate())
    assert nodes["other"].settings.on_error == Skip()
    assert nodes["other"].settings.tags == ("slow",)


def test_a_delay_alone_is_a_fixed_one() -> None:
    flow = Workflow()
    flow.add(task(one, max_retries=1, delay=2))
    assert flow.model().nodes["one"].settings.retry == RetryPolicy(1, FixedDelay(2.0))


@pytest.mark.seed("S95")
def test_a_task_is_tried_again_as_its_decorator_says() -> None:
    tries: list[int] = []

    @task(max_retries=2)
    def flaky() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OSError
        return 7

    flow = Workflow()
    flow.add(flaky)
    assert flow.run()["flaky"] == 7


@pytest.mark.parametrize(
    "use",
    [
        lambda flow: task(one, timeuot=3),
        lambda flow: task(one).options(timeuot=3),
        lambda flow: flow.shell("true", id="a", timeuot=3),
        lambda flow: flow.sequence("a", timeuot=3).__enter__(),
    ],
)
def test_a_setting_that_is_none_is_refused_with_the_nearest_name(use: Callable[[Workflow], Any]) -> None:
    with pytest.raises(ValidationFailed, match="did you mean timeout"):
        use(Workflow())


# -- misuse ----------------------------------------------------------------------------------------------------------------


def test_a_result_that_is_not_there_yet_says_so() -> None:
    result: Any = Workflow().add(numbers)
    with pytest.raises(TypeError, match=r"flow\.when"):
        bool(result)
    with pytest.raises(TypeError, match=r"flow\.map"):
        iter(result)
    with pytest.raises(TypeError, match=r"flow\.map"):
        _, *_ = result
    with pytest.raises(AttributeError):
        result.__length_hint__  # noqa: B018


def test_two_nodes_cannot_have_one_id() -> None:
    flow = Workflow()
    flow.add(task(one).options(id="same"))
    with pytest.raises(ValidationFailed, match="'same' already"):
        flow.add(task(add).options(id="same"), 1)


def test_more_arguments_than_a_function_takes_are_refused_at_once() -> None:
    with pytest.raises(ValidationFailed, match="takes 2 arguments by position, 3 were given"):
        Workflow().add(add, 1, 2, 3)  # type: ignore[call-arg]


def test_a_cycle_is_refused_before_anything_runs() -> None:
    flow = Workflow()
    flow.add(task(one).options(id="a", needs="b"))
    flow.add(task(one).options(id="b", needs="a"))
    with pytest.raises(CycleDetected, match="a"):
        flow.run()


def test_params_that_nobody_declared_are_refused() -> None:
    flow = Workflow(params={"limit": 3})
    flow.add(add, a="${params.limit}")  # type: ignore[arg-type]
    assert flow.run()["add"] == 13
    assert flow.run(params={"limit": 5})["add"] == 15
    with pytest.raises(ValidationFailed, match="limit"):
        flow.run(params={"limt": 5})


def test_a_failed_run_is_a_result_until_one_asks_for_the_exception() -> None:
    flow = Workflow()
    flow.add(fails)
    result = flow.run()
    assert result.state is WorkflowState.FAILED
    with pytest.raises(ExecutionFailed, match="fails: ValueError: no"):
        result.raise_if_failed()


# -- many, again, either, together -------------------------------------------------------------------------------------------


def test_map_runs_once_per_item_and_gives_a_list() -> None:
    flow = Workflow()
    items = flow.add(numbers, count=4)
    flow.add(total, values=flow.map(double, over={"item": items}))
    flow.map(task(add).options(id="pairs"), over={"a": [1, 2], "b": (10, 20)})
    result = flow.run().raise_if_failed()
    assert result["double"] == [0, 2, 4, 6]
    assert result["total"] == 12
    assert result["pairs"] == [11, 22]
    assert flow.model().nodes["double"].node_type is NodeType.MAP


@pytest.mark.parametrize("until", ["${value} >= 5", lambda value: value >= 5])
def test_loop_goes_round_until_its_condition_holds(until: Any) -> None:
    flow = Workflow()
    flow.loop(grow, until=until, carry="value", initial=2, max_iterations=10)
    result = flow.run().raise_if_failed()
    assert result["grow"] == 5


@pytest.mark.seed("S124")
@pytest.mark.parametrize(("count", "word"), [(3, "many"), (0, "few")])
def test_when_takes_one_branch(count: int, word: str) -> None:
    flow = Workflow(params={"count": count})
    flow.when("${params.count} > 2", id="choose").then(tell, word="many").otherwise(tell, word="few")
    flow.add(task(tell).options(id="after"), word=Result("choose"))  # type: ignore[arg-type]
    result = flow.run().raise_if_failed()
    assert result["choose"] == result["after"] == word


def test_when_asks_a_function_and_may_have_no_other_branch() -> None:
    flow = Workflow()
    rows = flow.add(numbers)
    flow.when(lambda rows: len(rows) > 5, rows=rows).then(one)
    result = flow.run().raise_if_failed()
    assert result["when"] is None
    assert result.nodes["when/then"].state is NodeState.SKIPPED


def test_sequence_and_parallel_are_one_node_each() -> None:
    order: list[str] = []
    flow = Workflow()
    with flow.sequence("steps") as steps:
        for name in ("x", "y", "z"):
            flow.add(task(lambda word: order.append(word)).options(id=name), name)
    with flow.parallel("side") as side:
        flow.add(one)
        flow.add(task(one).options(id="two"))
    flow.add(task(tell).options(id="after", needs=[steps]), word=side.one)
    result = flow.run().raise_if_failed()
    assert order == ["x", "y", "z"]
    assert result["side"] == {"one": 1, "two": 1}
    assert result["after"] == 1
    assert result.nodes["steps/x"].state is NodeState.COMPLETED


@pytest.mark.seed("S132")
def test_a_workflow_inside_another_gets_its_params_and_can_be_seen_into() -> None:
    inner = Workflow("inner", params={"start": 1})
    inner.add(add, a="${params.start}")  # type: ignore[arg-type]
    flow = Workflow("outer")
    first = flow.add(one)
    flow.sub(inner, id="plain")
    flow.sub(inner, id="given", start=first)
    result = flow.run().raise_if_failed()
    assert result["plain"] == {"add": 11}
    assert result["given"] == {"add": 11}
    assert result["given/add"] == 11


def test_programs_and_waits_are_nodes_too() -> None:
    flow = Workflow()
    word = flow.add(tell, word="hello")
    flow.shell('echo "$word there"', id="greet", inputs={"word": word})
    flow.command(sys.executable, "-c", "print(6 * 7)", id="answer", output="json", needs="greet")
    flow.wait(0.01, id="rest")
    result = flow.run().raise_if_failed()
    assert result["greet"].strip() == "hello there"
    assert result["answer"] == 42


# -- files -----------------------------------------------------------------------------------------------------------------


def test_saving_and_loading_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "saved_tasks.py").write_text("def load(path): return [1, 2]\ndef size(rows): return len(rows)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import saved_tasks  # type: ignore[import-not-found]

    flow = Workflow("saved", params={"path": "data.csv"}, timeout=60.0, fail_fast=True)
    flow.vars["count"] = 3
    rows = flow.add(task(saved_tasks.load, max_retries=2, delay=1), path="${params.path}")
    flow.map(saved_tasks.size, over={"rows": [[1], [2, 3]]})
    flow.when("${load[0]} == 1", id="check", rows=rows).then(saved_tasks.size, rows=rows)
    with flow.sequence("steps", needs=[rows]):
        flow.shell("true", id="nothing")
    flow.save(tmp_path / "project.toml")
    text = (tmp_path / "project.toml").read_text()
    assert "saved_tasks:load" in text

    again = Workflow.load(tmp_path)
    again.save(tmp_path / "again.toml")
    assert (tmp_path / "again.toml").read_text() == text
    result = again.run(executor="threads").raise_if_failed()
    assert result["load"] == [1, 2]
    assert result["size"] == [1, 2]
    assert result["check"] == 2


def test_a_function_without_a_name_cannot_be_saved(tmp_path: Path) -> None:
    flow = Workflow()
    flow.add(lambda: 1)
    with pytest.raises(ValidationFailed):
        flow.save(tmp_path / "project.toml")
    assert not (tmp_path / "project.toml").exists()


def test_what_is_added_to_a_loaded_workflow_is_run(tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_text('format = 1\n[project]\nname = "more"\n[nodes.a]\nshell = "echo 1"\n')
    flow = Workflow.load(tmp_path)
    flow.add(one)
    assert flow.run(executor="threads").raise_if_failed()["one"] == 1


# -- ways to run -----------------------------------------------------------------------------------------------------------


def test_a_run_can_be_awaited() -> None:
    flow = Workflow()
    flow.add(one)
    assert asyncio.run(flow.run_async())["one"] == 1


def test_canceling_who_awaits_cancels_the_run() -> None:
    flow = Workflow()
    flow.shell("sleep 60", id="slow")
    ended: list[WorkflowState] = []

    from engine.monitor.observers import Observer

    class Watch(Observer):
        def on_workflow_complete(self, result: Any) -> None:
            ended.append(result)

    async def scenario() -> None:
        waiting = asyncio.create_task(flow.run_async(observers=[Watch()]))
        await asyncio.sleep(0.3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())
    assert ended == [WorkflowState.CANCELED]


@pytest.mark.seed("S263")
def test_awaiting_runs_leaves_no_task_thread_or_file_behind() -> None:
    """Resource warnings and unawaited coroutines are errors here, as everywhere in these tests."""

    async def nap(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    flow = Workflow()
    for number in range(3):
        flow.add(TaskFunction(nap, {"id": f"n{number}"}), seconds=0.01 * number)

    async def scenario() -> set[str]:
        first, second = await asyncio.gather(flow.run_async(), flow.run_async())
        assert (first.ok, second.ok) == (True, True)
        waiting = asyncio.create_task(flow.run_async())
        await asyncio.sleep(0.005)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()} if task is not None}

    before = {thread.name for thread in threading.enumerate()}
    assert asyncio.run(scenario(), debug=True) == set()
    gc.collect()  # what was forgotten would be told now
    after = {thread.name for thread in threading.enumerate()}
    assert {name for name in after - before if name.startswith("flowloom")} == set()


def test_a_run_takes_a_scheduler_by_name_or_as_an_object() -> None:
    flow = Workflow()
    for name in ("a", "b", "c"):
        flow.add(TaskFunction(one, {"id": name, "priority": {"a": 0, "b": 2, "c": 1}[name]}))

    class Backwards:
        def schedule(self, workflow: Any) -> list[str]:
            return sorted(workflow.ready(), reverse=True)

        def reschedule(self, workflow: Any, failed_node: str) -> None:
            """Not told here."""

    for scheduler, order in (("priority", ["b", "c", "a"]), (Backwards(), ["c", "b", "a"])):
        handle = flow.start(executor="inline", scheduler=scheduler).drive()
        state = handle.state
        assert sorted(state.plan.names, key=lambda name: state.started[state.plan.numbers[name]]) == order
    with pytest.raises(ValidationFailed, match="there is no scheduler 'prio'; did you mean priority"):
        flow.run(scheduler="prio")


def test_a_node_of_a_packages_kind_is_saved_as_it_is_written(tmp_path: Path) -> None:
    flow = Workflow()
    flow.plugin("shout", id="loud", text=flow.shell("echo hi", id="hi"), times=2)
    flow.save(tmp_path / "project.toml")
    assert '[nodes.loud]\nkind = "shout"\ntimes = 2\ninputs = { text = "hi" }\n' in (
        tmp_path / "project.toml"
    ).read_text("utf-8")


def test_a_stream_gives_every_event_once_and_ends() -> None:
    flow = Workflow()
    flow.add(add, a=flow.add(one))
    kinds = [type(event) for event in flow.stream()]
    assert kinds == [e.RunStarted, e.Started, e.Completed, e.Started, e.Completed, e.RunEnded]

    async def gathered() -> list[type]:
        return [type(event) async for event in flow.stream_async()]

    assert asyncio.run(gathered()) == kinds


def test_a_run_is_recorded_when_asked_for(tmp_path: Path) -> None:
    flow = Workflow()
    flow.shell("echo hi", id="hi")
    handle = flow.start(journal=True, folder=tmp_path).drive()
    assert handle.folder is not None
    assert (handle.folder / "journal.db").exists()
    assert flow.start(folder=tmp_path).drive().folder is None


# -- types -----------------------------------------------------------------------------------------------------------------

TYPED = """
from engine.workflow import Workflow

def load(path: str) -> list[int]:
    return [1]
def size(rows: list[int]) -> int:
    return len(rows)
def shout(word: str) -> str:
    return word

flow = Workflow()
rows = flow.add(load, path="a.csv")
reveal_type(rows)
count = flow.add(size, rows)
flow.add(size, rows=flow.map(size, over={"rows": [rows]}))
flow.add(shout, count)     # wrong: an int where a str is due
flow.add(load, paht="x")   # wrong: no such parameter
"""


@pytest.mark.seed("S261", "S274")
def test_a_type_checker_refuses_an_edge_of_the_wrong_type(tmp_path: Path) -> None:
    (tmp_path / "typed.py").write_text(TYPED)
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--follow-imports=silent",
            "--cache-dir",
            str(tmp_path / "cache"),
            str(tmp_path / "typed.py"),
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    lines = [line.split("typed.py:", 1)[1] for line in told.stdout.splitlines() if "typed.py:" in line]
    errors = {int(line.split(":")[0]): line for line in lines if "error:" in line}
    wrong = {number for number, line in enumerate(TYPED.splitlines(), 1) if "# wrong" in line}
    assert set(errors) == wrong, told.stdout + told.stderr
    assert any("list[int]" in line for line in lines if "note" in line)
