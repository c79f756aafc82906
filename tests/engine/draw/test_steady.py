"""An edit moves what it touches and nothing else, and what a person placed stays in its place."""

from __future__ import annotations

from copy import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.draw.layers import Layered
from engine.draw.placement import Arrangement, lay_out
from engine.draw.scene import Box, Edge, Form, Graph, Rect, Scene, Zoom
from tests.engine.draw.pictures import forms_of, graph, graphs
from tests.engine.draw.test_placement import check

LIMIT = settings(max_examples=80, deadline=None)
FLAT = graphs(most=18)


def edited(before: Scene, graph: Graph) -> Scene:
    """The picture of a graph that was edited, at the zoom of the one before."""
    return lay_out(graph, before.zoom, before.forms, Arrangement(graph, before), before=before)


def places(scene: Scene) -> dict[str, tuple[int, int]]:
    """Column number and port row by path."""
    panel = scene.panels[0]
    return {
        scene.graph.boxes[box].path: (layer, scene.port_row(box))
        for layer, members in enumerate(panel.members)
        for box in members
    }


def without(graph: Graph, gone: int) -> Graph:
    """The graph without a box, and what is in it."""
    out = {gone}
    for index, box in enumerate(graph.boxes):
        if box.parent in out:
            out.add(index)
    place = {old: new for new, old in enumerate(at for at in range(len(graph.boxes)) if at not in out)}
    return Graph(
        [replace(graph.boxes[old], parent=place.get(graph.boxes[old].parent, -1)) for old in place],
        [
            Edge(place[e.source], place[e.target], e.kind)
            for e in graph.edges
            if e.source in place and e.target in place
        ],
    )


def with_box(graph: Graph, at: int, box: Box, sources: set[int], targets: set[int]) -> Graph:
    """The graph with one more box at the top, before the box that is number `at` now; ends are numbers as they are now."""

    def later(index: int) -> int:
        return index + (index >= at)

    boxes = [replace(each, parent=later(each.parent) if each.parent >= 0 else -1) for each in graph.boxes]
    edges = [Edge(later(edge.source), later(edge.target), edge.kind) for edge in graph.edges]
    edges += [Edge(later(source), at) for source in sorted(sources) if source < at]
    edges += [Edge(at, later(target)) for target in sorted(targets) if target >= at]
    return Graph([*boxes[:at], box, *boxes[at:]], edges)


@st.composite
def edits(draw: st.DrawFn, graph: Graph, pinning: bool = True) -> Graph:
    """The graph after one edit of some kind."""
    count = len(graph.boxes)
    tops = [at for at in range(count) if graph.boxes[at].parent < 0]
    what = draw(st.sampled_from(["add", "add", "delete", "connect", "cut", "rename", *["pin"] * pinning]))
    if what == "add":
        at = draw(st.sampled_from([*tops, count]))
        name = f"new{len(graph.boxes)}" + "y" * draw(st.integers(0, 20))
        while name in {box.path for box in graph.boxes}:
            name += "z"
        some = st.sets(st.sampled_from(tops), max_size=3) if tops else st.just(set())
        return with_box(graph, at, Box(name, label=len(name), name=name), draw(some), draw(some))
    if not count or (what == "delete" and count == 1):
        return graph
    chosen = draw(st.integers(0, count - 1))
    if what == "delete":
        return without(graph, chosen)
    if what == "connect":
        one, other = sorted((draw(st.sampled_from(tops)), draw(st.sampled_from(tops))))
        known = {(edge.source, edge.target) for edge in graph.edges}
        return graph if one == other or (one, other) in known else Graph(graph.boxes, [*graph.edges, Edge(one, other)])
    if what == "cut":
        return Graph(graph.boxes, graph.edges[:-1])
    boxes = list(graph.boxes)
    if what == "rename":
        boxes[chosen] = replace(boxes[chosen], label=draw(st.integers(1, 28)))
    elif boxes[chosen].parent < 0:
        boxes[chosen] = replace(boxes[chosen], layer=draw(st.integers(0, 5)), pin=draw(st.integers(1, 40)))
    return Graph(boxes, graph.edges)


@LIMIT
@given(st.data(), st.sampled_from(list(Zoom)))
def test_after_any_edits_nothing_overlaps_and_lines_keep_to_themselves(data: st.DataObject, zoom: Zoom) -> None:
    drawn = data.draw(graphs(grouped=True, most=12))
    forms = data.draw(forms_of(drawn))
    scene = lay_out(drawn, zoom, forms)
    for _ in range(3):
        drawn = data.draw(edits(scene.graph))
        scene = edited(scene, drawn)
        if zoom is not Zoom.DOT:
            check(scene)
        else:
            assert len({rect for rect in scene.rects if rect.width}) == sum(rect.width > 0 for rect in scene.rects)


