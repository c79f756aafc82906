"""A scene as lines of text: for terminals, pipes, README files and goldens. No colour; all facts are in the signs.

The same picture as the studio's canvas at rest: a card's title and marks are in its top border, what it runs in its
bottom border, and a state that needs an eye (running, failed, ...) has a heavy frame. In ASCII, frames are `+ - |`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.draw.glyphs import kind_glyph, state_glyph, worst
from engine.draw.ink import ink
from engine.draw.scene import Box, Form, Frame, Rect, Scene, Zoom
from engine.draw.sizes import Row, children, listed_rows
from engine.draw.strokes import ASCII, UNICODE
from engine.draw.text import clusters, cut, elide, safe, width

ALARMING = frozenset({"running", "failed", "suspended", "retrying", "unknown"})
"""States whose frame is heavy."""


_BAND = 64  # rows of ink at a time: a picture may have millions of cells


class Lines(NamedTuple):
    """The characters of a frame: corners from the top left clockwise, then level, upright, the port, a rule's ends."""

    corners: str
    level: str
    upright: str
    port: str
    rule: str
    dash: str


_LIGHT = Lines("╭╮╯╰", "─", "│", "├", "├┤", "╌")
_HEAVY = Lines("┏┓┛┗", "━", "┃", "┣", "┣┫", "╌")
_DOUBLE = Lines("╓╖╜╙", "─", "║", "╟", "╟╢", "╌")
_PLAIN = Lines("++++", "-", "|", "|", "||", "-")
_THICK = Lines("####", "=", "#", "#", "##", "-")
_BRACKETS = Lines("[]][", "-", "|", "]", "[]", "-")


def picture(
    scene: Scene,
    ascii_only: bool = False,
    states: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
) -> str:
    """All of a scene. `states` are words of `glyphs.STATES` by path; `said` replaces what stands in the bottom border.

    Lines have no trailing spaces, and each ends with a line feed.
    """
    page = Page(scene, ascii_only, states or {}, said or {}, with_states=states is not None)
    page.draw()
    return "".join("".join(row).rstrip() + "\n" for row in page.grid)


