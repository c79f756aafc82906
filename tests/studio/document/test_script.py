"""The lines of a project file as a drawer shows them: a change touches what it must, and colours are as if read anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.document import highlight
from studio.document.reader import outline
from studio.document.script import Script

pieces = st.sampled_from(['"""', "'''", "[nodes.a]\n", "x = 1\n", "\n", '"', "# y", "a", "任", "\t", "\x1b[2J", "\r"])
texts = st.lists(pieces, max_size=12).map("".join).map(lambda text: text.replace("\r", ""))
spots = st.tuples(st.integers(0, 15), st.integers(0, 12))


def agrees(script: Script, text: str) -> None:
    assert script.text == text
    assert script.rows == text.split("\n")
    assert script.spans == highlight.toml(text)
    assert script.places == outline(text)


@given(texts, texts)
def test_another_text_is_coloured_as_if_it_were_read_anew(before: str, after: str) -> None:
    script = Script()
    script.show(before)
    script.show(after)
    agrees(script, after)


@given(texts, st.lists(st.tuples(spots, spots, texts), max_size=5))
def test_what_is_written_by_hand_is_coloured_as_if_it_were_read_anew(text: str, acts: list[tuple[object, ...]]) -> None:
    script = Script()
    script.show(text)
    for start, end, new in acts:
        at = script.cut(start, end)  # type: ignore[arg-type]
        at = script.put(at, new)  # type: ignore[arg-type]
        assert at == script.within(at)
    agrees(script, "\n".join(script.rows))


def test_a_letter_touches_one_line_of_a_large_file() -> None:
    script = Script()
    text = "".join(f"[nodes.n{number}]\nshell = 'x'\n\n" for number in range(500))
    script.show(text)
    kept = script.spans[10]
    assert script.show(text.replace("[nodes.n3]\nshell = 'x'", "[nodes.n3]\nshell = 'xy'")) == (10, 11)
    assert script.spans[9] is not script.spans[10]
    assert script.spans[10] is not kept


def test_a_place_is_written_at_and_one_knows_where_it_ends() -> None:
    script = Script()
    script.show("ab\ncd")
    assert script.put((0, 1), "X\nYZ") == (1, 2)
    assert script.rows == ["aX", "YZb", "cd"]
    assert script.cut((0, 1), (2, 1)) == (0, 1)
    assert script.text == "ad"
    assert script.before((0, 0)) == (0, 0)
    assert script.after((0, 2)) == (0, 2)


def test_line_ends_stay_what_they_were() -> None:
    script = Script()
    script.show("a = 1\r\nb = 2\r\n")
    script.put((0, 5), "0\n")
    assert script.text == "a = 10\r\n\r\nb = 2\r\n"
