"""Nodes as objects: `TaskNode("load", load)`, to be added to a `WorkflowEngine` one by one.

A node object is a handle. What it does is in the model (`node.model()`), what became of it in the state of its engine's
run: before it was added and run, `state` is READY and the metrics are empty. Functions of these nodes get the context as
their first argument, unless the node names `inputs`: then they get those by name, and the context where they have `ctx`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from engine.call import wants_context
from engine.errors import NotReady, ValidationFailed
from engine.machine.state import NodeMetrics, NodeState
from engine.project.ids import why_bad
from engine.project.model import (
    Body,
    Composite,
    Conditional,
    Node,
    NodeId,
    NodeType,
    RetryPolicy,
    Settings,
    Shell,
    SubWorkflow,
    Task,
)
from engine.project.references import read_reference, read_value, references_in

if TYPE_CHECKING:
    from engine.workflow_engine import WorkflowEngine

T = TypeVar("T")


class CompositeExecutionStrategy(Enum):
    """How a composite runs its children."""

    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"


class Contextual:
    """Makes a function of one argument, the context, into one that an attempt can call: it has a parameter `ctx`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", "task")
        self.__qualname__ = getattr(function, "__qualname__", self.__name__)
        self.__doc__ = function.__doc__

    def __call__(self, ctx: Any) -> Any:
        return self.function(ctx)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contextual) and self.function == other.function

    def __hash__(self) -> int:
        return hash(self.function)


@runtime_checkable
class WorkflowNode(Protocol):
    """What every node is, whoever wrote it."""

    @property
    def id(self) -> NodeId:
        """Its name, unique in its workflow."""

    @property
    def node_type(self) -> NodeType:
        """What kind of thing it is."""

    @property
    def state(self) -> NodeState:
        """Where it stands in the present run."""

    def model(self) -> Node:
        """What it is in the model."""


class BaseNode:
    """What all node objects share."""

    def __init__(
        self,
        id: str,
        *,
        dependencies: Sequence[str] = (),
        inputs: Mapping[str, Any] | None = None,
        args: Mapping[str, Any] | None = None,
        retry_policy: RetryPolicy | None = None,
        timeout: float | timedelta | None = None,
        **settings: Any,
    ) -> None:
        trouble = why_bad(id)
        if trouble is not None:
            raise ValidationFailed(f"{id!r} cannot be an id: {trouble[0]}; {trouble[1]}", node_id=id)
        self._id = NodeId(id)
        self._needs = list(dict.fromkeys(dependencies))
        self._inputs = dict(inputs or {})
        self._args = dict(args or {})
        limit = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        self._settings = Settings(retry=retry_policy, timeout=limit, **settings)
        self._engine: WorkflowEngine | None = None
        self._path = id

    @property
    def id(self) -> NodeId:
        """Its name, unique among its siblings."""
        return self._id

    @property
    def node_type(self) -> NodeType:
        """What kind of thing it is."""
        return self.model().node_type

    @property
    def state(self) -> NodeState:
        """Where it stands in its engine's present or last run."""
        return NodeState.READY if self._engine is None else self._engine.get_node_state(self._path)

    @property
    def metrics(self) -> NodeMetrics:
        """Its figures; a copy that never changes."""
        return NodeMetrics() if self._engine is None else self._engine.node_metrics(self._path)

    @property
    def level(self) -> int:
        """0 for a node that waits for none, else 1 + the highest level of those it waits for."""
        return 0 if self._engine is None else self._engine.topology.level_of(self._path)

    def dependencies(self) -> list[NodeId]:
        """Ids of the nodes that this one waits for, in order."""
        if self._engine is None:
            return [NodeId(name) for name in self._needs]
        return [NodeId(name) for name in self._engine.topology.predecessors(self._path)]

    def dependents(self) -> list[NodeId]:
        """Ids of the nodes that wait for this one, in order."""
        return [] if self._engine is None else [NodeId(n) for n in self._engine.topology.successors(self._path)]

    def add_dependency(self, upstream: str) -> None:
        """Wait for another node. Before the node was added this is only noted, and checked when it is added."""
        if self._engine is not None:
            self._engine.add_dependency(upstream, self._id)
        elif upstream not in self._needs:
            self._needs.append(upstream)

    def takes_from(self, node: str) -> bool:
        """Whether it takes the result of another node, so that it cannot be without it."""
        named = [one for source in self._inputs.values() for one in ([source] if isinstance(source, str) else source)]
        taken = [read_reference(one) for one in named]
        taken += references_in([read_value(value) for value in self._args.values()])
        return any(ref.kind == "node" and ref.name.split("/")[0] == node for ref in taken)

    def can_execute(self, context: Any = None) -> bool:
        """Whether it might start now: what it waits for has completed, its guard holds, the run starts nodes."""
        return self._engine is not None and self._engine.can_execute(self._path)

    def execute(self, context: Any = None) -> Any:
        """Run just this node, here and now, outside of any run; its result. Raises what the code raised, wrapped."""
        from engine.workflow_engine import WorkflowEngine

        alone = WorkflowEngine(name=self._id)
        alone.add_node(self._copy())
        if context is not None:
            alone.context.variables.update(dict(context.variables.snapshot()))
        return alone.run()[self._id]

    async def execute_async(self, context: Any = None) -> Any:
        """The same for asyncio; the loop is never blocked."""
        import asyncio

        return await asyncio.to_thread(self.execute, context)

    def set_state(self, state: NodeState) -> None:
        """Only the engine changes states: this raises NotReady and says what to call instead."""
        raise NotReady(
            f"the state of {self._id} follows from what happens to it; use cancel(), suspend() or resume()",
            node_id=self._id,
        )

    def cancel(self) -> None:
        """End this node, and all it holds. Doing so twice is no error. Raises NotReady outside of a run."""
        self._run().cancel_node(self._path)

    def suspend(self) -> None:
        """Hold this node, and all it holds: before it starts, or at its next checkpoint."""
        self._run().suspend_node(self._path)

    def resume(self) -> None:
        """Let a suspended node go on. Raises NotReady if it is not suspended."""
        self._run().resume_node(self._path)

    def model(self) -> Node:
        """What it is in the model."""
        return Node(
            self._id, self._body(), self._inputs, self._args, tuple(map(NodeId, self._needs)), settings=self._settings
        )

    def children_nodes(self) -> list[BaseNode]:
        """The node objects that it holds."""
        return []

    def sub_engines(self) -> list[WorkflowEngine]:
        """The engines that it holds."""
        return []

    def attach(self, engine: WorkflowEngine, path: str) -> None:
        """Called by the engine that takes the node: from now on its state is that engine's."""
        if self._engine is not None and self._engine is not engine:
            raise ValidationFailed(f"{self._id} belongs to another engine; make a node for each", node_id=self._id)
        self._engine = engine
        self._path = path
        for child, name in self._places():
            child.attach(engine, f"{path}/{name}")

    def _places(self) -> list[tuple[BaseNode, str]]:
        return [(child, child.id) for child in self.children_nodes()]

    def _body(self) -> Body:
        raise TypeError(f"{type(self).__name__} does not say what it does")

    def _copy(self) -> BaseNode:
        from copy import copy

        twin = copy(self)
        twin._engine = None
        twin._needs = []
        return twin

    def _run(self) -> WorkflowEngine:
        if self._engine is None:
            raise NotReady(f"{self._id} is in no engine yet; add it with engine.add_node", node_id=self._id)
        return self._engine

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id}, {self.node_type.value}, {self.state.value}>"


