"""A `WorkflowEngine` takes and drops nodes and edges while it runs; and nothing of it outlives its run."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engine import Fate, TaskNode, WorkflowEngine
from engine.errors import CycleDetected, NodeNotFound, NotReady, ValidationFailed
from engine.machine.state import NodeState


class Held:
    """A task that goes on when the test lets it."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        self.times = 0

    def __call__(self, ctx: Any) -> str:
        self.times += 1
        self.began.set()
        while not self.go.wait(0.01):
            ctx.checkpoint()
        return "done"


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.go.set()


def give(value: Any) -> Any:
    return lambda ctx: value


@pytest.fixture
def engine(held: Held) -> WorkflowEngine:
    engine = WorkflowEngine("growing", executor="threads", jobs=4)
    engine.add_node(TaskNode("slow", held))
    engine.add_node(TaskNode("quick", give(1)))
    return engine


@pytest.mark.seed("S268")
def test_nodes_and_edges_come_and_go_while_it_runs(engine: WorkflowEngine, held: Held) -> None:
    handle = engine.start()
    assert held.began.wait(20)
    engine.add_node(TaskNode("late", give(2), dependencies=["slow"]))
    engine.add_node(TaskNode("other", give(3)))
    engine.add_dependency("late", "other")
    engine.add_node(TaskNode("never", give(4), dependencies=["slow"]))
    engine.remove_node("never")
    engine.remove_dependency("slow", "late")
    held.go.set()
    assert handle.wait(20)
    assert handle.result.ok
    assert list(handle.result.nodes) == ["slow", "quick", "late", "other"]
    assert (held.times, handle.result["other"]) == (1, 3)
    assert engine.topology.predecessors("late") == []


def test_an_edit_that_cannot_be_changes_neither_engine_nor_run(engine: WorkflowEngine, held: Held) -> None:
    handle = engine.start()
    assert held.began.wait(20)
    engine.add_node(TaskNode("user", lambda value: value, inputs={"value": "slow"}))
    before = (dict(engine.nodes), engine.topology.copy(), len(handle.state.states))
    for edit, problem in (
        (lambda: engine.add_dependency("user", "slow"), CycleDetected),
        (lambda: engine.add_node(TaskNode("quick", give(1))), ValidationFailed),
        (lambda: engine.add_node(TaskNode("new", give(1), dependencies=["nowhere"])), NodeNotFound),
        (lambda: engine.add_node(TaskNode("new", give(1), inputs={"value": "nowhere"})), ValidationFailed),
        (lambda: engine.remove_node("slow"), ValidationFailed),
        (lambda: engine.remove_dependency("slow", "user"), ValidationFailed),
        (lambda: engine.remove_node("nowhere"), NodeNotFound),
    ):
        with pytest.raises(problem):
            edit()
    assert (dict(engine.nodes), engine.topology, len(handle.state.states)) == before
    held.go.set()
    handle.wait(20)
    assert handle.result["user"] == "done"


def test_what_is_removed_while_it_runs_is_ended_first(engine: WorkflowEngine, held: Held) -> None:
    handle = engine.start()
    assert held.began.wait(20)
    engine.remove_node("slow")
    assert handle.wait(20)
    assert not held.go.is_set()
    assert list(handle.result.nodes) == ["quick"]
    with pytest.raises(NodeNotFound):
        engine.get_node_state("slow")


def test_a_task_may_add_the_tasks_that_it_finds(engine: WorkflowEngine, held: Held) -> None:
    def find(ctx: Any) -> int:
        for number in range(3):
            engine.add_node(TaskNode(f"found{number}", give(number)))
        return 3

    engine.add_node(TaskNode("find", find))
    held.go.set()
    result = engine.run()
    assert [result[f"found{number}"] for number in range(3)] == [0, 1, 2]
    assert result.nodes["find"].attempts == 1


def test_a_task_may_do_so_in_the_thread_of_the_loop() -> None:
    engine = WorkflowEngine(executor="inline")
    engine.add_node(TaskNode("find", lambda ctx: engine.add_node(TaskNode("found", give(5)))))
    assert engine.run()["found"] == 5


def test_preview_and_retry_of_an_engine(engine: WorkflowEngine, held: Held) -> None:
    with pytest.raises(NotReady, match="never run"):
        engine.retry()
    held.go.set()
    broken = [True]

    def shaky(ctx: Any) -> int:
        if broken.pop():
            raise ValueError("not yet")
        return 9

    broken[:0] = [False]
    engine.add_node(TaskNode("shaky", shaky))
    handle = engine.start()
    handle.wait(20)
    assert engine.get_node_state("shaky") is NodeState.FAILED
    engine.nodes["quick"].function = give(2)  # type: ignore[attr-defined]
    assert engine.preview()["quick"].fate is Fate.RERUNS
    assert engine.retry("shaky").wait(20)
    assert (handle.result["shaky"], handle.result["quick"]) == (9, 1)


@pytest.mark.seed("S263")
def test_nothing_of_an_awaited_run_outlives_it(engine: WorkflowEngine, held: Held) -> None:
    async def run_and_give_up() -> list[asyncio.Task[Any]]:
        running = asyncio.create_task(engine.run_async())
        await asyncio.to_thread(held.began.wait, 20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    before = set(threading.enumerate())
    assert asyncio.run(run_and_give_up(), debug=True) == []
    gc.collect()  # a task or coroutine that was left would warn now, and warnings are errors
    ours = [one for one in set(threading.enumerate()) - before if one.name.startswith("flowloom")]
    for thread in ours:
        thread.join(20)
    assert not any(thread.is_alive() for thread in ours)
    assert engine.get_node_state("slow") is NodeState.CANCELED
