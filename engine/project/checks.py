"""Everything that can be said about a project without running it. The rooms named `check_*` do the looking."""

from __future__ import annotations

import os
from pathlib import Path

from engine.project.findings import Finding, Findings, harmless
from engine.project.model import Project
from engine.project.toml import read


def check_text(text: str, *, file: Path | None = None) -> tuple[Project | None, Findings]:
    """The project that `text` says, and everything that is to be said about it. `file` is where the text comes from."""
    reading = read(text, _name_of(file))
    return reading.project, _placed(reading.notes.items, text, file)


def _placed(items: list[Finding], text: str, file: Path | None) -> Findings:
    if not items:
        return Findings()
    from engine.project.places import with_places

    return Findings(with_places(items, text, None if file is None else shown_path(file)))


def shown_path(file: Path) -> str:
    """How a file is named in a finding: from here where it lies below, else whole; with nothing a terminal obeys."""
    try:
        return harmless(os.fsdecode(file.resolve().relative_to(Path.cwd())))
    except (ValueError, OSError):
        return harmless(os.fsdecode(file))


def _name_of(file: Path | None) -> str:
    if file is None:
        return "workflow"
    return file.resolve().parent.name if file.name == "project.toml" else file.stem
