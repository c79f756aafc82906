"""The TOML parser's complaints, in words that help.

The parser says what it expected; a person wants to know what to change. One table: the beginning of the parser's words,
ours, the remedy. Loaded only when a file was refused.
"""

from __future__ import annotations

import re

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """Why a text is no TOML, what to do, and where."""

    message: str
    remedy: str
    line: int | None = None
    column: int | None = None
    code: str = "not-toml"


_WORDS = (
    ("Expected '=' after a key", "here a key should be followed by `=`", "write key = value, or [table]"),
    ("Invalid initial character for a key part", "a key cannot begin like this", "quote the key, or look at the line"),
    ("Invalid value", "this is no value", "put text in quotes; other values are numbers, true, false, [...] and {...}"),
    (
        "Expected newline or end of document",
        "something is left over at the end of this line",
        "delete it, or quote the text",
    ),
    ("Unterminated string", "a string is never closed", "add the closing quote"),
    ("Expected \"'''\"", "a string is never closed", "add the closing '''"),
    ('Expected "\'"', "a string is never closed", "add the closing quote"),
    ("Unclosed array", "a list is not closed here", "add a comma, or the closing ]"),
    ("Unclosed inline table", "a { table is not closed here", "add a comma, or the closing } on the same line"),
    (
        "Illegal character",
        "a character that TOML does not allow",
        "delete it; line ends are \\n or \\r\\n, text may use \\u escapes",
    ),
    ("Found invalid character", "a character that TOML does not allow", "delete it; in text write it as an escape"),
    (
        "Unescaped '\\'",
        "a backslash that begins no escape",
        "write \\\\, or use 'single quotes', which keep backslashes",
    ),
    ("Escaped character is not", "an escape that is no character", "correct the number after \\u"),
    ("Invalid hex value", "an escape that is no character", "\\u takes four hex digits, \\U eight"),
    ("Cannot declare", "this table was already there", "put everything of it under one [header]"),
    ("Cannot overwrite", "this key was already there", "keep one of the two lines"),
    ("Duplicate inline table key", "this key comes twice in one { table", "keep one of the two"),
    ("Cannot mutate immutable namespace", "a { table } cannot be added to", "write it as a [table]"),
    ("Cannot redefine namespace", "this table was already there", "put everything of it under one [header]"),
    ("Expected ']'", "a [header] is never closed", "add the closing ] at the end of the line"),
)

_BARE_KEY = re.compile(
    r"^\s*\[{0,2}\s*(?:(?:[\w-]+|\"[^\"]*\"|'[^']*')\s*\.\s*)*([\w-]*[^\x00-\x7f][\w-]*)", re.UNICODE
)
_NUMBERS = re.compile(r"\d{4}-\d\d-\d\d")


def explain(text: str, complaint: str, line: int | None, column: int | None) -> Refusal:
    """The refusal for a parser's `complaint` about `text` at line and column (from 1; None if it gave no place)."""
    lines = text.split("\n")
    if line is not None and 0 < line <= len(lines):
        unquoted = _unquoted_key(lines[line - 1], line)
        if unquoted is not None:
            return unquoted
        opened = _unclosed(text, line)
        if opened is not None:
            what = "what begins here is never closed"
            return Refusal(what, "add the closing bracket, or the closing quotes", *opened)
        return _usual(lines, complaint, line, column or 1) or _worded(complaint, lines[line - 1], line, column)
    return _without_place(lines, complaint)


def _usual(lines: list[str], complaint: str, line: int, column: int) -> Refusal | None:
    """Mistakes that everybody makes, told by what stands where the parser stopped."""
    rest = lines[line - 1][column - 1 :]
    if complaint.startswith("Illegal character '\\n'"):
        what, remedy = "a text is not closed on its line", 'add the closing quote; text of several lines is """text"""'
        return Refusal(what, remedy, line, column)
    word = re.match(r"(True|False|None|null|nil|undefined)\b", rest)
    if word is not None:
        known = word[1].lower() in ("true", "false")
        remedy = f"write {word[1].lower()}" if known else "leave the line out: TOML has no such value"
        return Refusal(f"{word[1]} is no value", remedy, line, column)
    if rest.startswith("}") and complaint.startswith("Invalid initial character"):
        return Refusal("a comma is left over before this }", "delete the comma", line, column)
    from engine.project.places import open_brackets

    before = open_brackets("\n".join([*lines[: line - 1], lines[line - 1][: column - 1]]))
    earlier = [opened for opened, _ in before if opened < line]
    if earlier:
        what = f"the bracket of line {earlier[-1]} is still open here"
        return Refusal(what, "close it before this line, or put a comma between its values", line, column)
    return None


def _worded(complaint: str, text: str, line: int, column: int | None) -> Refusal:
    if complaint.startswith("Invalid date"):
        found = _NUMBERS.search(text, (column or 1) - 1)
        return Refusal(f"the date {found[0] if found else ''} does not exist", "correct the date", line, column)
    for start, message, remedy in _WORDS:
        if complaint.startswith(start):
            return Refusal(message, remedy, line, column)
    return Refusal(f"this is not TOML: {complaint[:200]}", "see https://toml.io for the rules", line, column)


def _unquoted_key(line: str, number: int) -> Refusal | None:
    """A key with letters outside ASCII must be quoted: the mistake everybody makes once."""
    found = _BARE_KEY.match(line)
    if found is None or found[1].isascii():
        return None
    key = found[1]
    what = f"the key {key} holds letters outside a-z, which TOML wants in quotes"
    fixed = f'{line[: found.start(1)].strip()}"{key}"{"]" if line.lstrip().startswith("[") else " = ..."}'
    return Refusal(what, f"write {fixed}", number, found.start(1) + 1, "unquoted-key")


def _unclosed(text: str, line: int) -> tuple[int, int] | None:
    """Where the bracket or quote was opened, if the parser ran to the end of the text before it noticed."""
    if line < text.rstrip().count("\n") + 1:
        return None
    from engine.project.places import last_open

    return last_open(text)


def _without_place(lines: list[str], complaint: str) -> Refusal:
    """For what Python's own conversions refuse (dates, huge numbers): look for the line that holds it."""
    import tomllib

    if "digits" in complaint or "convert" in complaint:
        return Refusal("a number is too large", "use a smaller number, or put it in quotes")
    for number, line in enumerate(lines, 1):
        found = _NUMBERS.search(line)
        if found is not None:
            try:
                tomllib.loads(f"x = {line[found.start() :].split(',')[0].split(']')[0].split('}')[0]}")
            except ValueError:
                return Refusal(f"the date {found[0]} does not exist", "correct the date", number, found.start() + 1)
    return Refusal(f"this is not TOML: {complaint[:200]}", "see https://toml.io for the rules")
