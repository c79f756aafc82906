"""Cutting a wire: every edge of the node has a letter, on the node at its other end and in a list below."""

from __future__ import annotations

from dataclasses import dataclass, replace

from studio.document.edits import Disconnect
from studio.modes.turn import LEFT, Mode, Point, Press, Sight, Turn
from studio.modes.wiring import Lead, leads
from studio.pictures.finding import LETTERS
from studio.pictures.hand import Badge, Work
from studio.pictures.popup import Span

MOST_SHOWN = 5


@dataclass(frozen=True)
class CutMode(Mode):
    """Asks which edge of `path` goes; `at` is the one in hand."""

    path: str
    at: int = 0

    @property
    def where(self) -> str:
        return "cut"

    def press(self, press: Press, sight: Sight) -> Turn:
        found = edges_of(self.path, sight)
        if press.act == "mode.leave" or not found:
            return LEFT
        if press.act == "mode.take":
            return self._cut(found[self.at % len(found)])
        if press.act in ("mode.down", "mode.right", "mode.next"):
            return Turn(replace(self, at=(self.at + 1) % len(found)))
        if press.act in ("mode.up", "mode.left", "mode.previous"):
            return Turn(replace(self, at=(self.at - 1) % len(found)))
        if press.text and press.text in LETTERS[: len(found)]:
            return self._cut(found[LETTERS.index(press.text)])
        return Turn(self)

    def _cut(self, lead: Lead) -> Turn:
        if lead.fixed:
            name = lead.target.rpartition("/")[2]
            return Turn(None, tell=f"this edge is written in a value of {name}: change it there")
        return Turn(None, edit=Disconnect(lead.source, lead.target, lead.argument))

    def point(self, point: Point, sight: Sight) -> Turn:
        if point.act != "click":
            return Turn(self, taken=False)
        path = sight.path(point.box)
        lead = next((each for each in edges_of(self.path, sight) if path in (each.source, each.target)), None)
        return self._cut(lead) if lead is not None and path != self.path else LEFT

    def look(self, sight: Sight) -> Work:
        found = edges_of(self.path, sight)
        marks: dict[int, Badge] = {}
        kept = sight.boxes(self.path)
        for number, lead in enumerate(found[: len(LETTERS)]):
            other = lead.source if lead.target == self.path else lead.target
            box = sight.index.get(other)
            if box is not None:
                box = sight.scene.visible(box)
                letters = LETTERS[number] if box not in marks else marks[box].text + LETTERS[number]
                marks[box] = Badge(letters, picked=number == self.at or (box in marks and marks[box].picked))
                kept.add(box)
        first = min(max(0, self.at - MOST_SHOWN + 1), max(0, len(found) - MOST_SHOWN))
        rows = [[Span("Cut  ", "accent", bold=True), Span("which edge? press its letter", "muted")]]
        rows += [
            self._row(number, lead, sight, picked=number == self.at)
            for number, lead in enumerate(found[first : first + MOST_SHOWN], first)
        ]
        return Work(badges=marks, only=kept, foot=rows)

    def _row(self, number: int, lead: Lead, sight: Sight, *, picked: bool) -> list[Span]:
        arrow = "<-" if sight.ascii else "←"
        letter = LETTERS[number] if number < len(LETTERS) else " "
        source, target = lead.source.rpartition("/")[2], lead.target.rpartition("/")[2]
        how = "written in a value" if lead.fixed else "order" if lead.argument is None else lead.argument
        return [
            Span(f"{letter}  ", "accent", bold=True),
            Span(f"{target} {arrow} {source}", bold=picked, underline=picked),
            Span(f"  {how}", "muted"),
        ]


def edges_of(path: str, sight: Sight) -> list[Lead]:
    """The edges of a node as the file has them: those that come, then those that leave."""
    box = sight.index.get(path)
    if box is None:
        return []
    before, after = sight.web.beside(box)
    found: list[Lead] = []
    node = sight.node_at(path)
    for other in before:
        if node is None:
            break
        found += leads(sight.graph.boxes[other].path, path, node)
    for other in after:
        target = sight.graph.boxes[other].path
        follower = sight.node_at(target)
        if follower is not None:
            found += leads(path, target, follower)
    return found
