"""Where tasks are imported from, for executors that run them in the engine's own process.

A project's folder comes after the standard library and before installed packages, so that a project's `tasks.py` is found
and its `random.py` changes nothing for anybody else. Modules of a project are imported anew for each run, as they may
have been edited since, and two projects may both have a `tasks.py`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_lock = threading.Lock()
_folders: list[str] = []


def enter(folder: Path) -> None:
    """Let modules of `folder` be imported. Call `leave` with the same folder afterwards."""
    place = str(folder.absolute())
    with _lock:
        if not _folders:
            for name in _loaded:
                sys.modules.pop(name, None)
            _loaded.clear()
            _before.clear()
            _before.update(sys.modules)
        _folders.append(place)
        if place not in sys.path:
            sys.path.insert(_where(), place)


def leave(folder: Path) -> None:
    """End an `enter`: the last one takes the folder off the path, and notes what was imported from it meanwhile."""
    place = str(folder.absolute())
    with _lock:
        if place not in _folders:
            return
        _folders.remove(place)
        _loaded.update(name for name in _names_of(place) if name not in _before)
        if place not in _folders and place in sys.path:
            sys.path.remove(place)


def _where() -> int:
    for index, entry in enumerate(sys.path):
        if entry.endswith(("site-packages", "dist-packages")):
            return index
    return len(sys.path)


def _names_of(place: str) -> Iterator[str]:
    """Loaded modules whose files lie in this folder, but not in an environment inside of it."""
    packages = (sys.prefix, sys.base_prefix)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(place + "/") and not file.startswith(packages):
            yield name


_loaded: set[str] = set()
"""Modules that runs imported from their projects. Nothing else is ever unloaded: a program that runs a workflow from
its own folder keeps its modules."""
_before: set[str] = set()
"""What was loaded before the first of the present runs began."""
