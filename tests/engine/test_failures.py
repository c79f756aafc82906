"""What follows a failure: skips, alternatives, compensation, and that none of it is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ValidationFailed
from engine.machine.requests import Cancel, SkipNode
from engine.machine.state import WorkflowState
from engine.project.checks import check_text
from studio.front.paint import Paint
from studio.front.terminal import Terminal
from studio.live.words import Story, summary
from tests.support.runs import Stage, fail, plan_of

PAINT = Paint(Terminal(live=False, colour=False, ascii=True, width=120, height=24))

RESCUED = """
[nodes.a]
task = "tasks:a"
on_error = { alternative = "b" }
[nodes.b]
task = "tasks:b"
[nodes.c]
task = "tasks:c"
inputs = { x = "a" }
"""


def codes(text: str) -> list[str]:
    return [finding.code for finding in check_text(text)[1].items]


@pytest.mark.seed("S93")
def test_the_failure_behind_an_alternative_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path, RESCUED, script={"a": [fail("OSError", "disk on fire")], "b": ["from b"]})
    assert stage.finish().ok
    told = "\n".join(Story(PAINT, stage.state).tell(stage.ledger.events))
    assert "b is run instead: OSError: disk on fire" in told
    assert "by b" in told
    assert stage.result["a"] == stage.result["b"] == "from b"


def test_an_alternative_that_is_skipped_leaves_the_node_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, RESCUED.replace('"tasks:b"', '"tasks:b"\nwhen = false'), script={"a": [fail()]})
    result = stage.finish()
    assert stage.where() == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert (result.state, result.cause) == (WorkflowState.FAILED, "a")


def test_a_called_alternative_that_somebody_skips_leaves_the_node_failed(tmp_path: Path) -> None:
    text = RESCUED.replace('"tasks:b"', '"tasks:b"\npool = "desk"') + "[pools]\ndesk = 1\n"
    text += '[nodes.busy]\ntask = "tasks:busy"\npool = "desk"\n'
    stage = Stage(tmp_path, text, script={"a": [fail()]}, held=["busy"]).start()
    stage.until(lambda: stage.state.standing_in)
    stage.run.ask(SkipNode(stage.state.plan.numbers["b"]))
    stage.executor.end("busy")
    assert stage.finish().cause == "a"
    assert stage.where()["a"] == "failed"


def test_canceling_ends_an_alternative_that_was_called_and_has_not_started(tmp_path: Path) -> None:
    text = RESCUED.replace('"tasks:b"', '"tasks:b"\npool = "desk"') + "[pools]\ndesk = 1\n"
    text += '[nodes.busy]\ntask = "tasks:busy"\npool = "desk"\n'
    stage = Stage(tmp_path, text, script={"a": [fail()]}, held=["busy"]).start()
    stage.until(lambda: stage.state.standing_in)
    stage.run.ask(Cancel())
    assert stage.finish().state is WorkflowState.CANCELED
    assert stage.executor.started == ["a", "busy"] or stage.executor.started == ["busy", "a"]


def test_a_sequence_goes_on_after_a_node_whose_alternative_stood_in_or_was_not_needed(tmp_path: Path) -> None:
    text = '[nodes.s]\nkind = "sequential"\n'
    for name, more in (("one", 'on_error = { alternative = "two" }\n'), ("two", ""), ("three", "")):
        text += f'[nodes.s.nodes.{name}]\ntask = "tasks:{name}"\n{more}'
    failing = Stage(tmp_path, text, script={"s/one": [fail()]})
    assert failing.finish().ok
    assert failing.executor.started == ["s/one", "s/two", "s/three"]
    smooth = Stage(tmp_path, text)
    assert smooth.finish().ok
    assert smooth.executor.started == ["s/one", "s/three"]
    assert smooth.where()["s/two"] == "skipped"


@pytest.mark.seed("S77")
@pytest.mark.parametrize("forgives", ['on_error = "skip"', 'on_error = { alternative = "other" }'])
def test_a_run_completes_whose_failures_were_made_good_for(tmp_path: Path, forgives: str) -> None:
    text = f'[nodes.g]\n{forgives}\n[nodes.g.nodes.a]\ntask = "tasks:a"\n[nodes.other]\ntask = "tasks:other"\n'
    stage = Stage(tmp_path, text, script={"g/a": [fail()]})
    result = stage.finish()
    assert result.state is WorkflowState.COMPLETED
    assert result.cause is None
    assert stage.where()["g/a"] == "failed"


def test_a_skip_is_told_once_for_all_that_is_inside(tmp_path: Path) -> None:
    text = '[nodes.c]\ncondition = "false"\n[nodes.c.then.nodes.x.nodes.y]\ntask = "t:y"\n'
    stage = Stage(tmp_path, text)
    stage.finish()
    told = Story(PAINT, stage.state).tell(stage.ledger.events)
    assert [line.split()[2] for line in told] == ["c/then"]


# -- compensation ----------------------------------------------------------------------------------------------------

TAKEN_BACK = """
[run]
on_error = "compensate"
[nodes.a]
task = "tasks:a"
undo = { task = "tasks:undo", retry = { max_retries = 1 } }
[nodes.b]
task = "tasks:b"
needs = ["a"]
undo = { task = "tasks:undo" }
[nodes.c]
task = "tasks:c"
needs = ["b"]
"""


@pytest.mark.seed("S94")
def test_an_undo_is_tried_again_and_its_failing_can_be_seen(tmp_path: Path) -> None:
    script = {"c": [fail()], "a/undo": [fail(), "done"], "b/undo": [fail("OSError", "stuck")]}
    stage = Stage(tmp_path, TAKEN_BACK, script=script)
    result = stage.finish()
    assert stage.executor.started[3:] == ["b/undo", "a/undo", "a/undo"]
    where = stage.where()
    assert (where["a"], where["b"], where["b/undo"]) == ("compensated", "completed", "failed")
    assert result.reason == "c failed (compensated, but b/undo did not complete)"
    told = "\n".join(summary(stage.state, "", None, PAINT, counts={}))
    assert "compensated, but b/undo did not complete" in told


def test_a_run_that_times_out_lets_its_undos_finish(tmp_path: Path) -> None:
    stage = Stage(tmp_path, TAKEN_BACK.replace("[run]", "[run]\ntimeout = 60"), script={"c": [fail()]}, held=["a/undo"])
    stage.start()
    stage.until(lambda: "a/undo" in stage.executor.live)
    stage.leap(100.0)
    stage.run.report(())
    stage.executor.end("a/undo", "done")
    assert stage.finish().reason == "c failed (compensated)"


def test_the_undo_of_a_node_whose_alternative_stood_in_is_not_run(tmp_path: Path) -> None:
    text = RESCUED.replace(
        'on_error = { alternative = "b" }', 'on_error = { alternative = "b" }\nundo = { task = "t:u" }'
    )
    text = text.replace('"tasks:b"', '"tasks:b"\nundo = { task = "t:u" }') + '[run]\non_error = "compensate"\n'
    stage = Stage(tmp_path, text, script={"a": [fail()], "c": [fail()]})
    stage.finish()
    assert stage.executor.started == ["a", "b", "c", "b/undo"]


@pytest.mark.parametrize("frame", ["[nodes.g]\n", "[nodes.g]\nmap = [1]\n"])
def test_named_nodes_are_run_to_compensate_wherever_they_stand(tmp_path: Path, frame: str) -> None:
    text = frame + '[nodes.g.nodes.work]\ntask = "tasks:work"\non_error = { compensate = ["clean", "tell"] }\n'
    text += '[nodes.g.nodes.clean]\ntask = "tasks:clean"\n[nodes.g.nodes.tell]\ntask = "tasks:tell"\n'
    path = "g[0]" if "map" in frame else "g"
    stage = Stage(tmp_path, text, script={f"{path}/work": [fail()]})
    result = stage.finish()
    assert stage.executor.started == [f"{path}/{name}" for name in ("work", "clean", "tell")]
    assert result.reason == f"{path}/work failed (compensated)"
    smooth = Stage(tmp_path, text)
    assert smooth.finish().ok
    assert smooth.where()[f"{path}/clean"] == "skipped"


def test_two_failures_are_compensated_by_what_each_of_them_names(tmp_path: Path) -> None:
    text = ""
    for name in ("a", "b"):
        text += f'[nodes.{name}]\ntask = "tasks:{name}"\non_error = {{ compensate = ["no_{name}"] }}\n'
        text += f'[nodes.no_{name}]\ntask = "tasks:no"\n'
    stage = Stage(tmp_path, text, script={"a": [fail()], "b": [fail()]}, options={"keep_going": True})
    stage.finish()
    assert sorted(stage.executor.started[2:]) == ["no_a", "no_b"]


# -- what check says -------------------------------------------------------------------------------------------------


def test_one_node_cannot_be_the_alternative_of_two() -> None:
    text = RESCUED.replace('inputs = { x = "a" }', 'on_error = { alternative = "b" }')
    assert codes(text) == ["bad-alternative"]


def test_an_alternative_stands_beside_its_node() -> None:
    text = '[nodes.g.nodes.a]\nshell = "x"\non_error = { alternative = "b" }\n[nodes.b]\nshell = "y"\n'
    assert codes(text) == ["bad-alternative"]


def test_nobody_waits_for_a_node_that_only_runs_to_compensate() -> None:
    text = '[nodes.a]\nshell = "x"\non_error = { compensate = ["b"] }\n[nodes.b]\nshell = "y"\n'
    assert codes(text) == []
    waiting = text + '[nodes.c]\nshell = "z"\nneeds = ["b"]\n'
    assert codes(waiting) == ["never"]
    with pytest.raises(ValidationFailed, match="c waits for b, which only runs to compensate"):
        plan_of(waiting)


FUNCTIONS = "def plain(): ...\ndef takes(x): ...\ndef back(result): ...\n"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ('[nodes.a]\ntask = "tasks:plain"\nundo = { task = "tasks:plain" }\n', "bad-argument", 'argument "result"'),
        ('[nodes.a]\ntask = "tasks:plain"\nundo = { task = "tasks:takes" }\n', "bad-argument", 'argument "result"'),
        ('[nodes.a]\ntask = "tasks:plain"\nundo = { task = "tasks:back" }\n', "", ""),
        ('[run]\non_failure = { task = "tasks:takes" }\n[nodes.a]\nshell = "x"\n', "missing-argument", "needs `x`"),
        (
            '[nodes]\na = { task = "tasks:takes", args = { x = 1 }, on_error.alternative = "b" }\nb.task = "tasks:plain"\n',
            "bad-argument",
            'plain() has no argument "x"',
        ),
        ('[nodes.a]\ntask = "tasks:gone"\nenabled = false\n', "", ""),
        ('[nodes.g]\nenabled = false\n[nodes.g.nodes.a]\ntask = "nowhere:gone"\n', "", ""),
    ],
)
def test_functions_that_are_only_called_are_checked_for_what_they_get(
    tmp_path: Path, text: str, code: str, says: str
) -> None:
    (tmp_path / "tasks.py").write_text(FUNCTIONS, "utf-8")
    _, findings = check_text(text, file=tmp_path / "project.toml")
    assert code in {finding.code for finding in findings.items} if code else findings.items == ()
    assert not code or any(says in finding.message for finding in findings.items)


# -- limits inside of frames -----------------------------------------------------------------------------------------

LEANING = """
[nodes.g]
max_parallel = 1
[nodes.g.nodes.first.nodes.inner]
task = "tasks:inner"
needs = ["second"]
[nodes.g.nodes.second]
task = "tasks:second"
"""


def test_a_place_is_not_held_by_who_waits_inside_for_somebody_without_one() -> None:
    assert codes(LEANING) == ["held-place"]
    with pytest.raises(ValidationFailed, match="would hold the place"):
        plan_of(LEANING)
    waiting = LEANING.replace(
        "[nodes.g.nodes.first.nodes.inner]",
        '[nodes.g.nodes.first]\nneeds = ["second"]\n[nodes.g.nodes.first.nodes.inner]',
    )
    assert codes(waiting) == []


def test_a_limited_group_starts_what_can_start_whatever_the_order_in_the_file(tmp_path: Path) -> None:
    text = "[nodes.g]\nmax_parallel = 2\n"
    for name, needs in (("a", '["c"]'), ("b", '["c"]'), ("c", "[]"), ("d", "[]"), ("e", "[]")):
        text += f'[nodes.g.nodes.{name}]\ntask = "tasks:{name}"\nneeds = {needs}\n'
    stage = Stage(tmp_path, text, slots=9)
    assert stage.finish().ok
    assert stage.executor.most <= 2
    assert stage.executor.started[:2] == ["g/c", "g/d"]
