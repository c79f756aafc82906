"""An Attempt goes to an executor, an Outcome comes back, and `perform` is the one way node code is called.

This file is imported by child processes that run the project's own Python: standard library of 3.9 only, plain classes
with slots. What never changes between attempts of a node sits in its `Work`, shared by all of them; an Attempt adds only
what this one try needs, so that handing out a node costs one small object.

Who fills what:
- the machine makes an Attempt from an applied `Started` event (`machine.commands.order`);
- the executor performs it, here or in another process, and reports News: any number of `Progress`, `LogLines` and
  `MetricSet`, then exactly one `Outcome`. A canceled or killed attempt reports its Outcome too, once it is really gone.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generic, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

    T = TypeVar("T")
    News = Union["Outcome", "Progress", "LogLines", "MetricSet", "Placed"]
else:
    T = News = None

    class Generic:
        """Stands in for `typing.Generic`."""

        __class_getitem__ = classmethod(lambda cls, _: cls)


# How an attempt ended: the `kind` of an Outcome.
COMPLETED = "completed"
FAILED = "failed"  # the code raised, or the program's exit code said so
TIMED_OUT = "timed out"  # the limit of the attempt passed; whatever ran is gone
CANCELED = "canceled"  # asked for; whatever ran is gone
CRASHED = "crashed"  # the process that ran it died: `error.signal` or `error.exit_code` says of what
LOST = "lost"  # nobody knows: the machine that ran it fell silent


class Work:
    """What a node does and what always holds for it; one object for all attempts of a node, or of many nodes.

    `kind` is "task" (a Python function), "command" (a list of words), "shell" (a script) or another that a later kind
    of node brings. `function` is the callable itself where the workflow was written in Python, else None and
    `reference` ("module:function") is imported where the code runs. `timeout` in seconds, None for no limit; it is a
    length, never a moment, so that it means the same on any clock. `env` adds to the environment; `cwd` is the working
    directory (absolute, or from the project's folder). `wants_context` is true if the function has a parameter `ctx`,
    None if that has to be found out where the function is imported. `requires` are the labels and amounts that whoever
    looks for a place needs to know (`{"labels": [...], "gpu": 1.0}`), None for nothing. `once` is true if an attempt
    must not be given to anybody else when its fate is unknown. `plain` is true if it is nothing but a call; `is_async`
    whether the call gives something to be awaited, None until somebody who has to know has found out.
    """

    __slots__ = (
        "cwd",
        "env",
        "executor",
        "function",
        "is_async",
        "kind",
        "name",
        "ok_codes",
        "once",
        "output",
        "plain",
        "reference",
        "requires",
        "script",
        "timeout",
        "wants_context",
        "words",
    )

    def __init__(
        self,
        kind: str = "task",
        *,
        function: Optional[Callable[..., Any]] = None,
        reference: Optional[str] = None,
        words: Sequence[str] = (),
        script: Optional[str] = None,
        output: str = "text",
        ok_codes: Sequence[int] = (0,),
        timeout: Optional[float] = None,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        executor: str = "inline",
        wants_context: Optional[bool] = None,
    ) -> None:
        self.kind = kind
        self.function = function
        self.reference = reference
        self.words = tuple(words)
        self.script = script
        self.output = output
        self.ok_codes = tuple(ok_codes)
        self.timeout = timeout
        self.env = dict(env) if env else {}
        self.cwd = cwd
        self.executor = executor
        self.requires: Optional[Mapping[str, Any]] = None
        self.once = False
        self.wants_context = wants_context
        self.is_async: Optional[bool] = None
        self.name = reference or getattr(function, "__qualname__", kind)
        self.plain = function is not None and wants_context is False and timeout is None and not env and not cwd


class _Extra(Generic[T]):
    """A field that most objects of a class leave at its default: it costs nothing until it is set.

    One object is made per attempt, thousands a second; storing a default is what making one costs.
    """

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: Any = None) -> T:
        extra: Optional[Dict[str, T]] = owner._extra
        return self.default if extra is None else extra.get(self.name, self.default)

    def __set__(self, owner: Any, value: T) -> None:
        if owner._extra is None:
            owner._extra = {}
        owner._extra[self.name] = value


class Attempt:
    """One try of one node, complete: whoever has it needs nothing else to run it.

    `node` is the node's number in the plan, `number` counts tries from 1, `epoch` counts the leases of this try (0 on
    this machine). `args` and `kwargs` are values; where `sealed` is true some of them, also inside lists, are
    `payload.Payload` objects that have to be opened where the code runs. `parts` names fields to take there from opened
    values: {argument: (step, ...)}; a step is a key, an attribute or an index. `variables` is a snapshot nobody changes.
    `words`, `env`, `cwd` stand in for those of the Work where they had `${...}` to fill in, else None.
    `about` is what `ctx.node` tells (level, upstream, downstream, metrics), only where the function wants a context.
    """

    __slots__ = ("_extra", "args", "kwargs", "node", "number", "path", "variables", "work")

    def __init__(
        self,
        node: int,
        number: int,
        work: Work,
        args: Sequence[Any],
        kwargs: Dict[str, Any],
        path: str,
        variables: Mapping[str, Any],
    ) -> None:
        self.node = node
        self.number = number
        self.work = work
        self.args = args
        self.kwargs = kwargs
        self.path = path
        self.variables = variables
        self._extra: Optional[Dict[str, Any]] = None

    epoch: _Extra[int] = _Extra(0)
    sealed: _Extra[bool] = _Extra(False)
    parts: _Extra[Optional[Dict[str, Tuple[Any, ...]]]] = _Extra(None)
    words: _Extra[Optional[Sequence[str]]] = _Extra(None)
    env: _Extra[Optional[Mapping[str, str]]] = _Extra(None)
    cwd: _Extra[Optional[str]] = _Extra(None)
    about: _Extra[Optional[Dict[str, Any]]] = _Extra(None)

    def __repr__(self) -> str:
        return f"<Attempt {self.path} #{self.number}: {self.work.name}>"


class Trouble:
    """Why an attempt did not complete, as text and plain data: an exception never travels as an object.

    `type` is the exception's qualified name ("KeyError", "tasks.BadRow"), `lineage` the names of its base classes
    (for `retry.on`), `message` its text, `traceback` the printed traceback without Flowloom's own frames, `retryable`
    False where trying again cannot help (a value that cannot be serialized, a task that cannot be imported).
    """

    __slots__ = ("exit_code", "lineage", "message", "retryable", "signal", "traceback", "type")

    def __init__(
        self,
        type: str,
        message: str,
        *,
        traceback: str = "",
        lineage: Sequence[str] = (),
        exit_code: Optional[int] = None,
        signal: Optional[str] = None,
        retryable: bool = True,
    ) -> None:
        self.type = type
        self.message = message
        self.traceback = traceback
        self.lineage = tuple(lineage)
        self.exit_code = exit_code
        self.signal = signal
        self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type

    def __repr__(self) -> str:
        return f"<Trouble {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trouble) and all(getattr(self, f) == getattr(other, f) for f in Trouble.__slots__)

    __hash__ = None  # type: ignore[assignment]


class Outcome:
    """How one attempt ended. `kind` is one of the constants above; `seconds` is how long the code itself ran.

    `value` is the result: as it is where the code ran in this process, else a plain scalar or a `payload.Payload`.
    `writes` are the variables that the attempt set, `metrics` the texts of `ctx.set_metric`; None where there are none.
    """

    __slots__ = ("_extra", "error", "kind", "node", "number", "seconds", "value")

    def __init__(
        self,
        node: int,
        number: int,
        kind: str,
        value: Any = None,
        seconds: float = 0.0,
        error: Optional[Trouble] = None,
    ) -> None:
        self.node = node
        self.number = number
        self.kind = kind
        self.value = value
        self.seconds = seconds
        self.error = error
        self._extra: Optional[Dict[str, Any]] = None

    epoch: _Extra[int] = _Extra(0)
    writes: _Extra[Optional[Dict[str, Any]]] = _Extra(None)
    metrics: _Extra[Optional[Dict[str, str]]] = _Extra(None)

    def __repr__(self) -> str:
        return f"<Outcome node {self.node} #{self.number}: {self.kind}{f', {self.error}' if self.error else ''}>"


class Progress:
    """`ctx.report(fraction, text)`: how far an attempt is, 0 to 1, or None when only the text is known."""

    __slots__ = ("fraction", "node", "number", "text")

    def __init__(self, node: int, number: int, fraction: Optional[float], text: str = "") -> None:
        self.node = node
        self.number = number
        self.fraction = fraction
        self.text = text


class Placed:
    """An executor with agents says which one has these (node, number) attempts. An attempt may be placed again."""

    __slots__ = ("agent", "attempts")

    def __init__(self, agent: str, attempts: List[Tuple[int, int]]) -> None:
        self.agent = agent
        self.attempts = attempts


class LogLines:
    """Lines that an attempt printed ("stdout", "stderr") or logged ("log"): text without the final newlines."""

    __slots__ = ("lines", "node", "number", "stream")

    def __init__(self, node: int, number: int, stream: str, lines: List[str]) -> None:
        self.node = node
        self.number = number
        self.stream = stream
        self.lines = lines


class MetricSet:
    """`ctx.set_metric(name, text)` while the attempt still runs."""

    __slots__ = ("name", "node", "number", "text")

    def __init__(self, node: int, number: int, name: str, text: str) -> None:
        self.node = node
        self.number = number
        self.name = name
        self.text = text
