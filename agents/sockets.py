"""Sockets that move frames between processes whose keys are known to each other. With `gate`, all that knows ZeroMQ.

Each message's sender is told by its key, never by what the frames say, and looked up in the live allow-list again: a
revoked key is deaf and dumb at once, connected or not. Only loopback and Unix sockets are bound unless an address is named
by a person. Received frames are limited in size (by ZeroMQ, which drops the connection) and in number (here).

One thread waits for the file descriptor of the socket and reads; anybody may send. Both hold a lock while they touch the
socket, which ZeroMQ wants; a sender that finds news for the reader wakes it, as the descriptor tells of changes only
once. So an attempt leaves in the thread that started it, without a hop to another one.

A socket must not survive a fork; children are started by exec, which closes it.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import select
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import zmq

from agents import wire
from agents.errors import ConnectionFailed, NetworkUnavailable
from agents.gate import Gate, Insecure, guard, prove
from agents.keys import Allowed, KeyPair

HANDSHAKE = 1.0  # seconds that a handshake may take
LINK_HEARTBEAT = 0.5  # seconds between ZeroMQ's own heartbeats, which see a dead link whatever Python does
LINK_TIMEOUT = 2.0
RECEIVE_QUEUE = 1000  # messages of one peer that wait in memory
BACKLOG = 512
EVENTS, POLLIN, NOBLOCK = int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.NOBLOCK)  # reckoning with enums takes longer
MORE = NOBLOCK | int(zmq.SNDMORE)
WHOLE = 32 << 10  # bytes from which a frame is not copied out of ZeroMQ's memory


def is_private(endpoint: str) -> bool:
    """Whether only this machine can reach an endpoint: a Unix socket or loopback."""
    if endpoint.startswith("ipc://"):
        return True
    host = endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Waker:
    """A pipe that ends another thread's waiting."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        return self._read

    def wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._write, b"x")

    def calm(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._read, 4096)) == 4096:
                pass

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


class _Socket:
    """What both ends share: the lock, the waiting, the reading. `on_time()` says in how many seconds to call it again."""

    def __init__(self, context: zmq.Context[Any], kind: int, on_time: Callable[[], float]) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._on_time = on_time
        self._waker = _Waker()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        socket: zmq.Socket[Any] = context.socket(kind)
        self._socket = socket
        socket.linger = 0
        socket.sndhwm = 0  # the window of each link is the limit
        socket.rcvhwm = RECEIVE_QUEUE
        socket.maxmsgsize = wire.FRAME_LIMIT
        socket.setsockopt(zmq.HANDSHAKE_IVL, int(HANDSHAKE * 1000))
        socket.setsockopt(zmq.HEARTBEAT_IVL, int(LINK_HEARTBEAT * 1000))
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(LINK_TIMEOUT * 1000))
        socket.setsockopt(zmq.HEARTBEAT_TTL, int(LINK_TIMEOUT * 1000))

    def start(self, name: str) -> None:
        """Begin to read, in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Read until `close`, in this thread."""
        waker = self._waker.fileno()
        waiting = select.poll()
        waiting.register(int(self._socket.fd), select.POLLIN)
        waiting.register(waker, select.POLLIN)
        over, on_time = self._over, self._on_time
        while not over.is_set():
            more = self._read_all()
            wait = on_time()
            if more or over.is_set():
                continue
            for descriptor, _ in waiting.poll(wait * 1000):
                if descriptor == waker:
                    self._waker.calm()

    def _read_all(self) -> bool:
        """Read what is there, up to a limit: then time has its turn. Whether there is more."""
        for _ in range(64):
            with self._lock:
                if not int(self._socket.get(EVENTS)) & POLLIN:  # cheaper than being refused
                    return False
                first = self._socket.recv(NOBLOCK, copy=False)
                frames, count = self._rest(first)
            self._take(first, frames, count)
        return True

    def _rest(self, first: zmq.Frame) -> tuple[list[Any], int]:
        """The other frames of a message: kept up to the limit, counted beyond it."""
        frames: list[Any] = []
        count = 0
        more = first.more
        while more:
            frame = self._socket.recv(copy=False)
            more = frame.more
            count += 1
            if count <= wire.FRAMES_LIMIT:
                frames.append(frame.buffer if len(frame) > WHOLE else frame.bytes)
        return frames, count

    def _take(self, first: zmq.Frame, frames: list[Any], count: int) -> None:
        raise NotImplementedError

    def _transmit(self, frames: Sequence[Any]) -> bool:
        """Send now, from whatever thread. False if the peer is not there."""
        with self._lock:
            if self._over.is_set():
                return False
            copy = len(frames) <= 2 and len(frames[-1]) < WHOLE
            send = self._socket.send
            try:
                for frame in frames[:-1]:
                    send(frame, MORE, copy)
                send(frames[-1], NOBLOCK, copy)
            except zmq.ZMQError:  # unreachable, or the queue is full: the link sends it again
                return False
            news = int(self._socket.get(EVENTS)) & POLLIN
        if news:
            self._waker.wake()
        return True

    def wake(self) -> None:
        """Have `on_time` called soon."""
        self._waker.wake()

    def stop(self) -> None:
        """Let `run` return."""
        self._over.set()
        self._waker.wake()

    def close(self, linger: float = 0.0) -> None:
        """Stop reading, free everything; what was sent has `linger` seconds to leave. May be called twice."""
        self.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)
        with self._lock:
            if not self._socket.closed:
                self._socket.close(linger=int(linger * 1000))
                self._waker.close()


