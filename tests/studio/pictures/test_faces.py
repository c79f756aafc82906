"""What a node says of itself: in few cells, and true."""

from __future__ import annotations

import pytest

from engine.draw.scene import Box, Graph
from engine.draw.sizes import default_forms
from studio.pictures.faces import counts, face, group_state, percent, seconds
from studio.pictures.known import Known
from studio.pictures.web import Web
from studio.state import NodeNow


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (0, "0 s"),
        (0.0012, "1 ms"),
        (0.05, "0.05 s"),
        (0.84, "0.84 s"),
        (0.999, "1.0 s"),
        (4.1, "4.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (13.4, "13 s"),
        (99.4, "99 s"),
        (99.6, "1:40"),
        (125, "2:05"),
        (3725, "1:02:05"),
        (-3, "0 s"),
    ],
)
def test_a_length_of_time_takes_few_cells(length: float, shown: str) -> None:
    assert seconds(length) == shown


def test_a_share_is_100_only_at_the_end_and_0_only_at_the_start() -> None:
    assert percent(0) == "0 %"
    assert percent(0.001) == "1 %"
    assert percent(0.62) == "62 %"
    assert percent(0.9999) == "99 %"
    assert percent(1) == "100 %"
    assert percent(7) == "100 %"


def test_in_the_editor_a_node_says_what_it_runs() -> None:
    assert face("tasks:clean", None).second == "tasks:clean"
    assert face("tasks:clean", None).state == "ready"


def test_in_a_run_it_says_what_the_run_knows() -> None:
    assert face("tasks:f", NodeNow("completed", seconds=0.84)).second == "0.84 s"
    assert face("tasks:f", NodeNow("failed", error="KeyError: 'r2'")).second == "KeyError: 'r2'"
    assert face("tasks:f", NodeNow("canceled", seconds=3.1)).second == "after 3.1 s"
    assert face("tasks:f", NodeNow("skipped", text="branch not taken")).second == "branch not taken"
    assert face("tasks:f", NodeNow("ready", text="waits for clean")).second == "waits for clean"
    assert face("tasks:f", NodeNow("ready")).second == "tasks:f"


def test_a_node_that_runs_elsewhere_says_where() -> None:
    assert face("", NodeNow("running", started=100.0, agent="lab"), 112.0).second == "12 s @lab"
    assert face("", NodeNow("completed", seconds=3.0, agent="lab"), 112.0).second == "3.0 s"


def test_a_running_node_shows_its_share_or_the_time_that_goes_by() -> None:
    assert face("", NodeNow("running", fraction=0.62)).fraction == 0.62
    assert face("", NodeNow("running", fraction=0.62)).aside == "62 %"
    assert face("", NodeNow("running", started=1000.0), 1012.0).second == "12 s"
    assert face("", NodeNow("completed", fraction=1.0)).fraction is None


def test_a_retry_says_which_and_when() -> None:
    now = NodeNow("retrying", attempt=2, attempts=3, due=1004.2)
    assert face("", now, 1000.0).second == "2 of 3 in 4 s"
    assert face("", now).second == "2 of 3"
    assert face("", now, 1010.0).second == "2 of 3 in 0 s"


def test_an_unheard_of_state_is_unknown() -> None:
    assert face("", NodeNow("melting")).state == "unknown"
    assert face("", NodeNow("paused")).state == "suspended"


@pytest.mark.parametrize(
    ("own", "children", "shown"),
    [
        (None, ["completed", "failed", "running"], "failed"),
        (None, ["completed", "skipped"], "completed"),
        (None, ["skipped", "skipped"], "skipped"),
        (None, [], "ready"),
        ("running", ["failed", "running"], "failed"),
        ("running", ["completed", "ready"], "running"),
        ("completed", ["skipped", "completed"], "completed"),
        ("ready", ["completed", "running"], "running"),
    ],
)
def test_a_group_shows_its_own_state_or_the_worst_inside(own: str | None, children: list[str], shown: str) -> None:
    assert group_state(own, children) == shown


def test_counts_come_worst_first() -> None:
    assert list(counts(["completed", "failed", "completed", "running"]).items()) == [
        ("failed", 1),
        ("running", 1),
        ("completed", 2),
    ]


# -- maps and loops ----------------------------------------------------------------------------------------------------


def _known(boxes: list[Box], nodes: dict[str, NodeNow], clock: float = 0.0) -> Known:
    graph = Graph(boxes)
    known = Known()
    known.about(graph, Web(graph), {box.path: at for at, box in enumerate(boxes)}, default_forms(graph))
    known.tell(nodes, clock)
    return known


EACH = [Box("each", kind="map", group=True, note="of rows"), Box("each/score", parent=0)]


def test_items_of_a_map_are_counted_at_the_map() -> None:
    nodes = {"each": NodeNow("running", started=100.0)}
    nodes |= {
        f"each[{at}]": NodeNow(state) for at, state in enumerate(["completed"] * 6 + ["running", "failed", "ready"])
    }
    nodes |= {f"each[{at}]/score": now for at, now in enumerate(list(nodes.values())[1:])}
    each, score = _known(EACH, nodes, 121.0).faces
    assert each.second == "7 of 9 · 0:06"
    assert each.items == (("completed", 6), ("running", 1), ("failed", 1), ("ready", 1))
    assert (score.state, score.aside) == ("failed", "7/9")


def test_news_of_one_item_change_what_the_map_says() -> None:
    nodes = {"each": NodeNow("running"), "each[0]": NodeNow("running"), "each[0]/score": NodeNow("running")}
    known = _known(EACH, nodes)
    assert known.faces[0].second == "0 of 1"
    nodes = nodes | {
        "each[0]": NodeNow("completed"),
        "each[0]/score": NodeNow("completed"),
        "each[1]": NodeNow("ready"),
    }
    assert known.advance(nodes, ["each[0]", "each[0]/score", "each[1]"], 0.0) == [1, 0]
    assert known.faces[0].second == "1 of 2"
    assert known.faces[1].state == "completed"


def test_a_map_that_is_over_says_how_long_it_took() -> None:
    nodes = {"each": NodeNow("completed", seconds=4.0), "each[0]": NodeNow("completed")}
    assert _known(EACH, nodes).faces[0].second == "4.0 s"


@pytest.mark.parametrize(("most", "told"), [(20, "3/20"), (0, "3")])
def test_a_loop_tells_its_round_at_its_body(most: int, told: str) -> None:
    boxes = [Box("again", kind="loop", group=True, most=most), Box("again/ask", parent=0)]
    states = ["completed", "completed", "running"]
    nodes = {"again": NodeNow("running")} | {f"again[{at}]": NodeNow(state) for at, state in enumerate(states)}
    nodes |= {f"again[{at}]/ask": NodeNow(state) for at, state in enumerate(states)}
    again, ask = _known(boxes, nodes).faces
    assert (ask.state, ask.aside) == ("running", told)
    assert again.second == f"round {told.replace('/', ' of ')}"


def test_maps_inside_of_maps_are_counted_together() -> None:
    boxes = [*EACH, Box("each/inner", kind="map", parent=0)]
    nodes = {"each": NodeNow("running"), "each[0]/inner": NodeNow("running"), "each[1]/inner": NodeNow("running")}
    nodes |= {"each[0]/inner[0]": NodeNow("completed"), "each[1]/inner[0]": NodeNow("running")}
    assert _known(boxes, nodes).faces[2].state == "running"
