"""Agents keep every promise of an executor: the contract's own tests, tried on them."""

from __future__ import annotations

import pytest

from tests.engine.executors import test_contract as contract
from tests.engine.executors.test_contract import *  # noqa: F403

for group in (contract.KILLS, contract.PACKS, contract.CAPTURES, contract.SIDE_BY_SIDE):
    group.add("agents")


@pytest.fixture(params=["agents"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)
