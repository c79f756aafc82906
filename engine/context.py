"""What a task sees of its run: `ctx`, the same on every executor.

A `WorkflowContext` is made for an attempt whose function has a parameter named `ctx`. It holds a snapshot of the run's
variables, and collects what the attempt writes; the writes travel with the outcome. Everything else goes through the
attempt's `Place`: how news get out, where scratch folders lie, whether somebody wants the attempt to wait or to end.

This file is imported by children that run the project's own Python: standard library of 3.9 only, loaded late.
"""

from __future__ import annotations

from _thread import allocate_lock
from time import perf_counter

from engine.attempt import Attempt, LogLines, MetricSet, News, Progress

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type, TypeVar

    T = TypeVar("T")
    import logging
    from pathlib import Path

_ABSENT: Any = object()


TELL_EVERY = 0.02
"""Seconds between two pieces of news of a kind; what comes faster waits, and the newest wins."""


class TaskCanceled(BaseException):
    """Raised inside a task that somebody canceled. Not an Exception, so that `except Exception` lets it pass."""


class Place:
    """Where an attempt runs, seen from inside: one object for all attempts of an executor or a child.

    `folder` is the project's folder, `run` the run's id, `scratch` the folder under which scratch folders are made.
    `tell` takes news while the attempt runs. `pause_point` is called by `ctx.checkpoint()`: it waits while the attempt is
    suspended and raises TaskCanceled if it is canceled. `started` and `ended` are told the process group of a program.
    `grace` is how many seconds a canceled program has to end by itself. `streams` are the file descriptors that the
    output of programs is copied to, where somebody reads them; else it is told as news. `settles` says whether the
    working directory and the environment may be changed for an attempt: only where no other runs in the same process.
    """

    __slots__ = (
        "ended",
        "folder",
        "grace",
        "metrics",
        "pause_point",
        "run",
        "scratch",
        "settles",
        "started",
        "streams",
        "tell",
    )

    def __init__(
        self,
        *,
        folder: str = "",
        run: str = "",
        scratch: str = "",
        tell: Optional[Callable[[Sequence[News]], None]] = None,
        pause_point: Optional[Callable[[Attempt], None]] = None,
        settles: bool = False,
        metrics: Any = None,
    ) -> None:
        self.folder = folder
        self.run = run
        self.scratch = scratch
        self.tell = tell
        self.pause_point = pause_point
        self.settles = settles
        self.metrics = metrics
        self.grace = 5.0
        self.streams: Optional[Dict[str, int]] = None
        self.started: Optional[Callable[[Attempt, int], None]] = None
        self.ended: Optional[Callable[[Attempt, int], None]] = None


