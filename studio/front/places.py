"""From what a person typed to the project or run that is meant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ValidationFailed

if TYPE_CHECKING:
    from engine.store.index import RunSummary
    from engine.store.state_folder import StateFolder

FILE = "project.toml"


def project_file(word: str | None) -> Path:
    """The project file that PROJECT means: a .toml file, a folder with project.toml, or (None) the nearest one upward.

    Raises ValidationFailed that says where was looked.
    """
    if word is None:
        found = nearest_project(Path.cwd())
        if found is None:
            raise ValidationFailed(
                f"there is no {FILE} here or in any folder above {_shown(Path.cwd())}; "
                "name a project (flowloom COMMAND PROJECT), or make one: flowloom new FOLDER"
            )
        return found
    path = Path(word)
    if "\0" in word or len(os.fsencode(word)) > 4096:
        raise ValidationFailed("this cannot be the path of a project; name a folder with project.toml")
    try:
        if path.is_dir():
            if not (path / FILE).exists():
                raise ValidationFailed(
                    f"there is no {FILE} in {_shown(path)}; make one there: flowloom new {_shown(path)} --here"
                )
            return path / FILE
        if not path.exists():
            raise ValidationFailed(
                f"there is no file or folder {_shown(path)}; name a folder with {FILE}, or a .toml file"
            )
    except OSError as error:
        raise ValidationFailed(
            f"cannot look at {_shown(path)}: {error.strerror or error}; name another path"
        ) from error
    return path


def nearest_project(start: Path) -> Path | None:
    """The project file in `start` or the nearest folder above it; None if there is none."""
    for folder in (start, *start.parents):
        try:
            if (folder / FILE).is_file():
                return folder / FILE
        except OSError:
            return None
    return None


def state_here(project: str | None, *, make: bool = False) -> StateFolder | None:
    """The state folder of the project that is meant; None where no project is (and none was named)."""
    from engine.store.state_folder import state_folder

    if project is None:
        found = nearest_project(Path.cwd())
        if found is None:
            if os.environ.get("FLOWLOOM_STATE"):
                return state_folder(Path.cwd(), make=make)
            return None
        return state_folder(found.resolve().parent, make=make)
    return state_folder(project_file(project).resolve().parent, make=make)


def run_named(word: str | None, project: str | None = None) -> RunSummary:
    """The run that RUN means: an id, a unique beginning of one, or `last`. Raises NoSuchRun."""
    from engine.store.index import find_run

    state = state_here(project)
    return find_run(word, state.path if state is not None else None)


def _shown(path: Path) -> str:
    from engine.project.findings import harmless

    return harmless(os.fsdecode(path))
