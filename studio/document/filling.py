"""A field while somebody fills it in: what each key does to its text, what is offered, what comes of it.

`Filling` is frozen: `press` gives the next one together with what happened (`Step`). Values of plain fields are *live*:
every key that makes a value gives it at once, so the picture follows the hand and one undo takes the word back. Names (an
id, a new argument) and choices are given when they are complete, at Enter or Tab. A text that no file could hold is refused
with words and stays in the field; what the file said before still stands.

Enter accepts, Esc leaves, Tab goes on. Under the field hangs a list of what could be meant: arrows choose in it, Enter takes
what is chosen, Tab the first one that begins with what was typed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import UNSET, Struct, structs

from engine.project.ids import why_bad
from studio.document.buffer import Buffer
from studio.document.catalog import KINDS
from studio.document.completion import NOTHING, Around, Candidate, Completion, complete
from studio.document.fields import Field
from studio.document.spelling import Refused, read, shown

_NAMES = frozenset({"name", "add"})
_CHOICES = frozenset({"choice", "switch"})


class Step(NamedTuple):
    """What a key did: `filling` is None where the field was left, `go` then says where to (1: on, -1: back).

    `given` is whether there is a `value`; UNSET takes the line away. `known` is False where the key meant nothing here.
    """

    filling: Filling | None
    given: bool = False
    value: Any = UNSET
    go: int = 0
    known: bool = True


class Filling(Struct, frozen=True):
    """`field` as it was when one began, and what is in it now. `picked` is the number of the chosen candidate, or -1.

    `open` tells whether candidates are shown; `sent` is the value given last.
    """

    field: Field
    buffer: Buffer
    offered: Completion = NOTHING
    picked: int = -1
    open: bool = False
    refused: str = ""
    sent: Any = UNSET
    taken: tuple[str, ...] = ()

    @property
    def choosing(self) -> bool:
        """Whether only one of some words will do."""
        return self.field.way in _CHOICES and not self.field.completes

    @property
    def live(self) -> bool:
        """Whether a value counts as soon as it is typed."""
        return self.field.role not in _NAMES and not self.choosing

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What hangs below the field now."""
        return self.offered.candidates if self.open else ()

    # -- keys --------------------------------------------------------------------------------------------------------

    def press(self, key: str, character: str | None, around: Around, width: int) -> Step:
        """The next filling after a key, by Textual's name for it; `width` is that of the field in cells."""
        act = _ACTS.get(key)
        if act is not None:
            return act(self, around)
        if key in ("up", "down") and self._moves(key):
            step = 1 if key == "down" else -1
            count = len(self.offered.candidates)
            return Step(
                structs.replace(self, open=True, picked=(max(self.picked, -1 if step > 0 else 0) + step) % count)
            )
        if self.choosing and key == "space" and not self.buffer.text:
            return self._accept(0)
        moved = self.buffer.key(key, width)
        if moved is not None:
            return self._now(moved, around)
        if character is not None and character.isprintable():
            return self.type(character, around)
        return Step(self, known=False)

    def type(self, text: str, around: Around) -> Step:
        """Type or paste a text."""
        if self.field.role in _NAMES or self.choosing:
            text = "".join(text.split("\n"))
        if self.field.role == "add" and text == "=":
            return self._accept(0)
        return self._now(self.buffer.insert(text), around, typed=True)

    def at(self, place: int) -> Filling:
        """The cursor at another place, by the mouse."""
        return structs.replace(self, buffer=self.buffer.to(place))

    def pick(self, number: int, around: Around) -> Step:
        """Take a candidate by the mouse."""
        return structs.replace(self, picked=number, open=True)._take(around)

    @property
    def _holds_its_place(self) -> bool:
        """Whether the line must stay where it is while its field is empty: it goes when the field is left."""
        return self.field.role == "entry" and self.sent is not UNSET

    def _moves(self, key: str) -> bool:
        """Whether an arrow chooses among candidates, rather than going up and down in the text."""
        return bool(self.offered.candidates) and (self.open or (key == "down" and "\n" not in self.buffer.text))

    def _now(self, buffer: Buffer, around: Around, *, typed: bool = False) -> Step:
        """With another text or place: what is offered, and the value if it counts at once."""
        offered = complete(self.field, buffer.text, buffer.at, around)
        same = buffer.text == self.buffer.text
        opened = (typed or self.open) and bool(offered.candidates)
        picked = 0 if self.choosing and offered.candidates else -1
        following = structs.replace(self, buffer=buffer, offered=offered, open=opened, picked=picked, refused="")
        if self.field.role in _NAMES:
            following = structs.replace(following, refused=self._why_not(buffer.text.strip()))
        return Step(following) if same or not self.live else following._given()

    def _given(self) -> Step:
        """The value of the text, or why there is none."""
        try:
            value = read(self.field.way, self.buffer.text)
        except Refused as refused:
            return Step(structs.replace(self, refused=str(refused)))
        if value is UNSET and (self.field.required or self._holds_its_place):
            value = _EMPTY.get(self.field.way, "")
        if _same(value, self.sent):
            return Step(self)
        return Step(structs.replace(self, sent=value), given=True, value=value)

    def _take(self, around: Around) -> Step:
        """Put the chosen candidate in."""
        offered = self.offered
        chosen = offered.candidates[self.picked]
        if self.choosing:
            return Step(None, given=True, value=read(self.field.way, chosen.text))
        if self.field.role == "add":
            return Step(None, given=True, value=chosen.text)
        buffer = self.buffer.put(offered.start, offered.end, chosen.text + offered.tail)
        step = structs.replace(self, picked=-1)._now(buffer, around)
        taken = structs.replace(step.filling, open=False) if step.filling is not None else None
        return step._replace(filling=taken)

    # -- leaving -----------------------------------------------------------------------------------------------------

    def enter(self, around: Around) -> Step:
        """Take what is chosen, else accept the text; a new line where the field has several."""
        if self.open and self.picked >= 0:
            whole = not self.choosing and self.offered.start == 0 and self.offered.end >= len(self.buffer.text)
            step = self._take(around)
            return (
                step._replace(filling=None) if whole and step.filling is not None and not step.filling.refused else step
            )
        if self.buffer.lines:
            return self.type("\n", around)
        return self._accept(0)

    def tab(self, around: Around) -> Step:
        """Take the candidate that begins with what was typed, else go on to the next field."""
        if self.open and not self.choosing and self.field.role != "add":
            if self.picked >= 0:
                return self._take(around)
            query = self.buffer.text[self.offered.start : self.buffer.at]
            first = self.offered.candidates[0].text
            if query and query != first and _begins(first, query):
                return structs.replace(self, picked=0)._take(around)
        return self._accept(1)

    def back(self, around: Around) -> Step:
        """Accept, and go to the field before."""
        return self._accept(-1)

    def leave(self, around: Around) -> Step:
        """Esc: leave with what was given so far; a text that was refused is dropped."""
        return self._gone(0) if not self.refused else Step(None)

    def _gone(self, go: int) -> Step:
        """Leave; a line that says nothing goes, too."""
        empty = self._holds_its_place and not self.buffer.text.strip() and not self.field.required
        return Step(None, given=empty, go=go)

    def _accept(self, go: int) -> Step:
        if self.refused:
            return Step(self)  # the words stay below it; Esc drops the text
        if self.choosing:
            return self._chosen(go)
        if self.field.role in _NAMES:
            name = self.buffer.text.strip()
            before = self.field.value if self.field.said else ""
            if self._why_not(name):
                return Step(structs.replace(self, refused=self._why_not(name)))
            return Step(None, go=go) if not name or name == before else Step(None, given=True, value=name, go=go)
        return self._gone(go)

    def _why_not(self, name: str) -> str:
        """Why a name cannot be taken; empty where it can."""
        if not name:
            return ""
        if name in self.taken:
            return f"{name} is there already: choose another name"
        problem = why_bad(name) if self.field.role == "name" and not self.field.keys else None
        return f"it {problem[0]}: {problem[1]}" if problem is not None else ""

    def _chosen(self, go: int) -> Step:
        if not self.buffer.text and self.picked < 0:
            return Step(None, go=go)
        if 0 <= self.picked < len(self.offered.candidates):
            value = read(self.field.way, self.offered.candidates[self.picked].text)
            same = _same(value, self.field.value) or (not self.field.said and go != 0 and not self.buffer.text)
            return Step(None, go=go) if same else Step(None, given=True, value=value, go=go)
        if self.buffer.text.strip() in self.field.options:
            return Step(None, given=True, value=read(self.field.way, self.buffer.text), go=go)
        return Step(structs.replace(self, refused=f"choose one of {', '.join(self.field.options)}"))


