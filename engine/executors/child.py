"""What runs inside a child process: attempts come over one pipe, outcomes go back over another.

The child is the project's own Python, started by `children`. It performs one attempt after the other in its main thread
and answers each at once, so a slow task never delays the result of the one before it, and what was answered is known even
if the next one kills the process.

What tasks do to it must not reach the engine:
- its two pipes lie at high file descriptors, closed in anything that a task starts or forks;
- 1 and 2 are pipes that the engine reads; after each attempt they are put back, as are the working directory, the umask,
  the locale, `sys.path`, the recursion limit, `sys.stdout` and the handler of SIGINT;
- a task is canceled by a message and then SIGINT: the handler reads the message, and raises only if the attempt that is
  meant is the one that runs;
- when the engine is gone, the end of the pipe is seen by a thread that ends this process and all that it started; where a
  task holds the interpreter lock, Linux ends it (PR_SET_PDEATHSIG).

Standard library of 3.9 only, and little of it: a child should be ready in the time that Python itself needs.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the same as signal, without making an enum of every number
import _thread
import io
import marshal
import os
import select
import signal
import sys
from struct import Struct
from time import perf_counter

from engine import plain
from engine.attempt import (
    CANCELED,
    COMPLETED,
    FAILED,
    Attempt,
    LogLines,
    MetricSet,
    News,
    Outcome,
    Progress,
    Trouble,
    Work,
)
from engine.context import Place, TaskCanceled
from engine.executors.frames import FrameReader, frame, read_some, write_all
from engine.forms import magic_number
from engine.payload import LARGE, NotPackable, Payload, is_scalar, pack
from engine.performer import perform

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

# Messages to a child.
DO, CANCEL, HOLD, RESUME, STOP = range(5)
# Messages from a child.
HELLO, DONE, PROGRESS, LINES, METRIC, PROGRAM = range(6)

QUICK = 0xC1
"""Begins an outcome with nothing to it but its value: this byte begins no msgpack. Then serial, seconds, value."""
QUICK_HEAD = Struct("<BQd")

RING_EVERY = 0.001
"""Seconds of short attempts after which the engine is told to look."""
PROGRESS_EVERY = 0.02
"""Seconds between two messages of progress; what comes faster is dropped, the last one never."""
_RESTORED_SIGNALS = (int(signal.SIGINT),)


class Child:
    """This process: its pipes, what it knows, and the attempt that it performs."""

    def __init__(self, settings: Dict[str, Any]) -> None:
        self.inbox = _moved_high(settings["inbox"])
        self.outbox = _moved_high(settings["outbox"])
        self.bell = _moved_high(settings["bell"])
        os.set_blocking(self.bell, False)
        self.rung_at = 0.0
        self.half = 0
        self.settings = settings
        self.reader = FrameReader()
        self.waiting: List[Tuple[Any, ...]] = []
        self.works: Dict[int, Work] = {}
        self.functions: Dict[int, Any] = {}
        self.variables: Dict[int, Dict[str, Any]] = {}
        self.canceled: set[int] = set()
        self.held: set[int] = set()
        self.current = -1
        self.interruptible = False
        self.reading = False
        self.deferred = False
        self.stopping = False
        self.pid = os.getpid()
        self.sending = _thread.allocate_lock()
        self.readable = select.poll()
        self.readable.register(self.inbox, select.POLLIN)
        self.progress: Optional[Progress] = None
        self.progress_at = 0.0
        self.order = _Order(settings["folder"])
        self.place = Place(
            folder=settings["folder"],
            run=settings["run"],
            scratch=settings["scratch"],
            tell=self.tell,
            pause_point=self.pause_point,
            settles=True,
        )
        self.place.started = self.program_started
        self.place.streams = {"stdout": 1, "stderr": 2}

    # -- the loop -------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """Perform what comes, until told to stop or the engine is gone."""
        signal.signal(signal.SIGINT, self.asked_to_cancel)
        os.register_at_fork(after_in_child=self.forked)
        version = ".".join(map(str, sys.version_info[:3]))
        self.send([HELLO, self.pid, version, magic_number()])
        _thread.start_new_thread(_watch_engine, (self.inbox, self.settings["mark"]))
        self.order.remember()
        while self.waiting or not self.stopping:
            if not self.waiting:
                self.listen()
                continue
            entry = self.waiting.pop(0)
            self.look()
            if entry[0] in self.canceled:
                self.answer(entry[0], Outcome(0, 0, CANCELED, error=Trouble("Canceled", "canceled")))
            else:
                self.answer(entry[0], self.run(entry))
            self.canceled.discard(entry[0])
            self.held.discard(entry[0])

    def listen(self) -> None:
        """Wait for a message and take it."""
        self.reading = True
        data = read_some(self.inbox)
        if not data:
            leave(self.settings["mark"])
        self.reader.feed(data)
        self.take()
        self.reading = False

    def look(self) -> None:
        """Take messages that have come, without waiting."""
        self.reading = True
        while self.readable.poll(0):
            data = read_some(self.inbox)
            if not data:
                leave(self.settings["mark"])
            self.reader.feed(data)
        self.take()
        self.reading = False

    def take(self) -> None:
        for head, parts in self.reader.take():
            kind, body = marshal.loads(head)  # noqa: S302 - the engine wrote it
            if kind == DO:
                self.learn(body, parts)
            elif kind == CANCEL:
                self.canceled.update(body)
            elif kind == HOLD:
                self.held.update(body)
            elif kind == RESUME:
                self.held.difference_update(body)
            else:
                self.stopping = True

    def learn(self, body: Tuple[Any, ...], parts: List[bytes]) -> None:
        forget, works, variables, attempts = body
        if forget:
            self.works.clear()
            self.functions.clear()
        for number, fields in works:
            self.works[number] = self.work_of(fields, parts)
        if variables is not None:
            number, values = variables
            self.variables = {number: {name: _unsealed(_placed(value, parts)) for name, value in values.items()}}
        if parts:
            attempts = [_with_parts(entry, parts) for entry in attempts]
        self.waiting += attempts
        self.half = len(self.waiting) // 2

    def work_of(self, fields: Dict[str, Any], parts: List[bytes]) -> Work:
        sealed = fields.pop("sealed", None)
        name = fields.pop("name", None)
        number = fields.pop("function_number", None)
        work = Work(**fields)
        if name:
            work.name = name
        if sealed is not None:
            self.functions[number] = _unsealed(_placed(sealed, parts))
        if number is not None:
            work.function = _ByValue(self, number)  # type: ignore[assignment]
        return work

    # -- one attempt ----------------------------------------------------------------------------------------------

    def run(self, entry: Tuple[Any, ...]) -> Outcome:
        """Perform an attempt and put everything back as it was."""
        serial, work_number, node, number, path, args, kwargs, variables, extra = entry
        work = self.works[work_number]
        attempt = Attempt(node, number, work, args, kwargs, path, self.variables.get(variables, {}))
        if extra:
            for name, value in extra.items():
                setattr(attempt, name, value)
        if attempt.sealed:
            attempt.args = [_unsealed(value) for value in args]
            attempt.kwargs = {name: _unsealed(value) for name, value in kwargs.items()}
        self.current = serial
        try:
            self.interruptible = True
            try:
                if serial in self.canceled:
                    raise TaskCanceled
                if work.kind == "task" and (work.function is None or isinstance(work.function, _ByValue)):
                    self.find(work)
                    self.order.remember()
                outcome = perform(attempt, self.place)
            finally:
                self.interruptible = False
        except TaskCanceled:
            outcome = Outcome(node, number, CANCELED, error=Trouble("Canceled", "canceled"))
        except BaseException as problem:
            from engine.failures import trouble_of

            outcome = Outcome(node, number, FAILED, error=trouble_of(problem))
        if os.getpid() != self.pid:
            os._exit(0)  # a task forked, and the copy came back as well
        self.current = -1
        if self.progress is not None:
            self.send_progress(self.progress)
        self.order.restore(self.asked_to_cancel)
        return outcome

    def find(self, work: Work) -> None:
        """Find the function of a Work, once."""
        from engine.call import CannotStart, find_function, wants_context

        function: Any = work.function
        if type(function) is _ByValue:
            function = function.open()
        elif work.reference is None:
            raise CannotStart("the attempt names no function")
        else:
            function = find_function(work.reference)
        work.function = function
        if work.wants_context is None:
            work.wants_context = wants_context(function)

    def answer(self, serial: int, outcome: Outcome) -> None:
        """Send an outcome; a value that cannot leave turns it into a failure."""
        parts: List[Any] = []
        value: Any = None
        writes: Any = None
        out, err = self.order.printed()
        if outcome.kind == COMPLETED:
            value = outcome.value
            if type(value) in _QUICK_TYPES and outcome._extra is None and not (out or err) and is_scalar(value):
                head = QUICK_HEAD.pack(QUICK, serial, outcome.seconds) + plain.encode_here(value)
                self.put(frame(head))
                self.ring()
                return
            if value is not None and type(value) is not bool and type(value) is not float:
                value, trouble = self.packed(value, "result", parts)
                if trouble is None and outcome.writes:
                    writes, trouble = self.packed_writes(outcome.writes, parts)
                if trouble is not None:
                    outcome.kind, outcome.error, value, writes, parts = FAILED, trouble, None, None, []
            elif outcome.writes:
                writes, trouble = self.packed_writes(outcome.writes, parts)
                if trouble is not None:
                    outcome.kind, outcome.error, value, writes, parts = FAILED, trouble, None, None, []
        error = None
        if outcome.error is not None:
            e = outcome.error
            error = [e.type, e.message, e.traceback, list(e.lineage), e.exit_code, e.signal, e.retryable]
        message = [DONE, serial, outcome.kind, outcome.seconds, value, error, writes, outcome.metrics, out, err]
        self.put(frame(plain.encode(message), parts))
        self.ring()

    def ring(self) -> None:
        """Let the engine look at the answers: at the end of the queue, at its half, and each millisecond.

        An answer lies in the pipe at once; waking somebody up for each costs ten times what it costs to write it. In
        between the engine looks by itself, for the case that the next attempt takes long.
        """
        left = len(self.waiting)
        now = perf_counter()
        if left in (0, self.half) or now - self.rung_at > RING_EVERY:
            self.rung_at = now
            self.ring_now()

    def ring_now(self) -> None:
        try:
            os.write(self.bell, b"\0")
        except BlockingIOError:
            return  # it has not even heard the last ones
        except OSError:
            leave(self.settings["mark"])

    def packed(self, value: Any, name: str, parts: List[Any]) -> Tuple[Any, Optional[Trouble]]:
        try:
            done = pack(value, name)
        except NotPackable as problem:
            return None, Trouble("NotPackable", str(problem), retryable=False)
        except MemoryError:
            return None, Trouble("MemoryError", f"{name} does not fit into memory a second time, to be sent")
        except BaseException as problem:
            from engine.failures import trouble_of

            return None, trouble_of(problem)
        return (_sealed(done, parts) if type(done) is Payload else done), None

    def packed_writes(self, writes: Dict[str, Any], parts: List[Any]) -> Tuple[Any, Optional[Trouble]]:
        done = {}
        for name, value in writes.items():
            done[name], trouble = self.packed(value, f'variables["{name}"]', parts)
            if trouble is not None:
                return None, trouble
        return done, None

    # -- what a task can ask for ----------------------------------------------------------------------------------

    def tell(self, news: Sequence[News]) -> None:
        """News of the attempt that runs, on their way to the engine."""
        for piece in news:
            if type(piece) is Progress:
                now = perf_counter()
                if now - self.progress_at < PROGRESS_EVERY:
                    self.progress = piece
                else:
                    self.progress_at = now
                    self.send_progress(piece)
            elif type(piece) is LogLines:
                self.send([LINES, self.current, piece.stream, [_clean(line) for line in piece.lines]])
            elif type(piece) is MetricSet:
                self.send([METRIC, self.current, _clean(piece.name), _clean(piece.text)])

    def send_progress(self, piece: Progress) -> None:
        self.progress = None
        self.send([PROGRESS, self.current, piece.fraction, _clean(piece.text)])

    def program_started(self, attempt: Attempt, group: int) -> None:
        self.send([PROGRAM, self.current, group])

    def pause_point(self, attempt: Attempt) -> None:
        if _thread.get_ident() != _MAIN:
            return  # only the main thread reads messages
        self.look()
        while self.current in self.held and self.current not in self.canceled:
            self.listen()
        if self.current in self.canceled:
            raise TaskCanceled

    def asked_to_cancel(self, number: int, _: Any) -> None:
        """SIGINT: a message says which attempt is meant."""
        if self.reading:
            return
        if self.sending.locked():
            self.deferred = True
            return
        self.look()
        if self.interruptible and self.current in self.canceled:
            raise TaskCanceled

    def send(self, message: List[Any], parts: Sequence[Any] = ()) -> None:
        """Write a message that the engine should see now."""
        self.put(frame(plain.encode(message), parts))
        self.ring_now()

    def put(self, pieces: List[Any]) -> None:
        """Write pieces; the engine reads faster than tasks write, so waiting here is back-pressure."""
        if len(pieces) > 1 or len(pieces[0]) > 16384:
            self.ring_now()  # it may not fit into the pipe before somebody reads
        try:
            with self.sending:
                write_all(self.outbox, pieces)
        except OSError:
            leave(self.settings["mark"])
        if self.deferred and _thread.get_ident() == _MAIN:
            self.deferred = False
            self.asked_to_cancel(signal.SIGINT, None)

    def forked(self) -> None:
        """In a process that a task forked: nothing of ours is there."""
        for fd in (self.inbox, self.outbox, self.bell):
            try:
                os.close(fd)
            except OSError:
                pass
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class _ByValue:
    """A function that was sent by value and is opened when it is first needed, once for all its nodes."""

    __slots__ = ("child", "number")

    def __init__(self, child: Child, number: int) -> None:
        self.child = child
        self.number = number

    def open(self) -> Callable[..., Any]:
        from engine.call import CannotStart
        from engine.payload import NotOpenable, open_payload

        function = self.child.functions[self.number]
        if type(function) is Payload:
            try:
                function = self.child.functions[self.number] = open_payload(function)
            except NotOpenable as problem:
                raise CannotStart(str(problem)) from None
            except ModuleNotFoundError as problem:
                raise CannotStart(f"the task needs the module {problem.name!r}, which this Python lacks") from None
        return function  # type: ignore[no-any-return]

    __call__ = None  # opened, never called


_MAIN = _thread.get_ident()
_QUICK_TYPES = frozenset({type(None), bool, int, float, str})


# -- values on the pipe -----------------------------------------------------------------------------------------------


def _sealed(payload: Payload, parts: List[Any]) -> List[Any]:
    """A payload as plain data: what is large goes beside the message."""
    data: Any = payload.data
    if len(data) > LARGE:
        parts.append(data)
        data = len(parts) - 1
    first = len(parts)
    parts.extend(payload.buffers)
    return [payload.tag, payload.type, payload.preview, payload.magic, data, first, len(payload.buffers)]


def _unsealed(value: Any) -> Any:
    """A tuple is a payload; lists may hold some; anything else is a scalar."""
    if type(value) is tuple:
        tag, kind, preview, magic, data, buffers = value
        return Payload(tag, data, buffers, kind, preview, magic)
    if type(value) is list:
        return [_unsealed(member) for member in value]
    return value


def _with_parts(entry: Tuple[Any, ...], parts: List[bytes]) -> Tuple[Any, ...]:
    """Put the parts that came beside a message where their numbers stand."""
    serial, work, node, number, path, args, kwargs, variables, extra = entry
    args = [_placed(value, parts) for value in args]
    kwargs = {name: _placed(value, parts) for name, value in kwargs.items()}
    return (serial, work, node, number, path, args, kwargs, variables, extra)


def _placed(value: Any, parts: List[bytes]) -> Any:
    if type(value) is tuple:
        tag, kind, preview, magic, data, buffers = value
        data = parts[data] if type(data) is int else data
        return (tag, kind, preview, magic, data, [parts[b] if type(b) is int else b for b in buffers])
    if type(value) is list:
        return [_placed(member, parts) for member in value]
    return value


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


# -- keeping order ----------------------------------------------------------------------------------------------------


class _Counted(io.FileIO):
    """A standard stream that knows how much was written through it."""

    count = 0

    def write(self, data: Any) -> Any:
        done = super().write(data)
        self.count += done or 0
        return done


class _Order:
    """What a task may have changed in this process, remembered before it and put back after it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path: List[str] = []
        self.limit = 1000
        self.umask = os.umask(0o022)
        os.umask(self.umask)
        self.locale: Any = None
        self.kept = [_duplicated_high(1), _duplicated_high(2)]
        self.same = [os.fstat(fd)[1:3] for fd in self.kept]
        self.raw = [_Counted(fd, "w", closefd=False) for fd in (1, 2)]
        self.streams = [self._wrapped(raw) for raw in self.raw]
        self.counts = [0, 0]
        sys.stdout, sys.stderr = self.streams
        sys.__stdout__, sys.__stderr__ = self.streams  # type: ignore[misc]

    @staticmethod
    def _wrapped(raw: _Counted) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)

    def remember(self) -> None:
        """Before an attempt, after its module was imported: what imports changed stays."""
        self.path = list(sys.path)
        self.limit = sys.getrecursionlimit()
        self.locale = _locale()

    def restore(self, handler: Any) -> None:
        """After an attempt."""
        if sys.path != self.path:
            sys.path[:] = self.path
        if sys.getrecursionlimit() != self.limit:
            sys.setrecursionlimit(self.limit)
        os.umask(self.umask)
        try:
            if os.getcwd() != self.folder:
                os.chdir(self.folder)
        except OSError:
            os.chdir(self.folder)
        for number in _RESTORED_SIGNALS:
            if _signal.getsignal(number) != handler:
                _signal.signal(number, handler)
        if _locale() != self.locale:
            _set_locale(self.locale)
        self._restore_streams()

    def _restore_streams(self) -> None:
        for index in (0, 1):
            stream = self.streams[index]
            try:
                stream.flush()
            except (OSError, ValueError):
                self.streams[index] = self._wrapped(self.raw[index])
            fd = index + 1
            try:
                same = os.fstat(fd)[1:3] == self.same[index]
            except OSError:
                same = False
            if not same:
                os.dup2(self.kept[index], fd)
        if sys.stdout is not self.streams[0] or sys.stdout.closed:
            sys.stdout = self.streams[0]
        if sys.stderr is not self.streams[1] or sys.stderr.closed:
            sys.stderr = self.streams[1]

    def printed(self) -> Tuple[int, int]:
        """Bytes that Python code wrote to each stream since the last time."""
        out, err = self.raw[0].count - self.counts[0], self.raw[1].count - self.counts[1]
        if out or err:
            self.counts = [self.raw[0].count, self.raw[1].count]
        return out, err


