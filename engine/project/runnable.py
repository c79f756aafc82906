"""What the engine of this version cannot run yet. The format is larger than the engine; `check` says so plainly.

One table per place where something can be written. Taking a line out is all that is needed once the engine can do it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.project.findings import Notes, Path
from engine.project.model import DEFAULT_SETTINGS, Node, Project
from engine.project.scope import Standing

_SETTINGS: tuple[tuple[str, str, Callable[[Node], bool]], ...] = (
    # key in the file, what it is called, whether a node asks for it
    ("cache", "cached results", lambda node: bool(node.settings.cache)),
    ("executor", "nodes on a Dask cluster", lambda node: node.settings.executor == "dask"),
)

_PROJECT: tuple[tuple[Path, str, Callable[[Project], bool]], ...] = (
    (("run", "overlap"), "rules for two runs at once", lambda project: project.run.overlap != "allow"),
    (("run", "durability"), "strict durability", lambda project: project.run.durability != "normal"),
    (("run", "notify"), "notifications", lambda project: project.run.notify is not None),
    (("run", "keep"), "limits of kept runs", lambda project: project.run.keep is not None),
    (("defaults", "cache"), "cached results", lambda project: bool(project.defaults.cache)),
    (("defaults", "executor"), "nodes on a Dask cluster", lambda project: project.defaults.executor == "dask"),
)

REFERENCES = {"run": "properties of the run (${run.NAME})", "secret": "secrets (${secret:NAME})"}
"""Kinds of references that nobody fills in yet."""

_REMEDY = "the file is right, and a later version will run it; until then take it out"


def check_runnable(standings: list[Standing], notes: Notes) -> None:
    """Note what the nodes ask for and the engine cannot do yet."""
    for standing in standings:
        if standing.place in notes.broken or standing.node.settings is DEFAULT_SETTINGS:
            continue
        for key, name, asked in _SETTINGS:
            if asked(standing.node):
                note_not_yet((*standing.place, key), name, notes)


def check_project_runnable(project: Project, notes: Notes) -> None:
    """Note what the tables outside of [nodes] ask for and the engine cannot do yet."""
    for place, name, asked in _PROJECT:
        if asked(project):
            note_not_yet(place, name, notes)


def note_not_yet(place: Path, name: str, notes: Notes) -> None:
    """Note that the engine of this version cannot run what stands at `place`."""
    notes.error("not-yet", place, f"this version does not have {name} yet", _REMEDY)
