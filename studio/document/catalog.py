"""What can be added to a workflow: the project's own functions, the kinds of nodes, and the kinds that packages bring.

`read_catalog` finds them by reading: source is parsed and never imported, packages are known by the names of their entry
points alone. An `Entry` says what a list shows and gives the node that adding it starts with (`Entry.node`): one that
the checks have nothing against, as far as that can be known before a person has said more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from engine.project.ids import MAX_ID_LENGTH, why_bad
from engine.project.model import (
    Approval,
    Body,
    Command,
    Composite,
    Conditional,
    Loop,
    Map,
    Node,
    NodeId,
    Plugin,
    Shell,
    SubWorkflow,
    Switch,
    Task,
    Wait,
)
from studio.document.functions import Modules, TaskFunction, read_functions
from studio.document.matching import match

PLUGIN_GROUP = "flowloom.nodes"
"""The entry points by which a package brings a kind of node."""


class Entry(Struct, frozen=True):
    """One thing that can be added. `kind` is a word of `theme.KINDS`, `name` what is searched, `text` what is at its right.

    `about` is one line that says what it does; `function` is set for a function of the project, `plugin` for a kind that
    a package brings.
    """

    kind: str
    name: str
    text: str = ""
    about: str = ""
    function: TaskFunction | None = None
    plugin: str | None = None

    @property
    def own(self) -> bool:
        """Whether it is a function of the project."""
        return self.function is not None

    def node(self, taken: Collection[str] = (), after: str | None = None) -> Node:
        """The node that adding this starts with, under an id that is not in `taken`.

        `after` is the node whose result it is to work on: what a map goes through, what a condition asks. Edges are left
        to whoever adds it.
        """
        name = NodeId(
            free_id(self.function.name if self.function is not None else _ID_OF.get(self.name, self.name), taken)
        )
        if self.function is not None:
            return Node(name, Task(self.function.reference))
        if self.plugin is not None:
            return Node(name, Plugin(self.plugin))
        if self.name == "map":
            items = f"${{{after}}}" if after else [1, 2, 3]
            return Node(name, Shell('echo "$item"'), each=Map(items))
        if self.name == "loop":
            return Node(name, Shell('echo "again"'), again=Loop("${index} >= 2"))
        return Node(name, _BODIES[self.name](name, after))


class Found(NamedTuple):
    """An entry that a query matches, and the places of the matched letters in its name."""

    entry: Entry
    places: tuple[int, ...]


class Catalog(Struct, frozen=True):
    """Everything there is to add: the project's functions first, then kinds, then what packages bring."""

    entries: tuple[Entry, ...] = ()
    modules: Modules = {}

    def find(self, query: str = "", most: int = 100) -> list[Found]:
        """The entries that match, functions of the project before kinds, best first. A `:` searches in `module:function`."""
        scored: list[tuple[bool, int, int, Found]] = []
        for number, entry in enumerate(self.entries):
            whole = entry.function is not None and ":" in query
            found = match(query, entry.function.reference if whole and entry.function is not None else entry.name)
            if found is not None:
                skip = len(entry.function.module) + 1 if whole and entry.function is not None else 0
                places = tuple(place - skip for place in found.places if place >= skip)
                scored.append((not entry.own, -found.score, number, Found(entry, places)))
        scored.sort(key=lambda each: each[:3])
        return [found for *_, found in scored[:most]]

    def function(self, reference: str) -> TaskFunction | None:
        """The function of `module:function`, if the catalog has it."""
        return self.by_reference.get(reference)

    @property
    def by_reference(self) -> dict[str, TaskFunction]:
        """The project's functions by `module:function`."""
        return {entry.function.reference: entry.function for entry in self.entries if entry.function is not None}


def read_catalog(folder: Path, before: Catalog | None = None) -> Catalog:
    """The catalog of the project in a folder; files that have not changed since `before` are not read again."""
    modules = read_functions(folder, before.modules if before is not None else None)
    if before is not None and modules and modules == before.modules:
        return before
    functions = [function for module in modules.values() for function in module.functions]
    return Catalog((*map(_offered, functions), *KINDS, *plugins()), modules)


