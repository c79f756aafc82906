"""Everything that can be said about a project without running it. The rooms named `check_*` do the looking."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.project.check_files import Included, check_files
from engine.project.check_graph import check_graph
from engine.project.check_names import check_hidden, check_node_names, check_param_names
from engine.project.check_references import check_references
from engine.project.check_settings import check_node, check_project_settings, check_settings
from engine.project.check_tasks import check_delays, check_functions, check_modules, check_tasks, modules_of
from engine.project.findings import Findings, Notes, harmless
from engine.project.findings import Path as Place
from engine.project.functions import Sources
from engine.project.model import Node, Project, Workflow
from engine.project.params import check_params
from engine.project.runnable import check_project_runnable, check_runnable
from engine.project.scope import Standing, standings
from engine.project.toml import read


def check_text(
    text: str, *, file: Path | None = None, sources: Sources | None = None, inner: bool = False
) -> tuple[Project | None, Findings]:
    """The project that `text` says, and everything that is to be said about it.

    `file` is where the text comes from; without it nothing is said about functions and included files. `sources` are
    those of its folder, if they were read before; `inner` for a file that another one includes, whose own includes are
    followed from there. Never raises for what the text says; imports and runs nothing.
    """
    with _nothing_thrown_away():
        reading = read(text, _name_of(file))
        if reading.project is not None:
            if file is not None and sources is None:
                sources = Sources(file.resolve().parent)
            _Look(reading.project, file, sources, reading.notes, inner).run(reading.data)
        return reading.project, _placed(reading.notes, text, file)


@contextmanager
def _nothing_thrown_away() -> Iterator[None]:
    """Without looking for garbage: nearly all that is read is kept, and of 100,000 nodes the looking is half the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Look(Struct, frozen=True):
    """One look at a project, from room to room."""

    project: Project
    file: Path | None
    sources: Sources | None
    notes: Notes
    inner: bool

    def run(self, data: Mapping[str, Any]) -> None:
        project, notes = self.project, self.notes
        if self.sources is not None:
            self.sources.python = project.python
        check_hidden(data, notes)
        check_param_names(project.vars, ("vars",), notes)
        check_project_settings(project, notes)
        check_project_runnable(project, notes)
        self.workflow(project.workflow, ())
        for name, workflow in project.workflows.items():
            self.workflow(workflow, ("workflows", name))
        if not project.workflow.nodes and not notes.items:
            remedy = 'add one: [nodes.hello] with shell = "echo hello"'
            notes.warning("no-nodes", ("nodes",), "the project has no nodes", remedy)

    def workflow(self, workflow: Workflow, place: Place) -> None:
        """One workflow: the file's own, or one of its [workflows.NAME]."""
        project, notes = self.project, self.notes
        nodes = standings(workflow, place)
        check_node_names(nodes, notes)
        check_param_names(workflow.params, (*place, "params"), notes)
        check_params(workflow.params, (*place, "params"), notes)
        edges = check_references(nodes, workflow, project, place, notes)
        check_graph(nodes, edges, notes)
        check_settings(nodes, project, notes)
        if not self.inner:
            check_files(workflow, nodes, Included(project, self.file, _look_inside), notes)
        check_runnable(nodes, notes)
        others = list(self._beside(nodes, place))
        for node, spot, _ in others:
            check_node(node, spot, project, notes)
        if self.sources is not None:
            check_tasks(nodes, self.sources, notes)
            for node, spot, extra in others:
                check_functions(node, spot, self.sources, notes, extra=extra)
            if not place:
                check_delays(project, self.sources, notes)
                check_modules(self.sources, modules_of(nodes), notes)

    def _beside(self, nodes: list[Standing], place: Place) -> Iterator[tuple[Node, Place, tuple[str, ...]]]:
        """Nodes that stand in no graph: what undoes others, which is given `result`, and what a run does at its end."""
        for standing in nodes:
            if standing.node.settings.undo is not None:
                yield standing.node.settings.undo, (*standing.place, "undo"), ("result",)
        run = self.project.run
        for key, node in (("on_success", run.on_success), ("on_failure", run.on_failure)):
            if node is not None and not place:
                yield node, ("run", key), ()


def _look_inside(text: str, file: Path) -> tuple[Project | None, Findings]:
    return check_text(text, file=file, inner=True)


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
