"""Threads that take orders from one deque, and how each of them is woken, interrupted and given up.

Every order costs a few microseconds, so nothing on its way takes a lock. What holds is the order of things:

- A worker without an order puts itself among the sleepers, *looks at the orders once more*, and only then waits for its
  bell. Whoever adds orders does so before it looks for sleepers. So an order and a sleeper never miss each other.
- A worker says what it is at (`attempt`) before it begins, and takes that back before it looks whether somebody wanted
  its end (`wanted`). Who wants it writes `wanted` first and looks at `attempt` again after that. So an interrupt never
  hits the next attempt: either the worker sees that it was wanted, and clears the exception, or it was not sent.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from threading import get_ident

from engine.attempt import Attempt
from engine.context import TaskCanceled
from engine.executors.interrupt import raise_in

Key = tuple[int, int]


class Worker:
    """One thread. `wanted` is the attempt whose end was asked for; `lost` once nobody waits for the thread any longer."""

    __slots__ = ("attempt", "bell", "ident", "lost", "thread", "wanted")

    def __init__(self) -> None:
        self.attempt: Attempt | None = None
        self.wanted: Attempt | None = None
        self.lost = False
        self.bell = threading.Lock()
        self.bell.acquire()
        self.ident = 0
        self.thread: threading.Thread | None = None


class Workers:
    """All threads of an executor. `lock` guards who is there and who is wanted, never the way of an order."""

    def __init__(self, work: Callable[[Worker], None]) -> None:
        self.orders: deque[Attempt] = deque()
        self.lock = threading.RLock()
        self.closed = False
        self._work = work
        self._sleepers: deque[Worker] = deque()
        self._all: set[Worker] = set()
        self._coming = 0

    # -- orders ------------------------------------------------------------------------------------------------------

    def add(self, attempts: Sequence[Attempt], most: int) -> None:
        """Queue these, and wake or start a thread for each order that waits, as far as there are any."""
        self.orders.extend(attempts)
        surplus = len(self.orders)
        while surplus > 0:
            try:
                self._sleepers.popleft().bell.release()
            except IndexError:
                break
            surplus -= 1
        if surplus > 0 and len(self._all) < most:
            with self.lock:
                for _ in range(min(surplus - self._coming, most - len(self._all))):
                    self._start()

    def rest(self, worker: Worker) -> bool:
        """Wait until there may be an order; False if the thread is to end."""
        self._sleepers.append(worker)
        if self.orders or self.closed:
            try:
                self._sleepers.remove(worker)
            except ValueError:
                worker.bell.acquire()  # somebody rang at this very moment
        else:
            worker.bell.acquire()
        return not self.closed or bool(self.orders)

    def withdraw(self, key: Key) -> Attempt | None:
        """Take back an order that nobody has begun."""
        for attempt in list(self.orders):
            if (attempt.node, attempt.number) == key:
                try:
                    self.orders.remove(attempt)
                except ValueError:
                    return None
                return attempt
        return None

    # -- threads -----------------------------------------------------------------------------------------------------

    def find(self, key: Key) -> Worker | None:
        """Who is at the attempt of this key."""
        for worker in list(self._all):
            attempt = worker.attempt
            if attempt is not None and (attempt.node, attempt.number) == key:
                return worker
        return None

    def keys(self) -> list[Key]:
        """What the threads are at."""
        busy = [worker.attempt for worker in list(self._all)]
        return [(attempt.node, attempt.number) for attempt in busy if attempt is not None]

    def interrupt(self, worker: Worker, attempt: Attempt, *, raising: bool) -> bool:
        """Want the end of an attempt, by an exception in its thread if `raising`; False if it has just ended."""
        with self.lock:
            if worker.wanted is attempt:
                return True
            worker.wanted = attempt
            if worker.attempt is not attempt:
                worker.wanted = None
                return False
            if raising:
                raise_in(worker.ident, TaskCanceled)
            return True

    def give_up(self, worker: Worker, attempt: Attempt) -> bool:
        """Wait no longer for a thread that does not end its attempt, and let another take its place."""
        with self.lock:
            if worker.attempt is not attempt or worker.lost:
                return False
            worker.lost = True
            self._all.discard(worker)
            if not self.closed:
                self._start()
            return True

    def settle(self, worker: Worker) -> None:
        """For a worker that was wanted, when its attempt is over: an interrupt that came too late must hit nothing else."""
        while worker.wanted is not None:
            try:
                with self.lock:
                    raise_in(worker.ident, None)
                    worker.wanted = None
            except TaskCanceled:
                continue

    def close(self, until: Callable[[], float]) -> None:
        """Let the threads end; wait for each at most as many seconds as `until` says."""
        self.closed = True
        while self._sleepers:
            self._sleepers.popleft().bell.release()
        for worker in list(self._all):
            if worker.thread is not None and worker.thread is not threading.current_thread():
                worker.thread.join(max(0.0, until()))

    def _start(self) -> None:
        worker = Worker()
        self._coming += 1
        self._all.add(worker)
        worker.thread = threading.Thread(target=self._live, args=(worker,), name="flowloom-task", daemon=True)
        worker.thread.start()

    def _live(self, worker: Worker) -> None:
        worker.ident = get_ident()
        with self.lock:
            self._coming -= 1
        try:
            self._work(worker)
        finally:
            with self.lock:
                self._all.discard(worker)
