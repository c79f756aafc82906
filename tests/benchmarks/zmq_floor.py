"""What any "ZeroMQ and dill" costs at the least: a ROUTER, two DEALERs, one message each way for every task.

    plain   the worker calls the function itself
    child   a child process on a pipe behind each worker calls it, as user code must not run where the protocol is spoken

Every task is `dill.dumps((function, args))`. With `curve` the sockets are encrypted. Nothing is recorded, acknowledged,
retried or limited: what remains is the price of the wire.
"""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import dill
import zmq
from workloads import Deps, Frontier

WORKERS = 2
WINDOW = 64  # tasks on their way to each worker


class Floor:
    """`run` is a Kahn loop over the workers."""

    def __init__(self, mode: str, *, curve: bool) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        key = "-"
        if curve:
            public, self.socket.curve_secretkey = zmq.curve_keypair()
            self.socket.curve_server = True
            key = public.decode()
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        command = [sys.executable, __file__, "worker", mode, str(port), key]
        self.processes = [subprocess.Popen(command) for _ in range(WORKERS)]
        self.load = {self.socket.recv_multipart()[0]: 0 for _ in self.processes}

    def run(self, deps: Deps, function: Any, value: Any = None, window: int = WINDOW) -> None:
        """Have every node call `function` with its inputs, or with `value` where one is given."""
        frontier = Frontier(deps)
        values: list[Any] = [None] * len(deps)
        ready = deque(frontier.ready)
        done = 0
        load, socket = self.load, self.socket
        while done < len(deps):
            for worker, count in load.items():
                while ready and count < window:
                    node = ready.popleft()
                    args = (value,) if value is not None else tuple([values[above] for above in deps[node]])
                    body = dill.dumps((function, args))
                    socket.send_multipart([worker, node.to_bytes(4, "big"), body], copy=value is None)
                    count += 1
                load[worker] = count
            worker, number, body = socket.recv_multipart()
            node = int.from_bytes(number, "big")
            values[node] = dill.loads(body)
            load[worker] -= 1
            done += 1
            ready.extend(frontier.finish(node))

    def close(self) -> None:
        for worker in self.load:
            self.socket.send_multipart([worker, b"", b""])
        for process in self.processes:
            process.wait(10)
        self.context.destroy(linger=0)


def serve(mode: str, port: str, key: str) -> None:
    """A worker."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    if key != "-":
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = key.encode()
    socket.connect(f"tcp://127.0.0.1:{port}")
    child = None
    if mode == "child":
        child = subprocess.Popen([sys.executable, __file__, "child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    socket.send(b"ready")
    while True:
        number, body = socket.recv_multipart()
        if not number:
            break
        if child is None:
            function, args = dill.loads(body)
            socket.send_multipart([number, dill.dumps(function(*args))])
        else:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(len(body).to_bytes(4, "big") + body)
            child.stdin.flush()
            size = int.from_bytes(child.stdout.read(4), "big")
            socket.send_multipart([number, child.stdout.read(size)])
    if child is not None:
        child.communicate()
    context.destroy(linger=0)


def serve_child() -> None:
    """The end of the pipe."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        function, args = dill.loads(source.read(int.from_bytes(head, "big")))
        body = dill.dumps(function(*args))
        sink.write(len(body).to_bytes(4, "big") + body)
        sink.flush()


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        serve(*sys.argv[2:])
    else:
        serve_child()
