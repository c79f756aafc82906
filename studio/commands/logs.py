"""`flowloom logs`: what a run printed, and what it prints now."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from studio.front.paint import Paint
from studio.front.places import run_named
from studio.front.streams import say
from studio.front.terminal import terminal_of
from studio.front.trouble import near

if TYPE_CHECKING:
    from engine.store.index import RunSummary
    from engine.store.logs import LogLine, RunLogs


@click.command("logs", short_help="Show what a run printed, or follow it.")
@click.argument("run", required=False)
@click.argument("node", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Only what attempt N printed.")
@click.option("--raw", is_flag=True, help="Only the text, as it was printed; never on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="A JSON document per line.")
def command(
    run: str | None, node: str | None, follow: bool, attempt: int | None, raw: bool, as_json: bool
) -> int | None:
    """Show what RUN printed: all of it in the order of time, or only NODE (a composite brings what is inside it)."""
    from engine.store.logs import RunLogs

    summary = run_named(run)
    logs = RunLogs(summary.folder)
    lines: Iterable[LogLine] = logs.follow(node, over=lambda: _is_over(summary)) if follow else logs.read(node)
    if attempt is not None:
        lines = (line for line in lines if line.attempt == attempt)
    shown = _show(lines, node, raw and not terminal_of(sys.stdout).live, as_json)
    if shown or node is None:
        if not shown:
            say(f"Run {summary.run} printed nothing.")
        return None
    return _explain_silence(summary, logs, node)


def _show(lines: Iterable[LogLine], node: str | None, raw: bool, as_json: bool) -> int:
    paint = Paint(terminal_of(sys.stdout))
    out = sys.stdout
    count = 0
    try:
        for line in lines:
            count += 1
            if as_json:
                told = {name: getattr(line, name) for name in ("node", "attempt", "stream", "at", "text")}
                out.write(json.dumps(told, ensure_ascii=False) + "\n")
            elif raw:
                out.write(line.text + "\n")
            else:
                out.write(log_line(line, paint, named=line.node != node) + "\n")
            if not count % 64:
                out.flush()
        out.flush()
    except BrokenPipeError:
        from studio.front.streams import silence

        silence(out)
    return count


def log_line(line: LogLine, paint: Paint, *, named: bool) -> str:
    """A line as a person reads it: when, which node, what; stderr amber."""
    when = paint.muted(f"{line.at:8.2f}")
    who = (
        f" {paint.style(paint.safe(line.node), 'accent')}{paint.muted(f'#{line.attempt}') if line.attempt > 1 else ''}"
    )
    text = paint.printed(line.text)
    if line.stream == "stderr":
        text = paint.style(text, "yellow")
    elif line.stream == "log":
        text = paint.muted(text)
    return f"{when}{who if named else ''} {paint.muted('|' if paint.terminal.ascii else '│')} {text}"


def _is_over(summary: RunSummary) -> bool:
    from engine.store.journal import is_written

    return not is_written(summary.folder)


def _explain_silence(summary: RunSummary, logs: RunLogs, node: str) -> int | None:
    """A node that printed nothing is fine; one that the run does not have is a mistake."""
    from studio.front import exit_codes
    from studio.front.trouble import problem

    names = _names(summary) or logs.nodes()
    if node in names or any(name.startswith((f"{node}/", f"{node}[")) for name in names):
        say(f"{Paint(terminal_of(sys.stderr)).safe(node)} printed nothing in run {summary.run}.")
        return None
    close = near(node, names)
    remedy = f"did you mean {close!r}?" if close else f"see: flowloom show {summary.run}"
    say(problem(f"run {summary.run} has no node {node!r}; {remedy}"))
    return exit_codes.WRONG


def _names(summary: RunSummary) -> list[str]:
    from engine.errors import WorkflowError
    from engine.history import past_run

    try:
        return list(past_run(summary.folder).plan.names)
    except WorkflowError:
        return []
