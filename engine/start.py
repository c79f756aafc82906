"""From a project on disk to a run: what the command line, the studio and `Workflow.run` call.

    handle = start_run(Path("my-project"), params={"island": "Dream"})
    handle.wait(); handle.result.state

The run goes on in a thread of its own (the engine's), whatever the caller's thread does. `handle.run.feed` tells watchers
what happens; `handle.state` may be read from any thread: its columns are written by the engine only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.capacity import local_capacity
from engine.errors import ValidationFailed, WorkflowError
from engine.executors.contract import Executor, Workplace
from engine.interpreter import choose_python
from engine.kinds import node_kinds
from engine.machine.events import Event
from engine.machine.state import RunState, WorkflowState
from engine.monitor.observers import Observers, WorkflowObserver
from engine.plan import Plan
from engine.planner import plan_project
from engine.plugins import ERROR_HANDLERS, SCHEDULERS, made
from engine.project.loading import load, project_file
from engine.project.model import OWN_SCHEDULERS, Project, SubWorkflow
from engine.run_handle import RunHandle, Version
from engine.run_record import Recorded, Scratch, header_of, writable
from engine.runner.run import Run
from engine.steering import ErrorHandler, WorkflowScheduler

if TYPE_CHECKING:
    from engine.revision import Revision
    from engine.targets import Targets

DEFAULT_SLOTS = 2


def start_run(
    project: Path | str,
    *,
    text: str | None = None,
    params: Mapping[str, Any] | None = None,
    executor: str | None = None,
    jobs: int | None = None,
    keep_going: bool = False,
    python: str | None = None,
    observers: Sequence[WorkflowObserver] = (),
    journal: bool = True,
    to: str | Sequence[str] = (),
    from_: str | Sequence[str] = (),
    only: str | Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> RunHandle:
    """Load, plan and start the project at `project` (a folder, or a workflow file).

    `text` is run instead of what the file says: edits that are not saved yet; the journal keeps it.
    `params` are chosen values, of the right types already; `executor` overrules the project's; `jobs` is how many
    attempts run at once (default: as many as the machine has cores); `python` the interpreter for the tasks where the
    project names none. `to`, `from_` and `only` are paths of nodes, see `targets`: results of nodes that are not run for
    them are taken from the newest runs on record. Raises ValidationFailed (with findings), SystemFailure, NetworkError.
    """
    environment = os.environ if environment is None else environment
    file = project_file(Path(project)).absolute()
    return prepare_run(
        load(file, text),
        file.parent,
        text=file.read_text(encoding="utf-8-sig") if text is None else text,
        file=file,
        params=params,
        executor=executor,
        jobs=jobs,
        keep_going=keep_going,
        python=python,
        observers=observers,
        journal=journal,
        targets=_targets(to, from_, only),
        environment=environment,
    ).start()


def prepare_run(
    project: Project,
    folder: Path,
    *,
    text: str = "",
    file: Path | None = None,
    params: Mapping[str, Any] | None = None,
    executor: str | None = None,
    default_executor: str = "processes",
    jobs: int | None = None,
    keep_going: bool = False,
    python: str | None = None,
    observers: Sequence[WorkflowObserver] = (),
    journal: bool = True,
    witness: Observers | None = None,
    scheduler: WorkflowScheduler | str | None = None,
    error_handler: ErrorHandler | None = None,
    targets: Targets | None = None,
    environment: Mapping[str, str],
) -> RunHandle:
    """A run that is ready to `start()` or `drive()`: planned, with its executors made and its journal begun.

    `scheduler` is one, or the name of one: `topological`, `priority`, `longest-path`, or that of a package.
    """
    files = workflow_files(project, folder)
    inner_projects = {name: inner for name, (inner, _) in files.items()}
    options: dict[str, Any] = {
        "executor": executor,
        "default_executor": default_executor,
        "jobs": jobs,
        "keep_going": keep_going,
        "environment": environment,
        "capacity": local_capacity(environment),
    }
    plan = plan_project(
        project, params=params or {}, files=inner_projects, kinds=node_kinds(project, inner_projects), **options
    )
    scheduler, ranking = _chosen_scheduler(scheduler or project.run.scheduler, plan.name, folder, environment)
    if ranking is not None:
        ranking(plan)
    opening = _opening(plan, targets, folder, environment) if targets else None
    if error_handler is None and project.run.error_handler is not None:
        error_handler = made(ERROR_HANDLERS, project.run.error_handler, methods=("handle_error",))
    interpreter = choose_python(folder, named=project.python, chosen=python, environment=environment)
    executors = _executors(plan)
    slots = jobs or project.run.max_parallel or os.cpu_count() or DEFAULT_SLOTS
    record: Recorded | Scratch
    if journal:
        header = header_of(
            project,
            plan,
            text=text,
            file=file,
            params=params,
            executor=executor,
            python=interpreter,
            files={name: inner_text for name, (_, inner_text) in files.items()},
        )
        record = Recorded(folder, header, environment)
    else:
        record = Scratch()
    book, logs = record.open()
    run = Run(
        plan,
        executors,
        workplace=Workplace(folder=folder, state=record.folder, python=interpreter, slots=slots, run=record.id),
        journal=book,
        logs=logs,
        witness=witness or _witness(observers),
        scheduler=scheduler,
        error_handler=error_handler,
        make_executor=_make_executor,
        opening=opening,
    )

    def revise(version: Version) -> Revision:
        return revision_of(version, folder, params or {}, options, ranking, recorded=journal)

    return RunHandle(
        run,
        run_id=record.id,
        folder=record.folder if journal else None,
        python=interpreter,
        record=record,
        revise=revise,
    )


def plan_of(
    project: Project,
    folder: Path,
    *,
    params: Mapping[str, Any],
    executor: str | None = None,
    environment: Mapping[str, str],
) -> Plan:
    """What a run of the project would be made of. Raises what keeps such a run from starting; runs nothing."""
    inner = {name: found for name, (found, _) in workflow_files(project, folder).items()}
    return plan_project(
        project,
        params=params,
        executor=executor,
        environment=environment,
        files=inner,
        capacity=local_capacity(environment),
        kinds=node_kinds(project, inner),
    )


def _opening(
    plan: Plan, targets: Targets, folder: Path, environment: Mapping[str, str]
) -> Callable[[float], Iterable[Event]]:
    """How a run begins that was asked for parts of the workflow."""
    from engine.targets import select

    selection = select(plan, targets)
    results: dict[int, tuple[Any, str]] = {}
    if selection.given:
        from engine.records import recorded_results
        from engine.store.state_folder import state_folder

        paths = {node: plan.names[node] for node in selection.given}
        state = state_folder(folder, environ=environment, make=False)
        found = recorded_results(state.path, plan.name, list(paths.values()))
        results = {node: found[path] for node, path in paths.items()}
    return lambda now: selection.events(results, now)


def _targets(*given: str | Sequence[str]) -> Targets | None:
    if not any(given):
        return None
    from engine.targets import Targets

    return Targets(*[(paths,) if isinstance(paths, str) else tuple(paths) for paths in given])


def revision_of(
    version: Version,
    folder: Path,
    given: Mapping[str, Any],
    options: Mapping[str, Any],
    ranking: Callable[[Plan], None] | None = None,
    *,
    recorded: bool = True,
) -> Revision:
    """Another version of what runs, planned as the run was. Raises ValidationFailed, with findings for a project's path."""
    text = ""
    if isinstance(version, Path | str):
        file = project_file(Path(version)).absolute()
        project, text, folder = load(file), file.read_text(encoding="utf-8-sig"), file.parent
    else:
        project = version if isinstance(version, Project) else version.project()
        text = _text_of(project) if recorded else ""
    from engine.revision import Revision

    files = workflow_files(project, folder)
    record = {
        "project": project.workflow.name,
        "text": text,
        "files": {name: inner_text for name, (_, inner_text) in files.items()},
        "params": {name: writable(value) for name, value in given.items() if name in project.workflow.params},
        "executor": options["executor"],
        "keep_going": options["keep_going"],
    }
    inner_projects = {name: inner for name, (inner, _) in files.items()}
    return Revision(
        project,
        given=given,
        files=inner_projects,
        kinds=node_kinds(project, inner_projects),
        record=record,
        ranking=ranking,
        **options,
    )


