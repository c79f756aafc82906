"""Which boxes are seen, which frames are open, and what every edge becomes inside each of them.

An edge between boxes of different frames is drawn in pieces: out of each open frame around its source, along the
innermost frame that has both ends, into each open frame around its target. An edge of an open group itself enters at
its first children and leaves from its last ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.scene import EdgeKind, Form, Graph, Link


class Level:
    """One frame: the boxes in it by index, and the links between them. `group` is -1 at the root."""

    __slots__ = ("boxes", "group", "links")

    def __init__(self, group: int) -> None:
        self.group = group
        self.boxes: list[int] = []
        self.links: list[Link] = []


def levels(graph: Graph, forms: Mapping[int, Form]) -> list[Level]:
    """The root's level and those of open groups, outer before inner."""
    shown, found = _shown(graph, forms)
    pieces: dict[int, dict[tuple[int, int], tuple[EdgeKind, list[int]]]] = {group: {} for group in found}
    boxes = graph.boxes
    for number, edge in enumerate(graph.edges):
        source, target = shown[edge.source], shown[edge.target]
        if source == target:
            continue
        if boxes[source].parent == boxes[target].parent and not boxes[source].group:
            _add(pieces[boxes[source].parent], source, target, edge.kind, number)
            continue
        for frame, one, other in _pieces(graph, source, target):
            _add(pieces[frame], one, other, edge.kind, number)
    if len(found) > 1:
        _through(found, pieces)
    for group, level in found.items():
        level.links = [
            Link(source, target, kind, tuple(numbers)) for (source, target), (kind, numbers) in pieces[group].items()
        ]
    return list(found.values())


def _shown(graph: Graph, forms: Mapping[int, Form]) -> tuple[list[int], dict[int, Level]]:
    """For every box the one that stands for it in a level, and the levels by group."""
    shown: list[int] = []
    found: dict[int, Level] = {-1: Level(-1)}
    for index, box in enumerate(graph.boxes):
        level = found.get(box.parent)
        if level is None:
            shown.append(shown[box.parent])
            continue
        shown.append(index)
        level.boxes.append(index)
        if box.group and forms.get(index) is Form.OPEN:
            found[index] = Level(index)
    return shown, found


def _pieces(graph: Graph, source: int, target: int) -> list[tuple[int, int, int]]:
    """(frame, from, to) of each piece of an edge."""
    boxes = graph.boxes
    above = [target]
    while boxes[above[-1]].parent >= 0:
        above.append(boxes[above[-1]].parent)
    depth = {box: at for at, box in enumerate(above)}
    found = []
    box = source
    while box not in depth and boxes[box].parent not in depth and boxes[box].parent >= 0:
        found.append((boxes[box].parent, box, boxes[box].parent))
        box = boxes[box].parent
    at = depth.get(box)
    if at is None:
        at = depth.get(boxes[box].parent, len(above)) - 1
        if at < 0:  # the target is a frame around the source
            return [*found, (target, box, target)]
        found.append((boxes[box].parent, box, above[at]))
    while at > 0:
        found.append((above[at], above[at], above[at - 1]))
        at -= 1
    return found


def _add(
    pieces: dict[tuple[int, int], tuple[EdgeKind, list[int]]], source: int, target: int, kind: EdgeKind, number: int
) -> None:
    kept = pieces.get((source, target))
    if kept is None:
        pieces[source, target] = (kind, [number])
    else:
        kept[1].append(number)
        if kind == "data" and kept[0] == "order":
            pieces[source, target] = ("data", kept[1])


def _through(found: dict[int, Level], pieces: dict[int, dict[tuple[int, int], tuple[EdgeKind, list[int]]]]) -> None:
    """Edges of an open group itself go on inside: to children that nothing leads to, from those that lead nowhere."""
    for group, level in found.items():
        if group < 0 or not level.boxes:
            continue
        outside = next(pieces[frame] for frame, other in found.items() if group in other.boxes)
        inside = pieces[group]
        led_to = {target for _, target in inside}
        leading = {source for source, _ in inside}
        known = {number for _, numbers in inside.values() for number in numbers}
        coming = [piece for (_, target), piece in outside.items() if target == group]
        going = [piece for (source, _), piece in outside.items() if source == group]
        for child in level.boxes:
            if child not in led_to:
                for kind, numbers in coming:
                    for number in numbers:
                        if number not in known:
                            _add(inside, group, child, kind, number)
            if child not in leading:
                for kind, numbers in going:
                    for number in numbers:
                        if number not in known:
                            _add(inside, child, group, kind, number)
