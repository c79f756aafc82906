"""Runs of the past, as the studio shows them: the history of a folder, and one run, folded from its journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from studio.log_book import LogBook, LogLine
from studio.run_link import nodes_now, run_now
from studio.state import NodeNow, RunNow


def runs_in(folder: Path) -> tuple[RunNow, ...]:
    """The history of the project in this folder, newest first. Makes nothing where nothing has run."""
    from engine.store.index import runs_of
    from engine.store.state_folder import state_folder

    found = []
    for summary in runs_of(state_folder(folder, make=False).path):
        facts = summary.facts
        total = int(facts.get("nodes") or 0)
        counts = {word: int(facts.get(word) or 0) for word in ("failed", "skipped", "canceled", "running")}
        counts["completed"] = int(facts.get("done") or 0)
        counts["ready"] = max(total - sum(counts.values()), 0)
        cause, reason = facts.get("cause"), str(facts.get("reason") or "")
        error = summary.trouble or (f"{cause}" if cause else reason)
        found.append(RunNow(summary.run, summary.state, summary.wall, summary.seconds or 0.0, total, counts, error))
    return tuple(found)


def read_past(folder: Path, run: str | None, book: LogBook) -> tuple[RunNow, Mapping[str, NodeNow]] | None:
    """A run of the history, the last one where `run` is None; its log goes into the book. None where there is none."""
    from engine.history import past_run
    from engine.store.index import find_run
    from engine.store.state_folder import state_folder
    from engine.store.trouble import NoSuchRun

    try:
        summary = find_run(run, state_folder(folder, make=False).path, elsewhere=False)
    except NoSuchRun:
        if run is None:
            return None
        raise
    past = past_run(summary.folder)
    try:
        state = past.state
        now = run_now(state, summary.run)
        if not state.is_over and summary.is_over:
            now = RunNow(now.id, summary.state, now.started, summary.seconds or 0.0, now.total, now.counts, now.error)
        nodes = nodes_now(state, range(len(state.plan.names)))
    finally:
        past.close()
    _read_log(summary.folder, book)
    return now, nodes


LARGE_LOG = 8_000_000
"""Bytes of a node's log up to which it is read for the screen."""


def _read_log(folder: Path, book: LogBook) -> None:
    from engine.store.logs import RunLogs, file_name

    logs = RunLogs(folder)
    book.clear()
    for node in logs.nodes():
        file = logs.folder / file_name(node)
        if file.stat().st_size > LARGE_LOG:
            book.add([LogLine(node, 1, "log", 0.0, f"this log is too large to be shown here: {file}")])
            continue
        book.add(
            LogLine(line.node, line.attempt, line.stream, line.at, line.text) for line in logs.read(node, under=False)
        )
