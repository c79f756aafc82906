"""A project in hand: what lies on disk, what was made of it since, and the text that says so.

The text is the truth. An edit changes a few blocks of it (`sheet`), then the tables that it touched are read again by
the engine's own reader, so the model says what the text says, mistakes included, and an edit of a file with thousands
of nodes costs as much as one of a file with three. What a whole file must be looked at for (findings; whether the text
says just this) comes a moment later, from a thread: `checked`.

Drafts are never changed and share nearly everything with those before and after them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from msgspec import structs

from engine.project.editing import Delete, Set
from engine.project.findings import Finding, Notes
from engine.project.layout import key_text, value_text
from engine.project.model import Node, Project, Workflow
from engine.project.reading import read_node, read_project
from studio.document.blocks import Keys
from studio.document.edits import EditRefused, Place
from studio.document.reader import Broken, Document
from studio.document.sheet import Sheet, split
from studio.document.splicing import Operation, edited
from studio.document.window import differing

PLACES = ("studio", "places")
"""The table of the file that keeps where a person put nodes: `clean = [12, 4]`, `"NAME:clean"` in [workflows.NAME]."""


@dataclass(frozen=True)
class Draft:
    """`saved` is the file as it was read, `project` what the draft says, `sheet` its text.

    `findings` are those of the last check, as far as they may still hold; `checked` tells whether they are of this very
    draft. `typed` is a text from a person's hand that cannot be read yet: the draft stays what it was before it.
    `number` counts the drafts of a sitting, so that news about an old one can be told from news about this one.
    """

    saved: Document
    project: Project
    sheet: Sheet
    places: Mapping[str, Place] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    checked: bool = True
    typed: Broken | None = None
    number: int = 0

    @property
    def text(self) -> str:
        """The TOML as it will be saved."""
        return self.sheet.text

    @property
    def stamp(self) -> str:
        """Tells whether the file is still the one that was read."""
        return self.saved.stamp

    @cached_property
    def dirty(self) -> bool:
        """Whether saving would change the file."""
        return self.typed is not None or (self.text is not self.saved.text and self.text != self.saved.text)

    @cached_property
    def document(self) -> Document:
        """The draft as screens show it."""
        saved = self.saved
        return Document(saved.path, saved.folder, self.text, saved.stamp, self.project, self.findings)

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """What was found out about this draft, by whoever asked; nothing that could not be found out again."""
        return {}

    def workflow(self, name: str = "") -> Workflow:
        """The project's own workflow, or one of its [workflows.NAME]. Raises EditRefused."""
        if not name:
            return self.project.workflow
        if name not in self.project.workflows:
            raise EditRefused(f"there is no [workflows.{name}] in this file", "open the file that it is in")
        return self.project.workflows[name]

    def places_in(self, workflow: str = "") -> Mapping[str, Place]:
        """The places of nodes of one workflow, by their paths in it."""
        if not workflow:
            return {path: place for path, place in self.places.items() if ":" not in path}
        start = f"{workflow}:"
        return {path[len(start) :]: place for path, place in self.places.items() if path.startswith(start)}


def draft_of(document: Document) -> Draft:
    """The draft that says what the file says."""
    sheet = split(document.text)
    return Draft(document, document.project, sheet, places_of(document.project), document.findings)


def places_of(project: Project) -> dict[str, Place]:
    table = project.studio.get("places")
    if not isinstance(table, Mapping):
        return {}
    found = {}
    for path, place in table.items():
        if isinstance(place, list) and len(place) == 2 and all(isinstance(cell, int) for cell in place):
            found[path] = (place[0], place[1])
    return found


# -- the next draft --------------------------------------------------------------------------------------------------


def written(draft: Draft, operations: Collection[Operation], places: Mapping[str, Place | None] | None = None) -> Draft:
    """The draft after these operations on its text, and these changes of places (None lets the layout place a node).

    Raises EditRefused where the text does not allow it.
    """
    try:
        sheet = edited(draft.sheet, operations)
        tops = {top_of(operation.path) for operation in operations} | _targets(operations)
        project = reread(draft.project, draft.sheet, sheet, tops, fallback_name(draft.saved))
    except ValueError as error:
        remedy = "change it in the TOML"
        raise EditRefused(f"this cannot be written into the file as it is: {error}", remedy) from error
    draft = replace(draft, project=project, sheet=sheet, checked=False, number=draft.number + 1)
    return placed(draft, places) if places else draft


def _targets(operations: Collection[Operation]) -> set[Keys]:
    return {top_of(operation.to) for operation in operations if hasattr(operation, "to")}


def top_of(path: tuple[str | int, ...]) -> Keys:
    """The table at the top of the file that something belongs to: a node, a workflow, or [params] and the like."""
    return tuple(str(key) for key in path[: 2 if path[0] in ("nodes", "workflows") else 1])


