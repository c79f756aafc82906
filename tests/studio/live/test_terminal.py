"""The live view in a real terminal: a pty of any size, read byte by byte."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

PROJECT = """
format = 1
[project]
name = "企鹅"
[nodes."任务1"]
task = "tasks:work"
[nodes.evil]
task = "tasks:evil"
needs = ["任务1"]
[nodes.after]
task = "tasks:evil"
needs = ["evil"]
"""

TASKS = """
import time
EVIL = "\\x1b]0;title\\x07\\x1b]52;c;ZXZpbA==\\x07\\x9b31m\\u202e"
def work(ctx):
    for step in range(4):
        time.sleep(0.1)
        ctx.report(step / 4, EVIL + "row")
def evil():
    print(EVIL)
    raise ValueError(EVIL)
"""


def in_terminal(
    folder: Path, *words: str, columns: int, rows: int, typed: dict[str, str] | None = None, **more: str
) -> tuple[int, str]:
    """Run the command in a pty of this size; its exit code and every byte that it wrote there.

    `typed`: what a person types once a text was seen.
    """
    waiting = dict(typed or {})
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8", **more}
    for name in ("COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    code = (
        "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "  # our terminal, as in a login
        "from studio.cli import main; sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    told = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end was closed: it is over
                break
            if not piece:
                break
            told += piece
            for seen in [text for text in waiting if text.encode() in told]:
                os.write(master, waiting.pop(seen).encode())
    os.close(master)
    return process.wait(timeout=10), told.decode("utf-8", "replace")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project.toml").write_text(PROJECT, "utf-8")
    (tmp_path / "tasks.py").write_text(TASKS, "utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    return tmp_path


OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|[0-9]*[AKGJ]|2K)|\r")


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (80, 24), (200, 60)])
def test_nothing_that_a_task_wrote_is_obeyed_by_the_terminal(folder: Path, columns: int, rows: int) -> None:
    code, told = in_terminal(folder, "run", "-v", columns=columns, rows=rows)
    assert code == 1
    left = OURS.sub("", told)
    assert not any(char in left for char in "\x1b\x07\x9b\u202e"), left
    assert "52;c;" in left.replace("\n", "")  # it is shown instead


def test_the_cursor_is_given_back_and_the_last_word_is_the_summary(folder: Path) -> None:
    _, told = in_terminal(folder, "run", columns=80, rows=24)
    assert told.count("\x1b[?25l") == told.count("\x1b[?25h") == 1, told
    end = OURS.sub("", told[told.rindex("\x1b[?25h") :])
    assert "企鹅 failed" in end, told
    assert "Ctrl-C cancels" not in end


@pytest.mark.parametrize("change", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colour_no_colour_is_sent(folder: Path, change: dict[str, str]) -> None:
    _, told = in_terminal(folder, "run", columns=80, rows=24, **change)
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|4[0-9]|9[0-9])[0-9;]*m", told)
    if "TERM" in change:
        assert "\x1b" not in told


@pytest.mark.parametrize("change", [{"FLOWLOOM_ASCII": "1"}, {"LC_ALL": "C"}])
def test_an_ascii_terminal_gets_ascii(folder: Path, change: dict[str, str]) -> None:
    for words in (["run"], ["show"], ["logs"], ["runs"]):
        _, told = in_terminal(folder, *words, columns=80, rows=24, **change)
        assert told.isascii(), (words, [char for char in told if not char.isascii()][:5])


ASKING = """
format = 1
[project]
name = "asks"
result = "ok"
[nodes.ok]
approval = "Publish \\u202eit?"
"""


@pytest.mark.parametrize("words", [["run"], ["run", "--plain"]])
@pytest.mark.parametrize(("key", "answer"), [("y", "yes"), ("n", "no")])
def test_a_question_is_answered_by_a_key_at_the_terminal(folder: Path, words: list[str], key: str, answer: str) -> None:
    (folder / "project.toml").write_text(ASKING, "utf-8")
    code, told = in_terminal(folder, *words, columns=80, rows=24, typed={"yes": key})
    assert code == 0, told
    assert "\u202e" not in told
    assert f"result  '{answer}'" in OURS.sub("", told)


def test_where_nobody_can_answer_the_run_is_left_with_4(folder: Path) -> None:
    (folder / "project.toml").write_text(ASKING, "utf-8")
    code, told = in_terminal(folder, "run", "--no-wait", columns=80, rows=24)
    assert code == 4
    assert "nobody is at this terminal" in OURS.sub("", told)
