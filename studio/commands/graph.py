"""`flowloom graph`: a project, or a run of it, as a picture. Runs and imports nothing of the project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio.front import exit_codes
from studio.front.places import project_file, run_named
from studio.front.streams import say, tell
from studio.front.terminal import terminal_of

if TYPE_CHECKING:
    from engine.project.model import Project

FORMATS = ("text", "dot", "mermaid", "svg", "json")
SUFFIXES = {
    ".txt": "text",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".svg": "svg",
    ".json": "json",
}
"""What the name of the file to write says of the format, where no format is given."""


@click.command("graph", short_help="Draw a project as text, DOT, Mermaid, SVG or JSON.")
@click.argument("project", required=False)
@click.option("--run", "run", metavar="RUN", help="Show the states of this run; 'last' for the newest.")
@click.option("--format", "language", type=click.Choice(FORMATS), help="Default: what FILE's name says, else text.")
@click.option("-o", "--output", "file", metavar="FILE", type=click.Path(dir_okay=False), help="Write to this file.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Text without any character outside of ASCII.")
def command(project: str | None, run: str | None, language: str | None, file: str | None, ascii_only: bool) -> int:
    """Draw PROJECT: nodes, what flows between them, branches and groups.

    With --run the picture is that of the project as it was for that run, with the state of every node.
    """
    from engine.draw.export import fitted, render_graph
    from engine.draw.outline import outline

    if language is None:
        language = SUFFIXES.get(Path(file).suffix.lower(), "text") if file else "text"
    found, states = _project(project) if run is None else _of_run(run, project)
    graph = outline(found)
    if language == "text":
        terminal = terminal_of(sys.stdout)
        width = terminal.width if terminal.live and file is None else None
        text = fitted(graph, states, ascii_only or (terminal.ascii and file is None), width)
    else:
        text = render_graph(graph, language, found.workflow.name, states)
    if file is None:
        tell(text)
    else:
        _write(Path(file), text)
    return exit_codes.COMPLETED


def _project(word: str | None) -> tuple[Project, None]:
    """The project, also one that cannot run yet: its findings are counted on stderr, and it is drawn all the same."""
    from engine.errors import ValidationFailed
    from engine.project.checks import shown_path
    from engine.project.loading import look

    file = project_file(word)
    loaded = look(file)
    name = shown_path(file)
    if loaded.project is None:
        raise ValidationFailed(f"{name} cannot be drawn: {loaded.findings.counts()}", loaded.findings.items)
    if loaded.findings.errors:
        say(f"{name} has {loaded.findings.counts()}; see: flowloom check")
    return loaded.project, None


def _of_run(word: str, project: str | None) -> tuple[Project, dict[str, str]]:
    """A run's own copy of its project, and the states of its nodes by path."""
    from engine.draw.export import states_of
    from engine.errors import SystemFailure
    from engine.history import past_run
    from engine.project.toml import read

    past = past_run(run_named(word, project).folder)
    try:
        copy = read(str(past.header.get("text") or ""), str(past.header.get("project") or "workflow")).project
        if copy is None:
            raise SystemFailure(
                f"the copy of the project kept with run {past.id} cannot be read; draw the project itself"
            )
        states = states_of(past.result)
        states.update({past.plan.names[node]: "retrying" for node in dict(past.state.retrying)})
        return copy, states
    finally:
        past.close()


def _write(file: Path, text: str) -> None:
    from engine.errors import SystemFailure
    from engine.project.findings import harmless

    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        what = f"cannot write {harmless(str(file))}: {error.strerror or error}"
        raise SystemFailure(f"{what}; name another file with -o, or make room") from error
