"""`async def` tasks side by side on one event loop, which has a thread of its own and starts with the first of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from engine.attempt import COMPLETED, FAILED, Attempt, Outcome
from engine.call import arguments_of, opened_variables, prepare
from engine.context import Place, WorkflowContext, remove_scratch
from engine.executors.endings import canceled, ended, timed_out
from engine.executors.prints import Prints
from engine.failures import trouble_of

Key = tuple[int, int]


class Coroutines:
    """The loop and the attempts on it. `ended` hears of each outcome, in the loop's thread, unless it was given up."""

    def __init__(self, place: Place, prints: Prints, ended: Callable[[Outcome], None]) -> None:
        self._place = place
        self._prints = prints
        self._ended = ended
        self._tasks: dict[Key, tuple[Attempt, asyncio.Task[Outcome] | None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="flowloom-async", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, attempt: Attempt) -> None:
        """Let it run. From any thread."""
        self._tasks[attempt.node, attempt.number] = (attempt, None)
        self._loop.call_soon_threadsafe(self._create, attempt)

    def find(self, key: Key) -> Attempt | None:
        """The attempt of this key, if it runs here."""
        found = self._tasks.get(key)
        return None if found is None else found[0]

    def cancel(self, key: Key) -> None:
        """Ask for the end of an attempt. From any thread."""
        self._loop.call_soon_threadsafe(self._cancel, key)

    def give_up(self, attempt: Attempt) -> bool:
        """Wait for an attempt no longer; whether it was still there."""
        return self._tasks.pop((attempt.node, attempt.number), None) is not None

    def keys(self) -> list[Key]:
        """What runs here."""
        return list(self._tasks)

    def stop(self) -> None:
        """End the loop; its attempts were canceled before."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _create(self, attempt: Attempt) -> None:
        key = attempt.node, attempt.number
        task = self._loop.create_task(self._perform(attempt))
        self._tasks[key] = (attempt, task)
        task.add_done_callback(lambda task: self._over(attempt, task))

    def _cancel(self, key: Key) -> None:
        _, task = self._tasks.get(key, (None, None))
        if task is not None:
            task.cancel()

    def _over(self, attempt: Attempt, task: asyncio.Task[Outcome]) -> None:
        if self.give_up(attempt):
            self._ended(canceled(attempt) if task.cancelled() else task.result())

    async def _perform(self, attempt: Attempt) -> Outcome:
        context: WorkflowContext | None = None
        limit = attempt.work.timeout
        printer = self._prints.printer()
        began = time.perf_counter()
        try:
            function, wants = prepare(attempt.work)
            args, kwargs = arguments_of(attempt)
            if wants:
                context = kwargs["ctx"] = WorkflowContext(attempt, self._place, opened_variables(attempt))
            printer.attempt = attempt
            value = await asyncio.wait_for(function(*args, **kwargs), limit)
            outcome = Outcome(attempt.node, attempt.number, COMPLETED, value, time.perf_counter() - began)
            if context is not None and context.variables.writes:
                outcome.writes = context.variables.writes
        except asyncio.CancelledError:
            outcome = canceled(attempt)
        except TimeoutError as problem:
            spent = time.perf_counter() - began
            late = limit is not None and spent >= limit
            outcome = timed_out(attempt, limit or 0.0) if late else ended(attempt, FAILED, trouble_of(problem))
            outcome.seconds = spent
        except BaseException as problem:
            outcome = ended(attempt, FAILED, trouble_of(problem))
            outcome.seconds = time.perf_counter() - began
        printer.attempt = None
        if context is not None:
            context.tell_rest()
            if context.texts:
                outcome.metrics = dict(context.texts)
            if context.made_scratch is not None:
                remove_scratch(context.made_scratch)
        if attempt.epoch:
            outcome.epoch = attempt.epoch
        if printer.used:
            printer.tell(attempt)
        return outcome
