"""A project file as a person typed it: in the drawer of the studio, or with another program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.project.findings import Notes
from engine.project.reading import read_project
from engine.project.toml import parse
from studio.document.draft import Draft, fallback_name, places_of
from studio.document.reader import Broken
from studio.document.sheet import Block, Sheet, split


def typed(draft: Draft, text: str) -> Draft:
    """The draft that says what `text` says. Where that cannot be read yet, the draft as it was, with the text kept."""
    if text == draft.text:
        return replace(draft, typed=None, number=draft.number + 1)
    finding, data = parse(text)
    if finding is not None:
        path: Path = draft.saved.path
        broken = Broken(path, finding.message, finding.remedy, finding.line, finding.column, text)
        return replace(draft, typed=broken, checked=False, number=draft.number + 1)
    project = read_project(data, fallback_name(draft.saved), Notes())
    sheet = _sharing(split(text), draft.sheet)
    return replace(
        draft,
        project=project,
        sheet=sheet,
        places=places_of(project),
        checked=False,
        typed=None,
        number=draft.number + 1,
    )


def _sharing(new: Sheet, old: Sheet) -> Sheet:
    """The new sheet, with the blocks of the old one where they are the same."""
    known: dict[tuple[str, ...], Block] = {block.keys: block for block in old.blocks}
    blocks = tuple(same if (same := known.get(block.keys)) == block else block for block in new.blocks)
    return Sheet(blocks, new.tail)
