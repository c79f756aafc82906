"""What tasks do to the processes that run them, and what must not come of it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.attempt import CANCELED, COMPLETED, CRASHED, FAILED, TIMED_OUT, Attempt, News, Outcome, Work
from engine.errors import SystemFailure
from engine.executors.children import Children
from engine.executors.contract import Workplace
from engine.executors.processes import ProcessesExecutor
from engine.payload import Payload
from tests.engine.executors.workbench import Workbench, gone, is_alive, make_project, opened

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = Workbench(ProcessesExecutor(), make_project(tmp_path / "project"))
    yield made
    made.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Workbench]:
    """One child only, so that two attempts share it."""
    made = Workbench(ProcessesExecutor(), make_project(tmp_path / "project"), slots=1)
    yield made
    made.close()


# -- values and exceptions that resist --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("__import__('threading').Lock()", "result: _thread.lock"),
        ("__import__('threading').RLock()", "result: _thread.RLock"),
        ("(n for n in range(3))", "result: generator"),
        ("__import__('socket').socket()", "result: socket.socket"),
        ("open('/dev/null')", "result: _io.TextIOWrapper"),
        ("__import__('json')", "result: module"),
        ("{'deep': [1, [2, (n for n in ())]]}", 'result["deep"][1][1]: generator'),
        ("__import__('sqlite3').connect(':memory:')", "result: sqlite3.Connection"),
        ("__import__('sys')._getframe()", "result: frame"),
        ("__import__('_thread')._local()", "result: _thread._local"),
    ],
)
def test_results_that_belong_to_their_process_are_named(alone: Workbench, source: str, words: str) -> None:
    (alone.folder / "odd.py").write_text(f"def make():\n    return {source}\n", encoding="utf-8")
    outcome = alone.run(Work(reference="odd:make"))
    assert outcome.kind == FAILED
    assert outcome.error is not None
    assert words in outcome.error.message
    assert alone.value("add", {"a": 1}) == 2


def test_a_task_may_return_itself(alone: Workbench) -> None:
    (alone.folder / "self_made.py").write_text("def me():\n    return me\n", encoding="utf-8")
    outcome = alone.run(Work(reference="self_made:me"))
    assert outcome.kind == COMPLETED
    assert isinstance(outcome.value, Payload)


# -- what follows from an outcome -------------------------------------------------------------------------------------


def test_who_hears_of_an_outcome_may_change_the_code_and_start_the_next_attempt_there(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    heard: list[Any] = []
    over = threading.Event()
    children = Children(lambda _: None, folder=folder, scratch=tmp_path, python=sys.executable, slots=1)

    def tell(news: Sequence[News]) -> None:
        heard.extend(piece.value for piece in news if isinstance(piece, Outcome))
        if len(heard) < 3:
            children.renew()
            children.start([Attempt(len(heard), 1, work, (), {"a": len(heard)}, "next", {})])
        else:
            over.set()

    work = Work(reference="tasks:add")
    children.tell = tell
    children.open()
    try:
        children.start([Attempt(0, 1, work, (), {"a": 0}, "first", {})])
        assert over.wait(20.0)
    finally:
        children.close()
    assert heard == [1, 2, 3]


# -- files, streams, floods -------------------------------------------------------------------------------------------


def test_a_task_that_closes_the_low_files_harms_nobody(alone: Workbench) -> None:
    assert alone.value("closes_low_files") == "closed"
    attempt = alone.attempt("chatter")
    alone.start(attempt)
    assert alone.outcome(attempt).kind == COMPLETED
    assert alone.lines(attempt) == ["line 0", "line 1", "line 2"]


def test_a_task_that_closes_every_file_fails_and_the_next_one_runs(alone: Workbench) -> None:
    outcome = alone.run("closes_all_files", within=10.0)
    assert outcome.kind == CRASHED
    assert alone.value("add", {"a": 1}) == 2


def test_a_replaced_stdout_is_put_back_for_the_next_task(alone: Workbench) -> None:
    first = alone.attempt("replaces_stdout")
    second = alone.attempt("chatter")
    alone.start(first)
    assert alone.outcome(first).value == "replaced"
    assert alone.lines(first) == ["before"]
    alone.start(second)
    alone.outcome(second)
    assert alone.lines(second) == ["line 0", "line 1", "line 2"]


def test_a_task_that_writes_to_our_own_pipe_is_ended(alone: Workbench) -> None:
    outcome = alone.run("writes_to_all_files", within=15.0)
    assert outcome.kind == CRASHED
    assert outcome.error is not None
    assert "pipe" in outcome.error.message
    assert alone.value("add", {"a": 1}) == 2


@pytest.mark.parametrize("task", ["prints_much", "prints_without_newline", "prints_a_storm_of_escapes"])
def test_a_flood_of_output_is_bounded_and_the_task_completes(bench: Workbench, task: str) -> None:
    attempt = bench.attempt(task, {"megabytes": 1000})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bench.start(attempt)
    assert bench.outcome(attempt, within=600.0).value == "printed"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "it was gathered in memory"
    lines = bench.lines(attempt)
    assert all(len(line) < 10_000 for line in lines)
    assert sum(map(len, lines)) < 30_000_000
    assert "more]" in lines[-1] or any("left out here" in line for line in lines)


def test_a_flood_of_log_lines_is_bounded(bench: Workbench) -> None:
    attempt = bench.attempt("logs_much", {"count": 50_000})
    bench.start(attempt)
    assert bench.outcome(attempt, within=60.0).value == 50_000
    lines = bench.lines(attempt, "log")
    assert lines[0] == "INFO line 0"
    assert any("left out here" in line for line in lines) or len(lines) == 50_000


def test_what_c_code_prints_comes_with_its_task(alone: Workbench) -> None:
    attempt = alone.attempt("prints_in_c")
    alone.start(attempt)
    alone.outcome(attempt)
    assert alone.lines(attempt) == ["from c"]


def test_the_scratch_folder_of_a_killed_task_is_removed(bench: Workbench) -> None:
    outcome = bench.run("scratches_and_hangs", timeout=0.5)
    assert outcome.kind == TIMED_OUT
    bench.close()
    assert not (bench.state / "scratch").exists()


def test_binary_output_becomes_text(bench: Workbench) -> None:
    attempt = bench.attempt("prints_binary")
    bench.start(attempt)
    assert bench.outcome(attempt).value == "printed"
    lines = bench.lines(attempt)
    assert all(isinstance(line, str) and "\n" not in line for line in lines)
    assert any("ABC" in line for line in lines)


def test_lines_printed_in_c_and_by_programs_belong_to_their_task(bench: Workbench) -> None:
    code = "import os\ndef speak():\n    print('python')\n    os.write(1, b'system call\\n')\n    os.system('echo program')\n"
    (bench.folder / "speaking.py").write_text(code, encoding="utf-8")
    attempt = bench.attempt(Work(reference="speaking:speak"))
    bench.start(attempt)
    bench.outcome(attempt)
    assert bench.lines(attempt) == ["python", "system call", "program"]


def test_each_of_many_short_tasks_keeps_its_own_lines(bench: Workbench) -> None:
    (bench.folder / "short.py").write_text("def say(n):\n    print('I am', n)\n", encoding="utf-8")
    work = Work(reference="short:say")
    attempts = [bench.attempt(work, {"n": n}) for n in range(500)]
    bench.start(*attempts)
    for n, attempt in enumerate(attempts):
        bench.outcome(attempt)
        assert bench.lines(attempt) == [f"I am {n}"]


def test_a_running_task_is_heard_before_it_ends(bench: Workbench) -> None:
    (bench.folder / "slow.py").write_text(
        "import time\ndef say():\n    print('first', flush=True)\n    time.sleep(20)\n", encoding="utf-8"
    )
    attempt = bench.attempt(Work(reference="slow:say"))
    bench.start(attempt)
    bench.wait_for(lambda: bench.lines(attempt) == ["first"], within=5.0)
    assert not bench.outcomes_of(attempt)


# -- what is changed in the process -----------------------------------------------------------------------------------


def test_what_a_task_changes_is_put_back(alone: Workbench) -> None:
    before = alone.value("surroundings")
    assert alone.value("changes_everything") == "changed"
    assert alone.value("surroundings") == before
    assert alone.value("chatter", {"lines": 1}) == 1


def test_values_travel_even_if_a_task_broke_pickle(alone: Workbench) -> None:
    alone.value("changes_everything")
    row = alone.run("make_row", {"n": 3})
    assert row.kind == COMPLETED
    assert alone.value("read_row", {"row": row.value}, sealed=True) == [3, "x"]


def test_threads_that_never_end_do_not_keep_anything_from_ending(tmp_path: Path) -> None:
    bench = Workbench(ProcessesExecutor(), make_project(tmp_path / "project"), slots=1)
    assert bench.value("leaves_threads") >= 4
    pid = bench.value("whoami")
    began = time.monotonic()
    bench.close()
    assert time.monotonic() - began < 8.0
    assert gone([pid]) == []


def test_a_task_may_fork_and_come_back_twice(alone: Workbench) -> None:
    pid = alone.value("whoami")
    attempt = alone.attempt("forks_and_both_return")
    alone.start(attempt)
    assert alone.outcome(attempt).value == pid
    assert alone.value("whoami") == pid
    assert len(alone.outcomes_of(attempt)) == 1


def test_a_task_may_use_multiprocessing(alone: Workbench) -> None:
    assert alone.value("uses_multiprocessing") == 55


def test_the_environment_of_an_attempt_lasts_as_long_as_it(alone: Workbench) -> None:
    work = Work(reference="tasks:environment", env={"COLOUR": "blue"})
    names = {"names": ["COLOUR", "SHAPE"]}
    assert alone.value(work, names, env={"SHAPE": "round"}) == {"COLOUR": "blue", "SHAPE": "round"}
    assert alone.value("environment", names) == {"COLOUR": None, "SHAPE": None}


def test_the_working_directory_of_an_attempt_lasts_as_long_as_it(alone: Workbench) -> None:
    (alone.folder / "deeper").mkdir()
    assert alone.value(Work(reference="tasks:place", cwd="deeper")).endswith("/project/deeper")
    assert alone.value("place").endswith("/project")


# -- processes left behind --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["leaves_children_and_hangs", "leaves_children_and_crashes"])
def test_a_child_goes_with_everything_it_started(bench: Workbench, tmp_path: Path, task: str) -> None:
    pids = tmp_path / "pids"
    outcome = bench.run(task, {"path": str(pids)}, timeout=1.0, within=15.0)
    assert outcome.kind == (TIMED_OUT if task.endswith("hangs") else CRASHED)
    left = json.loads(pids.read_text("utf-8"))
    assert len(left) == 3
    assert [pid for pid in left if is_alive(pid)] == []


def test_closing_ends_daemons_too(tmp_path: Path) -> None:
    bench = Workbench(ProcessesExecutor(), make_project(tmp_path / "project"))
    left = bench.value("leaves_children", {"path": str(tmp_path / "pids")})
    assert [pid for pid in left if is_alive(pid)] == left
    bench.close()
    assert gone(left) == []


ENGINE = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from engine.attempt import Attempt, Work
from engine.executors.contract import Workplace
from engine.executors.processes import ProcessesExecutor
executor = ProcessesExecutor()
executor.open(Workplace(folder=Path({folder!r}), state=Path({state!r}), python=sys.executable, slots=2), lambda news: None)
executor.start([
    Attempt(0, 1, Work(reference="tasks:leaves_children_and_hangs"), (), {{"path": {pids!r}}}, "a", {{}}),
    Attempt(1, 1, Work("shell", script="echo $$ > {program}; sleep 300"), (), {{}}, "b", {{}}),
])
time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_children_do_not_outlive_their_engine(tmp_path: Path, number: int) -> None:
    folder = make_project(tmp_path / "project")
    pids, program = tmp_path / "pids", tmp_path / "program"
    code = ENGINE.format(
        root=str(ROOT), folder=str(folder), state=str(tmp_path / "s"), pids=str(pids), program=str(program)
    )
    engine = subprocess.Popen([sys.executable, "-c", code])
    try:
        until = time.monotonic() + 20
        while not (pids.exists() and pids.read_text("utf-8") and program.exists() and program.read_text("utf-8")):
            assert time.monotonic() < until
            time.sleep(0.02)
        time.sleep(0.5)
        family = [*json.loads(pids.read_text("utf-8")), int(program.read_text("utf-8")), *children_of(engine.pid)]
        assert len(family) >= 6
    finally:
        engine.send_signal(number)
        engine.wait(10)
    assert gone(family, within=10.0) == []


def test_a_task_that_holds_the_lock_of_python_does_not_outlive_the_engine_either(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    code = ENGINE.format(
        root=str(ROOT), folder=str(folder), state=str(tmp_path / "s"), pids="", program=tmp_path / "program"
    )
    code = code.replace("leaves_children_and_hangs", "holds_the_lock_of_python").replace("{\"path\": ''}", "{}")
    engine = subprocess.Popen([sys.executable, "-c", code])
    try:
        until = time.monotonic() + 20
        while not (tmp_path / "program").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        time.sleep(0.5)
        family = children_of(engine.pid)
        assert len(family) >= 3
    finally:
        engine.kill()
        engine.wait(10)
    assert gone(family, within=10.0) == []


def children_of(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text("utf-8").split()
    ]


# -- crashes and queues -----------------------------------------------------------------------------------------------


def test_a_crash_blames_one_attempt_and_the_queue_behind_it_goes_on(bench: Workbench) -> None:
    code = "import os\ndef step(n):\n    if n == 250:\n        os._exit(5)\n    return n\n"
    (bench.folder / "queue_of.py").write_text(code, encoding="utf-8")
    work = Work(reference="queue_of:step")
    attempts = [bench.attempt(work, {"n": n}) for n in range(500)]
    bench.start(*attempts)
    for n, attempt in enumerate(attempts):
        outcome = bench.outcome(attempt)
        assert outcome.kind == (CRASHED if n == 250 else COMPLETED), (n, outcome)
        assert outcome.value == (None if n == 250 else n)
    assert sum(type(piece) is Outcome for piece in bench.news) == 500


def test_one_slow_task_delays_neither_those_before_nor_those_behind_it(bench: Workbench) -> None:
    code = "import time\ndef step(n):\n    if n == 250:\n        time.sleep(20)\n    return n\n"
    (bench.folder / "slow_one.py").write_text(code, encoding="utf-8")
    work = Work(reference="slow_one:step")
    attempts = [bench.attempt(work, {"n": n}) for n in range(500)]
    bench.start(*attempts)
    for n, attempt in enumerate(attempts):
        if n != 250:
            assert bench.outcome(attempt, within=15.0).value == n
    assert not bench.outcomes_of(attempts[250])
    bench.executor.cancel([(250, 1)], grace=2.0)
    assert bench.outcome(attempts[250]).kind == CANCELED


def test_a_child_killed_from_outside_is_replaced(alone: Workbench) -> None:
    pid = alone.value("whoami")
    os.kill(pid, signal.SIGKILL)
    assert gone([pid]) == []
    other = alone.value("whoami")
    assert other != pid


def test_running_out_of_memory_fails_the_node(alone: Workbench) -> None:
    outcome = alone.run("fills_memory", within=30.0)
    assert outcome.kind in (FAILED, CRASHED)
    assert alone.value("add", {"a": 1}) == 2


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_a_million_small_objects_come_back(bench: Workbench, count: int) -> None:
    outcome = bench.run("many_objects", {"count": count}, within=300.0)
    assert outcome.kind == COMPLETED
    assert len(opened(outcome.value)) == count


@pytest.mark.soak
def test_two_gibibytes_come_back_whole_and_are_handed_on(bench: Workbench) -> None:
    megabytes = 2148
    outcome = bench.run("big", {"megabytes": megabytes}, within=600.0)
    assert outcome.kind == COMPLETED, outcome.error
    assert bench.value("lengths", {"values": [outcome.value]}, sealed=True, within=600.0) == [megabytes * 1_000_000]


def test_a_missing_package_is_named(bench: Workbench) -> None:
    outcome = bench.run("missing_module")
    assert outcome.error is not None
    assert outcome.error.type == "ModuleNotFoundError"
    assert "a_package_that_nobody_has" in outcome.error.message
    assert not outcome.error.retryable


def test_children_are_reused(alone: Workbench) -> None:
    assert len({alone.value("whoami") for _ in range(20)}) == 1


# -- the interpreter --------------------------------------------------------------------------------------------------


def test_an_interpreter_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    executor = ProcessesExecutor()
    workplace = Workplace(folder=tmp_path, state=tmp_path / "s", python=str(tmp_path / "no-python"))
    with pytest.raises(SystemFailure, match="no-python"):
        executor.open(workplace, lambda news: None)


def test_an_interpreter_that_is_no_python_fails_every_attempt_and_says_why(tmp_path: Path) -> None:
    fake = tmp_path / "fake-python"
    fake.write_text("#!/bin/sh\necho I am no snake >&2\nexit 3\n", encoding="utf-8")
    fake.chmod(0o755)
    bench = Workbench(ProcessesExecutor(), make_project(tmp_path / "project"), python=str(fake))
    try:
        for attempt in [bench.attempt("noop"), bench.attempt("noop"), bench.attempt("noop")]:
            bench.start(attempt)
            outcome = bench.outcome(attempt, within=10.0)
            assert outcome.kind == FAILED
            assert outcome.error is not None
            assert "I am no snake" in outcome.error.message
            assert not outcome.error.retryable
    finally:
        bench.close()


def test_the_projects_folder_comes_after_the_standard_library_and_before_packages(bench: Workbench) -> None:
    (bench.folder / "random.py").write_text("raise RuntimeError('the wrong one')\n", encoding="utf-8")
    (bench.folder / "order_of.py").write_text(
        "import random, sys\ndef look():\n    return [random.random() < 2, [p for p in sys.path]]\n", encoding="utf-8"
    )
    right, path = bench.value(Work(reference="order_of:look"))
    assert right
    at = path.index(str(bench.folder))
    assert any(p.endswith("lib-dynload") for p in path[:at])
    assert not any(p.endswith("site-packages") for p in path[:at])
    assert any(p.endswith("site-packages") for p in path[at:])


def test_a_project_may_have_a_folder_named_engine_without_breaking_its_child(bench: Workbench) -> None:
    (bench.folder / "engine").mkdir()
    (bench.folder / "engine" / "__init__.py").write_text("raise RuntimeError('not this one')\n", encoding="utf-8")
    assert bench.value("add", {"a": 1}) == 2


# -- storms -----------------------------------------------------------------------------------------------------------


def test_children_killed_at_random_lose_no_attempt_and_count_none_twice(bench: Workbench) -> None:
    chance = random.Random(7)
    code = "import time\ndef step(n):\n    time.sleep(0.004 if n % 10 == 0 else 0)\n    return n\n"
    (bench.folder / "steps.py").write_text(code, encoding="utf-8")
    work = Work(reference="steps:step")
    attempts = [bench.attempt(work, {"n": n}) for n in range(3000)]
    bench.start(*attempts)
    kills = 0
    executor = bench.executor
    assert isinstance(executor, ProcessesExecutor)
    while kills < 12 and sum(type(piece) is Outcome for piece in bench.news) < 2500:
        time.sleep(0.1)
        pids = executor.pids()
        if pids:
            kills += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(pids), signal.SIGKILL)
    outcomes = [bench.outcome(attempt, within=60.0) for attempt in attempts]
    crashed = [outcome for outcome in outcomes if outcome.kind == CRASHED]
    assert len(crashed) <= kills
    for n, outcome in enumerate(outcomes):
        assert outcome.kind in (COMPLETED, CRASHED)
        assert outcome.value == (n if outcome.kind == COMPLETED else None)
    assert sum(type(piece) is Outcome for piece in bench.news) == 3000


def test_a_storm_of_cancels_ends_every_attempt(bench: Workbench) -> None:
    chance = random.Random(11)
    names = ["nap", "wait_at_checkpoints", "spin", "stubborn", "noop", "chatter"]
    attempts = []
    for _ in range(60):
        name = chance.choice(names)
        attempts.append(bench.attempt(name, {"seconds": 0.2} if name in ("nap", "wait_at_checkpoints") else {}))
    bench.start(*attempts)
    pairs = [(attempt.node, 1) for attempt in attempts]
    chance.shuffle(pairs)
    for pair in pairs:
        bench.executor.cancel([pair], grace=chance.choice([0.0, 0.05, 0.2]))
        time.sleep(chance.choice([0.0, 0.01]))
    for attempt in attempts:
        assert bench.outcome(attempt, within=60.0).kind in (CANCELED, COMPLETED)
    assert sum(type(piece) is Outcome for piece in bench.news) == len(attempts)
    assert bench.value("add", {"a": 1}) == 2


def test_a_large_attempt_arrives_that_was_started_by_whoever_heard_of_the_one_before(tmp_path: Path) -> None:
    """Started in the thread that reads the pipes, between two of its looks; its input is more than a pipe holds."""
    folder = make_project(tmp_path)
    over = threading.Event()
    values: list[Any] = []
    work = Work(reference="tasks:echo")

    def report(news: Sequence[News]) -> None:
        for piece in news:
            if type(piece) is Outcome:
                values.append(piece.kind)
                if len(values) < 4:
                    children.start([Attempt(len(values), 1, work, (), {"value": b"x" * 3_000_000}, "n", {})])
                else:
                    over.set()

    children = Children(report, folder=folder, scratch=tmp_path / "scratch", python=sys.executable, slots=1)
    children.open()
    try:
        children.start([Attempt(0, 1, work, (), {"value": 1}, "n", {})])
        assert over.wait(30), f"only {len(values)} of 4 ended"
    finally:
        children.close(0.0)
    assert values == [COMPLETED] * 4
