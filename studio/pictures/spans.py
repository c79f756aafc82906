"""Names above the dots: stretches of columns whose nodes begin with the same word.

A dot has no name, but workflows of thousands of nodes come from loops, and what comes from one loop is called alike:
`align_0001`, `align_0002`. Where most nodes of neighbouring columns share their first word, a bracket with it stands
above them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from engine.draw.scene import Rect, Scene
from studio.pictures.cells import Grid, tone
from studio.pictures.lettering import cut
from studio.pictures.view import Style

_SHARE = 0.6
_NARROWEST = 7
_WORD = re.compile(r"[^\W\d_]{2,}")


class Span(NamedTuple):
    """Columns x to `right` (in cells of the scene) of nodes called alike; the highest of them stands in row `top`."""

    x: int
    right: int
    top: int
    name: str


def spans(scene: Scene) -> list[Span]:
    """The stretches of a scene of dots, from left to right; none where all nodes are called alike."""
    if not scene.panels:
        return []
    panel, boxes, rects = scene.panels[0], scene.graph.boxes, scene.rects
    found: list[Span] = []
    last = ""
    for x, members in zip(panel.column_x, panel.members, strict=True):
        name = _name_of([boxes[box].name for box in members])
        top = rects[members[0]].y if members else 0
        if name and name == last:
            found[-1] = Span(found[-1].x, x + 1, min(found[-1].top, top), name)
        elif name:
            found.append(Span(x, x + 1, top, name))
        last = name
    return found if len({span.name for span in found}) > 1 else []


def _name_of(names: list[str]) -> str:
    """The word with which most of these names begin."""
    words = Counter(word[0] for name in names if (word := _WORD.match(name)) is not None)
    name, count = words.most_common(1)[0] if words else ("", 0)
    return name if count >= _SHARE * len(names) else ""


def draw(grid: Grid, view: Rect, found: list[Span], style: Style) -> None:
    """The brackets of the spans in view, all in one row above the dots; where dots stand in that row, they stay."""
    seen = [span for span in found if span.x < view.right and span.right > view.x]
    if not seen:
        return
    y = max(view.y, min(span.top for span in seen) - 2)
    level, left, right = ("-", "+", "+") if style.ascii else ("─", "╭", "╮")
    for span in seen:
        x, stop = max(span.x, view.x), min(span.right, view.right)
        if stop - x < _NARROWEST or not grid.is_blank(x, y, stop - x):
            continue
        name = cut(span.name, stop - x - 6, ascii=style.ascii, end=True)
        grid.put(x, y, (left, *(level * (stop - x - 2)), right), tone("line"))
        grid.write(x + 2, y, (" ", *name, " "), tone("muted"))
