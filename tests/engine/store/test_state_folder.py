"""State lies with its project where that can be, else elsewhere with a word about it, and is for its owner only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from engine.store.state_folder import POINTER, file_system_of, local_state, state_folder
from engine.store.trouble import StoreTrouble


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "home")}


def test_it_lies_in_the_project_and_keeps_itself_out_of_git(project: Path, environ: dict[str, str]) -> None:
    state = state_folder(project, environ=environ)
    assert (state.path, state.remark) == (project / ".flowloom", "")
    assert (state.path / ".gitignore").read_text().splitlines()[-1] == "*"
    assert state.run("r1") == project / ".flowloom" / "runs" / "r1"


def test_it_is_for_its_owner_only_also_if_it_was_made_wider(project: Path, environ: dict[str, str]) -> None:
    (project / ".flowloom").mkdir(mode=0o755)
    state = state_folder(project, environ=environ)
    assert {folder.stat().st_mode & 0o777 for folder in (state.path, state.runs)} == {0o700}


def test_looking_makes_nothing(project: Path, environ: dict[str, str]) -> None:
    assert state_folder(project, environ=environ, make=False).path == project / ".flowloom"
    assert list(project.iterdir()) == []


def test_a_variable_names_another_place(project: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    state = state_folder(project, environ={**environ, "FLOWLOOM_STATE": str(tmp_path / "other")})
    assert state.path == tmp_path / "other"
    assert state.path.stat().st_mode & 0o777 == 0o700


def test_a_variable_that_names_no_usable_place_is_said_and_not_worked_around(
    project: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreTrouble, match=r"FLOWLOOM_STATE=.*file.*unset"):
        state_folder(project, environ={**environ, "FLOWLOOM_STATE": str(tmp_path / "file")})


def test_on_a_network_file_system_it_moves_to_this_machine_and_leaves_word(
    project: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    state = state_folder(project, environ=environ, file_system=lambda _: "nfs4")
    assert state.path.is_relative_to(tmp_path / "home")
    assert "network file system (nfs4)" in state.remark
    assert str(state.path) in state.remark
    assert str(state.path) in (project / ".flowloom" / POINTER).read_text()
    assert str(project) in (state.path / "project.txt").read_text()
    assert state_folder(project, environ=environ, file_system=lambda _: "nfs4", make=False).path == state.path


def test_where_the_projects_own_place_is_taken_it_moves(project: Path, environ: dict[str, str]) -> None:
    (project / ".flowloom").write_text("a file of that name")
    state = state_folder(project, environ=environ)
    assert state.path.is_dir()
    assert "cannot be written" in state.remark


def test_two_projects_of_one_name_get_two_places(tmp_path: Path, environ: dict[str, str]) -> None:
    folders = [tmp_path / "a" / "same", tmp_path / "b" / "same"]
    places = [state_folder(folder, environ=environ, file_system=lambda _: "nfs").path for folder in folders]
    assert places[0] != places[1]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a read-only file system")
def test_on_a_read_only_file_system_it_moves(project: Path, environ: dict[str, str]) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", str(project)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow to mount a tmpfs")
    try:
        state = state_folder(project, environ=environ)
        assert "read-only file system" in state.remark
        assert state.path.is_dir()
    finally:
        subprocess.run(["umount", str(project)], check=True)


def test_without_any_home_there_is_still_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert local_state({}).is_absolute()
    monkeypatch.setenv("HOME", "~")
    assert local_state({}).is_absolute()


def test_the_kind_of_a_file_system_is_found_by_its_longest_mount() -> None:
    assert file_system_of(Path("/proc/self")) in ("proc", "")
