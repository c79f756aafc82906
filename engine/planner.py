"""From a project to a Plan: defaults filled in, ids turned into integers, the order of things fixed.

Pure: no file is read, nothing is imported. What the outside has to say (the environment for `${env:NAME}`, chosen params,
the executor of the command line) comes in as arguments. Raises ValidationFailed for what `check` would have told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from engine.attempt import Work
from engine.binding import Condition, Filling, Names, Source, is_template
from engine.errors import NodeNotFound, ValidationFailed
from engine.plan import NO_LIMIT, Guard, LaneSpec, Plan
from engine.project.comparisons import is_function, read_comparison
from engine.project.model import Command, Defaults, Node, Project, Settings, Shell, Task, Workflow
from engine.project.references import Ref, ReferenceSyntax, read_reference, read_value, references_in

EVERYTHING: Mapping[str, Any] = {}


def plan_project(
    project: Project,
    *,
    params: Mapping[str, Any] = EVERYTHING,
    executor: str | None = None,
    default_executor: str = "processes",
    jobs: int | None = None,
    keep_going: bool = False,
    environment: Mapping[str, str] = EVERYTHING,
) -> Plan:
    """The plan of a whole project. `executor` overrules what the project says, `default_executor` stands behind it."""
    planner = _Planner(project, params, executor, default_executor, environment)
    plan = planner.plan(project.workflow)
    run = project.run
    plan.timeout = run.timeout
    plan.fail_fast = run.fail_fast
    plan.keep_going = keep_going
    plan.max_parallel = run.max_parallel if jobs is None else jobs
    plan.variables = dict(project.vars)
    return plan


def chosen_params(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each param: what was given, else its default. Raises ValidationFailed for one without either."""
    unknown = [name for name in given if name not in workflow.params]
    if unknown:
        known = ", ".join(workflow.params) or "none"
        raise ValidationFailed(f"there is no param {unknown[0]!r}; this workflow has: {known}")
    values = {}
    for name, param in workflow.params.items():
        if name in given:
            values[name] = given[name]
        elif param.default is not UNSET:
            values[name] = param.default
        else:
            raise ValidationFailed(f"the param {name!r} has no value; give one with -p {name}=VALUE")
    return values


