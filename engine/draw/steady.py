"""An edited graph on the picture of before: what stood stays where it stood, and what is new finds its place.

A frame's items have *keys* that outlive an edit: a box its path; a stand-in the path of its net's source, the kind of
edge, and its column. A `Footing` says by key where everything stood. From it and from the new graph follow

- columns: nobody goes to an earlier column than before (a pinned box excepted), and to a later one only where an edge
  makes it;
- order: what stood keeps its order. What is new goes into the gap of its column that costs least: the way to it, and
  how many would have to make room;
- rows: what stood keeps its row. A pinned box has its pinned row. Who has no room is pushed down, as lines of text are
  by one that is put in, and only as far as the next room; pins are pushed only by other pins.

So an edit moves what it touches, and nothing else. The price is a picture that is not as good as a new one: who wants
that asks for a layout from scratch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.draw.layers import Layered
from engine.draw.scene import Panel, Scene
from engine.draw.tracks import Signature, Solution

Key = str | tuple[str, bool, int]
Separation = Callable[[int, int], int]
"""Rows from one item's ports to those of the item below it, at least."""
Wish = Callable[[int], int | None]
"""The row in which an item wants to be."""

_PUSH = 6
"""How many rows of detour are worth one that need not be pushed."""
_TRIED = 40
"""Gaps above, and as many below, that are looked at for a new item."""
_REMEMBERED = 5000


class Footing(NamedTuple):
    """Where the items of one frame stood: rows and columns by key, and how wide things were.

    `gone` has the column and the row of some that were deleted since, so that what an undo brings back finds its old
    place. `solved` are the tracks of its gaps. `cards` is the common width of the cards of each column, `gaps` the width
    of each gap but the last, `port` the frame's port row. Rows are counted from the top of the frame.
    """

    rows: Mapping[Key, int]
    columns: Mapping[Key, int]
    cards: Sequence[int] = ()
    gaps: Sequence[int] = ()
    port: int = 0
    gone: Mapping[Key, tuple[int, int]] = {}
    solved: Mapping[Signature, Solution] = {}

    def column(self, key: Key) -> int:
        """The column in which an item stood; 0 if it is not known."""
        found = self.columns.get(key)
        return self.gone.get(key, (0, 0))[0] if found is None else found

    def after(self, before: Footing) -> Footing:
        """The same, remembering from before what is gone."""
        gone = {key: (before.columns[key], row) for key, row in before.rows.items() if key not in self.rows}
        if not gone and not before.gone:
            return self
        gone = {key: place for key, place in before.gone.items() if key not in self.rows} | gone
        return self._replace(gone=dict(list(gone.items())[-_REMEMBERED:]))


def footing(scene: Scene, frame: str) -> Footing | None:
    """Where the items of a frame stand in a scene; the frame is named by its group's path, the root by nothing. None if
    the frame was never open."""
    if frame not in scene.footings:
        for panel in scene.panels:
            if frame == (scene.graph.boxes[panel.group].path if panel.group >= 0 else ""):
                scene.footings[frame] = _footing(scene, panel)
    return scene.footings.get(frame)


def forget(scene: Scene, paths: Collection[str]) -> None:
    """Let a scene know no more where these boxes stood, so that after the next edit they stand where they fit best."""
    groups = ("" if panel.group < 0 else scene.graph.boxes[panel.group].path for panel in scene.panels)
    for frame in list(groups):
        known = footing(scene, frame)
        if known is not None:
            rows, columns, gone = (
                {key: place for key, place in table.items() if key not in paths}
                for table in (known.rows, known.columns, known.gone)
            )
            scene.footings[frame] = known._replace(rows=rows, columns=columns, gone=gone)  # type: ignore[arg-type]


def remember(scene: Scene, before: Scene) -> None:
    """Let a scene know what the one before knew and it does not have any more."""
    for panel in scene.panels:
        frame = scene.graph.boxes[panel.group].path if panel.group >= 0 else ""
        known, old = footing(scene, frame), footing(before, frame)
        if known is not None and old is not None:
            scene.footings[frame] = known.after(old)
    scene.footings = before.footings | scene.footings


def _footing(scene: Scene, panel: Panel) -> Footing:
    boxes, drawn = scene.graph.boxes, panel.layered
    keys = keys_of(drawn, [boxes[box].path for box in panel.items])
    top = panel.rect.y + panel.lift
    rows = dict(zip(keys, [row - top for row in panel.rows], strict=True))
    gaps = [start - gap for start, gap in zip(panel.column_x, panel.gap_x, strict=False)]
    columns = dict(zip(keys, drawn.layer, strict=True))
    return Footing(rows, columns, panel.cards, gaps, panel.port - top, solved=panel.solved)


def keys_of(drawn: Layered, paths: Sequence[str]) -> list[Key]:
    """The key of every item; `paths` are those of the boxes."""
    found: list[Key] = list(paths)
    layer = drawn.layer
    for item in range(drawn.boxes, len(layer)):
        net = drawn.net[item]
        source, order = net if net is not None else (-1, False)
        found.append((paths[source] if source >= 0 else "", order, layer[item]))
    return found


