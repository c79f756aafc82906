"""One value from the file to the screen: a node's `timeout = "90s"`, and what a person sees when it is up.

Text -> model -> plan -> attempt -> outcome -> events -> journal -> what `flowloom show` prints. Each step is the real one,
except the executor, which says at once that the time is up.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.attempt import TIMED_OUT
from engine.executors.inline import timed_out
from engine.machine.events import AttemptTimedOut, NodeFailed, RetryPlanned
from engine.planner import plan_project
from engine.project.toml import read
from engine.start import start_run
from tests.support.runs import Stage, fail

TEXT = """
format = 1
[project]
name = "walk"
[nodes.report]
task = "t:report"
timeout = "90s"
retry = { max_retries = 1, strategy = "fixed", delay = "2m" }
"""
COMMAND = Path(sys.executable).with_name("flowloom")


@pytest.mark.seed("S90", "S98")
def test_a_limit_is_the_same_length_of_time_from_the_file_to_the_attempt(tmp_path: Path) -> None:
    project = read(TEXT).project
    assert project is not None
    settings = project.workflow.nodes["report"].settings
    assert settings.timeout == 90.0
    assert settings.retry is not None
    plan = plan_project(project, default_executor="scripted")
    assert plan.works[0] is not None
    assert plan.works[0].timeout == 90.0

    stage = Stage(tmp_path, plan, held=["report"]).start()
    stage.until(lambda: stage.executor.live)
    attempt = stage.executor.live["report"]
    assert attempt.work.timeout == 90.0
    trouble = timed_out(fail(), attempt.work.timeout).error
    assert trouble is not None
    stage.executor.end("report", fail(trouble.type, trouble.message, kind=TIMED_OUT, lineage=trouble.lineage))
    stage.until(lambda: stage.state.retrying)
    stage.leap(120.0)
    stage.until(lambda: stage.executor.live)
    stage.executor.end("report", fail(trouble.type, trouble.message, kind=TIMED_OUT))
    result = stage.finish()

    kinds = [
        type(event) for event in stage.ledger.events if isinstance(event, AttemptTimedOut | RetryPlanned | NodeFailed)
    ]
    assert kinds == [AttemptTimedOut, RetryPlanned, AttemptTimedOut, NodeFailed]
    (planned,) = stage.happened(RetryPlanned)
    assert planned.due - planned.at == pytest.approx(120.0)
    assert str(result.nodes["report"].error) == "TimedOut: it ran longer than its limit of 90 s"


@pytest.mark.seed("S90")
@pytest.mark.parametrize("executor", ["processes", "inline"])
def test_a_person_is_told_the_limit_and_the_tries(tmp_path: Path, executor: str) -> None:
    (tmp_path / "t.py").write_text("import time\ndef report():\n    for _ in range(6000):\n        time.sleep(0.01)\n")
    text = TEXT.replace('"90s"', '"200ms"').replace('"2m"', '"10ms"')
    (tmp_path / "project.toml").write_text(text)
    handle = start_run(tmp_path, executor=executor, jobs=1)
    assert handle.wait(60)
    told = shown(handle.id, tmp_path)
    assert "report" in told
    assert "limit of 0.2 s" in told
    assert "walk failed" in told
    (row,) = [line for line in told.splitlines() if "report" in line and "TimedOut" in line and " 2 " in line][:1]
    assert "failed" in row


def shown(run: str, folder: Path) -> str:
    environment: dict[str, Any] = {**os.environ, "COLUMNS": "160"}
    done = subprocess.run(
        [str(COMMAND), "show", run],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
