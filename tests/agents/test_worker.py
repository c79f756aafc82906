"""What an agent decides: one engine at a time, each lease once, results kept, the end of a long silence."""

from __future__ import annotations

import pytest
from world import World

from agents import protocol, wire
from agents.link import Link
from agents.worker import Worker


def worker(**how: object) -> Worker:
    return Worker(protocol.NodeRegistration("a", 2), 5, 0.0, **how)


class Engine:
    """The other end, by hand."""

    def __init__(self, one: Worker, session: int = 9, name: str = "run", generation: int = 1) -> None:
        self.worker = one
        self.link = Link(session, one.session)
        self.name = name
        self.generation = generation
        self.heard: list[object] = []
        self.started: list[protocol.TaskAssignment] = []

    def take(self, orders):
        self.started += orders.start
        for frames in orders.sends:
            parcel = wire.decode(frames)
            if parcel.envelope.to == self.link.me:
                self.heard += [message for message, _ in self.link.receive(parcel)]
        return orders

    def say(self, *messages, now=0.0):
        for message in messages:
            self.link.send(message)
        orders = None
        for frames in self.link.flush(now):
            orders = self.take(self.worker.heard(wire.decode(frames), now))
        return orders

    def welcome(self, now=0.0):
        return self.say(protocol.Welcome(self.name, self.generation, 0.5, 60.0), now=now)

    def assign(self, node=1, epoch=1, body=b"def f", **how):
        return self.say(protocol.TaskAssignment(self.name, node, 1, epoch, 1, serialized_task=body, **how))


@pytest.fixture
def engine() -> Engine:
    one = Engine(worker())
    one.welcome()
    return one


def done(node=1, epoch=1, run="run"):
    return protocol.TaskResult(run, node, 1, epoch, "completed", b"value", 0.5)


@pytest.mark.seed("S159", "S164", "S165")
def test_an_assignment_is_started_with_its_body_and_limit(engine):
    orders = engine.assign(timeout=2.5)
    (task,) = orders.start
    assert task.timeout == 2.5
    assert engine.worker.bodies[1] == b"def f"


def test_the_same_lease_is_started_once(engine):
    engine.assign()
    engine.assign()
    engine.take(engine.worker.ended(done(), 0.0))
    engine.assign()
    assert len(engine.started) == 1
    assert engine.worker.refused == 2


def test_a_newer_lease_of_the_same_attempt_replaces_the_older_one(engine):
    engine.assign(epoch=1)
    orders = engine.assign(epoch=2)
    assert [task.epoch for task, _ in orders.cancel] == [1]
    engine.take(engine.worker.ended(done(epoch=1), 0.0))
    assert engine.heard == [], "the older one's end is nobody's business"
    engine.take(engine.worker.ended(done(epoch=2), 0.0))
    assert [one.epoch for one in engine.heard] == [2]


def test_an_older_lease_is_refused_while_a_newer_one_runs(engine):
    engine.assign(epoch=2)
    engine.assign(epoch=1)
    assert [task.epoch for task in engine.started] == [2]


@pytest.mark.seed("S160")
def test_a_result_is_kept_until_it_is_recorded(engine):
    engine.assign()
    engine.take(engine.worker.ended(done(), 0.0))
    assert engine.heard == [done()]
    assert not engine.worker.delivered
    orders = engine.say(protocol.Recorded(1))
    assert orders.forget == [done()]
    assert engine.worker.delivered


def test_an_attempt_without_its_body_is_given_back(engine):
    engine.assign(body=None)
    assert isinstance(engine.heard[0], protocol.Returned)
    assert engine.started == []


def test_only_what_has_not_begun_is_given_back_on_recall(engine):
    for node in (1, 2, 3):
        engine.assign(node=node)
    engine.worker.begun("run", 1, 1)
    orders = engine.say(protocol.Recall([protocol.TaskId("run", node, 1, 1) for node in (1, 2, 3)]))
    assert [task.node for task, _ in orders.cancel] == [2, 3]
    assert [task.node for task in engine.heard[-1].tasks] == [2, 3]
    assert [key[1] for key in engine.worker.leases] == [1]


def test_a_cancel_for_an_older_lease_does_not_touch_the_present_one(engine):
    engine.assign(epoch=2)
    assert engine.say(protocol.Cancel([protocol.TaskId("run", 1, 1, 1)])).cancel == []
    assert len(engine.say(protocol.Cancel([protocol.TaskId("run", 1, 1, 2)])).cancel) == 1


def test_attempts_can_be_held_and_let_go(engine):
    engine.assign()
    lease = protocol.TaskId("run", 1, 1, 1)
    assert engine.say(protocol.Hold([lease])).hold == [(lease, True)]
    assert engine.say(protocol.Hold([lease], False)).hold == [(lease, False)]


@pytest.mark.seed("S161", "S171", "S172", "S173", "S174")
def test_an_agent_that_drains_before_it_is_welcomed_says_so_then():
    one = Engine(worker())
    one.worker.drain(0.0)
    one.welcome()
    assert [message.status for message in one.heard if isinstance(message, protocol.StatusUpdate)][:1] == ["draining"]


def test_a_draining_agent_says_so_and_gives_new_work_back(engine):
    engine.assign(node=1)
    engine.say(protocol.Drain())
    update = engine.heard[-1]
    assert isinstance(update, protocol.StatusUpdate)
    assert (update.node_id, update.status, update.load_factor) == ("a", "draining", 0.5)
    assert isinstance(update.timestamp, float)
    engine.assign(node=2)
    assert isinstance(engine.heard[-1], protocol.Returned)
    assert [task.node for task in engine.started] == [1]


