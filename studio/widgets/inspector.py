"""The inspector: everything about the node under the cursor, or about the project, as a form to fill in.

Blocks from top to bottom: what it is, where its inputs come from, how it runs, how it went in the run in hand, the code of
its task, and last what nobody said. Which fields stand above and which below is settled when the cursor comes to the node,
so nothing moves while one types. With the focus in it, arrows go through the fields, Enter edits; what the field in hand is
for stands in the last rows.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from msgspec import UNSET, structs
from textual import events

from studio import subject as subjects
from studio.actions import Action, Copied, CursorMoved, Edited, FocusMoved, InspectorSized, Told
from studio.document.fields import Field, entry
from studio.document.filling import Step, begin
from studio.document.remarks import about
from studio.document.spelling import shown
from studio.notices import Notice
from studio.state import StudioState
from studio.widgets.form_lines import Spot, id_of
from studio.widgets.form_view import FormView

MOVES = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": 10, "J": 10, "pageup": -10, "K": -10}
MOVES |= {"home": -10_000, "end": 10_000, "G": 10_000}


class Inspector(FormView):
    """A form over the node under the cursor."""

    DEFAULT_CSS = "Inspector { width: 44; height: 1fr; }"
    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.renaming = False
        self._sent: deque[Any] = deque(maxlen=200)
        self._led: tuple[str, ...] = ()
        self._due = False

    # -- showing -----------------------------------------------------------------------------------------------------

    def show(self, state: StudioState) -> None:
        """Show what this state's inspector is about."""
        self.state = state
        old, self.subject = self.subject, subjects.subject_of(state)
        self._around = None
        led = state.field not in ((), self._led)
        self._led = state.field
        if old is None or self.subject is None or old.same != self.subject.same:
            self._arrive()
        elif self.filling is not None:
            self._follow()
        if self.filling is not None and state.focus not in ("field", "inspector"):
            self._end()
        if led and self.subject is not None:
            self._go_to(state.field)
        self._due = False
        self.repaint()

    def _go_to(self, keys: tuple[str, ...]) -> None:
        """Take the field in hand that these keys belong to: where a finding led."""
        sections = self.subject.sections if self.subject is not None else ()
        every = [field for section in sections for field in section.fields if field.keys and field.role != "add"]
        near = [field for field in every if keys[: len(field.keys)] == field.keys]
        if near:
            self.chosen = id_of(max(near, key=lambda field: len(field.keys)))
            self._reveal = True

    def _arrive(self) -> None:
        """Another node: from the top, with what it says above what it does not."""
        self.filling, self._pending, self.chosen = None, None, None
        self.scroll = 0
        self._sent.clear()
        self._place = None
        sections = self.subject.sections if self.subject is not None else ()
        self._said = frozenset(id_of(field) for section in sections for field in section.fields if field.said)

    def _follow(self) -> None:
        """What somebody types in may have been changed from elsewhere: by undo, by hand in the file."""
        filling = self.filling
        assert filling is not None
        field = self._field(id_of(filling.field))
        if field is None or not filling.live:
            return
        if not any(_same(field.value, sent) for sent in self._sent):
            self.filling = begin(field, self.around)
            self._sent.clear()
            self._sent.append(field.value)
        while not _same(field.value, self._sent[0]):
            self._sent.popleft()  # the newer ones are on their way

    # -- the field in hand -------------------------------------------------------------------------------------------

    def choose(self, number: int) -> None:
        """Take another field in hand; the page follows it."""
        fields = self.fields
        if fields:
            self.chosen = id_of(fields[max(0, min(number, len(fields) - 1))])
            self._reveal = True
            self.repaint()

    def edit(self, text: str | None = None, at: int | None = None) -> None:
        """Fill in the field in hand, or do what it does."""
        field = self._field(self.chosen)
        subject, state = self.subject, self.state
        if field is None or subject is None or state is None:
            return
        if field.role == "link":
            self._send(CursorMoved("/".join((*((subject.path or "").split("/")), field.target)), by="inspector"))
            return
        if subject.locked:
            self._send(Told(subject.locked[:1].upper() + subject.locked[1:]))
            return
        self.renaming = False
        self.filling = begin(field, self.around, text=text, taken=self._taken(field))
        if at is not None and not self.filling.choosing:
            self.filling = self.filling.at(at)
        self._began()

    def _began(self) -> None:
        self._sent.clear()
        if self.filling is not None:
            self._sent.append(self.filling.sent)
        self._remarked = False
        self._reveal = True
        self._send(FocusMoved("field"))
        self.repaint()

    def _taken(self, field: Field) -> tuple[str, ...]:
        """The names that a name cannot be, because something beside it has them."""
        if field.role == "name":
            return (
                tuple(name for name in self.place.level.nodes if name != field.value) if self.place is not None else ()
            )
        if field.role == "add" or self.renaming:
            holder = field.keys if field.role == "add" else field.keys[:-1]
            return tuple(f.keys[-1] for f in self.fields if f.keys[:-1] == holder and f.keys and f.role != "add")
        return ()

    def rename(self) -> None:
        """Give the line in hand another key: an argument, a param."""
        field, subject = self._field(self.chosen), self.subject
        if field is None or subject is None or subject.locked:
            return
        if field.role == "name":
            self.edit()
        elif field.role == "entry" and len(field.keys) < 3 and field.tag != "unknown":
            self.renaming = True
            name = Field(
                keys=field.keys, label=field.label, way="text", value=field.keys[-1], help="its name", role="name"
            )
            self.filling = begin(name, self.around, taken=self._taken(field))
            self._began()

    def clear(self) -> None:
        """Take the line of the field in hand out of the file."""
        field, subject = self._field(self.chosen), self.subject
        if (
            field is None
            or subject is None
            or subject.locked
            or not field.said
            or field.role in ("name", "kind", "add")
        ):
            return
        if field.required and field.role != "entry":
            self._send(Told(f"{field.label} must be there"))
            return
        number = self.number
        self._change(field, UNSET)
        if field.role == "entry":
            self.choose(number - 1 if number else 0)

    def toggle(self) -> None:
        """The other value of a switch, the next word of a choice."""
        field, subject = self._field(self.chosen), self.subject
        if field is None or subject is None or subject.locked or not field.options or field.role == "kind":
            return
        here = shown(field.way, field.value) if field.said else field.standing
        at = field.options.index(here) if here in field.options else -1
        word = field.options[(at + 1) % len(field.options)]
        self._change(field, {"true": True, "false": False}.get(word, word) if field.way == "switch" else word)

    def copy(self) -> bool:
        """Put the value in hand on the clipboard."""
        field = self._field(self.chosen)
        if field is None or not self.has_focus:
            return False
        self._send(Copied(field.text, field.label))
        return True

    def _change(self, field: Field, value: Any) -> None:
        subject = self.subject
        if subject is not None:
            self._send(Edited(subjects.edit_of(subject, field, value), subjects.key_of(subject, field)))

    def _send(self, action: Action) -> None:
        self.post_message(Notice(action))

    # -- while somebody types ----------------------------------------------------------------------------------------

    def _step(self, step: Step) -> None:
        """What a key did to the field."""
        before = self.filling
        assert before is not None
        field = before.field
        self.filling = step.filling
        if step.given:
            self._give(field, step)
        if self.filling is not None:
            self._remarked = self._remarked or bool(self.filling.refused) or self._is_wrong(field)
            self._reveal = True
            if step.given:
                # The edit comes back as a new state in a moment, and that is painted: once is enough.
                self._due = True
                self.set_timer(0.03, self._repaint_if_due)
            else:
                self.repaint()
        elif not (step.given and field.role == "add"):
            self._left(step.go)

    def _repaint_if_due(self) -> None:
        if self._due:
            self._due = False
            self.repaint()

    def _is_wrong(self, field: Field) -> bool:
        return about(self._findings(), field.keys) is not None if field.keys else False

    def _give(self, field: Field, step: Step) -> None:
        """A value goes on its way to the file."""
        subject = self.subject
        if subject is None:
            return
        if self.renaming:
            held = self._field((field.keys, ""))
            if held is not None:
                self._send(Edited(subjects.rename_of(subject, held, step.value)))
                self.chosen = ((*field.keys[:-1], step.value), "")
            self.renaming = False
        elif field.role == "add" and field.label != "case":
            self._open_new(field, step.value)
        elif field.role == "add":
            self._change(field, step.value)
            self._left(step.go)
        else:
            self._sent.append(step.value)
            self._change(field, step.value)

    def _open_new(self, field: Field, name: str) -> None:
        """A line was named: now its value. It is in the file as soon as it has one."""
        keys = (*field.keys, name)
        self._pending = structs.replace(entry(keys, UNSET, field.help), tag="")
        self.chosen = id_of(self._pending)
        self.filling = begin(self._pending, self.around)
        self._sent.clear()
        self._sent.append(UNSET)
        self._reveal = True
        self.repaint()

    def _left(self, go: int) -> None:
        """The field was left: on to the next one, or back to going through fields."""
        self.renaming = False
        self.filling = None
        self._remarked = False
        fields = self.fields
        number = self.number
        pending, self._pending = self._pending, None
        if go:
            step = number + go
            while 0 <= step < len(fields) and not fields[step].editable:
                step += go
            if 0 <= step < len(fields):
                self.chosen = id_of(fields[step])
                self.edit()
                return
        if pending is not None and self._field(id_of(pending)) is None:
            self.chosen = id_of(fields[min(number + 1, len(fields) - 1)])
        self._reveal = True
        self._send(FocusMoved("inspector"))
        self.repaint()

    def _end(self) -> None:
        """The focus went elsewhere."""
        self.filling, self._pending, self.renaming, self._remarked = None, None, False, False

    # -- keys and mouse ----------------------------------------------------------------------------------------------

    def watch_has_focus(self, has_focus: bool) -> None:
        """The field in hand, and its help, are for whoever is here."""
        super().watch_has_focus(has_focus)
        self.repaint()

    def press(self, key: str, character: str | None = None) -> bool:
        """A key in the field in hand; whether it meant something there."""
        if self.filling is None:
            return False
        room = self._form.room - 2 if self._form is not None else 20
        step = self.filling.press(key, character, self.around, room)
        if step.known:
            self._step(step)
        return step.known

    def on_key(self, event: events.Key) -> None:
        """In a field its keys are letters; between fields, arrows and hjkl go from one to the next."""
        if self.filling is not None:
            if self.press(event.key, event.character):
                event.stop()
                event.prevent_default()
        elif event.key in MOVES:
            event.stop()
            event.prevent_default()
            self.choose(self.number + MOVES[event.key])

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is text, never keys."""
        if self.filling is not None:
            event.stop()
            self._step(self.filling.type(event.text, self.around))

    def on_click(self, event: events.Click) -> None:
        """A click on a value edits it there, on a name chooses it, on a candidate takes it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y in self._offered and self.filling is not None:
            event.stop()
            self._step(self.filling.pick(self._offered[offset.y], self.around))
            return
        spot = self._rows[offset.y] if 0 <= offset.y < len(self._rows) else None
        if spot is None:
            super().on_click(event)
            return
        event.stop()
        self._clicked(spot, offset.x)

    def _clicked(self, spot: Spot, x: int) -> None:
        from studio.document.buffer import TextRow, place_in

        form = self._form
        if form is None or spot.field >= len(form.fields):
            return
        field = form.fields[spot.field]
        same = id_of(field) == self.chosen
        if self.filling is not None and same:
            if not self.filling.choosing:
                text = self.filling.buffer.text
                self.filling = self.filling.at(place_in(text, TextRow(spot.start, spot.end), x - spot.column))
                self.repaint()
            return
        self._end()
        self.chosen = id_of(field)
        if x < spot.column - 1 and field.role not in ("add", "link"):
            self._send(FocusMoved("inspector"))
            self.repaint()
        elif field.way == "switch" and field.role == "field":
            self.toggle()
        else:
            text = shown(field.way, field.value) if field.said else ""
            self.edit(at=place_in(text, TextRow(0, len(text)), max(x - spot.column, 0)) if text else None)

    def resize_by(self, cells: int) -> None:
        """Wider, or narrower."""
        self._send(InspectorSized(self.size.width + cells))


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
