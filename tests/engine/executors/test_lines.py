"""What is printed becomes lines, whatever it is and however it is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.executors.frames import FrameReader, Nonsense, frame
from engine.executors.lines import LONGEST, MOST_BYTES, MOST_LINES, LineGatherer

text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r"), max_size=30)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(n % (len(data) + 1) for n in at)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(text, max_size=40), text, st.lists(st.integers(0, 10_000), max_size=12))
def test_lines_are_the_same_however_the_bytes_were_cut(lines: list[str], last: str, at: list[int]) -> None:
    gatherer = LineGatherer()
    got: list[str] = []
    for piece in cut("".join(line + "\n" for line in lines).encode() + last.encode(), at):
        gatherer.feed(piece)
        got += gatherer.take()
    got += gatherer.take(last=True)
    assert got == [*lines, *([last] if last else [])]


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_no_bytes_are_too_strange(pieces: list[bytes]) -> None:
    gatherer = LineGatherer()
    for piece in pieces:
        gatherer.feed(piece)
    for line in gatherer.take(last=True):
        assert "\n" not in line
        line.encode("utf-8")


def test_a_long_line_is_cut_and_says_so() -> None:
    gatherer = LineGatherer()
    for _ in range(100):
        gatherer.feed(b"x" * 100_000)
    gatherer.feed(b"\nnext\n")
    first, second = gatherer.take()
    assert first == "x" * LONGEST + f" [{10_000_000 - LONGEST} bytes more]"
    assert second == "next"


def test_more_than_anybody_reads_is_left_out_and_counted() -> None:
    gatherer = LineGatherer()
    gatherer.feed(b"short\n" * 100_000 + b"begun")
    lines = gatherer.take()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1].startswith(f"[{100_000 - MOST_LINES} lines, ")
    gatherer.feed(b" and ended\n")
    assert gatherer.take() == ["begun and ended"]


def test_what_is_kept_between_two_looks_is_bounded() -> None:
    gatherer = LineGatherer()
    for _ in range(1000):
        gatherer.feed(b"y" * 5_000 + b"\n")
    assert sum(map(len, gatherer.take())) < MOST_BYTES + LONGEST + 200


@given(
    st.lists(st.tuples(st.binary(max_size=50), st.lists(st.binary(max_size=50), max_size=3)), max_size=8),
    st.sampled_from([0, 1, 20]),
    st.data(),
)
def test_frames_are_the_same_however_the_bytes_were_cut_and_wherever_large_parts_lie(
    messages: list[tuple[bytes, list[bytes]]], apart: int, data: st.DataObject
) -> None:
    stream = b"".join(piece for head, parts in messages for piece in map(bytes, frame(head, parts)))
    reader = FrameReader(apart)
    got: list[tuple[bytes, list[bytes]]] = []
    for piece in cut(stream, data.draw(st.lists(st.integers(0, 10_000), max_size=12))):
        reader.feed(piece)
        got += [(head, [bytes(part) for part in parts]) for head, parts in reader.take()]
    assert got == messages
    assert reader.is_empty()


@given(st.binary(max_size=100))
def test_nonsense_on_the_pipe_is_refused_or_waited_for(data: bytes) -> None:
    reader = FrameReader()
    reader.feed(b"\xff" * 8 + data)
    try:
        assert reader.take() == []
    except Nonsense:
        return
    raise AssertionError("a frame of four gigabytes was waited for")
