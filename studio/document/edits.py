"""What a person can do to a project, as plain data: one frozen struct for each edit, named in the present tense.

An edit says what is wanted and never how the file is written; `rules.apply` makes it, or refuses it with the reason.
Paths are those of runs (`publish/render`, `enough/then`, `pick/a`), keys those of the file (`("retry", "max_retries")`),
values plain data as TOML has it. `workflow` is the NAME of a [workflows.NAME] of the file that the paths belong to;
empty for the project's own nodes. `title` is what undo, redo and the history call it.

A *node* to be added is a model `Node`, or the plain table that a file would hold for it; where it goes, and what it is
called there, is the edit's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from engine.project.model import Node

Place = tuple[int, int]
"""Where a node is pinned: its column (of the picture, counted from 0) and the row of its ports, as in `Pin`."""

Table = Mapping[str, Any]
Content = Node | Table
"""A node, or the table that a project file holds for one."""


class EditRefused(Exception):
    """An edit that cannot be made. `what` is the reason and `remedy` what to do, both for people; nothing changed."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy


class Edit(Struct, frozen=True, kw_only=True):
    """Base of all edits."""

    workflow: str = ""

    @property
    def title(self) -> str:
        """The edit in a few words, for people: `delete clean and load`."""
        raise NotImplementedError


def named(paths: tuple[str, ...] | list[str]) -> str:
    """Some nodes in a few words: `clean`, `clean and load`, `clean and 4 more`."""
    names = [path.rpartition("/")[2] for path in paths]
    if len(names) < 3:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} more"


# -- nodes -----------------------------------------------------------------------------------------------------------


class AddNode(Edit, frozen=True):
    """Add a node at `path`, written after its sibling `after`, or last. `place` pins it on the canvas.

    Refused where the id is forbidden or taken; the remedy names the next free one (`names.free_path` gives it before).
    """

    path: str
    node: Content
    after: str | None = None
    place: Place | None = None

    @property
    def title(self) -> str:
        return f"add {named((self.path,))}"


class AddNodes(Edit, frozen=True):
    """Add several nodes at once, by path, owners before what they own."""

    nodes: Mapping[str, Content]
    after: str | None = None
    places: Mapping[str, Place] = {}

    @property
    def title(self) -> str:
        return f"add {named(tuple(self.nodes))}"


class DeleteNodes(Edit, frozen=True):
    """Take nodes away. `heal` joins what came before each with what comes after it."""

    paths: tuple[str, ...]
    heal: bool = True

    @property
    def title(self) -> str:
        return f"delete {named(self.paths)}"


class RenameNode(Edit, frozen=True):
    """Give a node another id, here and wherever it is named."""

    path: str
    name: str

    @property
    def title(self) -> str:
        return f"rename {named((self.path,))} to {self.name}"


class SetField(Edit, frozen=True):
    """Write a value at keys of a node, as the file has them; `UNSET` takes the key away.

    A value that the file format does not allow is written all the same: a finding says so, as for any hand-made file.
    """

    path: str
    keys: tuple[str, ...]
    value: Any | UnsetType = UNSET

    @property
    def title(self) -> str:
        act = "clear" if self.value is UNSET else "set"
        return f"{act} {'.'.join(self.keys)} of {named((self.path,))}"


class SetBody(Edit, frozen=True):
    """Let a node do something else: the keys of its body are replaced by those of `body`, all others stay."""

    path: str
    body: Table

    @property
    def title(self) -> str:
        return f"change what {named((self.path,))} does"


class SetEnabled(Edit, frozen=True):
    """Bypass nodes, or let them run again."""

    paths: tuple[str, ...]
    on: bool

    @property
    def title(self) -> str:
        return f"{'enable' if self.on else 'bypass'} {named(self.paths)}"


class SetNotes(Edit, frozen=True):
    """Write a note on a node; an empty one is taken away."""

    path: str
    notes: str

    @property
    def title(self) -> str:
        return f"note on {named((self.path,))}"


class Paste(Edit, frozen=True):
    """Add copied nodes (`studio.clipboard.nodes_in` reads them) under free names, wired to each other as they were.

    `keep_inputs` keeps what they got from nodes that are here and were not copied. `owner` is the composite they go
    into, empty for the top. `place` pins the first of them; the others keep their distances where `places` tells them.
    """

    nodes: Mapping[str, Content]
    keep_inputs: bool = False
    place: Place | None = None
    owner: str = ""
    places: Mapping[str, Place] = {}

    @property
    def title(self) -> str:
        return f"paste {named(tuple(self.nodes))}"


class Duplicate(Edit, frozen=True):
    """A copy of each node beside it, with the same inputs."""

    paths: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"duplicate {named(self.paths)}"


# -- edges -----------------------------------------------------------------------------------------------------------


