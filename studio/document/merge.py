"""Two people, or two programs, changed the same file: what both did, together.

Three texts are compared by what their tables say: the one both began with, *mine* (the draft), and *theirs* (the file as
it is now). A value that only one of them changed is as that one has it; lists of names (`needs`, `tags`) take what either
put in or took out. Where both changed the same value to something else, that is a *clash*, and a person chooses.

What the tables say is decided first, and holds. Then the text is put together block by block, and inside of a block line
by line, so that comments of both stay; if that does not say just what was decided, their text is edited until it does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal

from msgspec import UNSET, Struct, structs

from engine.project.editing import differences
from studio.document.blocks import Block, Keys
from studio.document.sheet import Sheet, split
from studio.document.splicing import Add, Operation, edited

Side = Literal["mine", "theirs"]
Answers = Mapping[Keys, Side]

_UNITED = frozenset(("needs", "tags"))
"""Lists whose order says nothing: what one puts in and the other takes out does not clash."""


class Clash(Struct, frozen=True):
    """Both changed what is at these keys. A value that is not there is UNSET."""

    keys: Keys
    base: Any
    mine: Any
    theirs: Any


class Merged(Struct, frozen=True):
    """What came of it. While there are clashes without an answer, `text` has mine there."""

    text: str
    clashes: tuple[Clash, ...] = ()


def merge(base: str, mine: str, theirs: str, answers: Answers | None = None) -> Merged:
    """The text that has the changes of both. All three must be TOML. Raises ValueError where it cannot be written."""
    answers = answers or {}
    if theirs in (mine, base):
        return Merged(mine)
    if base == mine:
        return Merged(theirs)
    clashes: list[Clash] = []
    data = _tables((), _data(base), _data(mine), _data(theirs), answers, clashes)
    text = _text(split(base), split(mine), split(theirs))
    if not _says(text, data):
        text = _edited(theirs, data)
    return Merged(text, tuple(clash for clash in clashes if clash.keys not in answers))


def _data(text: str) -> dict[str, Any]:
    return tomllib.loads(text.replace("\r\n", "\n"))


def _says(text: str, data: Mapping[str, Any]) -> bool:
    try:
        return same(_data(text), data)
    except (tomllib.TOMLDecodeError, ValueError):
        return False


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to a reader: of the same types, and tables in the same order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other or (one != one and other != other))  # noqa: PLR0124 (nan)


# -- what the tables say ---------------------------------------------------------------------------------------------


def _tables(
    keys: Keys, base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any], answers: Answers, out: list[Clash]
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in _order(list(base), list(mine), list(theirs)):
        was, own, new = base.get(key, UNSET), mine.get(key, UNSET), theirs.get(key, UNSET)
        value = _value((*keys, key), was, own, new, answers, out)
        if value is not UNSET:
            merged[key] = value
    return merged


def _value(keys: Keys, base: Any, mine: Any, theirs: Any, answers: Answers, out: list[Clash]) -> Any:
    if same(mine, theirs) or same(base, theirs):
        return mine
    if same(base, mine):
        return theirs
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return _tables(keys, base if isinstance(base, dict) else {}, mine, theirs, answers, out)
    if keys[-1] in _UNITED and isinstance(mine, list) and isinstance(theirs, list):
        return _united(base if isinstance(base, list) else [], mine, theirs)
    out.append(Clash(keys, base, mine, theirs))
    return theirs if answers.get(keys) == "theirs" else mine


def _united(base: list[Any], mine: list[Any], theirs: list[Any]) -> list[Any]:
    gone = [one for one in base if one not in mine or one not in theirs]
    every = [*mine, *(one for one in theirs if one not in mine)]
    return [one for one in every if one not in gone]


def _order(base: list[Any], mine: list[Any], theirs: list[Any]) -> list[Any]:
    """The things of all three, in the order of whoever changed the order; what the other has besides stands in it
    where it stands beside its neighbours."""
    shared = [one for one in base if one in set(mine) & set(theirs)]
    first, second = theirs, mine
    if [one for one in mine if one in set(shared)] != shared:
        first, second = mine, theirs
    found = list(first)
    known = set(found)
    for number, one in enumerate(second):
        if one not in known:
            before = next((other for other in reversed(second[:number]) if other in known), None)
            found.insert(found.index(before) + 1 if before is not None else 0, one)
            known.add(one)
    return found


# -- the text --------------------------------------------------------------------------------------------------------


def _text(base: Sheet, mine: Sheet, theirs: Sheet) -> str:
    """The blocks of both: each as whoever changed it has it; the lines of both where both did."""
    was, own, other = _by_name(base), _by_name(mine), _by_name(theirs)
    blocks: list[Block] = []
    for name in _order(list(was), list(own), list(other)):
        one, two = own.get(name), other.get(name)
        text = _side(*(side[name].text if name in side else None for side in (was, own, other)))
        if text is not None:
            known = two or one or was[name]
            gap = _side(*(side[name].gap if name in side else None for side in (was, own, other)))
            blocks.append(structs.replace(known, text=text, gap=known.gap if gap is None else gap))
    tail = _side(base.tail, mine.tail, theirs.tail)
    ending = theirs.ending
    for number, block in enumerate(blocks[:-1]):
        if not block.text.endswith("\n"):
            blocks[number] = structs.replace(block, text=block.text + ending)
    return Sheet(tuple(blocks), tail or "").text


def _by_name(sheet: Sheet) -> dict[tuple[Keys, int], Block]:
    """Blocks by their keys, and a number where a file has the same twice (table arrays)."""
    found: dict[tuple[Keys, int], Block] = {}
    for block in sheet.blocks:
        number = 0
        while (block.keys, number) in found:
            number += 1
        found[(block.keys, number)] = block
    return found


def _side(base: str | None, mine: str | None, theirs: str | None) -> str | None:
    if theirs in (mine, base):
        return mine
    if base == mine or base is None or mine is None or theirs is None:
        return theirs if base == mine or mine is None else mine
    return "".join(_lines(base.splitlines(True), mine.splitlines(True), theirs.splitlines(True)))


def _lines(base: list[str], mine: list[str], theirs: list[str]) -> Iterator[str]:
    """The lines of both; where both changed the same ones, first those of theirs, then mine: what it says decides."""
    one, other = _anchors(base, mine), _anchors(base, theirs)
    at = a = b = 0
    for number in (*sorted(one.keys() & other.keys()), len(base)):
        to_a, to_b = one.get(number, len(mine)), other.get(number, len(theirs))
        was, own, new = base[at:number], mine[a:to_a], theirs[b:to_b]
        yield from own if new in (own, was) else new if own == was else [*new, *own]
        if number < len(base):
            yield base[number]
        at, a, b = number + 1, to_a + 1, to_b + 1


def _anchors(base: list[str], other: list[str]) -> dict[int, int]:
    """Lines of `base` that `other` still has, and where."""
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    return {
        block.a + number: block.b + number for block in matcher.get_matching_blocks() for number in range(block.size)
    }


def _edited(text: str, data: Mapping[str, Any]) -> str:
    """A text edited until it says `data`; the order of tables is as it can be."""
    sheet = split(text)
    operations: list[Operation] = []
    for change in differences(sheet.whole(), data):
        keys = tuple(str(key) for key in change.path)
        if len(keys) == 2 and keys[0] in ("nodes", "workflows") and isinstance(getattr(change, "value", None), dict):
            names = list(data[keys[0]])
            at = names.index(keys[1])
            operations.append(Add(keys, change.value, names[at - 1] if at else None, first=not at))  # type: ignore[union-attr]
        else:
            operations.append(change)
    made = edited(sheet, operations).text
    found = _data(made)
    if found != data:
        raise ValueError("the changes of both cannot be written into one text")
    return made
