"""Samples are copied before they are touched, so that tests leave nothing in the source tree."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = shutil.ignore_patterns("out", ".flowloom", "__pycache__")


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[str], Path]:
    """A function that copies a sample, named by its folder, and returns where the copy lies."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(ROOT / "sample_projects" / name, tmp_path / name, ignore=LEFT_BEHIND))

    return copy


@pytest.fixture
def module_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, str], ModuleType]]:
    """A function that imports a module from a project's folder, which becomes the current one, as it does for tasks."""
    before = set(sys.modules)

    def load(folder: Path, name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.chdir(folder)
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and "site-packages" not in file and str(ROOT) not in file and "/lib/python" not in file:
            del sys.modules[name]
