"""What an edge into a node can mean: the arguments that may take the value, the best one first, or the order only.

An *option* is the name of an argument, or None for an edge without data. What a node can take is known from its
function (`catalog`), from the params of the workflow that it runs, or not at all: then any name is good, and the
source's own is offered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.project.model import Approval, Command, Composite, Node, Shell, SubWorkflow, Task, Wait
from engine.project.references import ReferenceSyntax, read_reference
from studio.document.catalog import Catalog

Option = str | None


def options(node: Node, source: str, catalog: Catalog) -> tuple[Option, ...]:
    """What an edge from `source` (a path) into a node can be, the likeliest first."""
    own = argument_name(source)
    body = node.body
    if isinstance(body, Task):
        return (*_of_task(node, own, catalog), None)
    if isinstance(body, Command | Shell):
        return (own, *(name for name in node.inputs if name != own), None)
    if isinstance(body, SubWorkflow):
        return (*(name for name in body.params if name != own), own, None)
    if isinstance(body, Wait | Approval | Composite):
        return (None,)
    return (None, own)


def _of_task(node: Node, own: str, catalog: Catalog) -> list[str]:
    task = node.body.task if isinstance(node.body, Task) else ""
    function = catalog.function(task) if isinstance(task, str) else None
    if function is None:
        return [own, *(name for name in node.inputs if name != own)]
    names = [argument.name for argument in function.arguments]
    wanted = set(function.inputs)
    taken = {*node.inputs, *node.args}
    if function.takes_any and own not in names:
        names.append(own)

    def rank(name: str) -> tuple[bool, bool, bool, int]:
        return (name in taken, name != own, name not in wanted, names.index(name))

    return sorted(names, key=rank)


def argument_name(path: str) -> str:
    """A name for an argument that takes the result of a node: its id, made a Python name."""
    text = "".join(char if char.isalnum() or char == "_" else "_" for char in path.rpartition("/")[2])
    return text if text.isidentifier() else f"from_{text}"


def starts_with_data(node: Node, source: str) -> bool:
    """Whether a new node speaks of its source already, in its condition or in what it goes through."""
    name = source.rpartition("/")[2]
    said = [node.each.map if node.each is not None else None]
    said += [getattr(node.body, word, None) for word in ("condition", "switch")]
    return any(isinstance(text, str) and f"${{{name}}}" in text for text in said)


class Lead(NamedTuple):
    """An edge as the file has it: `argument` is None for order. `fixed` where it is written inside of a value."""

    source: str
    target: str
    argument: Option
    fixed: bool = False


def leads(source: str, target: str, node: Node) -> Iterator[Lead]:
    """The edges from a node to `target`, which is `node`, one for each argument; `fixed` where no key says it."""
    names = set(_names(source, target))
    found = False
    for argument, references in node.inputs.items():
        if any(_base(each) in names for each in ((references,) if isinstance(references, str) else references)):
            found = True
            yield Lead(source, target, argument)
    if any(name in names for name in node.needs):
        found = True
        yield Lead(source, target, None)
    if not found:
        yield Lead(source, target, None, fixed=True)


def _names(source: str, target: str) -> Iterator[str]:
    """What a node may be called where another one stands: its path from each level around that one."""
    around = target
    while around:
        around = around.rpartition("/")[0]
        if not around:
            yield source
        elif source.startswith(f"{around}/"):
            yield source[len(around) + 1 :]


def _base(reference: str) -> str:
    try:
        return read_reference(reference).name
    except ReferenceSyntax:
        return reference
