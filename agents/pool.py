"""A `concurrent.futures.Executor` whose workers are agents: for programs that want calls done, and no workflow.

    with AgentPool(4) as pool:
        squares = list(pool.map(square, range(1000), chunksize=50))

Functions may be lambdas, closures, and those of `__main__`; no `if __name__ == "__main__"` is needed. A call whose process
dies gets a `WorkerCrashed` with what it died of; the pool goes on. What calls print comes out here.

Unlike the engine, a pool opens results where it was asked to: in the program that made the calls, whose own functions
produced them, on agents that it started itself.
"""

from __future__ import annotations

import atexit
import builtins
import itertools
import os
import queue
import sys
import tempfile
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from agents import calls
from agents.executor import AgentsExecutor
from engine.attempt import COMPLETED, CRASHED, LOST, Attempt, LogLines, News, Outcome, Work
from engine.errors import ExecutionFailed
from engine.executors.contract import Workplace
from engine.forms import is_reachable
from engine.payload import NotOpenable, Payload, open_payload, pack_function

T = TypeVar("T")
_NOTHING: dict[str, Any] = {}


class WorkerCrashed(BrokenExecutor):
    """The process that ran a call ended: killed, out of memory, or by its own doing. The pool itself goes on."""


class _Remote(Exception):
    """The traceback of another process, as the cause of what is raised here."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


class AgentPool(Executor):
    """Calls on agents of this machine. `max_workers` calls at a time (default: one per processor).

    `initializer(*initargs)` runs once in every process before its first call; if it raises, the pool is broken.
    `agents` is how many agent processes share the workers, `python` the interpreter of the calls (default: this one),
    `folder` where they run (default: here).
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        agents: int | None = None,
        python: str | None = None,
        folder: Path | str | None = None,
        reassign: int = 3,
    ) -> None:
        if max_workers is None:
            max_workers = os.cpu_count() or 1
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._max_workers = max_workers
        self._begin = None if initializer is None else (os.urandom(8).hex(), initializer, initargs)
        self._lock = threading.RLock()
        self._pending: deque[tuple[Future[Any], Attempt]] = deque()
        self._running: dict[int, Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._works: weakref.WeakKeyDictionary[Any, Work] = weakref.WeakKeyDictionary()
        self._call = _work_of(calls.call)
        self._call_begun = _work_of(calls.call_begun)
        self._is_shut = False
        self._broken: str | None = None
        self._empty = threading.Condition(self._lock)
        self._outcomes: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._state = tempfile.TemporaryDirectory(prefix="flowloom-pool-")
        state = Path(self._state.name)
        self._executor = AgentsExecutor(agents=agents or min(2, max_workers), reassign=reassign)
        workplace = Workplace(
            folder=Path(folder or Path.cwd()), state=state, python=python or sys.executable, slots=max_workers
        )
        self._executor.open(workplace, self._report)
        self._thread = threading.Thread(target=_settle, args=(self._outcomes, weakref.ref(self)), daemon=True)
        self._thread.start()
        self._at_exit = weakref.WeakMethod(self.shutdown)
        atexit.register(_shut, self._at_exit)

    # ------------------------------------------------------------ the face

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have a call done; its Future. Raises RuntimeError after `shutdown`, BrokenExecutor if the initializer failed."""
        with self._lock:
            if self._broken is not None:
                raise BrokenExecutor(self._broken)
            if self._is_shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future: Future[T] = Future()
            self._pending.append((future, self._attempt(fn, args, kwargs)))
            ready = self._ready()
        self._start(ready)
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        **_: Any,
    ) -> Iterator[T]:
        """Like `map`, in order, several calls at a time; `chunksize` calls travel together. TimeoutError after `timeout`."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout)
        each = zip(*iterables, strict=False)
        chunks = iter(lambda: list(itertools.islice(each, chunksize)), [])
        return _flat(super().map(partial(calls.call_each, fn), chunks, timeout=timeout))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; wait for those that were taken (`wait`), and cancel those that have not begun."""
        with self._lock:
            self._is_shut = True
            if cancel_futures:
                dropped, self._pending = list(self._pending), deque()
                for future, _ in dropped:
                    future.cancel()
                self._empty.notify_all()
        if wait:
            self._finish()
        else:
            threading.Thread(target=self._finish, name="flowloom-pool-end", daemon=True).start()

    def _finish(self) -> None:
        with self._lock:
            while self._pending or self._running:
                self._empty.wait()
        self._executor.close()
        self._outcomes.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        self._state.cleanup()
        atexit.unregister(_shut)

    # ------------------------------------------------------------ calls to attempts

    def _attempt(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt:
        number = next(self._numbers)
        name = getattr(fn, "__qualname__", type(fn).__name__)
        if self._begin is not None:
            return Attempt(number, 1, self._call_begun, (*self._begin, fn, args, kwargs), {}, name, _NOTHING)
        if isinstance(fn, types.FunctionType):
            work = self._works.get(fn)
            if work is None:
                work = self._works[fn] = _work_of(fn)
            return Attempt(number, 1, work, args, kwargs, name, _NOTHING)
        return Attempt(number, 1, self._call, (fn, args, kwargs), {}, name, _NOTHING)

    def _ready(self) -> list[Attempt]:
        """Calls that may be handed over now; those canceled meanwhile are skipped."""
        attempts = []
        room = self._executor.capacity() - len(self._running)
        while room > 0 and self._pending:
            future, attempt = self._pending.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            self._running[attempt.node] = future
            attempts.append(attempt)
            room -= 1
        if not self._pending and not self._running:
            self._empty.notify_all()
        return attempts

    def _start(self, attempts: Sequence[Attempt]) -> None:
        if attempts:
            self._executor.start(attempts)

    # ------------------------------------------------------------ outcomes to futures

    def _report(self, news: Sequence[News]) -> None:
        for piece in news:
            if type(piece) is Outcome:
                self._outcomes.put(piece)
            elif type(piece) is LogLines:
                stream = sys.stdout if piece.stream == "stdout" else sys.stderr
                stream.write("".join(f"{line}\n" for line in piece.lines))
                stream.flush()

    def _ended(self, outcome: Outcome) -> None:
        with self._lock:
            future = self._running.pop(outcome.node, None)
        if future is not None:
            self._tell(future, outcome)
            del future
        with self._lock:
            ready = self._ready()
        self._start(ready)

    def _tell(self, future: Future[Any], outcome: Outcome) -> None:
        if outcome.kind == COMPLETED:
            value = outcome.value
            try:
                future.set_result(open_payload(value) if type(value) is Payload else value)
            except NotOpenable as problem:
                future.set_exception(ExecutionFailed(str(problem)))
            except Exception as problem:  # whatever the value's own code raises belongs to this call
                future.set_exception(problem)
            except BaseException as problem:  # it wanted to end this program
                future.set_exception(
                    ExecutionFailed(f"the result cannot be opened: {type(problem).__name__}: {problem}")
                )
            return
        future.set_exception(self._exception_of(outcome))

    def _exception_of(self, outcome: Outcome) -> BaseException:
        error = outcome.error
        text = str(error) if error is not None else outcome.kind
        if outcome.kind in (CRASHED, LOST):
            return WorkerCrashed(text)
        if error is None:
            return ExecutionFailed(text)
        if error.type.rpartition(".")[2] == "InitializerFailed":
            return self._break(f"the initializer failed: {error.message}")
        kind = getattr(builtins, error.type, None)
        problem: BaseException | None = None
        if isinstance(kind, type) and issubclass(kind, BaseException):
            try:
                problem = kind(error.message)
            except Exception:
                problem = None
        if problem is None:
            problem = ExecutionFailed(text)
        if error.traceback:
            problem.__cause__ = _Remote(error.traceback)
        return problem

    def _break(self, reason: str) -> BaseException:
        """No process can run calls: what waits fails, and nothing new is taken."""
        with self._lock:
            self._broken = reason
            waiting, self._pending = list(self._pending), deque()
        for future, _ in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(BrokenExecutor(reason))
        return BrokenExecutor(reason)


def _work_of(function: Callable[..., Any]) -> Work:
    """What a function becomes for agents; it holds on to its bytes, not to the function."""
    if is_reachable(function):
        return Work(reference=f"{function.__module__}:{function.__qualname__}", wants_context=False)
    work = Work(wants_context=False)
    work.function = pack_function(function)  # type: ignore[assignment]
    work.name = function.__qualname__
    return work


def _flat(chunks: Iterator[Any]) -> Iterator[Any]:
    """The members of each chunk; a consumed one is not held on to."""
    for chunk in chunks:
        chunk.reverse()
        while chunk:
            yield chunk.pop()


def _settle(outcomes: queue.SimpleQueue[Outcome | None], pool: weakref.ref[AgentPool]) -> None:
    """In a thread: opens results and fulfils futures, so that no value's code runs in the thread of the socket."""
    while (outcome := outcomes.get()) is not None:
        alive = pool()
        if alive is None:
            return
        alive._ended(outcome)
        del alive, outcome


def _shut(method: weakref.WeakMethod[Callable[..., None]]) -> None:
    shutdown = method()
    if shutdown is not None:
        shutdown()
