"""Operations on the text of a sheet: values inside of blocks, and tables that come, go and move.

Inside of a block, `engine.project.editing` changes values and keeps comments, order and quoting; here is where tables
begin, end and stand. A value goes to the innermost table around it that has a block; a new table is written after the
ones beside it, in the layout of `engine.project.layout`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, structs

from engine.project.editing import Delete, Set, edit
from engine.project.layout import header_text, table_text
from studio.document.blocks import Block, Keys, blocks_of, headed
from studio.document.sheet import Sheet


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


def edited(sheet: Sheet, operations: Iterable[Operation]) -> Sheet:
    """The sheet after these operations, in their order. Raises ValueError where the text does not allow it."""
    for operation in operations:
        if isinstance(operation, Move):
            sheet = _moved(sheet, operation)
        elif isinstance(operation, Add):
            sheet = _added(sheet, operation)
        elif isinstance(operation, Delete):
            sheet = _without(sheet, tuple(map(str, operation.path)))
        else:
            sheet = _with(sheet, tuple(map(str, operation.path)), operation.value)
    return sheet


def _changed(sheet: Sheet, number: int, operation: Set | Delete) -> Sheet:
    """One value changed inside of one block."""
    block = sheet.blocks[number]
    text = edit(block.text, [operation])
    if text == block.text:
        return sheet
    inner, tail = blocks_of(text)
    if not inner:
        return _removed(sheet, [number])
    first = structs.replace(inner[0], gap=block.gap, text=inner[0].gap + inner[0].text)
    found = [first, *(structs.replace(other, gap=other.gap or sheet.ending) for other in inner[1:])]
    found[-1] = structs.replace(found[-1], text=found[-1].text + tail)
    return sheet.spliced(number, 1, tuple(found))


def _with(sheet: Sheet, path: Keys, value: Any) -> Sheet:
    parent = path[:-1]
    if sheet.under(path) and not isinstance(value, dict):
        return _with(_removed(sheet, sheet.under(path)), path, value)
    number = sheet.holder(path)
    if not parent and isinstance(value, dict) and not sheet.stands_in(number, path):
        return _added(sheet, Add(path, value))
    if sheet.has(parent) or sheet.stands_in(number, parent):
        return _changed(sheet, number, Set(path, value))
    if sheet.under(parent):
        # The table has only tables below it so far: it gets a header of its own, before them.
        first = sheet.under(parent)[0]
        block = sheet.blocks[first]
        new = _blocks_of(sheet, parent, {path[-1]: value}, block.gap)
        return sheet.spliced(first, 1, (*new, structs.replace(block, gap=sheet.ending)))
    if isinstance(value, dict):
        return _added(sheet, Add(path, value))
    if not parent:
        root = Block((), edit("", [Set(path, value)]).replace("\n", sheet.ending))
        rest = sheet.blocks
        if rest and not rest[0].gap:
            rest = (structs.replace(rest[0], gap=sheet.ending), *rest[1:])
        return sheet.with_blocks((root, *rest), sheet.tail)
    return _added(sheet, Add(parent, {path[-1]: value}))


def _without(sheet: Sheet, path: Keys) -> Sheet:
    sheet = _removed(sheet, sheet.under(path))
    number = sheet.holder(path)
    if sheet.stands_in(number, path):
        sheet = _changed(sheet, number, Delete(path))
    return sheet


def _removed(sheet: Sheet, numbers: list[int]) -> Sheet:
    """Without these blocks; comments between blocks stay, blank lines do not pile up."""
    if not numbers:
        return sheet
    gone = set(numbers)
    first = numbers[0]
    kept: list[Block] = list(sheet.blocks[:first])
    carried = ""
    for number in range(first, len(sheet.blocks)):
        block = sheet.blocks[number]
        if number in gone:
            if block.gap.strip():
                carried += block.gap
            elif number == 0:
                carried = ""
        elif carried:
            kept.append(structs.replace(block, gap=_joined(carried, block.gap, sheet.ending)))
            carried = ""
        else:
            kept.append(block)
    if kept and not kept[0].gap.strip() and 0 in gone:
        kept[0] = structs.replace(kept[0], gap="")
    tail = _joined(carried, sheet.tail, sheet.ending) if carried else sheet.tail
    return sheet.with_blocks(tuple(kept), tail)


def _added(sheet: Sheet, add: Add) -> Sheet:
    """A new table with a header; a value where the tables beside it are written inline."""
    number = sheet.holder(add.path)
    around = next((add.path[:n] for n in range(len(add.path) - 1, 0, -1) if sheet.stands_in(number, add.path[:n])), ())
    if len(around) > len(sheet.blocks[number].keys if number >= 0 else ()) and not sheet.under(around):
        return _changed(sheet, number, Set(add.path, dict(add.table)))
    return _placed(sheet, _blocks_of(sheet, add.path, add.table), _place(sheet, add.path, add.after, first=add.first))


def _blocks_of(sheet: Sheet, path: Keys, table: Mapping[str, Any], gap: str | None = None) -> tuple[Block, ...]:
    text = table_text(path, table).strip("\n") + "\n"
    ending = sheet.ending
    found, _ = blocks_of(text.replace("\n", ending))
    return tuple(
        structs.replace(block, gap=ending if number or gap is None else gap) for number, block in enumerate(found)
    )


def _place(sheet: Sheet, path: Keys, after: str | None, *, first: bool = False) -> int:
    """Where the blocks of a new table go."""
    parent = path[:-1]
    if first:
        at = next((n for n in sheet.under(parent) if len(sheet.blocks[n].keys) >= len(path)), None)
        if at is not None:
            return at
    last = sheet.last((*parent, after)) if after is not None else -1
    while last < 0 and parent:
        last = sheet.last(parent)
        parent = parent[:-1]
    if last >= 0:
        return last + 1
    rank = _ORDER.index(path[0]) if path[0] in _ORDER else len(_ORDER)
    for number, block in enumerate(sheet.blocks):
        if block.keys and block.keys[0] in _ORDER and _ORDER.index(block.keys[0]) > rank:
            return number
    return len(sheet.blocks)


def _placed(sheet: Sheet, new: tuple[Block, ...], at: int) -> Sheet:
    """These blocks put in before block number `at`."""
    if not new:
        return sheet
    blocks, ending = list(sheet.blocks), sheet.ending
    if at == 0:
        new = (structs.replace(new[0], gap=blocks[0].gap if blocks else ""), *new[1:])
        if blocks:
            blocks[0] = structs.replace(blocks[0], gap=ending)
    elif not blocks[at - 1].text.endswith("\n"):
        blocks[at - 1] = structs.replace(blocks[at - 1], text=blocks[at - 1].text + ending)
    if at < len(blocks) and at and not blocks[at].gap:
        blocks[at] = structs.replace(blocks[at], gap=ending)
    if not new[-1].text.endswith("\n") and (at < len(blocks) or sheet.tail):
        new = (*new[:-1], structs.replace(new[-1], text=new[-1].text + ending))
    return sheet.with_blocks((*blocks[:at], *new, *blocks[at:]), sheet.tail)


def _moved(sheet: Sheet, move: Move) -> Sheet:
    numbers = sheet.under(move.path)
    stays = not (move.away or move.first or move.after is not None)
    if not numbers:
        table = sheet.table(move.path)
        if table is None:
            raise ValueError(f"there is no table {header_text(move.path)}")
        return _added(_without(sheet, move.path), Add(move.to, table, move.after))
    number = sheet.holder(move.path)
    if sheet.stands_in(number, move.path):
        raise ValueError(f"{header_text(move.path)} is written in more than one way")
    depth = len(move.path)
    moved = [headed(sheet.blocks[n], (*move.to, *sheet.blocks[n].keys[depth:])) for n in numbers]
    if stays:
        blocks = list(sheet.blocks)
        for n, block in zip(numbers, moved, strict=True):
            blocks[n] = block
        return sheet.with_blocks(tuple(blocks), sheet.tail)
    ending = sheet.ending
    moved = [structs.replace(block, gap=block.gap if not block.gap.strip() else ending) for block in moved]
    moved = [structs.replace(block, gap=block.gap or ending) for block in moved]
    rest = _removed(sheet, numbers)
    return _placed(rest, tuple(moved), _place(rest, move.to, move.after, first=move.first))


_ORDER = ("project", "params", "vars", "run", "defaults", "pools", "nodes", "workflows", "agents", "studio")


def _joined(before: str, after: str, ending: str) -> str:
    """Two gaps as one: no more blank lines than the larger of them had."""
    return before.rstrip("\r\n") + ending + (after if after.startswith(("\n", "\r\n")) else ending + after)
