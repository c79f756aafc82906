"""Schedulers say in which order, handlers say what follows; the rules of a run hold whatever they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import engine
from engine.attempt import Trouble
from engine.errors import ExecutionFailed
from engine.machine.state import NodeState, WorkflowState
from engine.monitor.observers import Observer
from engine.nodes import CompositeNode, SequentialNode, ShellNode, SubWorkflowNode, TaskNode
from engine.project.model import Compensate, Fail, FixedDelay, RunAlternative, Skip
from engine.steering import LongestPathScheduler, PriorityScheduler, Retry, RunView, TopologicalScheduler
from engine.workflow_engine import WorkflowEngine


class Started(Observer):
    """Remembers the order in which nodes start."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def on_node_start(self, node_id: str) -> None:
        self.order.append(node_id)


def run(*nodes: Any, **options: Any) -> tuple[WorkflowEngine, list[str]]:
    workflow = WorkflowEngine(executor="inline", **options)
    for node in nodes:
        workflow.add_node(node)
    seen = Started()
    workflow.register_observer(seen)
    workflow.run()
    return workflow, seen.order


def task(name: str, *needs: str, **settings: Any) -> TaskNode[str]:
    return TaskNode(name, lambda ctx: name, dependencies=needs, **settings)


def broken(name: str, *needs: str, **settings: Any) -> TaskNode[None]:
    def fails(ctx: Any) -> None:
        raise OSError(name)

    return TaskNode(name, fails, dependencies=needs, **settings)


@pytest.mark.seed("S59", "S85", "S86")
def test_a_scheduler_of_ones_own_decides_the_order() -> None:
    class Backwards:
        def schedule(self, workflow: RunView) -> Sequence[str]:
            return sorted(workflow.ready(), reverse=True)

        def reschedule(self, workflow: RunView, failed_node: str) -> None:
            raise AssertionError("nothing failed")

    _, order = run(task("a"), task("b"), task("c"), scheduler=Backwards())
    assert order == ["c", "b", "a"]


@pytest.mark.seed("S86")
def test_a_scheduler_that_talks_nonsense_breaks_nothing() -> None:
    class Nonsense:
        def schedule(self, workflow: RunView) -> Sequence[Any]:
            return ["nobody", "b", "b", 7, "a"]

        def reschedule(self, workflow: RunView, failed_node: str) -> None: ...

    class Raises(Nonsense):
        def schedule(self, workflow: RunView) -> Sequence[Any]:
            raise RuntimeError("no idea")

    class Silent(Nonsense):
        def schedule(self, workflow: RunView) -> Sequence[Any]:
            return []

    for scheduler in (Nonsense(), Raises(), Silent()):
        workflow, order = run(task("a"), task("b", "a"), task("c", "b"), scheduler=scheduler)
        assert order == ["a", "b", "c"]
        assert workflow.state() is WorkflowState.COMPLETED


@pytest.mark.seed("S85")
def test_a_scheduler_cannot_change_the_run_it_looks_at() -> None:
    class Meddles:
        def schedule(self, workflow: RunView) -> Sequence[str]:
            with pytest.raises(AttributeError):
                workflow.state = WorkflowState.FAILED  # type: ignore[misc]
            with pytest.raises(AttributeError):
                workflow.node("a").state = NodeState.FAILED  # type: ignore[misc]
            return workflow.ready()

        def reschedule(self, workflow: RunView, failed_node: str) -> None: ...

    run(task("a"), scheduler=Meddles())


