"""The canvas's model: zoom, camera, folding, finding and states, without a screen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.draw.scene import Box, Edge, Form, Graph, Zoom, pinned
from studio.pictures import camera, finding
from studio.pictures.camera import Corner
from studio.pictures.cells import TONES
from studio.pictures.stage import Stage
from studio.pictures.view import Style
from studio.state import NodeNow
from tests.studio.graphs import PENGUINS_NEWS, layered, penguins, spread, stages, wide_names


def make(graph: Graph | None = None, width: int = 120, height: int = 40, style: Style | None = None) -> Stage:
    stage = Stage(style)
    stage.resize(width, height)
    stage.show(graph or penguins())
    return stage


def on_screen(stage: Stage, path: str | None = None) -> tuple[int, int]:
    """Where a node (the cursor's) is on the screen: its left edge and its port row."""
    box = stage.view.cursor if path is None else stage.index[path]
    assert box is not None
    box = stage.scene.visible(box)
    return stage.scene.rects[box].x - stage.corner.x, stage.scene.port_row(box) - stage.corner.y


# -- zoom and camera ---------------------------------------------------------------------------------------------------


def test_the_first_zoom_suits_the_size_of_the_graph() -> None:
    assert make().zoom is Zoom.CARD
    assert make(layered(120, 14)).zoom is Zoom.LINE
    assert make(layered(400, 20)).zoom is Zoom.DOT


def test_what_fits_is_in_the_middle() -> None:
    stage = make()
    left, right = -stage.corner.x, stage.corner.x + 120 - stage.scene.width
    assert abs(left - right) <= 1


@pytest.mark.parametrize("start", list(Zoom))
@pytest.mark.parametrize("goal", list(Zoom))
def test_zoom_keeps_the_node_under_the_cursor_in_its_cell(start: Zoom, goal: Zoom) -> None:
    graph = layered(200, 12)
    stage = make(graph, 160, 50)
    stage.zoom_to(start)
    stage.go(graph.boxes[100].path)
    stage.corner = camera.centred(stage.scene.rects[100], stage.size)
    before = on_screen(stage)
    stage.zoom_to(goal)
    assert on_screen(stage) == before


def test_zoom_stops_at_cards_and_at_dots() -> None:
    stage = make()
    stage.zoom_by(-1)
    assert stage.zoom is Zoom.CARD
    for _ in range(5):
        stage.zoom_by(1)
    assert stage.zoom is Zoom.DOT
    stage.zoom_next()
    assert stage.zoom is Zoom.CARD


def test_fit_shows_all_at_the_nearest_zoom_that_can() -> None:
    stage = make(width=60, height=30)
    stage.fit()
    assert camera.fits((stage.scene.width, stage.scene.height), stage.size) or stage.zoom is Zoom.DOT
    for box, rect in enumerate(stage.scene.rects):
        if rect.width:
            assert stage.rect.meets(rect), stage.graph.boxes[box].path


def test_fit_of_the_path_leaves_out_what_is_not_on_it() -> None:
    graph = layered(400, 20)
    stage = make(graph, 120, 40)
    stage.go(graph.boxes[5].path)
    stage.fit([5])
    assert stage.zoom is Zoom.CARD
    assert stage.rect.meets(stage.scene.rects[5])
    stage.fit()
    assert stage.zoom is Zoom.DOT


def test_the_cursor_is_always_in_view() -> None:
    graph = layered(300, 15)
    stage = make(graph, 80, 24)
    stage.zoom_to(Zoom.CARD)
    for direction in ("right", "down") * 12 + ("left", "up") * 12:
        stage.move(direction)
        rect = stage.scene.rects[stage.view.cursor or 0]
        assert stage.rect.meets(rect)
        assert stage.rect.x <= rect.x
        assert rect.right <= stage.rect.right


@given(
    st.integers(-5000, 5000),
    st.integers(-5000, 5000),
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
    st.tuples(st.integers(1, 240), st.integers(1, 60)),
)
def test_the_picture_is_never_lost(x: int, y: int, scene: tuple[int, int], size: tuple[int, int]) -> None:
    corner = camera.held(Corner(x, y), scene, size)
    assert corner.x < scene[0]
    assert corner.x + size[0] > 0
    assert corner.y < scene[1]
    assert corner.y + size[1] > 0
    assert camera.held(corner, scene, size) == corner


def test_resizing_to_one_cell_and_back_does_no_harm() -> None:
    stage = make()
    path = stage.path
    for size in ((1, 1), (3, 2), (120, 40)):
        stage.resize(*size)
        assert len(stage.rows(0, size[1])) == size[1]
    assert stage.path == path


def test_half_a_screen_moves_the_view_and_takes_the_cursor_along() -> None:
    graph = layered(400, 20)
    stage = make(graph, 80, 30)
    stage.zoom_to(Zoom.CARD)
    stage.ends(last=False)
    before = on_screen(stage), stage.scene.rects[stage.view.cursor or 0].x
    stage.leap("right")
    assert stage.scene.rects[stage.view.cursor or 0].x > before[1]
    assert stage.rect.meets(stage.scene.rects[stage.view.cursor or 0])


# -- folding -----------------------------------------------------------------------------------------------------------


def test_folding_keeps_the_port_row_where_it_is_on_the_screen() -> None:
    stage = make()
    stage.go("per_island")
    before = on_screen(stage)
    for _ in range(3):
        assert stage.fold()
        assert on_screen(stage) == before
    assert stage.forms[stage.index["per_island"]] is Form.LISTED


def test_a_fold_from_inside_folds_the_group_around_and_the_cursor_goes_to_it() -> None:
    stage = make()
    stage.go("enough/fit")
    stage.fold(form=Form.CLOSED)
    assert stage.path == "enough"


def test_a_task_cannot_be_folded() -> None:
    stage = make()
    stage.go("clean")
    assert not stage.fold()


def test_forms_and_cursor_stay_when_the_project_is_read_again() -> None:
    stage = make()
    stage.fold(stage.index["enough"], Form.OPEN)
    stage.go("monthly")
    graph = penguins()
    boxes = [Box("first", label=5), *(_later(box) for box in graph.boxes)]
    stage.show(Graph(boxes=boxes, edges=[Edge(e.source + 1, e.target + 1, e.kind) for e in graph.edges]))
    assert stage.path == "monthly"
    assert stage.forms[stage.index["enough"]] is Form.OPEN


def _later(box: Box) -> Box:
    from msgspec.structs import replace

    return replace(box, parent=box.parent + 1 if box.parent >= 0 else -1)


def test_a_deleted_node_leaves_the_cursor_somewhere() -> None:
    stage = make()
    stage.go("archive")
    graph = penguins()
    stage.show(Graph(boxes=graph.boxes[:4], edges=graph.edges[:3]))
    assert stage.path == "fetch"


# -- neighbourhoods, search, letters -----------------------------------------------------------------------------------


def test_a_neighbourhood_grows_and_all_comes_back() -> None:
    stage = make()
    stage.go("clean")
    stage.nearby()
    assert {box.path for box in stage.graph.boxes} >= {"load", "clean", "archive"}
    assert "fetch" not in stage.index
    stage.nearby()
    assert "fetch" in stage.index
    assert stage.everything()
    assert len(stage.graph.boxes) == len(penguins().boxes)
    assert stage.path == "clean"
    assert not stage.everything()


def test_going_to_a_node_outside_of_the_neighbourhood_shows_all_again() -> None:
    stage = make()
    stage.go("load")
    stage.nearby()
    assert stage.go("report")
    assert stage.path == "report"


def test_a_search_marks_names_and_goes_round() -> None:
    stage = make()
    stage.go("fetch")
    assert stage.find("re") == 4
    assert stage.path == "per_island/score"
    assert [stage.next_match(1) for _ in range(4)] == [(2, 4), (3, 4), (4, 4), (1, 4)]
    assert stage.next_match(-1) == (4, 4)
    assert stage.find("") == 0
    assert stage.next_match(1) == (0, 0)


def test_a_search_unfolds_what_hides_a_match() -> None:
    stage = make()
    stage.fold(stage.index["report"], Form.CLOSED)
    stage.go("fetch")
    stage.find("upload")
    assert stage.path == "report/upload"
    assert stage.scene.shows(stage.index["report/upload"])


def test_case_counts_only_when_a_capital_was_typed() -> None:
    boxes = [Box("Load", name="Load"), Box("load", name="load"), Box("読み込みload", name="読み込みload")]
    assert finding.matches(boxes, "load") == {0: (0, 4), 1: (0, 4), 2: (8, 12)}
    assert finding.matches(boxes, "Load") == {0: (0, 4)}


def test_a_part_of_a_path_finds_what_is_in_a_group() -> None:
    stage = make()
    assert stage.find("report/") == 3
    assert stage.find("rt/up") == 1


def test_every_node_in_view_gets_a_letter_of_its_own_and_no_letter_starts_another() -> None:
    for count in (3, 26, 27, 500):
        given_out = finding.badges(range(count))
        assert len(set(given_out.values())) == len(given_out) == count
        assert len({len(badge) for badge in given_out.values()}) == 1


# -- states ------------------------------------------------------------------------------------------------------------


def test_only_boxes_that_look_different_are_told() -> None:
    stage = make()
    stage.tell(PENGUINS_NEWS, 0.0)
    assert stage.advance(PENGUINS_NEWS, PENGUINS_NEWS, 0.0) == []
    news = PENGUINS_NEWS | {"monthly": NodeNow("completed", seconds=2.0)}
    changed = stage.advance(news, {"monthly", "no/such"}, 0.0)
    assert [stage.graph.boxes[box].path for box in changed] == ["monthly"]


def test_a_change_inside_changes_the_group_and_its_rows_are_drawn_again() -> None:
    stage = make()
    stage.tell(PENGUINS_NEWS, 0.0)
    news = PENGUINS_NEWS | {"enough/fit": NodeNow("failed", error="bad")}
    changed = stage.advance(news, {"enough/fit"}, 0.0)
    assert {stage.graph.boxes[box].path for box in changed} == {"enough", "enough/fit"}
    rect = stage.scene.rects[stage.index["enough"]]
    assert stage.rows_of(changed) == set(range(rect.y - stage.corner.y, rect.bottom - stage.corner.y))


def test_time_alone_changes_what_runs() -> None:
    stage = make()
    stage.tell({"load": NodeNow("running", started=100.0)}, 104.0)
    assert stage.faces[stage.index["load"]].second == "4.0 s"
    assert stage.tick(112.0) == [stage.index["load"]]
    assert stage.faces[stage.index["load"]].second == "12 s"


def test_a_finding_in_a_closed_group_shows_on_the_group() -> None:
    stage = make()
    stage.mark({"report/render": "error"})
    assert stage.index["report"] not in stage.view.findings
    stage.fold(stage.index["report"], Form.CLOSED)
    assert stage.view.findings[stage.index["report"]] == "error"


# -- rows --------------------------------------------------------------------------------------------------------------


def test_a_band_of_rows_is_the_same_as_in_the_whole_picture() -> None:
    graph = layered(300, 15)
    for zoom in Zoom:
        stage = make(graph, 100, 36)
        stage.tell(spread(graph), 0.0)
        stage.zoom_to(zoom)
        stage.go(graph.boxes[150].path)
        stage.over.map_wanted = True
        whole = stage.rows(0, 36)
        for first, count in ((0, 5), (7, 1), (20, 16), (35, 1)):
            assert stage.rows(first, count) == whole[first : first + count]


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(list(Zoom)),
    st.integers(1, 130),
    st.integers(1, 45),
    st.lists(
        st.sampled_from(["right", "down", "up", "left", "fold", "z", "pan", "near", "find", "badge", "map"]), max_size=8
    ),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_done_every_row_is_as_wide_as_the_view(
    zoom: Zoom, width: int, height: int, acts: list[str], ascii: bool, colour: bool
) -> None:
    for graph in (penguins(), wide_names()):
        stage = make(graph, width, height, Style(ascii, colour))
        stage.tell(PENGUINS_NEWS, 0.0)
        stage.zoom_to(zoom)
        for act in acts:
            _do(stage, act)
            for row in stage.rows(0, height):
                assert cell_len(row.text) == width
                assert len(row.tones) == width


def _do(stage: Stage, act: str) -> None:
    if act in ("left", "right", "up", "down"):
        stage.move(act)
    elif act == "pan":
        stage.pan(7, -5)
    else:
        {
            "fold": stage.fold,
            "z": stage.zoom_next,
            "near": stage.nearby,
            "find": lambda: stage.find("re"),
            "badge": stage.badge,
            "map": stage.toggle_map,
        }[act]()


def test_no_text_of_a_project_is_taken_for_a_command_of_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202e"
    graph = Graph(boxes=[Box(evil, name=evil, label=6, note=evil)])
    stage = make(graph, 60, 12)
    stage.tell({evil: NodeNow("failed", error=evil, text=evil)}, 0.0)
    stage.over.callout = 0
    for zoom in Zoom:
        stage.zoom_to(zoom)
        shown = "".join(row.text for row in stage.rows(0, 12))
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char == "\u202e" for char in shown)