def _locale() -> Any:
    module = sys.modules.get("_locale")
    return module.setlocale(module.LC_ALL, None) if module is not None else None


def _set_locale(text: Any) -> None:
    module = sys.modules.get("_locale")
    if module is not None:
        try:
            module.setlocale(module.LC_ALL, text if text is not None else "C.UTF-8")
        except module.Error:
            module.setlocale(module.LC_ALL, "C")


def _moved_high(fd: int) -> int:
    """The same file at a high descriptor, out of the way of tasks that close all the low ones."""
    high = _duplicated_high(fd)
    os.close(fd)
    return high


def _duplicated_high(fd: int) -> int:
    import fcntl

    for lowest in (1000, 900, 500, 240, 100, 20):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
    return os.dup(fd)


# -- the end ----------------------------------------------------------------------------------------------------------


def leave(mark: str) -> None:
    """End this process and everything that its tasks started."""
    from engine.executors import family

    family.kill(mark, patience=0.5)
    try:
        os.killpg(os.getpid(), signal.SIGKILL)  # we lead our own group
    except OSError:
        pass
    os._exit(0)


def _watch_engine(inbox: int, mark: str) -> None:
    """In a thread: wait for the end of the pipe, and leave with everything when it comes."""
    end = select.poll()
    end.register(inbox, 0)  # hang-ups are always told
    engine = os.getppid()
    if not end.poll(300):
        _die_with_parent()
        if os.getppid() == engine:
            end.poll()
    leave(mark)


def _die_with_parent() -> None:
    """Linux ends this process with its parent, even while a task holds the interpreter lock."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
    except Exception:  # the thread above remains
        return


def main(settings: Dict[str, Any]) -> None:
    """The child's whole life."""
    child = Child(settings)
    try:
        child.live()
    except OSError:
        leave(settings["mark"])
    finally:
        _run_exit_functions()
    os._exit(0)


def _run_exit_functions() -> None:
    """What tasks and their packages want to do at the end; threads that never end are not waited for."""
    import atexit

    for act in (atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):
        try:
            act()
        except BaseException:  # noqa: S112 - nobody is left to be told
            continue
