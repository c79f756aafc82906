"""The journal of a run: everything that happened in it, in one SQLite database, safe against a kill at any moment.

`folder/journal.db`, in WAL mode with `synchronous=FULL`:

    batch   first (number of its first event), count, until (when its last event happened), events (one msgpack
    blob), crc run     one row: schema, run id, epoch, pid and host of the writer, time of day of its beginning,
    header, counters

Rules that everything else leans on:
- *A row per turn, not per event.* The runner hands over what a turn brought; one transaction holds the batch and the
  counters, so who lists runs reads one row and no batch.
- *The journal is a prefix of what happened.* Batches are numbered without gaps; one that cannot be written is kept by
  the caller and written before any later one.
- *A damaged batch is refused.* SQLite checks its WAL but not what lies in the database; each blob has a CRC that also
  covers its numbers. A reader stops there and says which batch; it never guesses.
- *One writer.* `folder/lock` is held with flock, which dies with its process (a file of its own: closing any handle
  of a database file would drop SQLite's own locks). Every opening raises the epoch, and each commit checks that the
  epoch is still its own, so a writer whose lock did not hold (some network file systems) is stopped by its next commit.
- *After a failed commit nothing is known*, and a failed fsync must not be tried again on the same file handle. The
  connection is closed; the next append opens a new one and looks whether the batch arrived after all.
- *A full disk can still be reported.* A small reserve beside the journal is given up when space runs out.

`append` may be called from the loop's thread and from the watch thread; a lock inside keeps commits in order.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

import msgspec

from engine.machine.events import Event
from engine.store.encoding import LARGEST_BATCH, decode_events, encode_events
from engine.store.trouble import JournalBusy, JournalDamaged, StoreTrouble, from_os, from_sqlite

SCHEMA = 1
FILE = "journal.db"
LOCK = "lock"
RESERVE = "reserve"
RESERVE_BYTES = 256 * 1024

_TABLES = """
create table batch(first integer primary key, count integer not null, until real not null, events blob not null,
  crc integer not null) without rowid;
create table run(one integer primary key check (one = 1), schema integer not null, run text not null,
  epoch integer not null, pid integer not null, host text not null, wall real not null, header blob not null,
  header_crc integer not null, counters blob not null);
"""
_NUMBERS = Struct("<qqd")


def checksum(first: int, count: int, until: float, events: bytes) -> int:
    """The CRC-32 of a batch: of its numbers and its blob."""
    return zlib.crc32(events, zlib.crc32(_NUMBERS.pack(first, count, until)))


@dataclass(frozen=True, slots=True)
class RunRow:
    """The `run` row: what is known of a run without reading its events. `wall` in seconds since 1970."""

    run: str
    schema: int
    epoch: int
    pid: int
    host: str
    wall: float
    header: bytes
    counters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that were committed together; `first` is the number of the first, counted from 0."""

    first: int
    until: float
    events: Sequence[Event]

    @property
    def next(self) -> int:
        """The number of the event after these: what to read from to go on."""
        return self.first + len(self.events)


