"""Adding: a search at the cursor over the project's functions and the kinds of nodes; Enter adds what is picked and wires it.

Where the new node goes is told by an `Opening`. The name of what is added is a free one; renaming it is one key away.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from engine.project.ids import why_bad
from engine.project.model import Composite, Node, NodeId, Task
from studio.document.catalog import Entry, Found, free_id
from studio.document.edits import AddNode, Connect, Disconnect, Edit, InsertOnEdge, Several, Wrap
from studio.modes import opening as openings
from studio.modes.opening import Opening
from studio.modes.turn import LEFT, Mode, Point, Press, Sight, Turn
from studio.modes.wiring import Lead, Option, options, starts_with_data
from studio.pictures.hand import Wire, Work
from studio.pictures.popup import Entry as Listed
from studio.pictures.popup import Popup, Section, Span, entry_at, place
from studio.theme import kind_glyph

MOST_LISTED = 100
_PAGE = 5
_MODULE = "tasks"
"""Where a function is looked for that nobody has written yet."""


@dataclass(frozen=True)
class AddMode(Mode):
    """`query` is what was typed, `picked` counts through what it finds; `order`: wire without a value. With a `kind` only
    what is of that kind is listed."""

    opening: Opening
    query: str = ""
    picked: int = 0
    order: bool = False
    kind: str = ""

    @property
    def where(self) -> str:
        return "add" if self.opening.source is not None else "put"

    @property
    def word(self) -> str:
        return "ADD"

    # -- keys --------------------------------------------------------------------------------------------------------

    def press(self, press: Press, sight: Sight) -> Turn:
        found = self.found(sight)
        act = press.act
        if act == "mode.leave":
            return LEFT
        if act == "mode.take":
            return self._add(found[self.picked].entry, sight) if found else Turn(self)
        if act == "mode.next" and self.opening.source is not None:
            return Turn(replace(self, order=not self.order))
        if act in _STEPS and found:
            return Turn(replace(self, picked=min(max(self.picked + _STEPS[act], 0), len(found) - 1)))
        if act == "mode.erase":
            return Turn(replace(self, query=self.query[:-1], picked=0))
        if press.text and press.text.isprintable():
            return Turn(replace(self, query=self.query + press.text, picked=0))
        return Turn(self)

    def paste(self, text: str, sight: Sight) -> Turn:
        lines = text.split("\n")
        return Turn(replace(self, query=self.query + lines[0].strip()[:60], picked=0))

    def point(self, point: Point, sight: Sight) -> Turn:
        if point.act not in ("click", "move"):
            return Turn(self)
        at = entry_at(self._popup(sight), sight.rect, point.x, point.y)
        if at is None:
            return LEFT if point.act == "click" else Turn(self)
        found = self.found(sight)
        if at < 0 or at >= len(found):
            return Turn(self)
        return self._add(found[at].entry, sight) if point.act == "click" else Turn(replace(self, picked=at))

    def found(self, sight: Sight) -> list[Found]:
        """What the query finds; at the end the function of that name that nobody has written yet."""
        found = sight.catalog.find(self.query, MOST_LISTED)
        if self.kind:
            found = [each for each in found if each.entry.kind == self.kind]
            if self.kind != "task":
                return found
        name = self.query.strip()
        known = {each.entry.function.name for each in found if each.entry.function is not None}
        if name.isidentifier() and why_bad(name) is None and name not in known:
            found.append(Found(Entry("task", name, f"a new function, {_MODULE}:{name}"), ()))
        return found

    # -- what is added -----------------------------------------------------------------------------------------------

    def _add(self, entry: Entry, sight: Sight) -> Turn:
        opening = self.opening
        node = new_node(entry, opening, sight)
        path = opening.lane or _joined(opening.branch or opening.owner, node.id)
        edits = list(_edits(opening, path, node, sight, order=self.order))
        edit = edits[0] if len(edits) == 1 else Several(tuple(edits), f"add {node.id}")
        return Turn(None, edit=edit, cursor=path)

    # -- pictures ----------------------------------------------------------------------------------------------------

    def look(self, sight: Sight) -> Work:
        opening = self.opening
        popup = self._popup(sight)
        wires: tuple[Wire, ...] = ()
        start = sight.port(opening.source) if opening.source is not None else None
        if start is not None:
            rect = place(popup, sight.rect)
            if rect.x - 1 > start[0]:
                wires = (Wire(start, (rect.x - 1, min(max(start[1], rect.y + 1), rect.bottom - 2))),)
        return Work(wires=wires, popup=popup)

    def _popup(self, sight: Sight) -> Popup:
        found = self.found(sight)
        own = [each for each in found if each.entry.own]
        kinds = [each for each in found if not each.entry.own and each.entry in sight.catalog.entries]
        unwritten = found[len(own) + len(kinds) :]
        sections = tuple(
            Section(title, tuple(self._listed(each, sight) for each in some))
            for title, some in (("your functions", own), ("kinds", kinds), ("not written yet", unwritten))
            if some
        )
        total = len(sight.catalog.entries)
        hints = [("Enter" if sight.ascii else "⏎", "add"), ("Esc", "cancel")]
        if self.opening.source is not None:
            hints.insert(1, ("Tab", "with its result" if self.order else "order only"))
        return Popup(
            near=self.opening.near,
            title=self.opening.title,
            query=self.query,
            found=f"{len(found)} of {total}" if self.query else f"{total}",
            sections=sections,
            picked=self.picked,
            about=self._about(found[self.picked].entry, sight) if found else (),
            hints=tuple(hints),
        )

    def _listed(self, found: Found, sight: Sight) -> Listed:
        entry = found.entry
        return Listed(kind_glyph(entry.kind, ascii=sight.ascii), entry.name, entry.text, found.places)

    def _about(self, entry: Entry, sight: Sight) -> tuple[tuple[Span, ...], ...]:
        """What the picked entry is: its signature, what it does, which argument takes the value."""
        function = entry.function
        if function is None:
            return ((Span(entry.about or entry.text, "muted"),), self._wired(entry, sight))
        head = (
            Span(function.name, bold=True),
            Span(f"({function.signature})"),
            Span(f"  {function.file}:{function.line}", "muted"),
        )
        about = ((Span(function.about, "muted"),),) if function.about else ()
        return (head, *about, self._wired(entry, sight))

    def _wired(self, entry: Entry, sight: Sight) -> tuple[Span, ...]:
        source = self.opening.source or (self.opening.edges[0].source if self.opening.edges else None)
        if source is None:
            return ()
        name = _last(source)
        if self.order:
            return (Span("starts after ", "muted"), Span(name))
        argument = _argument(new_node(entry, self.opening, sight), source, sight)
        if argument is None:
            return (Span("starts after ", "muted"), Span(name))
        return (Span(argument), Span(" will come from ", "muted"), Span(name))


_STEPS = {
    "mode.down": 1,
    "mode.up": -1,
    "mode.lower": _PAGE,
    "mode.higher": -_PAGE,
    "mode.first": -MOST_LISTED,
    "mode.last": MOST_LISTED,
}


def new_node(entry: Entry, opening: Opening, sight: Sight) -> Node:
    """The node that adding an entry starts with, under a name that is free where it goes."""
    source = opening.source or (opening.edges[0].source if opening.edges else None)
    taken = sight.siblings(opening.branch or opening.owner)
    after = _last(source) if source is not None else None
    if entry.function is None and entry.name not in _names(sight):
        return Node(NodeId(free_id(entry.name, taken)), Task(f"{_MODULE}:{entry.name}"))
    return entry.node(taken, after)


def _names(sight: Sight) -> Collection[str]:
    return {entry.name for entry in sight.catalog.entries if entry.function is None}


def _edits(opening: Opening, path: str, node: Node, sight: Sight, *, order: bool) -> list[Edit]:
    """Adding the node, and its edges."""
    if opening.edges:
        return _inserted(opening, path, node, sight)
    if opening.branch:
        return _behind_branch(opening, path, node, sight)
    edits: list[Edit] = [AddNode(path, node, opening.sibling, opening.place)]
    source = opening.source
    if source is not None:
        around = sight.node_at(opening.owner) if opening.owner else None
        in_order = around is not None and isinstance(around.body, Composite) and around.body.kind == "sequential"
        argument = None if order else _argument(node, source, sight)
        said = starts_with_data(node, source)
        if not said and (argument is not None or not in_order):
            edits.append(Connect(source, path, argument))
    return edits


def _behind_branch(opening: Opening, path: str, node: Node, sight: Sight) -> list[Edit]:
    """A branch is one node: it becomes a sequence of what it was and the new one."""
    branch = sight.node_at(opening.branch)
    first = _branch_name(branch)
    if node.id == first:
        path = _joined(opening.branch, f"{first}_2")
    argument = _argument(node, f"{opening.branch}/{first}", sight)
    edits: list[Edit] = [Wrap(opening.branch, "sequential", first), AddNode(path, node, f"{opening.branch}/{first}")]
    return edits if argument is None else [*edits, Connect(f"{opening.branch}/{first}", path, argument)]


def _branch_name(node: Node | None) -> str:
    """What a branch is called once it stands in a group: by its function."""
    body = node.body if node is not None else None
    if isinstance(body, Task) and isinstance(body.task, str):
        return free_id(body.task.rpartition(":")[2], ())
    return "first"


def _inserted(opening: Opening, path: str, node: Node, sight: Sight) -> list[Edit]:
    """The node on the first edge; the others are led through it."""
    first, *others = opening.edges
    takes = _argument(node, first.source, sight) or ""
    edits: list[Edit] = [
        InsertOnEdge((first.source, first.target, first.argument), path, node, takes=takes, place=opening.place)
    ]
    for lead in others:
        edits += [Disconnect(lead.source, lead.target, lead.argument), Connect(path, lead.target, lead.argument)]
    return edits


def _argument(node: Node, source: str, sight: Sight) -> Option:
    return options(node, source, sight.catalog)[0]


def _joined(owner: str, name: str) -> str:
    return f"{owner}/{name}" if owner else name


def _last(path: str) -> str:
    return path.rpartition("/")[2]


# -- beginnings ------------------------------------------------------------------------------------------------------


def add_after(sight: Sight) -> Mode | None:
    """Add after the node under the cursor."""
    return AddMode(openings.after(sight))


def add_free(sight: Sight) -> Mode | None:
    """Add a node that follows nothing."""
    return AddMode(openings.freely(sight))


def add_kind(sight: Sight, kind: str) -> Mode | None:
    """Add something of a kind after the node under the cursor."""
    return AddMode(openings.after(sight), kind=kind)


def insert(sight: Sight, edges: tuple[Lead, ...]) -> Mode | None:
    """Add on these edges of the node under the cursor."""
    found = openings.on_edges(sight, edges)
    return AddMode(found) if found is not None else None
