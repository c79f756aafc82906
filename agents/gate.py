"""Who may come in through a ZeroMQ socket: keys, the gate that answers for them, and the proof that it does.

CURVE by itself is open: a server accepts whoever knows its public key, unless somebody answers its questions about keys
(ZAP) and the socket insists on being answered. So here
- the domain is set and enforced *before* the socket is bound: without an answer nobody gets in;
- the gate answers from a live allow-list;
- at start-up a stranger and a friend knock. If the stranger gets in, or the friend does not, nothing starts.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import zmq
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from agents.errors import ConnectionFailed
from agents.keys import Allowed, KeyPair
from engine.errors import SystemFailure

log = logging.getLogger(__name__)
DOMAIN = b"flowloom"
PROVE = 2.0  # seconds that the start-up test may take


class Insecure(SystemFailure):
    """The socket would have let strangers in, or cannot tell: nothing was started."""


def new_keys() -> KeyPair:
    """A fresh pair."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def public_of(secret: str) -> str:
    """The public key that belongs to a secret one."""
    return zmq.curve_public(secret.encode()).decode()


class Gate(threading.Thread):
    """Answers ZeroMQ's question whether a key may come in (ZAP, RFC 27)."""

    def __init__(self, context: zmq.Context[Any], allowed: Allowed) -> None:
        super().__init__(name="flowloom-gate", daemon=True)
        self._allowed = allowed
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind("inproc://zeromq.zap.01")
        self.denied = 0

    def run(self) -> None:
        socket = self._socket
        try:
            while True:
                self._answer(socket, socket.recv_multipart())
        except zmq.ZMQError:  # the context ends
            socket.close()

    def _answer(self, socket: zmq.Socket[bytes], question: list[bytes]) -> None:
        version, request, domain, address, _, mechanism, *credentials = [*question, b"", b"", b"", b"", b"", b""][:8]
        key = credentials[0] if credentials else b""
        name = None
        if version == b"1.0" and domain == DOMAIN and mechanism == b"CURVE" and len(key) == 32:
            key = z85.encode(key)
            name = self._allowed.name_of(key)
        if name is None:
            self.denied += 1
            log.info("somebody at %s was refused: %s", address.decode("ascii", "replace"), mechanism[:16])
            socket.send_multipart([b"1.0", request, b"400", b"refused", b"", b""])
        else:
            socket.send_multipart([b"1.0", request, b"200", b"", key, b""])


def guard(socket: zmq.Socket[Any], keys: KeyPair) -> None:
    """Make a socket that is not bound yet insist on CURVE, and on the gate's word for every key."""
    socket.curve_server = True
    socket.curve_publickey = keys.public.encode()
    socket.curve_secretkey = keys.secret.encode()
    socket.zap_domain = DOMAIN
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def prove(context: zmq.Context[Any], socket: zmq.Socket[Any], public: str, allowed: Allowed) -> None:
    """A stranger and a friend knock at a socket file of this moment, with the options that all endpoints get.

    Raises Insecure if the stranger gets in or the friend does not.
    """
    friend = new_keys()
    with tempfile.TemporaryDirectory(prefix="flowloom-") as folder:
        endpoint = f"ipc://{folder}/s"
        socket.bind(endpoint)
        allowed.add("(start-up test)", friend.public)
        try:
            _knock(context, socket, endpoint, public, friend)
        finally:
            allowed.revoke("(start-up test)")
            with contextlib.suppress(zmq.ZMQError):
                socket.unbind(endpoint)


def _knock(context: zmq.Context[Any], socket: zmq.Socket[Any], endpoint: str, public: str, friend: KeyPair) -> None:
    with (
        _visitor(context, new_keys(), public) as stranger,
        _visitor(context, friend, public) as known,
    ):
        monitor = stranger.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
        stranger.connect(endpoint)
        stranger.send(b"stranger", zmq.NOBLOCK)
        refused = monitor.poll(int(PROVE * 1000)) and (
            recv_monitor_message(monitor)["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH
        )
        stranger.disable_monitor()
        monitor.close(linger=0)
        known.connect(endpoint)
        known.send(b"friend", zmq.NOBLOCK)
        heard = []
        while socket.poll(int(PROVE * 1000) if refused else 50):
            heard.append(socket.recv_multipart()[-1])
            if heard[-1] == b"friend":
                break
    if not refused or b"stranger" in heard:
        raise Insecure("nobody guards the agents' socket: a stranger was not refused, so nothing was started")
    if b"friend" not in heard:
        raise Insecure("the agents' socket does not let a known key in, so nothing was started")


@contextlib.contextmanager
def _visitor(context: zmq.Context[Any], keys: KeyPair, server: str) -> Iterator[zmq.Socket[bytes]]:
    socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.immediate = False
    socket.curve_publickey = keys.public.encode()
    socket.curve_secretkey = keys.secret.encode()
    socket.curve_serverkey = server.encode()
    try:
        yield socket
    finally:
        socket.close(linger=0)


def reachable(endpoint: str, keys: KeyPair, server: str, timeout: float = 2.0) -> None:
    """Shake hands with an engine and hang up. Raises ConnectionFailed with the reason."""
    context: zmq.Context[Any] = zmq.Context()
    try:
        with _visitor(context, keys, server) as socket:
            monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
            try:
                socket.connect(endpoint)
            except zmq.ZMQError as error:
                raise ConnectionFailed(endpoint, str(error.strerror)) from error
            event = recv_monitor_message(monitor)["event"] if monitor.poll(int(timeout * 1000)) else None
            socket.disable_monitor()
            monitor.close(linger=0)
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise ConnectionFailed(endpoint, "the key was refused")
            if event is None:
                raise ConnectionFailed(endpoint, f"nobody answered within {timeout:g} s")
    finally:
        context.destroy(linger=0)
