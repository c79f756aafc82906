"""Where things are on the picture: the place of a cell, the edge that runs through one, what a node could be dropped on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from engine.draw.ink import trail
from engine.draw.scene import End, Link, Panel, Rect, Wire, Zoom
from engine.project.model import Composite
from studio.document.edits import Place
from studio.modes.turn import Sight


def place_at(sight: Sight, x: int, row: int) -> Place | None:
    """The place of a new node at the top whose port comes into a cell. None where nothing stands yet, or among dots."""
    top = next((number for number, box in enumerate(sight.graph.boxes) if box.parent < 0), None)
    return sight.pin(top, x, row) if top is not None and sight.scene.zoom is not Zoom.DOT else None


def edge_at(sight: Sight, x: int, y: int) -> int | None:
    """The edge whose line runs through a cell; of several that share it the one whose end is nearest."""
    for panel in sight.scene.panels:
        if not panel.rect.holds(x, y):
            continue
        sources = {wire.source for gap in panel.gaps_in(x, x + 1) for wire in panel.wires[gap] if _holds(wire, x, y)}
        if not sources:
            continue
        found = [
            (abs(sight.scene.port_row(link.target) - y) if link.target != panel.group else 0, link.edges[0])
            for link in panel.links
            if link.source in sources and _runs(panel, link, x, y)
        ]
        if found:
            return min(found)[1]
    return None


def _holds(wire: Wire, x: int, y: int) -> bool:
    return any(_on(wire, end, x, y) for end in wire.ends)


def _runs(panel: Panel, link: Link, x: int, y: int) -> bool:
    return any(_on(wire, end, x, y) for wire, end in trail(panel, link))


def _on(wire: Wire, end: End, x: int, y: int) -> bool:
    """Whether a cell is on the way along a wire to one of its ends."""
    low, high = min(wire.row, end.row), max(wire.row, end.row)
    if x == wire.x and low <= y <= high and low < high:
        return True
    return (y == wire.row and wire.start <= x <= wire.x) or (y == end.row and wire.x <= x <= end.stop)


class Inside(NamedTuple):
    """A group to drop into: its path, and the child after which; `box` is the group's."""

    box: int
    owner: str
    after: str | None


def group_at(sight: Sight, x: int, y: int, carried: Collection[str]) -> Inside | None:
    """The innermost composite at a cell that does not itself hang on the hand, and the child above the cell."""
    box = sight.scene.box_at(x, y)
    while box is not None and box >= 0:
        path = sight.graph.boxes[box].path
        node = sight.node_at(path)
        wrapped = node is not None and isinstance(node.body, Composite)
        if wrapped and not any(path == each or path.startswith(f"{each}/") for each in carried):
            return Inside(box, path, _above(sight, box, y, carried))
        box = sight.graph.boxes[box].parent
    return None


def _above(sight: Sight, group: int, y: int, carried: Collection[str]) -> str | None:
    rects = sight.scene.rects
    found = None
    for child in sight.web.children(group):
        path = sight.graph.boxes[child].path
        if rects[child].width and rects[child].y <= y and path not in carried and path not in sight.gaps:
            found = path
    return found


def columns(sight: Sight) -> Iterator[tuple[int, int]]:
    """The columns of the outermost frame, as (x, width)."""
    panel = sight.scene.panels[0]
    yield from zip(panel.column_x, panel.column_width, strict=True)


def boxes_in(sight: Sight, rect: Rect) -> list[int]:
    """The boxes that a band takes: those that it touches, but no group that lies all around it."""
    rects = sight.scene.rects

    def around(box: int) -> bool:
        other = rects[box]
        return (
            bool(sight.web.children(box))
            and other.x < rect.x
            and rect.right < other.right
            and other.y < rect.y
            and rect.bottom < other.bottom
        )

    found = [box for box in sight.scene.boxes_in(rect) if not around(box)]
    held = set(found)
    gaps = sight.gaps
    return [
        box
        for box in found
        if held.isdisjoint(sight.web.around(box)) and not (gaps and sight.graph.boxes[box].path in gaps)
    ]
