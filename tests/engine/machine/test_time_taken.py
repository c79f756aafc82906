"""How long an attempt took, when its process could not say."""

from __future__ import annotations

import pytest

from engine.attempt import CANCELED, CRASHED, TIMED_OUT, Outcome, Trouble
from engine.planner import plan_project
from engine.project.toml import read
from tests.support.machines import Driver

PROJECT = read('[nodes.a]\ntask = "tasks:work"\n').project


@pytest.mark.parametrize("kind", [CRASHED, TIMED_OUT, CANCELED])
def test_an_attempt_whose_process_is_gone_took_the_time_since_it_began(kind: str) -> None:
    assert PROJECT is not None
    driver = Driver(plan_project(PROJECT))
    driver.tick(2.5)
    attempt = driver.attempt("a")
    driver.report(Outcome(attempt.node, attempt.number, kind, error=Trouble("Gone", "it is gone")))
    assert driver.state.node(attempt.node).seconds == 2.5
