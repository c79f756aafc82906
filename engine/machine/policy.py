"""What follows when an attempt does not complete: try again, skip, fail, or give the run up.

The success path never enters this file. Everything is pure: chance comes in as a number that the shell drew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.attempt import CANCELED as ATTEMPT_CANCELED
from engine.attempt import LOST, TIMED_OUT, Outcome, Trouble
from engine.machine import events as e
from engine.machine.moves import is_called, is_contained
from engine.machine.state import CANCELING, FAILING, GOING, READY, RunState
from engine.project.model import (
    CustomDelay,
    ExponentialBackoff,
    FixedDelay,
    Immediate,
    OnError,
    RetryPolicy,
    RetryStrategy,
    RunAlternative,
    Skip,
)

MAX_LOSSES = 3
"""An attempt whose process or machine vanished is run again, but not for ever: it may be what kills them."""


def delay_before(strategy: RetryStrategy, retry: int, chance: float = 0.5) -> float:
    """Seconds to wait before retry number `retry` (from 1). `chance`, 0 to 1, says where in its jitter it falls.

    A CustomDelay held as a callable is asked here; one of the project's code is asked where code runs, not here.
    """
    if isinstance(strategy, Immediate):
        return 0.0
    if isinstance(strategy, FixedDelay):
        return strategy.delay
    if isinstance(strategy, ExponentialBackoff):
        try:
            wait = min(strategy.max, strategy.initial * strategy.multiplier ** (retry - 1))
        except OverflowError:
            wait = strategy.max
        return wait * (1.0 + strategy.jitter * (2.0 * chance - 1.0))
    if isinstance(strategy, CustomDelay) and callable(strategy.function):
        return checked_delay(strategy.function(retry))
    raise TypeError(f"no rule for the retry strategy {strategy!r}")


def checked_delay(seconds: object) -> float:
    """The answer of a custom retry strategy, if it is a length of time. Raises ValueError otherwise."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"a retry delay is a number of seconds, zero or more; the custom strategy gave {seconds!r}")
    return float(seconds)


def retries_after(policy: RetryPolicy, error: Trouble) -> bool:
    """Whether the policy wants another try after this trouble: `on` names exceptions, bases of them, or exit codes."""
    if not error.retryable:
        return False
    if not policy.on:
        return True
    short = error.type.rpartition(".")[2]
    names = {error.type, short, *error.lineage, *[name.rpartition(".")[2] for name in error.lineage]}
    return any(wanted == error.exit_code if isinstance(wanted, int) else wanted in names for wanted in policy.on)


def unsuccessful(
    state: RunState, outcome: Outcome, now: float, chance: float, action: object = None
) -> Sequence[e.Event]:
    """What follows from an outcome that is not a completion. `action`: what a handler said, None for the node's policy."""
    node = outcome.node
    # Whose process is gone could not say how long it took: then it is the time since it was handed out.
    seconds = outcome.seconds or max(0.0, now - state.started[node])
    if outcome.kind == ATTEMPT_CANCELED:
        if state.phase == FAILING and node not in state.reasons:  # the run fails fast
            return (e.NodeCanceled(now, node, seconds, f"{state.plan.names[state.cause]} failed", state.cause),)
        return (e.NodeCanceled(now, node, seconds, state.reasons.get(node) or state.reason or "canceled"),)
    unsure = outcome.kind == LOST and node in state.plan.once
    if outcome.kind == LOST and not unsure and state.lost.get(node, 0) < MAX_LOSSES and state.phase != CANCELING:
        return (e.Lost(now, node, outcome.number),)
    error = outcome.error or Trouble(outcome.kind, "the attempt ended without a word")
    if unsure:
        error.retryable = False  # it may have done its work: only a person may decide to have that done again
    ended = e.AttemptTimedOut if outcome.kind == TIMED_OUT else e.AttemptFailed
    follows = _after_failure(state, node, error, now, chance)
    if action is not None and state.phase == GOING:
        follows = _as_handled(state, node, error, now, chance, action)
    return (ended(now, node, seconds, error), *follows)


def _as_handled(
    state: RunState, node: int, error: Trouble, now: float, chance: float, action: object
) -> Iterator[e.Event]:
    """What an error handler said, as far as it can be done."""
    if isinstance(action, OnError):
        yield from given_up(state, node, error, now, action)
        return
    strategy = getattr(action, "strategy", None)
    policy = state.plan.retries.get(node, state.plan.retry)
    strategy = strategy or (policy.strategy if policy is not None else Immediate())
    try:
        yield e.RetryPlanned(now, node, now + delay_before(strategy, state.tries(node) + 1, chance))
    except Exception as problem:
        error.message += f" (and the retry that the error handler asked for failed: {problem})"
        yield from given_up(state, node, error, now)


def _after_failure(state: RunState, node: int, error: Trouble, now: float, chance: float) -> Iterator[e.Event]:
    plan = state.plan
    policy = plan.retries.get(node, plan.retry)
    tried = state.tries(node) + 1
    may = state.phase == GOING or state.undoing
    if may and policy is not None and tried <= policy.max_retries and retries_after(policy, error):
        if node in plan.delays:
            yield e.DelayAsked(now, node, plan.delays[node])
            return
        try:
            yield e.RetryPlanned(now, node, now + delay_before(policy.strategy, tried, chance))
            return
        except Exception as problem:  # a callable of the user's: whatever it does must not stop the engine
            error.message += f" (and its retry strategy failed: {problem})"
    yield from given_up(state, node, error, now)


def given_up(
    state: RunState, node: int, error: Trouble, now: float, action: OnError | None = None
) -> Iterator[e.Event]:
    """A node has failed and will not be tried again: what its `on_error` says, or the `action` of a handler."""
    if node in state.delaying or node in state.plan.hooks.values():  # who asked decides; a hook changes nothing
        yield e.NodeFailed(now, node)
        return
    own = action is None
    action = action or state.plan.on_errors.get(node, state.plan.on_error)
    if isinstance(action, Skip) and state.phase != CANCELING:
        yield e.Skipped(now, node, f"failed, which is allowed: {error}", node)
        return
    if isinstance(action, RunAlternative) and state.phase == GOING:
        alternative = state.plan.alternatives.get(node) if own else state.plan.numbers.get(action.alternative)
        if alternative is not None and alternative != node and alternative not in state.standing_in:
            yield e.AlternativeCalled(now, node, alternative)
            return
        error.message += f" (and there is no alternative {action.alternative!r})"
    yield from failed_for_good(state, node, now)


def not_needed(state: RunState, node: int, now: float) -> Iterator[e.Event]:
    """The alternative of a node that has come to its end without calling it."""
    other = state.plan.alternatives.get(node)
    if other is not None and state.states[other] == READY and not is_called(state, other):
        yield e.Skipped(now, other, "not needed")


def failed_for_good(state: RunState, node: int, now: float) -> Iterator[e.Event]:
    """Nothing is left to be tried for a failed node; without anything that makes good for it, the run fails as well."""
    blamed = state.standing_in.get(node)
    yield e.NodeFailed(now, node)
    yield from not_needed(state, node, now)
    if blamed is not None:  # an alternative that failed as well: the node it stood in for has failed for good
        yield e.NodeFailed(now, blamed)
    if state.phase == GOING and not state.plan.keep_going and not is_contained(state, node):
        yield e.RunFailing(now, node)
