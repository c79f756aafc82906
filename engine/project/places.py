"""Where in a TOML text a key stands: (line, column) of a path such as ("nodes", "load", "timeout").

The parser keeps no places, so this is a scanner of our own, run only when somebody asks. It trusts that the text was
parsed before (a wrong text gives fewer places, never an error) and does not build values: one pass over tokens with a
stack of open brackets, each key written down under its full path. Elements of lists are found by their index, those of
[[table arrays]] too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import structs

from engine.project.findings import Finding, Path

Place = tuple[int, int]
"""(line, column), both from 1."""

_TOKEN = re.compile(
    r'(?P<text>"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]++|\\.)*+"?'
    r"|'[^'\n]*+'?)"
    r"|(?P<comment>#[^\n]*+)"
    r"|(?P<word>[^\s\"'#=\[\]{},.]++)"
    r"|(?P<line>\n)"
    r"|(?P<sign>[=\[\]{},.])",
    re.DOTALL,
)


def places(text: str) -> Mapping[Path, Place]:
    """The place of every key, table and list element of `text`, by path; of a value, that is its key."""
    scanner = _Scanner(text)
    scanner.run()
    return scanner.found


def with_places(findings: Iterable[Finding], text: str, file: str | None) -> tuple[Finding, ...]:
    """The findings with file, line and column, and the lines of related places named; sorted as the file goes."""
    findings = list(findings)
    found = places(text) if any(finding.path for finding in findings) else {}
    placed = [_placed(finding, found, file) for finding in findings]
    placed.sort(key=lambda finding: (finding.line is None, finding.line or 0, finding.column or 0))
    return tuple(dict.fromkeys(placed))


def place_of(path: Path, found: Mapping[Path, Place]) -> Place | None:
    """The place of `path`, or of the nearest thing around it that has one."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


def open_brackets(text: str) -> list[Place]:
    """Where the brackets were opened that are still open at the end of the text, outermost first."""
    scanner = _Scanner(text)
    scanner.run()
    return scanner.open_brackets()


def last_open(text: str) -> Place | None:
    """Where the last bracket or quote that is never closed was opened."""
    scanner = _Scanner(text)
    scanner.run()
    return scanner.open_place()


def _placed(finding: Finding, found: Mapping[Path, Place], file: str | None) -> Finding:
    if finding.file is not None:
        return finding
    if finding.line is not None:
        return structs.replace(finding, file=file)
    place = place_of(finding.path, found)
    line, column = place or (None, None)
    message = finding.message
    lines = sorted({spot[0] for spot in (place_of(path, found) for path in finding.related) if spot is not None})
    if len(lines) > 1:
        message += f" (lines {', '.join(str(number) for number in lines[:-1])} and {lines[-1]})"
    return structs.replace(finding, file=file, line=line, column=column, message=message)


