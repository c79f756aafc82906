"""The nouns of drawing: what goes in (`Graph`) and what comes out (`Scene`).

Cells are integers, x to the right, y down. A *box* stands for one node of a project, at any depth; its index in
`Graph.boxes` is its name everywhere in this package and never changes with zoom or folding. A *group* is a box that
other boxes name as their parent; its form says how it is shown:

    closed   one card; what is inside has no place (its rectangle is `NOWHERE`)
    listed   a frame with one row a child; children have a place, edges end at the frame
    open     a frame with a picture of its own, edges go on inside

Edges are written between the boxes that they really join, at any depth. Where an end is hidden, the edge is drawn at
the nearest visible box above it; where it crosses an open frame, it is drawn in pieces. A drawn piece is a *link*:
links that leave one box inside one frame belong to one *net* and share their lines; lines of two nets only cross or
land on one port row.

    graph = Graph(boxes=[Box("load", label=4), Box("clean", label=5)], edges=[Edge(0, 1)])
    scene = lay_out(graph)                      # engine.draw.placement
    scene.rects[1], scene.box_at(20, 1), scene.boxes_in(Rect(0, 0, 80, 24))
    ink(scene, Rect(0, 0, 80, 24))              # engine.draw.ink: row -> column -> stroke
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from engine.draw.layers import Layered

if TYPE_CHECKING:
    from engine.draw.steady import Footing
    from engine.draw.tracks import Signature, Solution

EdgeKind = Literal["data", "order"]


class Zoom(IntEnum):
    """How much of a box is shown: three rows, one row, or one cell."""

    CARD = 1
    LINE = 2
    DOT = 3


class Form(Enum):
    """How a group is shown."""

    CLOSED = "closed"
    LISTED = "listed"
    OPEN = "open"


class Rect(NamedTuple):
    """Cells `x <= column < x + width`, `y <= row < y + height`."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column past it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height

    def holds(self, x: int, y: int) -> bool:
        """True if the cell is in it."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height

    def meets(self, other: Rect) -> bool:
        """True if the two share a cell."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


NOWHERE = Rect(0, 0, 0, 0)
"""The rectangle of a box that is not shown."""


class Box(Struct, frozen=True, gc=False):
    """One node to be drawn. `label` is the width of its name in cells; sizes follow from it, the zoom and the form."""

    path: str
    label: int = 1
    name: str = ""
    kind: str = "task"
    parent: int = -1
    """Index of the group it is in; -1 at the top."""
    lane: int = 0
    """Which lane of its parent it is in."""
    group: bool = False
    lanes: tuple[str, ...] = ()
    """A group's lanes, top to bottom, by title; without any, all children are in one that has no rule."""
    note: str = ""
    """One line about it: the task it runs, the condition of a branch."""
    behind: bool = False
    """True if a second frame peeps out behind it (map)."""
    most: int = 0
    """The most rounds of a loop; 0: nobody said."""
    layer: int = 0
    """It stands in this column or a later one."""
    pin: int | None = None
    """The row, counted from its frame's top, in which a person put its ports; None: anywhere."""
    off: bool = False
    """True if it is bypassed."""
    remark: str = ""
    """The first line of what a person noted on it."""


_LAST_ROW, _EMPTY_COLUMNS = 100_000, 40


class Pin(NamedTuple):
    """Where a person put a box: in this column or a later one, its ports in this row of a picture of cards."""

    layer: int
    row: int


class Edge(Struct, frozen=True, gc=False):
    """`target` comes after `source` (both are box indexes): with a value (data) or without (order)."""

    source: int
    target: int
    kind: EdgeKind = "data"


class Graph(Struct, frozen=True):
    """What is to be drawn. Parents come before their children. Edges of one frame form no cycle."""

    boxes: Sequence[Box] = ()
    edges: Sequence[Edge] = ()


