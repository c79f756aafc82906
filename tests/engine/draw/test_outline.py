"""What is drawn of a project: its nodes by their names, its edges by their kinds, harmless."""

from __future__ import annotations

import pytest

from engine.draw.outline import outline
from engine.draw.scene import Graph
from engine.project.model import Composite, Node, Project, Task, Workflow
from engine.project.scope import standings
from tests.engine.draw.projects import EVERYTHING, STRANGE, project


def named(graph: Graph) -> set[tuple[str, str, str]]:
    return {(graph.boxes[edge.source].path, graph.boxes[edge.target].path, edge.kind) for edge in graph.edges}


def test_boxes_are_the_nodes_in_file_order() -> None:
    source = project(EVERYTHING)
    graph = outline(source)
    assert [box.path for box in graph.boxes] == [standing.path for standing in standings(source.workflow)]
    assert all(box.parent < index for index, box in enumerate(graph.boxes))


def test_kinds_notes_and_names() -> None:
    found = {box.path: (box.kind, box.name, box.note) for box in outline(project(EVERYTHING)).boxes}
    assert found == {
        "fetch": ("command", "fetch", "curl -O https://example.org/penguins.csv"),
        "load": ("task", "load", "tasks:load"),
        "schema": ("task", "schema", "tasks:check"),
        "clean": ("task", "clean", "tasks:clean"),
        "enough": ("conditional", "enough", "${clean.count} >= ${params.min_rows}"),
        "enough/then": ("task", "fit", "tasks:fit"),
        "enough/else": ("task", "explain", "tasks:explain"),
        "per_island": ("map", "per_island", "of clean, 8 at once"),
        "monthly": ("sub_workflow", "monthly", "monthly"),
        "archive": ("command", "archive", "tar czf out.tgz"),
        "poll": ("loop", "poll", "until ${value} == 'ready'"),
        "report": ("sequential", "report", ""),
        "report/render": ("task", "render", "tasks:render"),
        "report/review": ("approval", "review", "Publish?"),
        "report/upload": ("command", "upload", "scp out.tgz host:"),
    }


def test_data_flows_along_inputs_and_references_and_order_along_needs_and_sequences() -> None:
    edges = named(outline(project(EVERYTHING)))
    assert ("load", "clean", "data") in edges
    assert ("schema", "clean", "order") in edges
    assert ("clean", "enough", "data") in edges
    assert ("clean", "enough/then", "data") in edges
    assert ("clean", "per_island", "data") in edges
    assert ("per_island", "report/render", "data") in edges
    assert ("report/render", "report/review", "order") in edges
    assert ("enough", "report", "order") in edges
    assert len(edges) == len(outline(project(EVERYTHING)).edges)


def test_branches_are_lanes() -> None:
    boxes = {box.path: box for box in outline(project(EVERYTHING)).boxes}
    assert boxes["enough"].lanes == ("then", "else")
    assert (boxes["enough/then"].lane, boxes["enough/else"].lane) == (0, 1)
    assert boxes["enough"].group
    assert boxes["per_island"].behind


def test_references_that_lead_nowhere_and_circles_do_not_stop_the_picture() -> None:
    text = 'format = 1\n[nodes.a]\ntask = "t:a"\nneeds = ["b", "nobody"]\n[nodes.b]\ntask = "t:b"\nneeds = ["a", "b"]'
    assert named(outline(project(text))) == {("b", "a", "order"), ("a", "b", "order")}


def test_functions_and_deep_nesting_can_be_drawn() -> None:
    def load() -> None:
        pass

    node = Node(id="x", body=Task(load))  # type: ignore[arg-type]
    for _ in range(200):
        node = Node(id="x", body=Composite({"x": node}))  # type: ignore[arg-type, dict-item]
    graph = outline(Workflow("deep", {"x": node}))  # type: ignore[dict-item]
    assert len(graph.boxes) == 201
    assert graph.boxes[-1].note.endswith("load")


@pytest.mark.parametrize("payload", ["\x1b[2J", "\x9b31m", "\u202e", "a\nb", "\0"])
def test_nothing_in_a_name_or_note_reaches_the_picture_as_it_is(payload: str) -> None:
    node = Node(id=f"x{payload}", body=Task(f"tasks:{payload}"))  # type: ignore[arg-type]
    box = outline(Workflow("w", {f"x{payload}": node})).boxes[0]  # type: ignore[dict-item]
    assert box.path == f"x{payload}"
    assert payload not in box.name
    assert box.name.isprintable()
    assert box.note.isprintable()


def test_names_of_every_script_are_measured() -> None:
    assert [box.label for box in outline(project(STRANGE)).boxes] == [6, 11, 3]


def test_an_empty_project_is_an_empty_graph() -> None:
    assert outline(Project(workflow=Workflow("nothing"))).boxes == []
