"""Frames: the nodes that hold others. What each kind of them owns, and what its result is made of.

A frame is a node of the plan that has no attempt of its own. It *opens* when it may start, its children run, and it
*closes* when they have all settled; its result follows from theirs. Every kind that is more than one attempt is one:

    Group       composites and sub-workflows: children side by side or in order
    Choice      conditionals and switches: one of several branches, the others are skipped
    Each        map: a body once per item, stamped out of a template when the number of items is known
    Again       loop: a body stamped once a round, until its condition says stop
    Pause       wait: for a length of time, a moment, a file; it has no children
    Question    approval: until somebody answers; it has no children
    Bypass      a node that is not enabled: what comes in goes out, and what it holds is skipped

A template is a range of plan numbers, `low` up to `high`, that never runs itself: stamping copies it to the end of the
plan, shifted. So whatever works for a plain node works inside a map in a loop in a sub-workflow, at any depth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.machine.state import RunState

Evaluate = Callable[["RunState", int], Any]
"""A value at a place: (state, the node that asks) -> value. Raises ReferenceFailed."""


class Frame:
    """What all frames have: their children, by plan number, in file order."""

    __slots__ = ("children", "max_parallel")

    def __init__(self, children: Sequence[int] = (), max_parallel: int | None = None) -> None:
        self.children = list(children)
        self.max_parallel = max_parallel

    def shifted(self, shift: Callable[[int], int]) -> Frame:
        """This frame with other numbers: what a stamp of it is."""
        copy = type(self).__new__(type(self))
        for kind in type(self).__mro__[:-1]:
            for field in getattr(kind, "__slots__", ()):
                setattr(copy, field, getattr(self, field))
        copy.children = [shift(child) for child in self.children]
        copy._shift(shift)
        return copy

    def _shift(self, shift: Callable[[int], int]) -> None:
        """Renumber what else a kind of frame holds."""


class Group(Frame):
    """A composite (`sequential` or not) or a sub-workflow. `ids` name the children in its result.

    `result` is the child whose result it gives out (the last of a sequence, what a sub-workflow says), and `steps` the way
    into that; None for a table of all.
    """

    __slots__ = ("ids", "result", "sequential", "steps")

    def __init__(
        self,
        children: Sequence[int],
        ids: Sequence[str],
        *,
        sequential: bool = False,
        max_parallel: int | None = None,
        result: int | None = None,
        steps: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(children, max_parallel)
        self.ids = list(ids)
        self.sequential = sequential
        self.result = result
        self.steps = steps

    def _shift(self, shift: Callable[[int], int]) -> None:
        if self.result is not None:
            self.result = shift(self.result)


class Choice(Frame):
    """A conditional or a switch. `branches`: case -> child; `otherwise`: the child without a case, if there is one.

    `decide` gives the case (true or false for a conditional); where only an attempt can tell, `asked` is the hidden
    child that is run for it, and its result is the case.
    """

    __slots__ = ("asked", "branches", "decide", "otherwise", "switch")

    def __init__(
        self,
        branches: Mapping[str, int],
        otherwise: int | None,
        *,
        switch: bool = False,
        decide: Evaluate | None = None,
        asked: int | None = None,
    ) -> None:
        owned = [*branches.values(), *([otherwise] if otherwise is not None else ())]
        super().__init__([*([asked] if asked is not None else ()), *owned])
        self.branches = dict(branches)
        self.otherwise = otherwise
        self.switch = switch
        self.decide = decide
        self.asked = asked

    def _shift(self, shift: Callable[[int], int]) -> None:
        self.branches = {case: shift(child) for case, child in self.branches.items()}
        self.otherwise = None if self.otherwise is None else shift(self.otherwise)
        self.asked = None if self.asked is None else shift(self.asked)


class Each(Frame):
    """A map over `items`; the template's root is its first number."""

    __slots__ = ("high", "items", "low")

    def __init__(self, low: int, high: int, items: Evaluate, max_parallel: int | None) -> None:
        super().__init__((), max_parallel)
        self.low = low
        self.high = high
        self.items = items

    def _shift(self, shift: Callable[[int], int]) -> None:
        self.high = shift(self.low) + self.high - self.low
        self.low = shift(self.low)


class Again(Frame):
    """A loop. `stop(state, frame)` tells whether the round that just ended was the last; `asked` is the number, in the
    template, of the hidden node that is run to tell it where an expression cannot."""

    __slots__ = ("asked", "delay", "high", "initial", "low", "most", "negate", "stop")

    def __init__(
        self,
        low: int,
        high: int,
        *,
        stop: Evaluate | None,
        asked: int | None,
        negate: bool,
        initial: Evaluate,
        delay: float,
        most: int | None,
    ) -> None:
        super().__init__()
        self.low = low
        self.high = high
        self.stop = stop
        self.asked = asked
        self.negate = negate
        self.initial = initial
        self.delay = delay
        self.most = most

    def _shift(self, shift: Callable[[int], int]) -> None:
        self.high = shift(self.low) + self.high - self.low
        self.asked = None if self.asked is None else shift(self.asked)
        self.low = shift(self.low)


class Pause(Frame):
    """A wait: `seconds` long, until the time of day `until`, or until the file `path` is there."""

    __slots__ = ("path", "seconds", "until")

    def __init__(self, seconds: float | None, until: str | None, path: Evaluate | None) -> None:
        super().__init__()
        self.seconds = seconds
        self.until = until
        self.path = path


class Question(Frame):
    """An approval: what is asked, what may be answered, and what holds when `timeout` seconds have passed."""

    __slots__ = ("choices", "default", "text", "timeout")

    def __init__(self, text: Evaluate, choices: Sequence[str], default: str | None, timeout: float | None) -> None:
        super().__init__()
        self.text = text
        self.choices = tuple(choices)
        self.default = default
        self.timeout = timeout


class Bypass(Frame):
    """A node that is not enabled. `passed(state, frame)` gives what comes in, by the name of the argument."""

    __slots__ = ("passed",)

    def __init__(self, children: Sequence[int], passed: Evaluate) -> None:
        super().__init__(children)
        self.passed = passed


class Shift:
    """One stamp: numbers from `low` up to `high` of a template became `delta` more; it is item `index` of `frame`."""

    __slots__ = ("delta", "frame", "high", "index", "low")

    def __init__(self, low: int, high: int, delta: int, frame: int, index: int) -> None:
        self.low = low
        self.high = high
        self.delta = delta
        self.frame = frame
        self.index = index

    def __call__(self, node: int) -> int:
        return node + self.delta if self.low <= node < self.high else node


def placed(node: int, shifts: Sequence[Shift]) -> int:
    """Where a node that a recipe names is, seen from inside these stamps (outermost first)."""
    for shift in shifts:
        if shift.low <= node < shift.high:
            node += shift.delta
    return node
