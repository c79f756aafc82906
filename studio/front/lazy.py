"""A click group whose commands are names in a table until one is called: `--help` and `--version` import none of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """A subcommand: the module that has it as `command`, the group of the help it stands in, and one line of help."""

    module: str
    group: str
    help: str
    attribute: str = "command"


class FrontDoor(click.Group):
    """Subcommands by table. A first word that is a path opens the studio on it."""

    def __init__(self, *args: object, table: Mapping[str, Entry], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        try:
            command = getattr(import_module(entry.module), entry.attribute)
        except ModuleNotFoundError as error:
            if error.name != entry.module:
                raise
            raise click.UsageError(
                f"{cmd_name!r} is not part of this installation; install flowloom again", ctx
            ) from error
        assert isinstance(command, click.Command)
        if not any("-C" in param.opts for param in command.params):
            command.params.append(folder_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word not in self.table:
            if is_path(word):
                return super().resolve_command(ctx, ["studio", *args])
            from studio.front.trouble import near

            close = near(word, list(self.table))
            remedy = f"did you mean {close!r}?" if close else "see: flowloom --help"
            raise click.UsageError(f"there is no command {_short(word)}; {remedy}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.table.items():
            groups.setdefault(entry.group, []).append((name, entry.help))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)


def is_path(word: str) -> bool:
    """Whether a first word means a project and not a command: it looks like a path, or is a folder with a project."""
    if word.startswith("-") or not word or "\0" in word:
        return False
    if "/" in word or word in (".", "..") or word.endswith(".toml"):
        return True
    return os.path.isfile(os.path.join(word, "project.toml"))  # noqa: PTH113, PTH118 - pathlib costs its import here


def folder_option() -> click.Option:
    """`-C DIR`: work as if started there. Understood before and after the subcommand."""
    return click.Option(
        ["-C", "start_folder"],
        metavar="DIR",
        help="Work as if started in DIR.",
        expose_value=False,
        is_eager=True,
        callback=_go_there,
    )


def _go_there(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None or ctx.resilient_parsing:
        return
    try:
        os.chdir(value)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
        raise click.UsageError(f"-C {_short(value)}: {reason.lower()}; name a folder", ctx) from error


def _short(word: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in word[:60])
    return f"'{shown}{'...' if len(word) > 60 else ''}'"


def usage_text(error: click.ClickException) -> Sequence[str]:
    """What was wrong about a command line, and where its help is."""
    message = error.format_message().rstrip(".")
    lines = [message]
    ctx = getattr(error, "ctx", None)
    if isinstance(ctx, click.Context) and "flowloom --help" not in message:
        lines.append(f"see: {ctx.command_path} --help")
    return lines
