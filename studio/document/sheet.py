"""The text of a project file as blocks, so that an edit touches a few lines of it and never reads the rest.

Blocks are never changed: a new sheet shares all others with the old one, and knows of them what that one knew. Tables are
found by their keys, and read when somebody asks.

Files can also be written so that a node has no block (all of them in one inline table, dotted keys): then the block that
holds them is edited (`splicing`), which is as right, and as slow as the block is long.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from studio.document.blocks import Block, Keys, blocks_of
from studio.document.window import differing


class Sheet:
    """A text in blocks. Never changed; `text` and the index are made when they are first asked for."""

    __slots__ = ("_exact", "_numbers", "_parsed", "_plain", "_text", "_tops", "blocks", "tail")

    def __init__(self, blocks: tuple[Block, ...], tail: str = "") -> None:
        self.blocks = blocks
        self.tail = tail
        self._text: str | None = None
        self._exact: dict[Keys, Block] | None = None
        self._tops: dict[Keys, tuple[Block, ...]] = {}
        self._numbers: dict[int, int] | None = None
        self._parsed: dict[Keys, dict[str, Any]] = {}
        self._plain: bool | None = None

    @property
    def text(self) -> str:
        """The file."""
        if self._text is None:
            parts = [part for block in self.blocks for part in (block.gap, block.text)]
            self._text = "".join(parts) + self.tail
        return self._text

    @property
    def ending(self) -> str:
        """How lines end here."""
        return "\r\n" if any("\r\n" in block.text for block in self.blocks[:3]) else "\n"

    # -- finding -----------------------------------------------------------------------------------------------------

    def _index(self) -> dict[Keys, Block]:
        if self._exact is None:
            exact: dict[Keys, Block] = {}
            tops: dict[Keys, list[Block]] = {}
            for block in self.blocks:
                if not block.array:
                    exact.setdefault(block.keys, block)
                tops.setdefault(block.keys[:2], []).append(block)
            self._exact, self._tops = exact, {top: tuple(found) for top, found in tops.items()}
        return self._exact

    def _number(self, block: Block) -> int:
        """Where a block stands."""
        if self._numbers is None:
            self._numbers = dict(zip(map(id, self.blocks), range(len(self.blocks)), strict=True))
        return self._numbers[id(block)]

    def under(self, path: Keys) -> list[int]:
        """The blocks of the table at `path`, with those of the tables inside it, in the order of the file."""
        self._index()
        depth = len(path)
        if depth >= 2:
            return [self._number(block) for block in self._tops.get(path[:2], ()) if block.keys[:depth] == path]
        return [number for number, block in enumerate(self.blocks) if block.keys[:depth] == path]

    def has(self, path: Keys) -> bool:
        """Whether the table at `path` has a header of its own."""
        return path in self._index()

    def last(self, path: Keys) -> int:
        """The last block of the table at `path`, or of one inside it; -1 where there is none."""
        depth = len(path)
        if depth >= 2:
            return next(reversed(self.under(path)), -1)
        backwards = range(len(self.blocks) - 1, -1, -1)
        return next((number for number in backwards if self.blocks[number].keys[:depth] == path), -1)

    def holder(self, path: Keys) -> int:
        """The block in which the value at `path` stands, or would: that of the innermost table around it."""
        exact = self._index()
        for depth in range(len(path) - 1, -1, -1):
            block = exact.get(path[:depth])
            if block is not None:
                return self._number(block)
        return -1

    @property
    def plain(self) -> bool:
        """Whether every node and workflow has blocks of its own."""
        if self._plain is None:
            exact = self._index()
            held = ((keys, exact[keys]) for keys in _AROUND if keys in exact)
            self._plain = not any(_holds_nodes(_parsed(block.text), keys) for keys, block in held)
        return self._plain

    def names(self, path: Keys) -> list[str]:
        """The ids of the tables right below `path` that have blocks, in the order of the file."""
        depth, first = len(path), path[0]
        if depth == 1:
            every = [block.keys for block in self.blocks]
            return list(dict.fromkeys([keys[1] for keys in every if len(keys) > 1 and keys[0] == first]))
        found = (self.blocks[number].keys for number in self.under(path))
        return list(dict.fromkeys(keys[depth] for keys in found if len(keys) > depth))

    def table(self, path: Keys) -> dict[str, Any] | None:
        """The plain data at `path`; None where there is no table. Not to be changed."""
        top = path[: 2 if path[0] in ("nodes", "workflows") else 1]
        data = self._parsed.get(top)
        if data is None:
            numbers: Iterable[int] = self.under(top) if self.plain else range(len(self.blocks))
            data = self._parsed[top] = self.data_of(numbers)
        found: Any = data
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def data_of(self, numbers: Iterable[int]) -> dict[str, Any]:
        """The data of some blocks."""
        return _parsed("".join(self.blocks[number].text for number in numbers))

    def rest(self) -> dict[str, Any]:
        """The data of everything but nodes, workflows and what the studio keeps for itself."""
        return self.data_of(n for n, block in enumerate(self.blocks) if block.keys[:1] not in _LARGE)

    def whole(self) -> dict[str, Any]:
        """All data of the file."""
        return _parsed(self.text)

    def stands_in(self, number: int, path: Keys) -> bool:
        """Whether the table at `path` is written inside of this block, by an inline table or dotted keys."""
        if number < 0:
            return False
        found: Any = self.data_of((number,))
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found is not None

    # -- changing ----------------------------------------------------------------------------------------------------
    def replaced(self, number: int, block: Block) -> Sheet:
        """The sheet with another text for one block, under the same header."""
        return self.spliced(number, 1, (block,))

    def with_blocks(self, blocks: tuple[Block, ...], tail: str) -> Sheet:
        """The sheet with these blocks, which knows of those that stayed what this one knew of them."""
        start, end, new_end = differing(self.blocks, blocks)
        # What is the same is shared, even where somebody made it anew.
        sheet = Sheet((*self.blocks[:start], *blocks[start:new_end], *self.blocks[end:]), tail)
        if self._exact is None:
            return sheet
        old, new = self.blocks[start:end], blocks[start:new_end]
        came, gone = _others(new, old), _others(old, new)
        if len(came) + len(gone) > MOST_PATCHED:
            return sheet
        exact, tops = dict(self._exact), dict(self._tops)
        for block in gone:
            if exact.get(block.keys) is block:
                del exact[block.keys]
        for block in came:
            if not block.array:
                exact[block.keys] = block
        if len(old) == len(new) and [block.keys for block in old] == [block.keys for block in new]:
            sheet._numbers = None if self._numbers is None else self._renumbered(old, new, start)
        sheet._exact, sheet._tops = exact, tops
        touched = {block.keys[:2] for block in (*came, *gone)}
        lost = set(map(id, gone))
        for top in touched:
            found = [block for block in tops.get(top, ()) if id(block) not in lost]
            found += [block for block in came if block.keys[:2] == top]
            if found:
                tops[top] = tuple(sorted(found, key=sheet._number))
            else:
                tops.pop(top, None)
        if not any(block.keys in _AROUND for block in (*came, *gone)):
            sheet._plain = self._plain
        touched |= {block.keys[:1] for block in (*came, *gone)}
        if self._plain:
            sheet._parsed = {top: data for top, data in self._parsed.items() if top not in touched}
        return sheet

    def _renumbered(self, old: tuple[Block, ...], new: tuple[Block, ...], start: int) -> dict[int, int]:
        numbers = dict(self._numbers or {})
        for number, (was, now) in enumerate(zip(old, new, strict=True), start):
            if was is not now:
                numbers.pop(id(was), None)
                numbers[id(now)] = number
        return numbers

    def spliced(self, at: int, count: int, new: tuple[Block, ...]) -> Sheet:
        """The sheet with so many blocks from `at` on replaced."""
        return self.with_blocks((*self.blocks[:at], *new, *self.blocks[at + count :]), self.tail)


MOST_PATCHED = 500
"""Blocks that differ, up to which patching the index is worth it."""

_AROUND: tuple[Keys, ...] = ((), ("nodes",), ("workflows",))
_LARGE = (("nodes",), ("workflows",), ("studio",))


def _others(these: tuple[Block, ...], those: tuple[Block, ...]) -> list[Block]:
    """What of these is not among those, by identity."""
    known = set(map(id, those))
    return [block for block in these if id(block) not in known]


def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text.replace("\r\n", "\n")) if text else {}


def _holds_nodes(data: Mapping[str, Any], keys: Keys) -> bool:
    if not keys:
        return "nodes" in data or "workflows" in data
    return bool(data.get(keys[0]))


def split(text: str) -> Sheet:
    """The sheet of a text."""
    return Sheet(*blocks_of(text))
