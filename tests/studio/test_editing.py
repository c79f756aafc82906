"""Drawing on the canvas of the studio, each gesture by its keys and by mouse, to the text of the project file."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from studio.widgets.graph_canvas import GraphCanvas
from studio.widgets.rail import Rail
from tests.studio.projects import SMALL, project_in
from tests.studio.test_studio import Person, _own_state, sitting  # noqa: F401 (a fixture)

GROUPS = """\
format = 1

[nodes.load]
shell = "echo rows"

[nodes.enough]
condition = "1 < 2"
needs = ["load"]

[nodes.enough.then]
shell = "echo yes"

[nodes.report]
kind = "sequential"
needs = ["enough"]

[nodes.report.nodes.render]
shell = "echo page"

[nodes.report.nodes.upload]
shell = "echo sent"

[nodes.last]
shell = "true"
needs = ["report"]
"""


class Drawer:
    """Someone who draws, by keys and by mouse."""

    def __init__(self, person: Person) -> None:
        self.person, self.pilot = person, person.pilot

    @property
    def canvas(self) -> GraphCanvas:
        return self.person.editor.canvas

    @property
    def nodes(self) -> dict[str, Any]:
        """The nodes of the file as it would be saved."""
        assert self.person.state.draft is not None
        found: dict[str, Any] = tomllib.loads(self.person.state.draft.text).get("nodes", {})
        return found

    async def press(self, *keys: str) -> None:
        await self.person.press(*keys)

    async def type(self, text: str) -> None:
        await self.press(*("space" if char == " " else char for char in text))

    def cell(self, path: str, right: int = 4, down: int = 0) -> tuple[int, int]:
        stage = self.canvas.stage
        box = stage.index[path]
        rect = stage.scene.rects[box]
        x = rect.right - 1 if right == PORT else rect.x + right
        return x - stage.corner.x, stage.scene.port_row(box) - stage.corner.y + down

    async def drag(self, start: tuple[int, int], *ways: tuple[int, int], **held: bool) -> None:
        await self.pilot.mouse_down(GraphCanvas, offset=start, **held)
        for way in ways:
            await self.pilot.hover(GraphCanvas, offset=way)
        await self.pilot.mouse_up(GraphCanvas, offset=ways[-1])
        await self.pilot.pause()

    async def click(self, place: tuple[int, int], **how: Any) -> None:
        await self.pilot.click(GraphCanvas, offset=place, **how)
        await self.pilot.pause()

    async def undo(self) -> None:
        await self.press("u")

    async def go(self, path: str) -> None:
        self.canvas.stage.go(path)
        self.canvas.tell_moved(None)
        await self.pilot.pause()

    @property
    def badge(self) -> str:
        return str(self.person.state.mode)


PORT = -1


@asynccontextmanager
async def drawing(folder: Path, text: str = SMALL, size: tuple[int, int] = (140, 40)) -> AsyncIterator[Drawer]:
    async with sitting(project_in(folder, text), size) as person:
        await person.until(lambda: person.state.document is not None and len(person.state.catalog.entries) > 12)
        yield Drawer(person)


async def test_add_by_search_and_by_the_other_button(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        await one.press("right", "a")
        assert one.badge == "ADD"
        await one.type("rep")
        await one.press("enter")
        assert one.nodes["report_2"] == {"task": "tasks:report", "inputs": {"rows": "clean"}}
        assert one.canvas.path == "report_2"
        assert one.badge == ""
        await one.undo()
        assert "report_2" not in one.nodes
        # by mouse: the other button on the node, and a row of the list
        await one.click(one.cell("load"), button=3)
        assert one.badge == "ADD"
        await one.type("repo")
        from studio.pictures.popup import place

        popup = one.canvas.mode.decided.look(one.canvas.mode.sight).popup  # type: ignore[union-attr]
        rect, corner = place(popup, one.canvas.stage.rect), one.canvas.stage.corner
        await one.click((rect.x - corner.x + 6, rect.y - corner.y + 4))
        assert one.nodes["report_2"]["inputs"] == {"rows": "load"}
        # freely: nothing leads to it
        await one.press("A")
        await one.type("load")
        await one.press("enter")
        assert one.nodes["load_2"] == {"task": "tasks:load"}


async def test_connect_by_letters_and_by_a_wire_and_cut_it_again(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        await one.press("c")
        assert one.badge == "CONNECT"
        letters = {box: badge.text for box, badge in one.canvas.mode._look().badges.items()}  # type: ignore[union-attr]
        await one.press(letters[one.canvas.stage.index["report"]])
        assert one.nodes["report"]["inputs"] == {"rows": ["clean", "load"]}
        await one.press("tab")  # the only argument is a list now; the other way is the order only
        assert one.nodes["report"] == {"task": "tasks:report", "inputs": {"rows": "clean"}, "needs": ["clean", "load"]}
        await one.undo()
        assert one.nodes["report"]["inputs"] == {"rows": "clean"}
        assert one.nodes["report"]["needs"] == ["clean"]
        # a wire out of the port
        await one.drag(one.cell("load", PORT), (60, 8), one.cell("report"))
        assert one.nodes["report"]["inputs"] == {"rows": ["clean", "load"]}
        await one.click(one.cell("report"), button=3)  # leaves, and is what it always is
        assert one.badge == "ADD"
        await one.press("escape")
        # cut: of the edges of `load`, the second one
        await one.go("load")
        await one.press("C")
        assert one.badge == "CUT"
        await one.press("s")
        assert one.nodes["report"]["inputs"] == {"rows": ["clean"]}
        # where it may not lead, it says why and nothing happens
        before = one.nodes
        await one.drag(one.cell("report", PORT), one.cell("load"))
        assert one.nodes == before


async def test_a_mode_is_over_when_another_pane_has_the_keys(tmp_path: Path) -> None:
    async with drawing(tmp_path, size=(160, 40)) as one:
        await one.press("c")
        assert one.badge == "CONNECT"
        await one.pilot.click("#inspector", offset=(5, 3))
        await one.pilot.pause()
        assert one.badge == ""
        assert one.person.state.focus in ("inspector", "field")


async def test_a_wire_dropped_on_nothing_adds_what_it_leads_to(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        x, y = one.cell("load", PORT)
        await one.drag((x, y), (x + 10, y + 8))
        assert one.badge == "ADD"
        await one.type("repo")
        await one.press("enter")
        assert one.nodes["report_2"]["inputs"] == {"rows": "load"}
        assert one.person.state.places["report_2"]


async def test_insert_on_an_edge_by_key_and_by_dropping_a_node(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        await one.press("i")
        await one.type("clean")
        await one.press("enter")
        assert one.nodes["clean_2"]["inputs"] == {"rows": "load"}
        assert one.nodes["clean"]["inputs"] == {"rows": "clean_2"}
        await one.undo()
        await one.press("A")
        await one.type("clean")
        await one.press("enter")
        x, y = one.cell("clean", -3)
        start = one.cell("clean_2", 4)
        await one.drag(start, (x, y), (x, y))
        assert one.nodes["clean_2"]["inputs"] == {"rows": "load"}
        assert one.nodes["clean"]["inputs"] == {"rows": "clean_2"}


async def test_delete_heals_and_the_cursor_goes_to_the_left(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        await one.press("right", "x")
        assert list(one.nodes) == ["load", "report"]
        assert one.nodes["report"]["inputs"] == {"rows": "load"}
        assert one.canvas.path == "load"
        await one.undo()
        assert "clean" in one.nodes
        await one.press("*", "delete")
        assert one.nodes == {}
        assert one.canvas.path is None
        assert "a adds one" in one.person.screen()
        await one.press("a")
        await one.type("load")
        await one.press("enter")
        assert list(one.nodes) == ["load"]


async def test_move_by_arrows_and_by_drag_is_one_step_and_tidy_lets_go(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        await one.press("right", "m", "down", "down", "down")
        assert one.badge == "MOVE"
        await one.press("enter")
        assert set(one.person.state.places) == {"clean"}
        assert "=" in one.person.screen()
        x, y = one.cell("clean")
        await one.drag((x, y), (x, y + 2), (x, y + 4), (x, y + 6))
        assert one.cell("clean") == (x, y + 6)
        await one.undo()
        assert one.cell("clean") == (x, y)
        await one.press("=")
        assert one.person.state.places == {}


async def test_tidy_puts_the_selection_where_it_fits_and_leaves_the_rest(tmp_path: Path) -> None:
    async with drawing(tmp_path, SMALL + "\n[studio.places]\nload = [0, 2]\nclean = [1, 14]\nreport = [2, 9]\n") as one:
        rows = {name: one.cell(name)[1] for name in ("load", "clean", "report")}
        assert rows["clean"] - rows["load"] == 12
        await one.go("clean")
        await one.press("space", "=")
        assert set(one.person.state.places) == {"load", "report"}
        assert one.cell("report")[1] - one.cell("load")[1] == rows["report"] - rows["load"]
        assert one.cell("clean")[1] == one.cell("load")[1]


async def test_select_by_space_band_menu_and_mouse_and_act_on_all(tmp_path: Path) -> None:
    async with drawing(tmp_path, GROUPS) as one:
        stage = one.canvas.stage

        def chosen() -> set[str]:
            return {stage.graph.boxes[box].path for box in stage.view.selected}

        await one.press("space", "right", "space")
        assert chosen() == {"load", "enough"}
        await one.press("escape")
        await one.press("v", "right", "enter")
        assert chosen() == {"enough", "report"}
        await one.go("enough")
        await one.press("s", "d")
        assert chosen() == {"enough", "report", "last"}
        x, y = one.cell("load", -2, -4)
        await one.drag((x, y), one.cell("load", 3, 2))
        assert chosen() == {"load"}
        await one.click(one.cell("last"), shift=True)
        assert chosen() == {"load", "last"}
        await one.press("B")
        assert [one.nodes[name]["enabled"] for name in ("load", "last")] == [False, False]
        await one.press("B")
        assert "enabled" not in one.nodes["load"]


async def test_copy_cut_paste_and_duplicate_also_from_another_project(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        await one.press("right", "y", "p")
        assert one.nodes["clean_2"] == {"task": "tasks:clean"}
        await one.go("clean")
        await one.press("Y", "p")
        assert one.nodes["clean_3"] == {"task": "tasks:clean", "inputs": {"rows": "load"}}
        await one.go("clean")
        await one.press("d")
        assert one.nodes["clean_4"]["inputs"] == {"rows": "load"}
        await one.go("clean_3")
        await one.press("ctrl+x")
        assert "clean_3" not in one.nodes
        from textual import events

        one.canvas.post_message(events.Paste('[nodes.other]\nshell = "echo"\n'))
        await one.pilot.pause()
        assert one.nodes["other"] == {"shell": "echo"}
        one.canvas.app.post_message(events.Paste('[nodes.returned]\rshell = "echo"\r'))  # as terminals send it
        await one.pilot.pause()
        assert one.nodes["returned"] == {"shell": "echo"}
        await one.press("u")
        one.canvas.post_message(events.Paste("xxxx"))
        await one.pilot.pause()
        assert len(one.nodes) == 6


async def test_group_ungroup_extract_dive_rename_and_note(tmp_path: Path) -> None:
    async with drawing(tmp_path) as one:
        await one.press("right", "space", "right", "space", "(")
        assert one.badge == "GROUP"
        await one.type("both")
        await one.press("tab", "enter")
        assert one.nodes["both"]["kind"] == "sequential"
        assert set(one.nodes["both"]["nodes"]) == {"clean", "report"}
        await one.press("D")
        await one.type("pair")
        await one.press("enter")
        assert "pair" in one.nodes
        assert one.canvas.path == "pair"
        await one.press(")")
        assert {"clean", "report"} <= set(one.nodes)
        await one.go("clean")
        await one.press("t")
        await one.type("slow")
        await one.press("enter")
        assert one.nodes["clean"]["notes"] == "slow"
        assert "slow" in one.person.screen()
        await one.press("X")
        await one.type("cleaning")
        await one.press("enter")
        assert one.nodes["cleaning"]["workflow"] == "cleaning"
        # and edit inside of it
        await one.go("cleaning")
        await one.press("O", "a")
        await one.type("repo")
        await one.press("enter")
        text = tomllib.loads(one.person.state.draft.text)  # type: ignore[union-attr]
        assert set(text["workflows"]["cleaning"]["nodes"]) == {"clean", "report"}


async def test_branches_and_groups_are_filled_where_they_are(tmp_path: Path) -> None:
    async with drawing(tmp_path, GROUPS) as one:
        await one.go("enough/else")
        await one.press("enter")
        assert "Add as else of enough" in one.person.screen()
        await one.press("escape", "a")
        assert "Add as else of enough" in one.person.screen()
        await one.type("shell")
        await one.press("enter")
        assert one.nodes["enough"]["else"] == {"shell": "echo hello"}
        await one.go("enough/then")
        await one.press("a")
        await one.type("wait")
        await one.press("enter")
        assert one.nodes["enough"]["then"]["kind"] == "sequential"
        assert list(one.nodes["enough"]["then"]["nodes"]) == ["first", "wait"]
        await one.go("report/render")
        await one.press("a")
        await one.type("wait")
        await one.press("enter")
        assert list(one.nodes["report"]["nodes"]) == ["render", "wait", "upload"]
        # a node goes into a group by drag, and out of it
        await one.drag(one.cell("last"), one.cell("report/upload"), one.cell("report/upload"))
        assert one.nodes["report"]["nodes"]["last"] == {"shell": "true"}  # it does not wait for what it is in
        await one.drag(one.cell("report/wait"), (3, 2), (2, 2))
        assert "wait" in one.nodes
        # wrapped where it stands
        await one.go("load")
        assert one.canvas.ask("wrap.map")
        await one.pilot.pause()
        assert one.nodes["load"]["map"] == [1, 2, 3]


@pytest.mark.parametrize("drop", [None, "bare", "edge", "group", "gap"])
async def test_the_rail_gives_kinds_by_click_and_by_drag(tmp_path: Path, drop: str | None) -> None:
    async with drawing(tmp_path, GROUPS) as one:
        rail = one.person.editor.query_one(Rail)
        row = next(y for y in range(rail.size.height) if "◔" in rail.render_line(y).text)
        await one.pilot.mouse_down(Rail, offset=(1, row))
        if drop is None:
            await one.pilot.mouse_up(Rail, offset=(1, row))
        else:
            places = {"bare": (20, 3), "edge": one.cell("enough", -3), "group": one.cell("report/render")}
            places["gap"] = one.cell("enough/else")
            for _ in range(2):
                await one.pilot.hover(GraphCanvas, offset=places[drop])
            await one.pilot.mouse_up(GraphCanvas, offset=places[drop])
        await one.pilot.pause()
        if drop == "gap":
            assert one.nodes["enough"]["else"] == {"wait": {"for": "5s"}}
        elif drop == "group":
            assert list(one.nodes["report"]["nodes"]) == ["render", "wait", "upload"]
        else:
            needs = {None: ["load"], "bare": None, "edge": ["load"]}[drop]
            assert one.nodes["wait"].get("needs") == needs
            assert one.nodes["enough"]["needs"] == (["wait"] if drop == "edge" else ["load"])


CASES = """\
format = 1

[nodes.pick]
switch = "${env:USER}"
[nodes.pick.cases.a]
shell = "true"
[nodes.pick.else]
shell = "true"

[nodes.other]
workflow = "other.toml"
"""


async def test_a_case_more_and_a_workflow_of_a_file_of_its_own_is_only_looked_at(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('format = 1\n[nodes.inner]\nshell = "true"\n', encoding="utf-8")
    async with drawing(tmp_path, CASES) as one:
        assert "another case" in one.person.screen()
        await one.go("pick/+")
        await one.press("a")
        await one.type("wait")
        await one.press("enter")
        assert set(one.nodes["pick"]["cases"]) == {"a", "wait"}
        assert one.canvas.path == "pick/wait"
        await one.go("other")
        await one.press("O")
        await one.person.until(lambda: one.canvas.path == "inner")
        before = one.person.state.draft
        await one.press("a", "x", "c", "d")
        assert one.badge == ""
        assert one.person.state.draft is before
        assert any("file of its own" in told.message for told in one.person.app._notifications)