@LIMIT
@given(graphs(grouped=True), st.sampled_from(list(Zoom)))
def test_no_edit_is_the_same_picture(drawn: Graph, zoom: Zoom) -> None:
    before = lay_out(drawn, zoom)
    after = edited(before, Graph(list(drawn.boxes), list(drawn.edges)))
    assert after.rects == before.rects
    assert [repr(panel.wires) for panel in after.panels] == [repr(panel.wires) for panel in before.panels]


@LIMIT
@given(st.data(), st.sampled_from(list(Zoom)))
def test_a_deletion_moves_nothing(data: st.DataObject, zoom: Zoom) -> None:
    before = lay_out(data.draw(FLAT), zoom)
    gone = data.draw(st.integers(0, len(before.graph.boxes) - 1))
    after = edited(before, without(before.graph, gone))
    assert [rect for at, rect in enumerate(before.rects) if at != gone] == after.rects


@LIMIT
@given(st.data(), st.sampled_from(list(Zoom)))
def test_what_an_undo_brings_back_is_where_it_was(data: st.DataObject, zoom: Zoom) -> None:
    before = lay_out(data.draw(FLAT), zoom)
    gone = data.draw(st.integers(0, len(before.graph.boxes) - 1))
    again = edited(edited(before, without(before.graph, gone)), before.graph)
    assert again.rects == before.rects


@LIMIT
@given(st.data())
def test_a_new_node_pushes_only_what_is_below_it_in_its_column(data: st.DataObject) -> None:
    before = lay_out(data.draw(FLAT))
    count = len(before.graph.boxes)
    sources = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=2))
    after = edited(before, with_box(before.graph, count, Box("new", label=3, name="new"), sources, set()))
    old, new = places(before), places(after)
    layer, row = new["new"]
    deepest = max(old[before.graph.boxes[source].path][0] for source in sources)
    assert layer == deepest + 1
    for path, place in old.items():
        stays = place == new[path]
        below = new[path][0] <= layer and new[path][1] > place[1]
        assert stays or below, (path, place, new[path])
    assert all(old[path][1] > row for path in old if old[path] != new[path] and new[path][0] == layer)


@LIMIT
@given(st.data())
def test_pins_are_kept_through_all_that_is_edited(data: st.DataObject) -> None:
    scene = lay_out(data.draw(graphs(most=12)))
    pinned: dict[str, int] = {}
    for _ in range(4):
        boxes = list(scene.graph.boxes)
        at = data.draw(st.integers(0, len(boxes) - 1))
        free = [row for row in range(1, 80, 6) if row not in pinned.values()]
        boxes[at] = replace(boxes[at], layer=data.draw(st.integers(0, 4)), pin=data.draw(st.sampled_from(free)))
        pinned[boxes[at].path] = boxes[at].pin or 0
        scene = edited(scene, Graph(boxes, scene.graph.edges))
        drawn = data.draw(edits(scene.graph, pinning=False))
        scene = edited(scene, drawn)
        pinned = {path: row for path, row in pinned.items() if path in places(scene)}
        assert {path: places(scene)[path][1] for path in pinned} == pinned
        check(scene)


@LIMIT
@given(st.data(), st.sampled_from([Zoom.CARD, Zoom.LINE]))
def test_what_is_taken_from_the_picture_before_is_what_would_be_made(data: st.DataObject, zoom: Zoom) -> None:
    """Moving again and again reuses tracks and wires; a picture that may reuse none of them is the same."""
    scene = lay_out(data.draw(graphs(most=14)), zoom)
    for _ in range(3):
        boxes = list(scene.graph.boxes)
        at = data.draw(st.integers(0, len(boxes) - 1))
        row = scene.port_row(at) + data.draw(st.integers(-9, 9))
        boxes[at] = replace(boxes[at], label=data.draw(st.integers(1, 20)), pin=max(1, row))
        moved = Graph(boxes, scene.graph.edges)
        after = edited(scene, moved)
        for panel in scene.panels:
            panel.layered, panel.solved = _copy(panel.layered), {}
        scene.footings.clear()
        fresh = edited(scene, moved)
        assert fresh.rects == after.rects
        assert [repr(panel.wires) for panel in fresh.panels] == [repr(panel.wires) for panel in after.panels]
        assert {hop: repr(wires) for hop, wires in fresh.panels[0].rails.items()} == {
            hop: repr(wires) for hop, wires in after.panels[0].rails.items()
        }
        scene = after


def _copy(drawn: Layered) -> Layered:
    """The same layers, that are not those of any picture."""
    other = copy(drawn)
    other.layer = [*drawn.layer]
    return other


