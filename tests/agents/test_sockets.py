"""Who gets in and who does not, over real sockets: strangers are never heard, and without a gate nothing starts."""

from __future__ import annotations

import os
import socket as plain_socket
import stat
import threading
import time

import pytest
import zmq

from agents import wire
from agents.errors import ConnectionFailed, NetworkUnavailable
from agents.gate import Insecure, new_keys, public_of, reachable
from agents.keys import Allowed, KeyPair, load_keys, private_folder, save_keys
from agents.sockets import Hub, Spoke, is_private
from engine.errors import SystemFailure


class Listener:
    """A hub on loopback that remembers what it heard."""

    def __init__(self, **how: object) -> None:
        self.allowed = Allowed()
        self.keys = new_keys()
        self.heard: list[tuple[str, list[bytes]]] = []
        self.news = threading.Event()
        self.hub = Hub(self.keys, self.allowed, self._take, lambda: 0.2, **how)
        self.endpoint = self.hub.bind("tcp://127.0.0.1:*")
        self.hub.start("test-hub")

    def _take(self, agent: str, frames: list[object]) -> None:
        self.heard.append((agent, [bytes(frame) for frame in frames]))
        self.news.set()

    def wait(self, count: int = 1, seconds: float = 10.0) -> list[tuple[str, list[bytes]]]:
        until = time.monotonic() + seconds
        while len(self.heard) < count and time.monotonic() < until:
            self.news.wait(0.1)
            self.news.clear()
        return self.heard

    def agent(self, name: str = "a", heard: list[object] | None = None) -> Spoke:
        keys = new_keys()
        self.allowed.add(name, keys.public)
        spoke = Spoke(keys, self.keys.public, self.endpoint, (heard if heard is not None else []).append, lambda: 0.2)
        spoke.start("test-spoke")
        return spoke


class Guests(zmq.Context):
    """A context that keeps the sockets of strangers."""

    guests: list = []

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "guests", [])


@pytest.fixture
def listener():
    one = Listener()
    yield one
    one.hub.close()


@pytest.fixture
def context():
    one = Guests()
    yield one
    for socket in one.guests:
        socket.close(linger=0)
    one.term()


def friend_is_still_heard(listener: Listener) -> None:
    """The proof that nothing else was: what arrives next is the friend's."""
    spoke = listener.agent("friend")
    try:
        spoke.send([b"hello"])
        assert listener.wait() == [("friend", [b"hello"])]
    finally:
        spoke.close()


def test_a_known_key_is_heard_and_answered_under_its_name(listener):
    answers: list[object] = []
    spoke = listener.agent("lab-1", answers)
    try:
        spoke.send([b"x", b"y" * 100_000])
        assert listener.wait() == [("lab-1", [b"x", b"y" * 100_000])]
        assert listener.hub.send("lab-1", [b"back"])
        until = time.monotonic() + 10
        while not answers and time.monotonic() < until:
            time.sleep(0.01)
        assert answers == [[b"back"]]
    finally:
        spoke.close()


def test_frames_to_somebody_who_is_not_there_are_not_sent(listener):
    assert not listener.hub.send("nobody", [b"x"])


# -- the five kinds of stranger


def dealer(context: zmq.Context, listener: Listener, **how: object) -> None:
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    for name, value in how.items():
        setattr(socket, name, value)
    socket.connect(listener.endpoint)
    socket.send(b"strange", zmq.NOBLOCK)
    context.guests.append(socket)  # it goes on knocking until the end of the test


def stranger_without_any_security(context, listener):
    dealer(context, listener)


def stranger_with_a_password(context, listener):
    dealer(context, listener, plain_username=b"root", plain_password=b"root")


def stranger_who_takes_us_for_another(context, listener):
    keys = new_keys()
    listener.allowed.add("misled", keys.public)
    other = new_keys()
    dealer(
        context,
        listener,
        curve_publickey=keys.public.encode(),
        curve_secretkey=keys.secret.encode(),
        curve_serverkey=other.public.encode(),
    )


def stranger_with_an_unknown_key(context, listener):
    keys = new_keys()
    dealer(
        context,
        listener,
        curve_publickey=keys.public.encode(),
        curve_secretkey=keys.secret.encode(),
        curve_serverkey=listener.keys.public.encode(),
    )


def stranger_with_a_revoked_key(context, listener):
    keys = new_keys()
    listener.allowed.add("gone", keys.public)
    listener.allowed.revoke("gone")
    dealer(
        context,
        listener,
        curve_publickey=keys.public.encode(),
        curve_secretkey=keys.secret.encode(),
        curve_serverkey=listener.keys.public.encode(),
    )


STRANGERS = [
    stranger_without_any_security,
    stranger_with_a_password,
    stranger_who_takes_us_for_another,
    stranger_with_an_unknown_key,
    stranger_with_a_revoked_key,
]


