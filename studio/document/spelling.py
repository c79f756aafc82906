"""Values as a person types them in a field of a form, and back: `rows, z` is a list, `90s` a length of time.

Each *way* of typing has two functions: `shown(way, value)` puts a value of the file into a field, `read(way, text)`
makes a value of what stands in a field. What is read from what was shown is the value again. A text that is not what the
field wants is no reason to lose it: it is kept as text, which the file can hold and the checks complain about. Only
what TOML cannot say at all is refused, with words (`Refused`).

    read("value", "8") -> 8            read("value", '"8"') -> "8"        read("value", "two words") -> "two words"
    read("time", "90s") -> "90s"       read("list", 'a, "b, c"') -> ["a", "b, c"]
    read("words", "tar -x 'a b'") -> ["tar", "-x", "a b"]
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import UNSET

from engine.project.layout import value_text

Way = Literal["text", "lines", "number", "time", "switch", "choice", "value", "list", "codes", "words", "node", "nodes"]
"""How a field is typed.

"text" and "lines" are the very characters; "number", "time", "switch" and "choice" one plain value; "value" anything that
TOML has, text without quotes where that is clear; "list" texts with commas, "codes" numbers and names with commas;
"words" a program and its arguments as in a shell; "node" a node or several, "nodes" a list of them.
"""


class Refused(ValueError):
    """A text that cannot be put into a file as it is; the words say what is missing."""


def read(way: Way, text: str) -> Any:
    """The value that a text means in a field of this way; UNSET for an empty one: the line is not in the file. Raises Refused."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused("this holds half of a character, which no file can hold: type it again") from None
    if way in ("text", "lines"):
        return text or UNSET
    return _READ[way](text.strip()) if text.strip() else UNSET


def shown(way: Way, value: Any) -> str:
    """A value of the file as it stands in a field of this way."""
    if value is UNSET:
        return ""
    if way in ("text", "lines") and isinstance(value, str):
        return value
    write = _SHOWN.get(way)
    text = write(value) if write is not None else None
    return text if text is not None else _value_shown(value)


# -- anything --------------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[+-]?(?:inf|nan)|true|false", re.ASCII)
_MARKED = re.compile(r"""["'\[{]|[+-]?\d|[+-]?(?:inf|nan)$|(?:true|false)$""", re.ASCII)


def _value(text: str) -> Any:
    """What TOML reads, where it looks like TOML; else the text itself."""
    if _MARKED.match(text) is None:
        return text
    try:
        return _toml(text)
    except Refused:
        if text[0] in "\"'[{":
            raise
        return text  # 2 apples, 10.0.0.1: begins like a number and is none


def _toml(text: str) -> Any:
    if "\n" in text and text[:3] not in ('"""', "'''") and text[0] not in "[{":
        raise Refused("a value stands on one line")
    try:
        found = tomllib.loads(f"x = {text}\n")
    except (tomllib.TOMLDecodeError, ValueError, RecursionError, OverflowError):
        raise Refused(_why(text)) from None
    if len(found) != 1:
        raise Refused("this is more than one value: put it in quotes")
    value = found["x"]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused("this number has more than 64 bits: put it in quotes")
    return value


def _why(text: str) -> str:
    closing = {"[": "]", "{": "}", '"': '"', "'": "'"}[text[0]] if text[0] in "[{\"'" else ""
    if not closing:
        return "this is no value"
    names = {"]": "the list is not complete: close it with ]", "}": "the table is not complete: { key = value }"}
    return names.get(closing, f"the text is not closed: end it with {closing}")


def _value_shown(value: Any) -> str:
    if isinstance(value, str) and _is_plain(value):
        return value
    return value_text(value)


def _is_plain(text: str) -> bool:
    """Whether a text means itself without quotes."""
    if not text or text != text.strip() or not text.isprintable():
        return False
    try:
        return _value(text) == text and isinstance(_value(text), str)
    except Refused:
        return False


# -- one plain value -------------------------------------------------------------------------------------------------


def _scalar(text: str) -> Any:
    """A number, yes or no; the text itself where it is none."""
    if _MARKED.match(text) is None or text[0] in "[{":
        return text
    try:
        value = _toml(text)
    except Refused:
        if text[0] in "\"'":
            raise
        return text
    return text if isinstance(value, list | dict) else value


