"""A node with `enabled = false` waits as ever, does nothing, and gives on what comes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.draw.export import render
from engine.project.checks import check_text
from engine.project.loading import load
from engine.start import start_run
from tests.support.runs import Stage, fail

A_AND_B = '[nodes.a]\ntask = "tasks:a"\n[nodes.b]\ntask = "tasks:b"\n'


def off(rest: str) -> str:
    return f"{A_AND_B}[nodes.off]\nenabled = false\n{rest}\n"


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ('task = "t:f"\ninputs = { x = "a" }\nargs = { y = 3 }', {"k": [4, 5]}),
        ('task = "t:f"\ninputs = { x = "a.k[1]" }', 5),
        ('task = "t:f"\ninputs = { x = ["a", "b"] }', [{"k": [4, 5]}, "b"]),
        ('task = "t:f"\ninputs = { x = "a", y = "b" }', {"x": {"k": [4, 5]}, "y": "b"}),
        ('task = "t:f"\nneeds = ["a"]', None),
        ('task = "t:f"\nmap = "${a.k}"', [4, 5]),
        ('task = "t:f"\nmap = { one = "${a.k}" }\ninputs = { x = "b" }', {"x": "b", "one": [4, 5]}),
        ('task = "t:f"\nuntil = "${value} > 3"\ninputs = { x = "b" }', "b"),
        ('command = ["no-such-program"]\ninputs = { x = "b" }', "b"),
        ('approval = "Sure?"\ninputs = { x = "b" }', "b"),
        ('wait = { for = "1h" }', None),
    ],
)
def test_its_result_is_what_comes_in(tmp_path: Path, node: str, value: object) -> None:
    text = off(node) + '[nodes.after]\ntask = "tasks:after"\ninputs = { got = "off" }\n'
    stage = Stage(tmp_path, text, script={"a": [{"k": [4, 5]}]})
    assert stage.finish()["off"] == value
    assert stage.executor.attempts[-1].kwargs == {"got": value}
    assert "off" not in stage.executor.started


@pytest.mark.parametrize(
    "body",
    [
        '[nodes.off.nodes.x]\ntask = "t:x"\n[nodes.off.nodes.y.nodes.z]\ntask = "t:z"',
        'condition = "t:f"\n[nodes.off.then]\ntask = "t:x"\n[nodes.off.else.nodes.z]\ntask = "t:z"',
        'workflow = "w"\n[workflows.w.nodes.x]\ntask = "t:x"\n[workflows.w.nodes.z]\ntask = "t:z"',
    ],
)
def test_what_it_holds_is_skipped_and_can_be_seen(tmp_path: Path, body: str) -> None:
    stage = Stage(tmp_path, off('inputs = { x = "a" }\n' + body))
    assert stage.finish()["off"] == "a"
    inside = {path: state for path, state in stage.where().items() if path.startswith("off/")}
    assert len(inside) >= 2
    assert set(inside.values()) == {"skipped"}
    assert sorted(stage.executor.started) == ["a", "b"]


def test_it_waits_for_all_that_it_mentions_and_keeps_the_order(tmp_path: Path) -> None:
    text = off('task = "t:f"\nneeds = ["b"]\nargs = { x = "${a}" }') + '[nodes.c]\ntask = "t:c"\nneeds = ["off"]\n'
    stage = Stage(tmp_path, text, held=["a", "b"]).start()
    stage.until(lambda: len(stage.executor.live) == 2)
    stage.executor.end("b")
    stage.executor.end("a")
    assert stage.finish().ok
    assert stage.executor.started[-1] == "c"


@pytest.mark.parametrize(
    ("more", "state"),
    [("", "skipped"), ('join = "any"', "completed"), ('join = "all_done"\nwhen = "${b} == 3"', "skipped")],
)
def test_its_join_and_its_guard_hold(tmp_path: Path, more: str, state: str) -> None:
    stage = Stage(
        tmp_path, off(f'task = "t:f"\nneeds = ["a", "b"]\n{more}'), script={"a": [fail()]}, options={"keep_going": True}
    )
    stage.finish()
    assert stage.where()["off"] == state


def test_a_part_that_is_not_there_fails_it_like_any_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path, off('task = "t:f"\ninputs = { x = "a.k" }\non_error = "skip"'))
    assert stage.finish().ok
    assert stage.where()["off"] == "skipped"


def test_there_is_nothing_to_take_back(tmp_path: Path) -> None:
    text = off('task = "t:f"\nundo = { task = "t:u" }') + '[nodes.bad]\ntask = "t:bad"\nneeds = ["off"]\n'
    stage = Stage(tmp_path, text + '[run]\non_error = "compensate"\n', script={"bad": [fail()]})
    stage.finish()
    assert "off/undo" not in stage.executor.started
    assert stage.where()["off"] == "completed"


def test_a_value_that_only_tasks_can_open_passes_through(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(
        "class Odd:\n    n = 7\ndef make(): return Odd()\ndef look(it): return it.n\n", "utf-8"
    )
    text = '[nodes.make]\ntask = "tasks:make"\n[nodes.off]\nenabled = false\ntask = "tasks:gone"\ninputs = { it = "make" }\n'
    (tmp_path / "project.toml").write_text(
        text + '[nodes.look]\ntask = "tasks:look"\ninputs = { it = "off" }\n', "utf-8"
    )
    handle = start_run(tmp_path, executor="processes", jobs=1, journal=False)
    assert handle.wait(30.0)
    assert handle.result["look"] == 7


def test_a_picture_says_that_it_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_text('[nodes.off]\nenabled = false\nshell = "echo"\n', "utf-8")
    assert "bypassed" in render(load(tmp_path), "text")


# -- settings that mean nothing where they stand -----------------------------------------------------------------------


@pytest.mark.parametrize("key", ['pool = "desk"', "priority = 2", 'requires = ["x"]', "retry = { max_retries = 1 }"])
@pytest.mark.parametrize("body", ['nodes.x = { shell = "true" }', 'wait = { for = "1s" }', 'approval = "Go?"'])
def test_a_setting_about_attempts_is_idle_where_there_are_none(body: str, key: str) -> None:
    _, findings = check_text(f"[pools]\ndesk = 1\n[nodes.a]\n{body}\n{key}\n")
    assert [(one.code, one.severity) for one in findings.items] == [("idle-setting", "warning")]


def test_what_asks_code_may_say_how_it_is_asked() -> None:
    text = (
        '[nodes.a]\ncondition = "t:f"\nretry = { max_retries = 1 }\nexecutor = "threads"\nthen = { shell = "true" }\n'
    )
    assert check_text(text)[1].items == ()
    assert check_text('[nodes.a]\napproval = "Go?"\ntimeout = "1s"\n')[1].items == ()
