"""How the node went, and its code: the lines of the inspector that nobody fills in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from studio.actions import Asked
from studio.document import highlight
from studio.document.code import Code
from studio.document.visible import lines as text_lines
from studio.state import NodeNow, StudioState
from studio.theme import look
from studio.widgets.bars import state_pieces, when_text
from studio.widgets.page import Line, Piece, cut, spread, words

MOST_CODE = 30
MOST_TROUBLE = 14
INKS = {
    "keyword": "accent",
    "string": "completed",
    "comment": "muted",
    "number": "critical",
    "name": "running",
    "table": "accent",
    "key": "text",
}


class NodeLines:
    """The lines of one node at a width."""

    def __init__(self, state: StudioState, width: int, *, ascii: bool) -> None:
        self.state = state
        self.width = width
        self.ascii = ascii
        self.made: list[Line] = []

    def run(self, now: NodeNow) -> list[Line]:
        """How it stands in the run in hand, with the cause where it failed."""
        self.made = []
        self._run(now)
        return self.made

    def code(self, code: Code) -> list[Line]:
        """The code of its task, in colours."""
        self.made = []
        self._code(code)
        return self.made

    def _title(self, title: str, note: str = "") -> None:
        left, right = [Piece("  " + title, bold=True)], [Piece(note + "  ", "muted")] if note else []
        self.made.append(spread(left, right, self.width))

    def _run(self, now: NodeNow) -> None:
        run = self.state.run
        live = run is not None and run.live
        note = "" if live or run is None or not run.started else when_text(run.started, time.time())
        self._title("This run" if live else "Last run", note)
        self.made.append([Piece("  "), *state_pieces(now, self.ascii, cause=False)])
        if now.agent:
            self.made.append([Piece("    on ", "muted"), Piece(now.agent)])
        if now.preview:
            self.made += [
                [Piece("    "), Piece(row, "text")]
                for row in words(cut(now.preview, 3 * (self.width - 6), ascii=self.ascii), self.width - 6)[:3]
            ]
        if now.text and now.state == "running":
            self.made.append([Piece("    "), Piece(now.text, "muted")])
        if now.error:
            self._trouble(now)
        self.made.append([])

    def _trouble(self, now: NodeNow) -> None:
        ink = look(now.state).token
        rows = [row for paragraph in text_lines(now.error, 6) for row in words(paragraph, self.width - 6)]
        self.made.append(self._well([]))
        self.made += [self._well([Piece(row, ink, bold=place == 0)]) for place, row in enumerate(rows[:6])]
        trace = [row for row in text_lines(self.state.near(now.trouble), 400) if row.strip()]
        if trace and trace[-1].strip() == now.error.strip():
            trace.pop()
        for row in trace[-MOST_TROUBLE:]:
            self.made.append(self._well([Piece(cut(row, self.width - 5, ascii=self.ascii), "muted")]))
        self.made.append(self._well([]))
        self.made.append([Piece("  "), *_button("8", "its log", "log"), *_button("e", "edit the code", "code")])

    def _well(self, line: Line) -> Line:
        return [Piece("  ", ground="trackbg"), *(piece._replace(ground="trackbg") for piece in line), _well_end()]

    def _code(self, code: Code) -> None:
        self._title("Code", f"{code.file.name}:{code.line}")
        self.made.append(self._well([]))
        rows = code_lines(code, self.width - 2)
        self.made += [self._well(row) for row in rows[:MOST_CODE]]
        if len(rows) > MOST_CODE:
            more = f"{len(rows) - MOST_CODE} more lines, e opens them"
            self.made.append(self._well([Piece(more, "muted", act=Asked("code"))]))
        self.made += [self._well([]), []]


def _button(key: str, word: str, command: str) -> list[Piece]:
    act = Asked(command)
    return [Piece(key, "accent", bold=True, act=act), Piece(f" {word}   ", "muted", act=act)]


def _well_end() -> Piece:
    return Piece("", ground="trackbg")


def code_lines(code: Code, width: int) -> list[Line]:
    """Source with line numbers and colours; each row on the ground of a well."""
    spans = highlight.python(code.text)
    digits = len(str(code.line + len(spans)))
    found: list[Line] = []
    for number, (row, kinds) in enumerate(zip(code.text.split("\n"), spans, strict=True)):
        head = Piece(f"{code.line + number:>{digits}} ", "muted")
        found.append([head, *coloured(row[: width * 2], kinds)])
    return found


def coloured(row: str, kinds: Sequence[highlight.Span]) -> Iterator[Piece]:
    """A row of source as pieces in the inks of its kinds."""
    at = 0
    for start, end, kind in kinds:
        if start > at:
            yield Piece(row[at:start])
        yield Piece(row[start:end], INKS[kind], bold=kind in {"table", "name"})
        at = end
    if at < len(row):
        yield Piece(row[at:])
