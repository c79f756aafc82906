"""Pictures as text, kept in goldens/: what a person sees in a pipe, in a README, and on the canvas at rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draw.ink import Ink, ink
from engine.draw.outline import outline
from engine.draw.picture import picture
from engine.draw.placement import lay_out
from engine.draw.scene import Box, Edge, Form, Graph, Rect, Zoom
from engine.draw.strokes import ARROW, DOWN, LEFT, LEVEL, RIGHT, UNICODE, UP, UPRIGHT
from engine.draw.text import width
from tests.engine.draw.pictures import forms_of, graph, graphs
from tests.engine.draw.projects import EVERYTHING, STRANGE, project

Golden = Callable[[str, str], None]

STATES = {
    "fetch": "completed",
    "load": "cached",
    "schema": "completed",
    "clean": "completed",
    "enough/then": "running",
    "enough/else": "skipped",
    "per_island": "failed",
    "monthly": "ready",
    "archive": "retrying",
    "poll": "suspended",
    "report/render": "canceled",
    "report/review": "unknown",
    "report/upload": "dirty",
}


def test_groups_listed(golden: Golden) -> None:
    golden("listed.txt", picture(lay_out(outline(project(EVERYTHING)))))


def test_groups_open(golden: Golden) -> None:
    drawn = outline(project(EVERYTHING))
    golden("open.txt", picture(lay_out(drawn, forms=dict.fromkeys(range(len(drawn.boxes)), Form.OPEN))))


def test_groups_closed(golden: Golden) -> None:
    golden("closed.txt", picture(lay_out(outline(project(EVERYTHING)), forms={})))


@pytest.mark.parametrize("ascii_only", [False, True])
def test_states_of_a_run(golden: Golden, ascii_only: bool) -> None:
    scene = lay_out(outline(project(EVERYTHING)))
    name = "states_ascii.txt" if ascii_only else "states.txt"
    text = picture(scene, ascii_only, STATES, {"per_island": 'KeyError: "r2"'})
    assert not ascii_only or text.isascii()
    golden(name, text)


def test_one_line_a_node(golden: Golden) -> None:
    golden("lines.txt", picture(lay_out(outline(project(EVERYTHING)), Zoom.LINE), states=STATES))


def test_one_cell_a_node(golden: Golden) -> None:
    golden("dots.txt", picture(lay_out(outline(project(EVERYTHING)), Zoom.DOT), states=STATES))


def test_names_of_other_scripts_keep_boxes_straight(golden: Golden) -> None:
    text = picture(lay_out(outline(project(STRANGE))))
    golden("strange.txt", text)
    borders = [line for line in text.splitlines() if line.startswith(("╭", "╰"))]
    assert len({width(line) for line in borders}) == 1


def test_edges_part_meet_cross_and_change_places(golden: Golden) -> None:
    drawn = graph(
        "a -> y z w", "b -> x", "c -> y", "x -> q", "y -> q", "z -> w", "b ~> y", "a ~> q", "p -> r", "s -> t"
    )
    golden("edges.txt", picture(lay_out(drawn)) + "\n" + picture(lay_out(drawn, Zoom.LINE, blank=0)))


def test_lit_edges_are_heavy_and_join_the_others_with_mixed_characters(golden: Golden) -> None:
    drawn = graph("fetch -> load schema", "load -> clean", "schema ~> clean", "clean -> fit report", "fetch -> report")
    scene = lay_out(drawn, Zoom.LINE)
    lit = [at for at, edge in enumerate(drawn.edges) if drawn.boxes[edge.target].name in ("clean", "report")]
    rows = ink(scene, Rect(0, 0, scene.width, scene.height), lit=lit, dead=[drawn.edges[4].target])
    lines = ["".join(UNICODE[rows.get(y, {}).get(x, 0)] for x in range(scene.width)) for y in range(scene.height)]
    golden("lit.txt", "".join(line.rstrip() + "\n" for line in lines))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_picture_is_a_rectangle_of_characters_that_only_show(data: st.DataObject) -> None:
    drawn = data.draw(graphs(grouped=True, most=14))
    scene = lay_out(drawn, data.draw(st.sampled_from(list(Zoom))), data.draw(forms_of(drawn)))
    lines = picture(scene, data.draw(st.booleans()), {box.path: "failed" for box in drawn.boxes}).splitlines()
    assert len(lines) == scene.height
    assert all(width(line) <= scene.width for line in lines)
    assert all(line.isprintable() for line in lines)


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_a_part_of_the_ink_is_that_part_of_all_ink(drawn: Graph) -> None:
    scene = lay_out(drawn)
    everything = ink(scene, Rect(0, 0, scene.width, scene.height))
    part = Rect(scene.width // 4, scene.height // 4, scene.width // 2 + 1, scene.height // 2 + 1)
    kept = {(x, y): stroke for y, row in everything.items() for x, stroke in row.items() if part.holds(x, y)}
    assert kept == {(x, y): stroke for y, row in ink(scene, part).items() for x, stroke in row.items()}


@settings(max_examples=80, deadline=None)
@given(graphs(), st.data())
def test_lighting_edges_hides_no_other_line(drawn: Graph, data: st.DataObject) -> None:
    """Only where a lit level line crosses is something under it: an upright, which goes on above and below."""
    scene = lay_out(drawn)
    whole = Rect(0, 0, scene.width, scene.height)
    lit = data.draw(st.sets(st.sampled_from(range(len(drawn.edges))))) if drawn.edges else set()
    plain, bright = ink(scene, whole), ink(scene, whole, lit=lit)
    assert {(x, y) for y in plain for x in plain[y]} == {(x, y) for y in bright for x in bright[y]}
    for y, row in plain.items():
        for x, stroke in row.items():
            arms = {shift for shift in (0, 2, 4, 6) if stroke >> shift & 3}
            shown = {shift for shift in (0, 2, 4, 6) if bright[y][x] >> shift & 3}
            assert arms <= shown or bright[y][x] & 0xFF == LEVEL * 2


STEPS = {RIGHT: (1, 0), DOWN: (0, 1), LEFT: (-1, 0), UP: (0, -1)}
BACK = {RIGHT: LEFT, LEFT: RIGHT, UP: DOWN, DOWN: UP}


def reached(rows: Ink, x: int, y: int) -> set[tuple[int, int]]:
    """Where an eye comes that follows the line leaving a port to the right: the cells of all arrowheads. Where the
    line seems to stop at an upright, it goes on behind it."""
    found: set[tuple[int, int]] = set()
    todo = [(x, y, RIGHT)]
    seen = set()
    while todo:
        x, y, way = todo.pop()
        if (x, y, way) in seen:
            continue
        seen.add((x, y, way))
        stroke = rows[y][x]
        if stroke & ARROW:
            found.add((x, y))
        elif stroke & BACK[way]:
            for arm, (right, down) in STEPS.items():
                if stroke & arm and arm != BACK[way]:
                    todo.append((x + right, y + down, arm))
        else:
            assert way in (LEFT, RIGHT)
            assert stroke & UPRIGHT == UPRIGHT
            todo.append((x + STEPS[way][0], y, way))
    return found


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=1, max_size=30),
    st.sampled_from([Zoom.CARD, Zoom.LINE]),
)
def test_any_edge_can_be_followed_by_eye(sources: list[tuple[int, bool]], zoom: Zoom) -> None:
    """In a forest, where no lines meet: from every port one comes to the boxes that follow, and to no others."""
    edges = [Edge(source % at, at) for at, (source, loose) in enumerate(sources, 1) if not loose]
    drawn = Graph([Box(f"n{at}", label=2) for at in range(len(sources) + 1)], edges)
    scene = lay_out(drawn, zoom)
    rows = ink(scene, Rect(0, 0, scene.width, scene.height))
    for box in range(len(drawn.boxes)):
        wanted = {(scene.rects[edge.target].x - 1, scene.port_row(edge.target)) for edge in edges if edge.source == box}
        assert bool(wanted) == (box in scene.leaves)
        if wanted:
            assert reached(rows, scene.rects[box].right, scene.port_row(box)) == wanted
