"""A new task function: what it looks like for a node, and the source of a module with it at the end.

What is in the module already is never touched: the function goes behind it, two blank lines apart. Its arguments are those
that the node gives: inputs first, then args, a map's item, what a loop carries.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.project.model import Node, Task
from studio.document.code import parsed

MAX_LINE = 100


def stub_of(node: Node, reference: str) -> str:
    """The source of the function that `module:function` of a node names, to be filled in by a person."""
    name = reference.partition(":")[2]
    arguments = list(dict.fromkeys(argument for argument in _given(node, reference) if _is_name(argument)))
    head = f"def {name}({', '.join(arguments)}):"
    if len(head) > MAX_LINE:
        head = f"def {name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + "):"
    about = _one_line(node.settings.description) or f"What the node {node.id} does."
    return f'{head}\n    """{about}"""\n    raise NotImplementedError("{name} is not written yet")\n'


def with_stub(source: str, stub: str) -> tuple[str, int]:
    """The source with a function behind it, and the line (from 1) at which that begins."""
    ending = "\r\n" if "\r\n" in source else "\n"
    before = source.rstrip()
    if not before:
        return stub.replace("\n", ending), 1
    lines = before.replace("\r\n", "\n").count("\n") + 1
    return f"{before}{ending * 3}{stub.replace(chr(10), ending)}", lines + 3


def defines(source: str, name: str) -> bool:
    """Whether a module's source has a function, class or value of this name at its top already, as far as can be told."""
    tree = parsed(source)
    if tree is None:
        return f"def {name}(" in source or f"class {name}" in source
    return any(getattr(statement, "name", None) == name for statement in tree.body)


def module_file(folder: Path, reference: str) -> Path | None:
    """The file that a new function of `module:function` goes to; None where that is no place in the folder."""
    module, _, name = reference.partition(":")
    parts = module.split(".")
    if not name.isidentifier() or keyword.iskeyword(name) or not all(part.isidentifier() for part in parts):
        return None
    base = folder.joinpath(*parts)
    package = base / "__init__.py"
    file = package if package.is_file() else base.with_name(base.name + ".py")
    return file if file.resolve().is_relative_to(folder.resolve()) else None


def _given(node: Node, reference: str) -> Iterator[str]:
    """The arguments that a node gives to the function."""
    if not isinstance(node.body, Task) or node.body.task != reference:
        yield "value"  # a condition, a delay: what it gets is not written at the node
        return
    yield from node.inputs
    if node.each is not None:
        yield from node.each.map if isinstance(node.each.map, Mapping) else ("item",)
    if node.again is not None and node.again.carry is not None:
        yield node.again.carry
    yield from node.args


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _one_line(text: str | None) -> str:
    """A description as the line of a docstring: nothing in it may end the docstring, or be an escape."""
    line = " ".join((text or "").split())[:MAX_LINE]
    plain = "".join(char for char in line if char.isprintable())
    return plain.replace("\\", "/").replace('"', "'").strip()