def wish_of(item: int, drawn: Layered, row: Mapping[int, int]) -> int | None:
    """The row in which an item wants to be: in the middle of what leads to it, else of what it leads to."""
    ends = [row[end] for end in drawn.up[item] if end in row] or [row[end] for end in drawn.down[item] if end in row]
    return sorted(ends)[len(ends) // 2] if ends else None


def insert(
    column: list[int],
    loose: Iterable[int],
    row: dict[int, int],
    wish: Wish,
    apart: Separation,
    pins: Collection[int],
    least: Callable[[int], int],
) -> None:
    """Put items into a column, which is sorted by `row`; their rows are added there, and those of the pushed changed.
    Where nothing says where an item wants to be, it goes below the rest."""
    for item in loose:
        wanted = wish(item)
        if wanted is None:
            wanted = row[column[-1]] + apart(column[-1], item) if column else least(item)
        if item in pins:
            at, row[item] = _lift(column, item, wanted, row, apart, pins, least), wanted
        else:
            at, row[item] = _best(column, item, wanted, row, apart, least(item))
        column.insert(at, item)
        _make_room(column, at, row, apart, pins)


def _lift(
    column: Sequence[int],
    item: int,
    wanted: int,
    row: dict[int, int],
    apart: Separation,
    pins: Collection[int],
    least: Callable[[int], int],
) -> int:
    """The place of a pinned item in a column. Those above it go up where there is room, else they will be below."""
    at = bisect_left(column, wanted, key=row.__getitem__)
    while at:
        lifted: dict[int, int] = {}
        below, most = item, wanted
        for other in reversed(column[:at]):
            most -= apart(other, below)
            if row[other] <= most:
                row.update(lifted)
                return at
            if other in pins or most < least(other):
                break
            lifted[other], below = most, other
        else:
            row.update(lifted)
            return at
        at -= 1
    return 0


def _best(
    column: Sequence[int], item: int, wanted: int, row: Mapping[int, int], apart: Separation, least: int
) -> tuple[int, int]:
    """The place in a column, and the row there, that costs least."""
    best, cost = (0, wanted), 1 << 30
    for at in _outwards(bisect_left(column, wanted, key=row.__getitem__), len(column)):
        low = row[column[at - 1]] + apart(column[at - 1], item) if at else least
        found, pushed = max(low, wanted), 0
        if at < len(column):
            high = row[column[at]] - apart(item, column[at])
            if high >= low:
                found = min(found, high)
            else:
                found, pushed = low, _pushed(column, at, low - high, row, apart)
        spent = abs(found - wanted) + _PUSH * pushed
        if spent < cost:
            best, cost = (at, found), spent
    return best


def _outwards(middle: int, count: int) -> list[int]:
    """The nearest of the places 0 to `count`, the middle first, and the two ends."""
    near = [at for step in range(1, _TRIED) for at in (middle - step, middle + step) if 0 <= at <= count]
    return [*dict.fromkeys((middle, *near, 0, count))]


def _pushed(column: Sequence[int], at: int, by: int, row: Mapping[int, int], apart: Separation) -> int:
    """How many have to go down if the one at `at` goes down by so many rows."""
    count = 1
    for place in range(at + 1, len(column)):
        by -= row[column[place]] - row[column[place - 1]] - apart(column[place - 1], column[place])
        if by <= 0:
            break
        count += 1
    return count


def _make_room(column: list[int], at: int, row: dict[int, int], apart: Separation, pins: Collection[int]) -> None:
    """Push down what is below the item at `at`; what meets a pin goes below the pin."""
    changed, place = at, at + 1
    while place < len(column):
        upper, lower = column[place - 1], column[place]
        least = row[upper] + apart(upper, lower)
        if row[lower] >= least:
            if place > changed:
                return
        elif lower in pins and upper not in pins:
            column[place - 1], column[place] = lower, upper
            row[upper] = row[lower] + apart(lower, upper)
            changed, place = max(changed, place), max(1, place - 1)
            continue
        else:
            row[lower], changed = least, max(changed, place)
        place += 1


def held(
    column: Sequence[int],
    kept: Mapping[int, int],
    wish: Wish,
    apart: Separation,
    pins: Mapping[int, int],
    least: Callable[[int], int],
) -> list[int]:
    """The rows of a column whose order is given. `kept` are the rows of before, `least(item)` the first there is."""
    loose = _out_of_order(column, kept, pins)
    stands = {item: row for item in column if item not in loose and (row := pins.get(item, kept.get(item))) is not None}
    last = _last_rows(column, stands, apart) if len(stands) < len(column) else None
    found: list[int] = []
    for place, item in enumerate(column):
        low = found[-1] + apart(column[place - 1], item) if place else least(item)
        row = stands.get(item)
        if row is None:
            wanted = wish(item)
            row = low if wanted is None or last is None else min(wanted, last[place])
        found.append(max(row, low))
    return found


def _out_of_order(column: Sequence[int], kept: Mapping[int, int], pins: Mapping[int, int]) -> set[int]:
    """The fewest items without which the rows of before are in order; pins stay if they can."""
    known = [(row, item) for item in column if (row := pins.get(item, kept.get(item))) is not None]
    if all(known[at][0] < known[at + 1][0] for at in range(len(known) - 1)):
        return set()
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, (row, _) in enumerate(known):
        at = bisect_left(tails, row)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [row]
        ends[at : at + 1] = [place]
    rising = set[int]()
    place = ends[-1]
    while place >= 0:
        rising.add(place)
        place = before[place]
    return {item for place, (_, item) in enumerate(known) if place not in rising and item not in pins}


def _last_rows(column: Sequence[int], stands: Mapping[int, int], apart: Separation) -> list[int]:
    """For each item the last row at which those below it need not move."""
    found = [1 << 30] * len(column)
    for place in range(len(column) - 2, -1, -1):
        below = column[place + 1]
        found[place] = min(stands.get(below, 1 << 30), found[place + 1]) - apart(column[place], below)
    return found
