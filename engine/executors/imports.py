"""Where tasks are imported from, for executors that run them in the engine's own process.

A project's folder comes after the standard library and before installed packages, so that a project's `tasks.py` is found
and its `random.py` changes nothing for anybody else.

A run loads the project's modules once, and they stay: results and later code share their classes. They are loaded anew by
a later run if a file of theirs has changed, or if another project has a module of the same name. Modules that the program
itself had imported before are left alone.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from pathlib import Path

Stamp = tuple[str, int]
"""The folder whose run loaded a module, and when its file was changed last."""

_lock = threading.Lock()
_folders: list[str] = []
_put: set[str] = set()
"""Folders that `enter` itself put on the path; those that were there before stay."""
_before: dict[str, set[str]] = {}
_entered: dict[str, int] = {}
_loaded: dict[str, Stamp] = {}


def enter(folder: Path) -> None:
    """Let modules of `folder` be imported. Call `leave` with the same folder afterwards."""
    place = str(folder.absolute())
    with _lock:
        if place not in _folders:
            _drop_stale(place)
            _before[place] = set(sys.modules)
            _entered[place] = time.time_ns()
        _folders.append(place)
        if place not in sys.path:
            sys.path.insert(_where(), place)
            _put.add(place)


def leave(folder: Path) -> None:
    """End an `enter`: the last one takes the folder off the path, unless it was there before."""
    place = str(folder.absolute())
    with _lock:
        if place not in _folders:
            return
        _folders.remove(place)
        if place in _folders:
            return
        entered = _entered.pop(place)
        for name in set(sys.modules) - _before.pop(place):
            changed = _changed(_file_of(name))
            if changed is not None and _is_inside(_file_of(name), place):
                _loaded[name] = (place, changed if changed <= entered else 0)  # 0: it may be older than its file
        if place in _put:
            _put.discard(place)
            if place in sys.path:
                sys.path.remove(place)


def renew(folder: Path) -> None:
    """Forget what was imported from a folder that was entered: whoever needs it imports it anew."""
    place = str(folder.absolute())
    with _lock:
        for name in set(sys.modules) - _before.get(place, set(sys.modules)):
            if _is_inside(_file_of(name), place):
                sys.modules.pop(name, None)


def _where() -> int:
    for index, entry in enumerate(sys.path):
        if entry.endswith(("site-packages", "dist-packages")):
            return index
    return len(sys.path)


def _drop_stale(place: str) -> None:
    """Forget modules of earlier runs whose files have changed, or that hide a module of this project."""
    edited = any(home == place and _changed(_file_of(name)) != at for name, (home, at) in _loaded.items())
    names = _names_in(place)
    for name, (home, _) in list(_loaded.items()):
        if (home == place and edited) or (home != place and name.split(".")[0] in names):
            del _loaded[name]
            sys.modules.pop(name, None)


def _names_in(place: str) -> set[str]:
    with contextlib.suppress(OSError):
        return {entry.stem if entry.suffix == ".py" else entry.name for entry in Path(place).iterdir()}
    return set()


def _file_of(name: str) -> str | None:
    file = getattr(sys.modules.get(name), "__file__", None)
    return file if isinstance(file, str) else None


def _is_inside(file: str | None, place: str) -> bool:
    return file is not None and file.startswith(place + "/") and "site-packages" not in file


def _changed(file: str | None) -> int | None:
    if file is not None:
        with contextlib.suppress(OSError):
            return Path(file).stat().st_mtime_ns
    return None