def _scalar_shown(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    plain = bool(value) and value == value.strip() and value.isprintable()
    try:
        return value if plain and _scalar(value) == value and isinstance(_scalar(value), str) else None
    except Refused:
        return None


def _choice(text: str) -> Any:
    """One of several words; true and false are no words."""
    return {"true": True, "false": False}.get(text, text)


def _choice_shown(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() == value != "" and _choice(value) == value else None


# -- several ---------------------------------------------------------------------------------------------------------

_PART = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^,"'][^,]*)?)\s*(?:,|$)""")


def _parts(text: str) -> list[tuple[str, bool]]:
    """The parts between commas, and whether each was in quotes."""
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise Refused("a text is not closed: end it with a quote, and put a comma after it")
        at = part.end()
        double, single, bare = part.groups()
        if double is not None:
            found.append((_toml(f'"{double}"'), True))
        elif single is not None:
            found.append((_toml(f"'{single}'"), True))
        elif bare is not None and bare.strip():
            found.append((bare.strip(), False))
    return found


def _part_shown(text: str) -> str:
    plain = bool(text) and text == text.strip() and text.isprintable() and "," not in text and text[0] not in "\"'["
    return text if plain else value_text(text)


def _list(text: str) -> Any:
    if text.startswith("["):
        return _bracketed(text)
    return [part for part, _ in _parts(text)]


def _bracketed(text: str) -> Any:
    found = _toml(text)
    if not isinstance(found, list):
        raise Refused("this is more than one value: put it in brackets, or leave them out")
    return found


def _list_shown(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return ", ".join(map(_part_shown, value)) if value else "[]"


def _codes(text: str) -> Any:
    """Whole numbers and names."""
    if text.startswith("["):
        return _bracketed(text)
    return [_number_in(part) if not quoted else part for part, quoted in _parts(text)]


def _number_in(part: str) -> Any:
    return int(part) if re.fullmatch(r"[+-]?(?:0|[1-9]\d{0,17})", part, re.ASCII) else part


def _codes_shown(value: Any) -> str | None:
    if not isinstance(value, list) or not all(
        isinstance(item, str | int) and not isinstance(item, bool) and (isinstance(item, str) or abs(item) < 10**18)
        for item in value
    ):
        return None
    return ", ".join(map(_code_shown, value)) if value else "[]"


def _code_shown(item: str | int) -> str:
    if isinstance(item, int):
        return str(item)
    return value_text(item) if isinstance(_number_in(item), int) else _part_shown(item)


def _words(text: str) -> Any:
    """A program and its arguments, in quotes as a shell has them."""
    if text.startswith("["):
        try:
            found = _toml(text)
        except Refused:
            found = None
        if isinstance(found, list):
            return found
    try:
        return shlex.split(text)
    except ValueError:
        raise Refused("a quote is not closed") from None


def _words_shown(value: Any) -> str | None:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        return None
    text = shlex.join(value)
    try:
        return text if text == text.strip() and _words(text) == value else None
    except Refused:
        return None


# -- nodes -----------------------------------------------------------------------------------------------------------


def _node(text: str) -> Any:
    """A node, or several with commas; `[one]` for a list of one."""
    quoted = _quoted(text)
    if quoted is not None:
        return quoted
    if text.startswith("["):
        inside = text[1:-1] if text.endswith("]") else text[1:]
        return _references(inside)
    parts = _references(text)
    return parts[0] if len(parts) == 1 and not text.endswith(",") else parts


_REFERENCE = re.compile(r"""(?:[^,\["']+|\[\s*(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\]"']*)\s*\]?|["'])+""")


def _references(text: str) -> list[str]:
    """Parts between commas; a comma or a quote inside of `["any key"]` belongs to the reference."""
    return [part.strip() for part in _REFERENCE.findall(text) if part.strip()]


def _node_shown(value: Any) -> str | None:
    if isinstance(value, str):
        return value if _reads_as(_node, value, value) else value_text(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = ", ".join(value)
        text = f"[{text}]" if len(value) < 2 else text
        return text if _reads_as(_node, text, value) else None
    return None


def _quoted(text: str) -> Any:
    """What stands in quotes as TOML has it: names that are no references; None for all else."""
    if text[:1] not in ('"', "'", "["):
        return None
    try:
        return _toml(text)
    except Refused:
        return None


def _nodes(text: str) -> Any:
    quoted = _quoted(text)
    if isinstance(quoted, list):
        return quoted
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return _references(inside)


def _nodes_shown(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    text = ", ".join(value) if value else "[]"
    return text if _reads_as(_nodes, text, value) else None


def _reads_as(reader: Callable[[str], Any], text: str, value: Any) -> bool:
    return bool(text) and text == text.strip() and bool(reader(text) == value)


_READ: Mapping[Way, Callable[[str], Any]] = {
    "number": _scalar,
    "time": _scalar,
    "switch": _choice,
    "choice": _choice,
    "value": _value,
    "list": _list,
    "codes": _codes,
    "words": _words,
    "node": _node,
    "nodes": _nodes,
}
_SHOWN: Mapping[Way, Callable[[Any], str | None]] = {
    "number": _scalar_shown,
    "time": _scalar_shown,
    "switch": _choice_shown,
    "choice": _choice_shown,
    "list": _list_shown,
    "codes": _codes_shown,
    "words": _words_shown,
    "node": _node_shown,
    "nodes": _nodes_shown,
}
