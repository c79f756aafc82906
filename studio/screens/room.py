"""How much of the terminal each part of the editor gets, in cells."""

from __future__ import annotations

from studio.state import StudioState


def canvas_size(state: StudioState) -> tuple[int, int]:
    """Cells that are left for the canvas; a guess for the time before the first layout."""
    beside = (4 if state.width >= 100 else 0) + (inspector_width(state) if state.inspector_open else 0)
    below = 2 + (drawer_height(state) if state.drawer else 0) + (0 if state.inspector_open else 1)
    return max(state.width - beside, 1), max(state.height - below, 1)


def inspector_width(state: StudioState) -> int:
    """Cells for the inspector: what a person chose, else 40 to 60 where it is docked, all there are where it lies over
    the canvas."""
    if covered(state):
        return state.width
    if state.inspector_cells:
        return min(state.inspector_cells, state.width - 20)
    if state.docked:
        return max(40, min(60, state.width * 27 // 100))
    return min(46, state.width - 24)


def covered(state: StudioState) -> bool:
    """Whether the inspector lies over the canvas: there is no room beside it."""
    return state.inspector_open and state.width < 100


def drawer_height(state: StudioState) -> int:
    """Rows for the drawer and its header."""
    if state.height < 30:
        return 8
    return 9 if state.height < 45 else 12
