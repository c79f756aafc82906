"""The inspector: everything about the node under the cursor, as a form to read.

Blocks from top to bottom: what it is, where its inputs come from, what somebody wrote about how it runs, how it went in
the run in hand (with the cause where it failed), the code of its task, and last the fields at their defaults. With the
focus in it, up and down go through the fields and the help of the one in hand stands below it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from textual import events

from engine.project.model import Node
from studio.actions import Asked
from studio.document import highlight
from studio.document.code import Code
from studio.document.fields import Block, Field, blocks_of
from studio.document.visible import lines as text_lines
from studio.state import NodeNow, StudioState
from studio.theme import kind_glyph, look
from studio.widgets.bars import kind_word, state_pieces, when_text
from studio.widgets.page import Line, Page, Piece, cut, spread, words

LABEL = 12
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
KIND_WORDS = {"sub_workflow": "sub-workflow"}


class Inspector(Page):
    """A form over the node under the cursor."""

    DEFAULT_CSS = "Inspector { width: 44; height: 1fr; }"
    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state: StudioState | None = None
        self.chosen = 0
        self.rows_of_fields: list[int] = []

    def show(self, state: StudioState) -> None:
        """Show the node under this state's cursor."""
        old = self.state
        self.state = state
        if old is not None and (old.cursor, old.stack) != (state.cursor, state.stack):
            self.chosen = self.top = 0
        self.repaint()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self.state is None:
            return []
        form = Form(self.state, width, self.ascii, self.chosen if self.has_focus else None)
        lines = form.lines()
        self.rows_of_fields = form.rows_of_fields
        return lines

    def choose(self, by: int) -> None:
        """Go to another field; the page follows it."""
        last = len(self.rows_of_fields) - 1
        self.chosen = max(0, min(self.chosen + by, last))
        self.repaint()
        lines = self.shown
        if 0 <= self.chosen < len(self.rows_of_fields):
            row = self.rows_of_fields[self.chosen]
            room = self.size.height
            if row < self.top + 1:
                self.top = max(row - 3, 0)
            elif row + 3 > self.top + room:
                self.top = min(row + 4 - room, max(len(lines) - room, 0))

    def on_focus(self) -> None:
        """Show the field in hand."""
        self.repaint()

    def on_blur(self) -> None:
        """The help is for whoever is here."""
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Arrows and hjkl go through the fields."""
        step = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": 10, "J": 10, "pageup": -10, "K": -10}.get(event.key)
        if step is None and event.key in {"home", "end", "G"}:
            step = -1000 if event.key == "home" else 1000
        if step is not None:
            event.stop()
            event.prevent_default()
            self.choose(step)


class Form:
    """The lines of the inspector for one node, and in which of them the fields are."""

    def __init__(self, state: StudioState, width: int, ascii: bool, chosen: int | None) -> None:
        self.state = state
        self.width = width
        self.ascii = ascii
        self.chosen = chosen
        self.rows_of_fields: list[int] = []
        self.made: list[Line] = [[]]

    def lines(self) -> list[Line]:
        """Everything, top to bottom."""
        state = self.state
        node = state.node
        if node is None:
            return [[], *([Piece("  " + row, "muted")] for row in words(_empty(state), self.width - 4))]
        self._head(node)
        defaults = state.document.project.defaults if state.document is not None else None
        said, unsaid = _parted(blocks_of(node, defaults))
        for block in said:
            self._block(block)
        if state.node_now is not None:
            self._run(state.node_now)
        if state.code is not None and state.code_of == getattr(node.body, "task", None):
            self._code(state.code)
        for block in unsaid:
            self._block(block)
        return self.made

    def _head(self, node: Node) -> None:
        kind = kind_word(node)
        glyph = Piece(f"  {kind_glyph(kind, ascii=self.ascii)} ", "accent")
        name = cut((self.state.cursor or "").rpartition("/")[2], self.width - 20, ascii=self.ascii)
        word = KIND_WORDS.get(kind, kind)
        self.made += [spread([glyph, Piece(name, bold=True)], [Piece(word + "  ", "muted")], self.width), []]

    def _title(self, title: str, note: str = "", ink: str = "text") -> None:
        left, right = [Piece("  " + title, ink, bold=True)], [Piece(note + "  ", "muted")] if note else []
        self.made.append(spread(left, right, self.width))

    def _block(self, block: Block) -> None:
        if block.title:
            self._title(block.title)
        for field in block.fields:
            self._field(field)
        self.made.append([])

    def _field(self, field: Field) -> None:
        number = len(self.rows_of_fields)
        chosen = number == self.chosen
        self.rows_of_fields.append(len(self.made))
        ground = "raised" if chosen else "surface"
        label = cut(field.label, LABEL - 1, ascii=self.ascii)
        tag = "" if field.tag == "default" and not chosen else field.tag
        room = self.width - LABEL - 4
        value = cut(" ".join(text_lines(field.value, 3)), room - len(tag) - 3, ascii=self.ascii)
        inside = spread(
            [Piece(f" {value}", "muted" if field.default else "text", ground)],
            [Piece(f" {tag} ", "muted", ground)] if tag else [],
            room,
        )
        mark = Piece("▌ " if chosen and not self.ascii else "| " if chosen else "  ", "accent")
        self.made.append(
            [
                mark,
                Piece(f"{label:<{LABEL}}", "text" if chosen else "muted"),
                *(piece._replace(ground=ground) for piece in inside),
                Piece("  "),
            ]
        )
        if chosen and field.help:
            self.made += [
                [Piece(" " * (LABEL + 3)), Piece(row, "muted", italic=True)] for row in words(field.help, room - 2)
            ]

    def _run(self, now: NodeNow) -> None:
        run = self.state.run
        live = run is not None and run.live
        note = "" if live or run is None or not run.started else when_text(run.started, time.time())
        self._title("This run" if live else "Last run", note)
        self.made.append([Piece("  "), *state_pieces(now, self.ascii, cause=False)])
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


def _parted(blocks: Sequence[Block]) -> tuple[list[Block], list[Block]]:
    """What somebody wrote, and what holds because nobody did."""
    said = [Block(b.title, tuple(f for f in b.fields if not f.default)) for b in blocks]
    unsaid = [f for b in blocks for f in b.fields if f.default]
    return [b for b in said if b.fields], [Block("Defaults", tuple(unsaid))] if unsaid else []


def _empty(state: StudioState) -> str:
    if state.workflow is not None and not state.workflow.nodes:
        return "No nodes yet. T opens the project file: [nodes.NAME] makes one."
    return "Nothing is under the cursor."
