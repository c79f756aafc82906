"""ARCHITECTURE.md speaks of what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
ROOM = re.compile(r"^\| (?P<rooms>`[^|]+`) \|", re.MULTILINE)


def rooms() -> list[tuple[str, str]]:
    """(package, room) of every room in the tables of the page."""
    found = []
    for package in ("engine", "agents", "studio"):
        part = PAGE.split(f"\n**{package}** ", 1)[1].split("\n**", 1)[0]
        found += [(package, room) for row in ROOM.findall(part) for room in re.findall(r"`([^`]+)`", row)]
    return found


@pytest.mark.parametrize(("package", "room"), rooms(), ids="/".join)
def test_a_room_of_the_page_exists(package: str, room: str) -> None:
    assert (ROOT / package / room).exists()


def test_no_folder_of_code_is_left_out() -> None:
    named = {(package, room.rstrip("/")) for package, room in rooms()}
    there = {
        (package, folder.name)
        for package in ("engine", "agents", "studio")
        for folder in (ROOT / package).iterdir()
        if (folder / "__init__.py").exists()
    }
    assert there - named == set()


def test_the_page_fits_on_a_page() -> None:
    assert len(PAGE.splitlines()) <= 110
