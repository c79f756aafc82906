"""A form on the screen: which part of it is in view, the field in hand, what hangs over it, what it is for.

`FormView` paints a subject and knows where each field stands; what keys and clicks do is the inspector's business. It keeps
which fields were said when one came to the node: those stand above, the others below, and nothing moves while one types.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Offset

from engine.project.findings import Finding
from studio import subject as subjects
from studio.document.completion import Around
from studio.document.fields import Field, Section
from studio.document.filling import Filling
from studio.document.remarks import Surroundings, about
from studio.state import StudioState
from studio.subject import Subject
from studio.theme import kind_glyph, sign
from studio.widgets.bars import kind_word
from studio.widgets.form_lines import FieldId, FormLines, Spot, id_of, over
from studio.widgets.node_lines import NodeLines
from studio.widgets.page import Line, Page, Piece, cut, spread, words

HELP = 4
"""Rows at the bottom for what the field in hand is for."""
ROOMY = 28
"""Rows from which there is one to spare above."""
KIND_WORDS = {"sub_workflow": "sub-workflow"}
USUAL = frozenset({"executor", "timeout", "retry", "on_error", "when"})
"""Settings that stand above whether they are said or not."""


class FormView(Page):
    """Shows `subject`. `chosen` is the field in hand, `filling` what is typed in it, `scroll` the first line in view."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state: StudioState | None = None
        self.subject: Subject | None = None
        self.chosen: FieldId | None = None
        self.filling: Filling | None = None
        self.scroll = 0
        self._said: frozenset[FieldId] = frozenset()
        self._pending: Field | None = None
        self._remarked = False
        self._place: tuple[object, Surroundings | None] | None = None
        self._around: Around | None = None
        self._form: FormLines | None = None
        self._rows: list[Spot | None] = []
        self._offered: dict[int, int] = {}
        self._reveal = False

    # -- what there is -----------------------------------------------------------------------------------------------

    @property
    def around(self) -> Around:
        """The names that can be said in this form."""
        if self._around is None and self.state is not None and self.subject is not None:
            self._around = subjects.around(self.state, self.subject, self.place)
        return self._around or Around()

    @property
    def place(self) -> Surroundings | None:
        """Where the node stands; looked up again when ids beside it come and go."""
        state, subject = self.state, self.subject
        if state is None or subject is None or state.workflow is None:
            return None
        key = (subject.same, tuple(state.workflow.nodes), state.catalog)
        if self._place is None or self._place[0] != key:
            self._place = (key, subjects.place_of(state, subject))
        return self._place[1]

    @property
    def fields(self) -> list[Field]:
        """The fields in the order in which they stand."""
        if self._form is None:
            _ = self.shown
        return self._form.fields if self._form is not None else []

    def _field(self, wanted: FieldId | None) -> Field | None:
        sections = self.subject.sections if self.subject is not None else ()
        every = (field for section in sections for field in section.fields)
        found = next((field for field in every if id_of(field) == wanted), None)
        return found or (self._pending if self._pending is not None and id_of(self._pending) == wanted else None)

    @property
    def number(self) -> int:
        """The number of the field in hand among those that are shown."""
        ids = [id_of(field) for field in self.fields]
        return ids.index(self.chosen) if self.chosen in ids else 0

    # -- painting ----------------------------------------------------------------------------------------------------

    def lines(self, width: int, height: int) -> Sequence[Line]:
        state, subject = self.state, self.subject
        if state is None or subject is None or width < 4:
            return []
        found = self._findings()
        form = self._form = self._painted(state, subject, width, found)
        foot = self._help(width, found) if self.has_focus else []
        room = max(height - len(foot), 1)
        if self._reveal:
            self._show_chosen(form, room)
        self.scroll = max(0, min(self.scroll, len(form.lines) - room))
        view = list(form.lines[self.scroll : self.scroll + room])
        self._rows = form.spots[self.scroll : self.scroll + room]
        view += [[]] * (room - len(view))
        self._hang(form, view, room)
        return [*view, *foot]

    def _findings(self) -> tuple[Finding, ...]:
        subject = self.subject
        if subject is None:
            return ()
        return subjects.remarks_on(subject, self.place) if self.has_focus else subject.findings

    def _painted(self, state: StudioState, subject: Subject, width: int, found: tuple[Finding, ...]) -> FormLines:
        above, below = self._parted(subject)
        ids = [id_of(field) for section in (*above, *below) for field in section.fields]
        if self.chosen not in ids:
            self.chosen = ids[0] if ids else None
        chosen = ids.index(self.chosen) if self.has_focus and self.chosen in ids else None
        form = FormLines(
            width, ascii=self.ascii, findings=found, chosen=chosen, filling=self.filling, keep_remark=self._remarked
        )
        if self.size.height >= ROOMY:
            form.add([])
        form.add(self._head(state, subject, width))
        form.add([])
        form.sections(above)
        if subject.path is not None:
            beside = NodeLines(state, width, ascii=self.ascii)
            if state.node_now is not None:
                for line in beside.run(state.node_now):
                    form.add(line)
            if state.code is not None and state.code_of == subject.table.get("task"):
                for line in beside.code(state.code):
                    form.add(line)
        form.sections(below)
        return form

    def _head(self, state: StudioState, subject: Subject, width: int) -> Line:
        node = state.node if subject.path is not None else None
        kind = kind_word(node) if node is not None else ""
        glyph = kind_glyph(kind, ascii=self.ascii) if kind else sign("brand", ascii=self.ascii)
        word = KIND_WORDS.get(kind, kind) if kind else "workflow" if subject.workflow else "project"
        name = state.document.name if word == "project" and state.document is not None else subject.name
        left = [Piece(f"  {glyph} ", "accent"), Piece(cut(name, width - 20, ascii=self.ascii), bold=True)]
        return spread(left, [Piece(word + "  ", "muted")], width)

    def _parted(self, subject: Subject) -> tuple[list[Section], list[Section]]:
        """What stands above the run and the code, and what stands below: the settings that nobody said."""
        if subject.path is None:
            return [self._with_pending(section) for section in subject.sections], []
        above: list[Section] = []
        rest: list[Field] = []
        for section in subject.sections:
            if section.title not in ("Running", "About", "Wrap"):
                above.append(self._with_pending(section))
                continue
            kept: list[Field] = []
            into = rest
            for field in section.fields:
                if not field.depth:
                    is_usual = section.title == "Running" and field.label in USUAL
                    into = kept if is_usual or id_of(field) in self._said else rest
                into.append(field)
            if kept:
                above.append(self._with_pending(Section(section.title, tuple(kept))))
        below = [self._with_pending(Section("Defaults", tuple(rest)))] if rest else []
        return above, below

    def _with_pending(self, section: Section) -> Section:
        """A section with the line that is being added, above the place where one adds."""
        pending = self._pending
        if pending is None:
            return section
        fields: list[Field] = []
        for field in section.fields:
            if field.role == "add" and field.keys == pending.keys[:-1] and id_of(pending) not in map(id_of, fields):
                fields.append(pending)
            fields.append(field)
        return Section(section.title, tuple(fields))

    def _show_chosen(self, form: FormLines, room: int) -> None:
        """The field in hand in view, with what stands around it."""
        self._reveal = False
        first = form.row_of_chosen
        last = form.cursor[0] if form.cursor is not None else first
        if first - 2 < self.scroll:
            self.scroll = max(first - 2, 0) if first > 3 else 0
        if last + 2 >= self.scroll + room:
            self.scroll = last + 3 - room

    def _hang(self, form: FormLines, view: list[Line], room: int) -> None:
        """The candidates over the rows around the field."""
        self._offered = {}
        filling = self.filling
        if form.cursor is not None:
            row, column = form.cursor
            self._tell_cursor(row - self.scroll, column)
        if filling is None or not filling.candidates:
            return
        rows = [number for number, spot in enumerate(self._rows) if spot is not None and spot.field == self.number]
        if not rows:
            return
        first = form.first_offered(filling)
        for at, (row, line) in enumerate(over(view, form.popup(filling), rows[-1], rows[0], room)):
            view[row] = line
            if first + at < len(filling.candidates):
                self._offered[row] = first + at

    def _tell_cursor(self, row: int, column: int) -> None:
        """Where the terminal's own cursor belongs: input methods open their windows there."""
        if self.has_focus and self.is_attached:
            self.app.cursor_position = Offset(self.region.x + column, self.region.y + row)

    def _help(self, width: int, found: tuple[Finding, ...]) -> list[Line]:
        """What the field in hand is for; where it is wrong, what is wrong."""
        field = self._field(self.chosen)
        rows: list[Line] = []
        if field is not None:
            remark = about(found, field.keys)
            text, ink = (remark.message, "failed") if remark is not None else (field.help, "muted")
            if self.subject is not None and self.subject.locked:
                text, ink = self.subject.locked, "dirty"
            rows = [[Piece("  "), Piece(row, ink)] for row in words(text, width - 4)[: HELP - 1]]
        return [[], *rows, *([[]] * (HELP - 1 - len(rows)))]

    def scroll_lines(self, by: int) -> None:
        """Show lines further down (or up, where `by` is negative)."""
        self.scroll = max(self.scroll + by, 0)
        self.repaint()
