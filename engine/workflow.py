"""Workflows written in Python: `Workflow` and `task`.

    @task(max_retries=2)
    def load(path: str) -> list[dict]: ...

    flow = Workflow("penguins")
    rows = flow.add(load, path="data.csv")
    flow.add(clean.options(id="tidy"), rows=rows)
    result = flow.run()

What `add` returns stands for the result that the node will have. It is declared to be of the function's own result type,
so that a type checker sees every edge; at run time it is a `Result`, which only names the node. Everything ends in the
same model that a project file is read into: `save` and `load` lose nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast

from msgspec import structs

from engine.errors import ValidationFailed
from engine.project.model import (
    Approval,
    Command,
    Composite,
    Conditional,
    ExponentialBackoff,
    FixedDelay,
    Immediate,
    Loop,
    Map,
    Node,
    NodeId,
    OnError,
    Output,
    Param,
    Plugin,
    Project,
    RetryPolicy,
    RetryStrategy,
    RunSettings,
    Settings,
    Shell,
    SubWorkflow,
    Task,
    Wait,
)
from engine.project.model import Workflow as WorkflowModel
from engine.result import RunResult
from engine.steering import ErrorHandler, WorkflowScheduler

P = ParamSpec("P")
R = TypeVar("R")

_SETTINGS = frozenset(Settings.__struct_fields__)


class Result:
    """Stands for what a node will give. `result.field`, `result["key"]` and `result[0]` stand for a part of it."""

    __slots__ = ("_node", "_steps")

    def __init__(self, node: str, steps: str = "") -> None:
        self._node = node
        self._steps = steps

    def __getattr__(self, name: str) -> Result:
        if name.startswith("__"):
            raise AttributeError(name)
        return Result(self._node, f"{self._steps}.{name}")

    def __getitem__(self, key: str | int) -> Result:
        step = f"[{key}]" if isinstance(key, int) else '["' + key.replace("\\", "\\\\").replace('"', '\\"') + '"]'
        return Result(self._node, self._steps + step)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"the result of {self._node!r} is not there yet; use flow.map to run over its items")

    def __bool__(self) -> bool:
        raise TypeError(f"the result of {self._node!r} is not there yet; use flow.when to decide by it")

    def __repr__(self) -> str:
        return f"<result of {self._node}{self._steps}>"

    __str__ = __repr__


def _reference(result: Result) -> str:
    return result._node + result._steps


class TaskFunction(Generic[P, R]):
    """A function with settings for the nodes that run it. Calling it calls the function."""

    def __init__(self, function: Callable[P, R], settings: Mapping[str, Any]) -> None:
        self.function = function
        self.settings = dict(settings)
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def options(self, **settings: Any) -> TaskFunction[P, R]:
        """The same function with other settings, for one node: `id`, `needs`, `max_retries`, `timeout`, ..."""
        _check_settings(settings)
        return TaskFunction(self.function, {**self.settings, **settings})


def task(function: Callable[P, R] | None = None, /, **settings: Any) -> Any:
    """Mark a function as a task, and say how its nodes are run: `@task` or `@task(max_retries=2, timeout=30)`.

    Settings are those of a node in a project file; `max_retries`, `delay`, `backoff` are short forms for `retry`.
    """
    _check_settings(settings)
    if function is not None:
        return TaskFunction(function, settings)

    def mark(function: Callable[P, R]) -> TaskFunction[P, R]:
        return TaskFunction(function, settings)

    return mark


_SHORT = frozenset({"id", "needs", "max_retries", "delay", "backoff"})


def _check_settings(settings: Mapping[str, Any]) -> None:
    import difflib

    for name in settings:
        if name not in _SETTINGS and name not in _SHORT:
            near = difflib.get_close_matches(name, [*_SETTINGS, *_SHORT], n=1)
            raise ValidationFailed(f"{name!r} is no setting of a task{f'; did you mean {near[0]}?' if near else ''}")


def settings_of(given: Mapping[str, Any]) -> Settings:
    """Settings of the model from keyword arguments, with the short forms for retries taken together."""
    own = {name: value for name, value in given.items() if name in _SETTINGS}
    if "max_retries" in given and "retry" not in own:
        own["retry"] = RetryPolicy(max_retries=given["max_retries"], strategy=_strategy(given))
    if "timeout" in own and hasattr(own["timeout"], "total_seconds"):
        own["timeout"] = own["timeout"].total_seconds()
    if isinstance(own.get("on_error"), str):
        own["on_error"] = _ON_ERROR[own["on_error"]]()
    return Settings(**own)


def _strategy(given: Mapping[str, Any]) -> RetryStrategy:
    delay = given.get("delay")
    if delay is None:
        return Immediate()
    if given.get("backoff"):
        return ExponentialBackoff(initial=float(delay), multiplier=float(given["backoff"]))
    return FixedDelay(float(delay))


def _on_errors() -> dict[str, type[OnError]]:
    from engine.project.model import Compensate, Fail, Skip

    return {"fail": Fail, "skip": Skip, "compensate": Compensate}


_ON_ERROR = _on_errors()


@lru_cache(maxsize=4096)
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters that can be given by position: found out once per function, not per node."""
    import inspect

    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "ctx")


