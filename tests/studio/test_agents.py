"""The place of the agents: real ones of this machine, looked at, drained and ended from the screen."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.pictures.faces import seconds
from studio.screens.agents import _row
from studio.state import AgentNow
from studio.widgets.page import Piece
from tests.studio.projects import SMALL, project_in
from tests.studio.test_studio import sitting

HOSTS = '[[agents.hosts]]\nhost = "lab.example.org"\nslots = 4\nlabels = ["gpu"]\n'


@pytest.fixture(autouse=True)
def _own_agents(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from agents.homes import homes

    home = tmp_path_factory.mktemp("agents")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    runtime = home / "r"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield
    for one in homes():
        one.signal(signal.SIGKILL)


async def test_an_agent_is_started_drained_and_ended_from_the_screen(tmp_path: Path) -> None:
    async with sitting(project_in(tmp_path, SMALL + HOSTS)) as person:
        await person.press("4")
        await person.until(lambda: person.state.agents == ())
        assert "a starts an agent here" in person.screen()
        assert "lab.example.org" in person.screen()
        await person.press("a")
        await person.until(lambda: any(agent.state == "available" for agent in person.state.agents or ()))
        assert "0/2" in person.text("#agents")
        await person.press("d")
        await person.until(lambda: person.state.agents[0].state == "draining")
        await person.press("x", "n")
        assert person.state.agents[0].heard is not None, "the safe answer ended it"
        await person.press("x", "x")
        await person.until(lambda: person.state.agents[0].state == "offline")


def test_a_row_says_what_runs_there_and_whose_agent_it_is() -> None:
    own = AgentNow("lab", "busy", 2, 2, 1.0, 0.2, ("gpu",), "run 1", own=True, running=("fit[1]", "fit[2]"))
    other = AgentNow("box", "busy", 8, 3, 0.4, 65.0, engine="run 9 (process 1)")
    gone = AgentNow("old", "offline", 4, reason="silent for 3 s")

    def text(agent: AgentNow) -> list[str]:
        cells = _row(agent, ascii=True).cells
        return ["".join(piece.text for piece in ((cell,) if isinstance(cell, Piece) else cell)) for cell in cells]

    assert text(own)[2:] == ["## 2/2", "1.00", "0.2 s", "gpu", "this run", "fit[1], fit[2]"]
    assert text(other)[2:] == ["###..... 3/8", "0.40", seconds(65.0), "", "run 9 (process 1)", "3 of another run"]
    assert text(gone)[3:] == ["", "", "", "", "silent for 3 s"]
