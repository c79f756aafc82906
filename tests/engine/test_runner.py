"""A run does what its project says, in order, on record, and goes on when the world around it does not."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.attempt import CRASHED, LOST, TIMED_OUT, LogLines, MetricSet, Progress
from engine.errors import NotReady
from engine.executors.inline import InlineExecutor
from engine.executors.processes import ProcessesExecutor
from engine.machine import events as e
from engine.machine.requests import Cancel
from engine.machine.state import NodeState, RunState, WorkflowState
from engine.plan import simple_plan
from engine.runner.publisher import Publisher
from tests.support.runs import Ledger, ScriptedExecutor, Stage, fail

# -- trying again ----------------------------------------------------------------------------------------------------

RETRIES = (
    '[nodes.load]\ntask = "t:load"\nretry = { max_retries = 3, strategy = "exponential", initial = "10s", max = "30s" }'
)


@pytest.mark.seed("S90", "S95", "S99")
def test_each_retry_starts_when_its_wait_is_over_and_not_before(tmp_path: Path) -> None:
    stage = Stage(tmp_path, RETRIES, script={"load": [fail(), fail(), fail(), 7]}).start()
    for tries in (1, 2, 3):
        stage.until(lambda tries=tries: len(stage.executor.started) == tries and stage.state.retrying)
        stage.leap(9.0)
        for _ in range(20):
            stage.run.report(())
            time.sleep(0.001)
        assert len(stage.executor.started) == tries
        stage.leap(1.0 if tries == 1 else 11.0 if tries == 2 else 21.0)
    result = stage.finish()
    waits = [round(later.due - later.at, 6) for later in stage.ledger.events if isinstance(later, e.RetryPlanned)]
    assert waits == [10.0, 20.0, 30.0]
    assert result["load"] == 7
    assert result.nodes["load"].attempts == 4
    assert result.nodes["load"].metrics.failure_count == 3


@pytest.mark.seed("S99")
def test_the_jitter_of_a_retry_is_where_chance_puts_it(tmp_path: Path) -> None:
    project = RETRIES.replace('"30s"', '"30s", jitter = 0.5')
    stage = Stage(tmp_path, project, script={"load": [fail()]}, chance=lambda: 1.0).start()
    stage.until(lambda: stage.state.retrying)
    stage.leap(15.0)
    stage.finish()
    (planned,) = stage.happened(e.RetryPlanned)
    assert planned.due - planned.at == pytest.approx(15.0)


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (fail("OSError"), 3),
        (fail("FileNotFoundError", lineage=("OSError",)), 3),
        (fail("ValueError"), 1),
        (fail("OSError", retryable=False), 1),
    ],
)
def test_only_what_the_policy_names_is_tried_again(tmp_path: Path, answer: Any, tries: int) -> None:
    project = '[nodes.load]\ntask = "t:load"\nretry = { max_retries = 2, on = ["OSError"] }'
    stage = Stage(tmp_path, project, script={"load": [answer] * 3})
    assert stage.finish().state is WorkflowState.FAILED
    assert stage.executor.started == ["load"] * tries


@pytest.mark.seed("S100")
def test_code_of_the_project_says_how_long_to_wait(tmp_path: Path) -> None:
    project = '[nodes.load]\ntask = "t:load"\nretry = { max_retries = 2, strategy = "t:wait" }'
    stage = Stage(tmp_path, project, script={"load": [fail(), fail(), 1], "load/delay": [4.0, 0]}).start()
    stage.until(lambda: stage.state.retrying)
    stage.leap(4.0)
    assert stage.finish().ok
    assert [round(event.due - event.at, 6) for event in stage.happened(e.RetryPlanned)] == [4.0, 0.0]
    asked = [attempt.args for attempt in stage.executor.attempts if attempt.path == "load/delay"]
    assert asked == [[1], [2]]


@pytest.mark.seed("S100")
@pytest.mark.parametrize("answer", [-1, float("nan"), float("inf"), "soon"])
def test_a_wait_that_is_none_fails_the_node_and_says_so(tmp_path: Path, answer: Any) -> None:
    project = '[nodes.load]\ntask = "t:load"\nretry = { max_retries = 2, strategy = "t:wait" }'
    stage = Stage(tmp_path, project, script={"load": [fail()], "load/delay": [answer]})
    result = stage.finish()
    assert result.state is WorkflowState.FAILED
    assert result.cause == "load"
    assert "the custom strategy gave" in str(result.nodes["load"].error)
    assert stage.executor.started == ["load", "load/delay"]


def test_an_attempt_that_got_lost_runs_again_but_not_for_ever(tmp_path: Path) -> None:
    project = '[nodes.load]\ntask = "t:load"'
    stage = Stage(tmp_path, project, script={"load": [fail("Lost", kind=LOST)] * 9})
    assert stage.finish().state is WorkflowState.FAILED
    assert stage.executor.started == ["load"] * 4
    assert stage.result.nodes["load"].metrics.failure_count == 1


@pytest.mark.parametrize("kind", [CRASHED, TIMED_OUT])
def test_a_crash_and_a_timeout_are_failures_that_can_be_tried_again(tmp_path: Path, kind: str) -> None:
    project = '[nodes.load]\ntask = "t:load"\nretry = { max_retries = 1 }'
    stage = Stage(tmp_path, project, script={"load": [fail("Gone", kind=kind), 5]})
    assert stage.finish()["load"] == 5


# -- when something fails ----------------------------------------------------------------------------------------------

FAMILY = """
[nodes.bad]
task = "t:bad"
[nodes.long]
task = "t:long"
[nodes.child]
task = "t:child"
needs = ["bad"]
[nodes.grandchild]
task = "t:grandchild"
needs = ["child", "after_long"]
[nodes.after_long]
task = "t:after"
needs = ["long"]
[nodes.cleanup]
task = "t:cleanup"
needs = ["bad", "long"]
join = "all_done"
"""


@pytest.mark.seed("S77", "S92")
def test_after_a_failure_what_runs_ends_and_nothing_new_starts_but_cleaning_up(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FAMILY, script={"bad": [fail("KeyError", "id")]}, held=["long"]).start()
    stage.until(lambda: stage.state.phase)
    stage.executor.end("long", 1)
    result = stage.finish()
    assert stage.where() == {
        "bad": "failed",
        "long": "completed",
        "child": "skipped",
        "grandchild": "skipped",
        "after_long": "canceled",
        "cleanup": "completed",
    }
    assert (result.state, result.cause, result.reason) == (WorkflowState.FAILED, "bad", "bad failed")
    assert {node.cause for path, node in result.nodes.items() if path in ("child", "grandchild", "after_long")} == {
        "bad"
    }
    assert stage.executor.canceled == []


@pytest.mark.seed("S92")
def test_fail_fast_ends_what_runs_at_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "[run]\nfail_fast = true\n" + FAMILY, script={"bad": [fail()]}, held=["long"])
    result = stage.finish()
    assert stage.executor.canceled == ["long"]
    assert result.state is WorkflowState.FAILED
    assert stage.where()["long"] == "canceled"


@pytest.mark.seed("S77")
def test_keep_going_does_all_that_does_not_need_what_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FAMILY, script={"bad": [fail()]}, options={"keep_going": True})
    result = stage.finish()
    where = stage.where()
    assert (where["after_long"], where["child"], where["grandchild"]) == ("completed", "skipped", "skipped")
    assert result.state is WorkflowState.FAILED
    assert result.nodes["grandchild"].cause == "bad"


def test_every_node_of_a_long_way_down_names_the_first_cause(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(30)]
    project = '[nodes.n0]\ntask = "t:work"\n' + "\n".join(
        f'[nodes.{name}]\ntask = "t:work"\nneeds = ["{before}"]' for before, name in itertools.pairwise(names)
    )
    stage = Stage(tmp_path, project, script={"n0": [fail()]})
    result = stage.finish()
    assert {result.nodes[name].cause for name in names[1:]} == {"n0"}
    assert {result.nodes[name].state for name in names[1:]} == {NodeState.SKIPPED}


@pytest.mark.seed("S91", "S77")
def test_a_node_that_may_fail_is_skipped_and_the_run_completes(tmp_path: Path) -> None:
    project = """
    [nodes.maybe]
    task = "t:maybe"
    on_error = "skip"
    [nodes.needs_it]
    task = "t:needs"
    needs = ["maybe"]
    [nodes.takes_either]
    task = "t:either"
    needs = ["maybe"]
    join = "all_done"
    """
    stage = Stage(tmp_path, project, script={"maybe": [fail()]})
    assert stage.finish().ok
    assert stage.where() == {"maybe": "skipped", "needs_it": "skipped", "takes_either": "completed"}
    assert stage.result.nodes["needs_it"].cause == "maybe"


@pytest.mark.seed("S93")
def test_an_alternative_gets_the_same_inputs_and_its_result_stands_in(tmp_path: Path) -> None:
    project = """
    [nodes.source]
    task = "t:source"
    [nodes.fetch]
    task = "t:fetch"
    inputs = { where = "source" }
    on_error = { alternative = "cached" }
    [nodes.cached]
    task = "t:cached"
    [nodes.use]
    task = "t:use"
    inputs = { data = "fetch" }
    """
    stage = Stage(tmp_path, project, script={"source": ["here"], "fetch": [fail()], "cached": ["old"]})
    assert stage.finish().ok
    given = {attempt.path: dict(attempt.kwargs) for attempt in stage.executor.attempts}
    assert given["cached"] == given["fetch"] == {"where": "here"}
    assert given["use"] == {"data": "old"}
    assert stage.result["fetch"] == "old"


@pytest.mark.seed("S93")
def test_an_alternative_that_nobody_needs_never_runs(tmp_path: Path) -> None:
    project = """
    [nodes.fetch]
    task = "t:fetch"
    on_error = { alternative = "cached" }
    [nodes.cached]
    task = "t:cached"
    """
    stage = Stage(tmp_path, project)
    assert stage.finish().ok
    assert stage.executor.started == ["fetch"]
    assert stage.result.nodes["cached"].reason == "not needed"


UNDOS = """
[run]
on_error = "compensate"
[nodes.book]
task = "t:book"
undo = { task = "t:unbook" }
[nodes.pay]
task = "t:pay"
undo = { task = "t:refund" }
[nodes.last]
task = "t:last"
undo = { task = "t:never" }
needs = ["book", "pay"]
"""


@pytest.mark.seed("S94")
def test_what_was_done_is_taken_back_last_completed_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path, UNDOS, script={"last": [fail()]}, held=["book", "pay"]).start()
    stage.until(lambda: len(stage.executor.live) == 2)
    stage.executor.end("pay", "receipt")
    stage.until(lambda: stage.state.done == 1)
    stage.executor.end("book", "ticket")
    result = stage.finish()
    assert stage.executor.started[-2:] == ["book/undo", "pay/undo"]
    given = {attempt.path: dict(attempt.kwargs) for attempt in stage.executor.attempts}
    assert given["book/undo"] == {"result": "ticket"}
    assert given["pay/undo"] == {"result": "receipt"}
    ran = {"book/undo": "completed", "pay/undo": "completed"}
    assert stage.where() == {"book": "compensated", "pay": "compensated", "last": "failed", **ran}
    assert result.reason == "last failed (compensated)"
    assert result.cause == "last"


@pytest.mark.seed("S94")
def test_an_undo_that_fails_is_seen_and_keeps_no_other_from_running(tmp_path: Path) -> None:
    stage = Stage(tmp_path, UNDOS, script={"last": [fail()], "pay/undo": [fail()]}, slots=1)
    stage.finish()
    assert stage.executor.started[-2:] == ["pay/undo", "book/undo"]
    ran = {"book/undo": "completed", "pay/undo": "failed"}
    assert stage.where() == {"book": "compensated", "pay": "completed", "last": "failed", **ran}
    assert stage.result.nodes["pay/undo"].state is NodeState.FAILED
    assert stage.result.nodes["book/undo"].state is NodeState.COMPLETED


HOOKS = """
[run]
on_success = { task = "t:cheer" }
on_failure = { task = "t:mourn" }
[nodes.work]
task = "t:work"
"""


@pytest.mark.parametrize(("answer", "called"), [(1, "on_success"), (fail(), "on_failure")])
@pytest.mark.parametrize("hook", [1, fail("Hook", "broken")])
def test_the_hook_for_the_end_runs_last_and_changes_nothing(
    tmp_path: Path, answer: Any, called: str, hook: Any
) -> None:
    stage = Stage(tmp_path, HOOKS, script={"work": [answer], called: [hook]})
    result = stage.finish()
    assert stage.executor.started == ["work", called]
    assert result.ok is (answer == 1)
    assert result.cause == (None if answer == 1 else "work")


# -- steering ------------------------------------------------------------------------------------------------------------

TWO = """
[nodes.first]
task = "t:first"
[nodes.second]
task = "t:second"
needs = ["first"]
"""


@pytest.mark.seed("S68", "S69")
def test_a_paused_run_starts_nothing_and_then_goes_on_where_it_stopped(tmp_path: Path) -> None:
    stage = Stage(tmp_path, TWO, held=["first"]).start()
    stage.until(lambda: stage.executor.live)
    stage.handle.pause("a person")
    stage.executor.end("first", 1)
    stage.until(lambda: stage.state.done == 1)
    assert stage.state.state is WorkflowState.PAUSED
    assert stage.executor.started == ["first"]
    stage.handle.resume()
    assert stage.finish().ok
    assert stage.executor.started == ["first", "second"]
    paused = stage.ledger.events.index(stage.happened(e.RunPaused)[0])
    resumed = stage.ledger.events.index(stage.happened(e.RunResumed)[0])
    assert not [event for event in stage.ledger.events[paused:resumed] if isinstance(event, e.Started)]


@pytest.mark.seed("S68", "S70")
@pytest.mark.parametrize("wish", ["pause", "cancel"])
def test_a_request_is_acknowledged_only_when_it_is_on_record(tmp_path: Path, wish: str) -> None:
    stage = Stage(tmp_path, TWO, held=["first"]).start()
    stage.until(lambda: stage.executor.live and stage.happened(e.Started))
    stage.ledger.open.clear()
    acknowledged = threading.Event()

    def ask() -> None:
        getattr(stage.handle, wish)()
        acknowledged.set()

    asking = threading.Thread(target=ask)
    asking.start()
    stage.until(lambda: stage.state.paused or stage.state.phase)  # decided, and not yet written
    assert not acknowledged.wait(0.2)
    stage.ledger.open.set()
    asking.join(10)
    assert acknowledged.is_set()
    assert stage.happened(e.RunPaused if wish == "pause" else e.RunCanceling)
    if wish == "pause":
        stage.handle.cancel()
    assert stage.finish().state is WorkflowState.CANCELED


@pytest.mark.seed("S70")
def test_a_canceled_run_ends_what_runs_and_forgets_the_rest(tmp_path: Path) -> None:
    stage = Stage(tmp_path, TWO, held=["first"]).start()
    stage.until(lambda: stage.executor.live)
    stage.handle.cancel("enough")
    stage.handle.cancel("again")
    result = stage.finish()
    assert stage.where() == {"first": "canceled", "second": "canceled"}
    assert (result.state, result.reason) == (WorkflowState.CANCELED, "enough")
    assert stage.executor.canceled == ["first"]
    stage.handle.cancel()
    for wish in (stage.handle.pause, stage.handle.resume):
        with pytest.raises(NotReady, match="has ended"):
            wish()


@pytest.mark.seed("S63")
def test_a_run_whose_time_is_up_ends_what_runs_and_has_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, '[run]\ntimeout = "1h"\n' + TWO, held=["first"]).start()
    stage.until(lambda: stage.executor.live)
    stage.leap(3599.0)
    stage.run.report(())
    assert not stage.executor.canceled
    stage.leap(1.0)
    result = stage.finish()
    assert result.state is WorkflowState.FAILED
    assert "timed out after 3600 s" in result.reason
    assert stage.where() == {"first": "canceled", "second": "canceled"}


def test_one_node_can_be_canceled_while_the_others_go_on(tmp_path: Path) -> None:
    project = TWO + '[nodes.other]\ntask = "t:other"\n'
    stage = Stage(tmp_path, project, held=["first", "other"]).start()
    stage.until(lambda: len(stage.executor.live) == 2)
    stage.handle.cancel_node("first", "too slow")
    stage.until(lambda: stage.executor.canceled)
    stage.executor.end("other", 1)
    stage.finish()
    assert stage.where() == {"first": "canceled", "second": "skipped", "other": "completed"}
    assert stage.result.nodes["first"].reason == "too slow"


APPROVAL = """
[nodes.ask]
approval = "publish ${params.what}?"
choices = ["yes", "later"]
[nodes.publish]
task = "t:publish"
needs = ["ask"]
[params]
what = "it"
"""


def test_an_approval_waits_for_an_answer_that_it_offers(tmp_path: Path) -> None:
    stage = Stage(tmp_path, APPROVAL).start()
    stage.until(lambda: stage.state.asking)
    assert list(stage.state.asking.values()) == ["publish it?"]
    with pytest.raises(NotReady, match="can be answered with yes, later"):
        stage.handle.answer("ask", "no")
    with pytest.raises(NotReady, match="asks nothing"):
        stage.handle.answer("publish", "yes")
    stage.handle.answer("ask", "later", "ada")
    assert stage.finish()["ask"] == "later"
    assert stage.happened(e.Answered)[0].by == "ada"


def test_a_wait_for_a_file_goes_on_when_the_file_is_there(tmp_path: Path) -> None:
    project = '[nodes.wait]\nwait = { file = "in/done.txt" }\n[nodes.follows]\ntask = "t:then"\nneeds = ["wait"]'
    stage = Stage(tmp_path, project).start()
    stage.until(lambda: stage.state.asking)
    assert stage.executor.started == []
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "done.txt").touch()
    stage.leap(1.0)
    assert stage.finish().ok
    assert stage.executor.started == ["follows"]


def test_a_wait_lasts_as_long_as_it_says(tmp_path: Path) -> None:
    stage = Stage(tmp_path, '[nodes.wait]\nwait = { for = "2h" }').start()
    stage.until(lambda: stage.state.waits)
    stage.leap(7200.0)
    result = stage.finish()
    assert result.ok
    assert result.nodes["wait"].seconds >= 7200.0


# -- limits --------------------------------------------------------------------------------------------------------------


def test_never_more_run_than_the_slots_the_run_and_the_pool_allow(tmp_path: Path) -> None:
    nodes = "".join(
        f'[nodes.n{i}]\ntask = "t:work"\n{"pool = " + chr(34) + "db" + chr(34) if i % 2 else ""}\n' for i in range(8)
    )
    project = "[run]\nmax_parallel = 3\n[pools]\ndb = 1\n" + nodes
    names = [f"n{i}" for i in range(8)]
    stage = Stage(tmp_path, project, held=names, slots=6).start()
    for _ in names:
        stage.until(lambda: stage.executor.live)
        live = list(stage.executor.live)
        assert sum(1 for path in live if int(path[1:]) % 2) <= 1
        stage.executor.end(live[0])
    assert stage.finish().ok
    assert 2 <= stage.executor.most <= 3


def test_higher_priority_starts_first(tmp_path: Path) -> None:
    project = '[nodes.low]\ntask = "t:a"\n[nodes.high]\ntask = "t:b"\npriority = 5\n[nodes.middle]\ntask = "t:c"\npriority = 1'
    stage = Stage(tmp_path, project, slots=1)
    stage.finish()
    assert stage.executor.started == ["high", "middle", "low"]


# -- the record ----------------------------------------------------------------------------------------------------------


def test_a_store_that_refuses_for_a_while_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runner.publisher.STORE_RETRY", 0.05)
    stage = Stage(tmp_path, TWO, held=["first"]).start()
    stage.until(lambda: stage.executor.live and stage.happened(e.Started))
    stage.ledger.refusals = 3
    watching = stage.run.feed.subscribe()
    stage.executor.end("first", 1)
    stage.until(lambda: stage.run.trouble)
    refused = stage.ledger.refused
    assert refused
    assert "no space left" in (stage.run.trouble or "")
    assert stage.finish().ok
    assert stage.run.trouble is None
    assert [type(event) for event in stage.ledger.events].count(e.Completed) == 2
    assert stage.executor.started == ["first", "second"]
    told = watching.take().events
    assert told == stage.ledger.events[-len(told) :]


def test_nothing_new_starts_while_nothing_can_be_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runner.publisher.STORE_RETRY", 0.02)
    names = [f"n{i}" for i in range(6)]
    project = '[nodes.n0]\ntask = "t:work"\n' + "".join(
        f'[nodes.{name}]\ntask = "t:work"\nneeds = ["{before}"]\n' for before, name in itertools.pairwise(names)
    )
    stage = Stage(tmp_path, project, held=names).start()
    stage.until(lambda: stage.executor.live and stage.happened(e.Started))
    stage.ledger.refusals = 1_000_000
    stage.executor.end("n0", 1)
    stage.until(lambda: stage.ledger.refused > 3)
    busy = list(stage.executor.live)
    for path in busy:
        stage.executor.end(path)
    before = stage.ledger.refused
    stage.until(lambda: stage.ledger.refused > before + 3)
    assert not stage.executor.live
    stage.ledger.refusals = 0
    stage.executor.held.clear()
    stage.until(lambda: stage.run.trouble is None)
    for path in list(stage.executor.live):
        stage.executor.end(path)
    assert stage.finish().ok


def test_the_end_of_a_run_is_told_after_it_is_recorded(tmp_path: Path) -> None:
    stage = Stage(tmp_path, TWO, held=["second"]).start()
    stage.until(lambda: "second" in stage.executor.live and len(stage.happened(e.Started)) == 2)
    stage.ledger.open.clear()
    stage.executor.end("second", 2)
    stage.until(lambda: stage.state.is_over)
    assert not stage.run.wait(0.1)
    stage.ledger.open.set()
    assert stage.finish().ok
    assert isinstance(stage.ledger.events[-1], e.RunEnded)


def test_what_a_long_node_keeps_from_the_loop_is_recorded_all_the_same(tmp_path: Path) -> None:
    go = threading.Event()
    plan = simple_plan([lambda: 1, lambda before: go.wait(20)], [[], [0]], "inline")
    stage = Stage(tmp_path, plan, executors={"inline": InlineExecutor()}).start()
    stage.until(lambda: len(stage.happened(e.Started)) == 2)  # the loop is inside the second node
    assert stage.state.running == 1
    go.set()
    assert stage.finish().ok


class Hearer:
    """A witness that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[e.Event] = []

    def tell(self, state: Any, batch: Sequence[e.Event]) -> None:
        self.heard.extend(batch)


