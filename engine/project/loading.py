"""From a path to a project: the one way in for everybody who wants to run, plan, show or change one."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from engine.errors import ValidationFailed
from engine.project.checks import check_text
from engine.project.findings import Findings
from engine.project.functions import Sources
from engine.project.literals import with_literals
from engine.project.model import Project
from engine.project.source import Source, Stamp, read_source


class Loaded(Struct, frozen=True):
    """A project as it lies on disk, with what is to be said about it.

    `project` is None only where the file could not be read as TOML; with other errors it is there, without what was
    wrong, so that it can be shown. `folder` is where its tasks are imported from; `stamp` is for `source.save`.
    """

    path: Path
    folder: Path
    text: str
    stamp: Stamp
    project: Project | None
    findings: Findings


def load(path: Path | str, text: str | None = None) -> Project:
    """The project of the file or folder at `path`, ready to be planned: what `@task(...)` says is in its settings.

    `text` stands in for what the file says: edits that are not saved yet. Raises ValidationFailed, which carries the
    findings, if anything keeps it from running. Imports and runs nothing of the project.
    """
    loaded, sources = _looked_at(path, text)
    errors = loaded.findings.errors
    if errors or loaded.project is None:
        raise ValidationFailed(f"{loaded.path} cannot run: {loaded.findings.counts()}", loaded.findings.items)
    return with_literals(loaded.project, sources)


def look(path: Path | str) -> Loaded:
    """The project at `path` with all findings, errors or not. Raises ValidationFailed only for an unreadable file."""
    return _looked_at(path)[0]


def _looked_at(path: Path | str, text: str | None = None) -> tuple[Loaded, Sources]:
    file = project_file(Path(path))
    source = read_source(file) if text is None else Source(file, text, "")
    folder = file.resolve().parent
    sources = Sources(folder)
    project, findings = check_text(source.text, file=file, sources=sources)
    return Loaded(file, folder, source.text, source.stamp, project, findings), sources


def project_file(path: Path) -> Path:
    """`path` itself, or the project.toml in it if it is a folder."""
    return path / "project.toml" if path.is_dir() else path
