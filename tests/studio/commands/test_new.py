"""New projects run at once, whatever their folder is called, and nothing of anybody's is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.commands.new import project_name

from .conftest import Call


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("template", ["python", "shell"])
def test_a_new_project_is_checked_and_runs(call: Call, here: Path, template: str) -> None:
    made = call("new", "fresh", "--template", template)
    assert made.code == 0, made.err
    assert "flowloom run fresh" in made.err
    assert call("check", "fresh").code == 0
    ran = call("run", "fresh", "-q")
    assert ran.code == 0, ran.err
    assert '"fresh"' in (here / "fresh" / "project.toml").read_text()


def test_a_folder_with_files_is_refused_and_untouched(call: Call, here: Path) -> None:
    (here / "used").mkdir()
    (here / "used" / "mine.txt").write_text("mine")
    told = call("new", "used")
    assert told.code == 2
    assert "not empty" in told.err
    assert "--here" in told.err
    assert [file.name for file in (here / "used").iterdir()] == ["mine.txt"]


def test_with_here_it_joins_other_files_but_replaces_none(call: Call, here: Path) -> None:
    (here / "mine.txt").write_text("mine")
    assert call("new", ".", "--here").code == 0
    assert (here / "project.toml").exists()
    assert (here / "mine.txt").read_text() == "mine"
    (here / "project.toml").write_text("changed")
    told = call("new", ".", "--here")
    assert told.code == 2
    assert "nothing was changed" in told.err
    assert (here / "project.toml").read_text() == "changed"


@pytest.mark.parametrize(
    "name",
    ["-rf", "--help-me", "con", "nul.txt", "x" * 300, "a\nb", "a\x1b[2Jb", "a\u202eb", "", "/", "a\0b", "sub/\x07"],
)
def test_names_that_would_hurt_later_are_refused_with_the_reason(call: Call, here: Path, name: str) -> None:
    told = call("new", "--", name)
    assert told.code == 2
    assert "Traceback" not in told.err
    assert not any(char in told.err for char in "\x1b\x07\u202e\0")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", ["-rf", "-x"])
def test_a_name_like_an_option_is_wrong_usage(call: Call, here: Path, name: str) -> None:
    assert call("new", name).code == 2
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../beside", "deep/er/still", "任务流", "مشروع", "with space", "päckchen", "🐧", "v1.2"]
)
def test_other_names_are_fine_and_the_project_runs(call: Call, here: Path, name: str) -> None:
    told = call("new", name)
    assert told.code == 0, told.err
    assert call("check", f"./{name}").code == 0
    assert not any(char in told.err for char in "\u200f\u202b")


def test_an_empty_folder_and_the_present_one_will_do(call: Call, here: Path) -> None:
    assert call("new", ".").code == 0
    assert (here / "tasks.py").exists()


def test_a_file_in_the_way_is_refused(call: Call, here: Path) -> None:
    (here / "taken").write_text("a file")
    told = call("new", "taken")
    assert (told.code, (here / "taken").read_text()) == (2, "a file")


def test_below_a_file_is_a_broken_environment(call: Call, here: Path) -> None:
    (here / "file").write_text("")
    told = call("new", "file/inside")
    assert told.code in (2, 5)
    assert "Traceback" not in told.err


def test_what_we_wrote_ourselves_is_trusted(call: Call, here: Path) -> None:
    from engine.project.trust import is_trusted

    call("new", "fresh")
    assert is_trusted(here / "fresh")


def test_a_project_is_named_after_its_folder_as_far_as_that_can_be() -> None:
    assert project_name(Path("/x/penguins")) == "penguins"
    assert project_name(Path("/x/my project (2)")) == "my-project--2"
    assert project_name(Path("/x/...")) == "project"
    assert project_name(Path("/x/企鹅")) == "企鹅"
