"""What the coordinator decides: leases, silence, late and forged results, who gets what, drain and recall."""

from __future__ import annotations

import pytest
from world import World

from agents import protocol, wire
from agents.coordinator import Coordinator
from agents.errors import AgentUnavailable
from agents.fleet import AgentStatus, LoadBalancingStrategy, Requirements
from agents.jobs import Job, TaskBody
from agents.link import Link


@pytest.fixture
def world() -> World:
    one = World(agents=2, slots=2)
    one.meet()
    return one


def silent(name: str):
    return lambda agent: agent == name


def holder(world: World, node: int) -> str:
    return world.coordinator.jobs[node, 1].agent


# -- coming, going, falling silent


@pytest.mark.seed("S143", "S147", "S157")
def test_agents_register_and_are_known_with_what_they_have(world):
    nodes = world.coordinator.nodes
    assert set(nodes) == {"a0", "a1"}
    assert nodes["a0"].slots == 2
    assert "linux" in nodes["a0"].capabilities
    assert nodes["a0"].status is AgentStatus.AVAILABLE
    nodes.clear()
    assert set(world.coordinator.nodes) == {"a0", "a1"}, "what is handed out is a copy"


@pytest.mark.seed("S138", "S142")
def test_an_agent_with_every_slot_leased_is_busy(world):
    world.submit(1, 2, 3, 4)
    assert {info.status for info in world.coordinator.nodes.values()} == {AgentStatus.BUSY}


@pytest.mark.seed("S141", "S142", "S145", "S158")
def test_a_silent_agent_is_suspected_then_offline_and_its_attempts_go_to_another(world):
    world.submit(1, 2)
    world.settle()
    world.tick(0.9, unless=silent("a0"))
    assert world.coordinator.nodes["a0"].status is AgentStatus.SUSPECTED
    moving = [node for node in (1, 2) if holder(world, node) == "a0"]
    assert moving
    world.tick(0.9, unless=silent("a0"))
    assert world.coordinator.nodes["a0"].status is AgentStatus.OFFLINE
    assert {holder(world, node) for node in moving} == {"a1"}
    assert any(change.status is AgentStatus.SUSPECTED for change in world.changes)


@pytest.mark.seed("S141")
def test_a_suspected_agent_gets_nothing_new_and_is_welcome_again_when_it_speaks(world):
    world.tick(0.9, unless=silent("a0"))
    world.submit(1, 2, 3, 4, 5, 6)
    assert {job.agent for job in world.coordinator.jobs.values()} == {"a1", ""}
    world.tick(0.4)
    assert world.coordinator.nodes["a0"].status in (AgentStatus.AVAILABLE, AgentStatus.BUSY)
    assert "a0" in {job.agent for job in world.coordinator.jobs.values()}


@pytest.mark.seed("S145")
def test_the_late_result_of_an_ended_lease_is_refused_and_counted(world):
    world.submit(1)
    world.settle()
    first = world.agents[holder(world, 1)]
    other = next(agent for agent in world.agents.values() if agent is not first)
    world.tick(2.5, unless=silent(first.name))
    assert 1 in {task.node for task in other.running}
    first.finish_one()
    world.settle()
    world.tick(0.4)
    assert world.outcome(1) == []
    assert world.coordinator.refused >= 1
    world.work()
    assert world.outcome(1) == ["completed"]
    assert not first.running, "what others have is canceled"


@pytest.mark.seed("S145")
def test_a_lease_may_last_longer_than_the_first_silence():
    world = World(agents=2, slots=2, heartbeat_timeout=1.6, lease=60.0)
    world.meet()
    world.submit(1)
    world.settle()
    name = holder(world, 1)
    world.tick(30.0, unless=silent(name), step=0.4)
    assert world.coordinator.nodes[name].status is AgentStatus.OFFLINE
    assert holder(world, 1) == name, "a partition shorter than the lease moves nothing"
    world.tick(1.0)
    world.work()
    assert world.outcome(1) == ["completed"]
    assert world.coordinator.refused == 0