def test_the_map_shows_itself_among_dots_that_do_not_fit_and_goes_where_one_clicks() -> None:
    stage = make(layered(1000, 60), 120, 40)
    assert stage.zoom is Zoom.DOT
    spot = stage.map_spot
    assert spot is not None
    before = stage.corner
    assert stage.look_at_map(spot.right - 2, spot.bottom - 2)
    assert stage.corner != before
    stage.toggle_map()
    assert stage.map_spot is None


def test_the_rim_counts_what_cannot_be_seen() -> None:
    from studio.pictures.rim import beyond

    stage = make(width=60, height=20)
    stage.zoom_to(Zoom.CARD)
    stage.go("fetch")
    found = beyond(stage.scene, stage.rect)
    assert found.left == 0
    hidden = [box for box in stage.scene.panels[0].items if stage.scene.rects[box].x >= stage.rect.right]
    assert found.right == len(hidden) > 0
    assert f"{found.right} more" in "".join(row.text for row in stage.rows(0, 20))


# -- edits -------------------------------------------------------------------------------------------------------------


def _moved(stage: Stage, path: str, x: int, y: int, **more: bool) -> None:
    """Put the port of a node into a cell of the view, as a drag does."""
    pin = stage.pin_at(stage.index[path], x, y)
    assert pin is not None
    stage.show(pinned(stage.whole, {path: pin}), **more)


