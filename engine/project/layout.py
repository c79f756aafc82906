"""Plain tables to TOML text, laid out as a person would: [headers] for things, one line for small tables.

A table becomes a [header] of its own, except where people write it on one line (`args = { path = "a" }`) and it fits.
Text of several lines is written as such. The rest is the grammar of TOML.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from engine.project.findings import Path

WIDTH = 100

ONE_LINE = frozenset(
    ("inputs", "args", "env", "retry", "requires", "wait", "join", "on_error", "params", "map", "resources", "notify")
)
"""Keys of tables that stand on one line where they fit, inside of a node or of another small table."""

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_ESCAPED = re.compile('[\x00-\x1f\x7f-\x9f"\\\\\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]')


def to_text(tables: Mapping[str, Any]) -> str:
    """The TOML text of a whole file. The values must be what TOML has (`writing.to_tables` sees to that)."""
    return "\n".join(_blocks(tables)).lstrip("\n")


def table_text(path: Path, table: Mapping[str, Any]) -> str:
    """The text of one table with its header, and of the tables inside of it."""
    return "\n".join(_table(path, table)).lstrip("\n")


def value_text(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        inner = ", ".join(f"{key_text(key)} = {value_text(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return "[" + ", ".join(value_text(item) for item in value) + "]"


def key_text(key: str) -> str:
    """A key, in quotes where TOML wants them."""
    return key if _BARE.fullmatch(key) else _quoted(key)


def header_text(path: Path) -> str:
    """`[nodes."a b"]` without the brackets."""
    return ".".join(key_text(str(key)) for key in path)


def _blocks(tables: Mapping[str, Any]) -> Iterator[str]:
    lines = [line_text(key, value) for key, value in tables.items() if not isinstance(value, dict)]
    yield from lines
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from _table((key,), value)
    yield ""


def _table(path: Path, table: Mapping[str, Any]) -> Iterator[str]:
    """A table with its header, then the tables inside of it, iteratively: nodes may be deep."""
    todo: list[tuple[Path, Mapping[str, Any], bool]] = [(path, table, False)]
    while todo:
        path, table, element = todo.pop()
        small = {key: value for key, value in table.items() if _fits(path, key, value)}
        large = [(key, value) for key, value in table.items() if key not in small]
        if small or not large or element or _is_thing(path):
            header = header_text(tuple(part for part in path if isinstance(part, str)))
            yield f"\n[[{header}]]" if element else f"\n[{header}]"
            yield from (line_text(key, value) for key, value in small.items())
        inner: list[tuple[Path, Mapping[str, Any], bool]] = []
        for key, value in large:
            if isinstance(value, list):
                inner.extend(((*path, key, index), item, True) for index, item in enumerate(value))
            else:
                inner.append(((*path, key), value, False))
        todo.extend(reversed(inner))


def _is_thing(path: Path) -> bool:
    """True for the table of a node: it has a header even if everything it says stands in tables below it."""
    return len(path) > 1 and path[-2] in ("nodes", "cases")


def _fits(path: Path, key: str, value: Any) -> bool:
    """True if the value stands on a line of its table."""
    if isinstance(value, list):
        return not (value and path[:1] == ("agents",) and all(isinstance(item, dict) for item in value))
    if not isinstance(value, dict):
        return True
    in_node = len(path) > 1 and path[-1] not in ("nodes", "cases") and not (path[0] == "workflows" and len(path) == 2)
    if key not in ONE_LINE or not in_node:
        return False
    return not _lines(value) and len(line_text(key, value)) <= WIDTH


def _lines(value: Any) -> bool:
    """True if text of several lines is somewhere inside."""
    if isinstance(value, str):
        return "\n" in value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_lines(item) for item in items)


def line_text(key: str, value: Any) -> str:
    """`key = value`; on several lines where text has them, or where a list is long."""
    if isinstance(value, str) and "\n" in value:
        return f"{key_text(key)} = {_long(value)}"
    line = f"{key_text(key)} = {value_text(value)}"
    if isinstance(value, list) and len(line) > WIDTH and len(value) > 1:
        return f"{key_text(key)} = [\n" + "".join(f"    {value_text(item)},\n" for item in value) + "]"
    return line


def _long(text: str) -> str:
    """Text of several lines: as it is between ''' if it can be, else with escapes between three double quotes."""
    if "'''" not in text and not text.endswith("'") and not _ESCAPED.search(re.sub(r'[\n\t"\\]', "", text)):
        return f"'''\n{text}'''"
    escaped = _ESCAPED.sub(_escape_long, text).replace('""', '"\\"')
    return f'"""\n{escaped}"""' if not escaped.endswith('"') else f'"""\n{escaped[:-1]}\\""""'


def _escape_long(match: re.Match[str]) -> str:
    return match[0] if match[0] in '\n"' else _escape(match)


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)
