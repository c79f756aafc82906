"""The drawers of the editor: the project file that is written in, and what differs from the saved one."""

from __future__ import annotations

from pathlib import Path

from studio.widgets.project_file import ProjectFile
from tests.studio.projects import SMALL, project_in
from tests.studio.test_studio import Person, _own_state, sitting

__all__ = ["_own_state"]


def page(person: Person) -> ProjectFile:
    return person.app.screen.query_one(ProjectFile)


async def type_in(person: Person, text: str) -> None:
    names = {" ": "space", "=": "equals_sign", '"': "quotation_mark", "[": "left_square_bracket", "\n": "enter"}
    await person.pilot.press(*(names.get(char, char) for char in text))


async def test_what_is_written_in_the_file_is_drawn_when_the_hand_rests(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await person.press("T", "tab", "enter")
        assert person.state.focus == "text"
        assert person.text("#footer").startswith(" Esc done")
        await type_in(person, '\ntimeout = "5s"')
        await person.until(lambda: person.state.draft.dirty)
        assert person.state.node.settings.timeout == 5.0
        assert person.state.history.undo_title == "edit the TOML"
        await person.press("escape", "u")
        assert person.state.focus == "toml"
        assert person.state.draft.text == SMALL
        assert page(person).script.text == SMALL


async def test_a_text_that_cannot_be_read_keeps_the_last_picture_and_says_where(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await person.press("T", "tab", "enter")
        await type_in(person, "\ntimeout = [")
        await person.until(lambda: person.state.broken is not None)
        assert person.state.workflow is not None
        assert list(person.state.workflow.nodes) == ["load", "clean", "report"]
        assert "✗" in person.text("#toml")
        await person.press("S")  # a letter, while one writes
        await person.press("backspace", "backspace")
        await type_in(person, "3")
        await person.until(lambda: person.state.broken is None)
        assert person.state.node.settings.timeout == 3.0


async def test_keys_of_the_graph_are_letters_while_one_writes_and_paste_is_text(tmp_path: Path) -> None:
    from textual import events

    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await person.press("T", "tab", "home", "enter")
        await type_in(person, "# xqu")
        page(person).post_message(events.Paste("x\nqq"))
        await person.pilot.pause()
        assert page(person).script.rows[:2] == ["format = 1# xqux", "qq"]
        await person.press("escape")
        assert "load" in person.state.workflow.nodes


async def test_going_through_the_lines_goes_through_the_nodes_and_back(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await person.press("T", "tab")
        await person.press("end")
        assert person.state.cursor == "report"
        await person.press("escape", "left")
        assert person.state.cursor == "clean"
        assert page(person).line == SMALL.splitlines().index("[nodes.clean]") + 1


async def test_what_is_unsaved_is_saved_with_what_was_just_typed(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    async with sitting(file, (120, 40)) as person:
        await person.press("T", "tab", "enter")
        await type_in(person, "\ncwd = ")
        await type_in(person, '"here"')
        await person.press("ctrl+s")
        await person.until(lambda: 'cwd = "here"' in file.read_text())
        assert not person.state.dirty


async def test_only_lines_in_view_are_painted(tmp_path: Path) -> None:
    text = SMALL + "".join(f"\n[nodes.n{number}]\nshell = 'x'\n" for number in range(700))
    async with sitting(project_in(tmp_path, text), (120, 40)) as person:
        await person.press("T", "tab", "end")
        shown = page(person)
        assert len(shown.shown) <= shown.size.height
        assert "n699" in person.text("#toml")


async def test_changes_tell_what_differs_by_node_and_by_line_and_mark_the_nodes(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 40)) as person:
        await person.press("V")
        assert "Nothing has changed" in person.text("#changes")
        await person.press("I", "tab")
        await person.until(lambda: person.state.focus == "inspector")
        await person.press("j", "j", "enter", "ctrl+u")
        await type_in(person, "tasks")
        await person.press("colon")
        await type_in(person, "read")
        await person.press("enter")
        await person.until(lambda: "changed" in person.text("#changes"))
        told = person.text("#changes")
        assert "~ load" in told
        assert '+ task = "tasks:read"' in told
        assert "tasks:load → tasks:read" in " ".join(told.split())
        assert person.editor.canvas.stage.marks == {"load": "changed"}
        await person.press("V")
        assert person.editor.canvas.stage.marks != {"load": "changed"}
