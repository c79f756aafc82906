"""What leads to a node and what follows from it, also through groups."""

from __future__ import annotations

from engine.draw.scene import Box, Edge, Graph
from studio.pictures.web import Web
from tests.studio.graphs import penguins

GRAPH = penguins()
AT = {box.path: number for number, box in enumerate(GRAPH.boxes)}
WEB = Web(GRAPH)


def names(boxes) -> set[str]:
    return {GRAPH.boxes[box].path for box in boxes}


def test_upstream_and_downstream() -> None:
    assert names(WEB.upstream(AT["clean"])) == {"fetch", "load", "schema"}
    assert {"enough", "monthly", "archive", "report"} <= names(WEB.downstream(AT["clean"]))
    assert names(WEB.upstream(AT["fetch"])) == set()


def test_what_leads_to_a_group_leads_to_its_children() -> None:
    assert {"fetch", "clean"} <= names(WEB.upstream(AT["enough/fit"]))


def test_what_a_child_leads_to_follows_from_its_group_as_well() -> None:
    boxes = [Box("a"), Box("g", group=True), Box("g/x", parent=1), Box("b")]
    web = Web(Graph(boxes=boxes, edges=[Edge(0, 2), Edge(2, 3)]))
    assert web.downstream(0) == {2, 3}
    assert web.downstream(1) == {3}
    assert web.upstream(1) == {0}


def test_the_path_has_the_edges_between_its_boxes_and_no_others() -> None:
    path = WEB.path(AT["monthly"])
    lit = {(GRAPH.boxes[GRAPH.edges[e].source].path, GRAPH.boxes[GRAPH.edges[e].target].path) for e in path.edges}
    assert ("clean", "monthly") in lit
    assert ("monthly", "report") in lit
    assert ("clean", "archive") not in lit
    assert ("enough", "report") not in lit


def test_a_neighbourhood_grows_by_steps_and_keeps_groups_whole() -> None:
    assert names(WEB.near(AT["fetch"], 1)) == {"fetch", "load", "schema"}
    assert names(WEB.near(AT["fetch"], 2)) == {"fetch", "load", "schema", "clean"}
    three = names(WEB.near(AT["fetch"], 3))
    assert {"enough", "enough/fit", "enough/explain", "archive"} <= three
    assert "report" not in three


def test_a_cycle_does_not_hang() -> None:
    web = Web(Graph(boxes=[Box("a"), Box("b")], edges=[Edge(0, 1), Edge(1, 0)]))
    assert web.path(0).boxes == {0, 1}
