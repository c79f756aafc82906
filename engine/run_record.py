"""Where a run is recorded: its journal and its logs, begun with it, and opened again where it goes on after its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from engine.plan import Plan
from engine.project.model import Project
from engine.runner.publisher import LogKeeper, Recorder


class Record(Protocol):
    """Where a run is recorded: opened again where it goes on after its end."""

    def open(self) -> tuple[Recorder | None, LogKeeper | None]:
        """The journal and the logs, to be appended to. Raises SystemFailure."""

    def close(self) -> None:
        """Let both go."""


class Recorded:
    """The journal and the logs of a run, in a new folder of their own."""

    def __init__(self, project: Path, header: bytes, environment: Mapping[str, str]) -> None:
        from engine.store.index import new_run, remember_place
        from engine.store.state_folder import state_folder

        self._wall = time.time()
        self._header = header
        state = state_folder(project, environ=environment)
        self.id, self.folder = new_run(state.path, self._wall)
        remember_place(state.path, environment)
        self._open: list[Any] = []
        self._begun = False

    def open(self) -> tuple[Recorder, LogKeeper]:
        """Begin the journal, or go on with it."""
        from engine.store.journal import Journal
        from engine.store.logs import RunLogs

        if self._begun:
            book = Journal.resume(self.folder)
        else:
            book = Journal.create(self.folder, self.id, header=self._header, wall=self._wall)
        self._begun = True
        logs = RunLogs(self.folder)
        self._open = [logs, book]
        return book, logs

    def close(self) -> None:
        """Let both go."""
        opened, self._open = self._open, []
        for one in opened:
            one.close()


class Scratch:
    """A place for a run that is not recorded. It is gone when the run has ended, and there again when it goes on."""

    id = "unrecorded"

    def __init__(self) -> None:
        import tempfile

        self.folder = Path(tempfile.mkdtemp(prefix="flowloom-"))

    def open(self) -> tuple[None, None]:
        """Make the folder, where it is not there."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return None, None

    def close(self) -> None:
        """Remove it."""
        import shutil

        shutil.rmtree(self.folder, ignore_errors=True)


def header_of(
    project: Project,
    plan: Plan,
    *,
    text: str,
    file: Path | None,
    params: Mapping[str, Any] | None,
    executor: str | None,
    python: str,
    files: Mapping[str, str] | None = None,
) -> bytes:
    """What a journal tells before its first event: enough to make the same plan again, long after the file changed."""
    return msgspec.msgpack.encode(
        {
            "format": 1,
            "project": project.workflow.name,
            "file": str(file) if file else None,
            "text": text,
            "files": dict(files or {}),
            "params": {name: writable(value) for name, value in plan.params.items()},
            "given": {name: writable(value) for name, value in (params or {}).items()},
            "executor": executor,
            "python": python,
            "keep_going": plan.keep_going,
            "nodes": len(plan.names),
        },
        enc_hook=str,
    )


def writable(value: Any) -> Any:
    """A param as a journal can hold it: plain data as it is, anything else as text."""
    try:
        msgspec.msgpack.encode(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)
    return value
