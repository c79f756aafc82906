"""What a watcher sees of a run at one moment: who runs, who waits to try again, counts, progress, and when it may end.

Made from the engine's own RunState, which may be read at any time, and from what the feed told since the last look.
Pure: the moment comes in as an argument, and nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from engine.attempt import Progress
from engine.frames import Question
from engine.machine.state import LEAVING, NODE_STATES, TEMPLATE, NodeState, RunState

ORDER = (
    "running",
    "retrying",
    "ready",
    "suspended",
    "completed",
    "compensated",
    "failed",
    "unknown",
    "skipped",
    "canceled",
)
MOST_ROWS = 200
_SETTLED = frozenset({"completed", "failed", "skipped", "canceled", "compensated"})


@dataclass(frozen=True, slots=True)
class Row:
    """A node at work. `state` is running or retrying; `elapsed` in seconds; `fraction` 0 to 1, None if not known."""

    node: str
    state: str
    attempt: int
    elapsed: float
    fraction: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that a run asks a person: node number `number`, its path, its text, the answers to choose from."""

    number: int
    node: str
    text: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A run at one moment. `left` is about how many seconds it still takes, None while nobody can tell."""

    title: str
    state: str
    elapsed: float
    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    total: int
    settled: int
    left: float | None = None
    trouble: str = ""
    ask: Ask | None = None
    """The oldest open question."""


@dataclass(slots=True)
class Board:
    """Keeps what the newest progress said, between two looks."""

    title: str
    progress: dict[int, Progress] = field(default_factory=dict)
    _left: float | None = None

    def hear(self, progress: Mapping[int, Progress]) -> None:
        """Take the newest progress of nodes."""
        self.progress.update(progress)

    def look(self, state: RunState, now: float, trouble: str | None = None) -> Picture:
        """The run as it is `now`, seconds since it began."""
        codes = bytes(state.states)  # other threads see it whole only this way
        counts = {word.value: codes.count(number) for number, word in enumerate(NODE_STATES[:TEMPLATE])}
        counts[NODE_STATES[LEAVING].value] += codes.count(LEAVING)
        aside = _aside(state)
        for node in aside:
            if codes[node] != TEMPLATE:
                counts[NODE_STATES[codes[node]].value] -= 1
        retrying = dict(state.retrying)
        counts["ready"] -= len(retrying)
        counts["retrying"] = len(retrying)
        for node in list(state.asking):
            if NODE_STATES[codes[node]] is NodeState.RUNNING and node not in aside:
                counts["running"] -= 1
                counts["suspended"] += 1
        settled = sum(count for word, count in counts.items() if word in _SETTLED)
        total = sum(counts.values())
        rows = [*_asking(state, now), *self._running(state, codes, aside, now), *self._retrying(state, retrying, now)]
        return Picture(
            title=self.title,
            state=state.state.value,
            elapsed=now,
            rows=tuple(rows),
            counts={word: counts[word] for word in ORDER if counts.get(word)},
            total=total,
            settled=settled,
            left=self._steady(_left(rows, settled, total, now)),
            trouble=trouble or "",
            ask=open_question(state),
        )

    def _running(self, state: RunState, codes: bytes, aside: Set[int], now: float) -> Iterable[Row]:
        number = NODE_STATES.index(NodeState.RUNNING)
        found: list[int] = []
        node = codes.find(number)
        while node >= 0 and len(found) < MOST_ROWS:
            if node not in aside and node not in state.asking:
                found.append(node)
            node = codes.find(number, node + 1)
        found.sort(key=lambda node: state.started[node])
        for node in found:
            told = self.progress.get(node)
            if told is not None and told.number != state.attempts[node]:
                told = None
            elapsed = max(now - state.started[node], 0.0)
            fraction = None if told is None or told.fraction is None else min(max(told.fraction, 0.0), 1.0)
            text = "" if told is None else told.text
            if node in state.agents:
                text = f"on {state.agents[node]}  {text}".rstrip()
            yield Row(state.plan.names[node], "running", state.attempts[node], elapsed, fraction, text)

    def _retrying(self, state: RunState, retrying: Mapping[int, float], now: float) -> Iterable[Row]:
        for node, due in sorted(retrying.items(), key=lambda pair: pair[1])[:MOST_ROWS]:
            error = state.errors.get(node)
            text = "" if error is None else str(error)
            yield Row(state.plan.names[node], "retrying", state.attempts[node] + 1, max(due - now, 0.0), None, text)

    def _steady(self, left: float | None) -> float | None:
        """An estimate that jumps about is read by nobody: it moves only when it is off by more than a twentieth."""
        if left is None or self._left is None or abs(left - self._left) > 0.05 * self._left:
            self._left = left
        return self._left


def open_question(state: RunState) -> Ask | None:
    """What the run asks a person, if it does; of several questions the first asked."""
    for node, text in list(state.asking.items()):
        frame = state.plan.frames.get(node)
        if isinstance(frame, Question):
            return Ask(node, state.plan.names[node], text, frame.choices)
    return None


def _asking(state: RunState, now: float) -> Iterable[Row]:
    """Nodes that wait for something from outside: a person, a file."""
    for node, text in list(state.asking.items())[:MOST_ROWS]:
        elapsed = max(now - state.started[node], 0.0)
        yield Row(state.plan.names[node], "suspended", state.attempts[node], elapsed, None, f"waits: {text}")


def _aside(state: RunState) -> Set[int]:
    """Nodes that are not work of their own: what a frame does is what its children do, templates are only copied."""
    plan = state.plan
    if not plan.frames:
        return frozenset()
    return {*plan.templates, *plan.hidden, *(node for node, what in plan.frames.items() if what.children)}


def _left(rows: list[Row], settled: int, total: int, now: float) -> float | None:
    """Seconds until the end, if what is left takes as long as what is done, at the pace so far."""
    if now < 3.0 or settled < 3 or settled * 10 < total or not total - settled:
        return None
    pace = settled / now
    left = (total - settled) / pace
    known = [row.elapsed * (1 - row.fraction) / row.fraction for row in rows if row.fraction and row.elapsed > 1]
    return max([left, *known])
