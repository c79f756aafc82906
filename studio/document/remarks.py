"""What is wrong with a node, at once: the findings about its own table, while somebody types in it.

The whole file is checked a moment after an edit, in a thread. A person who types wants to know now; so the engine's own
readers and checks look at this one node, with the names that can be seen from where it stands. What only the whole file can
tell (circles, twins) still comes from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from engine.project.check_references import check_uses
from engine.project.check_settings import check_node
from engine.project.check_tasks import check_functions
from engine.project.findings import Finding, Notes
from engine.project.functions import Sources
from engine.project.model import Project, Workflow
from engine.project.reading import read_node, read_project
from engine.project.scope import Level, Standing, standings

Keys = tuple[str | int, ...]


class Surroundings(Struct, frozen=True):
    """Where a node stands: made once, it holds as long as no node beside it comes, goes or is renamed."""

    project: Project
    workflow: Workflow
    path: str
    level: Level
    owner: Standing | None = None
    sources: Sources | None = None

    @property
    def nodes(self) -> tuple[str, ...]:
        """The ids that can be named from there, nearest first, without the node's own and those that hold it."""
        around = set(self.path.split("/"))
        return tuple(name for name in self.level.visible() if name not in around)


def surroundings(project: Project, workflow: Workflow, path: str, folder: Path | None = None) -> Surroundings | None:
    """Where the node at a path of a workflow stands; None where there is none. `folder` is that of its functions."""
    for standing in standings(workflow):
        if standing.path == path:
            sources = Sources(folder, project.python) if folder is not None else None
            return Surroundings(project, workflow, path, standing.level, standing.owner, sources)
    return None


def node_remarks(table: Mapping[str, Any], around: Surroundings) -> tuple[Finding, ...]:
    """The findings about one node, with paths of keys inside of its table."""
    notes = Notes()
    name = around.path.rpartition("/")[2]
    place = ("nodes", name)
    node = read_node(name, table, place, notes)
    if place not in notes.broken:
        standing = Standing(0, node, around.path, place, around.level, around.owner)
        check_node(node, place, around.project, notes)
        check_uses(standing, around.workflow, around.project, notes)
        if around.sources is not None:
            check_functions(node, place, around.sources, notes)
    return tuple(structs.replace(finding, path=finding.path[len(place) :]) for finding in notes.items)


def project_remarks(tables: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings about what a file says outside of its nodes."""
    notes = Notes()
    read_project({key: value for key, value in tables.items() if key not in ("nodes", "workflows")}, "", notes)
    return tuple(notes.items)


def about(findings: tuple[Finding, ...], keys: Keys) -> Finding | None:
    """The worst finding about a field: at its keys or inside of its value."""
    near = [finding for finding in findings if finding.path[: len(keys)] == keys] if keys else []
    return min(near, key=lambda finding: (finding.severity != "error", len(finding.path)), default=None)
