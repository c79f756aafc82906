"""Words of source code and their colours: Python and TOML, line by line, as (start, end, kind).

Small lexers of our own: a highlighting library would take longer to import than the whole first paint may take, and the
two languages of a project need only a handful of kinds. A text that is cut, broken or not Python at all gets what
colours it can; nothing raises.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from typing import Literal

Kind = Literal["keyword", "string", "comment", "number", "name", "table", "key"]
Span = tuple[int, int, Kind]

_PYTHON = re.compile(
    r"""(?P<comment>\#.*)
    |(?P<triple>[rbfuRBFU]{0,2}(?:\"\"\"|'''))
    |(?P<string>[rbfuRBFU]{0,2}(?:"(?:\\.|[^"\\])*(?:"|$)|'(?:\\.|[^'\\])*(?:'|$)))
    |(?P<number>\b(?:0[xob][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\b)
    |(?P<decorator>@[\w.]+)
    |(?P<word>[^\W\d]\w*)""",
    re.VERBOSE,
)
_KEYWORDS = frozenset(keyword.kwlist) | {"match", "case"} - {"_"}
_SOFT = frozenset({"match", "case"})

_TOML = re.compile(
    r"""(?P<comment>\#.*)
    |(?P<string>\"\"\"|'''|"(?:\\.|[^"\\])*(?:"|$)|'[^']*(?:'|$))
    |(?P<number>(?<![\w-])[+-]?(?:\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|inf|nan)(?![\w-]))
    |(?P<keyword>\b(?:true|false)\b)""",
    re.VERBOSE,
)
_TOML_TABLE = re.compile(r"\s*(\[\[?[^\]]*\]\]?)")
_TOML_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def python(text: str) -> list[list[Span]]:
    """The spans of each line of Python source, in order of their place."""
    result: list[list[Span]] = []
    fence: str | None = None
    for line in text.split("\n"):
        spans: list[Span] = []
        at = 0
        if fence is not None:
            end = line.find(fence)
            at = len(line) if end < 0 else end + 3
            spans.append((0, at, "string"))
            fence = fence if end < 0 else None
        while fence is None and (match := _PYTHON.search(line, at)):
            at = match.end()
            if match.lastgroup == "triple":
                quote = match.group()[-3:]
                end = line.find(quote, at)
                fence = quote if end < 0 else None
                at = len(line) if end < 0 else end + 3
                spans.append((match.start(), at, "string"))
            else:
                spans.extend(_python_span(match, spans, line))
        result.append(spans)
    return result


def _python_span(match: re.Match[str], before: list[Span], line: str) -> Iterator[Span]:
    start, end = match.span()
    word, group = match.group(), match.lastgroup
    if group in {"comment", "string", "number"}:
        yield start, end, group  # type: ignore[misc]
    elif group == "decorator" or (word in _KEYWORDS and (word not in _SOFT or line.rstrip().endswith(":"))):
        yield start, end, "keyword"
    elif before and line[before[-1][0] : before[-1][1]] in {"def", "class"}:
        yield start, end, "name"


def toml(text: str) -> list[list[Span]]:
    """The spans of each line of TOML, in order of their place."""
    result: list[list[Span]] = []
    fence: str | None = None
    for line in text.split("\n"):
        spans, fence = toml_line(line, fence)
        result.append(spans)
    return result


def toml_line(line: str, fence: str | None = None) -> tuple[list[Span], str | None]:
    """The spans of one line of TOML, and the quotes that are still open at its end; `fence` are those at its beginning."""
    spans: list[Span] = []
    at = 0
    if fence is not None:
        end = line.find(fence)
        at = len(line) if end < 0 else end + 3
        spans.append((0, at, "string"))
        fence = fence if end < 0 else None
    elif table := _TOML_TABLE.match(line):
        spans.append((table.start(1), table.end(1), "table"))
        at = table.end(1)
    elif key := _TOML_KEY.match(line):
        spans.append((key.start(1), key.end(1), "key"))
        at = key.end()
    while fence is None and (match := _TOML.search(line, at)):
        start, at = match.span()
        if match.group() in {'"""', "'''"}:
            end = line.find(match.group(), at)
            fence = match.group() if end < 0 else None
            at = len(line) if end < 0 else end + 3
        spans.append((start, at, match.lastgroup))  # type: ignore[arg-type]
    return spans, fence