class _Planner:
    """The making of one plan. Holds what all its nodes share."""

    def __init__(
        self,
        project: Project,
        params: Mapping[str, Any],
        executor: str | None,
        default_executor: str,
        environment: Mapping[str, str],
    ) -> None:
        self.project = project
        self.given = params
        self.executor = executor
        self.default_executor = default_executor
        self.environment = environment
        self.lanes: dict[tuple[str, str | None], int] = {}
        self.specs: list[LaneSpec] = [LaneSpec("")]

    def plan(self, workflow: Workflow) -> Plan:
        """Number the nodes in file order, then bind each."""
        ids = list(workflow.nodes)
        numbers = {name: number for number, name in enumerate(ids)}
        self.names = Names(numbers, chosen_params(workflow, self.given), self.environment)
        deps: list[tuple[int, ...]] = []
        works: list[Work | None] = []
        sources: list[tuple[int, ...]] = []
        keywords: list[tuple[str, ...] | None] = []
        fillings: dict[int, Filling] = {}
        guards: dict[int, Guard] = {}
        for number, node in enumerate(workflow.nodes.values()):
            try:
                upstream: dict[int, None] = {}
                filling, direct = self._bound(node, numbers, upstream)
                guard = self._guard(node, numbers, upstream)
            except (ReferenceSyntax, NodeNotFound) as problem:
                raise ValidationFailed(f"{node.id}: {problem}", node_id=node.id) from problem
            for name in node.needs:
                upstream[_number_of(name, numbers)] = None
            works.append(self._work(node))
            deps.append(tuple(upstream))
            sources.append(tuple(direct.values()))
            keywords.append(tuple(direct))
            if filling is not None:
                fillings[number] = filling
            if guard is not None:
                guards[number] = guard
        plan = Plan(ids, works, deps)
        plan.name = workflow.name
        plan.params = self.names.params
        plan.sources, plan.keywords = sources, keywords
        plan.bindings.update(fillings)
        plan.guards.update(guards)
        for number, node in enumerate(workflow.nodes.values()):
            self._settings(plan, number, node)
        plan.lanes = self.specs
        plan.check_order()
        self._result(plan, workflow, numbers)
        return plan

    # -- one node ----------------------------------------------------------------------------------------------------

    def _bound(
        self, node: Node, numbers: Mapping[str, int], upstream: dict[int, None]
    ) -> tuple[Filling | None, dict[str, int]]:
        """Where the arguments come from: whole results alone (the plain case), or a recipe. Fills `upstream`."""
        direct: dict[str, int] = {}
        inputs: dict[str, Source | tuple[Source, ...]] = {}
        for argument, reference in node.inputs.items():
            if isinstance(reference, str) and reference in numbers:
                upstream[numbers[reference]] = None
                direct[argument] = numbers[reference]
            elif isinstance(reference, str):
                inputs[argument] = _source(reference, numbers, upstream)
            else:
                inputs[argument] = tuple(_source(one, numbers, upstream) for one in reference)
        body, settings = node.body, node.settings
        args = {name: read_value(value) for name, value in node.args.items()}
        words = [read_value(word) for word in body.command] if isinstance(body, Command) else None
        env = {name: read_value(value) for name, value in self._env(settings).items()}
        cwd = read_value(settings.cwd or self.project.defaults.cwd)
        parsed = (args, words or (), env, cwd)
        for ref in references_in(parsed):
            if ref.kind == "node":
                upstream[_number_of(ref.name, numbers)] = None
        if not inputs and not args and not any(is_template(part) for part in (words, env, cwd)):
            return None, direct
        for argument, number in direct.items():
            inputs[argument] = (number, Ref("node", argument))
        filling = Filling(
            self.names,
            {argument: inputs[argument] for argument in node.inputs},
            args,
            words if is_template(words) else None,
            env if is_template(env) else None,
            cwd if is_template(cwd) else None,
        )
        return filling, {}

    def _guard(self, node: Node, numbers: Mapping[str, int], upstream: dict[int, None]) -> Guard | None:
        when = node.settings.when
        if when is None or when is True:
            return None
        if not isinstance(when, str):
            held = bool(when)
            return lambda _: held
        if is_function(when):
            raise ValidationFailed(f"{node.id}: a function as `when` cannot run yet; write a comparison over ${{...}}")
        comparison = read_comparison(when)
        for ref in references_in(comparison):
            if ref.kind == "node":
                upstream[_number_of(ref.name, numbers)] = None
        return Condition(comparison, self.names)

    def _work(self, node: Node) -> Work:
        settings, defaults = node.settings, self.project.defaults
        timeout = settings.timeout if settings.timeout is not None else defaults.timeout
        executor = self.executor or settings.executor or defaults.executor or self.default_executor
        env = {name: str(value) for name, value in self._env(settings).items()}
        cwd = settings.cwd or defaults.cwd
        make: Callable[..., Work] = _WORKS.get(type(node.body), _cannot_run)
        return make(node, timeout=timeout, executor=executor, env=env, cwd=cwd)

    def _env(self, settings: Settings) -> dict[str, Any]:
        return {**self.project.defaults.env, **settings.env}

    def _settings(self, plan: Plan, number: int, node: Node) -> None:
        settings: Settings = node.settings
        defaults: Defaults = self.project.defaults
        work = plan.works[number]
        assert work is not None
        plan.lane_of[number] = lane = self._lane(work.executor, settings.pool or defaults.pool)
        if number in plan.guards:
            plan.lane_of[number] = 0
            plan.admitted_to[number] = lane
        retry = settings.retry or defaults.retry
        if retry is not None and retry.max_retries:
            plan.retries[number] = retry
        on_error = settings.on_error or defaults.on_error
        if on_error is not None:
            plan.on_errors[number] = on_error
        if settings.priority:
            plan.priorities[number] = settings.priority
        if settings.join != "all" and plan.deps[number]:
            _join(plan, number, settings.join)

    def _lane(self, executor: str, pool: str | None) -> int:
        key = (executor, pool)
        if key not in self.lanes:
            limit = self.project.pools.get(pool, NO_LIMIT) if pool else NO_LIMIT
            self.lanes[key] = len(self.specs)
            self.specs.append(LaneSpec(executor, pool, limit))
        return self.lanes[key]

    def _result(self, plan: Plan, workflow: Workflow, numbers: Mapping[str, int]) -> None:
        if workflow.result is None:
            plan.results = [node for node, followers in enumerate(plan.dependents) if not followers]
            return
        plan.results = [_number_of(read_reference(workflow.result).name, numbers)]
        plan.result_is_one = True


def _source(reference: str, numbers: Mapping[str, int], upstream: dict[int, None]) -> Source:
    ref = read_reference(reference)
    number = _number_of(ref.name, numbers)
    upstream[number] = None
    return number, ref


def _number_of(name: str, numbers: Mapping[str, int]) -> int:
    try:
        return numbers[name]
    except KeyError:
        raise NodeNotFound(name, numbers) from None


def _join(plan: Plan, number: int, join: str | int) -> None:
    if join == "all_done":
        plan.joins[number] = Plan.ALL_DONE
        return
    needed = 1 if join == "any" else int(join)
    plan.joins[number] = needed
    plan.waiting[number] = needed


def _task(node: Node, **rest: Any) -> Work:
    assert isinstance(node.body, Task)
    function = node.body.task
    if isinstance(function, str):
        return Work("task", reference=function, **rest)
    return Work("task", function=function, **rest)


def _command(node: Node, **rest: Any) -> Work:
    assert isinstance(node.body, Command)
    body = node.body
    return Work("command", words=body.command, output=body.output, ok_codes=body.ok_codes, **rest)


def _shell(node: Node, **rest: Any) -> Work:
    assert isinstance(node.body, Shell)
    body = node.body
    return Work("shell", script=body.shell, output=body.output, ok_codes=body.ok_codes, **rest)


def _cannot_run(node: Node, **_: Any) -> Work:
    raise ValidationFailed(f"{node.id}: a {node.node_type.value} cannot run yet", node_id=node.id)


_WORKS: dict[type, Callable[..., Work]] = {Task: _task, Command: _command, Shell: _shell}
