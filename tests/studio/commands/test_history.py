"""Past runs: listed, shown, their logs read and followed, by id, by its beginning, or as the last."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import BAD, GOOD, SLOW, Call, Make, command_line, environment


def ids(call: Call, *words: str) -> list[str]:
    return [run["run"] for run in json.loads(call("runs", "--json", *words).out)["runs"]]


def test_runs_are_listed_newest_first_with_state_and_cause(make: Make, call: Call) -> None:
    folder = make()
    call("run", "-q")
    (folder / "project.toml").write_text(BAD)
    call("run", "-q")
    told = call("runs")
    rows = told.out.splitlines()
    assert rows[0].split()[:2] == ["run", "state"]
    assert "✗ failed" in rows[1]
    assert "bad failed" in rows[1]
    assert "✓ completed" in rows[2]
    newest = json.loads(call("runs", "--json", "-n", "1").out)["runs"]
    assert [(run["state"], run["cause"], run["project"], run["failed"]) for run in newest] == [
        ("failed", "bad", "broken", 1)
    ]


def test_where_nothing_ran_the_list_says_how_to_begin(make: Make, call: Call) -> None:
    make()
    told = call("runs")
    assert (told.code, told.out) == (0, "")
    assert "flowloom run" in told.err
    assert json.loads(call("runs", "--json").out) == {"format": 1, "runs": []}
    shown = call("show")
    assert shown.code == 2
    assert "nothing has run" in shown.err


def test_a_run_is_shown_by_id_by_its_beginning_and_as_the_last(make: Make, call: Call) -> None:
    make()
    for _ in range(2):
        call("run", "-q")
    newest, oldest = ids(call)
    assert json.loads(call("show", "--json").out)["run"] == newest
    assert json.loads(call("show", "last", "--json").out)["run"] == newest
    assert json.loads(call("show", oldest, "--json").out)["run"] == oldest
    assert json.loads(call("show", oldest[:-1], "--json").out)["run"] == oldest
    told = call("show", newest[:4])
    assert told.code == 2
    assert "2 runs begin with" in told.err
    assert call("show", "nothing-like-it").code == 2


def test_what_is_shown_is_what_the_run_itself_told(make: Make, call: Call) -> None:
    make(BAD)
    told = json.loads(call("run", "-q", "--json").out)
    assert json.loads(call("show", "--json").out) == told


def test_a_past_run_is_shown_although_its_project_changed_or_is_gone(
    make: Make, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make()
    call("run", "-q")
    (run,) = ids(call)
    (folder / "project.toml").write_text(GOOD.replace("sum", "total"))
    assert "sum" in call("show", run).out
    (folder / "project.toml").unlink()
    (folder / "tasks.py").unlink()
    monkeypatch.chdir(folder.parent)
    told = call("show", run)
    assert told.code == 0, told.err
    assert "sum" in told.out


def test_a_run_of_another_project_is_found_by_its_id(make: Make, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    call("run", "-q")
    (run,) = ids(call)
    make(name="elsewhere")
    assert call("show", run).code == 0
    assert ids(call) == []
    assert ids(call, "--all") == [run]


def test_a_failed_run_is_shown_with_its_cause_and_what_it_printed(make: Make, call: Call) -> None:
    make(BAD)
    call("run", "-q")
    told = call("show")
    assert told.code == 0
    for part in ("✗ broken failed", "KeyError: 'island'", "about to fail", "did not run: after"):
        assert part in told.out


def test_many_nodes_are_listed_only_when_asked_for(make: Make, call: Call) -> None:
    nodes = "".join(f'[nodes.n{number}]\ntask = "tasks:one"\n' for number in range(230))
    make(f'format = 1\n[project]\nname = "wide"\n{nodes}', tasks="def one(): return 1\n")
    call("run", "-q", "--executor", "inline")
    short, long = call("show").out, call("show", "--all").out
    assert "and 30 more" in short
    assert sum("completed" in line for line in long.splitlines()) >= 230


# -- logs ------------------------------------------------------------------------------------------------------------


def test_logs_show_all_nodes_in_order_or_one(make: Make, call: Call) -> None:
    make(BAD)
    call("run", "-q", "-k")
    whole = call("logs").out
    assert "one │ one speaks" in whole
    assert "bad │ about to fail" in whole
    one = call("logs", "last", "bad").out
    assert "about to fail" in one
    assert "one speaks" not in one
    assert call("logs", "last", "bad", "--raw").out.splitlines()[-2:] != []
    lines = [json.loads(line) for line in call("logs", "last", "bad", "--json").out.splitlines()]
    assert {(line["node"], line["stream"], line["text"]) for line in lines} == {
        ("bad", "stdout", "about to fail"),
        ("bad", "stderr", "a warning"),
    }


def test_a_silent_node_and_a_missing_one_are_told_apart(make: Make, call: Call) -> None:
    make()
    call("run", "-q")
    silent = call("logs", "last", "sum")
    assert (silent.code, silent.out) == (0, "")
    assert "printed nothing" in silent.err
    missing = call("logs", "last", "summ")
    assert missing.code == 2
    assert "did you mean 'sum'" in missing.err


def test_following_gives_lines_as_they_come_and_ends_with_the_run(make: Make) -> None:
    folder = make(SLOW.replace("seconds = 60", "seconds = 2"))
    runner = subprocess.Popen(command_line("run", "-q"), cwd=folder, env=environment())
    try:
        deadline = time.monotonic() + 30
        while not list(folder.glob(".flowloom/runs/*/journal.db")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        follower = subprocess.run(
            command_line("logs", "--follow"),
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        runner.wait(timeout=60)
    assert follower.returncode == 0, follower.stderr
    texts = [line.split("│ ", 1)[1] for line in follower.stdout.splitlines()]
    assert texts == ["one speaks", "waiting", "one speaks"]


# -- what is damaged -------------------------------------------------------------------------------------------------


def damaged(folder: Path, change: object) -> Path:
    (journal,) = folder.glob(".flowloom/runs/*/journal.db")
    change(journal)  # type: ignore[operator]
    return journal


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"garbage" * 500),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: file.unlink(),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["empty", "garbage", "cut", "gone", "folder"],
)
def test_a_damaged_run_is_named_and_hurts_no_other_command(make: Make, call: Call, change: object) -> None:
    folder = make()
    call("run", "-q")
    (run,) = ids(call)
    shutil.rmtree(folder / ".flowloom" / "index.db", ignore_errors=True)
    (folder / ".flowloom" / "index.db").unlink(missing_ok=True)
    damaged(folder, change)
    for words in (("runs",), ("show", run), ("logs", run), ("show",), ("runs", "--json")):
        told = call(*words)
        assert told.code in (0, 2, 5), (words, told)
        assert "Traceback" not in told.err
        assert "bug in Flowloom" not in told.err, (words, told.err)
    assert call("run", "-q").code == 0


def test_events_that_do_not_fit_their_project_are_refused_kindly(make: Make, call: Call) -> None:
    import msgspec

    from engine.store.journal import Journal

    folder = make()
    call("run", "-q")
    (run,) = ids(call)
    place = folder / ".flowloom" / "runs" / run
    with Journal.read(place) as reader:
        header = msgspec.msgpack.decode(reader.header)
    header["text"] = 'format = 1\n[nodes.only]\ntask = "tasks:one"\n'
    header["params"] = {}
    with Journal.resume(place) as journal:
        journal.set_header(msgspec.msgpack.encode(header))
    told = call("show", run)
    assert told.code == 5
    assert "another version" in told.err


# -- doctor, completion ----------------------------------------------------------------------------------------------


def test_the_doctor_answers_in_colours_with_remedies(make: Make, call: Call) -> None:
    make()
    told = call("doctor", "--json")
    checks = {check["what"]: check for check in json.loads(told.out)["checks"]}
    assert told.code == 0
    assert {"python", "packages", "terminal", "user state", "project state", "children", "ssh"} <= checks.keys()
    assert checks["terminal"]["light"] == "amber"
    assert all(check["remedy"] for check in checks.values() if check["light"] == "amber")


def test_the_doctor_calls_a_machine_broken_that_cannot_start_children(
    make: Make, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make()
    fake = tmp_path / "venv" / "bin"
    fake.mkdir(parents=True)
    (fake / "python").write_text("#!/bin/sh\nexit 3\n")
    (fake / "python").chmod(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    told = call("doctor")
    assert told.code == 5
    assert "does not start" in told.out


@pytest.mark.parametrize("year", [1970, 2038, 2150])
def test_a_clock_far_off_is_amber_and_stops_nothing(
    make: Make, call: Call, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    make()
    wall = time.mktime((year, 1, 1, 0, 0, 30, 0, 1, 0))
    monkeypatch.setattr("engine.run_record.time.time", lambda: wall)
    monkeypatch.setattr("engine.runner.run.time.time", lambda: wall)
    assert call("run", "-q").code == 0
    (run,) = ids(call)
    assert run.startswith(str(year)[:3])
    assert call("show").code == 0
    assert call("runs").code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_each_shell(call: Call, shell: str) -> None:
    told = call("completion", shell)
    assert told.code == 0
    assert "_FLOWLOOM_COMPLETE" in told.out


def test_the_shell_is_told_our_commands(make: Make) -> None:
    words = {"_FLOWLOOM_COMPLETE": "bash_complete", "COMP_WORDS": "flowloom ru", "COMP_CWORD": "1"}
    told = subprocess.run(command_line(), env=environment(**words), capture_output=True, text=True, check=False)
    assert [line.split(",")[-1] for line in told.stdout.split()] == ["run", "runs"]
