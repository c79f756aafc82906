"""`flowloom run`: runs a project and shows how it goes."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from studio.front import exit_codes
from studio.front.paint import Paint
from studio.front.places import project_file
from studio.front.streams import say, tell
from studio.front.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from engine.plan import Plan
    from engine.project.loading import Loaded
    from engine.start import RunHandle
    from engine.targets import Targets
    from studio.live.board import Ask
    from studio.live.watch import Stops, View


@click.command("run", short_help="Run a project, with live progress.")
@click.argument("project", required=False)
@click.option("-p", "params", multiple=True, metavar="NAME=VALUE", help="Choose a param's value; may be repeated.")
@click.option("--executor", metavar="E", help="Where nodes run: inline, threads, processes, ...")
@click.option("-j", "--jobs", type=click.IntRange(min=1, max=4096), metavar="N", help="At most N nodes at once.")
@click.option("-k", "--keep-going", is_flag=True, help="After a failure, run what does not need the failed node.")
@click.option("--to", multiple=True, metavar="N", help="Run node N and what it needs; may be repeated.")
@click.option("--from", "from_", multiple=True, metavar="N", help="Run node N and what builds on it; may be repeated.")
@click.option("--only", multiple=True, metavar="N", help="Run node N and nothing else; may be repeated.")
@click.option("--python", metavar="P", help="The interpreter for the tasks.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would run, level by level, and run nothing.")
@click.option("--no-wait", is_flag=True, help="Where only a person's answer is missing, leave with exit code 4.")
@click.option("--plain", is_flag=True, help="Lines only, nothing that is redrawn.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout at the end.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless something fails.")
@click.option("-v", "--verbose", is_flag=True, help="Show what nodes print, as they print it.")
def command(
    project: str | None,
    params: tuple[str, ...],
    executor: str | None,
    jobs: int | None,
    keep_going: bool,
    to: tuple[str, ...],
    from_: tuple[str, ...],
    only: tuple[str, ...],
    python: str | None,
    dry_run: bool,
    plain: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    no_wait: bool,
) -> int:
    """Run PROJECT. To name a project here is to trust it: its code runs as you.

    With --to, --from and --only, results of nodes that are not run are taken from the newest runs in which they completed.

    Progress goes to stderr. Exit code: 0 completed, 1 failed, 2 wrong usage or project, 3 canceled, 4 it waits for a
    person and nobody is here, 5 broken environment, 130 Ctrl-C.
    """
    from studio.live.watch import Stops

    with Stops() as stops:
        from engine.project.loading import look
        from engine.project.params import bind_params
        from engine.targets import Targets

        targets = Targets(to, from_, only)
        loaded = look(project_file(project))
        model = _runnable(loaded)
        chosen = bind_params(model.workflow.params, params)
        if stops.code is not None:
            return stops.code
        if dry_run:
            return _show_plan(loaded, chosen, executor, targets, as_json)
        _check_executor(executor)
        from engine.start import prepare_run

        handle = prepare_run(
            model,
            loaded.folder,
            text=loaded.text,
            file=loaded.path.absolute(),
            params=chosen,
            executor=executor,
            jobs=jobs,
            keep_going=keep_going,
            python=python,
            targets=targets,
            environment=os.environ,
        )
        word = "" if _is_here(loaded) else handle.id
        if not quiet:
            _tell_moved(loaded, handle)
        code = _watch(handle, word, stops, plain=plain, as_json=as_json, quiet=quiet, verbose=verbose, no_wait=no_wait)
        _trust(loaded)
        return code


def _runnable(loaded: Loaded) -> Any:
    """The project, if nothing keeps it from running; its warnings are told on the way."""
    from engine.errors import ValidationFailed

    findings = loaded.findings
    if findings.errors or loaded.project is None:
        raise ValidationFailed(f"{loaded.path} cannot run: {findings.counts()}", findings.items)
    if findings.warnings:
        from studio.front.trouble import tell_findings

        tell_findings(ValidationFailed(findings.counts(), findings.items))
    return loaded.project


def _tell_moved(loaded: Loaded, handle: RunHandle) -> None:
    """Say so where the run is not kept where one would look for it."""
    from engine.store.state_folder import state_folder

    if handle.folder is not None and not handle.folder.is_relative_to(loaded.folder):
        remark = state_folder(loaded.folder, make=False).remark
        if remark:
            paint = Paint(terminal_of(sys.stderr))
            say(f"{paint.style(paint.sign('warning'), 'yellow')} {paint.safe(remark)}")


def _trust(loaded: Loaded) -> None:
    """Who runs a project by its name trusts it; where that cannot be remembered, the studio will ask."""
    from engine.errors import SystemFailure
    from engine.project.trust import is_trusted, trust

    with contextlib.suppress(SystemFailure):
        if not is_trusted(loaded.folder):
            trust(loaded.folder)


def _is_here(loaded: Loaded) -> bool:
    """Whether commands typed here find this project by themselves, so that its newest run needs no name."""
    from pathlib import Path

    from studio.front.places import nearest_project

    found = nearest_project(Path.cwd())
    return found is not None and found.resolve() == loaded.path.resolve()


def _check_executor(name: str | None) -> None:
    """A misspelt executor is wrong usage; only one that exists and cannot be had is a broken environment."""
    from engine.executors.lookup import OWN, executor_names

    if name is None or name in OWN:
        return
    known = executor_names()
    if name not in known:
        from studio.front.trouble import near

        close = near(name, known)
        remedy = f"did you mean {close!r}?" if close else f"there are {', '.join(known)}"
        raise click.UsageError(f"there is no executor {name[:60]!r}; {remedy}")


def _watch(
    handle: RunHandle,
    word: str,
    stops: Stops,
    *,
    plain: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    no_wait: bool,
) -> int:
    from studio.live.board import Board
    from studio.live.keyboard import Keyboard
    from studio.live.watch import PATIENCE, Watch
    from studio.live.words import Story

    terminal = terminal_of(sys.stderr)
    paint = Paint(terminal)
    keyboard = None if no_wait else Keyboard.here()
    view = _view(paint, terminal, plain=plain or quiet, answers=keyboard is not None)
    title = handle.plan.name or handle.id
    story = Story(paint, handle.state, most=12 if terminal.live else 200)
    patience = None if terminal.live else PATIENCE
    watch = Watch(
        handle, view, Board(title), story, stops, lines=not quiet, logs=verbose, patience=patience, keyboard=keyboard
    )
    with _prints_of_this_process(handle, paint, view, quiet):
        watch.run()
    if watch.unanswered is not None:
        return _leave_unanswered(handle, watch.unanswered, as_json)
    if watch.gave_up:
        from studio.front.trouble import problem

        say(problem(f"{watch.gave_up}; nobody freed it, so the run was left as it is: {handle.id}"))
        sys.stderr.flush()
        os._exit(exit_codes.BROKEN)  # the engine's thread still waits for the disk
    _tell_end(handle, word, paint, quiet=quiet)
    if as_json:
        from studio.front.documents import dumped

        tell(dumped(handle.result.to_dict()))
    return exit_code(handle.state.state.value, stops.code)


def _prints_of_this_process(
    handle: RunHandle, paint: Paint, view: View, quiet: bool
) -> contextlib.AbstractContextManager[None]:
    """Nodes that run in this process print into it: not on stdout, and harmless."""
    if "inline" not in handle.plan.executors:
        return contextlib.nullcontext()
    from studio.live.prints import caught

    return caught(paint, (lambda lines: None) if quiet else view.say)


def _leave_unanswered(handle: RunHandle, ask: Ask, as_json: bool) -> int:
    """Leave a run that only a person can bring further; the engine's thread still waits for one."""
    from studio.front.trouble import problem

    say(
        problem(
            f"{ask.node} asks: {ask.text}\nnobody is at this terminal to answer, so the run was left as it is; run it "
            "from a terminal, or give the approval a `default` and a `timeout`"
        )
    )
    if as_json:
        from studio.front.documents import dumped

        tell(dumped(handle.result.to_dict()))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_codes.WAITING)