@LIMIT
@given(st.data())
def test_all_zooms_show_an_edited_graph_in_one_order(data: st.DataObject) -> None:
    drawn = data.draw(graphs(most=12))
    scenes = {zoom: lay_out(drawn, zoom, arrangement=Arrangement(drawn)) for zoom in Zoom}
    for _ in range(3):
        drawn = data.draw(edits(drawn))
        arrangement = Arrangement(drawn, scenes[Zoom.CARD])
        scenes = {zoom: lay_out(drawn, zoom, arrangement=arrangement, before=scenes[zoom]) for zoom in Zoom}
        orders = [scenes[zoom].panels[0].members for zoom in Zoom]
        assert orders[0] == orders[1] == orders[2]
        check(scenes[Zoom.LINE])


@pytest.mark.parametrize("zoom", list(Zoom))
def test_a_chain_goes_on_in_a_straight_line(zoom: Zoom) -> None:
    before = lay_out(graph("a -> b", "b -> c", "a -> x"), zoom)
    after = edited(before, graph("a -> b", "b -> c", "a -> x", "c -> d"))
    assert after.port_row(4) == after.port_row(2)
    assert [after.rects[box].y for box in range(4)] == [before.rects[box].y for box in range(4)]


def test_a_node_on_an_edge_moves_only_what_comes_after_it() -> None:
    before = lay_out(graph("a -> b x", "b -> c", "x -> y"))
    after = edited(before, graph("a -> new x", "new -> b", "b -> c", "x -> y"))
    old, new = places(before), places(after)
    assert {path for path in old if old[path] != new[path]} == {"b", "c"}
    assert {new[path][0] for path in ("b", "c")} == {2, 3}


@pytest.mark.parametrize(
    ("row", "others"),
    [(5, {"c": 9, "x": 17}), (12, {"c": 5, "x": 17}), (15, {"c": 5, "x": 19}), (18, {"c": 5, "x": 14})],
)
def test_who_is_in_the_way_of_a_moved_node_makes_room(row: int, others: dict[str, int]) -> None:
    drawn = graph("a -> b c d x", x={"pin": 17})
    before = lay_out(drawn)
    assert [before.port_row(box) for box in (1, 2, 3, 4)] == [1, 5, 9, 17]
    boxes = [replace(box, layer=1, pin=row) if box.path == "d" else replace(box, pin=None) for box in drawn.boxes]
    after = edited(before, Graph(boxes, drawn.edges))
    stands = {"a": before.port_row(0), "b": 1, "d": row} | others
    assert {box.path: after.port_row(at) for at, box in enumerate(drawn.boxes)} == stands


def test_a_moved_node_can_stand_in_a_later_column_and_come_back() -> None:
    drawn = graph("a -> b", "a -> c", "c -> d")
    boxes = [replace(box, layer=2, pin=3) if box.path == "b" else box for box in drawn.boxes]
    away = edited(lay_out(drawn), Graph(boxes, drawn.edges))
    assert places(away)["b"] == (2, 3)
    boxes = [replace(box, layer=1) if box.pin else box for box in boxes]
    back = edited(away, Graph(boxes, drawn.edges))
    assert places(back)["b"] == (1, 3)


def test_what_grows_pushes_what_is_below_it() -> None:
    boxes = [Box("a"), Box("g", group=True), Box("g/x", parent=1), Box("b"), Box("c")]
    edges = [Edge(0, 1), Edge(0, 3), Edge(0, 4)]
    before = lay_out(Graph(boxes, edges), forms={1: Form.OPEN})
    grown = Graph([*boxes[:3], Box("g/y", parent=1), *boxes[3:]], [Edge(0, 1), Edge(0, 4), Edge(0, 5)])
    after = lay_out(grown, Zoom.CARD, {1: Form.OPEN}, Arrangement(grown, before), before=before)
    check(after)
    assert after.rects[1].height > before.rects[1].height
    assert [after.rects[box].y for box in (0, 1, 2)] == [before.rects[box].y for box in (0, 1, 2)]
    assert after.rects[4].y > before.rects[3].y


def test_a_zoom_that_was_never_seen_shows_the_order_of_the_one_that_was() -> None:
    drawn = graph("a -> b c", "b -> d", "c -> d")
    cards = lay_out(drawn)
    boxes = [replace(box, pin=40) if box.path == "b" else box for box in drawn.boxes]
    moved = Graph(boxes, drawn.edges)
    arrangement = Arrangement(moved, cards)
    lines = lay_out(moved, Zoom.LINE, arrangement=arrangement)
    assert lines.rects[1].y > lines.rects[2].y
    check(lines)


def test_nothing_left_is_an_empty_picture_and_comes_back() -> None:
    before = lay_out(graph("a -> b"))
    empty = edited(before, Graph())
    assert empty.boxes_in(Rect(0, 0, 99, 99)) == []
    assert edited(empty, graph("a -> b")).rects == before.rects
