"""The run in hand goes on with what was edited, in a real studio with the real engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from studio.actions import Asked, Edited
from studio.app import StudioApp
from studio.document import edits
from studio.widgets.dialogs import Asking, Dialog
from tests.studio.projects import project_in

WAITING = """\
[project]
name = "waiting"

[nodes.first]
shell = "echo one"

[nodes.held]
shell = "while [ ! -e go ]; do sleep 0.05; done; echo two"
needs = ["first"]

[nodes.last]
shell = "echo three"
needs = ["held"]
"""


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("person")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


async def until(pilot: Pilot[int], true: Callable[[], bool], most: float = 30.0) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < most, "it never came"
        await asyncio.sleep(0.02)
    await pilot.pause()


async def test_a_run_goes_on_with_a_node_that_was_added_meanwhile(tmp_path: Path) -> None:
    file = project_in(tmp_path, WAITING)
    app = StudioApp(file)
    async with app.run_test(size=(120, 40)) as pilot:
        state = lambda: app.session.state  # noqa: E731
        app.session.dispatch(Asked("run.all"))
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        await pilot.press("o")
        await until(pilot, lambda: "held" in state().nodes and state().nodes["held"].state == "running")
        app.session.dispatch(Edited(edits.AddNode("more", {"shell": "echo four", "needs": ["last"]}, "last")))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        page = app.screen.query_one(Asking)
        shown = "\n".join(page.render_line(y).text for y in range(page.size.height))
        assert "more" in shown
        assert "it is new" in shown
        assert "keeps its result" in shown
        await pilot.press("m")
        await until(pilot, lambda: "more" in state().nodes)
        (tmp_path / "go").touch()
        await until(pilot, lambda: state().run is not None and not state().run.live)  # type: ignore[union-attr]
        assert state().run.state == "completed"  # type: ignore[union-attr]
        assert state().nodes["more"].state == "completed"
        assert state().nodes["first"].attempt == 1
    assert file.read_text() == WAITING


async def test_a_part_runs_with_what_an_earlier_run_left_before_it(tmp_path: Path) -> None:
    file = project_in(
        tmp_path, '[nodes.a]\nshell = "echo x >> count; echo one"\n[nodes.b]\nshell = "echo $x"\ninputs = { x = "a" }\n'
    )
    app = StudioApp(file)
    async with app.run_test(size=(120, 40)) as pilot:
        app.session.dispatch(Asked("run.all"))
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        await pilot.press("o")
        await until(pilot, lambda: app.session.state.run is not None and not app.session.state.run.live)
        await until(pilot, lambda: app.session.runs.link is None)
        await pilot.press("1", "right")
        assert app.session.state.cursor == "b"
        first = app.session.state.run_id
        await pilot.press("r", "o")
        await until(pilot, lambda: app.session.state.run_id != first)
        await until(pilot, lambda: app.session.state.run is not None and not app.session.state.run.live)
        assert app.session.state.run.state == "completed"  # type: ignore[union-attr]
        assert app.session.state.nodes["b"].preview.strip("'\"") == "one"
    assert (tmp_path / "count").read_text() == "x\n"
