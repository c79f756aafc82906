"""The signs of kinds and states: one cell each, told apart, and the same as in the studio."""

from __future__ import annotations

import unicodedata

import pytest

from engine.draw import glyphs
from engine.draw.colours import DARK, LIGHT
from engine.draw.text import cell_width
from engine.machine.state import NodeState
from studio import theme


def test_the_studio_has_the_same_signs_and_the_same_order_of_trouble() -> None:
    assert {kind: (look.glyph, look.ascii) for kind, look in theme.KINDS.items()} == dict(glyphs.KINDS)
    assert {state: (look.glyph, look.ascii) for state, look in theme.STATES.items()} == dict(glyphs.STATES)


@pytest.mark.parametrize("table", [glyphs.KINDS, glyphs.STATES])
def test_each_sign_takes_one_cell_and_is_told_from_the_others(table: dict[str, tuple[str, str]]) -> None:
    for column in (0, 1):
        signs = [signs[column] for signs in table.values()]
        assert len(set(signs)) == len(signs)
        assert all(cell_width(sign) == 1 for sign in signs)
        assert all(unicodedata.east_asian_width(sign) in ("N", "Na", "A") for sign in signs)
    assert all(plain.isascii() for _, plain in table.values())


def test_every_state_of_a_node_has_a_sign_and_colours() -> None:
    for state in NodeState:
        assert state.value in glyphs.STATES
    assert set(LIGHT.states) == set(DARK.states) == set(glyphs.STATES) == set(glyphs.WORST_FIRST)


def test_a_group_shows_its_worst_child() -> None:
    assert glyphs.worst(["completed", "running", "failed", "cached"]) == "failed"
    assert glyphs.worst(["completed", "cached"]) == "completed"
    assert glyphs.worst([]) is None