def pinned(graph: Graph, pins: Mapping[str, Pin]) -> Graph:
    """The same graph with boxes pinned, by path; others are as they were. A pin far outside, as a file may have it, is
    taken for the nearest that makes a picture."""
    if not pins:
        return graph
    boxes = list(graph.boxes)
    for at, box in enumerate(boxes):
        pin = pins.get(box.path)
        if pin is not None:
            layer = max(0, min(pin.layer, len(boxes) + _EMPTY_COLUMNS))
            boxes[at] = replace(box, layer=layer, pin=max(1, min(pin.row, _LAST_ROW)))
    return Graph(boxes, graph.edges)


class Link(NamedTuple):
    """A drawn piece of edges inside one frame. From a group to its own child it enters, from a child to its own
    group it leaves; `edges` are the indexes of all edges that run along it."""

    source: int
    target: int
    kind: EdgeKind
    edges: tuple[int, ...]


class End(NamedTuple):
    """Where a wire goes: to the right on `row` up to and including column `stop`; there an arrowhead into box
    `target`, or, with -1, no head: the next wire, or the frame, goes on."""

    row: int
    stop: int
    target: int


class Wire:
    """One net in one gap: level on `row` from column `start` to its track `x`, upright there, level again to each end.

    A wire without a track (all on one row) has x == start. `ends` is sorted by row.
    """

    __slots__ = ("bottom", "dashed", "ends", "row", "source", "start", "top", "x")

    def __init__(self, source: int, dashed: bool, row: int, start: int, x: int, ends: list[End]) -> None:
        self.source = source
        self.dashed = dashed
        self.row = row
        self.start = start
        self.x = x
        self.ends = ends
        self.top = min(row, ends[0].row)
        self.bottom = max(row, ends[-1].row)

    def __repr__(self) -> str:
        return f"Wire({self.source}, row={self.row}, {self.start}..{self.x}, {self.ends})"


class Rule(NamedTuple):
    """A lane's dashed rule across a frame, with its title."""

    row: int
    title: str
    x: int = 0
    """Where the title begins: past the lines that enter."""


class Frame(NamedTuple):
    """The frame of an open group."""

    box: int
    rect: Rect
    rules: tuple[Rule, ...]


class Gap(NamedTuple):
    """How wide a gap is, where its first track is, counted from its left edge, how far its tracks are apart, and the
    lowest row of any jog in it (or -1)."""

    width: int
    first: int
    spacing: int
    lowest: int


class Panel:
    """One frame's picture (the root's, or an open group's), in the scene's coordinates.

    Layer k stands in column `column_x[k]`, `column_width[k]` wide, after gap k; the last gap comes after the last one.
    `members[k]` are its boxes from top to bottom. `items` numbers the boxes as `layered` does, `rows` are the rows of
    its items; `rails` has the wire of each hop, and the one that it goes on as where it had to change its track.
    """

    __slots__ = (
        "cards",
        "column_width",
        "column_x",
        "gap_x",
        "gaps",
        "group",
        "items",
        "layered",
        "lift",
        "links",
        "members",
        "port",
        "rails",
        "rect",
        "roads",
        "rows",
        "solved",
        "wires",
    )

    def __init__(self, group: int, layered: Layered, links: list[Link]) -> None:
        self.group = group
        self.layered = layered
        self.links = links
        self.rect = NOWHERE
        self.column_x: list[int] = []
        self.column_width: list[int] = []
        self.cards: list[int] = []
        """The common width of the cards of each column."""
        self.solved: Mapping[Signature, Solution] = {}
        """The tracks of each gap, by what they depend on."""
        self.lift = 0
        """Rows above everything that highways take."""
        self.gap_x: list[int] = []
        self.gaps: list[Gap] = []
        self.members: list[list[int]] = []
        self.items: dict[int, int] = {}
        self.rows: list[int] = []
        self.port = 0
        """The row on which edges enter the frame and leave it."""
        self.wires: Sequence[list[Wire]] = []
        self.rails: Mapping[tuple[int, bool], tuple[Wire, ...]] = {}
        self.roads: dict[tuple[int, bool], Wire] = {}
        """The highways of nets. Those wires are in the last list of `wires`, too, which belongs to no gap."""

    def row_of(self, item: int) -> int:
        """The port row of an item, or of the frame."""
        return self.rows[item] if item >= 0 else self.port

    def gaps_in(self, left: int, right: int) -> list[int]:
        """The lists of `wires` that may be seen in columns left <= x < right. A wire may start in the column before its
        gap, where a box is narrower than its column, and end in the one after it; highways are seen from everywhere."""
        first = max(0, bisect_right(self.gap_x, left) - 1)
        found = list(range(first, min(len(self.gap_x), bisect_left(self.gap_x, right) + 1)))
        return [*found, len(self.gap_x)] if self.roads else found


