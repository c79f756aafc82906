"""Whatever the wire drops, doubles, delays and reorders: messages arrive once each, in order, and nothing is left."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents import protocol, wire
from agents.link import RESEND, RESEND_MOST, WINDOW, Link

SMALL = wire.Limits(frame=4096, frames=8)


class Side:
    def __init__(self, me: int, peer: int) -> None:
        self.link = Link(me, peer, SMALL)
        self.sent: list[object] = []
        self.got: list[object] = []
        self.data: dict[bytes, bytearray] = {}

    def take(self, frames: list[object]) -> None:
        for message, frame in self.link.receive(wire.decode(frames, SMALL)):
            if isinstance(message, protocol.Chunk):
                whole = self.data.setdefault(message.name, bytearray())
                assert len(whole) == message.offset, "chunks of one value come in order"
                whole += frame
                if len(whole) == message.total:
                    self.got.append((message.name, bytes(whole)))
            elif not isinstance(message, protocol.Heartbeat):
                self.got.append(message)


class Conversations(RuleBasedStateMachine):
    """Two links and a wire in between that does to parcels whatever it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.sides = (Side(1, 2), Side(2, 1))
        self.wire: list[tuple[int, list[object]]] = []  # (receiver, frames)
        self.number = 0

    def post(self, sender: int, parcels: list[list[object]]) -> None:
        self.wire += [(1 - sender, frames) for frames in parcels]

    @rule(who=st.integers(0, 1), many=st.integers(1, 30))
    def say(self, who, many):
        side = self.sides[who]
        for _ in range(many):
            self.number += 1
            message = protocol.TaskProgress("r", self.number, 1, 1, 0.5)
            side.link.send(message)
            side.sent.append(message)
        self.post(who, side.link.flush(self.now))

    @rule(who=st.integers(0, 1), size=st.integers(0, 20_000))
    def send_a_large_value(self, who, size):
        side = self.sides[who]
        self.number += 1
        name = b"%d" % self.number
        data = bytes([self.number % 251]) * size
        side.link.value(name, data)
        message = protocol.Want(name)
        side.link.bulk(message)
        side.sent += [(name, data), message]
        self.post(who, side.link.flush(self.now))

    @rule(who=st.integers(0, 1))
    def beat(self, who):
        self.post(who, [self.sides[who].link.bare([protocol.Heartbeat("x")])])

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 1 << 20))
    def deliver_any(self, which):
        receiver, frames = self.wire.pop(which % len(self.wire))
        self.sides[receiver].take(frames)
        self.post(receiver, self.sides[receiver].link.flush(self.now))

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 1 << 20))
    def double(self, which):
        self.wire.append(self.wire[which % len(self.wire)])

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 1 << 20), many=st.integers(1, 10))
    def drop(self, which, many):
        for _ in range(many):
            if self.wire:
                self.wire.pop(which % len(self.wire))

    @rule(seconds=st.sampled_from([0.01, RESEND, RESEND_MOST]))
    def wait(self, seconds):
        self.now += seconds
        for who, side in enumerate(self.sides):
            self.post(who, side.link.resend(self.now))

    @invariant()
    def what_arrived_is_a_beginning_of_what_was_sent(self):
        for who, side in enumerate(self.sides):
            other = self.sides[1 - who]
            messages = [one for one in other.got if not isinstance(one, tuple)]
            values = [one for one in other.got if isinstance(one, tuple)]
            urgent = [one for one in side.sent if isinstance(one, protocol.TaskProgress)]
            bulk = [one for one in side.sent if not isinstance(one, protocol.TaskProgress)]
            assert [one for one in messages if isinstance(one, protocol.TaskProgress)] == urgent[
                : sum(isinstance(one, protocol.TaskProgress) for one in messages)
            ]
            arrived = [one for one in other.got if not isinstance(one, protocol.TaskProgress)]
            assert arrived == bulk[: len(arrived)]
            assert len(values) <= len(bulk)

    def teardown(self):
        """Once the wire behaves, everything arrives."""
        for _ in range(400):
            while self.wire:
                self.deliver_any(0)
            if all(side.link.idle for side in self.sides):
                break
            self.now += RESEND_MOST
            for who in (0, 1):
                self.beat(who)
            while self.wire:
                self.deliver_any(0)
            self.wait(RESEND_MOST)
        for who, side in enumerate(self.sides):
            assert side.link.idle
            other = self.sides[1 - who]
            assert len(other.got) == len(side.sent)
        self.what_arrived_is_a_beginning_of_what_was_sent()


Conversations.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestConversations = Conversations.TestCase


def exchange(one: Link, other: Link, now: float) -> list[object]:
    """Deliver everything that `one` sends now; give what arrived."""
    got = []
    for frames in one.flush(now):
        got += other.receive(wire.decode(frames))
    for frames in other.flush(now):
        one.receive(wire.decode(frames))
    return [message for message, _ in got]


def test_a_cancel_overtakes_a_large_value():
    link, far = Link(1, 2), Link(2, 1)
    value = bytes(3 * WINDOW)
    link.value(b"v", value)
    link.bulk(protocol.Want(b"v"))
    first = exchange(link, far, 0.0)
    assert {type(one) for one in first} == {protocol.Chunk}
    assert len(first) < len(value) // protocol.CHUNK, "the window keeps some back"
    link.send(protocol.Cancel([]))
    assert type(exchange(link, far, 0.0)[0]) is protocol.Cancel


def test_a_large_value_is_cut_only_as_far_as_the_window_allows():
    link = Link(1, 2)
    link.value(b"v", bytes(64 << 20))
    sent = sum(len(frames[1]) for frames in link.flush(0.0))
    assert sent <= WINDOW + protocol.CHUNK
    assert link.flush(0.0) == []


def test_many_small_messages_share_a_parcel_and_one_acknowledgement_covers_them():
    link, far = Link(1, 2), Link(2, 1)
    link.send_all([protocol.TaskProgress("r", i, 1, 1, 0.1) for i in range(200)])
    parcels = link.flush(0.0)
    assert len(parcels) == 1
    far.receive(wire.decode(parcels[0]))
    link.receive(wire.decode(far.bare([])))
    assert link.idle


def test_nothing_is_sent_again_to_a_side_that_says_nothing():
    link, far = Link(1, 2), Link(2, 1)
    link.send(protocol.Drain())
    link.flush(0.0)
    assert link.resend(100.0) == []
    link.receive(wire.decode(far.bare([])))
    assert len(link.resend(100.0)) == 1
    assert link.resend(200.0) == [], "until it is heard again"


def test_acknowledging_what_was_never_sent_changes_nothing():
    link, liar = Link(1, 2), Link(2, 1)
    link.send(protocol.Drain())
    link.flush(0.0)
    liar._got = 1 << 40
    link.receive(wire.decode(liar.bare([])))
    assert link.behind == 1


def test_parcels_ahead_of_a_missing_one_are_kept_only_up_to_a_limit():
    link, far = Link(1, 2), Link(2, 1)
    for i in range(2000):
        link.send(protocol.TaskProgress("r", i, 1, 1, 0.1))
        parcels = link.flush(0.0)
        if i and parcels:
            far.receive(wire.decode(parcels[0]))
    assert len(far._ahead) <= 256