def _text_of(project: Project) -> str:
    """A project as text, for the journal; empty where it holds functions that no text can name."""
    from engine.project.toml import write

    try:
        return write(project)
    except ValueError:
        return ""


def workflow_files(project: Project, folder: Path) -> dict[str, tuple[Project, str]]:
    """The projects of all sub-workflow files that a project names, also indirectly, and their texts, by name as written.

    Raises ValidationFailed where one cannot be read.
    """
    from engine.project.scope import standings
    from engine.project.source import read_source
    from engine.project.toml import read

    found: dict[str, tuple[Project, str]] = {}
    todo = [project.workflow, *project.workflows.values()]
    while todo:
        for standing in standings(todo.pop()):
            body = standing.node.body
            if not isinstance(body, SubWorkflow) or body.workflow in project.workflows or body.workflow in found:
                continue
            text = read_source(folder / body.workflow).text
            inner = read(text, Path(body.workflow).stem).project
            if inner is None:
                raise ValidationFailed(f"{body.workflow} cannot be read; run `flowloom check {body.workflow}`")
            found[body.workflow] = (inner, text)
            todo.append(inner.workflow)
    return found


def _chosen_scheduler(
    chosen: WorkflowScheduler | str | None, name: str, folder: Path, environment: Mapping[str, str]
) -> tuple[WorkflowScheduler | None, Callable[[Plan], None] | None]:
    """The scheduler that was asked for; instead of one of our own, what gives its plans their ranks."""
    if not isinstance(chosen, str):
        return chosen, None
    if chosen not in OWN_SCHEDULERS:
        own: WorkflowScheduler = made(SCHEDULERS, chosen, OWN_SCHEDULERS, methods=("schedule", "reschedule"))
        return own, None
    from engine.ranks import rank

    seconds: Mapping[str, float] = {}
    if chosen == "longest-path":
        from engine.records import recorded_seconds
        from engine.store.state_folder import state_folder

        seconds = recorded_seconds(state_folder(folder, environ=environment).path, name)
    return None, lambda plan: rank(plan, chosen, seconds)


def ended_well(state: RunState) -> bool:
    """Whether the run completed."""
    return state.state is WorkflowState.COMPLETED


def _executors(plan: Plan) -> dict[str, Executor]:
    return {name: _make_executor(name) for name in plan.executors}


def _make_executor(name: str) -> Executor:
    from engine.executors.lookup import make_executor

    return make_executor(name)


def _witness(observers: Sequence[WorkflowObserver]) -> Observers | None:
    return Observers(observers) if observers else None


__all__ = ["RunHandle", "WorkflowError", "ended_well", "prepare_run", "start_run"]