def test_an_event_that_is_committed_while_nobody_is_told_is_told_once() -> None:
    hearer = Hearer()
    state = RunState(simple_plan([lambda: 1], [()], "inline"))
    publisher = Publisher(state, journal=Ledger(), logs=None, witness=hearer)
    said = [e.RunPaused(float(at), "") for at in range(4)]
    publisher.log += said[:2]
    publisher.tell()
    publisher.log.append(said[2])
    publisher.publish(3.0)
    publisher.log.append(said[3])
    publisher.tell()
    publisher.tell()
    assert hearer.heard == said


def test_the_record_counts_as_it_goes(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FAMILY, script={"bad": [fail()]})
    stage.finish()
    counters = stage.ledger.counters
    assert (counters["state"], counters["failed"], counters["cause"], counters["running"]) == ("failed", 1, "bad", 0)
    assert counters["done"] + counters["failed"] + counters["skipped"] + counters["canceled"] == counters["nodes"] == 6


# -- news ----------------------------------------------------------------------------------------------------------------


def test_progress_prints_and_figures_reach_who_watches(tmp_path: Path) -> None:
    kept: list[tuple[Any, ...]] = []

    class Keeper:
        def write(self, path: str, number: int, stream: str, lines: Any, at: float) -> None:
            kept.append((path, number, stream, list(lines)))

        def flush(self) -> None: ...

    stage = Stage(tmp_path, TWO, held=["first"], logs=Keeper()).start()
    watching = stage.run.feed.subscribe()
    stage.until(lambda: stage.executor.live)
    for fraction in (0.25, 0.5):
        stage.executor.say(Progress(0, 1, fraction, "rows"))
    stage.executor.say(LogLines(0, 1, "stdout", ["one", "two"]))
    stage.executor.say(MetricSet(0, 1, "rows", "12"))
    stage.executor.end("first", 1)
    stage.executor.say(LogLines(0, 1, "stderr", ["late"]))
    result = stage.finish()
    glance = watching.take()
    assert glance.progress[0].fraction == 0.5
    assert [(piece.stream, piece.lines) for piece in glance.logs] == [("stdout", ["one", "two"]), ("stderr", ["late"])]
    assert kept == [("first", 1, "stdout", ["one", "two"]), ("first", 1, "stderr", ["late"])]
    assert result.nodes["first"].metrics.custom_metrics == {"rows": "12"}


