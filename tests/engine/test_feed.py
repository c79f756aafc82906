"""Watchers get everything that matters, in bounded room, and never hold a run up."""

from __future__ import annotations

import threading

from engine.attempt import LogLines, Progress
from engine.machine.events import RunResumed
from engine.monitor.feed import KEPT_LOG_PIECES, Feed


def test_every_watcher_gets_every_event_in_order_and_once() -> None:
    feed = Feed()
    first, second = feed.subscribe(), feed.subscribe()
    feed.publish([RunResumed(0.0), RunResumed(1.0)])
    assert [event.at for event in first.take().events] == [0.0, 1.0]
    feed.publish([RunResumed(2.0)])
    assert [event.at for event in first.take().events] == [2.0]
    assert [event.at for event in second.take().events] == [0.0, 1.0, 2.0]
    assert not second.take()


def test_who_comes_late_hears_what_comes_then_and_who_left_hears_nothing() -> None:
    feed = Feed()
    feed.publish([RunResumed(0.0)])
    late = feed.subscribe()
    assert not late.take()
    feed.unsubscribe(late)
    feed.unsubscribe(late)
    feed.publish([RunResumed(1.0)])
    assert not late.take()


def test_of_progress_only_the_newest_of_each_node_is_kept() -> None:
    feed = Feed()
    watching = feed.subscribe()
    for number in range(1000):
        feed.report([Progress(number % 2, 1, number / 1000, str(number))], [])
    glance = watching.take()
    assert {node: piece.text for node, piece in glance.progress.items()} == {0: "998", 1: "999"}
    assert watching.take().progress == {}


def test_of_a_flood_of_lines_the_newest_are_kept_and_the_rest_is_counted() -> None:
    feed = Feed()
    watching = feed.subscribe()
    for number in range(KEPT_LOG_PIECES + 10):
        feed.report([], [LogLines(0, 1, "stdout", [str(number)])])
    glance = watching.take()
    assert len(glance.logs) == KEPT_LOG_PIECES
    assert glance.dropped_logs == 10
    assert glance.logs[-1].lines == [str(KEPT_LOG_PIECES + 9)]
    assert watching.take().dropped_logs == 0


def test_a_watcher_is_woken_for_each_kind_of_news() -> None:
    feed = Feed()
    woken: list[int] = []
    feed.subscribe(lambda: woken.append(1))
    feed.publish([RunResumed(0.0)])
    feed.report([Progress(0, 1, 0.5)], [])
    assert len(woken) == 2


def test_looking_from_another_thread_loses_nothing() -> None:
    feed = Feed()
    watching = feed.subscribe()
    count, seen = 20_000, []
    done = threading.Event()

    def look() -> None:
        while True:
            last = done.is_set()
            seen.extend(event.at for event in watching.take().events)
            if last:
                return

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(count):
        feed.publish([RunResumed(float(number))])
    done.set()
    looking.join(20)
    assert seen == [float(number) for number in range(count)]
