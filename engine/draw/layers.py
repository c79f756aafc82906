"""Columns: which layer every item stands in, and the stand-ins where an edge passes a layer.

Works on the integers of one frame: items 0..n-1 are boxes, later ones are *stand-ins*. A net (a source and a kind of
edge) that goes further than the next layer has one stand-in in each layer that it passes, shared by all its edges, so
that lines of one source stay together and their number is bounded by nets times layers, not by edges times layers.

Where stand-ins would become too many for a picture (thousands of edges across hundreds of layers), the longest nets
have none: they leave their source's gap for a row of their own above everything, a *highway*, and come down from it in
the gaps of their targets.

Longest path: an item's layer is the length of the longest way to it. What a cycle would need to go backwards is left
out of the picture (the project is wrong then, and its findings say so).
"""

from __future__ import annotations

from collections.abc import Sequence

ENTRY, EXIT, HIGHWAY = -1, -2, -3
"""Stand for the frame itself: the source of what enters, the target of what leaves; and for a net's highway. Numbers
below HIGHWAY stand for the places where highways are left: see `Layered.ramps`."""

_STAND_INS = 20_000  # and four for each box: so many are cheap

_PUSHES, _FEW = 6, 40  # looks at all arcs, and late ones among them, that are cheaper than a way through everything

Net = tuple[int, bool]
"""Source item (or ENTRY) and whether its edges are order edges."""

Arc = tuple[int, int, bool]
"""Source item or ENTRY, target item or EXIT, and whether it is an order edge."""


class Part:
    """Items that stand together: a component, or a lane. `layers[k]` are those in layer `first + k`, top to bottom."""

    __slots__ = ("first", "layers")

    def __init__(self, first: int, layers: list[list[int]]) -> None:
        self.first = first
        self.layers = layers


class Layered:
    """Items in layers, joined only from one layer to the next. `up` and `down` are the neighbours left and right."""

    __slots__ = (
        "_by_gap",
        "boxes",
        "depth",
        "down",
        "exits",
        "held",
        "hops",
        "layer",
        "net",
        "origin",
        "parts",
        "ramp_of",
        "ramps",
        "rows",
        "up",
        "whole",
    )

    def __init__(self, boxes: int) -> None:
        self.boxes = boxes
        self.depth = 0
        self.held = False
        """True if the order is that of an earlier picture, with all in one part."""
        self.origin: Layered | None = None
        """If it is, and no box and no edge is another: the layers of that picture."""
        self.rows: tuple[int, dict[int, int]] = (0, {})
        """If it is: the zoom of that picture, and the row of every item in it."""
        self.layer: list[int] = []
        self.up: list[list[int]] = []
        self.down: list[list[int]] = []
        self.net: list[Net | None] = []
        """The net that a stand-in is one of; None for boxes."""
        self.hops: dict[tuple[int, bool], list[int]] = {}
        """From an item (or ENTRY) to those in the next layer (or EXIT), by whether it is an order edge."""
        self._by_gap: list[list[tuple[int, int, bool, list[int]]]] = []
        self.exits: dict[Net, int] = {}
        """The item from which a net leaves."""
        self.ramps: dict[int, Net] = {}
        """A number below HIGHWAY -> the net that leaves its highway there; its hops are those of that number."""
        self.ramp_of: dict[tuple[Net, int], int] = {}
        """Where the way from a net to a target leaves the net's highway."""
        self.parts: list[Part] = []
        self.whole = True
        """True if nothing is left out because of a cycle."""

    def holds(self, at_least: Sequence[int]) -> bool:
        """True if these bounds give every box the layer that it has: none asks for a later one, and who may stand
        earlier is right after another box."""
        if not self.whole:
            return False
        layer, boxes = self.layer, self.boxes
        loose = [item for item, least in enumerate(at_least) if least != layer[item]]
        return all(at_least[item] < layer[item] and any(end < boxes for end in self.up[item]) for item in loose)

    def hops_in(self, gap: int) -> list[tuple[int, int, bool, list[int]]]:
        """The hops of a gap: the number of each among all from 1 on, its left end, whether it is an order edge, and its
        right ends."""
        if not self._by_gap:
            self._by_gap = [[] for _ in range(self.depth + 1)]
            for key, ((left, order), rights) in enumerate(self.hops.items(), 1):
                self._by_gap[self.gap_of(left, rights)].append((key, left, order, rights))
        return self._by_gap[gap]

    def gap_of(self, left: int, rights: Sequence[int]) -> int:
        """The gap in which a hop is."""
        if left >= 0:
            return self.layer[left] + 1
        if left == ENTRY:
            return 0
        return self.layer[rights[0]] if rights[0] >= 0 else self.depth


