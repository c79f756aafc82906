"""What only waits can be canceled alone: the rest of the run goes on and ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from engine.machine.state import NodeState, WorkflowState
from engine.start import start_run

if TYPE_CHECKING:
    from pathlib import Path

    from engine.machine.state import RunState

WAITS = {
    "a time": 'wait = { for = "1h" }',
    "a file": 'wait = { file = "never" }',
    "an answer": 'approval = "Go on?"',
    "the next round": 'shell = "true"\nuntil = "false"\ndelay = "1h"',
    "a map one by one": 'wait = { for = "1h" }\nmap = [1, 2, 3]\nmax_parallel = 1',
}


def waits(state: RunState, name: str) -> bool:
    return any(state.plan.names[node].startswith(name) for node in (*state.waits, *state.asking))


@pytest.mark.parametrize("body", WAITS.values(), ids=WAITS)
def test_a_node_that_waits_is_canceled_at_once(body: str, tmp_path: Path) -> None:
    other = '[nodes.other]\nwait = { for = "50ms" }\n'
    text = f'format = 1\n[project]\nname = "waits"\n[nodes.idle]\n{body}\n{other}'
    (tmp_path / "project.toml").write_text(text, "utf-8")
    handle = start_run(tmp_path, executor="inline", journal=False)
    deadline = time.monotonic() + 10
    while not waits(handle.state, "idle") and time.monotonic() < deadline:
        time.sleep(0.005)
    handle.cancel_node("idle")
    assert handle.wait(15.0), "the run still waits for what was canceled"
    assert handle.result.nodes["idle"].state is NodeState.CANCELED
    assert handle.result.nodes["other"].state is NodeState.COMPLETED
    assert handle.result.state is WorkflowState.COMPLETED
