"""`flowloom serve`: the studio in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from studio.front import exit_codes
from studio.front.streams import say, tell
from studio.front.trouble import problem


@click.command("serve", short_help="Open the studio in a browser.")
@click.argument("project", required=False)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen elsewhere than here.")
def command(project: str | None, port: int, host: str) -> int:
    """Open the studio in a browser.

    Prints an address with a token in it: whoever has it can run code as you, and nobody else gets anything. The server
    listens on this machine only. With --host it listens there, too, but what it sends can be read on the way: from
    elsewhere, better come by ssh -L 8000:127.0.0.1:8000.
    """
    from studio.browser import LOOPBACK, available, serve
    from studio.front.places import nearest_project, project_file

    if not available():
        say(problem("the studio in a browser needs the extra `web`: pip install 'flowloom[web]'"))
        return exit_codes.WRONG
    path = project_file(project) if project is not None else nearest_project(Path.cwd())
    if host not in LOOPBACK:
        say(f"listening on {host}: what is sent can be read on the way, token and all")
    title = f"{path.resolve().parent.name} - Flowloom" if path is not None else "Flowloom"
    serve(path.absolute() if path is not None else None, title, host, port, _announced)
    return exit_codes.COMPLETED


def _announced(address: str) -> None:
    tell(address)
    say("open this address in a browser; Ctrl-C ends it")
