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
- when the engine is gone, this process ends with all that its tasks started (`orphan`).

Standard library of 3.9 only, and little of it: a child should be ready in the time that Python itself needs.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the same as signal, without making an enum of every number
import _thread
import marshal
import os
import select
import sys

from engine.attempt import (
    CANCELED,
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
from engine.executors.aftermath import Aftermath, moved_high
from engine.executors.answers import HELLO, LEAVING, LINES, METRIC, PROGRAM, PROGRESS, RETURNED, Answers
from engine.executors.frames import FrameReader, read_some
from engine.executors.orphan import leave, watch_engine
from engine.executors.sealing import clean, placed, unsealed, with_parts
from engine.forms import magic_number
from engine.payload import Payload
from engine.performer import perform, perform_prepared

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Sequence, Tuple

# Messages to a child.
DO, CANCEL, HOLD, RESUME, RECALL, STOP = range(6)


class Child:
    """This process: its pipes, what it knows, and the attempt that it performs."""

    def __init__(self, settings: Dict[str, Any]) -> None:
        self.inbox = moved_high(settings["inbox"])
        self.answers = Answers(moved_high(settings["outbox"]), moved_high(settings["bell"]), settings["mark"])
        self.settings = settings
        self.reader = FrameReader()
        self.waiting: List[Tuple[Any, ...]] = []
        self.works: Dict[int, Work] = {}
        self.functions: Dict[int, Any] = {}
        self.variables: Tuple[int, Dict[str, Any]] = (0, {})
        self.canceled: set[int] = set()
        self.held: set[int] = set()
        self.current = -1
        self.interruptible = False
        self.interrupted = False
        self.reading = False
        self.deferred = False
        self.stopping = False
        self.is_copy = False
        self.readable = select.poll()
        self.readable.register(self.inbox, select.POLLIN)
        self.order = Aftermath(settings["folder"])
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
        _signal.signal(_signal.SIGINT, self.asked_to_cancel)
        os.register_at_fork(after_in_child=self.forked)
        version = ".".join(map(str, sys.version_info[:3]))
        self.send([HELLO, os.getpid(), version, magic_number()])
        watch_engine(self.inbox, self.settings["mark"])
        self.order.remember()
        while self.waiting or not self.stopping:
            if not self.waiting:
                self.listen()
                continue
            try:
                entry = self.waiting.pop(0)
            except IndexError:  # a signal came in between, and all was given back
                continue
            self.look()
            if entry[0] in self.canceled:
                outcome = Outcome(0, 0, CANCELED, error=Trouble("Canceled", "canceled"))
            else:
                outcome = self.run(entry)
            self.answers.outcome(entry[0], outcome, self.order.printed(), len(self.waiting))
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
        came = False
        while self.readable.poll(0):
            data = read_some(self.inbox)
            if not data:
                leave(self.settings["mark"])
            self.reader.feed(data)
            came = True
        if came:
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
            elif kind == RECALL:
                self.give_back(set(body))
            elif kind == RESUME:
                self.held.difference_update(body)
            else:
                self.stopping = True

    def give_back(self, serials: set[int]) -> None:
        """What waits here behind something long goes to another child."""
        back = [entry[0] for entry in self.waiting if entry[0] in serials]
        self.waiting = [entry for entry in self.waiting if entry[0] not in serials]
        self.answers.send([RETURNED, back])

    def learn(self, body: Tuple[Any, ...], parts: List[bytes]) -> None:
        forget, works, variables, attempts = body
        if forget:
            needed = {entry[1] for entry in self.waiting}
            self.works = {number: work for number, work in self.works.items() if number in needed}
        for number, fields in works:
            self.works[number] = self.work_of(fields, parts)
        snapshots = dict([self.variables])
        for number, values in variables:
            snapshots[number] = {name: unsealed(placed(value, parts)) for name, value in values.items()}
            self.variables = (number, snapshots[number])
        if len(snapshots) > 1 or self.variables[0]:
            attempts = [(*entry[:7], snapshots.get(entry[7], {}), entry[8]) for entry in attempts]
        if parts:
            attempts = [with_parts(entry, parts) for entry in attempts]
        self.waiting += attempts
        self.answers.half = len(self.waiting) // 2

    def work_of(self, fields: Dict[str, Any], parts: List[bytes]) -> Work:
        form = fields.pop("sealed", None)
        name = fields.pop("name", None)
        number = fields.pop("function_number", None)
        work = Work(**fields)
        if name:
            work.name = name
        if form is not None:
            self.functions[number] = unsealed(placed(form, parts))
        if number is not None:
            work.function = _ByValue(self, number)  # type: ignore[assignment]
        return work

    # -- one attempt ----------------------------------------------------------------------------------------------

    def run(self, entry: Tuple[Any, ...]) -> Outcome:
        """Perform an attempt and put everything back as it was."""
        serial, work_number, node, number, path, args, kwargs, variables, extra = entry
        work = self.works[work_number]
        attempt = Attempt(node, number, work, args, kwargs, path, variables or {})
        if extra:
            for name, value in extra.items():
                setattr(attempt, name, value)
        if attempt.sealed:
            attempt.args = [unsealed(value) for value in args]
            attempt.kwargs = {name: unsealed(value) for name, value in kwargs.items()}
        self.current = serial
        try:
            if work.kind == "task" and (work.function is None or isinstance(work.function, _ByValue)):
                self.find(work)  # an import is never interrupted: what is left of it would break others
                self.order.remember()
            self.interruptible = True
            try:
                if serial in self.canceled:
                    raise TaskCanceled
                act = perform_prepared if work.env or work.cwd else perform
                outcome = act(attempt, self.place)
            finally:
                self.interruptible = False
        except TaskCanceled:
            outcome = Outcome(node, number, CANCELED, error=Trouble("Canceled", "canceled"))
        except BaseException as problem:
            from engine.failures import trouble_of

            outcome = Outcome(node, number, FAILED, error=trouble_of(problem))
        if self.is_copy:
            os._exit(0)  # a task forked, and the copy came back as well
        self.current = -1
        fit = not self.interrupted
        try:
            self.order.restore(self.asked_to_cancel)
        except Exception:
            fit = False
        if not fit:
            self.retire()
        return outcome

    def retire(self) -> None:
        """This process is not fit for another task: the engine starts a new one.

        An exception out of nowhere may have left half an import or a broken lock behind.
        """
        self.stopping = True
        self.send([LEAVING])
        self.look()
        self.give_back({entry[0] for entry in self.waiting})

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
        work.plain = not (work.wants_context or work.env or work.cwd)

    # -- what a task can ask for ----------------------------------------------------------------------------------

    def tell(self, news: Sequence[News]) -> None:
        """News of the attempt that runs, on their way to the engine."""
        for piece in news:
            if type(piece) is Progress:
                self.send([PROGRESS, self.current, piece.fraction, clean(piece.text)])
            elif type(piece) is LogLines:
                self.send([LINES, self.current, piece.stream, [clean(line) for line in piece.lines]])
            elif type(piece) is MetricSet:
                self.send([METRIC, self.current, clean(piece.name), clean(piece.text)])

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
        if self.answers.lock.locked():
            self.deferred = True
            return
        self.look()
        if self.interruptible and self.current in self.canceled:
            self.interrupted = True
            raise TaskCanceled

    def send(self, message: List[Any]) -> None:
        """Tell the engine something that it should see now."""
        self.answers.send(message)
        if self.deferred and _thread.get_ident() == _MAIN:
            self.deferred = False
            self.asked_to_cancel(_signal.SIGINT, None)

    def forked(self) -> None:
        """In a process that a task forked: nothing of ours is there."""
        self.is_copy = True
        for fd in (self.inbox, self.answers.outbox, self.answers.bell):
            try:
                os.close(fd)
            except OSError:
                pass
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


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


def lend_task() -> None:
    """Let `from engine import task` work where the rest of Flowloom cannot be imported: the decorator does nothing then.

    What is written in `@task(...)` was read from the source long ago; here only the function counts.
    """
    package = sys.modules["engine"]
    whole = package.__getattr__

    def get(name: str) -> Any:
        try:
            return whole(name)
        except ImportError:
            if name != "task":
                raise
            return _plain_task

    package.__getattr__ = get  # type: ignore[method-assign]


def _plain_task(function: Any = None, **_: Any) -> Any:
    return function if function is not None else lambda function: function


def main(settings: Dict[str, Any]) -> None:
    """The child's whole life."""
    lend_task()
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
