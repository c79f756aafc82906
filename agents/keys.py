"""Keys: one pair per agent and one per user, who is known by which, and how they lie on disk.

A secret never goes to argv, the environment, a log or a printed object: it is in memory, in a file 0600 inside a folder
0700 of the same user, or on the standard input of a process just started. A file that others could read is refused.
"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from engine.errors import SystemFailure

KEY_LENGTH = 40  # characters of a key in Z85


class KeyPair:
    """A public and a secret key, in Z85. Printing it shows the public half only."""

    __slots__ = ("public", "secret")

    def __init__(self, public: str, secret: str) -> None:
        if len(public) != KEY_LENGTH or len(secret) != KEY_LENGTH:
            raise ValueError(f"a key has {KEY_LENGTH} characters")
        self.public = public
        self.secret = secret

    def __repr__(self) -> str:
        return f"<KeyPair {self.public[:8]}...>"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("keys are not pickled")


class Allowed:
    """The live list of keys that may come in, each with its owner's name. Any thread may ask and change it."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}
        self._lock = threading.Lock()

    def add(self, name: str, public: str) -> None:
        """Let a key in, under a name. Raises ValueError if the name has another key already."""
        key = public.encode("ascii")
        if len(key) != KEY_LENGTH:
            raise ValueError(f"a public key has {KEY_LENGTH} characters, and this one has {len(key)}")
        with self._lock:
            if any(owner == name and other != key for other, owner in self._names.items()):
                raise ValueError(f"{name} has another key; revoke that one first")
            self._names[key] = name

    def revoke(self, name: str) -> bool:
        """Shut a name out, from this moment on. False if it was not in."""
        with self._lock:
            gone = [key for key, owner in self._names.items() if owner == name]
            for key in gone:
                del self._names[key]
        return bool(gone)

    def name_of(self, key: bytes) -> str | None:
        return self._names.get(key)

    def names(self) -> list[str]:
        return sorted(self._names.values())


def private_folder(path: Path) -> Path:
    """Make a folder that only this user can enter, or check that it is one. Raises SystemFailure with the remedy."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SystemFailure(f"{path} is not a folder of yours; remove it, or name another place for agents")
    if found.st_mode & 0o077:
        raise SystemFailure(f"{path} can be entered by others; run: chmod 700 {path}")
    return path


def save_keys(path: Path, keys: KeyPair) -> None:
    """Write a pair to a new file that only this user can read. Raises FileExistsError if there is one."""
    private_folder(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{keys.public}\n{keys.secret}\n")


def load_keys(path: Path) -> KeyPair:
    """Read a pair. Raises SystemFailure if others could have read or written it, or if it is damaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise SystemFailure(f"cannot read the key {path}: {error.strerror}", errno=error.errno) from None
    with os.fdopen(descriptor) as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise SystemFailure(f"the key {path} can be read by others, so it is not used; run: chmod 600 {path}")
        lines = file.read(1024).split("\n")
    try:
        return KeyPair(lines[0], lines[1])
    except (ValueError, IndexError):
        raise SystemFailure(f"{path} is no key; remove it and make a new one: flowloom agent keys --new") from None
