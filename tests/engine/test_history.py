"""What a journal tells of a run is what the run was."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.errors import SystemFailure
from engine.history import past_run, plan_of_header
from engine.machine.state import NodeState, RunState, WorkflowState
from engine.result import opened
from engine.start import RunHandle, start_run
from engine.store.trouble import StoreTrouble
from tests.support.machines import assert_same

TASKS = """
import pathlib, time
def one(): return 1
def add(a, b=1): return a + b
def rows(): return [1, 2, 3]
def double(item): return item * 2
def table(): return {"name": "x", "rows": [1, 2]}
def flaky(mark):
    path = pathlib.Path(mark)
    path.write_text(path.read_text() + "x" if path.exists() else "x")
    if len(path.read_text()) < 3:
        raise OSError("not yet")
    return "there"
def bad(): raise ValueError("bad row")
def slow(): time.sleep(60)
def note(ctx):
    ctx.variables.set("count", 5)
    ctx.set_metric("rows", 12)
def grow(value): return (value or 0) + 1
def undone(result): return None
"""

PLAIN = '[nodes.one]\ntask = "work:one"\n[nodes.two]\ntask = "work:add"\ninputs = { a = "one" }\n'
PROJECTS = {
    "plain": PLAIN,
    "retries": '[nodes.flaky]\ntask = "work:flaky"\nargs = { mark = "mark" }\n'
    'retry = { max_retries = 3, strategy = "fixed", delay = 0.01 }\n',
    "failure": PLAIN
    + '[nodes.bad]\ntask = "work:bad"\nneeds = ["one"]\n[nodes.after]\ntask = "work:one"\nneeds = ["bad"]\n'
    + '[nodes.maybe]\ntask = "work:bad"\non_error = "skip"\n',
    "map": '[nodes.rows]\ntask = "work:rows"\n[nodes.twice]\ntask = "work:double"\nmap = "rows"\nmax_parallel = 2\n'
    '[nodes.some]\ntask = "work:add"\ninputs = { a = "twice[1]" }\n',
    "loop": '[nodes.grow]\ntask = "work:grow"\nuntil = "${value} >= 3"\ncarry = "value"\nmax_iterations = 9\n',
    "choice": PLAIN
    + '[nodes.pick]\ncondition = "${two} == 2"\nthen = { task = "work:table" }\nelse = { task = "work:one" }\n'
    + '[nodes.name]\ntask = "work:double"\ninputs = { item = "pick.rows" }\n',
    "context": '[nodes.note]\ntask = "work:note"\n[nodes.after]\ntask = "work:add"\nneeds = ["note"]\n'
    'args = { a = "${vars.count}" }\n[vars]\ncount = 0\n',
    "undo": '[run]\non_error = "compensate"\n[nodes.one]\ntask = "work:one"\nundo = { task = "work:undone" }\n'
    '[nodes.bad]\ntask = "work:bad"\nneeds = ["one"]\n',
}


def begun(folder: Path, project: str, **options: Any) -> RunHandle:
    (folder / "work.py").write_text(TASKS)
    (folder / "project.toml").write_text('format = 1\n[project]\nname = "past"\n' + project)
    return start_run(folder, **{"executor": "threads", **options})


def plain(state: RunState) -> RunState:
    """The state with results opened: a live run holds values where a journal holds their recorded form."""
    state.values = [opened(value) for value in state.values]
    state.items = {node: [opened(item) for item in items] for node, items in state.items.items()}
    state.carried = {node: opened(value) for node, value in state.carried.items()}
    return state


@pytest.mark.seed("S4")
@pytest.mark.parametrize("executor", ["threads", "inline"])
@pytest.mark.parametrize("kind", sorted(PROJECTS))
def test_the_journal_of_a_run_replays_to_the_state_that_the_run_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, executor: str
) -> None:
    monkeypatch.chdir(tmp_path)  # these executors work where this process does, and one task writes a file
    handle = begun(tmp_path, PROJECTS[kind], executor=executor)
    assert handle.wait(30)
    assert handle.folder is not None
    past = past_run(handle.folder)
    try:
        assert past.state.is_over
        assert_same(plain(handle.state), plain(past.state))
        assert past.result.to_dict() == handle.result.to_dict()
    finally:
        past.close()


def test_a_canceled_run_replays_as_canceled(tmp_path: Path) -> None:
    handle = begun(
        tmp_path, PLAIN + '[nodes.slow]\nshell = "sleep 60"\n[nodes.never]\ntask = "work:one"\nneeds = ["slow"]'
    )
    while handle.state.node(handle.plan.numbers["slow"]).state is not NodeState.RUNNING:
        time.sleep(0.01)
    handle.cancel("enough")
    assert handle.wait(30)
    assert handle.folder is not None
    past = past_run(handle.folder)
    assert past.state.state is WorkflowState.CANCELED
    assert past.result.reason == "enough"
    assert_same(plain(handle.state), plain(past.state))
    past.close()


def test_a_run_that_goes_on_is_followed_from_where_one_was(tmp_path: Path) -> None:
    handle = begun(tmp_path, '[nodes.ask]\napproval = "on?"\n[nodes.one]\ntask = "work:one"\nneeds = ["ask"]')
    while not handle.state.asking:
        time.sleep(0.01)
    assert handle.folder is not None
    past = past_run(handle.folder)
    while not past.state.asking:
        past.catch_up()
        time.sleep(0.01)
    assert past.state.state is WorkflowState.RUNNING
    assert past.catch_up() == 0
    handle.answer("ask", "yes", "ada")
    assert handle.wait(30)
    assert past.catch_up() > 0
    assert_same(plain(handle.state), plain(past.state))
    past.close()


def test_a_run_can_be_folded_up_to_any_event(tmp_path: Path) -> None:
    handle = begun(tmp_path, PLAIN, executor="inline")
    assert handle.wait(30)
    assert handle.folder is not None
    whole = past_run(handle.folder)
    from engine.history import PastRun
    from engine.store.journal import Journal

    half = PastRun(handle.folder, Journal.read(handle.folder))
    done = []
    for until in range(whole.seen + 1):
        half.catch_up(until)
        assert half.seen == until
        done.append(half.state.done)
    assert done == sorted(done)
    assert done[-1] == 2
    assert_same(plain(whole.state), plain(half.state))
    whole.close()
    half.close()


def test_a_run_is_read_by_the_project_that_it_ran_whatever_became_of_the_file(tmp_path: Path) -> None:
    handle = begun(tmp_path, PLAIN + "[params]\nlimit = 3\n", params={"limit": 7})
    assert handle.wait(30)
    (tmp_path / "project.toml").write_text("no project any more")
    assert handle.folder is not None
    past = past_run(handle.folder)
    assert past.plan.names == ["one", "two"]
    assert past.plan.params == {"limit": 7}
    assert past.result["two"] == 2
    past.close()


def test_what_is_no_journal_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises((SystemFailure, StoreTrouble), match=str(tmp_path)):
        past_run(tmp_path / "nothing")
    with pytest.raises(SystemFailure, match="cannot be read"):
        plan_of_header({"text": "not [ toml"})
    with pytest.raises(SystemFailure, match="cannot be planned"):
        plan_of_header({"text": 'format = 1\n[nodes.a]\ntask = "t:a"\ninputs = { x = "nobody" }\n'})


def test_events_that_do_not_fit_their_project_are_refused(tmp_path: Path) -> None:
    from engine.machine.events import Completed, RunStarted
    from engine.store.journal import Journal

    header = msgspec.msgpack.encode({"text": 'format = 1\n[nodes.a]\ntask = "t:a"\n', "project": "p"})
    book = Journal.create(tmp_path / "run", "20260101-000000-abc", header=header, wall=0.0)
    book.append([RunStarted(0.0, 0.0), Completed(0.1, 0, 0.1, 1)], {})
    book.close()
    with pytest.raises(SystemFailure, match="another version"):
        past_run(tmp_path / "run")
