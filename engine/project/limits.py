"""What a project file may cost: looked at before it is parsed, so that a hostile file is refused for next to nothing.

A TOML parser does what the text says. A thousand brackets inside each other end its stack, a dotted key of many parts
costs the square of them, a number of a million digits as well. No file made by a person comes near the limits below.

One regular expression takes strings and comments out (each alternative matches to the end of the text where a quote is
never closed, so the work stays proportional to the size); what remains is keys, brackets and numbers.
"""

from __future__ import annotations

import re
from itertools import accumulate

from engine.project.findings import Finding

MAX_FILE_BYTES = 32 * 2**20
MAX_NESTING = 40
"""Brackets inside each other, in one value."""
MAX_KEY_PARTS = 64
"""Parts of one dotted key or table header: 31 nodes inside each other."""
MAX_DEEP_KEYS = 20_000
"""Keys of more than `_DEEP` parts in one file; each costs a parser the square of its parts."""
MAX_KEY_LENGTH = 1_000
MAX_WORD_LENGTH = 1_000
"""Characters of one bare key, number or date."""

_DEEP = 12

_QUOTED = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"""|\Z)'
    r"|'''(?:[^']++|'(?!''))*+(?:'''|\Z)"
    r'|"(?:[^"\\\n]++|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
_LONG_WORD = re.compile(rf"(?<![\w+-])[\w+-]{{{MAX_WORD_LENGTH}}}")
_BRACKETS = re.compile(r"[\[\]{}]")
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
_DOTTED = re.compile(rf"(?<![\w\"'.-])[\w\"'-]++(?:[ \t]*+\.[ \t]*+[\w\"'-]++){{{_DEEP},}}")


def over_limit(text: str) -> Finding | None:
    """The first limit that `text` breaks, with its line, or None. Never parses, never recurses, linear in the size."""
    if _breaks(_QUOTED.sub('""', text)):
        # Once more with the line breaks of long strings kept, so that lines can be counted.
        bare = _QUOTED.sub(_stand_in, text)
        return _long_word(bare) or _deep_nesting(bare) or _deep_keys(bare)
    return None


def _breaks(bare: str) -> bool:
    if _LONG_WORD.search(bare) is not None or _deep_keys(bare) is not None:
        return True
    # Before the first bracket that closes nothing the sum is the depth; the parser stops there, and so may the sum.
    return max(accumulate(map(_STEP.__getitem__, _BRACKETS.findall(bare))), default=0) > MAX_NESTING


def _stand_in(match: re.Match[str]) -> str:
    return '""' + "\n" * match[0].count("\n")


def _long_word(bare: str) -> Finding | None:
    found = _LONG_WORD.search(bare)
    if found is None:
        return None
    what = f"a number or key of more than {MAX_WORD_LENGTH:,} characters"
    return _refusal(bare, found.start(), what, "put long data into a string, or into a file of its own")


def _deep_nesting(bare: str) -> Finding | None:
    depth = 0
    for found in _BRACKETS.finditer(bare):
        depth += _STEP[found[0]]
        if depth > MAX_NESTING:
            what = f"more than {MAX_NESTING} brackets inside each other"
            return _refusal(bare, found.start(), what, "flatten the value, or keep it in a file of its own")
    return None


def _deep_keys(bare: str) -> Finding | None:
    if bare.count(".") <= _DEEP:
        return None
    deep = 0
    offset = 0
    for line in bare.split("\n"):
        if line.count(".") >= _DEEP:
            for found in _DOTTED.finditer(line):
                deep += 1
                if found[0].count(".") >= MAX_KEY_PARTS:
                    what = f"a key of more than {MAX_KEY_PARTS} parts"
                    return _refusal(bare, offset + found.start(), what, "nest less deeply; sub-workflows keep it flat")
        offset += len(line) + 1
    if deep > MAX_DEEP_KEYS:
        what = f"more than {MAX_DEEP_KEYS:,} keys of {_DEEP} and more parts"
        return _refusal(bare, 0, what, "nest less deeply; sub-workflows keep a file flat")
    return None


def _refusal(bare: str, offset: int, what: str, remedy: str) -> Finding:
    line = bare.count("\n", 0, offset) + 1
    return Finding("too-much", "error", f"{what}: this file is refused unread", remedy, line=line)
