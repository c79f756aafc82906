"""The studio in a browser: to whom it opens, and to whom it does not."""

from __future__ import annotations

import asyncio
import base64
import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from studio.browser import Door, why_not
from studio.cli import main
from tests.studio.projects import project_in

aiohttp = pytest.importorskip("aiohttp", reason="the extra `web` is not installed: pip install 'flowloom[web]'")


class Answer(NamedTuple):
    status: int
    headers: Message
    text: str


class Served:
    """A running `flowloom serve`: its address, and requests as anybody could make them."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address
        split = urlsplit(address)
        self.host, self.port, self.token = "127.0.0.1", int(split.port or 0), split.query.partition("=")[2]

    def get(self, path: str, **headers: str) -> Answer:
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=10)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())

    @property
    def cookie(self) -> str:
        return f"flowloom-{self.port}={self.token}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    project_in(folder / "birds")
    environ = {**os.environ, "XDG_STATE_HOME": str(folder / "s"), "XDG_CONFIG_HOME": str(folder / "c"), "TERM": "dumb"}
    words = [sys.executable, "-m", "studio.cli", "serve", str(folder / "birds"), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield Served(process, process.stdout.readline().strip())
        finally:
            process.terminate()
            assert process.wait(20) == 0


PATHS = [
    "/",
    "/static/js/textual.js",
    "/static/css/xterm.css",
    "/ws",
    "/download/x",
    "/nothing",
    "/?token=",
    "/?token=x",
]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_served(served: Served, path: str) -> None:
    for cookie in ("", f"flowloom-{served.port}=guess", f"other={served.token}"):
        answer = served.get(path, Cookie=cookie)
        assert answer.status == 403
        assert answer.text == "open the address that `flowloom serve` printed: it holds the token\n"
        assert answer.headers.get("Set-Cookie") is None


def test_the_token_is_traded_for_a_cookie_that_only_the_browser_can_send(served: Served) -> None:
    answer = served.get(f"/?token={served.token}")
    kept = answer.headers.get("Set-Cookie") or ""
    assert (answer.status, answer.headers.get("Location")) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict"} <= set(kept.split("; "))
    page = served.get("/", Cookie=served.cookie)
    assert page.status == 200
    assert "birds" in page.text
    assert served.token not in page.text
    assert "https://" not in page.text  # nothing comes from elsewhere
    assert "default-src 'self'" in (page.headers.get("Content-Security-Policy") or "")
    assert served.get("/static/js/textual.js", Cookie=served.cookie).status == 200


def test_a_name_that_was_bent_to_this_machine_and_other_pages_are_refused(served: Served) -> None:
    bent = served.get(f"/?token={served.token}", Host=f"evil.example:{served.port}")
    assert (bent.status, bent.headers.get("Set-Cookie")) == (403, None)
    assert served.get("/", Cookie=served.cookie, Host="evil.example").status == 403
    assert served.get("/ws", Cookie=served.cookie, Origin="http://evil.example").status == 403
    assert served.get("/ws", Cookie=served.cookie, Origin=f"http://127.0.0.1:{served.port + 1}").status == 403


async def test_a_window_is_a_studio_of_its_own(served: Served) -> None:
    async with aiohttp.ClientSession() as session:
        socket = session.ws_connect(
            f"http://{served.host}:{served.port}/ws?width=100&height=30", headers={"Cookie": served.cookie}
        )
        async with asyncio.timeout(40), socket as window:
            seen = b""
            while b"tasks:load" not in seen:
                message = await window.receive()
                seen += message.data if isinstance(message.data, bytes) else b""
            await window.send_json(["stdin", "\x11"])  # Ctrl+Q


@pytest.mark.parametrize(
    ("host", "asked", "fine"),
    [
        ("127.0.0.1", "127.0.0.1:8000", True),
        ("127.0.0.1", "localhost:8000", True),
        ("127.0.0.1", "localhost:8001", False),
        ("127.0.0.1", "evil.example:8000", False),
        ("0.0.0.0", "laptop:8000", True),
    ],
)
def test_who_knows_the_token_and_calls_us_by_our_name_may_come_in(host: str, asked: str, fine: bool) -> None:
    door = Door(host, 8000, "secret")
    assert (why_not(door, asked, None, "secret") is None) is fine
    assert why_not(door, asked, None, None) is not None
    assert why_not(door, asked, f"http://{asked}", "secrets") is not None


def test_without_the_extra_one_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("studio.browser.available", lambda: False)
    assert main(["serve", str(project_in(tmp_path).parent)]) == 2
    assert "pip install 'flowloom[web]'" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(project_in(tmp_path).parent), "--port", str(served.port)]) == 5
    assert f"127.0.0.1:{served.port} cannot be listened on" in capsys.readouterr().err


# -- with a browser

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --remote-debugging-port=0 --window-size=1200,800"
)


@pytest.mark.system
async def test_chromium_shows_the_studio(served: Served, tmp_path: Path) -> None:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("this machine has no chromium; make system installs it")
    words = [program, *FLAGS.split(), f"--user-data-dir={tmp_path / 'chromium'}", "about:blank"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            port = await _debugging_port(tmp_path / "chromium")
            async with asyncio.timeout(60), aiohttp.ClientSession() as session:
                await _look(session, port, served, tmp_path / "studio.png")
        finally:
            process.terminate()
            process.wait(20)


async def _debugging_port(folder: Path) -> int:
    file = folder / "DevToolsActivePort"
    async with asyncio.timeout(30):
        while not file.exists() or not file.read_text():
            await asyncio.sleep(0.1)
    return int(file.read_text().splitlines()[0])


async def _look(session: Any, port: int, served: Served, picture: Path) -> None:
    """Open the address in a page, wait for the first bytes of the studio, press a key, and take a picture."""
    async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
        target = await answer.json()
    async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=2**26) as page:
        number = 0

        async def ask(method: str, **params: Any) -> Any:
            nonlocal number
            number += 1
            await page.send_json({"id": number, "method": method, "params": params})
            while (found := await page.receive_json()).get("id") != number:
                pass
            return found["result"]

        await ask("Page.enable")
        await ask("Page.navigate", url=served.address)
        while True:
            told = await ask("Runtime.evaluate", expression="document.body ? document.body.className : ''")
            if "-first-byte" in told["result"].get("value", ""):
                break
            await asyncio.sleep(0.2)
        await asyncio.sleep(1.5)
        where = await ask("Runtime.evaluate", expression="location.href")
        assert served.token not in where["result"]["value"]
        before = await ask("Page.captureScreenshot")
        for kind in ("mousePressed", "mouseReleased"):
            await ask("Input.dispatchMouseEvent", type=kind, x=600, y=100, button="left", clickCount=1)
        await ask("Input.dispatchKeyEvent", type="keyDown", text="?", key="?")
        await asyncio.sleep(1.5)
        after = await ask("Page.captureScreenshot")
        picture.write_bytes(base64.b64decode(before["data"]))
        assert before["data"] != after["data"]
        assert picture.stat().st_size > 15_000  # a black page has 5 kB
