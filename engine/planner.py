"""From a project to a Plan: defaults filled in, ids turned into integers, the order of things fixed.

Pure: no file is read, nothing is imported. What the outside has to say (the environment for `${env:NAME}`, chosen params,
the executor of the command line, the text of sub-workflow files) comes in as arguments. Raises ValidationFailed for
what `check` would have told.

Two passes. The first numbers the nodes in file order, frames before what they hold; a wrapped node (map, loop) becomes a
frame, and its body the root of a template. The second resolves every name from where it stands and binds it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import UNSET, structs

from engine import works
from engine.attempt import Work
from engine.binding import Condition, Expression, Filling, InnerParams, Names, RetryNumber, Source, is_template
from engine.errors import NodeNotFound, ValidationFailed
from engine.frames import Again, Choice, Each, Frame, Group, Pause, Question
from engine.plan import NO_LIMIT, Binding, LaneSpec, Plan
from engine.project.comparisons import is_function, read_comparison, references_of
from engine.project.model import (
    Approval,
    Command,
    Compensate,
    Composite,
    Conditional,
    CustomDelay,
    Node,
    Plugin,
    Project,
    RunAlternative,
    SubWorkflow,
    Switch,
    Wait,
    Workflow,
)
from engine.project.references import Ref, ReferenceSyntax, read_reference, read_template, read_value, references_in
from engine.project.scope import Level, Missing, Standing, resolve, standings

NOTHING: Mapping[str, Any] = {}


def plan_project(
    project: Project,
    *,
    params: Mapping[str, Any] = NOTHING,
    executor: str | None = None,
    default_executor: str = "processes",
    jobs: int | None = None,
    keep_going: bool = False,
    environment: Mapping[str, str] = NOTHING,
    files: Mapping[str, Project] = NOTHING,
) -> Plan:
    """The plan of a whole project.

    `executor` overrules what the project says, `default_executor` stands behind it; `files` are the projects of the
    sub-workflow files that it names, by the name it uses.
    """
    values = chosen_params(project.workflow, params)
    planner = _Planner(project, executor, default_executor, environment, files)
    plan = planner.plan(project.workflow, values)
    run = project.run
    plan.name = project.workflow.name
    plan.params = values
    plan.timeout = run.timeout
    plan.fail_fast = run.fail_fast
    plan.keep_going = keep_going
    plan.max_parallel = run.max_parallel if jobs is None else jobs
    plan.variables = dict(project.vars)
    plan.compensates = run.on_error == "compensate"
    return plan


def chosen_params(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each param: what was given, else its default. Raises ValidationFailed for one without either."""
    unknown = [name for name in given if name not in workflow.params]
    if unknown:
        known = ", ".join(workflow.params) or "none"
        raise ValidationFailed(f"there is no param {unknown[0]!r}; {workflow.name} has: {known}")
    values = {}
    for name, param in workflow.params.items():
        if name in given:
            values[name] = given[name]
        elif param.default is not UNSET:
            values[name] = param.default
        else:
            raise ValidationFailed(f"the param {name!r} has no value; give one with -p {name}=VALUE")
    return values


class _Spot:
    """A node on its way into the plan: where it stands, its numbers, and whose names it uses."""

    __slots__ = ("asked", "body", "delay", "outer", "scope", "standing", "undo", "until")

    def __init__(self, standing: Standing, scope: _Scope, outer: int, body: int) -> None:
        self.standing = standing
        self.scope = scope
        self.outer = outer  # what other nodes mean by its name
        self.body = body  # what does its work, inside of its wrappers
        self.asked = -1  # the hidden node that runs its condition, where that is a function
        self.until = -1  # the hidden node that runs its loop's condition, where that is a function
        self.undo = -1  # the hidden node that takes back what it did
        self.delay = -1  # the hidden node that says how long to wait before a retry, where that is the project's code