def test_a_request_that_comes_at_the_very_end_hides_no_lines_that_come_after_it(tmp_path: Path) -> None:
    class Chatty(ScriptedExecutor):
        def close(self, grace: float = 5.0) -> None:
            asking = threading.Thread(target=stage.run.ask, args=(Cancel("late"), None))
            asking.start()
            asking.join()
            self.say(LogLines(0, 1, "stdout", ["the last words"]))

    executors = {"chatty": Chatty()}
    stage = Stage(tmp_path, '[nodes.one]\ntask = "t:one"\nexecutor = "chatty"', executors=executors)
    watching = stage.run.feed.subscribe()
    assert stage.finish().ok
    assert [piece.lines for piece in watching.take().logs] == [["the last words"]]


def test_an_executor_that_cannot_be_closed_keeps_no_other_open_and_the_run_from_no_end(tmp_path: Path) -> None:
    class Stuck(ScriptedExecutor):
        def close(self, grace: float = 5.0) -> None:
            raise OSError("it is stuck")

    others = [ScriptedExecutor(), ScriptedExecutor()]
    project = "".join(f'[nodes.{name}]\ntask = "t:x"\nexecutor = "{name}"\n' for name in ("one", "stuck", "two"))
    executors = {"one": others[0], "stuck": Stuck(), "two": others[1]}
    stage = Stage(tmp_path, project, executors=executors)
    with pytest.raises(OSError, match="it is stuck"):
        stage.run.drive()
    assert all(other.closed for other in others)
    assert stage.run.wait(0)
    assert isinstance(stage.ledger.events[-1], e.RunEnded)


