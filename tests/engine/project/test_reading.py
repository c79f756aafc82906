"""What the project file says, in the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ValidationFailed
from engine.project.loading import load, look
from engine.project.model import (
    Approval,
    Command,
    Compensate,
    Composite,
    Conditional,
    CustomDelay,
    ExponentialBackoff,
    FixedDelay,
    Immediate,
    Loop,
    Map,
    NodeType,
    Param,
    RunAlternative,
    Shell,
    Skip,
    SubWorkflow,
    Switch,
    Task,
    Wait,
)
from engine.project.toml import read
from tests.engine.project.texts import HELLO, looked_at, project_in

EVERYTHING = (Path(__file__).parent / "everything.toml").read_text()


@pytest.fixture(scope="module")
def project():
    reading = read(EVERYTHING)
    assert [str(finding) for finding in reading.notes.items] == []
    return reading.project


def test_every_kind_of_node_of_the_format_is_read(project) -> None:
    kinds = {name: node.node_type for name, node in project.workflow.nodes.items()}
    assert kinds["load"] is NodeType.TASK
    assert kinds["pack"] is NodeType.TASK
    assert kinds["enough"] is NodeType.CONDITIONAL
    assert kinds["publish"] is NodeType.SEQUENTIAL
    assert kinds["monthly"] is NodeType.SUB_WORKFLOW
    assert kinds["each"] is NodeType.MAP
    assert kinds["poll"] is NodeType.LOOP
    assert kinds["pick"] is NodeType.SWITCH
    assert kinds["ok"] is NodeType.APPROVAL
    assert kinds["night"] is NodeType.WAIT


def test_bodies_have_what_the_file_says(project) -> None:
    nodes = project.workflow.nodes
    assert nodes["load"].body == Task("tasks:load")
    assert nodes["pack"].body == Command(("tar", "czf", "out.tgz", "out"), "text", (0, 1))
    assert nodes["script"].body == Shell("echo a\necho b\n", "lines")
    assert nodes["monthly"].body == SubWorkflow("monthly.toml", {"month": 3})
    assert nodes["night"].body == Wait(until="02:00")
    assert nodes["pause"].body == Wait(seconds=300.0)
    assert nodes["ok"].body == Approval("Publish ${params.island}?", ("yes", "no", "later"), "no")
    enough = nodes["enough"].body
    assert isinstance(enough, Conditional)
    assert enough.then.body == Task("tasks:fit")
    assert enough.otherwise is not None
    assert enough.otherwise.body == Task("tasks:explain")
    publish = nodes["publish"].body
    assert isinstance(publish, Composite)
    assert list(publish.nodes) == ["render", "upload"]
    pick = nodes["pick"].body
    assert isinstance(pick, Switch)
    assert list(pick.cases) == ["red", "in stock"]
    assert pick.otherwise is not None


def test_edges_and_arguments_are_kept_as_written(project) -> None:
    nodes = project.workflow.nodes
    assert nodes["load"].args == {"path": "data/penguins.csv", "island": "${params.island}"}
    assert nodes["clean"].inputs == {"rows": "load", "all": ("load", "load.header[0]")}
    assert nodes["pack"].needs == ("clean",)


def test_wrappers_stand_around_a_body(project) -> None:
    nodes = project.workflow.nodes
    assert nodes["each"].each == Map({"row": "clean", "rate": "${params.rates}"}, max_parallel=8)
    assert nodes["each"].body == Task("tasks:one")
    assert nodes["poll"].again == Loop("${value} == 'ready'", delay=10.0, carry="state", max_iterations=20)
    assert nodes["still"].again == Loop("tasks:busy", negate=True)


@pytest.mark.seed("S96", "S100")
def test_each_way_to_wait_between_tries_is_read(project) -> None:
    nodes = project.workflow.nodes
    assert project.defaults.retry is not None
    assert project.defaults.retry.strategy == ExponentialBackoff(1.0, 2.0, 30.0, 0.1)
    assert nodes["load"].settings.retry.strategy == FixedDelay(0.25)
    assert nodes["load"].settings.retry.on == ("OSError", 75)
    assert nodes["clean"].settings.retry.strategy == CustomDelay("tasks:delay")
    assert nodes["pack"].settings.retry.strategy == Immediate()
    assert nodes["pack"].settings.retry.max_retries == 3


def test_a_strategy_is_known_by_its_keys() -> None:
    text = HELLO + 'retry = { max_retries = 1, initial = "2s" }\n[nodes.b]\nshell = "x"\nretry = { delay = 3 }\n'
    nodes = read(text).project.workflow.nodes
    assert nodes["hello"].settings.retry.strategy == ExponentialBackoff(2.0)
    assert nodes["b"].settings.retry.strategy == FixedDelay(3.0)


def test_what_happens_after_a_failure_is_read(project) -> None:
    nodes = project.workflow.nodes
    assert nodes["load"].settings.on_error == RunAlternative("backup")
    assert nodes["clean"].settings.on_error == Skip()
    assert nodes["pack"].settings.on_error == Compensate(("load",))
    assert nodes["script"].settings.on_error == Compensate()
    assert nodes["load"].settings.undo.body == Task("tasks:unload")


def test_lengths_of_time_become_seconds(project) -> None:
    assert project.run.timeout == 7200.0
    assert project.defaults.timeout == 300.0
    assert project.workflow.nodes["script"].settings.timeout == 5400.0


def test_params_have_a_short_and_a_long_form(project) -> None:
    params = project.workflow.params
    assert params["island"] == Param("Biscoe", short=True)
    assert params["rates"] == Param([0.1, 0.01], "list")
    assert params["token"].required
    assert params["colour"].choices == ("red", "green")


def test_the_other_tables_are_read(project) -> None:
    assert project.workflow.name == "penguins"
    assert project.workflow.result == "publish"
    assert project.python == ".venv/bin/python"
    assert project.files == ("*.py", "data/**")
    assert project.vars == {"flag": False}
    assert project.pools == {"database": 2}
    assert list(project.workflows) == ["inner"]
    assert project.workflows["inner"].params["month"].required
    assert project.agents.strategy == "capacity"
    assert project.agents.hosts[0].slots == 4
    assert project.studio == {"positions": {"load": [1, 2]}}
    assert project.run.on_failure.body == Command(("notify", "failed"))


def test_a_project_takes_its_name_from_its_folder_and_a_workflow_from_its_file(tmp_path: Path) -> None:
    assert looked_at(tmp_path / "penguins", HELLO).project.workflow.name == "penguins"
    (tmp_path / "monthly.toml").write_text(HELLO)
    assert look(tmp_path / "monthly.toml").project.workflow.name == "monthly"


@pytest.mark.seed("S31")
def test_load_gives_the_project_or_all_its_findings(tmp_path: Path) -> None:
    project_in(tmp_path, HELLO)
    assert load(tmp_path).workflow.nodes["hello"].body == Shell("echo hello")
    project_in(tmp_path, HELLO + "timout = 3\nneeds = ['hullo']\n")
    with pytest.raises(ValidationFailed) as caught:
        load(tmp_path)
    assert [finding.code for finding in caught.value.findings] == ["unknown-key", "unknown-node"]
    assert caught.value.findings[0].line == 3


def test_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    text = '[nodes.a]\r\nshell = """\r\necho 1\r\n"""\r\ntimout = 3\r\n'
    loaded = looked_at(tmp_path, text)
    assert loaded.project.workflow.nodes["a"].body == Shell("echo 1\n")
    assert [finding.line for finding in loaded.findings] == [5]
