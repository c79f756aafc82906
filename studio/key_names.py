"""The names of keys: as the tables write them, as Textual knows them, and as they are printed.

Keys are written as people read them: `?`, `+`, `enter`, `ctrl+p`, `g g` for one after the other.
"""

from __future__ import annotations

_NAMES = {
    "?": "question_mark",
    "/": "slash",
    "+": "plus",
    "-": "minus",
    ".": "full_stop",
    ",": "comma",
    ":": "colon",
    "!": "exclamation_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "=": "equals_sign",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "#": "number_sign",
    "@": "at",
    "*": "asterisk",
    "~": "tilde",
    "'": "apostrophe",
    ";": "semicolon",
    "_": "underscore",
    "&": "ampersand",
    "%": "percent_sign",
    "$": "dollar_sign",
    "|": "vertical_line",
    "\\": "backslash",
}
_SPELLED = {name: key for key, name in _NAMES.items()}

_CAPS = {
    "enter": "⏎",
    "space": "␣",
    "escape": "Esc",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "backspace": "Backspace",
    "delete": "Del",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
}
_ASCII_CAPS = {"⏎": "Enter", "␣": "Space", "←": "Left", "→": "Right", "↑": "Up", "↓": "Down"}


def textual_key(key: str) -> str:
    """The name by which Textual knows a key: `?` -> `question_mark`; for `g g` the first one, `g`."""
    return ",".join(_NAMES.get(part, part) for part in key.split(" ")[:1])


def spelled(key: str) -> str:
    """A key as this table writes it, from the way a person or Textual wrote it: `question_mark` -> `?`."""
    key = key.strip()
    return _SPELLED.get(key, key)


def cap(key: str, *, ascii: bool = False) -> str:
    """What is printed for a key: `enter` -> `⏎`, `ctrl+p` -> `^p`, `f5` -> `F5`."""
    if key.startswith("ctrl+"):
        return "^" + key[5:]
    if key.startswith("shift+") and key not in _CAPS:
        return "Shift+" + cap(key[6:], ascii=ascii)
    shown = _CAPS.get(key) or (key.upper() if key[0] == "f" and key[1:].isdigit() else key)
    return _ASCII_CAPS.get(shown, shown) if ascii else shown
