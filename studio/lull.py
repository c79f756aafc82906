"""Jobs that wait until no newer one comes: what follows from typing is done once a person pauses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Lull(Generic[Thing]):
    """Hands the newest thing to `do`, in a thread of its own, `pause` seconds after the last one came, and at the latest
    `most` seconds after the first."""

    def __init__(self, pause: float, do: Callable[[Thing], None], name: str, *, most: float = 5.0) -> None:
        self._pause = pause
        self._most = most
        self._do = do
        self._name = name
        self._news = threading.Condition()
        self._waiting: list[Thing] = []
        self._came = 0
        self._over = False
        self._thread: threading.Thread | None = None

    def put(self, thing: Thing) -> None:
        """A newer thing."""
        with self._news:
            self._waiting = [thing]
            self._came += 1
            if self._thread is None and not self._over:
                self._thread = threading.Thread(target=self._work, name=f"flowloom-{self._name}", daemon=True)
                self._thread.start()
            self._news.notify()

    def forget(self) -> None:
        """What waits is not to be done any more."""
        with self._news:
            self._waiting = []

    def stop(self) -> None:
        """Do nothing more; what waited is done now, in this thread."""
        with self._news:
            self._over = True
            waiting, self._waiting = self._waiting, []
            self._news.notify()
        for thing in waiting:
            self._do(thing)

    def _work(self) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._over:
                    self._news.wait()
                came, latest = -1, time.monotonic() + self._most
                while came != self._came and not self._over and time.monotonic() < latest:
                    came = self._came
                    self._news.wait(self._pause)
                if self._over:
                    return
                waiting, self._waiting = self._waiting, []
            for thing in waiting:
                self._do(thing)
