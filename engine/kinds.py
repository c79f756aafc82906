"""The kinds of nodes that packages bring, for the nodes of one project: which functions are behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import ValidationFailed
from engine.plugins import NODES, bring, offer_of, signature_of, why_not
from engine.project.model import Plugin, Project
from engine.project.scope import standings


def node_kinds(project: Project, files: Mapping[str, Project]) -> dict[str, str]:
    """The functions behind the kinds of nodes that packages bring, by kind; they take what the nodes give them.

    Raises ValidationFailed for a kind that nobody brings and for options that it does not have, SystemFailure for a
    package that cannot be loaded.
    """
    found: dict[str, str] = {}
    signatures: dict[str, Any] = {}
    for workflow in (project.workflow, *project.workflows.values(), *(inner.workflow for inner in files.values())):
        for standing in standings(workflow):
            body = standing.node.body
            if not isinstance(body, Plugin):
                continue
            if body.kind not in found:
                offer = offer_of(NODES, body.kind)
                signatures[body.kind] = signature_of(bring(NODES, body.kind, offer), body.kind)
                found[body.kind] = offer.value
            given = {**body.options, **standing.node.args, **standing.node.inputs}
            problem = why_not(
                signatures[body.kind], given, exact=standing.node.each is None and standing.node.again is None
            )
            if problem:
                raise ValidationFailed(f"{standing.path}: the kind {body.kind!r} {problem}", node_id=standing.path)
    return found