class Scene:
    """A drawn graph: where every box stands, every frame, and every wire. Not changed after it was made.

    `panels[0]` is the root's; panels of open groups follow, outer before inner. `leaves` and `enters` are the boxes
    whose right port is used, and the open groups whose left port goes on inside.
    """

    __slots__ = (
        "blank",
        "enters",
        "footings",
        "forms",
        "frames",
        "graph",
        "height",
        "leaves",
        "panels",
        "ports",
        "rects",
        "width",
        "zoom",
    )

    def __init__(self, graph: Graph, zoom: Zoom, blank: int = 0) -> None:
        self.graph = graph
        self.zoom = zoom
        self.blank = blank
        """Rows that are free between boxes."""
        self.width = 0
        self.height = 0
        self.rects: list[Rect] = [NOWHERE] * len(graph.boxes)
        self.forms: dict[int, Form] = {}
        self.frames: list[Frame] = []
        self.panels: list[Panel] = []
        self.ports: dict[int, int] = {}
        """The port rows of open groups; all others have theirs in the second row."""
        self.leaves: set[int] = set()
        self.enters: set[int] = set()
        self.footings: dict[str, Footing] = {}
        """What `engine.draw.steady` knows of each frame, by its path."""

    def port_row(self, box: int) -> int:
        """The row on which edges come to a box and leave it."""
        return self.ports.get(box, self.rects[box].y + (self.rects[box].height > 1))

    def shows(self, box: int) -> bool:
        """True if the box has a place of its own."""
        return self.rects[box].width > 0

    def visible(self, box: int) -> int:
        """The box itself, or the nearest one above it that is shown."""
        while not self.rects[box].width:
            box = self.graph.boxes[box].parent
        return box

    def boxes_in(self, rect: Rect) -> list[int]:
        """Boxes that share a cell with `rect`, outer before inner."""
        found: list[int] = []
        for panel in self.panels:
            if panel.rect.meets(rect):
                found += self._members_in(panel, rect)
        rects = self.rects
        listed = [child for box in found if self.forms.get(box) is Form.LISTED for child in self.listed(box)]
        return found + [child for child in listed if rects[child].meets(rect)]

    def box_at(self, x: int, y: int) -> int | None:
        """The innermost box whose rectangle has the cell; None on bare canvas."""
        found = self.boxes_in(Rect(x, y, 1, 1))
        return found[-1] if found else None

    def listed(self, group: int) -> list[int]:
        """The children that a listed group shows, top to bottom."""
        boxes = self.graph.boxes
        found = []
        for child in range(group + 1, len(boxes)):
            if boxes[child].parent == group:
                found.append(child)
            elif boxes[child].parent < group:
                break
        return found

    def _members_in(self, panel: Panel, rect: Rect) -> Iterator[int]:
        rects = self.rects
        columns = panel.column_x
        for layer in range(max(0, bisect_right(columns, rect.x) - 1), bisect_left(columns, rect.right)):
            members = panel.members[layer]
            low = bisect_right(members, rect.y, key=lambda box: rects[box].bottom)
            for at in range(low, len(members)):
                if rects[members[at]].y >= rect.bottom:
                    break
                if rects[members[at]].meets(rect):
                    yield members[at]
