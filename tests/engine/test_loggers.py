"""An engine writes to whatever logger it was given."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from engine.loggers import JsonLinesLogger, LogLevel, StandardLogger
from engine.machine.state import NodeState
from engine.nodes import TaskNode
from engine.project.model import FixedDelay, RetryPolicy
from engine.workflow_engine import WorkflowEngine


class Notes:
    """A logger of one's own."""

    def __init__(self) -> None:
        self.said: list[tuple[LogLevel, str]] = []
        self.states: list[tuple[str, NodeState]] = []

    def log(self, level: LogLevel, message: str) -> None:
        self.said.append((level, message))

    def log_node_state(self, node_id: str, state: NodeState) -> None:
        self.states.append((node_id, state))


@pytest.mark.seed("S39", "S41")
def test_a_logger_of_ones_own_hears_of_each_transition_once() -> None:
    tries = [0]

    def flaky(ctx: Any) -> int:
        tries[0] += 1
        if tries[0] == 1:
            raise OSError
        return 1

    notes = Notes()
    engine = WorkflowEngine(executor="inline", logger=notes)
    engine.add_node(TaskNode("flaky", flaky, retry_policy=RetryPolicy(1, FixedDelay(0.001))))
    engine.run()
    assert [state.value for _, state in notes.states] == ["running", "failed", "ready", "running", "completed"]


@pytest.mark.seed("S40", "S42")
@pytest.mark.parametrize("level", list(LogLevel))
def test_each_level_reaches_the_standard_library_as_itself(level: LogLevel, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "flowloom"):
        StandardLogger().log(level, "100 % done")
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(level.value, "100 % done")]


@pytest.mark.seed("S42")
def test_levels_are_ordered() -> None:
    assert sorted(LogLevel) == [LogLevel.DEBUG, LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR]


@pytest.mark.seed("S39")
def test_json_lines_can_be_read_back() -> None:
    stream = io.StringIO()
    logger = JsonLinesLogger(stream)
    logger.log(LogLevel.WARNING, 'a "quoted"\nline')
    logger.log_node_state("任务1", NodeState.RUNNING)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0]["level"] == "warning"
    assert lines[0]["message"] == 'a "quoted"\nline'
    assert (lines[1]["node"], lines[1]["state"]) == ("任务1", "running")
