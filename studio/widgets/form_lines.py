"""A form as lines: sections and fields, the one in hand with its cursor, remarks below what is wrong.

`FormLines` paints a subject at a width. Beside the lines it tells what stands where (`Spot`), so that a click finds the field
and the letter. What hangs over the lines (the list of candidates) is painted by `popup`; where it goes is the page's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.project.findings import Finding
from studio.document.buffer import cells, row_of, rows
from studio.document.fields import Field, Section
from studio.document.filling import Filling
from studio.document.remarks import about
from studio.document.spelling import shown
from studio.document.visible import lines as text_lines
from studio.theme import sign
from studio.widgets.page import Line, Piece, cut, shortened, spread, words

LABEL = 12
MOST_ROWS = 8
"""So many rows a field takes while it is edited; longer texts scroll in it."""
MOST_OFFERED = 7

FieldId = tuple[tuple[str, ...], str]


def id_of(field: Field) -> FieldId:
    """What tells a field from the others of its form."""
    return field.keys, f"{field.role}:{field.label}" if field.role in ("add", "kind", "again", "name") else ""


class Spot(NamedTuple):
    """What a row of the page is: the field with this number, and where its text begins on this row.

    `column` is the cell at which the value begins, `start` the place in the text of the first letter after it.
    """

    field: int
    column: int
    start: int = 0
    end: int = 0


class FormLines:
    """The lines of one form. `chosen` is the number of the field in hand or None, `filling` what is typed in it."""

    def __init__(
        self,
        width: int,
        *,
        ascii: bool,
        findings: tuple[Finding, ...] = (),
        chosen: int | None = None,
        filling: Filling | None = None,
        keep_remark: bool = False,
    ) -> None:
        self.width = width
        self.ascii = ascii
        self.findings = findings
        self.chosen = chosen
        self.filling = filling
        self.keep_remark = keep_remark
        self.label = LABEL if width < 46 else LABEL + 2
        self.lines: list[Line] = []
        self.spots: list[Spot | None] = []
        self.fields: list[Field] = []
        self.row_of_chosen = 0
        self.cursor: tuple[int, int] | None = None

    @property
    def room(self) -> int:
        """Cells of a value."""
        return max(self.width - self.label - 4, 8)

    def add(self, line: Line, spot: Spot | None = None) -> None:
        """One more line."""
        self.lines.append(line)
        self.spots.append(spot)

    def title(self, title: str, note: str = "") -> None:
        """The title of a section."""
        right = [Piece(note + "  ", "muted")] if note else []
        self.add(spread([Piece("  " + title, bold=True)], right, self.width))

    def sections(self, sections: Sequence[Section]) -> None:
        """Fields under their titles."""
        for section in sections:
            if section.title:
                self.title(section.title)
            for field in section.fields:
                self._field(field)
            self.add([])

    # -- one field ---------------------------------------------------------------------------------------------------

    def _field(self, field: Field) -> None:
        number = len(self.fields)
        self.fields.append(field)
        chosen = number == self.chosen
        if chosen:
            self.row_of_chosen = len(self.lines)
        remark = self._remark_of(field)
        if chosen and self.filling is not None:
            self._filled(field, number, remark)
        else:
            silent = not chosen and not field.said
            line = _silent(field, self.width, self.ascii) if silent else self.still(field, remark, chosen=chosen)
            self.add(line, Spot(number, self.label + 3))
        if remark is not None or (chosen and self.keep_remark):
            self._remark(remark, number, in_hand=chosen)

    def _remark_of(self, field: Field) -> Finding | None:
        if field.role in ("add", "kind", "link"):
            return None
        if field.role == "name":
            return next((f for f in self.findings if not f.path), None)
        return about(self.findings, field.keys)

    def _head(self, field: Field, *, chosen: bool, wrong: bool = False) -> list[Piece]:
        mark = Piece(("|" if self.ascii else "▌") + " " if chosen else "  ", "accent")
        indent = "  " * field.depth
        label = cut(indent + field.label, self.label, ascii=self.ascii)
        ink = "text" if chosen else "muted"
        pad = " " * max(self.label - cells(label), 0)
        return [mark, Piece(label + pad, ink)]

    def still(self, field: Field, remark: Finding | None = None, *, chosen: bool = False) -> Line:
        """A field that nobody types in: its value on one row, a tag at the right."""
        ground = "raised" if chosen else "surface"
        tag = self._tag(field)
        text = _on_one_row(field)
        ink = "muted" if not field.said and field.role != "link" else "text"
        if remark is not None and field.said:
            ink = "failed" if remark.severity == "error" else "dirty"
        if field.role == "add":
            text, ground = ("", "raised" if chosen else "")
        if field.way == "switch" and field.role == "field":
            text = f"{self._box(field)} {text}"
        text = cut(text, self.room - cells(tag) - (3 if tag else 2), ascii=self.ascii)
        right = [Piece(f" {tag} ", "muted", ground)] if tag else [Piece(" ", ground=ground)]
        inside = spread([Piece(f" {text}", ink, ground)], right, self.room)
        return (*self._head(field, chosen=chosen), *(piece._replace(ground=ground) for piece in inside), Piece("  "))

    def _box(self, field: Field) -> str:
        on = field.value is True or (not field.said and field.standing == "true")
        return ("[x]" if self.ascii else "[✓]") if on else "[ ]"

    def _tag(self, field: Field) -> str:
        if field.role == "link":
            return sign("into", ascii=self.ascii)
        if field.options and field.way != "switch" and field.tag in ("", "default"):
            return f"{field.tag} {sign('down', ascii=self.ascii)}".strip()
        return field.tag

    def _filled(self, field: Field, number: int, remark: Finding | None) -> None:
        """The field in which somebody types: as many rows as its text needs, with the cursor."""
        filling = self.filling
        assert filling is not None
        wrong = bool(filling.refused) or (remark is not None and remark.severity == "error")
        ink = "failed" if wrong else "text"
        head = self._head(field, chosen=True)
        if filling.choosing and not filling.buffer.text:
            standing = _on_one_row(field)
            line = [*head, Piece(" ", ground="raised"), _cursor_on(standing[:1] or " ")]
            line.append(Piece(cut(standing[1:], self.room - 3, ascii=self.ascii), "muted", "raised"))
            self.cursor = (len(self.lines), self.label + 3)
            self.add(self._padded(line), Spot(number, self.label + 3))
            return
        text = filling.buffer.text
        inner = self.room - 2
        found = rows(text, inner)
        here = row_of(found, filling.buffer.at)
        first = min(max(here - MOST_ROWS + 1, 0), max(len(found) - MOST_ROWS, 0))
        for place, row in enumerate(found[first : first + MOST_ROWS], first):
            start = head if place == first else [Piece(" " * (self.label + 2))]
            line = [*start, Piece(" ", ground="raised")]
            if place == here:
                before, at = text[row.start : filling.buffer.at], filling.buffer.at
                under = text[at] if at < row.end else " "
                line += [
                    Piece(before, ink, "raised"),
                    _cursor_on(under),
                    Piece(text[at + 1 : row.end], ink, "raised"),
                ]
                self.cursor = (len(self.lines), self.label + 3 + cells(before))
            else:
                line.append(Piece(text[row.start : row.end], ink, "raised"))
            self.add(self._padded(line), Spot(number, self.label + 3, row.start, row.end))

    def _padded(self, line: list[Piece]) -> Line:
        used = sum(cells(piece.text) for piece in line)
        gap = self.width - 2 - used
        return [*line, Piece(" " * max(gap, 0), ground="raised"), Piece("  ")]

    # -- what is said below ------------------------------------------------------------------------------------------

    def _remark(self, remark: Finding | None, number: int, *, in_hand: bool) -> None:
        """The remedy, in the colour of how bad it is; for the field in hand what is wrong, too."""
        if in_hand and self.filling is not None and self.filling.refused:
            self._said(f"{sign('error', ascii=self.ascii)} {self.filling.refused}", "failed", number)
        elif remark is not None:
            bad = remark.severity == "error"
            mark = sign("error" if bad else "warning", ascii=self.ascii)
            self._said(f"{mark} {remark.remedy}", "failed" if bad else "dirty", number)
        else:
            self.add([], Spot(number, self.label + 3))

    def _said(self, text: str, ink: str, number: int) -> None:
        first = True
        for row in words(text, self.room - 1)[:3]:
            indent = " " * (self.label + 3 + (0 if first else 2))
            self.add([Piece(indent), Piece(row, ink)], Spot(number, self.label + 3))
            first = False

    # -- what hangs over it ------------------------------------------------------------------------------------------

    def popup(self, filling: Filling) -> list[Line]:
        """The candidates, as rows of the width of the form: seven of them, the picked one in view."""
        offered = filling.candidates
        first = min(max(filling.picked - MOST_OFFERED + 2, 0), max(len(offered) - MOST_OFFERED, 0))
        found: list[Line] = []
        for number, candidate in enumerate(offered[first : first + MOST_OFFERED], first):
            picked = number == filling.picked
            ground = "accentbg" if picked else "raised"
            mark = ("|" if self.ascii else "▌") if picked else " "
            note = cut(candidate.note, max(self.room - cells(candidate.text) - 5, 0), ascii=self.ascii)
            left = [Piece(mark, "accent", ground), *_lettered(candidate.text, candidate.places, ground)]
            line = spread(shortened(left, self.room - 1), [Piece(f" {note} ", "muted", ground)], self.room)
            found.append([*(piece._replace(ground=ground) for piece in line), Piece("  ")])
        if len(offered) > MOST_OFFERED:
            more = f"{len(offered)} in all "
            line = spread([Piece(" ")], [Piece(more, "muted")], self.room)
            found.append([*(piece._replace(ground="raised") for piece in line), Piece("  ")])
        return [[Piece(" " * (self.label + 2)), *line] for line in found]

    def first_offered(self, filling: Filling) -> int:
        """The number of the candidate in the first row of the popup."""
        count = len(filling.candidates)
        return min(max(filling.picked - MOST_OFFERED + 2, 0), max(count - MOST_OFFERED, 0))


def _cursor_on(char: str) -> Piece:
    """The character under the cursor."""
    return Piece(char, "bg", "accent")


@lru_cache(maxsize=1024)
def _silent(field: Field, width: int, ascii: bool) -> Line:
    """A field of which the file says nothing: most of a form, and the same from node to node."""
    return FormLines(width, ascii=ascii).still(field)


def _on_one_row(field: Field) -> str:
    """The value of a field as it stands when nobody edits it."""
    text = shown(field.way, field.value) if field.said else field.standing
    return " ".join(part.strip() for part in text_lines(text[:2000], 40)).strip()


def _lettered(text: str, places: Sequence[int], ground: str) -> list[Piece]:
    """A text with some of its letters bold and underlined."""
    wanted = set(places)
    found: list[Piece] = []
    at = 0
    while at < len(text):
        end = at + 1
        hit = at in wanted
        while end < len(text) and (end in wanted) == hit:
            end += 1
        found.append(Piece(text[at:end], "accent" if hit else "text", ground, bold=hit, underline=hit))
        at = end
    return found


def over(lines: list[Line], popup: Sequence[Line], below: int, above: int, height: int) -> list[tuple[int, Line]]:
    """Where the rows of a popup go: below the row `below`, or above `above` where there is more room."""
    room = height - below - 1
    if len(popup) <= room or room >= above:
        return [(below + 1 + number, line) for number, line in enumerate(popup[: max(room, 0)])]
    kept = popup[:above]
    return [(above - len(kept) + number, line) for number, line in enumerate(kept)]
