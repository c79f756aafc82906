"""Attempts on their way through the children: what was asked of each, how long its kind takes, what became of it."""

from __future__ import annotations

import signal

from engine.attempt import CANCELED, Attempt, Outcome, Trouble

Key = tuple[int, int]
"""A node's number and the number of its attempt."""

DEEPEST = 256
"""Attempts at most in the queue of one child."""
QUEUE_TIME = 0.004
"""Seconds of work that a child's queue may hold."""
TRUSTED_AFTER = 8
"""Attempts of a function after which its pace is believed."""


class Job:
    """One attempt on its way through the children."""

    __slots__ = (
        "attempt",
        "canceled",
        "deadline",
        "grace",
        "group",
        "held",
        "held_at",
        "key",
        "kill_at",
        "pace",
        "serial",
    )

    def __init__(self, serial: int, attempt: Attempt, pace: Pace) -> None:
        self.serial = serial
        self.attempt = attempt
        self.key: Key = (attempt.node, attempt.number)
        self.deadline: float | None = None
        self.canceled = False
        self.grace = 5.0
        self.kill_at: float | None = None
        self.held = False
        self.held_at: float | None = None
        self.group = 0
        self.pace = pace


class Pace:
    """How long attempts of one function take."""

    __slots__ = ("count", "depth", "mean")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.depth = 1  # how many may queue in a child

    def saw(self, seconds: float) -> None:
        self.count += 1
        self.mean += (seconds - self.mean) * (0.1 if self.count > 10 else 1.0 / self.count)
        if seconds > QUEUE_TIME:
            self.count = 0  # a slow one: trust has to be earned again
        if self.count < TRUSTED_AFTER:
            self.depth = 1
        else:
            self.depth = max(1, min(DEEPEST, int(QUEUE_TIME / max(self.mean, 1e-5))))


def ended(attempt: Attempt, kind: str, trouble: Trouble) -> Outcome:
    outcome = Outcome(attempt.node, attempt.number, kind, error=trouble)
    if attempt._extra is not None and attempt.epoch:
        outcome.epoch = attempt.epoch
    return outcome


def canceled(attempt: Attempt) -> Outcome:
    return ended(attempt, CANCELED, Trouble("Canceled", "canceled"))


def crash_of(code: int) -> Trouble:
    """What an exit status tells: minus a signal's number, or an exit code."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = " (perhaps the machine ran out of memory)" if name == "SIGKILL" else ""
        return Trouble("Crashed", f"its process was ended by {name}{hint}", signal=name)
    return Trouble("Crashed", f"its process ended by itself with exit code {code}", exit_code=code)
