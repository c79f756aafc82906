"""A workflow built node by node does what it says, and can be watched and steered while it runs."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Canceled as CanceledError
from engine.errors import CycleDetected, ExecutionFailed, NodeNotFound, NotReady, ValidationFailed, WorkflowTimeout
from engine.machine.state import NodeState, WorkflowState
from engine.monitor.observers import LoggingObserver, Observer
from engine.nodes import (
    CompositeExecutionStrategy,
    CompositeNode,
    ConditionalNode,
    Contextual,
    ParallelNode,
    SequentialNode,
    ShellNode,
    SubWorkflowNode,
    TaskNode,
    WorkflowNode,
)
from engine.project.model import ExponentialBackoff, FixedDelay, Immediate, NodeType, RetryPolicy, Skip
from engine.workflow_engine import WorkflowEngine


def engine_of(*nodes: Any, **options: Any) -> WorkflowEngine:
    engine = WorkflowEngine(**options)
    for node in nodes:
        engine.add_node(node)
    return engine


@pytest.mark.seed("S54", "S66")
def test_an_engine_without_nodes_completes() -> None:
    engine = WorkflowEngine()
    engine.run()
    assert engine.state() is WorkflowState.COMPLETED


@pytest.mark.seed("S3", "S5", "S12", "S123")
@pytest.mark.parametrize(
    ("node", "kind"),
    [
        (TaskNode("a", lambda ctx: 1), NodeType.TASK),
        (ShellNode("a", "true"), NodeType.TASK),
        (CompositeNode("a", [TaskNode("b", lambda ctx: 1)]), NodeType.PARALLEL),
        (ParallelNode("a", [TaskNode("b", lambda ctx: 1)]), NodeType.PARALLEL),
        (SequentialNode("a", [TaskNode("b", lambda ctx: 1)]), NodeType.SEQUENTIAL),
        (ConditionalNode("a", lambda ctx: True, TaskNode("b", lambda ctx: 1)), NodeType.CONDITIONAL),
        (SubWorkflowNode("a", WorkflowEngine("inner")), NodeType.SUB_WORKFLOW),
    ],
)
def test_a_new_node_is_ready_and_knows_its_kind(node: Any, kind: NodeType) -> None:
    assert node.state is NodeState.READY
    assert node.node_type is kind
    assert isinstance(node, WorkflowNode)


@pytest.mark.seed("S10", "S11")
def test_a_node_shows_what_it_is_and_keeps_its_id() -> None:
    node = TaskNode("load", lambda ctx: 1)
    assert "load" in repr(node)
    assert "ready" in repr(node)
    with pytest.raises(AttributeError):
        node.id = "other"  # type: ignore[misc]


@pytest.mark.seed("S6", "S64")
def test_ids_are_checked_and_unique() -> None:
    engine = engine_of(TaskNode("a", lambda ctx: 1))
    with pytest.raises(ValidationFailed, match="already"):
        engine.add_node(TaskNode("a", lambda ctx: 1))
    with pytest.raises(ValidationFailed):
        TaskNode("a b", lambda ctx: 1)


@pytest.mark.seed("S14")
def test_only_the_engine_changes_states() -> None:
    node = TaskNode("a", lambda ctx: 1)
    with pytest.raises(NotReady, match="follows from what happens"):
        node.set_state(NodeState.RUNNING)


@pytest.mark.seed("S15", "S17")
def test_a_node_can_be_executed_alone_in_both_ways() -> None:
    node = TaskNode("double", lambda ctx: 21 * 2)
    assert node.execute() == 42
    assert asyncio.run(node.execute_async()) == 42


@pytest.mark.seed("S30")
def test_a_failing_node_raises_with_the_traceback_of_its_code() -> None:
    def broken(ctx: Any) -> None:
        raise KeyError("who")

    with pytest.raises(ExecutionFailed, match="broken: KeyError") as caught:
        engine_of(TaskNode("broken", broken)).run()
    assert "in broken" in (caught.value.traceback or "")
    assert caught.value.node_id == "broken"


@pytest.mark.seed("S55", "S56", "S57", "S58", "S71")
def test_an_engine_has_nodes_topology_context_and_states() -> None:
    node = TaskNode("a", lambda ctx: 1)
    engine = engine_of(node)
    assert engine.nodes == {"a": node}
    assert "a" in engine.topology
    assert engine.state() is WorkflowState.READY
    assert engine.get_node_state("a") is NodeState.READY
    with pytest.raises(NodeNotFound):
        engine.get_node_state("b")


@pytest.mark.seed("S18", "S19", "S21", "S65", "S113", "S114", "S116")
def test_dependencies_are_kept_by_the_topology() -> None:
    first, second = TaskNode("first", lambda ctx: 1), TaskNode("second", lambda ctx: 2)
    second.add_dependency("first")
    engine = engine_of(first, second)
    assert second.dependencies() == ["first"]
    assert first.dependents() == ["second"]
    assert (first.level, second.level) == (0, 1)
    with pytest.raises(CycleDetected):
        engine.add_dependency("second", "first")
    with pytest.raises(NodeNotFound):
        engine.add_node(TaskNode("third", lambda ctx: 3, dependencies=["nobody"]))
    assert "third" not in engine.nodes


@pytest.mark.seed("S62", "S74", "S90", "S95", "S96")
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_node_is_tried_once_more_than_it_may_be_retried(retries: int) -> None:
    tries: list[int] = []

    def fails(ctx: Any) -> None:
        tries.append(ctx.node.attempt)
        raise OSError("no")

    engine = engine_of(TaskNode("fails", fails))
    engine.set_retry_policy(RetryPolicy(retries, Immediate()))
    with pytest.raises(ExecutionFailed):
        engine.run()
    assert tries == list(range(1, retries + 2))


@pytest.mark.seed("S62")
def test_a_policy_of_its_own_wins_over_the_engines() -> None:
    count = [0]

    def fails(ctx: Any) -> None:
        count[0] += 1
        raise OSError

    engine = engine_of(TaskNode("fails", fails, retry_policy=RetryPolicy(1, Immediate())), retry_policy=RetryPolicy(5))
    with pytest.raises(ExecutionFailed):
        engine.run()
    assert count == [2]


@pytest.mark.seed("S61", "S73", "S101", "S102", "S103", "S104", "S105", "S106", "S248")
def test_observers_hear_everything_in_order_and_a_broken_one_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[tuple[Any, ...]] = []

    class Recorder(Observer):
        def on_node_state_change(self, node_id: str, old: NodeState, new: NodeState) -> None:
            heard.append(("node", node_id, old.value, new.value))

        async def on_node_start(self, node_id: str) -> None:
            heard.append(("start", node_id))

        def on_node_complete(self, node_id: str, result: Any) -> None:
            heard.append(("complete", node_id, result))

        def on_workflow_state_change(self, old: WorkflowState, new: WorkflowState) -> None:
            heard.append(("run", old.value, new.value))

        def on_workflow_complete(self, result: Any) -> None:
            heard.append(("end", result))

    class Broken(Observer):
        def on_node_start(self, node_id: str) -> None:
            raise RuntimeError("broken observer")

    engine = engine_of(TaskNode("a", lambda ctx: 7))
    for observer in (Broken(), Recorder(), LoggingObserver()):
        engine.register_observer(observer)
    with caplog.at_level("INFO"):
        engine.run()
    assert heard == [
        ("run", "ready", "running"),
        ("node", "a", "ready", "running"),
        ("start", "a"),
        ("node", "a", "running", "completed"),
        ("complete", "a", 7),
        ("run", "running", "completed"),
        ("end", WorkflowState.COMPLETED),
    ]
    assert "the run goes on" in caplog.text
    said = [record.getMessage() for record in caplog.records if record.name == "flowloom.run"]
    assert len({line.split(":")[0] for line in said}) >= 4


@pytest.mark.seed("S43", "S44", "S45", "S46", "S47", "S48", "S49", "S50", "S51", "S52", "S53", "S9", "S22", "S115")
def test_figures_of_nodes_and_of_the_run() -> None:
    tries = [0]

    def flaky(ctx: Any) -> int:
        ctx.set_metric("rows", 12)
        tries[0] += 1
        if tries[0] < 3:
            raise OSError
        return 1

    node = TaskNode("flaky", flaky, retry_policy=RetryPolicy(2, FixedDelay(0.01)))
    engine = engine_of(node)
    assert node.metrics.execution_count == 0
    assert engine.metrics.workflow_started_at is None
    engine.run()
    figures = node.metrics
    assert (figures.execution_count, figures.failure_count) == (3, 2)
    assert figures.last_execution_time is not None
    assert figures.average_execution_time is not None
    assert figures.started_at is not None
    assert figures.completed_at is not None
    assert figures.completed_at >= figures.started_at
    assert figures.custom_metrics == {"rows": "12"}
    figures.custom_metrics["rows"] = "changed"  # type: ignore[index]
    assert node.metrics.custom_metrics == {"rows": "12"}
    assert engine.metrics.nodes["flaky"].execution_count == 3
    assert engine.metrics.custom_metrics == {"flaky.rows": "12"}
    assert engine.metrics.workflow_started_at is not None
    assert engine.metrics.workflow_completed_at is not None
    assert engine.metrics.workflow_completed_at >= engine.metrics.workflow_started_at


@pytest.mark.seed("S63")
def test_the_whole_run_has_a_limit() -> None:
    engine = engine_of(ShellNode("slow", "sleep 30"), timeout=timedelta(seconds=0.3))
    began = time.monotonic()
    with pytest.raises(WorkflowTimeout):
        engine.run()
    assert time.monotonic() - began < 15
    assert engine.get_node_state("slow") is NodeState.CANCELED


@pytest.mark.seed("S66")
def test_an_engine_runs_one_run_at_a_time_and_again_afterwards() -> None:
    go = threading.Event()
    engine = engine_of(TaskNode("waits", lambda ctx: go.wait(20)))
    handle = engine.start()
    with pytest.raises(NotReady, match="running already"):
        engine.run()
    go.set()
    handle.wait(20)
    assert engine.run()["waits"] is True


@pytest.mark.seed("S67", "S70")
def test_canceling_the_task_that_awaits_a_run_cancels_the_run() -> None:
    engine = engine_of(ShellNode("slow", "sleep 60"))

    async def scenario() -> None:
        task = asyncio.create_task(engine.run_async())
        while engine.get_node_state("slow") is not NodeState.RUNNING:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert engine.state() is WorkflowState.CANCELED
    engine.cancel()


@pytest.mark.seed("S68", "S69")
def test_a_paused_run_starts_nothing_and_goes_on_where_it_was() -> None:
    go, failures = threading.Event(), []

    class Watch(Observer):
        def on_workflow_complete(self, result: Any) -> None:
            failures.append(result)

    engine = engine_of(
        TaskNode("first", lambda ctx: go.wait(20)), TaskNode("second", lambda ctx: 2, dependencies=["first"])
    )
    engine.register_observer(Watch())
    handle = engine.start()
    while engine.get_node_state("first") is not NodeState.RUNNING:
        time.sleep(0.01)
    engine.pause()
    go.set()
    while engine.get_node_state("first") is not NodeState.COMPLETED:
        time.sleep(0.01)
    assert engine.state() is WorkflowState.PAUSED
    assert engine.get_node_state("second") is NodeState.READY
    assert failures == []
    with pytest.raises(NotReady):
        engine.resume_node("second")
    engine.resume()
    handle.wait(20)
    assert engine.state() is WorkflowState.COMPLETED
    with pytest.raises(NotReady):
        engine.pause()


@pytest.mark.seed("S25", "S26", "S27")
def test_one_node_can_be_held_and_canceled() -> None:
    go = threading.Event()
    held, other = (
        TaskNode("held", lambda ctx: 1, dependencies=["gate"]),
        TaskNode("other", lambda ctx: 2, dependencies=["gate"]),
    )
    gate = TaskNode("gate", lambda ctx: go.wait(20))
    engine = engine_of(gate, held, other)
    handle = engine.start()
    held.suspend()
    assert held.state is NodeState.SUSPENDED
    other.cancel()
    other.cancel()
    go.set()
    while gate.state is not NodeState.COMPLETED:
        time.sleep(0.01)
    assert held.state is NodeState.SUSPENDED
    held.resume()
    with pytest.raises(NotReady):
        held.resume()
    handle.wait(20)
    assert held.state is NodeState.COMPLETED
    assert other.state is NodeState.CANCELED


@pytest.mark.seed("S77")
def test_a_canceled_run_raises_canceled() -> None:
    engine = engine_of(ShellNode("slow", "sleep 60"))

    class Impatient(Observer):
        def on_node_start(self, node_id: str) -> None:
            engine.cancel()

    engine.register_observer(Impatient())
    with pytest.raises(CanceledError):
        engine.run()


@pytest.mark.seed("S13", "S58", "S262")
def test_states_are_read_from_any_thread_while_a_run_goes_on() -> None:
    engine = engine_of(*[TaskNode(f"n{i}", lambda ctx: 1) for i in range(200)])
    seen: set[NodeState] = set()
    handle = engine.start()
    while not handle.is_over:
        seen.update(node.state for node in engine.nodes.values())
    assert seen <= {NodeState.READY, NodeState.RUNNING, NodeState.COMPLETED}


@pytest.mark.seed("S107", "S108", "S109", "S110", "S111", "S112")
def test_tasks_take_the_context_or_named_inputs_and_may_be_async() -> None:
    async def later(ctx: Any) -> int:
        await asyncio.sleep(0)
        return 3

    def total(a: int, b: int, scale: int = 1) -> int:
        return (a + b) * scale

    engine = engine_of(
        TaskNode("one", lambda ctx: 1),
        TaskNode("later", later),
        TaskNode("total", total, dependencies=["one", "later"], inputs={"a": "one", "b": "later"}, args={"scale": 10}),
    )
    assert engine.run()["total"] == 40
    assert Contextual(later).__name__ == "later"


@pytest.mark.seed("S118", "S119", "S120", "S121")
def test_composites_nest_and_keep_their_order() -> None:
    order: list[str] = []

    def note(name: str) -> Any:
        return lambda ctx: order.append(name)

    inner = CompositeNode(
        "inner", [TaskNode("x", note("x")), TaskNode("y", note("y"))], CompositeExecutionStrategy.SEQUENTIAL
    )
    node: Any = inner
    for depth in range(4):
        node = SequentialNode(
            f"d{depth}", [TaskNode("before", note(f"before{depth}")), node, TaskNode("after", note(f"after{depth}"))]
        )
    engine = engine_of(node)
    engine.run()
    expected = [f"before{depth}" for depth in (3, 2, 1, 0)] + ["x", "y"] + [f"after{depth}" for depth in range(4)]
    assert order == expected
    assert inner.state is NodeState.COMPLETED
    assert engine.get_node_state("d3/d2/d1/d0/inner/x") is NodeState.COMPLETED


@pytest.mark.seed("S121")
def test_a_composite_fails_with_its_child_and_drops_the_rest() -> None:
    def broken(ctx: Any) -> None:
        raise ValueError("no")

    last = TaskNode("last", lambda ctx: 1)
    engine = engine_of(SequentialNode("steps", [TaskNode("broken", broken), last]))
    with pytest.raises(ExecutionFailed, match="steps/broken"):
        engine.run()
    assert engine.get_node_state("steps") is NodeState.FAILED
    assert last.state in (NodeState.SKIPPED, NodeState.CANCELED)


@pytest.mark.seed("S124", "S125", "S126", "S127", "S128")
@pytest.mark.parametrize("flag", [True, False])
def test_a_conditional_runs_one_branch_and_skips_the_other(flag: bool) -> None:
    then, other = TaskNode("yes", lambda ctx: "yes"), TaskNode("no", lambda ctx: "no")
    engine = engine_of(ConditionalNode("choose", lambda ctx: ctx.variables.get("flag", bool, False), then, other))
    engine.context.variables.set("flag", flag)
    assert engine.run()["choose"] == ("yes" if flag else "no")
    assert {then.state, other.state} == {NodeState.COMPLETED, NodeState.SKIPPED}


@pytest.mark.seed("S126")
def test_a_conditional_without_else_completes_with_nothing() -> None:
    engine = engine_of(ConditionalNode("choose", lambda ctx: False, TaskNode("yes", lambda ctx: 1)))
    assert engine.run()["choose"] is None


@pytest.mark.seed("S129")
def test_a_condition_that_raises_fails_its_node() -> None:
    def condition(ctx: Any) -> bool:
        raise RuntimeError("cannot tell")

    engine = engine_of(ConditionalNode("choose", condition, TaskNode("yes", lambda ctx: 1)))
    with pytest.raises(ExecutionFailed, match="cannot tell"):
        engine.run()
    assert engine.get_node_state("choose") is NodeState.FAILED


@pytest.mark.seed("S130", "S131", "S132", "S134")
def test_a_sub_workflow_used_twice_runs_twice() -> None:
    heard: list[str] = []

    class Paths(Observer):
        def on_node_start(self, node_id: str) -> None:
            heard.append(node_id)

    inner = engine_of(TaskNode("inside", lambda ctx: "in"), name="inner")
    engine = engine_of(SubWorkflowNode("one", inner), SubWorkflowNode("two", inner))
    engine.register_observer(Paths())
    result = engine.run()
    assert result["one"] == result["two"] == {"inside": "in"}
    assert {"one/inside", "two/inside"} <= set(heard)


@pytest.mark.seed("S132")
def test_what_fails_inside_a_sub_workflow_fails_its_node() -> None:
    def broken(ctx: Any) -> None:
        raise ValueError("inside")

    inner = engine_of(TaskNode("deep", broken), name="inner")
    engine = engine_of(SubWorkflowNode("sub", inner))
    with pytest.raises(ExecutionFailed, match="sub/deep: ValueError: inside"):
        engine.run()


@pytest.mark.seed("S7", "S57")
def test_variables_that_nodes_set_are_seen_later_and_those_of_failures_are_not() -> None:
    def write(ctx: Any) -> None:
        ctx.variables.set("count", 5)

    def write_and_fail(ctx: Any) -> None:
        ctx.variables.set("count", 99)
        raise ValueError

    engine = engine_of(
        TaskNode("write", write),
        TaskNode("bad", write_and_fail, dependencies=["write"], on_error=Skip()),
        TaskNode("read", lambda ctx: ctx.variables.get("count", int, 0), dependencies=["write"]),
    )
    assert engine.run()["read"] == 5
    assert engine.context.variables.get("count") == 5
    assert engine.context.variables.get("count", str, "no text") == "no text"


@pytest.mark.seed("S249", "S250")
@pytest.mark.parametrize(("flag", "taken"), [(True, "任务2结果"), (False, "任务3结果")])
def test_the_example_of_the_design_runs_with_chinese_ids(flag: bool, taken: str) -> None:
    sub = engine_of(TaskNode("子任务", lambda ctx: "子任务结果"), name="子")
    engine = engine_of(
        TaskNode("任务1", lambda ctx: "任务1结果"),
        ConditionalNode(
            "条件判断",
            lambda ctx: ctx.variables.get("flag", bool, False),
            TaskNode("任务2", lambda ctx: "任务2结果"),
            TaskNode("任务3", lambda ctx: "任务3结果"),
        ),
        SubWorkflowNode("子工作流", sub),
    )
    engine.add_dependency("任务1", "条件判断")
    engine.add_dependency("条件判断", "子工作流")
    engine.set_retry_policy(RetryPolicy(3, ExponentialBackoff(1.0, 2.0, 30.0)))
    engine.register_observer(LoggingObserver())
    if flag:
        engine.context.variables.set("flag", True)
    result = engine.run()
    assert result["条件判断"] == taken
    assert result["子工作流"] == {"子任务": "子任务结果"}
