"""Selecting by a band, by arrows and by the menu; names, notes, groups and workflows that get their name at the node."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.document.edits import ExtractWorkflow, Group, RenameNode, SetNotes
from studio.modes import name
from studio.modes.selection import BandMode, SelectMenu
from studio.modes.turn import Mode, Sight
from tests.studio.modes.desks import PENGUINS, Hand, at_desk


def test_a_band_takes_what_it_touches() -> None:
    one = at_desk("fetch")
    one.mode = BandMode((1, 0), (1, 0))
    one.point("drag", *one.cell("schema", down=1))
    assert one.point("drop", *one.cell("schema", down=1)).select == {"fetch", "load", "schema"}


def test_a_band_inside_of_a_group_takes_its_children() -> None:
    one = at_desk("fetch")
    x, y = one.cell("report/render")
    one.mode = BandMode((x, y), (x, y))
    assert one.point("drop", *one.cell("report/upload", right=6)).select == {"report/render", "report/upload"}


def test_with_shift_what_was_selected_stays() -> None:
    one = at_desk("fetch")
    one.mode = BandMode(one.cell("load"), one.cell("load"), kept=frozenset({"clean"}))
    assert one.point("drop", *one.cell("load", right=5)).select == {"load", "clean"}


def test_by_keys_it_reaches_from_where_the_cursor_was_to_where_it_goes() -> None:
    one = at_desk("load")
    one.mode = BandMode(anchor="load")
    one.press("right")
    assert one.press("enter").select == {"load", "schema", "clean"}  # schema is in the block, too


@pytest.mark.parametrize(
    ("key", "chosen"),
    [
        ("a", {"fetch", "load", "schema", "clean", "enough", "report"}),
        ("u", {"clean", "load", "schema", "fetch"}),
        ("d", {"clean", "enough", "report"}),
        ("k", {"clean", "load", "schema", "enough/then", "enough/else", "report/render"}),
    ],
)
def test_the_menu(key: str, chosen: set[str]) -> None:
    one = at_desk("clean")
    one.mode = SelectMenu()
    turn = one.press(key)
    assert turn.select == chosen
    assert turn.mode is None


# -- names


def naming(begin: Callable[[Sight], Mode | None], cursor: str = "load", *others: str) -> Hand:
    one = at_desk(cursor)
    for path in (cursor, *others) if others else ():
        one.stage.select(one.stage.index[path])
    one.mode = begin(one.sight)
    return one


def test_the_first_letter_replaces_the_name_and_enter_renames() -> None:
    one = naming(name.rename)
    one.type("read")
    turn = one.press("enter")
    assert turn.edit == RenameNode("load", "read")
    assert turn.cursor == "read"


def test_after_an_arrow_letters_go_in_between() -> None:
    one = naming(name.rename)
    one.press("left", "left")
    one.type("xy")
    one.press("backspace", "end")
    one.type("!")
    one.press("backspace", "home", "right")
    one.type("_")
    assert one.press("enter").edit == RenameNode("load", "l_oxad")


@pytest.mark.parametrize(("typed", "told"), [("clean", "already"), ("a b", ";"), (" ", "a name, please")])
def test_a_name_that_cannot_be_is_red_at_once_and_not_taken(typed: str, told: str) -> None:
    one = naming(name.rename)
    one.type(typed)
    assert told in one.seen()
    assert one.press("enter").edit is None
    assert one.mode is not None


def test_a_name_left_as_it_was_is_no_edit() -> None:
    assert naming(name.rename).press("enter").edit is None


def test_a_note_is_written_at_its_node() -> None:
    one = naming(name.note)
    one.type("slow on Mondays")
    assert one.press("enter").edit == SetNotes("load", "slow on Mondays")


def test_a_group_of_what_is_chosen_gets_its_name_and_tab_sets_its_order() -> None:
    one = naming(name.group, "load", "schema")
    one.type("read")
    assert one.press("enter").edit == Group(("load", "schema"), "read", "parallel")
    one = naming(name.group, "load", "schema")
    assert one.press("tab", "enter").edit == Group(("load", "schema"), "group", "sequential")


def test_a_workflow_of_what_is_chosen() -> None:
    one = naming(name.extract, "load", "schema")
    one.type("reading")
    turn = one.press("enter")
    assert turn.edit == ExtractWorkflow(("load", "schema"), "reading")
    assert turn.cursor == "reading"


def test_pasted_text_is_text_and_never_keys() -> None:
    one = naming(name.rename)
    turn = one.mode.paste("new\nname\x1b[31m", one.sight)
    one.mode = turn.mode
    assert one.mode.text == "new name[31m"
    assert turn.edit is None


@pytest.mark.parametrize("ascii", [False, True])
def test_how_they_look(golden: Callable[[str, str], None], ascii: bool) -> None:
    one = at_desk("load", PENGUINS, ascii=ascii)
    one.mode = BandMode((1, 0), one.cell("schema", right=8, down=1))
    shown = [one.seen()]
    one.mode = name.rename(one.sight)
    one.type("clean")
    shown.append(one.seen())
    golden(f"band_and_name{'_ascii' if ascii else ''}.txt", f"\n{'-' * 99}\n".join(shown) + "\n")