class Workflow:
    """A workflow under construction, and the way to run it."""

    def __init__(self, name: str = "workflow", *, params: Mapping[str, Any] | None = None, **run: Any) -> None:
        """`params`: names with their defaults; `run`: rules for a whole run (`timeout`, `fail_fast`, `max_parallel`)."""
        self.name = name
        self.params = {key: Param(default=value, short=True) for key, value in (params or {}).items()}
        self.vars: dict[str, Any] = {}
        self._run = RunSettings(**run)
        self._nodes: dict[str, Node] = {}
        self._levels: list[dict[str, Node]] = [self._nodes]
        self._subs: dict[str, WorkflowModel] = {}
        self._loaded: Project | None = None
        self._folder: Path | None = None

    # -- adding nodes ------------------------------------------------------------------------------------------------

    def add(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Add a node that calls the function. Arguments are values, or what earlier `add`s returned: those are edges."""
        return cast(R, self._add_task(function, args, kwargs))

    def map(self, function: Callable[..., R], /, *, over: Mapping[str, Any], **kwargs: Any) -> list[R]:
        """Add a node that calls the function once per item: `over` says which parameters take items of which lists."""
        each = Map({name: _item_source(value) for name, value in over.items()})
        return cast("list[R]", self._add_task(function, (), kwargs, each=each))

    def loop(
        self,
        function: Callable[..., R],
        /,
        *,
        until: str | Callable[..., bool],
        carry: str | None = None,
        initial: Any = None,
        delay: float = 0.0,
        max_iterations: int | None = None,
        **kwargs: Any,
    ) -> R:
        """Add a node that calls the function again until the condition over `${value}` holds; its last value results."""
        again = Loop(until, carry=carry, initial=initial, delay=delay, max_iterations=max_iterations)
        return cast(R, self._add_task(function, (), kwargs, again=again))

    def command(
        self, *words: str, id: str, output: Output = "text", ok_codes: Sequence[int] = (0,), **settings: Any
    ) -> Any:
        """Add a node that runs a program; `output` says what of its output becomes the result."""
        return self._add_node(id, Command(words, output, tuple(ok_codes)), {}, {}, settings)

    def shell(
        self,
        script: str,
        /,
        *,
        id: str,
        inputs: Mapping[str, Any] | None = None,
        output: Output = "text",
        ok_codes: Sequence[int] = (0,),
        **settings: Any,
    ) -> Any:
        """Add a node that runs a shell script; `inputs` arrive as environment variables."""
        own, args = _split(inputs or {})
        return self._add_node(id, Shell(script, output, tuple(ok_codes)), own, args, settings)

    def wait(self, seconds: float | None = None, *, id: str, until: str | None = None, **settings: Any) -> Any:
        """Add a node that waits for a length of time, or until a time of day."""
        return self._add_node(id, Wait(seconds=seconds, until=until), {}, {}, settings)

    def approval(self, question: str, *, id: str, choices: Sequence[str] = ("yes", "no"), **settings: Any) -> Any:
        """Add a node that waits until a person answers."""
        return self._add_node(id, Approval(question, tuple(choices)), {}, {}, settings)

    def plugin(self, kind: str, /, *, id: str, inputs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Add a node of a kind that an installed package brings; options that are what `add` returned are its inputs."""
        own, values = _split({**options, **(inputs or {})})
        return self._put(Node(NodeId(id), Plugin(kind, values), own))

    def when(self, condition: str | Callable[..., bool], /, *, id: str = "when", **inputs: Any) -> When:
        """Decide between two branches: `flow.when("${clean.count} > 3").then(fit, rows=rows).otherwise(explain)`."""
        return When(self, id, condition, inputs)

    def sub(self, other: Workflow, /, *, id: str | None = None, **params: Any) -> Any:
        """Add a node that runs another workflow with params of its own."""
        self._subs[other.name] = other.model()
        self._subs.update(other._subs)
        given = {name: _as_value(value) for name, value in params.items()}
        return self._add_node(id or other.name, SubWorkflow(other.name, given), {}, {}, {})

    @contextmanager
    def sequence(self, id: str, **settings: Any) -> Iterator[Any]:
        """Nodes added inside run one after the other, as one node named `id`."""
        with self._group(id, "sequential", settings) as result:
            yield result

    @contextmanager
    def parallel(self, id: str, **settings: Any) -> Iterator[Any]:
        """Nodes added inside run side by side, as one node named `id`."""
        with self._group(id, "parallel", settings) as result:
            yield result

    @contextmanager
    def _group(self, id: str, kind: Any, settings: Mapping[str, Any]) -> Iterator[Any]:
        _check_settings(settings)
        inner: dict[str, Node] = {}
        self._levels.append(inner)
        try:
            yield Result(id)
        finally:
            self._levels.pop()
        self._put(Node(NodeId(id), Composite(inner, kind), needs=_needs(settings), settings=settings_of(settings)))

    def _add_task(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        each: Map | None = None,
        again: Loop | None = None,
    ) -> Result:
        node = self._task_node(function, args, kwargs, each=each, again=again)
        return self._put(node)

    def _task_node(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        id: str | None = None,
        each: Map | None = None,
        again: Loop | None = None,
    ) -> Node:
        marked = function if isinstance(function, TaskFunction) else None
        plain = marked.function if marked is not None else function
        given = marked.settings if marked is not None else {}
        named = dict(kwargs)
        if args:
            names = _parameters(plain)
            if len(args) > len(names):
                raise ValidationFailed(
                    f"{_name_of(plain)} takes {len(names)} arguments by position, {len(args)} were given"
                )
            named = {**dict(zip(names, args, strict=False)), **named}
        inputs, values = _split(named)
        name = id or given.get("id") or self._free_id(_name_of(plain))
        settings = settings_of(given) if given else _NO_SETTINGS
        return Node(NodeId(name), Task(plain), inputs, values, _needs(given), each, again, settings)

    def _add_node(
        self, id: str, body: Any, inputs: Mapping[str, Any], args: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> Result:
        _check_settings(settings)
        return self._put(Node(NodeId(id), body, inputs, args, _needs(settings), settings=settings_of(settings)))

    def _put(self, node: Node) -> Result:
        level = self._levels[-1]
        if node.id in level:
            raise ValidationFailed(f"there is a node {node.id!r} already; give one of them another id", node_id=node.id)
        level[node.id] = node
        return Result(node.id)

    def _free_id(self, wish: str) -> str:
        level = self._levels[-1]
        if wish not in level:
            return wish
        number = 2
        while f"{wish}_{number}" in level:
            number += 1
        return f"{wish}_{number}"

    # -- the model ---------------------------------------------------------------------------------------------------

    def model(self) -> WorkflowModel:
        """The graph as the model that a project file is read into."""
        return WorkflowModel(self.name, dict(self._nodes), dict(self.params))

    def project(self) -> Project:
        """The whole project of the model."""
        whole = self._loaded or Project(workflow=WorkflowModel(self.name))
        own = structs.replace(whole.workflow, name=self.name, nodes=dict(self._nodes), params=dict(self.params))
        return structs.replace(whole, workflow=own, vars=dict(self.vars), run=self._run, workflows=dict(self._subs))

    def save(self, path: Path | str) -> None:
        """Write a project file. Functions are named `module:function`; one that has no such name raises ValidationFailed."""
        from engine.project.source import save
        from engine.project.toml import write

        try:
            text = write(self.project())
        except ValueError as problem:
            raise ValidationFailed(str(problem)) from problem
        save(Path(path), text)

    @classmethod
    def load(cls, path: Path | str) -> Workflow:
        """The workflow of a project file or folder. Imports and runs nothing of it. Raises ValidationFailed."""
        from engine.project.loading import load, project_file

        project = load(path)
        flow = cls(project.workflow.name)
        flow.params = dict(project.workflow.params)
        flow.vars = dict(project.vars)
        flow._nodes.update(project.workflow.nodes)
        flow._subs.update(project.workflows)
        flow._run = project.run
        flow._loaded = project
        flow._folder = project_file(Path(path)).absolute().parent
        return flow

    # -- running -----------------------------------------------------------------------------------------------------

    def start(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        executor: str | None = None,
        jobs: int | None = None,
        journal: bool = False,
        keep_going: bool = False,
        observers: Sequence[Any] = (),
        folder: Path | str | None = None,
        scheduler: WorkflowScheduler | str | None = None,
        error_handler: ErrorHandler | None = None,
    ) -> Any:
        """A `RunHandle` that is ready to `start()` or `drive()`.

        `scheduler` is one, or a name: `topological`, `priority`, `longest-path`, or that of an installed package.
        """
        import os

        from engine.start import prepare_run

        return prepare_run(
            self.project(),
            Path(folder) if folder is not None else self._folder or Path.cwd(),
            params=params,
            default_executor=executor or ("threads" if self._loaded is None else "processes"),
            jobs=jobs,
            journal=journal,
            keep_going=keep_going,
            observers=observers,
            scheduler=scheduler,
            error_handler=error_handler,
            environment=os.environ,
        )

    def run(self, **options: Any) -> RunResult:
        """Run to the end and say how it went; failing is no exception here: `result.raise_if_failed()` makes it one.

        Options: `params`, `executor` ("threads" unless a node says otherwise), `jobs`, `journal`, `keep_going`,
        `observers`, `scheduler`, `error_handler`.
        """
        handle = self.start(**options).drive()
        handle.wait()
        return cast(RunResult, handle.result)

    async def run_async(self, **options: Any) -> RunResult:
        """The same for asyncio: the run goes on in a thread; canceling the awaiting task cancels the run."""
        import asyncio

        handle = self.start(**options).start()
        try:
            await asyncio.to_thread(handle.wait)
        except asyncio.CancelledError:
            handle.cancel()
            await asyncio.shield(asyncio.to_thread(handle.wait))
            raise
        return cast(RunResult, handle.result)

    def stream(self, **options: Any) -> Iterator[Any]:
        """Run, and yield the run's events as they happen."""
        import threading

        handle = self.start(**options)
        news = threading.Event()
        watching = handle.run.feed.subscribe(news.set)
        handle.start()
        while True:
            over = handle.is_over
            news.clear()
            yield from watching.take().events
            if over:
                handle.wait()
                yield from watching.take().events
                return
            news.wait(0.1)

    async def stream_async(self, **options: Any) -> AsyncIterator[Any]:
        """The same for asyncio."""
        import asyncio

        events = self.stream(**options)
        end = object()
        while (event := await asyncio.to_thread(next, events, end)) is not end:
            yield event


class When:
    """A conditional under construction."""

    def __init__(self, flow: Workflow, id: str, condition: Any, inputs: Mapping[str, Any]) -> None:
        self._flow = flow
        self._id = id
        self._condition = condition
        self._inputs = inputs

    def then(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Then:
        """What runs when the condition holds."""
        branch = self._flow._task_node(function, args, kwargs, id="then")
        return Then(self._flow, self._id, self._condition, self._inputs, branch)


class Then(Result):
    """A conditional with one branch; `otherwise` gives it the other. Stands for the result of the branch taken."""

    __slots__ = ("_branch", "_condition", "_flow", "_inputs")

    def __init__(self, flow: Workflow, id: str, condition: Any, inputs: Mapping[str, Any], branch: Node) -> None:
        super().__init__(id)
        self._flow = flow
        self._condition = condition
        self._inputs = inputs
        self._branch = branch
        self._flow._put(self._node_with(None))

    def otherwise(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """What runs when the condition does not hold."""
        branch = self._flow._task_node(function, args, kwargs, id="else")
        self._flow._levels[-1][self._node] = self._node_with(branch)
        return Result(self._node)

    def _node_with(self, otherwise: Node | None) -> Node:
        inputs, args = _split(self._inputs)
        return Node(NodeId(self._node), Conditional(self._condition, self._branch, otherwise), inputs, args)


_NO_SETTINGS = Settings()


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "task" if name == "<lambda>" else name.lstrip("_") or "task"


def _needs(given: Mapping[str, Any]) -> tuple[NodeId, ...]:
    needs = given.get("needs") or ()
    needs = (needs,) if isinstance(needs, str | Result) else needs
    return tuple(NodeId(need._node if isinstance(need, Result) else str(need)) for need in needs)


def _split(named: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments apart: those that are edges, and values."""
    inputs: dict[str, Any] = {}
    args: dict[str, Any] = {}
    for name, value in named.items():
        if isinstance(value, Result):
            inputs[name] = _reference(value)
        elif isinstance(value, list | tuple) and value and all(isinstance(one, Result) for one in value):
            inputs[name] = tuple(_reference(one) for one in value)
        else:
            args[name] = _as_value(value)
    return inputs, args


def _as_value(value: Any) -> Any:
    if isinstance(value, Result):
        return "${" + _reference(value) + "}"
    if isinstance(value, dict):
        return {key: _as_value(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_value(one) for one in value]
    return value


def _item_source(value: Any) -> Any:
    if isinstance(value, Result):
        return _reference(value)
    return list(value) if isinstance(value, tuple | range) else value
