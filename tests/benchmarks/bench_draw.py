"""How good and how fast the layout is: crossings beside those of Graphviz `dot`, and milliseconds.

    python tests/benchmarks/bench_draw.py            both
    python tests/benchmarks/bench_draw.py crossings  only the comparison (needs `dot`)
    python tests/benchmarks/bench_draw.py edits      only what an edit costs

Crossings are pairs of edges that cross between neighbouring layers, counted in each program's own layers: `dot -v` says
how many its own picture has. Edges of one source that share a line count one by one, as dot counts them.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median

from msgspec.structs import replace

from engine.draw.layers import Layered
from engine.draw.placement import Arrangement, lay_out
from engine.draw.scene import Box, Edge, Graph, Scene, Zoom

GOAL = 1.35


def graph_of(count: int, edges: set[tuple[int, int]]) -> Graph:
    """A graph of `count` boxes with names of ordinary length."""
    return Graph(
        [Box(f"n{at}", label=len(f"node_{at}"), name=f"node_{at}") for at in range(count)],
        [Edge(*edge) for edge in sorted(edges)],
    )


def in_layers(count: int, width: int, fan: int, seed: int, skip: float = 0.0) -> Graph:
    """Layers of `width`; each box needs up to `fan` of those near its place in the layer before (or an earlier one)."""
    chance = random.Random(seed)
    layers = [range(at, min(count, at + width)) for at in range(0, count, width)]
    edges = set()
    for number, layer in enumerate(layers[1:], 1):
        for place, box in enumerate(layer):
            for _ in range(chance.randint(1, fan)):
                back = number - 1
                while back and chance.random() < skip:
                    back -= 1
                near = round(len(layers[back]) * place / len(layer) + chance.gauss(0, 0.08 * width))
                edges.add((layers[back][max(0, min(len(layers[back]) - 1, near))], box))
    return graph_of(count, edges)


def chain(count: int) -> Graph:
    return graph_of(count, {(at, at + 1) for at in range(count - 1)})


def star(count: int) -> Graph:
    """One box that needs half of the others and is needed by the other half."""
    half = count // 2
    return graph_of(count, {(at, half) for at in range(half)} | {(half, at) for at in range(half + 1, count)})


def fan(branches: int, length: int) -> Graph:
    """Out from one box, along `branches` chains, and together again."""
    last = branches * length + 1
    edges = set()
    for branch in range(branches):
        line = [0, *range(branch * length + 1, branch * length + length + 1), last]
        edges |= set(pairwise(line))
    return graph_of(last + 1, edges)


def apart(parts: int, seed: int) -> Graph:
    """Many small graphs in one."""
    edges: set[tuple[int, int]] = set()
    start = 0
    for part in range(parts):
        found = in_layers(12 + part % 5, 4, 2, seed + part)
        edges |= {(edge.source + start, edge.target + start) for edge in found.edges}
        start += len(found.boxes)
    return graph_of(start, edges)


def samples(count: int, seed: int) -> Graph:
    """A pipeline as people write them: a chain of steps a sample, checks on the side, and everything comes together."""
    chance = random.Random(seed)
    edges: set[tuple[int, int]] = set()
    index, reference = 1, 0
    ends: list[int] = []
    checks: list[int] = []
    for _ in range(count):
        load, trim, align, sort, check = range(index, index + 5)
        index += 5
        edges |= {(load, trim), (trim, align), (reference, align), (align, sort), (sort, check), (trim, check)}
        ends.append(sort)
        checks.append(check)
    merge, call, report = index, index + 1, index + 2
    edges |= {(end, merge) for end in ends} | {(check, report) for check in checks if chance.random() < 0.6}
    edges |= {(merge, call), (call, report), (reference, call)}
    return graph_of(index + 3, edges)


def warehouse(seed: int) -> Graph:
    """Sources, stages, marts and reports, with a few tables that half of the others need."""
    chance = random.Random(seed)
    layers = [range(12), range(12, 26), range(26, 44), range(44, 56), range(56, 64)]
    edges = set()
    for number, layer in enumerate(layers[1:], 1):
        for box in layer:
            for _ in range(chance.choice([1, 1, 2, 2, 3])):
                before = layers[max(0, number - chance.choice([1, 1, 1, 2]))]
                edges.add((before[min(len(before) - 1, int(chance.betavariate(1.2, 2.5) * len(before)))], box))
    return graph_of(64, edges)


GRAPHS: dict[str, Callable[[], Graph]] = {
    "layered 60": lambda: in_layers(60, 8, 2, 1),
    "layered 150": lambda: in_layers(150, 12, 2, 2),
    "layered 300, edges skip": lambda: in_layers(300, 20, 2, 3, skip=0.2),
    "layered 150, dense": lambda: in_layers(150, 12, 4, 4),
    "chain 200": lambda: chain(200),
    "star 60": lambda: star(60),
    "fan 12 x 6": lambda: fan(12, 6),
    "disconnected 20": lambda: apart(20, 5),
    "samples 16": lambda: samples(16, 6),
    "samples 40": lambda: samples(40, 7),
    "warehouse 64": lambda: warehouse(8),
    "warehouse 64 b": lambda: warehouse(9),
    "warehouse 64 c": lambda: warehouse(10),
}


def our_crossings(graph: Graph) -> int:
    """Crossings of the layout, edge by edge: a line that several edges share counts once for each of them."""
    scene = lay_out(graph, Zoom.DOT)
    panel = scene.panels[0]
    layered = panel.layered
    spans: list[list[tuple[int, int]]] = [[] for _ in range(layered.depth)]
    for link in panel.links:
        right = panel.items[link.target]
        source = panel.items[link.source]
        while right != source:
            left = _left(layered, source, right)
            spans[layered.layer[left]].append((panel.rows[left], panel.rows[right]))
            right = left
    return sum(_inversions(found) for found in spans)


def _left(layered: Layered, source: int, right: int) -> int:
    if right >= layered.boxes:
        return layered.up[right][0]
    if layered.layer[source] + 1 == layered.layer[right]:
        return source
    return next(item for item in layered.up[right] if layered.net[item] == (source, False))


def _inversions(spans: list[tuple[int, int]]) -> int:
    total = 0
    for at, (left, right) in enumerate(spans):
        for other_left, other_right in spans[:at]:
            total += (left - other_left) * (right - other_right) < 0
    return total


def dot_crossings(graph: Graph) -> int:
    """What `dot` says of its own picture of the same graph."""
    lines = ["digraph g {", "rankdir=LR; node [shape=box];"]
    lines += [f"n{at};" for at in range(len(graph.boxes))]
    lines += [f"n{edge.source} -> n{edge.target};" for edge in graph.edges]
    said = subprocess.run(
        ["dot", "-v", "-Tplain"], input="\n".join([*lines, "}"]), capture_output=True, text=True, check=True, timeout=60
    ).stderr
    return sum(int(number) for number in re.findall(r"mincross \S+: (\d+) crossings", said)[-1:])


def compare() -> float:
    """Print the table; ours divided by dot's, summed."""
    ours = theirs = 0
    print(f"{'graph':28}{'ours':>8}{'dot':>8}{'share':>8}")
    for name, make in GRAPHS.items():
        graph = make()
        mine, other = our_crossings(graph), dot_crossings(graph)
        ours, theirs = ours + mine, theirs + other
        print(f"{name:28}{mine:8}{other:8}{mine / other if other else 1.0:8.2f}")
    share = ours / theirs
    print(f"{'sum':28}{ours:8}{theirs:8}{share:8.2f}   goal: at most {GOAL}")
    return share


