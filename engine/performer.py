"""`perform(attempt) -> Outcome`: the one way node code is called, in this process, in a child, on another machine.

    perform_call(attempt)           a function that wants nothing but its arguments: a call, two clock reads, an Outcome
    perform_prepared(attempt, place)    everything else: functions named by reference, sealed arguments, fields to take
                                    from them, `ctx`, programs; `place` says where the attempt runs
    perform(attempt, place)         either, whichever the attempt needs

Whatever the code does, an Outcome comes back: every exception, SystemExit too, becomes a Trouble with its text and its
traceback without our own frames. Only what ends the process itself is not seen here.

This file is imported by children that run the project's own Python: standard library of 3.9 only, loaded late.
"""

from __future__ import annotations

from time import perf_counter
from types import CoroutineType

from engine.attempt import CANCELED, COMPLETED, FAILED, Attempt, Outcome, Trouble
from engine.call import CannotStart, Surroundings, arguments_of, opened_variables, prepare
from engine.context import Place, TaskCanceled, WorkflowContext, remove_scratch

TYPE_CHECKING = False  # as type checkers see it; importing typing takes a child long
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional

NOWHERE = Place()


def perform(attempt: Attempt, place: Place = NOWHERE) -> Outcome:
    """Run the attempt to its end, here and now. Raises nothing."""
    return perform_call(attempt) if is_call(attempt) else perform_prepared(attempt, place)


def is_call(attempt: Attempt) -> bool:
    """Whether the attempt is nothing but a call of a function that is here, with values that are here."""
    return attempt.work.plain and attempt._extra is None


def perform_call(attempt: Attempt) -> Outcome:
    """`perform` for what `is_call` says yes to."""
    function: Any = attempt.work.function
    began = perf_counter()
    try:
        value = function(*attempt.args, **attempt.kwargs) if attempt.kwargs else function(*attempt.args)
        if type(value) is CoroutineType:
            value = _awaited(value)
    except BaseException as problem:
        return _failed(attempt, problem, perf_counter() - began)
    return Outcome(attempt.node, attempt.number, COMPLETED, value, perf_counter() - began)


def perform_prepared(attempt: Attempt, place: Place) -> Outcome:
    """`perform` for whatever is more than a plain call, and where an environment or a working directory is set."""
    if attempt.work.kind != "task":
        from engine.programs import perform_program

        return perform_program(attempt, place)
    context: Optional[WorkflowContext] = None
    began = perf_counter()
    try:
        function, wants = prepare(attempt.work)
        args, kwargs = arguments_of(attempt)
        if wants:
            context = kwargs["ctx"] = WorkflowContext(attempt, place, opened_variables(attempt))
        began = perf_counter()
        value = _call(function, args, kwargs, attempt, place)
        seconds = perf_counter() - began
        outcome = Outcome(attempt.node, attempt.number, COMPLETED, value, seconds)
    except CannotStart as problem:
        outcome = _failed(attempt, problem, 0.0)
    except BaseException as problem:
        outcome = _failed(attempt, problem, perf_counter() - began)
    if attempt.epoch:
        outcome.epoch = attempt.epoch
    if context is not None:
        _close(context, outcome)
    return outcome


def _call(function: Callable[..., Any], args: List[Any], kwargs: Dict[str, Any], attempt: Attempt, place: Place) -> Any:
    env = {**attempt.work.env, **(attempt.env or {})}
    cwd = attempt.cwd or attempt.work.cwd
    if place.settles and (env or cwd):
        with Surroundings(env, cwd, place.folder):
            value = function(*args, **kwargs)
            return _awaited(value) if type(value) is CoroutineType else value
    value = function(*args, **kwargs)
    return _awaited(value) if type(value) is CoroutineType else value


def _close(context: WorkflowContext, outcome: Outcome) -> None:
    context.tell_rest()
    if outcome.kind == COMPLETED and context.variables.writes:
        outcome.writes = context.variables.writes
    if context.texts:
        outcome.metrics = dict(context.texts)
    if context.made_scratch is not None:
        remove_scratch(context.made_scratch)


def _awaited(coroutine: Any) -> Any:
    """What an `async def` task gives, on an event loop of its own."""
    import asyncio

    return asyncio.run(coroutine)


def _failed(attempt: Attempt, problem: BaseException, seconds: float) -> Outcome:
    if isinstance(problem, TaskCanceled):
        return Outcome(attempt.node, attempt.number, CANCELED, None, seconds, Trouble("Canceled", "canceled"))
    from engine.failures import trouble_of

    outcome = Outcome(attempt.node, attempt.number, FAILED, None, seconds, trouble_of(problem))
    if attempt.epoch:
        outcome.epoch = attempt.epoch
    return outcome
