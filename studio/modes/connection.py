"""Connecting: a letter on every node that the edge may lead to, the argument that takes the value, a wire in hand.

A letter connects at once. Where the value could go into more than one argument, the mode stays for as long as Tab asks
for another one; any other key leaves it and does what it always does. Arrows show the wire before it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from studio.document.edits import Connect
from studio.modes import opening as openings
from studio.modes.addition import AddMode
from studio.modes.desk import Targets
from studio.modes.turn import ARROWS, LEFT, Mode, Point, Press, Sight, Turn
from studio.modes.wiring import Option, options
from studio.pictures import steps
from studio.pictures.finding import badges
from studio.pictures.hand import Badge, Wire, Work
from studio.pictures.popup import Span

NOWHERE = "an edge cannot lead there"


@dataclass(frozen=True)
class ConnectMode(Mode):
    """`source` leads to whatever is chosen. `picked` is the target in hand and `option` the number of its argument;
    `order` asks for an edge without data; `made` is the argument of the edge that was just made."""

    source: str
    typed: str = ""
    picked: str | None = None
    option: int = 0
    order: bool = False
    made: tuple[Option] | None = None

    @property
    def where(self) -> str:
        return "connect"

    # -- keys --------------------------------------------------------------------------------------------------------

    def press(self, press: Press, sight: Sight) -> Turn:
        if press.act in ("mode.next", "mode.previous"):
            return self._other(1 if press.act == "mode.next" else -1, sight)
        if self.made is not None:
            return Turn(None, taken=press.act in ("mode.leave", "mode.take"))
        if press.act == "mode.leave":
            return LEFT
        if press.act == "mode.take":
            return self._take(self.picked, sight) if self.picked is not None else Turn(self)
        if press.act in ARROWS:
            return self._go(ARROWS[press.act], sight)
        if press.text:
            return self._letter(self.typed + press.text, sight)
        return Turn(self, taken=False)

    def _letter(self, typed: str, sight: Sight) -> Turn:
        given = self._letters(sight)
        goal = next((box for box, letters in given.items() if letters == typed), None)
        if goal is not None:
            return self._take(sight.path(goal), sight)
        waits = any(letters.startswith(typed) for letters in given.values())
        return Turn(replace(self, typed=typed if waits else ""))

    def _letters(self, sight: Sight) -> Mapping[int, str]:
        targets = sight.targets(self.source)
        return badges(box for box in sight.in_view() if targets.get(sight.graph.boxes[box].path, "") is None)

    def _go(self, direction: str, sight: Sight) -> Turn:
        """The wire goes to the next node that way, where it may land or not."""
        box = sight.index.get(self.picked or self.source)
        if box is None:
            return LEFT
        found = steps.step(sight.scene, sight.scene.visible(box), direction)
        path = sight.path(found)
        return Turn(replace(self, picked=path if path != self.source else None, option=0, typed=""))

    def _other(self, step: int, sight: Sight) -> Turn:
        """Another argument: of the edge that was made, of the one in hand, or data and order in turn."""
        if self.picked is None:
            return Turn(replace(self, order=not self.order))
        choice = self._choice(self.picked, sight)
        following = replace(self, option=(self.option + step) % len(choice))
        if self.made is None:
            return Turn(following)
        argument = choice[following.option]
        edit = Connect(self.source, self.picked, argument)
        return Turn(replace(following, made=(argument,)), edit=edit, key=self._key(self.picked), instead=True)

    def _choice(self, target: str, sight: Sight) -> tuple[Option, ...]:
        node = sight.node_at(target)
        return options(node, self.source, sight.catalog) if node is not None else (None,)

    def _take(self, target: str | None, sight: Sight) -> Turn:
        targets = sight.targets(self.source)
        if target is None or target not in targets:
            return Turn(self)
        reason = targets[target]
        if reason is not None:
            return Turn(replace(self, picked=target, option=0, typed=""), tell=reason)
        choice = self._choice(target, sight)
        at = len(choice) - 1 if self.order and self.picked is None else self.option if target == self.picked else 0
        at = choice.index(None) if self.order and self.picked is None else at
        edit = Connect(self.source, target, choice[at])
        stays = replace(self, picked=target, option=at, made=(choice[at],), typed="") if len(choice) > 1 else None
        return Turn(stays, edit=edit, key=self._key(target))

    def _key(self, target: str) -> str:
        return f"connect {self.source} {target}"

    # -- mouse -------------------------------------------------------------------------------------------------------

    def point(self, point: Point, sight: Sight) -> Turn:
        if self.made is not None:
            return Turn(None, taken=False) if point.act in ("drag", "click") else Turn(self, taken=False)
        path = sight.path(point.box)
        if point.act == "click":
            return self._take(path, sight) if path is not None else LEFT
        if point.act == "move" and path is not None and path not in (self.source, self.picked):
            return Turn(replace(self, picked=path, option=0))
        return Turn(self, taken=False)

    # -- pictures ----------------------------------------------------------------------------------------------------

    def look(self, sight: Sight) -> Work:
        if self.made is not None:  # the document is another one now, and where else the wire could go is of no use
            return Work(foot=self._foot(sight, {}))
        targets = sight.targets(self.source)
        kept = sight.boxes(self.source, self.picked)
        given = self._letters(sight)
        marks = {
            box: Badge(letters, picked=sight.graph.boxes[box].path == self.picked)
            for box, letters in given.items()
            if letters.startswith(self.typed)
        }
        no = "x" if sight.ascii else "⊘"
        for box in sight.in_view():
            if targets.get(sight.graph.boxes[box].path) is not None:
                marks[box] = Badge(no, good=False)
        return Work(
            badges=marks,
            wires=self._wires(sight, targets),
            lit=(),
            only=kept,
            seen=sight.index.get(self.picked or ""),
            foot=self._foot(sight, targets),
        )

    def _wires(self, sight: Sight, targets: Targets) -> tuple[Wire, ...]:
        start = sight.port(self.source)
        end = sight.landing(self.picked) if self.picked is not None else None
        if start is None or end is None or self.picked is None:
            return ()
        return (Wire(start, end, targets.get(self.picked, "") is None),)

    def _foot(self, sight: Sight, targets: Targets) -> list[list[Span]]:
        name = self.source.rpartition("/")[2]
        if self.made is not None and self.picked is not None:
            head = [Span("Connected  ", "accent", bold=True), Span(name, bold=True), Span(" to ", "muted")]
            return [[*head, Span(self.picked.rpartition("/")[2], bold=True)], self._arguments(sight, targets)]
        kind = "order only" if self.order else "with its result"
        head = [Span("Connect  ", "accent", bold=True), Span(name, bold=True), Span(f" to …  {kind}", "muted")]
        if self.picked is not None:
            return [head, self._arguments(sight, targets)]
        bad = next(iter(self._forbidden(sight, targets)), None)
        if bad is None:
            return [head, [Span("press a letter, or move with the arrows", "muted")]]
        return [head, self._reason(bad, targets[bad], sight)]

    def _forbidden(self, sight: Sight, targets: Targets) -> list[str]:
        seen = [sight.graph.boxes[box].path for box in sight.in_view()]
        return [path for path in seen if targets.get(path) is not None and path != self.source]

    def _reason(self, path: str, reason: str | None, sight: Sight) -> list[Span]:
        no = "x " if sight.ascii else "⊘ "
        told = reason or NOWHERE
        return [Span(no, "failed", bold=True), Span(path.rpartition("/")[2] + "  "), Span(told, "muted")]

    def _arguments(self, sight: Sight, targets: Targets) -> list[Span]:
        """The target in hand, and which of its arguments takes the value; Tab goes on to the next."""
        target = self.picked or ""
        if self.made is None and targets.get(target, NOWHERE) is not None:
            return self._reason(target, targets.get(target), sight)
        choice = self._choice(target, sight)
        spans = [Span(target.rpartition("/")[2] + "  ", bold=True)]
        for number, option in enumerate(choice):
            chosen = number == self.option
            word = option if option is not None else "order only"
            spans.append(Span(word, "accent" if chosen else "muted", bold=chosen, underline=chosen))
            spans.append(Span("  "))
        if len(choice) > 1:
            spans += [Span("  Tab", "accent", bold=True), Span(" another", "muted")]
        return spans


@dataclass(frozen=True)
class WireMode(Mode):
    """A wire that was drawn out of a port and follows the pointer, which is at `x`, `y` over the box of `over`."""

    source: str
    x: int
    y: int
    over: str | None = None

    @property
    def where(self) -> str:
        return "wire"

    @property
    def word(self) -> str:
        return "CONNECT"

    def point(self, point: Point, sight: Sight) -> Turn:
        path = sight.path(point.box)
        moved = replace(self, x=point.x, y=point.y, over=path if path != self.source else None)
        if point.act != "drop":
            return Turn(moved)
        if path == self.source:
            return LEFT
        if path is None:
            return Turn(AddMode(openings.at(sight, point.x, point.y, self.source)))
        reason = sight.targets(self.source).get(path, NOWHERE)
        if reason is not None:
            return Turn(None, tell=reason)
        return ConnectMode(self.source)._take(path, sight)

    def look(self, sight: Sight) -> Work:
        start = sight.port(self.source)
        if start is None:
            return Work()
        kept = sight.boxes(self.source, self.over)
        reason = sight.targets(self.source).get(self.over, NOWHERE) if self.over is not None else None
        end = sight.landing(self.over) if self.over is not None else (self.x, self.y)
        return Work(
            wires=(Wire(start, end or (self.x, self.y), reason is None),),
            only=kept if self.over is not None else None,
            foot=[self._told(sight, reason)],
        )

    def _told(self, sight: Sight, reason: str | None) -> list[Span]:
        head = [Span("Connect  ", "accent", bold=True), Span(self.source.rpartition("/")[2], bold=True)]
        if self.over is None:
            return [*head, Span("  drop it on a node, or on nothing to add one", "muted")]
        name = self.over.rpartition("/")[2]
        if reason is not None:
            return [Span("x " if sight.ascii else "⊘ ", "failed", bold=True), Span(name + "  "), Span(reason, "muted")]
        node = sight.node_at(self.over)
        argument = options(node, self.source, sight.catalog)[0] if node is not None else None
        return [*head, Span(f" to {name}", bold=True), Span(f"  {argument or 'order only'}", "muted")]
