"""Files that may change while a project is open: its own, other workflows beside it, its code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

POLL = 0.3
"""Seconds between two looks at the files of the project."""
MOST_WATCHED = 200


class Watch:
    """Looks at a project's files now and then, and says when one changed: the project file, other TOML, its code."""

    def __init__(self, path: Path, changed: Callable[[], None]) -> None:
        self.path = path
        self._changed = changed
        self._over = threading.Event()

    def start(self) -> None:
        """Look from now on, in a thread of its own."""
        threading.Thread(target=self._look, name="flowloom-watch-files", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _look(self) -> None:
        seen = self.stamps()
        while not self._over.wait(POLL):
            now = self.stamps()
            if now != seen:
                # Editors write in several steps: wait until nothing moves, then read once.
                while not self._over.wait(POLL / 3) and (later := self.stamps()) != now:
                    now = later
                seen = now
                if not self._over.is_set():
                    self._changed()

    def stamps(self) -> tuple[tuple[str, int, int], ...]:
        """Name, time and size of each watched file, as far as there are any."""
        file = self.path if self.path.suffix == ".toml" else self.path / "project.toml"
        found: list[tuple[str, int, int]] = []
        try:
            near = sorted(p for p in file.parent.iterdir() if p.suffix in {".toml", ".py"})[:MOST_WATCHED]
        except OSError:
            near = [file]
        for path in near if file in near else [file, *near]:
            try:
                about = path.stat()
            except OSError:
                continue
            found.append((path.name, about.st_mtime_ns, about.st_size))
        return tuple(found)
