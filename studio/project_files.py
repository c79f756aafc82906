"""The files of a project as the session opens, makes, trusts and completes them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from studio import actions, config, recovery
from studio.document.reader import Broken, read


def opened_at(path: Path, once: Collection[Path] = ()) -> actions.ProjectRead | actions.ProjectBroken:
    """What lies at a path, with what is known of it. Reads files and nothing else."""
    from studio.document.samples import own_place

    found = read(own_place(path))
    if isinstance(found, Broken):
        return actions.ProjectBroken(found)
    trusted = found.folder in once or is_trusted(found.folder)
    kept = recovery.find(found.path, found.text)
    return actions.ProjectRead(found, trusted, config.read_kept().views.get(str(found.path)), kept)


def is_trusted(folder: Path) -> bool:
    """Whether a person said that code of this folder may run."""
    from engine.project.trust import is_trusted as known

    return known(folder)


def keep_trust(folder: Path) -> None:
    """Remember that code of this folder may run."""
    from engine.project.trust import trust

    trust(folder)


def new_project(template: str, folder: Path) -> Path:
    """Make a project from a template. Raises SystemFailure where that cannot be."""
    from studio.document.samples import make_project

    path = make_project(template, folder)
    keep_trust(path)
    return path


def write_function(folder: Path, reference: str, stub: str) -> tuple[Path, int]:
    """Put a new function behind all that its module holds; the file and the line at which it begins.

    What is there is never changed: a module that has the name already, or that somebody saves meanwhile, is left alone.
    Raises SystemFailure where the system refuses.
    """
    from engine.errors import SystemFailure
    from engine.project.source import read_source, save
    from studio.document.stubs import defines, module_file, with_stub

    file = module_file(folder, reference)
    if file is None:
        raise SystemFailure(f"{reference} names no file in {folder}")
    name = reference.partition(":")[2]
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        text, line = with_stub("", stub)
        save(file, text, expected="")
        return file, line
    source = read_source(file)
    if defines(source.text, name):
        raise SystemFailure(f"{file.name} has a {name} already; nothing was written")
    text, line = with_stub(source.text, stub)
    save(file, text, expected=source.stamp)
    return file, line
