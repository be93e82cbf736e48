"""Whether what this process does not know may be taken to be new, by how often it was lately."""

from __future__ import annotations

from typing import Final

_ENOUGH: Final = 0.8
"""The share of batches from which it is worthwhile: one that was not new costs a transaction."""

_WEIGHT: Final = 1 / 8
"""How much the last batch counts against all before it."""


class Novelty:
    """How often batches of which the cache held nothing were new to the graph too, by space.

    A service that has just started, or whose cache is too small, finds that most were not. Batches
    of which the graph was asked count too, so that the end of that is noticed.
    """

    def __init__(self) -> None:
        self._shares: dict[str, float] = {}

    def is_likely(self, space: str) -> bool:
        """Whether such a batch may be written without asking."""
        return self._share(space) >= _ENOUGH

    def note(self, space: str, *, was_new: bool) -> None:
        """One such batch was new to the graph, or was not."""
        share = self._share(space)
        self._shares[space] = share + (was_new - share) * _WEIGHT

    def _share(self, space: str) -> float:
        return self._shares.get(space, 1.0)