def test_a_process_that_is_known_to_be_gone_is_not_waited_for(world):
    world.submit(1)
    name = holder(world, 1)
    world.learn(world.coordinator.disconnected(name, "killed", world.now))
    assert world.coordinator.nodes[name].status is AgentStatus.FAILED
    assert holder(world, 1) not in ("", name)


def test_an_attempt_that_loses_too_many_agents_is_reported_as_lost():
    world = World(agents=1, slots=1, reassign=2)
    world.meet()
    world.submit(1)
    for _ in range(3):
        world.learn(world.coordinator.disconnected("a0", "killed", world.now))
        world.agents["a0"].kill()
        world.tick(0.6)
    assert world.outcome(1) == ["lost"]
    assert "3 agents were lost with it" in world.ended[0].reason


def test_an_attempt_that_must_not_run_twice_is_lost_with_its_first_agent(world):
    world.submit(1, once=True)
    world.learn(world.coordinator.disconnected(holder(world, 1), "killed", world.now))
    assert world.outcome(1) == ["lost"]
    assert "its fate is unknown" in world.ended[0].reason


def test_nobody_is_blamed_for_the_time_in_which_the_engine_itself_did_not_run(world):
    world.submit(1)
    world.now += 3600.0
    world.learn(world.coordinator.ticked(world.now))
    assert {info.state for info in world.coordinator.nodes.values()} == {AgentStatus.AVAILABLE}


@pytest.mark.seed("S136")
def test_an_agent_keeps_its_id_and_its_leases_over_a_cut(world):
    world.submit(1, 2)
    world.settle()
    world.tick(0.9, unless=lambda agent: True)
    world.tick(0.4)
    world.work()
    assert world.outcome(1) == world.outcome(2) == ["completed"]
    assert world.coordinator.refused == 0


# -- results that do not count


@pytest.mark.seed("S144", "S147", "S160", "S163")
def test_assignments_are_known_until_their_result_and_not_longer(world):
    world.submit(1)
    ((task, agent),) = world.coordinator.task_assignments.items()
    assert task.startswith("run/1#1@")
    assert agent in world.agents
    world.settle()
    world.work()
    assert world.coordinator.task_assignments == {}


def forged(world: World, agent: str, *messages: protocol.Message) -> None:
    """What a faithless agent sends inside its own conversation."""
    worker = world.agents[agent].worker
    link = Link(worker.session, world.coordinator.session)
    link._next = 1_000_000
    frames = link.bare(messages)
    world.learn(world.coordinator.heard(agent, wire.decode(frames), world.now))


def result(node: int, epoch: int, run: str = "run", value: bytes = b"evil") -> protocol.TaskResult:
    return protocol.TaskResult(run, node, 1, epoch, "completed", value)


@pytest.mark.seed("S145", "S160")
def test_results_for_what_an_agent_does_not_have_are_refused(world):
    world.submit(1)
    world.settle()
    owner = holder(world, 1)
    other = "a1" if owner == "a0" else "a0"
    epoch = world.coordinator.jobs[1, 1].epoch
    forged(world, other, result(1, epoch))  # another agent's
    forged(world, owner, result(99, epoch))  # never sent
    forged(world, owner, result(1, epoch - 1))  # an old lease
    forged(world, owner, result(1, epoch + 1))  # a lease of the future
    forged(world, owner, result(1, epoch, run="another"))
    assert world.ended == []
    assert world.coordinator.refused == 5
    forged(world, owner, result(1, epoch, value=b"real"), result(1, epoch, value=b"again"))
    assert [one.result.serialized_result for one in world.ended] == [b"real"]
    assert world.coordinator.refused == 6
    forged(world, owner, result(1, epoch, value=b"later"))
    assert len(world.ended) == 1


def test_news_of_what_an_agent_does_not_have_are_dropped(world):
    world.submit(1)
    world.settle()
    owner, epoch = holder(world, 1), world.coordinator.jobs[1, 1].epoch
    other = "a1" if owner == "a0" else "a0"
    forged(world, other, protocol.TaskProgress("run", 1, 1, epoch, 0.9))
    forged(world, owner, protocol.TaskLines("run", 1, 1, epoch + 1, "stdout", ["x"]))
    assert world.said == []
    forged(world, owner, protocol.TaskProgress("run", 1, 1, epoch, 0.9))
    assert len(world.said) == 1


