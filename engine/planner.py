"""From a project to a Plan: defaults filled in, ids turned into integers, the order of things fixed.

Pure: no file is read, nothing is imported. What the outside has to say (the environment for `${env:NAME}`, chosen params,
the executor of the command line, the text of sub-workflow files) comes in as arguments. Raises ValidationFailed for
what `check` would have told. The work is done in the room `planning`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from engine.capacity import Capacity
from engine.errors import NodeNotFound, ValidationFailed
from engine.frames import Group
from engine.graph import held_place
from engine.plan import Plan
from engine.planning.arguments import arguments
from engine.planning.callees import add_hooks, find_alternatives, set_aside
from engine.planning.draft import Constant, Draft, Scope, Spot
from engine.planning.holders import hold, wrap
from engine.planning.names import condition, find, resolve_name
from engine.planning.numbering import number_nodes, torn_templates
from engine.project.comparisons import is_function
from engine.project.model import CustomDelay, Node, Project, RetryPolicy, Workflow
from engine.project.references import ReferenceSyntax, read_reference
from engine.project.requirements import NOTHING as NO_REQUIREMENTS
from engine.project.requirements import BadRequirements, read_requirements

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
    capacity: Capacity | None = None,
    kinds: Mapping[str, str] | None = None,
    onto: Plan | None = None,
) -> Plan:
    """The plan of a whole project.

    `executor` overrules what the project says, `default_executor` stands behind it; `files` are the projects of the
    sub-workflow files that it names, by the name it uses; `capacity` is what this machine has, and `kinds`
    are the functions behind the kinds of nodes that packages bring; None for a plan that is not going to be run.

    `onto` is the plan of a run that is to go on with this project: nodes of the same path keep their numbers, new ones
    come after all that there are, and what the project no longer has, or what was born in the run, is `gone`.
    """
    values = chosen_params(project.workflow, params)
    draft = Draft(project, executor, default_executor, environment, files, capacity, kinds)
    scope = Scope(values)
    if onto is None:
        top = number_nodes(draft, project.workflow, scope, prefix="", frame=None, seen=())
    else:
        draft, scope, top = _numbered_onto(onto, draft, values)
    plan = _planned(draft, scope, top)
    if onto is not None:
        _take_leave(plan, onto, draft)
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


def _numbered_onto(onto: Plan, draft: Draft, values: Mapping[str, Any]) -> tuple[Draft, Scope, list[Spot]]:
    """The first pass over the numbers of another plan; a second time where that would tear a template apart."""
    torn: list[str] = []
    while True:
        draft = draft.blank()
        draft.go_on_from(onto, without=torn)
        scope = Scope(values)
        top = number_nodes(draft, draft.project.workflow, scope, prefix="", frame=None, seen=())
        if not (found := torn_templates(draft)):
            return draft, scope, top
        torn += found


def _take_leave(plan: Plan, onto: Plan, draft: Draft) -> None:
    """What of the other plan's numbers is left out."""
    plan.gone = set(range(len(onto.names))).difference(draft.used)
    plan.templates |= plan.gone
    plan.hidden |= onto.hidden & plan.gone
    held = plan.parents.keys() - plan.detached
    plan.order = [spot.outer for spot in draft.spots if spot.outer not in held]


def _planned(draft: Draft, scope: Scope, top: Sequence[Spot]) -> Plan:
    """The second pass, and the Plan out of what both found."""
    find_alternatives(draft)
    hooks = add_hooks(draft, scope)
    for spot in list(draft.spots):
        try:
            _bind(draft, spot)
            set_aside(draft, spot)
        except (ReferenceSyntax, NodeNotFound) as problem:
            path = draft.names[spot.outer]
            raise ValidationFailed(f"{path}: {problem}", node_id=path) from problem
    _refuse_waiting_for_the_end(draft)
    plan = Plan(draft.names, draft.works, [tuple(upstream) for upstream in draft.upstream])
    plan.sources = [()] * len(draft.names)
    plan.keywords = [()] * len(draft.names)
    for number, direct in draft.direct.items():
        plan.sources[number], plan.keywords[number] = tuple(direct.values()), tuple(direct)
    plan.bindings.update(draft.bindings)
    plan.guards.update(draft.guards)
    plan.frames, plan.parents, plan.hidden = draft.frames, draft.parents, draft.hidden
    plan.aside, plan.undos, plan.delays = draft.aside, draft.undos, draft.delays
    plan.detached = draft.detached
    plan.hooks, plan.named_undos = hooks, draft.named_undos
    plan.alternatives = {failed.outer: other.outer for other, failed in draft.alternatives.items()}
    plan.limited = {number for number, frame in plan.frames.items() if isinstance(frame, Group) and frame.max_parallel}
    for number in draft.hidden:
        work = plan.works[number]
        assert work is not None
        plan.lane_of[number] = draft.lane(work.executor)
    for spot in draft.spots:
        _settings(draft, plan, spot)
    for number in draft.frames:
        plan.lane_of[number] = 0
    draft.limit_lanes(plan)
    if draft.frames or draft.aside:
        plan.close_frames()
    plan.check_order()
    held = held_place(plan.deps, plan.parents, plan.limited)
    if held is not None:
        child, other = (plan.names[node] for node in held)
        raise ValidationFailed(
            f"{child} waits inside for {other} and would hold the place that this one needs (`max_parallel`): "
            f'write needs = ["{other}"] at {child} itself',
            node_id=child,
        )
    _result(draft, plan, top)
    return plan


