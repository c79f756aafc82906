"""The order inside layers, worked out once for all zooms of a graph.

Layers and their order do not depend on sizes. An `Arrangement` keeps them frame by frame, so that every zoom shows the
boxes in the same relation, and only the first pays for the search.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.crossings import untangle
from engine.draw.groups import Level
from engine.draw.layers import ENTRY, EXIT, Arc, Layered, layered
from engine.draw.packing import Piece, chosen_columns
from engine.draw.scene import Graph


class Arrangement:
    """The order of a graph's boxes inside their layers, worked out frame by frame when asked for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._layered: dict[int, tuple[tuple[int, ...], tuple[object, ...], Layered]] = {}

    def layered(self, level: Level) -> Layered:
        """A level's boxes (numbered by their place in `level.boxes`) in layers, untangled."""
        key = (tuple(level.boxes), tuple((link.source, link.target, link.kind) for link in level.links))
        kept = self._layered.get(level.group)
        if kept is None or kept[:2] != key:
            kept = (*key, self._arranged(level))
            self._layered[level.group] = kept
        return kept[2]

    def _arranged(self, level: Level) -> Layered:
        boxes = self.graph.boxes
        item_of = {box: item for item, box in enumerate(level.boxes)}
        arcs: list[Arc] = [
            (item_of.get(link.source, ENTRY), item_of.get(link.target, EXIT), link.kind == "order")
            for link in level.links
        ]
        lanes = self._lanes(level, arcs)
        drawn = layered(len(level.boxes), arcs, [boxes[box].layer for box in level.boxes], lanes)
        for part in drawn.parts:
            untangle(part.layers, drawn.up, drawn.down)
            for layer in part.layers:
                _sort_pinned(layer, {item: boxes[level.boxes[item]].pin for item in layer if item < drawn.boxes})
        if level.group < 0 and len(drawn.parts) > 1:
            _pack(drawn)
        return drawn

    def _lanes(self, level: Level, arcs: list[Arc]) -> list[int] | None:
        if level.group < 0 or not self.graph.boxes[level.group].lanes:
            return None
        lanes = [self.graph.boxes[box].lane for box in level.boxes]
        if any(source >= 0 and target >= 0 and lanes[source] != lanes[target] for source, target, _ in arcs):
            return None
        return lanes


def _pack(drawn: Layered) -> None:
    """Move whole parts to other columns, so that loose boxes fill a block."""
    pieces = [Piece(len(part.layers), max(map(len, part.layers))) for part in drawn.parts]
    for part, column in zip(drawn.parts, chosen_columns(pieces), strict=True):
        if part.first == 0 and column:
            part.first = column
            for number, layer in enumerate(part.layers):
                for item in layer:
                    drawn.layer[item] = column + number
    drawn.depth = max(part.first + len(part.layers) for part in drawn.parts)


def _sort_pinned(layer: list[int], pins: Mapping[int, int | None]) -> None:
    """Pinned items take the places that pinned items have, in the order of their rows."""
    places = [at for at, item in enumerate(layer) if pins.get(item) is not None]
    for at, item in zip(places, sorted([layer[at] for at in places], key=lambda item: pins[item] or 0), strict=True):
        layer[at] = item
