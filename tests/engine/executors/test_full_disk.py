"""Tasks that fill the disk on which their run is recorded, or the temporary folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.history import past_run
from engine.start import start_run
from tests.engine.executors.workbench import make_project


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine mounts no file system for us: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


FILLS = """format = 1
[project]
name = "fills"
[nodes.fill]
task = "tasks:{task}"
{way}
[nodes.after]
task = "tasks:add"
args = {{ a = 1 }}
needs = ["fill"]
join = "all_done"
"""


@pytest.mark.parametrize(
    ("task", "way"), [("fills_its_scratch", ""), ("fills_the_temporary_folder", "env = {{ TMPDIR = {disk!r} }}")]
)
def test_a_task_that_fills_the_disk_fails_and_the_run_is_recorded_to_its_end(
    tiny_disk: Path, task: str, way: str
) -> None:
    folder = make_project(tiny_disk / "project")
    (folder / "project.toml").write_text(FILLS.format(task=task, way=way.format(disk=str(tiny_disk))), "utf-8")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tiny_disk.parent)}
    handle = start_run(folder, keep_going=True, jobs=1, environment=environment)
    assert handle.wait(60)
    nodes = handle.result.nodes
    assert (nodes["fill"].state.value, nodes["after"].state.value) == ("failed", "completed")
    assert "No space left" in str(nodes["fill"].error)
    assert handle.folder is not None
    assert past_run(handle.folder).result.nodes["after"].result == 2
