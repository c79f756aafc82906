"""What running a project would use: its Python files, its commands, its other files. Found by reading, for the question
whether to trust it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.project.model import Command, Project, Shell, SubWorkflow, Task
from studio.document.code import parsed, read_source
from studio.document.reader import walk

MOST = 6
"""So many files and names are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that would be used. `kind` is a word of `theme.KINDS`; `odd` marks what deserves a second look."""

    file: str
    kind: str
    count: int
    noun: str
    detail: str
    odd: bool = False


def uses_of(project: Project, folder: Path, file: Path) -> tuple[Use, ...]:
    """Everything the project's nodes name, in the order in which they name it."""
    nodes = [node for _, node in walk(project.workflow.nodes)]
    nodes += [node for workflow in project.workflows.values() for _, node in walk(workflow.nodes)]
    functions: dict[str, set[str]] = {}
    programs: list[str] = []
    shells = 0
    others: list[str] = []
    for node in nodes:
        body = node.body
        if isinstance(body, Task) and isinstance(body.task, str):
            module, _, name = body.task.partition(":")
            functions.setdefault(module, set()).add(name)
        elif isinstance(body, Command):
            programs += body.command[:1]
        elif isinstance(body, Shell):
            shells += 1
        elif isinstance(body, SubWorkflow) and body.workflow not in project.workflows:
            others.append(body.workflow)
    found = [_module_use(folder, module, names) for module, names in functions.items()]
    if programs:
        found.append(Use(file.name, "command", len(programs), "commands", _listed(dict.fromkeys(programs))))
    if shells:
        found.append(Use(file.name, "command", shells, "shell scripts", "run by /bin/sh"))
    found += [_other_use(folder, other) for other in dict.fromkeys(others)]
    return tuple(found)


def _module_use(folder: Path, module: str, names: set[str]) -> Use:
    base = folder.joinpath(*module.split(".")) if re.fullmatch(r"[\w.]+", module) else folder / "?"
    for path in (base.with_name(base.name + ".py"), base / "__init__.py"):
        text = read_source(path)
        if text is not None:
            imported = _imports(text, folder)
            detail = f"imports {_listed(imported)}" if imported else "imports nothing else"
            outside = not path.resolve().is_relative_to(folder.resolve())
            shown = f"outside this folder: {path.resolve().parent}" if outside else detail
            return Use(str(path.relative_to(folder)), "task", len(names), "functions", shown, outside)
    return Use(module, "task", len(names), "functions", "an installed module, or missing", True)


def _imports(text: str, folder: Path) -> list[str]:
    """Packages that a file imports, without the standard library and the project's own files."""
    tree = parsed(text)
    names: dict[str, None] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names[node.module.partition(".")[0]] = None
    own = {name for name in names if (folder / f"{name}.py").exists() or (folder / name).is_dir()}
    return [name for name in names if name not in own and name not in sys.stdlib_module_names]


def _other_use(folder: Path, name: str) -> Use:
    path = folder / name
    outside = not path.resolve().is_relative_to(folder.resolve())
    detail = f"outside this folder: {name}" if outside else "a workflow of its own"
    return Use(name, "sub_workflow", 1, "workflow", detail, outside)


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - MOST
    return ", ".join(every[:MOST]) + (f" and {more} more" if more > 0 else "")


def origin_of(folder: Path) -> str:
    """Where the folder came from, as far as its git settings say; read as text, git is not asked."""
    for place in (folder, *folder.parents[:3]):
        text = read_source(place / ".git" / "config")
        if text is not None:
            found = re.search(r'\[remote "origin"\][^\[]*?url\s*=\s*(\S+)', text)
            address = re.sub(r"^\w+://([^@/]*@)?|\.git$", "", found[1]) if found else ""
            return f"git clone of {address}" if address else "a git repository of this machine"
    return "a folder of this machine"
