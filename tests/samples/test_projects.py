"""Samples and templates are well written, and are there wherever Flowloom is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine.project.loading import look

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted(folder.parent.name for folder in (ROOT / "sample_projects").glob("*/project.toml"))
TEMPLATES = sorted(folder.parent.name for folder in (ROOT / "studio" / "templates").glob("*/project.toml"))


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_wrong_with_a_sample(name: str) -> None:
    assert [str(finding) for finding in look(ROOT / "sample_projects" / name).findings.items] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_wrong_with_a_template(name: str) -> None:
    assert [str(finding) for finding in look(ROOT / "studio" / "templates" / name).findings.items] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_says_what_it_shows(name: str) -> None:
    folder = ROOT / "sample_projects" / name
    readme = (folder / "README.md").read_text("utf-8")
    assert "flowloom run" in readme
    loaded = look(folder)
    assert loaded.project is not None
    assert loaded.project.workflow.description


def test_the_wheel_brings_samples_and_templates_and_nothing_that_runs_left(tmp_path: Path) -> None:
    left = ROOT / "sample_projects" / "penguins" / "out"
    made_here = not left.exists()
    left.mkdir(exist_ok=True)
    (left / "left-by-a-test.txt").write_text("not for the wheel")
    try:
        built = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        (left / "left-by-a-test.txt").unlink()
        if made_here:
            shutil.rmtree(left)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"studio/samples/{name}/project.toml" for name in SAMPLES} <= names
    assert {f"studio/templates/{name}/project.toml" for name in TEMPLATES} <= names
    assert "studio/samples/penguins/data/penguins.csv" in names
    assert "studio/templates/python/.gitignore" in names
    assert [name for name in names if "/out/" in name or ".flowloom" in name or "__pycache__" in name] == []
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"engine", "agents", "studio"}