@pytest.mark.seed("S157")
def test_a_registration_under_another_name_than_the_keys_is_refused(world):
    link = Link(10_000, 0)
    parcel = wire.decode(link.bare([protocol.NodeRegistration("a1", 4)]))
    turn = world.coordinator.heard("a0", parcel, world.now)
    ((agent, frames),) = turn.sends
    (answer,) = wire.decode(frames).messages
    assert agent == "a0"
    assert (answer.code, answer.text) == ("identity", "the key belongs to 'a0', and not to 'a1'")
    assert world.coordinator.nodes["a1"].slots == 2


def test_ten_thousand_registrations_leave_one_agent(world):
    for session in range(10_000, 20_000):
        parcel = wire.decode(Link(session, 0).bare([protocol.NodeRegistration("a0", 1)]))
        world.coordinator.heard("a0", parcel, world.now)
    assert set(world.coordinator.nodes) == {"a0", "a1"}


@pytest.mark.seed("S158")
def test_a_heartbeat_before_registration_is_answered_with_what_to_do(world):
    parcel = wire.decode(Link(10_000, 0).bare([protocol.Heartbeat("new")]))
    turn = world.coordinator.heard("new", parcel, world.now)
    (answer,) = wire.decode(turn.sends[0][1]).messages
    assert answer.code == "unregistered"
    assert "new" not in world.coordinator.nodes


@pytest.mark.seed("S158")
def test_a_heartbeat_after_removal_is_answered_and_nothing_breaks(world):
    world.learn(world.coordinator.revoked("a0", world.now))
    parcel = wire.decode(
        Link(world.agents["a0"].worker.session, world.coordinator.session).bare([protocol.Heartbeat("a0")])
    )
    turn = world.coordinator.heard("a0", parcel, world.now)
    assert wire.decode(turn.sends[0][1]).messages[0].code == "unregistered"
    assert set(world.coordinator.nodes) == {"a1"}


def test_what_was_meant_for_an_engine_that_is_gone_is_not_taken(world):
    world.submit(1)
    world.settle()
    owner, epoch = holder(world, 1), world.coordinator.jobs[1, 1].epoch
    parcel = wire.decode(Link(world.agents[owner].worker.session, 77).bare([result(1, epoch)]))
    world.learn(world.coordinator.heard(owner, parcel, world.now))
    assert world.ended == []


@pytest.mark.seed("S157", "S158", "S159", "S160", "S161", "S162")
def test_unknown_and_misdirected_messages_are_answered(world):
    import msgspec

    worker = world.agents["a0"].worker
    for content, code in (([99, "new"], "unknown"), ([7], "direction")):
        head = msgspec.msgpack.encode([protocol.VERSION, worker.session, world.coordinator.session, 0, 0, [content]])
        turn = world.coordinator.heard("a0", wire.decode([head]), world.now)
        answers = [message for _, frames in turn.sends for message in wire.decode(frames).messages]
        assert [answer.code for answer in answers if isinstance(answer, protocol.Refused)] == [code]


def test_an_unreadable_parcel_is_counted_and_its_sender_told(world):
    turn = world.coordinator.unreadable("a0", protocol.Refused("version", "too old"), world.now)
    assert wire.decode(turn.sends[0][1]).messages == [protocol.Refused("version", "too old")]
    assert world.coordinator.malformed == 1


# -- who gets what


@pytest.mark.seed("S152")
def test_an_attempt_that_nobody_can_have_waits_and_says_why(world):
    world.submit(1, requires=Requirements(["tpu"]))
    ((job, reason),) = world.coordinator.waiting()
    assert (job.node, reason) == (1, "no connected agent has tpu")
    world.submit(2)
    assert holder(world, 2), "the others go on"