class _Scanner:
    """One pass over the tokens. State: the table of the last header, and a stack of open lists and inline tables."""

    __slots__ = (
        "_arrays",
        "_double",
        "_header",
        "_key",
        "_open",
        "_stack",
        "_start",
        "_table",
        "_text",
        "_value",
        "found",
    )

    def __init__(self, text: str) -> None:
        self._text = text
        self.found: dict[Path, Place] = {}
        self._table: Path = ()
        self._arrays: dict[Path, int] = {}
        self._key: list[str] = []
        self._header: list[str] | None = None
        self._double = False
        self._start: Place = (1, 1)
        self._value = False
        # Each open bracket of a value: [path, index of the element (-1 in an inline table), its place].
        self._stack: list[list[object]] = []
        self._open: Place | None = None

    def open_brackets(self) -> list[Place]:
        return [place for _, index, place in self._stack if index is not None]  # type: ignore[misc]

    def open_place(self) -> Place | None:
        if self._open is not None:
            return self._open
        return self._stack[-1][2] if self._stack else None  # type: ignore[return-value]

    def run(self) -> None:
        line, begin = 1, 0
        fresh = True  # at the beginning of a line, outside of every value
        for token in _TOKEN.finditer(self._text):
            kind, found = token.lastgroup, token[0]
            place = (line, token.start() - begin + 1)
            if kind == "comment":
                continue
            if kind == "line":
                line, begin = line + 1, token.end()
                fresh = not self._stack
                if fresh:
                    self._value, self._key, self._header = False, [], None
                continue
            if kind == "text":
                line += found.count("\n")
                begin = token.start() + found.rfind("\n") + 1 if "\n" in found else begin
                self._open = self._open if _closed(found) else place
            self._take(kind, found, place, fresh)
            fresh = False

    def _take(self, kind: str | None, found: str, place: Place, fresh: bool) -> None:
        """One token, to where it belongs: a header, a value, or a key."""
        if self._header is not None:
            self._in_header(kind, found)
        elif fresh and found == "[":
            self._header, self._double, self._start = [], False, place
        elif self._value:
            self._in_value(kind, found, place)
        elif kind == "sign":
            self._in_key(found, place)
        else:
            if not self._key:
                self._start = place
            self._key.append(_plain(found))

    def _in_header(self, kind: str | None, found: str) -> None:
        assert self._header is not None
        if found == "]":
            self._enter(self._header, self._double, self._start)
            self._header = None
        elif kind != "sign":
            self._header.append(_plain(found))
        elif found == "[":
            self._double = True

    def _enter(self, header: list[str], double: bool, place: Place) -> None:
        """A [table] or [[table]] begins."""
        path: Path = ()
        for number, key in enumerate(header):
            path = (*path, key)
            if double and number == len(header) - 1:
                self._arrays[path] = self._arrays.get(path, -1) + 1
                self.found.setdefault(path, place)
                path = (*path, self._arrays[path])
            elif path in self._arrays:
                path = (*path, self._arrays[path])
        # The header of a table is a better place than that of a table inside it, which may come first.
        self.found[path] = place
        for end in range(1, len(path)):
            self.found.setdefault(path[:end], place)
        self._table = path

    def _base(self) -> Path:
        return self._stack[-1][0] if self._stack else self._table  # type: ignore[return-value]

    def _in_key(self, sign: str, place: Place) -> None:
        """A sign where a key is being read: `=` ends it, `}` closes the inline table around it."""
        if sign == "=":
            path = self._base()
            for key in self._key:
                path = (*path, key)
                self.found.setdefault(path, self._start)
            self._key = []
            self._value = True
            self._stack.append([path, None, place])
        elif sign == "}" and self._stack:
            self._close()
        elif sign == ",":
            self._key = []

    def _in_value(self, kind: str | None, found: str, place: Place) -> None:
        if not self._stack:  # a text that no parser took
            self._value = False
            return
        top = self._stack[-1]
        path, index = top[0], top[1]
        if isinstance(index, int) and found not in ("]", ","):
            self.found.setdefault((*path, index), place)  # type: ignore[misc]
        here: Path = (*path, index) if isinstance(index, int) else path  # type: ignore[assignment, misc]
        if kind != "sign":
            if index is None:
                self._leave()
        elif found == "[":
            self._stack.append([here, 0, place])
        elif found == "{":
            self._stack.append([here, -1, place])
            self._value = False
            self._key = []
        elif found == "]":
            self._close()
        elif found == "," and isinstance(index, int):
            top[1] = index + 1

    def _close(self) -> None:
        """The bracket on top of the stack was closed; a key whose value it was is done, too."""
        self._stack.pop()
        self._value = bool(self._stack)
        if self._stack and self._stack[-1][1] is None:
            self._leave()

    def _leave(self) -> None:
        """The value of a key is complete (a date with a space or a number with a point has more words: harmless)."""
        if self._stack:
            self._stack.pop()
        self._value = False


def _closed(text: str) -> bool:
    """True if the string token ends with the quote that it began with."""
    for quote in ('"""', "'''"):
        if text.startswith(quote):
            return len(text) >= 6 and text.endswith(quote)
    return len(text) >= 2 and text[-1] == text[0]


def _plain(word: str) -> str:
    """A key without its quotes and escapes."""
    if word[0] == "'":
        return word[1:-1]
    if word[0] != '"':
        return word
    return _ESCAPE.sub(_unescaped, word[1:-1])


_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def _unescaped(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if digits is None:
        return _SHORT.get(match[3], match[3])
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else match[0]