class Hub(_Socket):
    """The engine's end: one socket for all agents. `on_frames(agent, frames)` gets what an allowed key sent, by its name.

    Frames beyond the limit come as an empty list, which nobody can read.
    """

    def __init__(
        self,
        keys: KeyPair,
        allowed: Allowed,
        on_frames: Callable[[str, list[Any]], None],
        on_time: Callable[[], float],
        *,
        gate: bool = True,
    ) -> None:
        if not zmq.has("curve"):
            raise Insecure("this ZeroMQ was built without CURVE; install pyzmq from PyPI: pip install --force pyzmq")
        context: zmq.Context[Any] = zmq.Context()
        self._allowed = allowed
        self._on_frames = on_frames
        self._routes: dict[str, bytes] = {}
        self.unwelcome = 0  # messages of keys that were revoked meanwhile
        self._gate = Gate(context, allowed) if gate else None
        if self._gate is not None:
            self._gate.start()
        super().__init__(context, zmq.ROUTER, on_time)
        socket = self._socket
        guard(socket, keys)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.backlog = BACKLOG
        self.public = keys.public
        try:
            prove(context, socket, keys.public, allowed)
        except BaseException:
            self.close()
            raise

    def bind(self, endpoint: str, *, named: bool = False) -> str:
        """Listen at an endpoint; give the one to connect to. Other than private ones have to be `named` by a person."""
        if not named and not is_private(endpoint):
            raise NetworkUnavailable(
                f"{endpoint} can be reached from other machines; name it in [agents] bind if that is meant"
            )
        try:
            with self._lock:
                self._socket.bind(endpoint)
                return bytes(self._socket.get(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()
        except zmq.ZMQError as error:
            if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
                raise NetworkUnavailable(f"this machine has no address for {endpoint}") from error
            raise ConnectionFailed(endpoint, f"{error.strerror}; choose another [agents] bind") from error

    def unbind(self, endpoint: str) -> None:
        with self._lock, contextlib.suppress(zmq.ZMQError):
            self._socket.unbind(endpoint)

    def send(self, agent: str, frames: Sequence[Any]) -> bool:
        """Send to an agent, on the connection it used last. False if there is none."""
        route = self._routes.get(agent)
        if route is None:
            return False
        return self._transmit([route, *frames])

    @property
    def denied(self) -> int:
        """How many handshakes the gate refused."""
        return self._gate.denied if self._gate is not None else 0

    def _take(self, first: zmq.Frame, frames: list[Any], count: int) -> None:
        agent = self._who(first)
        if agent is None:
            self.unwelcome += 1
            return
        self._routes[agent] = first.bytes
        self._on_frames(agent, frames if count <= wire.FRAMES_LIMIT else [])

    def _who(self, frame: zmq.Frame) -> str | None:
        """Whose message this is, by its key and the present allow-list."""
        try:
            key = frame.get("User-Id")
        except zmq.ZMQError:
            return None
        return self._allowed.name_of(str(key).encode())

    def close(self, linger: float = 0.0) -> None:
        super().close(linger)
        if not self._context.closed:
            self._context.destroy(linger=int(linger * 1000)) if self._gate is None else self._end_gate()

    def _end_gate(self) -> None:
        self._context.term()  # the gate's thread sees it and closes its socket
        assert self._gate is not None
        self._gate.join(2.0)


class Spoke(_Socket):
    """An agent's end: connects, and connects again for ever. `on_frames(frames)` gets what the engine sent."""

    def __init__(
        self,
        keys: KeyPair,
        server: str,
        endpoint: str,
        on_frames: Callable[[list[Any]], None],
        on_time: Callable[[], float],
    ) -> None:
        super().__init__(zmq.Context(), zmq.DEALER, on_time)
        socket = self._socket
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        socket.curve_publickey = keys.public.encode()
        socket.curve_secretkey = keys.secret.encode()
        socket.curve_serverkey = server.encode()
        self._on_frames = on_frames
        try:
            socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise ConnectionFailed(endpoint, str(error.strerror)) from error

    def send(self, frames: Sequence[Any]) -> bool:
        return self._transmit(frames)

    def _rest(self, first: zmq.Frame) -> tuple[list[Any], int]:
        frames, count = super()._rest(first)
        return [first.buffer if len(first) > WHOLE else first.bytes, *frames], count + 1

    def _take(self, first: zmq.Frame, frames: list[Any], count: int) -> None:
        self._on_frames(frames if count <= wire.FRAMES_LIMIT else [])

    def close(self, linger: float = 0.0) -> None:
        super().close(linger)
        if not self._context.closed:
            self._context.term()


def remove_socket_file(endpoint: str) -> None:
    """Remove the file that a Unix socket leaves behind."""
    if endpoint.startswith("ipc://"):
        with contextlib.suppress(OSError):
            Path(endpoint.removeprefix("ipc://")).unlink()
