"""Disjoint sets of the numbers 0, 1, 2, … (union-find with path halving).

`resolution/clusters.py` has its own: there the root also depends on what a set holds.
"""

from __future__ import annotations

from collections.abc import Iterable


class DisjointSets:
    """A partition that only grows coarser. The root of a set is one of its numbers."""

    def __init__(self, roots: Iterable[int]) -> None:
        """`roots`: by number, the root of its set; `range(n)` puts each of n numbers alone."""
        self._parent = list(roots)

    def find(self, number: int) -> int:
        """The root of the set that holds a number."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def join(self, a: int, b: int) -> bool:
        """Put two numbers into one set. Returns whether they were in different ones."""
        root_a, root_b = self.find(a), self.find(b)
        self._parent[root_a] = root_b
        return root_a != root_b

    def join_all(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Put both numbers of each pair into one set."""
        parent = self._parent
        for a, b in pairs:
            # `find`, twice, in place: there are millions of pairs, and a call costs more.
            while parent[a] != a:
                parent[a] = a = parent[parent[a]]
            while parent[b] != b:
                parent[b] = b = parent[parent[b]]
            parent[a] = b

    def roots(self) -> list[int]:
        """By number, the root of its set. A copy: later joins do not change it."""
        roots = self._parent
        while (higher := [roots[root] for root in roots]) != roots:
            roots = higher
        return higher
