"""Graphs for tests and pictures of the canvas, and what a run could say of them."""

from __future__ import annotations

import random

from engine.draw.scene import Box, Edge, Graph
from engine.draw.text import safe, width
from studio import theme
from studio.state import NodeNow


def node(path: str, kind: str = "task", note: str = "", **more: object) -> Box:
    name = safe(path.rsplit("/", 1)[-1])
    return Box(path=path, name=name, label=width(name), kind=kind, note=note, **more)  # type: ignore[arg-type]


def penguins() -> Graph:
    """A project with every form of group."""
    boxes = [
        node("fetch", "command", "curl"),
        node("load", note="tasks:load"),
        node("schema", note="tasks:check"),
        node("clean", note="tasks:clean"),
        node("enough", "conditional", "count ≥ ${min_rows}", group=True, lanes=("then", "else")),
        node("enough/fit", parent=4),
        node("enough/explain", parent=4, lane=1),
        node("per_island", "map", "of clean, 8 at once", group=True, behind=True),
        node("per_island/score", parent=7),
        node("monthly", "sub_workflow", "monthly.toml"),
        node("archive", "command", "tar"),
        node("report", "sequential", group=True),
        node("report/render", parent=11),
        node("report/review", "approval", parent=11),
        node("report/upload", "command", parent=11),
    ]
    at = {box.path: number for number, box in enumerate(boxes)}
    pairs = ["fetch load", "fetch schema", "load clean", "clean enough", "clean per_island", "clean monthly"]
    pairs += ["enough report", "per_island report", "monthly report"]
    order = ["schema clean", "clean archive", "report/render report/review", "report/review report/upload"]
    edges = [Edge(at[a], at[b]) for a, b in map(str.split, pairs)]
    edges += [Edge(at[a], at[b], "order") for a, b in map(str.split, order)]
    return Graph(boxes=boxes, edges=edges)


def layered(count: int, layers: int, seed: int = 7, fan: float = 1.4) -> Graph:
    """A graph of a real shape: layers, most edges between neighbours, a few that skip."""
    chance = random.Random(seed)
    words = ["load", "clean", "join", "fit", "score", "check", "plot", "merge", "split", "export", "train", "report"]
    kinds = ["task"] * 8 + ["command", "sub_workflow", "wait", "approval"]
    by_layer: list[list[int]] = [[] for _ in range(layers)]
    for number in range(count):
        by_layer[number * layers // count].append(number)
    boxes = [node(f"{chance.choice(words)}_{number}", chance.choice(kinds), "tasks:run") for number in range(count)]
    edges: set[tuple[int, int]] = set()
    for layer in range(1, layers):
        for place, number in enumerate(by_layer[layer]):
            for _ in range(1 + (chance.random() < fan - 1)):
                before = by_layer[layer - 1 - (layer > 1 and chance.random() < 0.1)]
                middle = place * len(before) // max(1, len(by_layer[layer]))
                source = before[min(len(before) - 1, max(0, middle + chance.randint(-2, 2)))]
                edges.add((source, number))
    kinds_of = {edge: "order" if chance.random() < 0.15 else "data" for edge in sorted(edges)}
    return Graph(boxes=boxes, edges=[Edge(a, b, kind) for (a, b), kind in kinds_of.items()])  # type: ignore[arg-type]


def stages() -> Graph:
    """A thousand nodes of five stages, as loops make them."""
    drawn = layered(1000, 40)
    names = ["fetch", "align", "call", "merge", "report"]
    boxes = [node(f"{names[min(4, number // 210)]}_s{number:04}") for number in range(1000)]
    return Graph(boxes=boxes, edges=drawn.edges)


def parts() -> Graph:
    """Every state as a card of its own, in three columns."""
    boxes = [node(word, layer=number // 4) for number, word in enumerate(theme.STATES)]
    return Graph(boxes=boxes, edges=[Edge(number, number + 4) for number in range(8)])


def wide_names() -> Graph:
    """Names that take more, or fewer, cells than they have characters."""
    names = [
        "読み込み",
        "データ整形",
        "한국어_노드",
        "naïve_étape",
        "🚀_launch",
        "👨‍👩‍👧_family",
        "e\u0301\u0301\u0301lan",
        "\u202eevil\x1b[31m",
        "[/nope]",
    ]
    boxes = [node(name, note="任务:清洗数据集合") for name in names]
    return Graph(boxes=boxes, edges=[Edge(0, number) for number in range(1, 6)] + [Edge(3, 6), Edge(4, 7), Edge(5, 8)])


STATE_NEWS = {
    "ready": NodeNow("ready", text="waits for clean"),
    "running": NodeNow("running", fraction=0.62),
    "completed": NodeNow("completed", seconds=0.84),
    "failed": NodeNow("failed", error='KeyError: "r2"'),
    "suspended": NodeNow("suspended", text="by you, 2 min"),
    "canceled": NodeNow("canceled", seconds=3.1),
    "skipped": NodeNow("skipped", text="branch not hit"),
    "retrying": NodeNow("retrying", attempt=2, attempts=3),
    "unknown": NodeNow("unknown", text="lab2 is silent"),
    "compensated": NodeNow("compensated", text="undo of upload"),
    "cached": NodeNow("cached", text="of today 14:02"),
    "dirty": NodeNow("dirty", text="code changed"),
}

PENGUINS_NEWS = {
    "fetch": NodeNow("completed", seconds=8.0),
    "load": NodeNow("completed", seconds=13),
    "schema": NodeNow("cached", text="cached"),
    "clean": NodeNow("completed", seconds=4.1),
    "enough": NodeNow("running"),
    "enough/fit": NodeNow("running", fraction=0.62),
    "enough/explain": NodeNow("skipped"),
    "per_island": NodeNow("running"),
    "monthly": NodeNow("retrying", attempt=2, attempts=3),
    "archive": NodeNow("failed", error="exit 2: no space left"),
}
ITEMS = ["completed"] * 9 + ["running"] * 3 + ["failed"] + ["ready"] * 3
PENGUINS_NEWS |= {f"per_island[{number}]": NodeNow(state) for number, state in enumerate(ITEMS)}
PENGUINS_NEWS |= {f"per_island[{number}]/score": NodeNow(state) for number, state in enumerate(ITEMS)}


def spread(graph: Graph, seed: int = 3) -> dict[str, NodeNow]:
    """States as in the middle of a run: what comes first is done."""
    chance = random.Random(seed)
    found = {}
    for number, box in enumerate(graph.boxes):
        share = number / len(graph.boxes) + chance.uniform(-0.08, 0.08)
        state = "completed" if share < 0.45 else "running" if share < 0.52 else "ready"
        if state == "completed" and chance.random() < 0.1:
            state = "cached"
        if state == "running" and chance.random() < 0.1:
            state = chance.choice(["failed", "retrying"])
        found[box.path] = NodeNow(state, seconds=chance.uniform(0.1, 20), attempt=1, attempts=3, error="out of memory")
    return found
