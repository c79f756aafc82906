"""The graph of a workflow as an object that can be asked and grown: edges both ways, levels, sources, cycles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from engine.errors import CycleDetected, NodeNotFound
from engine.graph import cycle_of, levels_of


class WorkflowTopology:
    """Nodes and edges, in the order in which they were added. Never cyclic: an edge that would close a circle is refused."""

    def __init__(self) -> None:
        self._edges: dict[str, dict[str, None]] = {}
        self._reverse: dict[str, dict[str, None]] = {}
        self._levels: dict[str, int] = {}

    @property
    def edges(self) -> Mapping[str, list[str]]:
        """Node -> the nodes that wait for it."""
        return MappingProxyType({node: list(followers) for node, followers in self._edges.items()})

    @property
    def reverse_edges(self) -> Mapping[str, list[str]]:
        """Node -> the nodes that it waits for."""
        return MappingProxyType({node: list(sources) for node, sources in self._reverse.items()})

    @property
    def node_levels(self) -> Mapping[str, int]:
        """Node -> level, as of the last `calculate_levels`."""
        return MappingProxyType(self._levels)

    def __contains__(self, node: object) -> bool:
        return node in self._edges

    def __iter__(self) -> Iterator[str]:
        return iter(self._edges)

    def __len__(self) -> int:
        return len(self._edges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkflowTopology) and self._edges == other._edges and self._reverse == other._reverse

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> WorkflowTopology:
        """The same graph, apart from this one."""
        other = WorkflowTopology()
        other._edges = {node: dict(followers) for node, followers in self._edges.items()}
        other._reverse = {node: dict(sources) for node, sources in self._reverse.items()}
        other._levels = dict(self._levels)
        return other

    def add_node(self, node: str) -> None:
        """Add a node without edges; one that is there already stays as it is."""
        self._edges.setdefault(node, {})
        self._reverse.setdefault(node, {})

    def remove_node(self, node: str) -> None:
        """Take a node out, with its edges. Raises NodeNotFound."""
        self._check(node)
        for follower in self._edges.pop(node):
            del self._reverse[follower][node]
        for source in self._reverse.pop(node):
            del self._edges[source][node]

    def add_edge(self, upstream: str, downstream: str) -> None:
        """Let `downstream` wait for `upstream`. Twice is once. Raises NodeNotFound, CycleDetected; then nothing changed."""
        self._check(upstream)
        self._check(downstream)
        if downstream in self._edges[upstream]:
            return
        path = self._path(downstream, upstream)
        if path is not None:
            raise CycleDetected([upstream, *path])
        self._edges[upstream][downstream] = None
        self._reverse[downstream][upstream] = None

    def remove_edge(self, upstream: str, downstream: str) -> None:
        """Take an edge out; one that is not there is no error. Raises NodeNotFound."""
        self._check(upstream)
        self._check(downstream)
        self._edges[upstream].pop(downstream, None)
        self._reverse[downstream].pop(upstream, None)

    def predecessors(self, node: str) -> list[str]:
        """The nodes that `node` waits for."""
        self._check(node)
        return list(self._reverse[node])

    def successors(self, node: str) -> list[str]:
        """The nodes that wait for `node`."""
        self._check(node)
        return list(self._edges[node])

    def get_source_nodes(self) -> list[str]:
        """The nodes that wait for none, in the order in which they were added."""
        return [node for node, sources in self._reverse.items() if not sources]

    def has_cycle(self) -> bool:
        """Whether nodes wait for each other in a circle."""
        return cycle_of(self._numbered()) is not None

    def calculate_levels(self) -> Mapping[str, int]:
        """Level of each node: 0 for sources, else 1 + the highest upstream. Linear in nodes and edges."""
        levels = levels_of(self._numbered())
        self._levels = dict(zip(self._edges, levels, strict=True))
        return self.node_levels

    def level_of(self, node: str) -> int:
        """The level of one node as the graph is now. Raises NodeNotFound."""
        self._check(node)
        return self.calculate_levels()[node]

    def _numbered(self) -> list[list[int]]:
        numbers = {node: number for number, node in enumerate(self._edges)}
        return [[numbers[source] for source in sources] for sources in self._reverse.values()]

    def _path(self, start: str, end: str) -> list[str] | None:
        """The nodes from `start` to `end` along edges, both included; None if there is no way."""
        if start == end:
            return [start]
        came: dict[str, str] = {start: start}
        todo = [start]
        while todo:
            node = todo.pop()
            for follower in self._edges[node]:
                if follower in came:
                    continue
                came[follower] = node
                if follower == end:
                    path = [end]
                    while path[-1] != start:
                        path.append(came[path[-1]])
                    return path[::-1]
                todo.append(follower)
        return None

    def _check(self, node: str) -> None:
        if node not in self._edges:
            raise NodeNotFound(node, self._edges)
