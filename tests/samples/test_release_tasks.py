"""The Python steps of the release sample, and the program it releases."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


@pytest.fixture
def release(copy_of: Callable[[str], Path], module_of: Callable[[Path, str], ModuleType]) -> ModuleType:
    return module_of(copy_of("release"), "release")


def test_the_version_is_read_without_running_the_file(release, tmp_path: Path) -> None:
    file = tmp_path / "trap.py"
    file.write_text("raise SystemExit('it ran')\n__version__ = '3.1'\n")
    assert release.read_version(file) == "3.1"


def test_a_file_without_a_version_is_named(release, tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text("x = 1\n")
    with pytest.raises(LookupError, match=r"plain\.py sets no __version__"):
        release.read_version(file)


def test_notes_are_the_part_of_the_change_log_about_the_version(release) -> None:
    assert release.write_notes("1.2.0", "CHANGES.md", "out/NOTES.md") == {"path": "out/NOTES.md", "lines": 2}
    assert Path("out/NOTES.md").read_text().startswith("# tally 1.2.0\n\n- `--top N`")
    with pytest.raises(LookupError, match=r"says nothing about 9\.9"):
        release.write_notes("9.9", "CHANGES.md", "out/NOTES.md")


def test_checksums_are_those_of_the_files_that_match(release) -> None:
    Path("out").mkdir()
    Path("out/a.pyz").write_bytes(b"a")
    Path("out/b.txt").write_bytes(b"b")
    assert release.checksum("out", ["*.pyz"], "out/SUMS") == {"a.pyz": hashlib.sha256(b"a").hexdigest()}
    with pytest.raises(FileNotFoundError, match=r"nothing in out matches \*\.whl"):
        release.checksum("out", ["*.whl"], "out/SUMS")


def test_the_tests_of_the_released_program_pass(release) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "unittest", "discover", "-s", "tests"],
        env={"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "Ran 4 tests" in told.stderr