def _on_all(stage: Stage) -> dict[str, tuple[int, int]]:
    boxes = list(stage.scene.panels[0].items)
    return {stage.graph.boxes[box].path: (stage.scene.rects[box].x, stage.scene.port_row(box)) for box in boxes}


def test_a_node_stands_where_it_was_put_and_its_neighbours_where_they_stood() -> None:
    stage = make()
    before, corner = _on_all(stage), stage.corner
    x, y = on_screen(stage, "schema")
    _moved(stage, "schema", x, y + 9)
    assert on_screen(stage, "schema") == (x, y + 9)
    assert stage.corner == corner
    assert {path: place for path, place in _on_all(stage).items() if before[path] != place}.keys() == {"schema"}


def test_a_node_that_is_dragged_pushes_nothing_that_it_only_passes() -> None:
    stage = make()
    x, y = on_screen(stage, "load")
    before = _on_all(stage)
    for step in range(1, 12):
        _moved(stage, "load", x, y + step, tentative=True)
    _moved(stage, "load", x, y, tentative=True)
    assert _on_all(stage) == before


def test_an_undo_shows_the_picture_of_before() -> None:
    stage = make()
    graph, before = stage.whole, _on_all(stage)
    x, y = on_screen(stage, "load")
    _moved(stage, "load", x, y + 3)
    assert _on_all(stage) != before
    stage.show(penguins())
    assert stage.whole == graph
    assert _on_all(stage) == before


