"""Outcomes of attempts that brought nothing: canceled, out of time, given up."""

from __future__ import annotations

from engine.attempt import CANCELED, TIMED_OUT, Attempt, Outcome, Trouble


def ended(attempt: Attempt, kind: str, trouble: Trouble) -> Outcome:
    """The outcome of an attempt that brought nothing."""
    outcome = Outcome(attempt.node, attempt.number, kind, error=trouble)
    if attempt.epoch:
        outcome.epoch = attempt.epoch
    return outcome


def canceled(attempt: Attempt, advice: str = "") -> Outcome:
    """The outcome of an attempt whose end was asked for."""
    return ended(attempt, CANCELED, Trouble("Canceled", f"canceled{advice}"))


def timed_out(attempt: Attempt, limit: float, advice: str = "") -> Outcome:
    """The outcome of an attempt that ran longer than its limit."""
    text = f"it ran longer than its limit of {limit:g} s{advice}"
    return ended(attempt, TIMED_OUT, Trouble("TimedOut", text, lineage=("TimeoutError",)))
