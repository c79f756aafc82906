"""The studio in a browser: a small web server that starts one studio for each window, for whoever has the token.

textual-serve knows how a Textual app talks to a page; this file decides who may open one. A studio can run commands as its
user, so nothing at all is served without the token: not the page, not a style sheet, not a socket. The address that is
printed holds the token once; it is traded for a cookie that scripts cannot read and other sites cannot send. Requests that
name another host (a name that was bent to this machine) and sockets that another page opens are refused, too. The page loads
nothing from elsewhere.
"""

from __future__ import annotations

import asyncio
import html
import os
import secrets
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import SystemFailure

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_WINDOWS = 8
"""So many studios run at once; each is a process of its own."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="stylesheet" href="/static/css/xterm.css">
<style>
html, body {{ margin: 0; height: 100%; background: #10131a; color: #95a1b8; font: 16px monospace; }}
.closed {{ display: none; padding: 2em; }}
body.-closed .closed {{ display: block; }}
body.-closed .textual-terminal {{ display: none; }}
</style>
<script src="/static/js/textual.js"></script>
</head>
<body>
<div class="closed">The studio was closed. <a href="/" style="color: #b9a3ff">Open it again</a></div>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{socket}" data-font-size="16"></div>
</body>
</html>
"""


def available() -> bool:
    """Whether the extra `web` is installed."""
    from importlib.util import find_spec

    return find_spec("textual_serve") is not None


def command_for(path: Path | None) -> str:
    """The command line of one studio, for the shell that textual-serve starts it with."""
    words = [sys.executable, "-m", "studio.cli", "studio", *([str(path)] if path is not None else [])]
    return shlex.join(words)


class Door:
    """Who may come in. `host` and `port` are where we listen, `token` what has to be known."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self.host = host
        self.port = port
        self.token = token
        self.windows = 0

    @property
    def address(self) -> str:
        """What a person opens, with the token in it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """The name of our cookie: browsers share cookies between the ports of a host."""
        return f"flowloom-{self.port}"

    def names_us(self, host: str) -> bool:
        """Whether a request's Host is one of ours. Of other interfaces we cannot know the names."""
        if self.host not in LOOPBACK:
            return True
        name, _, port = host.rpartition(":")
        return name.strip("[]") in LOOPBACK and port == str(self.port)

    def knows(self, offered: str | None) -> bool:
        """Whether this is the token."""
        return offered is not None and secrets.compare_digest(offered.encode("utf-8", "replace"), self.token.encode())


def why_not(door: Door, host: str, origin: str | None, cookie: str | None) -> str | None:
    """Why a request is refused; None where it is not. `origin` is that of a page that opens a socket."""
    if not door.names_us(host):
        return "this server does not go by that name"
    if origin is not None and urlsplit(origin).netloc != host:
        return "another page may not open this"
    if not door.knows(cookie):
        return "open the address that `flowloom serve` printed: it holds the token"
    return None


def serve(path: Path | None, title: str, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve until a signal comes. `told` gets the address as soon as it can be opened. Raises SystemFailure."""
    os.environ["TERM"] = "xterm-256color"  # the window is a terminal of its own, whatever this one is
    try:
        asyncio.run(_serving(path, title, host, port, told))
    except OSError as error:
        what = error.strerror or str(error)
        raise SystemFailure(f"{host}:{port} cannot be listened on: {what}; try --port 0 for any free port") from error


async def _serving(path: Path | None, title: str, host: str, port: int, told: Callable[[str], None]) -> None:
    from aiohttp import web
    from textual_serve.server import Server

    server = Server(command_for(path), host=host, port=port, title=title)
    door = Door(host, port, secrets.token_urlsafe(24))
    runner = web.AppRunner(_application(door, server, title), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        door.port = runner.addresses[0][1]
        over = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, over.set)
        told(door.address)
        await over.wait()
    finally:
        await runner.cleanup()


def _application(door: Door, server: Any, title: str) -> Any:
    """The routes, all of them behind the door."""
    from aiohttp import web

    @web.middleware
    async def guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if request.path == "/" and door.knows(request.query.get("token")) and door.names_us(request.host):
            inside = web.HTTPSeeOther("/", headers=_HEADERS)
            inside.set_cookie(door.cookie, door.token, httponly=True, samesite="Strict", path="/")
            return inside
        refusal = why_not(door, request.host, request.headers.get("Origin"), request.cookies.get(door.cookie))
        if refusal is not None:
            return web.Response(status=403, text=f"{refusal}\n", headers=_HEADERS)
        answer = await handler(request)
        if not answer.prepared:
            answer.headers.update(_HEADERS)
        return answer

    async def index(request: Any) -> Any:
        page = _PAGE.format(title=html.escape(title), socket=html.escape(f"ws://{request.host}/ws"))
        return web.Response(text=page, content_type="text/html")

    async def window(request: Any) -> Any:
        if door.windows >= MOST_WINDOWS:
            return web.Response(status=503, text=f"{MOST_WINDOWS} studios are open already: close one\n")
        door.windows += 1
        try:
            return await server.handle_websocket(request)
        finally:
            door.windows -= 1

    made = web.Application(middlewares=[guard])
    made.add_routes(
        [
            web.get("/", index),
            web.get("/ws", window),
            web.get("/download/{key}", server.handle_download),
            web.static("/static", server.statics_path),
        ]
    )
    return made
