"""A strip that knows its row says the same as one of Textual's own segments, whole and cut."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from engine.draw.scene import Rect
from studio import theme
from studio.pictures.cells import TONES, Grid, tone
from studio.pictures.lettering import letters
from studio.widgets.picture_strip import Paints, PictureStrip
from studio.widgets.picture_view import style_of

CONSOLE = Console(color_system="truecolor", force_terminal=True)
PUTS = (tone("accent", bold=True), tone("failed", "failbg"), tone(reverse=True), tone("edge"), tone("bg", "critical"))


def paints() -> Paints:
    made = Paints()
    made.styles = [style_of(each, {}, theme.variables()) for each in TONES]
    return made


def screen(drawn: str) -> list[tuple[str, str]]:
    """What a terminal shows of it: each cell's character, and the sequences that hold for it and can be seen there. Of a
    blank one sees the ground, and its own colour only in reverse video."""
    found, holds = [], ""
    for codes, char in re.findall(r"\x1b\[([0-9;]*)m|(.)", drawn):
        if char:
            unseen = char == " " and not holds.startswith("7;")
            found.append((char, holds[holds.find("48;") :] if unseen else holds))
        else:
            holds = "" if codes == "0" else codes.removeprefix("0;")
    return found


def strips(puts: list[tuple[int, str, int]]) -> tuple[PictureStrip, Strip]:
    grid = Grid(Rect(0, 0, 24, 1))
    for x, text, which in puts:
        grid.write(x, 0, letters(text), PUTS[which])
    row, made = grid.rows()[0], paints()
    return PictureStrip(row, made), Strip([Segment(text, made.styles[number]) for text, number in row.runs()], 24)


puts = st.lists(
    st.tuples(st.integers(-3, 23), st.text("ab 漢é", max_size=8), st.integers(0, len(PUTS) - 1)), max_size=6
)


@given(puts)
def test_what_is_written_shows_the_same_cells_in_the_same_colours(made: list[tuple[int, str, int]]) -> None:
    ours, theirs = strips(made)
    assert screen(ours.render(CONSOLE)) == screen(theirs.render(CONSOLE))
    assert ours.render(CONSOLE).endswith("\x1b[0m")


@given(puts, st.integers(-2, 26), st.integers(-2, 26))
def test_a_cut_strip_is_the_same_too(made: list[tuple[int, str, int]], start: int, end: int) -> None:
    ours, theirs = strips(made)
    cut, wanted = ours.crop(start, end), theirs.crop(start, end)
    assert cut.cell_length == wanted.cell_length
    assert cut.text == wanted.text
    assert screen(cut.render(CONSOLE))[: len(cut.text)] == screen(wanted.render(CONSOLE))


@given(puts)
def test_segments_are_there_for_those_who_ask(made: list[tuple[int, str, int]]) -> None:
    ours, theirs = strips(made)
    assert list(ours) == list(theirs)
    assert ours.divide([10, 24])[1].text == theirs.divide([10, 24])[1].text
