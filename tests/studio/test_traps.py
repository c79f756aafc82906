"""Opening a project runs nothing: 30 projects that try, in a real process under an audit hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.studio import traps
from tests.studio.terminals import ROOT


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("traps").resolve()
    traps.lay(home)
    return home


@pytest.fixture(scope="module")
def seen(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("seen") / "seen.json"
    folders = [str(home / name) for name in traps.TRAPS]
    words = [sys.executable, "-P", traps.__file__, str(out), *folders]
    done = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text())


@pytest.mark.parametrize("name", traps.TRAPS)
def test_opening_and_looking_runs_nothing(seen: dict[str, Any], home: Path, name: str) -> None:
    assert seen["seen"][name] == []
    assert not list((home / name).rglob(traps.SPRUNG))


def test_no_module_of_a_project_was_imported(seen: dict[str, Any]) -> None:
    assert seen["loaded"] == []


def test_a_project_looked_at_is_as_it_was(seen: dict[str, Any], home: Path) -> None:
    assert seen
    for name, files in traps.TRAPS.items():
        there = {str(path.relative_to(home / name)) for path in (home / name).rglob("*") if path.is_file()}
        assert there == set(files)


def test_the_watchman_sees_what_a_trap_would_do(home: Path) -> None:
    program = f"""
import sys; from pathlib import Path; from tests.studio.traps import Watchman
man = Watchman(Path({str(home)!r})); sys.addaudithook(man.hook); man.on = True
import socket, subprocess
subprocess.run(['true']); socket.socket().close()
try: socket.create_connection(('127.0.0.1', 9), 0.1)
except OSError: pass
sys.path.insert(0, {str(home / "default-argument")!r}); import tasks
man.on = False; print([s.split(':')[0] for s in man.seen])
"""
    words = [sys.executable, "-P", "-c", program]
    done = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert "subprocess.Popen" in done.stdout, done.stderr
    assert "socket.connect" in done.stdout
    assert "exec" in done.stdout
    (home / "default-argument" / traps.SPRUNG).unlink()
    for cache in (home / "default-argument").rglob("__pycache__"):
        for file in cache.iterdir():
            file.unlink()
        cache.rmdir()