def layered(count: int, arcs: Sequence[Arc], at_least: Sequence[int], lanes: Sequence[int] | None) -> Layered:
    """Layers, stand-ins and parts of one frame. `at_least` are lower bounds. `lanes` says in which part each item is,
    in place of one part for each component."""
    drawn = Layered(count)
    drawn.layer = longest_path(count, arcs, at_least)
    drawn.depth = max(drawn.layer, default=-1) + 1
    drawn.up = [[] for _ in range(count)]
    drawn.down = [[] for _ in range(count)]
    drawn.net = [None] * count
    layer = drawn.layer
    nets: dict[Net, list[int]] = {}
    for source, target, order in arcs:
        if source < 0 or target < 0 or layer[source] < layer[target]:
            nets.setdefault((source, order), []).append(target)
        else:
            drawn.whole = False
    part_of = _parts(count, arcs, lanes)
    far = _too_far(drawn, nets)
    for net, targets in nets.items():
        if net in far:
            _go_round(drawn, net, targets)
        else:
            _pass_through(drawn, net, targets, part_of)
    _gather(drawn, part_of)
    return drawn


def regathered(drawn: Layered) -> Layered:
    """The same layers and stand-ins, all in one part, whose order may be changed."""
    again = Layered(drawn.boxes)
    again.depth, again.layer, again.up, again.down, again.net = (
        drawn.depth,
        drawn.layer,
        drawn.up,
        drawn.down,
        drawn.net,
    )
    again.origin, drawn.origin = drawn, None  # one step back is enough, and keeps no chain of pictures alive
    again.whole = drawn.whole
    again._by_gap = drawn._by_gap
    again.hops, again.exits, again.ramps, again.ramp_of = drawn.hops, drawn.exits, drawn.ramps, drawn.ramp_of
    _gather(again, [0] * len(again.layer))
    return again


def _too_far(drawn: Layered, nets: dict[Net, list[int]]) -> set[Net]:
    """The longest nets, if all together would need too many stand-ins."""
    layer = drawn.layer
    budget = _STAND_INS + 4 * drawn.boxes
    if len(nets) * drawn.depth <= budget:
        return set()
    depth = drawn.depth
    if budget >= sum(
        [
            (layer[target] if target >= 0 else depth) - layer[source] - 1
            for (source, _), targets in nets.items()
            if source >= 0
            for target in targets
        ]
    ):
        return set()
    spans: list[tuple[int, Net]] = []
    for net, targets in nets.items():
        if net[0] >= 0:
            end = max([layer[target] if target >= 0 else drawn.depth for target in targets])
            spans.append((end - layer[net[0]] - 1, net))
    if sum([span for span, _ in spans]) <= budget:
        return set()
    spans.sort()
    far = set()
    for span, net in spans:
        budget -= span
        if budget < 0 and span:
            far.add(net)
    return far


def _go_round(drawn: Layered, net: Net, targets: list[int]) -> None:
    """Joins a net's source to the targets of the next layer, and to the others by its highway."""
    source, order = net
    layer = drawn.layer
    by_layer: dict[int, list[int]] = {}
    for target in targets:
        by_layer.setdefault(layer[target] if target >= 0 else drawn.depth, []).append(target)
    for target in by_layer.pop(layer[source] + 1, ()):
        _join(drawn, source, target, order)
    drawn.hops.setdefault((source, order), []).append(HIGHWAY)
    for at in sorted(by_layer):
        ramp = HIGHWAY - 1 - len(drawn.ramps)
        drawn.ramps[ramp] = net
        drawn.hops[ramp, order] = by_layer[at]
        for target in by_layer[at]:
            drawn.ramp_of[net, target] = ramp