@pytest.mark.seed("S152")
def test_counted_resources_are_used_up_and_given_back(world):
    world.submit(1, 2, 3, requires=Requirements(resources={"gpu": 1}))
    assert sorted(holder(world, node) for node in (1, 2, 3)) == ["", "a0", "a1"]
    world.settle()
    world.work()
    assert [one.kind for one in world.ended] == ["completed"] * 3


@pytest.mark.seed("S147")
def test_an_agent_can_be_chosen_without_giving_it_anything(world):
    chosen = world.coordinator.select_agent()
    assert chosen is not None
    assert chosen.id in world.agents
    assert world.coordinator.select_agent(Requirements(["tpu"])) is None


@pytest.mark.seed("S147")
def test_verbs_for_agents_that_nobody_knows_are_errors(world):
    job = Job(1, 1, TaskBody(1, b"x"))
    for act in (
        lambda: world.coordinator.assign(job, "nobody", world.now),
        lambda: world.coordinator.record_heartbeat("nobody", world.now),
        lambda: world.coordinator.drain("nobody", world.now),
    ):
        with pytest.raises(AgentUnavailable, match="no agent of that name"):
            act()


@pytest.mark.seed("S146")
@pytest.mark.parametrize("strategy", LoadBalancingStrategy)
def test_every_strategy_fills_every_slot_and_can_be_changed(world, strategy):
    world.coordinator.load_balancing_strategy = strategy
    assert world.coordinator.load_balancing_strategy is strategy
    world.submit(*range(10))
    assert [info.running for info in world.coordinator.nodes.values()] == [2, 2]


def test_long_attempts_are_not_queued_at_agents_and_short_ones_are(world):
    world.body().usual = 5.0
    world.submit(*range(100))
    assert sum(info.running for info in world.coordinator.nodes.values()) == 4
    world.body(2).usual = 0.0001
    world.learn(world.coordinator.submit([Job(1000 + i, 1, world.body(2)) for i in range(200)], world.now))
    short = World(agents=2, slots=2)
    short.meet()
    short.body().usual = 0.0001
    short.submit(*range(200))
    assert sum(info.running for info in short.coordinator.nodes.values()) > 100


def test_a_body_travels_once_to_each_agent(world):
    world.body().usual = 0.0001
    world.submit(*range(200))
    sent = [
        message
        for _, _, frames in world.to_agents
        for message in wire.decode(frames).messages
        if isinstance(message, protocol.TaskAssignment)
    ]
    assert sum(message.serialized_task is not None for message in sent) == 2
    assert len(sent) > 100
    assert len(world.to_agents) < 20, "many assignments share a parcel"


def test_what_waits_behind_a_slow_attempt_goes_to_whoever_has_nothing_to_do():
    world = World(agents=2, slots=1)
    world.meet()
    world.body().usual = 0.0001
    world.submit(*range(40))
    world.settle()
    slow, quick = world.agents.values()
    held = next(iter(slow.running))
    slow.worker.begun(*held[:3])
    for _ in range(200):
        if quick.running:
            quick.finish_one()
            world.settle()
        elif len(world.ended) < 39:
            world.tick(0.3)
        else:
            break
    assert len(world.ended) == 39
    assert set(slow.running) == {held}, "what had begun stays where it is"
    assert world.coordinator.refused == 0


def test_a_draining_agent_finishes_and_gets_nothing_new(world):
    world.submit(1, 2, 3, 4)
    world.settle()
    world.learn(world.coordinator.drain("a0", world.now))
    world.submit(5, 6, 7, 8)
    world.settle()
    world.work()
    assert len(world.ended) == 8
    assert world.coordinator.nodes["a0"].status is AgentStatus.DRAINING
    assert {name for name, task in world.ran if task.node > 4} == {"a1"}


