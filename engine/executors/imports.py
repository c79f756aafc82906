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
        if place not in _folders:
            for name in list(_names_of(place)):
                del sys.modules[name]
        _folders.append(place)
        if place not in sys.path:
            sys.path.insert(_where(), place)


def leave(folder: Path) -> None:
    """End an `enter`: the last one takes the folder off the path."""
    place = str(folder.absolute())
    with _lock:
        if place in _folders:
            _folders.remove(place)
            if place not in _folders and place in sys.path:
                sys.path.remove(place)


def _where() -> int:
    for index, entry in enumerate(sys.path):
        if entry.endswith(("site-packages", "dist-packages")):
            return index
    return len(sys.path)


def _names_of(place: str) -> Iterator[str]:
    """Loaded modules that come from this folder, and those of other places that would hide one of its files."""
    own = (
        {path.stem if path.suffix == ".py" else path.name for path in Path(place).iterdir()}
        if _is_folder(place)
        else set()
    )
    packages = (sys.prefix, sys.base_prefix)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name == "__main__":
            continue
        inside = file.startswith(place + "/") and not file.startswith(packages)
        hides = name.split(".")[0] in own and any(file.startswith(other + "/") for other in _left)
        if inside or hides:
            if inside:
                _left.add(place)
            yield name


_left: set[str] = set()
"""Folders of projects whose modules were loaded here."""


def _is_folder(place: str) -> bool:
    return Path(place).is_dir()
