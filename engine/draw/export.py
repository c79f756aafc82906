"""A project as a picture in five formats, by one call.

    render(project, "svg")                      all of it, groups open
    render(project, "text", states=states)      with the states of a run, by path
    WorkflowVisualizer(VisualizationFormat.DOT).render(project, run)

`states` are words of `glyphs.STATES` by path of node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Protocol

from engine.draw.dot import to_dot
from engine.draw.interchange import to_json
from engine.draw.mermaid import to_mermaid
from engine.draw.outline import outline
from engine.draw.picture import picture
from engine.draw.placement import Arrangement, lay_out
from engine.draw.scene import Form, Graph, Zoom
from engine.draw.svg import to_svg
from engine.project.model import Project, Workflow

CARDS_AT_MOST = 300
"""A graph with more boxes is written as one line a node."""
OPEN_AT_MOST = 400
"""A graph with more boxes keeps its groups closed in SVG."""


class VisualizationFormat(Enum):
    """In which language a picture is written."""

    TEXT = "text"
    ASCII = "ascii"
    DOT = "dot"
    MERMAID = "mermaid"
    SVG = "svg"
    JSON = "json"


States = Mapping[str, str] | None


def fitted(graph: Graph, states: States = None, ascii_only: bool = False, width: int | None = None) -> str:
    """Text of cards; of one line a node where cards are too wide for a terminal of `width`, or too many to read."""
    arrangement = Arrangement(graph)
    zoom = Zoom.CARD if len(graph.boxes) <= CARDS_AT_MOST else Zoom.LINE
    scene = lay_out(graph, zoom, arrangement=arrangement)
    if zoom is Zoom.CARD and width is not None and scene.width > width:
        scene = lay_out(graph, Zoom.LINE, arrangement=arrangement)
    return picture(scene, ascii_only, states)


def _text(graph: Graph, name: str, states: States) -> str:
    return fitted(graph, states)


def _ascii(graph: Graph, name: str, states: States) -> str:
    return fitted(graph, states, ascii_only=True)


def _svg(graph: Graph, name: str, states: States) -> str:
    forms = None
    if len(graph.boxes) <= OPEN_AT_MOST:
        forms = {index: Form.OPEN for index, box in enumerate(graph.boxes) if box.group}
    return to_svg(lay_out(graph, Zoom.CARD, forms), name, states, theme="auto")


_WRITERS: Mapping[VisualizationFormat, Callable[[Graph, str, States], str]] = {
    VisualizationFormat.TEXT: _text,
    VisualizationFormat.ASCII: _ascii,
    VisualizationFormat.DOT: to_dot,
    VisualizationFormat.MERMAID: lambda graph, _, states: to_mermaid(graph, states),
    VisualizationFormat.SVG: _svg,
    VisualizationFormat.JSON: to_json,
}


class HasProject(Protocol):
    """What is built in Python: the engine's Workflow, or a WorkflowEngine."""

    def project(self) -> Project:
        """The model of what was built."""
        ...


Drawable = Project | Workflow | HasProject


def render(source: Drawable, format: VisualizationFormat | str = "text", states: States = None) -> str:
    """The picture as text that ends with a line feed. ValueError for a format that is not known."""
    found = source if isinstance(source, Project | Workflow) else source.project()
    workflow = found.workflow if isinstance(found, Project) else found
    return render_graph(outline(workflow), format, workflow.name, states)


def render_graph(
    graph: Graph, format: VisualizationFormat | str = "text", name: str = "", states: States = None
) -> str:
    """The same for a graph that was made elsewhere, or loaded from JSON."""
    return _WRITERS[VisualizationFormat(format)](graph, name, states)


class HasStates(Protocol):
    """What a run must have to be drawn: the state of each node by its path."""

    @property
    def nodes(self) -> Mapping[str, Any]:
        """Path -> a record with a `state`: a word, or an enum whose value is one."""
        ...


class WorkflowVisualizer:
    """Draws workflows in one format, chosen when it is made."""

    def __init__(self, format: VisualizationFormat | str = VisualizationFormat.TEXT) -> None:
        self.format = VisualizationFormat(format)

    def render(self, workflow: Drawable, run: HasStates | Mapping[str, str] | None = None) -> str:
        """The workflow, with the states of a run (a RunResult, or words by path) if one is given."""
        return render(workflow, self.format, None if run is None else states_of(run))


def states_of(run: HasStates | Mapping[str, str]) -> dict[str, str]:
    """The word for the state of every node, by path."""
    found: Mapping[str, Any] = run if isinstance(run, Mapping) else run.nodes
    return {str(path): _word(record) for path, record in found.items()}


def _word(record: Any) -> str:
    state = getattr(record, "state", record)
    return str(state.value) if isinstance(state, Enum) else str(state)