def _view(paint: Paint, terminal: Terminal, *, plain: bool, answers: bool) -> View:
    if plain or not terminal.live:
        from studio.live.plain import PlainView

        return PlainView(paint, answers=answers)
    from studio.live.screen import LiveView

    return LiveView(paint)


def _tell_end(handle: RunHandle, word: str, paint: Paint, *, quiet: bool) -> None:
    from studio.live.board import Board
    from studio.live.words import cause_block, summary

    state = handle.state
    failed = state.state.value == "failed"
    if quiet and not failed:
        return
    lines = [""] if not quiet else []
    if failed and state.cause >= 0:
        printed = _printed(handle, state.plan.names[state.cause])
        lines += [*cause_block(state, state.cause, printed, paint), ""]
    counts = dict(Board("").look(state, 0.0).counts)
    lines += summary(state, word, handle.folder, paint, counts=counts)
    say("\n".join(lines))


def _printed(handle: RunHandle, node: str) -> list[Any]:
    """The end of what a node's last attempt printed."""
    if handle.folder is None:
        return []
    from collections import deque

    from engine.store.logs import RunLogs

    lines = deque(RunLogs(handle.folder).read(node, under=False), maxlen=50)
    last = max((line.attempt for line in lines), default=0)
    return [line for line in lines if line.attempt == last]


