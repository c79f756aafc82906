"""Naming: one line of text at a node, checked while it is written: its id, a note, the name of a new group or workflow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.draw.scene import Rect
from engine.project.ids import why_bad
from engine.project.model import Composite, Conditional, Node, Switch
from studio.document.catalog import free_id
from studio.document.edits import Edit, ExtractWorkflow, Group, RenameNode, SetNotes
from studio.modes.turn import LEFT, Mode, Point, Press, Sight, Turn
from studio.pictures.hand import Field, Work

What = Literal["rename", "note", "group", "extract"]

LONGEST = 400


@dataclass(frozen=True)
class NameMode(Mode):
    """`text` is what is in the field, `at` the place of the text cursor; `in_order`: a new group is sequential."""

    what: What
    paths: tuple[str, ...]
    text: str = ""
    at: int = 0
    in_order: bool = False
    whole: bool = True
    """True as long as nobody typed: the first letter replaces what stands there."""

    @property
    def where(self) -> str:
        return "group" if self.what == "group" else "name"

    @property
    def word(self) -> str:
        return self.what.upper()

    # -- keys --------------------------------------------------------------------------------------------------------

    def press(self, press: Press, sight: Sight) -> Turn:
        act = press.act
        if act == "mode.leave":
            return LEFT
        if act == "mode.take":
            return self._taken(sight)
        if act == "mode.next" and self.what == "group":
            return Turn(replace(self, in_order=not self.in_order))
        if act == "mode.erase":
            if self.whole and self.what != "note":
                return Turn(replace(self, text="", at=0, whole=False))
            cut = self.text[: max(self.at - 1, 0)] + self.text[self.at :]
            return Turn(replace(self, text=cut, at=max(self.at - 1, 0), whole=False))
        if act in _MOVES:
            at = min(max(self.at + _MOVES[act], 0), len(self.text))
            return Turn(replace(self, at=at, whole=False))
        if press.text and press.text.isprintable():
            return Turn(self._typed(press.text))
        return Turn(self)

    def paste(self, text: str, sight: Sight) -> Turn:
        shown = " ".join(text.split())
        return Turn(self._typed("".join(char for char in shown if char.isprintable())))

    def _typed(self, text: str) -> NameMode:
        before = "" if self.whole and self.what != "note" else self.text
        at = 0 if not before else self.at
        return replace(self, text=(before[:at] + text + before[at:])[:LONGEST], at=at + len(text), whole=False)

    def point(self, point: Point, sight: Sight) -> Turn:
        if point.act != "click":
            return Turn(self, taken=False)
        return self._taken(sight) if not self._wrong(sight) else LEFT

    def _taken(self, sight: Sight) -> Turn:
        if self._wrong(sight):
            return Turn(self)
        path, name = self.paths[0], self.text.strip()
        owner = path.rpartition("/")[0]
        edit: Edit | None
        if self.what == "rename":
            edit = RenameNode(path, name) if name != path.rpartition("/")[2] else None
        elif self.what == "note":
            edit = SetNotes(path, self.text)
        elif self.what == "group":
            edit = Group(self.paths, name, "sequential" if self.in_order else "parallel")
        else:
            edit = ExtractWorkflow(self.paths, name)
        goal = path if self.what == "note" else f"{owner}/{name}" if owner else name
        return Turn(None, edit=edit, cursor=goal if edit is not None else None, select=frozenset())

    def _wrong(self, sight: Sight) -> str:
        """What speaks against it."""
        if self.what == "note":
            return ""
        name = self.text.strip()
        if not name:
            return "a name, please"
        bad = why_bad(name)
        if bad is not None:
            return f"{bad[0]}; {bad[1]}"
        own = self.paths[0].rpartition("/")[2] if self.what == "rename" else None
        taken = sight.workflows if self.what == "extract" else siblings(self.paths[0], sight)
        if name in taken and name != own and (self.what != "group" or name not in _ids(self.paths)):
            return f'there is a "{name}" already'
        return ""

    # -- pictures ----------------------------------------------------------------------------------------------------

    def look(self, sight: Sight) -> Work:
        rect = sight.shown(self.paths[0]) or Rect(sight.rect.x + 4, sight.rect.y + 2, 20, 3)
        wrong = self._wrong(sight)
        nodes = "1 node" if len(self.paths) == 1 else f"{len(self.paths)} nodes"
        label = {
            "rename": "renamed wherever it is named",
            "note": "a note; empty takes it away",
            "group": f"{nodes}, {'one after the other' if self.in_order else 'side by side'}; Tab",
            "extract": f"a workflow made of {nodes}",
        }[self.what]
        kept = sight.boxes(*self.paths)
        told = Field(rect, label, self.text, self.at, wrong or label, good=not wrong)
        return Work(field=told, only=kept if len(self.paths) > 1 else None)


_MOVES = {
    "mode.left": -1,
    "mode.right": 1,
    "mode.first": -LONGEST,
    "mode.last": LONGEST,
}


def siblings(path: str, sight: Sight) -> frozenset[str]:
    """The ids that stand beside a node."""
    owner = path.rpartition("/")[0]
    node = sight.node_at(owner) if owner else None
    if node is None:
        return frozenset(sight.workflow.nodes)
    return frozenset(node.body.nodes) if isinstance(node.body, Composite) else frozenset()


def _ids(paths: tuple[str, ...]) -> set[str]:
    return {path.rpartition("/")[2] for path in paths}


def rename(sight: Sight) -> Mode | None:
    """Rename the node under the cursor."""
    path = sight.cursor
    if path is None or path in sight.gaps or sight.is_lane(path):
        return None
    name = path.rpartition("/")[2]
    return NameMode("rename", (path,), name, len(name))


def note(sight: Sight) -> Mode | None:
    """Write a note on the node under the cursor."""
    path = sight.cursor
    node = sight.node_at(path) if path is not None else None
    if node is None or path is None:
        return None
    text = node.settings.notes or ""
    return NameMode("note", (path,), text, len(text))


def group(sight: Sight) -> Mode | None:
    """Make a group of what is chosen."""
    paths = level(sight)
    if not paths:
        return None
    name = free_id("group", siblings(paths[0], sight))
    return NameMode("group", paths, name, len(name))


def extract(sight: Sight) -> Mode | None:
    """Make a workflow of what is chosen."""
    paths = level(sight)
    if not paths:
        return None
    name = free_id("part", sight.workflows)
    return NameMode("extract", paths, name, len(name))


def level(sight: Sight) -> tuple[str, ...]:
    """What is chosen, as far as it stands beside the first of it."""
    chosen = [path for path in sight.chosen if path not in sight.gaps]
    home = chosen[0].rpartition("/")[0] if chosen else ""
    return tuple(path for path in chosen if path.rpartition("/")[0] == home)


def is_branch(owner: Node | None) -> bool:
    """Whether what a node holds are branches."""
    return owner is not None and isinstance(owner.body, Conditional | Switch)
