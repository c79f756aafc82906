"""Carrying nodes: ghosts that follow the pointer or the arrows, their edges behind them, until they are put down.

Put down on bare canvas they stay there; on a composite they go into it, out of one they leave it; with Tab (or dropped
by the mouse) on an edge they are put on it. The picture does not change before that: what is carried is a ghost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.draw.scene import Rect
from engine.project.model import Composite
from studio.document.edits import Connect, Disconnect, Edit, MoveInto, MoveNodes, Place, Reorder, Several
from studio.modes.places import Inside, columns, edge_at, group_at
from studio.modes.turn import LEFT, Mode, Point, Press, Sight, Turn
from studio.modes.wiring import leads, options
from studio.pictures.hand import Ghost, Wire, Work
from studio.pictures.popup import Span

MOST_WIRES = 24
_FAR = 4
"""Rows of a large step: a card and the row below it."""


@dataclass(frozen=True)
class MoveMode(Mode):
    """`paths` are carried, the first of them by hand; they are `dx`, `dy` cells from where they stood. `x`, `y` is the
    cell that decides what they would be dropped on; `onto`: an edge there counts."""

    paths: tuple[str, ...]
    x: int
    y: int
    dx: int = 0
    dy: int = 0
    onto: bool = False
    by_mouse: bool = False

    @property
    def where(self) -> str:
        return "move"

    # -- keys --------------------------------------------------------------------------------------------------------

    def press(self, press: Press, sight: Sight) -> Turn:
        if press.act == "mode.leave":
            return LEFT
        if press.act == "mode.take":
            return self._put_down(sight)
        if press.act == "mode.next":
            return Turn(replace(self, onto=not self.onto))
        if press.act in _ROWS:
            return Turn(self._moved(0, _ROWS[press.act]))
        if press.act in _COLUMNS:
            return Turn(self._moved(self._column(sight, _COLUMNS[press.act]), 0))
        return Turn(self)

    def _moved(self, across: int, down: int) -> MoveMode:
        return replace(self, dx=self.dx + across, dy=self.dy + down, x=self.x + across, y=self.y + down)

    def _column(self, sight: Sight, step: int) -> int:
        """How far the next column is from where the first node is now."""
        rect = sight.shown(self.paths[0])
        here = (rect.x if rect is not None else self.x) + self.dx
        starts = [x for x, _ in columns(sight)]
        wide = 20
        starts = [*starts, (starts[-1] + wide) if starts else 0]
        near = [x - here for x in starts if (x - here) * step > 0]
        return min(near, key=abs, default=0)

    # -- mouse -------------------------------------------------------------------------------------------------------

    def point(self, point: Point, sight: Sight) -> Turn:
        if point.act not in ("drag", "move", "drop", "click"):
            return Turn(self, taken=False)
        moved = self._moved(point.x - self.x, point.y - self.y) if point.act != "click" or self.by_mouse else self
        if point.act == "drop" or (point.act == "click" and not self.by_mouse):
            return moved._put_down(sight)
        return Turn(replace(moved, onto=True)) if self.by_mouse else Turn(self, taken=False)

    # -- putting down ------------------------------------------------------------------------------------------------

    def _put_down(self, sight: Sight) -> Turn:
        if not self.dx and not self.dy:
            return LEFT
        edge = self._edge(sight)
        if edge is not None:
            return Turn(None, edit=self._put_on(edge, sight))
        inside = group_at(sight, self.x, self.y, self.paths)
        home = self.paths[0].rpartition("/")[0]
        if inside is not None:
            return self._put_in(inside, home, sight)
        places = self._places(sight)
        if home and _composite(sight, home):
            edits: list[Edit] = [MoveInto(self.paths)]
            return Turn(None, edit=edits[0], cursor=self.paths[0].rpartition("/")[2])
        if home:
            return Turn(None, tell="a branch stays with its condition: move the whole of it")
        return Turn(None, edit=MoveNodes(places)) if places else LEFT

    def _put_in(self, inside: Inside, home: str, sight: Sight) -> Turn:
        if home and not _composite(sight, home):
            return Turn(None, tell="a branch stays with its condition: move the whole of it")
        name = self.paths[0].rpartition("/")[2]
        if home == inside.owner:
            return Turn(None, edit=Reorder(self.paths[0], inside.after))
        edit = MoveInto(self.paths, inside.owner, inside.after)
        ties = [tie for path in self.paths for tie in _ties(path, inside.owner, sight)]
        said = Several((*ties, edit), edit.title) if ties else edit
        return Turn(None, edit=said, cursor=f"{inside.owner}/{name}")

    def _put_on(self, edge: int, sight: Sight) -> Edit:
        """The first of the carried nodes, between the two ends of an edge."""
        boxes = sight.graph.boxes
        source, target = boxes[sight.graph.edges[edge].source].path, boxes[sight.graph.edges[edge].target].path
        path = self.paths[0]
        node, follower = sight.node_at(path), sight.node_at(target)
        lead = next(leads(source, target, follower)) if follower is not None else None
        argument = options(node, source, sight.catalog)[0] if node is not None else None
        kept = lead.argument if lead is not None else None
        return Several(
            (
                Disconnect(source, target, kept),
                Connect(source, path, argument if kept is not None else None),
                Connect(path, target, kept),
            ),
            f"put {path.rpartition('/')[2]} between {source.rpartition('/')[2]} and {target.rpartition('/')[2]}",
        )

    def _edge(self, sight: Sight) -> int | None:
        """The edge that it would be put on: not one of its own, and none that it would close a circle with."""
        found = edge_at(sight, self.x, self.y) if self.onto else None
        own = sight.index.get(self.paths[0])
        if found is None or own is None:
            return None
        edge = sight.graph.edges[found]
        if own in (edge.source, edge.target) or edge.target in sight.web.around(own):
            return None
        source, target = sight.graph.boxes[edge.source].path, sight.graph.boxes[edge.target].path
        follower = sight.node_at(target)
        if follower is None or next(leads(source, target, follower)).fixed:
            return None
        into, out = sight.targets(source).get(self.paths[0], ""), sight.targets(self.paths[0]).get(target, "")
        return found if into is None and out is None else None

    def _places(self, sight: Sight) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for path, rect in self._rects(sight):
            place = sight.pin(sight.index[path], rect.x, rect.y + (rect.height > 1))
            if place is not None:
                found[path] = place
        return found

    def _rects(self, sight: Sight) -> list[tuple[str, Rect]]:
        """Where each of them would stand."""
        found: list[tuple[str, Rect]] = []
        for path in self.paths:
            rect = sight.shown(path)
            if rect is not None:
                found.append((path, Rect(rect.x + self.dx, rect.y + self.dy, rect.width, rect.height)))
        return found

    # -- pictures ----------------------------------------------------------------------------------------------------

    def look(self, sight: Sight) -> Work:
        edge = self._edge(sight)
        inside = group_at(sight, self.x, self.y, self.paths) if edge is None else None
        own = sight.boxes(*self.paths)
        ghosts = tuple(
            Ghost(rect, sight.graph.boxes[sight.index[path]].kind, sight.graph.boxes[sight.index[path]].name)
            for path, rect in self._rects(sight)
        )
        return Work(
            ghosts=ghosts,
            wires=tuple(self._wires(sight, own))[:MOST_WIRES],
            framed=inside.box if inside is not None else None,
            lit=(edge,) if edge is not None else (),
            gone=frozenset(own),
            dots=True,
            foot=[self._told(sight, edge, inside)],
        )

    def _wires(self, sight: Sight, own: set[int]) -> list[Wire]:
        """The edges of what is carried, from where they come and to where they lead."""
        boxes, found = sight.graph.boxes, []
        for path, rect in self._rects(sight):
            before, after = sight.web.beside(sight.index[path])
            row = rect.y + (rect.height > 1)
            for other in before:
                start = sight.port(boxes[other].path)
                if other not in own and start is not None:
                    found.append(Wire(start, (rect.x - 1, row)))
            for other in after:
                end = sight.landing(boxes[other].path)
                if other not in own and end is not None:
                    found.append(Wire((rect.right, row), end))
        return found

    def _told(self, sight: Sight, edge: int | None, inside: Inside | None) -> list[Span]:
        names = [path.rpartition("/")[2] for path in self.paths]
        what = names[0] if len(names) == 1 else f"{len(names)} nodes"
        head = [Span("Move  ", "accent", bold=True), Span(what, bold=True)]
        if edge is not None:
            ends = sight.graph.edges[edge]
            source, target = sight.graph.boxes[ends.source].name, sight.graph.boxes[ends.target].name
            return [*head, Span(f"  between {source} and {target}", "muted")]
        if inside is not None:
            return [*head, Span(f"  into {inside.owner.rpartition('/')[2]}", "muted")]
        home = self.paths[0].rpartition("/")[0]
        if home:
            return [*head, Span(f"  out of {home.rpartition('/')[2]}", "muted")]
        return [*head, Span("  stays where you put it; = lets it go", "muted")]


def _ties(path: str, owner: str, sight: Sight) -> list[Edit]:
    """The edges between a node and a group that cannot be once it is inside: neither can wait for the other."""
    found: list[Edit] = []
    for source, target in ((owner, path), (path, owner)):
        node = sight.node_at(target)
        known = leads(source, target, node) if node is not None else ()
        found += [Disconnect(lead.source, lead.target, lead.argument) for lead in known if not lead.fixed]
    return found


_ROWS = {
    "mode.down": 1,
    "mode.up": -1,
    "mode.lower": _FAR,
    "mode.higher": -_FAR,
}
_COLUMNS = {"mode.right": 1, "mode.left": -1}


def _composite(sight: Sight, path: str) -> bool:
    node = sight.node_at(path)
    return node is not None and isinstance(node.body, Composite)


def carry(sight: Sight) -> Mode | None:
    """Carry what is chosen, by keys."""
    paths = sight.chosen
    rect = sight.shown(paths[0]) if paths else None
    if rect is None:
        return None
    home = paths[0].rpartition("/")[0]
    return MoveMode(
        tuple(path for path in paths if path.rpartition("/")[0] == home),
        rect.x + rect.width // 2,
        rect.y + (rect.height > 1),
    )
