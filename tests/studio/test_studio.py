"""The studio as a person meets it: by key and by mouse, in Textual's pilot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.draw.scene import Zoom
from studio import config, keys, theme
from studio.actions import Asked, ProjectChosen, ThemeChosen
from studio.app import StudioApp
from studio.screens.editor import Editor
from studio.widgets.bars import Bar
from studio.widgets.dialogs import Asking, Dialog
from studio.widgets.key_help import Help
from studio.widgets.page import Page
from tests.studio.projects import BROKEN_TASKS, SMALL, TASKS, project_in


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test remembers is nothing to the next."""
    home = tmp_path_factory.mktemp("person")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("EDITOR", "true")
    for name in ("NO_COLOR", "FLOWLOOM_ASCII", "VISUAL", "FLOWLOOM_CONFIG"):
        monkeypatch.delenv(name, raising=False)


class Person:
    """Someone at the studio: presses, clicks, and reads what is on the screen."""

    def __init__(self, app: StudioApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *names: str) -> None:
        await self.pilot.press(*names)
        await self.pilot.pause()

    async def click(self, selector: str, text: str) -> None:
        """Click on a text in a page."""
        page = self.app.screen.query_one(selector, Page)
        for y in range(page.size.height):
            at = page.render_line(y).text.find(text)
            if at >= 0:
                await self.pilot.click(page, offset=(at + 1, y))
                await self.pilot.pause()
                return
        raise AssertionError(f"{text!r} is not in {selector}: {self.text(selector)}")

    def text(self, selector: str) -> str:
        """What a page shows."""
        page = self.app.screen.query_one(selector, Page)
        return "\n".join(page.render_line(y).text.rstrip() for y in range(page.size.height))

    def grounds(self, pane: str) -> set[str]:
        """The colours behind what a pane shows."""
        page = self.app.screen.query_one(pane)
        segments = [segment for y in range(page.size.height) for segment in page.render_line(y)]
        return {each.style.bgcolor.get_truecolor().hex for each in segments if each.style and each.style.bgcolor}

    def screen(self) -> str:
        """All that is on the screen, row by row."""
        update = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in update)

    @property
    def state(self):  # type: ignore[no-untyped-def]
        return self.app.session.state

    @property
    def editor(self) -> Editor:
        assert self.app.frame is not None
        place = self.app.frame.place
        assert isinstance(place, Editor)
        return place

    async def until(self, true: Callable[[], bool], most: float = 20.0) -> None:
        """Wait until something is so."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() - began < most, f"it never came; the screen:\n{self.screen()}"
            await asyncio.sleep(0.02)
        await self.pilot.pause()


@asynccontextmanager
async def sitting(path: Path | None, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Person]:
    app = StudioApp(path)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Person(app, pilot)


def modal(person: Person) -> type:
    return type(person.app.screen)


# -- opening


async def test_without_a_project_one_is_welcomed_with_samples_and_templates(tmp_path: Path) -> None:
    async with sitting(None) as person:
        shown = person.text("#choices")
        assert "penguins" in shown
        assert "new python project" in shown
        assert "Opening a project runs nothing" in shown


async def test_enter_on_a_recent_project_opens_it_and_the_next_time_it_is_first(tmp_path: Path) -> None:
    file = project_in(tmp_path / "mine")
    config.keep(config.opened(file, "small", 1.0))
    async with sitting(None) as person:
        await person.press("enter")
        await person.until(lambda: person.state.document is not None)
        assert person.state.place == "editor"
        assert "small" in person.text("#top")
    assert config.read_kept().recent[0].path == file


async def test_a_click_opens_a_sample(tmp_path: Path) -> None:
    async with sitting(None) as person:
        await person.click("#choices", "release")
        await person.until(lambda: person.state.document is not None)
        assert person.state.document.name == "release"


async def test_a_new_project_is_made_from_a_template_and_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with sitting(None) as person:
        await person.click("#choices", "new python project")
        await person.until(lambda: person.state.document is not None)
        assert person.state.document.folder == (tmp_path / "my-project").resolve()
        assert person.state.trusted


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (240, 60)])
async def test_no_word_of_the_bars_is_cut_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with sitting(project_in(tmp_path), size) as person:
        assert "…" not in person.text("#footer")
        assert "keys" in person.text("#footer")
        top = person.text("#top")
        assert "1 Editor" in top
        assert "small" in top
        assert (person.app.screen.query_one("#rail").display) is (size[0] >= 100)
        assert person.state.inspector_open is (size[0] >= 150)
        assert "load" in person.screen()


async def test_what_is_told_covers_the_row_to_its_end(tmp_path: Path) -> None:
    app = StudioApp(project_in(tmp_path, SMALL))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        app.notify("Saved project.toml")
        await pilot.pause()
        rows = [strip.text for strip in app.screen._compositor.render_strips()]
    assert any(row.rstrip().endswith("Saved project.toml") for row in rows), rows


async def test_below_the_least_size_the_screen_says_so_and_comes_back(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (80, 24)) as person:
        await person.press("right")
        where = person.state.cursor
        for width, height in ((52, 14), (1, 1), (20, 5), (300, 2), (80, 24)):
            await person.pilot.resize_terminal(width, height)
            await person.pilot.pause()
            if (width, height) == (52, 14):
                assert "60x16 at least; this is 52x14" in person.screen()
        assert person.state.cursor == where
        assert "load" in person.screen()
        assert person.app.screen.query_one("#footer", Bar).display


# -- looking


async def test_arrows_follow_the_graph_and_the_inspector_follows_the_cursor(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (160, 50)) as person:
        assert "tasks:load" in person.text("#inspector")
        await person.press("right")
        assert person.state.cursor == "clean"
        await person.until(lambda: "def clean(rows)" in person.text("#inspector"))
        assert "← load" not in person.text("#inspector")
        assert "rows" in person.text("#inspector")


async def test_a_click_on_a_node_moves_the_cursor(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (160, 50)) as person:
        rows = person.screen().splitlines()
        y = next(y for y, row in enumerate(rows) if "ƒ report" in row)
        await person.pilot.click(offset=(rows[y].index("ƒ report") + 2, y))
        await person.pilot.pause()
        assert person.state.cursor == "report"


async def test_enter_opens_the_inspector_and_escape_closes_it(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (100, 30)) as person:
        assert not person.state.inspector_open
        await person.press("enter")
        assert person.state.focus == "inspector"
        assert "module:function" not in person.text("#inspector")
        await person.press("down", "down")
        assert "module:function" in person.text("#inspector")
        await person.press("escape")
        assert not person.state.inspector_open
        assert person.editor.canvas.has_focus


async def test_every_field_of_the_model_is_in_the_inspector(tmp_path: Path) -> None:
    from msgspec import structs

    from engine.project.model import Settings

    async with sitting(project_in(tmp_path), (160, 70)) as person:
        shown = person.text("#inspector")
        for field in structs.fields(Settings):
            assert field.encode_name in shown


async def test_problems_lead_to_their_node_by_key_and_by_mouse(tmp_path: Path) -> None:
    file = project_in(tmp_path, SMALL.replace('needs = ["clean"]', 'needs = ["lod"]'))
    async with sitting(file) as person:
        assert "✗1" in person.text("#footer")
        await person.press("exclamation_mark")
        assert "lod" in person.text("#problems")
        await person.press("enter")
        assert person.state.cursor == "report"
        await person.press("home")
        await person.click("#problems", "lod")
        assert person.state.cursor == "report"
        await person.click("#tabs", "close")
        assert person.state.drawer is None


async def test_the_file_and_the_canvas_have_one_cursor(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        await person.press("T")
        assert "▌" in person.text("#toml")
        await person.press("right")
        row = next(row for row in person.text("#toml").splitlines() if "[nodes.clean]" in row)
        assert row.startswith("▌")
        await person.press("tab")
        assert person.state.focus == "toml"
        await person.press("end")
        assert person.state.cursor == "report"


async def test_tab_goes_round_and_a_click_puts_the_focus(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (160, 50)) as person:
        await person.press("T", "tab")
        assert person.state.focus == "inspector"
        await person.press("tab")
        assert person.state.focus == "toml"
        await person.click("#inspector", "Inputs")
        assert person.state.focus == "inspector"


async def test_the_key_that_opened_a_drawer_closes_it_from_inside(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        for key, name in (("T", "toml"), ("8", "log"), ("exclamation_mark", "problems")):
            await person.press(key)
            if person.state.focus == "canvas":
                await person.press("tab")
            assert person.state.focus == name
            await person.press(key)
            assert person.state.drawer is None


async def test_search_finds_by_a_part_of_the_name(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        await person.press("slash", "p", "o", "r", "enter")
        assert person.state.cursor == "report"


async def test_help_lists_the_keys_that_hold_here(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (120, 60)) as person:
        await person.press("question_mark")
        assert modal(person) is Help
        shown = person.screen()
        for action in list(keys.here("editor"))[:20]:
            if action.keys:
                assert action.text in shown
        await person.press("escape")
        assert modal(person) is not Help


async def test_the_palette_finds_and_does_a_command(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        await person.press("ctrl+p")
        await person.press(*"project file")
        await person.until(lambda: "Show the project file" in person.screen())
        await person.press("enter")
        await person.until(lambda: person.state.drawer == "toml")


async def test_a_click_in_the_footer_does_what_it_says(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        await person.click("#footer", "keys")
        assert modal(person) is Help


async def test_places_change_by_digit_and_by_click(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        await person.press("3")
        await person.until(lambda: person.state.runs is not None)
        assert "Nothing has run" in person.screen()
        await person.click("#top", "4 Agents")
        assert "this machine" in person.screen()
        await person.press("1")
        assert person.state.place == "editor"
        assert "load" in person.screen()


async def test_themes_and_glyphs_change_at_once_and_are_kept(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        before = person.app.inks().colours["bg"]
        person.app.session.dispatch(Asked("theme.next"))
        person.app.session.dispatch(Asked("glyphs"))
        await person.pilot.pause()
        assert person.app.theme == "loom-light"
        assert person.app.inks().colours["bg"] != before
        assert person.screen().isascii()
        await person.until(lambda: config.read_kept().theme == "loom-light")
    async with sitting(project_in(tmp_path)) as person:
        assert person.app.theme == "loom-light"
        assert person.state.ascii


@pytest.mark.parametrize("name", theme.THEMES)
async def test_the_panes_around_the_canvas_have_the_colours_of_the_theme(tmp_path: Path, name: str) -> None:
    async with sitting(project_in(tmp_path), size=(160, 40)) as person:
        person.app.session.dispatch(ThemeChosen(name))
        for pane in ("#footer", "#inspector"):
            await person.until(lambda pane=pane: theme.colour(name, "panel") in person.grounds(pane))


async def test_how_a_project_was_looked_at_is_remembered(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    async with sitting(file) as person:
        await person.press("right", "z", "T")
        await person.press("ctrl+q")
    async with sitting(file) as person:
        assert (person.state.cursor, person.state.drawer) == ("clean", "toml")
        assert person.app.screen.place.canvas.zoom is Zoom.LINE


async def test_the_footer_says_what_keys_do_in_a_mode(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        await person.press("slash", "c")
        assert "FIND" in person.text("#footer")
        assert "Esc clear" in person.text("#footer")
        assert "q quit" not in person.text("#footer")
        await person.press("escape")
        assert "FIND" not in person.text("#footer")


async def test_a_node_stands_where_the_file_says(tmp_path: Path) -> None:
    text = SMALL + "[studio.places]\nreport = [4, 11]\n"
    async with sitting(project_in(tmp_path, text)) as person:
        stage = person.app.screen.place.canvas.stage
        box = stage.index["report"]
        assert stage.scene.port_row(box) == 11
        assert stage.scene.panels[0].layered.layer[box] == 4


async def test_a_sub_workflow_is_gone_into_and_out_of(tmp_path: Path) -> None:
    text = SMALL + '[nodes.inner]\nworkflow = "deep"\nneeds = ["report"]\n[workflows.deep.nodes.one]\nshell = "true"\n'
    async with sitting(project_in(tmp_path, text)) as person:
        await person.press("end")
        await person.until(lambda: person.state.cursor == "inner")
        await person.press("O")
        await person.until(lambda: person.state.scope == ("inner",))
        assert "▸ inner" in person.text("#top")
        assert person.state.cursor == "one"
        await person.press("backspace")
        await person.until(lambda: person.state.scope == ())
        assert person.state.cursor == "inner"


async def test_code_opens_in_the_persons_editor_at_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio import effects

    seen: list[effects.Effect] = []
    async with sitting(project_in(tmp_path)) as person:
        await person.until(lambda: person.state.code is not None)
        monkeypatch.setattr(person.app.session, "_shell", seen.append)
        await person.press("e")
    assert seen == [effects.OpenEditor(tmp_path / "tasks.py", 4)]


async def test_copy_goes_to_the_clipboard(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        await person.press("y")
        assert person.app.clipboard.startswith("[nodes.load]\ntask = ")


# -- files


async def test_the_picture_follows_the_file_and_keeps_the_last_good_one(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    async with sitting(file) as person:
        file.write_text(SMALL + '[nodes.more]\nshell = "true"\n', encoding="utf-8")
        await person.until(lambda: "more" in person.screen())
        file.write_text(SMALL + "[nodes.more\n", encoding="utf-8")
        await person.until(lambda: person.state.broken is not None)
        assert "cannot be read" in person.text("#banner")
        assert "more" in person.screen()
        file.write_text(SMALL, encoding="utf-8")
        await person.until(lambda: person.state.broken is None)
        assert not person.app.screen.query_one("#banner").display


async def test_code_that_changes_on_disk_is_read_again(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (160, 50)) as person:
        await person.until(lambda: person.state.code is not None)
        (tmp_path / "tasks.py").write_text(TASKS.replace("Read the rows", "Fetch the rows"), encoding="utf-8")
        await person.until(lambda: "Fetch the rows" in person.text("#inspector"))


async def test_a_file_that_cannot_be_read_at_all_says_so(tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_bytes(b"\xff\xfe\x00name")
    async with sitting(tmp_path) as person:
        assert "cannot be read" in person.screen()
        await person.press("R")
        assert modal(person) is not Dialog


# -- running


async def test_the_first_run_asks_and_the_safe_answer_runs_nothing(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        assert "not trusted" in person.text("#footer")
        await person.press("R")
        assert modal(person) is Dialog
        shown = person.text("#asking")
        assert "tasks.py" in shown
        assert "3 functions" in shown
        await person.press("enter")
        assert person.state.run is None
        assert not person.state.trusted


async def test_a_run_is_started_watched_and_its_log_read(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path), (160, 50)) as person:
        await person.press("R")
        await person.click("#asking", "Trust this folder")
        await person.until(lambda: person.state.run is not None and not person.state.run.live)
        assert person.state.run.state == "completed"
        assert person.state.place == "monitor"
        assert "100 %" in person.text("#strip")
        assert {now.state for now in person.state.nodes.values()} == {"completed"}
        assert "[1, 2, 3]" in person.text("#inspector")
        await person.press("8")
        await person.until(lambda: "loading data.csv" in person.text("#log"))
    async with sitting(tmp_path / "project.toml", (160, 50)) as person:
        assert person.state.trusted
        await person.until(lambda: person.state.nodes.get("load") is not None)
        assert "✓" in person.screen()
        await person.press("3")
        await person.until(lambda: "completed" in person.screen())
        await person.press("enter")
        assert person.state.place == "monitor"


async def test_the_cause_of_a_failure_is_one_key_away(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path, tasks=BROKEN_TASKS), (160, 50)) as person:
        await person.press("R", "o")
        await person.until(lambda: person.state.run is not None and not person.state.run.live)
        assert person.state.run.state == "failed"
        assert "✗" in person.text("#strip")
        await person.press("right_square_bracket")
        assert person.state.cursor == "clean"
        assert "KeyError" in person.text("#inspector")
        await person.press("8")
        assert "KeyError" in person.text("#log")
        await person.press("y")
        assert "Traceback" in person.app.clipboard


def gated(folder: Path) -> str:
    """Tasks of which the first waits until the file `go` is there."""
    gate = str(folder / "go")
    wait = f"    import os, time\n    while not os.path.exists({gate!r}):\n        time.sleep(0.01)\n"
    return TASKS.replace('    print("loading", path)\n', wait)


async def test_a_run_is_paused_resumed_and_canceled(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path, tasks=gated(tmp_path))) as person:
        await person.press("R", "o")
        await person.until(lambda: person.state.run is not None and person.state.run.state == "running")
        await person.press("space")
        await person.until(lambda: person.state.run.state == "paused")
        assert "go on" in person.text("#footer")
        await person.press("space")
        await person.until(lambda: person.state.run.state == "running")
        await person.press("X")
        assert modal(person) is Dialog
        assert person.app.screen.query_one(Asking).chosen == 0  # the answer that harms nothing
        await person.press("c")
        await person.pilot.pause(0.1)
        (tmp_path / "go").touch()  # a thread cannot be killed: it ends by itself, and the run with it
        await person.until(lambda: not person.state.run.live)
        assert person.state.run.state == "canceled"


async def test_leaving_during_a_run_asks_and_ends_it(tmp_path: Path) -> None:
    slow = TASKS.replace('    print("loading", path)\n', "    import time\n    time.sleep(30)\n")
    text = SMALL.replace('executor = "threads"', 'executor = "processes"')
    async with sitting(project_in(tmp_path, text, slow)) as person:
        await person.press("R", "o")
        await person.until(lambda: person.state.run is not None and "running" in person.state.run.counts)
        await person.press("ctrl+q")
        assert modal(person) is Dialog
        await person.press("l")
    from studio.past_runs import runs_in

    assert [run.state for run in runs_in(tmp_path)] == ["canceled"]


# -- bad input


async def test_a_paste_of_ten_megabytes_is_no_key_and_no_trouble(tmp_path: Path) -> None:
    from textual import events

    async with sitting(project_in(tmp_path)) as person:
        before = person.state
        person.app.post_message(events.Paste("R!qX" * 2_500_000))
        await person.pilot.pause()
        assert person.state is before


async def test_a_thousand_keys_are_taken_in_their_order(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path)) as person:
        from textual import events

        for _ in range(500):
            for key in ("right", "left"):
                person.app.post_message(events.Key(key, None))
        await person.until(lambda: True)
        await person.press("home")
        assert person.state.cursor == "load"


async def test_keys_that_come_faster_than_the_screen_are_never_pulled_back(tmp_path: Path) -> None:
    from textual import events

    needs = ["", *(f'"n{number}"' for number in range(39))]
    chain = "".join(f'[nodes.n{number}]\nshell = "x"\nneeds = [{needs[number]}]\n' for number in range(40))
    async with sitting(project_in(tmp_path, chain)) as person:
        for _ in range(25):
            person.app.post_message(events.Key("right", None))
        await person.until(lambda: person.state.cursor == person.editor.canvas.path == "n25")


async def test_another_project_can_be_opened_from_the_welcome(tmp_path: Path) -> None:
    other = project_in(tmp_path / "other", SMALL.replace('"small"', '"other"'))
    async with sitting(project_in(tmp_path / "one")) as person:
        person.app.session.dispatch(Asked("welcome"))
        await person.pilot.pause()
        assert person.state.place == "welcome"
        person.app.session.dispatch(ProjectChosen(other))
        await person.until(lambda: person.state.document.name == "other")
        assert "other" in person.text("#top")
