"""Rule 6: what becomes of an identifier that several people share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from math import inf

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Rule
from identity_service.domain.resolution.clusters import Clusters, Ends
from identity_service.domain.resolution.evidence import Evidence

Neighbours = dict[int, int]
"""The neighbours of an identifier that count, each with the number of the link to it."""


class SharedIdentifiers:
    """Decides level by level which identifiers with `shared: quarantine` are contested or given.

    `rules` has the rule of every type; `levels` are the links of each level, strongest first,
    with the rule of their weaker ends; `exempt` are ends of accepted judgements.
    """

    def __init__(
        self,
        clusters: Clusters,
        evidence: Evidence,
        rules: Mapping[str, Rule | None],
        levels: Sequence[tuple[Rule | None, Sequence[int]]],
        ends: Ends,
        exempt: Collection[int],
    ) -> None:
        self._clusters = clusters
        self._evidence = evidence
        self._rules = rules
        self._levels = levels
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

    def decide(self, rule: Rule, numbers: Sequence[int]) -> list[int]:
        """Look at the weaker ends of one level's links: contested, given, or neither.

        `numbers` are the links that count, those to a neighbour of stronger priority. Returns
        the links to neighbours that another speaks for: they are taken after all others too.
        """
        around = self._that_meet_several(numbers)
        strongest = self._strongest_members(around)
        late: list[int] = []
        for position, neighbours in around.items():
            spoken_for = self._spoken_for(neighbours, strongest)
            late += [neighbours[neighbour] for neighbour in spoken_for]
            owners = self._owners(neighbours, spoken_for)
            if len(owners) < 2 or (
                len(owners) <= rule.owners and self._clusters.could_be_one(owners)
            ):
                continue
            owner = _dominant(owners, rule)
            if owner is None:
                self.contest(position)
            else:
                self._clusters.give(position, owner)
                self.special.add(position)
        return late

    def _that_meet_several(self, numbers: Sequence[int]) -> dict[int, Neighbours]:
        """The identifiers to look at that meet several clusters with a person.

        Nearly all meet one: it is remembered in one number for each.
        """
        weaker, stronger = self._ends
        persons = self._clusters.persons_at([stronger[number] for number in numbers])
        only: dict[int, int] = {}
        several = {
            weaker[number]
            for number, root in zip(numbers, persons, strict=True)
            if root is not None and only.setdefault(weaker[number], root) != root
        }
        found: dict[int, Neighbours] = {
            position: {} for position in several - self.contested if position not in self._exempt
        }
        if found:
            given = self._clusters.owner_of
            for number, root in zip(numbers, persons, strict=True):
                if (
                    root is not None
                    and (neighbours := found.get(weaker[number])) is not None
                    and stronger[number] not in given
                ):
                    neighbours[stronger[number]] = number
        return found

    def _owners(self, neighbours: Neighbours, without: Collection[int]) -> dict[int, int]:
        """The clusters of neighbours (roots), with their sightings."""
        find, links = self._clusters.find, self._evidence.links
        owners: dict[int, int] = {}
        for neighbour, number in neighbours.items():
            if neighbour not in without:
                root, times = find(neighbour), links[number].times_seen
                owners[root] = max(times, owners.get(root, times))
        return owners

    def _spoken_for(self, neighbours: Neighbours, strongest: Mapping[int, int]) -> set[int]:
        """The neighbours that another neighbour speaks for.

        From the strongest to the weakest, so that whoever may speak was looked at before.
        """
        find, seen_with = self._clusters.find, self._persons_seen_with
        found: set[int] = set()
        for neighbour in sorted(neighbours.keys() & seen_with.keys(), key=self._strength):
            root = find(neighbour)
            if strongest.get(root) == neighbour and any(
                person in neighbours and person not in found and find(person) != root
                for person in seen_with[neighbour]
            ):
                found.add(neighbour)
        return found

    def _strongest_members(self, around: Mapping[int, Neighbours]) -> dict[int, int]:
        """The strongest member of every cluster whose members another could speak for, by root."""
        if not around:
            return {}
        seen_with, find = self._persons_seen_with, self._clusters.find
        wanted = {
            find(neighbour)
            for neighbours in around.values()
            for neighbour in neighbours.keys() & seen_with.keys()
            if any(person in neighbours for person in seen_with[neighbour])
        }
        strongest: dict[int, int] = {}
        if wanted:
            for position, root in enumerate(self._clusters.roots()):
                if root in wanted:
                    best = strongest.get(root, position)
                    strongest[root] = min(best, position, key=self._strength)
        return strongest

    @cached_property
    def _persons_seen_with(self) -> dict[int, list[int]]:
        """By person identifier, the person identifiers of stronger priority it was seen with."""
        weaker, stronger = self._ends
        found: dict[int, list[int]] = {}
        for rule, numbers in self._levels:
            if rule is None or rule.kind is not IdentifierKind.PERSON:
                continue
            for number in numbers:
                other = self._rule_of(stronger[number])
                if other and other.kind is IdentifierKind.PERSON and other.priority < rule.priority:
                    found.setdefault(weaker[number], []).append(stronger[number])
        return found

    def _rule_of(self, position: int) -> Rule | None:
        return self._rules[self._evidence.identifiers[position].type]

    def _strength(self, position: int) -> tuple[float, Identifier]:
        """A sort key: the stronger, the smaller."""
        rule = self._rule_of(position)
        return (rule.priority if rule else inf, self._evidence.identifiers[position])


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
