"""Which part of a scene is seen: the corner of the view, kept where it makes sense.

All functions are pure: (scene's size, view's size, corner, wish) -> corner. The middle of the view never leaves the
scene, so one can put any node anywhere and never loses the picture.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.draw.scene import Rect

MARGIN = 2
_ROW_MARGIN = 1


class Corner(NamedTuple):
    """The cell of the scene in the top left of the view."""

    x: int
    y: int


def view(corner: Corner, size: tuple[int, int]) -> Rect:
    """What is seen."""
    return Rect(corner.x, corner.y, *size)


def fits(scene: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether all of the scene can be seen at once."""
    return scene[0] + 2 * MARGIN <= size[0] and scene[1] + 2 * _ROW_MARGIN <= size[1]


def held(corner: Corner, scene: tuple[int, int], size: tuple[int, int]) -> Corner:
    """The corner, moved as little as needed so that the picture is not lost."""
    return Corner(
        _held(corner.x, scene[0], size[0], MARGIN),
        _held(corner.y, scene[1], size[1], _ROW_MARGIN),
    )


def _held(at: int, scene: int, size: int, margin: int) -> int:
    least = max(min(-margin, -(size // 2)), 1 - size)
    most = min(max(scene + margin - size, scene - size // 2), scene - 1)
    return max(least, min(most, at))


def centred(rect: Rect, size: tuple[int, int]) -> Corner:
    """The corner that puts a rectangle in the middle of the view."""
    return Corner(rect.x + rect.width // 2 - size[0] // 2, rect.y + rect.height // 2 - size[1] // 2)


def start(scene: tuple[int, int], size: tuple[int, int]) -> Corner:
    """Where to begin: what fits is in the middle; else the start is at the left, and the middle of what is too high."""
    x = (scene[0] - size[0]) // 2 if scene[0] + 2 * MARGIN <= size[0] else -MARGIN
    return Corner(x, (scene[1] - size[1]) // 2)


def showing(corner: Corner, rect: Rect, scene: tuple[int, int], size: tuple[int, int]) -> Corner:
    """The corner, moved as little as needed so that a rectangle is in view with some room around it."""
    room_x = min(8, max(0, (size[0] - rect.width) // 2))
    room_y = min(2, max(0, (size[1] - rect.height) // 2))
    return held(
        Corner(
            _showing(corner.x, rect.x, rect.right, size[0], room_x),
            _showing(corner.y, rect.y, rect.bottom, size[1], room_y),
        ),
        scene,
        size,
    )


def _showing(at: int, first: int, stop: int, size: int, room: int) -> int:
    if first - room < at:
        return first - room
    if stop + room > at + size:
        return min(first - room, stop + room - size)
    return at


def keeping(corner: Corner, before: tuple[int, int], after: tuple[int, int]) -> Corner:
    """The corner that leaves a cell, which was `before` in the old scene and is `after` in the new, where it is."""
    return Corner(corner.x + after[0] - before[0], corner.y + after[1] - before[1])