class Variables:
    """The variables that the tasks of a run share: a snapshot from the attempt's start, and what was written since.

    Safe to use from several threads. `writes` is what has to reach the run if the attempt completes.
    """

    __slots__ = ("_lock", "_snapshot", "writes")

    def __init__(self, snapshot: Optional[Mapping[str, Any]] = None) -> None:
        self._snapshot = snapshot if snapshot is not None else {}
        self.writes: Dict[str, Any] = {}
        self._lock = allocate_lock()

    def get(self, key: str, type: Optional[Type[T]] = None, default: Any = None) -> Any:
        """The variable, or `default` if it is missing or is not of `type`."""
        value = self._find(key)
        if value is _ABSENT or (type is not None and not isinstance(value, type)):
            return default
        return value

    def require(self, key: str, type: Optional[Type[T]] = None) -> Any:
        """The variable. Raises KeyError if it is missing and TypeError if it is not of `type`."""
        value = self._find(key)
        if value is _ABSENT:
            raise KeyError(f"there is no variable {key!r}; there are {', '.join(sorted(self.snapshot())) or 'none'}")
        if type is not None and not isinstance(value, type):
            raise TypeError(f"the variable {key!r} is {_a(value.__class__)}, and {_a(type)} is needed")
        return value

    def set(self, key: str, value: Any) -> None:
        """Write a variable; other attempts see it once this one has completed."""
        if not isinstance(key, str):
            raise TypeError(f"names of variables are text, and this is {_a(key.__class__)}")
        with self._lock:
            self.writes[key] = value

    def update(self, values: Optional[Mapping[str, Any]] = None, **more: Any) -> None:
        """Write several variables together."""
        both = {**(values or {}), **more}
        for key in both:
            if not isinstance(key, str):
                raise TypeError(f"names of variables are text, and this is {_a(key.__class__)}")
        with self._lock:
            self.writes.update(both)

    def snapshot(self) -> Dict[str, Any]:
        """All variables as they are now for this attempt: a copy."""
        with self._lock:
            return {**self._snapshot, **self.writes}

    def _find(self, key: str) -> Any:
        with self._lock:
            if key in self.writes:
                return self.writes[key]
        return self._snapshot.get(key, _ABSENT)

    def __getitem__(self, key: str) -> Any:
        return self.require(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    def __contains__(self, key: object) -> bool:
        return key in self.writes or key in self._snapshot

    def __iter__(self) -> Iterator[str]:
        return iter(self.snapshot())

    def __len__(self) -> int:
        return len(self.snapshot())

    def __repr__(self) -> str:
        return f"<Variables {', '.join(sorted(self.snapshot()))}>"


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[:1] in 'aeiou' else 'a'} {kind.__name__}"


class NodeView:
    """What a task can know of its own node: `ctx.node`. Read-only; a picture taken when the attempt was made."""

    __slots__ = ("attempt", "downstream", "id", "level", "metrics", "number", "state", "upstream")

    def __init__(self, attempt: Attempt) -> None:
        about = attempt.about or {}
        set_ = object.__setattr__
        set_(self, "id", attempt.path)
        set_(self, "number", attempt.node)
        set_(self, "attempt", attempt.number)
        set_(self, "state", "running")
        set_(self, "level", about.get("level"))
        set_(self, "upstream", tuple(about.get("upstream", ())))
        set_(self, "downstream", tuple(about.get("downstream", ())))
        set_(self, "metrics", dict(about.get("metrics") or {}))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("ctx.node is read-only")

    def __repr__(self) -> str:
        return f"<node {self.id}, attempt {self.attempt}>"

    id: str
    number: int
    attempt: int
    state: str
    level: Optional[int]
    upstream: Tuple[str, ...]
    downstream: Tuple[str, ...]
    metrics: Dict[str, Any]


