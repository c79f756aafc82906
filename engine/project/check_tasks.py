"""Functions that nodes name: are they in the source, and do they take what they are given? Nothing is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from engine.project.comparisons import is_function
from engine.project.findings import Fix, Notes, Path, shown
from engine.project.functions import Function, Module, Sources
from engine.project.literals import check_literals
from engine.project.model import (
    Conditional,
    CustomDelay,
    Node,
    Project,
    RunAlternative,
    Switch,
    Task,
)
from engine.project.scope import Standing, resolve

OURS = frozenset(("engine", "agents", "studio", "dill"))
"""Modules that a child process loads for us: a project's own one of that name would get in the way."""

_EXAMPLE = 'write "module:function", for example "tasks:load"'


def check_tasks(standings: list[Standing], sources: Sources, notes: Notes) -> None:
    """Note every function that is missing, and every argument that a function does not take."""
    rescuers = _alternatives(standings)
    for standing in standings:
        if standing.place in notes.broken or _is_bypassed(standing):
            continue
        failed = rescuers.get(standing.index)
        extra = () if failed is None else (*failed.node.inputs, *failed.node.args)
        check_functions(standing.node, standing.place, sources, notes, extra=extra)


def check_functions(node: Node, place: Path, sources: Sources, notes: Notes, *, extra: Sequence[str] = ()) -> None:
    """The functions of one node. `extra` are the arguments that it gets and that are not written at it."""
    if isinstance(node.body, Task) and isinstance(node.body.task, str):
        function = find(node.body.task, (*place, "task"), sources, notes)
        if function is not None:
            check_literals(function, (*place, "task"), notes)
        if function is not None and function.known:
            _check_arguments(node, function, place, notes, extra)
    for suffix, reference in _others(node):
        if isinstance(reference, str) and is_function(reference):
            find(reference, (*place, *suffix), sources, notes)


def check_delays(project: Project, sources: Sources, notes: Notes) -> None:
    """The custom delay of [defaults.retry]."""
    retry = project.defaults.retry
    if retry is not None and isinstance(retry.strategy, CustomDelay) and isinstance(retry.strategy.function, str):
        find(retry.strategy.function, ("defaults", "retry", "strategy"), sources, notes)


def find(reference: str, place: Path, sources: Sources, notes: Notes) -> Function | None:
    """The function of `module:function`, as far as its source is known; what is wrong with it is noted."""
    if not is_function(reference):
        near = reference.replace("/", ".").removesuffix(".py")
        remedy, fix = _EXAMPLE, None
        if "." in near and ":" not in near:
            better = ":".join(near.rsplit(".", 1))
            if is_function(better):
                remedy, fix = f'write "{better}"', Fix("value", better)
        notes.error("bad-function", place, f"{shown(reference)} does not name a function", remedy, fix=fix)
        return None
    module_name, _, name = reference.partition(":")
    module = sources.module(module_name)
    if module is None and sources.first_time(module_name):
        _note_missing_module(reference, place, sources, notes)
    if module is None:
        return None
    if module.problem is not None:
        if not sources.first_time(module_name):
            return None
        line = f", line {module.problem_line}" if module.problem_line else ""
        message = f"{shown(module.file.name)}{line}: {module.problem}"
        notes.error("bad-source", place, message, f"{shown(reference)} is looked for there: correct the file")
        return None
    function = module.functions.get(name)
    if function is None:
        if not module.open_ended and not _inherited(name, module):
            near_name = notes.nearest(name, module.functions)
            remedy = f'did you mean "{module_name}:{near_name}"?' if near_name else f"add def {name}(...) to it"
            message = f"{shown(module.file.name)} has no function {shown(name)}"
            fix = Fix("value", f"{module_name}:{near_name}") if near_name else _written(reference)
            notes.error("missing-function", place, message, remedy, fix=fix)
        return None
    if not function.function:
        message = f"{shown(name)} in {shown(module.file.name)}, line {function.line}, is a value, not a function"
        notes.error("missing-function", place, message, "name a function")
    return function


def check_modules(sources: Sources, used: set[str], notes: Notes) -> None:
    """Note modules of the folder that are named like ours or like standard ones: another one would be imported."""
    for name in sources.modules_here():
        if name in OURS:
            message = f"{name}.py has the name of a module that Flowloom itself needs"
            notes.warning("shadowing", (), message, "rename the file")
        elif name in sys.stdlib_module_names and name not in ("test", "this", "__main__"):
            message = f"{name}.py has the name of a standard module, which is imported instead of it"
            if name in used:
                notes.error("shadowing", (), message, "rename the file, and the tasks that name it")
            else:
                notes.warning("shadowing", (), message, "rename the file")