def _refuse_waiting_for_the_end(draft: Draft) -> None:
    """What is only run to compensate comes when everything else has ended: who waits for it would wait for ever."""
    last = draft.detached - draft.hidden
    for node, upstream in enumerate(draft.upstream if last else ()):
        for source in last.intersection(upstream):
            raise ValidationFailed(
                f"{draft.names[node]} waits for {draft.names[source]}, which only runs to compensate, after everything else",
                node_id=draft.names[node],
            )


def _bind(draft: Draft, spot: Spot) -> None:
    node, number = spot.standing.node, spot.outer
    upstream = draft.upstream[number]
    for name in node.needs:
        upstream[resolve_name(draft, name, spot)] = None
    _guard(draft, spot)
    _inner(draft, spot)
    wrap(draft, spot)


def _guard(draft: Draft, spot: Spot) -> None:
    when = spot.standing.node.settings.when
    if when is None or when is True:
        return
    if not isinstance(when, str):
        draft.guards[spot.outer] = Constant(bool(when))
        return
    if is_function(when):
        raise ValidationFailed(f"{spot.standing.path}: write `when` as a comparison over ${{...}}, not a function")
    draft.guards[spot.outer] = condition(draft, when, spot)


def _inner(draft: Draft, spot: Spot) -> None:
    """What does the node's work: a frame, or an attempt with its arguments."""
    if hold(draft, spot):
        return
    draft.works[spot.body] = draft.work_of(spot.standing.node)
    filling, direct = arguments(draft, spot)
    draft.direct[spot.body] = direct
    if filling is not None:
        draft.bindings[spot.body] = filling


def _settings(draft: Draft, plan: Plan, spot: Spot) -> None:
    node = spot.standing.node
    settings, defaults = node.settings, draft.project.defaults
    number = spot.body
    work = plan.works[number]
    if work is not None:
        lane = _lane(draft, plan, spot, number, node)
        plan.lane_of[number] = lane
        if number in plan.guards or plan.parents.get(spot.outer) in plan.limited:
            plan.lane_of[number] = 0
            plan.admitted_to[number] = lane
        _retry(plan, number, settings.retry or defaults.retry)
        if settings.priority:
            plan.priorities[number] = settings.priority
        if settings.once:
            plan.once.add(number)
            work.once = True
    if spot.asked >= 0:
        _retry(plan, spot.asked, settings.retry)
    if spot.undo >= 0 and settings.undo is not None:
        plan.lane_of[spot.undo] = _lane(draft, plan, spot, spot.undo, settings.undo)
        _retry(plan, spot.undo, settings.undo.settings.retry or defaults.retry)
    on_error = settings.on_error or (defaults.on_error if work is not None else None)
    if on_error is not None:
        plan.on_errors[spot.outer] = on_error
    if settings.join != "all" and (plan.deps[spot.outer] or spot.outer != spot.body):
        plan.join(spot.outer, settings.join)


def _lane(draft: Draft, plan: Plan, spot: Spot, number: int, node: Node) -> int:
    settings, defaults = node.settings, draft.project.defaults
    work = plan.works[number]
    assert work is not None
    try:
        requires = read_requirements(settings.requires if settings.requires is not None else defaults.requires)
        work.requires = requires.plain() if requires != NO_REQUIREMENTS else None
        return draft.lane(work.executor, settings.pool or defaults.pool, requires)
    except (BadRequirements, ValidationFailed) as problem:
        path = draft.names[spot.outer]
        raise ValidationFailed(f"{path}: {problem}", node_id=path) from problem


def _retry(plan: Plan, number: int, retry: RetryPolicy | None) -> None:
    if retry is None or not retry.max_retries:
        return
    strategy = retry.strategy
    if number in plan.hidden and isinstance(strategy, CustomDelay) and isinstance(strategy.function, str):
        return  # asking code how long to wait is for nodes that a person wrote
    plan.retries[number] = retry


def _result(draft: Draft, plan: Plan, top: Sequence[Spot]) -> None:
    workflow = draft.project.workflow
    if workflow.result is None:
        own = {spot.outer for spot in top} - draft.aside
        plan.results = [n for n in sorted(own) if not own.intersection(plan.dependents[n])]
        return
    ref = read_reference(workflow.result)
    plan.results = [find(draft, ref.name, top[0].standing.level, top[0].scope)]
    plan.result_is_one = True
    plan.result_steps = ref.steps
