"""The order inside layers, worked out once for all zooms of a graph.

Layers and their order do not depend on sizes. An `Arrangement` keeps them frame by frame, so that every zoom shows the
boxes in the same relation, and only the first pays for the search.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.crossings import untangle
from engine.draw.groups import Level
from engine.draw.layers import ENTRY, EXIT, Arc, Layered, layered, regathered
from engine.draw.packing import Piece, chosen_columns
from engine.draw.scene import Graph, Link, Scene, Zoom
from engine.draw.sizes import CARD_ROWS
from engine.draw.steady import Footing, footing, insert, keys_of, wish_of


class Arrangement:
    """The order of a graph's boxes inside their layers, worked out frame by frame when asked for.

    With a scene of the graph as it was before an edit, what stood stays in its column and in its order. Where pins
    changed that has to be a scene of cards, since pins are rows among cards.
    """

    def __init__(self, graph: Graph, before: Scene | None = None) -> None:
        self.graph = graph
        self.before = before
        self._layered: dict[int, tuple[Level, Layered]] = {}

    def frame(self, level: Level) -> str:
        """The name of a level's frame: the path of its group, nothing for the root."""
        return self.graph.boxes[level.group].path if level.group >= 0 else ""

    def layered(self, level: Level) -> Layered:
        """A level's boxes (numbered by their place in `level.boxes`) in layers, untangled."""
        kept = self._layered.get(level.group)
        if kept is None or kept[0].boxes != level.boxes or not _alike(kept[0].links, level.links):
            kept = (level, self._arranged(level))
            self._layered[level.group] = kept
        return kept[1]

    def _arranged(self, level: Level) -> Layered:
        boxes = self.graph.boxes
        lanes = self._lanes(level)
        stood = footing(self.before, self.frame(level)) if self.before is not None and lanes is None else None
        if self.before is not None and stood is not None:
            return Held(self.graph, self.before, level, stood).arranged()
        drawn = layered(len(level.boxes), _arcs(level), [boxes[box].layer for box in level.boxes], lanes)
        for part in drawn.parts:
            untangle(part.layers, drawn.up, drawn.down)
            for layer in part.layers:
                _sort_pinned(layer, {item: boxes[level.boxes[item]].pin for item in layer if item < drawn.boxes})
        if level.group < 0 and len(drawn.parts) > 1:
            _pack(drawn)
        return drawn

    def _lanes(self, level: Level) -> list[int] | None:
        if level.group < 0 or not self.graph.boxes[level.group].lanes:
            return None
        lanes = [self.graph.boxes[box].lane for box in level.boxes]
        if any(source >= 0 and target >= 0 and lanes[source] != lanes[target] for source, target, _ in _arcs(level)):
            return None
        return lanes


class Held:
    """One level of an edited graph, on the footing of its frame before."""

    def __init__(self, graph: Graph, before: Scene, level: Level, stood: Footing) -> None:
        self.boxes = [graph.boxes[box] for box in level.boxes]
        self.before = before
        self.level = level
        self.stood = stood
        old = {box.path: at for at, box in enumerate(before.graph.boxes)} if before.graph is not graph else None
        self._graph, self._old = graph, old
        self._least = 1 if level.group >= 0 else 0

    def _height(self, item: int) -> tuple[int, int]:
        """Rows above the ports, and from them on."""
        if item >= len(self.boxes):
            return 0, 1
        at = self.level.boxes[item] if self._old is None else self._old.get(self.boxes[item].path, -1)
        if at >= 0 and self.before.rects[at].width:
            rect, port = self.before.rects[at], self.before.port_row(at)
            return port - rect.y, rect.bottom - port
        return (1, CARD_ROWS - 1) if self.before.zoom is Zoom.CARD else (0, 1)

    def arranged(self) -> Layered:
        """Layers of the level in their order."""
        stood, boxes = self.stood, self.boxes
        least = [box.layer if box.pin is not None else max(box.layer, stood.column(box.path)) for box in boxes]
        drawn = self._as_before(least) or layered(len(boxes), _arcs(self.level), least, [0] * len(boxes))
        drawn.held = True
        keys = keys_of(drawn, [box.path for box in boxes])
        pins: dict[int, int] = {}
        if self.before.zoom is Zoom.CARD:
            pins = {item: box.pin for item, box in enumerate(boxes) if box.pin is not None}
        row: dict[int, int] = {}
        for item, key in enumerate(keys):
            at = stood.rows.get(key)
            if at is not None and stood.columns[key] == drawn.layer[item] and pins.get(item, at) == at:
                row[item] = at

        def wish(item: int) -> int | None:
            if item in pins:
                return pins[item]
            gone = stood.gone.get(keys[item])
            return wish_of(item, drawn, row) if gone is None else gone[1]

        for part in drawn.parts:
            for column in part.layers:
                loose = [item for item in column if item not in row]
                column[:] = sorted([item for item in column if item in row], key=row.__getitem__)
                loose.sort(key=lambda item: (item not in pins, item >= drawn.boxes, wish(item) or 0, item))
                insert(column, loose, row, wish, self._apart, pins, self._first)
        drawn.rows = (self.before.zoom, row)
        return drawn

    def _as_before(self, least: list[int]) -> Layered | None:
        """The layers of before where no box, no edge and no column is another: somebody moved or renamed a node."""
        level, old = self.level, self.before.graph.boxes
        panel = next((panel for panel in self.before.panels if panel.group == level.group), None)
        if panel is None or level.boxes != list(panel.items) or level.links != panel.links:
            return None
        if any(old[box].path != mine.path for box, mine in zip(level.boxes, self.boxes, strict=True)):
            return None
        if not panel.layered.holds(least):
            return None
        return regathered(panel.layered)

    def _apart(self, upper: int, lower: int) -> int:
        count = len(self.boxes)
        below, above = self._height(upper)[1], self._height(lower)[0]
        return below + above + (self.before.blank if upper < count or lower < count else 0)

    def _first(self, item: int) -> int:
        return self._least + self._height(item)[0]


def _arcs(level: Level) -> list[Arc]:
    item_of = {box: item for item, box in enumerate(level.boxes)}
    return [
        (item_of.get(link.source, ENTRY), item_of.get(link.target, EXIT), link.kind == "order") for link in level.links
    ]


def _alike(links: list[Link], others: list[Link]) -> bool:
    """Whether links join the same boxes in the same way, whichever edges they stand for."""
    return links == others or [link[:3] for link in links] == [link[:3] for link in others]


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
