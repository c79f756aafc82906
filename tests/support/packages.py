"""Packages that are installed without an installer: their folder and their metadata on the path.

`importlib.metadata` finds what it would find of an installed package; nothing is built and no network is asked.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"


def metadata_of(name: str, into: Path) -> Path:
    """The metadata of one of our sample packages, as an installer writes it; the folder that has it."""
    project = tomllib.loads((PLUGINS / name / "pyproject.toml").read_text("utf-8"))["project"]
    write_metadata(into, project["name"], project["version"], project["entry-points"])
    return into


def write_metadata(into: Path, name: str, version: str, points: dict[str, dict[str, str]]) -> None:
    """The metadata of any package."""
    folder = into / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    lines = [
        line
        for group, entries in points.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
    ]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
