"""Adding: the search, what is added where, how it is wired."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.project.model import Conditional, Shell, Task
from studio.document.edits import AddNode, Connect, Disconnect, Edit, InsertOnEdge, Several
from studio.modes import addition
from studio.modes.cut import edges_of
from tests.studio.modes.desks import Hand, at_desk


def adding(cursor: str | None = "load", *, free: bool = False, **how: object) -> Hand:
    one = at_desk(cursor, **how)  # type: ignore[arg-type]
    one.mode = (addition.add_free if free else addition.add_after)(one.sight)
    return one


def parts(edit: Edit | None) -> tuple[Edit, ...]:
    assert edit is not None
    return edit.edits if isinstance(edit, Several) else (edit,)


def test_enter_adds_what_is_picked_wires_it_and_the_cursor_goes_there() -> None:
    one = adding()
    one.type("drop")
    turn = one.press("enter")
    added, wired = parts(turn.edit)
    assert isinstance(added, AddNode)
    assert (added.path, added.after) == ("drop_outliers", "load")
    assert added.node.body == Task("tasks:drop_outliers")
    assert wired == Connect("load", "drop_outliers", "rows")
    assert turn.cursor == "drop_outliers"
    assert turn.mode is None


def test_functions_come_before_kinds_and_arrows_choose() -> None:
    one = adding()
    one.press("down", "down", "up")
    assert parts(one.press("enter").edit)[0].path == "drop_outliers"


def test_tab_wires_for_order_only() -> None:
    one = adding()
    one.type("drop")
    assert parts(one.press("tab", "enter").edit)[1] == Connect("load", "drop_outliers", None)


def test_a_name_that_is_taken_gets_a_number() -> None:
    one = adding()
    one.type("clean")
    assert parts(one.press("enter").edit)[0].path == "clean_2"


def test_what_no_function_is_called_becomes_one_that_is_still_to_be_written() -> None:
    one = adding()
    one.type("normalise")
    added = parts(one.press("enter").edit)[0]
    assert isinstance(added, AddNode)
    assert (added.path, added.node.body) == ("normalise", Task("tasks:normalise"))


def test_a_kind_comes_with_a_body_and_one_that_speaks_of_its_source_needs_no_wire() -> None:
    one = adding("clean")
    one.type("condit")
    (added,) = parts(one.press("enter").edit)
    assert isinstance(added, AddNode)
    assert isinstance(added.node.body, Conditional)
    assert "${clean}" in added.node.body.condition
    shell = adding("clean")
    shell.type("shell")
    assert isinstance(parts(shell.press("enter").edit)[0].node.body, Shell)


def test_a_free_node_follows_nothing() -> None:
    one = adding(free=True)
    one.type("drop")
    assert [type(edit) for edit in parts(one.press("enter").edit)] == [AddNode]


def test_inside_of_a_group_it_goes_into_the_group_and_in_a_sequential_one_the_order_is_there_already() -> None:
    one = adding("report/render")
    one.type("wait")
    (added,) = parts(one.press("enter").edit)
    assert (added.path, added.after) == ("report/wait", "report/render")
    free = adding("report/render", free=True)
    free.type("wait")
    assert parts(free.press("enter").edit)[0].path == "report/wait"


def test_on_an_empty_canvas_it_is_the_first_node() -> None:
    one = adding(None, text='format = 1\n[project]\nname = "empty"\n')
    one.type("render")
    assert parts(one.press("enter").edit)[0].path == "render"


def test_on_the_edges_that_leave_a_node_it_comes_between() -> None:
    one = at_desk("fetch")
    leads = tuple(lead for lead in edges_of("fetch", one.sight) if lead.source == "fetch")
    one.mode = addition.insert(one.sight, leads)
    one.type("render")
    inserted, *others = parts(one.press("enter").edit)
    assert isinstance(inserted, InsertOnEdge)
    assert inserted.edge == ("fetch", "load", "path")
    assert inserted.takes == "model"
    assert others == [Disconnect("fetch", "schema", "path"), Connect("render", "schema", "path")]


def test_letters_are_letters_and_erasing_widens_the_search() -> None:
    one = adding()
    one.type("qqqq xx")
    assert one.press("enter").edit is None
    one.press(*["backspace"] * 7)
    assert len(one.mode.found(one.sight)) > 10
    assert one.press("escape").mode is None


def test_a_click_on_a_row_adds_it_and_one_beside_the_list_closes_it() -> None:
    from studio.pictures.popup import place

    one = adding()
    one.type("out")
    rect = place(one.mode._popup(one.sight), one.sight.rect)
    assert parts(one.point("click", rect.x + 8, rect.y + 5).edit)[0].path == "drop_outliers"
    one = adding()
    assert one.point("click", rect.x - 3, rect.y).mode is None


@pytest.mark.parametrize("size", [(80, 21), (120, 36)])
def test_how_it_looks(golden: Callable[[str, str], None], size: tuple[int, int]) -> None:
    one = adding(size=size)
    shown = one.seen()
    one.type("out")
    golden(f"add_{size[0]}x{size[1]}.txt", f"{shown}\n{'-' * (size[0] - 1)}\n{one.seen()}\n")
