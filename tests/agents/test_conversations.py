"""Coordinator and agents over a wire that does anything, with deaths on both sides: each attempt ends exactly once.

Engines come back and adopt what agents hold, agents drain, attempts want something that each agent has one of, and some
must run once at the most.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from world import World

from agents.errors import AgentUnavailable
from agents.fleet import NOTHING, Requirements

picks = st.integers(0, 1 << 20)
names = st.sampled_from(["a0", "a1", "a2"])
GPU = Requirements(["linux"], {"gpu": 1.0})  # of which each agent has one


class Conversations(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(agents=3, slots=2, heartbeat=0.4, heartbeat_timeout=1.6, reassign=1000)
        self.nodes = 0
        self.submitted: dict[int, dict[str, object]] = {}

    @initialize(met=st.booleans())
    def begin(self, met):
        if met:
            self.world.meet()

    @rule(
        many=st.integers(1, 12),
        requires=st.sampled_from([NOTHING, NOTHING, GPU]),
        once=st.sampled_from([False, False, True]),
    )
    def submit(self, many, requires, once):
        for _ in range(many):
            self.nodes += 1
            self.submitted[self.nodes] = {"requires": requires, "once": once}
            self.world.submit(self.nodes, requires=requires, once=once)

    @precondition(lambda self: self.submitted)
    @rule(which=picks)
    def cancel(self, which):
        node = list(self.submitted)[which % len(self.submitted)]
        self.world.learn(self.world.coordinator.cancel([(node, 1)], 1.0, self.world.now))

    @precondition(lambda self: self.world.to_engine)
    @rule(which=picks, many=st.integers(1, 8))
    def deliver_to_engine(self, which, many):
        for _ in range(many):
            if self.world.to_engine:
                self.world.deliver_to_engine(which)

    @precondition(lambda self: self.world.to_agents)
    @rule(which=picks, many=st.integers(1, 8))
    def deliver_to_agent(self, which, many):
        for _ in range(many):
            if self.world.to_agents:
                self.world.deliver_to_agent(which)

    @rule()
    def deliver_everything(self):
        self.world.settle()

    @precondition(lambda self: self.world.to_engine)
    @rule(which=picks)
    def double_to_engine(self, which):
        self.world.to_engine.append(self.world.to_engine[which % len(self.world.to_engine)])

    @precondition(lambda self: self.world.to_agents)
    @rule(which=picks)
    def double_to_agents(self, which):
        self.world.to_agents.append(self.world.to_agents[which % len(self.world.to_agents)])

    @precondition(lambda self: self.world.to_engine)
    @rule(which=picks)
    def drop_to_engine(self, which):
        self.world.to_engine.pop(which % len(self.world.to_engine))

    @precondition(lambda self: self.world.to_agents)
    @rule(which=picks)
    def drop_to_agents(self, which):
        self.world.to_agents.pop(which % len(self.world.to_agents))

    @rule(agent=names)
    def drain(self, agent):
        """It goes on with what it has; only a new process of it takes something new."""
        try:
            self.world.learn(self.world.coordinator.drain(agent, self.world.now))
        except AgentUnavailable:
            assert agent not in self.world.coordinator.nodes

    @rule(agent=names)
    def drain_by_its_own_wish(self, agent):
        one = self.world.agents[agent]
        one.worker.drain(self.world.now)
        one.obey(one.worker.ticked(self.world.now))

    @rule(agent=names, which=picks)
    def finish(self, agent, which):
        if self.world.agents[agent].running:
            self.world.agents[agent].finish_one(which)

    @rule(agent=names)
    def kill_agent(self, agent):
        self.world.agents[agent].kill()

    @rule(agent=names)
    def notice_death(self, agent):
        """The engine is told that a process is gone (as of a local child), and a new one starts."""
        self.world.learn(self.world.coordinator.disconnected(agent, "killed", self.world.now))
        self.world.agents[agent].kill()

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0]))
    def wait(self, seconds):
        self.world.now += seconds
        self.world.learn(self.world.coordinator.ticked(self.world.now))
        for agent in self.world.agents.values():
            agent.obey(agent.worker.ticked(self.world.now))

    @rule()
    def restart_engine(self):
        """The engine dies and comes back: it knows what it had submitted and not recorded."""
        world = self.world
        ended = {one.job.node for one in world.ended}
        world.start_engine()
        world.to_agents = [one for one in world.to_agents if one[1] == world.engine_life]
        jobs = [world.job(node, **how) for node, how in self.submitted.items() if node not in ended]
        world.learn(world.coordinator.expect(jobs, world.now, 2.0))

    @invariant()
    def nothing_ends_twice(self):
        twice = [node for node, count in Counter(one.job.node for one in self.world.ended).items() if count > 1]
        assert not twice

    @invariant()
    def results_belong_to_their_attempts(self):
        for one in self.world.ended:
            if one.kind == "completed":
                assert one.result.serialized_result == str(one.job.node * 2).encode()

    @invariant()
    def no_process_begins_a_lease_twice(self):
        for agent in self.world.agents.values():
            assert all(count == 1 for count in agent.begun.values())

    @invariant()
    def books_agree(self):
        coordinator = self.world.coordinator
        for name, info in coordinator.nodes.items():
            theirs = [job for job in coordinator.jobs.values() if job.agent == name]
            assert info.running == len(theirs)
            assert info.spent.get("gpu", 0.0) == sum(job.requires is GPU for job in theirs)

    @invariant()
    def nothing_is_spent_twice(self):
        for info in self.world.coordinator.nodes.values():
            assert info.spent.get("gpu", 0.0) <= info.resources["gpu"]

    @invariant()
    def what_must_run_once_does(self):
        begun = Counter(task.node for agent in self.world.agents.values() for task in agent.begun.elements())
        assert [node for node, how in self.submitted.items() if how["once"] and begun[node] > 1] == []

    @invariant()
    def who_drains_takes_nothing_new(self):
        for agent in self.world.agents.values():
            assert agent.taken_while_draining == []

    def teardown(self):
        """Once the wire behaves, every attempt ends."""
        world = self.world
        for agent in world.agents.values():
            if agent.worker.draining:
                agent.kill()
        for _ in range(30):
            world.tick(1.0)
            world.work()
        assert {one.job.node for one in world.ended} == set(self.submitted)
        self.nothing_ends_twice()
        self.what_must_run_once_does()
        self.who_drains_takes_nothing_new()
        world.tick(2.0)
        for agent in world.agents.values():
            assert not agent.running, "nobody works for nothing"
            assert not agent.worker._results.kept, "every result was acknowledged"


Conversations.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestConversations = Conversations.TestCase