class Connect(Edit, frozen=True):
    """Let `target` wait for `source`: with an `argument` it gets the result (or the `part` of it, `.rows[0]`), without
    one only the order counts. An argument that is taken becomes a list."""

    source: str
    target: str
    argument: str | None = None
    part: str = ""

    @property
    def title(self) -> str:
        return f"connect {named((self.source,))} to {named((self.target,))}"


class Disconnect(Edit, frozen=True):
    """Take an edge away: that of an argument, or (None) that of `needs`."""

    source: str
    target: str
    argument: str | None = None

    @property
    def title(self) -> str:
        return f"cut {named((self.source,))} from {named((self.target,))}"


class InsertOnEdge(Edit, frozen=True):
    """Put a new node at `path` on the edge of a source and a target: it waits for the one, the other for it.

    With `argument` it hands the value on: it gets it under `takes` (the same argument, where that is empty).
    """

    edge: tuple[str, str, str | None]
    path: str
    node: Content
    takes: str = ""
    place: Place | None = None

    @property
    def title(self) -> str:
        return f"insert {named((self.path,))}"


# -- places ----------------------------------------------------------------------------------------------------------


class MoveNodes(Edit, frozen=True):
    """Pin nodes at places of the canvas."""

    places: Mapping[str, Place]

    @property
    def title(self) -> str:
        return f"move {named(tuple(self.places))}"


class Unpin(Edit, frozen=True):
    """Let the layout place these nodes; all of the workflow where `paths` is empty."""

    paths: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"tidy {named(self.paths)}" if self.paths else "tidy all"


class Reorder(Edit, frozen=True):
    """Write a node right after a sibling, or first (None): the order in which a sequential group runs."""

    path: str
    after: str | None = None

    @property
    def title(self) -> str:
        return f"reorder {named((self.path,))}"


# -- groups ----------------------------------------------------------------------------------------------------------


class MoveInto(Edit, frozen=True):
    """Move nodes into a composite, or (empty `owner`) out to the top; what names them still does."""

    paths: tuple[str, ...]
    owner: str = ""
    after: str | None = None

    @property
    def title(self) -> str:
        where = f"into {named((self.owner,))}" if self.owner else "out"
        return f"move {named(self.paths)} {where}"


class Group(Edit, frozen=True):
    """Make a composite of siblings; edges from and to outside stay as they are."""

    paths: tuple[str, ...]
    name: str
    kind: Literal["parallel", "sequential"] = "parallel"

    @property
    def title(self) -> str:
        return f"group {named(self.paths)}"


class Wrap(Edit, frozen=True):
    """Put what a node does inside of something that stands in its place, under the same id: a group with it as `name`, a
    conditional with it as `then`, or a map or loop around it. What names the node names what stands there now."""

    path: str
    into: Literal["sequential", "parallel", "conditional", "map", "loop"]
    name: str = ""

    @property
    def title(self) -> str:
        return f"put {named((self.path,))} into a {self.into}"


class Ungroup(Edit, frozen=True):
    """Put what a composite holds in its place."""

    path: str

    @property
    def title(self) -> str:
        return f"ungroup {named((self.path,))}"


class ExtractWorkflow(Edit, frozen=True):
    """Make a [workflows.NAME] of siblings, and put one node that runs it in their place.

    What the nodes get from outside becomes its params; if several results leave, it has the table of them as its own.
    """

    paths: tuple[str, ...]
    name: str

    @property
    def title(self) -> str:
        return f"extract {named(self.paths)}"


class InlineWorkflow(Edit, frozen=True):
    """Put the nodes of a [workflows.NAME] in the place of the node that runs it."""

    path: str

    @property
    def title(self) -> str:
        return f"inline {named((self.path,))}"


# -- the project -----------------------------------------------------------------------------------------------------


class SetParam(Edit, frozen=True):
    """A param: its default in the short form, or a table (`{"type": ..., "default": ...}`); `UNSET` takes it away."""

    name: str
    value: Any | UnsetType = UNSET

    @property
    def title(self) -> str:
        return f"{'remove' if self.value is UNSET else 'set'} param {self.name}"


class SetProject(Edit, frozen=True):
    """A value outside of the nodes, by the keys of the file: `("project", "result")`, `("defaults", "timeout")`.

    For a [workflows.NAME], the keys are those inside of it: `("result",)`.
    """

    keys: tuple[str, ...]
    value: Any | UnsetType = UNSET

    @property
    def title(self) -> str:
        return f"{'clear' if self.value is UNSET else 'set'} {'.'.join(self.keys)}"


class SetText(Edit, frozen=True):
    """The whole file as a person typed it. Refused where it cannot be read."""

    text: str
    said: str = "edit the TOML"

    @property
    def title(self) -> str:
        return self.said


class Several(Edit, frozen=True):
    """Several edits as one step."""

    edits: tuple[Edit, ...]
    said: str = ""

    @property
    def title(self) -> str:
        return self.said or (self.edits[0].title if self.edits else "nothing")
