"""A scene as SVG: good enough for a paper, and made without any other program.

The cell grid of the scene is scaled to pixels, so that the picture is the one that people know from the terminal. Lines
are paths with rounded bends: where edges of one source part, and where edges of two land on one node, they bend into
each other; where they only cross, they are straight. All text is escaped; no script, link, font or image is referred to.

With `theme="auto"` the picture follows the reader's preference for light or dark where the viewer asks for it, and is
light elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Literal

from engine.draw.colours import DARK, LIGHT, Colours
from engine.draw.glyphs import kind_glyph, state_glyph
from engine.draw.scene import End, Form, Frame, Panel, Rect, Scene, Wire
from engine.draw.sizes import Row, children, listed_rows
from engine.draw.text import cut, elide, safe, width
from engine.draw.tree import Tree

Theme = Literal["light", "dark", "auto"]

CELL_WIDTH, CELL_HEIGHT = 8.5, 19.0
MARGIN = 18.0
RADIUS = 7.0
_INSET = 5.0  # a card's frame runs this far inside its first and last row
_FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"


def to_svg(
    scene: Scene, title: str = "", states: Mapping[str, str] | None = None, theme: Theme = "light", ground: bool = True
) -> str:
    """A whole SVG document. `ground` paints the background; without it the picture lies on the page's own."""
    return Drawing(scene, states).document(title, theme, ground)


def style_sheet(theme: Theme) -> str:
    """The rules for all classes; for "auto" the dark ones apply where the reader prefers them."""
    if theme != "auto":
        return _rules(DARK if theme == "dark" else LIGHT)
    return f"{_rules(LIGHT)}@media (prefers-color-scheme: dark){{{_rules(DARK)}}}"


def _rules(colours: Colours) -> str:
    states = "".join(
        f".c-{state}{{stroke:{colour}}}.s-{state}{{fill:{colour}}}.f-{state}{{fill:{colours.tint(state)}}}"
        for state, colour in colours.states.items()
    )
    return (
        f".ground{{fill:{colours.ground}}}"
        f".card{{fill:{colours.card};stroke:{colours.frame};stroke-width:1.2}}"
        f".group{{fill:none;stroke:{colours.frame};stroke-width:1.2}}"
        f".rule{{fill:none;stroke:{colours.frame};stroke-width:1;stroke-dasharray:3 3}}"
        f".edge{{fill:none;stroke:{colours.edge};stroke-width:1.4;stroke-linecap:round}}"
        f".order{{stroke-dasharray:4 3;stroke-linecap:butt}}"
        f".head{{fill:{colours.edge}}}.open{{fill:{colours.ground};stroke:{colours.edge};stroke-width:1.2}}"
        f"text{{font-family:{_FONT};font-size:13px;fill:{colours.text}}}"
        f".name{{font-weight:600}}.note{{font-size:10.5px;fill:{colours.muted}}}"
        f".lane{{font-size:11px;fill:{colours.muted}}}.kind{{fill:{colours.accent}}}"
        f"{states}"
    )