def fallback_name(document: Document) -> str:
    """What a project is called that gives itself no name."""
    path = document.path
    return path.resolve().parent.name if path.name == "project.toml" else path.stem


def reread(project: Project, before: Sheet, sheet: Sheet, tops: Collection[Keys], name: str) -> Project:
    """The project after the tables under `tops` changed: these are read again, all others are as they were `before`.

    `name` is for a file that gives itself none.
    """
    ordered = _same_order(before, sheet)
    if not sheet.plain or ("nodes",) in tops or ("workflows",) in tops:
        return read_project(sheet.whole(), name, Notes())
    nodes = {top[1]: _node(sheet, top) for top in tops if top[0] == "nodes"}
    workflow = project.workflow
    if nodes:
        workflow = structs.replace(workflow, nodes=_merged(workflow.nodes, nodes, ordered or sheet.names(("nodes",))))
    changed = {"workflow": workflow}
    inner = {top[1]: _workflow(sheet, top) for top in tops if top[0] == "workflows"}
    if inner:
        changed["workflows"] = _merged(project.workflows, inner, ordered or sheet.names(("workflows",)))  # type: ignore[assignment]
    project = structs.replace(project, **changed)
    if any(top[0] not in ("nodes", "workflows", "studio") for top in tops):
        rest = read_project(sheet.rest(), name, Notes())
        own = structs.replace(rest.workflow, nodes=project.workflow.nodes)
        project = structs.replace(rest, workflow=own, workflows=project.workflows, studio=project.studio)
    if ("studio",) in tops:
        project = structs.replace(project, studio=sheet.table(("studio",)) or {})
    return project


def _node(sheet: Sheet, top: Keys) -> Node | None:
    table = sheet.table(top)
    return None if table is None else read_node(top[1], table, top, Notes())


def _workflow(sheet: Sheet, top: Keys) -> Workflow | None:
    table = sheet.table(top)
    if table is None:
        return None
    return read_project({"workflows": {top[1]: table}}, top[1], Notes()).workflows[top[1]]


def _same_order(before: Sheet, sheet: Sheet) -> bool:
    """Whether the same tables stand in the same order."""
    start, end, new_end = differing(before.blocks, sheet.blocks)
    old, new = before.blocks[start:end], sheet.blocks[start:new_end]
    return [block.keys for block in old] == [block.keys for block in new]


def _merged(old: Mapping[str, Any], new: Mapping[str, Any], order: Collection[str] | bool) -> dict[str, Any]:
    """The old things with the new ones among them, in the order of the file; True where that did not change."""
    found = {**old, **new}
    names = found if isinstance(order, bool) else order
    return {name: thing for name in names if (thing := found.get(name)) is not None}


# -- places ----------------------------------------------------------------------------------------------------------


def placed(draft: Draft, places: Mapping[str, Place | None]) -> Draft:
    """The draft with nodes pinned, or (None) left to the layout. Keys are those of `Draft.places`."""
    kept = dict(draft.places)
    for path, place in places.items():
        if place is None:
            kept.pop(path, None)
        else:
            kept[path] = place
    if kept == draft.places:
        return draft
    sheet = _with_places(draft.sheet, {path: places[path] for path in places}, kept)
    studio = {key: value for key, value in draft.project.studio.items() if key != PLACES[1]}
    if kept:
        studio[PLACES[1]] = {path: list(place) for path, place in kept.items()}
    project = structs.replace(draft.project, studio=studio)
    return replace(draft, project=project, sheet=sheet, places=kept, checked=False, number=draft.number + 1)


def _with_places(sheet: Sheet, changed: Mapping[str, Place | None], kept: Mapping[str, Place]) -> Sheet:
    """A file may hold thousands of places, one a line and all of our own writing: only these lines are looked for."""
    numbers = sheet.under(PLACES)
    if not numbers or not kept:
        operations: list[Operation] = [Delete(PLACES)] if not kept else []
        if kept:
            operations.append(Set(PLACES, {path: list(place) for path, place in kept.items()}))
        return edited(sheet, operations)
    block = sheet.blocks[numbers[0]]
    ending = sheet.ending
    lines = block.text.split(ending)
    for path, place in changed.items():
        start = f"{key_text(path)} = "
        at = next((n for n, line in enumerate(lines) if line.startswith(start)), None)
        line = f"{start}{value_text(list(place))}" if place is not None else None
        if at is None and line is not None:
            lines.insert(len(lines) - (not lines[-1]), line)
        elif at is not None and line is None:
            del lines[at]
        elif at is not None and line is not None:
            lines[at] = line
    changed_block = structs.replace(block, text=ending.join(lines))
    return sheet.replaced(numbers[0], changed_block)
