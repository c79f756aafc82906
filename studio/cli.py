"""The `flowloom` command: finds the subcommand, calls it, turns whatever happened into words and an exit code.

Nothing of weight is imported here: `flowloom --version` and the shell's completion wait for this file. A subcommand
is a file of `studio/commands` that has a click command named `command`, and a row in the table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.front.lazy import FrontDoor

RUN, LOOK, MAKE, MACHINE = "Run", "Look back", "Write", "Around"

ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("studio", "studio.commands.studio", MAKE, "Open the studio: draw, run and watch a workflow."),
    ("serve", "studio.commands.serve", MAKE, "Open the studio in a browser."),
    ("new", "studio.commands.new", MAKE, "Make a project that runs at once."),
    ("check", "studio.commands.check", MAKE, "Say what is wrong with a project; run nothing of it."),
    ("graph", "studio.commands.graph", MAKE, "Draw a project as text, DOT, Mermaid, SVG or JSON."),
    ("run", "studio.commands.run", RUN, "Run a project, with live progress."),
    ("runs", "studio.commands.runs", LOOK, "List past and present runs."),
    ("show", "studio.commands.show", LOOK, "Show how a run went: every node, and the cause of a failure."),
    ("logs", "studio.commands.logs", LOOK, "Show what a run printed, or follow it."),
    ("agent", "agents.cli", MACHINE, "Start and look after workers on this and other machines."),
    ("trust", "studio.commands.trust", MACHINE, "Say whose projects may run."),
    ("schema", "studio.commands.schema", MACHINE, "Print the JSON Schema of project files."),
    ("doctor", "studio.commands.doctor", MACHINE, "Check this machine, terminal and Python."),
    ("completion", "studio.commands.completion", MACHINE, "Print the completion script of a shell."),
)

EPILOG = (
    "PROJECT is a folder with project.toml (found upward from here, as git does) or a .toml file. RUN is an id, the "
    "beginning of one, or 'last'."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Never raises for a mistake of the person or the machine."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        from studio.front.streams import settle

        settle()
        if words in (["--version"], ["-V"]):
            return _tell_version()
        return _run(words)
    except KeyboardInterrupt:
        return 130  # while we were still importing


def _tell_version() -> int:
    from engine import __version__
    from studio.front.streams import tell

    tell(f"flowloom {__version__}")
    return 0


def _run(words: list[str]) -> int:
    import click

    from studio.front import exit_codes

    try:
        door = front_door()
        if "_FLOWLOOM_COMPLETE" in os.environ:
            door.main(words, prog_name="flowloom")
        with door.make_context("flowloom", words) as ctx:  # not `main`: it has its own mind about broken pipes
            code = door.invoke(ctx)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        from studio.front.lazy import usage_text
        from studio.front.streams import say
        from studio.front.trouble import problem

        say(problem("\n".join(usage_text(error))))
        return exit_codes.WRONG
    except (KeyboardInterrupt, click.Abort):
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        from studio.front.streams import silence

        silence(sys.stdout)
        silence(sys.stderr)
        return exit_codes.COMPLETED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else exit_codes.BUG
    except BaseException as error:
        from studio.front.trouble import tell_trouble

        return tell_trouble(error)
    return code if isinstance(code, int) else exit_codes.COMPLETED


def front_door() -> FrontDoor:
    """The `flowloom` command as click knows it; for completion and docs too."""
    import click

    from studio.front.lazy import Entry, FrontDoor, folder_option

    table = {
        name: Entry(module, group, about, "agent" if name == "agent" else "command")
        for name, module, group, about in ROWS
    }
    return FrontDoor(
        "flowloom",
        table=table,
        callback=_open_studio,
        invoke_without_command=True,
        epilog=EPILOG,
        help="A workflow studio that lives in the terminal. Without a command it opens the studio.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        params=[
            folder_option(),
            click.Option(
                ["-V", "--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                help="Print the version.",
                callback=_version_asked,
            ),
        ],
    )


def _version_asked(ctx: object, param: object, value: bool) -> None:
    if value:
        import click

        raise click.exceptions.Exit(_tell_version())


def _open_studio() -> None:
    import click

    ctx = click.get_current_context()
    if ctx.invoked_subcommand is not None:
        return
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stdout)):
        from studio.front import exit_codes
        from studio.front.streams import say

        say(ctx.get_help())
        raise click.exceptions.Exit(exit_codes.WRONG)
    command = ctx.command
    assert isinstance(command, click.Group)
    studio = command.get_command(ctx, "studio")
    assert studio is not None
    ctx.invoke(studio)


def _is_terminal(stream: object) -> bool:
    try:
        return os.isatty(stream.fileno())  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return False


if __name__ == "__main__":
    sys.exit(main())
