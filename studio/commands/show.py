"""`flowloom show`: how a run went, node by node, and why it failed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from engine.draw.text import elide
from studio.front import exit_codes
from studio.front.paint import Paint, moment, seconds
from studio.front.places import run_named
from studio.front.streams import tell
from studio.front.terminal import terminal_of

if TYPE_CHECKING:
    from engine.history import PastRun
    from engine.plan import Plan
    from engine.store.index import RunSummary

MOST = 200
"""Nodes that are listed unless all are asked for."""


@click.command("show", short_help="Show how a run went: every node, and the cause of a failure.")
@click.argument("run", required=False)
@click.option("--all", "everything", is_flag=True, help=f"Every node, also if there are more than {MOST}.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, as `run --json` prints it.")
def command(run: str | None, everything: bool, as_json: bool) -> int:
    """Show how RUN went, or how it goes if it still runs."""
    from engine.history import past_run

    summary = run_named(run)
    past = past_run(summary.folder)
    if as_json:
        from studio.front.documents import dumped

        document = past.result.to_dict()
        if summary.state != document["state"]:
            document["state"] = summary.state  # interrupted: the journal ends where its process did
        tell(dumped(document))
        return exit_codes.COMPLETED
    paint = Paint(terminal_of(sys.stdout))
    tell("\n".join(_told(past, summary, paint, everything)))
    return exit_codes.COMPLETED


def _told(past: PastRun, summary: RunSummary, paint: Paint, everything: bool) -> list[str]:
    from studio.live.words import cause_block

    state = past.state
    lines = [*_head(past, summary, paint), "", *_nodes(past, paint, everything)]
    if state.cause >= 0:
        lines += ["", *cause_block(state, state.cause, _printed(past, state.plan.names[state.cause]), paint)]
    return lines


def _head(past: PastRun, summary: RunSummary, paint: Paint) -> list[str]:
    from studio.live.board import Board
    from studio.live.words import brief, counts_text

    result = past.result
    name = paint.style(paint.safe(past.plan.name or "run"), "bold")
    took = f" in {seconds(result.seconds)}" if past.state.ended_at is not None else ""
    counts = counts_text(dict(Board("").look(past.state, 0.0).counts), paint)
    lines = [f"{paint.glyph(summary.state)} {name} {summary.state}{took}   {counts}"]
    rows = [("run", summary.run), ("began", moment(summary.wall)), ("kept in", str(summary.folder))]
    if result.reason and summary.state != "completed":
        rows.append(("reason", result.reason))
    if summary.state == "interrupted":
        rows.append(("reason", "its process ended without ending it; what it had recorded is below"))
    if result.params:
        rows.append(("params", ", ".join(f"{key}={brief(value)}" for key, value in result.params.items())))
    rows.append(("python", result.python))
    if summary.state == "completed" and result.value not in (None, {}):
        rows.append(("result", brief(result.value)))
    return lines + [f"  {paint.muted(f'{what:<8}')}{paint.fit(paint.safe(text), _room(paint))}" for what, text in rows]


def _room(paint: Paint) -> int:
    return paint.terminal.width - 10 if paint.terminal.live else 10_000


def _nodes(past: PastRun, paint: Paint, everything: bool) -> list[str]:
    state = past.state
    plan = state.plan  # with the nodes that were born on the way
    depths = _family(plan)
    numbers = list(depths)
    shown = numbers if everything or len(numbers) <= MOST else _worst(past, numbers)
    room = max(paint.terminal.width * 2 // 5, 12) if paint.terminal.live else 10_000
    rows = []
    for node in shown:
        record = state.node(node)
        word = "retrying" if record.retry_due is not None else record.state.value
        began = f"{record.started:.2f}" if record.started is not None else ""
        took = seconds(record.seconds) if record.attempts else ""
        tries = str(record.attempts) if record.attempts > 1 else ""
        depth = "  " * depths[node]
        about = paint.safe(" ".join(part for part in (record.agent and f"on {record.agent}", _about(record)) if part))
        name = elide(paint.safe(record.id), room - len(depth), paint.sign("ellipsis"))
        rows.append([f"{depth}{paint.glyph(word)} {name}", word, began, took, tries, about])
    heads = ["  node", "state", "began", "took", "tries", ""]
    if not any(row[4] for row in rows):
        heads, rows = [*heads[:4], ""], [[*row[:4], row[5]] for row in rows]
    table = paint.table(heads, rows, right=frozenset({2, 3, 4} if len(heads) == 6 else {2, 3})).splitlines()
    if len(shown) < len(numbers):
        table.append(paint.muted(f"  and {len(numbers) - len(shown)} more; all of them: --all"))
    return table


def _family(plan: Plan) -> dict[int, int]:
    """The nodes that people know, each frame before what it holds, and how deep each lies."""
    left_out = {*plan.templates, *plan.hidden}
    if not plan.parents:
        return {node: 0 for node in range(len(plan.names)) if node not in left_out}
    children: dict[int, list[int]] = {}
    for node in range(len(plan.names)):
        if node not in left_out:
            children.setdefault(plan.parents.get(node, -1), []).append(node)
    depths: dict[int, int] = {}
    waiting = [(node, 0) for node in reversed(children.get(-1, ()))]
    while waiting:
        node, depth = waiting.pop()
        depths[node] = depth
        waiting += [(child, depth + 1) for child in reversed(children.get(node, ()))]
    return depths


def _worst(past: PastRun, numbers: list[int]) -> list[int]:
    """Those that one wants to see of many: what failed, then what took longest."""
    from engine.machine.state import COMPLETED, READY

    states, spent = past.state.states, past.state.spent
    odd = [node for node in numbers if states[node] not in (COMPLETED, READY)][:MOST]
    longest = sorted(numbers, key=lambda node: -spent[node])[: MOST - len(odd)]
    chosen = {*odd, *longest}
    return [node for node in numbers if node in chosen]


def _about(record: Any) -> str:
    if record.error is not None and record.state.value in ("failed", "ready", "skipped"):
        return str(record.error).splitlines()[0] if str(record.error) else ""
    return str(record.reason or "")


def _printed(past: PastRun, node: str) -> list[Any]:
    from collections import deque

    from engine.store.logs import RunLogs

    lines = deque(RunLogs(past.folder).read(node, under=False), maxlen=50)
    last = max((line.attempt for line in lines), default=0)
    return [line for line in lines if line.attempt == last]