def free_id(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, made a good id, or `wanted_2`, `wanted_3`, ... where it is taken."""
    name = "".join(char if char.isalnum() or char in "_-" else "_" for char in wanted)[: MAX_ID_LENGTH - 8] or "node"
    if why_bad(name) is not None:
        name = f"{name}_1" if why_bad(f"{name}_1") is None else "node"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def plugins() -> tuple[Entry, ...]:
    """The kinds of nodes that installed packages bring, by the names of their entry points; nothing is imported."""
    return tuple(
        Entry("task", name, package, f"a kind of node that {package} brings", plugin=name)
        for name, package in _plugin_names()
    )


@cache
def _plugin_names() -> tuple[tuple[str, str], ...]:
    from importlib import metadata  # 20 ms, which the first paint need not wait for

    found: dict[str, str] = {}
    for point in metadata.entry_points(group=PLUGIN_GROUP):
        found.setdefault(point.name, point.dist.name if point.dist is not None else "a package")
    return tuple(sorted(found.items()))


def _offered(function: TaskFunction) -> Entry:
    return Entry("task", function.name, function.signature, function.about, function)


# -- kinds -----------------------------------------------------------------------------------------------------------

KINDS: tuple[Entry, ...] = (
    Entry(
        "task",
        "task",
        "a new function in Python",
        "Calls a function of the project; `e` writes one that is not there yet.",
    ),
    Entry("command", "command", "run a program", "Runs a program with its arguments, no shell in between."),
    Entry("command", "shell", "run a script", "Runs lines of shell; inputs arrive as environment variables."),
    Entry("conditional", "conditional", "take one of two branches", "Runs `then` if a condition holds, else `else`."),
    Entry("switch", "switch", "choose one of many branches", "Runs the branch whose key equals a value."),
    Entry("sequential", "sequential", "a group, one after the other", "Holds nodes that run in the order of the file."),
    Entry("parallel", "parallel", "a group, side by side", "Holds nodes that run as soon as they can."),
    Entry(
        "sub_workflow",
        "workflow",
        "run another workflow",
        "Runs a file, or a [workflows.NAME], with params of its own.",
    ),
    Entry("map", "map", "once for each item", "Runs its body for each item of a list, side by side."),
    Entry("loop", "loop", "again until a condition holds", "Runs its body until a condition says stop."),
    Entry("wait", "wait", "wait for time or a file", "Waits for a length of time, a time of day, or a file."),
    Entry("approval", "approval", "wait until a person says yes", "Asks a question and waits for the answer."),
)
"""One entry for each kind of node that Flowloom brings."""

_ID_OF = {"workflow": "other", "conditional": "decide", "switch": "choose", "sequential": "steps", "parallel": "group"}


def _then(condition: str) -> Conditional:
    return Conditional(condition, Node(NodeId("then"), Shell("echo yes")), Node(NodeId("else"), Shell("echo no")))


def _group(kind: str) -> Composite:
    names = ("first", "second")
    nodes = {name: Node(NodeId(name), Shell(f"echo {name}")) for name in names}
    return Composite(nodes, kind)  # type: ignore[arg-type]


_BODIES: Mapping[str, Callable[[str, str | None], Body]] = {
    "task": lambda name, after: Task(f"tasks:{_identifier(name)}"),
    "command": lambda name, after: Command(("echo", "hello")),
    "shell": lambda name, after: Shell("echo hello"),
    "conditional": lambda name, after: _then(f"${{{after}}} == true" if after else "1 < 2"),
    "switch": lambda name, after: Switch(
        f"${{{after}}}" if after else "${env:USER}",
        {"a": Node(NodeId("a"), Shell("echo a"))},
        Node(NodeId("else"), Shell("true")),
    ),
    "sequential": lambda name, after: _group("sequential"),
    "parallel": lambda name, after: _group("parallel"),
    "workflow": lambda name, after: SubWorkflow("other.toml"),
    "wait": lambda name, after: Wait(seconds=5.0),
    "approval": lambda name, after: Approval("Go on?"),
}


def _identifier(name: str) -> str:
    """A name for a Python function, from the id of a node."""
    text = "".join(char if char.isidentifier() or char.isdigit() else "_" for char in name)
    return text if text.isidentifier() else f"task_{text}".rstrip("_")
