"""An executor for Flowloom: `executor = "diary"`. It does attempts in threads, and writes down which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.executors.threads import ThreadsExecutor


class DiaryExecutor(ThreadsExecutor):
    """Threads with a diary: `diary.txt` in the project's folder."""

    def open(self, workplace: Any, report: Any) -> None:
        """Get ready, and find the diary."""
        self._diary = Path(workplace.folder, "diary.txt")
        super().open(workplace, report)

    def start(self, attempts: Sequence[Any]) -> None:
        """Begin these attempts, and write them down."""
        with self._diary.open("a", encoding="utf-8") as diary:
            diary.writelines(f"{attempt.path} #{attempt.number}\n" for attempt in attempts)
        super().start(attempts)
