"""A kind of node taken from the rail: it hangs on the pointer until it is dropped on the canvas, an edge or a group."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.draw.scene import Rect
from studio.modes import opening as openings
from studio.modes.addition import AddMode, add_kind
from studio.modes.cut import edges_of
from studio.modes.opening import Opening
from studio.modes.places import edge_at, group_at
from studio.modes.turn import LEFT, Mode, Point, Press, Sight, Turn
from studio.modes.wiring import Lead
from studio.pictures.hand import Ghost, Work
from studio.pictures.popup import Span

WIDE, HIGH = 14, 3


@dataclass(frozen=True)
class KindMode(Mode):
    """`kind` hangs at `x`, `y`, a cell of the scene."""

    kind: str
    x: int
    y: int

    @property
    def where(self) -> str:
        return "wire"

    @property
    def word(self) -> str:
        return "ADD"

    def press(self, press: Press, sight: Sight) -> Turn:
        return LEFT if press.act == "mode.leave" else Turn(self)

    def point(self, point: Point, sight: Sight) -> Turn:
        if point.act == "drop":
            return self._dropped(sight, point)
        return Turn(replace(self, x=point.x, y=point.y))

    def _dropped(self, sight: Sight, point: Point) -> Turn:
        mode: Mode | None
        if not sight.rect.holds(point.x, point.y):
            mode = add_kind(sight, self.kind)  # a click on the rail, which lies beside the canvas
        elif (path := sight.path(point.box)) is not None and path in sight.gaps:
            mode = AddMode(openings.into(sight, path), kind=self.kind)
        elif (lead := self._lead(sight, point.x, point.y)) is not None:
            owner = lead.target.rpartition("/")[0]
            mode = AddMode(Opening(Rect(point.x, point.y, 1, 1), owner=owner, edges=(lead,)), kind=self.kind)
        elif (inside := group_at(sight, point.x, point.y, ())) is not None:
            after = inside.after
            opening = Opening(Rect(point.x, point.y, 1, 1), owner=inside.owner, sibling=after)
            mode = AddMode(opening, kind=self.kind)
        else:
            mode = AddMode(openings.at(sight, point.x, point.y), kind=self.kind)
        return at_once(mode, sight)

    def _lead(self, sight: Sight, x: int, y: int) -> Lead | None:
        """The edge at a cell, if a node can be put on it."""
        edge = edge_at(sight, x, y)
        if edge is None:
            return None
        source = sight.graph.boxes[sight.graph.edges[edge].source].path
        target = sight.graph.boxes[sight.graph.edges[edge].target].path
        found = (lead for lead in edges_of(source, sight) if lead.target == target and not lead.fixed)
        return next(found, None)

    def look(self, sight: Sight) -> Work:
        edge = edge_at(sight, self.x, self.y)
        inside = group_at(sight, self.x, self.y, ()) if edge is None else None
        shown = sight.rect.holds(self.x, self.y)
        head = [Span("Add  ", "accent", bold=True), Span(self.kind.replace("_", "-"), bold=True)]
        return Work(
            ghosts=(Ghost(Rect(self.x - 2, self.y - 1, WIDE, HIGH), self.kind, self.kind),) if shown else (),
            framed=inside.box if inside is not None else None,
            lit=(edge,) if edge is not None else None,
            dots=True,
            foot=[[*head, Span("  drop it on the canvas, an edge or a group", "muted")]],
        )


def at_once(mode: Mode | None, sight: Sight) -> Turn:
    """What there is only one of is added without a search."""
    if not isinstance(mode, AddMode):
        return LEFT
    found = mode.found(sight)
    return mode.press(Press("mode.take"), sight) if len(found) == 1 else Turn(mode)