def measure() -> None:
    """Print the time from a graph to a scene, medians of seven, beside a bare loop of this machine right now."""
    before = time.perf_counter()
    total = sum([number * number for number in range(1_000_000)])
    print(f"a bare loop over {1_000_000:,} numbers: {(time.perf_counter() - before) * 1000:.0f} ms ({total % 10})")
    print(f"{'layout':28}{'nodes':>8}{'edges':>8}{'dots ms':>10}{'lines ms':>10}{'again ms':>10}")
    for name, graph in (
        ("layered", in_layers(1000, 30, 2, 1)),
        ("layered, edges skip", in_layers(1000, 30, 2, 1, skip=0.2)),
        ("samples", samples(200, 1)),
        ("layered", in_layers(5000, 70, 2, 1)),
        ("layered, edges skip", in_layers(5000, 70, 2, 1, skip=0.2)),
        ("samples", samples(1000, 1)),
        ("chain", chain(5000)),
        ("star", star(5000)),
    ):
        times: list[list[float]] = [[], [], []]
        for _ in range(7):
            arrangement = Arrangement(graph)
            for at, (zoom, kept) in enumerate(((Zoom.DOT, None), (Zoom.LINE, arrangement), (Zoom.LINE, arrangement))):
                before = time.perf_counter()
                lay_out(graph, zoom, arrangement=kept)
                times[at].append((time.perf_counter() - before) * 1000)
        found = "".join(f"{median(column):10.1f}" for column in times)
        print(f"{name:28}{len(graph.boxes):8}{len(graph.edges):8}{found}")


def edits() -> None:
    """Print the processor's time from an edited graph to its scene, medians of seven; nothing is kept from
    one round to the next."""
    print(
        f"{'edit':28}{'nodes':>8}{'zoom':>8}{'anew ms':>10}{'move ms':>10}{'add ms':>10}{'cut ms':>10}{'delete ms':>10}"
    )
    for count, width in ((1000, 30), (5000, 70)):
        graph = in_layers(count, width, 2, 1)
        for zoom in Zoom:
            before = lay_out(graph, zoom)
            middle = count // 2
            last = Box("new", label=3, name="new")
            pin = before.port_row(middle) + 5
            moved = [replace(box, pin=pin) if at == middle else box for at, box in enumerate(graph.boxes)]
            edited = (
                Graph(moved, graph.edges),
                Graph([*graph.boxes, last], [*graph.edges, Edge(middle, count)]),
                Graph(graph.boxes, graph.edges[: len(graph.edges) // 2] + graph.edges[len(graph.edges) // 2 + 1 :]),
                _without_last(graph),
            )
            times = [[_milliseconds(lambda: lay_out(graph, zoom)) for _ in range(7)]]  # noqa: B023
            for after in edited:
                times.append([_edit_milliseconds(before, after) for _ in range(7)])
            print(f"{'layered':28}{count:8}{zoom.name:>8}" + "".join(f"{median(column):10.1f}" for column in times))


def _without_last(graph: Graph) -> Graph:
    last = len(graph.boxes) - 1
    return Graph(graph.boxes[:-1], [edge for edge in graph.edges if last not in (edge.source, edge.target)])


def _edit_milliseconds(before: Scene, after: Graph) -> float:
    before.footings.clear()
    return _milliseconds(lambda: lay_out(after, before.zoom, arrangement=Arrangement(after, before), before=before))


def _milliseconds(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return (time.process_time() - start) * 1000


def main(words: list[str]) -> int:
    if words == ["edits"]:
        edits()
        return 0
    if words != ["times"]:
        if shutil.which("dot") is None:
            print("dot is not installed, so crossings are not compared (apt install graphviz)")
        else:
            compare()
    if words != ["crossings"]:
        measure()
        edits()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
