"""What a child prints is told apart by attempt, however reading and handing out fall between each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.attempt import Attempt, LogLines, News, Work
from engine.executors.child_process import ChildProcess
from engine.executors.jobs import Job, Pace
from engine.executors.spawn import Pipes


class Desk:
    """A child process that is not there: the test prints for it, and says when an attempt is over."""

    def __init__(self) -> None:
        self.written: dict[str, int] = {}
        ends: dict[str, int] = {}
        for name in ("stdout", "stderr", "outbox", "bell"):
            ends[name], self.written[name] = os.pipe()
            os.set_blocking(ends[name], False)
        self.inbox, ends["inbox"] = os.pipe()
        self.pipes = Pipes(**ends)
        self.child = ChildProcess(0, cast(Any, SimpleNamespace(pid=os.getpid())), self.pipes, "mark")
        self.news: list[News] = []
        self.printed = 0

    def hand_out(self, node: int) -> None:
        self.child.queue.append(Job(node, Attempt(node, 1, Work(reference="t:say"), (), {}, f"n{node}", {}), Pace()))

    def prints(self, text: str) -> None:
        os.write(self.written["stdout"], text.encode())

    def ends(self, text: str) -> None:
        """The first of the queue is over, and Python code wrote so much in it."""
        self.child.split_streams(len(text), 0, self.news)
        self.child.queue.popleft()

    def lines(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for piece in self.news:
            assert isinstance(piece, LogLines)
            found.setdefault(piece.node, []).extend(piece.lines)
        return found

    def close(self) -> None:
        self.pipes.close()
        for fd in (*self.written.values(), self.inbox, self.child.pidfd):
            if fd is not None:
                os.close(fd)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


def test_lines_read_while_an_attempt_was_alone_are_not_counted_again_when_another_follows(desk: Desk) -> None:
    desk.hand_out(1)
    desk.prints("I am 1\n")
    desk.child.read_stream("stdout", desk.news)
    desk.hand_out(2)
    desk.prints("I am 2\n")  # the child has gone on before we heard of the end of the first
    desk.ends("I am 1\n")
    desk.ends("I am 2\n")
    assert desk.lines() == {1: ["I am 1"], 2: ["I am 2"]}


@pytest.mark.parametrize("read_before", [0, 1, 2, 3])
@pytest.mark.parametrize("read_between", [False, True])
def test_each_attempt_of_a_queue_keeps_its_lines_whenever_they_are_read(
    desk: Desk, read_before: int, read_between: bool
) -> None:
    texts = [f"I am {n}\nand so on {n}\n" for n in range(4)]
    desk.hand_out(0)
    for n, text in enumerate(texts):
        if n == read_before:
            desk.child.read_stream("stdout", desk.news)
        if n:
            desk.hand_out(n)
        desk.prints(text)
    for text in texts:
        if read_between:
            desk.child.read_stream("stdout", desk.news)
        desk.ends(text)
    assert desk.lines() == {n: text.splitlines() for n, text in enumerate(texts)}


def test_half_a_line_that_was_read_early_is_finished_by_the_same_attempt(desk: Desk) -> None:
    desk.hand_out(1)
    desk.prints("first ha")
    desk.child.read_stream("stdout", desk.news)
    desk.hand_out(2)
    desk.prints("lf\n")
    desk.prints("second\n")
    desk.ends("first half\n")
    desk.ends("second\n")
    assert desk.lines() == {1: ["first half"], 2: ["second"]}
