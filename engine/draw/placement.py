"""From a graph to a scene: layers, order, rows, tracks and columns, frame by frame.

The layered layout of Sugiyama, Tagawa and Toda in four steps, each in its own file: `layers`, `crossings`, `rows`,
`tracks`. `arrangement` keeps what does not depend on sizes, `sketch` draws one frame by itself, `routes` makes its wires.
Open groups are sketched first, from the inside out, so that the frame around them knows their size; then everything gets
its place, from the outside in.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.draw.arrangement import Arrangement
from engine.draw.groups import levels
from engine.draw.routes import wire
from engine.draw.scene import Form, Frame, Graph, Panel, Rect, Rule, Scene, Zoom
from engine.draw.sizes import Size, children, default_forms, listed_rows, sizes
from engine.draw.sketch import Sketch
from engine.draw.steady import footing, remember

__all__ = ["Arrangement", "lay_out"]

_BLANK = {Zoom.CARD: 1, Zoom.LINE: 1, Zoom.DOT: 0}


def lay_out(
    graph: Graph,
    zoom: Zoom = Zoom.CARD,
    forms: Mapping[int, Form] | None = None,
    arrangement: Arrangement | None = None,
    blank: int | None = None,
    before: Scene | None = None,
) -> Scene:
    """Where everything stands. `forms` says how groups are shown (at cards; else all are closed), `blank` how many
    rows are free between boxes. Give the same `arrangement` for each zoom of a graph: it is faster, and keeps order.

    After an edit, what stood stays: give an `Arrangement(graph, scene)` that knows a scene of the graph as it was
    before, and as `before` the last scene at this zoom, if there is one.
    """
    forms = _effective(graph, default_forms(graph) if forms is None else forms, zoom)
    arrangement = arrangement or Arrangement(graph)
    found = sizes(graph, zoom, forms)
    sketches: dict[int, Sketch] = {}
    inner: dict[int, Sketch] = {}
    space = _BLANK[zoom] if blank is None else blank
    if before is not None and (before.zoom is not zoom or before.blank != space):
        before = None
    for level in reversed(levels(graph, forms, before)):
        stood = footing(before, arrangement.frame(level)) if before is not None else None
        drawn = arrangement.layered(level)
        was = next((panel for panel in before.panels if panel.layered is drawn.origin), None) if before else None
        sketch = Sketch(graph, zoom, level, drawn, found, inner, space, stood, was)
        if level.group >= 0:
            found[level.group] = Size(sketch.width, sketch.height, stretches=False)
            inner[level.group] = sketch
        sketches[level.group] = sketch
    scene = Scene(graph, zoom, space)
    scene.forms = forms
    root = sketches[-1]
    _place(root, scene, 0, 0)
    scene.width, scene.height = root.width, root.height
    for group, sketch in reversed(sketches.items()):
        if group >= 0:
            rect = scene.rects[group]
            _place(sketch, scene, rect.x, rect.y)
    _place_listed(scene)
    if before is not None:
        remember(scene, before)
    return scene


def _effective(graph: Graph, forms: Mapping[int, Form], zoom: Zoom) -> dict[int, Form]:
    """Every group's form: closed unless cards are shown and all around it are open."""
    found: dict[int, Form] = {}
    for index, box in enumerate(graph.boxes):
        if box.group:
            bare = box.parent < 0 or found.get(box.parent) is Form.OPEN
            found[index] = forms.get(index, Form.CLOSED) if bare and zoom is Zoom.CARD else Form.CLOSED
    return found


def _place(sketch: Sketch, scene: Scene, x: int, y: int) -> None:
    """Put it into a scene with its corner at (x, y)."""
    level, drawn = sketch.level, sketch.drawn
    panel = Panel(level.group, drawn, level.links)
    panel.rect = Rect(x, y, sketch.width, sketch.height)
    panel.port = y + sketch.port
    panel.column_x = [x + at for at in sketch.column_x]
    panel.column_width = sketch.column_width
    panel.cards = sketch.cards
    panel.lift = sketch.lift
    panel.solved = sketch.solved
    panel.gaps = sketch.gaps
    panel.gap_x = [x + at for at in sketch.gap_x]
    panel.rows = [y + at for at in sketch.row]
    panel.items = {box: item for item, box in enumerate(level.boxes)}
    for layer, members in enumerate(sketch.members):
        panel.members.append([level.boxes[item] for item in members])
        common = sketch.cards[layer]
        for item in members:
            size = sketch.size[item]
            scene.rects[level.boxes[item]] = Rect(
                panel.column_x[layer],
                panel.rows[item] - sketch.above[item],
                common if size.stretches else size.width,
                size.height,
            )
    scene.panels.append(panel)
    for link in level.links:
        (scene.enters if link.source == level.group else scene.leaves).add(link.source)
    if sketch.framed:
        indent = x + (sketch.column_x[0] - 1 if level.group in scene.enters and sketch.column_x else 2)
        rules = tuple(Rule(y + rule.row, rule.title, indent) for rule in sketch.rules)
        scene.frames.append(Frame(level.group, panel.rect, rules))
        scene.ports[level.group] = panel.port
    wire(sketch, scene, panel)


def _place_listed(scene: Scene) -> None:
    listed = [box for box, form in scene.forms.items() if form is Form.LISTED and scene.rects[box].width]
    if not listed:
        return
    inside = children(scene.graph)
    for group in listed:
        rect = scene.rects[group]
        wide = rect.width - 2 - scene.graph.boxes[group].behind
        for number, row in enumerate(listed_rows(scene.graph.boxes, group, inside[group])):
            if row.what == "child":
                scene.rects[row.box] = Rect(rect.x + 1, rect.y + 1 + number, wide, 1)
