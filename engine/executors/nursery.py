"""Where children come from and how they end: started, watched, seen to be gone with all of theirs.

Every child carries the mark of its nursery and a number; so do all processes that its tasks start, however hard they try
to get away. A child counts as gone only when nobody carries its mark any more. Called with the pool's lock held.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from engine.context import remove_scratch
from engine.errors import SystemFailure
from engine.executors import family
from engine.executors.child_process import ChildProcess
from engine.executors.jobs import Job, crash_of
from engine.executors.spawn import start_child, start_warden


class Nursery:
    """The children that there are, of one Python, for one project. `selector` is told what has to be watched of them."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        *,
        folder: str,
        scratch: str,
        python: str,
        path: list[str],
        run: str,
        environ: Mapping[str, str],
    ) -> None:
        self.children: list[ChildProcess] = []
        self.python = _absolute(python)
        self.mark = f"{os.getpid()}-{id(self):x}-{time.monotonic_ns():x}"
        self._selector = selector
        self._folder = folder
        self._scratch = scratch
        self._path = path
        self._run = run
        self._environ = environ
        self._started = 0
        self._warden: subprocess.Popen[bytes] | None = None
        self._cleaners: list[threading.Thread] = []

    def check(self) -> None:
        """Raise SystemFailure, with the remedy, where no child can be started."""
        if not os.access(self.python, os.X_OK) or Path(self.python).is_dir():
            raise SystemFailure(
                f"{self.python} is no Python that can be run; set [project] python, or --python, to one that is there"
            )
        if not Path(self._folder).is_dir():
            raise SystemFailure(f"the project's folder {self._folder} is not there")

    def living(self) -> int:
        """How many children there are that stay."""
        return sum(1 for child in self.children if child.exit is None and not child.stopping)

    def start(self) -> None:
        """Start a child and watch it. Raises OSError if the interpreter cannot be run."""
        self._started += 1
        mark = f"{self.mark}:{self._started}"
        process, pipes = start_child(
            self.python,
            self._folder,
            mark=mark,
            run=self._run,
            scratch=self._scratch,
            path=self._path,
            environ=self._environ,
        )
        child = ChildProcess(self._started, process, pipes, mark)
        self.children.append(child)
        watched = {"bell": pipes.bell, "stdout": pipes.stdout, "stderr": pipes.stderr, "exit": child.pidfd}
        for what, fd in watched.items():
            if fd is not None:
                self._selector.register(fd, selectors.EVENT_READ, (child, what))

    def start_warden(self) -> None:
        """Have somebody clean up if this process is killed. Called when the first child is ready: no start waits for it."""
        if self._warden is None and sys.executable and Path("/proc/self/environ").exists():
            with contextlib.suppress(OSError):
                self._warden = start_warden(self.mark)

    def has_exited(self, child: ChildProcess) -> bool:
        """Whether the process itself is gone; remembers how."""
        if child.exit is None:
            child.exit = child.process.poll()
        return child.exit is not None

    def unwatch(self, child: ChildProcess) -> None:
        """Watch nothing of it any more; what it printed can still be read."""
        if child.pidfd is not None:
            self._selector.unregister(child.pidfd)
            os.close(child.pidfd)
            child.pidfd = None
        for fd in child.pipes.all():
            with contextlib.suppress(KeyError):
                self._selector.unregister(fd)
        child.outgoing.clear()

    def is_alone(self, child: ChildProcess) -> bool:
        """Whether nobody is left of what it started; ends those who are."""
        groups = [child.pid, *(job.group for job in child.queue if job.group)]
        return not family.kill(child.mark, groups, patience=0.0)

    def forget(self, child: ChildProcess) -> None:
        """It is gone."""
        self.children.remove(child)
        child.pipes.close()

    def clear_scratch(self, job: Job) -> None:
        """Remove the scratch folders of an attempt whose process could not do it any more."""
        node, number = job.key
        for folder in Path(self._scratch).glob(f"{node}-{number}-*"):
            cleaner = threading.Thread(target=remove_scratch, args=(folder,), name="flowloom-scratch")
            cleaner.start()
            self._cleaners.append(cleaner)

    def why_not_started(self, child: ChildProcess) -> str:
        """What a child that ended too early said."""
        said = bytes(child.last_words).decode("utf-8", "replace").strip()
        return f"{self.python} ended before it was ready ({crash_of(child.exit or 0).message}): {said[-1500:]}"

    def close(self) -> None:
        """End everything that carries the mark, and what was started for it."""
        if self._warden is not None:
            self._warden.kill()
            self._warden.communicate()
        family.kill(self.mark)
        for cleaner in self._cleaners:
            cleaner.join()
        with contextlib.suppress(OSError):
            Path(self._scratch).rmdir()


def _absolute(python: str) -> str:
    """The interpreter's path, independent of the working directory; links stay, as they tell the environment."""
    found = shutil.which(python) if os.sep not in python else python
    return os.path.abspath(found or python)  # noqa: PTH100 - Path.absolute keeps the dots
