"""`flowloom check`: what is wrong with a project, where, and what to do about it. Runs and imports nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from studio.front import exit_codes
from studio.front.streams import say, tell

if TYPE_CHECKING:
    from engine.project.findings import Findings


@click.command("check", short_help="Say what is wrong with a project; run nothing of it.")
@click.argument("project", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(project: str | None, as_json: bool) -> int:
    """Read PROJECT and its sources, and name everything that would keep it from running.

    Ends with 0 if it can run (there may be warnings) and with 2 if it cannot.
    """
    from engine.errors import ValidationFailed
    from engine.project.checks import shown_path
    from engine.project.findings import Findings
    from engine.project.loading import look
    from studio.front.places import project_file

    file = project_file(project)
    nodes = 0
    try:
        loaded = look(file)
        findings = loaded.findings
        nodes = len(loaded.project.workflow.nodes) if loaded.project is not None else 0
    except ValidationFailed as error:
        findings = Findings(error.findings)
    name = shown_path(file)
    code = exit_codes.WRONG if findings.errors else exit_codes.COMPLETED
    if as_json:
        tell(_document(name, findings))
    elif findings:
        from studio.front.trouble import tell_findings

        tell_findings(ValidationFailed(f"{name}: {findings.counts()}", findings.items))
    else:
        say(f"{name}: {nodes:,} node{'' if nodes == 1 else 's'}, nothing to remark")
    return code


def _document(name: str, findings: Findings) -> str:
    import json

    document = {
        "format": 1,
        "project": name,
        "errors": len(findings.errors),
        "warnings": len(findings.warnings),
        "more": findings.more,
        "findings": [finding.to_dict() for finding in findings],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)
