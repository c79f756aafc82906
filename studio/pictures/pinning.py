"""Where a person put a node: from a cell of the picture to a pin, at any zoom.

A pin is a column and a row among cards. Among cards the row is the cell's own. At other zooms a cell lies between two
nodes of a column, and the pin is between their cards: in the middle where there is room for one more, else it takes the
place of the lower one, which makes room.
"""

from __future__ import annotations

from bisect import bisect_right

from engine.draw.scene import Panel, Pin, Scene, Zoom
from engine.draw.sizes import CARD_ROWS
from studio.pictures.steps import panel_of

_PITCH = CARD_ROWS + 1


def pin_at(scene: Scene, cards: Scene, box: int, x: int, y: int) -> Pin | None:
    """The pin of a box whose port is put into a cell of `scene`; `cards` is the same graph at cards. None for a box that
    stands in no column: the row of a listed group."""
    panel, home = panel_of(scene, box), panel_of(cards, box)
    if panel is None or home is None:
        return None
    layer = _column(panel, x)
    if scene.zoom is Zoom.CARD:
        return Pin(layer, max(1, y - panel.rect.y - panel.lift))
    members = panel.members[layer] if layer < len(panel.members) else []
    others = [other for other in members if other != box]
    above = [other for other in others if scene.port_row(other) < y]
    below = [other for other in others if scene.port_row(other) >= y]
    top = home.rect.y + home.lift
    if not others:
        return Pin(layer, max(1, cards.port_row(box) - top))
    low = cards.port_row(above[-1]) - top + _PITCH if above else 1
    high = cards.port_row(below[0]) - top if below else low
    return Pin(layer, (low + high - _PITCH) // 2 if high - low >= _PITCH else max(high, 1) if below else low)


def _column(panel: Panel, x: int) -> int:
    """The column that a cell is in or nearest to; one more than there are for a cell far to the right of all."""
    columns = panel.column_x
    at = max(0, bisect_right(columns, x) - 1)
    right = columns[at] + panel.column_width[at]
    if at + 1 < len(columns):
        return at if x < right or x - right <= columns[at + 1] - x else at + 1
    return at + (x >= right + 2)
