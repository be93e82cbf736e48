"""Rule 6: what becomes of an identifier that several people share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from identity_service.domain.policies.policy import Rule
from identity_service.domain.resolution.clusters import Clusters, Ends
from identity_service.domain.resolution.evidence import Link


class SharedIdentifiers:
    """Decides level by level which identifiers with `shared: quarantine` are contested or given.

    `exempt` are ends of accepted judgements.
    """

    def __init__(
        self, clusters: Clusters, links: Sequence[Link], ends: Ends, exempt: Collection[int]
    ) -> None:
        self._clusters = clusters
        self._links = links
        self._ends = ends
        self._exempt = exempt
        self.contested: set[int] = set()
        self.special: set[int] = set()
        """Contested or given: links that touch one are taken after all others of their level."""

    def contest(self, position: int) -> None:
        """Say that an identifier belongs to nobody."""
        self._clusters.mark_contested(position)
        self.contested.add(position)
        self.special.add(position)

    def decide(self, rule: Rule, numbers: Sequence[int]) -> None:
        """Look at the weaker ends of one level's links: contested, given, or neither.

        `numbers` are the links that count, those to a neighbour of stronger priority.
        """
        exempt, contested = self._exempt, self.contested
        for position, owners in self._several_owners(numbers).items():
            if position in exempt or position in contested:
                continue
            if len(owners) <= rule.owners and self._clusters.could_be_one(owners):
                continue
            owner = _dominant(owners, rule)
            if owner is None:
                self.contest(position)
            else:
                self._clusters.give(position, owner)
                self.special.add(position)

    def _several_owners(self, numbers: Sequence[int]) -> dict[int, dict[int, int]]:
        """Of identifiers with at least two owners, the owners (roots), with their sightings."""
        weaker, stronger = self._ends
        owner_of = self._clusters.owner_of
        persons = self._clusters.persons_at([stronger[number] for number in numbers])
        several = _that_meet_several(weaker, numbers, persons)
        found: dict[int, dict[int, int]] = {position: {} for position in several}
        if not found:
            return found
        for number, root in zip(numbers, persons, strict=True):
            owners = found.get(weaker[number])
            if owners is not None and root is not None and stronger[number] not in owner_of:
                owners[root] = max(self._links[number].times_seen, owners.get(root, 0))
        return {position: owners for position, owners in found.items() if len(owners) > 1}


def _that_meet_several(
    weaker: Sequence[int], numbers: Iterable[int], persons: Iterable[int | None]
) -> set[int]:
    """The weaker ends that meet more than one cluster with a person.

    Nearly all meet one: it is remembered in one number for each.
    """
    only: dict[int, int] = {}
    return {
        weaker[number]
        for number, root in zip(numbers, persons, strict=True)
        if root is not None and only.setdefault(weaker[number], root) != root
    }


def _dominant(owners: Mapping[int, int], rule: Rule) -> int | None:
    """The one owner with the share of sightings that `dominance` asks for, and at least two."""
    if rule.dominance is None:
        return None
    owner = max(owners, key=lambda root: owners[root])
    sightings = owners[owner]
    # A quotient, not a product: 55 of 100 is exactly the number that "0.55" is read as.
    if sightings >= 2 and sightings / sum(owners.values()) >= rule.dominance:
        return owner
    return None
