"""Everything that can be said about a project without running it. The rooms named `check_*` do the looking."""

from __future__ import annotations

import os
from pathlib import Path

from engine.project.check_files import check_files
from engine.project.check_graph import check_graph
from engine.project.check_names import check_hidden, check_node_names, check_param_names
from engine.project.check_references import check_references
from engine.project.check_settings import check_node, check_project_settings, check_settings
from engine.project.findings import Findings, Notes, harmless
from engine.project.findings import Path as Place
from engine.project.model import Node, Project, Workflow
from engine.project.params import check_params
from engine.project.runnable import check_project_runnable, check_runnable
from engine.project.scope import standings
from engine.project.toml import Reading, read


def check_text(text: str, *, file: Path | None = None) -> tuple[Project | None, Findings]:
    """The project that `text` says, and everything that is to be said about it.

    `file` is where the text comes from; without it nothing is said about functions and included files. Never raises for
    what the text says; reads the project's sources as text, and imports and runs nothing.
    """
    reading = read(text, _name_of(file))
    if reading.project is not None:
        look_at(reading, file)
    return reading.project, _placed(reading.notes, text, file)


def look_at(reading: Reading, file: Path | None) -> None:
    """Add to a reading's notes what every room finds."""
    project, notes = reading.project, reading.notes
    assert project is not None
    check_hidden(reading.data, notes)
    check_param_names(project.vars, ("vars",), notes)
    check_project_settings(project, notes)
    check_project_runnable(project, notes)
    _look_at_workflow(project.workflow, (), project, file, notes)
    for name, workflow in project.workflows.items():
        _look_at_workflow(workflow, ("workflows", name), project, file, notes)
    if not project.workflow.nodes and not notes.items:
        notes.warning(
            "no-nodes", ("nodes",), "the project has no nodes", 'add one: [nodes.hello] with shell = "echo hello"'
        )


def _look_at_workflow(workflow: Workflow, place: Place, project: Project, file: Path | None, notes: Notes) -> None:
    nodes = standings(workflow, place)
    check_node_names(nodes, notes)
    check_param_names(workflow.params, (*place, "params"), notes)
    check_params(workflow.params, (*place, "params"), notes)
    edges = check_references(nodes, workflow, project, place, notes)
    check_graph(nodes, edges, notes)
    check_settings(nodes, project, notes)
    check_files(workflow, nodes, project, file, notes)
    check_runnable(nodes, notes)
    extra = [(standing.node.settings.undo, (*standing.place, "undo")) for standing in nodes]
    if not place:
        extra += [(project.run.on_success, ("run", "on_success")), (project.run.on_failure, ("run", "on_failure"))]
    others: list[tuple[Node, Place]] = [(node, spot) for node, spot in extra if node is not None]
    for node, spot in others:
        check_node(node, spot, project, notes)
    if file is not None:
        from engine.project.check_tasks import check_delays, check_functions, check_modules, check_tasks, modules_of
        from engine.project.functions import Sources

        sources = Sources(file.resolve().parent, project.python)
        check_tasks(nodes, sources, notes)
        for node, spot in others:
            check_functions(node, spot, sources, notes, exact=False)
        if not place:
            check_delays(project, sources, notes)
            check_modules(sources, modules_of(nodes), notes)


def _placed(notes: Notes, text: str, file: Path | None) -> Findings:
    if not notes.items:
        return Findings()
    from engine.project.places import with_places

    name = None if file is None else shown_path(file)
    return Findings(with_places(notes.items, text, name), notes.more)


def shown_path(file: Path) -> str:
    """How a file is named in a finding: from here where it lies below, else whole; with nothing a terminal obeys."""
    try:
        return harmless(os.fsdecode(file.resolve().relative_to(Path.cwd())))
    except (ValueError, OSError):
        return harmless(os.fsdecode(file))


def _name_of(file: Path | None) -> str:
    if file is None:
        return "workflow"
    return file.resolve().parent.name if file.name == "project.toml" else file.stem
