"""Drafts that were never saved, kept in the user's state folder until they are: nothing is lost by a crash or a quit.

One small file for each project file and studio, written whole or not at all, readable by the user only. It is offered
when the project is opened again, unless the studio that wrote it is still alive: then it is in use.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from studio.config import state_file
from studio.state import KeptDraft

MOST_BYTES = 64_000_000


def folder() -> Path:
    """Where drafts are kept."""
    return state_file().parent / "drafts"


def keep(path: Path, text: str, base: str, now: float) -> None:
    """Keep a draft of the file at `path`. Raises OSError where that cannot be."""
    found = KeptDraft(text, base, now)
    place = _file(path, os.getpid())
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = place.with_suffix(f".{os.urandom(4).hex()}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(found))
            file.flush()
            os.fsync(file.fileno())
        new.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def drop(path: Path, *, before: bool = False) -> None:
    """Forget what this studio kept of a file; with `before`, also what studios kept that have ended."""
    for place in _files(path) if before else (_file(path, os.getpid()),):
        if not _in_use(place):
            with contextlib.suppress(OSError):
                place.unlink()


def find(path: Path, text: str) -> KeptDraft | None:
    """The newest draft of a file that nobody has in hand, if it says something else than the file does now."""
    newest: KeptDraft | None = None
    for place in _files(path):
        if _in_use(place):
            continue
        try:
            if place.stat().st_size > MOST_BYTES:
                continue
            found = msgspec.json.decode(place.read_bytes(), type=KeptDraft)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
        if found.text != text and (newest is None or found.kept > newest.kept):
            newest = found
    return newest


def _file(path: Path, process: int) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:24]
    return folder() / f"{name}-{process}.json"


def _files(path: Path) -> Iterator[Path]:
    start = _file(path, 0).name.rpartition("-")[0]
    with contextlib.suppress(OSError):
        yield from sorted(folder().glob(f"{start}-*.json"))


def _in_use(place: Path) -> bool:
    """Whether the studio that wrote it is another one that is still there."""
    number = place.stem.rpartition("-")[2]
    if not number.isdigit() or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
