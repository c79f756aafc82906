"""Watching: signals leave marks, a run that cannot be recorded is given up where nobody can make room."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import pytest

from engine.machine.decisions import Cancel
from engine.machine.state import RunState
from engine.monitor.feed import Feed
from engine.plan import simple_plan
from studio.front.paint import Paint
from studio.front.terminal import Terminal
from studio.live.board import Board, Picture
from studio.live.watch import Stops, Watch
from studio.live.words import Story

PAINT = Paint(Terminal(live=False, colour=False, ascii=False, width=80, height=24))


class FakeRun:
    """A run whose clock moves a second with every look, and that ends after so many looks."""

    def __init__(self, trouble: str | None = None) -> None:
        self.state = RunState(simple_plan([print], [()], "inline"))
        self.feed = Feed()
        self.trouble = trouble
        self.asked: list[object] = []
        self.time = 0.0

    def now(self) -> float:
        self.time += 1.0
        return self.time

    def ask(self, request: object, wait: float | None = None) -> None:
        assert wait is None, "the watcher never waits for the engine"
        self.asked.append(request)


class FakeHandle:
    def __init__(self, run: FakeRun, looks: int) -> None:
        self.run = run
        self.looks = looks
        self.on_wait: object = None

    @property
    def state(self) -> RunState:
        return self.run.state

    def start(self) -> None:
        pass

    def wait(self, timeout: float) -> bool:
        if callable(self.on_wait):
            self.on_wait()
        self.looks -= 1
        return self.looks <= 0


class FakeView:
    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.closed = 0

    def open(self) -> None:
        pass

    def say(self, lines: Sequence[str]) -> None:
        pass

    def show(self, picture: Picture, *, spoke: bool) -> None:
        self.pictures.append(picture)

    def close(self) -> None:
        self.closed += 1


def watch(run: FakeRun, looks: int, stops: Stops, patience: float | None = None) -> tuple[Watch, FakeView, FakeHandle]:
    view, handle = FakeView(), FakeHandle(run, looks)
    story = Story(PAINT, run.state)
    return Watch(handle, view, Board(""), story, stops, patience=patience), view, handle  # type: ignore[arg-type]


def test_a_signal_asks_once_for_the_end_and_goes_on_watching() -> None:
    run = FakeRun()
    with Stops() as stops:
        watched, view, handle = watch(run, 6, stops)
        handle.on_wait = lambda: os.kill(os.getpid(), signal.SIGTERM) if handle.looks == 5 else None
        watched.run()
    assert run.asked == [Cancel("canceled by SIGTERM")]
    assert stops.code == 143
    assert view.closed == 1
    assert len(view.pictures) == 7


def test_a_second_signal_leaves_at_once_with_the_terminal_given_back() -> None:
    left: list[int] = []
    given_back: list[bool] = []
    with Stops(leave=left.append) as stops:
        stops.at_once = lambda: given_back.append(True)
        os.kill(os.getpid(), signal.SIGINT)
        assert (stops.code, left) == (130, [])
        os.kill(os.getpid(), signal.SIGINT)
    assert (left, given_back) == ([130], [True])


def test_signals_mean_what_they_meant_before_once_the_watch_is_over() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Stops():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_disk_that_stays_full_is_given_up_where_nobody_is_there() -> None:
    run = FakeRun(trouble="cannot write: the disk is full; free some space")
    watched, view, _ = watch(run, 1000, Stops(), patience=10.0)
    watched.run()
    assert watched.gave_up == run.trouble
    assert view.closed == 1
    assert view.pictures[-1].trouble == run.trouble


def test_with_a_person_at_the_terminal_it_waits() -> None:
    run = FakeRun(trouble="cannot write: the disk is full; free some space")
    watched, _, _ = watch(run, 100, Stops(), patience=None)
    watched.run()
    assert watched.gave_up == ""


def test_what_kept_the_engine_from_running_comes_out_with_the_terminal_given_back() -> None:
    run = FakeRun()
    watched, view, handle = watch(run, 5, Stops())

    def broken() -> None:
        raise RuntimeError("the executor could not open")

    handle.on_wait = broken
    with pytest.raises(RuntimeError, match="could not open"):
        watched.run()
    assert view.closed == 1
