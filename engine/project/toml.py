"""Project files as text: TOML to the model and back, with places and remedies for what the parser refuses.

The order is: limits (`limits`, before anything is parsed), tomllib, then `reading`. Writing is `writing`, then
`layout`; edits that keep comments are `editing`.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from msgspec import Struct

from engine.project.findings import Finding, Notes, harmless
from engine.project.limits import over_limit
from engine.project.model import Project
from engine.project.reading import read_project

_PLACE = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)$")


class Reading(Struct, frozen=True):
    """What came of a text: the project (None if it is no TOML at all), the findings of reading, what was broken."""

    project: Project | None
    notes: Notes
    data: dict[str, Any]


def read(text: str, name: str = "workflow") -> Reading:
    """Read a project file's text. Never raises for what the text says; `name` is for a file that names itself not."""
    notes = Notes()
    finding, data = parse(text)
    if finding is not None:
        notes.extend([finding])
        return Reading(None, notes, {})
    return Reading(read_project(data, name, notes), notes, data)


def write(project: Project) -> str:
    """The text of a project file that says just this. Raises ValueError for what a file cannot hold."""
    from engine.project.layout import to_text
    from engine.project.writing import to_tables

    return to_text(to_tables(project))


def parse(text: str) -> tuple[Finding | None, dict[str, Any]]:
    """Plain TOML: either a finding that says why not, or the data."""
    text = text.replace("\r\n", "\n")
    finding = over_limit(text)
    if finding is not None:
        return finding, {}
    try:
        return None, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _refused(text, str(error)), {}
    except (ValueError, RecursionError, OverflowError) as error:
        # A date such as 30 February, or a number beyond what Python converts: no place is known.
        return _refused(text, str(error)), {}


def _refused(text: str, message: str) -> Finding:
    """The parser's complaint in the words of this program, with its place and a remedy."""
    from engine.project.refusals import explain

    place = _PLACE.search(message)
    what = _PLACE.sub("", message)
    line = column = None
    if place is not None:
        lines = text.split("\n")
        line, column = (int(place[1]), int(place[2])) if place[1] else (len(lines), len(lines[-1]) + 1)
    explained = explain(text, what, line, column)
    return Finding(
        explained.code,
        "error",
        harmless(explained.message),
        harmless(explained.remedy),
        line=explained.line,
        column=explained.column,
    )
