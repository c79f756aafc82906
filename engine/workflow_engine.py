"""`WorkflowEngine`: a workflow built node by node, run, watched and steered from Python.

    engine = WorkflowEngine()
    engine.add_node(TaskNode("load", load))
    engine.add_node(TaskNode("report", report))
    engine.add_dependency("load", "report")
    engine.run()

It is a face over the same model, plan and machine that project files use. An engine runs one run at a time; `run` may be
called again when the last one is over, and begins anew with the variables as they are then.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from engine.errors import CycleDetected, NodeNotFound, NotReady, ValidationFailed
from engine.forecast import Forecast
from engine.loggers import Logger, TransitionLog
from engine.machine.state import NodeMetrics, NodeState, RunState, WorkflowState
from engine.monitor.observers import Observers, WorkflowObserver
from engine.nodes import BaseNode, SubWorkflowNode
from engine.project.model import Defaults, NodeId, Project, RetryPolicy, RunSettings, Workflow
from engine.result import RunResult
from engine.run_facts import EngineContext, Metrics
from engine.run_handle import RunHandle, Version
from engine.start import prepare_run
from engine.steering import ErrorHandler, WorkflowScheduler
from engine.topology import WorkflowTopology


class WorkflowEngine:
    """Holds nodes, edges, variables and rules, and runs them. May be read from any thread."""

    def __init__(
        self,
        name: str = "workflow",
        *,
        executor: str = "threads",
        jobs: int | None = None,
        retry_policy: RetryPolicy | None = None,
        timeout: float | timedelta | None = None,
        fail_fast: bool = False,
        scheduler: WorkflowScheduler | None = None,
        error_handler: ErrorHandler | None = None,
        logger: Logger | None = None,
        journal: bool = False,
        folder: Path | str | None = None,
    ) -> None:
        self.name = name
        self.nodes: dict[str, BaseNode] = {}
        self.topology = WorkflowTopology()
        self.context = EngineContext(self)
        self.observers: list[WorkflowObserver] = []
        self.retry_policy = retry_policy
        self.timeout = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        self.fail_fast = fail_fast
        self.scheduler = scheduler
        self.error_handler = error_handler
        self.logger = logger
        self.result: RunResult | None = None
        self._executor = executor
        self._jobs = jobs
        self._journal = journal
        self._folder = Path(folder) if folder is not None else None
        self._handle: RunHandle | None = None
        self._witness: Observers | None = None
        self._lock = threading.RLock()

    # -- building ----------------------------------------------------------------------------------------------------

    def add_node(self, node: BaseNode) -> None:
        """Take a node, with the dependencies it names; a run that goes on takes it too.

        Raises ValidationFailed for an id that is taken, NodeNotFound, CycleDetected; then nothing changed.
        """
        with self._editing():
            if node.id in self.nodes:
                raise ValidationFailed(
                    f"there is a node {node.id!r} already; give one of them another id", node_id=node.id
                )
            wanted = node.dependencies()
            missing = [name for name in wanted if name not in self.nodes]
            if missing:
                raise NodeNotFound(missing[0], self.nodes)
            self.topology.add_node(node.id)
            for name in wanted:
                self.topology.add_edge(name, node.id)
            self.nodes[node.id] = node
            node.attach(self, node.id)

    def add_dependency(self, upstream: str, downstream: str) -> None:
        """Let `downstream` wait for `upstream`. Raises NodeNotFound, CycleDetected; then nothing changed.

        In a run that goes on, `downstream` runs again if it has begun without waiting.
        """
        with self._editing():
            self.topology.add_edge(upstream, downstream)

    def remove_node(self, node: str) -> None:
        """Take a node out, with its edges, also out of a run that goes on, where its attempt is ended first.

        Raises NodeNotFound, ValidationFailed where another node takes its result; then nothing changed.
        """
        with self._editing():
            if node not in self.nodes:
                raise NodeNotFound(node, self.nodes)
            users = [other for other in self.topology.successors(node) if self.nodes[other].takes_from(node)]
            if users:
                raise ValidationFailed(f"{users[0]} takes the result of {node}; remove it first", node_id=node)
            self.topology.remove_node(node)
            del self.nodes[node]

    def remove_dependency(self, upstream: str, downstream: str) -> None:
        """Let `downstream` no longer wait for `upstream`; what has run stays. Raises NodeNotFound, ValidationFailed where
        it takes the result; then nothing changed."""
        with self._editing():
            self.topology.remove_edge(upstream, downstream)
            if self.nodes[downstream].takes_from(upstream):
                raise ValidationFailed(f"{downstream} takes the result of {upstream}", node_id=downstream)

    def set_retry_policy(self, policy: RetryPolicy) -> None:
        """How often nodes without a policy of their own are tried again, from the next run on."""
        self.retry_policy = policy

    def register_observer(self, observer: WorkflowObserver) -> None:
        """Tell this observer what happens, from now on, also in a run that goes on."""
        self.observers.append(observer)
        if self._witness is not None:
            self._witness.register(observer)

    def project(self) -> Project:
        """The model of what was built."""
        return Project(
            workflow=self._model(),
            run=RunSettings(timeout=self.timeout, fail_fast=self.fail_fast),
            defaults=Defaults(retry=self.retry_policy),
            vars=self.context.variables.snapshot(),
            workflows=dict(self._sub_models()),
        )

    # -- running -----------------------------------------------------------------------------------------------------

    def run(self) -> RunResult:
        """Run to the end, in this thread. Raises on failure: ExecutionFailed, WorkflowTimeout, Canceled.

        Raises NotReady while a run of this engine goes on.
        """
        handle = self._begin()
        handle.drive()
        return self._finish(handle)

    async def run_async(self) -> RunResult:
        """The same for asyncio: canceling the awaiting task cancels the run, and waits until it is gone."""
        import asyncio

        handle = self._begin().start()
        try:
            await asyncio.to_thread(handle.wait)
        except asyncio.CancelledError:
            handle.cancel()
            await asyncio.shield(asyncio.to_thread(handle.wait))
            raise
        return self._finish(handle)

    def start(self) -> RunHandle:
        """Run in a thread of its own; the handle waits for it and steers it."""
        return self._begin().start()

    def pause(self) -> None:
        """Start nothing new; what runs goes on. Raises NotReady if nothing runs."""
        self._running().pause()

    def resume(self) -> None:
        """Go on from exactly there. Raises NotReady if the run is not paused."""
        self._running().resume()

    def retry(self, node: str | None = None) -> RunHandle:
        """Try a node again, or all that failed, in the present or last run; the handle waits for its end."""
        return self._running().retry(node)

    def preview(self, version: Version | None = None) -> Forecast:
        """What another version (of anything that `RunHandle.change` takes) would do to the run; by default this engine
        as it is now, after direct changes of its node objects."""
        return self._running().preview(version or self)

    def cancel(self) -> None:
        """End the run. Doing so twice, or when nothing runs, is no error."""
        if self._handle is not None:
            self._handle.cancel()

    def state(self) -> WorkflowState:
        """Where the present or last run stands; READY before the first."""
        return WorkflowState.READY if self._handle is None else self._handle.state.state

    def get_node_state(self, node: str) -> NodeState:
        """Where a node stands in the present or last run. Raises NodeNotFound."""
        found = self._run_state()
        if found is None or node not in found.plan.numbers:
            if node in self.nodes or self._holds(node):
                return NodeState.READY
            raise NodeNotFound(node, self.nodes if found is None else found.plan.numbers)
        return found.node(found.plan.numbers[node]).state

    def node_metrics(self, node: str) -> NodeMetrics:
        """A node's figures in the present or last run. Raises NodeNotFound."""
        found = self._run_state()
        if found is None or node not in found.plan.numbers:
            self.get_node_state(node)
            return NodeMetrics()
        return found.metrics(found.plan.numbers[node])

    def can_execute(self, node: str) -> bool:
        """Whether a node might start now: what it waits for has ended as its join wants, and the run starts nodes."""
        found = self._run_state()
        if found is None:
            return not self.topology.predecessors(node)
        return found.can_execute(found.plan.numbers[node])

    def cancel_node(self, node: str) -> None:
        """End one node, and all it holds."""
        self._running().cancel_node(node)

    def suspend_node(self, node: str) -> None:
        """Hold one node, and all it holds."""
        self._running().suspend_node(node)

    def resume_node(self, node: str) -> None:
        """Let a held node go on."""
        self._running().resume_node(node)

    @property
    def metrics(self) -> Metrics:
        """The figures of the present or last run."""
        return self.context.metrics

    @property
    def run_state(self) -> RunState | None:
        """The columns of the present or last run: for reading only."""
        return self._run_state()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _begin(self) -> RunHandle:
        with self._lock:
            if self._handle is not None and not self._handle.is_over:
                raise NotReady(f"{self.name} is running already; wait for that run, or cancel it")
            if self.topology.has_cycle():
                raise CycleDetected(list(self.topology))
            heard = [TransitionLog(self.logger)] if self.logger is not None else []
            self._witness = Observers([*self.observers, *heard])
            self._handle = prepare_run(
                self.project(),
                self._folder or Path.cwd(),
                default_executor=self._executor,
                jobs=self._jobs,
                journal=self._journal,
                witness=self._witness,
                scheduler=self.scheduler,
                error_handler=self.error_handler,
                environment=os.environ,
            )
            return self._handle

    def _finish(self, handle: RunHandle) -> RunResult:
        handle.wait()
        self.result = handle.result
        self.context.variables.update(dict(handle.state.variables))
        return self.result.raise_if_failed()

    def _model(self) -> Workflow:
        nodes = {}
        for name, node in self.nodes.items():
            model = node.model()
            needs = tuple(NodeId(upstream) for upstream in self.topology.predecessors(name))
            nodes[name] = msgspec.structs.replace(model, needs=needs)
        return Workflow(self.name, nodes)

    def _sub_models(self) -> Mapping[str, Workflow]:
        found: dict[str, Workflow] = {}
        todo: list[BaseNode] = list(self.nodes.values())
        while todo:
            node = todo.pop()
            todo.extend(node.children_nodes())
            for inner in node.sub_engines():
                if inner is self:
                    raise ValidationFailed(f"{node.id} contains the engine that it belongs to", node_id=node.id)
                if isinstance(node, SubWorkflowNode) and node.workflow_key not in found:
                    found[node.workflow_key] = inner._model()
                    todo.extend(inner.nodes.values())
        return found

    def _run_state(self) -> RunState | None:
        return None if self._handle is None else self._handle.state

    def _running(self) -> RunHandle:
        if self._handle is None:
            raise NotReady(f"{self.name} was never run")
        return self._handle

    @contextmanager
    def _editing(self) -> Iterator[None]:
        """A change of the graph, which a run that goes on takes up; all of it happens, or nothing."""
        with self._lock:
            nodes, topology = dict(self.nodes), self.topology.copy()
            try:
                yield
                if self._handle is not None and not self._handle.is_over:
                    self._handle.change(self)
            except BaseException:
                self.nodes, self.topology = nodes, topology
                raise

    def _holds(self, path: str) -> bool:
        first, *rest = path.split("/")
        node: BaseNode | None = self.nodes.get(first)
        for name in rest:
            node = next((child for child, place in (node._places() if node else ()) if place == name), None)
        return node is not None

    def __repr__(self) -> str:
        return f"<WorkflowEngine {self.name}: {len(self.nodes)} nodes, {self.state().value}>"
