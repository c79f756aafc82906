"""What a hand must know of the document: what there is, what can be added, where an edge may lead, what edits are about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from msgspec import structs

from engine.project.model import Node, Workflow
from studio.document.catalog import Catalog
from studio.document.draft import Draft
from studio.document.edits import Edit, Several
from studio.document.reader import node_at
from studio.document.rules import targets_of

Targets = Mapping[str, str | None]
"""Every node, with the reason why an edge may not lead to it; None where it may."""


@dataclass(frozen=True)
class Desk:
    """`editing` is the `workflow` of edits, None where what is shown cannot be edited here. `workflows` are the names that
    a new one cannot have, `gaps` the paths of places that are empty yet: branches and groups with nothing in them."""

    workflow: Workflow = field(default_factory=lambda: Workflow(""))
    catalog: Catalog = field(default_factory=Catalog)
    targets: Callable[[str], Targets] = lambda _: {}
    editing: str | None = ""
    workflows: Collection[str] = ()
    gaps: Collection[str] = frozenset()

    def node_at(self, path: str) -> Node | None:
        """The node at a path."""
        return self.workflow.nodes.get(path) if "/" not in path else node_at(self.workflow, path)

    def about(self, edit: Edit) -> Edit:
        """An edit, said of the workflow that is shown."""
        if not self.editing:
            return edit
        if isinstance(edit, Several):
            edit = structs.replace(edit, edits=tuple(self.about(each) for each in edit.edits))
        return structs.replace(edit, workflow=self.editing)


def desk_of(draft: Draft, editing: str, catalog: Catalog, gaps: Collection[str]) -> Desk:
    """The desk for one workflow of a draft. Where edges may lead is found out when somebody asks, once for each node."""
    known: dict[str, Targets] = {}

    def targets(source: str) -> Targets:
        if source not in known:
            known[source] = targets_of(draft, source, editing)
        return known[source]

    names = frozenset(draft.project.workflows)
    return Desk(draft.workflow(editing), catalog, targets, editing, names, gaps)
