"""Everything the canvas knows, without a screen: the graph, its scenes, what nodes say, the cursor and the camera.

A stage is changed by calls (a graph, states of a run, a step of the cursor, a zoom) and asked for rows. It is the model
of the widget: it reads no clock, posts nothing, and all of it can be tested as text. Scenes are kept by zoom, so that
going back is free. Nodes are named by their path outside and by their index of the graph inside; when the graph
changes, cursor, forms and selection follow the paths.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec.structs import replace as replace_box

from engine.draw.scene import Form, Graph, Pin, Rect, Scene, Zoom
from engine.draw.sizes import default_forms
from studio.pictures import camera, finding, steps
from studio.pictures.camera import Corner
from studio.pictures.canvas import Canvas
from studio.pictures.cells import Row
from studio.pictures.faces import Face
from studio.pictures.flashes import Flashes
from studio.pictures.known import Known
from studio.pictures.layouts import Layouts
from studio.pictures.neighbourhood import around
from studio.pictures.overlays import Overlays, minimap_of
from studio.pictures.pinning import pin_at
from studio.pictures.view import Style, View
from studio.pictures.web import Web
from studio.state import NodeNow

LINES_UP_TO = 300
"""A graph of more nodes opens as dots."""

_FORMS = (Form.CLOSED, Form.LISTED, Form.OPEN)


class Stage:
    """The canvas's model. Sizes and positions are in cells; `corner` is the scene's cell at the view's top left."""

    def __init__(self, style: Style | None = None) -> None:
        self.style = style or Style()
        self.whole = Graph()
        self.graph = Graph()
        self.index: dict[str, int] = {}
        self.forms: dict[int, Form] = {}
        self.zoom = Zoom.CARD
        self.size = (80, 24)
        self.corner = Corner(0, 0)
        self.view = View()
        self.marks: Mapping[str, str] = {}
        self.known = Known()
        self.flashes = Flashes()
        self.over = Overlays()
        self.near: tuple[str, int] | None = None
        self.dimmed = False
        self._chosen_forms: dict[str, Form] = {}
        self._placed = False
        self.web = Web(self.graph)
        self._all = self._layouts = Layouts()
        self._part = Layouts()
        self._part_of: tuple[str, int] | None = None
        self._canvases: dict[Zoom, Canvas] = {}
        self._last: dict[Zoom, Canvas] = {}

    # -- the graph ---------------------------------------------------------------------------------------------------

    def show(self, graph: Graph, *, tentative: bool = False) -> None:
        """Show another graph, or the same one after an edit: then what is not touched stays where it is. The cursor
        stays on its path, or goes to the first node. What is `tentative` makes way for what is shown next."""
        paths = {box.path for box in graph.boxes}
        same = bool(self.whole.boxes) and any(box.path in paths for box in self.whole.boxes)
        cursor = self.path
        if self.near is not None and self.near[0] not in paths:
            self.near = None
        if same:
            self._all.edit(graph, self.zoom, self._forms_for(self._all.graph), tentative=tentative)
        else:
            self.near, self._placed = None, False
            self._chosen_forms = {}
            self._all.start(graph)
        self.whole = graph
        self._narrow(cursor)

    def tidy(self, graph: Graph | None = None) -> None:
        """Lay out all anew, as if the graph (this one, or the one in hand) had just been read."""
        self.whole = self.whole if graph is None else graph
        self._all.start(self.whole)
        self._narrow(self.path)
        self.reveal()

    def loosen(self, paths: Collection[str]) -> None:
        """Let the next edit put these nodes where they fit best."""
        self._layouts.forget(paths)

    def _narrow(self, cursor: str | None) -> None:
        """Take the whole graph, or the part of it around a node, and work out all that follows from it."""
        before, scene = self.graph, self.scene if self._placed and self.graph.boxes else None
        if self.near is None:
            self.graph, self._layouts = self.whole, self._all
        else:
            part = around(self.whole, *self.near)
            if self._layouts is not self._part or self.near != self._part_of:
                self._part.start(part)
            else:
                self._part.edit(part, self.zoom, self._forms_for(self._part.graph))
            self.graph, self._layouts, self._part_of = part, self._part, self.near
        self._last = self._last | self._canvases
        self._canvases = {}
        self.flashes.clear()
        if _alike(before, self.graph):
            self.view = self._carried_over(before)
        else:
            self.index = {box.path: number for number, box in enumerate(self.graph.boxes)}
            self.web = Web(self.graph)
            self.forms = self._forms_for(self.graph)
            self.view = self._carried_over(before)
            self.known.about(self.graph, self.web, self.index, self.forms)
        if self._placed:
            self._set_cursor(self.index.get(cursor or "", steps.first(self.scene)))
            if scene is not None:
                self._stand_still(scene)
            self.corner = camera.held(self.corner, self._extent, self.size)
        elif self.size[0] > 0:
            self._place(cursor)
        if not self.graph.boxes:
            self.corner = Corner(0, 0)

    def _forms_for(self, graph: Graph) -> dict[int, Form]:
        forms = default_forms(graph)
        if self._chosen_forms:
            index = {box.path: number for number, box in enumerate(graph.boxes)}
            forms.update({index[path]: form for path, form in self._chosen_forms.items() if path in index})
        return forms

    def _carried_over(self, before: Graph) -> View:
        """What a person chose, as far as it is there in the graph in use."""
        view = self.view

        def now(boxes: Iterable[int]) -> frozenset[int]:
            paths = (before.boxes[box].path for box in boxes)
            return frozenset(self.index[path] for path in paths if path in self.index)

        return View(
            selected=now(view.selected),
            pinned=frozenset(number for number, box in enumerate(self.graph.boxes) if box.pin is not None),
            stops=now(view.stops),
            findings=self._findings(),
            spinner=view.spinner,
        )

    def _stand_still(self, before: Scene) -> None:
        """Where columns went aside, the view goes with one that it shows."""
        scene = self.scene
        for box in before.boxes_in(self.rect):
            at = self.index.get(before.graph.boxes[box].path)
            if at is not None and scene.shows(at) and scene.port_row(at) == before.port_row(box):
                self.corner = Corner(self.corner.x + scene.rects[at].x - before.rects[box].x, self.corner.y)
                return

    def _place(self, cursor: str | None) -> None:
        """The first look: the zoom that suits the size of the graph, from its start."""
        self._placed = True
        self.zoom = self._first_zoom()
        self._set_cursor(self.index.get(cursor or "", steps.first(self.scene)))
        self.corner = camera.start(self._extent, self.size)
        if cursor in self.index:
            self.reveal()

    def _first_zoom(self) -> Zoom:
        if len(self.graph.boxes) > LINES_UP_TO:
            return Zoom.DOT
        wide, high = self._scene_at(Zoom.CARD).width, self._scene_at(Zoom.CARD).height
        return Zoom.CARD if wide <= 2 * self.size[0] and high <= 2 * self.size[1] else Zoom.LINE

    def resize(self, width: int, height: int) -> None:
        """The view has another size: what fitted still fits, and the cursor stays in view."""
        self.size = (width, height)
        if not width or not height or not self.graph.boxes:
            return
        if not self._placed:
            self._place(self.path)
        elif camera.fits(self._extent, self.size):
            self.corner = camera.start(self._extent, self.size)
        else:
            self.corner = camera.held(self.corner, self._extent, self.size)
            self.reveal()

    @property
    def canvas(self) -> Canvas:
        """What draws the scene at the zoom in use."""
        found = self._canvases.get(self.zoom)
        if found is None:
            scene, last = self._layouts.scene(self.zoom, self.forms), self._last.pop(self.zoom, None)
            found = self._canvases[self.zoom] = Canvas(scene, self.style, last)
        return found

    def _reform(self, box: int, form: Form) -> None:
        self.forms[box] = form
        self._canvases.pop(Zoom.CARD, None)

    @property
    def scene(self) -> Scene:
        """Where everything stands at the zoom in use."""
        return self.canvas.scene

    def _scene_at(self, zoom: Zoom) -> Scene:
        before, self.zoom = self.zoom, zoom
        try:
            return self.scene
        finally:
            self.zoom = before

    @property
    def _extent(self) -> tuple[int, int]:
        return self.scene.width, self.scene.height

    def restyle(self, style: Style) -> None:
        """Draw with other means."""
        self.style = style
        self._canvases.clear()
        self._last.clear()

    # -- what nodes say ----------------------------------------------------------------------------------------------

    def tell(self, nodes: Mapping[str, NodeNow], clock: float) -> None:
        """All that a run says of the nodes, in place of what was known."""
        self.flashes.clear()
        self._show_flashes()
        self.known.tell(nodes, clock)

    def advance(
        self, nodes: Mapping[str, NodeNow], changed: Iterable[str], clock: float, *, flash: bool = False
    ) -> list[int]:
        """What a run says now, of which only some paths differ from before; the boxes whose look changed. `flash`: what
        turned stands out for a moment."""
        found = self.known.advance(nodes, changed, clock)
        if flash and self.known.turned and self.zoom is not Zoom.DOT:
            done = [box for box in self.known.turned if self.faces[box].state == "completed"]
            arrived = {
                steps.outer(self.scene, self.scene.visible(box)) for each in done for box in self.web.takers(each)
            }
            self.flashes.note(self.known.turned, arrived, clock)
            self._show_flashes()
            found += arrived
        return found

    def tick(self, clock: float) -> list[int]:
        """Time went on: the boxes that look different by that alone."""
        over = self.flashes.expire(clock)
        if over:
            self._show_flashes()
        return [*self.known.tick(clock), *over]

    def _show_flashes(self) -> None:
        self.view = replace(self.view, turned=self.flashes.turned, arrived=self.flashes.arrived)

    @property
    def faces(self) -> Sequence[Face]:
        """What each box says of itself now."""
        return self.known.faces

    def mark(self, findings: Mapping[str, str]) -> None:
        """Paths with a mark: "error" or "warning" for a finding; "added" or "changed" while changes are shown."""
        self.marks = findings
        self.view = replace(self.view, findings=self._findings())

    def _findings(self) -> dict[int, str]:
        """A mark inside a group that is closed shows on the group."""
        found: dict[int, str] = {}
        for path, severity in self.marks.items():
            box = self.index.get(path)
            if box is not None:
                for at in (box, *self.web.around(box)):
                    if at == box or self.forms.get(at) is Form.CLOSED:
                        found[at] = "error" if "error" in (severity, found.get(at)) else severity
        return found

    # -- the cursor --------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str | None:
        """The path of the node under the cursor."""
        return self.graph.boxes[self.view.cursor].path if self.view.cursor is not None else None

    def go(self, path: str | None) -> bool:
        """Put the cursor on a node and bring it into view; False if the graph has none of that path."""
        box = self.index.get(path) if path is not None else None
        if box is None and self.near is not None and path is not None:
            self.near = None
            self._narrow(path)
            box = self.index.get(path)
        if box is None:
            return False
        self.put(box)
        return True

    def put(self, box: int) -> None:
        """Put the cursor on a box (or on the group that hides it) and bring it into view."""
        self._set_cursor(self.scene.visible(box))
        self.reveal()

    def _set_cursor(self, box: int | None) -> None:
        if box is None:
            self.view = replace(self.view, cursor=None, lit=frozenset(), kin=frozenset())
            return
        path = self.web.path(box)
        self.view = replace(self.view, cursor=box, lit=path.edges, kin=path.boxes)

    def relight(self) -> None:
        """Light the path of the cursor again, after something else was lit."""
        self._set_cursor(self.view.cursor)

    def move(self, direction: str) -> None:
        """One step of the cursor."""
        if self.view.cursor is None:
            self._set_cursor(steps.first(self.scene))
        else:
            self._set_cursor(steps.step(self.scene, self.view.cursor, direction))
        self.reveal()

    def leap(self, direction: str) -> None:
        """Half a screen: the view moves, and the cursor goes to the node nearest to where it was on the screen."""
        wide, high = self.size[0] // 2, self.size[1] // 2
        across, down = {"left": (-wide, 0), "right": (wide, 0), "up": (0, -high), "down": (0, high)}[direction]
        scene = self.scene
        if self.view.cursor is None:
            return
        rect = scene.rects[self.view.cursor]
        x = min(max(rect.x + across, 0), max(0, scene.width - 1))
        y = min(max(scene.port_row(self.view.cursor) + down, 0), max(0, scene.height - 1))
        self.pan(across, down)
        found = steps.nearest(scene, x, y)
        if found is not None:
            self.put(found)

    def ends(self, *, last: bool) -> None:
        """To the first node, or the last one."""
        found = steps.last(self.scene) if last else steps.first(self.scene)
        if found is not None:
            self.put(found)

    def select(self, box: int | None = None) -> None:
        """Add the box (or the cursor's) to what is selected, or take it out."""
        box = self.view.cursor if box is None else box
        if box is not None:
            chosen = frozenset(self.view.selected) ^ {box}
            self.view = replace(self.view, selected=chosen)

    # -- the camera --------------------------------------------------------------------------------------------------

    @property
    def rect(self) -> Rect:
        """The part of the scene that is in view."""
        return camera.view(self.corner, self.size)

    def pan(self, across: int, down: int) -> bool:
        """Move the view; True if it moved."""
        before = self.corner
        self.corner = camera.held(Corner(before.x + across, before.y + down), self._extent, self.size)
        return self.corner != before

    def reveal(self) -> None:
        """Bring the cursor into view, moving as little as needed."""
        if self.view.cursor is not None:
            self.bring(self.view.cursor)

    def bring(self, box: int) -> bool:
        """Bring a box (or the group that hides it) into view, moving as little as needed; True if the view moved."""
        if not self.size[0] or not self.size[1]:
            return False
        rect, before = self.scene.rects[self.scene.visible(box)], self.corner
        seen = Rect(rect.x, rect.y, min(rect.width, self.size[0]), min(rect.height, self.size[1]))
        self.corner = camera.showing(before, seen, self._extent, self.size)
        return self.corner != before

    def zoom_to(self, zoom: Zoom, at: int | None = None) -> None:
        """Another zoom; the node under the cursor (or `at`) keeps its cell on the screen."""
        if zoom is self.zoom:
            return
        box = self.view.cursor if at is None else at
        before = self._anchor(box)
        self.zoom = zoom
        self._keep(box, before)

    def zoom_by(self, step: int, at: int | None = None) -> None:
        """Nearer (-1) or farther (1), as far as there are zooms."""
        self.zoom_to(Zoom(min(3, max(1, self.zoom + step))), at)

    def zoom_next(self) -> None:
        """Cards, lines, dots, cards."""
        self.zoom_to(Zoom(self.zoom % 3 + 1))

    def _anchor(self, box: int | None) -> tuple[int, int]:
        if box is None:
            return (0, 0)
        seen = self.scene.visible(box)
        return self.scene.rects[seen].x, self.scene.port_row(seen)

    def _keep(self, box: int | None, before: tuple[int, int]) -> None:
        """After the scene changed: the box is where it was on the screen, and what now fits is not half outside."""
        if box is None:
            self.corner = camera.start(self._extent, self.size)
            return
        seen = self.scene.visible(box)
        if self.view.cursor is not None and not self.scene.shows(self.view.cursor):
            self._set_cursor(self.scene.visible(self.view.cursor))
        kept = camera.keeping(self.corner, before, self._anchor(seen))
        self.corner = camera.held(kept, self._extent, self.size)
        self.reveal()

    def fit(self, boxes: Iterable[int] | None = None) -> None:
        """The nearest zoom at which all (or these boxes) can be seen at once, in the middle."""
        wanted = None if boxes is None else list(boxes)
        for zoom in Zoom:
            self.zoom = zoom
            area = self._area(wanted)
            if camera.fits((area.width, area.height), self.size) or zoom is Zoom.DOT:
                break
        if self.view.cursor is not None and not self.scene.shows(self.view.cursor):
            self._set_cursor(self.scene.visible(self.view.cursor))
        self.corner = camera.centred(self._area(wanted), self.size)
        if wanted is None and not camera.fits(self._extent, self.size):
            self.corner = camera.start(self._extent, self.size)
            self.reveal()

    def _area(self, boxes: list[int] | None) -> Rect:
        scene = self.scene
        if boxes is None:
            return Rect(0, 0, scene.width, scene.height)
        rects = [scene.rects[scene.visible(box)] for box in boxes]
        if not rects:
            return Rect(0, 0, scene.width, scene.height)
        left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
        return Rect(left, top, max(r.right for r in rects) - left, max(r.bottom for r in rects) - top)

    # -- folding, neighbourhoods ---------------------------------------------------------------------------------------

    def fold(self, box: int | None = None, form: Form | None = None) -> bool:
        """The next form of a group (the cursor's, or the group around it); its port row stays where it is."""
        box = self.view.cursor if box is None else box
        if box is None or self.zoom is not Zoom.CARD:
            return False
        while box not in self.forms or not self.web.children(box):
            box = self.graph.boxes[box].parent
            if box < 0:
                return False
        before = self._anchor(box)
        now = self.forms[box]
        self._reform(box, form or _FORMS[(_FORMS.index(now) + 1) % 3])
        self._chosen_forms[self.graph.boxes[box].path] = self.forms[box]
        self.known.refold(box)
        self.view = replace(self.view, findings=self._findings())
        self._keep(box, before)
        return True

    def nearby(self) -> int:
        """Show only what is around the cursor, one step further each time; the number of steps."""
        if self.path is None:
            return 0
        center, count = self.near if self.near is not None else (self.path, 0)
        self.near = (center, count + 1)
        self._renarrow()
        return count + 1

    def everything(self) -> bool:
        """Show all again; False if all was shown."""
        if self.near is None:
            return False
        self.near = None
        self._renarrow()
        return True

    def _renarrow(self) -> None:
        cursor = self.path
        self._narrow(cursor)
        if camera.fits(self._extent, self.size):
            self.corner = camera.start(self._extent, self.size)
        else:
            self.reveal()

    # -- finding and jumping -------------------------------------------------------------------------------------------

    def find(self, wanted: str) -> int:
        """Mark the names that contain a text, go to the first from the cursor on; how many there are."""
        found = finding.matches(self.graph.boxes, wanted)
        self.view = replace(self.view, matches=found)
        if found and self.view.cursor not in found:
            self.next_match(1)
        return len(found)

    def next_match(self, step: int) -> tuple[int, int]:
        """To the next match (or the one before); which it is, from 1, and of how many."""
        found = sorted(self.view.matches)
        if not found:
            return (0, 0)
        now = self.view.cursor if self.view.cursor is not None else -1
        later = [box for box in found if (box > now if step > 0 else box < now)]
        goal = (later or found)[0 if step > 0 else -1]
        self._uncover(goal)
        self.put(goal)
        return (found.index(goal) + 1, len(found))

    def _uncover(self, box: int) -> None:
        """Unfold what hides a box, where cards are shown."""
        if self.zoom is Zoom.CARD and not self.scene.shows(box):
            for group in reversed(self.web.around(box)):
                if self.forms.get(group) is Form.CLOSED:
                    self._reform(group, Form.LISTED if self.graph.boxes[group].parent < 0 else Form.OPEN)
            if not self.scene.shows(box):
                for group in self.web.around(box):
                    self._reform(group, Form.OPEN)

    def badge(self) -> None:
        """Give a letter to every node in view."""
        seen = [box for box in self.scene.boxes_in(self.rect) if self.rect.meets(self.scene.rects[box])]
        self.view = replace(self.view, badges=finding.badges(sorted(seen, key=self._reading_order)))

    def _reading_order(self, box: int) -> tuple[int, int]:
        rect = self.scene.rects[box]
        return rect.x, rect.y

    def unbadge(self) -> None:
        """Take the letters away."""
        self.view = replace(self.view, badges={})

    # -- pictures ------------------------------------------------------------------------------------------------------

    def rows_of(self, boxes: Iterable[int]) -> set[int]:
        """The rows of the view in which these boxes (or the groups that hide them) and the map are drawn."""
        scene, top, height = self.scene, self.corner.y, self.size[1]
        rects = scene.rects
        found: set[int] = set()
        left, right = self.corner.x, self.corner.x + self.size[0]
        for box in boxes:
            rect = rects[box]
            if rect.width and rect.x < right + 1 and rect.right > left - 1:
                found.update(range(max(0, rect.y - top), min(height, rect.bottom - top)))
        spot = self.map_spot
        if spot is not None:
            found.update(range(max(0, spot.y), min(height, spot.bottom)))
        return found

    def rows(self, first: int, count: int) -> list[Row]:
        """Rows of the view, from the top."""
        wide, _ = self.size
        if not self.graph.boxes:
            return self.over.empty(first, count, self.size, self.style)
        rect = Rect(self.corner.x, self.corner.y + first, wide, count)
        view = replace(self.view, only=frozenset()) if self.dimmed else self.view
        grid = self.canvas.draw(rect, self.faces, view)
        self.over.draw(grid, self)
        return grid.rows()

    # -- the map -------------------------------------------------------------------------------------------------------

    @property
    def map_spot(self) -> Rect | None:
        """Where the map lies in the view, if it shows: at the person's wish, or by itself among dots that do not fit."""
        if not self.graph.boxes:
            return None
        by_itself = self.zoom is Zoom.DOT and not camera.fits(self._extent, self.size)
        return self.over.map_spot(self.size, by_itself=by_itself)

    def toggle_map(self) -> bool:
        """Show the map, or put it away; whether it shows now."""
        self.over.map_wanted = self.map_spot is None
        return self.over.map_wanted

    def look_at_map(self, x: int, y: int) -> bool:
        """Bring the place under a cell of the map into the middle of the view."""
        spot = self.map_spot
        if spot is None:
            return False
        column, row = minimap_of(self.canvas, spot).place(x - spot.x, y - spot.y)
        self.corner = camera.held(camera.centred(Rect(column, row, 1, 1), self.size), self._extent, self.size)
        return True

    # -- places --------------------------------------------------------------------------------------------------------

    def box_at(self, x: int, y: int) -> int | None:
        """The box at a cell of the view."""
        return self.scene.box_at(x + self.corner.x, y + self.corner.y) if self.graph.boxes else None

    def pin_at(self, box: int, x: int, y: int) -> Pin | None:
        """The pin of a box whose port is put into a cell of the view."""
        cards = self._layouts.scene(Zoom.CARD, self.forms)
        return pin_at(self.scene, cards, box, x + self.corner.x, y + self.corner.y)

    def on_kind(self, box: int, x: int, y: int) -> bool:
        """Whether a cell of the view is the kind of a group."""
        rect = self.scene.rects[box]
        titled = self.forms.get(box) in (Form.LISTED, Form.OPEN) and self.zoom is Zoom.CARD
        row = rect.y if titled else self.scene.port_row(box)
        return box in self.forms and (x + self.corner.x, y + self.corner.y) == (rect.x + 2, row)


def _alike(one: Graph, other: Graph) -> bool:
    """Whether two graphs differ at most in where boxes stand, as while somebody moves one."""
    if len(one.boxes) != len(other.boxes) or not one.boxes or one.edges != other.edges:
        return False
    return all(
        before is now or before == replace_box(now, layer=before.layer, pin=before.pin)
        for before, now in zip(one.boxes, other.boxes, strict=True)
    )