class _Scope:
    """One workflow text: its nodes see each other and its params, and nothing outside."""

    def __init__(self, params: Mapping[str, Any] | InnerParams) -> None:
        self.params = params
        self.spots: dict[int, _Spot] = {}


class _Planner:
    """The making of one plan. Columns grow in the first pass, edges are added in the second."""

    def __init__(
        self,
        project: Project,
        executor: str | None,
        default_executor: str,
        environment: Mapping[str, str],
        files: Mapping[str, Project],
    ) -> None:
        self.project = project
        self.executor = executor
        self.default_executor = default_executor
        self.environment = environment
        self.files = files
        self.lanes: dict[tuple[str, str | None], int] = {}
        self.specs: list[LaneSpec] = [LaneSpec("")]
        self.names: list[str] = []
        self.works: list[Work | None] = []
        self.upstream: list[dict[int, None]] = []
        self.direct: dict[int, dict[str, int]] = {}
        self.bindings: dict[int, Binding] = {}
        self.guards: dict[int, Condition | _Constant] = {}
        self.frames: dict[int, Frame] = {}
        self.parents: dict[int, int] = {}
        self.hidden: set[int] = set()
        self.spots: list[_Spot] = []
        self.aside: set[int] = set()
        self.undos: dict[int, int] = {}
        self.delays: dict[int, int] = {}
        self.alternatives: dict[_Spot, _Spot] = {}
        self.named_undos: dict[int, tuple[int, ...]] = {}

    def plan(self, workflow: Workflow, params: Mapping[str, Any]) -> Plan:
        """Both passes, and the Plan out of what they found."""
        scope = _Scope(params)
        top = self._number(workflow, scope, prefix="", frame=None, seen=())
        self._find_alternatives()
        hooks = self._add_hooks(scope)
        for spot in list(self.spots):
            try:
                self._bind(spot)
                self._set_aside(spot)
            except (ReferenceSyntax, NodeNotFound) as problem:
                path = self.names[spot.outer]
                raise ValidationFailed(f"{path}: {problem}", node_id=path) from problem
        plan = Plan(self.names, self.works, [tuple(upstream) for upstream in self.upstream])
        plan.sources = [()] * len(self.names)
        plan.keywords = [()] * len(self.names)
        for number, direct in self.direct.items():
            plan.sources[number], plan.keywords[number] = tuple(direct.values()), tuple(direct)
        plan.bindings.update(self.bindings)
        plan.guards.update(self.guards)
        plan.frames, plan.parents, plan.hidden = self.frames, self.parents, self.hidden
        plan.aside, plan.undos, plan.delays = self.aside, self.undos, self.delays
        plan.hooks, plan.named_undos = hooks, self.named_undos
        plan.alternatives = {failed.outer: other.outer for other, failed in self.alternatives.items()}
        for spot in self.spots:
            self._settings(plan, spot)
        for number in self.hidden:
            work = plan.works[number]
            assert work is not None
            plan.lane_of[number] = self._lane(work.executor, None)
        for number in self.frames:
            plan.lane_of[number] = 0
        plan.lanes = self.specs
        if self.frames or self.aside:
            plan.close_frames()
        plan.check_order()
        self._result(plan, workflow, top)
        return plan

    # -- first pass: numbers -----------------------------------------------------------------------------------------

    def _number(
        self, workflow: Workflow, scope: _Scope, *, prefix: str, frame: int | None, seen: tuple[str, ...]
    ) -> list[_Spot]:
        """Give numbers to a workflow's nodes and to all they hold; the spots of its own level."""
        level: list[_Spot] = []
        for standing in standings(workflow):
            owner = standing.owner
            holder = frame if owner is None else scope.spots[owner.index].body
            within = prefix if owner is None else self.names[holder or 0] + "/"
            spot = self._place(standing, scope, within + standing.path.rsplit("/", 1)[-1], holder)
            scope.spots[standing.index] = spot
            self.spots.append(spot)
            if owner is None:
                level.append(spot)
            if isinstance(standing.node.body, SubWorkflow):
                self._enter(spot, standing.node.body, seen)
        return level

    def _place(self, standing: Standing, scope: _Scope, path: str, holder: int | None) -> _Spot:
        node = standing.node
        outer = number = self._add(path, holder)
        for wrapper in (node.each, node.again):
            if wrapper is not None:
                self.frames[number] = Frame()  # made whole in the second pass
                number = self._add(f"{self.names[number]}[*]", number)
        spot = _Spot(standing, scope, outer, number)
        # Hidden nodes get their numbers here, so that a template is one range of numbers.
        if node.again is not None and _is_code(node.again.condition):
            spot.until = self._add(f"{self.names[number]}/until", number - 1)
        if node.settings.undo is not None:
            spot.undo = self._add(f"{path}/undo", holder)
        if type(node.body) in works.MAKERS and isinstance(self._delay_function(node), str):
            spot.delay = self._add(f"{self.names[number]}/delay", holder if number == outer else number - 1)
        chooser = getattr(node.body, "condition", None) or getattr(node.body, "switch", None)
        if chooser is not None and _is_code(chooser):
            spot.asked = self._add(f"{self.names[number]}/condition", number)
        return spot

    def _delay_function(self, node: Node) -> Any:
        """The function that a custom retry strategy names, if the node has one."""
        retry = node.settings.retry or self.project.defaults.retry
        return retry.strategy.function if retry is not None and isinstance(retry.strategy, CustomDelay) else None

    def _add(self, path: str, holder: int | None) -> int:
        number = len(self.names)
        self.names.append(path)
        self.works.append(None)
        self.upstream.append({})
        if holder is not None:
            self.parents[number] = holder
        return number

    def _enter(self, spot: _Spot, body: SubWorkflow, seen: tuple[str, ...]) -> None:
        """Number the nodes of a sub-workflow, which see only its own params."""
        if body.workflow in seen:
            raise ValidationFailed(f"{self.names[spot.outer]}: {body.workflow} contains itself")
        inner = self.project.workflows.get(body.workflow)
        if inner is None and body.workflow in self.files:
            inner = self.files[body.workflow].workflow
        if inner is None:
            raise ValidationFailed(f"{self.names[spot.outer]}: there is no workflow {body.workflow!r}")
        names = self._names_for(spot, read_value(dict(body.params)))
        defaults = {name: param.default for name, param in inner.params.items() if param.default is not UNSET}
        missing = [name for name in inner.params if name not in defaults and name not in body.params]
        if missing:
            raise ValidationFailed(f"{self.names[spot.outer]}: the param {missing[0]!r} of {body.workflow} is not set")
        scope = _Scope(InnerParams(read_value(dict(body.params)), defaults, names))
        path = self.names[spot.body] + "/"
        level = self._number(inner, scope, prefix=path, frame=spot.body, seen=(*seen, body.workflow))
        group = Group([child.outer for child in level], [child.standing.node.id for child in level])
        if inner.result is not None:
            ref = read_reference(inner.result)
            group.result, group.steps = self._find(ref.name, level[0].standing.level, scope), ref.steps
        self.frames[spot.body] = group

    # -- second pass: names ------------------------------------------------------------------------------------------

    def _bind(self, spot: _Spot) -> None:
        node, number = spot.standing.node, spot.outer
        upstream = self.upstream[number]
        for name in node.needs:
            upstream[self._resolve(name, spot)] = None
        self._guard(spot)
        self._inner(spot)
        self._wrap(spot)

    # -- what is only called -----------------------------------------------------------------------------------------

    def _find_alternatives(self) -> None:
        """Which nodes stand in for which, and which are run to compensate: these never start by themselves."""
        for spot in self.spots:
            action = spot.standing.node.settings.on_error
            if isinstance(action, RunAlternative):
                other = self._spot_of(action.alternative, spot)
                self.alternatives[other] = spot
                self.aside.add(other.outer)
            elif isinstance(action, Compensate):
                others = [self._spot_of(name, spot) for name in action.nodes]
                self.aside.update(other.outer for other in others if other.undo < 0)
                self.named_undos[spot.outer] = tuple(o.undo if o.undo >= 0 else o.outer for o in others)

    def _spot_of(self, name: str, spot: _Spot) -> _Spot:
        number = self._resolve(name, spot)
        return next(other for other in spot.scope.spots.values() if other.outer == number)

    def _set_aside(self, spot: _Spot) -> None:
        """Bind the hidden nodes that are called for this one: its undo, its retry delay."""
        node = spot.standing.node
        undo = node.settings.undo
        if undo is not None:
            self.works[spot.undo] = works.work_of(
                undo, self.project.defaults, executor=self.executor, fallback=self.default_executor
            )
            args = {name: read_value(value) for name, value in undo.args.items()}
            inputs: dict[str, Source | tuple[Source, ...]] = {"result": (spot.outer, Ref("node", "result"))}
            self.bindings[spot.undo] = Filling(self._names_for(spot, args), inputs, args)
            self._call(self.undos, spot.outer, spot.undo)
        if spot.delay >= 0:
            self.works[spot.delay] = works.question_work(
                node,
                self.project.defaults,
                self._delay_function(node),
                executor=self.executor,
                fallback=self.default_executor,
            )
            self.bindings[spot.delay] = RetryNumber(spot.body)
            self._call(self.delays, spot.body, spot.delay)

    def _call(self, table: dict[int, int], node: int, called: int) -> None:
        table[node] = called
        self.hidden.add(called)
        self.aside.add(called)

    def _add_hooks(self, scope: _Scope) -> dict[str, int]:
        """The nodes that are run once at the end of the run: how it ends -> node."""
        found = {}
        run = self.project.run
        for key, ending, hook in (
            ("on_success", "completed", run.on_success),
            ("on_failure", "failed", run.on_failure),
        ):
            if hook is not None:
                number = self._add(key, None)
                found[ending] = number
                self.hidden.add(number)
                self.aside.add(number)
                self.works[number] = works.work_of(
                    hook, self.project.defaults, executor=self.executor, fallback=self.default_executor
                )
                args = {name: read_value(value) for name, value in hook.args.items()}
                if any(ref.kind == "node" for ref in references_in(args)):
                    raise ValidationFailed(f"[run.{key}] can use params and vars, not results of nodes")
                self.bindings[number] = Filling(Names({}, scope.params, self.environment), {}, args)
        return found

    def _inner(self, spot: _Spot) -> None:
        """What does the node's work: an attempt, or a frame."""
        node, number = spot.standing.node, spot.body
        make = _FRAMES.get(type(node.body))
        if make is not None:
            frame = make(self, spot)
            if frame is not None:
                self.frames[number] = frame
            for reference in node.inputs.values():  # a frame takes no inputs itself, but it waits for them
                for one in (reference,) if isinstance(reference, str) else reference:
                    self.upstream[spot.outer][self._resolve(read_reference(one).name, spot)] = None
            return
        self.works[number] = works.work_of(
            node, self.project.defaults, executor=self.executor, fallback=self.default_executor
        )
        filling, direct = self._arguments(spot)
        self.direct[number] = direct
        if filling is not None:
            self.bindings[number] = filling

    def _arguments(self, spot: _Spot) -> tuple[Filling | None, dict[str, int]]:
        """Where the arguments come from: whole results alone (the plain case), or a recipe."""
        node = spot.standing.node
        failed = self.alternatives.get(spot)
        if failed is not None:  # it takes the inputs of the node that it stands in for
            theirs = failed.standing.node
            node = structs.replace(node, inputs={**theirs.inputs, **node.inputs}, args={**theirs.args, **node.args})
        upstream = self.upstream[spot.outer]
        direct: dict[str, int] = {}
        inputs: dict[str, Source | tuple[Source, ...]] = {}
        for argument, reference in node.inputs.items():
            if isinstance(reference, str):
                number, ref = self._source(reference, spot)
                upstream[number] = None
                if ref.steps:
                    inputs[argument] = (number, ref)
                else:
                    direct[argument] = number
            else:
                several = tuple(self._source(one, spot) for one in reference)
                upstream.update(dict.fromkeys([number for number, _ in several]))
                inputs[argument] = several
        args = {name: read_value(value) for name, value in node.args.items()}
        args.update(self._from_wrappers(node))
        body = node.body
        words = [read_value(word) for word in body.command] if isinstance(body, Command) else None
        defaults, settings = self.project.defaults, node.settings
        env = {name: read_value(value) for name, value in {**defaults.env, **settings.env}.items()}
        cwd = read_value(settings.cwd or defaults.cwd)
        plain = not inputs and not args and spot.outer == spot.body
        if plain and not any(is_template(part) for part in (words, env, cwd)):
            return None, direct
        for argument, number in direct.items():
            inputs[argument] = (number, Ref("node", argument))
        names = self._names_for(spot, (args, words or (), env, cwd))
        filling = Filling(
            names,
            {argument: inputs[argument] for argument in node.inputs},
            args,
            words if is_template(words) else None,
            env if is_template(env) else None,
            cwd if is_template(cwd) else None,
        )
        return filling, {}

    def _from_wrappers(self, node: Node) -> dict[str, Any]:
        """The arguments that a map or loop around the body gives it."""
        found: dict[str, Any] = {}
        if node.each is not None:
            if isinstance(node.each.map, Mapping):
                found.update({name: Ref("item", "", (name,)) for name in node.each.map})
            else:
                found["item"] = Ref("item", "")
        if node.again is not None and node.again.carry is not None:
            found[node.again.carry] = Ref("value", "")
        return found

    def _guard(self, spot: _Spot) -> None:
        when = spot.standing.node.settings.when
        if when is None or when is True:
            return
        if not isinstance(when, str):
            self.guards[spot.outer] = _Constant(bool(when))
            return
        if is_function(when):
            raise ValidationFailed(f"{spot.standing.path}: write `when` as a comparison over ${{...}}, not a function")
        self.guards[spot.outer] = self._condition(when, spot)

    def _condition(self, text: str, spot: _Spot) -> Condition:
        comparison = read_comparison(text)
        return Condition(comparison, self._names(spot, references_of(comparison)))

    def _names_for(self, spot: _Spot, parsed: Any) -> Names:
        return self._names(spot, references_in(parsed))

    def _names(self, spot: _Spot, references: Iterable[Ref]) -> Names:
        """The names that these references use, resolved; the nodes among them become upstream of the spot's node."""
        nodes = {}
        for ref in references:
            if ref.kind == "node":
                nodes[ref.name] = number = self._resolve(ref.name, spot)
                self.upstream[spot.outer][number] = None
        return Names(nodes, spot.scope.params, self.environment)

    def _source(self, reference: str, spot: _Spot) -> Source:
        ref = read_reference(reference)
        return self._resolve(ref.name, spot), ref

    def _resolve(self, name: str, spot: _Spot) -> int:
        return self._find(name, spot.standing.level, spot.scope)

    def _find(self, name: str, level: Level, scope: _Scope) -> int:
        found = resolve(name, level)
        if isinstance(found, Missing):
            raise NodeNotFound(name, found.known())
        return scope.spots[found.index].outer

    # -- frames ------------------------------------------------------------------------------------------------------

    def _children(self, spot: _Spot) -> list[_Spot]:
        return [spot.scope.spots[inner.index] for inner in spot.standing.held.values()]

    def composite(self, spot: _Spot) -> Frame:
        """A group of nodes; in a sequential one each waits for the one before it."""
        body = spot.standing.node.body
        assert isinstance(body, Composite)
        children = self._children(spot)
        sequential = body.kind == "sequential"
        if sequential:
            for before, after in itertools.pairwise(children):
                self.upstream[after.outer][before.outer] = None
        numbers = [child.outer for child in children]
        return Group(numbers, list(body.nodes), sequential=sequential, max_parallel=body.max_parallel)

    def conditional(self, spot: _Spot) -> Frame:
        """Two branches and a condition."""
        body = spot.standing.node.body
        assert isinstance(body, Conditional)
        held = spot.standing.held
        branches = {"true": spot.scope.spots[held["then"].index].outer}
        other = spot.scope.spots[held["else"].index].outer if "else" in held else None
        if not isinstance(body.condition, str) or spot.asked >= 0:
            return Choice(branches, other, asked=self._ask(spot, body.condition))
        return Choice(branches, other, decide=self._condition(body.condition, spot))

    def switch(self, spot: _Spot) -> Frame:
        """A branch for each case, and a value that chooses."""
        body = spot.standing.node.body
        assert isinstance(body, Switch)
        spots = spot.scope.spots
        branches = {name: spots[inner.index].outer for name, inner in spot.standing.held.items() if name in body.cases}
        other = spot.standing.held.get("else") if body.otherwise is not None else None
        otherwise = None if other is None else spots[other.index].outer
        if not isinstance(body.switch, str) or spot.asked >= 0:
            return Choice(branches, otherwise, switch=True, asked=self._ask(spot, body.switch))
        parsed = read_template(body.switch)
        return Choice(branches, otherwise, switch=True, decide=Expression(parsed, self._names_for(spot, parsed)))

    def sub_workflow(self, spot: _Spot) -> None:
        """Numbered whole when its node was."""

    def wait(self, spot: _Spot) -> Frame:
        """A wait, which has no children."""
        body = spot.standing.node.body
        assert isinstance(body, Wait)
        path = None
        if body.file is not None:
            parsed = read_template(body.file)
            path = Expression(parsed, self._names_for(spot, parsed))
        return Pause(body.seconds, body.until, path)

    def approval(self, spot: _Spot) -> Frame:
        """A question to a person."""
        node = spot.standing.node
        body = node.body
        assert isinstance(body, Approval)
        parsed = read_template(body.approval)
        text = Expression(parsed, self._names_for(spot, parsed))
        return Question(text, body.choices, body.default, node.settings.timeout)

    def plugin(self, spot: _Spot) -> Frame:
        """A kind that an installed package brings."""
        body = spot.standing.node.body
        assert isinstance(body, Plugin)
        raise ValidationFailed(f"{spot.standing.path}: no installed package brings the kind {body.kind!r}")

    def _ask(self, spot: _Spot, function: Any) -> int:
        """The hidden node that runs a function which decides something; it gets the inputs and args of its node."""
        node = spot.standing.node
        number = spot.asked
        self.hidden.add(number)
        self.works[number] = works.question_work(
            node, self.project.defaults, function, executor=self.executor, fallback=self.default_executor
        )
        upstream = self.upstream[spot.outer]
        inputs: dict[str, Source | tuple[Source, ...]] = {}
        for argument, reference in node.inputs.items():
            if isinstance(reference, str):
                inputs[argument] = source = self._source(reference, spot)
                upstream[source[0]] = None
            else:
                inputs[argument] = tuple(self._source(one, spot) for one in reference)
        own = {name: read_value(value) for name, value in node.args.items()}
        self.bindings[number] = Filling(self._names_for(spot, own), inputs, own)
        return number

    def _wrap(self, spot: _Spot) -> None:
        """The map and loop around a body, from the outside in."""
        node = spot.standing.node
        number = spot.outer
        if node.each is not None:
            parsed = self._items_of(node.each.map, spot)
            names = self._names_for(spot, parsed)
            frame = Each(number + 1, -1, works.Items(parsed, names, node.each.product), node.each.max_parallel)
            self.frames[number] = frame
            number += 1
        if node.again is not None:
            self.frames[number] = self._loop(spot, number)

    def _items_of(self, source: Any, spot: _Spot) -> Any:
        """What a map runs over, with names of nodes turned into references."""
        if isinstance(source, Mapping):
            return {name: self._items_of(one, spot) for name, one in source.items()}
        if isinstance(source, str) and "${" not in source:
            return read_reference(source)
        return read_value(list(source) if isinstance(source, tuple) else source)

    def _loop(self, spot: _Spot, number: int) -> Again:
        again = spot.standing.node.again
        assert again is not None
        initial_parsed = read_value(again.initial)
        initial = Expression(initial_parsed, self._names_for(spot, initial_parsed))
        stop, asked = None, None
        if not isinstance(again.condition, str) or spot.until >= 0:
            asked = spot.until
            self.hidden.add(asked)
            node = spot.standing.node
            self.works[asked] = works.question_work(
                node, self.project.defaults, again.condition, executor=self.executor, fallback=self.default_executor
            )
            self.bindings[asked] = Filling(
                Names({}, spot.scope.params, self.environment), {"value": (spot.body, Ref("node", "value"))}, {}
            )
            self.upstream[asked][spot.body] = None
        else:
            stop = self._condition(again.condition, spot)
        return Again(
            number + 1,
            -1,
            stop=stop,
            asked=asked,
            negate=again.negate,
            initial=initial,
            delay=again.delay,
            most=again.max_iterations,
        )

    # -- settings ----------------------------------------------------------------------------------------------------

    def _settings(self, plan: Plan, spot: _Spot) -> None:
        node = spot.standing.node
        settings, defaults = node.settings, self.project.defaults
        number = spot.body
        work = plan.works[number]
        if work is not None:
            lane = self._lane(work.executor, settings.pool or defaults.pool)
            plan.lane_of[number] = lane
            if number in plan.guards:
                plan.lane_of[number] = 0
                plan.admitted_to[number] = lane
            retry = settings.retry or defaults.retry
            if retry is not None and retry.max_retries:
                plan.retries[number] = retry
            if settings.priority:
                plan.priorities[number] = settings.priority
            if settings.once:
                plan.once.add(number)
        on_error = settings.on_error or (defaults.on_error if work is not None else None)
        if on_error is not None:
            plan.on_errors[spot.outer] = on_error
        if settings.join != "all" and plan.deps[spot.outer]:
            plan.join(spot.outer, settings.join)

    def _lane(self, executor: str, pool: str | None) -> int:
        key = (executor, pool)
        if key not in self.lanes:
            limit = self.project.pools.get(pool, NO_LIMIT) if pool else NO_LIMIT
            self.lanes[key] = len(self.specs)
            self.specs.append(LaneSpec(executor, pool, limit))
        return self.lanes[key]

    def _result(self, plan: Plan, workflow: Workflow, top: Sequence[_Spot]) -> None:
        if workflow.result is None:
            own = {spot.outer for spot in top} - self.aside
            plan.results = [n for n in sorted(own) if not own.intersection(plan.dependents[n])]
            return
        ref = read_reference(workflow.result)
        plan.results = [self._find(ref.name, top[0].standing.level, top[0].scope)]
        plan.result_is_one = True
        plan.result_steps = ref.steps


def _is_code(condition: Any) -> bool:
    return callable(condition) or (isinstance(condition, str) and is_function(condition))


class _Constant:
    """A guard that is written as true or false."""

    __slots__ = ("held",)

    def __init__(self, held: bool) -> None:
        self.held = held

    def __call__(self, state: Any, node: int) -> bool:
        return self.held


_FRAMES = {
    Composite: _Planner.composite,
    Conditional: _Planner.conditional,
    Switch: _Planner.switch,
    SubWorkflow: _Planner.sub_workflow,
    Wait: _Planner.wait,
    Approval: _Planner.approval,
    Plugin: _Planner.plugin,
}