def begin(field: Field, around: Around, *, text: str | None = None, taken: tuple[str, ...] = ()) -> Filling:
    """Start to fill a field in: with the value it has, the cursor behind it, or with a text that was typed on it.

    `taken` are names that a name cannot be.
    """
    if field.way in _CHOICES and not field.completes:
        notes = {_WORD_OF.get(entry.name, entry.name): entry.text for entry in KINDS} if field.role == "kind" else {}
        offered = Completion(0, 0, tuple(Candidate(word, notes.get(word, "")) for word in field.options))
        here = shown(field.way, field.value) if field.said else field.standing
        picked = next((n for n, word in enumerate(field.options) if word == here), 0)
        return Filling(field, Buffer(), offered, picked, open=True, sent=field.value)
    said = text if text is not None else shown(field.way, field.value) if field.said and field.role != "add" else ""
    buffer = Buffer(said, len(said), field.way == "lines")
    offered = complete(field, said, len(said), around)
    return Filling(field, buffer, offered, open=bool(offered.candidates) and not said, sent=field.value, taken=taken)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _begins(candidate: str, query: str) -> bool:
    """Whether a candidate, or the name at its end, begins with what was typed."""
    folded, wanted = candidate.casefold(), query.casefold()
    return folded.startswith(wanted) or any(
        part.startswith(wanted) for part in (folded.partition(":")[2], folded.partition(".")[2])
    )


_WORD_OF = {"parallel": "nodes", "conditional": "condition"}
"""Kinds of the catalog by the word that makes a node one of them."""
_EMPTY: dict[str, Any] = {"list": [], "codes": [], "words": [], "nodes": []}
_ACTS = {
    "enter": Filling.enter,
    "tab": Filling.tab,
    "shift+tab": Filling.back,
    "escape": Filling.leave,
}
