"""Graphs and functions that benchmarks share: `deps[i]` are the numbers of the nodes that node i reads."""

from __future__ import annotations

from typing import Any

Deps = list[tuple[int, ...]]
MIB = bytes(1 << 20)
SOURCE = """
def noop(*values):
    return 1

def echo(blob):
    return blob
"""


def noop(*values: Any) -> int:
    return 1


def echo(blob: Any) -> Any:
    return blob


def functions_of_a_script() -> dict[str, Any]:
    """The same functions, in a module that nobody else can import: they have to travel by value."""
    scope: dict[str, Any] = {"__name__": "nowhere"}
    exec(SOURCE, scope)
    return scope


def fan(count: int) -> Deps:
    """Independent nodes, and one that reads them all."""
    return [()] * count + [tuple(range(count))]


def chain(count: int) -> Deps:
    return [(i - 1,) if i else () for i in range(count)]


def layered(layers: int, width: int) -> Deps:
    """Each node reads 3 of the layer above."""
    deps: Deps = [()] * width
    for layer in range(1, layers):
        above = (layer - 1) * width
        deps += [tuple(above + (i + step) % width for step in (0, 1, 7)) for i in range(width)]
    return deps


class Frontier:
    """Which nodes of a graph may run: Kahn's way."""

    def __init__(self, deps: Deps) -> None:
        self.waiting = [len(row) for row in deps]
        self.after: list[list[int]] = [[] for _ in deps]
        for node, row in enumerate(deps):
            for above in row:
                self.after[above].append(node)
        self.ready = [node for node, count in enumerate(self.waiting) if not count]

    def finish(self, node: int) -> list[int]:
        """The nodes that may run now that this one is done."""
        freed = []
        for below in self.after[node]:
            self.waiting[below] -= 1
            if not self.waiting[below]:
                freed.append(below)
        return freed
