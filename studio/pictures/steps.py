"""Where the cursor goes: to the nearest node that way, along the edges where there are any.

Right and left follow the lines: to the drawn successor (predecessor) whose row is nearest, and only where there is none
to the nearest box in the next column. Up and down stay in the column, and go through the rows of a listed group and the
first box of an open one. A step never leaves the picture: where nothing lies that way, the cursor stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.draw.scene import Form, Panel, Rect, Scene

DIRECTIONS = ("left", "right", "up", "down")


def step(scene: Scene, box: int, direction: str) -> int:
    """The box that the cursor goes to from `box`; the same one where there is no other that way."""
    found = _STEPS[direction](scene, box)
    return box if found is None else found


def first(scene: Scene) -> int | None:
    """The top box of the first column."""
    members = scene.panels[0].members if scene.panels else []
    return next((column[0] for column in members if column), None)


def last(scene: Scene) -> int | None:
    """The bottom box of the last column."""
    members = scene.panels[0].members if scene.panels else []
    return next((column[-1] for column in reversed(members) if column), None)


def nearest(scene: Scene, x: int, y: int, among: Iterable[int] | None = None) -> int | None:
    """The box nearest to a cell; a row counts for two columns, as it is about twice as high."""
    rects = scene.rects
    boxes = among if among is not None else (box for box, rect in enumerate(rects) if rect.width)
    return min(boxes, key=lambda box: _distance(rects[box], x, y), default=None)


def _distance(rect: Rect, x: int, y: int) -> int:
    across = max(rect.x - x, 0, x - rect.right + 1)
    down = max(rect.y - y, 0, y - rect.bottom + 1)
    return across + 2 * down


def panel_of(scene: Scene, box: int) -> Panel | None:
    """The panel whose column a box stands in; None for a row of a listed group."""
    parent = scene.graph.boxes[box].parent
    while parent >= 0 and not scene.rects[parent].width:
        parent = scene.graph.boxes[parent].parent
    return next((panel for panel in scene.panels if panel.group == parent and box in panel.items), None)


def _column(panel: Panel, box: int) -> int:
    return panel.layered.layer[panel.items[box]]


def outer(scene: Scene, box: int) -> int:
    """The box itself, or for a row of a listed group that group."""
    parent = scene.graph.boxes[box].parent
    return parent if parent >= 0 and scene.forms.get(parent) is Form.LISTED and scene.rects[parent].width else box


def _right(scene: Scene, box: int) -> int | None:
    return _sideways(scene, outer(scene, box), scene.port_row(box), 1)


def _left(scene: Scene, box: int) -> int | None:
    return _sideways(scene, outer(scene, box), scene.port_row(box), -1)


def _sideways(scene: Scene, box: int, row: int, way: int) -> int | None:
    panel = panel_of(scene, box)
    if panel is None:
        return None
    if way > 0:
        linked = [link.target for link in panel.links if link.source == box]
    else:
        linked = [link.source for link in panel.links if link.target == box]
    out = panel.group in linked
    linked = [other for other in linked if other != panel.group]
    if linked:
        return min(linked, key=lambda other: (abs(scene.port_row(other) - row), scene.rects[other].x * -way))
    if not out:
        column = _column(panel, box) + way
        while 0 <= column < len(panel.members):
            members = panel.members[column]
            if members:
                return min(members, key=lambda other: abs(scene.port_row(other) - row))
            column += way
    if panel.group < 0:
        return None
    return panel.group if way < 0 else _sideways(scene, panel.group, row, way)


def _down(scene: Scene, box: int) -> int | None:
    form = scene.forms.get(box)
    if form is Form.LISTED:
        rows = scene.listed(box)
        if rows:
            return rows[0]
    if form is Form.OPEN:
        inner = next((panel for panel in scene.panels if panel.group == box), None)
        found = next((column[0] for column in inner.members if column), None) if inner is not None else None
        if found is not None:
            return found
    return _below(scene, box)


def _below(scene: Scene, box: int) -> int | None:
    group = outer(scene, box)
    if group != box:
        rows = scene.listed(group)
        at = rows.index(box) + 1
        return rows[at] if at < len(rows) else _below(scene, group)
    panel = panel_of(scene, box)
    if panel is None:
        return None
    members = panel.members[_column(panel, box)]
    at = members.index(box) + 1
    if at < len(members):
        return members[at]
    return _below(scene, panel.group) if panel.group >= 0 else None


def _up(scene: Scene, box: int) -> int | None:
    group = outer(scene, box)
    if group != box:
        rows = scene.listed(group)
        at = rows.index(box)
        return rows[at - 1] if at else group
    panel = panel_of(scene, box)
    if panel is None:
        return None
    members = panel.members[_column(panel, box)]
    at = members.index(box)
    if not at:
        return panel.group if panel.group >= 0 else None
    above = members[at - 1]
    rows = scene.listed(above) if scene.forms.get(above) is Form.LISTED else []
    return rows[-1] if rows else above


_STEPS: dict[str, Callable[[Scene, int], int | None]] = {"left": _left, "right": _right, "up": _up, "down": _down}
