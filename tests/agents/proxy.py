"""A TCP proxy for tests that does to connections what networks do: resets them, stalls them, lets them through again."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading


class Proxy:
    """Forwards to a Unix socket or a TCP port. `reset()` cuts all connections hard; while `stalled`, nothing passes."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self.endpoint = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self.stalled = threading.Event()
        self.resets = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _connect(self) -> socket.socket:
        if self._target.startswith("ipc://"):
            one = socket.socket(socket.AF_UNIX)
            one.connect(self._target.removeprefix("ipc://"))
            return one
        host, _, port = self._target.removeprefix("tcp://").rpartition(":")
        return socket.create_connection((host, int(port)))

    def _serve(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.02):
                if self.stalled.is_set():
                    self._over.wait(0.02)
                    break
                if key.fileobj is self._server:
                    self._accept()
                else:
                    self._forward(key.fileobj)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._server.accept()
            try:
                upstream = self._connect()
            except OSError:
                client.close()
                return
            with self._lock:
                self._pairs[client], self._pairs[upstream] = upstream, client
                for one in (client, upstream):
                    self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, source: socket.socket) -> None:
        sink = self._pairs.get(source)
        if sink is None:
            return
        try:
            data = source.recv(1 << 18)
            if data:
                sink.sendall(data)
                return
        except OSError:
            pass
        self._drop(source)

    def _drop(self, one: socket.socket) -> None:
        with self._lock:
            other = self._pairs.pop(one, None)
            if other is not None:
                self._pairs.pop(other, None)
            for end in (one, other):
                if end is not None:
                    with contextlib.suppress(KeyError, ValueError):
                        self._selector.unregister(end)
                    end.close()

    def reset(self) -> None:
        """Cut every connection so that both sides get a reset."""
        self.resets += 1
        for one in list(self._pairs):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._drop(one)

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for one in list(self._pairs):
            self._drop(one)
        self._selector.close()
        self._server.close()
