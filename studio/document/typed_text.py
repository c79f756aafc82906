"""A project file as a person typed it: in the drawer of the studio, or with another program.

While one types, a text differs from the one before it in one place. Then only the blocks around that place are read: they
are whole statements, so if they can be read alone, and name nothing that is named elsewhere, the whole can be. Whatever is
not as simple as that is read as a whole.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from msgspec import Struct

from engine.project.findings import Finding, Notes
from engine.project.reading import read_project
from engine.project.toml import parse
from studio.document.blocks import Block, Keys
from studio.document.draft import Draft, fallback_name, places_of, reread, top_of
from studio.document.reader import Broken
from studio.document.sheet import Sheet, split
from studio.document.window import differing


def typed(draft: Draft, text: str) -> Draft:
    """The draft that says what `text` says. Where that cannot be read yet, the draft as it was, with the text kept."""
    number = draft.number + 1
    if text == draft.text:
        return replace(draft, typed=None, number=number)
    near = _neighbourhood(draft.sheet, text)
    name = fallback_name(draft.saved)
    if near is not None:
        finding, _ = parse(near.text)
        if finding is not None and not near.quotes:
            return replace(draft, typed=_broken(draft, finding, text, near.line), checked=False, number=number)
        sheet = near.sheet() if finding is None else None
        if sheet is not None:
            project = reread(draft.project, draft.sheet, sheet, near.tops(), name)
            return replace(
                draft,
                project=project,
                sheet=sheet,
                places=draft.places if project.studio is draft.project.studio else places_of(project),
                checked=False,
                typed=None,
                number=number,
            )
    finding, data = parse(text)
    if finding is not None:
        return replace(draft, typed=_broken(draft, finding, text, 0), checked=False, number=number)
    project = read_project(data, name, Notes())
    return replace(
        draft,
        project=project,
        sheet=draft.sheet.with_blocks(*_sharing(split(text), draft.sheet)),
        places=places_of(project),
        checked=False,
        typed=None,
        number=number,
    )


def _broken(draft: Draft, finding: Finding, text: str, before: int) -> Broken:
    path: Path = draft.saved.path
    line = finding.line + before if finding.line is not None else None
    return Broken(path, finding.message, finding.remedy, line, finding.column, text)


def _sharing(new: Sheet, old: Sheet) -> tuple[tuple[Block, ...], str]:
    """The blocks of the new sheet, those of the old one where they are the same."""
    known: dict[Keys, Block] = {block.keys: block for block in old.blocks}
    return tuple(same if (same := known.get(block.keys)) == block else block for block in new.blocks), new.tail


class _Neighbourhood(Struct, frozen=True):
    """The blocks around the place where a text differs: from number `first` up to `last` they become those of `text`.

    `line` is how many lines stand before it.
    """

    old: Sheet
    first: int
    last: int
    text: str
    line: int

    @property
    def quotes(self) -> bool:
        """Whether text of several lines could begin or end here, so that the trouble may be elsewhere."""
        return '"""' in self.text or "'''" in self.text

    def _new(self) -> Sheet:
        return split(self.text)

    def tops(self) -> set[Keys]:
        """The tables that may have changed."""
        blocks = (*self.old.blocks[self.first : self.last], *self._new().blocks)
        return {top_of(block.keys) for block in blocks if block.keys}

    def sheet(self) -> Sheet | None:
        """The sheet with the new blocks; None where they may clash with others, or nodes have no blocks of their own."""
        new = self._new()
        if any(not block.keys for block in new.blocks):
            return None
        for top in {top_of(block.keys) for block in new.blocks}:
            if any(not self.first <= number < self.last for number in self.old.under(top)):
                return None
        tail = new.tail if self.last == len(self.old.blocks) else self.old.tail
        found = self.old.with_blocks((*self.old.blocks[: self.first], *new.blocks, *self.old.blocks[self.last :]), tail)
        return found if found.plain and (new.tail == "" or self.last == len(self.old.blocks)) else None


def _neighbourhood(old: Sheet, text: str) -> _Neighbourhood | None:
    if not old.blocks or not old.plain:
        return None
    start, end, _ = differing(old.text, text)
    ends = list(accumulate(len(block.gap) + len(block.text) for block in old.blocks))
    first = max(bisect_right(ends, start) - 1, 0)
    last = min(bisect_right(ends, end) + 2, len(ends))
    if first == 0 or last - first > MOST:
        return None
    begin = ends[first - 1]
    stop = len(old.text) if last == len(ends) else ends[last - 1]
    near = text[begin : stop + len(text) - len(old.text)]
    return _Neighbourhood(old, first, last, near, text.count("\n", 0, begin))


MOST = 60
"""Blocks around a place, up to which reading only these is worth it."""
