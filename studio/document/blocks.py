"""Blocks: a text of TOML cut where its tables begin, with the comments that belong to each.

A *block* is what stands under one header: `[nodes.load]`, its lines, the comments right above it, and those right below
its last line. What stands between two blocks (blank lines, comments that belong to neither) is the *gap* before the
second one, so that a table can go, or move, without taking the heading of a section with it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from msgspec import Struct, structs

from engine.project.layout import header_text

Keys = tuple[str, ...]

_STRING = r'"(?!"")(?:[^"\\\n]|\\[^\n])*+"|\'(?!\'\')[^\'\n]*+\''
_FLAT = rf"[^\"'\[\]{{}}#\n]|{_STRING}"
_LIST = rf"\[(?:{_FLAT})*+\]"
_LINE = re.compile(
    rf"(?:{_FLAT}|{_LIST}|\{{(?:{_FLAT}|{_LIST}|\{{(?:{_FLAT}|{_LIST})*+\}})*+\}})*+(?:#[^\n]*+)?(?:\n|\Z)"
)
"""A statement that begins and ends on one line; what it cannot match is read token by token."""
_TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5}|\Z)"
    rf"|{_STRING}|#[^\n]*+|[\[\]{{}}\n]",
    re.DOTALL,
)
_HEADER = re.compile(r"^([ \t]*\[\[?)((?:[^\"'\]\n]|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')*+)(\]\]?)", re.MULTILINE)
_PART = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^.\s"']+)\s*(?:\.|$)""")


class Block(Struct, frozen=True):
    """One table of the file. `keys` are those of its header, none for what stands before the first one."""

    keys: Keys
    text: str
    gap: str = ""
    array: bool = False


def headed(block: Block, keys: Keys) -> Block:
    """The block under another header."""
    text = _HEADER.sub(lambda found: f"{found[1]}{header_text(keys)}{found[3]}", block.text, count=1)
    return structs.replace(block, keys=keys, text=text)


def blocks_of(text: str) -> tuple[tuple[Block, ...], str]:
    """The blocks of a text, and what follows the last one. A text that is no TOML gives blocks that are as wrong."""
    blocks: list[Block] = []
    start = 0  # where the block in hand begins, below its gap
    gap = ""
    header: tuple[Keys, bool] = ((), False)
    begun = False  # whether the block in hand has anything in it
    end = 0  # where what belongs to the block in hand ends
    lead: int | None = None  # where the comments began that stand right above the line in hand
    for line, kind, found in _statements(text):
        if kind == "blank":
            if lead is not None and lead == end and begun:
                end = line  # comments right below the last line belong to it
            lead = None
        elif kind == "comment":
            lead = line if lead is None else lead
        elif kind == "value":
            if not begun:
                gap, start, begun = "", 0, True
            end, lead = found, None
        else:
            below = line if lead is None else lead
            if begun:
                blocks.append(Block(header[0], text[start:end], gap, header[1]))
                gap = text[end:below]
            else:
                gap = text[:below]
            start, begun, lead = below, True, None
            header = _keys_of(text, line), text.startswith("[[", _first(text, line))
            end = found
    if lead is not None and lead == end and begun:
        end = len(text)
    if begun:
        blocks.append(Block(header[0], text[start:end], gap, header[1]))
        return tuple(blocks), text[end:]
    return (), text


def _statements(text: str) -> Iterator[tuple[int, str, int]]:
    """Each statement: where it begins, its kind (blank, comment, header, value), where it ends."""
    at, length = 0, len(text)
    match = _LINE.match
    while at < length:
        first = _first(text, at)
        sign = text[first] if first < length else "\n"
        found = match(text, at)
        end = found.end() if found is not None else _end_of(text, at)
        if sign in "\r\n":
            kind = "blank"
        else:
            kind = "comment" if sign == "#" else "header" if sign == "[" else "value"
        yield at, kind, end
        at = end


_INDENT = re.compile(r"[ \t]*")


def _first(text: str, at: int) -> int:
    found = _INDENT.match(text, at)
    return found.end() if found is not None else at


def _end_of(text: str, at: int) -> int:
    """Where a statement of several lines ends."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        sign = token[0]
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        elif sign == "\n" and depth <= 0:
            return token.end()
    return len(text)


def _keys_of(text: str, line: int) -> Keys:
    found = _HEADER.match(text, line)
    if found is None:
        return ("?",)
    inner = found[2]
    if '"' not in inner and "'" not in inner:
        return tuple(part.strip() for part in inner.split("."))
    return tuple(_plain(part) for part in _PART.findall(inner))


def _plain(part: str) -> str:
    if part[0] == "'":
        return part[1:-1]
    if part[0] == '"':
        return str(tomllib.loads(f"x = {part}")["x"])
    return part
