"""A disk that fills up during a run: nothing is corrupted, the run says why it waits, and goes on when there is room."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Make, command_line, environment

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small file system")

PROJECT = 'format = 1\n[project]\nname = "big"\n' + "".join(
    f'[nodes.n{number}]\ntask = "tasks:big"\nargs = {{ number = {number} }}\n' for number in range(40)
)
TASKS = "import os\ndef big(number):\n    return os.urandom(50_000).hex()\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow to mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_run_waits_for_space_and_completes(make: Make, disk: Path) -> None:
    folder = make(PROJECT, tasks=TASKS)
    process = subprocess.Popen(
        command_line("run", "--json"),
        cwd=folder,
        env=environment(FLOWLOOM_STATE=str(disk)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr))  # type: ignore[arg-type]
    reader.start()
    try:
        deadline = time.monotonic() + 30
        while not any("free some space" in line for line in said):
            assert time.monotonic() < deadline, said
            assert process.poll() is None, said
            time.sleep(0.05)
        subprocess.run(["mount", "-o", "remount,size=40m", disk], check=True)
        assert process.stdout is not None
        document = json.loads(process.stdout.read())
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()
    assert "Traceback" not in "".join(said)
    assert any("goes on" in line for line in said)
    assert document["state"] == "completed"
    shown = subprocess.run(
        command_line("show", "--json"),
        cwd=folder,
        env=environment(FLOWLOOM_STATE=str(disk)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(shown.stdout)["nodes"] == document["nodes"]


def test_a_project_on_a_read_only_file_system_runs_and_says_where_it_is_kept(disk: Path, home: Path) -> None:
    (disk / "project.toml").write_text('format = 1\n[nodes.one]\ntask = "tasks:one"\n')
    (disk / "tasks.py").write_text("def one():\n    return 1\n")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    ran = subprocess.run(
        command_line("run"), cwd=disk, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert "runs are kept in" in ran.stderr
    assert str(home) in ran.stderr
    shown = subprocess.run(
        command_line("show", "--json"), cwd=disk, env=environment(), capture_output=True, text=True, check=True
    )
    assert json.loads(shown.stdout)["state"] == "completed"
