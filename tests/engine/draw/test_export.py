"""The same project in five languages: nothing is lost, and nothing that a name says is taken for the language's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draw.export import VisualizationFormat, WorkflowVisualizer, fitted, render, render_graph
from engine.draw.interchange import BadGraph, load_json, to_json
from engine.draw.outline import outline
from engine.draw.placement import lay_out
from engine.draw.scene import Box, Edge, Form, Graph
from engine.draw.svg import to_svg
from engine.draw.text import safe
from tests.engine.draw.mermaid_grammar import read
from tests.engine.draw.pictures import graphs
from tests.engine.draw.projects import EVERYTHING, STRANGE, project
from tests.engine.draw.test_picture import STATES

Golden = Callable[[str, str], None]
NASTY = [
    'say "hi"',
    "back\\slash\\",
    "two words",
    "任务一",
    "👨‍👩‍👧 family",
    "<b>&amp;</b>",
    "end",
    "a;b-->c",
    "`code`",
    "#35;",
    "*bold* _it_",
    "%% comment",
    "]])}}",
    "${x}",
    "\x1b[31m",
    "\u202ertl",
    "line\nbreak",
    "cluster_0",
    "--",
    "]]>",
    "'",
]
nasty_graph = Graph(
    boxes=[
        *(Box(path=text, name=safe(text), label=8, note=safe(text)) for text in NASTY),
        Box(path="group", name='g"<', kind="conditional", group=True, lanes=('la"ne', "else"), note="x\\"),
        Box(path="group/then", name="then", parent=len(NASTY)),
    ],
    edges=[Edge(at, at + 1) for at in range(len(NASTY) + 1)] + [Edge(0, 5, "order")],
)


# -- the visualizer --------------------------------------------------------------------------------------------------


@pytest.mark.seed("S242", "S272")
@pytest.mark.parametrize("format", list(VisualizationFormat))
def test_the_format_is_chosen_when_the_visualizer_is_made(format: VisualizationFormat) -> None:
    visualizer = WorkflowVisualizer(format)
    assert visualizer.format is format
    assert visualizer.render(project(EVERYTHING)) == render(project(EVERYTHING), format.value)


class Record:
    def __init__(self, state: str) -> None:
        self.state = state


class Run:
    nodes = {path: Record(state) for path, state in STATES.items()}


@pytest.mark.seed("S243")
@pytest.mark.parametrize("format", list(VisualizationFormat))
def test_a_picture_has_nested_groups_branch_labels_and_the_states_of_a_run(format: VisualizationFormat) -> None:
    source = project(EVERYTHING)
    plain = WorkflowVisualizer(format).render(source)
    shown = WorkflowVisualizer(format).render(source, Run())
    assert shown == render(source, format, STATES)
    assert plain != shown
    for word in ("enough", "then", "else", "explain", "report", "upload"):
        assert word in plain


@pytest.mark.seed("S243")
def test_what_was_built_and_run_in_python_can_be_drawn_with_its_result() -> None:
    from engine import Workflow

    flow = Workflow("small")

    def one() -> int:
        return 1

    def double(number: int) -> int:
        return 2 * number

    flow.add(double, number=flow.add(one))
    shown = WorkflowVisualizer("text").render(flow, flow.run()).splitlines()[1]
    assert re.fullmatch(r"│ ƒ one +✓ ├────▸│ ƒ double +✓ │", shown)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="png"):
        WorkflowVisualizer("png")


# -- text ------------------------------------------------------------------------------------------------------------


def test_text_falls_back_to_lines_where_cards_do_not_fit() -> None:
    graph = outline(project(EVERYTHING))
    wide, narrow = fitted(graph), fitted(graph, width=80)
    assert "╭" in wide.splitlines()[0]
    assert max(map(len, narrow.splitlines())) < max(map(len, wide.splitlines()))
    assert len(narrow.splitlines()) < len(wide.splitlines()) / 2


# -- DOT -------------------------------------------------------------------------------------------------------------


@pytest.mark.seed("S244")
def test_dot_has_every_node_once_every_edge_and_a_cluster_a_group(golden: Golden) -> None:
    text = render(project(EVERYTHING), "dot", STATES)
    golden("everything.dot", text)
    leaves = [box for box in outline(project(EVERYTHING)).boxes if not box.group]
    assert len(re.findall(r'^ *"[^"]*" \[label', text, re.M)) == len(leaves)
    assert text.count(" -> ") == len(outline(project(EVERYTHING)).edges)
    assert len(re.findall(r'subgraph "cluster_\d+" ', text)) == 2
    assert len(re.findall(r'subgraph "cluster_\d+_\d+" ', text)) == 2


needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")


@needs_dot
@pytest.mark.seed("S244")
@pytest.mark.parametrize("text", [EVERYTHING, STRANGE], ids=["everything", "strange"])
def test_dot_is_accepted_by_graphviz(text: str) -> None:
    svg = graphviz(render(project(text), "dot", STATES))
    titles = [title.text for title in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")]
    for box in outline(project(text)).boxes:
        assert box.group or box.path in titles


@needs_dot
def test_graphviz_reads_names_that_look_like_its_own_language() -> None:
    svg = graphviz(render_graph(nasty_graph, "dot", "<nasty>"))
    root = ElementTree.fromstring(svg)
    kinds = [element.get("class") for element in root.iter("{http://www.w3.org/2000/svg}g")]
    assert kinds.count("node") == len(NASTY) + 1
    assert kinds.count("edge") == len(nasty_graph.edges) - 1 + 1
    shown = {"".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")}
    for text in NASTY:
        assert safe(text).strip() in {word.replace("\xa0", " ") for word in shown}


def graphviz(text: str) -> str:
    """What `dot` makes of it; it must not complain."""
    done = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.decode()


# -- Mermaid ---------------------------------------------------------------------------------------------------------


@pytest.mark.seed("S245")
def test_mermaid_is_a_flowchart_with_all_nodes_and_edges(golden: Golden) -> None:
    text = render(project(EVERYTHING), "mermaid", STATES)
    golden("everything.mmd", text)
    graph = outline(project(EVERYTHING))
    chart = read(text)
    for index, box in enumerate(graph.boxes):
        assert chart.nodes[f"n{index}"].startswith(box.name)
    arrows = {"data": "-->", "order": "-.->"}
    assert chart.edges == [(f"n{edge.source}", f"n{edge.target}", arrows[edge.kind]) for edge in graph.edges]
    assert chart.groups["n4"] == ["n4_0", "n4_1"]
    assert chart.groups["n4_1"] == ["n6"]
    assert chart.classes["n7"] == "failed"


@pytest.mark.seed("S245")
def test_mermaid_labels_say_what_the_names_say(golden: Golden) -> None:
    text = render_graph(nasty_graph, "mermaid")
    golden("nasty.mmd", text)
    chart = read(text)
    for index, name in enumerate(NASTY):
        assert chart.nodes[f"n{index}"] == safe(name)


# -- SVG -------------------------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.seed("S246")
@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_svg_is_well_formed_and_has_every_name(theme: str) -> None:
    graph = outline(project(EVERYTHING))
    opened = lay_out(graph, forms=dict.fromkeys(range(len(graph.boxes)), Form.OPEN))
    root = ElementTree.fromstring(to_svg(opened, "penguins", STATES, theme))  # type: ignore[arg-type]
    words = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    for box in graph.boxes:
        assert box.name in words
    assert {"then", "else"} <= set(words)
    assert root.find(f"{SVG}title").text == "penguins"  # type: ignore[union-attr]


@pytest.mark.seed("S246")
def test_svg_is_the_picture_that_was_looked_at(golden: Golden) -> None:
    golden("everything.svg", render(project(EVERYTHING), "svg", STATES))


@pytest.mark.seed("S246")
def test_svg_takes_text_for_text() -> None:
    root = ElementTree.fromstring(render_graph(nasty_graph, "svg", "<title> & more"))
    titles = {element.text for element in root.iter(f"{SVG}title")}
    assert {safe(name) for name in NASTY} <= titles
    assert {element.tag for element in root.iter()} == {
        SVG + tag for tag in ("svg", "title", "style", "rect", "g", "path", "text")
    }


@pytest.mark.seed("S246")
@settings(max_examples=40, deadline=None)
@given(graphs())
def test_boxes_in_svg_do_not_overlap(drawn: Graph) -> None:
    root = ElementTree.fromstring(render_graph(drawn, "svg"))
    cards = [
        tuple(float(rect.get(key, "0")) for key in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
        if "card" in rect.get("class", "")
    ]
    assert len(cards) == len(drawn.boxes)
    for (x, y, wide, high), (left, top, width, height) in combinations(cards, 2):
        assert x + wide <= left or left + width <= x or y + high <= top or top + height <= y


# -- JSON ------------------------------------------------------------------------------------------------------------

names = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


@pytest.mark.seed("S247")
@settings(max_examples=80, deadline=None)
@given(graphs(grouped=True), st.data())
def test_json_loads_back_to_an_equal_graph(drawn: Graph, data: st.DataObject) -> None:
    boxes = [
        Box(
            **{
                **{key: getattr(box, key) for key in Box.__struct_fields__},
                "name": data.draw(names),
                "note": data.draw(names),
            }
        )
        for box in drawn.boxes
    ]
    graph = Graph(boxes, drawn.edges)
    states = {box.path: "running" for box in boxes[::2]}
    assert load_json(to_json(graph, "x", states)) == graph


@pytest.mark.seed("S247", "S252")
def test_json_has_levels_states_and_lanes() -> None:
    document = json.loads(render(project(EVERYTHING), "json", STATES))
    assert document["format"] == 1
    assert document["name"] == "penguins"
    nodes = {node["path"]: node for node in document["nodes"]}
    assert [nodes[path]["level"] for path in ("fetch", "load", "clean", "enough", "report", "report/review")] == [
        0,
        1,
        2,
        3,
        4,
        1,
    ]
    assert nodes["enough/else"] == {
        "path": "enough/else",
        "name": "explain",
        "kind": "task",
        "level": 0,
        "parent": "enough",
        "lane": "else",
        "note": "tasks:explain",
        "state": "skipped",
    }
    assert {"source": "schema", "target": "clean", "kind": "order"} in document["edges"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[1]", "no graph"),
        ('{"format": 2, "nodes": []}', "format 2"),
        ('{"format": 1, "nodes": [{"path": "a"}]}', "no graph"),
        ('{"format": 1, "nodes": [{"path": "a", "name": "a", "kind": "task", "parent": "b"}]}', "parent 'b'"),
        ('{"format": 1, "nodes": [{"path": "a", "name": "a", "kind": "task", "parent": "a"}]}', "parent 'a'"),
        ('{"format": 1, "nodes": [{"path": "a", "name": "a", "kind": "task", "lane": "x"}]}', "lane 'x'"),
        ('{"format": 1, "nodes": [], "edges": [{"source": "a", "target": "b"}]}', "'a'"),
        (
            '{"format": 1, "nodes": [{"path": "a", "name": "", "kind": ""}, {"path": "a", "name": "", "kind": ""}]}',
            "two nodes",
        ),
        ('{"format": 1, "nodes": []' + '{"x":' * 100_000, "not JSON"),
    ],
)
def test_json_that_is_no_graph_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(BadGraph, match=why):
        load_json(text)