def test_a_late_answer_about_an_attempt_that_is_over_changes_nothing(tmp_path: Path) -> None:
    from engine.attempt import COMPLETED, Outcome

    stage = Stage(tmp_path, TWO, script={"first": [1]}, held=["second"]).start()
    stage.until(lambda: "second" in stage.executor.live)
    stage.executor.say(Outcome(0, 1, COMPLETED, 99))
    stage.executor.say(Outcome(1, 7, COMPLETED, 99))
    stage.executor.end("second", 2)
    assert stage.finish()["first"] == 1
    assert len(stage.happened(e.Completed)) == 2


# -- many, deep, mixed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["fan", "chain"])
def test_a_hundred_thousand_nodes_run_without_recursion(tmp_path: Path, shape: str) -> None:
    count = 100_000
    deps: list[Any] = [()] * count if shape == "fan" else [(), *[(i,) for i in range(count - 1)]]
    plan = simple_plan([lambda *values: sum(values) + 1] * count, deps, "inline")
    ledger = Ledger()
    stage = Stage(tmp_path, plan, executors={"inline": InlineExecutor()}, journal=ledger)
    state = stage.run.drive()
    assert state.state is WorkflowState.COMPLETED
    assert state.done == count
    assert state.values[-1] == (1 if shape == "fan" else count)
    assert len(ledger.events) == 2 * count + 2


