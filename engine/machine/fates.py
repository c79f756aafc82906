"""Which nodes of a run have to run (again), and which leave it, when its graph changes or somebody asks for a retry.

    fates(state, plan, changed, reshaped)       a new version of the graph: `plan` was planned onto the run's own
    fates(state, state.plan, retried, {})       the same graph: these nodes are tried again

Theory. A node is *set back* if it has changed, or if something that it built on is set back after it had come to its end;
so what hangs on a change goes with it, and nothing else. What has not begun needs no setting back: it runs as the plan
says now. A frame is set back *whole*, with all that it holds, when it begins anew; but only *reopened*, when something
in it is set back after it had closed: what it holds and nobody touched stays as it is. Nodes that were born in the run
(items, rounds) leave it when the map or loop that they are of begins anew; and each round of a loop builds on the one
before it, so the rounds after one that is set back leave, too: the loop goes on from there.

What was skipped or canceled because of a node shares that node's fate. Pure; the same function says beforehand what will
happen (`preview`) and, in `grafting`, makes it happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.frames import Again, Choice, Each
from engine.machine.events import OTHER_BRANCHES, Revision
from engine.machine.framing import children_of
from engine.machine.state import (
    CANCELED,
    COMPENSATED,
    COMPLETED,
    FAILED,
    READY,
    RUNNING,
    SETTLED,
    SKIPPED,
    SUSPENDED,
    TEMPLATE,
    RunState,
    WorkflowState,
)
from engine.plan import Plan

MISSED = frozenset({FAILED, SKIPPED, CANCELED})
"""States of nodes that came to an end without a result."""


class Fates:
    """`again`: node -> why it is set back; `whole`: the frames among them that begin anew; `gone`: what leaves the run;
    `rounds`: loop -> how many of its rounds it keeps, where one of them is set back."""

    __slots__ = ("again", "gone", "rounds", "whole")

    def __init__(self) -> None:
        self.again: dict[int, str] = {}
        self.whole: set[int] = set()
        self.gone: set[int] = set()
        self.rounds: dict[int, int] = {}


def begun(state: RunState, node: int) -> bool:
    """Whether a node is past its start, or waits for another attempt, so that there is something to set back."""
    code = state.states[node]
    if code in (READY, SUSPENDED):
        return state.attempts[node] > state.earlier.get(node, 0)
    return code != TEMPLATE


def has_attempt(state: RunState, node: int) -> bool:
    """Whether an attempt of the node is going on."""
    return (state.states[node] == RUNNING and node not in state.plan.frames) or node in state.held


def born_in(state: RunState, frame: int, since: int = 0) -> Iterator[int]:
    """Every number that was stamped out for a map or loop, and for those inside of it; of a loop since some round."""
    todo = [frame]
    while todo:
        holder = todo.pop()
        roots = state.stamps.get(holder)
        what = state.plan.frames.get(holder)
        if roots and isinstance(what, Each | Again):
            for root in roots[since:] if holder == frame else roots:
                for node in range(root, root + what.high - what.low):
                    yield node
                    if node in state.stamps:
                        todo.append(node)


def carry_over(state: RunState, plan: Plan) -> None:
    """Bring what was born in the run into a plan that was made onto its numbers; maps and loops that are none any more
    lose what they bore."""
    kept: set[int] = set()
    for frame in state.stamps:
        if frame not in plan.gone and type(plan.frames.get(frame)) is type(state.plan.frames[frame]):
            kept.update(born_in(state, frame))
    if kept:
        plan.adopt(state.plan, sorted(kept))


def seeds(state: RunState, plan: Plan, revision: Revision) -> tuple[dict[int, str], dict[int, str]]:
    """What a revision changes and reshapes among the nodes of a run: node -> why. `plan` is that of the revision.

    A conditional or switch that has chosen does not choose anew because a branch came or went that it did not take.
    """
    found = revision.differences(state.plan, plan)
    changed = dict(found.changed)
    for node, why in found.changed.items():
        if why == OTHER_BRANCHES and _still_chosen(state, plan, node):
            del changed[node]
    return changed, dict(found.reshaped)


def _still_chosen(state: RunState, plan: Plan, node: int) -> bool:
    before, after = state.plan.frames[node], plan.frames[node]
    assert isinstance(before, Choice)
    assert isinstance(after, Choice)
    cases = [case for case, branch in before.branches.items() if branch == state.chosen.get(node)]
    return bool(cases) and all(after.branches.get(case) == before.branches[case] for case in cases)


def goes_on(state: RunState, plan: Plan, changed: Mapping[int, str], reshaped: Mapping[int, str]) -> bool:
    """Whether a run that has ended would have something to run with this plan."""
    carry_over(state, plan)
    reckoning = _Reckoning(state, plan)
    return bool(reckoning.reckon(changed, reshaped).again or any(True for _ in reckoning.arrivals()))


def fates(state: RunState, plan: Plan, changed: Mapping[int, str], reshaped: Mapping[int, str]) -> Fates:
    """What becomes of every node; those that are not in the answer stay as they are, or have yet to run."""
    return _Reckoning(state, plan).reckon(changed, reshaped)


class _Reckoning:
    """One answer in the making."""

    def __init__(self, state: RunState, plan: Plan) -> None:
        self.state = state
        self.plan = plan
        self.found = Fates()
        self.todo: list[int] = []
        self.held: dict[int, list[int]] = {}
        for child, frame in plan.parents.items():
            self.held.setdefault(frame, []).append(child)
        self.blaming: dict[int, list[int]] = {}
        for node, cause in state.causes.items():
            self.blaming.setdefault(cause, []).append(node)

    def reckon(self, changed: Mapping[int, str], reshaped: Mapping[int, str]) -> Fates:
        """Follow every change to its ends."""
        state, plan = self.state, self.plan
        self.found.gone = {node for node, code in enumerate(state.states) if code != TEMPLATE and node in plan.gone}
        for node, why in changed.items():
            self.set_back(node, why)
        for node, why in reshaped.items():
            if self.code(node) == COMPLETED:
                self.reopen(node, why)
        for node in sorted(self.found.gone):
            self.removed(node)
        for node in self.arrivals():
            frame = plan.parents.get(node)
            if frame is not None and self.makes(frame, node):
                self.reopen(frame, f"{plan.names[node]} is new")
        if state.is_over:
            for node in self.taken_back():
                self.set_back(node, "what it did was taken back")
        while self.todo:
            self.follow(self.todo.pop())
        return self.found

    def arrivals(self) -> Iterable[int]:
        """The nodes that take part from now on."""
        plan, states = self.plan, self.state.states
        first = [node for node, code in enumerate(states) if code == TEMPLATE and node not in plan.templates]
        return [*first, *(node for node in range(len(states), len(plan.names)) if node not in plan.templates)]

    def taken_back(self) -> Iterable[int]:
        """Of a run that has ended: what was compensated, and what is only called, which may be called anew."""
        state, plan = self.state, self.plan
        again = [node for node, code in enumerate(state.states) if code == COMPENSATED]
        called = [*plan.undos.values(), *plan.hooks.values()]
        return [*again, *(node for node in called if node < len(state.states) and begun(state, node))]

    def code(self, node: int) -> int:
        """The state of a node, also of one that is new."""
        return self.state.states[node] if node < len(self.state.states) else READY

    def set_back(self, node: int, why: str) -> None:
        """Let a node run again, if it ever began; a frame with all that it holds."""
        if node >= len(self.state.states) or node in self.found.gone or not begun(self.state, node):
            return
        if node not in self.found.again:
            self.found.again[node] = why
        elif node in self.found.whole or node not in self.state.plan.frames:
            return
        if node in self.state.plan.frames or node in self.plan.frames:
            self.found.whole.add(node)
        self.todo.append(node)

    def reopen(self, frame: int, why: str) -> None:
        """Let a frame that has closed come to its end once more; what it holds stays."""
        if frame in self.found.again or frame in self.found.gone or self.code(frame) not in SETTLED:
            return
        self.found.again[frame] = why
        self.todo.append(frame)

    def removed(self, node: int) -> None:
        """A node leaves: what it bore leaves with it, the frame that held it has another result."""
        self.leave(born_in(self.state, node))
        frame = self.plan.parents.get(node, self.state.parents.get(node))
        name = self.plan.names[node]
        if frame is not None and self.makes(frame, node):
            self.reopen(frame, f"{name} was removed")
        self.share(node, f"{name} was removed")

    def makes(self, frame: int, node: int) -> bool:
        """Whether the result of a frame that completed is also made of this child: not of a branch it did not take."""
        if self.code(frame) != COMPLETED or node in self.plan.hidden or node in self.state.plan.hidden:
            return False
        return self.state.chosen.get(frame, node) == node

    def leave(self, nodes: Iterable[int]) -> None:
        for node in nodes:
            if self.code(node) != TEMPLATE:
                self.found.gone.add(node)
                self.found.again.pop(node, None)
                self.share(node, f"{self.plan.names[node]} was removed")

    def follow(self, node: int) -> None:
        """What else is set back because of a node that is."""
        state, plan = self.state, self.plan
        why = f"{plan.names[node]} runs again"
        if node in state.shifts and node in self.found.again:
            self.go_back(node)
        if state.states[node] in SETTLED:
            for follower in plan.dependents[node]:
                self.set_back(follower, why)
            frame = plan.parents.get(node)
            if frame is not None and (node not in plan.hidden or node not in plan.aside):
                self.reopen(frame, why)
            self.share(node, why)
        if node in self.found.whole:
            self.leave(born_in(state, node))
            for child in self.held.get(node, ()):
                self.set_back(child, why)
        for table in (plan.alternatives, plan.delays, plan.undos):
            if node in table:
                self.set_back(table[node], why)
        for failed in (state.standing_in.get(node), *self.replaced_by(node)):
            if failed is not None and failed not in self.found.again:  # only reopened, perhaps
                self.set_back(failed, why)

    def go_back(self, node: int) -> None:
        """What is set back was born in a round, which is the last of its loop from now on."""
        shift = self.state.shifts[node][-1]
        loop, kept = shift.frame, shift.index + 1
        if isinstance(self.state.plan.frames[loop], Again) and kept < self.found.rounds.get(loop, kept + 1):
            self.found.rounds[loop] = kept
            self.leave(born_in(self.state, loop, kept))

    def share(self, cause: int, why: str) -> None:
        """What did not run, or failed, because of a node has its fate."""
        for node in self.blaming.get(cause, ()):
            code = self.state.states[node]
            if code in MISSED and node in self.state.plan.frames:
                self.reopen(node, why)
            elif code in (SKIPPED, CANCELED):
                self.set_back(node, why)

    def replaced_by(self, alternative: int) -> list[int]:
        """The nodes whose result is that of an alternative, or which failed for good as it could not stand in."""
        states = self.state.states
        found = [node for node in self.blaming.get(alternative, ()) if states[node] == COMPLETED]
        if alternative in self.plan.aside:
            owners = [node for node, other in self.plan.alternatives.items() if other == alternative]
            found += [node for node in owners if node < len(states) and states[node] == FAILED]
        return found


def failed_in(state: RunState, frame: int | None) -> list[int]:
    """The nodes that failed by themselves, in the whole run or inside of a frame: what there is to retry.

    In a run that was canceled, or whose time was up, also what was canceled.
    """
    cut_short = state.state is WorkflowState.CANCELED or state.timed_out
    codes = {FAILED, CANCELED} if frame is not None or cut_short else {FAILED}
    if frame is None:
        among: Iterable[int] = range(len(state.states))
    else:
        among = _inside(state, frame)
    unseen = state.plan.hidden & state.plan.aside
    return [
        node
        for node in among
        if state.states[node] in codes
        and node not in unseen
        and (node not in state.causes or state.states[node] == CANCELED)
        and (node not in state.plan.frames or not _holds_failure(state, node, codes))
    ]


def _inside(state: RunState, frame: int) -> Iterator[int]:
    todo = list(children_of(state, frame))
    while todo:
        node = todo.pop()
        yield node
        if node in state.plan.frames:
            todo.extend(children_of(state, node))


def _holds_failure(state: RunState, frame: int, codes: set[int]) -> bool:
    return any(state.states[node] in codes for node in _inside(state, frame))
