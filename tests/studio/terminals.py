"""A real terminal for a real process: a pty that is written to and read from, with its size."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUDIO = "import sys; from pathlib import Path; from studio.app import open_studio; sys.exit(open_studio({path}))"


class Terminal:
    """A process on a pty. `sent` is all that it wrote."""

    def __init__(
        self, words: Sequence[str], *, size: tuple[int, int] = (120, 40), environ: Mapping[str, str] | None = None
    ) -> None:
        self.sent = bytearray()
        self.code: int | None = None
        full = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        full |= environ or {}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The size has to be there before the program looks.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            try:
                os.chdir(ROOT)
                os.execve(words[0], list(words), full)
            finally:
                os._exit(127)

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size, as a window manager does."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def read(self, quiet: float = 0.25, most: float = 20.0) -> bytes:
        """What comes until nothing came for `quiet` seconds."""
        start, began = len(self.sent), time.monotonic()
        while time.monotonic() - began < most:
            ready, _, _ = select.select([self.fd], [], [], quiet)
            if not ready:
                break
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:
                break
            if not data:
                break
            self.sent += data
        return bytes(self.sent[start:])

    def until(self, text: str, most: float = 20.0) -> None:
        """Read until this text came. Raises AssertionError where it did not."""
        wanted, began = text.encode(), time.monotonic()
        while wanted not in self.sent:
            assert time.monotonic() - began < most, f"{text!r} never came; the last bytes: {bytes(self.sent[-2000:])!r}"
            self.read(quiet=0.05, most=0.3)

    def press(self, keys: str | bytes, quiet: float = 0.1) -> bytes:
        """Type, and read what comes of it."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            _, ready, _ = select.select([self.fd], [self.fd], [], 5)
            if not ready:
                break
            written = os.write(self.fd, data[:2048])
            data = data[written:]
            if data:
                self.read(quiet=0.0, most=0.2)
        return self.read(quiet)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def end(self, most: float = 10.0) -> int:
        """Wait for the end; kill what does not end."""
        began = time.monotonic()
        while self.alive and time.monotonic() - began < most:
            self.read(quiet=0.05, most=0.2)
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
        os.close(self.fd)
        assert self.code is not None
        return self.code


def studio_on(path: Path | None, **how: object) -> Terminal:
    """The studio in a terminal, on a project or on the welcome."""
    shown = f"Path({str(path)!r})" if path is not None else "None"
    return Terminal([sys.executable, "-P", "-c", STUDIO.format(path=shown)], **how)  # type: ignore[arg-type]
