"""How large a box is, by zoom and form, and what the rows of a listed group hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.draw.scene import Box, Form, Graph, Zoom
from engine.draw.text import width as text_width

CARD_LEAST, CARD_MOST = 12, 28
CARD_ROWS = 3
CARD_EXTRA = 8
"""Cells of a card besides its name: frame, kind, state and the space around them."""
NOTE_MOST = 18
"""A card grows for its note up to this width."""
LINE_EXTRA = 6
LISTED_MOST = 8
"""A group with more children than this is closed unless somebody opens it."""


class Row(NamedTuple):
    """A row inside a listed frame: a note (`box` is the group), a rule with a lane's title, or a child."""

    what: str
    box: int
    text: str = ""


def children(graph: Graph) -> dict[int, list[int]]:
    """The children of every group, in order."""
    found: dict[int, list[int]] = {}
    for index, box in enumerate(graph.boxes):
        if box.group:
            found[index] = []
        if box.parent >= 0:
            found.setdefault(box.parent, []).append(index)
    return found


def default_forms(graph: Graph) -> dict[int, Form]:
    """Groups at the top are listed while they have few children; all others are closed."""
    return {
        group: Form.LISTED if graph.boxes[group].parent < 0 and 0 < len(inside) <= LISTED_MOST else Form.CLOSED
        for group, inside in children(graph).items()
    }


def listed_rows(boxes: Sequence[Box], group: int, inside: Sequence[int]) -> list[Row]:
    """The rows between the borders of a listed group, top to bottom."""
    found: list[Row] = []
    box = boxes[group]
    if box.note:
        found.append(Row("note", group, box.note))
    lane = -1
    for child in inside:
        if box.lanes and boxes[child].lane != lane:
            lane = boxes[child].lane
            found.append(Row("rule", group, box.lanes[lane]))
        found.append(Row("child", child, boxes[child].name))
    if not box.note and box.lanes:
        found.insert(0, Row("note", group, ""))
    return found or [Row("note", group, "")]


class Size(NamedTuple):
    """Cells, and whether the box takes the width of its column."""

    width: int
    height: int
    stretches: bool = True


def card_size(box: Box) -> Size:
    """A card's: its name, and its note as far as that is short, within bounds."""
    return _card(box.label, box.note, box.behind)


@lru_cache(maxsize=4096)
def _card(label: int, note: str, behind: bool) -> Size:
    """Few cards differ in size, and every edit asks for those of all."""
    wanted = max(CARD_LEAST, label + CARD_EXTRA, min(NOTE_MOST, text_width(note) + 4))
    return Size(min(CARD_MOST, wanted) + behind, CARD_ROWS + behind)


def listed_size(boxes: Sequence[Box], group: int, inside: Sequence[int]) -> Size:
    """A listed group's: as wide as its longest row, within a card's bounds."""
    box = boxes[group]
    found = listed_rows(boxes, group, inside)
    wanted = [
        box.label + CARD_EXTRA + 3 * (box.pin is not None),
        *(boxes[child].label + CARD_EXTRA + 1 for child in inside),
    ]
    wanted += [text_width(row.text) + (4 if row.what == "note" else 8) for row in found if row.what != "child"]
    width = min(CARD_MOST, max(CARD_LEAST, *wanted))
    return Size(width + box.behind, len(found) + 2 + box.behind)


def sizes(graph: Graph, zoom: Zoom, forms: Mapping[int, Form]) -> list[Size]:
    """The size of every box that is not open."""
    if zoom is Zoom.DOT:
        return [Size(1, 1)] * len(graph.boxes)
    if zoom is Zoom.LINE:
        return [Size(min(CARD_MOST, box.label + LINE_EXTRA), 1) for box in graph.boxes]
    inside = children(graph) if any(form is Form.LISTED for form in forms.values()) else {}
    return [
        listed_size(graph.boxes, index, inside[index])
        if box.group and forms.get(index) is Form.LISTED
        else _card(box.label, box.note, box.behind)
        for index, box in enumerate(graph.boxes)
    ]
