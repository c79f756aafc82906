"""The canvas as text, kept in goldens/: in Unicode, in ASCII, and without colour, where reverse video is underlined.

A picture without colour has a line of `^` below each row that has cells in reverse video, so that the diff shows what
a person without colours would miss.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.draw.scene import Form, Zoom
from studio.pictures.cells import TONES, Row
from studio.pictures.stage import Stage
from studio.pictures.view import Style
from tests.studio.graphs import PENGUINS_NEWS, STATE_NEWS, layered, parts, penguins, spread, wide_names

Golden = Callable[[str, str], None]

UNICODE, ASCII = Style(), Style(ascii=True)
PLAIN, PLAIN_ASCII = Style(colour=False), Style(ascii=True, colour=False)
STYLES = {"unicode": UNICODE, "ascii": ASCII, "plain": PLAIN, "plain_ascii": PLAIN_ASCII}
OPEN = {"enough": Form.OPEN, "per_island": Form.OPEN, "report": Form.OPEN}


def text(rows: list[Row], style: Style) -> str:
    lines = []
    for row in rows:
        lines.append(row.text.rstrip())
        if not style.colour:
            under = "".join("^" if TONES[number].reverse else " " for number in row.tones).rstrip()
            lines += [under] if under else []
    return "\n".join(lines) + "\n"


def stage(graph, style: Style, width: int, height: int, news=None, cursor: str | None = None) -> Stage:
    made = Stage(style)
    made.resize(width, height)
    made.show(graph)
    if news is not None:
        made.tell(news, 0.0)
    if cursor is not None:
        made.go(cursor)
    return made


@pytest.mark.parametrize("style", STYLES)
def test_every_state_as_a_card(golden: Golden, style: str) -> None:
    made = stage(parts(), STYLES[style], 72, 17, STATE_NEWS, "ready")
    golden(f"states_{style}.txt", text(made.rows(0, 17), made.style))


@pytest.mark.parametrize("style", STYLES)
def test_every_state_as_a_line(golden: Golden, style: str) -> None:
    made = stage(parts(), STYLES[style], 60, 10, STATE_NEWS, "ready")
    made.zoom_to(Zoom.LINE)
    golden(f"lines_{style}.txt", text(made.rows(0, 10), made.style))


@pytest.mark.parametrize("style", STYLES)
def test_every_state_as_a_dot_with_a_callout(golden: Golden, style: str) -> None:
    made = stage(parts(), STYLES[style], 60, 14, STATE_NEWS, "failed")
    made.zoom_to(Zoom.DOT)
    golden(f"dots_{style}.txt", text(made.rows(0, 14), made.style))


@pytest.mark.parametrize("style", STYLES)
def test_a_project_in_the_monitor(golden: Golden, style: str) -> None:
    made = stage(penguins(), STYLES[style], 112, 26, PENGUINS_NEWS, "clean")
    made.mark({"monthly": "warning", "per_island/score": "error"})
    golden(f"monitor_{style}.txt", text(made.rows(0, 26), made.style))


@pytest.mark.parametrize("style", ["unicode", "ascii"])
def test_open_groups_have_cards_lanes_and_edges_of_their_own(golden: Golden, style: str) -> None:
    made = stage(penguins(), STYLES[style], 150, 28, PENGUINS_NEWS, "clean")
    for path, form in OPEN.items():
        made.fold(made.index[path], form)
    made.fit()
    golden(f"open_{style}.txt", text(made.rows(0, 28), made.style))


def test_closed_groups_are_cards(golden: Golden) -> None:
    made = stage(penguins(), UNICODE, 110, 20, None, "clean")
    for path in OPEN:
        made.fold(made.index[path], Form.CLOSED)
    made.fit()
    golden("closed_unicode.txt", text(made.rows(0, 20), made.style))


def test_the_same_project_at_80x22_tells_what_is_beyond(golden: Golden) -> None:
    made = stage(penguins(), UNICODE, 80, 22, None, "clean")
    made.move("right")
    golden("editor_80x22.txt", text(made.rows(0, 22), made.style))


def test_names_of_all_widths(golden: Golden) -> None:
    made = stage(wide_names(), UNICODE, 80, 26, None, "naïve_étape")
    golden("wide_unicode.txt", text(made.rows(0, 26), made.style))


def test_sixty_nodes_as_lines(golden: Golden) -> None:
    graph = layered(60, 8)
    made = stage(graph, UNICODE, 158, 46, spread(graph), graph.boxes[25].path)
    made.zoom_to(Zoom.LINE)
    golden("lines_60_nodes.txt", text(made.rows(0, 46), made.style))


@pytest.mark.parametrize("style", ["unicode", "ascii"])
def test_many_nodes_as_dots_with_the_map(golden: Golden, style: str) -> None:
    graph = layered(200, 16)
    made = stage(graph, STYLES[style], 100, 24, spread(graph), graph.boxes[60].path)
    made.zoom_to(Zoom.DOT)
    golden(f"dots_200_nodes_{style}.txt", text(made.rows(0, 24), made.style))


def test_jump_letters(golden: Golden) -> None:
    made = stage(penguins(), UNICODE, 112, 24, None, "clean")
    made.badge()
    golden("jump.txt", text(made.rows(0, 24), made.style))


@pytest.mark.parametrize("style", ["unicode", "plain"])
def test_matches_of_a_search(golden: Golden, style: str) -> None:
    made = stage(penguins(), STYLES[style], 112, 24, None, "clean")
    made.find("re")
    golden(f"find_{style}.txt", text(made.rows(0, 24), made.style))


def test_no_nodes_yet(golden: Golden) -> None:
    from engine.draw.scene import Graph

    made = stage(Graph(), UNICODE, 40, 8)
    golden("empty.txt", text(made.rows(0, 8), made.style))


@pytest.mark.parametrize("style", ["ascii", "plain_ascii"])
def test_ascii_pictures_hold_ascii_alone(style: str) -> None:
    for graph, news in ((penguins(), PENGUINS_NEWS), (parts(), STATE_NEWS)):
        for zoom in Zoom:
            made = stage(graph, STYLES[style], 100, 30, news)
            made.zoom_to(zoom)
            made.over.map_wanted = True
            shown = "".join(row.text for row in made.rows(0, 30)).replace("≥", "")
            assert shown.isascii(), {char for char in shown if not char.isascii()}


def test_states_differ_without_colour_at_every_zoom() -> None:
    for style in (PLAIN, PLAIN_ASCII):
        for zoom in Zoom:
            made = stage(parts(), style, 64, 20, STATE_NEWS)
            made.zoom_to(zoom)
            made.over.callout = None
            made.view = type(made.view)()
            seen = set()
            grid = made.canvas.draw(made.rect, made.faces, made.view)
            lines = [row.text for row in grid.rows()]
            for box in range(len(made.graph.boxes)):
                rect = made.scene.rects[box]
                at = rect.x + (0 if zoom is Zoom.DOT else rect.width - (3 if zoom is Zoom.CARD else 2)) - made.corner.x
                seen.add(lines[made.scene.port_row(box) - made.corner.y][at])
            assert len(seen) == len(STATE_NEWS), (style, zoom, seen)
