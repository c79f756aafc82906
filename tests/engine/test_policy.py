"""How long to wait before another try, and which failures get one."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attempt import Trouble
from engine.machine.policy import checked_delay, delay_before, retries_after
from engine.project.model import CustomDelay, ExponentialBackoff, FixedDelay, Immediate, RetryPolicy, RetryStrategy


@pytest.mark.seed("S97")
@given(st.integers(1, 1000), st.floats(0, 1))
def test_immediate_waits_for_nothing(retry: int, chance: float) -> None:
    assert delay_before(Immediate(), retry, chance) == 0.0


@pytest.mark.seed("S98")
@given(st.integers(1, 1000), st.floats(0, 1), st.floats(0, 1e6))
def test_a_fixed_delay_is_the_same_before_every_try(retry: int, chance: float, delay: float) -> None:
    assert delay_before(FixedDelay(delay), retry, chance) == delay


@pytest.mark.seed("S99")
def test_exponential_backoff_doubles_up_to_its_maximum() -> None:
    strategy = ExponentialBackoff(initial=1.0, multiplier=2.0, max=30.0)
    assert [delay_before(strategy, retry) for retry in range(1, 9)] == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.seed("S99")
def test_exponential_backoff_knows_no_number_that_is_too_large() -> None:
    assert delay_before(ExponentialBackoff(initial=1.0, multiplier=10.0, max=60.0), 100_000) == 60.0


@pytest.mark.seed("S99")
@given(st.integers(1, 200), st.floats(0, 1), st.floats(0, 1))
def test_jitter_stays_within_its_share(retry: int, chance: float, jitter: float) -> None:
    exact = delay_before(ExponentialBackoff(1.0, 2.0, 30.0), retry)
    wait = delay_before(ExponentialBackoff(1.0, 2.0, 30.0, jitter), retry, chance)
    assert exact * (1 - jitter) <= wait * (1 + 1e-12)
    assert wait <= exact * (1 + jitter) * (1 + 1e-12)


@pytest.mark.seed("S99")
def test_jitter_reaches_both_of_its_ends() -> None:
    strategy = ExponentialBackoff(initial=8.0, multiplier=1.0, max=60.0, jitter=0.25)
    assert [delay_before(strategy, 1, chance) for chance in (0.0, 0.5, 1.0)] == [6.0, 8.0, 10.0]


@pytest.mark.seed("S100")
def test_a_custom_strategy_is_asked_with_the_number_of_the_failed_attempt() -> None:
    strategy = CustomDelay(lambda attempt: attempt * 3)
    assert [delay_before(strategy, retry) for retry in (1, 2, 3)] == [3.0, 6.0, 9.0]


@pytest.mark.seed("S100")
@pytest.mark.parametrize("answer", [-1, -0.001, math.nan, math.inf, -math.inf, "3", None, True, [1]])
def test_what_is_no_length_of_time_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match="the custom strategy gave"):
        delay_before(CustomDelay(lambda attempt: answer), 1)


@pytest.mark.seed("S100")
@pytest.mark.parametrize("answer", [0, 0.0, 3, 2.5])
def test_a_number_that_is_zero_or_more_is_a_delay(answer: float) -> None:
    assert checked_delay(answer) == answer


def test_a_strategy_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(TypeError, match="no rule"):
        delay_before(RetryStrategy(), 1)


MISSING = Trouble("tasks.MissingRow", "row 7", lineage=("tasks.BadRow", "KeyError", "LookupError"))


@pytest.mark.seed("S95")
@pytest.mark.parametrize(
    ("on", "wanted"),
    [
        ((), True),
        (("tasks.MissingRow",), True),
        (("MissingRow",), True),
        (("BadRow",), True),
        (("tasks.BadRow",), True),
        (("LookupError",), True),
        (("ValueError", "KeyError"), True),
        (("ValueError",), False),
        (("Missing",), False),
        ((1,), False),
    ],
)
def test_an_exception_is_named_by_itself_or_by_a_base_class(on: tuple[str | int, ...], wanted: bool) -> None:
    assert retries_after(RetryPolicy(3, on=on), MISSING) is wanted


@pytest.mark.parametrize(("on", "wanted"), [((75,), True), ((1, 75), True), ((1,), False), (("75",), False)])
def test_a_program_is_named_by_its_exit_code(on: tuple[str | int, ...], wanted: bool) -> None:
    trouble = Trouble("ProgramFailed", "exit code 75", exit_code=75)
    assert retries_after(RetryPolicy(3, on=on), trouble) is wanted


def test_what_no_other_try_can_help_gets_none() -> None:
    hopeless = Trouble("ImportError", "no module named tasks", retryable=False)
    assert not retries_after(RetryPolicy(3), hopeless)
    assert not retries_after(RetryPolicy(3, on=("ImportError",)), hopeless)