def longest_path(count: int, arcs: Sequence[Arc], at_least: Sequence[int]) -> list[int]:
    """The layer of every item. Where a cycle blocks the way, the first item in it goes ahead."""
    nearly = _pushed(arcs, at_least)
    if nearly is not None:
        return nearly
    followers: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target, _ in arcs:
        if source >= 0 and target >= 0:
            followers[source].append(target)
            waiting[target] += 1
    layer = list(at_least)
    placed = [False] * count
    ready = [item for item in range(count) if not waiting[item]]
    blocked = 0
    for _ in range(count):
        if not ready:
            while placed[blocked]:
                blocked += 1
            ready.append(blocked)
        item = ready.pop()
        placed[item] = True
        after = layer[item] + 1
        for follower in followers[item]:
            waiting[follower] -= 1
            if not placed[follower]:
                layer[follower] = max(layer[follower], after)
                if not waiting[follower]:
                    ready.append(follower)
    return layer


def _pushed(arcs: Sequence[Arc], at_least: Sequence[int]) -> list[int] | None:
    """The same where the bounds are nearly the layers, as after an edit; None if they are not, or if there is a cycle."""
    joined = [(source, target) for source, target, _ in arcs if source >= 0 and target >= 0]
    layer = list(at_least)
    for _ in range(_PUSHES):
        late = [(source, target) for source, target in joined if layer[source] >= layer[target]]
        if not late:
            return layer
        if len(late) > _FEW:
            return None
        for source, target in late:
            layer[target] = max(layer[target], layer[source] + 1)
    return None


def _parts(count: int, arcs: Sequence[Arc], lanes: Sequence[int] | None) -> list[int]:
    """The part of every item, named by its first item, or by its lane."""
    if lanes is not None:
        return list(lanes)
    leader = list(range(count))
    for source, target, _ in arcs:
        if source >= 0 and target >= 0:
            one, other = _find(leader, source), _find(leader, target)
            if one != other:
                leader[max(one, other)] = min(one, other)
    return [_find(leader, item) for item in range(count)]


def _find(leader: list[int], item: int) -> int:
    while leader[item] != item:
        leader[item] = leader[leader[item]]
        item = leader[item]
    return item


def _pass_through(drawn: Layered, net: Net, targets: list[int], part_of: list[int]) -> None:
    """Joins a net's source to its targets, through stand-ins where they are further away. Entering lines have one
    chain a part, since every part keeps its own rows."""
    layer = drawn.layer
    source, order = net
    after = layer[source] + 1 if source >= 0 else 0
    if source >= 0 and all(target >= 0 and layer[target] == after for target in targets):
        drawn.hops[net] = targets
        drawn.down[source] += targets
        for target in targets:
            drawn.up[target].append(source)
        return
    chains: dict[int, list[int]] = {}
    for target in targets:
        chains.setdefault(part_of[target if source < 0 else source], []).append(target)
    for part, ends in chains.items():
        by_layer: dict[int, list[int]] = {}
        for end in ends:
            by_layer.setdefault(layer[end] if end >= 0 else drawn.depth, []).append(end)
        before, last = source, max(by_layer)
        for at in range(after, last + 1):
            for end in by_layer.get(at, ()):
                _join(drawn, before, end, order)
            if at < last:
                stand_in = len(layer)
                layer.append(at)
                part_of.append(part)
                drawn.net.append(net)
                drawn.up.append([])
                drawn.down.append([])
                _join(drawn, before, stand_in, order)
                before = stand_in
        if last == drawn.depth:
            drawn.exits[net] = before


def _join(drawn: Layered, left: int, right: int, order: bool) -> None:
    drawn.hops.setdefault((left, order), []).append(right)
    if left >= 0 and right >= 0:
        drawn.down[left].append(right)
        drawn.up[right].append(left)


def _gather(drawn: Layered, part_of: list[int]) -> None:
    members: dict[int, list[int]] = {}
    for item, part in enumerate(part_of):
        members.setdefault(part, []).append(item)
    layer = drawn.layer
    for part in sorted(members):
        items = members[part]
        first = min(layer[item] for item in items)
        layers: list[list[int]] = [[] for _ in range(max(layer[item] for item in items) - first + 1)]
        for item in items:
            layers[layer[item] - first].append(item)
        drawn.parts.append(Part(first, layers))