@pytest.mark.seed("S88")
def test_the_built_in_schedulers_go_by_level_by_priority_and_by_the_way_that_is_left() -> None:
    nodes = [("short", ()), ("long", ()), ("after", ("long",)), ("last", ("after",))]

    def build() -> list[TaskNode[str]]:
        return [task(name, *needs, priority=1 if name == "short" else 0) for name, needs in nodes]

    assert run(*build(), scheduler=TopologicalScheduler())[1] == ["short", "long", "after", "last"]
    assert run(*build(), scheduler=PriorityScheduler())[1] == ["short", "long", "after", "last"]
    for _ in range(3):  # the same order each time
        plain = [task(name, *needs) for name, needs in nodes]
        assert run(*plain, scheduler=LongestPathScheduler())[1] == ["long", "after", "short", "last"]
    known = {"short": 9.0, "long": 1.0, "after": 1.0, "last": 1.0}
    plain = [task(name, *needs) for name, needs in nodes]
    assert run(*plain, scheduler=LongestPathScheduler(known))[1] == ["short", "long", "after", "last"]


@pytest.mark.seed("S60", "S87", "S89", "S90")
def test_an_error_handler_is_asked_and_the_scheduler_is_told_of_each_failure() -> None:
    heard: list[tuple[str, str]] = []
    told: list[str] = []

    class Handler:
        async def handle_error(self, workflow: RunView, node: str, error: Trouble) -> Any:
            heard.append((node, error.type))
            return Retry(FixedDelay(0.001)) if len(heard) < 3 else Skip()

    class Tells(TopologicalScheduler):
        def reschedule(self, workflow: RunView, failed_node: str) -> None:
            told.append(failed_node)

    workflow, _ = run(broken("bad"), task("other"), error_handler=Handler(), scheduler=Tells())
    assert heard == [("bad", "OSError")] * 3
    assert told == ["bad"] * 3
    assert workflow.get_node_state("bad") is NodeState.SKIPPED


@pytest.mark.seed("S89", "S92")
@pytest.mark.parametrize("answer", [Fail(), None, "nonsense"])
def test_a_handler_that_says_fail_or_nothing_useful_fails_the_run(answer: Any) -> None:
    class Handler:
        def handle_error(self, workflow: RunView, node: str, error: Trouble) -> Any:
            if answer == "nonsense":
                raise RuntimeError("handler is broken")
            return answer

    with pytest.raises(ExecutionFailed, match="bad"):
        run(broken("bad"), error_handler=Handler())


@pytest.mark.seed("S93")
def test_an_alternative_stands_in_also_when_a_handler_asks_for_it() -> None:
    class Handler:
        def handle_error(self, workflow: RunView, node: str, error: Trouble) -> Any:
            return RunAlternative("spare")  # type: ignore[arg-type]

    after = TaskNode("after", lambda value: f"got {value}", inputs={"value": "bad"}, dependencies=["bad"])
    workflow, _ = run(broken("bad"), task("spare"), after, error_handler=Handler())
    assert workflow.result is not None
    assert workflow.result["after"] == "got spare"

    class Unknown(Handler):
        def handle_error(self, workflow: RunView, node: str, error: Trouble) -> Any:
            return RunAlternative("nobody")  # type: ignore[arg-type]

    with pytest.raises(ExecutionFailed, match="no alternative 'nobody'"):
        run(broken("bad"), error_handler=Unknown())


@pytest.mark.seed("S91")
def test_a_skipped_failure_skips_what_needs_it_and_nothing_else() -> None:
    workflow, _ = run(broken("bad", on_error=Skip()), task("needs", "bad"), task("other"))
    states = {name: workflow.get_node_state(name) for name in ("bad", "needs", "other")}
    assert states == {"bad": NodeState.SKIPPED, "needs": NodeState.SKIPPED, "other": NodeState.COMPLETED}


@pytest.mark.seed("S94")
def test_what_was_done_is_taken_back_last_done_first() -> None:
    from engine.project.model import Node, Task

    taken: list[str] = []

    def undo(name: str) -> Any:
        def take_back(result: str) -> None:
            if name == "second":
                raise OSError("cannot take back")
            taken.append(f"{name} {result}")

        return Node(engine.NodeId("undo"), Task(take_back))

    nodes = [
        task("first", undo=undo("first")),
        task("second", "first", undo=undo("second")),
        task("third", "second", undo=undo("third")),
        broken("bad", "third", on_error=Compensate()),
    ]
    workflow = WorkflowEngine(executor="inline")
    for node in nodes:
        workflow.add_node(node)
    with pytest.raises(ExecutionFailed):
        workflow.run()
    assert taken == ["third third", "first first"]
    assert workflow.get_node_state("first") is NodeState.COMPENSATED
    assert workflow.get_node_state("second") is NodeState.COMPLETED
    assert workflow.get_node_state("second/undo") is NodeState.FAILED
    assert workflow.run_state is not None
    assert workflow.run_state.reason == "bad failed (compensated, but second/undo did not complete)"


