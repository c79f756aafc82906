"""Settings that are well formed and still cannot work, or cannot mean what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.plugins import ERROR_HANDLERS, NODES, SCHEDULERS, offered
from engine.plugins import EXECUTORS as EXECUTOR_GROUP
from engine.project.comparisons import is_function
from engine.project.findings import Notes, Path, shown
from engine.project.model import (
    DEFAULT_SETTINGS,
    OWN_SCHEDULERS,
    Approval,
    Command,
    Composite,
    ExponentialBackoff,
    Node,
    Plugin,
    Project,
    RetryPolicy,
    RunAlternative,
    Shell,
    Task,
)
from engine.project.requirements import EXAMPLE, BadRequirements, read_requirements
from engine.project.scope import Missing, Standing, resolve

EXECUTORS = ("inline", "threads", "processes", "agents", "dask")
"""Executors that Flowloom brings; others come from installed packages."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_EXCEPTION = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

# Names that a shell or the dynamic linker obeys: an input of that name would change what the script does.
_OBEYED = frozenset(("PATH", "IFS", "ENV", "BASH_ENV", "SHELL", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH"))


def check_project_settings(project: Project, notes: Notes) -> None:
    """Note what is wrong in [run], [defaults], [pools] and [agents]."""
    _check_timeout(project.run.timeout, ("run", "timeout"), notes)
    _check_timeout(project.defaults.timeout, ("defaults", "timeout"), notes)
    _check_executor(project.defaults.executor, ("defaults", "executor"), notes)
    _check_retry(project.defaults.retry, ("defaults", "retry"), notes)
    _check_env(project.defaults.env, ("defaults", "env"), notes)
    _check_pool(project.defaults.pool, project, ("defaults", "pool"), notes)
    _check_requires(project.defaults.requires, project, ("defaults", "requires"), notes)
    _check_offer(project.run.scheduler, SCHEDULERS, OWN_SCHEDULERS, ("run", "scheduler"), notes)
    _check_offer(project.run.error_handler, ERROR_HANDLERS, (), ("run", "error_handler"), notes)
    if project.python is not None and not project.python.strip():
        notes.error("empty", ("project", "python"), "`project.python` is empty", "name an interpreter, or delete it")


def check_settings(standings: list[Standing], project: Project, notes: Notes) -> None:
    """Note what is wrong in the settings and bodies of nodes."""
    rescued: dict[int, Standing] = {}
    for standing in standings:
        if standing.place in notes.broken:
            continue
        check_node(standing.node, standing.place, project, notes)
        if isinstance(standing.node.settings.on_error, RunAlternative):
            _check_alternative(standing, standings, notes)
            _check_shared(standing, rescued, notes)


def check_node(node: Node, place: Path, project: Project, notes: Notes) -> None:
    """Note what is wrong with one node taken by itself."""
    if place in notes.broken:
        return
    settings = node.settings
    if settings is not DEFAULT_SETTINGS:
        _check_timeout(settings.timeout, (*place, "timeout"), notes)
        _check_executor(settings.executor, (*place, "executor"), notes)
        _check_retry(settings.retry, (*place, "retry"), notes)
        _check_env(settings.env, (*place, "env"), notes)
        _check_pool(settings.pool, project, (*place, "pool"), notes)
        _check_requires(settings.requires, project, (*place, "requires"), notes)
        _check_when(settings.when, (*place, "when"), notes)
        if not isinstance(node.body, Task | Command | Shell | Plugin):
            _check_idle(node, place, notes)
        if settings.cwd is not None and (not settings.cwd or "\0" in settings.cwd):
            notes.error("empty", (*place, "cwd"), "`cwd` names no folder", "write a path, or delete the line")
    check = _BODIES.get(type(node.body))
    if check is not None:
        check(node, place, notes)
    both = node.inputs.keys() & node.args.keys()
    for key in both:
        message = f"the argument {shown(key)} comes from `inputs` and from `args`"
        notes.error("two-sources", (*place, "inputs", key), message, "keep one", *_both(place, key))


def _both(place: Path, key: str) -> tuple[Path, Path]:
    return (*place, "inputs", key), (*place, "args", key)


def _check_task(node: Node, place: Path, notes: Notes) -> None:
    for group in ("inputs", "args"):
        for key in getattr(node, group):
            if not key.isidentifier():
                message = f"{shown(key)} cannot be an argument of a Python function"
                notes.error("bad-argument", (*place, group, key), message, "use a name as in Python")


def _check_command(node: Node, place: Path, notes: Notes) -> None:
    words = node.body.command if isinstance(node.body, Command) else ()
    if not words or not words[0].strip():
        message = "`command` names no program"
        notes.error("empty", (*place, "command"), message, 'for example command = ["echo", "hello"]')
    for index, word in enumerate(words):
        if "\0" in word:
            notes.error("nul", (*place, "command", index), "a word of `command` holds a NUL character", "delete it")
    _check_ok_codes(node.body, place, notes)
    _check_variables(node, place, notes)


def _check_shell(node: Node, place: Path, notes: Notes) -> None:
    script = node.body.shell if isinstance(node.body, Shell) else ""
    if not script.strip():
        notes.error("empty", (*place, "shell"), "`shell` is empty", 'for example shell = "echo hello"')
    if "\0" in script:
        notes.error("nul", (*place, "shell"), "`shell` holds a NUL character", "delete it")
    if "${params." in script or "${vars." in script or "${env:" in script:
        message = "`shell` text is never filled in: the shell itself would read this ${...}"
        remedy = 'give it as args = { NAME = "${params.x}" } and write $NAME in the script'
        notes.error("shell-reference", (*place, "shell"), message, remedy)
    _check_ok_codes(node.body, place, notes)
    _check_variables(node, place, notes)


def _check_ok_codes(body: Any, place: Path, notes: Notes) -> None:
    if any(not 0 <= code <= 255 for code in body.ok_codes) or not body.ok_codes:
        notes.error("bad-code", (*place, "ok_codes"), "`ok_codes` must hold exit codes, 0 to 255", "for example [0, 1]")


def _check_variables(node: Node, place: Path, notes: Notes) -> None:
    """Inputs and args of commands and scripts arrive as environment variables."""
    for group in ("inputs", "args"):
        for key in getattr(node, group):
            if _VARIABLE.fullmatch(key) is None:
                message = f"{shown(key)} cannot be an environment variable, as which it would arrive"
                notes.error("bad-argument", (*place, group, key), message, "use letters a-z, digits and _")
            elif key in _OBEYED:
                message = f"{shown(key)} would change how the program itself is run"
                notes.error("bad-argument", (*place, group, key), message, "give it another name, or use `env`")


def _check_plugin(node: Node, place: Path, notes: Notes) -> None:
    if isinstance(node.body, Plugin):
        _check_offer(node.body.kind, NODES, ("parallel", "sequential"), (*place, "kind"), notes)
        if "options" in node.body.options:
            message = "a node's options are keys of its own, beside `kind`"
            notes.warning("idle-setting", (*place, "options"), message, "write each of them as a key of the node")


def _check_offer(name: str | None, group: str, own: tuple[str, ...], place: Path, notes: Notes) -> None:
    """Something that installed packages bring. Looking through them is slow: only for a name that is not our own."""
    if name is None or name in own:
        return
    offers = offered(group)
    if name in offers:
        return
    known = [*own, *offers]
    near = notes.nearest(name, known)
    there = f"known: {', '.join(known)}" if known else "no installed package brings any"
    remedy = f'did you mean "{near}"?' if near else f"install the package that brings it; {there}"
    what = {NODES: "kind of node", SCHEDULERS: "scheduler", ERROR_HANDLERS: "error handler"}[group]
    notes.error(f"unknown-{what.replace(' ', '-')}", place, f"there is no {what} {shown(name)}", remedy)


def _check_composite(node: Node, place: Path, notes: Notes) -> None:
    if isinstance(node.body, Composite) and not node.body.nodes:
        message = f"{shown(str(node.id))} holds no nodes"
        notes.warning("empty", (*place, "nodes"), message, "add a node, or delete it")


def _check_timeout(seconds: float | None, place: Path, notes: Notes) -> None:
    if seconds == 0:
        notes.error("zero-timeout", place, "a timeout of 0 leaves no time at all", "delete it for no limit")


def _check_when(guard: Any, place: Path, notes: Notes) -> None:
    """A guard is decided by the engine itself, so it is a comparison and never a function."""
    if guard is None or isinstance(guard, bool):
        return
    example = 'write it as a comparison, for example "${load.count} > 0"'
    if not isinstance(guard, str):
        notes.error("bad-when", place, f"`when` must be a comparison, true or false, not {shown(guard)}", example)
    elif is_function(guard):
        message = f"`when` is decided without running anything, so it cannot be the function {shown(guard)}"
        notes.error("bad-when", place, message, f"{example}, or use `condition`, which may be a function")


def _check_executor(name: str | None, place: Path, notes: Notes) -> None:
    if name is None or name in EXECUTORS or name in (others := offered(EXECUTOR_GROUP)):
        return
    known = (*EXECUTORS, *sorted(set(others) - set(EXECUTORS)))
    near = notes.nearest(name, known)
    remedy = f'did you mean "{near}"?' if near else f"known: {', '.join(known)}, and those of other packages"
    notes.error("unknown-executor", place, f"there is no executor {shown(name)}", remedy)


def _check_retry(retry: RetryPolicy | None, place: Path, notes: Notes) -> None:
    if retry is None:
        return
    for index, name in enumerate(retry.on):
        if isinstance(name, str) and _EXCEPTION.fullmatch(name) is None:
            message = f"{shown(name)} is not the name of an exception"
            notes.error("bad-exception", (*place, "on", index), message, 'for example "ValueError" or "mymodule.Busy"')
        elif isinstance(name, int) and not 1 <= name <= 255:
            message = f"{name} is not the exit code of a failure"
            notes.error("bad-code", (*place, "on", index), message, "exit codes of failures are 1 to 255")
    strategy = retry.strategy
    if isinstance(strategy, ExponentialBackoff) and strategy.initial > strategy.max:
        message = f"the first wait, {strategy.initial:g} s, is longer than `max`, {strategy.max:g} s"
        notes.warning("idle-setting", (*place, "initial"), message, "make `max` larger, or `initial` smaller")
    misread = any(finding.path == (*place, "max_retries") for finding in notes.items)
    if retry.max_retries == 0 and not misread and (retry.on or strategy != _NO_RETRY.strategy):
        message = "this retry tries nothing again: `max_retries` is 0"
        notes.warning("idle-setting", place, message, "add max_retries = 2, or delete the rest")


def _check_env(env: Mapping[str, Any], place: Path, notes: Notes) -> None:
    for key, value in env.items():
        if not key or "=" in key or "\0" in key:
            message = f"{shown(key)} cannot be the name of an environment variable"
            notes.error("bad-env", (*place, key), message, "use letters, digits and _")
        if isinstance(value, list | dict):
            message = f"the environment variable {shown(key)} is {shown(value)}"
            notes.error("bad-env", (*place, key), message, "environment variables are text: put it in quotes")
        elif isinstance(value, str) and "\0" in value:
            message = f"the environment variable {shown(key)} holds a NUL character"
            notes.error("bad-env", (*place, key), message, "delete it")


def _check_pool(name: str | None, project: Project, place: Path, notes: Notes) -> None:
    if name is not None and name not in project.pools:
        near = notes.nearest(name, project.pools)
        remedy = f'did you mean "{near}"?' if near else f"add {name} = 4 to [pools]"
        notes.error("unknown-pool", place, f"there is no pool {shown(name)}", remedy)


def _check_requires(value: Any, project: Project, place: Path, notes: Notes) -> None:
    try:
        requires = read_requirements(value)
    except BadRequirements as problem:
        spot = place if problem.key is None else (*place, problem.key)
        notes.error("bad-requires", spot, problem.message, EXAMPLE)
        return
    for name, amount in requires.amounts.items():
        have = project.pools.get(name)
        if have is not None and amount > have:
            message = f"it takes {amount:g} of the pool {shown(name)}, which has {have}: it can never start"
            notes.error("never", (*place, name), message, f"take at most {have}, or make the pool larger")


_OF_ATTEMPTS = ("executor", "timeout", "retry", "pool", "priority", "requires", "env", "cwd", "once")
"""Settings of how an attempt is run: nodes that are no attempt themselves have no use for them."""


def _check_idle(node: Node, place: Path, notes: Notes) -> None:
    """Settings that a node has no use for, as what it does is done by others, or by nobody."""
    settings = node.settings
    used = {"timeout"} if isinstance(node.body, Approval) else set()
    chooser = getattr(node.body, "condition", None) or getattr(node.body, "switch", None)
    until = node.again.condition if node.again is not None else None
    if any(callable(one) or (isinstance(one, str) and is_function(one)) for one in (chooser, until)):
        used |= {"executor", "retry"}
    for key in _OF_ATTEMPTS:
        if key not in used and getattr(settings, key) != getattr(DEFAULT_SETTINGS, key):
            message = f"`{key}` is about attempts, and {shown(str(node.id))} makes none of its own"
            inside = "give it to the nodes inside, or delete it" if isinstance(node.body, Composite) else "delete it"
            notes.warning("idle-setting", (*place, key), message, inside)


def _check_alternative(standing: Standing, standings: list[Standing], notes: Notes) -> None:
    """An alternative stands in for a failed node: it must be another one, and must not wait for that one."""
    place = (*standing.place, "on_error", "alternative")
    seen = [standing]
    while isinstance(seen[-1].node.settings.on_error, RunAlternative):
        target = resolve(str(seen[-1].node.settings.on_error.alternative), seen[-1].level)
        if isinstance(target, Missing):
            return  # noted where it is written
        if target in seen:
            names = ", ".join(shown(one.path) for one in seen)
            what = "itself" if len(seen) == 1 else f"in the end itself ({names})"
            notes.error(
                "bad-alternative", place, f"{shown(standing.path)} has {what} as alternative", "name another node"
            )
            return
        seen.append(target)
        if len(seen) > len(standings):
            return
    alternative = seen[1]
    for name in _upstream(alternative.node):
        found = resolve(name, alternative.level)
        if found is standing:
            what = (
                f"the alternative {shown(alternative.path)} waits for {shown(standing.path)}, which has failed by then"
            )
            notes.error("bad-alternative", place, what, "an alternative takes the failed node's inputs: delete its own")
            return
    if alternative.node.inputs:
        what = f"the alternative {shown(alternative.path)} has inputs of its own, which are not used"
        remedy = "it takes the failed node's inputs: delete its own"
        notes.warning("idle-setting", (*alternative.place, "inputs"), what, remedy)


def _check_shared(standing: Standing, rescued: dict[int, Standing], notes: Notes) -> None:
    """An alternative runs once, with the inputs of the one node that it stands in for."""
    action = standing.node.settings.on_error
    assert isinstance(action, RunAlternative)
    target = resolve(str(action.alternative), standing.level)
    if isinstance(target, Missing):
        return
    place = (*standing.place, "on_error", "alternative")
    other = rescued.setdefault(target.index, standing)
    if other is not standing:
        message = (
            f"{shown(target.path)} is the alternative of {shown(other.path)} already, and can stand in for one node"
        )
        notes.error("bad-alternative", place, message, "give this one a node of its own", (*other.place, "on_error"))
    if target.level is not standing.level:
        message = f"the alternative {shown(target.path)} does not stand beside {shown(standing.path)}"
        notes.error("bad-alternative", place, message, "put it among the nodes beside this one")


def _upstream(node: Node) -> list[str]:
    sources = [source for value in node.inputs.values() for source in ((value,) if isinstance(value, str) else value)]
    return [source.split(".")[0].split("[")[0] for source in sources] + [str(name) for name in node.needs]


_NO_RETRY = RetryPolicy()

_BODIES: Mapping[type, Callable[[Node, Path, Notes], None]] = {
    Task: _check_task,
    Command: _check_command,
    Shell: _check_shell,
    Composite: _check_composite,
    Plugin: _check_plugin,
}
