"""The cursor follows the graph, never gets lost, and can be brought everywhere."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draw.placement import lay_out
from engine.draw.scene import Form, Graph, Scene, Zoom
from studio.pictures.steps import DIRECTIONS, first, last, nearest, step
from tests.studio.graphs import layered, penguins

PENGUINS = penguins()
AT = {box.path: number for number, box in enumerate(PENGUINS.boxes)}
OPEN = {AT[path]: Form.OPEN for path in ("enough", "per_island", "report")}


def walk(scene: Scene, path: str, directions: str) -> list[str]:
    found, box = [], AT[path]
    for letter in directions:
        box = step(scene, box, {"l": "right", "h": "left", "j": "down", "k": "up"}[letter])
        found.append(PENGUINS.boxes[box].path)
    return found


def test_right_follows_the_edges_to_the_nearest_row() -> None:
    scene = lay_out(PENGUINS)
    assert walk(scene, "fetch", "ll") == ["load", "clean"]
    assert walk(scene, "schema", "lh") == ["clean", "load"]
    assert walk(scene, "clean", "ll") == ["per_island", "report"]


def test_left_goes_back_the_way_the_edges_came() -> None:
    assert walk(lay_out(PENGUINS), "archive", "hhh") == ["clean", "load", "fetch"]


def test_up_and_down_stay_in_the_column() -> None:
    scene = lay_out(PENGUINS)
    assert walk(scene, "monthly", "jk") == ["archive", "monthly"]
    assert walk(scene, "load", "jk") == ["schema", "load"]


def test_down_goes_through_the_rows_of_a_listed_group() -> None:
    scene = lay_out(PENGUINS)
    assert walk(scene, "enough", "jjj") == ["enough/fit", "enough/explain", "per_island"]
    assert walk(scene, "per_island", "kkk") == ["enough/explain", "enough/fit", "enough"]


def test_from_a_row_of_a_listed_group_right_leaves_the_group() -> None:
    assert walk(lay_out(PENGUINS), "enough/fit", "l") == ["report"]


def test_an_open_group_is_entered_from_above_and_left_by_its_sides() -> None:
    scene = lay_out(PENGUINS, forms=OPEN)
    assert walk(scene, "report", "jll") == ["report/render", "report/review", "report/upload"]
    assert walk(scene, "report/render", "h") == ["report"]
    assert walk(scene, "per_island/score", "l") == ["report"]


def test_where_nothing_lies_that_way_the_cursor_stays() -> None:
    scene = lay_out(PENGUINS)
    assert walk(scene, "fetch", "hkj") == ["fetch", "fetch", "fetch"]
    assert walk(scene, "report/upload", "j") == ["report/upload"]


def test_first_and_last_are_the_ends_of_the_picture() -> None:
    scene = lay_out(PENGUINS)
    assert PENGUINS.boxes[first(scene) or 0].path == "fetch"
    assert PENGUINS.boxes[last(scene) or 0].path == "report"
    assert first(lay_out(Graph())) is None


@pytest.mark.parametrize("zoom", list(Zoom))
@pytest.mark.parametrize("forms", [None, OPEN, dict.fromkeys(OPEN, Form.CLOSED)])
def test_every_box_that_shows_can_be_reached_by_arrows(zoom: Zoom, forms: dict[int, Form] | None) -> None:
    scene = lay_out(PENGUINS, zoom, forms)
    start = first(scene)
    assert start is not None
    seen, todo = {start}, deque([start])
    while todo:
        box = todo.popleft()
        for direction in DIRECTIONS:
            other = step(scene, box, direction)
            if other not in seen:
                seen.add(other)
                todo.append(other)
    assert seen == {box for box, rect in enumerate(scene.rects) if rect.width}


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 1000), st.lists(st.sampled_from(DIRECTIONS), max_size=30))
def test_a_step_always_ends_on_a_box_that_shows(count: int, layers: int, seed: int, steps: list[str]) -> None:
    scene = lay_out(layered(count, min(layers, count), seed))
    box = first(scene)
    assert box is not None
    for direction in steps:
        box = step(scene, box, direction)
        assert scene.shows(box)


def test_nearest_counts_a_row_for_two_columns() -> None:
    scene = lay_out(PENGUINS)
    rect = scene.rects[AT["clean"]]
    assert nearest(scene, rect.x + 2, rect.y + 1) == AT["clean"]
    assert nearest(scene, -50, scene.rects[AT["fetch"]].y) == AT["fetch"]
