"""From a project on disk to a run: what the command line, the studio and `Workflow.run` call.

    handle = start_run(Path("my-project"), params={"island": "Dream"})
    handle.wait(); handle.result.state

The run goes on in a thread of its own (the engine's), whatever the caller's thread does. `handle.run.feed` tells watchers
what happens; `handle.state` may be read from any thread: its columns are written by the engine only.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.capacity import local_capacity
from engine.errors import NodeNotFound, ValidationFailed, WorkflowError
from engine.executors.contract import Executor, Workplace
from engine.interpreter import choose_python
from engine.kinds import node_kinds
from engine.machine.requests import (
    Answer,
    Cancel,
    CancelNode,
    MarkDone,
    Pause,
    Resume,
    ResumeNode,
    SkipNode,
    SuspendNode,
)
from engine.machine.state import RunState, WorkflowState
from engine.monitor.observers import Observers, WorkflowObserver
from engine.plan import Plan
from engine.planner import plan_project
from engine.plugins import ERROR_HANDLERS, SCHEDULERS, made
from engine.project.loading import load, project_file
from engine.project.model import OWN_SCHEDULERS, Project, SubWorkflow
from engine.result import RunResult, run_result
from engine.runner.run import Run
from engine.steering import ErrorHandler, WorkflowScheduler

DEFAULT_SLOTS = 2


class RunHandle:
    """A run that was started: wait for it, steer it, look at it. Every method may be called from any thread."""

    def __init__(self, run: Run, *, run_id: str, folder: Path | None, python: str, close: Callable[[], None]) -> None:
        self.run = run
        self.id = run_id
        self.folder = folder
        self.python = python
        self.problem: BaseException | None = None
        self._close = close
        self._thread = threading.Thread(target=self._drive, name=f"flowloom-run-{run_id}", daemon=True)

    @property
    def state(self) -> RunState:
        """The state of the run, as it is now."""
        return self.run.state

    @property
    def plan(self) -> Plan:
        """What runs."""
        return self.run.plan

    @property
    def is_over(self) -> bool:
        """Whether the run has ended and its end is recorded."""
        return self.run.wait(0)

    @property
    def result(self) -> RunResult:
        """How the run went so far; final once `wait` returned."""
        return run_result(self.run.state, run=self.id, python=self.python)

    def start(self) -> RunHandle:
        """Let it run in a thread of its own."""
        self._thread.start()
        return self

    def drive(self) -> RunHandle:
        """Run it to its end in this thread."""
        self._drive()
        return self

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False if `timeout` seconds passed first. Raises what kept the engine from running it."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
        if self.problem is not None:
            raise self.problem
        return True

    def pause(self, by: str = "") -> None:
        """Start nothing new. Returns when that is recorded. Raises NotReady if the run is not running."""
        self.run.ask(Pause(by))

    def resume(self) -> None:
        """Start nodes again. Raises NotReady if the run is not paused."""
        self.run.ask(Resume())

    def cancel(self, reason: str = "canceled") -> None:
        """End the run: what runs is ended, what waits never starts. Returns when that is recorded; asking twice is fine."""
        if not self.is_over:
            self.run.ask(Cancel(reason))

    def answer(self, node: str, value: Any, by: str = "") -> None:
        """Answer an approval. Raises NotReady if it asks nothing, or takes no such answer."""
        self.run.ask(Answer(self._number(node), value, by))

    def cancel_node(self, node: str, reason: str = "canceled") -> None:
        """End one node, and all it holds."""
        self.run.ask(CancelNode(self._number(node), reason))

    def skip_node(self, node: str, by: str = "") -> None:
        """Do not run a node that has not started."""
        self.run.ask(SkipNode(self._number(node), by))

    def suspend_node(self, node: str, by: str = "") -> None:
        """Hold one node, and all it holds."""
        self.run.ask(SuspendNode(self._number(node), by))

    def resume_node(self, node: str) -> None:
        """Let a held node go on. Raises NotReady if it is not held."""
        self.run.ask(ResumeNode(self._number(node)))

    def mark_done(self, node: str, value: Any = None, by: str = "") -> None:
        """Give a node that has not started its result by hand."""
        self.run.ask(MarkDone(self._number(node), value, by))

    def _number(self, node: str) -> int:
        numbers = self.run.state.plan.numbers
        if node not in numbers:
            raise NodeNotFound(node, numbers)
        return numbers[node]

    def _drive(self) -> None:
        try:
            self.run.drive()
        except BaseException as problem:
            self.problem = problem
        finally:
            self._close()


def start_run(
    project: Path | str,
    *,
    params: Mapping[str, Any] | None = None,
    executor: str | None = None,
    jobs: int | None = None,
    keep_going: bool = False,
    python: str | None = None,
    observers: Sequence[WorkflowObserver] = (),
    journal: bool = True,
    environment: Mapping[str, str] | None = None,
) -> RunHandle:
    """Load, plan and start the project at `project` (a folder, or a workflow file).

    `params` are chosen values, of the right types already; `executor` overrules the project's; `jobs` is how many
    attempts run at once (default: as many as the machine has cores); `python` the interpreter for the tasks where the
    project names none. Raises ValidationFailed (with findings), SystemFailure, NetworkError.
    """
    environment = os.environ if environment is None else environment
    file = project_file(Path(project)).absolute()
    return prepare_run(
        load(file),
        file.parent,
        text=file.read_text(encoding="utf-8-sig"),
        file=file,
        params=params,
        executor=executor,
        jobs=jobs,
        keep_going=keep_going,
        python=python,
        observers=observers,
        journal=journal,
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
    environment: Mapping[str, str],
) -> RunHandle:
    """A run that is ready to `start()` or `drive()`: planned, with its executors made and its journal begun.

    `scheduler` is one, or the name of one: `topological`, `priority`, `longest-path`, or that of a package.
    """
    files = workflow_files(project, folder)
    inner_projects = {name: inner for name, (inner, _) in files.items()}
    plan = plan_project(
        project,
        params=params or {},
        executor=executor,
        default_executor=default_executor,
        jobs=jobs,
        keep_going=keep_going,
        environment=environment,
        files=inner_projects,
        capacity=local_capacity(environment),
        kinds=node_kinds(project, inner_projects),
    )
    scheduler = _chosen_scheduler(scheduler or project.run.scheduler, plan, folder, environment)
    if error_handler is None and project.run.error_handler is not None:
        error_handler = made(ERROR_HANDLERS, project.run.error_handler, methods=("handle_error",))
    interpreter = choose_python(folder, named=project.python, chosen=python, environment=environment)
    executors = _executors(plan)
    slots = jobs or project.run.max_parallel or os.cpu_count() or DEFAULT_SLOTS
    if not journal:
        scratch = _scratch_place()
        workplace = Workplace(folder=folder, state=scratch, python=interpreter, slots=slots, run="unrecorded")
        run = Run(
            plan,
            executors,
            workplace=workplace,
            witness=witness or _witness(observers),
            scheduler=scheduler,
            error_handler=error_handler,
        )
        return RunHandle(run, run_id="unrecorded", folder=None, python=interpreter, close=lambda: _remove(scratch))
    from engine.store.index import new_run, remember_place
    from engine.store.journal import Journal
    from engine.store.logs import RunLogs
    from engine.store.state_folder import state_folder

    wall = time.time()
    state = state_folder(folder, environ=environment)
    run_id, run_folder = new_run(state.path, wall)
    remember_place(state.path, environment)
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
    book = Journal.create(run_folder, run_id, header=header, wall=wall)
    logs = RunLogs(run_folder)
    workplace = Workplace(folder=folder, state=run_folder, python=interpreter, slots=slots, run=run_id)
    run = Run(
        plan,
        executors,
        workplace=workplace,
        journal=book,
        logs=logs,
        witness=witness or _witness(observers),
        scheduler=scheduler,
        error_handler=error_handler,
    )

    def close() -> None:
        logs.close()
        book.close()

    return RunHandle(run, run_id=run_id, folder=run_folder, python=interpreter, close=close)


def header_of(
    project: Project,
    plan: Plan,
    *,
    text: str,
    file: Path | None,
    params: Mapping[str, Any] | None,
    executor: str | None,
    python: str,
    files: Mapping[str, str] | None = None,
) -> bytes:
    """What a journal tells before its first event: enough to make the same plan again, long after the file changed."""
    return msgspec.msgpack.encode(
        {
            "format": 1,
            "project": project.workflow.name,
            "file": str(file) if file else None,
            "text": text,
            "files": dict(files or {}),
            "params": {name: _plain(value) for name, value in plan.params.items()},
            "given": {name: _plain(value) for name, value in (params or {}).items()},
            "executor": executor,
            "python": python,
            "keep_going": plan.keep_going,
            "nodes": len(plan.names),
        },
        enc_hook=str,
    )


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
    chosen: WorkflowScheduler | str | None, plan: Plan, folder: Path, environment: Mapping[str, str]
) -> WorkflowScheduler | None:
    """The scheduler that was asked for; for one of our own the plan gets ranks instead."""
    if not isinstance(chosen, str):
        return chosen
    if chosen not in OWN_SCHEDULERS:
        own: WorkflowScheduler = made(SCHEDULERS, chosen, OWN_SCHEDULERS, methods=("schedule", "reschedule"))
        return own
    from engine.ranks import rank

    seconds: Mapping[str, float] = {}
    if chosen == "longest-path":
        from engine.records import recorded_seconds
        from engine.store.state_folder import state_folder

        seconds = recorded_seconds(state_folder(folder, environ=environment).path, plan.name)
    rank(plan, chosen, seconds)
    return None


def ended_well(state: RunState) -> bool:
    """Whether the run completed."""
    return state.state is WorkflowState.COMPLETED


def _plain(value: Any) -> Any:
    try:
        msgspec.msgpack.encode(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)
    return value


def _executors(plan: Plan) -> dict[str, Executor]:
    from engine.executors.lookup import make_executor

    return {name: make_executor(name) for name in plan.executors}


def _witness(observers: Sequence[WorkflowObserver]) -> Observers | None:
    return Observers(observers) if observers else None


def _scratch_place() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="flowloom-"))


def _remove(scratch: Path) -> None:
    import shutil

    shutil.rmtree(scratch, ignore_errors=True)


__all__ = ["RunHandle", "WorkflowError", "ended_well", "header_of", "prepare_run", "start_run"]
