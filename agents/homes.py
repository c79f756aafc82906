"""Agents that outlive runs: where each of them lives on this machine, who may talk to it, and whether it is alive.

    USER STATE/flowloom/agents/NAME/    0700   agent.key, agent.json (how it is started), agent.log, status.json, spool/
    USER STATE/flowloom/keys/user.key          whom they take orders from
    RUNTIME/flowloom/NAME.sock                 where the engine that holds the agent listens; the agent connects to it
    RUNTIME/flowloom/NAME.lock                 held by that engine, which has written its name into it

The agent connects, and connects again for ever, so an engine that comes back finds it. The socket file lies apart from
the state because its path may have 107 bytes only. Nothing here imports zmq.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from agents.keys import KeyPair, load_keys, private_folder, save_keys
from engine.errors import SystemFailure

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
LONGEST_SOCKET = 107


class Description(Struct):
    """How an agent is started: everything but its secret."""

    name: str
    slots: int = 2
    labels: list[str] = []
    resources: dict[str, float] = {}
    python: str = ""
    folder: str = ""
    linger: float = 600.0


class Status(Struct):
    """What a living agent says of itself. `at` is the wall clock, only to be shown."""

    pid: int = 0
    at: float = 0.0
    engine: str = ""
    running: list[str] = []
    load: float = 0.0
    draining: bool = False


def state_folder() -> Path:
    """This user's state of agents."""
    from platformdirs import user_state_path

    return Path(user_state_path("flowloom"))


def runtime_folder() -> Path:
    """Where the socket files lie: short, and only this user's."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return private_folder(Path(base) / "flowloom")
    return private_folder(Path(tempfile.gettempdir()) / f"flowloom-{os.getuid()}")


def user_keys(new: Any) -> KeyPair:
    """The keys of this user, made by `new()` if there are none."""
    path = state_folder() / "keys" / "user.key"
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            save_keys(path, new())
    return load_keys(path)


class Home:
    """One agent's place on this machine."""

    def __init__(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise SystemFailure(f"{name!r} is no name for an agent: letters, digits, '-', '_' and '.', at most 40")
        self.name = name
        self.folder = state_folder() / "agents" / name
        self.key = self.folder / "agent.key"
        self.log = self.folder / "agent.log"
        self.spool = self.folder / "spool"
        self._pid = self.folder / "agent.pid"
        self._status = self.folder / "status.json"
        self._description = self.folder / "agent.json"
        self._revoked = self.folder / "revoked"

    @property
    def socket(self) -> Path:
        path = runtime_folder() / f"{self.name}.sock"
        if len(os.fsencode(path)) > LONGEST_SOCKET:
            raise SystemFailure(f"{path} is too long for a socket; set XDG_RUNTIME_DIR to a shorter folder")
        return path

    def make(self, description: Description, new: Any) -> KeyPair:
        """Write everything that a start needs; a key that is there is kept, unless it was revoked."""
        private_folder(self.folder)
        private_folder(self.spool)
        if self._revoked.exists():
            self.key.unlink(missing_ok=True)
            self._revoked.unlink()
        if not self.key.exists():
            save_keys(self.key, new())
        self._description.write_bytes(msgspec.json.format(msgspec.json.encode(description)) + b"\n")
        return load_keys(self.key)

    def description(self) -> Description:
        try:
            return msgspec.json.decode(self._description.read_bytes(), type=Description)
        except (OSError, msgspec.DecodeError) as problem:
            raise SystemFailure(f"there is no agent {self.name!r} here: flowloom agent list shows them") from problem

    # ------------------------------------------------------------ alive

    def claim(self) -> int:
        """Be the process of this agent: holds a lock for as long as it lives. Raises SystemFailure if one lives."""
        descriptor = os.open(self._pid, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise SystemFailure(f"agent {self.name!r} runs already, as process {self.pid()}") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return descriptor

    def pid(self) -> int:
        """Its process, 0 if it does not live. The lock tells: a number in a file may be somebody else's by now."""
        try:
            descriptor = os.open(self._pid, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return 0
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(descriptor, 32).decode("ascii", "replace")
            return int(text) if text.isdigit() else 0
        finally:
            os.close(descriptor)
        return 0

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to its process; False if it does not live."""
        pid = self.pid()
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return True

    def say(self, status: Status) -> None:
        """Write what the agent says of itself."""
        part = self._status.with_suffix(".part")
        with contextlib.suppress(OSError):
            part.write_bytes(msgspec.json.encode(status))
            part.replace(self._status)

    def status(self) -> Status:
        try:
            return msgspec.json.decode(self._status.read_bytes(), type=Status)
        except (OSError, msgspec.DecodeError):
            return Status()

    def age(self) -> float:
        """Seconds since it last said something."""
        try:
            return max(0.0, time.time() - self._status.stat().st_mtime)
        except OSError:
            return float("inf")

    # ------------------------------------------------------------ whose it is

    def hold(self, engine: str) -> int | None:
        """Hold this agent for an engine: a descriptor that keeps it, None if another engine has it."""
        path = self.socket.with_suffix(".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{engine} (process {os.getpid()})".encode())
        return descriptor

    def holder(self) -> str:
        """Who holds it, for people; empty if nobody does."""
        path = self.socket.with_suffix(".lock")
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.read(descriptor, 200).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
        return ""

    def revoke(self) -> None:
        """Its key is not welcome any more, from this moment on; a new start makes a new one."""
        private_folder(self.folder)
        self._revoked.touch(mode=0o600)

    @property
    def is_revoked(self) -> bool:
        return self._revoked.exists()


def homes() -> list[Home]:
    """Every agent that has a place on this machine."""
    try:
        names = sorted(path.name for path in (state_folder() / "agents").iterdir() if path.is_dir())
    except OSError:
        return []
    return [Home(name) for name in names if NAME.fullmatch(name)]


def living() -> list[Home]:
    """Those whose process is there and whose key is welcome."""
    return [home for home in homes() if not home.is_revoked and home.pid()]
