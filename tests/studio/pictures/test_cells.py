"""A grid is always exactly as wide as it says, whatever is put on it and wherever it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.draw.scene import Rect
from studio.pictures.cells import MAX_TONES, TONES, Grid, Row, tone
from studio.pictures.lettering import cut, letters


def rows_of(grid: Grid) -> list[str]:
    return [row.text for row in grid.rows()]


def cells_of(row: Row) -> int:
    return cell_len(row.text)


def test_what_lies_outside_is_cut_off() -> None:
    grid = Grid(Rect(10, 5, 4, 2))
    grid.put(8, 5, "abcdef", 0)
    grid.put(12, 6, "xyz", 0)
    grid.put(0, 4, "gone", 0)
    grid.put(14, 5, "gone", 0)
    assert rows_of(grid) == ["cdef", "  xy"]


def test_a_row_is_cut_where_the_tone_changes() -> None:
    red, blue = tone("failed"), tone("running", "runbg")
    grid = Grid(Rect(0, 0, 8, 1))
    grid.put(0, 0, "ab", red)
    grid.put(2, 0, "cd", blue)
    grid.put(6, 0, "ef", blue)
    assert grid.rows()[0].runs() == [("ab", red), ("cd", blue), ("  ", 0), ("ef", blue)]


def test_blanks_of_the_canvas_join_the_run_before_them() -> None:
    edge = tone("edge")
    grid = Grid(Rect(0, 0, 9, 1))
    for x in (2, 5):
        grid.put(x, 0, "│", edge)
    assert grid.rows()[0].runs() == [("  │  │   ", edge)]


def test_a_blank_in_reverse_video_is_seen_so_it_stays_a_run_of_its_own() -> None:
    loud = tone(reverse=True)
    grid = Grid(Rect(0, 0, 5, 1))
    grid.put(1, 0, "  ", loud)
    assert grid.rows()[0].runs() == [(" ", 0), ("  ", loud), ("  ", 0)]


def test_half_a_wide_character_becomes_a_blank() -> None:
    grid = Grid(Rect(0, 0, 6, 2))
    grid.write(0, 0, letters("漢字"), 0)
    grid.put(1, 0, "|", 0)
    grid.write(-1, 1, letters("漢字"), 0)
    assert rows_of(grid) == [" |字  ", " 字   "]


def test_a_wide_character_at_the_right_edge_does_not_stick_out() -> None:
    grid = Grid(Rect(0, 0, 3, 1))
    grid.write(0, 0, letters("漢字"), 0)
    assert rows_of(grid) == ["漢 "]


def test_the_same_rows_do_not_differ_and_others_say_where() -> None:
    one, other = Grid(Rect(0, 0, 20, 1)), Grid(Rect(0, 0, 20, 1))
    assert one.rows()[0].difference(other.rows()[0]) is None
    other.put(7, 0, "ab", 0)
    assert one.rows()[0].difference(other.rows()[0]) == (7, 9)
    other.tint(12, 0, 1, tone("failed"))
    assert one.rows()[0].difference(other.rows()[0]) == (7, 13)


@given(st.text("ab ", min_size=12, max_size=12), st.text("ab ", min_size=12, max_size=12))
def test_outside_of_their_difference_two_rows_are_the_same(one: str, other: str) -> None:
    first, second = Row(one, bytes(12)), Row(other, bytes(12))
    found = first.difference(second)
    if found is None:
        assert one == other
    else:
        start, stop = found
        assert one[:start] + one[stop:] == other[:start] + other[stop:]
        assert one[start] != other[start]
        assert one[stop - 1] != other[stop - 1]


texts = st.text(st.characters(blacklist_categories=()), max_size=12)


@given(st.lists(st.tuples(st.integers(-6, 24), st.integers(0, 2), texts), max_size=8))
def test_no_text_makes_a_row_wider_or_narrower(puts: list[tuple[int, int, str]]) -> None:
    grid = Grid(Rect(0, 0, 20, 3))
    for x, y, text in puts:
        grid.write(x, y, letters(text), tone("accent"))
    for row in grid.rows():
        assert cells_of(row) == 20
        assert "".join(text for text, _ in row.runs()) == row.text


@given(texts, st.integers(0, 14), st.booleans())
def test_a_cut_text_fits_and_is_whole_where_it_had_room(text: str, room: int, end: bool) -> None:
    cells = cut(text, room, end=end)
    assert len(cells) <= room
    if len(letters(text)) <= room:
        assert cells == letters(text)
    grid = Grid(Rect(0, 0, 16, 1))
    grid.write(0, 0, cells, 0)
    assert cells_of(grid.rows()[0]) == 16


@given(texts)
def test_nothing_that_a_terminal_obeys_is_left_in_a_text(text: str) -> None:
    shown = "".join(letters(text))
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029") & set(shown)


def test_every_character_takes_as_many_cells_as_textual_counts() -> None:
    for code in (*range(0x20, 0xD800), *range(0xE000, 0x20000)):
        cells = letters(f"a{chr(code)}b")
        assert cell_len("".join(cells)) == len(cells), hex(code)


def test_a_long_name_loses_its_middle_and_a_sentence_its_end() -> None:
    assert "".join(cut("load_customers_2024", 14)) == "load_cust…2024"
    assert "".join(cut("no space left on device", 12, end=True)) == "no space le…"
    assert "".join(cut("load_customers_2024", 14, ascii=True)) == "load_cust~2024"


def test_all_pictures_together_need_far_fewer_tones_than_there_may_be() -> None:
    from tests.studio.pictures.test_goldens import PENGUINS_NEWS, STATE_NEWS, STYLES, parts, penguins, stage

    for style in STYLES.values():
        for graph, news in ((parts(), STATE_NEWS), (penguins(), PENGUINS_NEWS)):
            for zoom in (1, 2, 3):
                made = stage(graph, style, 120, 40, news)
                made.zoom_to(type(made.zoom)(zoom))
                for box in range(len(graph.boxes)):
                    made.put(box)
                    made.select(box)
                    made.rows(0, 40)
    assert len(TONES) < MAX_TONES * 3 // 4
