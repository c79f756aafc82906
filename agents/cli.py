"""`flowloom agent ...`, and `flowloom-agent`: start agents on this machine and look after them.

Imports neither the studio nor Textual, as this is what runs on hosts without a person. Exit codes as everywhere: 0 done,
1 it did not work, 2 wrong usage, 5 the machine refuses.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from agents.errors import AgentUnavailable
from agents.homes import Description, Home, homes, state_folder
from agents.standing import StandingFleet, living_home, load_of
from engine.errors import SystemFailure, WorkflowError


class _Refused(click.ClickException):
    """A machine that refuses: one line, no traceback."""

    exit_code = 5


class _Failed(click.ClickException):
    """What was asked for cannot be done as things are."""

    exit_code = 1


def _kindly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of ours become one line on stderr."""
    import functools

    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except WorkflowError as problem:
            raise _Refused(str(problem)) from None
        except PermissionError as problem:
            raise _Refused(f"{problem.filename}: {problem.strerror}") from None

    return inner


@click.group("agent", context_settings={"help_option_names": ["-h", "--help"]})
def agent() -> None:
    """Start and look after workers on this and other machines."""


def _amounts(_: Any, __: Any, values: Sequence[str]) -> dict[str, float]:
    found = {}
    for value in values:
        name, sign, amount = value.partition("=")
        try:
            found[name] = float(amount)
        except ValueError:
            sign = ""
        if not sign or not name:
            raise click.BadParameter(f"{value!r} is no NAME=AMOUNT, such as gpu=1")
    return found


@agent.command()
@click.argument("name", default="here")
@click.option("--slots", "-j", type=click.IntRange(1, 4096), default=2, show_default=True, help="Attempts at a time.")
@click.option("--label", "labels", multiple=True, help="What it has, such as gpu; may be repeated.")
@click.option("--resource", "resources", multiple=True, callback=_amounts, help="NAME=AMOUNT that attempts may use up.")
@click.option("--python", default="", help="The Python that runs tasks [default: the project's].")
@click.option("--folder", default="", help="The project's folder here [default: where the engine has it].")
@click.option("--linger", type=click.FloatRange(0), default=600.0, show_default=True, help="Seconds without an engine.")
@click.option("--foreground", is_flag=True, help="Stay in this terminal.")
@_kindly
def start(
    name: str,
    slots: int,
    labels: Sequence[str],
    resources: dict[str, float],
    python: str,
    folder: str,
    linger: float,
    foreground: bool,
) -> None:
    """Start an agent on this machine. It waits for runs with the executor `agents`, one at a time."""
    from agents.standing import begin

    home = Home(name)
    if home.pid():
        raise _Failed(f"agent {name!r} runs already, as process {home.pid()}")
    place = str(Path(folder).absolute()) if folder else ""
    described = Description(name, slots, list(labels), resources, python, place, linger)
    if foreground:
        from agents.gate import new_keys
        from agents.local import start_standing

        home.make(described, new_keys)
        sys.exit(start_standing(home, described, foreground=True).wait())
    try:
        begin(described)
    except SystemFailure as problem:
        raise _Failed(str(problem)) from None
    click.echo(f"{name} runs as process {home.pid()} with {slots} slots; its log is {home.log}")


def _line(home: Home) -> dict[str, Any]:
    load = load_of(home)
    living = load.heard is not None
    return {
        "name": load.name,
        "state": load.state,
        "pid": home.pid(),
        "slots": load.slots,
        "labels": list(load.labels),
        "load": load.load,
        "engine": load.engine,
        "running": home.status().running if living else [],
        "heard": load.heard,
    }


@agent.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@_kindly
def list_(as_json: bool) -> None:
    """List the agents of this machine: state, load, heartbeat age, who holds them."""
    lines = [_line(home) for home in homes()]
    if as_json:
        click.echo(json.dumps({"format": 1, "agents": lines}))
        return
    if not lines:
        click.echo("no agents here; flowloom agent start makes one", err=True)
        return
    click.echo(f"{'NAME':<16} {'STATE':<10} {'SLOTS':>5} {'LOAD':>5} {'HEARD':>6}  HELD BY")
    for line in lines:
        heard = "-" if line["heard"] is None else f"{line['heard']:.0f} s"
        held = _plain(str(line["engine"])) or "-"
        click.echo(f"{line['name']:<16} {line['state']:<10} {line['slots']:>5} {line['load']:>5} {heard:>6}  {held}")


def _plain(text: str) -> str:
    """Text of another process, without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _living(name: str) -> Home:
    try:
        return living_home(name)
    except AgentUnavailable:
        raise _Failed(f"agent {name!r} does not run") from None


@agent.command()
@click.argument("name")
@_kindly
def drain(name: str) -> None:
    """Let an agent finish what it has and take nothing new."""
    _living(name).signal(signal.SIGUSR1)
    click.echo(f"{name} takes nothing new")


@agent.command()
@click.argument("name")
@click.option(
    "--timeout", type=click.FloatRange(0), default=15.0, show_default=True, help="Seconds until it is killed."
)
@_kindly
def stop(name: str, timeout: float) -> None:
    """End an agent: what it runs is canceled, and everything that it started goes with it."""
    _living(name)
    if StandingFleet().stop(name, timeout):
        click.echo(f"{name} has ended")
    else:
        click.echo(f"{name} did not end by itself and was killed")


@agent.command()
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is added.")
@_kindly
def logs(name: str, follow: bool) -> None:
    """Show an agent's own log."""
    home = Home(name)
    home.description()
    if not home.log.exists():
        raise _Failed(f"agent {name!r} has not written a log yet")
    with home.log.open(errors="replace") as file:
        while True:
            for line in file:
                click.echo(_plain(line.rstrip("\n")))
            if not follow:
                return
            time.sleep(0.2)


@agent.command()
@click.option("--revoke", metavar="NAME", help="Shut an agent out, at once, also while it works.")
@_kindly
def keys(revoke: str | None) -> None:
    """Show whose keys are welcome, never the secret ones."""
    from agents.keys import load_keys

    if revoke is not None:
        home = Home(revoke)
        home.description()
        home.revoke()
        click.echo(f"the key of {revoke} is not welcome any more; flowloom agent start {revoke} makes a new one")
        return
    user = state_folder() / "keys" / "user.key"
    if user.exists():
        click.echo(f"{'(you)':<16} {load_keys(user).public}")
    for home in homes():
        if home.key.exists():
            click.echo(f"{home.name:<16} {load_keys(home.key).public}{'  revoked' if home.is_revoked else ''}")


def main(argv: Sequence[str] | None = None) -> None:
    """The `flowloom-agent` command."""
    agent.main(args=None if argv is None else list(argv), prog_name="flowloom-agent")
