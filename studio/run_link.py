"""From the engine to the studio: what a run looks like now, once a frame.

A live run is read from the engine's own state: its columns are written by the engine's thread only, and the feed names
the nodes that changed since the last look. `past_runs` makes the same records of a run that is over. The engine never
waits for any of this: looking takes references out of the feed, and a studio that does not look for a while finds the
newest progress and everything that happened.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.log_book import LogBook, LogLine
from studio.state import Foreseen, NodeNow, RunNow

if TYPE_CHECKING:
    from engine.forecast import Forecast
    from engine.machine.state import NodeRecord, RunState
    from engine.monitor.feed import Glance
    from engine.start import RunHandle

MOST_TROUBLE = 20_000
"""Characters of a traceback that the screen keeps."""


class RunLink:
    """The studio's end of a run that goes on in this process. Every method is quick and may be called from any
    thread."""

    def __init__(self, handle: RunHandle, book: LogBook) -> None:
        self.handle = handle
        self.book = book
        self._subscription = handle.run.feed.subscribe()
        self._progress: dict[int, tuple[float | None, str]] = {}
        self._known = 0
        self._first = True

    def look(self) -> tuple[RunNow, Mapping[str, NodeNow]]:
        """The run, and the nodes that changed since the last look."""
        from engine.machine.events import AttemptsPlaced, GraphChanged, Retried

        glance = self._subscription.take()
        state = self.handle.state
        changed = {event.node for event in glance.events if hasattr(event, "node")}
        for event in glance.events:
            if type(event) is AttemptsPlaced:
                changed.update(event.nodes)
        for node, piece in glance.progress.items():
            old = self._progress.get(node, (None, ""))
            fraction = old[0] if piece.fraction is None else piece.fraction
            self._progress[node] = (fraction, piece.text or old[1])
            changed.add(node)
        if any(isinstance(event, GraphChanged | Retried) for event in glance.events):
            self._first = True  # any node may have been set back
        if self._first or len(state.plan.names) != self._known:
            changed.update(range(0 if self._first else self._known, len(state.plan.names)))
            self._first, self._known = False, len(state.plan.names)
        self._note(glance)
        return run_now(state, self.handle.id), nodes_now(state, changed, self._progress)

    def _note(self, glance: Glance) -> None:
        names, now = self.handle.state.plan.names, self.handle.run.now()  # a map adds names as it goes
        if glance.dropped_logs:
            self.book.add([LogLine("", 0, "log", now, f"{glance.dropped_logs} lines more, in the log files")])
        for piece in glance.logs:
            self.book.add(LogLine(names[piece.node], piece.number, piece.stream, now, line) for line in piece.lines)

    @property
    def over(self) -> bool:
        """Whether the run has ended and its end is recorded."""
        return self.handle.is_over

    @property
    def problem(self) -> str:
        """What kept the engine from going on, empty if nothing did."""
        return str(self.handle.problem) if self.handle.problem is not None else self.handle.run.trouble or ""

    def pause(self) -> None:
        """Start nothing new. Raises WorkflowError where the run's state forbids it."""
        self.handle.pause("you")

    def resume(self) -> None:
        """Go on. Raises WorkflowError where the run's state forbids it."""
        self.handle.resume()

    def cancel(self) -> None:
        """End the run."""
        self.handle.cancel("canceled by you")

    def foresee(self, path: Path, text: str) -> tuple[Foreseen, ...]:
        """What the run would become with another text of its project. Raises WorkflowError for one that cannot run."""
        from engine.project.loading import load

        return foreseen_of(self.handle.preview(load(path, text)))

    def change(self, path: Path, text: str) -> str:
        """Go on with another text; what that meant, in a few words. Raises WorkflowError, and then nothing has changed."""
        from engine.project.loading import load

        return f"The run goes on with the edits: {summary_of(foreseen_of(self.handle.change(load(path, text), 'you')))}"

    def leave(self) -> None:
        """Look no more."""
        self.handle.run.feed.unsubscribe(self._subscription)


def foreseen_of(forecast: Forecast) -> tuple[Foreseen, ...]:
    """What was said of each node, for the screen: first what is lost, then what runs, then what stays."""
    from engine.forecast import Fate

    order = (Fate.LEAVES, Fate.RERUNS, Fate.STAYS_OUT, Fate.RUNS, Fate.GOES_ON, Fate.STAYS, Fate.KEEPS)
    nodes = sorted(forecast.values(), key=lambda node: (not node.cancels, order.index(node.fate)))
    return tuple(Foreseen(node.id, node.fate.value, node.reason, node.cancels) for node in nodes)


