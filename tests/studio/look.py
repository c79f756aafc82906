"""Pictures of the canvas as PNG, to look at: python -m tests.studio.look OUT [name ...]  (needs rsvg-convert).

Every scenario is a graph, what a run says of it, a size and a theme, mounted in a Textual app without a terminal.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from textual.app import App, ComposeResult

from engine.draw.scene import Form, Graph, Zoom
from studio import theme
from studio.state import NodeNow
from studio.widgets.graph_canvas import GraphCanvas
from tests.studio.graphs import PENGUINS_NEWS, STATE_NEWS, layered, parts, penguins, spread, stages, wide_names


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
        "stages": Scenario(stages(), (160, 50), spread(stages()), stages().boxes[300].path),
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


def for_rsvg(svg: str) -> str:
    """The same screenshot for rsvg-convert, which knows no `textLength`: its font must be as wide as the cells."""
    return _LEADING.sub(_shifted, svg).replace("font-size: 20px", "font-size: 20.266px")


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
            canvas.tell(wanted.news)
        if wanted.forms:
            stage.fit()
        canvas.go(wanted.cursor)
        await pilot.press(*wanted.press)
        await pilot.pause()
        svg = out / f"{name}.svg"
        svg.write_text(for_rsvg(app.export_screenshot(title=name)))
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
