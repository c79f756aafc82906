"""One table of keys: nothing in it collides, everything in it can be found, and all that is printed comes from it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from studio import key_hints, key_names, keys
from studio.keymap import clashes, keymap
from studio.keys import ACTIONS, PLACE_NAMES, PLACES

SCREENS = sorted(PLACES)
# Keys that terminals cannot tell from others, or that multiplexers keep for themselves.
NEVER = {"ctrl+i", "ctrl+m", "ctrl+j", "ctrl+h", "ctrl+left_square_bracket", "ctrl+enter", "shift+enter", "ctrl+b"}
ONLY_ALIASES = {"ctrl+a", "ctrl+s", "ctrl+z", "ctrl+c", "ctrl+v", "ctrl+f"}


def test_no_two_actions_of_one_place_share_a_key() -> None:
    assert clashes() == []


@pytest.mark.parametrize("where", SCREENS)
def test_every_key_of_a_screen_does_one_thing(where: str) -> None:
    bound = [key for action in keys.here(where) for key in action.keys]
    assert len(bound) == len(set(bound))


@pytest.mark.parametrize("where", ["editor", "monitor"])
def test_nothing_is_hidden_on_the_graph(where: str) -> None:
    assert all(action.keys == ACTIONS[action.id].keys for action in keys.here(where))


def test_every_action_has_its_words_and_a_place_that_exists() -> None:
    for name, action in ACTIONS.items():
        assert action.id == name
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)?", name)
        assert action.where in PLACE_NAMES
        assert action.word
        assert action.text[0].isupper()
        assert not action.text.endswith(".")


def test_a_prefix_of_a_sequence_is_no_key_of_its_own() -> None:
    for where in SCREENS:
        bound = {key for action in keys.here(where) for key in action.keys}
        assert not {key.split(" ")[0] for key in bound if " " in key} & bound


def test_no_key_is_one_that_terminals_take_or_mix_up() -> None:
    for action in ACTIONS.values():
        assert not NEVER & set(action.keys)
        assert not any(key.startswith(("alt+", "ctrl+shift+")) for key in action.keys)
        assert action.key not in ONLY_ALIASES


def test_textual_knows_every_key_by_the_name_we_give_it() -> None:
    from textual.keys import _character_to_key

    for action in ACTIONS.values():
        for key in action.keys:
            first = key.split(" ")[0]
            if len(first) == 1:
                assert key_names.textual_key(key) == _character_to_key(first)
            assert key_names.spelled(key_names.textual_key(key)) == first


@pytest.mark.parametrize("where", SCREENS)
@pytest.mark.parametrize("width", [20, 60, 80, 120, 200])
@pytest.mark.parametrize("ascii", [False, True])
def test_the_footer_shows_whole_words_and_always_the_way_to_help(where: str, width: int, ascii: bool) -> None:
    hints = key_hints.footer(where, width, ascii=ascii)
    assert sum(len(hint.key) + len(hint.word) + 3 for hint in hints) <= width
    assert {"help", "field.help", "text.help"} & {hint.id for hint in hints}
    assert not ascii or all(hint.key.isascii() for hint in hints)


def test_a_wider_footer_says_more_in_the_same_order() -> None:
    narrow = [hint.id for hint in key_hints.footer("editor", 60)]
    wide = [hint.id for hint in key_hints.footer("editor", 200)]
    assert len(narrow) < len(wide)
    assert [name for name in wide if name in narrow] == narrow


def test_the_narrow_place_wins_and_what_it_hides_loses_only_that_key() -> None:
    table = dict(ACTIONS)
    table["log.follow"] = replace(table["log.follow"], keys=("n", "F"))
    assert (found := keys.action_of("n", "log", table)) is not None
    assert found.id == "log.follow"
    hidden = {action.id: action for action in keys.here("log", table)}["find.next"]
    assert hidden.keys == ()


def test_help_names_every_action_that_has_a_key() -> None:
    told = [text for _, rows in key_hints.help_sections("editor") for _, text, _ in rows]
    assert told == [action.text for action in keys.here("editor") if action.keys]


def test_a_person_gives_an_action_other_keys_and_hears_of_clashes() -> None:
    own = keymap({"find": ("question_mark", "ctrl+g"), "no.such": ("a",)})
    assert own["find"].keys == ("?", "ctrl+g")
    assert [(c.key, c.first, c.second) for c in clashes(own)] == [("?", "find", "help")]
    assert key_names.cap(own["find"].keys[1]) == "^g"


def test_the_docs_have_a_row_for_every_action() -> None:
    text = key_hints.markdown()
    for action in ACTIONS.values():
        assert (f"`{action.id}`" in text) is (action.id not in keys.UNANSWERED)
