"""What a watcher sees of a run: who runs, counts, progress, and nothing that is not so."""

from __future__ import annotations

from engine.attempt import Progress, Trouble
from engine.machine import events as e
from engine.machine.state import RunState
from engine.machine.transitions import apply
from engine.plan import simple_plan
from studio.live.board import Board


def a_state(nodes: int = 6, *news: e.Event) -> RunState:
    plan = simple_plan([print] * nodes, [() for _ in range(nodes)], "inline")
    state = RunState(plan)
    for event in (e.RunStarted(0.0, 0.0), *news):
        apply(state, event)
    return state


def test_running_nodes_come_oldest_first_with_their_progress() -> None:
    state = a_state(3, e.Started(1.0, 0, 1), e.Started(2.0, 1, 1))
    board = Board("title")
    board.hear({1: Progress(1, 1, 0.25, "rows")})
    picture = board.look(state, 5.0)
    assert [(row.node, row.elapsed, row.fraction, row.text) for row in picture.rows] == [
        ("n0", 4.0, None, ""),
        ("n1", 3.0, 0.25, "rows"),
    ]
    assert picture.counts == {"running": 2, "ready": 1}
    assert (picture.total, picture.settled, picture.title) == (3, 0, "title")


def test_progress_of_an_earlier_attempt_is_not_shown_for_the_next() -> None:
    trouble = Trouble("ValueError", "no")
    state = a_state(
        1,
        e.Started(0.0, 0, 1),
        e.AttemptFailed(1.0, 0, 1.0, trouble),
        e.RetryPlanned(1.0, 0, 3.0),
    )
    board = Board("")
    board.hear({0: Progress(0, 1, 0.9, "nearly")})
    (waiting,) = board.look(state, 2.0).rows
    assert (waiting.state, waiting.attempt, waiting.elapsed, waiting.text) == ("retrying", 2, 1.0, "ValueError: no")
    assert board.look(state, 2.0).counts == {"retrying": 1}
    apply(state, e.RetryDue(3.0, 0))
    apply(state, e.Started(3.0, 0, 2))
    (row,) = board.look(state, 4.0).rows
    assert (row.state, row.attempt, row.fraction) == ("running", 2, None)


def test_odd_fractions_stay_between_nothing_and_all() -> None:
    state = a_state(2, e.Started(0.0, 0, 1), e.Started(0.0, 1, 1))
    board = Board("")
    board.hear({0: Progress(0, 1, -3.0), 1: Progress(1, 1, 17.0)})
    assert [row.fraction for row in board.look(state, 1.0).rows] == [0.0, 1.0]


def test_the_end_is_guessed_only_once_there_is_something_to_go_by() -> None:
    news = [event for node in range(5) for event in (e.Started(node, node, 1), e.Completed(node + 1, node, 1.0, None))]
    board = Board("")
    assert board.look(a_state(10, *news[:2]), 1.0).left is None
    assert board.look(a_state(10, *news), 5.0).left == 5.0
    assert board.look(a_state(5, *news), 5.0).left is None


def test_a_guess_that_hardly_changed_stays() -> None:
    news = [event for node in range(5) for event in (e.Started(node, node, 1), e.Completed(node + 1, node, 1.0, None))]
    state, board = a_state(10, *news), Board("")
    first = board.look(state, 5.0).left
    assert board.look(state, 5.1).left == first
    assert board.look(state, 9.0).left == 9.0


def test_trouble_with_the_store_is_in_the_picture() -> None:
    assert Board("").look(a_state(), 0.0, "the disk is full").trouble == "the disk is full"
