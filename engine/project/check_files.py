"""Sub-workflows: is the file or [workflows.NAME] there, does it take these params, does it include itself?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from engine.errors import ValidationFailed
from engine.project.findings import Findings, Notes, shown
from engine.project.findings import Path as Place
from engine.project.model import Project, SubWorkflow, Workflow
from engine.project.scope import Standing, standings
from engine.project.source import read_source

MAX_FILES = 100
"""Files that one look follows: those that a project includes, and those that these include."""


Look = Callable[[str, Path], tuple[Project | None, Findings]]
"""How an included file is looked at: everything but the files that it includes."""


class Included:
    """The workflows that a project can include: its own [workflows], and files, each read once."""

    def __init__(self, project: Project, file: Path | None, look: Look) -> None:
        self.project = project
        self.file = None if file is None else file.resolve()
        self._look = look
        self._projects: dict[Path, Project | str] = {} if self.file is None else {self.file: project}

    def find(self, name: str, project: Project, file: Path | None) -> tuple[Workflow, Project, Path | None] | str:
        """The workflow that `name` means in a project read from `file`; or why there is none."""
        if not name.endswith(".toml"):
            own = project.workflows.get(name)
            return (own, project, file) if own is not None else f"there is no [workflows.{name}]"
        if file is None:
            return "a file can be included by a file only"
        target = Path(os.path.realpath(file.parent / name))
        found = self._read(target)
        if isinstance(found, str):
            return found
        return found.workflow, found, target

    def _read(self, file: Path) -> Project | str:
        if file not in self._projects:
            self._projects[file] = "it was not looked at: too many files" if self._full() else _read(file, self._look)
        return self._projects[file]

    def _full(self) -> bool:
        return len(self._projects) >= MAX_FILES


def check_files(workflow: Workflow, nodes: list[Standing], included: Included, notes: Notes) -> None:
    """Note sub-workflows that are not there, that are given wrong params, and that include themselves."""
    project, home = included.project, included.file
    for standing in nodes:
        body = standing.node.body
        if not isinstance(body, SubWorkflow) or standing.place in notes.broken:
            continue
        place = (*standing.place, "workflow")
        found = included.find(body.workflow, project, home)
        if isinstance(found, str):
            _note_missing(body.workflow, found, project, place, notes)
            continue
        _check_given(body, found[0], (*standing.place, "params"), notes)
        circle = _circle(body.workflow, workflow, included)
        if circle is not None:
            message = f"a workflow that includes itself never ends: {' includes '.join(circle)}"
            notes.error("includes-itself", place, message, "take one of them out; to repeat something use `until`")


def _note_missing(name: str, why: str, project: Project, place: Place, notes: Notes) -> None:
    near = notes.nearest(name, project.workflows)
    remedy = f'did you mean "{near}"?' if near else "name a .toml file beside this one, or a [workflows.NAME] of it"
    notes.error("missing-workflow", place, f"the workflow {shown(name)} cannot be used: {why}", remedy)


def _check_given(body: SubWorkflow, workflow: Workflow, place: Place, notes: Notes) -> None:
    for name in body.params:
        if name not in workflow.params:
            near = notes.nearest(name, workflow.params)
            known = f"it has {', '.join(workflow.params)}" if workflow.params else "it has none"
            message = f"the workflow {shown(body.workflow)} has no param {shown(name)}"
            notes.error("unknown-param", (*place, name), message, f"did you mean `{near}`?" if near else known)
    for name, param in workflow.params.items():
        if param.required and name not in body.params:
            message = f"the workflow {shown(body.workflow)} requires the param {shown(name)}"
            notes.error("param-missing", place, message, f"add params = {{ {name} = ... }}")


def _circle(name: str, start: Workflow, included: Included) -> list[str] | None:
    """The names through which a sub-workflow comes back to one that it is part of, or None. Iterative, depth first."""
    project, file = included.project, included.file
    todo: list[tuple[str, Project, Path | None, tuple[Workflow, ...]]] = [(name, project, file, (start,))]
    done: set[int] = set()
    while todo:
        wanted, inside, its_file, around = todo.pop()
        found = included.find(wanted, inside, its_file)
        if isinstance(found, str):
            continue
        workflow, its_project, next_file = found
        if any(workflow is outer for outer in around):
            # A circle further down in this file is told where it is, not by everybody who leads to it.
            elsewhere = all(workflow is not own for own in project.workflows.values())
            return [shown(outer.name) for outer in (*around, workflow)] if workflow is start or elsewhere else None
        if id(workflow) in done:
            continue
        done.add(id(workflow))
        bodies = (inner.node.body for inner in standings(workflow))
        names = [body.workflow for body in bodies if isinstance(body, SubWorkflow)]
        todo.extend((name, its_project, next_file, (*around, workflow)) for name in names)
    return None


def _read(file: Path, look: Look) -> Project | str:
    try:
        source = read_source(file)
    except ValidationFailed as error:
        return str(error.findings[0].message)
    project, findings = look(source.text, file)
    if project is None or findings.errors:
        first = findings.errors[0]
        line = f", in line {first.line}" if first.line else ""
        return f"it has errors of its own{line}: {first.message}"
    return project
