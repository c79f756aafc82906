"""What a workflow comes to, found the naive way: by recursion over the model, without time, events or a plan.

It shares no code with the machine. Each node is asked how it ended, which asks those it waits for, and so on; a wrapped
body is asked once an item or round. What depends on the order in which attempts end (a join of some, with data) is
nothing that it can tell, and the projects it is given do not ask.

A place is a node where it stands: with the level around it, the place that holds it, and what `${item}`, `${index}` and
`${value}` mean there.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from msgspec import UNSET, structs

from engine.project.model import (
    Approval,
    Compensate,
    Composite,
    Conditional,
    Loop,
    Node,
    Project,
    RunAlternative,
    Skip,
    SubWorkflow,
    Switch,
    Task,
    Wait,
    Workflow,
)

Function = Callable[..., Any]
"""What stands for a function of the project: called with the number of the attempt, then as the node would call it."""

COMPLETED, FAILED, SKIPPED, CANCELED = "completed", "failed", "skipped", "canceled"
_WORD = re.compile(r"\$\{([^}]*)\}")
_COMPARED = re.compile(r"^(\S+) (==|!=|<|<=|>|>=) (\S+)$")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Ending(NamedTuple):
    """How a node ended, and what it gave."""

    state: str
    value: Any = None


class Failed(Exception):
    """Something of a node could not be done."""


class Level:
    """Nodes side by side, and those around them."""

    def __init__(self, around: Level | None, params: Mapping[str, Any]) -> None:
        self.around = around
        self.params = params
        self.places: dict[str, Place] = {}

    def find(self, name: str) -> Place:
        """What a name means here."""
        first, *rest = name.split("/")
        level: Level = self
        while first not in level.places:
            assert level.around is not None, name
            level = level.around
        place = level.places[first]
        for part in rest:
            place = place.held[part]
        return place


class Place:
    """A node where it stands."""

    def __init__(self, path: str, node: Node, level: Level, owner: Place | None, local: Mapping[str, Any]) -> None:
        self.path = path
        self.node = node
        self.level = level
        self.owner = owner
        self.local = local
        self.before: Place | None = None
        self.held: dict[str, Place] = {}
        self.rounds: list[Place] = []
        self.born = False  # whether it is the body of a round or an item
        self.stands_for: Place | None = None
        self.is_last = False  # whether it only runs when a failed run takes back what it did

    def within(self, other: Place) -> bool:
        """Whether it is the other one, or inside of it."""
        place: Place | None = self
        while place is not None:
            if place is other:
                return True
            place = place.owner
        return False


class Interpreter:
    """One project and its functions. `endings()` says how every node of a run ends that goes on after failures."""

    def __init__(self, project: Project, functions: Mapping[str, Function]) -> None:
        self.project = project
        self.functions = functions
        self.places: list[Place] = []
        self.seen: dict[int, Ending] = {}
        params = {name: param.default for name, param in project.workflow.params.items()}
        self.top = self._level(project.workflow, "", None, params, {})

    def endings(self) -> dict[str, Ending]:
        """Path of each node -> how it ended."""
        for place in self.top.places.values():
            self.ending(place)
        for place in self.places:  # grows while we go
            self.ending(place)
        return {place.path: self.ending(place) for place in self.places}

    def completed(self) -> bool:
        """Whether the run as a whole does: no failure that nothing around it forgives."""
        found = self.endings()
        return not any(found[place.path].state == FAILED and not self._forgiven(place) for place in self.places)

    def after_all(self) -> dict[str, Ending]:
        """The same when a run that failed has taken back what it did: by undos, and by nodes that were named for it."""
        found = self.endings()
        if self.completed():
            return found
        blamed = [p for p in self.places if found[p.path].state == FAILED and not self._forgiven(p)]
        named: list[Place] = []
        everything = False
        for place in blamed:
            action = place.node.settings.on_error
            if isinstance(action, Compensate):
                named += [place.level.find(name) for name in action.nodes]
                everything = everything or not action.nodes
            else:
                everything = everything or self.project.run.on_error == "compensate"
        after = dict(found)
        after.update({place.path: self._called_last(place) for place in named})
        if everything:
            after.update({p.path: Ending("compensated") for p in self.places if self._is_taken_back(p, found)})
        return after

    def _is_taken_back(self, place: Place, found: Mapping[str, Ending]) -> bool:
        settings = place.node.settings
        if settings.undo is None or not settings.enabled or place.born:
            return False
        return found[place.path].state == COMPLETED == self._tried(place).state and self._undone(place)

    def _called_last(self, place: Place) -> Ending:
        try:
            return self._done(place)
        except Failed:
            return Ending(FAILED)

    # -- places ------------------------------------------------------------------------------------------------------

    def _level(
        self, workflow: Workflow, prefix: str, owner: Place | None, params: Mapping[str, Any], local: Mapping[str, Any]
    ) -> Level:
        level = Level(None, params)
        self._fill(level, workflow.nodes, prefix, owner, local)
        return level

    def _fill(
        self, level: Level, nodes: Mapping[str, Node], prefix: str, owner: Place | None, local: Mapping[str, Any]
    ) -> None:
        for name, node in nodes.items():
            level.places[name] = self._place(prefix + name, node, level, owner, local)
        for place in level.places.values():
            action = place.node.settings.on_error
            if isinstance(action, RunAlternative):
                level.find(action.alternative).stands_for = place
            elif isinstance(action, Compensate):
                for name in action.nodes:
                    level.find(name).is_last = True

    def _place(self, path: str, node: Node, level: Level, owner: Place | None, local: Mapping[str, Any]) -> Place:
        place = Place(path, node, level, owner, local)
        self.places.append(place)
        if node.settings.enabled and (node.each is not None or node.again is not None):
            return place  # what it holds is born when it runs
        self._hold(place)
        return place

    def _hold(self, place: Place) -> None:
        body = place.node.body
        if isinstance(body, Composite):
            inner = Level(place.level, place.level.params)
            self._fill(inner, body.nodes, place.path + "/", place, place.local)
            place.held = inner.places
            if body.kind == "sequential":
                before = None
                for child in self._in_turn(place):
                    child.before, before = before, child
        elif isinstance(body, SubWorkflow):
            workflow = self.project.workflows[body.workflow]
            place.held = self._level(workflow, place.path + "/", place, _Given(self, place, workflow), {}).places
        else:
            for name, node in self._branches(body).items():
                place.held[name] = self._place(f"{place.path}/{name}", node, place.level, place, place.local)

    def _in_turn(self, place: Place) -> list[Place]:
        """The children of a sequence that take part in it: not those that are only called."""
        return [child for child in place.held.values() if child.stands_for is None and not child.is_last]

    def _branches(self, body: Any) -> dict[str, Node]:
        if isinstance(body, Conditional):
            found = {"then": body.then}
        elif isinstance(body, Switch):
            found = dict(body.cases)
        else:
            return {}
        return found if body.otherwise is None else {**found, "else": body.otherwise}

    def _bear(self, place: Place, index: int, node: Node, local: Mapping[str, Any]) -> Place:
        """The body of a wrapped node for one item or round."""
        settings = structs.replace(node.settings, when=None, join="all", on_error=None, undo=None)
        node = structs.replace(node, settings=settings, needs=())
        born = Place(f"{place.path}[{index}]", node, place.level, place, {**place.local, **local, "index": index})
        born.born = True
        self.places.append(born)
        place.rounds.append(born)
        if node.each is None and node.again is None:
            self._hold(born)
        return born

    # -- endings -----------------------------------------------------------------------------------------------------

    def ending(self, place: Place) -> Ending:
        """How a node ended."""
        if id(place) not in self.seen:
            self.seen[id(place)] = self._ending(place)
        return self.seen[id(place)]

    def _ending(self, place: Place) -> Ending:
        if place.is_last:
            return Ending(SKIPPED)
        stopped = self._gate(place)
        if stopped is not None:
            return stopped
        failed = place.stands_for
        if failed is not None and not self._fails(failed):
            return Ending(SKIPPED)
        return self._forgive(place, self._tried(place))

    def _fails(self, place: Place) -> bool:
        """Whether a node fails before anything stands in for it."""
        stopped = self._gate(place)
        return stopped is None and self._tried(place).state == FAILED

    def _tried(self, place: Place) -> Ending:
        """How a node ends that is let in, before its `on_error` has a say. Remembered: its rounds are born once."""
        key = -id(place)
        if key not in self.seen:
            self.seen[key] = self._try(place)
        return self.seen[key]

    def _try(self, place: Place) -> Ending:
        start = self._opening(place)
        if start.state != COMPLETED:
            return start
        try:
            return self._done(place)
        except Failed:
            return Ending(FAILED)

    def _gate(self, place: Place) -> Ending | None:
        """What keeps a node out because of what holds it; None if it may begin."""
        owner = place.owner
        if owner is None or place.born:
            return None
        stopped = self._gate(owner)
        if stopped is not None:
            return stopped
        if owner.stands_for is not None and not self._fails(owner.stands_for):
            return Ending(SKIPPED)
        start = self._opening(owner)
        if start.state != COMPLETED:
            return Ending(SKIPPED if start.state == SKIPPED or self._is_skipped(owner) else CANCELED)
        if not owner.node.settings.enabled:
            return Ending(SKIPPED)
        if isinstance(owner.node.body, Conditional | Switch):
            try:
                chosen = self._chosen(owner)
            except Failed:
                return Ending(SKIPPED if self._is_skipped(owner) else CANCELED)
            if chosen is not place:
                return Ending(SKIPPED)
        return None

    def _is_skipped(self, place: Place) -> bool:
        """Whether a failure of this node counts as a skip."""
        return isinstance(place.node.settings.on_error, Skip)

    def _opening(self, place: Place) -> Ending:
        """COMPLETED where the join and the guard let a node begin; else how it ends."""
        node = place.node
        if not place.born:
            found = [
                not self._inside_of_same(place, one) or self.ending(one).state == COMPLETED
                for one in self._upstream(place)
            ]
            join = node.settings.join
            needed = {"all": len(found), "any": 1, "all_done": 0}.get(join, join)  # type: ignore[call-overload]
            if sum(found) < (needed if found else 0):
                return Ending(SKIPPED)
        when = node.settings.when
        if when is not None:
            try:
                if not (when if isinstance(when, bool) else self._holds(place, when, {})):
                    return Ending(SKIPPED)
            except Failed:
                return Ending(FAILED)
        return Ending(COMPLETED)

    def _forgive(self, place: Place, ending: Ending) -> Ending:
        if ending.state != FAILED or place.born:
            return ending
        action = place.node.settings.on_error
        if isinstance(action, Skip):
            return Ending(SKIPPED)
        if isinstance(action, RunAlternative):
            other = self.ending(place.level.find(action.alternative))
            if other.state == COMPLETED:
                return other
        return ending

    def _forgiven(self, place: Place) -> bool:
        """Whether something around a failed node, or in its place, makes good for it."""
        if place.stands_for is not None and self.ending(place.stands_for).state != FAILED:
            return True
        around = place.owner
        while around is not None:
            if self.ending(around).state != FAILED:
                return True
            around = around.owner
        return False

    def _upstream(self, place: Place) -> list[Place]:
        """What a node waits for, apart from what holds it."""
        found: dict[int, Place] = {}
        names = list(place.node.needs) + list(_named(place.node, own=True))
        if place.node.settings.enabled and (place.node.each or place.node.again):
            names += _outside(place.node, {place.path.rsplit("/", 1)[-1]})
        if place.stands_for is not None:
            names = []
        for name in names:
            other = place.level.find(name)
            found[id(other)] = other
        if place.before is not None:
            found[id(place.before)] = place.before
        return list(found.values())

    def _inside_of_same(self, place: Place, other: Place) -> bool:
        """Inside of a round, what stands outside of it has ended long ago, and counts as arrived."""
        around: Place | None = place
        while around is not None and not around.born:
            around = around.owner
        return around is None or other.within(around)

    # -- what nodes do -----------------------------------------------------------------------------------------------

    def _done(self, place: Place) -> Ending:
        node = place.node
        if not node.settings.enabled:
            return Ending(COMPLETED, self._passed(place))
        if node.each is not None:
            return self._mapped(place)
        if node.again is not None:
            return self._looped(place, node.again)
        body = node.body
        if isinstance(body, Task):
            return Ending(COMPLETED, self._called(place, body.task, self._arguments(place), retried=True))
        if isinstance(body, Composite | SubWorkflow):
            return self._grouped(place)
        if isinstance(body, Conditional | Switch):
            chosen = self._chosen(place)
            return Ending(COMPLETED) if chosen is None else self._through([chosen], lambda values: values[0])
        if isinstance(body, Approval):
            if body.default is None:
                raise Failed
            return Ending(COMPLETED, body.default)
        assert isinstance(body, Wait)
        return Ending(COMPLETED)

    def _passed(self, place: Place) -> Any:
        """What a bypassed node gives: the one input it has, a table of several, or nothing."""
        node = place.node
        found = {name: self._source(place, source) for name, source in self._inputs(place).items()}
        if node.each is not None:
            items = node.each.map
            lists = items if isinstance(items, Mapping) else {"item": items}
            found.update({name: self._mapped_over(place, one) for name, one in lists.items()})
        if not found:
            return None
        return next(iter(found.values())) if len(found) == 1 else found

    def _through(self, places: list[Place], value: Callable[[list[Any]], Any]) -> Ending:
        """How something ends that holds these."""
        found = [self.ending(place) for place in places]
        for state in (FAILED, CANCELED):
            if any(ending.state == state for ending in found):
                return Ending(state)
        return Ending(COMPLETED, value([ending.value for ending in found]))

    def _grouped(self, place: Place) -> Ending:
        body = place.node.body
        held = {name: child for name, child in place.held.items() if not child.is_last}
        children = list(held.values())
        if isinstance(body, SubWorkflow):
            result = self.project.workflows[body.workflow].result
            if result is not None:
                name, steps = _parted(result)
                inner = children[0].level
                return self._through(children, lambda _: _taken(self.ending(inner.find(name)).value, steps))
        elif body.kind == "sequential":
            last = self._in_turn(place)[-1:]
            return self._through(children, lambda _: self.ending(last[0]).value if last else None)
        return self._through(children, lambda values: dict(zip(held, values, strict=True)))

    def _chosen(self, place: Place) -> Place | None:
        body = place.node.body
        if isinstance(body, Conditional):
            held = self._decided(place, body.condition)
            if not isinstance(held, bool):
                raise Failed
            return place.held["then"] if held else place.held.get("else")
        assert isinstance(body, Switch)
        case = self._decided(place, body.switch)
        key = ("true" if case else "false") if isinstance(case, bool) else str(case)
        return place.held[key] if key in body.cases else place.held.get("else")

    def _decided(self, place: Place, text: Any) -> Any:
        if ":" in text and "$" not in text:
            return self._called(place, text, self._arguments(place))
        return self._holds(place, text, {}) if isinstance(place.node.body, Conditional) else self._filled(place, text)

    def _mapped(self, place: Place) -> Ending:
        each = place.node.each
        assert each is not None
        items: list[Any]
        if isinstance(each.map, Mapping):
            lists = {name: self._listed(place, one) for name, one in each.map.items()}
            if each.product:
                items = [dict(zip(lists, one, strict=True)) for one in product(*lists.values())]
            elif len({len(one) for one in lists.values()}) > 1:
                raise Failed
            else:
                items = [dict(zip(lists, one, strict=True)) for one in zip(*lists.values(), strict=True)]
        else:
            items = self._listed(place, each.map)
        body = structs.replace(place.node, each=None)
        born = [self._bear(place, index, body, {"item": item}) for index, item in enumerate(items)]
        return self._through(born, list)

    def _looped(self, place: Place, again: Loop) -> Ending:
        body = structs.replace(place.node, again=None)
        value = self._filled(place, again.initial)
        for index in range(again.max_iterations or 1000):
            born = self._bear(place, index, body, {"value": value})
            ending = self.ending(born)
            if ending.state in (FAILED, CANCELED):
                return Ending(ending.state)
            value = ending.value
            if ":" in again.condition and "$" not in again.condition:
                held = self._called(place, again.condition, {"value": value})
                if not isinstance(held, bool):
                    raise Failed
            else:
                held = self._holds(place, again.condition, {"value": value, "index": index})
            if held is not again.negate:
                return Ending(COMPLETED, value)
        raise Failed

    def _called(self, place: Place, name: Any, arguments: Mapping[str, Any], *, retried: bool = False) -> Any:
        retry = place.node.settings.retry or self.project.defaults.retry
        for number in range(1, (retry.max_retries if retry is not None and retried else 0) + 2):
            try:
                return self.functions[name](number, **arguments)
            except Exception:  # whatever it raises, the attempt has failed
                continue
        raise Failed

    def _undone(self, place: Place) -> bool:
        undo = place.node.settings.undo
        assert undo is not None
        assert isinstance(undo.body, Task)
        retry = undo.settings.retry or self.project.defaults.retry
        for number in range(1, (retry.max_retries if retry is not None else 0) + 2):
            try:
                self.functions[undo.body.task](number, **undo.args)  # type: ignore[index]
            except Exception:  # as above
                continue
            return True
        return False

    # -- values ------------------------------------------------------------------------------------------------------

    def _inputs(self, place: Place) -> dict[str, Any]:
        failed = place.stands_for
        return {**(failed.node.inputs if failed is not None else {}), **place.node.inputs}

    def _arguments(self, place: Place) -> dict[str, Any]:
        node = place.node
        found = {name: self._source(place, source) for name, source in self._inputs(place).items()}
        failed = place.stands_for
        args = {**(failed.node.args if failed is not None else {}), **node.args}
        found.update({name: self._filled(place, value) for name, value in args.items()})
        around: Place | None = place
        while around is not None and around.born:  # it is the body of these, not inside of one
            around = around.owner
            assert around is not None
            each, again = around.node.each, around.node.again
            if each is not None:
                if isinstance(each.map, Mapping):
                    found.update({name: place.local["item"][name] for name in each.map})
                else:
                    found["item"] = place.local["item"]
            if again is not None and again.carry is not None:
                found[again.carry] = place.local["value"]
        return found

    def _source(self, place: Place, source: Any) -> Any:
        if isinstance(source, str):
            name, steps = _parted(source)
            return _taken(self.ending(place.level.find(name)).value, steps)
        return [self._source(place, one) for one in source]

    def _listed(self, place: Place, source: Any) -> list[Any]:
        found = self._mapped_over(place, source)
        if not isinstance(found, list):
            raise Failed
        return found

    def _mapped_over(self, place: Place, source: Any) -> Any:
        if isinstance(source, str) and "$" not in source:
            return self._source(place, source)
        return self._filled(place, source)

    def _filled(self, place: Place, value: Any, local: Mapping[str, Any] | None = None) -> Any:
        if isinstance(value, str):
            whole = _WORD.fullmatch(value)
            if whole is not None:
                return self._looked_up(place, whole[1], local or {})
            return _WORD.sub(lambda found: _in_text(self._looked_up(place, found[1], local or {})), value)
        if isinstance(value, Mapping):
            return {key: self._filled(place, one, local) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._filled(place, one, local) for one in value]
        return value

    def _looked_up(self, place: Place, text: str, local: Mapping[str, Any]) -> Any:
        name, steps = _parted(text)
        if name == "params":
            return _taken(place.level.params[steps[0]], steps[1:])
        if name in local:
            return _taken(local[name], steps)
        if name in ("item", "index", "value"):
            if name not in place.local:
                raise Failed
            return _taken(place.local[name], steps)
        return _taken(self.ending(place.level.find(name)).value, steps)

    def _holds(self, place: Place, text: str, local: Mapping[str, Any]) -> bool:
        compared = _COMPARED.match(text)
        if compared is None:
            held = text == "true" if text in ("true", "false") else self._filled(place, text, local)
        else:
            left, sign, right = compared.groups()
            try:
                held = _OPERATORS[sign](self._operand(place, left, local), self._operand(place, right, local))
            except TypeError:
                raise Failed from None
        if not isinstance(held, bool):
            raise Failed
        return held

    def _operand(self, place: Place, text: str, local: Mapping[str, Any]) -> Any:
        return self._filled(place, text, local) if text.startswith("$") else int(text)


class _Given(Mapping[str, Any]):
    """The params of a sub-workflow: found where its node stands, when somebody asks."""

    def __init__(self, interpreter: Interpreter, place: Place, workflow: Workflow) -> None:
        self._interpreter = interpreter
        self._place = place
        self._workflow = workflow

    def __getitem__(self, name: str) -> Any:
        body = self._place.node.body
        assert isinstance(body, SubWorkflow)
        if name in body.params:
            return self._interpreter._filled(self._place, body.params[name])
        default = self._workflow.params[name].default
        assert default is not UNSET
        return default

    def __iter__(self) -> Iterator[str]:
        return iter(self._workflow.params)

    def __len__(self) -> int:
        return len(self._workflow.params)


def _parted(text: str) -> tuple[str, list[Any]]:
    """The name in front of a reference, and the steps after it."""
    name, *steps = re.findall(r"[^.\[\]]+", text)
    return name, [int(step) if step.lstrip("-").isdigit() else step for step in steps]


def _taken(value: Any, steps: list[Any]) -> Any:
    for step in steps:
        try:
            value = value[step]
        except (LookupError, TypeError):
            raise Failed from None
    return value


def _in_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | str):
        return str(value)
    raise Failed


def _named(node: Node, *, own: bool) -> Iterator[str]:
    """Names of nodes that a node's own keys mention."""
    for source in node.inputs.values():
        for one in (source,) if isinstance(source, str) else source:
            yield _parted(one)[0]
    body = node.body
    texts: list[Any] = [node.args, node.settings.when]
    for key in ("condition", "switch", "params", "approval"):
        texts.append(getattr(body, key, None))
    if node.each is not None:
        for source in node.each.map.values() if isinstance(node.each.map, Mapping) else [node.each.map]:
            if isinstance(source, str) and "$" not in source:
                yield _parted(source)[0]
            else:
                texts.append(source)
    if node.again is not None:
        texts += [node.again.initial, node.again.condition]
    for text in _texts(texts):
        for found in _WORD.findall(text):
            name = _parted(found)[0]
            if name not in ("params", "item", "index", "value", "vars", "env"):
                yield name


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _outside(node: Node, inside: set[str]) -> list[str]:
    """Names of nodes outside that the nodes inside of a body mention."""
    body = node.body
    held: dict[str, Node] = {}
    if isinstance(body, Composite):
        held = dict(body.nodes)
        inside = inside | set(held)
    elif isinstance(body, Conditional | Switch):
        held = {"then": body.then} if isinstance(body, Conditional) else dict(body.cases)
        if body.otherwise is not None:
            held["else"] = body.otherwise
    found: list[str] = []
    for child in held.values():
        names = [*child.needs, *_named(child, own=False)]
        found += [name for name in names if name.split("/")[0] not in inside]
        found += _outside(child, inside)
    return found