class Journal:
    """The one writer of a run's journal. Made by `create` for a new run, by `resume` for one left behind."""

    def __init__(self, folder: Path, lock: int, connection: sqlite3.Connection, epoch: int, written: int) -> None:
        self.folder = folder
        self.path = folder / FILE
        self.epoch = epoch
        self.written = written
        """Events that are recorded for good: the number of the next one."""
        self._lock_file = lock
        self._connection: sqlite3.Connection | None = connection
        self._lock = threading.Lock()

    @classmethod
    def create(
        cls, folder: Path, run: str, *, header: bytes, wall: float, counters: bytes | Mapping[str, Any] = b"\x80"
    ) -> Journal:
        """Begin the journal of a new run in `folder`, which is made if need be. Raises StoreTrouble.

        `header` is what a reader needs to make sense of the events; `wall` is the time of day, for people only.
        """
        path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _take_lock(folder)
        except OSError as error:
            raise from_os("make the journal of a run in", folder, error) from error
        connection = None
        try:
            if path.exists():
                raise JournalBusy(f"{path} is there already: a run's journal is begun only once; use another run id")
            _reserve(folder)
            connection = _open(path)
            connection.executescript(f"begin immediate; {_TABLES} pragma user_version={SCHEMA}; commit")
            row = (
                1,
                SCHEMA,
                run,
                1,
                os.getpid(),
                os.uname().nodename,
                wall,
                header,
                zlib.crc32(header),
                _pack(counters),
            )
            connection.execute("insert into run values (?,?,?,?,?,?,?,?,?,?)", row)
        except BaseException as error:
            _release(lock, connection)
            if isinstance(error, sqlite3.Error):
                raise from_sqlite("begin the journal", path, error) from error
            if isinstance(error, OSError):
                raise from_os("begin the journal", path, error) from error
            raise
        return cls(folder, lock, connection, 1, 0)

    @classmethod
    def resume(cls, folder: Path) -> Journal:
        """Go on writing the journal of a run whose writer is gone. Raises JournalBusy while somebody writes it."""
        path = folder / FILE
        try:
            lock = _take_lock(folder)
        except OSError as error:
            raise from_os("open", folder, error) from error
        connection = None
        try:
            if not path.exists():
                raise StoreTrouble(f"there is no journal in {folder}; look for its run with: flowloom runs")
            connection = _open(path)
            _check_schema(connection, path)
            connection.execute(
                "update run set epoch=epoch+1, pid=?, host=? where one=1", (os.getpid(), os.uname().nodename)
            )
            epoch = connection.execute("select epoch from run").fetchone()[0]
            written = _end(connection)
        except BaseException as error:
            _release(lock, connection)
            if isinstance(error, sqlite3.Error):
                raise from_sqlite("open", path, error) from error
            raise
        return cls(folder, lock, connection, epoch, written)

    @staticmethod
    def read(folder: Path) -> Reader:
        """Read a run's journal, also while it is written. Raises StoreTrouble where there is none that can be read."""
        return Reader(folder)

    def append(self, events: Sequence[Event], counters: bytes | Mapping[str, Any] | None = None) -> None:
        """Record these events for good: when this returns they survive a kill and a power loss.

        `counters` replaces what the `run` row tells about the run. On StoreTrouble nothing was recorded and the caller
        keeps the events; the next call must begin with the same ones.
        """
        with self._lock:
            first, count = self.written, len(events)
            try:
                connection = self._connection or self._reopen()
                if first != self.written:  # the batch that seemed to fail had arrived
                    skip = self.written - first
                    events, first, count = events[skip:], self.written, count - skip
                rows = list(_rows(first, events))
                connection.execute("begin immediate")
                for row in rows:
                    connection.execute("insert into batch values (?,?,?,?,?)", row)
                self._tell(connection, counters)
                connection.execute("commit")
            except sqlite3.Error as error:
                self._drop()
                raise from_sqlite("write", self.path, error) from error
            except JournalBusy:
                self._drop()
                raise
            self.written = first + count

    def set_header(self, header: bytes) -> None:
        """Replace the header, as when an edit of a live run changed its plan. Raises StoreTrouble."""
        with self._lock:
            try:
                connection = self._connection or self._reopen()
                connection.execute(
                    "update run set header=?, header_crc=? where epoch=?", (header, zlib.crc32(header), self.epoch)
                )
            except sqlite3.Error as error:
                self._drop()
                raise from_sqlite("write", self.path, error) from error

    def close(self) -> None:
        """Give up the journal: the WAL is folded into the database, the reserve is freed, the lock is released."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            if self._lock_file >= 0:
                with contextlib.suppress(OSError):
                    (self.folder / RESERVE).unlink(missing_ok=True)
                os.close(self._lock_file)
                self._lock_file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, connection: sqlite3.Connection, counters: bytes | Mapping[str, Any] | None) -> None:
        if counters is None:
            row = connection.execute("select 1 from run where one=1 and epoch=?", (self.epoch,)).fetchone()
            ours = row is not None
        else:
            told = connection.execute(
                "update run set counters=? where one=1 and epoch=?", (_pack(counters), self.epoch)
            )
            ours = told.rowcount == 1
        if not ours:
            raise JournalBusy(f"{self.path} was taken over by another process; this one must stop writing it")

    def _drop(self) -> None:
        """Forget a connection after a failure: what it still holds in memory is not to be trusted."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _reopen(self) -> sqlite3.Connection:
        if self._lock_file < 0:
            raise StoreTrouble(f"{self.path} was closed; nothing more can be recorded in it")
        with contextlib.suppress(OSError):
            (self.folder / RESERVE).unlink(missing_ok=True)
        connection = _open(self.path)
        try:
            self.written = _end(connection)
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection
        return connection


