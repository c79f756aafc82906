"""What waits until a person pauses."""

from __future__ import annotations

import threading

from studio.lull import Lull


def test_only_the_newest_is_done_once_nothing_newer_comes() -> None:
    done: list[int] = []
    came = threading.Event()

    def do(thing: int) -> None:
        done.append(thing)
        came.set()

    lull = Lull(0.05, do, "test")
    for number in range(5):
        lull.put(number)
    assert came.wait(10)
    assert done == [4]
    lull.stop()


def test_who_never_pauses_is_not_kept_waiting_for_ever() -> None:
    came = threading.Event()
    lull: Lull[int] = Lull(60.0, lambda _: came.set(), "test", most=0.0)
    lull.put(1)
    assert came.wait(10)
    lull.stop()


def test_stopping_does_at_once_what_waits_and_forgetting_does_not() -> None:
    done: list[int] = []
    lull: Lull[int] = Lull(60.0, done.append, "test")
    lull.put(1)
    lull.forget()
    lull.put(2)
    lull.stop()
    assert done == [2]
    lull.put(3)
    assert done == [2]
