"""Saving and not losing, in a real studio: the file on disk, another program that writes it, a studio that is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from studio import recovery
from studio.actions import Edited
from studio.app import StudioApp
from studio.document import edits
from studio.widgets.dialogs import Dialog
from studio.widgets.merging import Merging
from tests.studio.projects import SMALL, project_in
from tests.studio.terminals import studio_on

COMMENTED = SMALL.replace("[nodes.load]", "# reads the rows\n[nodes.load]   # first")


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("person")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


async def until(pilot: Pilot[int], true: Callable[[], bool], most: float = 20.0) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < most, "it never came"
        await asyncio.sleep(0.02)
    await pilot.pause()


async def test_an_edit_is_saved_by_key_with_comments_mode_and_link_kept(tmp_path: Path) -> None:
    real = project_in(tmp_path / "real", COMMENTED)
    real.chmod(0o640)
    file = project_in(tmp_path / "linked")
    file.unlink()
    file.symlink_to(real)
    app = StudioApp(file)
    async with app.run_test(size=(120, 40)) as pilot:
        app.session.dispatch(Edited(edits.SetField("load", ("timeout",), "5m")))
        assert app.session.state.dirty
        await pilot.press("S")
        await until(pilot, lambda: not app.session.state.dirty)
        args = 'args = { path = "data.csv" }'
        assert real.read_text() == COMMENTED.replace(args, f'{args}\ntimeout = "5m"')
        assert real.stat().st_mode & 0o777 == 0o640
        assert file.is_symlink()
        await pilot.press("u", "S")
        await until(pilot, lambda: real.read_text() == COMMENTED)


async def test_another_programs_changes_are_joined_and_only_clashes_are_asked(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    app = StudioApp(file)
    async with app.run_test(size=(100, 30)) as pilot:
        app.session.dispatch(Edited(edits.SetField("load", ("args", "path"), "mine.csv")))
        app.session.dispatch(Edited(edits.SetField("clean", ("timeout",), "5m")))
        theirs = SMALL.replace('"data.csv"', '"theirs.csv"').replace('name = "small"', 'name = "renamed"')
        file.write_text(theirs)
        await until(pilot, lambda: isinstance(app.screen, Merging))
        await pilot.press("t", "enter")
        await until(pilot, lambda: app.session.state.merge is None)
        assert app.session.state.document is not None
        assert app.session.state.document.name == "renamed"
        await pilot.press("S")
        await until(pilot, lambda: not app.session.state.dirty)
        args = 'inputs = { rows = "load" }'
        assert file.read_text() == theirs.replace(args, f'{args}\ntimeout = "5m"')


async def test_a_file_that_changed_in_the_last_moment_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.file_watch.POLL", 1000)  # the studio does not notice by itself
    file = project_in(tmp_path)
    app = StudioApp(file)
    async with app.run_test(size=(100, 30)) as pilot:
        app.session.dispatch(Edited(edits.SetField("clean", ("timeout",), "5m")))
        theirs = SMALL.replace('"data.csv"', '"theirs.csv"')
        file.write_text(theirs)
        await pilot.press("S")
        await until(pilot, lambda: "theirs.csv" in app.session.state.document.text)  # type: ignore[union-attr]
        assert file.read_text() == theirs
        await pilot.press("S")
        await until(pilot, lambda: 'timeout = "5m"' in file.read_text())
        assert "theirs.csv" in file.read_text()


async def test_what_no_file_can_hold_is_not_saved_and_said(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    app = StudioApp(file)
    async with app.run_test(size=(100, 30)) as pilot:
        app.session.dispatch(Edited(edits.SetText(f"{SMALL}# \ud800\n")))
        await pilot.press("S")
        await until(pilot, lambda: any("half of a character" in str(told.message) for told in app._notifications))
        assert app.session.state.dirty
    assert file.read_text() == SMALL


async def test_leaving_keeps_what_is_not_saved_and_it_is_offered_the_next_time(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    app = StudioApp(file)
    async with app.run_test(size=(100, 30)) as pilot:
        app.session.dispatch(Edited(edits.RenameNode("clean", "tidy")))
        await pilot.press("ctrl+q")
    assert file.read_text() == SMALL
    again = StudioApp(file)
    async with again.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(again.screen, Dialog))
        await pilot.press("t")
        await until(pilot, lambda: again.session.state.dirty)
        assert "tidy" in again.session.state.document.project.workflow.nodes  # type: ignore[union-attr]
        await pilot.press("S")
        await until(pilot, lambda: not again.session.state.dirty)
    assert "[nodes.tidy]" in file.read_text()
    assert recovery.find(file, file.read_text()) is None


def test_a_studio_that_is_killed_loses_no_edit(tmp_path: Path) -> None:
    file = project_in(tmp_path)
    terminal = studio_on(file)
    terminal.until("report")
    terminal.press("x")
    began = time.monotonic()
    while not list(recovery.folder().glob("*.json")):
        assert time.monotonic() - began < 20, "no draft was kept"
        terminal.read(quiet=0.05, most=0.2)
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.end()
    assert file.read_text() == SMALL
    kept = recovery.find(file, SMALL)
    assert kept is not None
    assert kept.base == SMALL
    assert "[nodes.load]" not in kept.text
    assert "[nodes.clean]" in kept.text
