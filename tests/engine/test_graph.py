"""Questions about graphs of integers have the answers that slower ways give, at any size."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph import cycle_of, dependents_of, levels_of, reachable, topological_order

Graph = list[tuple[int, ...]]


@st.composite
def dags(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(0, 12))
    order = draw(st.permutations(range(size)))
    deps: Graph = [()] * size
    for place, node in enumerate(order):
        earlier = list(order[:place])
        chosen = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=4)) if earlier else []
        deps[node] = tuple(chosen)
    return deps


def longest(deps: Graph, node: int) -> int:
    return max((1 + longest(deps, source) for source in deps[node]), default=0)


@pytest.mark.seed("S20")
@given(dags())
def test_dependents_mirror_dependencies(deps: Graph) -> None:
    dependents = dependents_of(deps)
    assert {(a, b) for b, up in enumerate(deps) for a in up} == {
        (a, b) for a, down in enumerate(dependents) for b in down
    }


@given(dags())
def test_an_order_has_every_node_after_those_it_waits_for(deps: Graph) -> None:
    order = topological_order(deps)
    assert order is not None
    assert sorted(order) == list(range(len(deps)))
    place = {node: index for index, node in enumerate(order)}
    assert all(place[source] < place[node] for node, up in enumerate(deps) for source in up)
    assert cycle_of(deps) is None


@pytest.mark.seed("S21")
@given(dags())
def test_a_level_is_the_longest_way_from_a_source(deps: Graph) -> None:
    assert levels_of(deps) == [longest(deps, node) for node in range(len(deps))]


@given(dags(), st.data())
def test_a_cycle_is_found_and_is_one(deps: Graph, data: st.DataObject) -> None:
    if not deps:
        return
    closing = data.draw(st.integers(0, len(deps) - 1))
    inside = sorted(reachable([closing], dependents_of(deps)))
    deps[closing] = (*deps[closing], data.draw(st.sampled_from(inside)))
    assert topological_order(deps) is None
    cycle = cycle_of(deps)
    assert cycle is not None
    assert cycle[0] == cycle[-1]
    assert all(before in deps[after] for before, after in itertools.pairwise(cycle))
    with pytest.raises(ValueError, match="cycle"):
        levels_of(deps)


def test_what_can_be_reached_contains_where_one_began() -> None:
    deps: Graph = [(), (0,), (1,), ()]
    assert reachable([2], deps) == {0, 1, 2}
    assert reachable([0], dependents_of(deps)) == {0, 1, 2}
    assert reachable([], deps) == set()


def test_a_chain_of_a_hundred_thousand_needs_no_recursion() -> None:
    count = 100_000
    deps: Graph = [(), *[(number,) for number in range(count - 1)]]
    assert levels_of(deps)[-1] == count - 1
    assert cycle_of(deps) is None
    deps[0] = (count - 1,)
    cycle = cycle_of(deps)
    assert cycle is not None
    assert len(cycle) == count + 1
