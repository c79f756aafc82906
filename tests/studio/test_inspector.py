"""The inspector as a form, by keys and by mouse."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events

from studio.actions import CursorMoved, FindingChosen
from studio.screens.editor import Editor
from studio.widgets.inspector import Inspector
from tests.studio.payloads import CANARY, PAYLOADS
from tests.studio.projects import SMALL, TASKS, project_in
from tests.studio.test_studio import Person, _own_state, sitting

__all__ = ["_own_state"]

NAMES = {
    " ": "space",
    "=": "equals_sign",
    '"': "quotation_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "$": "dollar_sign",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
    ".": "full_stop",
    ",": "comma",
    ":": "colon",
    "_": "underscore",
    "/": "slash",
    ">": "greater_than_sign",
    "\n": "enter",
}

ODD = (
    SMALL
    + """
[params]
island = "Dream"

[nodes.odd]
task = "tasks:claen"
inputs = { rows = "laod", more = ["load", "clean"] }
args = { "長い名前" = "とても長い値がここにあって一行には収まりません、どうしても", mark = "[/nope]" }
timeout = "5 min"
retry = { max_retries = 2, strategy = "exponential", initial = "5s" }
on_error = { alternative = "clean" }
tiemout = 3
notes = '''
first
second'''
"""
)


def form(person: Person) -> Inspector:
    return person.app.screen.query_one(Inspector)


async def write(person: Person, text: str) -> None:
    await person.pilot.press(*(NAMES.get(char, char) for char in text))
    await person.pilot.pause()


async def to(person: Person, label: str, *, edit: bool = False) -> None:
    """Go to a field by the arrows."""
    if person.state.focus == "canvas":
        await person.press("enter")
        await person.until(lambda: form(person).has_focus)
    labels = [field.label for field in form(person).fields]
    steps = labels.index(label) - form(person).number
    await person.press(*(["down" if steps > 0 else "up"] * abs(steps)))
    if edit:
        await person.press("enter")


def node(person: Person, name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(person.state.draft.text)["nodes"][name]
    return found


# -- what it looks like


@pytest.mark.parametrize(("name", "size"), [("form_40", (150, 60)), ("form_78", (80, 24))])
async def test_it_looks_like_this(
    tmp_path: Path, golden: Callable[[str, str], None], name: str, size: tuple[int, int]
) -> None:
    async with sitting(project_in(tmp_path, ODD), size) as person:
        await person.press("end")
        await to(person, "timeout", edit=True)
        golden(f"{name}.txt", person.text("#inspector") + "\n")


async def test_it_looks_like_this_where_there_is_only_ascii(
    tmp_path: Path, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWLOOM_ASCII", "1")
    async with sitting(project_in(tmp_path), (150, 40)) as person:
        await to(person, "join", edit=True)
        shown = person.text("#inspector")
        assert shown.isascii()
        golden("form_ascii.txt", shown + "\n")


# -- typing


async def test_a_word_typed_in_a_field_is_one_step_and_letters_are_letters(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await to(person, "description", edit=True)
        await write(person, "quit? x u S!")
        assert node(person, "load")["description"] == "quit? x u S!"
        await person.press("enter")
        assert person.state.focus == "inspector"
        await person.press("u")
        assert "description" not in node(person, "load")
        await person.press("ctrl+r")
        assert node(person, "load")["description"] == "quit? x u S!"


async def test_the_remedy_stands_under_the_field_at_once_and_saving_is_not_blocked(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    async with sitting(file, (150, 50)) as person:
        await to(person, "timeout", edit=True)
        await write(person, "5 min")
        assert '✗ did you mean "5m"?' in person.text("#inspector")
        await person.press("ctrl+s")
        await person.until(lambda: 'timeout = "5 min"' in file.read_text())
        await person.press("escape", "escape", "F")
        await person.until(lambda: node(person, "load").get("timeout") == "5m")


async def test_names_are_completed_as_one_types(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path, SMALL + "[params]\nisland = 1\n"), (120, 40)) as person:
        await person.until(lambda: any(entry.own for entry in person.state.catalog.entries))
        await person.press("end")
        await to(person, "rows", edit=True)
        await person.press("ctrl+u")
        await write(person, "lo")
        assert "load" in person.text("#inspector")
        await person.press("tab", "tab")
        assert node(person, "report")["inputs"] == {"rows": "load"}
        assert [f.label for f in form(person).fields][form(person).number] == "+ input"
        await person.press("escape")
        await to(person, "task", edit=True)
        await person.press("ctrl+u")
        await write(person, "cle")
        await person.press("down", "enter")
        assert node(person, "report")["task"] == "tasks:clean"
        await to(person, "when", edit=True)
        await write(person, "${isl")
        await person.press("tab")
        await write(person, " > 0")
        assert node(person, "report")["when"] == "${params.island} > 0"


async def test_arguments_are_added_renamed_and_taken_away(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await person.press("end")
        await to(person, "+ arg", edit=True)
        await write(person, "z=")
        assert "args" not in node(person, "report")
        await write(person, "3.5\n")
        assert node(person, "report")["args"] == {"z": 3.5}
        await to(person, "z")
        await person.press("D")
        await person.press("ctrl+u")
        await write(person, "limit\n")
        assert node(person, "report")["args"] == {"limit": 3.5}
        await to(person, "limit")
        await person.press("x")
        assert node(person, "report").get("args", {}) == {}
        await to(person, "+ arg", edit=True)
        await write(person, "rest=")
        await person.press("escape")
        assert "rest" not in person.state.draft.text


async def test_an_id_is_changed_wherever_the_node_is_named(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await to(person, "id", edit=True)
        await write(person, "_2")
        assert "load" in person.state.draft.project.workflow.nodes
        await person.press("enter")
        assert node(person, "clean")["inputs"] == {"rows": "load_2"}
        assert person.state.cursor == "load_2"
        await to(person, "id", edit=True)
        await person.press("ctrl+u")
        await write(person, "clean\n")
        assert "clean is there already" in " ".join(person.text("#inspector").split())
        await person.press("escape")
        assert person.state.cursor == "load_2"


async def test_choices_and_switches_change_by_one_key(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await to(person, "cache")
        await person.press("space")
        assert node(person, "load")["cache"] is True
        await person.press("x")
        assert "cache" not in node(person, "load")
        await to(person, "on_error", edit=True)
        await write(person, "alt\n")
        assert node(person, "load")["on_error"] == {"alternative": ""}
        await to(person, "alternative", edit=True)
        await write(person, "cl")
        await person.press("tab", "enter")
        assert node(person, "load")["on_error"] == {"alternative": "clean"}
        await to(person, "does", edit=True)
        await write(person, "shell\n")
        assert node(person, "load")["shell"] == "echo hello"
        assert "task" not in node(person, "load")


async def test_a_text_of_several_lines_is_written_in_its_field(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await to(person, "notes", edit=True)
        await write(person, "one\ntwo")
        await person.press("up", "end")
        form(person).post_message(events.Paste("\r\nbetween"))
        await person.pilot.pause()
        await person.press("escape")
        assert node(person, "load")["notes"] == "one\nbetween\ntwo"


async def test_a_click_edits_where_it_lands_and_a_click_on_a_word_takes_it(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (150, 50)) as person:
        await person.click("#inspector", "asks:load")
        await person.until(lambda: person.state.focus == "field")
        await write(person, "X")
        assert node(person, "load")["task"] == "taXsks:load"
        await person.press("backspace", "escape")
        await person.click("#inspector", "fail ")
        await person.until(lambda: "compensate" in person.text("#inspector"))
        await person.click("#inspector", "skip")
        await person.until(lambda: node(person, "load").get("on_error") == "skip")
        await person.click("#inspector", "[ ] false")
        await person.until(lambda: node(person, "load").get("cache") is True)


async def test_what_is_undone_elsewhere_is_seen_in_the_field(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await to(person, "cwd", edit=True)
        await write(person, "abc")
        await person.press("ctrl+z")
        await person.until(lambda: "cwd" not in node(person, "load"))
        assert form(person).filling is not None
        assert form(person).filling.buffer.text == ""  # type: ignore[union-attr]
        await write(person, "d")
        assert node(person, "load")["cwd"] == "d"


async def test_nothing_moves_while_one_types_and_the_field_in_hand_stays_in_view(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (80, 24)) as person:
        await to(person, "writes", edit=True)
        before = [field.label for field in form(person).fields]
        await write(person, "out/a.csv, out/b.csv")
        assert [field.label for field in form(person).fields] == before
        assert "writes" in person.text("#inspector")
        assert node(person, "load")["writes"] == ["out/a.csv", "out/b.csv"]


# -- the project, findings, what cannot be edited


async def test_the_project_has_a_form_too(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (150, 60)) as person:
        await person.press(";")
        await person.until(lambda: "project" in person.text("#inspector"))
        await to(person, "+ param", edit=True)
        await write(person, "island=Dream\n")
        assert tomllib.loads(person.state.draft.text)["params"] == {"island": "Dream"}
        await to(person, "result", edit=True)
        await write(person, "rep")
        await person.press("tab", "escape")
        assert person.state.draft.project.workflow.result == "report"
        await person.press("escape")
        assert "tasks:load" in person.text("#inspector")


async def test_a_problem_leads_to_its_field(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path, ODD), (150, 60)) as person:
        findings = person.state.document.findings
        index = next(n for n, finding in enumerate(findings) if finding.path[-1] == "timeout")
        person.app.session.dispatch(FindingChosen(index))
        await person.pilot.pause()
        assert person.state.cursor == "odd"
        assert person.state.focus == "inspector"
        assert form(person).chosen == (("timeout",), "")


async def test_a_branch_is_gone_to(tmp_path: Path) -> None:
    text = SMALL + '[nodes.pick]\ncondition = "1 < 2"\nthen = { shell = "x" }\n'
    async with sitting(project_in(tmp_path, text), (150, 60)) as person:
        await person.press("end")
        await person.until(lambda: person.state.cursor is not None)
        person.app.session.dispatch(CursorMoved("pick"))
        await to(person, "then", edit=True)
        assert person.state.cursor == "pick/then"


async def test_a_run_is_looked_at_and_not_edited(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (150, 60)) as person:
        await person.press("2")
        await to(person, "timeout", edit=True)
        assert person.state.focus == "inspector"
        assert not person.state.dirty


async def test_it_is_as_wide_as_one_likes(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (160, 50)) as person:
        await person.press("enter")
        await person.until(lambda: form(person).has_focus)
        wide = form(person).size.width
        await person.press(">", ">")
        assert form(person).size.width == wide + 4
        await person.press(*"<" * 20)
        assert form(person).size.width == 28
        assert isinstance(person.editor, Editor)


# -- texts of strangers


@pytest.mark.parametrize("name", ["clear", "c1-osc", "bidi", "closing-tag", "click", "wide"])
async def test_texts_of_strangers_are_harmless_in_every_part_of_the_form(tmp_path: Path, name: str) -> None:
    """One project with the payload as a name, a value, a default and a description; edited, completed, complained about."""
    from engine.project.layout import value_text

    evil = value_text(PAYLOADS[name])
    text = f"[nodes.load]\nshell = {evil}\ndescription = {evil}\nargs = {{ {evil} = {evil} }}\ntimeout = {evil}\n"
    text += f"when = {evil}\nneeds = [{evil}]\nenv = {{ {evil} = {evil} }}\n[params]\n{evil} = {evil}\n"
    async with sitting(project_in(tmp_path, text, TASKS), (80, 24)) as person:
        await to(person, "shell", edit=True)
        for _ in range(12):
            await person.press("tab")
            assert form(person).is_attached
        shown = person.screen()
        assert all(char.isprintable() or char in "\n\u3000" for char in shown)
        await person.press("escape")
        form(person).post_message(events.Paste(PAYLOADS[name]))
        assert CANARY in person.state.draft.text


async def test_keys_that_change_nodes_mean_nothing_beside_the_graph(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (150, 50)) as person:
        await to(person, "timeout")
        await person.press("d", "c", "a", "p", "ctrl+x", "equals_sign")
        assert person.state.focus == "inspector"
        await to(person, "timeout", edit=True)
        await person.press("ctrl+x", "ctrl+v", "f5")
        assert person.state.focus == "field"
        assert not person.state.dirty
        assert person.state.run is None


def test_the_cursor_in_a_field_is_seen_without_colours() -> None:
    from studio.widgets.page import Inks, Piece

    assert Inks({}, plain=True).style(Piece("x", "bg", "accent"), "panel").reverse
