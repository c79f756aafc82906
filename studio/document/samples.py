"""Projects to begin with: the samples that come with the package, and new ones from a template."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SystemFailure

PACKAGE = Path(__file__).resolve().parent.parent
FILE = "project.toml"
_DESCRIPTION = re.compile(r'^description = "([^"\\]*)"', re.MULTILINE)
"""These files are ours and written so: parsing them all would take longer than painting the welcome."""
_LEFT_OUT = shutil.ignore_patterns(".flowloom", "out", "__pycache__", "*.pyc")


@dataclass(frozen=True, slots=True)
class Sample:
    """A project that comes with the package, or a template to make one from."""

    name: str
    folder: Path
    text: str


def samples() -> list[Sample]:
    """The sample projects, by name. Inside an installed package they lie in it, else beside it."""
    home = PACKAGE / "samples"
    if not home.is_dir():
        home = PACKAGE.parent / "sample_projects"
    return list(_found_in(home))


def templates() -> list[Sample]:
    """What `new` can make."""
    return list(_found_in(PACKAGE / "templates"))


def _found_in(home: Path) -> Iterator[Sample]:
    try:
        folders = sorted(folder for folder in home.iterdir() if (folder / FILE).is_file())
    except OSError:
        return
    for folder in folders:
        try:
            found = _DESCRIPTION.search((folder / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        yield Sample(folder.name, folder, found[1] if found else "")


def own_place(path: Path) -> Path:
    """Where a project can be opened and run: where it lies, or a copy among the user's data if it is an installed
    sample."""
    if PACKAGE / "samples" not in (path, *path.parents):
        return path
    from platformdirs import user_data_path

    folder = path.parent if path.suffix == ".toml" else path
    target = user_data_path("flowloom") / "samples" / folder.name
    if not (target / FILE).is_file():
        try:
            shutil.copytree(folder, target, ignore=_LEFT_OUT, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            raise SystemFailure(f"the sample cannot be copied to {target}: {error}") from error
    return target


def free_folder(near: Path, name: str = "my-project") -> Path:
    """A folder beside `near` that is not there yet."""
    for number in range(1, 1000):
        folder = near / (name if number == 1 else f"{name}-{number}")
        if not os.path.lexists(folder):
            return folder
    return near / name


def make_project(template: str, folder: Path) -> Path:
    """A project in a new folder, from a template. Raises SystemFailure, with the remedy, where that cannot be."""
    source = next((found for found in templates() if found.name == template), None)
    if source is None:
        raise SystemFailure(f"there is no template {template!r}; there are {', '.join(t.name for t in templates())}")
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise SystemFailure(f"{folder} is there already and not empty; name another folder")
    name = "".join(char if char.isalnum() or char in "_-" else "-" for char in folder.name).strip("-")[:64] or "project"
    try:
        shutil.copytree(source.folder, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
        for file in (folder / FILE, folder / "README.md"):
            if file.is_file():
                file.write_text(file.read_text(encoding="utf-8").replace("__NAME__", name), encoding="utf-8")
    except (OSError, shutil.Error) as error:
        raise SystemFailure(f"{folder} cannot be made: {error}") from error
    return folder