def exit_code(state: str, stopped: int | None) -> int:
    """What a run's end means to scripts; a signal speaks only if it is what ended the run."""
    if state == "canceled":
        return exit_codes.CANCELED if stopped is None else stopped
    return _CODES.get(state, exit_codes.WAITING)


_CODES = {"completed": exit_codes.COMPLETED, "failed": exit_codes.FAILED}


def _show_plan(loaded: Loaded, chosen: dict[str, Any], executor: str | None, targets: Targets, as_json: bool) -> int:
    from engine.start import plan_of

    assert loaded.project is not None
    _check_executor(executor)
    plan = plan_of(loaded.project, loaded.folder, params=chosen, executor=executor, environment=os.environ)
    skipped = {*plan.templates, *plan.hidden, *_bypassed(plan)}
    if targets:
        from engine.targets import select

        skipped.update(set(range(len(plan.names))) - select(plan, targets).runs)
    levels: dict[int, list[int]] = {}
    for node, level in enumerate(plan.levels):
        if node not in skipped:
            levels.setdefault(level, []).append(node)
    if as_json:
        from studio.front.documents import dumped

        tell(
            dumped(
                {
                    "format": 1,
                    "project": plan.name,
                    "params": chosen,
                    "levels": [[plan.names[node] for node in levels[level]] for level in sorted(levels)],
                }
            )
        )
        return exit_codes.COMPLETED
    paint = Paint(terminal_of(sys.stdout))
    count = sum(map(len, levels.values()))
    tell(f"{paint.style(paint.safe(plan.name), 'bold')}  {count} nodes in {len(levels)} levels; nothing is run")
    rows = []
    for level in sorted(levels):
        for place, node in enumerate(levels[level]):
            work = plan.works[node]
            what = (work.name if work.kind == "task" else work.kind) if work is not None else _holding(plan, node)
            after = ", ".join(paint.safe(plan.names[source]) for source in plan.deps[node])
            where = work.executor if work is not None else ""
            head = str(level) if not place else ""
            rows.append([head, paint.safe(plan.names[node]), paint.safe(what), where, after])
    tell(paint.table(["level", "node", "runs", "on", "after"], rows, right=frozenset({0})))
    return exit_codes.COMPLETED


def _holding(plan: Plan, node: int) -> str:
    """What a node does that is no attempt of its own, in a word or two."""
    from engine.frames import Again, Bypass, Choice, Each, Group, Pause, Question

    words = {Choice: "one branch", Each: "map", Again: "loop", Pause: "wait", Question: "approval", Bypass: "bypassed"}
    frame = plan.frames.get(node)
    if isinstance(frame, Group):
        return "one after the other" if frame.sequential else "side by side"
    return words.get(type(frame), "")


def _bypassed(plan: Plan) -> set[int]:
    """The nodes that are skipped because what holds them is bypassed."""
    from engine.frames import Bypass

    found: set[int] = set()
    for node, frame in plan.parents.items():  # what holds comes before what it holds
        if frame in found or isinstance(plan.frames.get(frame), Bypass):
            found.add(node)
    return found
