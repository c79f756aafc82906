"""Pictures of the canvas as PNG, to look at: python -m tests.studio.look OUT [name ...]  (needs rsvg-convert).

Every scenario is a graph, what a run says of it, a size and a theme, mounted in a Textual app without a terminal.
"""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from textual.app import App, ComposeResult

from engine.draw.scene import Box, Edge, Form, Graph, Zoom
from engine.draw.text import width
from studio import theme
from studio.state import NodeNow
from studio.widgets.graph_canvas import GraphCanvas


class CanvasApp(App[None]):
    """An app with nothing but a canvas."""

    CSS = "Screen { background: $background; }"

    def __init__(self, canvas: GraphCanvas, theme_name: str = theme.DARK) -> None:
        super().__init__()
        self.canvas = canvas
        self.theme_name = theme_name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variables()

    def compose(self) -> ComposeResult:
        yield self.canvas

    def on_mount(self) -> None:
        for each in theme.textual_themes():
            self.register_theme(each)
        self.theme = self.theme_name
        self.canvas.focus()


def node(path: str, kind: str = "task", note: str = "", **more: object) -> Box:
    name = path.rsplit("/", 1)[-1]
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
    chance = random.Random(seed)  # noqa: S311
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
    "per_island": NodeNow("running", fraction=0.66),
    "per_island/score": NodeNow("running", seconds=3),
    "monthly": NodeNow("retrying", attempt=2, attempts=3),
    "archive": NodeNow("failed", error="exit 2: no space left"),
}


def spread(graph: Graph, seed: int = 3) -> dict[str, NodeNow]:
    """States as in the middle of a run: what comes first is done."""
    chance = random.Random(seed)  # noqa: S311
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


@dataclass
class Scenario:
    graph: Graph
    size: tuple[int, int]
    news: dict[str, NodeNow] = field(default_factory=dict)
    cursor: str | None = None
    zoom: Zoom | None = None
    forms: dict[str, Form] = field(default_factory=dict)
    theme: str = theme.DARK
    ascii: bool = False
    colour: bool = True
    marks: dict[str, str] = field(default_factory=dict)
    press: tuple[str, ...] = ()


def scenarios() -> dict[str, Scenario]:
    few, many, most = penguins(), layered(50, 8), layered(1000, 40)
    opened = {"enough": Form.OPEN, "per_island": Form.OPEN, "report": Form.OPEN}
    closed = {"enough": Form.CLOSED, "per_island": Form.CLOSED, "report": Form.CLOSED}
    marks = {"per_island": "error", "monthly": "warning"}
    return {
        "editor": Scenario(few, (120, 40), cursor="per_island", marks=marks),
        "editor80": Scenario(few, (80, 22), cursor="clean"),
        "monitor": Scenario(few, (120, 40), PENGUINS_NEWS, "fetch"),
        "light": Scenario(few, (120, 40), PENGUINS_NEWS, "fetch", theme=theme.LIGHT),
        "contrast": Scenario(few, (120, 40), PENGUINS_NEWS, "fetch", theme=theme.CONTRAST),
        "open": Scenario(few, (160, 50), PENGUINS_NEWS, "clean", forms=opened),
        "closed": Scenario(few, (120, 30), PENGUINS_NEWS, "clean", forms=closed),
        "ascii": Scenario(few, (120, 40), PENGUINS_NEWS, "clean", ascii=True, theme=theme.CONTRAST),
        "plain": Scenario(few, (120, 40), PENGUINS_NEWS, "clean", colour=False),
        "plainascii": Scenario(parts(), (80, 24), STATE_NEWS, "ready", colour=False, ascii=True),
        "parts": Scenario(parts(), (80, 24), STATE_NEWS, "ready"),
        "partslines": Scenario(parts(), (80, 24), STATE_NEWS, "ready", zoom=Zoom.LINE),
        "wide": Scenario(wide_names(), (80, 40), cursor="naïve_étape"),
        "lines50": Scenario(many, (120, 40), spread(many), many.boxes[20].path, Zoom.LINE),
        "cards50": Scenario(many, (200, 60), spread(many), many.boxes[20].path, Zoom.CARD),
        "dots1000": Scenario(most, (160, 50), spread(most), most.boxes[300].path),
        "dots80": Scenario(most, (80, 22), spread(most), most.boxes[300].path, press=("M",)),
        "lines1000": Scenario(most, (160, 50), spread(most), most.boxes[300].path, Zoom.LINE, press=("M",)),
        "cards1000": Scenario(most, (160, 50), spread(most), most.boxes[300].path, Zoom.CARD, press=("M",)),
        "find": Scenario(many, (120, 40), spread(many), zoom=Zoom.LINE, press=("slash", "f", "i", "t")),
        "jump": Scenario(few, (120, 40), cursor="clean", press=("f",)),
        "near": Scenario(most, (120, 40), spread(most), most.boxes[300].path, press=("Z", "Z", "full_stop")),
    }


_LEADING = re.compile(r'(<text [^>]*?x=")([0-9.]+)(" [^>]*>)((?:&#160;)+)')


def _shifted(match: re.Match[str]) -> str:
    """rsvg-convert draws leading blanks narrower than a cell: begin after them instead."""
    x = float(match[2]) + 12.2 * match[4].count("&#160;")
    return f"{match[1]}{x:.1f}{match[3]}"


async def shoot(name: str, wanted: Scenario, out: Path) -> Path:
    canvas = GraphCanvas(wanted.graph, ascii=wanted.ascii, colour=wanted.colour)
    app = CanvasApp(canvas, wanted.theme)
    async with app.run_test(size=wanted.size) as pilot:
        await pilot.pause()
        stage = canvas.stage
        for path, form in wanted.forms.items():
            stage.fold(stage.index[path], form)
        if wanted.zoom is not None:
            stage.zoom_to(wanted.zoom)
        canvas.mark(wanted.marks)
        if wanted.news:
            canvas.tell(wanted.news, running=True)
        if wanted.forms:
            stage.fit()
        canvas.go(wanted.cursor)
        await pilot.press(*wanted.press)
        await pilot.pause()
        svg = out / f"{name}.svg"
        svg.write_text(_LEADING.sub(_shifted, app.export_screenshot(title=name)))
    return svg


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    chosen = sys.argv[2:] or list(scenarios())
    for name in chosen:
        svg = asyncio.run(shoot(name, scenarios()[name], out))
        subprocess.run(["rsvg-convert", "-w", "1500", str(svg), "-o", str(svg.with_suffix(".png"))], check=True)
        sys.stdout.write(f"{svg.with_suffix('.png')}\n")


if __name__ == "__main__":
    main()