class Reader:
    """A run's journal as others see it: read-only, at any time, from any process.

    `row` and `header` are read anew each time they are asked for; `batches(after)` yields what is committed from event
    number `after` on, so a watcher goes on with `batches(last.next)`. A run that is over does not change under a
    reader; one that is resumed later is seen by readers opened after that.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE
        if not self.path.is_file():
            raise StoreTrouble(f"there is no journal in {folder}; look for its run with: flowloom runs")
        self._copy: str | None = None
        try:
            self._connection = self._connect()
            _check_schema(self._connection, self.path)
        except sqlite3.Error as error:
            self.close()
            raise from_sqlite("read", self.path, error) from error
        except StoreTrouble:
            self.close()
            raise

    @property
    def row(self) -> RunRow:
        """The `run` row as it is now. Raises JournalDamaged."""
        fields = "run, schema, epoch, pid, host, wall, header, header_crc, counters"
        row = self._one(f"select {fields} from run where one=1")
        if row is None:
            raise JournalDamaged(
                f"{self.path} has lost what it knew about its run; restore it from a copy, or delete it"
            )
        run, schema, epoch, pid, host, wall, header, crc, counters = row
        if zlib.crc32(header) != crc:
            raise JournalDamaged(f"the header of {self.path} is damaged; restore it from a copy, or delete its run")
        try:
            told = msgspec.msgpack.decode(counters)
        except msgspec.DecodeError as error:
            raise JournalDamaged(
                f"the counters of {self.path} are damaged; restore it from a copy, or delete its run"
            ) from error
        return RunRow(run, schema, epoch, pid, host, wall, header, told if isinstance(told, dict) else {})

    @property
    def header(self) -> bytes:
        """What the writer left for readers."""
        return self.row.header

    @property
    def is_written(self) -> bool:
        """True while a process holds the journal to write it; false once that ended, in whichever way."""
        return is_written(self.folder)

    def batches(self, after: int = 0) -> Iterator[Batch]:
        """Committed batches from event number `after` on, in order. Raises JournalDamaged at the first damaged one."""
        # The batch that holds event `after` may begin before it.
        found = self._one("select max(first) from batch where first <= ?", (after,))
        expected = start = found[0] if found and found[0] is not None else 0
        try:
            query = "select first, count, until, events, crc from batch where first >= ? order by first"
            for first, count, until, blob, crc in self._connection.execute(query, (start,)):
                if first != expected:
                    raise JournalDamaged(f"{self.path} has a gap: event {expected} is missing; restore it from a copy")
                events = self._decoded(first, count, until, blob, crc)
                expected = first + count
                if expected > after:
                    skip = max(after - first, 0)
                    yield Batch(first + skip, until, events[skip:] if skip else events)
        except sqlite3.Error as error:
            raise from_sqlite("read", self.path, error) from error

    def events(self) -> Iterator[Event]:
        """Every committed event, in order."""
        for batch in self.batches():
            yield from batch.events

    def close(self) -> None:
        """Let go of the database."""
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()
        if self._copy is not None:
            import shutil

            shutil.rmtree(self._copy, ignore_errors=True)
            self._copy = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decoded(self, first: int, count: int, until: float, blob: bytes, crc: int) -> Sequence[Event]:
        where = f"{self.path}: the batch from event {first} on is damaged; restore it from a copy, or delete its run"
        if checksum(first, count, until, blob) != crc:
            raise JournalDamaged(where)
        try:
            events = decode_events(blob)
        except (msgspec.DecodeError, ValueError) as error:
            raise JournalDamaged(f"{where} ({error})") from error
        if len(events) != count:
            raise JournalDamaged(where)
        return events

    def _one(self, query: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise from_sqlite("read", self.path, error) from error
        return row

    def _connect(self) -> sqlite3.Connection:
        """A read-only connection that leaves nothing behind.

        A journal that nobody writes and that has no WAL is read as the file it is. Else SQLite wants to write the WAL's
        index; where the folder forbids that, a copy serves.
        """
        wal = self.path.with_name(f"{FILE}-wal")
        if not (wal.exists() and wal.stat().st_size) and not is_written(self.folder):
            return _connect(f"{_uri(self.path)}?mode=ro&immutable=1")
        if os.access(self.folder, os.W_OK):
            return _connect(f"{_uri(self.path)}?mode=ro")
        import shutil
        import tempfile

        self._copy = tempfile.mkdtemp(prefix="flowloom-journal-")
        for file in filter(Path.exists, (self.path, wal)):
            shutil.copyfile(file, Path(self._copy) / file.name)
        return _connect(f"{_uri(Path(self._copy) / FILE)}?mode=rw")


def _rows(first: int, events: Sequence[Event]) -> Iterator[tuple[int, int, float, bytes, int]]:
    """A batch as a row; as several where its values are so large that one would be unwieldy."""
    count = len(events)
    if not count:
        return
    blob = encode_events(events)
    if len(blob) > LARGEST_BATCH and count > 1:
        half = count // 2
        yield from _rows(first, events[:half])
        yield from _rows(first + half, events[half:])
        return
    until = events[-1].at
    yield first, count, until, blob, checksum(first, count, until, blob)


def is_written(folder: Path) -> bool:
    """Whether a living process writes the journal in `folder`."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _pack(counters: bytes | Mapping[str, Any]) -> bytes:
    return counters if isinstance(counters, bytes) else msgspec.msgpack.encode(dict(counters))


