"""Whose code may run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import SystemFailure
from engine.project import trust
from engine.project.trust import (
    is_trusted,
    is_trusted_content,
    revoke,
    trust_content,
    trust_file,
    trusted,
)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWLOOM_CONFIG", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


def test_a_folder_is_trusted_after_it_was_said_and_until_it_is_taken_back(folder: Path) -> None:
    assert not is_trusted(folder)
    trust.trust(folder)
    trust.trust(folder)
    assert is_trusted(folder)
    assert len(trusted().folders) == 1
    assert revoke(folder)
    assert not is_trusted(folder)
    assert not revoke(folder)


def test_trust_is_for_one_folder_and_neither_for_those_in_it_nor_around_it(folder: Path) -> None:
    (folder / "inner").mkdir()
    trust.trust(folder)
    assert not is_trusted(folder / "inner")
    assert not is_trusted(folder.parent)


def test_a_link_is_as_trusted_as_where_it_leads(folder: Path, tmp_path: Path) -> None:
    trust.trust(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert is_trusted(link)
    other = tmp_path / "other"
    other.mkdir()
    link.unlink()
    link.symlink_to(other)
    assert not is_trusted(link)


def test_a_folder_that_belongs_to_somebody_else_now_is_a_stranger(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.trust(folder)
    real = os.stat

    def owned_by_another(path: object, **rest: object) -> os.stat_result:
        found = list(real(path, **rest))
        found[4] += 1
        return os.stat_result(found)

    monkeypatch.setattr(trust.os, "stat", owned_by_another)
    assert not is_trusted(folder)


def test_what_is_no_folder_cannot_be_trusted(folder: Path) -> None:
    (folder / "file").touch()
    for path in (folder / "missing", folder / "file"):
        with pytest.raises(SystemFailure, match="cannot be trusted"):
            trust.trust(path)
        assert not is_trusted(path)


def test_a_folder_that_is_gone_can_be_forgotten(folder: Path) -> None:
    trust.trust(folder)
    folder.rmdir()
    assert not is_trusted(folder)
    assert revoke(folder)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"folders": [1]}', "\0" * 100, '{"folders": null}'])
def test_a_damaged_file_trusts_nobody(damage: str, folder: Path) -> None:
    trust.trust(folder)
    trust_file().write_text(damage)
    assert not is_trusted(folder)
    trust.trust(folder)
    assert is_trusted(folder)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_trusts_nobody(mode: int, folder: Path) -> None:
    trust.trust(folder)
    trust_file().chmod(mode)
    assert not is_trusted(folder)


def test_what_is_kept_is_for_its_owner_alone(folder: Path) -> None:
    trust.trust(folder)
    assert trust_file().stat().st_mode & 0o777 == 0o600
    assert trust_file().parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_no_file_trusts_nobody(folder: Path) -> None:
    trust_file().parent.mkdir()
    os.mkfifo(trust_file())
    assert not is_trusted(folder)


def test_content_is_trusted_by_its_hash(folder: Path) -> None:
    assert not is_trusted_content("abc")
    trust_content("abc")
    trust_content("abc")
    trust.trust(folder)
    assert is_trusted_content("abc")
    assert trusted().contents == ("abc",)
    assert is_trusted(folder)


def test_names_with_odd_characters_are_kept(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\n\xe4\xbb\xbb"))
    odd.mkdir()
    trust.trust(odd)
    assert is_trusted(odd)
