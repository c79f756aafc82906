"""Which boxes are seen, which frames are open, and what every edge becomes inside each of them.

An edge between boxes of different frames is drawn in pieces: out of each open frame around its source, along the
innermost frame that has both ends, into each open frame around its target. An edge of an open group itself enters at
its first children and leaves from its last ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.scene import EdgeKind, Form, Graph, Link, Scene


class Level:
    """One frame: the boxes in it by index, and the links between them. `group` is -1 at the root."""

    __slots__ = ("boxes", "group", "links")

    def __init__(self, group: int, boxes: list[int] | None = None, links: list[Link] | None = None) -> None:
        self.group = group
        self.boxes = [] if boxes is None else boxes
        self.links = [] if links is None else links


Pieces = dict[tuple[int, int], Link]


def levels(graph: Graph, forms: Mapping[int, Form], before: Scene | None = None) -> list[Level]:
    """The root's level and those of open groups, outer before inner; taken from a scene of before where no box went
    elsewhere and no edge is another."""
    if before is not None and forms == before.forms and _as_joined(graph, before.graph):
        return [Level(panel.group, list(panel.items), panel.links) for panel in before.panels]
    shown, found = _shown(graph, forms)
    pieces: dict[int, Pieces] = {group: {} for group in found}
    boxes = graph.boxes
    root = pieces[-1]
    for number, edge in enumerate(graph.edges):
        source, target = shown[edge.source], shown[edge.target]
        if source == target:
            continue
        if boxes[source].parent < 0 and boxes[target].parent < 0:
            if (source, target) in root:
                _add(root, source, target, edge.kind, number)
            else:
                root[source, target] = Link(source, target, edge.kind, (number,))
            continue
        for frame, one, other in _pieces(graph, source, target):
            _add(pieces[frame], one, other, edge.kind, number)
    if len(found) > 1:
        _through(found, pieces)
    for group, level in found.items():
        level.links = list(pieces[group].values())
    return list(found.values())


def _as_joined(graph: Graph, before: Graph) -> bool:
    """Whether boxes stand in each other as before, joined by the same edges."""
    if len(graph.boxes) != len(before.boxes) or graph.edges != before.edges:
        return False
    both = zip(graph.boxes, before.boxes, strict=True)
    return all(one is other or (one.parent == other.parent and one.group == other.group) for one, other in both)


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


def _add(pieces: Pieces, source: int, target: int, kind: EdgeKind, number: int) -> None:
    """One more edge on a link; one of data makes it a link of data."""
    kept = pieces.get((source, target))
    if kept is None:
        pieces[source, target] = Link(source, target, kind, (number,))
    else:
        kind = "data" if kind == "data" else kept.kind
        pieces[source, target] = Link(source, target, kind, (*kept.edges, number))


def _through(found: dict[int, Level], pieces: dict[int, Pieces]) -> None:
    """Edges of an open group itself go on inside: to children that nothing leads to, from those that lead nowhere."""
    for group, level in found.items():
        if group < 0 or not level.boxes:
            continue
        outside = next(pieces[frame] for frame, other in found.items() if group in other.boxes)
        inside = pieces[group]
        led_to = {target for _, target in inside}
        leading = {source for source, _ in inside}
        known = {number for link in inside.values() for number in link.edges}
        coming = [link for link in outside.values() if link.target == group]
        going = [link for link in outside.values() if link.source == group]
        for child in level.boxes:
            if child not in led_to:
                _all(inside, group, child, coming, known)
            if child not in leading:
                _all(inside, child, group, going, known)


def _all(pieces: Pieces, source: int, target: int, links: list[Link], known: set[int]) -> None:
    for link in links:
        for number in link.edges:
            if number not in known:
                _add(pieces, source, target, link.kind, number)
