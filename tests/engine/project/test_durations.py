"""Lengths of time, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.project.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("250ms", 0.25),
        ("1.5h", 5400.0),
        ("1d", 86400.0),
        ("2d3h4m5s6ms", 183845.006),
        ("10us", 0.00001),
        ("0s", 0.0),
    ],
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["", "s", "5", "-5s", "5 parsecs", "1m1h", "5s5s", "1e9s", "٣s", "inf", "nan", "5s\0", "1" * 200 + "s"]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    assert parse_duration(text) is None


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_what_is_written_is_read_back_exactly(seconds: float) -> None:
    written = format_duration(seconds)
    assert (parse_duration(written) if isinstance(written, str) else float(written)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(90.0, "90s"), (300.0, "5m"), (5400.0, "1h30m"), (0.25, "250ms"), (86400.0, "1d"), (1.5, "1.5s")],
)
def test_it_is_written_as_a_person_would(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
