"""Connecting by letter, by arrows and by a wire; the argument that takes the value; cutting a wire."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.document.edits import Connect, Disconnect, Several
from studio.modes.addition import AddMode
from studio.modes.connection import ConnectMode, WireMode
from studio.modes.cut import CutMode
from tests.studio.modes.desks import Hand, at_desk

CIRCLE = {"fetch": "load comes after fetch already: that would be a circle"}


def connecting(cursor: str = "load", **how: object) -> Hand:
    one = at_desk(cursor, bad=CIRCLE, **how)  # type: ignore[arg-type]
    one.mode = ConnectMode(cursor)
    return one


def test_a_letter_connects_at_once_and_the_argument_is_the_one_that_is_free() -> None:
    one = connecting("schema")
    turn = one.press("s")
    assert turn.edit == Connect("schema", "clean", "limit")
    assert turn.cursor is None  # the next letter may follow at once


def test_tab_right_after_goes_through_the_arguments_and_the_order_in_one_step_of_undo() -> None:
    one = connecting("schema")
    first = one.press("s")
    again = one.press("tab")
    assert again.edit == Connect("schema", "clean", "rows")
    order = one.press("tab")
    assert order.edit == Connect("schema", "clean", None)
    assert again.instead
    assert order.instead
    assert first.key == again.key == order.key is not None


def test_any_other_key_after_it_is_made_leaves_and_does_what_it_always_does() -> None:
    one = connecting("schema")
    one.press("s")
    turn = one.press("x")
    assert turn.mode is None
    assert not turn.taken


def test_tab_before_the_letter_asks_for_order_only() -> None:
    assert connecting("schema").press("tab", "s").edit == Connect("schema", "clean", None)


def test_a_forbidden_node_has_no_letter_and_says_why_when_the_wire_is_led_there() -> None:
    one = connecting()
    assert one.press("left").edit is None
    assert "that would be a circle" in one.seen()
    turn = one.press("enter")
    assert turn.edit is None
    assert turn.tell == CIRCLE["fetch"]
    assert turn.mode is not None


def test_arrows_show_the_wire_and_enter_makes_it() -> None:
    one = connecting()
    one.press("right", "right")
    assert one.press("enter").edit == Connect("load", "enough", None)


def test_a_letter_that_nobody_has_changes_nothing_and_escape_leaves() -> None:
    one = connecting()
    assert one.press("9").edit is None
    assert one.press("escape").mode is None
    assert one.edits == []


def test_pairs_of_letters_where_there_are_many_nodes() -> None:
    text = 'format = 1\n[project]\nname = "x"\n' + "".join(f'[nodes.n{n}]\ntask = "tasks:one"\n' for n in range(40))
    one = at_desk("n0", text, size=(200, 60))
    one.mode = ConnectMode("n0")
    assert one.press("a").edit is None
    assert isinstance(one.press("a").edit, Connect)


@pytest.mark.parametrize("ascii", [False, True])
def test_how_it_looks(golden: Callable[[str, str], None], ascii: bool) -> None:
    one = connecting(ascii=ascii)
    shown = one.seen()
    one.press("right")
    golden(f"connect{'_ascii' if ascii else ''}.txt", f"{shown}\n{'-' * 99}\n{one.seen()}\n")


# -- a wire in hand


def wire(source: str = "schema") -> Hand:
    one = at_desk(source, bad=CIRCLE)
    one.mode = WireMode(source, *one.cell(source))
    return one


def test_a_wire_dropped_on_a_node_connects_and_tab_may_follow() -> None:
    one = wire()
    one.point("drag", *one.cell("clean"))
    turn = one.point("drop", *one.cell("clean"))
    assert turn.edit == Connect("schema", "clean", "limit")
    assert isinstance(turn.mode, ConnectMode)


def test_over_a_node_that_it_may_not_lead_to_it_is_red_and_says_why() -> None:
    one = wire("load")
    one.point("drag", *one.cell("fetch"))
    assert "⊘" in one.seen()
    assert "that would be a circle" in one.seen()
    turn = one.point("drop", *one.cell("fetch"))
    assert (turn.edit, turn.tell) == (None, CIRCLE["fetch"])


def test_a_wire_dropped_on_nothing_opens_the_search_and_what_is_added_is_connected() -> None:
    one = wire("load")
    turn = one.point("drop", 40, 20)
    assert isinstance(turn.mode, AddMode)
    one.type("drop")
    added = one.press("enter").edit
    assert isinstance(added, Several)
    assert added.edits[1] == Connect("load", "drop_outliers", "rows")
    assert added.edits[0].place is not None


def test_a_wire_dropped_where_it_began_is_let_go() -> None:
    one = wire()
    assert one.point("drop", *one.cell("schema")).mode is None


# -- cutting


def cutting(path: str) -> Hand:
    one = at_desk(path)
    one.mode = CutMode(path)
    return one


def test_every_edge_of_a_node_has_a_letter() -> None:
    assert cutting("clean").press("a").edit == Disconnect("load", "clean", "rows")
    assert cutting("clean").press("s").edit == Disconnect("schema", "clean", None)
    assert cutting("clean").press("f").edit == Disconnect("clean", "enough/then", "rows")


def test_an_edge_that_is_written_in_a_value_is_not_cut_but_explained() -> None:
    turn = cutting("clean").press("d")
    assert turn.edit is None
    assert "change it there" in turn.tell


def test_arrows_choose_and_enter_cuts_and_a_click_on_the_other_end_does_too() -> None:
    assert cutting("clean").press("down", "enter").edit == Disconnect("schema", "clean", None)
    one = cutting("clean")
    assert one.point("click", *one.cell("load")).edit == Disconnect("load", "clean", "rows")


def test_how_cutting_looks(golden: Callable[[str, str], None]) -> None:
    golden("cut.txt", cutting("clean").seen() + "\n")
