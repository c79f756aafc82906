"""Messages between named peers, for who wants the wire without attempts: over ZeroMQ, or in memory for tests.

`send` comes back when the other side has the message, and raises when that cannot be known: nothing is lost silently.
`receive` tells who sent a message by the sender's key, or, in memory, by the peer it was made for.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from agents import wire
from agents.errors import AgentUnavailable, Malformed, SerializationError, Timeout
from agents.keys import Allowed, KeyPair
from agents.link import RESEND, Link
from agents.protocol import Message
from engine.errors import NetworkError


@runtime_checkable
class NetworkTransport(Protocol):
    """Moves messages between peers that have names. Lengths in seconds."""

    async def send(self, destination: str, message: Message) -> None:
        """Deliver to a peer. Raises AgentUnavailable, Timeout, MessageTooLarge or SerializationError if that fails."""

    async def receive(self, seconds: float | None = None) -> tuple[str, Message]:
        """The next message and who sent it. Raises Timeout if none comes."""

    async def broadcast(self, message: Message) -> dict[str, NetworkError]:
        """Deliver to every peer; the failures, by peer: empty if all have it."""

    async def close(self) -> None:
        """Free everything. May be called twice."""


class _Delivery:
    """What both share: a link to each peer, acknowledged messages, an inbox. Everything happens in one event loop."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._session = secrets.randbits(62)
        self._links: dict[str, Link] = {}
        self._moved: dict[str, asyncio.Event] = {}
        self._inbox: asyncio.Queue[tuple[str, Message]] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def _peers(self) -> list[str]:
        raise NotImplementedError

    def _transmit(self, destination: str, frames: list[Any]) -> bool:
        """Put frames on their way; False if it is known that nobody is there."""
        raise NotImplementedError

    async def send(self, destination: str, message: Message) -> None:
        """Deliver a message, and come back when it has arrived."""
        if destination not in self._peers():
            raise AgentUnavailable(destination)
        link = self._link(destination)
        link.send(message)
        try:
            parcels = link.flush(time.monotonic())
        except TypeError as problem:
            raise SerializationError(f"{type(message).__name__} cannot travel: {problem}") from problem
        reached = [self._transmit(destination, frames) for frames in parcels]
        until = time.monotonic() + self._timeout
        moved = self._moved[destination]
        while not link.idle:
            moved.clear()
            left = until - time.monotonic()
            if left <= 0:
                self._links.pop(destination, None)
                if not any(reached):
                    raise AgentUnavailable(destination)
                raise Timeout(self._timeout, f"{destination} did not confirm a {type(message).__name__}")
            try:
                await asyncio.wait_for(moved.wait(), min(left, RESEND))
            except TimeoutError:
                reached += [self._transmit(destination, frames) for frames in self._again(link)]

    @staticmethod
    def _again(link: Link) -> list[list[Any]]:
        link._heard = True
        return link.resend(time.monotonic())

    async def receive(self, seconds: float | None = None) -> tuple[str, Message]:
        """The next message and its sender."""
        try:
            return await asyncio.wait_for(self._inbox.get(), seconds)
        except TimeoutError:
            raise Timeout(seconds or 0.0, "no message") from None

    async def broadcast(self, message: Message) -> dict[str, NetworkError]:
        """Deliver to all peers at the same time; what failed, by peer."""
        peers = self._peers()
        ends = await asyncio.gather(*(self.send(peer, message) for peer in peers), return_exceptions=True)
        failures: dict[str, NetworkError] = {}
        for peer, end in zip(peers, ends, strict=True):
            if isinstance(end, NetworkError):
                failures[peer] = end
            elif isinstance(end, BaseException):
                raise end
        return failures

    def _link(self, peer: str, session: int = 0) -> Link:
        link = self._links.get(peer)
        if link is None or (session and link.peer and link.peer != session):
            link = self._links[peer] = Link(self._session, session)
        if session and not link.peer:
            link.peer = session
        self._moved.setdefault(peer, asyncio.Event())
        return link

    def _arrived(self, source: str, frames: list[Any]) -> None:
        """In the loop's thread: frames of a peer."""
        try:
            parcel = wire.decode(frames)
        except Malformed:
            return
        if parcel.envelope.to not in (0, self._session):
            return
        link = self._link(source, parcel.envelope.sender)
        for message, frame in link.receive(parcel):
            if frame is None:
                self._inbox.put_nowait((source, message))
        if parcel.envelope.seq:
            self._transmit(source, link.bare(()))
        self._moved[source].set()


