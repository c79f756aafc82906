"""Joints become the right character, for every way in which lines can meet."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.draw.strokes import (
    ARROW,
    ASCII,
    DASHED,
    DEAD,
    DOWN,
    LEFT,
    LEVEL,
    RIGHT,
    UNICODE,
    UP,
    UPRIGHT,
    heavy,
    is_heavy,
    joined,
)
from engine.draw.text import cell_width

ARMS = {"right": RIGHT, "down": DOWN, "left": LEFT, "up": UP}
strokes = st.sets(st.sampled_from(list(ARMS.values())), min_size=1).map(sum)


@pytest.mark.parametrize(
    ("stroke", "char", "plain"),
    [
        (LEVEL, "─", "-"),
        (UPRIGHT, "│", "|"),
        (RIGHT | DOWN, "╭", "."),
        (LEFT | DOWN, "╮", "."),
        (RIGHT | UP, "╰", "'"),
        (LEFT | UP, "╯", "'"),
        (LEVEL | DOWN, "┬", "."),
        (LEVEL | UP, "┴", "'"),
        (UPRIGHT | RIGHT, "├", "+"),
        (LEVEL | UPRIGHT, "┼", "+"),
        (LEVEL | DASHED, "╌", "."),
        (UPRIGHT | DASHED, "╎", ":"),
        (heavy(LEVEL), "━", "="),
        (heavy(UPRIGHT), "┃", "#"),
        (heavy(RIGHT | DOWN), "┏", "#"),
        (heavy(LEVEL | DASHED), "╍", "="),
        (joined(UPRIGHT, heavy(RIGHT)), "┝", "#"),
        (joined(LEVEL | UPRIGHT, heavy(LEVEL)), "┿", "#"),
        (joined(LEVEL | UPRIGHT, heavy(LEFT | DOWN)), "╅", "#"),
        (LEVEL | ARROW, "▸", ">"),
        (LEVEL | DASHED | ARROW, "▹", ">"),
        (LEVEL | DEAD, "×", "x"),
        (RIGHT, "─", "-"),
    ],
)
def test_each_way_to_meet_has_its_character(stroke: int, char: str, plain: str) -> None:
    assert UNICODE[stroke] == char
    assert ASCII[stroke] == plain


@given(st.sets(st.sampled_from(list(ARMS)), min_size=1), st.sets(st.sampled_from(list(ARMS))))
def test_the_character_has_the_arms_and_weights_of_the_stroke(light: set[str], strong: set[str]) -> None:
    if len(light | strong) < 2:
        return
    stroke = sum(ARMS[arm] for arm in light - strong) | heavy(sum(ARMS[arm] for arm in strong))
    char = UNICODE[stroke]
    name = unicodedata.name(char)
    has = {"VERTICAL": {"up", "down"}, "HORIZONTAL": {"left", "right"}}
    said = set().union(*(has.get(word, {word.lower()} & set(ARMS)) for word in name.split()))
    assert said == light | strong
    assert ("HEAVY" in name) == bool(strong)
    assert ("LIGHT" in name) == bool(light - strong)


@given(strokes, strokes)
def test_joining_does_not_depend_on_the_order(one: int, other: int) -> None:
    assert joined(one, other) == joined(other, one)
    assert joined(one, heavy(one)) == heavy(one)
    assert is_heavy(joined(one, heavy(other)))
    assert not is_heavy(joined(one, other))


@given(strokes, st.booleans(), st.booleans(), st.booleans())
def test_every_character_takes_one_cell(stroke: int, strong: bool, dashed: bool, head: bool) -> None:
    stroke = (heavy(stroke) if strong else stroke) | (DASHED if dashed else 0) | (ARROW if head else 0)
    assert cell_width(UNICODE[stroke]) == 1
    assert ASCII[stroke].isascii()
    assert len(ASCII[stroke]) == 1
