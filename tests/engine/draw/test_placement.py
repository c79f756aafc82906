"""Where boxes and lines go: nothing overlaps, nothing is shared, arrows land, and the same graph is the same picture."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draw.ink import trail
from engine.draw.placement import Arrangement, lay_out
from engine.draw.scene import Box, Edge, End, Form, Graph, Panel, Rect, Scene, Zoom
from tests.engine.draw.pictures import forms_of, graph, graphs

LIMIT = settings(max_examples=120, deadline=None)


@LIMIT
@given(graphs(), st.sampled_from([Zoom.CARD, Zoom.LINE]))
def test_boxes_never_overlap_and_lines_keep_to_themselves(drawn: Graph, zoom: Zoom) -> None:
    check(lay_out(drawn, zoom))


@LIMIT
@given(st.data())
def test_groups_in_any_form_hold_what_is_in_them(data: st.DataObject) -> None:
    drawn = data.draw(graphs(grouped=True, most=16))
    check(lay_out(drawn, forms=data.draw(forms_of(drawn))))


@settings(max_examples=40, deadline=None)
@given(graphs(most=40))
def test_many_edges_between_few_layers_get_tracks_of_their_own(drawn: Graph) -> None:
    half = len(drawn.boxes) // 2
    edges = [Edge(edge.source % max(1, half), half + edge.target % max(1, half)) for edge in drawn.edges if half]
    check(lay_out(Graph(drawn.boxes, list(dict.fromkeys(edges))), Zoom.LINE, blank=0))


def check(scene: Scene) -> None:
    """Everything that must hold for any scene."""
    boxes_keep_apart(scene)
    for panel in scene.panels:
        ends_meet(scene, panel)
        lines_keep_apart(scene, panel)


def boxes_keep_apart(scene: Scene) -> None:
    for panel in scene.panels:
        members = [box for layer in panel.members for box in layer]
        for at, one in enumerate(members):
            rect = scene.rects[one]
            assert rect.width > 0
            assert panel.rect.x <= rect.x < rect.right <= panel.rect.right
            assert panel.rect.y <= rect.y < rect.bottom <= panel.rect.bottom
            assert not any(rect.meets(scene.rects[other]) for other in members[:at])
    for box, form in scene.forms.items():
        if form is Form.LISTED and scene.shows(box):
            inside = [scene.rects[child] for child in scene.listed(box)]
            assert len(set(inside)) == len(inside)
            assert all(scene.rects[box].meets(rect) and rect.right < scene.rects[box].right for rect in inside)
    assert max([rect.right for rect in scene.rects], default=0) <= scene.width
    assert max([rect.bottom for rect in scene.rects], default=0) <= scene.height


def ends_meet(scene: Scene, panel: Panel) -> None:
    """Every link starts at its source's port, goes on without a break, and lands on its target's port row."""
    for link in panel.links:
        pieces = trail(panel, link)[::-1]
        if not pieces:
            assert panel.layered.layer[panel.items[link.target]] <= panel.layered.layer[panel.items[link.source]]
            continue
        first, (_, last) = pieces[0][0], pieces[-1]
        if link.source == panel.group:
            assert (first.start, first.row) == (panel.rect.x + 1, panel.port)
        else:
            assert (first.start, first.row) == (scene.rects[link.source].right, scene.port_row(link.source))
        if link.target == panel.group:
            assert last.row == panel.port
        else:
            assert last.target == link.target
            assert (last.stop + 1, last.row) == (scene.rects[link.target].x, scene.port_row(link.target))
        for (_, end), (wire, _) in pairwise(pieces):
            assert end.row == wire.row
            assert end.stop + 1 >= wire.start


def lines_keep_apart(scene: Scene, panel: Panel) -> None:
    """No cell is shared by level lines of two sources, or by uprights of two, unless all land on one port row there;
    a bend lies on no line of another unless both land there; no line runs through a box."""
    level: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    upright: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    bends: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for wire in (wire for wires in panel.wires for wire in wires):
        goals = {end.row: goal(panel, end) for end in wire.ends}
        for x in range(wire.start, wire.x):
            level[x, wire.row].add((wire.source, -1))
        for y in range(wire.top, wire.bottom + 1) if wire.top < wire.bottom else ():
            inner = wire.top < y < wire.bottom
            found = (wire.source, -1 if inner or y == wire.row else goals[y])
            upright[wire.x, y].add(found)
            if not inner:
                bends[wire.x, y].add(found)
        for end in wire.ends:
            for x in range(wire.x + (wire.top < wire.bottom), end.stop + 1):
                level[x, end.row].add((wire.source, goals[end.row]))
    for cell, found in bends.items():
        land_together(found | level[cell], cell)
    for cells in (level, upright):
        for cell, found in cells.items():
            land_together(found, cell)
    members = [scene.rects[box] for layer in panel.members for box in layer]
    for x, y in (*level, *upright):
        assert not any(rect.holds(x, y) for rect in members), (x, y)
        assert panel.rect.holds(x, y)


def goal(panel: Panel, end: End) -> int:
    """What an end lands on: a box, or the frame that it leaves by its port row; -1 if it only goes on."""
    leaves = panel.group >= 0 and end.target < 0 and end.row == panel.port and end.stop >= panel.gap_x[-1]
    return panel.group if leaves else end.target


def land_together(found: set[tuple[int, int]], cell: tuple[int, int]) -> None:
    """One source, or all land on one target."""
    if len({source for source, _ in found}) > 1:
        targets = {target for _, target in found}
        assert len(targets - {-1}) == len(targets) == 1, (cell, found)


@settings(max_examples=60, deadline=None)
@given(graphs(grouped=True))
def test_what_is_found_in_a_rectangle_is_what_stands_there(drawn: Graph) -> None:
    scene = lay_out(drawn)
    shown = [box for box in range(len(drawn.boxes)) if scene.shows(box)]
    assert sorted(scene.boxes_in(Rect(0, 0, scene.width, scene.height))) == shown
    for rect in (Rect(3, 2, 20, 7), Rect(scene.width // 2, scene.height // 3, 9, 4), Rect(0, 0, 1, 1)):
        assert sorted(scene.boxes_in(rect)) == [box for box in shown if scene.rects[box].meets(rect)]
    for box in shown:
        rect = scene.rects[box]
        found = scene.box_at(rect.x, rect.y)
        assert scene.rects[-1 if found is None else found].holds(rect.x, rect.y)


@settings(max_examples=60, deadline=None)
@given(graphs(grouped=True))
def test_the_same_graph_is_the_same_picture(drawn: Graph) -> None:
    one, other = lay_out(drawn), lay_out(drawn)
    assert one.rects == other.rects
    assert [repr(panel.wires) for panel in one.panels] == [repr(panel.wires) for panel in other.panels]


@settings(max_examples=60, deadline=None)
@given(graphs(grouped=True))
def test_zooming_keeps_boxes_in_the_same_order(drawn: Graph) -> None:
    arrangement = Arrangement(drawn)
    orders = []
    for zoom in Zoom:
        scene = lay_out(drawn, zoom, arrangement=arrangement)
        orders.append(scene.panels[0].members)
    assert orders[0] == orders[1] == orders[2]


def test_a_straight_chain_is_a_straight_line() -> None:
    scene = lay_out(graph("a -> b", "b -> c", "c -> d"))
    assert len({scene.port_row(box) for box in range(4)}) == 1


def test_a_chain_beside_a_fan_stays_straight() -> None:
    drawn = graph("start -> a b c", "a -> a2", "a2 -> a3", "b -> b2", "b2 -> b3", "c -> c2", "c2 -> c3")
    scene = lay_out(drawn)
    names = [box.name for box in drawn.boxes]
    for letter in "abc":
        assert len({scene.port_row(names.index(letter + tail)) for tail in ("", "2", "3")}) == 1


def test_boxes_of_a_layer_are_equally_wide_within_the_bounds_of_a_card() -> None:
    scene = lay_out(graph("a -> short a_name_that_is_much_too_long_for_any_card", "short -> x"))
    assert scene.rects[1].width == scene.rects[2].width == 28
    assert scene.rects[3].width == 12


def test_loose_boxes_fill_a_block_instead_of_one_column() -> None:
    scene = lay_out(Graph([Box(f"n{index}", label=4) for index in range(400)], []), Zoom.DOT)
    columns = {rect.x for rect in scene.rects}
    assert 5 <= len(columns) <= 80
    check(scene)


def test_a_pinned_box_keeps_its_row_and_the_others_make_room() -> None:
    drawn = graph("a -> b c", "b -> d", "c -> d", c={"pin": 30}, b={"pin": 7})
    scene = lay_out(drawn)
    names = [box.name for box in drawn.boxes]
    assert scene.port_row(names.index("c")) == 30
    assert scene.port_row(names.index("b")) == 7
    check(scene)


def test_other_zooms_keep_the_order_of_pinned_boxes_and_not_their_rows() -> None:
    drawn = graph("a -> b c", b={"pin": 40}, c={"pin": 2})
    scene = lay_out(drawn, Zoom.LINE)
    assert scene.rects[2].y < scene.rects[1].y < 10


@settings(max_examples=60, deadline=None)
@given(graphs(grouped=True))
def test_between_dots_every_edge_can_be_followed(drawn: Graph) -> None:
    scene = lay_out(drawn, Zoom.DOT)
    for link in scene.panels[0].links:
        pieces = trail(scene.panels[0], link)[::-1]
        assert (pieces[0][0].row, pieces[0][0].start) == (scene.port_row(link.source), scene.rects[link.source].right)
        assert (pieces[-1][1].row, pieces[-1][1].stop + 1) == (scene.port_row(link.target), scene.rects[link.target].x)
        assert all(before.row == after.row for (_, before), (after, _) in pairwise(pieces))


def test_two_nets_that_change_places_turn_off_on_a_row_of_their_own() -> None:
    """Each comes in on the row on which the other lands, so neither can turn off first."""
    boxes = [Box(name, label=1, pin=row) for name, row in (("a", 1), ("b", 5), ("c", 5), ("d", 1))]
    drawn = Graph(boxes, [Edge(0, 2), Edge(1, 3), Edge(0, 3), Edge(1, 2)])
    check(lay_out(Graph(boxes, drawn.edges[:2])))
    check(lay_out(drawn))


def test_edges_that_would_go_backwards_are_left_out() -> None:
    scene = lay_out(Graph([Box("a"), Box("b"), Box("c")], [Edge(0, 1), Edge(1, 2), Edge(2, 0), Edge(1, 1)]))
    check(scene)
    assert sum(bool(trail(scene.panels[0], link)) for link in scene.panels[0].links) == 2


@pytest.mark.parametrize("seed", range(25))
def test_nets_that_would_need_too_many_stand_ins_go_by_rows_above(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.draw.layers._STAND_INS", -10_000)
    chance = Random(seed)
    count = chance.randint(4, 24)
    pairs = {(at, at + 1) for at in range(count - 1) if chance.random() < 0.7}
    pairs |= {tuple(sorted(chance.sample(range(count), 2))) for _ in range(count)}  # type: ignore[misc]
    edges = [Edge(*pair, chance.choice(["data", "order"])) for pair in sorted(pairs)]
    group = Box("group", name="group", label=5, group=True)
    inside = [Box(f"group/n{at}", label=2, parent=0) for at in range(count)]
    for drawn in (
        Graph([Box(f"n{at}", label=2) for at in range(count)], edges),
        Graph([group, *inside], [Edge(edge.source + 1, edge.target + 1, edge.kind) for edge in edges]),
    ):
        scene = lay_out(drawn, Zoom.CARD if drawn.boxes[0].group else Zoom.LINE, {0: Form.OPEN})
        check(scene)
        assert all(trail(panel, link) for panel in scene.panels for link in panel.links)


def test_a_chain_whose_every_step_feeds_the_last_one_can_be_drawn() -> None:
    many = 1500
    edges = {(at, at + 1) for at in range(many - 1)} | {(at, many - 1) for at in range(many - 1)}
    scene = lay_out(Graph([Box(f"n{at}") for at in range(many)], [Edge(*pair) for pair in sorted(edges)]), Zoom.LINE)
    assert len(scene.panels[0].layered.layer) < 40_000


@pytest.mark.parametrize("count", [0, 1])
def test_next_to_nothing_can_be_drawn(count: int) -> None:
    scene = lay_out(Graph([Box("a")] * count, []))
    assert (scene.width > 0) == bool(count)


@pytest.mark.parametrize("zoom", list(Zoom))
def test_a_chain_of_ten_thousand_and_a_fan_of_ten_thousand_can_be_drawn(zoom: Zoom) -> None:
    many = 10_000
    chain = lay_out(Graph([Box(f"n{at}") for at in range(many)], [Edge(at, at + 1) for at in range(many - 1)]), zoom)
    assert len(chain.panels[0].members) == many
    fan = lay_out(Graph([Box(f"n{at}") for at in range(many)], [Edge(0, at) for at in range(1, many)]), zoom)
    assert len(fan.panels[0].members[1]) == many - 1
