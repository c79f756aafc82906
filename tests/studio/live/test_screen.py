"""The live view fits every terminal, shows what it must, and hands on nothing that a terminal would obey."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.draw.text import width
from studio.front.paint import Paint
from studio.front.terminal import Terminal
from studio.live.board import Picture, Row
from studio.live.screen import draw

EVIL = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e[/nope][@click=quit]"


def paint(columns: int = 80, rows: int = 24, *, ascii: bool = False) -> Paint:
    return Paint(Terminal(live=True, colour=True, ascii=ascii, width=columns, height=rows))


def a_picture(*rows: Row, **more: object) -> Picture:
    facts: dict[str, object] = {
        "title": "penguins",
        "state": "running",
        "elapsed": 12.0,
        "rows": rows,
        "counts": {"running": len(rows), "ready": 3, "completed": 8, "failed": 1},
        "total": 12 + len(rows),
        "settled": 9,
        **more,
    }
    return Picture(**facts)  # type: ignore[arg-type]


def drawn(picture: Picture, columns: int = 80, rows: int = 24, *, ascii: bool = False) -> list[str]:
    return draw(picture, paint(columns, rows, ascii=ascii), columns, rows).plain.split("\n")


def test_at_80x24_a_row_has_name_bar_share_text_and_clock() -> None:
    lines = drawn(a_picture(Row("clean", "running", 1, 12.0, 0.5, "row 172"), Row("fit", "running", 2, 3.0)))
    assert lines == [
        "⠦ clean   ━━━━━━━━━━━───────────  50%  row 172                            12.0 s",
        "⠦ fit     attempt 2                                                        3.0 s",
        "",
        "penguins  ━━━━━━━━━━━━━━━━━━━━━────────────  9 of 14  ● 2  ○ 3  ✓ 8  ✗ 1  0:12",
        "Ctrl-C cancels",
    ]


def test_a_node_that_waits_to_try_again_says_when_and_why() -> None:
    (line, *_) = drawn(a_picture(Row("fetch", "retrying", 2, 3.5, None, "OSError: no route")))
    assert line.startswith("↻ fetch")
    assert "OSError: no route" in line
    assert line.endswith("again in 3.5 s")


def test_in_ascii_every_character_is_ascii() -> None:
    rows = (Row("任务", "running", 1, 1.0, 0.3, "任务"), Row("b", "retrying", 2, 1.0))
    for line in drawn(a_picture(*rows, trouble="disk full: 企鹅"), ascii=True):
        assert line.isascii(), line


def test_more_rows_than_room_are_counted() -> None:
    lines = drawn(a_picture(*(Row(f"n{number}", "running", 1, 1.0) for number in range(50))), 80, 10)
    assert len(lines) <= 9
    assert "and 45 more" in "\n".join(lines)


def test_a_full_disk_is_said_where_everybody_looks() -> None:
    lines = drawn(
        a_picture(Row("a", "running", 1, 1.0), trouble="cannot write journal.db: disk is full; free some space")
    )
    assert any(line.startswith("! cannot write journal.db") for line in lines)


rows = st.builds(
    Row,
    st.sampled_from(["a", "任务" * 30, "x" * 200, EVIL, "é" * 10, "👩‍👩‍👧" * 4, "e\u0301" * 50, "مشروع"]),
    st.sampled_from(["running", "retrying"]),
    st.integers(1, 12),
    st.floats(0, 1e6),
    st.none() | st.floats(0, 1),
    st.sampled_from(["", "text", EVIL, "长" * 200, "\t\n"]),
)


@given(
    st.lists(rows, max_size=30),
    st.integers(20, 240),
    st.integers(5, 60),
    st.booleans(),
    st.sampled_from(["", EVIL * 3]),
    st.none() | st.floats(0, 1e5),
)
def test_no_size_and_no_name_breaks_the_frame(
    found: list[Row], columns: int, height: int, ascii: bool, trouble: str, left: float | None
) -> None:
    lines = drawn(a_picture(*found, trouble=trouble, title=EVIL, left=left), columns, height, ascii=ascii)
    assert len(lines) < height
    for line in lines:
        assert width(line) <= columns, line
        assert not any(char in line for char in "\x1b\x07\x9b\u202e\t"), line


@pytest.mark.parametrize("state", ["running", "paused", "canceling", "completed"])
def test_every_state_of_a_run_can_be_drawn(state: str) -> None:
    assert drawn(a_picture(state=state))
