"""What every executor promises, tried on every executor. A new one is a row of EXECUTORS.

What differs is said in one place: `KILLS` can end any code, `PACKS` results that travel, `CAPTURES` what tasks print.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.attempt import CANCELED, COMPLETED, CRASHED, FAILED, TIMED_OUT, Outcome, Work
from engine.executors.contract import Executor
from engine.executors.lookup import make_executor
from engine.payload import Payload, pack
from tests.engine.executors.workbench import Workbench, gone, make_project, opened

EXECUTORS = ["inline", "threads", "processes"]
KILLS = {"processes"}
PACKS = {"processes"}
CAPTURES = {"threads", "processes"}
SIDE_BY_SIDE = {"threads", "processes"}

Make = Callable[..., Workbench]


@pytest.fixture(params=EXECUTORS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(name: str, tmp_path: Path) -> Iterator[Make]:
    benches: list[Workbench] = []

    def _make(**how: Any) -> Workbench:
        bench = Workbench(make_executor(name), make_project(tmp_path / "project"), **how)
        benches.append(bench)
        return bench

    yield _make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make: Make) -> Workbench:
    return make()


# -- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        -(2**63),
        2**70,
        1.5,
        "text",
        "gr\u00fc\u00df dich",
        [],
        [1, [2, {"a": b"x"}]],
        {"k": [None, 1.0]},
        (1, 2),
        {3, 4},
    ],
    ids=repr,
)
def test_a_value_comes_back_as_it_went_in(bench: Workbench, value: Any) -> None:
    back = bench.value("echo", {"value": value})
    assert back == value
    assert type(back) is type(value)


def test_the_result_of_one_task_is_the_argument_of_another(bench: Workbench) -> None:
    made = bench.run("make_row", {"n": 5})
    assert bench.value("read_row", {"row": made.value}, sealed=isinstance(made.value, Payload)) == [5, "x"]


def test_a_list_of_results_is_opened_where_the_code_runs(bench: Workbench) -> None:
    rows = [pack([1, 2, 3]), 4, pack({"a": 1})]
    assert bench.value("echo", {"value": rows}, sealed=True) == [[1, 2, 3], 4, {"a": 1}]


def test_a_field_is_taken_where_the_code_runs(bench: Workbench) -> None:
    made = bench.run("make_row", {"n": 5}).value
    taken = bench.value("echo", {"value": made}, sealed=isinstance(made, Payload), parts={"value": ("nested", "text")})
    assert taken == "x"


def test_a_field_that_is_not_there_fails_the_node_and_is_named(bench: Workbench) -> None:
    outcome = bench.run("echo", {"value": {"a": 1}}, parts={"value": ("rows", 0)})
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert "'rows'" in outcome.error.message
    assert not outcome.error.retryable


@pytest.mark.seed("S109")
def test_a_function_can_be_handed_over_as_it_is(bench: Workbench) -> None:
    factor = 6
    assert bench.value(lambda value: value * factor, {"value": 7}) == 42


@pytest.mark.seed("S109")
def test_an_async_function_is_awaited(bench: Workbench) -> None:
    assert bench.value("anap", {"value": "morning"}) == "morning"


def test_large_values_arrive_whole(bench: Workbench) -> None:
    made = bench.run("big", {"megabytes": 20})
    assert bench.value("lengths", {"values": [made.value, made.value]}, sealed=True) == [20_000_000, 20_000_000]


def test_every_attempt_gets_exactly_one_outcome(bench: Workbench) -> None:
    attempts = [bench.attempt("fail" if n % 7 == 0 else "echo", {} if n % 7 == 0 else {"value": n}) for n in range(200)]
    bench.start(*attempts)
    bench.wait_for(lambda: sum(type(piece) is Outcome for piece in bench.news) == 200)
    for n, attempt in enumerate(attempts):
        (outcome,) = bench.outcomes_of(attempt)
        assert outcome.number == 1
        assert outcome.kind == (FAILED if n % 7 == 0 else COMPLETED)
        assert outcome.value == (None if n % 7 == 0 else n)


def test_the_outcome_carries_the_epoch_of_its_attempt(bench: Workbench) -> None:
    assert bench.run("noop", epoch=3).epoch == 3
    assert bench.run("fail", epoch=4).epoch == 4


def test_the_seconds_are_those_of_the_code_itself(bench: Workbench) -> None:
    assert 0.05 <= bench.run("nap", {"seconds": 0.05}).seconds < 5.0


# -- failures ---------------------------------------------------------------------------------------------------------


def test_an_exception_is_told_with_type_lineage_message_and_traceback(bench: Workbench) -> None:
    error = bench.run("deep_fail").error
    assert error is not None
    assert error.type == "tasks.BadRow"
    assert error.lineage[:2] == ("ValueError", "Exception")
    assert error.message == "from inside"
    assert error.retryable
    assert "in deep_fail" in error.traceback
    assert "in inner" in error.traceback


def test_a_traceback_shows_the_persons_code_and_none_of_ours(bench: Workbench) -> None:
    error = bench.run("deep_fail").error
    assert error is not None
    assert "engine/" not in error.traceback


@pytest.mark.parametrize(
    ("task", "words"),
    [("nope", "tasks has no 'nope'"), ("nap_", "did you mean nap"), ("BadRow.nothing", "has no 'BadRow.nothing'")],
)
def test_a_task_that_is_not_there_is_named(bench: Workbench, task: str, words: str) -> None:
    error = bench.run(task).error
    assert error is not None
    assert words in error.message
    assert not error.retryable


def test_a_module_that_is_not_there_is_named(bench: Workbench) -> None:
    error = bench.run(Work(reference="no_such_file:run")).error
    assert error is not None
    assert "no_such_file" in error.message


def test_tasks_find_the_other_files_of_the_project(bench: Workbench) -> None:
    assert bench.value("sibling_import") == "found"


def test_wrong_arguments_fail_the_node(bench: Workbench) -> None:
    error = bench.run("add", {"c": 1}).error
    assert error is not None
    assert error.type == "TypeError"


@pytest.mark.parametrize("code", [0, 3, None, "a message"])
def test_sys_exit_fails_the_node_only(bench: Workbench, code: Any) -> None:
    outcome = bench.run("exits", {"code": code})
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert outcome.error.type == "SystemExit"
    assert bench.value("add", {"a": 1}) == 2


@pytest.mark.parametrize(
    "task", ["raises_unprintable", "raises_two_arguments", "raises_with_lock", "raises_huge", "recurses"]
)
def test_exceptions_that_resist_are_told_all_the_same(bench: Workbench, task: str) -> None:
    outcome = bench.run(task)
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert len(outcome.error.message) < 10_000
    assert len(outcome.error.traceback) < 50_000


# -- limits, cancels, holds -------------------------------------------------------------------------------------------


def test_an_attempt_past_its_limit_is_ended(bench: Workbench) -> None:
    outcome = bench.run("nap", {"seconds": 30.0}, timeout=0.1, within=10.0)
    assert outcome.kind == TIMED_OUT
    assert outcome.error is not None
    assert "0.1 s" in outcome.error.message
    assert bench.value("add", {"a": 1}) == 2


def test_a_limit_that_is_not_reached_changes_nothing(bench: Workbench) -> None:
    assert bench.value("nap", {"seconds": 0.01}, timeout=20.0) == "rested"


def test_a_running_attempt_can_be_canceled(bench: Workbench) -> None:
    attempt = bench.attempt("wait_at_checkpoints")
    bench.start(attempt)
    bench.wait_ready(attempt)
    bench.executor.cancel([(attempt.node, attempt.number)], grace=5.0)
    assert bench.outcome(attempt, within=10.0).kind == CANCELED
    assert bench.value("add", {"a": 1}) == 2


def test_a_canceled_task_can_clean_up(bench: Workbench, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    attempt = bench.attempt("clean_up_when_canceled", {"path": str(mark)})
    bench.start(attempt)
    bench.wait_ready(attempt)
    bench.executor.cancel([(attempt.node, attempt.number)], grace=10.0)
    assert bench.outcome(attempt, within=15.0).kind == CANCELED
    assert mark.read_text("utf-8") == "cleaned"


@pytest.mark.parametrize("name", sorted(SIDE_BY_SIDE))
def test_a_waiting_attempt_can_be_canceled_and_never_starts(make: Make, tmp_path: Path) -> None:
    bench = make(slots=1)
    first = bench.attempt("wait_at_checkpoints")
    second = bench.attempt("clean_up_when_canceled", {"path": str(tmp_path / "never")})
    bench.start(first, second)
    bench.wait_ready(first)
    bench.executor.cancel([(second.node, 1)])
    assert bench.outcome(second, within=5.0).kind == CANCELED
    bench.executor.cancel([(first.node, 1)])
    assert bench.outcome(first, within=10.0).kind == CANCELED
    assert not (tmp_path / "never").exists()


def test_canceling_what_is_unknown_or_over_does_nothing(bench: Workbench) -> None:
    attempt = bench.attempt("noop")
    bench.start(attempt)
    bench.outcome(attempt)
    bench.executor.cancel([(attempt.node, 1), (999, 1)])
    assert bench.value("add", {"a": 1}) == 2
    assert len(bench.outcomes_of(attempt)) == 1


@pytest.mark.seed("S25")
def test_a_held_task_waits_at_its_checkpoint_and_goes_on(bench: Workbench) -> None:
    attempt = bench.attempt("wait_at_checkpoints", {"seconds": 1.5}, timeout=20.0)
    bench.start(attempt)
    bench.wait_ready(attempt)
    bench.executor.suspend([(attempt.node, 1)])
    time.sleep(0.2)
    seen = len(bench.news)
    time.sleep(0.3)
    assert len(bench.news) <= seen + 1
    bench.executor.resume([(attempt.node, 1)])
    assert bench.outcome(attempt).kind == COMPLETED


@pytest.mark.parametrize("name", sorted(SIDE_BY_SIDE))
def test_starting_returns_at_once(bench: Workbench) -> None:
    began = time.monotonic()
    attempts = [bench.attempt("nap", {"seconds": 0.5}) for _ in range(2)]
    bench.start(*attempts)
    assert time.monotonic() - began < 0.4
    for attempt in attempts:
        assert bench.outcome(attempt).kind == COMPLETED
    assert time.monotonic() - began < 20.0


# -- what tasks tell --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(CAPTURES))
def test_what_a_task_prints_comes_before_its_outcome(bench: Workbench) -> None:
    attempts = [bench.attempt("chatter", {"lines": 5}) for _ in range(10)]
    bench.start(*attempts)
    for attempt in attempts:
        bench.outcome(attempt)
        assert bench.lines(attempt) == [f"line {n}" for n in range(5)]
        assert bench.lines(attempt, "stderr") == ["trouble ahead"]
        assert bench.news.index(bench.of(attempt, Outcome)[0]) == max(
            index for index, piece in enumerate(bench.news) if piece.node == attempt.node
        )


@pytest.mark.seed("S7", "S8", "S49", "S109", "S253")
def test_the_context_means_the_same_everywhere(bench: Workbench) -> None:
    about = {"level": 2, "upstream": ["load"], "downstream": ["plot", "report"], "metrics": {"executions": 1}}
    attempt = bench.attempt("with_context", path="clean", variables={"start": 9}, about=about)
    bench.start(attempt)
    outcome = bench.outcome(attempt)
    assert outcome.kind == COMPLETED, outcome.error
    told = opened(outcome.value)
    assert told["node"] == "clean"
    assert (told["attempt"], told["state"], told["level"], told["run"]) == (1, "running", 2, "RUN-1")
    assert (told["upstream"], told["downstream"]) == (["load"], ["plot", "report"])
    assert told["before"] == 9
    assert told["files"] == ["note.txt"]
    assert not Path(told["scratch"]).exists()
    assert outcome.writes is not None
    assert {key: opened(value) for key, value in outcome.writes.items()} == {
        "seen": 1,
        "other": [1, 2],
        "more": {"a": 1},
    }
    assert outcome.metrics == {"rows": "344"}
    assert bench.metrics(attempt) == {"rows": "344"}
    (progress,) = [piece for piece in bench.news if type(piece).__name__ == "Progress"]
    assert (progress.fraction, progress.text) == (0.25, "a quarter")
    assert bench.lines(attempt, "log") == ["INFO looked at clean"]


def test_the_writes_of_a_failed_attempt_are_dropped(bench: Workbench) -> None:
    outcome = bench.run("write_and_fail")
    assert outcome.kind == FAILED
    assert outcome.writes is None


# -- programs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ("text", "one\ntwo"),
        ("lines", ["one", "two"]),
        ("none", None),
        ("full", {"stdout": "one\ntwo\n", "stderr": "", "exit_code": 0}),
    ],
)
def test_what_a_program_prints_becomes_its_result(bench: Workbench, output: str, result: Any) -> None:
    assert bench.value(Work("command", words=["printf", "one\\ntwo\\n"], output=output)) == result


def test_json_is_read_and_what_is_none_is_told(bench: Workbench) -> None:
    assert bench.value(Work("shell", script='echo "{\\"a\\": [1, 2]}"', output="json")) == {"a": [1, 2]}
    error = bench.run(Work("shell", script="echo not json", output="json")).error
    assert error is not None
    assert error.type == "OutputNotJson"


def test_inputs_arrive_as_environment_variables_and_nothing_is_pasted(bench: Workbench) -> None:
    script = 'printf "%s|%s|%s" "$text" "$rows" "$none"'
    nasty = "a b; $(touch /tmp/should-not-be) `id` \"quoted\" 'x' \n next"
    got = bench.value(Work("shell", script=script), {"text": nasty, "rows": [1, {"a": "\u00fc"}], "none": None})
    assert got == f'{nasty}|[1, {{"a": "\u00fc"}}]|null'


def test_a_failing_program_is_told_with_code_and_last_words(bench: Workbench) -> None:
    outcome = bench.run(Work("shell", script="echo sorry >&2; exit 9"))
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert outcome.error.exit_code == 9
    assert "sorry" in outcome.error.message
    assert bench.run(Work("shell", script="exit 9", ok_codes=[0, 9])).kind == COMPLETED


def test_shell_scripts_stop_at_the_first_error_and_at_unset_names(bench: Workbench) -> None:
    assert bench.run(Work("shell", script="false; echo on")).kind == FAILED
    assert bench.run(Work("shell", script="echo $not_set_anywhere")).kind == FAILED


def test_a_program_that_is_not_there_is_named(bench: Workbench) -> None:
    error = bench.run(Work("command", words=["no-such-program-here"])).error
    assert error is not None
    assert "no-such-program-here" in error.message
    assert not error.retryable


def test_a_program_runs_in_the_projects_folder_with_a_scratch_folder(bench: Workbench) -> None:
    place, scratch, content = bench.value(
        Work("shell", script='pwd; echo "$FLOWLOOM_SCRATCH"; ls -A "$FLOWLOOM_SCRATCH" | wc -l', output="lines")
    )
    assert Path(place).resolve() == bench.folder.resolve()
    assert not Path(scratch).exists()
    assert content.strip() == "0"


def test_cwd_and_env_of_the_attempt_win_over_those_of_the_node(bench: Workbench) -> None:
    (bench.folder / "sub").mkdir()
    work = Work("shell", script='pwd; echo "$A $B"', output="lines", env={"A": "node", "B": "node"}, cwd="/")
    place, words = bench.value(work, env={"B": "attempt"}, cwd="sub")
    assert Path(place).name == "sub"
    assert words == "node attempt"


def test_the_interpreter_of_the_tasks_comes_first_on_the_path(bench: Workbench) -> None:
    import sys

    first = bench.value(Work("shell", script='echo "${PATH%%:*}"'))
    assert first == str(Path(sys.executable).parent)


def test_a_program_and_all_it_started_is_ended_at_its_limit(bench: Workbench, tmp_path: Path) -> None:
    script = "sleep 300 & echo $! > pids; sh -c 'sleep 301 & echo $! >> pids; wait' & wait"
    outcome = bench.run(Work("shell", script=script, cwd=str(tmp_path), timeout=0.5), within=15.0)
    assert outcome.kind == TIMED_OUT
    assert gone([int(pid) for pid in (tmp_path / "pids").read_text("utf-8").split()]) == []


def test_a_program_is_canceled_with_all_it_started(bench: Workbench, tmp_path: Path) -> None:
    attempt = bench.attempt(Work("shell", script="sleep 300 & echo $! > pids; wait", cwd=str(tmp_path)))
    bench.start(attempt)
    pids = tmp_path / "pids"
    bench.wait_for(lambda: pids.exists() and pids.read_text("utf-8").strip())
    bench.executor.cancel([(attempt.node, 1)], grace=2.0)
    assert bench.outcome(attempt, within=10.0).kind == CANCELED
    assert gone([int(pids.read_text("utf-8"))]) == []


def test_a_program_that_leaves_something_behind_is_over_all_the_same(bench: Workbench, tmp_path: Path) -> None:
    outcome = bench.run(Work("shell", script="sleep 300 & echo $! > pids; echo done", cwd=str(tmp_path)), within=10.0)
    assert outcome.value == "done"
    assert gone([int((tmp_path / "pids").read_text("utf-8"))]) == []


@pytest.mark.seed("S25")
def test_a_held_program_stands_still_and_goes_on(bench: Workbench, tmp_path: Path) -> None:
    script = "n=0; while [ $n -lt 40 ]; do n=$((n+1)); echo $n >> count; sleep 0.02; done; echo end"
    attempt = bench.attempt(Work("shell", script=script, cwd=str(tmp_path), timeout=20.0))
    bench.start(attempt)
    count = tmp_path / "count"
    bench.wait_for(count.exists)
    bench.executor.suspend([(attempt.node, 1)])
    time.sleep(0.2)
    before = count.read_text("utf-8")
    time.sleep(0.3)
    assert count.read_text("utf-8") == before
    bench.executor.resume([(attempt.node, 1)])
    assert bench.outcome(attempt).value == "end"


@pytest.mark.parametrize("name", sorted(CAPTURES))
def test_what_a_program_prints_is_logged_while_it_runs(bench: Workbench) -> None:
    attempt = bench.attempt(Work("shell", script="echo out; echo err >&2", output="none"))
    bench.start(attempt)
    bench.outcome(attempt)
    assert bench.lines(attempt) == ["out"]
    assert bench.lines(attempt, "stderr") == ["err"]


# -- the end ----------------------------------------------------------------------------------------------------------


def files_and_threads() -> tuple[int, int]:
    return len(os.listdir("/proc/self/fd")), threading.active_count()


@pytest.mark.parametrize("hurry", [False, True], ids=["idle", "busy"])
def test_closing_leaves_nothing_behind(make: Make, hurry: bool) -> None:
    make_one = make()
    make_one.value("add", {"a": 1})
    make_one.close()
    before = files_and_threads()
    bench = make()
    assert bench.value("add", {"a": 1}) == 2
    attempts = [bench.attempt("wait_at_checkpoints")] if hurry else []
    if attempts:
        bench.start(*attempts)
        bench.wait_ready(attempts[0])
    bench.close()
    bench.close()
    for attempt in attempts:
        assert bench.outcome(attempt, within=5.0).kind == CANCELED
    assert files_and_threads() == before
    scratch = bench.state / "scratch"
    assert not scratch.exists() or not list(scratch.iterdir())


@pytest.mark.parametrize("name", sorted(SIDE_BY_SIDE))
def test_what_is_started_after_the_end_is_canceled(bench: Workbench) -> None:
    bench.close()
    assert bench.run("noop").kind == CANCELED


# -- what only some can do --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PACKS))
def test_a_value_that_cannot_travel_fails_its_node_and_is_named(bench: Workbench) -> None:
    outcome = bench.run("returns_lock", within=10.0)
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert 'result["rows"][3]["guard"].lock: _thread.lock' in outcome.error.message
    assert not outcome.error.retryable


@pytest.mark.parametrize("name", sorted(PACKS))
def test_an_argument_that_cannot_travel_fails_its_node_and_is_named(bench: Workbench) -> None:
    outcome = bench.run("echo", {"value": {"x": threading.Lock()}}, within=10.0)
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert 'argument value["x"]: _thread.lock' in outcome.error.message
    assert bench.value("add", {"a": 1}) == 2


@pytest.mark.parametrize("name", sorted(set(EXECUTORS) - PACKS))
def test_a_value_that_stays_needs_no_packing(bench: Workbench) -> None:
    outcome = bench.run("returns_lock")
    assert outcome.kind == COMPLETED
    assert hasattr(outcome.value["rows"][3]["guard"].lock, "acquire")


@pytest.mark.parametrize("name", sorted(KILLS))
@pytest.mark.parametrize(
    ("task", "signal"),
    [("segfaults", "SIGSEGV"), ("aborts", "SIGABRT"), ("kills_its_group", "SIGKILL"), ("hard_exit", None)],
)
def test_a_process_that_dies_fails_one_attempt_and_nothing_else(
    bench: Workbench, task: str, signal: str | None
) -> None:
    other = bench.attempt("nap", {"seconds": 0.3})
    bench.start(other)
    outcome = bench.run(task, within=10.0)
    assert outcome.kind == CRASHED
    assert outcome.error is not None
    assert outcome.error.signal == signal
    assert outcome.error.exit_code == (7 if signal is None else None)
    assert bench.outcome(other).kind == COMPLETED
    assert bench.value("add", {"a": 1}) == 2


@pytest.mark.parametrize("name", sorted(KILLS))
@pytest.mark.parametrize("task", ["spin", "masks_sigterm", "holds_the_lock_of_python"])
def test_whatever_a_task_does_its_limit_holds(bench: Workbench, task: str) -> None:
    assert bench.run(task, timeout=0.3, within=10.0).kind == TIMED_OUT


@pytest.mark.parametrize("name", sorted(KILLS))
def test_a_task_that_will_not_be_canceled_is_killed_after_the_grace(bench: Workbench) -> None:
    attempt = bench.attempt("stubborn")
    bench.start(attempt)
    bench.wait_ready(attempt)
    bench.executor.cancel([(attempt.node, 1)], grace=0.3)
    assert bench.outcome(attempt, within=10.0).kind == CANCELED


def test_the_contract_is_kept_in_form(name: str) -> None:
    assert isinstance(make_executor(name), Executor)