@pytest.mark.seed("S162")
def test_shutdown_drains_then_the_agent_says_goodbye_and_stops(world):
    world.submit(1, 2)
    world.settle()
    world.learn(world.coordinator.shutdown("a0", world.now))
    world.settle()
    assert world.agents["a0"].stopped is None or not world.agents["a0"].running
    world.work()
    world.tick(1.0)
    assert world.agents["a0"].stopped == "asked to end"
    assert world.coordinator.nodes["a0"].status is AgentStatus.OFFLINE
    assert {one.kind for one in world.ended} == {"completed"}


# -- canceling


def test_what_waits_is_canceled_at_once_and_what_runs_when_it_is_gone(world):
    world.submit(*range(6))
    world.settle()
    waiting = [node for node in range(6) if not holder(world, node)]
    assert len(waiting) == 2
    world.learn(world.coordinator.cancel([(node, 1) for node in range(6)], 1.0, world.now))
    assert sorted(one.job.node for one in world.ended) == waiting
    world.settle()
    assert {one.kind for one in world.ended} == {"canceled"}
    assert len(world.ended) == 6
    assert world.coordinator.jobs == {}


def test_canceling_what_is_over_changes_nothing(world):
    world.submit(1)
    world.settle()
    world.work()
    world.learn(world.coordinator.cancel([(1, 1), (77, 1)], 1.0, world.now))
    assert world.outcome(1) == ["completed"]


def test_a_canceled_attempt_whose_agent_is_lost_does_not_begin_again(world):
    world.submit(1)
    name = holder(world, 1)
    world.learn(world.coordinator.cancel([(1, 1)], 1.0, world.now))
    world.learn(world.coordinator.disconnected(name, "killed", world.now))
    assert world.outcome(1) == ["canceled"]


# -- results are kept until they are recorded


@pytest.mark.seed("S160")
def test_an_agent_keeps_a_result_until_the_engine_has_recorded_it():
    world = World(agents=1, slots=2, holds_acks=True)
    world.meet()
    world.submit(1, 2)
    world.settle()
    world.work()
    world.tick(2.0)
    agent = world.agents["a0"]
    assert len(agent.worker._results.kept) == 2
    mark = world.coordinator.taken
    world.submit(3)
    world.settle()
    world.work()
    world.learn(world.coordinator.settle(world.now, mark))
    world.settle()
    assert [one.node for one in agent.worker._results.kept] == [3]
    world.learn(world.coordinator.settle(world.now))
    world.settle()
    assert not agent.worker._results.kept


@pytest.mark.seed("S144")
def test_an_engine_that_comes_back_adopts_what_still_runs_and_claims_what_is_done():
    world = World(agents=2, slots=2, holds_acks=True)
    world.meet()
    world.submit(1, 2, 3, 4)
    world.settle()
    done = next(iter(world.agents["a0"].running)).node
    world.agents["a0"].finish_one()
    ran_before = len(world.ran)
    world.start_engine()  # nothing of what was on its way arrives
    world.to_engine.clear()
    world.to_agents.clear()
    jobs = [world.job(node) for node in (1, 2, 3, 4)]
    world.learn(world.coordinator.expect(jobs, world.now, 5.0))
    world.tick(3.0)
    assert world.outcome(done) == ["completed"]
    assert len(world.coordinator.task_assignments) == 3
    world.work()
    assert sorted(one.job.node for one in world.ended) == [1, 2, 3, 4]
    assert len(world.ran) == ran_before + 3, "nothing ran twice"


def test_what_nobody_holds_any_more_is_done_again_after_a_while():
    world = World(agents=1, slots=2)
    world.meet()
    world.learn(world.coordinator.expect([world.job(1)], world.now, 2.0))
    world.tick(1.0)
    assert world.coordinator.task_assignments == {}
    world.tick(1.5)
    world.work()
    assert world.outcome(1) == ["completed"]


@pytest.mark.seed("S144", "S147")
def test_a_coordinator_has_the_settings_of_the_design():
    one = Coordinator("r", 1, heartbeat_timeout=3.0, strategy=LoadBalancingStrategy.RANDOM)
    assert one.heartbeat_timeout == 3.0
    assert one.load_balancing_strategy is LoadBalancingStrategy.RANDOM
    assert one.nodes == {}
    assert one.task_assignments == {}
