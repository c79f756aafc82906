"""`flowloom studio`: opens the studio on a project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from studio.front import exit_codes
from studio.front.places import project_file
from studio.front.streams import say
from studio.front.trouble import problem


@click.command("studio", short_help="Open the studio: draw, run and watch a workflow.")
@click.argument("project", required=False)
def command(project: str | None = None) -> int:
    """Open the studio: draw, run and watch a workflow. Without PROJECT: the one here, or a welcome."""
    try:
        tty = all(os.isatty(stream.fileno()) for stream in (sys.stdin, sys.stdout, sys.stderr))
    except (OSError, ValueError):
        tty = False
    # Textual runs elsewhere than on a terminal where this names a driver: `flowloom serve` does.
    if not tty and "TEXTUAL_DRIVER" not in os.environ:
        say(problem("the studio needs a terminal; without one: flowloom check, flowloom run, flowloom show"))
        return exit_codes.WRONG
    from studio.front.places import nearest_project

    path = project_file(project) if project is not None else nearest_project(Path.cwd())
    from studio.app import open_studio

    return open_studio(path) or exit_codes.COMPLETED
