"""Answers by single keys, and a terminal that is given back as it was."""

from __future__ import annotations

import os
import pty
import termios

from hypothesis import given
from hypothesis import strategies as st

from studio.live.keyboard import Keyboard, letters_of


def test_a_choice_is_answered_by_its_first_free_letter() -> None:
    assert letters_of(("yes", "no")) == {"y": "yes", "n": "no"}
    assert letters_of(("stop", "start")) == {"s": "stop", "t": "start"}
    assert letters_of(("是", "否")) == {"1": "是", "2": "否"}


@given(st.lists(st.text(max_size=8), max_size=12, unique=True))
def test_no_two_choices_share_a_key(choices: list[str]) -> None:
    keys = letters_of(choices)
    assert sorted(keys.values()) == sorted(choices)
    assert all(len(key) == 1 and key.isprintable() for key in keys)


def test_the_terminal_is_read_key_by_key_and_given_back() -> None:
    master, slave = pty.openpty()
    try:
        keyboard = Keyboard(slave)
        before = termios.tcgetattr(slave)
        keyboard.listen()
        keyboard.listen()
        assert not termios.tcgetattr(slave)[3] & (termios.ICANON | termios.ECHO)
        assert termios.tcgetattr(slave)[3] & termios.ISIG  # Ctrl-C still interrupts
        assert keyboard.keys() == ""
        os.write(master, b"y")
        assert keyboard.keys() == "y"
        keyboard.rest()
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


def test_where_nobody_can_type_there_is_no_keyboard() -> None:
    assert Keyboard.here() is None