class Page:
    """A grid of cells; a wide character's second cell is empty text."""

    def __init__(
        self, scene: Scene, ascii_only: bool, states: Mapping[str, str], said: Mapping[str, str], with_states: bool
    ) -> None:
        self.scene = scene
        self.ascii = ascii_only
        self.said = said
        self.with_states = with_states
        self.grid = [[" "] * scene.width for _ in range(scene.height)]
        self.inside = children(scene.graph)
        self.state = self._states(states)
        self.ellipsis = "..." if ascii_only else "…"

    def _states(self, states: Mapping[str, str]) -> list[str | None]:
        boxes = self.scene.graph.boxes
        found: list[str | None] = [states.get(box.path) for box in boxes]
        for group in reversed(self.inside):
            if found[group] is None:
                found[group] = worst([state for child in self.inside[group] if (state := found[child]) is not None])
        return found

    # -- all ---------------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Frames, edges, boxes, ports: each over what was before."""
        scene = self.scene
        for frame in scene.frames:
            self._open(frame)
        chars = ASCII if self.ascii else UNICODE
        if scene.zoom is not Zoom.DOT:
            for top in range(0, scene.height, _BAND):
                for y, row in ink(scene, Rect(0, top, scene.width, min(_BAND, scene.height - top))).items():
                    for x, stroke in row.items():
                        self.grid[y][x] = chars[stroke]
        for frame in scene.frames:
            self._ports(frame.box, frame.rect, self._lines(frame.box))
        draw_box = {Zoom.CARD: self._card, Zoom.LINE: self._line, Zoom.DOT: self._dot}[scene.zoom]
        for panel in scene.panels:
            for members in panel.members:
                for box in members:
                    if scene.forms.get(box) is Form.LISTED:
                        self._listed(box)
                    elif scene.forms.get(box) is not Form.OPEN:
                        draw_box(box, scene.rects[box])

    def put(self, x: int, y: int, text: str) -> None:
        """Write text, cell by cell."""
        row = self.grid[y]
        for cluster, cells in clusters(safe(text, self.ascii)):
            if cells and x + cells <= len(row):
                row[x] = cluster
                for more in range(1, cells):
                    row[x + more] = ""
                x += cells

    # -- frames ------------------------------------------------------------------------------------------------------

    def _lines(self, box: int) -> Lines:
        if self.with_states and self.state[box] in ALARMING:
            return _THICK if self.ascii else _HEAVY
        if self.scene.graph.boxes[box].kind == "sub_workflow":
            return _BRACKETS if self.ascii else _DOUBLE
        return _PLAIN if self.ascii else _LIGHT

    def _frame(self, box: int, rect: Rect) -> Rect:
        """The frame; its rectangle, without what peeps out behind it."""
        lines = self._lines(box)
        if self.scene.graph.boxes[box].behind:
            self._edges(Rect(rect.x + 2, rect.y + 1, rect.width - 2, rect.height - 1), _PLAIN if self.ascii else _LIGHT)
            rect = Rect(rect.x, rect.y, rect.width - 1, rect.height - 1)
            for y in range(rect.y + 1, rect.bottom - 1):
                self.grid[y][rect.x + 1 : rect.right - 1] = " " * (rect.width - 2)
        self._edges(rect, lines)
        return rect

    def _edges(self, rect: Rect, lines: Lines) -> None:
        top_left, top_right, bottom_right, bottom_left = tuple(lines.corners)
        level = [lines.level] * (rect.width - 2)
        self.grid[rect.y][rect.x : rect.right] = [top_left, *level, top_right]
        self.grid[rect.bottom - 1][rect.x : rect.right] = [bottom_left, *level, bottom_right]
        for y in range(rect.y + 1, rect.bottom - 1):
            self.grid[y][rect.x] = self.grid[y][rect.right - 1] = lines.upright

    def _ports(self, box: int, rect: Rect, lines: Lines) -> None:
        row = self.scene.port_row(box)
        behind = self.scene.graph.boxes[box].behind
        if box in self.scene.leaves:
            port = (_PLAIN if self.ascii else _LIGHT).port if behind else lines.port
            self.grid[row][rect.right - 1] = port
        if box in self.scene.enters:
            self.grid[row][rect.x] = lines.port

    def _title(self, box: int, rect: Rect) -> None:
        name = elide(self._name(box), rect.width - 6, self.ellipsis)
        self.put(rect.x + 1, rect.y, f" {self._kind(box)} {name} ")

    def _open(self, frame: Frame) -> None:
        rect = self._frame(frame.box, frame.rect)
        self._title(frame.box, rect)
        box = self.scene.graph.boxes[frame.box]
        said = cut(box.note, rect.width - width(box.name) - 11, self.ellipsis) if box.note else ""
        if len(said) > 3:
            self.put(rect.right - width(said) - 4, rect.y, f" {said} ")
        if self.with_states and self.state[frame.box] is not None:
            self.put(rect.right - 4, rect.bottom - 1, f" {self._sign(frame.box)} ")
        for rule in frame.rules:
            self._rule(rect, rule.row, rule.title, self._lines(frame.box), rule.x)

    def _rule(self, rect: Rect, y: int, title: str, lines: Lines, x: int = 0) -> None:
        left, right = tuple(lines.rule)
        self.grid[y][rect.x : rect.right] = [left, *([lines.dash] * (rect.width - 2)), right]
        x = x or rect.x + 2
        self.put(x, y, f" {cut(title, rect.right - x - 4, self.ellipsis)} ")

    # -- boxes -------------------------------------------------------------------------------------------------------

    def _name(self, box: int) -> str:
        return self.scene.graph.boxes[box].name

    def _kind(self, box: int) -> str:
        return kind_glyph(self.scene.graph.boxes[box].kind, self.ascii)

    def _sign(self, box: int) -> str:
        return state_glyph(self.state[box], self.ascii) if self.with_states else " "

    def _said(self, box: int) -> str:
        found: Box = self.scene.graph.boxes[box]
        if found.path in self.said:
            return safe(self.said[found.path])
        inside = self.inside.get(box)
        return f"{len(inside)} inside" if inside else found.note

    def _card(self, box: int, rect: Rect) -> None:
        inner = self._frame(box, rect)
        name = elide(self._name(box), inner.width - 7, self.ellipsis)
        self.put(inner.x + 2, inner.y + 1, f"{self._kind(box)} {name}")
        self.put(inner.right - 3, inner.y + 1, self._sign(box))
        said = cut(self._said(box), inner.width - 4, self.ellipsis)
        if said:
            self.put(inner.x + 1, inner.bottom - 1, f" {said} ")
        self._ports(box, rect, self._lines(box))

    def _line(self, box: int, rect: Rect) -> None:
        name = elide(self._name(box), rect.width - 6, self.ellipsis)
        self.put(rect.x + 1, rect.y, f"{self._kind(box)} {name}")
        self.put(rect.right - 2, rect.y, self._sign(box))

    def _dot(self, box: int, rect: Rect) -> None:
        self.put(
            rect.x, rect.y, self._sign(box) if self.with_states and self.state[box] else "." if self.ascii else "·"
        )

    def _listed(self, box: int) -> None:
        rect = self.scene.rects[box]
        inner = self._frame(box, rect)
        self._title(box, inner)
        for number, row in enumerate(listed_rows(self.scene.graph.boxes, box, self.inside[box])):
            self._listed_row(box, inner, inner.y + 1 + number, row)
        if self.scene.graph.boxes[box].kind == "loop":
            again = " < again " if self.ascii else " ◂ again "
            self.put(inner.right - len(again) - 1, inner.bottom - 1, again)
        self._ports(box, rect, self._lines(box))

    def _listed_row(self, box: int, inner: Rect, y: int, row: Row) -> None:
        if row.what == "rule":
            self._rule(inner, y, row.text, self._lines(box))
        elif row.what == "note":
            self.put(inner.x + 2, y, cut(row.text, inner.width - 4, self.ellipsis))
        else:
            self.put(inner.x + 2, y, f"{self._kind(row.box)} {elide(row.text, inner.width - 8, self.ellipsis)}")
            self.put(inner.right - 3, y, self._sign(row.box))