@pytest.mark.parametrize("zoom", list(Zoom))
def test_a_node_can_be_put_between_others_at_any_zoom(zoom: Zoom) -> None:
    graph = layered(60, 4)
    stage = make(graph, 160, 50)
    stage.zoom_to(zoom)
    column = list(stage.scene.panels[0].members[2])
    moved, below = column[2], column[8]
    x, y = on_screen(stage, graph.boxes[below].path)
    _moved(stage, graph.boxes[moved].path, x, y)
    after = stage.scene.panels[0].members[2]
    assert after.index(moved) + 1 == after.index(below)
    assert [box for box in after if box != moved] == [box for box in column if box != moved]


def test_what_was_chosen_stays_chosen_through_an_edit() -> None:
    stage = make()
    stage.select(stage.index["clean"])
    graph = penguins()
    boxes = [Box("first", label=5), *(_later(box) for box in graph.boxes)]
    stage.show(Graph(boxes=boxes, edges=[Edge(e.source + 1, e.target + 1, e.kind) for e in graph.edges]))
    assert [stage.graph.boxes[box].path for box in stage.view.selected] == ["clean"]


def test_tidying_forgets_what_was_held_on_to() -> None:
    stage = make()
    before = _on_all(stage)
    x, y = on_screen(stage, "load")
    _moved(stage, "load", x, y + 9)
    stage.tidy(penguins())
    assert _on_all(stage) == before


# -- names above the dots ----------------------------------------------------------------------------------------------


