"""Keys of the person at the terminal, while a run asks something.

The terminal is put into single-key mode only for the time of a question, and given back after it: Ctrl-C stays what
it is, and whoever types ahead for the shell is not robbed of it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def letters_of(choices: Sequence[str]) -> Mapping[str, str]:
    """A key for each choice: the first letter of it that is free, else a digit. {"y": "yes", "n": "no"}."""
    keys: dict[str, str] = {}
    for number, choice in enumerate(choices, 1):
        own = [char for char in choice.lower() if char.isascii() and char.isalnum()]
        free = [
            char for char in [*own, *map(str, range(number, 10)), *"abcdefghijklmnopqrstuvwxyz"] if char not in keys
        ]
        if free:
            keys[free[0]] = choice
    return keys


class Keyboard:
    """The terminal behind stdin, read key by key. Usable only where stdin is a terminal and we are in its foreground."""

    def __init__(self, number: int | None = None) -> None:
        self._number = sys.stdin.fileno() if number is None else number
        self._before: list[Any] | None = None

    @classmethod
    def here(cls) -> Keyboard | None:
        """The keyboard of this process; None where nobody can type."""
        try:
            number = sys.stdin.fileno()
            if os.isatty(number) and os.tcgetpgrp(number) == os.getpgrp():
                return cls(number)
        except (OSError, ValueError):
            pass  # stdin is closed, or is the terminal of another session
        return None

    def listen(self) -> None:
        """Take single keys from now on, without showing them."""
        if self._before is not None:
            return
        import termios
        import tty

        with contextlib.suppress(termios.error, OSError):
            before = termios.tcgetattr(self._number)
            tty.setcbreak(self._number, termios.TCSADRAIN)
            self._before = before

    def keys(self) -> str:
        """What was typed since the last call; nothing is waited for."""
        import select

        typed = b""
        try:
            while select.select([self._number], [], [], 0)[0]:
                piece = os.read(self._number, 1024)
                if not piece:
                    break
                typed += piece
        except OSError:
            return ""
        return typed.decode("utf-8", "ignore")

    def rest(self) -> None:
        """Give the terminal back as it was."""
        before, self._before = self._before, None
        if before is not None:
            import termios

            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._number, termios.TCSADRAIN, before)