@pytest.mark.seed("S162")
def test_shutdown_waits_for_what_runs_and_for_its_record(engine):
    engine.assign()
    assert engine.say(protocol.Shutdown()).stop is None
    assert engine.take(engine.worker.ended(done(), 0.0)).stop is None
    orders = engine.say(protocol.Recorded(1))
    orders = orders if orders.stop else engine.take(engine.worker.heard(wire.decode(engine.link.bare(())), 0.0))
    assert orders.stop == "asked to end"
    assert isinstance(engine.heard[-1], protocol.Goodbye)


# -- one engine at a time


def test_another_engine_is_told_who_holds_the_agent(engine):
    engine.assign()
    other = Engine(engine.worker, session=11, name="other")
    orders = other.welcome(now=1.0)
    (refused,) = other.heard
    assert refused.code == "held"
    assert refused.text == "run holds this agent; it was heard 1 s ago"
    assert orders.start == []
    assert engine.worker.engine == "run"


def test_an_engine_that_let_go_can_be_followed_by_another(engine):
    engine.assign()
    orders = engine.say(protocol.Release())
    assert len(orders.cancel) == 1
    other = Engine(engine.worker, session=11, name="other")
    other.welcome()
    other.assign()
    assert engine.worker.engine == "other"
    assert len(other.started) == 1


def test_the_same_engine_come_back_gets_what_was_not_recorded_and_what_runs_goes_on(engine):
    engine.assign(node=1)
    engine.assign(node=2)
    engine.take(engine.worker.ended(done(node=1), 0.0))
    again = Engine(engine.worker, session=12, generation=2)
    orders = again.welcome(now=5.0)
    assert orders.cancel == []
    assert [one.node for one in again.heard if isinstance(one, protocol.TaskResult)] == [1]
    assert [key[1] for key in engine.worker.leases] == [2]


def test_an_older_generation_cannot_take_the_agent_back(engine):
    engine.assign()
    newer = Engine(engine.worker, session=12, generation=2)
    newer.welcome()
    older = Engine(engine.worker, session=13, generation=1)
    older.welcome()
    assert older.heard[0].code == "held"
    assert engine.worker.generation == 2


def test_results_of_an_engine_that_is_gone_are_not_given_to_another():
    one = worker(spooled=[done(run="old")])
    other = Engine(one, name="new")
    other.welcome()
    assert other.heard == []
    old = Engine(one, session=15, name="old")
    one._heard_at = -1000.0
    old.welcome(now=10.0)
    assert old.heard == [done(run="old")]


# -- time


@pytest.mark.seed("S158")
def test_heartbeats_carry_free_slots_and_load(engine):
    engine.assign()
    engine.take(engine.worker.ticked(0.6))
    beats = [one for one in engine.heard if isinstance(one, protocol.Heartbeat)]
    assert beats == [protocol.Heartbeat("a", 1, 0.5)]


def test_after_a_long_silence_everything_is_canceled_and_the_agent_ends(engine):
    engine.assign()
    assert engine.worker.ticked(59.0).stop is None
    orders = engine.worker.ticked(61.0)
    assert orders.stop == "no engine for 61 s"
    assert len(orders.cancel) == 1


def test_results_are_spooled_while_nobody_hears_them(engine):
    engine.assign(node=1)
    engine.assign(node=2)
    assert engine.worker.ended(done(node=1), 0.1).keep == []
    assert [one.node for one in engine.worker.ticked(10.0).keep] == [1]
    assert [one.node for one in engine.worker.ended(done(node=2), 10.0).keep] == [2]


def test_progress_is_thinned_and_what_was_said_comes_before_the_end(engine):
    engine.assign()
    for step in range(50):
        engine.take(engine.worker.said(protocol.TaskProgress("run", 1, 1, 1, step / 50), 0.001 * step))
    engine.take(engine.worker.said(protocol.TaskLines("run", 1, 1, 1, "stdout", ["last words"]), 0.06))
    engine.take(engine.worker.ended(done(), 0.06))
    progress = [one for one in engine.heard if isinstance(one, protocol.TaskProgress)]
    assert [one.fraction for one in progress] == [49 / 50]
    assert engine.heard[-1] == done()
    assert any(isinstance(one, protocol.TaskLines) for one in engine.heard)


def test_unknown_messages_are_answered(engine):
    import msgspec

    head = msgspec.msgpack.encode([protocol.VERSION, engine.link.me, engine.worker.session, 0, 0, [[98]]])
    engine.take(engine.worker.heard(wire.decode([head]), 0.0))
    assert engine.heard[-1].code == "unknown"


def test_large_values_are_waited_for_and_asked_for_again():
    there: set[bytes] = set()
    one = worker(shelf=lambda chunk, frame: there.add(chunk.name), has=there.__contains__)
    engine = Engine(one)
    engine.welcome()
    engine.assign(values=[b"big"])
    assert engine.started == []
    assert engine.heard == [protocol.Want(b"big")]
    engine.link.value(b"big", b"data")
    for frames in engine.link.flush(0.0):
        engine.take(one.heard(wire.decode(frames), 0.0))
    assert [task.node for task in engine.started] == [1]


def test_large_values_that_arrive_first_are_simply_there():
    world = World(agents=1, slots=1)
    world.meet()
    world.submit(1, values={b"v": bytes(3_000_000)})
    world.settle()
    assert [task.node for task in world.agents["a0"].running] == [1]
    assert len(world.agents["a0"].store[b"v"]) == 3_000_000