class Drawing:
    """One scene being written."""

    def __init__(self, scene: Scene, states: Mapping[str, str] | None) -> None:
        self.scene = scene
        self.states = states or {}
        self.tree = Tree(scene.graph)
        self.inside = children(scene.graph)

    def document(self, title: str, theme: Theme, ground: bool) -> str:
        """All of it."""
        wide, high = self.scene.width * CELL_WIDTH + 2 * MARGIN, self.scene.height * CELL_HEIGHT + 2 * MARGIN
        size = f'viewBox="0 0 {_n(wide)} {_n(high)}" width="{_n(wide)}" height="{_n(high)}"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{_text(title or 'workflow')}</title>",
            f"<style>{style_sheet(theme)}</style>",
        ]
        if ground:
            parts.append('<rect class="ground" width="100%" height="100%"/>')
        parts.append(f'<g transform="translate({_n(MARGIN)} {_n(MARGIN)})">')
        parts += (self._frame(frame) for frame in self.scene.frames)
        for panel in self.scene.panels:
            parts += self._edges(panel)
        parts += self._boxes()
        return "\n".join([*parts, "</g>", "</svg>", ""])

    # -- edges -------------------------------------------------------------------------------------------------------

    def _edges(self, panel: Panel) -> Iterator[str]:
        paths: dict[tuple[bool, str], None] = {}
        heads: dict[tuple[int, int], bool] = {}
        for wire in (wire for wires in panel.wires for wire in wires):
            enters = wire.source == panel.group and wire.start == panel.rect.x + 1
            for end in wire.ends:
                leaves = panel.group >= 0 and end.target < 0 and end.row == panel.port and end.stop >= panel.gap_x[-1]
                paths[wire.dashed, self._path(wire, end, int(enters), int(leaves))] = None
                if end.target >= 0:
                    at = (end.stop, end.row)
                    heads[at] = heads.get(at, True) and wire.dashed
        for dashed, path in sorted(paths):
            yield f'<path class="edge{" order" if dashed else ""}" d="{path}"/>'
        for (stop, row), dashed in heads.items():
            x, y = (stop + 1) * CELL_WIDTH, _middle(row)
            shape = f"M{_n(x)} {_n(y)}l-8 -4v8z"
            yield f'<path class="{"open" if dashed else "head"}" d="{shape}"/>'

    def _path(self, wire: Wire, end: End, enters: int, leaves: int) -> str:
        """From where the wire starts to one of its ends, with round bends; one cell more where it meets a frame."""
        y0, y1 = _middle(wire.row), _middle(end.row)
        start = (wire.start - enters) * CELL_WIDTH
        finish = (end.stop + 1 + leaves) * CELL_WIDTH - (7 if end.target >= 0 else 0)
        if y0 == y1:
            return f"M{_n(start)} {_n(y0)}H{_n(finish)}"
        x = (wire.x + 0.5) * CELL_WIDTH
        bend = RADIUS if wire.x > wire.start else 0.0
        turn = RADIUS if y1 > y0 else -RADIUS
        first = f"H{_n(x - bend)}Q{_n(x)} {_n(y0)} {_n(x)} {_n(y0 + turn)}" if bend else f"H{_n(x)}"
        return (
            f"M{_n(start)} {_n(y0)}{first}V{_n(y1 - turn)}"
            f"Q{_n(x)} {_n(y1)} {_n(min(x + RADIUS, finish))} {_n(y1)}H{_n(finish)}"
        )

    # -- boxes -------------------------------------------------------------------------------------------------------

    def _boxes(self) -> Iterator[str]:
        forms = self.scene.forms
        for panel in self.scene.panels:
            for members in panel.members:
                for box in members:
                    if forms.get(box) is Form.LISTED:
                        yield from self._listed(box)
                    elif forms.get(box) is not Form.OPEN:
                        yield from self._card(box)

    def _state(self, box: int) -> str | None:
        state = self.tree.state(box, self.states)
        return state if state is None or state in LIGHT.states else "unknown"

    def _classes(self, box: int, own: str) -> str:
        state = self._state(box)
        if state not in LIGHT.tints:
            return own
        return f"{own} c-{state} f-{state}" if own == "card" else f"{own} c-{state}"

    def _card(self, box: int) -> Iterator[str]:
        rect, found = self.scene.rects[box], self.scene.graph.boxes[box]
        inner = Rect(rect.x, rect.y, rect.width - found.behind, rect.height - found.behind)
        yield f"<g><title>{_text(found.path)}</title>"
        if found.behind:
            yield self._rect(Rect(rect.x + 1, rect.y, rect.width - 1, rect.height), "card", lift=4)
        yield self._rect(inner, self._classes(box, "card"))
        if found.kind == "sub_workflow":
            for x in (inner.x * CELL_WIDTH + 4, inner.right * CELL_WIDTH - 4):
                yield f'<path class="group" d="M{_n(x)} {_n(_top(inner))}V{_n(_bottom(inner))}"/>'
        inside = self.inside.get(box)
        note = f"{len(inside)} inside" if inside else found.note
        y = _middle(inner.y + 1) + (4.5 if not note else -2.5)
        yield from self._named(box, inner, y, elide(found.name, inner.width - 6))
        if note:
            yield _line((inner.x + 4) * CELL_WIDTH, y + 15.5, "note", cut(note, _note_cells(inner.width - 5)))
        yield "</g>"

    def _named(self, box: int, rect: Rect, y: float, name: str) -> Iterator[str]:
        yield _line((rect.x + 1.6) * CELL_WIDTH, y, "kind", kind_glyph(self.scene.graph.boxes[box].kind))
        yield _line((rect.x + 4) * CELL_WIDTH, y, "name", name)
        state = self._state(box)
        if state is not None:
            yield _line((rect.right - 2.6) * CELL_WIDTH, y, f"s-{state}", state_glyph(state))

    def _listed(self, box: int) -> Iterator[str]:
        rect, found = self.scene.rects[box], self.scene.graph.boxes[box]
        inner = Rect(rect.x, rect.y, rect.width - found.behind, rect.height - found.behind)
        yield f"<g><title>{_text(found.path)}</title>"
        if found.behind:
            yield self._rect(Rect(rect.x + 1, rect.y + 1, rect.width - 1, rect.height - 1), "card")
        yield self._rect(inner, self._classes(box, "card"))
        yield from self._heading(box, inner)
        for number, row in enumerate(listed_rows(self.scene.graph.boxes, box, self.inside[box])):
            yield from self._listed_row(inner, inner.y + 1 + number, row)
        yield "</g>"

    def _listed_row(self, inner: Rect, row: int, entry: Row) -> Iterator[str]:
        if entry.what == "rule":
            yield self._rule(inner, row, entry.text, inner.x + 1)
        elif entry.what == "note":
            yield _line(
                (inner.x + 1.6) * CELL_WIDTH, _middle(row) + 4, "note", cut(entry.text, _note_cells(inner.width - 3))
            )
        else:
            yield from self._named(entry.box, inner, _middle(row) + 4.5, elide(entry.text, inner.width - 7))

    # -- frames ------------------------------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> str:
        box = self.scene.graph.boxes[frame.box]
        rect = Rect(frame.rect.x, frame.rect.y, frame.rect.width - box.behind, frame.rect.height - box.behind)
        parts = [f"<g><title>{_text(box.path)}</title>"]
        if box.behind:
            parts.append(self._rect(Rect(rect.x + 1, rect.y + 1, rect.width, rect.height), "group"))
        parts.append(self._rect(rect, self._classes(frame.box, "group")))
        parts += self._heading(frame.box, rect)
        if box.note:
            room = int((rect.width * CELL_WIDTH - len(box.name) * 9 - 50) / 6)
            if room > 4:
                x, y = (rect.right - 2) * CELL_WIDTH, _top(rect) - 5
                parts.append(_line(x, y, "note", cut(box.note, room), end=True))
        parts += (self._rule(rect, rule.row, rule.title, rule.x) for rule in frame.rules)
        return "".join([*parts, "</g>"])

    def _heading(self, box: int, rect: Rect) -> Iterator[str]:
        """A group's kind, name and state, above its frame."""
        y = _top(rect) - 4.5
        yield _line((rect.x + 0.4) * CELL_WIDTH, y, "kind", kind_glyph(self.scene.graph.boxes[box].kind))
        name = elide(self.scene.graph.boxes[box].name, rect.width - 4)
        yield _line((rect.x + 2.6) * CELL_WIDTH, y, "name", name)
        state = self._state(box)
        if state is not None and self.scene.forms.get(box) is Form.LISTED:
            yield _line((rect.right - 1.6) * CELL_WIDTH, y, f"s-{state}", state_glyph(state))

    def _rule(self, rect: Rect, row: int, title: str, x: int) -> str:
        y = _middle(row)
        text = cut(title, rect.width - 6)
        left, right = rect.x * CELL_WIDTH, rect.right * CELL_WIDTH
        begin = x * CELL_WIDTH + 6
        after = min(begin + 6.4 * width(text) + 4, right)
        line = f"M{_n(left)} {_n(y)}H{_n(begin - 4)}M{_n(after)} {_n(y)}H{_n(right)}"
        return f'<path class="rule" d="{line}"/>' + _line(begin, y + 4, "lane", text)

    def _rect(self, rect: Rect, classes: str, lift: float = 0.0) -> str:
        top, bottom = _top(rect) + lift, _bottom(rect)
        return (
            f'<rect class="{classes}" x="{_n(rect.x * CELL_WIDTH)}" y="{_n(top)}" '
            f'width="{_n(rect.width * CELL_WIDTH)}" height="{_n(bottom - top)}" rx="6"/>'
        )


def _top(rect: Rect) -> float:
    return rect.y * CELL_HEIGHT + (_INSET if rect.height <= 4 else CELL_HEIGHT - _INSET)


def _bottom(rect: Rect) -> float:
    return rect.bottom * CELL_HEIGHT - _INSET


def _middle(row: int) -> float:
    return (row + 0.5) * CELL_HEIGHT


def _note_cells(cells: int) -> int:
    """How much of a note's smaller text goes where names would have so many cells."""
    return int(cells * 1.4)


def _n(value: float) -> str:
    """A number as short as it can be written, to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(text: str) -> str:
    return escape(safe(text), quote=False)


def _line(x: float, y: float, classes: str, text: str, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    return f'<text class="{escape(classes)}" x="{_n(x)}" y="{_n(y)}"{anchor}>{_text(text)}</text>'
