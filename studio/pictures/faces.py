"""What a node says of itself at the moment: its state and its second line, from what the file and the run know.

In the editor the second line is what the node runs; in the monitor it is the run's: seconds, cause, progress, what it
waits for. `face` decides both, so that the canvas, tables and the timeline say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studio.state import NodeNow
from studio.theme import RUN_STATES, STATES, worst


@dataclass(frozen=True, slots=True)
class Face:
    """How a node looks. `state` is a word of `theme.STATES`, `second` the line under the name, `aside` a short one
    beside it where there is one row only. `fraction` (0 to 1) turns the second line into a bar. `items` counts the
    items of a running map by state."""

    state: str = "ready"
    second: str = ""
    aside: str = ""
    fraction: float | None = None
    items: tuple[tuple[str, int], ...] = ()


REST = Face()


def face(note: str, now: NodeNow | None, clock: float = 0.0) -> Face:
    """The face of a node that runs `note` and of which a run says `now`; `clock` is seconds since 1970."""
    if now is None:
        return Face(second=note) if note else REST
    state = now.state if now.state in STATES else RUN_STATES.get(now.state, "unknown")
    second = _SECOND.get(state, _plain)(now, clock)
    aside = _aside(state, now, clock)
    fraction = now.fraction if state == "running" and now.fraction is not None else None
    return Face(state, second or note if state in ("ready", "cached", "dirty") else second, aside, fraction)


def _running(now: NodeNow, clock: float) -> str:
    if now.fraction is not None:
        return percent(now.fraction)
    spent = _spent(now, clock)
    told = now.text or (seconds(spent) if spent is not None else "")
    return f"{told} @{now.agent}" if now.agent and told else told


def _completed(now: NodeNow, clock: float) -> str:
    return seconds(now.seconds) if now.seconds is not None else now.text


def _failed(now: NodeNow, clock: float) -> str:
    return now.error or now.text


def _retrying(now: NodeNow, clock: float) -> str:
    told = f"{now.attempt} of {now.attempts}"
    if now.due is None or not clock:
        return told
    return f"{told} in {seconds(max(0.0, now.due - clock), whole=True)}"


def _canceled(now: NodeNow, clock: float) -> str:
    return now.text or (f"after {seconds(now.seconds)}" if now.seconds else "")


def _plain(now: NodeNow, clock: float) -> str:
    return now.text


_SECOND = {
    "running": _running,
    "completed": _completed,
    "failed": _failed,
    "retrying": _retrying,
    "canceled": _canceled,
}


def _aside(state: str, now: NodeNow, clock: float) -> str:
    if state == "running":
        if now.fraction is not None:
            return percent(now.fraction)
        spent = _spent(now, clock)
        return seconds(spent) if spent is not None else ""
    if state == "retrying":
        return f"{now.attempt}/{now.attempts}"
    return seconds(now.seconds) if state == "completed" and now.seconds is not None else ""


def _spent(now: NodeNow, clock: float) -> float | None:
    if now.started is not None and clock:
        return max(0.0, clock - now.started)
    return now.seconds


def percent(fraction: float) -> str:
    """A share as people read it: `62 %`. It is 100 only at the end, and 0 only at the start."""
    fraction = min(1.0, max(0.0, fraction))
    whole = round(fraction * 100)
    if whole == 100 and fraction < 1:
        whole = 99
    return f"{whole or (1 if fraction else 0)} %"


def seconds(length: float, *, whole: bool = False) -> str:
    """A length of time in few cells: `0.84 s`, `4.1 s`, `13 s`, `2:05`, `1:02:05`."""
    length = max(0.0, length)
    if whole or length >= 9.95:
        total = round(length)
        if total < 100:
            return f"{total} s"
        hours, rest = divmod(total, 3600)
        return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
    if length < 0.0095:
        return f"{length * 1000:.0f} ms" if length >= 0.0005 else "0 s"
    return f"{length:.2f} s" if length < 0.995 else f"{length:.1f} s"


def minutes(length: float) -> str:
    """What is left of time: `0:09`, `12:05`, `1:02:05`."""
    total = max(0, round(length))
    hours, rest = divmod(total, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


_PRESSING = frozenset({"failed", "unknown", "retrying", "suspended"})


def group_state(own: str | None, children: Iterable[str]) -> str:
    """What a group shows: its own state where the run knows one, else the worst of its children.

    While it runs, trouble inside shows through. A branch that was not taken says nothing, unless there is nothing else.
    """
    states = list(children)
    if own == "running":
        return worst([own, *(state for state in states if state in _PRESSING)])
    if own is not None and own != "ready":
        return own
    return worst([state for state in states if state != "skipped"] or states)


def counts(states: Iterable[str]) -> Mapping[str, int]:
    """How many nodes are in each state, worst first."""
    found: dict[str, int] = {}
    for state in states:
        found[state] = found.get(state, 0) + 1
    ordered: dict[str, int] = {}
    while found:
        state = worst(found)
        ordered[state] = found.pop(state)
    return ordered
