"""One contract for every transport: what is sent arrives or is said not to, and its sender is who it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import agents
from agents import protocol, wire
from agents.errors import (
    AgentUnavailable,
    ConnectionFailed,
    MessageTooLarge,
    NetworkError,
    NodeUnavailable,
    SerializationError,
    Timeout,
    UnknownError,
)
from agents.gate import new_keys
from agents.keys import Allowed
from agents.transport import MemoryNetwork, NetworkTransport, ZmqTransport

BEAT = protocol.Heartbeat("a", 1, 0.5)
NAMES = ["a", "b", "c"]


class Group:
    """One that listens and three that talk to it, over one kind of wire."""

    def __init__(self, hub: NetworkTransport, peers: dict[str, NetworkTransport]) -> None:
        self.hub = hub
        self.peers = peers


async def in_memory() -> Group:
    network = MemoryNetwork()
    hub = network.join("engine", timeout=1.0)
    return Group(hub, {name: network.join(name, timeout=1.0) for name in NAMES})


async def over_zmq() -> Group:
    server, allowed = new_keys(), Allowed()
    hub = await ZmqTransport.listen(server, allowed, patience=1.0)
    peers: dict[str, NetworkTransport] = {}
    for name in NAMES:
        keys = new_keys()
        allowed.add(name, keys.public)
        peers[name] = await ZmqTransport.connect(keys, server.public, hub.endpoint, patience=1.0)
        await peers[name].send("engine", protocol.Drain())
        await hub.receive(5.0)
    return Group(hub, peers)


@pytest_asyncio.fixture(params=[in_memory, over_zmq], ids=["memory", "zmq"])
async def group(request: pytest.FixtureRequest) -> AsyncIterator[Group]:
    one = await request.param()
    yield one
    for transport in (*one.peers.values(), one.hub):
        await transport.close()


@pytest.mark.seed("S153")
async def test_both_are_transports(group):
    assert isinstance(group.hub, NetworkTransport)
    assert agents.NetworkTransport is NetworkTransport


@pytest.mark.seed("S153", "S154", "S155")
async def test_a_message_arrives_with_its_sender(group):
    await group.peers["b"].send("engine", BEAT)
    assert await group.hub.receive(5.0) == ("b", BEAT)
    await group.hub.send("b", protocol.Shutdown())
    assert await group.peers["b"].receive(5.0) == ("engine", protocol.Shutdown())


@pytest.mark.seed("S154")
async def test_many_messages_arrive_once_each_and_in_order(group):
    messages = [protocol.TaskProgress("r", i, 1, 1, 0.5) for i in range(100)]
    for message in messages:
        await group.peers["a"].send("engine", message)
    assert [(await group.hub.receive(5.0))[1] for _ in messages] == messages


@pytest.mark.seed("S156")
async def test_a_broadcast_reaches_everybody_and_names_whom_it_did_not(group):
    assert await group.hub.broadcast(protocol.Drain()) == {}
    for transport in group.peers.values():
        assert await transport.receive(5.0) == ("engine", protocol.Drain())
    await group.peers["c"].close()
    failures = await group.hub.broadcast(protocol.Shutdown())
    assert set(failures) <= {"c"}
    for name in ("a", "b"):
        assert await group.peers[name].receive(5.0) == ("engine", protocol.Shutdown())
    assert all(isinstance(problem, NetworkError) for problem in failures.values())


@pytest.mark.seed("S154", "S180")
async def test_sending_to_nobody_is_an_error(group):
    with pytest.raises(AgentUnavailable, match="nobody") as caught:
        await group.hub.send("nobody", BEAT)
    assert caught.value.agent == "nobody"
    assert NodeUnavailable is AgentUnavailable


@pytest.mark.seed("S154", "S176", "S180")
async def test_sending_to_somebody_who_has_left_is_an_error(group):
    await group.peers["a"].close()
    with pytest.raises((AgentUnavailable, Timeout)):
        await group.hub.send("a", BEAT)


@pytest.mark.seed("S155", "S176")
async def test_waiting_for_a_message_has_a_limit(group):
    with pytest.raises(Timeout, match=r"no message within 0\.05 s") as caught:
        await group.hub.receive(0.05)
    assert caught.value.seconds == 0.05


@pytest.mark.seed("S177")
async def test_what_is_too_large_is_refused_before_it_leaves(group):
    huge = protocol.TaskAssignment("r", 1, 1, 1, 1, serialized_task=bytes(wire.FRAME_LIMIT))
    with pytest.raises(MessageTooLarge) as caught:
        await group.peers["a"].send("engine", huge)
    assert caught.value.size > wire.FRAME_LIMIT
    await group.peers["a"].send("engine", BEAT)
    assert await group.hub.receive(5.0) == ("a", BEAT)


@pytest.mark.seed("S178")
async def test_what_cannot_be_written_is_named(group):
    odd = protocol.TaskAssignment("r", 1, 1, 1, 1, inputs=object())
    with pytest.raises(SerializationError, match="TaskAssignment"):
        await group.peers["a"].send("engine", odd)


@pytest.mark.seed("S154")
async def test_frames_that_the_wire_loses_are_sent_again():
    lost = iter([True, True, False, True, False, False])
    network = MemoryNetwork(spoil=lambda *_: next(lost, False))
    one, other = network.join("one"), network.join("other")
    await one.send("other", BEAT)
    assert await other.receive(1.0) == ("one", BEAT)
    with pytest.raises(Timeout):
        await other.receive(0.01)


@pytest.mark.seed("S154", "S176")
async def test_a_wire_that_loses_everything_is_an_error_and_no_silence():
    network = MemoryNetwork(spoil=lambda *_: True)
    one = network.join("one", timeout=0.2)
    network.join("other")
    with pytest.raises(Timeout, match="did not confirm"):
        await one.send("other", BEAT)


@pytest.mark.seed("S155")
async def test_a_stranger_cannot_connect():
    server = new_keys()
    hub = await ZmqTransport.listen(server, Allowed())
    with pytest.raises(ConnectionFailed, match="refused"):
        await ZmqTransport.connect(new_keys(), server.public, hub.endpoint)
    await hub.close()


@pytest.mark.seed("S175", "S176", "S177", "S178", "S179", "S180", "S181")
def test_every_failure_of_the_network_is_a_network_error_with_what_it_is_about():
    from agents.errors import NetworkUnavailable
    from engine.errors import NetworkError as Root

    cause = OSError("cable")
    problem = UnknownError("the link broke")
    problem.__cause__ = cause
    kinds = [
        ConnectionFailed("tcp://x:1", "refused"),
        Timeout(2.0),
        MessageTooLarge(10, 5),
        SerializationError("a lock"),
        NetworkUnavailable("no interface"),
        AgentUnavailable("a"),
        problem,
    ]
    assert all(isinstance(one, Root) for one in kinds)
    assert [str(one) for one in kinds[:3]] == [
        "cannot connect to tcp://x:1: refused",
        "no answer within 2 s",
        "the message has 10 bytes, and the limit is 5",
    ]
    assert problem.__cause__ is cause
    assert agents.NetworkError is Root


async def test_close_may_be_called_twice(group):
    await group.hub.close()
    await asyncio.sleep(0)
    await group.hub.close()
