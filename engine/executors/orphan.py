"""What a child does when its engine is gone: it ends, with everything that its tasks started.

A child that waits for work sees the end of its pipe. One that is busy does not look, and one whose task holds the
interpreter lock could not; so where processes can be found by their mark (Linux), a small process beside the engine, the
`warden`, waits for the engine's end and cleans up after all of them. Elsewhere a thread in each child does what it can.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

import _thread
import os
import select

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
    """Notice the engine's end also while a task runs, where no warden can."""
    if not os.path.exists("/proc/self/environ"):
        _thread.start_new_thread(_wait_for_end, (inbox, mark))


def _wait_for_end(inbox: int, mark: str) -> None:
    end = select.poll()
    end.register(inbox, 0)  # hang-ups are always told
    end.poll()
    leave(mark)


def ward(mark: str) -> None:
    """The warden's life: wait until the engine lets go of our standard input, then end all that carries its mark."""
    from engine.executors import family

    while os.read(0, 4096):
        pass
    family.kill(mark, patience=5.0)