class TaskNode(BaseNode, Generic[T]):
    """Calls a function: `TaskNode("load", load)`. Its result is what the function returns, of type T."""

    def __init__(self, id: str, function: Callable[..., T], **rest: Any) -> None:
        super().__init__(id, **rest)
        self.function = function

    def _body(self) -> Body:
        if self._inputs or self._args or wants_context(self.function) or not _takes_one(self.function):
            return Task(self.function)
        return Task(Contextual(self.function))


class ShellNode(BaseNode):
    """Runs a shell script; its result is what the script printed."""

    def __init__(self, id: str, script: str, **rest: Any) -> None:
        super().__init__(id, **rest)
        self.script = script

    def _body(self) -> Body:
        return Shell(self.script)


class CompositeNode(BaseNode):
    """Holds nodes, and runs them one after the other or side by side."""

    def __init__(
        self,
        id: str,
        children: Sequence[BaseNode] = (),
        execution_strategy: CompositeExecutionStrategy = CompositeExecutionStrategy.PARALLEL,
        **rest: Any,
    ) -> None:
        super().__init__(id, **rest)
        self.children = list(children)
        self.execution_strategy = execution_strategy

    def children_nodes(self) -> list[BaseNode]:
        """The node objects that it holds, in order."""
        return list(self.children)

    def _body(self) -> Body:
        kind: Any = self.execution_strategy.value
        return Composite({child.id: child.model() for child in self.children}, kind)


class ParallelNode(CompositeNode):
    """A composite whose children run side by side."""

    def __init__(self, id: str, children: Sequence[BaseNode] = (), **rest: Any) -> None:
        super().__init__(id, children, CompositeExecutionStrategy.PARALLEL, **rest)


class SequentialNode(CompositeNode):
    """A composite whose children run one after the other."""

    def __init__(self, id: str, children: Sequence[BaseNode] = (), **rest: Any) -> None:
        super().__init__(id, children, CompositeExecutionStrategy.SEQUENTIAL, **rest)


class ConditionalNode(BaseNode):
    """Runs one of two branches: `ConditionalNode("enough", lambda ctx: ..., then, otherwise)`."""

    def __init__(
        self,
        id: str,
        condition: Callable[..., bool] | str,
        if_branch: BaseNode,
        else_branch: BaseNode | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(id, **rest)
        self.condition = condition
        self.if_branch = if_branch
        self.else_branch = else_branch

    def children_nodes(self) -> list[BaseNode]:
        """Its branches."""
        return [self.if_branch] if self.else_branch is None else [self.if_branch, self.else_branch]

    def _places(self) -> list[tuple[BaseNode, str]]:
        return list(zip(self.children_nodes(), ("then", "else"), strict=False))

    def _body(self) -> Body:
        condition = self.condition
        if callable(condition) and not self._inputs and not wants_context(condition) and _takes_one(condition):
            condition = Contextual(condition)
        other = None if self.else_branch is None else self.else_branch.model()
        return Conditional(condition, self.if_branch.model(), other)


class SubWorkflowNode(BaseNode):
    """Runs the workflow of another engine as one node."""

    def __init__(self, id: str, workflow: WorkflowEngine, **rest: Any) -> None:
        super().__init__(id, **rest)
        self.workflow = workflow

    def sub_engines(self) -> list[WorkflowEngine]:
        """The engine that it holds."""
        return [self.workflow]

    def _body(self) -> Body:
        return SubWorkflow(self.workflow_key)

    @property
    def workflow_key(self) -> str:
        """The name under which the project of the outer engine knows the inner workflow."""
        return f"{self.workflow.name}-{id(self.workflow):x}"


def _takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function has to be given exactly one argument by position: then that is the context."""
    import inspect

    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    needed = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
    return len(needed) == 1