class MemoryNetwork:
    """Peers of one process. `spoil(source, destination, frames)` may lose frames by saying True."""

    def __init__(self, spoil: Callable[[str, str, list[Any]], bool] = lambda *_: False) -> None:
        self.members: dict[str, MemoryTransport] = {}
        self.spoil = spoil

    def join(self, name: str, timeout: float = 5.0) -> MemoryTransport:
        return MemoryTransport(self, name, timeout)


class MemoryTransport(_Delivery):
    """A peer of a MemoryNetwork. Frames are copied and decoded as on a wire."""

    def __init__(self, network: MemoryNetwork, name: str, timeout: float = 5.0) -> None:
        super().__init__(timeout)
        self._network = network
        self.name = name
        network.members[name] = self

    def _peers(self) -> list[str]:
        return [name for name in self._network.members if name != self.name]

    def _transmit(self, destination: str, frames: list[Any]) -> bool:
        other = self._network.members.get(destination)
        if other is None:
            return False
        if not self._network.spoil(self.name, destination, frames):
            copies = [bytes(frame) for frame in frames]
            self._loop.call_soon(other._arrived, self.name, copies)
        return True

    async def close(self) -> None:
        """Leave the network."""
        if self._network.members.get(self.name) is self:
            del self._network.members[self.name]


class ZmqTransport(_Delivery):
    """A peer over ZeroMQ with CURVE: `listen` for many, `connect` to one."""

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout)
        self._socket: Any = None
        self._names: Callable[[], list[str]] = list
        self._send: Callable[[str, list[Any]], bool] = lambda destination, frames: False
        self.endpoint = ""

    @classmethod
    async def listen(
        cls,
        keys: KeyPair,
        allowed: Allowed,
        endpoint: str = "tcp://127.0.0.1:*",
        *,
        patience: float = 5.0,
        named: bool = False,
    ) -> ZmqTransport:
        """Be where others connect to. Raises NetworkUnavailable, ConnectionFailed or Insecure."""
        from agents.sockets import Hub

        self = cls(patience)
        hub = self._socket = Hub(keys, allowed, self._from_thread, lambda: 0.5)
        try:
            self.endpoint = hub.bind(endpoint, named=named)
        except NetworkError:
            hub.close()
            raise
        self._names = allowed.names
        self._send = hub.send
        hub.start("flowloom-transport")
        return self

    @classmethod
    async def connect(
        cls, keys: KeyPair, server: str, endpoint: str, *, name: str = "engine", patience: float = 5.0
    ) -> ZmqTransport:
        """Connect to one that listens, called `name` here. Raises ConnectionFailed if nobody is there or refuses."""
        from agents.gate import reachable
        from agents.sockets import Spoke

        self = cls(patience)
        await asyncio.to_thread(reachable, endpoint, keys, server, patience)
        spoke = self._socket = Spoke(
            keys, server, endpoint, lambda frames: self._from_thread(name, frames), lambda: 0.5
        )
        self.endpoint = endpoint
        self._names = lambda: [name]
        self._send = lambda destination, frames: spoke.send(frames)
        spoke.start("flowloom-transport")
        return self

    def _peers(self) -> list[str]:
        return self._names()

    def _transmit(self, destination: str, frames: list[Any]) -> bool:
        return self._send(destination, frames)

    def _from_thread(self, source: str, frames: list[Any]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrived, source, frames)

    async def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            await asyncio.to_thread(self._socket.close)
            self._socket = None
            self._names = list
