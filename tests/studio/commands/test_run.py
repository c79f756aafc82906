"""`flowloom run`: what it says, what it prints, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from studio.commands.run import exit_code

from .conftest import BAD, GOOD, SLOW, Call, Make, command_line, environment


def test_a_run_that_completes_ends_with_0_and_tells_each_node(make: Make, call: Call) -> None:
    make()
    told = call("run")
    assert (told.code, told.out) == (0, "")
    assert told.err.index("✓ one") < told.err.index("✓ sum")
    assert "small completed" in told.err
    assert "flowloom show" in told.err


def test_a_run_that_fails_ends_with_1_and_tells_the_first_cause(make: Make, call: Call) -> None:
    make(BAD)
    told = call("run")
    assert told.code == 1
    assert "✗ bad" in told.err
    block = told.err[told.err.index("bad failed after") :]
    for part in ("KeyError: 'island'", 'return rows["island"]', "about to fail", "a warning", "did not run: after"):
        assert part in block, part
    assert "flowloom logs last bad" in block
    assert "engine/" not in block  # our own frames are not the person's trouble


def test_json_is_one_document_on_stdout_and_nothing_else(make: Make, call: Call) -> None:
    make()
    told = call("run", "--json", "-p", "b=32")
    document = json.loads(told.out)
    assert (document["format"], document["state"], document["result"]) == (1, "completed", 33)
    assert document["params"] == {"b": 32}
    assert list(document["nodes"]) == ["one", "sum"]
    node = document["nodes"]["sum"]
    assert (node["state"], node["level"], node["attempts"], node["result"]) == ("completed", 1, 1, 33)
    assert (node["error"], node["cause"]) == (None, None)


def test_json_of_a_failed_run_names_error_and_cause(make: Make, call: Call) -> None:
    make(BAD)
    told = call("run", "--json", "-q")
    document = json.loads(told.out)
    assert told.code == 1
    assert document["cause"] == "bad"
    assert document["nodes"]["bad"]["error"] == "KeyError: 'island'"
    assert (document["nodes"]["after"]["state"], document["nodes"]["after"]["cause"]) == ("skipped", "bad")


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_what_tasks_print_never_mixes_with_the_document(make: Make, executor: str) -> None:
    folder = make()
    told = subprocess.run(
        command_line("run", "--json", "--executor", executor),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(told.stdout)["state"] == "completed"


def test_keep_going_runs_what_does_not_need_the_failed_node(make: Make, call: Call) -> None:
    make(BAD)
    document = json.loads(call("run", "-k", "-q", "--json", "-j", "1").out)
    states = {path: node["state"] for path, node in document["nodes"].items()}
    assert states == {"one": "completed", "bad": "failed", "after": "skipped", "other": "completed"}


def test_quiet_says_nothing_when_all_is_well_and_the_cause_when_not(make: Make, call: Call) -> None:
    make()
    assert call("run", "-q")[1:] == ("", "")
    make(BAD, name="other")
    told = call("run", "-q")
    assert told.code == 1
    assert "KeyError: 'island'" in told.err


def test_verbose_shows_what_nodes_print(make: Make, call: Call) -> None:
    make()
    assert "one │ one speaks" in call("run", "-v").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-p", "bb=1"), "bb"),
        (("-p", "b=ten"), "b"),
        (("-p", "b"), "b"),
        (("-j", "0"), "-j"),
        (("-j", "many"), "-j"),
        (("--executor", "procesess"), "did you mean 'processes'"),
        (("--frobnicate",), "--frobnicate"),
    ],
)
def test_wrong_usage_ends_with_2_and_nothing_runs(make: Make, call: Call, words: tuple[str, ...], said: str) -> None:
    folder = make()
    told = call("run", *words)
    assert told.code == 2, told.err
    assert said in told.err
    assert "Traceback" not in told.err
    assert not list((folder / ".flowloom" / "runs").glob("*")) if (folder / ".flowloom").exists() else True


def test_a_wrong_project_ends_with_2_and_names_line_and_remedy(make: Make, call: Call) -> None:
    folder = make(GOOD.replace('task = "tasks:one"', 'taks = "tasks:one"'))
    told = call("run")
    assert told.code == 2
    assert "project.toml:9" in told.err
    assert "task" in told.err
    assert not (folder / ".flowloom").exists()


def test_an_interpreter_that_is_not_there_is_a_broken_environment(make: Make, call: Call) -> None:
    make()
    told = call("run", "--python", "/nowhere/python")
    assert told.code == 5
    assert "/nowhere/python" in told.err


def test_a_dry_run_shows_levels_and_runs_nothing(make: Make, call: Call) -> None:
    folder = make(tasks="raise SystemExit('imported!')\ndef one(): ...\ndef add(a, b): ...\n")
    told = call("run", "-n")
    assert told.code == 0
    assert told.out.index("one") < told.out.index("sum")
    assert "2 nodes in 2 levels" in told.out
    assert not (folder / ".flowloom").exists()
    assert json.loads(call("run", "-n", "--json").out)["levels"] == [["one"], ["sum"]]


def test_a_failing_terminal_payload_is_shown_and_not_obeyed(make: Make, call: Call) -> None:
    evil = "\\x1b]0;title\\x07\\x1b]52;c;ZXZpbA==\\x07\\x9b31m\\u202e[/nope][@click=quit]"
    make(BAD, tasks=f"import sys\ndef one(): ...\ndef bad():\n    print('{evil}')\n    raise ValueError('{evil}')\n")
    for words in (("run", "-v"), ("show",), ("logs",), ("logs", "--raw"), ("runs",)):
        told = call(*words)
        if "--raw" not in words:
            assert not any(char in told.out + told.err for char in "\x1b\x07\x9b\u202e"), words
    assert "[@click=quit]" in call("logs").out


def test_a_project_that_a_person_runs_is_trusted_from_then_on(make: Make, call: Call) -> None:
    from engine.project.trust import is_trusted

    folder = make()
    assert not is_trusted(folder)
    call("run", str(folder), "-q")
    assert is_trusted(folder)


def test_a_state_folder_that_cannot_be_used_ends_with_5_and_the_way_out(
    make: Make, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FLOWLOOM_STATE", str(tmp_path / "file"))
    told = call("run")
    assert told.code == 5
    assert "FLOWLOOM_STATE" in told.err


def test_state_that_moves_elsewhere_is_said(make: Make, call: Call) -> None:
    folder = make()
    (folder / ".flowloom").write_text("a file is in the way")
    told = call("run")
    assert told.code == 0, told.err
    assert "runs are kept in" in told.err
    assert call("show").code == 0


def test_an_infinite_number_or_half_a_character_still_makes_valid_json(make: Make, call: Call) -> None:
    tasks = (
        "def one():\n    return {'a': float('inf'), 'b': float('nan'), 'c': [1.5, 'x' * 10]}\ndef add(a, b): return 1\n"
    )
    make(tasks=tasks)
    document = json.loads(call("run", "--json", "-q").out)
    assert document["nodes"]["one"]["result"] == {"a": None, "b": None, "c": [1.5, "x" * 10]}


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small file system")
def test_a_disk_that_is_full_from_the_start_ends_with_5(make: Make, call: Call, tmp_path: Path) -> None:
    folder = make()
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("this machine does not allow to mount a tmpfs")
    try:
        (disk / "hog").write_bytes(bytes(60 * 1024))
        told = subprocess.run(
            command_line("run"),
            cwd=folder,
            env=environment(FLOWLOOM_STATE=str(disk)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert told.returncode == 5, told.stderr
        assert "free some space" in told.stderr
        assert "Traceback" not in told.stderr
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_two_runs_at_once_keep_apart(make: Make, spawn: object) -> None:
    folder = make()
    processes = [spawn("run", "--json", "-q", cwd=folder) for _ in range(3)]  # type: ignore[operator]
    documents = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert len({document["run"] for document in documents}) == 3
    assert {document["state"] for document in documents} == {"completed"}


def test_show_and_logs_look_at_a_run_while_another_process_writes_it(make: Make, call: Call, spawn: object) -> None:
    folder = make(SLOW)
    runner = spawn("run", cwd=folder)  # type: ignore[operator]
    _until(lambda: "long" in call("logs").out)
    shown = json.loads(call("show", "--json").out)
    assert shown["state"] == "running"
    assert (shown["nodes"]["first"]["state"], shown["nodes"]["long"]["state"]) == ("completed", "running")
    assert "running" in call("runs").out
    runner.terminate()
    assert runner.wait(timeout=30) == 143
    assert json.loads(call("show", "--json").out)["state"] == "canceled"


def _until(holds: object, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("state", "stopped", "code"),
    [("completed", None, 0), ("completed", 130, 0), ("failed", None, 1), ("canceled", None, 3), ("canceled", 143, 143)],
)
def test_exit_codes_say_how_the_run_ended(state: str, stopped: int | None, code: int) -> None:
    assert exit_code(state, stopped) == code


def test_a_wrong_param_is_told_once(make: Make, call: Call) -> None:
    make()
    told = call("run", "-p", "nobody=1")
    assert told.code == 2
    assert told.err.count("there is no param") == 1


def test_a_run_of_a_part_takes_the_rest_from_the_run_before(make: Make, call: Call) -> None:
    make()
    refused = call("run", "--only", "sum")
    assert refused.code == 2
    assert "one has not completed in any of the last runs" in refused.err
    told = call("run", "--to", "one")
    assert told.code == 0
    assert "✓ one" in told.err
    assert "not asked for" not in told.err
    told = call("run", "--from", "sum", "--json")
    nodes = json.loads(told.out)["nodes"]
    assert told.code == 0
    assert [(path, node["state"], node["attempts"]) for path, node in nodes.items()] == [
        ("one", "completed", 0),
        ("sum", "completed", 1),
    ]
    assert nodes["one"]["reason"].startswith("from run ")
    plan = json.loads(call("run", "--to", "one", "-n", "--json").out)
    assert plan["levels"] == [["one"]]
    assert "no node" in call("run", "--only", "two").err