@pytest.mark.seed("S117")
def test_a_shell_node_gives_what_it_printed_and_fails_with_its_exit_code() -> None:
    workflow, _ = run(ShellNode("say", "echo $FLOWLOOM_NODE; echo oops >&2"))
    assert workflow.result is not None
    assert workflow.result["say"].strip() == "say"
    with pytest.raises(ExecutionFailed, match="exit code 3"):
        run(ShellNode("bad", "exit 3"))


@pytest.mark.seed("S122", "S133")
@pytest.mark.parametrize("kind", ["composite", "sub-workflow"])
def test_what_is_asked_of_a_frame_holds_for_all_that_it_holds(kind: str) -> None:
    import threading

    gate = threading.Event()
    if kind == "composite":
        frame: Any = CompositeNode("frame", [task("one"), task("two")], dependencies=["gate"])
    else:
        inner = WorkflowEngine("inner")
        inner.add_node(task("one"))
        inner.add_node(task("two"))
        frame = SubWorkflowNode("frame", inner, dependencies=["gate"])
    workflow = WorkflowEngine(executor="threads")
    workflow.add_node(TaskNode("gate", lambda ctx: gate.wait(20)))
    workflow.add_node(frame)
    handle = workflow.start()
    while workflow.get_node_state("gate") is not NodeState.RUNNING:
        gate.wait(0.01)
    frame.suspend()
    assert {workflow.get_node_state(path) for path in ("frame", "frame/one", "frame/two")} == {NodeState.SUSPENDED}
    frame.resume()
    assert workflow.get_node_state("frame/one") is NodeState.READY
    frame.cancel()
    gate.set()
    handle.wait(20)
    assert {workflow.get_node_state(path) for path in ("frame", "frame/one", "frame/two")} == {NodeState.CANCELED}


@pytest.mark.seed("S1", "S2", "S72", "S75")
def test_every_public_name_is_there_and_the_enums_are_those_documented() -> None:
    for name in engine.__all__:
        assert getattr(engine, name) is not None
    assert list(engine.__all__) == sorted(engine.__all__, key=lambda name: (name != "__version__", name))
    basic = {"READY", "RUNNING", "COMPLETED", "FAILED", "SUSPENDED", "CANCELED"}
    assert set(NodeState.__members__) == basic | {"SKIPPED", "COMPENSATED", "UNKNOWN"}
    run_states = {"READY", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELED"}
    assert set(WorkflowState.__members__) == run_states | {"COMPENSATING"}
    assert WorkflowEngine().state() is WorkflowState.READY


@pytest.mark.seed("S16")
async def test_awaiting_a_node_never_blocks_the_loop() -> None:
    import asyncio
    import time

    gaps: list[float] = []

    async def beat() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    beating = asyncio.create_task(beat())
    await ShellNode("busy", "sleep 0.3").execute_async()
    beating.cancel()
    assert len(gaps) > 10


@pytest.mark.seed("S251")
def test_sequences_in_sub_workflows_in_sequences_run_in_order() -> None:
    inner = WorkflowEngine("inner")
    inner.add_node(SequentialNode("steps", [task("x"), task("y")]))
    workflow, order = run(SequentialNode("outer", [task("a"), SubWorkflowNode("sub", inner), task("z")]))
    assert [path.rsplit("/", 1)[-1] for path in order if not path.endswith(("steps", "sub", "outer"))] == [
        "a",
        "x",
        "y",
        "z",
    ]
    assert workflow.get_node_state("outer/sub/steps/y") is NodeState.COMPLETED
