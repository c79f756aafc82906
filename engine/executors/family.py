"""The processes that a child started, found also when they took pains to get away.

Three ways to belong: the process group of the child, descent from it, and a mark in the environment, which a process
inherits even after it has left the group and lost its parents (a daemon). Found through /proc; where there is none, the
process group alone counts.

This file is imported by children that run the project's own Python: standard library of 3.9 only.
"""

from __future__ import annotations

import os
import signal
import time

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Dict, Iterable, List, Set, Tuple

MARK = "FLOWLOOM_CHILD"
"""The environment variable that every child and all that it starts carry."""


def members(mark: str, groups: Iterable[int] = ()) -> List[int]:
    """Processes that carry the mark or one that begins with it plus ":", belong to the groups, or descend from those."""
    table = _processes()
    wanted = set(groups)
    needle = f"{MARK}={mark}".encode()
    found: Set[int] = set()
    me = os.getpid()
    for pid, (_, group, state) in table.items():
        if pid != me and state not in b"ZX" and (group in wanted or _has_mark(pid, needle)):
            found.add(pid)
    grew = True
    while grew:
        grew = False
        for pid, (parent, _, state) in table.items():
            if parent in found and pid not in found and pid != me and state not in b"ZX":
                found.add(pid)
                grew = True
    return sorted(found)


def kill(mark: str, groups: Iterable[int] = (), patience: float = 2.0) -> List[int]:
    """End all members, also those that they start meanwhile. Returns those that are still there after `patience` seconds."""
    groups = list(groups)
    until = time.monotonic() + patience
    while True:
        for group in groups:
            signal_group(group, signal.SIGKILL)
        left = members(mark, groups)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.002)


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False if nobody is there. Never to our own group."""
    if group <= 1 or group == os.getpgrp():
        return False
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _processes() -> Dict[int, Tuple[int, int, bytes]]:
    """{pid: (parent, group, state)} of every process that can be seen."""
    table: Dict[int, Tuple[int, int, bytes]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return table
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                table[int(name)] = (int(fields[1]), int(fields[2]), fields[0])
            except (OSError, ValueError, IndexError):
                continue
    return table


def _has_mark(pid: int, needle: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read()
    except OSError:
        return False
    at = environ.find(needle)
    if at < 0 or (at > 0 and environ[at - 1] != 0):
        return False
    after = environ[at + len(needle) : at + len(needle) + 1]
    return after in (b"", b"\0", b":")
