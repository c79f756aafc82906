"""Signals at each phase of a run: what runs is ended, what was done is recorded, nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import SLOW, Make, command_line, environment

STUBBORN = """
import os, signal, sys, time
def one():
    return 1
def wait(seconds):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    open("child.pid", "w").write(str(os.getpid()))
    print("waiting", flush=True)
    time.sleep(seconds)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command_line("run"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(file: Path) -> str:
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, f"{file} never came"
        time.sleep(0.02)
    return file.read_text()


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def shown(folder: Path) -> dict[str, object]:
    told = subprocess.run(
        command_line("show", "--json"), cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    found: dict[str, object] = json.loads(told.stdout)
    return found


RECORDING = STUBBORN.replace("    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n", "").replace(
    "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n", ""
)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["INT", "TERM", "HUP"]
)
def test_one_signal_cancels_the_run_records_it_and_ends_its_children(make: Make, number: int, code: int) -> None:
    folder = make(SLOW, tasks=RECORDING)
    process = start(folder)
    child = int(wait_for(folder / "child.pid"))
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert gone(child)
    document = shown(folder)
    assert document["state"] == "canceled"
    states = {path: node["state"] for path, node in document["nodes"].items()}  # type: ignore[attr-defined]
    assert states == {"first": "completed", "long": "canceled", "last": "canceled"}


def test_a_second_ctrl_c_ends_everything_at_once(make: Make) -> None:
    folder = make(SLOW, tasks=STUBBORN)
    process = start(folder)
    child = int(wait_for(folder / "child.pid"))
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # a person's second press; the task ignores the first
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    process.communicate()
    assert gone(child)
    assert shown(folder)["state"] in ("canceled", "interrupted")


@pytest.mark.parametrize("after", [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_at_no_moment_does_a_signal_leave_a_traceback_or_a_process(make: Make, number: int, after: float) -> None:
    folder = make(SLOW, tasks=RECORDING)
    process = start(folder)
    time.sleep(after)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode in ({130, -2} if number == signal.SIGINT else {143, -15}), said
    assert "Traceback" not in said or after < 0.1  # before our first line runs, Python itself answers
    left = subprocess.run(["pgrep", "-s", str(process.pid)], capture_output=True, text=True, check=False).stdout
    assert left.split() == []


def test_a_killed_run_is_told_as_interrupted_with_what_it_had_done(make: Make) -> None:
    folder = make(SLOW, tasks=RECORDING)
    process = start(folder)
    child = int(wait_for(folder / "child.pid"))
    time.sleep(0.1)
    process.kill()
    process.communicate()
    assert gone(child), "children die with the engine"
    document = shown(folder)
    assert document["state"] == "interrupted"
    assert document["nodes"]["first"]["state"] == "completed"  # type: ignore[index]


def test_a_run_under_nohup_outlives_the_terminal(make: Make) -> None:
    folder = make(SLOW.replace("seconds = 60", "seconds = 1"), tasks=RECORDING)
    process = subprocess.Popen(
        ["nohup", *command_line("run")],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(folder / "child.pid")
    os.kill(process.pid, signal.SIGHUP)
    assert process.wait(timeout=30) == 0
    process.communicate()
