"""Threads that turn the run's loop themselves: no order is lost or done twice, and an interrupt hits only whom it was for."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.attempt import CANCELED, COMPLETED, LogLines, Outcome
from engine.executors.contract import Workplace
from engine.executors.interrupt import raise_in
from engine.executors.threads import ThreadsExecutor
from engine.machine import events as e
from engine.machine.requests import Cancel
from engine.machine.state import RunState, WorkflowState
from engine.machine.transitions import replay
from engine.plan import simple_plan
from engine.project.model import RetryPolicy
from engine.runner.run import Run
from tests.engine.executors.workbench import Workbench, make_project
from tests.support.machines import assert_same

Deps = Sequence[tuple[int, ...]]


def a_graph(chance: random.Random, most: int) -> list[tuple[int, ...]]:
    """Any graph of up to `most` nodes with up to three inputs each."""
    return [
        tuple(sorted(chance.sample(range(i), min(i, chance.randint(0, 3))))) for i in range(chance.randint(1, most))
    ]


def a_run(folder: Path, functions: Sequence[Callable[..., Any]], deps: Deps, workers: int) -> Run:
    plan = simple_plan(functions, deps, "threads")
    workplace = Workplace(folder=folder, state=folder, slots=workers, run="R")
    return Run(plan, {"threads": ThreadsExecutor()}, workplace=workplace)


def ended(run: Run, within: float = 60.0) -> RunState:
    """The state at the end of a run, driven in another thread so that one that hangs is seen."""
    driver = threading.Thread(target=run.drive, daemon=True)
    driver.start()
    driver.join(within)
    assert not driver.is_alive(), f"it hangs with {run.state.done} of {len(run.plan)} nodes done"
    return run.state


def total(*values: int) -> int:
    return sum(values) + 1


async def total_later(*values: int) -> int:
    await asyncio.sleep(0)
    return sum(values) + 1


def total_printed(*values: int) -> int:
    print("got", *values)
    return sum(values) + 1


def values_of(deps: Deps) -> list[int]:
    values: list[int] = []
    for upstream in deps:
        values.append(sum(values[i] for i in upstream) + 1)
    return values


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_any_graph_ends_with_the_right_values_and_replays_to_the_same(tmp_path: Path, workers: int) -> None:
    chance = random.Random(workers)
    for _ in range(120):
        deps = a_graph(chance, 60)
        functions = [chance.choice([total] * 12 + [total_later, total_printed]) for _ in deps]
        run = a_run(tmp_path, functions, deps, workers)
        heard = run.feed.subscribe()
        state = ended(run)
        assert state.values == values_of(deps)
        glance = heard.take()
        assert_same(state, replay(run.plan, glance.events))
        started = [event.node for event in glance.events if isinstance(event, e.Started)]
        assert sorted(started) == list(range(len(deps)))
        printed = {piece.node: piece.lines for piece in glance.logs}
        assert printed == {
            node: [" ".join(["got", *[str(state.values[i]) for i in deps[node]]])]
            for node, function in enumerate(functions)
            if function is total_printed
        }


def test_a_chain_never_leaves_its_thread(tmp_path: Path) -> None:
    threads: list[int] = []

    def note(*_: None) -> None:
        threads.append(threading.get_ident())

    ended(a_run(tmp_path, [note] * 200, [(), *[(i,) for i in range(199)]], 3))
    assert len(threads) == 200
    assert len(set(threads)) == 1


def test_what_takes_long_runs_side_by_side(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def meet() -> int:
        return together.wait(20)

    assert sorted(ended(a_run(tmp_path, [meet] * 4, [()] * 4, 4)).values) == [0, 1, 2, 3]


def test_a_slow_node_keeps_nobody_from_hearing_of_quick_ones(tmp_path: Path) -> None:
    release = threading.Event()
    quick = 400

    def slow(*_: None) -> bool:
        return release.wait(30)

    def last(*_: None) -> None:
        release.set()

    functions = [slow, *[lambda *_: None] * quick, last]
    state = ended(a_run(tmp_path, functions, [*[()] * (quick + 1), tuple(range(1, quick + 1))], 2))
    assert state.values[0] is True


def test_retries_and_timers_come_without_being_asked_for(tmp_path: Path) -> None:
    tries: list[float] = []

    def flaky() -> int:
        tries.append(time.monotonic())
        if len(tries) < 4:
            raise ValueError("not yet")
        return len(tries)

    run = a_run(tmp_path, [flaky, total], [(), (0,)], 2)
    run.plan.retry = RetryPolicy(max_retries=5)
    assert ended(run).values == [4, 5]


def test_a_run_of_short_nodes_can_be_canceled_in_the_middle(tmp_path: Path) -> None:
    begun = threading.Event()

    def work(*_: None) -> None:
        begun.set()

    run = a_run(tmp_path, [work] * 40_000, [()] * 40_000, 2)
    driver = threading.Thread(target=run.drive, daemon=True)
    driver.start()
    assert begun.wait(20)
    run.ask(Cancel("enough"))
    driver.join(30)
    assert not driver.is_alive()
    assert run.state.state is WorkflowState.CANCELED
    assert run.state.running == 0
    assert run.state.done + run.state.canceled == 40_000


def test_a_task_can_steer_the_run_it_is_part_of(tmp_path: Path) -> None:
    holder: list[Run] = []

    def stop() -> None:
        holder[0].ask(Cancel("as I say"))

    holder.append(a_run(tmp_path, [stop, total], [(), (0,)], 1))
    state = ended(holder[0])
    assert (state.state, state.reason) == (WorkflowState.CANCELED, "as I say")


def test_what_breaks_in_the_engine_ends_the_drive_and_not_only_a_thread(tmp_path: Path) -> None:
    class Broken:
        def tell(self, state: RunState, batch: Sequence[e.Event]) -> None:
            if any(isinstance(event, e.Completed) for event in batch):
                raise ZeroDivisionError("our own mistake")

    plan = simple_plan([total, total], [(), (0,)], "threads")
    workplace = Workplace(folder=tmp_path, state=tmp_path, slots=2, run="R")
    run = Run(plan, {"threads": ThreadsExecutor()}, workplace=workplace, witness=Broken())
    with pytest.raises(ZeroDivisionError, match="our own"):
        run.drive()


def test_nothing_begins_any_more_once_a_drive_is_broken_off(tmp_path: Path) -> None:
    begun: list[int] = []
    driver = threading.get_ident()
    holder: list[Run] = []

    def break_off() -> None:
        raise_in(driver, KeyboardInterrupt)
        holder[0].report(())

    def linger() -> None:
        begun.append(threading.get_ident())
        time.sleep(0.02)

    holder.append(a_run(tmp_path, [break_off, *[linger] * 300], [()] * 301, 2))
    with pytest.raises(KeyboardInterrupt):
        holder[0].drive()
    assert len(begun) < 100
    assert holder[0].wait(0)


def test_an_interrupt_hits_only_the_attempt_that_it_was_for(tmp_path: Path) -> None:
    bench = Workbench(ThreadsExecutor(), make_project(tmp_path / "project"), slots=2)
    chance = random.Random(5)

    def spin() -> int:
        return sum(range(chance.randint(1, 3000)))

    attempts = [bench.attempt(spin) for _ in range(1500)]
    for attempt in attempts:
        attempt.work.wants_context, attempt.work.plain = False, True
    victims = chance.sample(attempts, 700)
    bench.start(*attempts)
    for attempt in victims:
        bench.executor.cancel([(attempt.node, 1)])
    bench.wait_for(lambda: sum(type(piece) is Outcome for piece in bench.news) >= 1500)
    bench.close()
    outcomes = {piece.node: piece.kind for piece in bench.news if type(piece) is Outcome}
    assert len(outcomes) == sum(type(piece) is Outcome for piece in bench.news) == 1500
    spared = {attempt.node for attempt in attempts} - {attempt.node for attempt in victims}
    assert {outcomes[node] for node in spared} == {COMPLETED}
    assert CANCELED in {outcomes[attempt.node] for attempt in victims}


def test_a_thread_that_cannot_be_stopped_is_replaced(tmp_path: Path) -> None:
    bench = Workbench(ThreadsExecutor(), make_project(tmp_path / "project"), slots=1)
    release = threading.Event()

    def deaf() -> None:
        while not release.is_set():
            try:
                release.wait(30)
            except BaseException:
                continue

    attempt = bench.attempt(deaf)
    bench.start(attempt)
    time.sleep(0.05)
    bench.executor.cancel([(attempt.node, 1)], grace=-0.9)
    outcome = bench.outcome(attempt, within=20.0)
    assert outcome.kind == CANCELED
    assert outcome.error is not None
    assert "its thread cannot be stopped" in outcome.error.message
    assert bench.value("add", {"a": 1}) == 2
    release.set()
    bench.close()
    assert len(bench.outcomes_of(attempt)) == 1


def test_lines_of_a_task_that_prints_between_others_are_its_own(tmp_path: Path) -> None:
    run = a_run(tmp_path, [total_printed] * 300, [()] * 300, 3)
    lines: dict[int, list[str]] = {}
    heard = run.feed.subscribe()
    ended(run)
    for piece in heard.take().logs:
        assert isinstance(piece, LogLines)
        lines.setdefault(piece.node, []).extend(piece.lines)
    assert lines == {node: ["got"] for node in range(300)}
