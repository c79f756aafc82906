"""One node on the canvas: a card, a line or a dot; and a group's frame around its children.

A card has three rows. Its title and marks sit in the top border, its second line and its progress in the bottom border;
the row between is the port row, where edges come and leave. Fill is attention: only the cursor, the pointer and states
that need an eye have one. Without colour a fill becomes reverse video on the name, a state's frame becomes heavy and the
cursor's frame double, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.draw.glyphs import WORST_FIRST
from engine.draw.scene import Box, Rect, Rule
from studio.pictures.cells import Grid, tone
from studio.pictures.faces import Face
from studio.pictures.lettering import cut, letters
from studio.pictures.view import Style
from studio.theme import STATES, StateLook, kind_glyph, kind_look, sign

MARK_INKS = {
    "error": "failed",
    "warning": "suspended",
    "added": "completed",
    "changed": "dirty",
    "removed": "failed",
}
"""The marks in a card's border: findings, or what differs from the saved file."""


class Frame(NamedTuple):
    """The characters of a frame: four corners, level, upright, and its port on the right, at rest and lit."""

    top_left: str
    level: str
    top_right: str
    upright: str
    bottom_left: str
    bottom_right: str
    port: str
    lit_port: str
    left: str = ""
    right: str = ""


FRAMES = {
    "rest": Frame("╭", "─", "╮", "│", "╰", "╯", "├", "┝"),
    "heavy": Frame("┏", "━", "┓", "┃", "┗", "┛", "┠", "┣"),
    "double": Frame("╔", "═", "╗", "║", "╚", "╝", "╟", "╠"),
    "sides": Frame("╓", "─", "╖", "║", "╙", "╜", "╟", "╟"),
    "dashed": Frame("╭", "╌", "╮", "╎", "╰", "╯", "├", "┝"),
}
ASCII_FRAMES = {
    "rest": Frame("+", "-", "+", "|", "+", "+", "|", "|"),
    "heavy": Frame("+", "=", "+", "|", "+", "+", "|", "|"),
    "double": Frame("#", "=", "#", "#", "#", "#", "#", "#"),
    "sides": Frame("[", "-", "]", "[", "[", "]", "]", "]", "[", "]"),
    "dashed": Frame("+", " ", "+", ":", "+", "+", "|", "|"),
}


class Stance(NamedTuple):
    """How a box stands out right now, apart from its state."""

    cursor: bool = False
    hover: bool = False
    selected: bool = False
    kin: bool = False
    dim: bool = False
    leaves: bool = False
    lit_port: str = ""
    finding: str = ""
    pinned: bool = False
    stop: bool = False
    match: tuple[int, int] | None = None
    spin: str = ""
    turned: bool = False


PLAIN = Stance()
GAP = "gap"
"""The kind of a box that no node is behind: a place where one can be put in."""


