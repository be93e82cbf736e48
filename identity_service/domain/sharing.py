"""Rule 6: what becomes of an identifier that several people share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from identity_service.domain.clusters import Clusters
from identity_service.domain.evidence import Link
from identity_service.domain.policy import Rule


class SharedIdentifiers:
    """Decides level by level which identifiers with `shared: quarantine` are contested or given.

    `counting` names, by such an identifier, the positions of the links that count: those to a
    neighbour of stronger priority. `exempt` are ends of accepted judgements, and
    super-connectors, which stand alone anyway.
    """

    def __init__(
        self,
        clusters: Clusters,
        links: Sequence[Link],
        counting: Mapping[int, list[int]],
        exempt: Collection[int],
    ) -> None:
        self._clusters = clusters
        self._links = links
        self._counting = counting
        self._exempt = exempt
        self.contested: set[int] = set()
        self.special: set[int] = set()
        """Contested or given: links that touch one are taken after all others of their level."""

    def by_level(self) -> Mapping[int, list[int]]:
        """The identifiers that may be shared, by the level before which they are looked at."""
        levels: dict[int, list[int]] = defaultdict(list)
        for position, links in self._counting.items():
            # One neighbour is one owner at most, and an identifier may always have one.
            if len(links) > 1 and position not in self._exempt:
                rule = self._clusters.rules[position]
                if rule:
                    levels[rule.priority].append(position)
        return levels

    def decide(self, positions: Collection[int]) -> None:
        """Look at the identifiers of one level: contested, given, or neither."""
        for position in positions:
            rule = self._clusters.rules[position]
            owners = self._owners(position)
            if rule is None or len(owners) < 2:
                continue
            if len(owners) <= rule.owners and self._clusters.could_be_one(owners):
                continue
            owner = _dominant(owners, rule)
            if owner is None:
                self.contest(position)
            else:
                self._clusters.give(position, owner)
                self.special.add(position)

    def contest(self, position: int) -> None:
        """Say that an identifier belongs to nobody."""
        self._clusters.mark_contested(position)
        self.contested.add(position)
        self.special.add(position)

    def _owners(self, position: int) -> dict[int, int]:
        """Clusters with a person among the stronger neighbours, with their sightings."""
        clusters = self._clusters
        owners: dict[int, int] = {}
        for number in self._counting[position]:
            link = self._links[number]
            neighbour = link.b if link.a == position else link.a
            if neighbour in clusters.owner_of:
                continue
            root = clusters.find(neighbour)
            if clusters.holds_person(root):
                owners[root] = max(link.times_seen, owners.get(root, 0))
        return owners


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
