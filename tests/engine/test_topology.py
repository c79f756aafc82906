"""A topology is never cyclic, and its two directions agree."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CycleDetected, NodeNotFound
from engine.topology import WorkflowTopology

EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40)


def topology_of(nodes: int, edges: list[tuple[int, int]]) -> tuple[WorkflowTopology, nx.DiGraph]:
    topology, oracle = WorkflowTopology(), nx.DiGraph()
    for node in range(nodes):
        topology.add_node(str(node))
        oracle.add_node(str(node))
    for source, target in edges:
        oracle.add_edge(str(source), str(target))
        if nx.is_directed_acyclic_graph(oracle):
            topology.add_edge(str(source), str(target))
        else:
            oracle.remove_edge(str(source), str(target))
            with pytest.raises(CycleDetected) as caught:
                topology.add_edge(str(source), str(target))
            assert caught.value.cycle[0] == caught.value.cycle[-1] == str(source)
    return topology, oracle


@pytest.mark.seed("S65", "S78", "S79", "S81", "S84")
@given(EDGES)
def test_edges_that_would_close_a_circle_are_refused_and_change_nothing(edges: list[tuple[int, int]]) -> None:
    topology, oracle = topology_of(8, edges)
    assert not topology.has_cycle()
    assert {(a, b) for a, followers in topology.edges.items() for b in followers} == set(oracle.edges)


@pytest.mark.seed("S18", "S19", "S20", "S79")
@given(EDGES)
def test_both_directions_mirror_each_other(edges: list[tuple[int, int]]) -> None:
    topology, _ = topology_of(8, edges)
    for a in topology:
        for b in topology:
            assert (b in topology.successors(a)) == (a in topology.predecessors(b))


@pytest.mark.seed("S21", "S80", "S82", "S252")
@given(EDGES)
def test_levels_are_the_longest_way_from_a_source(edges: list[tuple[int, int]]) -> None:
    topology, oracle = topology_of(8, edges)
    expected = dict.fromkeys(oracle, 0)
    for node in nx.topological_sort(oracle):
        expected[node] = max((expected[source] + 1 for source in oracle.predecessors(node)), default=0)
    assert topology.calculate_levels() == expected
    assert topology.node_levels == expected


@pytest.mark.seed("S83")
@given(EDGES)
def test_sources_wait_for_none_and_come_in_order(edges: list[tuple[int, int]]) -> None:
    topology, oracle = topology_of(8, edges)
    assert topology.get_source_nodes() == [node for node in map(str, range(8)) if not oracle.in_degree(node)]


@pytest.mark.seed("S81")
def test_a_node_cannot_wait_for_itself_and_an_edge_twice_is_once() -> None:
    topology, _ = topology_of(2, [(0, 1)])
    with pytest.raises(CycleDetected):
        topology.add_edge("0", "0")
    topology.add_edge("0", "1")
    assert topology.successors("0") == ["1"]


@pytest.mark.seed("S65")
def test_unknown_nodes_are_named() -> None:
    topology, _ = topology_of(2, [])
    with pytest.raises(NodeNotFound, match="'9'"):
        topology.add_edge("0", "9")


def test_a_removed_node_takes_its_edges_along() -> None:
    topology, _ = topology_of(3, [(0, 1), (1, 2)])
    topology.remove_node("1")
    assert topology.edges == {"0": [], "2": []}
    assert topology.reverse_edges == {"0": [], "2": []}