def summary_of(nodes: Iterable[Foreseen]) -> str:
    """`2 run again, 1 is removed, 5 keep their result`: how many nodes become what."""
    counts: dict[str, int] = {}
    for node in nodes:
        counts[node.fate] = counts.get(node.fate, 0) + 1
    return ", ".join(f"{count} {fate if count == 1 else _PLURAL.get(fate, fate)}" for fate, count in counts.items())


_PLURAL = {
    "has yet to run": "have yet to run",
    "goes on": "go on",
    "keeps its result": "keep their results",
    "stays as it is": "stay as they are",
    "runs again": "run again",
    "is removed": "are removed",
}


# -- records ---------------------------------------------------------------------------------------------------------


def run_now(state: RunState, run: str) -> RunNow:
    """A run as the strip shows it."""
    counts = counts_of(state)
    began = state.wall
    if state.ended_at is not None:
        seconds = state.ended_at
    else:
        seconds = max(time.time() - began, 0.0) if began else 0.0
    cause = state.plan.names[state.cause] if state.cause >= 0 else ""
    trouble = state.errors.get(state.cause) if state.cause >= 0 else None
    error = f"{cause}: {first_line(str(trouble))}" if trouble is not None else state.reason
    return RunNow(run, state.state.value, began, seconds, sum(counts.values()), counts, error)


def counts_of(state: RunState) -> dict[str, int]:
    """How many nodes are in which state; what people do not see is not counted."""
    from engine.machine.state import LEAVING, NODE_STATES, TEMPLATE, NodeState

    plan = state.plan
    states = bytes(state.states)
    found = {known.value: states.count(code) for code, known in enumerate(NodeState)}
    found[NODE_STATES[LEAVING].value] += states.count(LEAVING)
    for node in plan.hidden:
        if node < len(states) and states[node] != TEMPLATE:
            found[NODE_STATES[states[node]].value] -= 1
    for node in list(state.retrying):
        found[NODE_STATES[states[node]].value] -= 1
        found["retrying"] = found.get("retrying", 0) + 1
    return {word: count for word, count in found.items() if count > 0}


def nodes_now(
    state: RunState, nodes: Iterable[int], progress: Mapping[int, tuple[float | None, str]] | None = None
) -> dict[str, NodeNow]:
    """These nodes as the canvas shows them, by path."""
    names = state.plan.names
    unseen = state.plan.templates | state.plan.hidden
    told = progress or {}
    return {names[node]: _node_now(state, node, told.get(node)) for node in nodes if node not in unseen}


def _node_now(state: RunState, node: int, told: tuple[float | None, str] | None) -> NodeNow:
    record = state.node(node)
    retrying = node in state.retrying
    word = "retrying" if retrying else record.state.value
    running = word == "running"
    policy = state.plan.retries.get(node, state.plan.retry)
    bad = word in {"failed", "retrying", "unknown"} and record.error is not None
    fraction, text = told if told is not None and running else (None, "")
    return NodeNow(
        state=word,
        seconds=_seconds(record, word),
        started=state.wall + record.started if running and record.started is not None else None,
        attempt=record.attempts,
        attempts=1 + (policy.max_retries if policy is not None else 0),
        fraction=fraction,
        text=text or (record.reason if not bad else ""),
        error=first_line(str(record.error)) if bad else "",
        trouble=record.error.traceback[-MOST_TROUBLE:] if bad and record.error is not None else "",
        preview=_preview(record.value) if word == "completed" else "",
        due=state.wall + record.retry_due if retrying and record.retry_due is not None else None,
        agent=record.agent,
    )


def _seconds(record: NodeRecord, word: str) -> float | None:
    if word in {"ready", "skipped", "running"} or record.started is None:
        return None
    return record.seconds or (max(record.ended - record.started, 0.0) if record.ended is not None else None)


def _preview(value: Any) -> str:
    from engine.machine.events import Live
    from engine.payload import Payload
    from engine.preview import preview_of

    if isinstance(value, Live):
        value = value.record
    if isinstance(value, Payload):
        return value.preview
    return "" if value is None else preview_of(value)


def first_line(text: str) -> str:
    """The first line of a text that says something, at most 400 characters of it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:400]