def test_dots_that_are_called_alike_have_their_name_above_them() -> None:
    stage = make(stages(), 160, 50)
    rows = [row.text for row in stage.rows(0, 50)]
    above = next(row for row in rows if "fetch" in row)
    assert [word for word in ("fetch", "align", "call", "merge", "report") if f"─ {word} ─" in above] == [
        "fetch",
        "align",
        "call",
        "merge",
        "report",
    ]
    assert "●" not in above


def test_names_above_the_dots_never_cover_one() -> None:
    stage = make(stages(), 100, 20)
    stage.pan(0, 18)
    bare = Stage(Style())
    bare.resize(100, 20)
    bare.show(Graph([Box(box.path) for box in stage.graph.boxes], stage.graph.edges))
    bare.corner = stage.corner
    dots = [[at for at, char in enumerate(row.text) if char in "●·"] for row in bare.rows(0, 20)]
    assert all(row.text[at] in "●·" for row, places in zip(stage.rows(0, 20), dots, strict=True) for at in places)


def test_dots_that_are_all_called_alike_have_no_names_above_them() -> None:
    graph = layered(400, 20)
    stage = make(Graph([Box(f"n{at}", name=f"node_{at}") for at in range(400)], graph.edges), 120, 40)
    assert stage.zoom is Zoom.DOT
    assert "─ node ─" not in "".join(row.text for row in stage.rows(0, 40))


# -- what has just changed ---------------------------------------------------------------------------------------------


def _tones(stage: Stage, path: str) -> tuple[str, bool]:
    """The ground of a node's name, and whether the arrow that leads to it is bold."""
    x, y = on_screen(stage, path)
    row = stage.rows(0, stage.size[1])[y]
    return TONES[row.tones[x + 4]].ground, TONES[row.tones[x - 1]].bold


def test_a_card_whose_state_turned_stands_out_for_a_moment_and_so_does_the_arrow_of_its_value() -> None:
    stage = make()
    stage.go("report")
    stage.tell({"clean": NodeNow("running")}, 10.0)
    changed = stage.advance({"clean": NodeNow("completed")}, ["clean"], 20.0, flash=True)
    assert {stage.graph.boxes[box].path for box in changed} == {"clean", "enough", "per_island", "monthly"}
    assert _tones(stage, "clean")[0] == "okbg"
    assert _tones(stage, "monthly")[1]
    assert not _tones(stage, "load")[1]
    assert stage.tick(20.2) == []
    assert set(changed) <= set(stage.tick(20.5))
    assert _tones(stage, "clean")[0] == "bg"
    assert not _tones(stage, "monthly")[1]


def test_without_animations_only_the_state_changes() -> None:
    stage = make()
    stage.tell({"clean": NodeNow("running")}, 10.0)
    stage.advance({"clean": NodeNow("completed")}, ["clean"], 20.0)
    assert _tones(stage, "clean") == ("bg", False)
    assert not stage.flashes


def test_where_much_changes_at_once_nothing_stands_out() -> None:
    graph = layered(200, 10)
    stage = make(graph, 160, 50)
    stage.zoom_to(Zoom.LINE)
    news = {box.path: NodeNow("running") for box in graph.boxes}
    stage.advance(news, list(news), 20.0, flash=True)
    assert not stage.flashes


# -- maps --------------------------------------------------------------------------------------------------------------


def _map(states: dict[str, int], style: Style) -> list[str]:
    """The rows of a map's card while its items are in these states."""
    stage = make(Graph([Box("each", name="each_of_them", label=12, kind="map", behind=True)]), 60, 12, style)
    found = [state for state, count in states.items() for _ in range(count)]
    news = {f"each[{number}]": NodeNow(state) for number, state in enumerate(found)}
    stage.tell({"each": NodeNow("running"), **news}, 0.0)
    return [row.text.strip() for row in stage.rows(0, 12) if row.text.strip()]


def test_a_map_that_runs_has_a_square_for_each_item() -> None:
    rows = _map({"ready": 2, "completed": 3, "running": 1}, Style())
    assert rows[0].startswith("┏━■■■■□□━")
    assert "3 of 6" in rows[2]
    assert _map({"ready": 2, "completed": 3, "failed": 1}, Style(ascii=True))[0].startswith("+=+++xoo=")


def test_where_items_outnumber_the_cells_a_square_stands_for_several_and_the_worst_come_first() -> None:
    rows = _map({"completed": 900, "failed": 1, "ready": 99}, Style(ascii=True))
    squares = rows[0][2:].partition("=")[0]
    assert squares[0] == "x"
    assert {"x", "o", "+"} == set(squares)
    assert "901 of 1000" in rows[2]
