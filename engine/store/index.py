"""The list of runs: of one project's state folder, and where else runs of this user are.

The truth is in the journals: each holds one row that tells its run's state and counts. `index.db` beside them only
saves opening hundreds of databases: a row per run with the size and time of the journal it was read from. It may be
deleted, damaged or unwritable at any time; then the list is read from the journals again.

A run is named by its id, by any unique beginning of it, or by `last`. Ids sort by time and read well:
20261123-101500-k3f.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.store.journal import FILE, Journal, is_written
from engine.store.state_folder import RUNS, local_state
from engine.store.trouble import NoSuchRun, StoreTrouble, from_os

INDEX = "index.db"
PLACES = "places.txt"
MOST_PLACES = 500
LAST = "last"

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
_RUN_ID = re.compile(r"\d{8}-\d{6}-[a-z0-9]{3,8}")
_GOING = frozenset({"ready", "running", "paused", "compensating"})
_FINAL = frozenset({"completed", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a list of runs shows of one. `wall` is when it began (seconds since 1970), `seconds` how long it took.

    `state` is a WorkflowState's value, or "interrupted": its process ended without ending the run, or "damaged".
    `facts` are the counters that the runner recorded (nodes, done, failed, ...) and what its header tells (project,
    ...).
    """

    run: str
    folder: Path
    state: str
    wall: float = 0.0
    seconds: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""

    @property
    def is_over(self) -> bool:
        """True if nothing of it is going on any more."""
        return self.state not in _GOING


# -- ids and folders of runs -----------------------------------------------------------------------------------------


def run_id(wall: float, letters: str | None = None) -> str:
    """An id for a run that begins at `wall` (seconds since 1970), in local time."""
    if letters is None:
        letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in os.urandom(3))
    try:
        moment = time.strftime("%Y%m%d-%H%M%S", time.localtime(wall))
    except (OverflowError, ValueError, OSError):  # a clock far out of its mind
        moment = "19700101-000000"
    return f"{moment}-{letters}"


def is_run_id(text: str) -> bool:
    """Whether this can be a run's id: nothing else ever becomes part of a path."""
    return _RUN_ID.fullmatch(text) is not None


def new_run(state: Path, wall: float | None = None) -> tuple[str, Path]:
    """Make the folder of a new run in a state folder; its id and the folder. Raises StoreTrouble."""
    moment = time.time() if wall is None else wall
    runs = state / RUNS
    try:
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise from_os("make the folder", runs, error) from error
    for _ in range(1000):
        name = run_id(moment)
        folder = runs / name
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise from_os("make a folder for the run in", runs, error) from error
        return name, folder
    raise StoreTrouble(f"{runs} has too many runs of this second; try again in a moment")


# -- the list --------------------------------------------------------------------------------------------------------


def runs_of(state: Path) -> list[RunSummary]:
    """Every run of a state folder, newest first. Damaged ones are in it, and say so."""
    try:
        folders = [Path(entry.path) for entry in os.scandir(state / RUNS) if is_run_id(entry.name)]
    except OSError:
        return []
    with _Memory(state) as memory:
        found = [summary for folder in folders if (summary := _summary(folder, memory)) is not None]
        memory.forget_all_but(folder.name for folder in folders)
    found.sort(key=lambda summary: (summary.wall, summary.run), reverse=True)
    return found


def summary_of(folder: Path) -> RunSummary:
    """What is known of the run in this folder, read from its journal now."""
    try:
        with Journal.read(folder) as reader:
            row = reader.row
    except StoreTrouble as trouble:
        return RunSummary(folder.name, folder, "damaged", _wall_of(folder), trouble=str(trouble))
    state = str(row.counters.get("state", "running"))
    if state in _GOING and not is_written(folder):
        state = "interrupted"
    ended = row.counters.get("ended")
    seconds = float(ended) if isinstance(ended, int | float) else None
    return RunSummary(row.run, folder, state, row.wall, seconds, {**_header_facts(row.header), **row.counters})


def find_run(word: str | None, state: Path | None, *, elsewhere: bool = True) -> RunSummary:
    """The run that `word` names: an id, a unique beginning, or `last` (also None). Raises NoSuchRun.

    Looked for in `state` first, then in every state folder that this user's runs were kept in.
    """
    here = runs_of(state) if state is not None else []
    if word in (None, "", LAST):
        if here:
            return here[0]
        if state is not None or not elsewhere:
            raise NoSuchRun("nothing has run here yet; start a run with: flowloom run")
        everywhere = _elsewhere(state)
        if everywhere:
            return max(everywhere, key=lambda summary: (summary.wall, summary.run))
        raise NoSuchRun("nothing has run yet; start a run with: flowloom run PROJECT")
    assert word is not None
    found = _matching(word, here) or (_matching(word, _elsewhere(state)) if elsewhere else [])
    if len(found) == 1:
        return found[0]
    shown = "".join(char if char.isprintable() else "?" for char in word[:60])
    if not found:
        raise NoSuchRun(f"there is no run {shown!r}; list them with: flowloom runs")
    near = ", ".join(summary.run for summary in found[:5])
    raise NoSuchRun(f"{len(found)} runs begin with {shown!r}: {near}; write more of the id")


