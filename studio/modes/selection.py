"""Selecting: a rubber band, by drag or by arrows from the node under the cursor, and a menu of what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from engine.draw.scene import Rect
from studio.modes.places import boxes_in
from studio.modes.turn import ARROWS, LEFT, Mode, Point, Press, Sight, Turn
from studio.pictures.hand import Band, Work
from studio.pictures.popup import Span


@dataclass(frozen=True)
class BandMode(Mode):
    """From a cell to another one; by keys from the node of `anchor` to the cursor. `kept` was selected before."""

    start: tuple[int, int] = (0, 0)
    end: tuple[int, int] = (0, 0)
    anchor: str | None = None
    kept: frozenset[str] = frozenset()

    @property
    def where(self) -> str:
        return "band"

    @property
    def word(self) -> str:
        return "SELECT"

    def press(self, press: Press, sight: Sight) -> Turn:
        if press.act == "mode.leave":
            return LEFT
        if press.act == "mode.take":
            return self._taken(sight)
        if press.act in ARROWS and self.anchor is not None:
            return Turn(self, step=ARROWS[press.act])
        return Turn(self)

    def point(self, point: Point, sight: Sight) -> Turn:
        if self.anchor is not None:
            return self._taken(sight) if point.act == "click" else Turn(self, taken=False)
        moved = replace(self, end=(point.x, point.y))
        return moved._taken(sight) if point.act == "drop" else Turn(moved)

    def _rect(self, sight: Sight) -> Rect:
        if self.anchor is not None:
            one, other = sight.shown(self.anchor), sight.shown(sight.cursor)
            rects = [rect for rect in (one, other) if rect is not None]
            left, top = min((r.x for r in rects), default=0), min((r.y for r in rects), default=0)
            right, bottom = max((r.right for r in rects), default=1), max((r.bottom for r in rects), default=1)
            return Rect(left, top, right - left, bottom - top)
        (x, y), (to_x, to_y) = self.start, self.end
        return Rect(min(x, to_x), min(y, to_y), abs(to_x - x) + 1, abs(to_y - y) + 1)

    def _taken(self, sight: Sight) -> Turn:
        paths = {sight.graph.boxes[box].path for box in boxes_in(sight, self._rect(sight))}
        return Turn(None, select=self.kept | paths)

    def look(self, sight: Sight) -> Work:
        rect = self._rect(sight)
        inside = boxes_in(sight, rect)
        told = f"  {len(inside)} nodes" if len(inside) != 1 else "  1 node"
        if self.anchor is not None:  # around the nodes, not across them
            rect = Rect(rect.x - 1, rect.y - 1, rect.width + 2, rect.height + 2)
        return Work(
            band=Band(rect, len(inside)),
            foot=[[Span("Select  ", "accent", bold=True), Span("what is in the frame"), Span(told, "muted")]],
        )


@dataclass(frozen=True)
class SelectMenu(Mode):
    """Waits for one letter: all, what leads here, what follows, the same kind."""

    @property
    def where(self) -> str:
        return "select"

    def press(self, press: Press, sight: Sight) -> Turn:
        found = _CHOICES.get(press.act)
        return selected(found, sight) if found is not None else LEFT

    def point(self, point: Point, sight: Sight) -> Turn:
        return LEFT if point.act == "click" else Turn(self, taken=False)

    def look(self, sight: Sight) -> Work:
        return Work(foot=[[Span("Select  ", "accent", bold=True), *_menu()]])


def _menu() -> list[Span]:
    found: list[Span] = []
    for key, word in (("a", "all"), ("u", "what leads here"), ("d", "what follows"), ("k", "the same kind")):
        found += [Span(key, "accent", bold=True), Span(f" {word}   ", "muted")]
    return found


def selected(which: str, sight: Sight) -> Turn:
    """Select what belongs to the node under the cursor: "all", "up", "down" or "kind"."""
    boxes = sight.graph.boxes
    top = {number for number, box in enumerate(boxes) if box.parent < 0 and box.path not in sight.gaps}
    found = set(_WHICH[which](sight)) if which != "all" else top
    paths = frozenset(boxes[box].path for box in found)
    return Turn(None, select=paths, tell="" if paths else "there is nothing of that sort")


def _up(sight: Sight) -> Iterable[int]:
    return _reach(sight, 0)


def _down(sight: Sight) -> Iterable[int]:
    return _reach(sight, 1)


def _reach(sight: Sight, side: int) -> set[int]:
    """The cursor's node and what leads to it (0) or follows from it (1), at its own level and outside."""
    cursor = sight.view.cursor
    found: set[int] = set()
    todo = [cursor] if cursor is not None else []
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo += sight.web.beside(at)[side]
    return {box for box in found if found.isdisjoint(sight.web.around(box))}


def _kind(sight: Sight) -> Iterable[int]:
    cursor = sight.view.cursor
    if cursor is None:
        return ()
    kind = sight.graph.boxes[cursor].kind
    return [box for box, node in enumerate(sight.graph.boxes) if node.kind == kind and node.path not in sight.gaps]


_WHICH: dict[str, Callable[[Sight], Iterable[int]]] = {"up": _up, "down": _down, "kind": _kind}
_CHOICES = {"pick.all": "all", "pick.up": "up", "pick.down": "down", "pick.kind": "kind"}
