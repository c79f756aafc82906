"""The graph that the canvas shows of a draft: as the engine outlines it, with pins, and with places to fill."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draw.outline import outline
from engine.project.model import Node, NodeId, Shell
from studio.document.draft import Draft, draft_of
from studio.document.drawing import Drawing, drawing_of
from studio.document.edits import (
    AddNode,
    Connect,
    DeleteNodes,
    Edit,
    EditRefused,
    MoveNodes,
    RenameNode,
    SetEnabled,
    SetNotes,
)
from studio.document.reader import Document, read
from studio.document.rules import apply
from tests.studio.modes.desks import PENGUINS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawing")


def draft(folder: Path, text: str = PENGUINS) -> Draft:
    file = folder / "project.toml"
    file.write_text(text, encoding="utf-8")
    found = read(file)
    assert isinstance(found, Document)
    return draft_of(found)


def shell(name: str) -> Node:
    return Node(NodeId(name), Shell("true"))


def edges(drawing: Drawing) -> set[tuple[str, str, str]]:
    boxes = drawing.graph.boxes
    return {(boxes[edge.source].path, boxes[edge.target].path, edge.kind) for edge in drawing.graph.edges}


def test_it_is_what_the_engine_outlines(folder: Path) -> None:
    found = draft(folder)
    plain = outline(found.project)
    drawing = drawing_of(found)
    assert drawing.graph.boxes == plain.boxes
    named = {(plain.boxes[e.source].path, plain.boxes[e.target].path, e.kind) for e in plain.edges}
    assert edges(drawing) == named


def test_a_node_that_a_person_placed_is_pinned(folder: Path) -> None:
    found, _ = apply(draft(folder), MoveNodes({"clean": (3, 12)}))
    box = drawing_of(found).graph.boxes[drawing_of(found).index["clean"]]
    assert (box.layer, box.pin) == (3, 12)


def test_bypassed_nodes_and_notes_are_told(folder: Path) -> None:
    found, _ = apply(draft(folder), SetEnabled(("clean",), on=False))
    found, _ = apply(found, SetNotes("load", "slow\non Mondays"))
    drawing = drawing_of(found)
    assert drawing.graph.boxes[drawing.index["clean"]].off
    assert drawing.graph.boxes[drawing.index["load"]].remark == "slow"


GAPS = """
format = 1
[nodes.enough]
condition = "1 < 2"
then = { shell = "true" }
[nodes.pick]
switch = "${enough}"
[nodes.pick.cases.a]
shell = "true"
[nodes.pick.else]
shell = "true"
[nodes.group]
nodes = {}
[nodes.last]
shell = "true"
needs = ["pick"]
"""


def test_what_can_be_filled_is_a_place_for_the_cursor(folder: Path) -> None:
    drawing = drawing_of(draft(folder, GAPS))
    assert drawing.gaps == {"enough/else", "pick/+", "group/+"}
    paths = [box.path for box in drawing.graph.boxes]
    assert paths == [
        *("enough", "enough/then", "enough/else"),
        *("pick", "pick/a", "pick/else", "pick/+", "group", "group/+", "last"),
    ]
    at = drawing.index
    assert [drawing.graph.boxes[at[path]].parent for path in ("enough/else", "pick/+", "group/+")] == [
        at["enough"],
        at["pick"],
        at["group"],
    ]
    assert ("pick", "last", "order") in edges(drawing)


NAMES = st.sampled_from(["fetch", "load", "schema", "clean", "report", "new", "enough/then", "report/render"])
EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(lambda name: AddNode(name, shell(name)), st.sampled_from(["new", "report/new", "fresh"])),
    st.builds(lambda name: DeleteNodes((name,)), NAMES),
    st.builds(Connect, NAMES, NAMES, st.sampled_from(["rows", None])),
    st.builds(lambda name, x, y: MoveNodes({name: (x, y)}), NAMES, st.integers(0, 5), st.integers(0, 40)),
    st.builds(RenameNode, NAMES, st.sampled_from(["other", "clean", "names"])),
    st.builds(lambda name, on: SetEnabled((name,), on), NAMES, st.booleans()),
)


@settings(max_examples=40)
@given(st.lists(EDITS, max_size=8))
def test_drawn_from_edit_to_edit_it_is_what_it_would_be_drawn_anew(folder: Path, wanted: list[Edit]) -> None:
    found = draft(folder)
    drawing = drawing_of(found)
    for edit in wanted:
        try:
            found, _ = apply(found, edit)
        except EditRefused:
            continue
        drawing = drawing_of(found, before=drawing)
        anew = drawing_of(draft(folder, found.text))
        assert drawing.graph.boxes == anew.graph.boxes
        assert edges(drawing) == edges(anew)
