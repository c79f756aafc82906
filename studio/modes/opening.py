"""Where a new node goes: after a node, on edges, freely, into an empty lane, behind a branch, or where a wire was dropped."""

from __future__ import annotations

from dataclasses import dataclass

from engine.draw.scene import Rect
from studio.document.drawing import MORE
from studio.document.edits import Place
from studio.document.names import name_of, owner_of
from studio.modes.places import place_at
from studio.modes.turn import Sight
from studio.modes.wiring import Lead


@dataclass(frozen=True)
class Opening:
    """`owner` is the group that it goes into (empty: the top), `sibling` the node after which it is written, `source` the
    one whose result it takes, `edges` those that it is put on. `lane` is the path of an empty branch that it fills,
    `branch` that of one that it follows, which becomes a sequence of both. `near` is where the list opens, in cells of
    the scene."""

    near: Rect
    owner: str = ""
    sibling: str | None = None
    source: str | None = None
    edges: tuple[Lead, ...] = ()
    lane: str = ""
    branch: str = ""
    place: Place | None = None

    @property
    def title(self) -> str:
        """What the list is called."""
        if self.lane:
            return f"Add as {name_of(self.lane)} of {name_of(self.owner)}"
        if self.edges:
            first = self.edges[0]
            many = f" and {len(self.edges) - 1} more" if len(self.edges) > 1 else ""
            return f"Insert between {name_of(first.source)} and {name_of(first.target)}{many}"
        if self.branch:
            return f"Add after {name_of(self.branch)} of {name_of(self.owner)}"
        if self.source is not None:
            return f"Add after {name_of(self.source)}"
        return f"Add in {name_of(self.owner)}" if self.owner else "Add"


def after(sight: Sight) -> Opening:
    """After the node under the cursor; into an empty lane where the cursor stands on one; freely in an empty graph."""
    path = sight.cursor
    if path is None:
        return Opening(_middle(sight))
    near, owner = sight.shown(path) or _middle(sight), owner_of(path)
    if path in sight.gaps:
        return into(sight, path)
    if not sight.is_lane(path):
        return Opening(near, owner=owner, sibling=path, source=path)
    if not sight.holds_nodes(path):
        return Opening(near, owner=owner, branch=path)
    last = f"{path}/{list(sight.siblings(path))[-1]}" if sight.siblings(path) else None
    return Opening(near, owner=path, sibling=last, source=last)


def into(sight: Sight, gap: str) -> Opening:
    """Into a place that is empty yet: an `else` that nobody wrote, one more case, a group with nothing in it."""
    named = sight.is_lane(gap) and name_of(gap) != MORE
    return Opening(sight.shown(gap) or _middle(sight), owner=owner_of(gap), lane=gap if named else "")


def freely(sight: Sight) -> Opening:
    """After nothing, beside the node under the cursor; in its group if it is in one."""
    path = sight.cursor
    if path is None or path in sight.gaps:
        return after(sight)
    owner = owner_of(path)
    return Opening(sight.shown(path) or _middle(sight), owner=owner if sight.holds_nodes(owner) else "")


def at(sight: Sight, x: int, y: int, source: str | None = None) -> Opening:
    """At a cell, after `source` if a wire was dropped there."""
    owner = owner_of(source) if source is not None else ""
    place = place_at(sight, x, y) if not owner else None
    return Opening(Rect(x, y, 1, 1), owner=owner, sibling=source, source=source, place=place)


def on_edges(sight: Sight, edges: tuple[Lead, ...]) -> Opening | None:
    """On these edges of the node under the cursor; None if none of them can take a node."""
    path = sight.cursor
    edges = tuple(lead for lead in edges if not lead.fixed)
    if path is None or not edges:
        return None
    return Opening(sight.shown(path) or _middle(sight), owner=owner_of(path), edges=edges)


def _middle(sight: Sight) -> Rect:
    rect = sight.rect
    return Rect(rect.x + rect.width // 2 - 30, rect.y + max(rect.height // 2 - 9, 0), 1, 1)
