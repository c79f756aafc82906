"""Files of the person's own, and what the studio remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio import config, keys
from studio.config import Kept, keep, looked_at, looks_like, opened, read_config, read_kept
from studio.keymap import keymap
from studio.state import Remembered

COMMANDS = frozenset(keys.ACTIONS)


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_files_nothing_is_preferred(tmp_path: Path) -> None:
    found = read_config(tmp_path / "nowhere", commands=COMMANDS)
    assert (found.theme, found.ascii, found.keys, found.mistakes) == (None, None, {}, ())


def test_a_person_chooses_theme_glyphs_motion_and_keys(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        config='theme = "loom-light"\nglyphs = "ascii"\nanimations = "none"\n',
        keymap='[keys]\n"run.all" = "f9"\nfind = ["slash", "ctrl+g"]\n',
    )
    found = read_config(folder, commands=COMMANDS)
    assert (found.theme, found.ascii, found.animations) == ("loom-light", True, "none")
    assert found.keys == {"run.all": ("f9",), "find": ("slash", "ctrl+g")}
    assert found.mistakes == ()
    table = keymap(found.keys)
    assert keys.action_of("f9", "editor", table) == table["run.all"]
    assert keys.action_of("R", "editor", table) is None


@pytest.mark.parametrize(
    ("name", "text", "line", "part"),
    [
        ("config", 'theme = "loom-light\n', 1, ""),
        ("config", "\nglyphs = 3\n", 2, "glyphs"),
        ("config", 'them = "x"\n', 1, "no setting"),
        ("config", 'animations = "wild"\n', 1, "animations"),
        ("keymap", '[keys]\n"run.al" = "x"\n', 2, "no command"),
        ("keymap", '[keys]\nfind = "not a key"\n', 2, "no key"),
        ("keymap", "[keys]\nfind = 5\n", 2, "no key"),
        ("keymap", 'find = "x"\n', None, "[keys]"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_rest_holds(
    tmp_path: Path, name: str, text: str, line: int | None, part: str
) -> None:
    good = 'theme = "loom-contrast"\n' if name == "keymap" else '[keys]\ncopy = "f12"\n'
    other = "config" if name == "keymap" else "keymap"
    found = read_config(written(tmp_path, **{name: text, other: good}), commands=COMMANDS)
    assert len(found.mistakes) == 1
    assert found.mistakes[0].line == line
    assert part in str(found.mistakes[0])
    assert str(found.mistakes[0]).startswith(f"{name}.toml")
    assert found.theme == "loom-contrast" or found.keys == {"copy": ("f12",)}


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", b"a = 1\n" * 100_000, b"x = " + b"[" * 5000], ids=["utf16", "huge", "deep"]
)
def test_a_file_that_is_no_toml_is_one_mistake(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(data)
    assert len(read_config(tmp_path, commands=COMMANDS).mistakes) == 1


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "state" / "studio.json"
    view = Remembered(cursor="clean", drawer="log", inspector=False)
    assert keep(opened(Path("/a"), "a", 1.0), file)
    assert keep(opened(Path("/b"), "b", 2.0), file)
    assert keep(opened(Path("/a"), "a", 3.0), file)
    assert keep(looked_at(Path("/a"), view), file)
    assert keep(looks_like("loom-light", True), file)
    kept = read_kept(file)
    assert [recent.path for recent in kept.recent] == [Path("/a"), Path("/b")]
    assert kept.views == {"/a": view}
    assert (kept.theme, kept.ascii) == ("loom-light", True)


def test_only_the_newest_projects_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "studio.json"
    for number in range(config.MAX_RECENT + 5):
        keep(opened(Path(f"/{number}"), str(number), float(number)), file)
    assert len(read_kept(file).recent) == config.MAX_RECENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"recent": 3}',
        '{"recent": [{"path": 1}]}',
        '{"views": {"a": {"cursor": 3}}}',
        "[" * 9999,
    ],
)
def test_a_damaged_memory_is_forgotten(tmp_path: Path, text: str) -> None:
    file = tmp_path / "studio.json"
    file.write_text(text, encoding="utf-8")
    kept = read_kept(file)
    assert kept.recent == ()
    assert kept == Kept() or kept.views == {"a": Remembered()}


def test_a_memory_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not keep(looks_like("loom-dark", False), tmp_path / "file" / "studio.json")
