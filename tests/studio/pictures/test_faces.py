"""What a node says of itself: in few cells, and true."""

from __future__ import annotations

import pytest

from studio.pictures.faces import counts, face, group_state, percent, seconds
from studio.state import NodeNow


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (0, "0 s"),
        (0.0012, "1 ms"),
        (0.05, "0.05 s"),
        (0.84, "0.84 s"),
        (0.999, "1.0 s"),
        (4.1, "4.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (13.4, "13 s"),
        (99.4, "99 s"),
        (99.6, "1:40"),
        (125, "2:05"),
        (3725, "1:02:05"),
        (-3, "0 s"),
    ],
)
def test_a_length_of_time_takes_few_cells(length: float, shown: str) -> None:
    assert seconds(length) == shown


def test_a_share_is_100_only_at_the_end_and_0_only_at_the_start() -> None:
    assert percent(0) == "0 %"
    assert percent(0.001) == "1 %"
    assert percent(0.62) == "62 %"
    assert percent(0.9999) == "99 %"
    assert percent(1) == "100 %"
    assert percent(7) == "100 %"


def test_in_the_editor_a_node_says_what_it_runs() -> None:
    assert face("tasks:clean", None).second == "tasks:clean"
    assert face("tasks:clean", None).state == "ready"


def test_in_a_run_it_says_what_the_run_knows() -> None:
    assert face("tasks:f", NodeNow("completed", seconds=0.84)).second == "0.84 s"
    assert face("tasks:f", NodeNow("failed", error="KeyError: 'r2'")).second == "KeyError: 'r2'"
    assert face("tasks:f", NodeNow("canceled", seconds=3.1)).second == "after 3.1 s"
    assert face("tasks:f", NodeNow("skipped", text="branch not taken")).second == "branch not taken"
    assert face("tasks:f", NodeNow("ready", text="waits for clean")).second == "waits for clean"
    assert face("tasks:f", NodeNow("ready")).second == "tasks:f"


def test_a_running_node_shows_its_share_or_the_time_that_goes_by() -> None:
    assert face("", NodeNow("running", fraction=0.62)).fraction == 0.62
    assert face("", NodeNow("running", fraction=0.62)).aside == "62 %"
    assert face("", NodeNow("running", started=1000.0), 1012.0).second == "12 s"
    assert face("", NodeNow("completed", fraction=1.0)).fraction is None


def test_a_retry_says_which_and_when() -> None:
    now = NodeNow("retrying", attempt=2, attempts=3, due=1004.2)
    assert face("", now, 1000.0).second == "2 of 3 in 4 s"
    assert face("", now).second == "2 of 3"
    assert face("", now, 1010.0).second == "2 of 3 in 0 s"


def test_an_unheard_of_state_is_unknown() -> None:
    assert face("", NodeNow("melting")).state == "unknown"
    assert face("", NodeNow("paused")).state == "suspended"


@pytest.mark.parametrize(
    ("own", "children", "shown"),
    [
        (None, ["completed", "failed", "running"], "failed"),
        (None, ["completed", "skipped"], "completed"),
        (None, ["skipped", "skipped"], "skipped"),
        (None, [], "ready"),
        ("running", ["failed", "running"], "failed"),
        ("running", ["completed", "ready"], "running"),
        ("completed", ["skipped", "completed"], "completed"),
        ("ready", ["completed", "running"], "running"),
    ],
)
def test_a_group_shows_its_own_state_or_the_worst_inside(own: str | None, children: list[str], shown: str) -> None:
    assert group_state(own, children) == shown


def test_counts_come_worst_first() -> None:
    assert list(counts(["completed", "failed", "completed", "running"]).items()) == [
        ("failed", 1),
        ("running", 1),
        ("completed", 2),
    ]
