"""Texts of strangers on every screen, in a real terminal: none is obeyed, none crashes the studio."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio.document.visible import line, lines, runs
from studio.widgets.page import Inks, Page, Piece
from tests.studio.payloads import CANARY, PAYLOADS, attacker_bytes
from tests.studio.terminals import studio_on

TASKS = """\
import os
from payloads import PAYLOADS

def shout():
    '''{doc}'''
    for text in PAYLOADS.values():
        print(text)
    os.write(2, b"\\x1b]0;PWN\\x07 \\x9b31m raw bytes\\n")
    return list(PAYLOADS.values())

def fail():
    raise ValueError("".join(PAYLOADS.values()))

def wide(rows):
    return PAYLOADS
"""


def quoted(text: str) -> str:
    """A TOML string that holds `text`, whatever is in it."""
    plain = (
        char if char.isascii() and char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in text
    )
    return '"' + "".join(plain) + '"'


RUNNABLE = """\
[nodes.shout]
task = "tasks:shout"
[nodes.fail]
task = "tasks:fail"
on_error = "skip"
[nodes.wide]
task = "tasks:wide"
inputs = { rows = "shout" }
"""


def trap(folder: Path) -> Path:
    """A project with payloads wherever a person can write."""
    folder.mkdir(parents=True)
    every = list(PAYLOADS.values())
    (folder / "payloads.py").write_text(f"PAYLOADS = {PAYLOADS!r}\n", encoding="utf-8")
    (folder / "tasks.py").write_text(TASKS.format(doc=PAYLOADS["c1-csi"] + PAYLOADS["bidi"]), encoding="utf-8")
    text = [
        "[project]",
        f"name = {quoted(PAYLOADS['title'] + PAYLOADS['closing-tag'])}",
        f"description = {quoted(''.join(every))}",
        "[params]",
        f"{quoted(PAYLOADS['markup'])} = {quoted(PAYLOADS['clipboard'])}",
        "[nodes.shout]",
        'task = "tasks:shout"',
        f"description = {quoted(PAYLOADS['click'])}",
        f"notes = {quoted(''.join(every))}",
        f"tags = [{', '.join(map(quoted, every))}]",
        "[nodes.fail]",
        'task = "tasks:fail"',
        'on_error = "skip"',
        "[nodes.wide]",
        'task = "tasks:wide"',
        'inputs = { rows = "shout" }',
        "[nodes.script]",
        f"shell = {quoted('printf x ' + PAYLOADS['clear'] + PAYLOADS['reset'])}",
        f"env = {{ {quoted(PAYLOADS['link'])} = {quoted(PAYLOADS['title-st'])} }}",
        "[nodes.program]",
        f"command = [{', '.join(map(quoted, ['true', *every]))}]",
    ]
    file = folder / "project.toml"
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    return file


def with_bad_ids(file: Path) -> None:
    """Every payload as the id of a node of its own: findings, but drawn all the same."""
    more = [f"[nodes.{quoted(text)}]\nshell = {quoted(text)}\n" for text in PAYLOADS.values()]
    file.write_text(file.read_text(encoding="utf-8") + "\n".join(more), encoding="utf-8")


def run_once(file: Path) -> None:
    """A run of the project, so that there are logs, errors and values to show."""
    from engine.start import start_run

    text = file.read_text(encoding="utf-8")
    file.write_text(RUNNABLE, encoding="utf-8")
    try:
        handle = start_run(file)
        assert handle.wait(60)
        assert handle.result.nodes["shout"].state.value == "completed"
    finally:
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_becomes_printable_text(name: str) -> None:
    for plain in (False, True):
        shown = line(PAYLOADS[name], ascii=plain)
        assert all(char.isprintable() for char in shown)
        assert not attacker_bytes(shown.encode())
        if plain:
            assert shown.isascii()


def test_what_was_taken_away_is_marked_and_the_rest_is_as_it_was() -> None:
    assert runs("ok \x1b[2J") == [("ok ", False), ("␛", True), ("[2J", False)]
    assert runs("plain") == [("plain", False)]
    assert runs("") == []
    assert line("a\tb") == "a   b"
    assert lines("a\r\nb\nc") == ["a", "b", "c"]


def test_a_page_never_reads_markup() -> None:
    page = Page()
    inks = Inks({}, plain=True)
    for text in PAYLOADS.values():
        shown = "".join(part for part, _ in runs(text, ascii=inks.ascii))
        assert inks.style(Piece(text), page.GROUND) is not None
        assert ("[/nope]" in shown) is ("[/nope]" in text)


WALK = "\x1b[C\x1b[B\x1b[C\x1b[B"


@pytest.mark.parametrize("environ", [{}, {"FLOWLOOM_ASCII": "1", "NO_COLOR": "1"}], ids=["colour", "plain"])
def test_no_screen_hands_a_payload_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = trap(tmp_path / f"x\x1b]0;{CANARY}\x07[/nope]" / "project")
    run_once(file)
    with_bad_ids(file)
    terminal = studio_on(file, size=(160, 50), environ={**environ, "VISUAL": "true"})
    terminal.until("shout")
    terminal.read()
    for keys in ("8", WALK, "gg", WALK, "\t", "GG\x1b[5~", "\x1b", "T", "\t", WALK, "\x1b", "!", WALK, "\r", "I", "I"):
        terminal.press(keys)
    for keys in ("z", WALK, "z", WALK, "z", "/[", "\r", "n", "\x1b", "]", "]", "M", "M", "o", "O", "Z", "\x1b", "y"):
        terminal.press(keys)
    for keys in ("3", "\x1b[B", "\r", "4", "1", "?", "\x1b[6~", "\x1b", "\x10", "PWN", "\x1b", "R", "\x1b", "2", "8"):
        terminal.press(keys)
    terminal.resize(80, 24)
    terminal.press("\x1b[C")
    assert terminal.alive
    terminal.press("\x11")
    assert terminal.end() == 0
    # `y` copies by OSC 52, and what is copied travels as base64: those sequences are ours.
    ours = re.sub(rb"\x1b\]52;c;[A-Za-z0-9+/=]*\x07", b"", bytes(terminal.sent))
    assert not attacker_bytes(ours)
    assert CANARY.encode() in terminal.sent


def test_the_welcome_hands_no_payload_to_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio import config

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for number, text in enumerate(PAYLOADS.values()):
        config.keep(config.opened(Path(f"/tmp/{text}".replace("\0", "")), text, float(number)))
    terminal = studio_on(None, size=(100, 40))
    terminal.until("Flowloom")
    terminal.press("\x1b[B\x1b[B\x1b[B")
    terminal.press("\r")
    assert terminal.alive
    terminal.press("\x11")
    assert terminal.end() == 0
    assert not attacker_bytes(bytes(terminal.sent))


HARMLESS = {"closing-tag", "click", "markup", "braces", "wide", "bell-and-back", "carriage-return", "feeds"}


@pytest.mark.parametrize("name", sorted(set(PAYLOADS) - HARMLESS))
def test_the_search_for_attackers_finds_each_payload_in_the_raw(name: str) -> None:
    assert attacker_bytes(b"before " + PAYLOADS[name].encode())
