"""Putting what a node does inside of something else, in its place and under its name."""

from __future__ import annotations

from typing import Any

import pytest

from engine.project.model import NodeType
from studio.document.draft import Draft
from studio.document.edits import EditRefused, Wrap
from studio.document.reader import node_at
from studio.document.rules import apply
from tests.studio.document.drafts import draft

TEXT = """\
[nodes.load]
shell = "echo rows"

# cleans
[nodes.clean]
task = "tasks:clean"
inputs = { rows = "load" }
needs = ["load"]

[nodes.enough]
condition = "1 < 2"
[nodes.enough.then]
task = "tasks:more"
inputs = { rows = "clean" }
"""


def wrapped(path: str, into: Any, name: str = "") -> Draft:
    made, back = apply(draft(TEXT), Wrap(path, into, name))
    assert apply(made, back)[0].text == TEXT
    assert "# cleans" in made.text
    return made


@pytest.mark.parametrize(
    ("into", "kind"),
    [
        ("map", NodeType.MAP),
        ("loop", NodeType.LOOP),
        ("conditional", NodeType.CONDITIONAL),
        ("sequential", NodeType.SEQUENTIAL),
        ("parallel", NodeType.PARALLEL),
    ],
)
def test_a_node_becomes_what_is_around_it_and_keeps_its_name_and_order(into: str, kind: NodeType) -> None:
    node = node_at(wrapped("clean", into).project.workflow, "clean")
    assert node is not None
    assert node.node_type is kind
    assert node.needs == ("load",)


def test_a_branch_becomes_a_group_in_which_there_is_room_for_more() -> None:
    made = wrapped("enough/then", "sequential", "more")
    inner = node_at(made.project.workflow, "enough/then/more")
    assert inner is not None
    assert inner.inputs == {"rows": "clean"}


def test_a_condition_begins_with_what_the_node_gets() -> None:
    node = node_at(wrapped("clean", "conditional").project.workflow, "clean")
    assert node is not None
    assert node.body.condition == "${load} != false"


def test_what_runs_many_times_already_is_not_wrapped_again() -> None:
    made, _ = apply(draft(TEXT), Wrap("load", "map"))
    with pytest.raises(EditRefused):
        apply(made, Wrap("load", "loop"))
