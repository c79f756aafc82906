"""`flowloom runs`: the list of runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from studio.front.paint import Paint, moment, seconds
from studio.front.places import state_here
from studio.front.streams import say, tell
from studio.front.terminal import terminal_of

if TYPE_CHECKING:
    from engine.store.index import RunSummary


@click.command("runs", short_help="List past and present runs.")
@click.argument("project", required=False)
@click.option("--all", "everywhere", is_flag=True, help="Those of every project of yours on this machine.")
@click.option("-n", "most", type=click.IntRange(min=1), default=None, metavar="N", help="Only the newest N.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(project: str | None, everywhere: bool, most: int | None, as_json: bool) -> None:
    """List the runs of PROJECT, newest first; outside of any project those of all projects."""
    found, here = _found(project, everywhere)
    found = found[:most]
    if as_json:
        document = {"format": 1, "runs": [_document(run) for run in found]}
        tell(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        return
    if not found:
        say(f"Nothing has run {'in this project' if here else 'yet'}. Run it with: flowloom run")
        return
    paint = Paint(terminal_of(sys.stdout))
    several = len({run.facts.get("project") for run in found}) > 1 or not here
    tell(paint.table(*_table(found, paint, several), right=frozenset({2, 3})))


def _found(project: str | None, everywhere: bool) -> tuple[list[RunSummary], bool]:
    from engine.store.index import places, runs_of

    state = None if everywhere else state_here(project)
    if state is not None:
        return runs_of(state.path), True
    found = [run for place in places() for run in runs_of(place)]
    return sorted(found, key=lambda run: (run.wall, run.run), reverse=True), False


def _table(found: list[RunSummary], paint: Paint, several: bool) -> tuple[list[str], list[list[str]]]:
    heads = ["run", "state", "took", "nodes", "began", *(["project"] if several else []), "because"]
    rows = []
    for run in found:
        facts = run.facts
        count = f"{facts.get('done', 0)}/{facts['nodes']}" if "nodes" in facts else ""
        project = [paint.safe(facts.get("project", ""))] if several else []
        began = moment(run.wall)[:16]
        rows.append(
            [run.run, paint.state(run.state), seconds(run.seconds), count, began, *project, _because(run, paint)]
        )
    return heads, rows


def _because(run: RunSummary, paint: Paint) -> str:
    if run.trouble:
        return paint.safe(run.trouble)
    facts = run.facts
    cause, reason = facts.get("cause"), facts.get("reason")
    if cause and run.state != "completed":
        return paint.safe(f"{cause} failed")
    return paint.safe(reason) if reason else ""


def _document(run: RunSummary) -> dict[str, Any]:
    from datetime import UTC, datetime

    try:
        began = datetime.fromtimestamp(run.wall, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        began = None
    facts = run.facts
    return {
        "run": run.run,
        "state": run.state,
        "began": began,
        "seconds": run.seconds,
        "project": facts.get("project"),
        "file": facts.get("file"),
        "nodes": facts.get("nodes"),
        **{name: facts.get(name, 0) for name in ("done", "failed", "skipped", "canceled")},
        "cause": facts.get("cause"),
        "reason": facts.get("reason") or None,
        "folder": str(run.folder),
        "trouble": run.trouble or None,
    }