@pytest.mark.seed("S155")
@pytest.mark.parametrize("come", STRANGERS, ids=lambda one: one.__name__)
def test_no_frame_of_a_stranger_is_heard(listener, context, come):
    come(context, listener)
    friend_is_still_heard(listener)


def test_a_key_that_is_revoked_while_connected_is_not_heard_any_more(listener):
    spoke = listener.agent("a")
    try:
        spoke.send([b"first"])
        listener.wait(1)
        listener.allowed.revoke("a")
        for _ in range(20):
            spoke.send([b"after"])
        listener.heard.clear()
        friend_is_still_heard(listener)
        until = time.monotonic() + 10
        while listener.hub.unwelcome < 20 and time.monotonic() < until:
            time.sleep(0.01)
        assert listener.hub.unwelcome == 20
        assert listener.heard == [("friend", [b"hello"])]
    finally:
        spoke.close()


def test_whoever_claims_an_other_routing_id_is_still_known_by_its_key(listener, context):
    victim = listener.agent("victim")
    victim.send([b"mine"])
    listener.wait(1)
    keys = new_keys()
    listener.allowed.add("thief", keys.public)
    dealer(
        context,
        listener,
        routing_id=b"victim",
        curve_publickey=keys.public.encode(),
        curve_secretkey=keys.secret.encode(),
        curve_serverkey=listener.keys.public.encode(),
    )
    assert listener.wait(2)[1] == ("thief", [b"strange"])
    victim.close()


# -- starting


@pytest.mark.seed("S155")
def test_without_a_gate_nothing_starts():
    with pytest.raises(Insecure, match="not"):
        Listener(gate=False)


def test_with_a_gate_that_lets_everybody_in_nothing_starts(monkeypatch):
    monkeypatch.setattr(Allowed, "name_of", lambda self, key: "anybody")
    with pytest.raises(Insecure, match="stranger was not refused"):
        Listener()


def test_with_a_gate_that_lets_nobody_in_nothing_starts(monkeypatch):
    monkeypatch.setattr("agents.gate.PROVE", 0.3)
    monkeypatch.setattr(Allowed, "name_of", lambda self, key: None)
    with pytest.raises(Insecure, match="does not let a known key in"):
        Listener()


def test_other_machines_are_listened_to_only_when_a_person_named_the_address():
    listener = Listener()
    try:
        with pytest.raises(NetworkUnavailable, match=r"\[agents\] bind"):
            listener.hub.bind("tcp://0.0.0.0:*")
        assert listener.hub.bind("tcp://0.0.0.0:*", named=True).startswith("tcp://0.0.0.0:")
    finally:
        listener.hub.close()


@pytest.mark.parametrize(
    ("endpoint", "private"),
    [
        ("ipc:///tmp/x", True),
        ("tcp://127.0.0.1:5", True),
        ("tcp://127.8.8.8:5", True),
        ("tcp://[::1]:5", True),
        ("tcp://localhost:5", True),
        ("tcp://0.0.0.0:5", False),
        ("tcp://*:5", False),
        ("tcp://192.168.1.4:5", False),
        ("tcp://127.0.0.1.evil.org:5", False),
    ],
)
def test_what_only_this_machine_can_reach(endpoint, private):
    assert is_private(endpoint) is private


@pytest.mark.seed("S179")
def test_an_address_that_this_machine_has_not_is_said(listener):
    with pytest.raises(NetworkUnavailable, match="no address"):
        listener.hub.bind("tcp://203.0.113.7:5555", named=True)


@pytest.mark.seed("S175")
def test_a_taken_port_is_said_with_the_address(listener):
    with pytest.raises(ConnectionFailed, match=r"in use.*\[agents\] bind"):
        Listener().hub.bind(listener.endpoint)


@pytest.mark.seed("S175")
def test_nobody_at_an_address_is_said():
    with plain_socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ConnectionFailed, match="nobody answered within"):
        reachable(endpoint, new_keys(), new_keys().public, 0.3)


@pytest.mark.seed("S175")
def test_a_refused_key_is_said(listener):
    with pytest.raises(ConnectionFailed, match="the key was refused"):
        reachable(listener.endpoint, new_keys(), listener.keys.public)
    friend = new_keys()
    listener.allowed.add("friend", friend.public)
    reachable(listener.endpoint, friend, listener.keys.public)


# -- what is thrown at the port


def throw(endpoint: str, data: bytes) -> plain_socket.socket:
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    connection = plain_socket.create_connection((host, int(port)), 5)
    connection.settimeout(5)
    try:
        connection.sendall(data)
    except OSError:
        pass
    return connection