def _matching(word: str, among: Sequence[RunSummary]) -> list[RunSummary]:
    exact = [summary for summary in among if summary.run == word]
    return exact or [summary for summary in among if summary.run.startswith(word)]


def _summary(folder: Path, memory: _Memory) -> RunSummary | None:
    try:
        stamp = _stamp(folder)
    except OSError:
        return None  # a folder whose run has not begun, or is being deleted
    known = memory.get(folder.name, stamp)
    if known is not None:
        return RunSummary(folder.name, folder, known["state"], known["wall"], known["seconds"], known["facts"])
    summary = summary_of(folder)
    if summary.state in _FINAL:
        memory.put(summary, stamp)
    return summary


def _stamp(folder: Path) -> tuple[int, int]:
    """What changes when a journal does: in WAL mode the database itself may stay as it was for long."""
    found = (folder / FILE).stat()
    try:
        wal = (folder / f"{FILE}-wal").stat()
    except FileNotFoundError:
        return found.st_mtime_ns, found.st_size
    return max(found.st_mtime_ns, wal.st_mtime_ns), found.st_size + wal.st_size


def _wall_of(folder: Path) -> float:
    try:
        return time.mktime(time.strptime(folder.name[:15], "%Y%m%d-%H%M%S"))
    except (ValueError, OverflowError):
        return 0.0


def _header_facts(header: bytes) -> dict[str, Any]:
    """What a header tells a list of runs: its plain entries. Project text and the like stay where they are."""
    try:
        told = msgspec.msgpack.decode(header)
    except (msgspec.DecodeError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {
        str(key): value
        for key, value in told.items()
        if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 1000)
    }


class _Memory:
    """`index.db`: what was read from journals that do not change any more. Every failure means: read the journal."""

    def __init__(self, state: Path) -> None:
        self._path = state / INDEX
        self._connection: sqlite3.Connection | None = None
        self._rows: dict[str, tuple[int, int, bytes]] = {}

    def __enter__(self) -> _Memory:
        try:
            self._connect()
        except sqlite3.Error:
            self._leave()
            with contextlib.suppress(OSError):  # damaged, or of another version: it is only a memory
                self._path.unlink()
            with contextlib.suppress(sqlite3.Error):
                self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def get(self, run: str, stamp: tuple[int, int]) -> dict[str, Any] | None:
        row = self._rows.get(run)
        if row is None or row[:2] != stamp:
            return None
        try:
            told = msgspec.msgpack.decode(row[2])
        except msgspec.DecodeError:
            return None
        return told if isinstance(told, dict) and told.keys() == {"state", "wall", "seconds", "facts"} else None

    def put(self, summary: RunSummary, stamp: tuple[int, int]) -> None:
        told = {
            "state": summary.state,
            "wall": summary.wall,
            "seconds": summary.seconds,
            "facts": dict(summary.facts),
        }
        row = (summary.run, *stamp, msgspec.msgpack.encode(told))
        self._write("insert or replace into runs values (?,?,?,?)", [row])

    def forget_all_but(self, runs: Iterable[str]) -> None:
        gone = self._rows.keys() - set(runs)
        if gone:
            self._write("delete from runs where run=?", [(run,) for run in gone])

    def _write(self, query: str, rows: list[tuple[Any, ...]]) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.executemany(query, rows)

    def _connect(self) -> None:
        self._connection = sqlite3.connect(self._path, timeout=0.2, isolation_level=None)
        self._connection.execute("pragma synchronous=off")
        self._connection.execute(
            "create table if not exists runs(run text primary key, changed integer, size integer, told blob)"
        )
        self._connection.execute("begin")
        query = "select run, changed, size, told from runs"
        self._rows = {run: (changed, size, told) for run, changed, size, told in self._connection.execute(query)}

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.commit()
            connection.close()


# -- where else ------------------------------------------------------------------------------------------------------


def remember_place(state: Path, environ: Mapping[str, str] | None = None) -> None:
    """Note that runs of this user are kept in `state`, so that their ids are found from anywhere; never raises."""
    line = str(state.absolute())
    if "\n" in line or not line.isprintable():
        return
    file = local_state(environ) / PLACES
    with contextlib.suppress(OSError):
        known = places(environ)
        if known and known[0] == state:
            return
        kept = [line, *(str(place) for place in known if str(place) != line)][:MOST_PLACES]
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_name(f"{PLACES}.{os.getpid()}")
        fresh.write_text("".join(f"{place}\n" for place in kept), "utf-8", "surrogateescape")
        fresh.replace(file)


def places(environ: Mapping[str, str] | None = None) -> list[Path]:
    """State folders that this user's runs were kept in, the one used last first."""
    try:
        text = (local_state(environ) / PLACES).read_text("utf-8", "surrogateescape")
    except OSError:
        return []
    return [Path(line) for line in text.splitlines() if line.startswith("/")]


def _elsewhere(state: Path | None) -> list[RunSummary]:
    return [summary for place in places() if place != state for summary in runs_of(place)]
