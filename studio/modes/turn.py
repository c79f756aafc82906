"""The nouns of modes: what comes in (`Press`, `Point`, `Sight`) and what comes of it (`Turn`).

A mode is a frozen record with three pure functions: `press(key, sight)` and `point(pointer, sight)` answer with a turn,
which holds the next mode (None: it is over) and what is to be done; `look(sight)` says what is to be seen of it. A mode
asks the sight for whatever it must know of the graph and the picture, and keeps only what the person said. So every
gesture can be tested without a terminal, and whoever carries the turns out (`studio.widgets.hand`) decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.draw.scene import Graph, Rect, Scene
from engine.project.model import Composite, Conditional, Node, Switch, Workflow
from studio.document.catalog import Catalog
from studio.document.reader import inside
from studio.modes.desk import Desk
from studio.pictures.hand import IDLE, Work
from studio.pictures.view import View
from studio.pictures.web import Web

if TYPE_CHECKING:
    from studio.document.edits import Edit


@dataclass(frozen=True, slots=True)
class Press:
    """A key: the id of the mode's action that it is bound to ("" for none), its name, and the character it types."""

    act: str = ""
    key: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """The pointer at a cell of the scene, and the innermost box there.

    `act` is "move" (no button), "drag", "drop" (the button went up), "click" or "other" (a click of another button).
    """

    act: str
    x: int
    y: int
    box: int | None = None
    shift: bool = False
    ctrl: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """All that a mode can see: the document, the picture, where the person looks. `rect` is the view in the scene's cells;
    `pin` tells the place of a box whose port is put into a cell."""

    desk: Desk
    graph: Graph
    scene: Scene
    web: Web
    index: Mapping[str, int]
    view: View
    rect: Rect
    ascii: bool = False
    pin: Callable[[int, int, int], tuple[int, int] | None] = lambda *_: None

    @property
    def workflow(self) -> Workflow:
        """What is drawn."""
        return self.desk.workflow

    @property
    def catalog(self) -> Catalog:
        """What can be added."""
        return self.desk.catalog

    @property
    def workflows(self) -> Collection[str]:
        """The names of the project's workflows."""
        return self.desk.workflows

    @property
    def gaps(self) -> Collection[str]:
        """Paths of places that are empty yet."""
        return self.desk.gaps

    def targets(self, source: str) -> Mapping[str, str | None]:
        """The nodes that an edge from a node may lead to (None), and those that it may not, with the reason."""
        return self.desk.targets(source)

    def node_at(self, path: str) -> Node | None:
        """The node at a path."""
        return self.desk.node_at(path)

    @property
    def cursor(self) -> str | None:
        """The path of the node under the cursor."""
        return self.path(self.view.cursor)

    def path(self, box: int | None) -> str | None:
        """The path of a box."""
        return self.graph.boxes[box].path if box is not None else None

    def boxes(self, *paths: str | None) -> set[int]:
        """The boxes of these nodes, as far as they are there."""
        return {self.index[path] for path in paths if path is not None and path in self.index}

    @property
    def chosen(self) -> tuple[str, ...]:
        """What an act is about: the selection, or the node under the cursor; in the order of the file. What stands
        inside of a chosen group goes with it and is not told again."""
        boxes = self.view.selected or ([self.view.cursor] if self.view.cursor is not None else [])
        around = set(boxes)
        return tuple(self.graph.boxes[box].path for box in sorted(boxes) if around.isdisjoint(self.web.around(box)))

    def shown(self, path: str | None) -> Rect | None:
        """The rectangle of a node, if it has a place."""
        box = self.index.get(path or "")
        return self.scene.rects[box] if box is not None and self.scene.shows(box) else None

    def is_lane(self, path: str) -> bool:
        """Whether a path is that of a branch."""
        owner = self.node_at(path.rpartition("/")[0]) if "/" in path else None
        return owner is not None and isinstance(owner.body, Conditional | Switch)

    def holds_nodes(self, path: str) -> bool:
        """Whether nodes can be added to what is at a path."""
        owner = self.node_at(path) if path else None
        return owner is not None and isinstance(owner.body, Composite)

    def siblings(self, owner: str) -> Mapping[str, Node]:
        """What stands in a group, or (empty) at the top."""
        around = self.node_at(owner) if owner else None
        return inside(around) if around is not None else self.workflow.nodes

    def in_view(self) -> list[int]:
        """The boxes in view, in reading order: column by column."""
        rects = self.scene.rects
        found = [box for box in self.scene.boxes_in(self.rect) if self.rect.meets(rects[box])]
        return sorted(found, key=lambda box: (rects[box].x, rects[box].y))

    def port(self, path: str) -> tuple[int, int] | None:
        """The cell right of a node's port, where a wire begins."""
        box = self.index.get(path)
        if box is None:
            return None
        box = self.scene.visible(box)
        return self.scene.rects[box].right, self.scene.port_row(box)

    def port_at(self, x: int, y: int) -> str | None:
        """The node whose port is at a cell: the right side of its frame in the port row, or the cell after it."""
        for column in (x, x - 1):
            box = self.scene.box_at(column, y)
            while box is not None and box >= 0:
                rect = self.scene.rects[box]
                if rect.right - 1 == column and self.scene.port_row(box) == y and rect.width > 1:
                    path = self.graph.boxes[box].path
                    return path if path not in self.gaps else None
                box = self.graph.boxes[box].parent
        return None

    def landing(self, path: str) -> tuple[int, int] | None:
        """The cell left of a node, where an arrow ends."""
        box = self.index.get(path)
        if box is None:
            return None
        box = self.scene.visible(box)
        return self.scene.rects[box].x - 1, self.scene.port_row(box)


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes of an event: the mode that goes on, and what is to be done.

    `edit` changes the document; edits with the same `key` are one step for undo, and one that is made `instead` takes
    back the last of them before. `cursor` is where to go, `select` what
    to select (None: as it was). `tell` is a line for the person. `taken` is False for a key or a move that was not the
    mode's: it goes its usual way.
    """

    mode: Mode | None = None
    edit: Edit | None = None
    key: str | None = None
    instead: bool = False
    cursor: str | None = None
    select: frozenset[str] | None = None
    step: str = ""
    tell: str = ""
    taken: bool = True

    def but(self, **changes: object) -> Turn:
        """The same turn with something else in it."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Mode:
    """Base of all modes: nothing is taken, nothing is to be seen, Esc leaves."""

    @property
    def where(self) -> str:
        """The place of `studio.keys` whose keys hold meanwhile."""
        raise NotImplementedError

    @property
    def word(self) -> str:
        """What the last row calls it."""
        return self.where.upper()

    def press(self, press: Press, sight: Sight) -> Turn:
        """A key."""
        return LEFT if press.act == "mode.leave" else Turn(self, taken=False)

    def point(self, point: Point, sight: Sight) -> Turn:
        """The pointer."""
        return Turn(self, taken=False)

    def paste(self, text: str, sight: Sight) -> Turn:
        """Pasted text, which never runs as keys."""
        return Turn(self)

    def look(self, sight: Sight) -> Work:
        """What there is to see of it."""
        return IDLE


ARROWS = {f"mode.{way}": way for way in ("left", "right", "up", "down")}
"""The actions of arrows -> directions of `studio.pictures.steps`."""

LEFT = Turn(None)
"""The mode is over, and nothing came of it."""