class WorkflowContext:
    """What a function with a parameter `ctx` gets: variables, a logger, its node, a scratch folder, progress, metrics."""

    __slots__ = ("_attempt", "_logger", "_place", "_scratch", "_texts", "_told_at", "_untold", "node", "variables")

    def __init__(self, attempt: Attempt, place: Place, variables: Mapping[str, Any]) -> None:
        self._attempt = attempt
        self._place = place
        self._logger: Any = None
        self._scratch: Optional[Path] = None
        self._texts: Dict[str, str] = {}
        self._told_at: Dict[str, float] = {}
        self._untold: Dict[str, News] = {}
        self.variables = Variables(variables)
        self.node = NodeView(attempt)

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._place.run

    @property
    def metrics(self) -> Any:
        """The metrics of the run where the run lives in this process, else those of the node when the attempt began."""
        return self._place.metrics if self._place.metrics is not None else self.node.metrics

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose lines become log lines of this attempt; each record has `run` and `node`."""
        if self._logger is None:
            self._logger = _logger_of(self)
        return self._logger  # type: ignore[no-any-return]

    @property
    def scratch(self) -> Path:
        """An empty folder for this attempt alone, removed when the attempt is over."""
        if self._scratch is None:
            self._scratch = make_scratch(self._attempt, self._place)
        return self._scratch

    def report(self, fraction: Optional[float] = None, text: str = "") -> None:
        """Tell how far the attempt is: 0 to 1, and a few words."""
        if fraction is not None:
            fraction = min(1.0, max(0.0, float(fraction)))  # a NaN becomes 0.0: max keeps its first argument
        self._tell_newest("", Progress(self._attempt.node, self._attempt.number, fraction, str(text)[:500]))

    def set_metric(self, name: str, text: Any) -> None:
        """Set a metric of this node; it is shown while the attempt runs, and kept."""
        name, text = str(name)[:200], str(text)[:1000]
        self._texts[name] = text
        self._tell_newest("metric " + name, MetricSet(self._attempt.node, self._attempt.number, name, text))

    def checkpoint(self) -> None:
        """A good moment to be held or to end: waits while the attempt is suspended, raises if it is canceled."""
        if self._place.pause_point is not None:
            self._place.pause_point(self._attempt)

    def log(self, level: str, lines: List[str]) -> None:
        """Put lines into the attempt's log; `logger` ends here."""
        lines = [f"{level} {line}" for line in lines]
        self._tell(LogLines(self._attempt.node, self._attempt.number, "log", lines))

    @property
    def texts(self) -> Dict[str, str]:
        """The metrics set so far."""
        return self._texts

    @property
    def made_scratch(self) -> Optional[Path]:
        """The scratch folder if the attempt asked for it."""
        return self._scratch

    def tell_rest(self) -> None:
        """Tell what is newest and was held back: called when the attempt is over."""
        rest, self._untold = list(self._untold.values()), {}
        if rest and self._place.tell is not None:
            self._place.tell(rest)

    def _tell_newest(self, kind: str, news: News) -> None:
        now = perf_counter()
        if now - self._told_at.get(kind, -1.0) < TELL_EVERY:
            self._untold[kind] = news
        else:
            self._told_at[kind] = now
            self._untold.pop(kind, None)
            self._tell(news)

    def _tell(self, news: News) -> None:
        if self._place.tell is not None:
            self._place.tell((news,))


def make_scratch(attempt: Attempt, place: Place) -> Path:
    """An empty folder for this attempt."""
    from pathlib import Path
    from tempfile import mkdtemp

    Path(place.scratch).mkdir(parents=True, exist_ok=True)
    return Path(mkdtemp(prefix=f"{attempt.node}-{attempt.number}-", dir=place.scratch))


def remove_scratch(folder: Path) -> None:
    """Remove a scratch folder and all that is in it, also where the task took away its own rights."""
    import os
    from shutil import rmtree

    def again(function: Callable[[str], Any], path: str, _: Any) -> None:
        try:
            os.chmod(os.path.dirname(path), 0o700)
            os.chmod(path, 0o700)
            function(path)
        except OSError:
            pass

    rmtree(folder, onerror=again)


# -- logging ----------------------------------------------------------------------------------------------------------

LOGGER = "flowloom.task"
_log_ready = False


def _logger_of(context: WorkflowContext) -> logging.LoggerAdapter[logging.Logger]:
    import logging

    global _log_ready
    logger = logging.getLogger(LOGGER)
    if not _log_ready:
        _log_ready = True
        logger.setLevel(logging.DEBUG)
        logger.addHandler(_handler())

    class Adapter(logging.LoggerAdapter):  # type: ignore[type-arg]
        def process(self, msg: Any, kwargs: Any) -> Tuple[Any, Any]:
            kwargs["extra"] = {**(kwargs.get("extra") or {}), **self.extra}  # type: ignore[dict-item]
            return msg, kwargs

    return Adapter(logger, {"run": context.run, "node": context.node.id, "context": context})


def _handler() -> logging.Handler:
    import logging

    class ToAttempt(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            context = getattr(record, "context", None)
            if context is not None:
                try:
                    context.log(record.levelname, self.format(record).splitlines() or [""])
                except Exception:
                    self.handleError(record)

    return ToAttempt()
