"""Who sees whom: the nodes of a workflow with their paths, and the lookup of names from where they are written.

A *level* is the nodes that stand side by side: those of the file, or of one composite. A name is looked up among
siblings, then outward to the file's top; `a/b` goes down from what `a` names. Nothing outside sees into a map, a loop
or a sub-workflow: what happens there happens many times, or elsewhere. A branch sees what its conditional sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from engine.project.findings import Path, shown
from engine.project.ids import folded
from engine.project.model import Composite, Conditional, Node, SubWorkflow, Switch, Workflow


class Standing:
    """A node where it stands: its path in runs (`publish/render`), its place in the file, and what is around it.

    `index` counts in file order; `owner` is the composite, conditional or switch that holds it (None at the top),
    `held` the nodes that it holds itself; `mapped` and `looped` tell whether `${item}` and `${value}` mean something.
    """

    __slots__ = ("held", "index", "level", "looped", "mapped", "node", "owner", "path", "place")

    def __init__(self, index: int, node: Node, path: str, place: Path, level: Level, owner: Standing | None) -> None:
        self.index = index
        self.node = node
        self.path = path
        self.place = place
        self.level = level
        self.owner = owner
        self.held: dict[str, Standing] = {}
        self.mapped: bool = node.each is not None or (owner is not None and owner.mapped)
        self.looped: bool = node.again is not None or (owner is not None and owner.looped)

    @property
    def closed(self) -> bool:
        """True if no name from outside leads into it."""
        node = self.node
        return node.each is not None or node.again is not None or isinstance(node.body, SubWorkflow)


class Level:
    """Nodes that stand side by side, and the level around them."""

    __slots__ = ("_folded", "around", "nodes")

    def __init__(self, around: Level | None) -> None:
        self.around = around
        self.nodes: dict[str, Standing] = {}
        self._folded: dict[str, str] | None = None

    def spelled(self, name: str) -> str | None:
        """The id of this level that differs from `name` only in case or Unicode form."""
        if self._folded is None:
            self._folded = {folded(known): known for known in self.nodes}
        return self._folded.get(folded(name))

    def visible(self) -> Iterator[str]:
        """Every id that can be named from here, nearest first."""
        level: Level | None = self
        while level is not None:
            yield from level.nodes
            level = level.around


class Missing(Struct, frozen=True):
    """A name that leads nowhere: what is wrong with it, and among which names to look for what was meant."""

    message: str
    name: str = ""
    same: str | None = None
    """What `name` becomes in another case or Unicode form, if that is a known id."""
    level: Level | None = None
    held: Mapping[str, Standing] | None = None

    def known(self) -> list[str]:
        """The names that would have led somewhere."""
        if self.held is not None:
            return list(self.held)
        return [] if self.level is None else list(dict.fromkeys(self.level.visible()))


def standings(workflow: Workflow, place: Path = ()) -> list[Standing]:
    """Every node of the workflow, in file order, nested ones right after what holds them. Iterative."""
    found: list[Standing] = []
    top = Level(None)
    todo: list[tuple[Node, str, Path, Level, Standing | None]] = [
        (node, name, (*place, "nodes", name), top, None) for name, node in reversed(list(workflow.nodes.items()))
    ]
    while todo:
        node, path, spot, level, owner = todo.pop()
        standing = Standing(len(found), node, path, spot, level, owner)
        found.append(standing)
        name = path.rsplit("/", 1)[-1]
        if owner is not None:
            owner.held[name] = standing
        # A branch is no sibling of anybody: only its conditional's path leads to it.
        if owner is None or isinstance(owner.node.body, Composite):
            level.nodes[name] = standing
        inner, inner_level = _inner(standing)
        todo.extend(
            (child, f"{path}/{key}", (*spot, *keys), inner_level, standing) for key, keys, child in reversed(inner)
        )
    return found


def resolve(name: str, level: Level) -> Standing | Missing:
    """What `name` means when it is written by a node of this level."""
    first, *rest = name.split("/")
    target = _outward(first, level)
    if target is None:
        return _missing(name, first, level)
    for part in rest:
        if target.closed:
            kind = "sub-workflow" if isinstance(target.node.body, SubWorkflow) else "map or loop"
            return Missing(f'{shown(name)} leads into "{target.path}", and nothing outside sees into a {kind}')
        inner = target.held.get(part)
        if inner is None:
            return Missing(f'{shown(name)} names nothing: "{target.path}" holds no "{part}"', part, held=target.held)
        target = inner
    return target


def _outward(name: str, level: Level) -> Standing | None:
    around: Level | None = level
    while around is not None:
        if name in around.nodes:
            return around.nodes[name]
        around = around.around
    return None


def _missing(name: str, first: str, level: Level) -> Missing:
    message = f"there is no node {shown(name)}"
    around: Level | None = level
    while around is not None:
        same = around.spelled(first)
        if same is not None:
            return Missing(message, first, same)
        around = around.around
    return Missing(message, first, level=level)


def _inner(standing: Standing) -> tuple[list[tuple[str, tuple[str, ...], Node]], Level]:
    """What a node holds, as (id, keys in its table, node), and the level that these stand at."""
    body = standing.node.body
    if isinstance(body, Composite):
        return [(name, ("nodes", name), node) for name, node in body.nodes.items()], Level(standing.level)
    held: list[tuple[str, tuple[str, ...], Node]] = []
    if isinstance(body, Conditional):
        held.append(("then", ("then",), body.then))
    if isinstance(body, Switch):
        held.extend((name, ("cases", name), node) for name, node in body.cases.items())
    if isinstance(body, Conditional | Switch) and body.otherwise is not None:
        held.append(("else", ("else",), body.otherwise))
    return held, standing.level
