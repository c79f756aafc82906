"""Who gets the next attempt: only agents that can have it, by each of the four strategies."""

from __future__ import annotations

import random
from collections import Counter

import pytest

import agents
from agents.fleet import (
    AgentInfo,
    AgentStatus,
    Balance,
    LoadBalancingStrategy,
    NodeInfo,
    NodeStatus,
    Requirements,
    why_nobody,
)

ROUND, LEAST, CAPACITY, RANDOM = LoadBalancingStrategy


def fleet(*slots: int) -> list[AgentInfo]:
    return [AgentInfo(f"a{i}", slots=count) for i, count in enumerate(slots)]


def give(balance: Balance, agents_: list[AgentInfo], count: int) -> Counter[str]:
    given: Counter[str] = Counter()
    for _ in range(count):
        agent = balance.pick([one for one in agents_ if one.free])
        agent.running += 1
        given[agent.id] += 1
    return given


@pytest.mark.seed("S135", "S142")
def test_the_names_of_the_first_design_are_the_same_objects():
    assert NodeInfo is AgentInfo
    assert NodeStatus is AgentStatus
    assert agents.NodeInfo is agents.AgentInfo
    assert {one.name for one in AgentStatus} >= {"AVAILABLE", "BUSY", "OFFLINE", "FAILED"}


@pytest.mark.seed("S136", "S137", "S138", "S139", "S140", "S141")
def test_an_agent_is_described_by_id_address_status_labels_load_and_when_it_was_heard():
    agent = AgentInfo("lab-1", address="lab:4711", slots=4, capabilities=["gpu", "python3.12"], now=12.5)
    assert (agent.id, agent.address, agent.status) == ("lab-1", "lab:4711", AgentStatus.AVAILABLE)
    assert agent.capabilities == {"gpu", "python3.12"}
    assert agent.load_factor == 0.0
    assert agent.last_heartbeat == 12.5


@pytest.mark.seed("S140")
def test_the_load_is_smoothed_and_may_exceed_one():
    agent = AgentInfo("a")
    readings = []
    for _ in range(8):
        agent.loaded(2.0)
        readings.append(agent.load_factor)
    assert readings == sorted(readings)
    assert readings[0] == 1.0
    assert 1.9 < readings[-1] < 2.0


@pytest.mark.seed("S148")
def test_round_robin_gives_nine_tasks_to_three_agents_three_each():
    assert give(Balance(ROUND), fleet(9, 9, 9), 9) == {"a0": 3, "a1": 3, "a2": 3}


@pytest.mark.seed("S148")
def test_round_robin_goes_on_after_whoever_was_last_when_agents_come_and_go():
    balance = Balance(ROUND)
    a0, a1, a2 = fleet(9, 9, 9)
    assert [balance.pick(who).id for who in ([a0, a1], [a0, a1, a2], [a0, a2], [a0, a1, a2])] == [
        "a0",
        "a1",
        "a2",
        "a0",
    ]


@pytest.mark.seed("S149")
def test_least_loaded_takes_the_lowest_load_and_ties_by_id():
    a0, a1, a2 = fleet(2, 2, 2)
    a0.load_factor, a1.load_factor, a2.load_factor = 0.5, 0.25, 0.25
    assert Balance(LEAST).pick([a2, a0, a1]).id == "a1"


@pytest.mark.seed("S150")
def test_capacity_gives_four_to_one_to_agents_of_four_and_one_slots():
    given = give(Balance(CAPACITY), fleet(40, 10), 25)
    assert given["a0"] == 20
    assert given["a1"] == 5


@pytest.mark.seed("S151")
def test_random_is_even_and_the_same_again_with_the_same_seed():
    def draws(seed: int) -> Counter[str]:
        balance = Balance(RANDOM, random.Random(seed).random)
        agents_ = fleet(1, 1, 1, 1)
        return Counter(balance.pick(agents_).id for _ in range(10_000))

    counts = draws(7)
    chi_square = sum((counts[f"a{i}"] - 2500) ** 2 / 2500 for i in range(4))
    assert chi_square < 16.27, "three degrees of freedom, one in a thousand"
    assert draws(7) == counts


@pytest.mark.seed("S146")
def test_the_strategy_can_be_changed_between_two_picks():
    balance = Balance(CAPACITY)
    agents_ = fleet(4, 1)
    assert [balance.pick(agents_).id for _ in range(2)] == ["a0", "a0"]
    balance.strategy = ROUND
    assert balance.pick(agents_).id == "a1"


@pytest.mark.seed("S139", "S152")
def test_labels_and_counted_resources_decide_who_may_have_an_attempt():
    big = AgentInfo("big", capabilities=["gpu"], resources={"gpu": 2, "memory": 64e9})
    small = AgentInfo("small", capabilities=["cpu"])
    two = Requirements.of({"labels": ["gpu"], "gpu": 1, "memory": 16e9})
    assert big.has(two)
    assert not small.has(two)
    big.spend(two)
    assert big.can_now(two)
    big.spend(two)
    assert not big.can_now(two), "both cards are in use"
    big.spend(two, -1)
    assert big.can_now(two)
    assert Requirements.of(["gpu"]) == Requirements(["gpu"])
    assert Requirements.of("gpu") == Requirements(["gpu"])


@pytest.mark.seed("S152")
@pytest.mark.parametrize(
    ("agents_", "reason"),
    [
        ([], "no agent is connected"),
        ([AgentInfo("a")], "no connected agent has gpu"),
        ([AgentInfo("a", capabilities=["gpu"])], "every slot is busy"),
    ],
)
def test_the_reason_why_nobody_takes_an_attempt_is_said(agents_, reason):
    assert why_nobody(agents_, Requirements(["gpu"])) == reason


@pytest.mark.seed("S152")
def test_resources_in_use_and_draining_agents_are_named_as_the_reason():
    agent = AgentInfo("a", resources={"gpu": 1})
    one = Requirements(resources={"gpu": 1})
    agent.spend(one)
    assert why_nobody([agent], one) == "gpu = 1: in use on a"
    agent.state = AgentStatus.DRAINING
    assert why_nobody([agent], one) == "a has gpu = 1, but is draining"
