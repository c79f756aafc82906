"""Edits of a project in hand: the text, the model and the picture say the same, and everything can be taken back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from engine.draw.outline import outline
from engine.project.toml import read
from studio.document import edits
from studio.document.draft import Draft, draft_of
from studio.document.edits import EditRefused
from studio.document.history import History, done, redone, undone
from studio.document.reader import walk
from studio.document.rules import apply
from studio.document.sheet import split
from tests.studio.document.drafts import NO_EXPLAIN, TEXTS, WRITTEN, Chance, document, draft


def agrees(made: Draft) -> None:
    """The text says the project, in its order; the places are those of the text; the graph is that of the text."""
    found = read(made.text, made.project.workflow.name).project
    assert found == made.project
    assert [path for path, _ in walk(found.workflow.nodes)] == [path for path, _ in walk(made.project.workflow.nodes)]
    assert list(found.workflows) == list(made.project.workflows)
    assert outline(found) == outline(made.project)
    assert draft_of(document(made.text)).places == made.places


ENDING = (
    edits.DeleteNodes,
    edits.Disconnect,
    edits.ExtractWorkflow,
    edits.InlineWorkflow,
    edits.InsertOnEdge,
    edits.SetBody,
)
"""Edits after which a value is no more, and with it the comment on its line."""


def said(text: str) -> set[str]:
    """The comments of a text."""
    return {comment for line in text.splitlines() for comment in line.split("# ")[1:]}


@given(st.data(), st.sampled_from(TEXTS))
@settings(max_examples=100, deadline=None, phases=NO_EXPLAIN)
def test_every_edit_leaves_text_model_and_picture_equal_and_can_be_taken_back(data: st.DataObject, text: str) -> None:
    chance = Chance(data)
    made, history = draft(text), History()
    texts = [text]
    for _ in range(data.draw(st.integers(1, 6))):
        edit = chance.edit(made)
        try:
            made, history = done(history, made, edit)
        except EditRefused:
            continue
        agrees(made)
        if made.text != texts[-1] or len(history.back) == len(texts):
            texts.append(made.text)
    steps = len(history.back)
    for number in range(steps - 1, -1, -1):
        made, history = undone(history, made)
        assert made.text == texts[number]
    assert made.text == text
    assert made.project == document(text).project
    assert not made.dirty
    for number in range(1, steps + 1):
        made, history = redone(history, made)
        assert made.text == texts[number]


@given(st.data(), st.sampled_from([WRITTEN, WRITTEN.replace("\n", "\r\n")]))
@settings(max_examples=80, deadline=None, phases=NO_EXPLAIN)
def test_comments_live_as_long_as_what_they_are_about(data: st.DataObject, text: str) -> None:
    chance = Chance(data)
    made, history = draft(text), History()
    wanted = said(text)
    for _ in range(data.draw(st.integers(1, 6))):
        edit = chance.edit(made)
        if isinstance(edit, ENDING):
            continue
        if isinstance(edit, edits.SetField) and (edit.value is UNSET or edit.keys == ("needs",)):
            continue
        try:
            made, history = done(history, made, edit)
        except EditRefused:
            continue
        assert wanted <= said(made.text), edit


@given(st.data(), st.sampled_from(TEXTS))
@settings(max_examples=150, deadline=None, phases=NO_EXPLAIN)
def test_what_is_typed_somewhere_is_read_as_the_whole_file_would_be(data: st.DataObject, text: str) -> None:
    chance = Chance(data)
    made = draft(text)
    for _ in range(4):
        now = made.typed.text if made.typed is not None else made.text
        at = chance.pick(range(len(now) + 1))
        gone = chance.pick((0, 0, 1, 3, 30))
        came = chance.pick(TYPED)
        now = now[:at] + came + now[at + gone :]
        made, _ = apply(made, edits.SetText(now))
        found, whole = read(now, made.project.workflow.name), split(now)
        if made.typed is not None:
            assert found.project is None
            assert made.typed.text == now
            continue
        assert made.text == now
        assert found.project is not None
        assert [block.keys for block in made.sheet.blocks] == [block.keys for block in whole.blocks]
        assert (made.sheet.blocks, made.sheet.tail) == (whole.blocks, whole.tail)
        agrees(made)


TYPED = (
    "",
    "x",
    "\n",
    '"',
    "[",
    "]",
    "#",
    " = 1\n",
    "\n[nodes.load]\n",
    "\n[nodes.new]\nshell = 'x'\n",
    '"""',
    "needs = [\n",
)