THROWN = {
    "random bytes": os.urandom(4096),
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + os.urandom(200),
    "half a greeting": bytes.fromhex("ff00000000000000017f03"),
    "a greeting of NULL and a frame": bytes.fromhex("ff00000000000000017f0300")
    + b"NULL".ljust(20, b"\0")
    + bytes(32)
    + b"\x00\x05hello",
    "nothing": b"",
}


@pytest.mark.parametrize("data", THROWN.values(), ids=THROWN)
def test_what_is_thrown_at_the_port_is_not_heard(listener, data):
    connections = [throw(listener.endpoint, data) for _ in range(20)]
    friend_is_still_heard(listener)
    for one in connections:
        one.close()


def test_half_a_handshake_is_cut_off(listener):
    connection = throw(
        listener.endpoint, bytes.fromhex("ff00000000000000017f0300") + b"CURVE".ljust(20, b"\0") + bytes(32)
    )
    began = time.monotonic()
    while connection.recv(4096):
        pass
    assert time.monotonic() - began < 5.0, "the connection ended by itself"
    connection.close()


class Recorder:
    """A proxy that keeps what a client sent, to be played again."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self.target = (host, int(port))
        self.server = plain_socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.sent = bytearray()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self.server.accept()
        upstream = plain_socket.create_connection(self.target)
        threading.Thread(target=self._pump, args=(upstream, client, None), daemon=True).start()
        self._pump(client, upstream, self.sent)

    @staticmethod
    def _pump(source, sink, record) -> None:
        try:
            while data := source.recv(65536):
                if record is not None:
                    record += data
                sink.sendall(data)
        except OSError:
            pass
        finally:
            sink.close()


def test_the_bytes_of_a_session_played_again_are_not_heard(listener):
    recorder = Recorder(listener.endpoint)
    keys = new_keys()
    listener.allowed.add("a", keys.public)
    spoke = Spoke(keys, listener.keys.public, recorder.endpoint, [].append, lambda: 0.2)
    spoke.start("test-spoke")
    spoke.send([b"once"])
    assert listener.wait(1) == [("a", [b"once"])]
    spoke.close()
    recorder.server.close()
    listener.heard.clear()
    again = throw(listener.endpoint, bytes(recorder.sent))
    friend_is_still_heard(listener)
    again.close()


def test_a_message_of_very_many_frames_is_counted_and_not_kept(listener):
    spoke = listener.agent("a")
    try:
        spoke.send([b""] * 20_000)
        assert listener.wait(1) == [("a", [])]
    finally:
        spoke.close()


def test_a_frame_over_the_limit_ends_the_connection_and_nothing_else(listener):
    spoke = listener.agent("a")
    try:
        spoke.send([b"x" * (wire.FRAME_LIMIT + 1)])
        friend_is_still_heard(listener)
    finally:
        spoke.close()


# -- keys


def test_keys_lie_where_only_their_owner_can_read_them(tmp_path):
    old = os.umask(0o000)
    try:
        path = private_folder(tmp_path / "deep" / "keys") / "a.key"
        save_keys(path, keys := new_keys())
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = load_keys(path)
    assert (again.public, again.secret) == (keys.public, keys.secret)
    assert public_of(again.secret) == again.public
    with pytest.raises(FileExistsError):
        save_keys(path, keys)


def test_a_key_that_others_can_read_is_not_used(tmp_path):
    path = private_folder(tmp_path / "keys") / "a.key"
    save_keys(path, new_keys())
    path.chmod(0o640)
    with pytest.raises(SystemFailure, match="chmod 600"):
        load_keys(path)


def test_a_folder_that_others_can_enter_is_not_used(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(SystemFailure, match="chmod 700"):
        private_folder(folder)


def test_a_key_behind_a_link_and_a_damaged_one_are_not_used(tmp_path):
    folder = private_folder(tmp_path / "keys")
    save_keys(folder / "a.key", new_keys())
    (folder / "link.key").symlink_to(folder / "a.key")
    with pytest.raises(SystemFailure, match="cannot read the key"):
        load_keys(folder / "link.key")
    (folder / "bad.key").write_text("nonsense")
    (folder / "bad.key").chmod(0o600)
    with pytest.raises(SystemFailure, match="is no key"):
        load_keys(folder / "bad.key")


def test_printing_a_pair_does_not_show_its_secret():
    keys = new_keys()
    assert keys.secret not in repr(keys)
    assert keys.secret not in f"{keys}"


def test_a_name_has_one_key():
    allowed = Allowed()
    first, second = new_keys(), new_keys()
    allowed.add("a", first.public)
    with pytest.raises(ValueError, match="another key"):
        allowed.add("a", second.public)
    allowed.revoke("a")
    allowed.add("a", second.public)
    assert allowed.name_of(second.public.encode()) == "a"
    assert allowed.name_of(first.public.encode()) is None
    assert isinstance(first, KeyPair)
