"""A picture view asks for rows, compares them with what is shown, and sends what differs."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.geometry import Region

from engine.draw.scene import Rect
from studio import theme
from studio.pictures.cells import Grid, Row, Tone, tone
from studio.widgets.picture_view import PictureView, _bands, style_of


class Counting(PictureView):
    """A picture whose every row is a number."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = [0] * 100
        self.asked: list[tuple[int, int]] = []
        self.sent: list[Region] = []

    def paint(self, first: int, count: int) -> Sequence[Row]:
        self.asked.append((first, count))
        grid = Grid(Rect(0, first, self.size.width, count))
        for y in range(first, first + count):
            grid.put(2, y, str(self.numbers[y]), tone("accent"))
        return grid.rows()

    def refresh(self, *regions: Region, **more):
        self.sent.extend(regions)
        return super().refresh(*regions, **more)


class Viewer(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.view = Counting()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variables()

    def compose(self) -> ComposeResult:
        yield self.view


async def test_only_the_part_of_a_row_that_differs_is_sent() -> None:
    app = Viewer()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        app.view.sent.clear()
        app.view.numbers[3] = 7
        app.view.repaint()
        assert app.view.sent == [Region(2, 3, 1, 1)]
        assert app.view.render_line(3).text.strip() == "7"


async def test_only_the_rows_asked_for_are_painted() -> None:
    app = Viewer()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        app.view.asked.clear()
        app.view.repaint({2, 3, 9, 400, -4})
        assert app.view.asked == [(2, 2), (9, 1)]


async def test_where_most_changed_all_is_sent_in_one_piece() -> None:
    app = Viewer()
    async with app.run_test(size=(8, 12)) as pilot:
        await pilot.pause()
        app.view.numbers = [123456] * 100
        app.view.sent.clear()
        app.view.repaint()
        assert app.view.sent == [Region(0, 0, 8, 12)]


async def test_several_changes_cost_one_painting() -> None:
    app = Viewer()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        app.view.asked.clear()
        with app.view.at_once():
            app.view.repaint()
            app.view.repaint({1})
            app.view.repaint()
        assert app.view.asked == [(0, 12)]


async def test_a_strip_is_kept_until_its_row_changes() -> None:
    app = Viewer()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        before = app.view.render_lines(Region(0, 0, 40, 12))
        app.view.numbers[5] = 1
        app.view.repaint()
        after = app.view.render_lines(Region(0, 0, 40, 12))
        assert [one is other for one, other in zip(before, after, strict=True)] == [y != 5 for y in range(12)]


async def test_rows_below_the_picture_are_blank() -> None:
    app = Viewer()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert app.view.render_line(99).text == " " * 40


def test_rows_near_each_other_are_painted_together() -> None:
    assert _bands([5, 6, 8, 20, 3], 30) == [(3, 6), (20, 1)]
    assert _bands([], 30) == []


def test_a_colour_that_is_none_gives_way_to_our_own() -> None:
    style = style_of(Tone("accent", "bg", bold=True), {"primary": "no colour at all"}, theme.variables())
    assert style.color is not None
    assert style.color.triplet is not None
    assert style.color.triplet.hex == theme.colour(theme.DARK, "accent")
    assert style.bold


def test_without_colour_weight_and_reverse_are_left() -> None:
    style = style_of(Tone("failed", "failbg", bold=True, reverse=True), {}, {}, colour=False)
    assert (style.color, style.bgcolor, style.bold, style.reverse) == (None, None, True, True)
