"""`flowloom schema`: the JSON Schema of project files, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from studio.front.streams import say, tell


@click.command("schema", short_help="Print the JSON Schema of project files.")
@click.option("-o", "--output", metavar="FILE", help="Write it to FILE instead of stdout.")
def command(output: str | None) -> None:
    """Print the JSON Schema of project files.

    An editor that knows TOML (with taplo or Even Better TOML) then completes keys, shows their help and marks mistakes:
    write `#:schema FILE` into the first line of project.toml.
    """
    from engine.project.schema import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        tell(text)
        return
    from engine.project.source import save

    save(Path(output), text)
    say(f"written: {output}; name it in the first line of project.toml: #:schema {output}")