def modules_of(standings: list[Standing]) -> set[str]:
    """The top names of the modules that the nodes' tasks are in."""
    tasks = (standing.node.body.task for standing in standings if isinstance(standing.node.body, Task))
    return {task.partition(":")[0].partition(".")[0] for task in tasks if isinstance(task, str)}


def _written(reference: str) -> Fix | None:
    """A function at the top of a module can be written; a method belongs to a class that somebody has to think of."""
    return Fix("function", reference) if "." not in reference.partition(":")[2] else None


def _note_missing_module(reference: str, place: Path, sources: Sources, notes: Notes) -> None:
    name, _, function = reference.partition(":")
    if sources.installed(name):
        return
    here = sources.modules_here()
    near = notes.nearest(name, here)
    file = name.replace(".", "/") + ".py"
    remedy = f"did you mean {near}?" if near else f"create {file} beside the project file, or install the package"
    fix = Fix("value", f"{near}:{function}") if near else _written(reference)
    message = f"there is no module {shown(name)}: {file} is not in the folder"
    notes.error("missing-module", place, message, remedy, fix=fix)


def _inherited(name: str, module: Module) -> bool:
    """`Class.method` where the class is there: the method may come from a base class."""
    first, dot, _ = name.partition(".")
    return bool(dot) and first in module.functions


def _check_arguments(node: Node, function: Function, place: Path, notes: Notes, extra: Sequence[str]) -> None:
    given: dict[str, Path] = dict.fromkeys(extra, (*place, "task"))
    given.update({key: (*place, "args", key) for key in node.args})
    given.update({key: (*place, "inputs", key) for key in node.inputs})
    if node.each is not None:
        source = node.each.map
        names = list(source) if isinstance(source, dict) else ["item"]
        given.update(dict.fromkeys(names, (*place, "map")))
    if node.again is not None and node.again.carry is not None:
        given[node.again.carry] = (*place, "carry")
    for key, spot in given.items():
        if key in function.positional:
            message = f"{function.name}() takes {shown(key)} by position only"
            notes.error("bad-argument", spot, message, "arguments are given by name: remove the / from its definition")
        elif key not in function.named and not function.any_name:
            near = notes.nearest(key, function.named)
            takes = ", ".join(name for name in function.named if name != "ctx") or "nothing"
            remedy = f"did you mean `{near}`?" if near else f"it takes {takes}"
            fix = Fix("key", near) if near and near not in given and spot[-1] == key else None
            notes.error("bad-argument", spot, f"{function.name}() has no argument {shown(key)}", remedy, fix=fix)
    missing = sorted(function.required - given.keys() - {"ctx"})
    if missing:
        names_text = ", ".join(f"`{name}`" for name in missing)
        message = f"{function.name}() needs {names_text}"
        remedy = f'add it to `inputs` or `args`, for example inputs = {{ {missing[0]} = "NODE" }}'
        notes.error("missing-argument", place, message, remedy)


def _others(node: Node) -> Iterator[tuple[Path, Any]]:
    """Functions of a node beside its task."""
    if isinstance(node.body, Conditional):
        yield ("condition",), node.body.condition
    if isinstance(node.body, Switch):
        yield ("switch",), node.body.switch
    if node.again is not None:
        yield ("while" if node.again.negate else "until",), node.again.condition
    retry = node.settings.retry
    if retry is not None and isinstance(retry.strategy, CustomDelay):
        yield ("retry", "strategy"), retry.strategy.function


def _is_bypassed(standing: Standing) -> bool:
    """Whether a node, or something around it, is not enabled: then its functions need not be there."""
    around: Standing | None = standing
    while around is not None:
        if not around.node.settings.enabled:
            return True
        around = around.owner
    return False


def _alternatives(standings: list[Standing]) -> dict[int, Standing]:
    """The nodes that are somebody's alternative, by number: they take the inputs of that one."""
    found = {}
    for standing in standings:
        action = standing.node.settings.on_error
        if isinstance(action, RunAlternative):
            target = resolve(str(action.alternative), standing.level)
            if isinstance(target, Standing):
                found[target.index] = standing
    return found
