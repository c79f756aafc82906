"""Each act of the canvas by its key and by mouse, in a Textual app without a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from engine.draw.scene import Form, Graph, Zoom
from studio import theme
from studio.actions import Action, CameOut, CursorMoved, ModeChanged, NodeOpened, WentIn
from studio.notices import Notice
from studio.pictures.cells import TONES
from studio.state import NodeNow
from studio.widgets.graph_canvas import FRAMES, GraphCanvas
from tests.studio.graphs import PENGUINS_NEWS, layered, penguins


class Canvas(App[None]):
    """An app with a canvas, which keeps what the canvas told."""

    def __init__(self, canvas: GraphCanvas) -> None:
        super().__init__()
        self.canvas = canvas
        self.told: list[Action] = []
        self.left_over: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variables()

    def compose(self) -> ComposeResult:
        yield self.canvas

    def on_mount(self) -> None:
        for each in theme.textual_themes():
            self.register_theme(each)
        self.theme = theme.DARK
        self.canvas.focus()

    def on_notice(self, notice: Notice) -> None:
        self.told.append(notice.action)

    def on_key(self, event) -> None:
        self.left_over.append(event.key)


class Person:
    """Somebody at the keys and the mouse."""

    def __init__(self, pilot: Pilot[None], app: Canvas) -> None:
        self.pilot, self.app, self.canvas = pilot, app, app.canvas

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    @property
    def path(self) -> str | None:
        return self.canvas.path

    @property
    def mode(self) -> ModeChanged:
        """What the canvas said last of its mode."""
        return next(action for action in reversed(self.app.told) if isinstance(action, ModeChanged))

    @property
    def shown(self) -> str:
        return "\n".join(row.text for row in self.canvas._rows)

    def place(self, path: str, right: int = 4) -> tuple[int, int]:
        """A cell of a node on the screen, in its port row."""
        stage = self.canvas.stage
        box = stage.index[path]
        return (
            stage.scene.rects[box].x - stage.corner.x + right,
            stage.scene.port_row(box) - stage.corner.y,
        )

    async def click(self, path: str, right: int = 4, **more) -> None:
        await self.pilot.click(GraphCanvas, offset=self.place(path, right), **more)


@asynccontextmanager
async def person(graph: Graph | None = None, size: tuple[int, int] = (120, 40), **more) -> AsyncIterator[Person]:
    app = Canvas(GraphCanvas(graph or penguins(), **more))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Person(pilot, app)


Someone = Callable[..., AbstractAsyncContextManager[Person]]


@pytest.mark.parametrize(("right", "left"), [("right", "left"), ("l", "h")])
async def test_arrows_and_letters_move_along_the_edges(right: str, left: str) -> None:
    async with person() as one:
        assert one.path == "fetch"
        await one.press(right, right)
        assert one.path == "clean"
        await one.press(left)
        assert one.path == "load"
        assert one.app.told == [CursorMoved("load"), CursorMoved("clean"), CursorMoved("load")]


async def test_up_and_down_and_the_ends() -> None:
    async with person() as one:
        await one.press("l", "j")
        assert one.path == "schema"
        await one.press("k")
        assert one.path == "load"
        await one.press("G")
        assert one.path == "report"
        await one.press("g")
        assert one.path == "report"
        await one.press("g")
        assert one.path == "fetch"
        await one.press("end", "home")
        assert one.path == "fetch"


async def test_zoom_by_keys() -> None:
    async with person() as one:
        await one.press("minus")
        assert one.canvas.zoom is Zoom.LINE
        await one.press("minus", "minus")
        assert one.canvas.zoom is Zoom.DOT
        await one.press("plus")
        assert one.canvas.zoom is Zoom.LINE
        await one.press("z", "z")
        assert one.canvas.zoom is Zoom.CARD
        await one.press("minus", "full_stop")
        assert one.canvas.zoom is Zoom.CARD


async def test_fold_by_key_and_by_a_click_on_the_kind() -> None:
    async with person() as one:
        stage = one.canvas.stage
        await one.press("l", "l", "l")
        assert one.path == "per_island"
        await one.press("o")
        assert stage.forms[stage.index["per_island"]] is Form.OPEN
        await one.press("o", "o")
        assert stage.forms[stage.index["per_island"]] is Form.LISTED
        x, y = one.place("per_island", 2)
        await one.pilot.click(GraphCanvas, offset=(x, y - 1))
        assert stage.forms[stage.index["per_island"]] is Form.OPEN


async def test_going_in_and_coming_out_is_told() -> None:
    async with person() as one:
        one.canvas.go("monthly")
        await one.press("O", "backspace")
        assert one.app.told == [WentIn("monthly"), CameOut()]


async def test_enter_and_a_double_click_open_a_node() -> None:
    async with person() as one:
        await one.press("enter")
        await one.click("clean", times=2)
        assert one.app.told == [NodeOpened("fetch"), CursorMoved("clean"), NodeOpened("clean")]


async def test_a_double_click_on_a_sub_workflow_goes_in() -> None:
    async with person() as one:
        await one.click("monthly", times=2)
        assert one.app.told[-1] == WentIn("monthly")


async def test_a_click_puts_the_cursor_and_with_shift_it_selects() -> None:
    async with person() as one:
        await one.click("archive")
        assert one.path == "archive"
        await one.click("load", shift=True)
        assert one.path == "archive"
        assert set(one.canvas.stage.view.selected) == {one.canvas.stage.index["load"]}
        await one.press("escape")
        assert not one.canvas.stage.view.selected


async def test_space_selects_and_takes_back() -> None:
    async with person() as one:
        await one.press("space", "l", "space")
        assert len(one.canvas.stage.view.selected) == 2
        await one.press("space")
        assert len(one.canvas.stage.view.selected) == 1


async def test_the_neighbourhood_by_key_and_esc_shows_all() -> None:
    async with person() as one:
        await one.press("l", "Z")
        assert "enough" not in one.shown
        await one.press("Z")
        assert "archive" in one.shown
        await one.press("escape")
        assert "upload" in one.shown
        assert one.path == "load"


async def test_finding_shows_matches_while_one_types_and_says_how_to_leave() -> None:
    async with person() as one:
        await one.press("slash", *"re")
        assert "re" in one.shown.splitlines()[-1]
        assert "1 of 4" in one.shown
        assert ("escape", "clear") in one.mode.keys
        await one.press("enter")
        assert one.mode == ModeChanged()
        assert one.path == "per_island/score"
        await one.press("n")
        assert one.path == "report"
        await one.press("N", "N")
        assert one.path == "report/review"
        await one.press("escape")
        assert not one.canvas.stage.view.matches


async def test_while_finding_letters_are_letters() -> None:
    async with person() as one:
        await one.press("slash", "z", "q", "O", "backspace", "backspace", "backspace", "f", "e")
        assert one.canvas.zoom is Zoom.CARD
        assert one.canvas.mode.wanted == "fe"
        assert {type(action) for action in one.app.told} == {ModeChanged}
        await one.press("escape", "z")
        assert one.canvas.zoom is Zoom.LINE


async def test_nothing_found_is_said_and_the_cursor_is_where_it_was() -> None:
    async with person() as one:
        await one.press("slash", "n")
        assert one.path == "clean"
        await one.press(*"ope")
        assert "nothing has this in its name" in one.shown
        assert one.path == "fetch"


async def test_leaving_a_search_goes_back_to_where_it_began() -> None:
    async with person() as one:
        await one.press("l", "slash", *"upload")
        assert one.path == "report/upload"
        await one.press("escape")
        assert one.path == "load"


async def test_pasted_text_is_text_to_find_and_runs_no_keys() -> None:
    from textual.events import Paste

    async with person() as one:
        one.canvas.post_message(Paste("zzz"))
        await one.pilot.pause()
        assert one.canvas.zoom is Zoom.CARD
        await one.press("slash")
        one.canvas.post_message(Paste("clean\nzq"))
        await one.pilot.pause()
        assert one.canvas.mode.wanted == "clean"
        assert one.path == "clean"


async def test_jumping_by_a_letter() -> None:
    async with person() as one:
        await one.press("f")
        badges = one.canvas.stage.view.badges
        assert one.mode == ModeChanged("JUMP", (("a-z", "node"), ("escape", "leave")))
        await one.press(badges[one.canvas.stage.index["archive"]])
        assert one.path == "archive"
        assert not one.canvas.stage.view.badges
        await one.press("f", "escape")
        assert one.path == "archive"
        assert one.canvas.mode is None


async def test_jumping_by_pairs_of_letters_where_there_are_many_nodes() -> None:
    graph = layered(200, 10)
    async with person(graph, (160, 50)) as one:
        await one.press("f")
        badges = one.canvas.stage.view.badges
        box, badge = list(badges.items())[30]
        assert len(badge) == 2
        await one.press(*badge)
        assert one.path == graph.boxes[box].path


async def test_the_wheel_pans_and_a_drag_does_too() -> None:
    graph = layered(300, 15)
    async with person(graph, (80, 24), where="monitor") as one:
        one.canvas.stage.zoom_to(Zoom.CARD)
        one.canvas.repaint()
        before = one.canvas.stage.corner
        await one.pilot._post_mouse_events([_scroll_down()], GraphCanvas, offset=(10, 10), button=0)
        assert one.canvas.stage.corner.y == before.y + 3
        await one.pilot.mouse_down(GraphCanvas, offset=(40, 12))
        await one.pilot.hover(GraphCanvas, offset=(30, 8))
        await one.pilot.mouse_up(GraphCanvas, offset=(30, 8))
        assert one.canvas.stage.corner.x == before.x + 10
        assert one.canvas.stage.corner.y == before.y + 7
        assert one.app.told == []


def _scroll_down():
    from textual.events import MouseScrollDown

    return MouseScrollDown


async def test_the_pointer_raises_a_node_and_after_a_while_tells_more() -> None:
    async with person() as one:
        await one.pilot.hover(GraphCanvas, offset=one.place("archive"))
        assert one.canvas.stage.view.hover == one.canvas.stage.index["archive"]
        one.canvas.pointer.rest_on(one.canvas.stage.index["archive"])
        assert "after 1, before 0" in one.shown
        await one.pilot.hover(GraphCanvas, offset=(1, 1))
        assert one.canvas.stage.view.hover is None
        assert "after 1, before 0" not in one.shown


async def test_the_map_comes_and_goes_and_a_click_on_it_moves_the_view() -> None:
    graph = layered(300, 15)
    async with person(graph, (120, 40)) as one:
        await one.press("M")
        spot = one.canvas.stage.map_spot
        assert spot is not None
        assert " map " in one.shown
        before = one.canvas.stage.corner
        await one.pilot.click(GraphCanvas, offset=(spot.right - 3, spot.bottom - 2))
        assert one.canvas.stage.corner != before
        await one.press("M")
        assert " map " not in one.shown


async def test_keys_that_are_not_for_the_canvas_are_left_to_others() -> None:
    async with person() as one:
        await one.press("q", "R", "exclamation_mark", "l")
        assert one.app.left_over == ["q", "R", "exclamation_mark"]


async def test_in_the_monitor_space_is_not_for_selecting() -> None:
    async with person(where="monitor") as one:
        await one.press("space")
        assert one.app.left_over == ["space"]
        one.canvas.where = "editor"
        await one.press("space")
        assert len(one.canvas.stage.view.selected) == 1


async def test_a_person_can_give_the_canvas_other_keys() -> None:
    from studio.keymap import keymap

    async with person(actions=keymap({"zoom.next": ("w",)})) as one:
        await one.press("z")
        assert one.canvas.zoom is Zoom.CARD
        await one.press("w")
        assert one.canvas.zoom is Zoom.LINE


async def test_only_rows_that_changed_are_sent() -> None:
    async with person() as one:
        sent: list[int] = []
        real = one.canvas.refresh

        def refresh(*regions, **more):
            sent.extend(y for region in regions for y in range(region.y, region.bottom))
            return real(*regions, **more)

        one.canvas.refresh = refresh  # type: ignore[method-assign]
        one.canvas.tell({"archive": NodeNow("completed", seconds=1.0)})
        _, y = one.place("archive")
        assert set(sent) == {y, y + 1}
        sent.clear()
        one.canvas.repaint()
        assert sent == []


async def test_news_are_gathered_and_painted_at_most_at_the_frame_rate() -> None:
    async with person() as one:
        painted: list[float] = []
        real = one.canvas._paint_news

        def paint(*more) -> None:
            painted.append(one.canvas._painted)
            real(*more)

        one.canvas._paint_news = paint  # type: ignore[method-assign]
        one.canvas.tell(PENGUINS_NEWS)
        for number in range(500):
            news = PENGUINS_NEWS | {"fetch": NodeNow("completed", seconds=float(number))}
            one.canvas.advance(news, {"fetch"})
        assert len(painted) <= 1
        one.canvas._tick()
        one.canvas._tick()
        assert "8:19" in one.shown
        assert FRAMES <= 30


async def test_a_spinner_turns_while_something_runs_and_stops_then() -> None:
    async with person() as one:
        one.canvas.tell({"load": NodeNow("running")})
        one.canvas._tick()
        one.canvas._tick()
        assert any(char in one.shown for char in theme.SPINNER)
        one.canvas.advance({"load": NodeNow("completed", seconds=1.0)}, {"load"})
        one.canvas._tick()
        one.canvas._tick()
        assert not any(char in one.shown for char in theme.SPINNER)
        assert not one.canvas._runs()


async def test_without_animations_nothing_turns() -> None:
    async with person() as one:
        one.app.animation_level = "none"
        one.canvas.tell({"load": NodeNow("running")})
        one.canvas._tick()
        one.canvas._tick()
        assert not any(char in one.shown for char in theme.SPINNER)
        assert "●" in one.shown


async def test_colours_follow_the_theme() -> None:
    async with person() as one:
        dark = one.canvas.styles_of_tones()[0]
        one.app.theme = theme.LIGHT
        await one.pilot.pause()
        light = one.canvas.styles_of_tones()[0]
        assert light.color != dark.color
        assert str(light.color).lower().find("1b2130") >= 0 or light.color.triplet.hex == "#1b2130"


async def test_a_theme_of_others_has_all_our_colours_too() -> None:
    async with person() as one:
        for name in list(one.app.available_themes):
            one.app.theme = name
            await one.pilot.pause()
            assert len(one.canvas.styles_of_tones()) == len(TONES)


async def test_without_colour_no_colour_is_sent() -> None:
    async with person(colour=False) as one:
        one.canvas.tell(PENGUINS_NEWS)
        for strip in one.canvas.render_lines(one.canvas.size.region):
            for segment in strip:
                assert segment.style is None or (segment.style.color is None and segment.style.bgcolor is None)


async def test_a_graph_that_changes_under_the_cursor_is_told() -> None:
    graph = penguins()
    async with person(graph) as one:
        await one.press("l")
        one.canvas.show(Graph(boxes=graph.boxes[:1]))
        await one.pilot.pause()
        assert one.path == "fetch"
        assert one.app.told[-1] == CursorMoved("fetch")


async def test_an_empty_canvas_says_what_belongs_here() -> None:
    async with person(Graph(boxes=[])) as one:
        one.canvas.show(Graph())
        one.canvas.say_when_empty("No nodes yet", "T opens the TOML")
        await one.pilot.pause()
        assert "No nodes yet" in one.shown
        await one.press("l", "G", "z", "o", "f", "Z", "full_stop", "enter", "escape", "J")
        assert one.path is None


async def test_any_size_down_to_one_cell_and_back() -> None:
    async with person() as one:
        for size in ((1, 1), (2, 40), (240, 60), (60, 16), (120, 40)):
            await one.pilot.resize_terminal(*size)
            await one.pilot.pause()
            assert all(strip.cell_length == size[0] for strip in one.canvas.render_lines(one.canvas.size.region))
        assert one.path == "fetch"
        assert "clean" in one.shown
