"""Whether the Python files of a project were changed while a run of it goes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

MOST = 5000
"""Files and folders that are looked at: a project with more has something else in its folder."""
_APART = frozenset({"__pycache__", "node_modules", "site-packages"})


class Sources:
    """The Python files of a folder. Nothing is looked at before somebody asks."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._since = time.time_ns()

    def have_changed(self) -> bool:
        """Whether one was written since this was last asked, or since the beginning."""
        since, self._since = self._since, time.time_ns()
        return any(written > since for written in self._writings())

    def _writings(self) -> Iterator[int]:
        todo, seen = [self._folder], 0
        while todo:
            try:
                entries = list(os.scandir(todo.pop()))
            except OSError:
                continue
            for entry in entries:
                seen += 1
                if seen > MOST:
                    return
                if entry.is_dir(follow_symlinks=False):
                    hidden = entry.name.startswith(".") or entry.name in _APART
                    if not hidden and not Path(entry.path, "pyvenv.cfg").exists():
                        todo.append(entry.path)
                elif entry.name.endswith(".py"):
                    try:
                        yield entry.stat().st_mtime_ns
                    except OSError:
                        continue
