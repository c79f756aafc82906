"""The text of a project file as blocks, so that an edit touches a few lines of it and never reads the rest.

A *block* is what stands under one header: `[nodes.load]`, its lines, and the comments right above it. What stands
between two blocks (blank lines, comments that belong to neither) is the *gap* before the second one, so that a node can
go, or move, without taking a heading of a section with it. Blocks are never changed: an edit makes a new sheet that
shares all other blocks with the old one. Inside of a block, `engine.project.editing` changes values and keeps comments,
order and quoting; here is where tables begin, end and stand.

Files can also be written so that a node has no block (all of them in one inline table, dotted keys): then the block
that holds them is edited, which is as right and as slow as the block is long.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from engine.project.editing import Delete, Set, edit
from engine.project.layout import header_text, table_text
from studio.document.window import differing

Keys = tuple[str, ...]

_STRING = r'"(?!"")(?:[^"\\\n]|\\[^\n])*+"|\'(?!\'\')[^\'\n]*+\''
_FLAT = rf"[^\"'\[\]{{}}#\n]|{_STRING}"
_LIST = rf"\[(?:{_FLAT})*+\]"
_LINE = re.compile(
    rf"(?:{_FLAT}|{_LIST}|\{{(?:{_FLAT}|{_LIST}|\{{(?:{_FLAT}|{_LIST})*+\}})*+\}})*+(?:#[^\n]*+)?(?:\n|\Z)"
)
"""A statement that begins and ends on one line; what it cannot match is read token by token."""
_TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5}|\Z)"
    rf"|{_STRING}|#[^\n]*+|[\[\]{{}}\n]",
    re.DOTALL,
)
_HEADER = re.compile(r"^([ \t]*\[\[?)((?:[^\"'\]\n]|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')*+)(\]\]?)", re.MULTILINE)
_PART = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^.\s"']+)\s*(?:\.|$)""")


class Block(Struct, frozen=True):
    """One table of the file. `keys` are those of its header, none for what stands before the first one."""

    keys: Keys
    text: str
    gap: str = ""
    array: bool = False


class Add(Struct, frozen=True):
    """A new table at `path`, written after the blocks of its sibling `after`, or after all of them."""

    path: Keys
    table: Mapping[str, Any]
    after: str | None = None
    first: bool = False


class Move(Struct, frozen=True):
    """The table at `path` becomes that at `to`, with its comments; written after the sibling `after`.

    Without `after` it stays where it is written, or (`away`) goes to the end of the tables beside it; `first` puts it
    before them.
    """

    path: Keys
    to: Keys
    after: str | None = None
    away: bool = False
    first: bool = False


