"""Executors in the engine's process import a project's modules: the right ones, once, and anew when they changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.attempt import Work
from engine.executors.inline import InlineExecutor
from tests.engine.executors.workbench import Workbench


def run_once(folder: Path, reference: str = "same_name:which") -> Any:
    bench = Workbench(InlineExecutor(), folder)
    try:
        return bench.value(Work(reference=reference))
    finally:
        bench.close()


def write(folder: Path, word: str, name: str = "same_name.py") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(
        f"class Row: pass\nROW = Row()\ndef which(): return {word!r}\ndef row(): return ROW\n", "utf-8"
    )
    return folder


@pytest.fixture(autouse=True)
def _forget() -> Any:
    path = list(sys.path)
    yield
    assert sys.path == path
    for name in ("same_name", "only_here"):
        sys.modules.pop(name, None)


def test_two_projects_may_have_a_module_of_the_same_name(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", "first"), write(tmp_path / "b", "second")
    assert [run_once(first), run_once(second), run_once(first)] == ["first", "second", "first"]


def test_an_edited_module_is_loaded_anew_by_the_next_run(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", "before")
    assert run_once(folder) == "before"
    write(folder, "after it was edited")
    os.utime(folder / "same_name.py", (1, 1))
    assert run_once(folder) == "after it was edited"


def test_an_unchanged_module_stays_so_that_classes_stay_the_same(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", "x")
    assert type(run_once(folder, "same_name:row")) is type(run_once(folder, "same_name:row"))


def test_what_the_program_imported_itself_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "a", "mine", "only_here.py")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder))
        import only_here  # type: ignore[import-not-found]
    assert run_once(folder, "only_here:row") is only_here.ROW
    assert sys.modules["only_here"] is only_here


def test_a_project_file_named_like_the_standard_library_changes_nothing_for_others(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", "x")
    write(folder, "not this one", "colorsys.py")
    code = "import colorsys\ndef which(): return hasattr(colorsys, 'rgb_to_hls')\n"
    (folder / "same_name.py").write_text(code, "utf-8")
    assert run_once(folder) is True


def test_a_folder_that_was_on_the_path_before_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "a", "x")
    monkeypatch.syspath_prepend(str(folder))
    before = list(sys.path)
    run_once(folder)
    assert sys.path == before
    monkeypatch.undo()