def _uri(path: Path) -> str:
    from urllib.parse import quote

    return f"file:{quote(str(path.absolute()))}"


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False)


def _open(path: Path) -> sqlite3.Connection:
    connection = _connect(f"{_uri(path)}?mode=rwc")
    try:
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
    except sqlite3.Error:
        connection.close()
        raise
    with contextlib.suppress(OSError):
        path.chmod(0o600)
    return connection


def _end(connection: sqlite3.Connection) -> int:
    row = connection.execute("select first + count from batch order by first desc limit 1").fetchone()
    return int(row[0]) if row else 0


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("pragma user_version").fetchone()[0]
    if found == SCHEMA:
        return
    if found > SCHEMA:
        raise StoreTrouble(
            f"{path} was written by a newer Flowloom (schema {found}, this one reads {SCHEMA}); update this one"
        )
    raise JournalDamaged(f"{path} is no journal of a run; it was begun and never finished, or something else wrote it")


def _take_lock(folder: Path) -> int:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # A reader that tests the lock holds it for a moment: look again before saying that somebody writes.
    for attempt in range(20):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt < 19:
                _rest()
            continue
        return handle
    os.close(handle)
    raise JournalBusy(f"the run in {folder} is being written by another process; one writer at a time")


def _rest() -> None:
    import time

    time.sleep(0.005)


def _release(lock: int, connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
    os.close(lock)


def _reserve(folder: Path) -> None:
    """Keep a little room, so that a full disk can still be told in the journal; without it where that fails."""
    with contextlib.suppress(OSError):
        handle = os.open(folder / RESERVE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, bytes(RESERVE_BYTES))
        finally:
            os.close(handle)