def test_one_run_may_use_several_executors(tmp_path: Path) -> None:
    (tmp_path / "mixed.py").write_text("import os\ndef where(**given):\n    return [os.getpid(), given]\n")
    project = """
    [nodes.here]
    task = "mixed:where"
    executor = "inline"
    [nodes.there]
    task = "mixed:where"
    executor = "processes"
    inputs = { before = "here" }
    [nodes.here_again]
    task = "mixed:where"
    executor = "inline"
    inputs = { before = "there" }
    """
    executors = {"inline": InlineExecutor(), "processes": ProcessesExecutor()}
    result = Stage(tmp_path, project, executors=executors).finish()
    assert result.ok, result.reason
    assert result["here"][0] == result["here_again"][0] == os.getpid()
    assert result["there"][0] != os.getpid()
    assert result["here_again"][1] == {"before": result["there"]}


LONG = """
import time
def long():
    for _ in range(3000):
        time.sleep(0.01)
"""


@pytest.mark.seed("S70", "S63")
@pytest.mark.parametrize("end", ["cancel", "cancel_node", "timeout"])
@pytest.mark.parametrize("body", ['task = "long_ones:long"', 'shell = "sleep 30"'])
def test_a_node_that_keeps_the_loop_in_its_own_thread_can_be_ended(tmp_path: Path, end: str, body: str) -> None:
    (tmp_path / "long_ones.py").write_text(LONG)
    project = f'[run]\ntimeout = "1h"\n[nodes.long]\n{body}\nexecutor = "inline"\n'
    stage = Stage(tmp_path, project, executors={"inline": InlineExecutor()}).start()
    stage.until(lambda: stage.happened(e.Started))
    time.sleep(0.1)  # into the code itself
    if end == "timeout":
        stage.leap(3600.0)
    elif end == "cancel":
        stage.handle.cancel("enough")
    else:
        stage.handle.cancel_node("long")
    result = stage.finish()
    assert stage.where() == {"long": "canceled"}
    expected = {"cancel": "canceled", "timeout": "failed", "cancel_node": "completed"}
    assert result.state.value == expected[end]
    assert result.nodes["long"].seconds < 20
