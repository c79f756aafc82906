"""Which Python runs a project's tasks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from engine.errors import SystemFailure


def choose_python(
    folder: Path, *, named: str | None = None, chosen: str | None = None, environment: Mapping[str, str]
) -> str:
    """The interpreter of the tasks: the one that the project names, else the one chosen on the command line, else an
    active virtual environment, else the project's own .venv, else the one that runs Flowloom.

    Raises SystemFailure if one that was named is not there.
    """
    for wish, said in ((named, "[project] python"), (chosen, "--python")):
        if wish is not None:
            return _existing(folder, wish, said)
    active = environment.get("VIRTUAL_ENV")
    for environment_folder in (Path(active) if active else None, folder / ".venv"):
        if environment_folder is not None and (found := _python_of(environment_folder)) is not None:
            return found
    return sys.executable


def _existing(folder: Path, wish: str, said: str) -> str:
    path = Path(wish).expanduser()
    if path.parent == Path() and (found := shutil.which(wish)) is not None:
        return found
    path = folder / path  # an absolute path stays as it is
    if path.is_file():
        return str(path)
    raise SystemFailure(f"{said} names {wish!r}, and there is no such interpreter ({path}); make it or name another")


def _python_of(environment: Path) -> str | None:
    python = environment / "bin" / "python"
    return str(python) if python.is_file() else None
