"""What the engine of this version cannot run yet. The format is larger than the engine; `check` says so plainly.

One table per place where something can be written. Taking a line out is all that is needed once the engine can do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.project.findings import Notes, Path
from engine.project.model import (
    DEFAULT_SETTINGS,
    Node,
    Plugin,
    Project,
)
from engine.project.scope import Standing

_BODIES: Mapping[type, tuple[str, str]] = {
    # body: (its key in the file, what it is called)
    Plugin: ("kind", "kinds of nodes that packages bring"),
}

_NODE: tuple[tuple[str, str, Callable[[Node], bool]], ...] = (
    ("cache", "caching", lambda node: bool(node.settings.cache)),
    ("requires", "requirements", lambda node: node.settings.requires is not None),
)

_EXECUTORS = ("dask",)

_PROJECT: tuple[tuple[Path, str, Callable[[Project], bool]], ...] = ()

_REMEDY = "it is understood and kept, and a later version will run it; until then take it out to run the rest"


def check_runnable(standings: list[Standing], notes: Notes) -> None:
    """Note what the nodes ask for and the engine cannot do yet."""
    for standing in standings:
        if standing.place in notes.broken:
            continue
        node = standing.node
        body = _BODIES.get(type(node.body))
        if body is not None:
            _note((*standing.place, body[0]), body[1], notes)
        if node.each is None and node.again is None and node.settings is DEFAULT_SETTINGS:
            continue
        for key, name, asked in _NODE:
            if asked(node):
                _note((*standing.place, key), name, notes)
        if node.settings.executor in _EXECUTORS:
            _note((*standing.place, "executor"), f"the executor {node.settings.executor}", notes)


def check_project_runnable(project: Project, notes: Notes) -> None:
    """Note what the tables outside of [nodes] ask for and the engine cannot do yet."""
    for place, name, asked in _PROJECT:
        if asked(project):
            _note(place, name, notes)
    if project.defaults.executor in _EXECUTORS:
        _note(("defaults", "executor"), f"the executor {project.defaults.executor}", notes)


def _note(place: Path, name: str, notes: Notes) -> None:
    notes.error("not-yet", place, f"this version cannot run {name} yet", _REMEDY)
