"""Work beside the screen: jobs one after the other in a thread that reads, and jobs that may wait in threads of their own.

A job answers by posting an action; what it raises is posted, too, as words for a person.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from engine.errors import WorkflowError
from studio import actions
from studio.actions import Action
from studio.reports import first_of, report_of

Post = Callable[[Action], None]
"""Hands an action to the screen's thread; may be called from any thread, returns at once."""


class Jobs:
    """The threads of a session. None is there before the first job."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None

    def later(self, job: Callable[[], None]) -> None:
        """Do a job after those before it, in the thread that reads."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, name="flowloom-reader", daemon=True)
            self._reader.start()
        self._waiting.put(job)

    def _read(self) -> None:
        while (job := self._waiting.get()) is not None:
            self.attempt(job)

    def aside(self, job: Callable[[], None]) -> None:
        """Do a job at once, in a thread of its own: what may have to wait for the engine."""
        threading.Thread(target=self.attempt, args=(job,), name="flowloom-aside", daemon=True).start()

    def attempt(self, job: Callable[[], None]) -> None:
        """Do a job in this thread; what goes wrong is told, and nothing ends by it."""
        try:
            job()
        except WorkflowError as problem:
            self._post(actions.Told(first_of(str(problem)), "error"))
        except OSError as problem:
            self._post(actions.Told(f"{problem.filename or 'a file'}: {problem.strerror or problem}", "error"))
        except Exception as problem:
            self._post(actions.Told(f"This is ours: {report_of(problem)}", "error"))

    def stop(self) -> None:
        """Let the thread that reads end, after what it has to do."""
        self._waiting.put(None)
