"""Agent processes on this machine: started with their secrets on standard input, watched, started again, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from agents.homes import Description, Home, user_keys
from agents.keys import load_keys
from agents.service import Settings

ROOT = Path(__file__).resolve().parents[1]
# Our own package is found first and its folder is then taken from the path again: a project's `agents` is not ours.
_BOOT = "import sys; sys.path.insert(0, {root!r}); from agents.service import main; sys.path.remove({root!r}); sys.exit(main())"

_standing: list[subprocess.Popen[bytes]] = []  # nobody waits for these, and Popen complains about that when it is freed


def start_standing(home: Home, described: Description, *, foreground: bool = False) -> subprocess.Popen[bytes]:
    """Start an agent that outlives this process (unless `foreground`); its key must be in its home."""
    from agents.gate import new_keys

    keys = load_keys(home.key)
    settings = Settings(
        name=described.name,
        slots=described.slots,
        endpoint=f"ipc://{home.socket}",
        server=user_keys(new_keys).public,
        public=keys.public,
        secret=keys.secret,
        folder=described.folder,
        python=described.python,
        spool=str(home.spool),
        labels=described.labels,
        resources=described.resources,
        tied=foreground,
        linger=described.linger,
        home=True,
    )
    with os.fdopen(os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT.format(root=str(ROOT))],
            stdin=subprocess.PIPE,
            stdout=None if foreground else output,
            stderr=None if foreground else output,
            start_new_session=not foreground,
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(msgspec.json.encode(settings) + b"\n")
        process.stdin.flush()
        if not foreground:
            process.stdin.close()
    _standing.append(process)
    return process


class LocalAgent:
    """One agent process. `on_exit(self, code)` is called in a thread of its own when it has ended."""

    def __init__(self, settings: Settings, log: Path, on_exit: Callable[[LocalAgent, int], None]) -> None:
        self.name = settings.name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT.format(root=str(ROOT))],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        stdin = self.process.stdin
        assert stdin is not None
        with contextlib.suppress(BrokenPipeError):
            stdin.write(msgspec.json.encode(settings) + b"\n")
            stdin.flush()
        self._on_exit = on_exit
        self._thread = threading.Thread(target=self._watch, name=f"flowloom-{self.name}", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _watch(self) -> None:
        code = self.process.wait()
        self._let_go()
        self._on_exit(self, code)

    def _let_go(self) -> None:
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def close(self, seconds: float) -> None:
        """Let go of its input, which ends it, and see it gone; killed after `seconds`."""
        self._let_go()
        if not self.wait(seconds):
            self.process.kill()
            self.process.wait()
        if self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def last_words(self, most: int = 2000) -> str:
        """The end of its log, for people."""
        try:
            return self.log.read_bytes()[-most:].decode("utf-8", "replace").strip()
        except OSError:
            return ""