Operation = Set | Delete | Add | Move


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

    def _last(self, path: Keys) -> int:
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
            data = self._parsed[top] = self._data_of(numbers)
        found: Any = data
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def _data_of(self, numbers: Iterable[int]) -> dict[str, Any]:
        return _parsed("".join(self.blocks[number].text for number in numbers))

    def rest(self) -> dict[str, Any]:
        """The data of everything but nodes, workflows and what the studio keeps for itself."""
        return self._data_of(n for n, block in enumerate(self.blocks) if block.keys[:1] not in _LARGE)

    def whole(self) -> dict[str, Any]:
        """All data of the file."""
        return _parsed(self.text)

    # -- changing ----------------------------------------------------------------------------------------------------

    def edited(self, operations: Iterable[Operation]) -> Sheet:
        """The sheet after these operations, in their order. Raises ValueError where the text does not allow it."""
        sheet = self
        for operation in operations:
            if isinstance(operation, Move):
                sheet = sheet._moved(operation)
            elif isinstance(operation, Add):
                sheet = sheet._added(operation)
            elif isinstance(operation, Delete):
                sheet = sheet._without(tuple(map(str, operation.path)))
            else:
                sheet = sheet._with(tuple(map(str, operation.path)), operation.value)
        return sheet

    def replaced(self, number: int, block: Block) -> Sheet:
        """The sheet with another text for one block, under the same header."""
        return self._spliced(number, 1, (block,))

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

    def _spliced(self, at: int, count: int, new: tuple[Block, ...]) -> Sheet:
        return self.with_blocks((*self.blocks[:at], *new, *self.blocks[at + count :]), self.tail)

    def _changed(self, number: int, operation: Set | Delete) -> Sheet:
        """One value changed inside of one block."""
        block = self.blocks[number]
        text = edit(block.text, [operation])
        if text == block.text:
            return self
        inner = split(text)
        if not inner.blocks:
            return self._removed([number])
        first = structs.replace(inner.blocks[0], gap=block.gap)
        if inner.blocks[0].gap:
            first = structs.replace(first, text=inner.blocks[0].gap + first.text)
        others = [structs.replace(other, gap=other.gap or self.ending) for other in inner.blocks[1:]]
        last = (others or [first])[-1]
        found = [first, *others]
        found[-1] = structs.replace(last, text=last.text + inner.tail)
        return self._spliced(number, 1, tuple(found))

    def _with(self, path: Keys, value: Any) -> Sheet:
        parent = path[:-1]
        if self.under(path) and not isinstance(value, dict):
            return self._removed(self.under(path))._with(path, value)
        exact = self._index()
        number = self.holder(path)
        if not parent and isinstance(value, dict) and not self._stands_in(number, path):
            return self._added(Add(path, value))
        if parent in exact or self._stands_in(number, parent):
            return self._changed(number, Set(path, value))
        if self.under(parent):
            # The table has only tables below it so far: it gets a header of its own, before them.
            first = self.under(parent)[0]
            block = self.blocks[first]
            new = self._blocks_of(parent, {path[-1]: value}, block.gap)
            return self._spliced(first, 1, (*new, structs.replace(block, gap=self.ending)))
        if isinstance(value, dict):
            return self._added(Add(path, value))
        if not parent:
            root = Block((), edit("", [Set(path, value)]).replace("\n", self.ending))
            rest = self.blocks
            if rest and not rest[0].gap:
                rest = (structs.replace(rest[0], gap=self.ending), *rest[1:])
            return self.with_blocks((root, *rest), self.tail)
        return self._added(Add(parent, {path[-1]: value}))

    def _stands_in(self, number: int, path: Keys) -> bool:
        """Whether the table at `path` is written inside of this block, by an inline table or dotted keys."""
        if number < 0:
            return False
        found: Any = self._data_of((number,))
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found is not None

    def _without(self, path: Keys) -> Sheet:
        sheet = self._removed(self.under(path))
        number = sheet.holder(path)
        if sheet._stands_in(number, path):
            sheet = sheet._changed(number, Delete(path))
        return sheet

    def _removed(self, numbers: list[int]) -> Sheet:
        """Without these blocks; comments between blocks stay, blank lines do not pile up."""
        if not numbers:
            return self
        gone = set(numbers)
        first = numbers[0]
        kept: list[Block] = list(self.blocks[:first])
        carried = ""
        for number in range(first, len(self.blocks)):
            block = self.blocks[number]
            if number in gone:
                if block.gap.strip():
                    carried += block.gap
                elif number == 0:
                    carried = ""
            elif carried:
                kept.append(structs.replace(block, gap=_joined(carried, block.gap, self.ending)))
                carried = ""
            else:
                kept.append(block)
        if kept and not kept[0].gap.strip() and 0 in gone:
            kept[0] = structs.replace(kept[0], gap="")
        tail = _joined(carried, self.tail, self.ending) if carried else self.tail
        return self.with_blocks(tuple(kept), tail)

    def _added(self, add: Add) -> Sheet:
        """A new table with a header; a value where the tables beside it are written inline."""
        number = self.holder(add.path)
        around = next(
            (add.path[:n] for n in range(len(add.path) - 1, 0, -1) if self._stands_in(number, add.path[:n])), ()
        )
        if len(around) > len(self.blocks[number].keys if number >= 0 else ()) and not self.under(around):
            return self._changed(number, Set(add.path, dict(add.table)))
        return self._placed(self._blocks_of(add.path, add.table), self._place(add.path, add.after, first=add.first))

    def _blocks_of(self, path: Keys, table: Mapping[str, Any], gap: str | None = None) -> tuple[Block, ...]:
        text = table_text(path, table).strip("\n") + "\n"
        ending = self.ending
        found = split(text.replace("\n", ending) if ending != "\n" else text).blocks
        return tuple(
            structs.replace(block, gap=ending if number or gap is None else gap) for number, block in enumerate(found)
        )

    def _place(self, path: Keys, after: str | None, *, first: bool = False) -> int:
        """Where the blocks of a new table go."""
        parent = path[:-1]
        if first:
            at = next((n for n in self.under(parent) if len(self.blocks[n].keys) >= len(path)), None)
            if at is not None:
                return at
        last = self._last((*parent, after)) if after is not None else -1
        while last < 0 and parent:
            last = self._last(parent)
            parent = parent[:-1]
        if last >= 0:
            return last + 1
        rank = _ORDER.index(path[0]) if path[0] in _ORDER else len(_ORDER)
        for number, block in enumerate(self.blocks):
            if block.keys and block.keys[0] in _ORDER and _ORDER.index(block.keys[0]) > rank:
                return number
        return len(self.blocks)

    def _placed(self, new: tuple[Block, ...], at: int) -> Sheet:
        """These blocks put in before block number `at`."""
        if not new:
            return self
        blocks, ending = list(self.blocks), self.ending
        if at == 0:
            new = (structs.replace(new[0], gap=blocks[0].gap if blocks else ""), *new[1:])
            if blocks:
                blocks[0] = structs.replace(blocks[0], gap=ending)
        elif not blocks[at - 1].text.endswith("\n"):
            blocks[at - 1] = structs.replace(blocks[at - 1], text=blocks[at - 1].text + ending)
        if at < len(blocks) and at and not blocks[at].gap:
            blocks[at] = structs.replace(blocks[at], gap=ending)
        if not new[-1].text.endswith("\n") and (at < len(blocks) or self.tail):
            new = (*new[:-1], structs.replace(new[-1], text=new[-1].text + ending))
        return self.with_blocks((*blocks[:at], *new, *blocks[at:]), self.tail)

    def _moved(self, move: Move) -> Sheet:
        numbers = self.under(move.path)
        stays = not (move.away or move.first or move.after is not None)
        if not numbers:
            table = self.table(move.path)
            if table is None:
                raise ValueError(f"there is no table {header_text(move.path)}")
            return self._without(move.path)._added(Add(move.to, table, move.after))
        number = self.holder(move.path)
        if self._stands_in(number, move.path):
            raise ValueError(f"{header_text(move.path)} is written in more than one way")
        depth = len(move.path)
        moved = [_headed(self.blocks[n], (*move.to, *self.blocks[n].keys[depth:])) for n in numbers]
        if stays:
            blocks = list(self.blocks)
            for n, block in zip(numbers, moved, strict=True):
                blocks[n] = block
            return self.with_blocks(tuple(blocks), self.tail)
        ending = self.ending
        moved = [structs.replace(block, gap=block.gap if not block.gap.strip() else ending) for block in moved]
        moved = [structs.replace(block, gap=block.gap or ending) for block in moved]
        rest = self._removed(numbers)
        return rest._placed(tuple(moved), rest._place(move.to, move.after, first=move.first))


