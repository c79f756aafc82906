"""What stands in one cell of a line: arms with weights, a style, a head; and the character for it.

A *stroke* is an int. Two bits an arm (0 none, 1 light, 2 heavy), then a flag for dashes and two bits for the head:

    bits 0-1 right   2-3 down   4-5 left   6-7 up   8 dashed   9-10 head (0 none, 1 arrow, 2 dead end)

Strokes are joined with `joined`, so a joint is worked out from what meets in the cell and from nothing else. Dashes
exist for straight cells only; corners and joints have none in any font, and need none.
"""

from __future__ import annotations

RIGHT, DOWN, LEFT, UP = 1, 4, 16, 64
LEVEL = LEFT | RIGHT
UPRIGHT = UP | DOWN
HEAVY = 2  # times an arm
DASHED = 1 << 8
ARROW = 1 << 9
DEAD = 2 << 9
ARMS = 0xFF
HEAD = 3 << 9

_LIGHT_ARMS = 0b01010101
_HEAVY_ARMS = 0b10101010

# By the weights of right, down, left, up, read as digits of base 3 (right is the lowest).
_WEIGHTED = " ╶╺╷┌┍╻┎┏╴─╼┐┬┮┒┰┲╸╾━┑┭┯┓┱┳╵└┕│├┝╽┟┢┘┴┶┤┼┾┧╁╆┙┵┷┥┽┿┪╅╈╹┖┗╿┞┡┃┠┣┚┸┺┦╀╄┨╂╊┛┹┻┩╃╇┫╉╋"
_ROUND = {"┌": "╭", "┐": "╮", "└": "╰", "┘": "╯"}
_DASHES = {"─": "╌", "│": "╎", "━": "╍", "┃": "╏"}
_HALVES = {"╶": "─", "╴": "─", "╵": "│", "╷": "│", "╺": "━", "╸": "━", "╹": "┃", "╻": "┃"}


def heavy(stroke: int) -> int:
    """The same stroke with every arm heavy."""
    arms = stroke & ARMS
    light = arms & _LIGHT_ARMS
    return (stroke & ~ARMS) | (arms & _HEAVY_ARMS) | light << 1


def is_heavy(stroke: int) -> bool:
    """True if any of its arms is heavy."""
    return bool(stroke & _HEAVY_ARMS)


def joined(one: int, other: int) -> int:
    """Both in one cell: the heavier weight an arm; dashed only if both are; a head if either has one."""
    arms = (one | other) & ARMS
    weak = arms & (arms >> 1) & _LIGHT_ARMS
    dashed = one & other & DASHED if one and other else (one | other) & DASHED
    return (arms & ~weak) | dashed | ((one | other) & HEAD)


def _unicode(stroke: int) -> str:
    head = stroke & HEAD
    if head:
        return "×" if head & DEAD else "▹" if stroke & DASHED else "▸"
    right, down, left, up = (stroke >> shift & 3 for shift in (0, 2, 4, 6))
    char = _WEIGHTED[min(right, 2) + 3 * min(down, 2) + 9 * min(left, 2) + 27 * min(up, 2)]
    char = _HALVES.get(char, char)
    if stroke & DASHED:
        char = _DASHES.get(char, char)
    return _ROUND.get(char, char)


def _ascii(stroke: int) -> str:
    head = stroke & HEAD
    if head:
        return "x" if head & DEAD else ">"
    arms = stroke & ARMS
    if not arms:
        return " "
    level = arms & (LEVEL * 3)
    upright = arms & (UPRIGHT * 3)
    if is_heavy(stroke):
        return "#" if not level else "=" if not upright else "#"
    if level and upright:
        return "'" if not upright & (DOWN * 3) else "." if not upright & (UP * 3) else "+"
    if upright:
        return ":" if stroke & DASHED else "|"
    return "." if stroke & DASHED else "-"


class Strokes(dict[int, str]):
    """Stroke -> character, filled as strokes are met."""

    __slots__ = ("_draw",)

    def __init__(self, ascii_only: bool) -> None:
        super().__init__()
        self._draw = _ascii if ascii_only else _unicode

    def __missing__(self, stroke: int) -> str:
        char = self[stroke] = self._draw(stroke)
        return char


UNICODE = Strokes(ascii_only=False)
ASCII = Strokes(ascii_only=True)
