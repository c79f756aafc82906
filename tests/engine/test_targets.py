"""A run may be asked for parts of its workflow: up to a node, from a node on, only a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import NodeNotFound, ValidationFailed
from engine.history import past_run
from engine.start import start_run
from engine.targets import Targets, select
from tests.support.runs import plan_of

GRAPH = """
[nodes.load]
task = "t:load"
[nodes.clean]
task = "t:clean"
needs = ["load"]
[nodes.fit]
task = "t:fit"
needs = ["clean"]
[nodes.plot]
task = "t:plot"
needs = ["clean"]
[nodes.publish]
kind = "sequential"
needs = ["fit"]
[nodes.publish.nodes.render]
task = "t:render"
[nodes.publish.nodes.upload]
task = "t:upload"
[nodes.last]
task = "t:last"
needs = ["publish", "plot"]
"""


def chosen(text: str, **targets: str) -> tuple[set[str], set[str]]:
    """Paths of what is run, and of what has to be given."""
    plan = plan_of(text)
    found = select(plan, Targets(**{name: (path,) for name, path in targets.items()}))
    unseen = plan.hidden | plan.templates
    return {plan.names[node] for node in found.runs - unseen}, {plan.names[node] for node in found.given}


@pytest.mark.parametrize(
    ("targets", "runs", "given"),
    [
        ({"to": "fit"}, {"load", "clean", "fit"}, set()),
        ({"to": "publish"}, {"load", "clean", "fit", "publish", "publish/render", "publish/upload"}, set()),
        ({"to": "publish/render"}, {"load", "clean", "fit", "publish", "publish/render"}, set()),
        ({"from_": "plot"}, {"plot", "last"}, {"clean", "publish"}),
        ({"from_": "fit"}, {"fit", "publish", "publish/render", "publish/upload", "last"}, {"clean", "plot"}),
        ({"from_": "publish/upload"}, {"publish", "publish/upload", "last"}, {"publish/render", "fit", "plot"}),
        ({"only": "fit"}, {"fit"}, {"clean"}),
        ({"only": "publish/upload"}, {"publish", "publish/upload"}, {"publish/render", "fit"}),
        ({"from_": "clean", "to": "fit"}, {"clean", "fit"}, {"load"}),
    ],
)
def test_what_runs_and_what_has_to_be_given(targets: dict[str, str], runs: set[str], given: set[str]) -> None:
    assert chosen(GRAPH, **targets) == (runs, given)


def test_a_branch_is_not_where_a_run_begins() -> None:
    text = '[nodes.a]\ntask = "t:a"\n[nodes.pick]\nneeds = ["a"]\ncondition = "true"\nthen = { task = "t:yes" }\n'
    assert chosen(text, to="pick/then") == ({"a", "pick", "pick/then"}, set())
    with pytest.raises(ValidationFailed, match="ask for pick"):
        chosen(text, only="pick/then")


def test_maps_loops_and_alternatives_come_along() -> None:
    text = """
[nodes.items]
task = "t:items"
[nodes.each]
map = "items"
task = "t:one"
on_error = { alternative = "other" }
[nodes.other]
task = "t:other"
[nodes.end]
task = "t:end"
needs = ["each"]
"""
    assert chosen(text, to="each") == ({"items", "each", "other"}, set())
    assert chosen(text, only="each") == ({"each"}, {"items"})
    with pytest.raises(NodeNotFound):
        chosen(text, only="each[*]")


def test_targets_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationFailed, match="leave `to` and `from` out"):
        chosen(GRAPH, only="fit", to="plot")
    with pytest.raises(ValidationFailed, match="nothing lies between plot and fit"):
        chosen(GRAPH, from_="plot", to="fit")
    with pytest.raises(NodeNotFound, match="nowhere"):
        chosen(GRAPH, to="nowhere")


# -- with everything real --------------------------------------------------------------------------------------------

PROJECT = """
format = 1
[project]
name = "p"
[defaults]
executor = "threads"
[nodes.load]
task = "tasks:load"
[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }
[nodes.fit]
task = "tasks:fit"
inputs = { rows = "clean" }
[nodes.model]
task = "tasks:model"
[nodes.use]
task = "tasks:use"
inputs = { model = "model" }
"""
TASKS = """
from pathlib import Path


def load():
    return [3, 1, 2]


def clean(rows):
    return sorted(rows)


def fit(rows):
    return {"rows": rows, "factor": int(Path(__file__).with_name("factor").read_text())}


def model():
    return Path("a model, say")


def use(model):
    return str(model)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project.toml").write_text(PROJECT)
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "factor").write_text("2")
    return tmp_path


def states(folder: Path, **targets: str) -> dict[str, str]:
    handle = start_run(folder, **targets)  # type: ignore[arg-type]
    handle.wait()
    handle.result.raise_if_failed()
    return {path: node.state.value for path, node in handle.result.nodes.items()}


def test_up_to_a_node_nothing_else_is_run(folder: Path) -> None:
    assert states(folder, to="clean") == {
        "load": "completed",
        "clean": "completed",
        "fit": "skipped",
        "model": "skipped",
        "use": "skipped",
    }


def test_from_a_node_on_results_of_the_newest_runs_are_taken_over(folder: Path) -> None:
    states(folder)
    states(folder, to="load")  # the newest run with a result of `clean` is the one before
    (folder / "factor").write_text("5")
    handle = start_run(folder, from_="fit")
    handle.wait()
    result = handle.result
    assert result["fit"] == {"rows": [1, 2, 3], "factor": 5}
    assert result.nodes["clean"].reason.startswith("from run ")
    assert (result.nodes["clean"].attempts, result.nodes["fit"].attempts) == (0, 1)
    assert result.nodes["load"].reason == "not asked for"
    assert handle.folder is not None
    past = past_run(handle.folder)
    assert past.result.to_dict()["nodes"] == result.to_dict()["nodes"]
    past.close()


def test_without_a_result_to_begin_with_a_run_is_refused_and_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(ValidationFailed, match="clean has not completed in any of the last runs"):
        start_run(folder, only="fit")
    assert not (folder / ".flowloom").exists()


def test_a_result_that_only_tasks_can_open_is_not_taken_over(folder: Path) -> None:
    states(folder)
    with pytest.raises(ValidationFailed, match=r"the result of model in run .* is no plain data"):
        start_run(folder, only="use")