class Pen:
    """Draws boxes in one style: with or without colour, with all signs or ASCII only."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.frames = ASCII_FRAMES if style.ascii else FRAMES

    # -- zoom 1 ----------------------------------------------------------------------------------------------------

    def card(self, grid: Grid, rect: Rect, box: Box, face: Face, stance: Stance, second: str = "") -> None:
        """A box of three rows, or of more where it is a group that is closed but tall."""
        look = STATES[face.state]
        frame, line = self._frame(box, look, stance)
        port = rect.right - 1
        if box.kind == GAP:
            self._outline(grid, rect, self.frames["dashed"], line)
            self._gap(grid, rect.x + 1, rect.y + 1, rect.width - 2, box, stance, "bg")
            return
        if box.behind:
            rect = self._behind(grid, rect)
        self._outline(grid, rect, frame, line)
        if face.items:
            room = rect.width - 4 - 3 * (bool(stance.finding) + stance.pinned)
            self._items(grid, rect.x + 2, rect.y, room, face.items, "bg")
        self._marks(grid, rect, stance)
        self._name_row(grid, rect, rect.y + 1, box, face, stance)
        self._port(grid, port, rect.y + 1, frame, line, stance, behind=box.behind)
        if box.off:
            self._passes(grid, rect, port, stance)
        if face.fraction is not None:
            self._progress(grid, rect, face.fraction, look)
        else:
            self._caption(grid, rect, second or face.second, self._muted(stance))

    def _frame(self, box: Box, look: StateLook, stance: Stance) -> tuple[Frame, int]:
        """The frame's characters and tone."""
        coloured = self.style.colour
        if stance.cursor:
            return self.frames["heavy" if coloured else "double"], tone("accent")
        shape = "sides" if box.kind in ("sub_workflow", "sub-workflow") else "rest"
        if stance.dim:
            return self.frames[shape], tone("line")
        if look.framed:
            return self.frames[shape if coloured else "heavy"], tone(look.token)
        return self.frames[shape], tone("line")

    def _ground(self, look: StateLook, stance: Stance) -> str:
        if stance.dim:
            return "bg"
        if stance.cursor or stance.selected:
            return "accentbg"
        if stance.hover:
            return "raised"
        if stance.turned:
            return look.fill or ("okbg" if look.token in ("completed", "cached") else "raised")
        return look.fill or "bg"

    def _muted(self, stance: Stance, ground: str = "bg") -> int:
        return tone("line" if stance.dim else "muted", ground)

    def _outline(self, grid: Grid, rect: Rect, frame: Frame, line: int) -> None:
        inner = rect.width - 2
        grid.put(rect.x, rect.y, (frame.top_left, *(frame.level * inner), frame.top_right), line)
        for y in range(rect.y + 1, rect.bottom - 1):
            grid.put(rect.x, y, (frame.left or frame.upright,), line)
            grid.put(rect.right - 1, y, (frame.right or frame.upright,), line)
        grid.put(rect.x, rect.bottom - 1, (frame.bottom_left, *(frame.level * inner), frame.bottom_right), line)

    def _behind(self, grid: Grid, rect: Rect) -> Rect:
        """The second frame of a map, peeping out on the right (and below, where there is a row); what is left of it."""
        frame, line = self.frames["rest"], tone("line")
        inner = Rect(rect.x, rect.y, rect.width - 1, rect.height - (rect.height > 3))
        edge = rect.right - 1
        grid.put(edge, rect.y, (frame.top_right,), line)
        grid.column(edge, rect.y + 1, rect.height - 2, frame.upright, line)
        if inner.height < rect.height:
            low = (frame.bottom_left, *(frame.level * (rect.width - 4)), frame.bottom_right)
            grid.put(rect.x + 2, rect.bottom - 1, low, line)
        else:
            grid.put(edge, rect.bottom - 1, (frame.bottom_right,), line)
        return inner

    def _marks(self, grid: Grid, rect: Rect, stance: Stance) -> None:
        """What is written into the right end of the top border, and what stands left of the frame."""
        signs = []
        if stance.pinned:
            signs.append((sign("pinned", ascii=self.style.ascii), tone("cached", bold=True)))
        if stance.finding:
            token = MARK_INKS[stance.finding]
            signs.append((sign(stance.finding, ascii=self.style.ascii), tone(token, bold=True)))
        at = rect.right - 2
        for char, ink in signs:
            at -= 3
            grid.put(at, rect.y, (" ", char, " "), ink)

    def _passes(self, grid: Grid, rect: Rect, port: int, stance: Stance) -> None:
        """A bypassed node: values pass through it, so the line goes on behind its name."""
        dash = "." if self.style.ascii else "╌"
        y = rect.y + 1
        ground = "accentbg" if stance.cursor or stance.selected else "bg"
        grid.put(rect.x, y, (dash,), tone("muted"))
        grid.put(rect.x + 1, y, (dash,), tone("muted", ground))
        grid.put(port - 1, y, (dash,), tone("muted", ground))
        if not stance.leaves:
            grid.put(port, y, (dash,), tone("muted"))

    def _gap(self, grid: Grid, x: int, y: int, width: int, box: Box, stance: Stance, ground: str) -> None:
        """A place where something can be put in."""
        ground = self._ground(STATES["ready"], stance) if ground == "bg" else ground
        grid.put(x, y, " " * width, tone("text", ground))
        loud = stance.cursor and not self.style.colour
        if stance.cursor or stance.selected:
            grid.put(x, y, (sign("selected", ascii=self.style.ascii),), tone("accent", ground, bold=stance.cursor))
        grid.put(x + 1, y, ("+",), tone("line" if stance.dim else "accent", ground))
        words = cut(box.name, width - 4, ascii=self.style.ascii, end=True)
        grid.write(x + 3, y, words, tone("line" if stance.dim else "muted", ground, reverse=loud))

    def remark(self, grid: Grid, rect: Rect, box: Box, stance: Stance) -> None:
        """What a person noted on a node, in the row below it where that is free."""
        words = cut(box.remark, rect.width - 2, ascii=self.style.ascii, end=True)
        free = next((n for n in range(len(words) + 2, 4, -1) if grid.is_blank(rect.x, rect.bottom, n)), 0)
        if free:
            words = cut(box.remark, free - 2, ascii=self.style.ascii, end=True)
            grid.put(
                rect.x,
                rect.bottom,
                (sign("selected", ascii=self.style.ascii), " "),
                tone("line" if stance.dim else "accent"),
            )
            grid.write(rect.x + 2, rect.bottom, words, self._muted(stance, "panel"))

    def beside(self, grid: Grid, rect: Rect, stance: Stance) -> None:
        """What stands left of the frame: a breakpoint, or that the box is selected."""
        if stance.stop:
            grid.put(rect.x - 1, rect.y + 1, (sign("breakpoint", ascii=self.style.ascii),), tone("failed"))
        elif stance.selected:
            grid.column(rect.x - 1, rect.y, rect.height, sign("selected", ascii=self.style.ascii), tone("accent"))

    def _name_row(self, grid: Grid, rect: Rect, y: int, box: Box, face: Face, stance: Stance) -> None:
        """Kind, name and state between the frame's sides."""
        look = STATES[face.state]
        ground = self._ground(look, stance)
        inner = rect.width - 2
        if ground != "bg":
            grid.put(rect.x + 1, y, " " * inner, tone("text", ground))
        tight = len(letters(box.name or box.path)) > rect.width - 8
        self._kind(grid, rect.x + 2, y, box.kind, ground, stance)
        self._name(grid, rect.x + 4, y, rect.width - (7 if tight else 8), box, look, stance, ground)
        self._state(grid, rect.right - (2 if tight else 3), y, look, stance, ground)

    def _kind(self, grid: Grid, x: int, y: int, kind: str, ground: str, stance: Stance) -> None:
        colour = "line" if stance.dim else "accent"
        grid.put(x, y, (kind_glyph(kind, ascii=self.style.ascii),), tone(colour, ground))

    def _name(
        self, grid: Grid, x: int, y: int, room: int, box: Box, look: StateLook, stance: Stance, ground: str
    ) -> None:
        if room <= 0:
            return
        name = cut(box.name or box.path, room, ascii=self.style.ascii)
        faint = (look.muted or box.off) and not stance.cursor
        colour = "line" if stance.dim else "muted" if faint else "text"
        loud = not self.style.colour and not stance.dim and (bool(look.fill) or stance.cursor or stance.selected)
        ink = tone(
            colour, ground, bold=colour == "text", reverse=loud, underline=stance.hover and not self.style.colour
        )
        grid.write(x, y, name, ink)
        if stance.match is not None:
            first, stop = stance.match
            stop = min(stop, len(name))
            if first < stop:
                found = tone("bg", "critical", bold=True) if self.style.colour else tone(underline=True, reverse=True)
                grid.tint(x + first, y, stop - first, found)

    def _state(self, grid: Grid, x: int, y: int, look: StateLook, stance: Stance, ground: str) -> None:
        char = stance.spin if stance.spin and look.word == "running" else look.ascii if self.style.ascii else look.glyph
        grid.put(x, y, (char,), tone("line" if stance.dim else look.token, ground, bold=True))

    def port(self, grid: Grid, rect: Rect, y: int, box: Box, face: Face, stance: Stance) -> None:
        """The right port of a group, drawn again over the lines that come to it from inside."""
        frame, line = self._frame(box, STATES[face.state], stance)
        self._port(grid, rect.right - 1, y, frame, line, stance, behind=box.behind)

    def _port(
        self, grid: Grid, x: int, y: int, frame: Frame, line: int, stance: Stance, *, behind: bool = False
    ) -> None:
        """Where edges leave, drawn only if one does, or if the pointer is there: one can be drawn out of it."""
        if not stance.leaves and not stance.hover:
            return
        if behind:
            frame, line = self.frames["rest"], tone("line")
        if stance.lit_port:
            grid.put(x, y, (frame.lit_port,), tone(stance.lit_port))
        else:
            grid.put(x, y, (frame.port,), line)

    def _caption(self, grid: Grid, rect: Rect, text: str, ink: int) -> None:
        """Text in the bottom border."""
        room = rect.width - 4
        if self.style.ascii:
            text = text.replace("·", sign("between", ascii=True))
        if text and room > 0:
            words = cut(text, room, ascii=self.style.ascii, end=True)
            grid.write(rect.x + 1, rect.bottom - 1, (" ", *words, " "), ink)

    def _progress(self, grid: Grid, rect: Rect, fraction: float, look: StateLook) -> None:
        """A bar in the bottom border, its share at the right end."""
        from studio.pictures.faces import percent

        words = tuple(f" {percent(fraction):>4} ")
        room = rect.width - 2 - len(words)
        done = min(room, max(0, round(fraction * room)))
        full, rest = sign("bar done", ascii=self.style.ascii), sign("bar left", ascii=self.style.ascii)
        y = rect.bottom - 1
        grid.put(rect.x + 1, y, full * done, tone(look.token))
        grid.put(rect.x + 1 + done, y, rest * (room - done), tone("line"))
        grid.put(rect.x + 1 + room, y, words, tone(look.token))

    # -- zoom 2, and the children of a listed group ------------------------------------------------------------------

    def row(
        self, grid: Grid, rect: Rect, box: Box, face: Face, stance: Stance, *, inside: bool = False, kin: bool = False
    ) -> None:
        """A box of one row. `inside`: a child of a listed group, on the group's ground; else a line on its own."""
        look = STATES[face.state]
        ground = self._ground(look, stance)
        if box.kind == GAP:
            self._gap(grid, rect.x, rect.y, rect.width, box, stance, ground)
            return
        if ground == "bg" and not inside and not stance.dim:
            ground = "surface"
        x, y, width = rect.x, rect.y, rect.width
        grid.put(x, y, " " * width, tone("text", ground))
        if stance.cursor or stance.selected:
            grid.put(x, y, (sign("selected", ascii=self.style.ascii),), tone("accent", ground, bold=stance.cursor))
        if stance.stop:
            grid.put(x, y, (sign("breakpoint", ascii=self.style.ascii),), tone("failed", ground))
        self._kind(grid, x + 1, y, box.kind, ground, stance)
        aside = cut(face.aside, 7, ascii=self.style.ascii) if inside and face.aside else ()
        room = width - 6
        if aside and room - len(aside) - 1 >= min(6, len(letters(box.name or box.path))):
            room -= len(aside) + 1
            grid.write(x + width - 4 - len(aside) + 1, y, aside, tone("muted", ground))
        self._name(grid, x + 3, y, room, box, look, stance, ground)
        if not (inside or kin or stance.cursor or look.fill or stance.match or stance.dim):
            grid.tint(x + 3, y, room, tone("muted", ground))
        if stance.finding:
            token = MARK_INKS[stance.finding]
            mark = sign(stance.finding, ascii=self.style.ascii)
            grid.put(x + width - 2, y, (mark,), tone(token, ground, bold=True))
        else:
            self._state(grid, x + width - 2, y, look, stance, ground)

    # -- zoom 3 ------------------------------------------------------------------------------------------------------

    def dot_look(self, face: Face, stance: Stance) -> tuple[str, int]:
        """The character and tone of a box of one cell."""
        look = STATES[face.state]
        if face.state in ("failed", "retrying", "unknown") or not self.style.colour:
            char = look.ascii if self.style.ascii else look.glyph
        else:
            char = sign("dot ready" if face.state == "ready" else "dot", ascii=self.style.ascii)
        if stance.match is not None:
            return char, tone("bg", "critical", reverse=not self.style.colour)
        ground = "accentbg" if stance.cursor or stance.selected else "raised" if stance.hover else "bg"
        loud = stance.cursor and not self.style.colour
        return char, tone("line" if stance.dim else look.token, ground, bold=stance.cursor, reverse=loud)

    # -- groups ------------------------------------------------------------------------------------------------------

    def frame(
        self, grid: Grid, rect: Rect, box: Box, face: Face, stance: Stance, port: int, inside: Sequence[tuple[str, str]]
    ) -> None:
        """The frame of a group that shows its children, with its title in the top border.

        `inside` are the rows below it that the frame itself writes: ("rule", a lane's title), ("note", text) or
        ("", ""), one a row; of an open group only those of `rules`. `port` is the row of its ports.
        """
        look = STATES[face.state]
        frame, line = self._frame(box, look, stance)
        edge = rect.right - 1
        if box.behind:
            rect = self._behind(grid, rect)
        for y in range(rect.y + 1, rect.bottom - 1) if inside else ():
            grid.put(rect.x + 1, y, " " * (rect.width - 2), tone())
        self._outline(grid, rect, frame, line)
        self._title(grid, rect, box, look, stance)
        self._marks(grid, rect, stance)
        self._foot(grid, rect, box, face, line, stance)
        for y, (what, text) in enumerate(inside, rect.y + 1):
            if what == "rule":
                self.rule(grid, rect, y, text, stance, frame, line)
            elif what == "note":
                self._note(grid, rect, y, text, face, stance, look)
        self._port(grid, edge, port, frame, line, stance, behind=box.behind)

    def _note(self, grid: Grid, rect: Rect, y: int, text: str, face: Face, stance: Stance, look: StateLook) -> None:
        """The first row inside: a condition, what a map goes over; the items of a map that runs."""
        ground = self._ground(look, stance) if stance.cursor or stance.selected or stance.hover else "bg"
        room = rect.width - 4
        grid.put(rect.x + 1, y, " " * (rect.width - 2), tone("muted", ground))
        if face.items:
            self._items(grid, rect.x + 2, y, room, face.items, ground)
        elif text:
            grid.write(rect.x + 2, y, cut(text, room, ascii=self.style.ascii, end=True), self._muted(stance, ground))

    def _items(self, grid: Grid, x: int, y: int, room: int, items: Sequence[tuple[str, int]], ground: str) -> None:
        """One square an item; where there are more items than cells, one for several, and the worst first."""
        total = sum(count for _, count in items)
        each = 1
        if total > room > 0:
            each = -(-total // max(1, room - len(items) + 1))
            items = sorted(items, key=lambda item: WORST_FIRST.index(item[0]))
        for state, count in items:
            look = STATES[state]
            plain = self.style.ascii or not self.style.colour
            char = look.ascii if plain else sign("item ready" if state == "ready" else "item")
            cells = min(-(-count // each), room)
            grid.put(x, y, char * cells, tone(look.token, ground))
            x, room = x + cells, room - cells

    def _foot(self, grid: Grid, rect: Rect, box: Box, face: Face, line: int, stance: Stance) -> None:
        """The bottom border of a group: its progress, its second line, and that a loop goes round again."""
        if face.fraction is not None:
            self._progress(grid, rect, face.fraction, STATES[face.state])
        elif face.second and face.second != box.note:
            self._caption(grid, rect, face.second, self._muted(stance))
        again = f" {sign('again', ascii=self.style.ascii)} again "
        if box.kind == "loop" and rect.width > len(again) + 2 + len(letters(face.second)):
            grid.put(rect.right - 2 - len(again), rect.bottom - 1, again, line)

    def _title(self, grid: Grid, rect: Rect, box: Box, look: StateLook, stance: Stance) -> None:
        room = rect.width - 6 - 3 * (bool(stance.finding) + stance.pinned)
        name = cut(box.name or box.path, max(room, 1), ascii=self.style.ascii)
        grid.put(rect.x + 1, rect.y, " " * min(len(name) + 4, rect.width - 2), tone())
        self._kind(grid, rect.x + 2, rect.y, box.kind, "bg", stance)
        self._name(grid, rect.x + 4, rect.y, room, box, look, stance, "accentbg" if stance.cursor else "bg")

    def rule(self, grid: Grid, rect: Rect, y: int, title: str, stance: Stance, frame: Frame, line: int) -> None:
        """A lane's dashed rule across a frame. Lines that are there already go on; the title looks for a free place."""
        if not grid.y <= y < grid.y + grid.height:
            return
        cells, _ = grid.line(y)
        dash = "-" if self.style.ascii else "╌"
        inside = range(max(rect.x + 1, grid.x), min(rect.right - 1, grid.x + grid.width))
        free = [x for x in inside if cells[x - grid.x] == " "]
        for x in free:
            if not self.style.ascii or (x - rect.x) % 2:
                grid.cell(x, y, dash, tone("line"))
        if not self.style.ascii and frame is self.frames["rest"]:
            grid.put(rect.x, y, ("├",), line)
            grid.put(rect.right - 1, y, ("┤",), line)
        words = cut(title, rect.width - 6, ascii=self.style.ascii) if title else ()
        if words:
            blank = set(free)
            starts = (x for x in free if x > rect.x + 1 and blank.issuperset(range(x, x + len(words) + 2)))
            grid.write(next(starts, rect.x + 2), y, (" ", *words, " "), self._muted(stance))

    def open_rules(self, grid: Grid, rect: Rect, box: Box, face: Face, stance: Stance, rules: Sequence[Rule]) -> None:
        """The rules of an open group, at their rows."""
        frame, line = self._frame(box, STATES[face.state], stance)
        if box.behind:
            rect = Rect(rect.x, rect.y, rect.width - 1, rect.height - 1)
        for rule in rules:
            self.rule(grid, rect, rule.row, rule.title, stance, frame, line)

    def entry(self, grid: Grid, rect: Rect, y: int, box: Box, face: Face, stance: Stance, lit: str) -> None:
        """The left port of an open group, where edges go on inside."""
        frame, line = self._frame(box, STATES[face.state], stance)
        grid.put(rect.x, y, (frame.lit_port if lit else frame.port,), tone(lit) if lit else line)


def is_group(box: Box) -> bool:
    """Whether a box can be folded."""
    return box.group or kind_look(box.kind).group
