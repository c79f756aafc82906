"""What a child does when its engine is gone: it ends, with everything that its tasks started.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

import os
import select
import sys

SIGKILL = 9


def leave(mark: str) -> None:
    """End this process and everything that its tasks started."""
    from engine.executors import family

    family.kill(mark, patience=0.5)
    try:
        os.killpg(os.getpid(), SIGKILL)  # we lead our own group
    except OSError:
        pass
    os._exit(0)


def watch_engine(inbox: int, mark: str) -> None:
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

        ctypes.CDLL(None).prctl(1, SIGKILL, 0, 0, 0)
    except Exception:  # the thread above remains
        return
