"""Whose code may run: folders that a person trusted, by real path and owner; foreign snapshots and blobs by content.

Opening a project runs nothing, trusted or not. Trust is asked for before the first run, and kept in the user's own state
in one small file, which only its owner may write. A folder that now belongs to somebody else is a stranger again, and
so is one that a symbolic link was bent to: what counts is where the link leads.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import SystemFailure
from engine.project.source import save

FILE = "trust.json"
MAX_BYTES = 4 * 2**20


class TrustedFolder(Struct, frozen=True):
    """A folder as it was when a person trusted it: its real path, and the number of its owner."""

    path: str
    owner: int


class Trusted(Struct, frozen=True):
    """All that a person trusts. `contents` are hashes of snapshots and blobs."""

    folders: tuple[TrustedFolder, ...] = ()
    contents: tuple[str, ...] = ()


def trust_file() -> Path:
    """Where trust is kept: $FLOWLOOM_CONFIG, else the user's state folder. Raises SystemFailure without a home."""
    named = os.environ.get("FLOWLOOM_CONFIG")
    if named:
        return Path(named).absolute() / FILE
    from platformdirs import user_state_path

    try:
        return user_state_path("flowloom") / FILE
    except RuntimeError as error:
        raise SystemFailure(
            f"no home folder can be found ({error}); set FLOWLOOM_CONFIG to a folder of yours"
        ) from None


def is_trusted(folder: Path) -> bool:
    """Whether a person said that code of this very folder may run. False wherever there is a doubt."""
    try:
        return _as_it_is(folder) in trusted().folders
    except (OSError, SystemFailure):
        return False


def trust(folder: Path) -> TrustedFolder:
    """Remember that code of this folder may run. Raises SystemFailure where it is none, or cannot be remembered."""
    try:
        found = _as_it_is(folder)
    except OSError as error:
        raise SystemFailure(f"{folder} cannot be trusted: {error.strerror}", errno=error.errno) from None
    _change(lambda old: Trusted((*(one for one in old.folders if one.path != found.path), found), old.contents))
    return found


def revoke(folder: Path) -> bool:
    """Forget that a folder was trusted; False if it was not. Works for folders that are gone, too."""
    path = os.path.realpath(folder)
    known = any(one.path == path for one in trusted().folders)
    if known:
        _change(lambda old: Trusted(tuple(one for one in old.folders if one.path != path), old.contents))
    return known


def is_trusted_content(digest: str) -> bool:
    """Whether a person said that the snapshot or blob of this hash may be opened."""
    try:
        return digest in trusted().contents
    except (OSError, SystemFailure):
        return False


def trust_content(digest: str) -> None:
    """Remember that the snapshot or blob of this hash may be opened. Raises SystemFailure."""
    _change(lambda old: Trusted(old.folders, tuple(dict.fromkeys((*old.contents, digest)))))


def trusted() -> Trusted:
    """All that is trusted now. Nothing, if the file is missing, damaged, or could have been written by somebody else."""
    file = trust_file()
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Trusted()
    with os.fdopen(handle, "rb") as opened:
        about = os.fstat(opened.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o022:
            return Trusted()
        try:
            # Python's own reader: a path may hold bytes that are no characters, and msgspec refuses those.
            return msgspec.convert(json.loads(opened.read(MAX_BYTES)), Trusted)
        except (msgspec.ValidationError, ValueError, RecursionError, OSError):
            return Trusted()


def _as_it_is(folder: Path) -> TrustedFolder:
    path = os.path.realpath(folder, strict=True)
    about = os.stat(path)  # noqa: PTH116 - of the very text that is kept
    if not stat.S_ISDIR(about.st_mode):
        raise NotADirectoryError(20, "it is no folder", path)
    return TrustedFolder(path, about.st_uid)


def _change(make: Callable[[Trusted], Trusted]) -> None:
    """Read, change and save under a lock, so that two commands at once lose nothing."""
    file = trust_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(file.with_suffix(".lock")):
            new = make(trusted())
            text = json.dumps(msgspec.to_builtins(new), indent=2, ensure_ascii=True)
            save(file, text + "\n")
            file.chmod(0o600)
    except OSError as error:
        raise SystemFailure(f"{file} cannot be written: {error.strerror or error}", errno=error.errno) from error


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
