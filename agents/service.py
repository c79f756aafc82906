"""The agent process: a worker that decides, a socket that speaks, children that run attempts.

The main thread reads the socket and looks at the clock; the children's thread reports what became of attempts. Both ask
the worker under one lock, and carry out its orders outside of it. No task code runs in this process, so nothing that a
task does silences its heartbeat.

It is started with one line of JSON on its standard input (`Settings`), which holds its secret key: argv, environment and
log never see it. The end of the input means that the starter is gone: an agent that is `tied` to it ends, any other one
lingers. However it ends, its children end with it; the end of their pipes tells them even when it is killed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import signal
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from agents import protocol, wire
from agents.errors import Malformed
from agents.homes import Home, Status
from agents.keys import KeyPair
from agents.orders import Orders
from agents.packing import Attempts, Missing, Packer, Unpacker, result_of
from agents.shelf import Shelf
from agents.spool import Spool
from agents.worker import Worker
from engine.attempt import FAILED, LogLines, MetricSet, News, Outcome, Progress, Trouble
from engine.errors import WorkflowError
from engine.executors.children import Children

log = logging.getLogger("flowloom.agent")
FAREWELL = 3.0  # seconds beyond the grace in which an agent that ends still delivers
Key = tuple[int, int]


class Settings(Struct, frozen=True):
    """What an agent is told at its start. Lengths in seconds; folders absolute."""

    name: str
    slots: int
    endpoint: str
    server: str
    public: str
    secret: str
    folder: str = ""
    python: str = ""
    scratch: str = ""
    spool: str = ""
    labels: list[str] = []
    resources: dict[str, float] = {}
    path: list[str] = []
    tied: bool = True
    linger: float = 600.0
    grace: float = 5.0
    home: bool = False

    def __repr__(self) -> str:
        return f"<Settings of {self.name}>"


def versions() -> dict[str, str]:
    """What is compared when something does not fit."""
    return {"python": platform.python_version(), "protocol": str(protocol.VERSION)}


class Service:
    """One agent's whole life: `run` returns when it is over."""

    def __init__(self, settings: Settings) -> None:
        from agents.sockets import Spoke

        self._settings = settings
        self._lock = threading.RLock()
        self._children: Children | None = None
        self._engine = ""
        self._shelf = Shelf(Path(settings.scratch) if settings.scratch else None)
        self._packer = Packer(b"%d." % os.getpid())
        self._attempts = Attempts(Unpacker(self._shelf.get))
        self._queue: deque[protocol.TaskAssignment] = deque()
        self._there: dict[Key, protocol.TaskAssignment] = {}  # what the children have
        self._values: dict[bytes, Any] = {}
        self._values_of: dict[protocol.TaskId, list[bytes]] = {}
        self._spool = Spool(Path(settings.spool)) if settings.spool else None
        self._reason: str | None = None
        self._end_at: float | None = None
        self._home = Home(settings.name) if settings.home else None
        self._claim = self._home.claim() if self._home is not None else -1
        self._said_at = 0.0
        self._asked_to_drain = False
        self._asked_to_end = threading.Event()
        spooled = self._spool.read(self._values) if self._spool else []
        minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        description = protocol.NodeRegistration(
            settings.name,
            settings.slots,
            platform.node()[:200],
            sorted({minor, sys.platform, *settings.labels})[:64],
            settings.resources,
            versions(),
            os.getpid(),
        )
        self._worker = Worker(
            description,
            time.time_ns() // 1000,
            time.monotonic(),
            shelf=self._shelf.put,
            has=self._shelf.has,
            spooled=spooled,
            linger=settings.linger,
        )
        self._worker.values = self._values
        keys = KeyPair(settings.public, settings.secret)
        self._spoke = Spoke(keys, settings.server, settings.endpoint, self._on_frames, self._on_time)

    def run(self) -> str:
        """Serve until told to end, or nobody is there any more. Gives the reason."""
        signal.signal(signal.SIGTERM, lambda *_: self.ask_to_end())
        signal.signal(signal.SIGINT, lambda *_: self.ask_to_end())
        signal.signal(signal.SIGUSR1, lambda *_: self.ask_to_drain())
        try:
            self._spoke.run()
        finally:
            if self._children is not None:
                self._children.close(0.0)
            self._spoke.close(linger=0.5)
        return self._reason or "ended"

    def ask_to_end(self) -> None:
        """Cancel, deliver, say goodbye. Safe in a signal handler."""
        self._asked_to_end.set()
        self._spoke.wake()

    def ask_to_drain(self) -> None:
        """Finish what is here and take nothing new. Safe in a signal handler."""
        self._asked_to_drain = True
        self._spoke.wake()

    def starter_gone(self) -> None:
        """Nobody who could want the results is left: end without ceremony."""
        self._reason = "whoever started it is gone"
        self._spoke.stop()

    # ------------------------------------------------------------ the wire

    def _on_frames(self, frames: list[Any]) -> None:
        try:
            parcel = wire.decode(frames)
            with self._lock:
                orders = self._worker.heard(parcel, time.monotonic())
        except Malformed as problem:
            log.warning("unreadable: %s", problem)
            return
        self._obey(orders)

    def _on_time(self) -> float:
        now = time.monotonic()
        with self._lock:
            if self._asked_to_end.is_set() and self._end_at is None:
                self._end_at = now + self._settings.grace + FAREWELL
                self._obey(self._worker.stop(now, self._settings.grace))
            if self._asked_to_drain:
                self._worker.drain(now)
            if self._home is not None and now - self._said_at >= 1.0:
                self._said_at = now
                self._home.say(self._status())
            due = self._worker.due(now)
            orders = self._worker.ticked(now) if due <= 0.011 else None
        if orders is not None:
            self._obey(orders)
        if self._end_at is not None and now > self._end_at:
            self._reason = "ended; the engine did not confirm everything"
            self._spoke.stop()
        return max(due, 0.01)

    def _status(self) -> Status:
        worker = self._worker
        running = [f"{run}/{node}#{number}" for run, node, number in list(worker.leases)[:20]]
        return Status(os.getpid(), time.time(), worker.engine, running, worker.load(), worker.draining)

    # ------------------------------------------------------------ carrying out orders

    def _obey(self, orders: Orders) -> None:
        for frames in orders.sends:
            self._spoke.send(frames)
        if orders.cancel or orders.hold:
            self._end_or_hold(orders)
        if orders.start:
            with self._lock:
                self._queue.extend(orders.start)
                for task in orders.start:
                    for name in task.values:
                        self._shelf.pin(name)
            self._feed()
        if orders.keep and self._spool is not None:
            self._spool.write(orders.keep, self._values)
        if orders.forget:
            self._forget(orders.forget)
        if orders.stop is not None:
            self._reason = orders.stop
            self._spoke.stop()

    def _forget(self, results: list[protocol.TaskResult]) -> None:
        if self._values_of or self._spool is not None:
            tasks = [result.task_id for result in results]
            with self._lock:
                for task in tasks:
                    for name in self._values_of.pop(task, ()):
                        self._values.pop(name, None)
            if self._spool is not None:
                self._spool.remove(tasks)

    def _end_or_hold(self, orders: Orders) -> None:
        children = self._children
        waiting = {task.task_id for task in self._queue}
        ended = []
        for task, grace in orders.cancel:
            if task in waiting:
                with self._lock:
                    self._queue = deque(one for one in self._queue if one.task_id != task)
                ended.append(protocol.TaskResult(*task, kind="canceled"))
            elif children is not None and self._is_there(task):
                children.cancel([(task.node, task.attempt)], grace)
        for task, on in orders.hold:
            if children is not None and self._is_there(task):
                (children.suspend if on else children.resume)([(task.node, task.attempt)])
        if ended:
            with self._lock:
                after = self._worker.ended_all(ended, time.monotonic())
            self._obey(after)

    def _is_there(self, task: protocol.TaskId) -> bool:
        there = self._there.get((task.node, task.attempt))
        return there is not None and there.epoch == task.epoch

    def _feed(self) -> None:
        """Hand attempts to the children, as many as may be there at once."""
        failed: list[News] = []
        with self._lock:
            children = self._open_children(failed)
            attempts = []
            while children is not None and self._queue and len(self._there) < children.capacity():
                task = self._queue[0]
                key = (task.node, task.number)
                if key in self._there:
                    break  # an older lease of the same attempt is still going away
                self._queue.popleft()
                body = self._shelf.get(task.task_value) if task.task_value else self._worker.bodies.get(task.work, b"")
                self._there[key] = task
                try:
                    attempts.append(self._attempts.make(task, body))
                    self._worker.begun(task.run, task.node, task.number)
                except (Missing, msgspec.DecodeError, ValueError, TypeError, KeyError) as problem:
                    outcome = Outcome(task.node, task.number, FAILED, error=Trouble("MalformedTask", str(problem)))
                    outcome.epoch = task.epoch
                    failed.append(outcome)
        if attempts and children is not None:
            children.start(attempts)
        if failed:
            self._report(failed)

    def _open_children(self, failed: list[News]) -> Children | None:
        """The children of the present engine; those of another one go away first."""
        if self._children is not None and self._engine == self._worker.engine:
            return self._children
        if self._children is not None:
            self._children.close(0.0)
            self._there.clear()
            self._attempts.forget()
        settings, place = self._settings, self._worker.workplace
        folder = settings.folder or place.get("folder") or str(Path.cwd())
        python = settings.python or place.get("python") or sys.executable
        scratch = settings.scratch or str(Path(folder) / ".flowloom" / "scratch")
        children = Children(
            self._report,
            folder=folder,
            scratch=scratch,
            python=python,
            slots=settings.slots,
            run=self._worker.engine,
        )
        try:
            children.open()
        except WorkflowError as problem:
            while self._queue:
                task = self._queue.popleft()
                self._there[task.node, task.number] = task
                outcome = Outcome(task.node, task.number, FAILED, error=Trouble("SystemFailure", str(problem)))
                outcome.epoch = task.epoch
                failed.append(outcome)
            return None
        self._engine = self._worker.engine
        self._children = children
        return children

    # ------------------------------------------------------------ what the children say

    def _report(self, news: Any) -> None:
        now = time.monotonic()
        every: list[Orders] = []
        with self._lock:
            results = []
            for piece in news:
                if type(piece) is Outcome:
                    if (result := self._result_of(piece)) is not None:
                        results.append(result)
                elif (task := self._there.get((piece.node, piece.number))) is not None:
                    every.append(self._worker.said(_message_of(piece, task), now))
            if results:
                every.append(self._worker.ended_all(results, now))
        for orders in every:
            self._obey(orders)
        if self._end_at is not None:
            self._spoke.wake()
        if self._queue:
            self._feed()

    def _result_of(self, outcome: Outcome) -> protocol.TaskResult | None:
        task = self._there.pop((outcome.node, outcome.number), None)
        if task is None:
            return None
        for name in task.values:
            self._shelf.pin(name, -1)
        outcome.epoch = task.epoch
        result, aside = result_of(outcome, task.run, self._packer)
        if aside:
            self._values.update(aside)
            self._values_of[task.task_id] = list(aside)
        return result


def _message_of(piece: News, task: protocol.TaskAssignment) -> Any:
    about = (task.run, task.node, task.number, task.epoch)
    if isinstance(piece, Progress):
        return protocol.TaskProgress(*about, piece.fraction, piece.text[:4096])
    if isinstance(piece, MetricSet):
        return protocol.TaskMetric(*about, piece.name[:1024], piece.text[:16384])
    assert isinstance(piece, LogLines)
    return protocol.TaskLines(*about, piece.stream, piece.lines)


def serve(settings: Settings) -> int:
    """Be an agent until it is over."""
    for place in settings.path:
        if place not in sys.path:
            sys.path.append(place)
    service = Service(settings)
    if settings.tied:
        threading.Thread(target=_watch_starter, args=(service,), name="flowloom-starter", daemon=True).start()
    reason = service.run()
    log.info("%s: %s", settings.name, reason)
    return 0


def _watch_starter(service: Service) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    service.starter_gone()


def main() -> int:
    """Read the settings from standard input and serve."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            return 2
        line += piece
    return serve(msgspec.json.decode(bytes(line), type=Settings))


if __name__ == "__main__":
    sys.exit(main())
