"""Results on disk while no engine takes them: what an agent has finished outlives its process.

A file for each result, with the large parts that it names; written whole or not at all. A damaged one is put aside.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from agents.keys import private_folder
from agents.protocol import TaskId, TaskResult


class Spool:
    """The results of one agent in `folder`, which is made, and only this user's."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)

    def _path(self, task: TaskId) -> Path:
        return self._folder / f"{sha256(str(task).encode()).hexdigest()[:32]}.result"

    def write(self, results: list[TaskResult], values: dict[bytes, Any]) -> None:
        for result in results:
            path = self._path(result.task_id)
            parts = {name: bytes(values[name]) for name in result.values if name in values}
            data = msgspec.msgpack.encode([result, parts])
            part = path.with_suffix(".part")
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)

    def remove(self, tasks: list[TaskId]) -> None:
        for task in tasks:
            self._path(task).unlink(missing_ok=True)

    def read(self, values: dict[bytes, Any]) -> list[TaskResult]:
        """What an earlier process left. A damaged file is put aside, never believed."""
        found = []
        for path in sorted(self._folder.glob("*.result")):
            try:
                result, parts = msgspec.msgpack.decode(path.read_bytes(), type=tuple[TaskResult, dict[bytes, bytes]])
            except (OSError, msgspec.DecodeError):
                path.replace(path.with_suffix(".damaged"))
                continue
            values.update(parts)
            found.append(result)
        return found
