"""Carrying nodes by arrows and by mouse, and what they are put down on."""

from __future__ import annotations

from collections.abc import Callable

from studio.document.edits import Connect, Disconnect, MoveInto, MoveNodes, Reorder, Several
from studio.modes.move import MoveMode, carry
from tests.studio.modes.desks import Hand, at_desk


def carrying(*paths: str, **how: object) -> Hand:
    one = at_desk(paths[0], **how)  # type: ignore[arg-type]
    for path in paths if len(paths) > 1 else ():
        one.stage.select(one.stage.index[path])
    one.mode = carry(one.sight)
    return one


def dragging(path: str, **how: object) -> Hand:
    one = at_desk(path, **how)  # type: ignore[arg-type]
    one.mode = MoveMode((path,), *one.cell(path), by_mouse=True)
    return one


def test_arrows_move_a_ghost_and_enter_pins_the_node_there() -> None:
    one = carrying("load")
    before = one.stage.scene.port_row(one.stage.index["load"])
    turn = one.press("down", "down", "down", "enter")
    assert turn.edit == MoveNodes({"load": (1, before + 3)})
    assert turn.mode is None


def test_a_large_step_is_a_card_and_left_and_right_go_by_columns() -> None:
    one = carrying("load")
    before = one.stage.scene.port_row(one.stage.index["load"])
    assert one.press("pagedown", "right", "enter").edit == MoveNodes({"load": (2, before + 4)})


def test_put_down_where_it_stood_nothing_has_happened() -> None:
    assert carrying("load").press("down", "up", "enter").edit is None
    assert carrying("load").press("down", "escape").edit is None


def test_several_keep_their_distance() -> None:
    one = carrying("load", "schema")
    rows = {path: one.stage.scene.port_row(one.stage.index[path]) for path in ("load", "schema")}
    assert one.press("down", "enter").edit == MoveNodes({path: (1, row + 1) for path, row in rows.items()})


def test_a_drag_that_ends_on_bare_canvas_pins_it() -> None:
    one = dragging("schema")
    x, y = one.cell("schema")
    one.point("drag", x, y + 2)
    assert one.point("drop", x, y + 5).edit == MoveNodes({"schema": (1, y + 5)})


def test_dropped_on_a_group_it_goes_in_after_the_row_above_the_pointer() -> None:
    one = dragging("schema")
    turn = one.point("drop", *one.cell("report/render"))
    assert turn.edit == MoveInto(("schema",), "report", "report/render")
    assert turn.cursor == "report/schema"


def test_what_waits_for_the_group_or_is_waited_for_by_it_lets_go_of_it_as_it_goes_in() -> None:
    one = dragging("enough")
    edit = one.point("drop", *one.cell("report/render")).edit
    assert isinstance(edit, Several)
    assert edit.edits == (
        Disconnect("enough", "report", "model"),
        MoveInto(("enough",), "report", "report/render"),
    )
    assert edit.title == "move enough into report"


def test_dragged_out_of_a_group_it_leaves_it() -> None:
    one = dragging("report/upload")
    turn = one.point("drop", 4, 2)
    assert turn.edit == MoveInto(("report/upload",))
    assert turn.cursor == "upload"


def test_inside_of_its_group_it_changes_the_order() -> None:
    one = dragging("report/render")
    assert one.point("drop", *one.cell("report/upload")).edit == Reorder("report/render", "report/upload")


def test_a_branch_stays_with_its_condition() -> None:
    one = dragging("enough/then")
    turn = one.point("drop", 4, 2)
    assert turn.edit is None
    assert "stays with its condition" in turn.tell


def test_dropped_on_an_edge_it_comes_between() -> None:
    one = dragging("schema")
    x, y = one.cell("clean", right=-3)
    one.point("drag", x, y)
    assert "between load and clean" in one.seen()
    edit = one.point("drop", x, y).edit
    assert isinstance(edit, Several)
    assert edit.edits == (
        Disconnect("load", "clean", "rows"),
        Connect("load", "schema", "load"),
        Connect("schema", "clean", "rows"),
    )


def test_by_keys_an_edge_counts_only_after_tab() -> None:
    one = carrying("report")
    x, y = one.cell("clean", right=-3)
    box = one.stage.index["report"]
    there = MoveMode(("report",), x, y, dx=-20, dy=y - one.stage.scene.port_row(box))
    one.mode = there
    assert isinstance(one.press("enter").edit, MoveNodes)
    one.mode = there
    assert isinstance(one.press("tab", "enter").edit, Several)


def test_how_it_looks(golden: Callable[[str, str], None]) -> None:
    one = dragging("schema")
    x, y = one.cell("schema")
    one.point("drag", x + 6, y + 4)
    shown = one.seen()
    one.point("drag", *one.cell("report/render"))
    golden("move.txt", f"{shown}\n{'-' * 99}\n{one.seen()}\n")