MOST_PATCHED = 500
"""Blocks that differ, up to which patching the index is worth it."""

_AROUND: tuple[Keys, ...] = ((), ("nodes",), ("workflows",))
_LARGE = (("nodes",), ("workflows",), ("studio",))
_ORDER = ("project", "params", "vars", "run", "defaults", "pools", "nodes", "workflows", "agents", "studio")


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


def _headed(block: Block, keys: Keys) -> Block:
    """The block under another header."""
    text = _HEADER.sub(lambda found: f"{found[1]}{header_text(keys)}{found[3]}", block.text, count=1)
    return structs.replace(block, keys=keys, text=text)


def _joined(before: str, after: str, ending: str) -> str:
    """Two gaps as one: no more blank lines than the larger of them had."""
    return before.rstrip("\r\n") + ending + (after if after.startswith(("\n", "\r\n")) else ending + after)


# -- splitting -------------------------------------------------------------------------------------------------------


def split(text: str) -> Sheet:
    """The blocks of a text. Any text may be split; one that is no TOML gives blocks that are as wrong."""
    blocks: list[Block] = []
    start = 0  # where the block in hand begins, below its gap
    gap = ""
    header: tuple[Keys, bool] = ((), False)
    begun = False  # whether the block in hand has anything in it
    end = 0  # where what belongs to the block in hand ends
    lead: int | None = None  # where the comments began that stand right above the line in hand
    for line, kind, found in _statements(text):
        if kind == "blank":
            if lead is not None and lead == end and begun:
                end = line  # comments right below the last line belong to it
            lead = None
        elif kind == "comment":
            lead = line if lead is None else lead
        elif kind == "value":
            if not begun:
                gap, start, begun = "", 0, True
            end, lead = found, None
        else:
            below = line if lead is None else lead
            if begun:
                blocks.append(Block(header[0], text[start:end], gap, header[1]))
                gap = text[end:below]
            else:
                gap = text[:below]
            start, begun, lead = below, True, None
            header = _keys_of(text, line), text.startswith("[[", _first(text, line))
            end = found
    if lead is not None and lead == end and begun:
        end = len(text)
    if begun:
        blocks.append(Block(header[0], text[start:end], gap, header[1]))
        return Sheet(tuple(blocks), text[end:])
    return Sheet((), text)


def _statements(text: str) -> Iterator[tuple[int, str, int]]:
    """Each statement: where it begins, its kind (blank, comment, header, value), where it ends."""
    at, length = 0, len(text)
    match = _LINE.match
    while at < length:
        first = _first(text, at)
        sign = text[first] if first < length else "\n"
        found = match(text, at)
        end = found.end() if found is not None else _end_of(text, at)
        if sign in "\r\n":
            kind = "blank"
        else:
            kind = "comment" if sign == "#" else "header" if sign == "[" else "value"
        yield at, kind, end
        at = end


_INDENT = re.compile(r"[ \t]*")


def _first(text: str, at: int) -> int:
    found = _INDENT.match(text, at)
    return found.end() if found is not None else at


def _end_of(text: str, at: int) -> int:
    """Where a statement of several lines ends."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        sign = token[0]
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        elif sign == "\n" and depth <= 0:
            return token.end()
    return len(text)


def _keys_of(text: str, line: int) -> Keys:
    found = _HEADER.match(text, line)
    if found is None:
        return ("?",)
    inner = found[2]
    if '"' not in inner and "'" not in inner:
        return tuple(part.strip() for part in inner.split("."))
    return tuple(_plain(part) for part in _PART.findall(inner))


def _plain(part: str) -> str:
    if part[0] == "'":
        return part[1:-1]
    if part[0] == '"':
        return str(tomllib.loads(f"x = {part}")["x"])
    return part
