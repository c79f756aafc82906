"""Opening a project runs nothing: 30 projects that try, in a real process under an audit hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studio import traps
from tests.studio.terminals import ROOT


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path.resolve() / "traps"
    traps.lay(home)
    return home


def test_opening_and_looking_runs_nothing_and_leaves_a_project_as_it_was(home: Path, tmp_path: Path) -> None:
    """All in one: opening 30 projects takes long, and it is one studio that looks at them all."""
    out = tmp_path / "seen.json"
    words = [sys.executable, "-P", traps.__file__, str(out), *(str(home / name) for name in traps.TRAPS)]
    done = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(out.read_text())
    assert seen["seen"] == {name: [] for name in traps.TRAPS}
    assert [str(path) for path in home.rglob(traps.SPRUNG)] == []
    assert seen["loaded"] == []  # no module of a project was imported
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
