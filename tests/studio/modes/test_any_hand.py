"""Whatever a hand does in whatever mode: an answer comes, there is a picture of it, and Esc leads out."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from studio.modes import addition, name, opening, selection
from studio.modes.addition import AddMode
from studio.modes.connection import ConnectMode, WireMode
from studio.modes.cut import CutMode
from studio.modes.kind import KindMode
from studio.modes.move import MoveMode, carry
from studio.modes.turn import Mode, Sight
from tests.studio.modes.desks import at_desk

PATHS = ["fetch", "load", "schema", "clean", "enough", "enough/then", "report", "report/render"]
BEGINNINGS: list[Callable[[Sight], Mode | None]] = [
    addition.add_after,
    addition.add_free,
    lambda sight: AddMode(opening.at(sight, 40, 12, "load")),
    lambda sight: addition.add_kind(sight, "map"),
    lambda sight: ConnectMode(sight.cursor or ""),
    lambda sight: WireMode(sight.cursor or "", 10, 10),
    lambda sight: CutMode(sight.cursor or ""),
    lambda sight: KindMode("wait", 10, 10),
    lambda sight: MoveMode((sight.cursor or "",), 10, 10, by_mouse=True),
    carry,
    lambda sight: selection.BandMode((1, 1), (9, 9)),
    lambda sight: selection.BandMode(anchor=sight.cursor),
    lambda _: selection.SelectMenu(),
    name.rename,
    name.note,
    name.group,
    name.extract,
]
KEYS = st.sampled_from(
    [
        "enter",
        "tab",
        "shift+tab",
        "left",
        "right",
        "up",
        "down",
        "pagedown",
        "home",
        "end",
        "backspace",
        "space",
        "a",
        "s",
        "d",
        "f",
        "o",
        "u",
        "é",
        "ß",
        "漢",
        "1",
        ".",
        "_",
        "-",
    ]
)
POINTS = st.tuples(st.sampled_from(["move", "drag", "drop", "click"]), st.integers(-3, 120), st.integers(-3, 40))


@settings(max_examples=80)
@given(st.sampled_from(PATHS), st.sampled_from(BEGINNINGS), st.lists(st.one_of(KEYS, POINTS), max_size=10))
def test_there_is_an_answer_and_a_picture(
    path: str, begin: Callable[[Sight], Mode | None], events: list[str | tuple[str, int, int]]
) -> None:
    one = at_desk(path)
    one.mode = begin(one.sight)
    for event in events:
        if one.mode is None:
            break
        one.press(event) if isinstance(event, str) else one.point(*event)
        if one.mode is not None:
            one.seen()
    if one.mode is not None:
        assert one.press("escape").mode is None
        assert one.turns[-1].edit is None
