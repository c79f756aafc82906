"""`flowloom trust`: whose projects may run code on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from studio.front import exit_codes
from studio.front.streams import say, tell


@click.command("trust", short_help="Say whose projects may run.")
@click.argument("project", required=False)
@click.option("--list", "listed", is_flag=True, help="Show what is trusted; change nothing.")
@click.option("--revoke", "revoked", is_flag=True, help="Trust PROJECT no longer.")
def command(project: str | None, listed: bool, revoked: bool) -> int:
    """Trust the folder of PROJECT: the studio will run its code without asking.

    Trust holds for one folder, at its real path and with its present owner. It is asked for once, when something is run
    for the first time; to look at a project needs none.
    """
    if listed:
        return _list()
    if revoked:
        return _revoke(project)
    from engine.project.trust import trust
    from studio.front.places import project_file

    folder = project_file(project).resolve().parent
    trust(folder)
    say(f"trusted: {_shown(folder)} (undo it with: flowloom trust --revoke)")
    return exit_codes.COMPLETED


def _list() -> int:
    from engine.project.trust import trusted

    known = trusted()
    for folder in known.folders:
        tell(_shown(folder.path))
    if not known.folders:
        say("no folder is trusted yet; trust one with: flowloom trust PROJECT")
    if known.contents:
        say(f"and {len(known.contents):,} snapshots or values, by their content")
    return exit_codes.COMPLETED


def _revoke(project: str | None) -> int:
    from engine.project.trust import revoke
    from studio.front.places import project_file

    # A folder that is gone can be forgotten, too, so its project file need not be there.
    named = None if project is None else Path(project)
    folder = named if named is not None and not named.is_file() else project_file(project).parent
    if revoke(folder):
        say(f"no longer trusted: {_shown(folder)}")
        return exit_codes.COMPLETED
    say(f"{_shown(folder)} was not trusted; see: flowloom trust --list")
    return exit_codes.WRONG


def _shown(path: Path | str) -> str:
    import os

    from engine.project.findings import harmless

    return harmless(os.fsdecode(path))
