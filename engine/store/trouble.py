"""What can go wrong with what a run leaves on disk. Each message says what, where, and what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from engine.errors import SystemFailure, WorkflowError


class StoreTrouble(SystemFailure):
    """The disk refused: it is full, read-only, or failing. Nothing of what was recorded before is harmed.

    `retryable`: what could not be written is still in memory, and the same call may work later.
    """

    retryable = True


class JournalBusy(StoreTrouble):
    """Another process is writing this run, or has taken it over."""

    retryable = False


class JournalDamaged(StoreTrouble):
    """What is on disk is not what was written. It is refused as a whole, never guessed at."""

    retryable = False


class NoSuchRun(WorkflowError):
    """No run has this id, or more than one begins so."""


REMEDIES = {
    errno.ENOSPC: "free some space; the run goes on from there",
    errno.EDQUOT: "your quota is used up: free some space; the run goes on from there",
    errno.EROFS: "name a place that can be written: FLOWLOOM_STATE=FOLDER",
    errno.EACCES: "name a place that can be written: FLOWLOOM_STATE=FOLDER",
    errno.EPERM: "name a place that can be written: FLOWLOOM_STATE=FOLDER",
    errno.ENOTDIR: "a file stands where a folder is wanted: move it, or set FLOWLOOM_STATE=FOLDER",
    errno.EEXIST: "a file stands where a folder is wanted: move it, or set FLOWLOOM_STATE=FOLDER",
    errno.EIO: "the disk fails: look at it (dmesg) before anything else",
}
DEFAULT_REMEDY = "name another place with FLOWLOOM_STATE=FOLDER"


def from_os(what: str, path: Path, error: OSError) -> StoreTrouble:
    """The trouble that an OSError means for `what` we wanted to do with `path`."""
    number = error.errno or 0
    reason = error.strerror or str(error)
    return StoreTrouble(f"cannot {what} {path}: {reason}; {REMEDIES.get(number, DEFAULT_REMEDY)}", errno=error.errno)


_NUMBERS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_PERM: errno.EACCES,
}
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def from_sqlite(what: str, path: Path, error: sqlite3.Error) -> StoreTrouble:
    """The trouble that an error of SQLite means for `what` we wanted to do with the database at `path`."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGE or (not code and isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error)):
        return JournalDamaged(
            f"{path} is damaged ({error}): it cannot be used; restore it from a copy, or delete its run"
        )
    if code == sqlite3.SQLITE_BUSY:
        return JournalBusy(f"cannot {what} {path}: another program holds it; wait for that, or end it")
    number = _NUMBERS.get(code)
    remedy = REMEDIES.get(number or 0, DEFAULT_REMEDY)
    return StoreTrouble(f"cannot {what} {path}: {error}; {remedy}", errno=number)
