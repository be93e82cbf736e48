"""Sets of numbers that are joined and never parted again."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.disjoint_sets import DisjointSets
from tests.support.worlds import in_many_worlds

SIZE = 8
numbers = st.integers(0, SIZE - 1)
pairs = st.lists(st.tuples(numbers, numbers), max_size=12)


def partition(roots: list[int]) -> set[frozenset[int]]:
    return {
        frozenset(number for number, root in enumerate(roots) if root == each) for each in roots
    }


def connected(joined: list[tuple[int, int]]) -> set[frozenset[int]]:
    graph: nx.Graph[int] = nx.Graph(joined)
    graph.add_nodes_from(range(SIZE))
    return set(map(frozenset, nx.connected_components(graph)))


def test_numbers_are_alone_until_they_are_joined() -> None:
    sets = DisjointSets(range(3))

    assert sets.roots() == [0, 1, 2]


@in_many_worlds
@given(pairs)
def test_joined_pairs_make_connected_components(joined: list[tuple[int, int]]) -> None:
    sets = DisjointSets(range(SIZE))

    sets.join_all(joined)

    assert partition(sets.roots()) == connected(joined)
    assert partition([sets.find(number) for number in range(SIZE)]) == connected(joined)


@in_many_worlds
@given(pairs)
def test_a_join_says_whether_the_two_were_apart(joined: list[tuple[int, int]]) -> None:
    sets = DisjointSets(range(SIZE))
    before = [len(connected(joined[:count])) for count in range(len(joined) + 1)]

    for count, (a, b) in enumerate(joined):
        assert sets.join(a, b) is (before[count + 1] < before[count])

    assert partition(sets.roots()) == connected(joined)


@in_many_worlds
@given(pairs, pairs)
def test_a_partition_is_joined_further_without_a_change_to_itself(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    coarse = DisjointSets(range(SIZE))
    coarse.join_all(first)
    roots = coarse.roots()
    untouched = list(roots)

    finer = DisjointSets(roots)
    finer.join_all(second)

    assert roots == untouched
    assert partition(finer.roots()) == connected([*first, *second])


def test_the_root_of_a_set_is_one_of_its_numbers() -> None:
    sets = DisjointSets(range(5))

    sets.join_all([(3, 4), (4, 1)])

    assert sets.find(3) == sets.find(1) == sets.find(4)
    assert sets.find(3) in {1, 3, 4}
    assert sets.find(0) == 0
